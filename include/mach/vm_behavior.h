/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How memory is expected to be used; OSF's names and numbers. For machair_memory_object_set_paging().
 */
#ifndef MACH_VM_BEHAVIOR_H
#define MACH_VM_BEHAVIOR_H

typedef int vm_behavior_t;

#define VM_BEHAVIOR_DEFAULT 0       /* nothing is known: the kernel goes by what it sees */
#define VM_BEHAVIOR_RANDOM 1        /* no page says anything of the next */
#define VM_BEHAVIOR_SEQUENTIAL 2    /* from low to high offsets */
#define VM_BEHAVIOR_RSEQNTL 3       /* from high to low offsets */

#endif
