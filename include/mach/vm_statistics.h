/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_statistics(): pages in each state, and events since boot.
 */
#ifndef MACH_VM_STATISTICS_H
#define MACH_VM_STATISTICS_H

#include <mach/machine/vm_types.h>

struct vm_statistics {
    integer_t pagesize; /* bytes */
    integer_t free_count;
    integer_t active_count;
    integer_t inactive_count;
    integer_t wire_count;
    integer_t zero_fill_count; /* pages made of zeroes */
    integer_t reactivations; /* inactive pages used again */
    integer_t pageins;
    integer_t pageouts;
    integer_t faults;
    integer_t cow_faults;
    integer_t lookups; /* objects looked for in the cache */
    integer_t hits; /* and found */
};
typedef struct vm_statistics vm_statistics_data_t;
typedef struct vm_statistics *vm_statistics_t;

/* Of one address space */
struct pmap_statistics {
    integer_t resident_count;
    integer_t wired_count;
};
typedef struct pmap_statistics *pmap_statistics_t;

#endif
