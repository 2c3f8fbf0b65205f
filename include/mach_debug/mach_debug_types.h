/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types that mach_debug_types.defs speaks of.
 */
#ifndef MACH_DEBUG_MACH_DEBUG_TYPES_H
#define MACH_DEBUG_MACH_DEBUG_TYPES_H

#include <mach_debug/hash_info.h>
#include <mach_debug/slab_info.h>
#include <mach_debug/vm_info.h>

typedef char symtab_name_t[32];
typedef const char *const_symtab_name_t;
typedef char new_symtab_name_t[32];
typedef const char *const_new_symtab_name_t;

#define KERNEL_DEBUG_NAME_MAX (64) /* with the 0 at the end */
typedef char kernel_debug_name_t[KERNEL_DEBUG_NAME_MAX];
typedef const char *const_kernel_debug_name_t;

#endif
