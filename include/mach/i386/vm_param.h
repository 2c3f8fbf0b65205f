/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page size and address range of a user task on i386.
 */
#ifndef MACH_I386_VM_PARAM_H
#define MACH_I386_VM_PARAM_H

#include <mach/machine/vm_types.h>

#define BYTE_SIZE 8 /* bits */

#define I386_PGSHIFT 12
#define I386_PGBYTES 4096

/* Inside the kernel, kernel/types.h has the unadorned page macros. */
#ifndef MACH_KERNEL
#define PAGE_SHIFT I386_PGSHIFT
#endif

#define i386_btop(x) ((unsigned long) (x) >> I386_PGSHIFT)
#define i386_ptob(x) ((unsigned long) (x) << I386_PGSHIFT)
#define i386_trunc_page(x) ((unsigned long) (x) & ~(I386_PGBYTES - 1))
#define i386_round_page(x) i386_trunc_page((unsigned long) (x) + (I386_PGBYTES - 1))

#define VM_MIN_ADDRESS (0)
#define VM_MAX_ADDRESS (0xc0000000UL)

#endif
