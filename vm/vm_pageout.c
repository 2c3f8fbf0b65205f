/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pageout daemon and the worker.
 *
 * 1. Goal. The daemon starts below the low watermark and works until what is free, with what answering managers are about
 *    to free, reaches the high one. Frames that stuck managers hold do not count, so the daemon goes on with other pages.
 * 2. A look. The policy gives a cold page; its object is try-locked, because the order is object before queues; a page
 *    whose object is busy elsewhere is met again later. Clean: dropped. Dirty or precious: gathered and sent. Manager at
 *    its window: the page is parked on the account and met again when that opens.
 * 3. Waiting. With nothing more to do the daemon sleeps until frames run short again, or a window opens; while there is a
 *    shortage and no progress it looks again every tick, because reference bits that were cleared make pages cold.
 * 4. Effort. Every page that is looked at is either taken, parked, or has its reference bit cleared, so a page is looked
 *    at no more than three times for each time it is taken.
 */
#include "vm/vm_pageout.h"

#include "ipc/ipc_space.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/memory_object_lock.h"
#include "vm/memory_object_proxy.h"
#include "vm/memory_object_sync.h"
#include "vm/vm_account.h"
#include "vm/vm_frame.h"
#include "vm/vm_gather.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_policy.h"

struct vm_pageout_counters vm_pageout_counters;

static struct thread *vm_pageout_daemon, *vm_pageout_worker;
static bool vm_pageout_wanted;          /* a wake-up came since the daemon last looked; interrupts never touch it */
static bool vm_pageout_worker_wanted;

void vm_pageout_wakeup(void)
{
    vm_pageout_wanted = true;
    if (vm_pageout_daemon != NULL)
        thread_wakeup(&vm_pageout_wanted);
}

void vm_pageout_worker_wakeup(void)
{
    vm_pageout_worker_wanted = true;
    if (vm_pageout_worker != NULL)
        thread_wakeup(&vm_pageout_worker_wanted);
}

/* Sleeps until *wanted, or for some milliseconds if that is not 0. */
static void vm_pageout_sleep(bool *wanted, uint32_t milliseconds)
{
    if (milliseconds == 0)
        thread_assert_wait(wanted, WAIT_UNINTERRUPTIBLE);
    else
        thread_assert_wait_timeout(wanted, WAIT_UNINTERRUPTIBLE, milliseconds);
    if (*wanted)
        thread_cancel_wait();
    else
        thread_block();
    *wanted = false;
}

/* ---- the daemon ---- */

/* The next cold page with its object locked, or NULL when this look met none. */
static struct vm_page *vm_pageout_next(void)
{
    vm_policy_lock();
    struct vm_page *page = vm_policy_next();
    if (page != NULL && !spinlock_try_lock(&page->object->lock))
        page = NULL;
    vm_policy_unlock();
    return page;
}

/*
 * Leaves page where the scan does not meet it until its manager frees, if there is no room for it at the manager. The
 * object is locked.
 */
static bool vm_pageout_park(struct vm_page *page)
{
    struct vm_account *account = memory_object_account(page->object->pager);

    if (account == NULL)
        return true; /* the port is in transit: met again on the next turn */
    bool full = vm_account_full(account);
    if (full)
        vm_policy_park(page, &account->parked);
    vm_account_unref(account);
    return full;
}

/* Does what can be done with page, which is in object (locked). Returns whether frames were freed or sent. */
static bool vm_pageout_page(struct vm_object *object, struct vm_page *page, struct pmap_batch *batch)
{
    struct memory_object *pager = object->pager;
    uint32_t next;

    if (page->busy || page->absent || page->frame == NULL || page->wire_count != 0)
        return false;
    if (pager == NULL || pager->dead || !object->alive) {
        vm_page_deactivate(page); /* nobody could take it now: off the lists */
        return false;
    }
    if (vm_policy_judge(page, batch) == VM_POLICY_KEEP)
        return false;
    if (!vm_page_modified(page) && !page->precious) {
        struct pmap_batch own;
        pmap_batch_init(&own);
        pmap_frame_unmap(page->frame, &own);
        pmap_batch_flush(&own);
        if (!vm_page_modified(page)) { /* nobody can write it any more */
            vm_policy_evicted(page);
            vm_page_free(page);
            vm_pageout_counters.clean_evictions++;
            return true;
        }
    }
    if (vm_pageout_park(page))
        return false;
    const struct vm_gather gather = {
        .pager = pager, .cause = VM_RUN_EVICTION, .both_ways = true, .only_cold = true, .end = UINT32_MAX};
    switch (vm_gather_send(&gather, page, &next)) {
    case VM_GATHER_SENT:
        return true;
    case VM_GATHER_FULL: /* just now: the next look parks it */
    case VM_GATHER_SHORTAGE:
        break;
    }
    return false;
}

