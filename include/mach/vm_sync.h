/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_msync()'s flags.
 */
#ifndef MACH_VM_SYNC_H
#define MACH_VM_SYNC_H

typedef int vm_sync_t;
#define VM_SYNC_ASYNCHRONOUS ((vm_sync_t) 0x01) /* begin to write changes back */
#define VM_SYNC_SYNCHRONOUS ((vm_sync_t) 0x02) /* and wait for it */
#define VM_SYNC_INVALIDATE ((vm_sync_t) 0x04) /* forget the pages afterwards */

#endif
