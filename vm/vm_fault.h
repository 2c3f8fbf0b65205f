/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults: making one page of a map accessible.
 *
 * vm_fault() is called for a user's or the kernel's access (copyin and copyout). It finds the page through the map, the
 * object and its shadows, asks a manager or fills with zeroes where it must, copies on write, and enters the mapping.
 * It holds no lock while it waits; after each wait it starts over from the map. The map stays locked through a try, which
 * never sleeps.
 */
#ifndef VM_VM_FAULT_H
#define VM_VM_FAULT_H

#include <mach/kern_return.h>
#include <mach/vm_prot.h>

#include "kernel/types.h"

struct vm_frame;
struct vm_map;
struct vm_map_entry;
struct vm_object;

/*
 * Resolves an access of kind prot (READ, or READ|WRITE) at address. KERN_SUCCESS; KERN_INVALID_ADDRESS (nothing mapped),
 * KERN_PROTECTION_FAILURE, KERN_MEMORY_FAILURE (no data: the manager died or said so), KERN_MEMORY_ERROR, KERN_ABORTED
 * (the thread is ending or was aborted). May sleep. No locks are held by the caller.
 */
kern_return_t vm_fault(struct vm_map *map, uintptr_t address, vm_prot_t prot);

/* The same for one page of an entry that is being wired: the page is wired before it is entered. */
kern_return_t vm_fault_wire(struct vm_map *map, uintptr_t address, vm_prot_t prot);

/* Undoes vm_fault_wire of one page of entry; the map is locked, the pmap's mapping is the caller's. */
void vm_fault_unwire(struct vm_map_entry *entry, uintptr_t address);

/*
 * Kernel memory to or from mapped memory within one page, whoever's map it is: as vm_fault, but the bytes are moved
 * instead of a mapping being entered.
 */
kern_return_t vm_fault_read(struct vm_map *map, uintptr_t address, void *to, size_t size);
kern_return_t vm_fault_write(struct vm_map *map, uintptr_t address, const void *from, size_t size);

/*
 * The bytes of the page at index of object, as seen through its shadows, into kernel memory or a frame. *found is false
 * when there is no data anywhere, which reads as zeroes: the frame is not touched then. The caller holds a reference
 * and no locks. Same errors as vm_fault.
 */
kern_return_t vm_fault_object_read(struct vm_object *object, uint32_t index, unsigned int offset, void *to, size_t size);
kern_return_t vm_fault_object_copy(struct vm_object *object, uint32_t index, struct vm_frame *to, bool *found);

/*
 * Counters by kind of fault: true numbers for vm_statistics. And of memory objects that were mapped: lookups, and of those
 * the ones that were in use or cached, hits.
 */
struct vm_fault_counters {
    uint64_t faults, zero_fills, pageins, cow_faults, reactivations, lookups, hits;
};
extern struct vm_fault_counters vm_fault_counters;

#endif
