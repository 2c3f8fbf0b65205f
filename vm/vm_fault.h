/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults: making one page of a map accessible.
 *
 * vm_fault() is called for a user's or the kernel's access (copyin and copyout). It finds the page through the map, the
 * object and its shadows, asks a manager or fills with zeroes where it must, copies on write, and enters the mapping.
 * It holds no lock while it waits; after each wait it starts over from the map (and notices that it changed).
 */
#ifndef VM_VM_FAULT_H
#define VM_VM_FAULT_H

#include <mach/kern_return.h>
#include <mach/vm_prot.h>

#include "kernel/types.h"

struct vm_map;
struct vm_object;
struct vm_page;

/*
 * Resolves an access of kind prot (READ, or READ|WRITE) at address. KERN_SUCCESS; KERN_INVALID_ADDRESS (nothing mapped),
 * KERN_PROTECTION_FAILURE, KERN_MEMORY_FAILURE (no data: the manager died or said so), KERN_MEMORY_ERROR, KERN_ABORTED
 * (the thread is ending or was aborted). May sleep. No locks are held by the caller.
 */
kern_return_t vm_fault(struct vm_map *map, uintptr_t address, vm_prot_t prot);

/* The same for one page of an entry that is being wired: the page is wired before it is entered. */
kern_return_t vm_fault_wire(struct vm_map *map, uintptr_t address, vm_prot_t prot);

/*
 * Brings the page at index of object (with its shadows) in for reading or writing, for copies made by the kernel: on
 * success *page is resident and busy in *holder (object itself if prot has WRITE), whose paging count is held and
 * which is unlocked. Finish with vm_fault_page_done. Same errors as vm_fault.
 */
kern_return_t vm_fault_page(struct vm_object *object, uint32_t index, vm_prot_t prot, bool interruptible,
                            struct vm_page **page);
void vm_fault_page_done(struct vm_page *page);

/* Counters by kind of fault: true numbers for vm_statistics. */
struct vm_fault_counters {
    uint64_t faults, zero_fills, pageins, cow_faults, reactivations, lookups, hits;
};
extern struct vm_fault_counters vm_fault_counters;

#endif
