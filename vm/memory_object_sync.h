/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making data permanent: vm_msync, and memory_object_synchronize for the managers that asked for it.
 *
 * The pages of the range go to the manager as by a lock request. A manager that asked is then sent memory_object_synchronize
 * for the range, and answers memory_object_synchronize_completed when the data is where it is to stay; who called with
 * VM_SYNC_SYNCHRONOUS waits for that. For other managers the call waits until all that was sent is received.
 */
#ifndef VM_MEMORY_OBJECT_SYNC_H
#define VM_MEMORY_OBJECT_SYNC_H

#include <mach/kern_return.h>
#include <mach/machine/vm_types.h>
#include <mach/vm_sync.h>

struct memory_object;
struct vm_object;

void memory_object_sync_init(void);

/*
 * Has [offset, offset + size) of object returned (with VM_SYNC_SYNCHRONOUS or VM_SYNC_ASYNCHRONOUS), flushed (with
 * VM_SYNC_INVALIDATE) and synchronized. KERN_ABORTED: the wait was broken off, the rest goes on. KERN_MEMORY_FAILURE: the
 * manager died or gave the object up meanwhile. An object without a manager is up to date. No locks held.
 */
kern_return_t memory_object_sync(struct vm_object *object, vm_offset_t offset, vm_size_t size, vm_sync_t flags);

/* Nobody will answer: who waits gets KERN_MEMORY_FAILURE. The object is locked. */
void memory_object_sync_fail(struct memory_object *pager);

#endif
