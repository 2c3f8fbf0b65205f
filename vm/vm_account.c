/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Laundry accounts.
 *
 * The pool. A run record is about half a kilobyte with its object and its map entry. Each manager has one of its own,
 * made when its first object is mapped; windows beyond one run draw on a pool of fixed size, one record for every 256
 * frames of memory (at 64 MiB 64 records, 16 MiB of laundry: more than the windows of any two managers), at least 8.
 *
 * The largest window is an eighth of memory, so that a manager that is fast can keep its device busy while what it
 * holds never becomes most of memory; at least VM_ACCOUNT_WINDOW_MIN.
 */
#include "vm/vm_account.h"

#include "ipc/ipc_space.h"
#include "kernel/panic.h"
#include "kernel/timer.h"
#include "vm/memory_object.h"
#include "vm/vm_frame.h"
#include "vm/vm_pageout.h"
#include "vm/vm_policy.h"
#include "vm/vm_run.h"

#define VM_ACCOUNT_FRAMES_A_POOL_RUN 256u
#define VM_ACCOUNT_POOL_MIN 8u
#define VM_ACCOUNT_WINDOW_SHARE 8u
/* Pages that come back to the scan when there is room for half a run or more: what four runs are made of. */
#define VM_ACCOUNT_UNPARK (4 * VM_RUN_PAGES)

static struct spinlock vm_account_lock = SPINLOCK_INIT(LOCK_RANK_ACCOUNT, "accounts");
static struct list vm_account_all = LIST_INIT(vm_account_all);     /* [A] */
static struct list vm_account_pool = LIST_INIT(vm_account_pool);   /* [A] vm_run.account_node: free records */
static uint32_t vm_account_out;                                     /* [A] over all accounts */
static uint32_t vm_account_window_max;                              /* [I] */
/* [A] Ticks when frames out were first counted on since the last came back; 0: none. */
static uint64_t vm_account_trusted_at;
static struct kmem_cache vm_account_cache;

void vm_account_init(void)
{
    uint32_t nr_frames = vm_frame_nr_free();

    kmem_cache_init(&vm_account_cache, "vm_account", sizeof(struct vm_account), 0);
    vm_account_window_max = MAX(VM_ACCOUNT_WINDOW_MIN, nr_frames / VM_ACCOUNT_WINDOW_SHARE);
    for (uint32_t i = 0; i < MAX(VM_ACCOUNT_POOL_MIN, nr_frames / VM_ACCOUNT_FRAMES_A_POOL_RUN); i++) {
        struct vm_run *run = vm_run_create(ALLOC_NOSLEEP);
        if (run == NULL)
            panic("too little memory for the pool of runs");
        list_insert_tail(&vm_account_pool, &run->account_node);
    }
}

struct vm_account *vm_account_create(struct ipc_space *space, enum alloc how)
{
    spinlock_lock(&vm_account_lock);
    struct vm_account *account = space->pager_account;
    if (account != NULL)
        account->refs++;
    spinlock_unlock(&vm_account_lock);
    if (account != NULL)
        return account;

    account = kmem_cache_alloc(&vm_account_cache, how);
    if (account == NULL)
        return NULL;
    *account = (struct vm_account){.space = space, .refs = 2, .window = VM_ACCOUNT_WINDOW_MIN};
    list_init(&account->runs);
    list_init(&account->waiting);
    list_init(&account->parked);
    account->reserved = vm_run_create(how);
    if (account->reserved == NULL) {
        kmem_cache_free(&vm_account_cache, account);
        return NULL;
    }
    account->reserved->from_account = true;

    spinlock_lock(&vm_account_lock);
    struct vm_account *first = space->pager_account;
    if (first == NULL) {
        space->pager_account = account;
        list_insert_tail(&vm_account_all, &account->node);
    } else {
        first->refs++;
    }
    spinlock_unlock(&vm_account_lock);
    if (first != NULL) { /* another thread was faster */
        vm_run_destroy(account->reserved);
        kmem_cache_free(&vm_account_cache, account);
        return first;
    }
    return account;
}

