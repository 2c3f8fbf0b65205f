/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gathering: neighbours of one object and class made into a run and sent.
 *
 * A *span* is a row of resident pages, contiguous by index, that may all go in one run now. Finding one costs in
 * proportion to its length; taking it away from all mappings is one batch with one flush of the TLB.
 */
#ifndef VM_VM_GATHER_H
#define VM_VM_GATHER_H

#include "kernel/types.h"
#include "vm/vm_run.h"

struct memory_object;
struct vm_page;

/* What is to be done with pages that leave, or are cleaned. */
struct vm_gather {
    struct memory_object *pager;
    enum vm_run_cause cause;
    bool keep;                  /* kernel_copy: the pages stay, clean and write-protected */
    bool both_ways;             /* neighbours before the page too (eviction); otherwise only after it */
    bool only_cold;             /* leave out neighbours that the policy calls hot */
    uint32_t end;               /* index that is not to be reached; UINT32_MAX: none */
};

enum vm_gather_result {
    VM_GATHER_SENT,             /* *next is the index after the run */
    VM_GATHER_FULL,             /* the manager's window is full, or nobody receives now: nothing has changed */
    VM_GATHER_SHORTAGE,         /* no memory for a record's parts: nothing has changed */
};

/*
 * Sends a run that contains page, which is resident, not busy, and dirty or precious, to pager's manager. The object is
 * locked. Never sleeps.
 */
enum vm_gather_result vm_gather_send(const struct vm_gather *gather, struct vm_page *page, uint32_t *next);

#endif
