/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages: their size, and arithmetic on them.
 */
#ifndef MACH_VM_PARAM_H
#define MACH_VM_PARAM_H

#include <mach/machine/vm_param.h>
#include <mach/machine/vm_types.h>

/* Inside the kernel, kernel/types.h has these. */
#ifndef MACH_KERNEL

#ifndef PAGE_SIZE
#define PAGE_SIZE (1 << PAGE_SHIFT)
#endif
#ifndef PAGE_MASK
#define PAGE_MASK (PAGE_SIZE - 1)
#endif

/* Bytes to pages and back */
#define atop(x) ((vm_size_t) (x) >> PAGE_SHIFT)
#define ptoa(x) ((vm_offset_t) ((x) << PAGE_SHIFT))

/* Rounding up wraps to 0 in the last page. */
#define trunc_page(x) ((vm_offset_t) ((vm_offset_t) (x) & ~PAGE_MASK))
#define round_page(x) ((vm_offset_t) (((vm_offset_t) (x) + PAGE_MASK) & ~PAGE_MASK))
#define page_aligned(x) (((vm_offset_t) (x) & PAGE_MASK) == 0)

#define trunc_phys(x) ((phys_addr_t) ((phys_addr_t) (x) & ~PAGE_MASK))
#define round_phys(x) ((phys_addr_t) (((phys_addr_t) (x) + PAGE_MASK) & ~PAGE_MASK))
#define phys_aligned(x) (((phys_addr_t) (x) & PAGE_MASK) == 0)

#endif

#endif