/* Frames still to be found; asks every account, so not for each page. */
static int vm_pageout_shortfall(void)
{
    return (int)vm_frame_marks.high - (int)(vm_frame_nr_free() + vm_account_review());
}

/* Looks at up to 32 pages with one flush of the TLB; returns how many looks led to frames. */
static unsigned int vm_pageout_look(void)
{
    struct pmap_batch batch;
    unsigned int progress = 0;

    pmap_batch_init(&batch);
    for (unsigned int i = 0; i < 32; i++) {
        struct vm_page *page = vm_pageout_next();
        if (page == NULL)
            continue;
        struct vm_object *object = page->object;
        bool took = vm_pageout_page(object, page, &batch);
        vm_object_unlock(object);
        progress += took;
        /* Enough in sight without a full account: a run can be 64 pages. */
        if (took && vm_frame_nr_free() + vm_account_total_out() >= vm_frame_marks.high)
            break;
    }
    pmap_batch_flush(&batch);
    return progress;
}

/* Scans until the goal is reached, or a whole turn brought nothing. Returns whether the goal is reached. */
static bool vm_pageout_scan(void)
{
    unsigned int fruitless = 0;

    while (vm_pageout_shortfall() > 0) {
        unsigned int turn =
            2 * (vm_policy_counts.inactive - vm_policy_counts.parked + vm_policy_counts.active) + 32;
        fruitless = vm_pageout_look() > 0 ? 0 : fruitless + 32;
        if (fruitless > turn) {
            if (!vm_account_unpark_open())
                return false;
            fruitless = 0;
        }
        preempt_point();
    }
    return true;
}

static void vm_pageout_daemon_main(void *argument)
{
    (void)argument;
    current_thread()->kernel_daemon = true;
    for (;;) {
        vm_frame_shortage_rearm();
        bool done = true;
        if (vm_frame_nr_free() < vm_frame_marks.low) {
            vm_pageout_counters.scans++;
            done = vm_pageout_scan();
            memory_object_trim_cached();
            if (!done)
                kmem_reap();
        }
        bool short_now = vm_frame_nr_free() < vm_frame_marks.low;
        if (!short_now)
            vm_account_trust_again();
        vm_pageout_sleep(&vm_pageout_wanted, short_now ? 10 : 0);
        vm_pageout_counters.wakeups++;
    }
}

/* ---- the worker ---- */

/* One object's work; objects that could not go on for a moment are collected in retry. */
static void vm_pageout_work(struct memory_object *pager, struct list *retry)
{
    enum memory_object_progress progress = memory_object_work(pager);

    if (progress == MEMORY_OBJECT_NEED_WINDOW) {
        vm_object_lock(pager->object);
        struct vm_account *account = memory_object_account(pager);
        bool waits = account != NULL && vm_account_wait(account, pager);
        vm_object_unlock(pager->object);
        if (account != NULL)
            vm_account_unref(account);
        if (waits)
            return;
        progress = MEMORY_OBJECT_RETRY;
    }
    if (progress == MEMORY_OBJECT_RETRY)
        list_insert_tail(retry, &pager->work_node);
    else
        memory_object_work_done(pager);
}

static void vm_pageout_worker_main(void *argument)
{
    struct list retry = LIST_INIT(retry);
    struct memory_object *pager;

    (void)argument;
    current_thread()->kernel_daemon = true;
    for (;;) {
        while ((pager = memory_object_work_next()) != NULL)
            vm_pageout_work(pager, &retry);
        vm_pageout_sleep(&vm_pageout_worker_wanted, list_empty(&retry) ? 0 : 10);
        if (!list_empty(&retry)) {
            memory_object_work_resume(&retry);
            vm_pageout_worker_wanted = false; /* that was this thread itself, which looks at once */
        }
    }
}

void vm_pageout_init(void)
{
    memory_object_init_module();
    memory_object_lock_init();
    memory_object_proxy_init();
    memory_object_sync_init();
    vm_policy_init(vm_frame_nr_free());
    vm_account_init();
    vm_frame_shortage = vm_pageout_wakeup;
    vm_pageout_daemon = kernel_thread_create("pageout", vm_pageout_daemon_main, NULL, THREAD_PRIORITY_SYSTEM);
    vm_pageout_worker = kernel_thread_create("pageout worker", vm_pageout_worker_main, NULL, THREAD_PRIORITY_SYSTEM);
}