struct vm_account *vm_account_lookup(struct ipc_space *space)
{
    spinlock_lock(&vm_account_lock);
    struct vm_account *account = space->pager_account;
    if (account != NULL)
        account->refs++;
    spinlock_unlock(&vm_account_lock);
    return account;
}

void vm_account_unref(struct vm_account *account)
{
    spinlock_lock(&vm_account_lock);
    assert(account->refs > 0);
    bool last = --account->refs == 0;
    if (last)
        list_remove(&account->node);
    spinlock_unlock(&vm_account_lock);
    if (last) {
        assert(account->nr_out == 0 && account->nr_runs == 0 && account->space == NULL);
        assert(list_empty(&account->waiting) && list_empty(&account->parked));
        if (account->reserved != NULL)
            vm_run_destroy(account->reserved);
        kmem_cache_free(&vm_account_cache, account);
    }
}

/* Lets everything that waits for the window go on. The accounts' lock is held; it is released. */
static void vm_account_open(struct vm_account *account)
{
    struct list waiting = LIST_INIT(waiting);
    list_splice_tail(&waiting, &account->waiting);
    bool parked = !list_empty(&account->parked); /* a racy look: a page parked just now is met at the next credit */
    spinlock_unlock(&vm_account_lock);
    if (!list_empty(&waiting))
        memory_object_work_resume(&waiting);
    if (parked)
        vm_policy_unpark(&account->parked, VM_ACCOUNT_UNPARK);
}

/* [A] */
static bool vm_account_is_full(const struct vm_account *account)
{
    /* Without a record there is no room either: one comes back to the manager itself, or to the pool for all who wait. */
    return account->nr_out + VM_RUN_PAGES / 2 > account->window ||
           (account->reserved == NULL && list_empty(&vm_account_pool));
}

bool vm_account_full(const struct vm_account *account)
{
    spinlock_lock(&vm_account_lock);
    bool full = vm_account_is_full(account);
    spinlock_unlock(&vm_account_lock);
    return full;
}

bool vm_account_unpark_open(void)
{
    struct vm_account *account;
    bool any = false;

    spinlock_lock(&vm_account_lock);
    list_for_each(&vm_account_all, account, node) {
        if (list_empty(&account->parked) || (vm_account_is_full(account) && account->space != NULL))
            continue;
        vm_policy_unpark(&account->parked, VM_ACCOUNT_UNPARK); /* the queues' lock comes after ours */
        any = true;
    }
    spinlock_unlock(&vm_account_lock);
    return any;
}

void vm_account_space_ended(struct ipc_space *space)
{
    spinlock_lock(&vm_account_lock);
    struct vm_account *account = space->pager_account;
    space->pager_account = NULL;
    if (account == NULL) {
        spinlock_unlock(&vm_account_lock);
        return;
    }
    account->space = NULL;
    vm_account_open(account);
    vm_policy_unpark(&account->parked, UINT32_MAX);
    vm_account_unref(account);
}

struct vm_run *vm_account_charge(struct vm_account *account, uint32_t nr_pages, uint32_t *granted)
{
    struct vm_run *run = NULL;

    assert(nr_pages >= 1 && nr_pages <= VM_RUN_PAGES);
    spinlock_lock(&vm_account_lock);
    bool first = account->nr_out == 0;
    uint32_t room = account->nr_out < account->window ? account->window - account->nr_out : 0;
    /* A window that is nearly full would cut runs to crumbs: wait for room for half a run. */
    if (room < nr_pages && room < VM_RUN_PAGES / 2)
        room = 0;
    if (room < nr_pages)
        account->limited = true;
    if (room > 0) {
        if (account->reserved != NULL) {
            run = account->reserved;
            account->reserved = NULL;
        } else {
            run = list_first(&vm_account_pool, struct vm_run, account_node);
            if (run != NULL)
                list_remove(&run->account_node);
        }
    }
    if (run != NULL) {
        *granted = MIN(room, nr_pages);
        run->account = account;
        run->nr_out = *granted;
        run->charged_at = timer_ticks();
        account->refs++;
        account->nr_runs++;
        account->nr_out += *granted;
        vm_account_out += *granted;
        list_insert_tail(&account->runs, &run->account_node);
    }
    spinlock_unlock(&vm_account_lock);
    if (first && run != NULL)
        vm_frame_levels_rose(); /* it has credit now: see vm_account_has_credit */
    return run;
}

