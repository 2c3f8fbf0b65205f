/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_cache_statistics(): what memory is used for. Counts are of pages, unless they say objects.
 */
#ifndef MACH_VM_CACHE_STATISTICS_H
#define MACH_VM_CACHE_STATISTICS_H

#include <mach/machine/vm_types.h>

struct vm_cache_statistics {
    integer_t cache_object_count; /* objects that nobody maps, kept for later */
    integer_t cache_count; /* in such objects */
    integer_t active_tmp_count; /* anonymous */
    integer_t inactive_tmp_count;
    integer_t active_perm_count; /* backed by a manager */
    integer_t inactive_perm_count;
    integer_t dirty_count;
    integer_t laundry_count; /* with a manager, to be cleaned */
    integer_t writeback_count;
    integer_t slab_count; /* used by the kernel's allocator */
    integer_t slab_reclaim_count; /* of which it could give back */
};
typedef struct vm_cache_statistics vm_cache_statistics_data_t;
typedef struct vm_cache_statistics *vm_cache_statistics_t;

#endif
