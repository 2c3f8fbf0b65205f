/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One queue, one thread. A second thread would let a long end pass a short one, but the order of queueing is part of the
 * contract: runs of one manager come home in the order in which they were destroyed.
 *
 * The thread allocates as the pageout path does: what it ends gives memory back.
 */
#include "kernel/reaper.h"

#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/thread.h"

static struct spinlock reaper_lock = SPINLOCK_INIT(LOCK_RANK_REAPER, "reaper");
static struct list reaper_items = LIST_INIT(reaper_items);  /* [reaper_lock] */
static bool reaper_idle;                                    /* [reaper_lock] the thread waits for an item */

void reaper_queue(struct reaper_item *item)
{
    bool wake;

    assert(item->function != NULL);
    spinlock_lock(&reaper_lock);
    list_insert_tail(&reaper_items, &item->node);
    wake = reaper_idle;
    reaper_idle = false;
    spinlock_unlock(&reaper_lock);
    if (wake)
        (void)thread_wakeup_one(&reaper_items);
}

static void reaper_run(void *argument)
{
    struct reaper_item *item;

    (void)argument;
    spinlock_lock(&reaper_lock);
    for (;;) {
        item = list_first(&reaper_items, struct reaper_item, node);
        if (item == NULL) {
            reaper_idle = true;
            (void)thread_sleep(&reaper_items, &reaper_lock, WAIT_UNINTERRUPTIBLE);
        } else {
            list_remove(&item->node);
            spinlock_unlock(&reaper_lock);
            /* It may be freed, or queued again, by its function. */
            item->function(item);
            preempt_point();
        }
        spinlock_lock(&reaper_lock);
    }
}

void reaper_init(void)
{
    struct thread *thread = kernel_thread_create("reaper", reaper_run, NULL, THREAD_PRIORITY_SYSTEM);

    thread->kernel_daemon = true;
}