void vm_account_credit(struct vm_run *run, uint32_t nr_pages)
{
    struct vm_account *account = run->account;

    spinlock_lock(&vm_account_lock);
    assert(run->nr_out >= nr_pages && account->nr_out >= nr_pages && vm_account_out >= nr_pages);
    run->nr_out -= nr_pages;
    account->nr_out -= nr_pages;
    vm_account_out -= nr_pages;
    account->drained += nr_pages;
    vm_account_trusted_at = 0;
    if (account->drained >= account->window) {
        /* A whole window came back: more of it could have been used if charges met its end. */
        if (account->limited)
            account->window = MIN(account->window + VM_RUN_PAGES, vm_account_window_max);
        account->drained = 0;
        account->limited = false;
    }
    if (account->nr_out + VM_RUN_PAGES / 2 <= account->window)
        vm_account_open(account);
    else
        spinlock_unlock(&vm_account_lock);
    vm_pageout_wakeup();
}

/* What waited at any account for a record that the pool has now goes on. */
static void vm_account_collect(struct list *waiting)
{
    struct vm_account *account;

    list_for_each(&vm_account_all, account, node) {
        if (!list_empty(&account->waiting) && !vm_account_is_full(account))
            list_splice_tail(waiting, &account->waiting);
    }
}

void vm_account_put_run(struct vm_run *run)
{
    struct vm_account *account = run->account;
    struct list waiting = LIST_INIT(waiting);

    spinlock_lock(&vm_account_lock);
    assert(run->nr_out == 0);
    list_remove(&run->account_node);
    account->nr_runs--;
    run->account = NULL;
    bool keep = true;
    bool none = list_empty(&vm_account_pool);
    if (!run->from_account) {
        list_insert_head(&vm_account_pool, &run->account_node);
        if (none)
            vm_account_collect(&waiting);
    } else if (account->space != NULL) {
        account->reserved = run;
    } else {
        keep = false;
    }
    vm_account_open(account); /* who waited for a record */
    if (!list_empty(&waiting))
        memory_object_work_resume(&waiting);
    if (!keep)
        vm_run_destroy(run);
    vm_account_unref(account);
}

bool vm_account_wait(struct vm_account *account, struct memory_object *pager)
{
    spinlock_lock(&vm_account_lock);
    /* An account whose space has ended is not waited for: nobody would open it. */
    bool full = vm_account_is_full(account) && account->space != NULL;
    if (full)
        list_insert_tail(&account->waiting, &pager->work_node);
    spinlock_unlock(&vm_account_lock);
    return full;
}

bool vm_account_has_credit(const struct vm_account *account)
{
    return account->nr_out > 0;
}

void vm_account_trust_again(void)
{
    spinlock_lock(&vm_account_lock);
    vm_account_trusted_at = 0;
    spinlock_unlock(&vm_account_lock);
}

uint32_t vm_account_review(void)
{
    struct vm_account *account;
    uint32_t answering = 0;
    uint64_t now = timer_ticks(), limit = timer_ticks_of_ms(VM_ACCOUNT_STUCK_MS);

    spinlock_lock(&vm_account_lock);
    list_for_each(&vm_account_all, account, node) {
        struct vm_run *oldest = list_first(&account->runs, struct vm_run, account_node);
        if (oldest == NULL)
            continue;
        if (now - oldest->charged_at < limit)
            answering += account->nr_out;
        else
            account->window = MAX(account->window / 2, VM_ACCOUNT_WINDOW_MIN);
    }
    /* However many are stuck: the daemon waits once for all of them, not for one after the other. */
    if (answering > 0 && vm_account_trusted_at == 0)
        vm_account_trusted_at = now;
    if (vm_account_trusted_at != 0 && now - vm_account_trusted_at >= timer_ticks_of_ms(VM_ACCOUNT_TRUST_MS))
        answering = 0;
    spinlock_unlock(&vm_account_lock);
    return answering;
}

uint32_t vm_account_total_out(void)
{
    return vm_account_out;
}
