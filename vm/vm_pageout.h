/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pageout daemon: from a shortage of frames to messages in managers' hands.
 *
 * One thread scans cold pages when free frames fall below the low watermark, until they reach the high one: a clean page
 * is dropped, a dirty or precious one goes to its manager in a run with its neighbours. A manager at its window is
 * passed over at once. A second thread, the worker, goes on with lock requests and terminations as windows open.
 * Neither ever waits for a manager. See doc/pageout.md.
 */
#ifndef VM_VM_PAGEOUT_H
#define VM_VM_PAGEOUT_H

#include "kernel/types.h"
#include "vm/vm_account.h"
#include "vm/vm_run.h"

/* True counts since boot, for vm_statistics and the console. */
struct vm_pageout_counters {
    uint64_t runs[VM_RUN_NR_CAUSES], pages[VM_RUN_NR_CAUSES];
    uint64_t precious_runs;                         /* of them: clean, dirty FALSE */
    uint64_t clean_evictions;                       /* pages dropped without a word */
    uint64_t runs_home;                             /* runs that were not received, given back */
    uint64_t histogram[7];                          /* runs of 1, 2-3, 4-7, ... 64 pages */
    uint64_t scans, wakeups, window_full;
};
extern struct vm_pageout_counters vm_pageout_counters;

/* Starts the daemon and the worker. */
void vm_pageout_init(void);
/* Wakes the daemon: frames are short, or a window opened. Any locks below LOCK_RANK_WAIT. */
void vm_pageout_wakeup(void);
/* Wakes the worker. */
void vm_pageout_worker_wakeup(void);

#endif
