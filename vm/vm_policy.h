/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replacement policy: which pages are cold.
 *
 * Two lists. *Inactive* pages are on probation, first in first out, with a second chance for those referenced again;
 * *active* ones are protected until they have not been referenced for a whole turn. What was evicted is remembered for a
 * while with the count of evictions at that moment: a page that comes back within a *refault distance* smaller than the
 * active list would have stayed, had it been protected instead of the coldest active page, so it becomes active at once.
 * Others begin on probation. So one long scan passes through the inactive list alone, and of a loop larger than memory
 * the active part keeps its hits.
 *
 * Rejected: LRU and CLOCK (a loop misses on every page), 2Q (the same: its ghosts admit the whole loop to the main queue).
 */
#ifndef VM_VM_POLICY_H
#define VM_VM_POLICY_H

#include "kernel/list.h"
#include "kernel/types.h"

struct vm_page;

/* The queues; Q is this lock. Taken with the page's object locked, or alone. */
void vm_policy_lock(void);
void vm_policy_unlock(void);

/*
 * Counts, pages. Unevictable pages are anonymous memory while there is no default pager; parked ones count as inactive. Of
 * the pages scanned, those that were found used were reclaimed (given another turn) at first, and activated the next time.
 */
struct vm_policy_counts {
    unsigned int active, inactive, unevictable, parked;
    uint64_t evicted, refaults, refaults_active, scanned, activated, reclaimed;
};
extern struct vm_policy_counts vm_policy_counts;

/*
 * The next page to look at, or NULL: the oldest inactive page, moved to the list's end so that the next call gives
 * another. Refills the inactive list from the active one first. Queues locked; the caller must try_lock the object.
 */
struct vm_page *vm_policy_next(void);

/* What the scan does with a page it was given: the reference bits decide. Object locked. */
enum vm_policy_verdict {
    VM_POLICY_KEEP,             /* referenced: given another turn, or made active */
    VM_POLICY_EVICT,
};
struct pmap_batch;
enum vm_policy_verdict vm_policy_judge(struct vm_page *page, struct pmap_batch *batch);
/* Whether a neighbour of a victim may go along: not active, not referenced. Object locked. */
bool vm_policy_cold(const struct vm_page *page);
/* page is about to be evicted: it is remembered. Object locked. */
void vm_policy_evicted(struct vm_page *page);

/*
 * Moves page to list, where scans do not meet it; and up to most pages of list back to the front of the inactive ones. A
 * list can be as long as memory, so it comes back in pieces, as there is use for them.
 */
void vm_policy_park(struct vm_page *page, struct list *list);
void vm_policy_unpark(struct list *list, unsigned int most);

void vm_policy_init(unsigned int nr_frames);

#endif
