/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of threads.
 *
 * A thread is changed by others only through marks: counts that hold it, `abort_pending', `terminating'. It looks at them
 * itself, in thread_ast(), on its way to user mode, where it holds nothing; so nothing is ever taken from a thread in
 * the middle of the kernel, and ending one is an ordinary unwinding. A mark is made under the thread's lock together with
 * `ast', and a thread that stops marks itself stopped under the same lock, so no mark is missed.
 *
 * The end: thread_end() marks; the thread arrives in thread_exit(), gives its ports back and leaves the processor for ever;
 * the scheduler's next thread queues it for the reaper; the reaper takes it out of its task. The stack and the record stay
 * until the last reference, so that who looks at its state, while it ends, looks at memory that is there.
 */
#include "kernel/thread.h"

#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_space.h"
#include "kernel/clock.h"
#include "kernel/ipc_kobject.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/task_life.h"
#include "kernel/thread_life.h"
#include "vm/vm_account.h"

/*
 * How often the state of a thread that another waits for is looked at, ms. It tells when it stops at the border, which is
 * the common case; that it begins to wait in the kernel is seen by looking.
 */
#define THREAD_STOP_LOOK_MS 10

static struct kmem_cache thread_cache;

struct ipc_space *current_space(void)
{
    return current_task()->space;
}

struct vm_map *current_map(void)
{
    return current_task()->map;
}

bool thread_should_end(void)
{
    return current_thread()->terminating;
}

/* The space's account cannot go away here: it lives as long as the space, and the space as long as its task's threads. */
enum alloc thread_alloc_level_of(const struct thread *thread)
{
    enum alloc dying = thread->terminating ? ALLOC_NOSLEEP : ALLOC_SLEEP;
    struct vm_account *account;

    if (thread->kernel_daemon)
        return ALLOC_DAEMON | dying;
    if (thread->wired_privileged)
        return ALLOC_PRIVILEGED | dying;
    account = thread->task->space != NULL ? thread->task->space->pager_account : NULL;
    if (account != NULL && vm_account_has_credit(account))
        return ALLOC_PRIVILEGED | dying;
    return ALLOC_ORDINARY | dying;
}

enum alloc thread_alloc_level(void)
{
    return thread_alloc_level_of(current_thread());
}

/* ---- creation ---- */

/* The first thing that any thread does. */
static void thread_start(void *argument)
{
    struct thread *self = argument;

    sched_switched();
    if (self->entry != NULL) {
        self->entry(self->entry_argument);
        thread_exit();
    }
    self->ast = true;
    while (self->ast)
        thread_ast();
    machine_return_to_user();
}

/* A record with a stack, of task, with one reference; no ports yet, and unknown to its task. NULL: no memory. */
static struct thread *thread_create_record(struct task *task, enum alloc how)
{
    struct thread *thread = kmem_cache_alloc(&thread_cache, how);

    if (thread == NULL)
        return NULL;
    memset(thread, 0, sizeof *thread);
    thread->kernel_stack = kva_alloc(MACHINE_STACK_SIZE, how);
    if (thread->kernel_stack == NULL) {
        kmem_cache_free(&thread_cache, thread);
        return NULL;
    }
    spinlock_init(&thread->lock, LOCK_RANK_THREAD);
    list_node_init(&thread->task_node);
    list_node_init(&thread->ipc_node);
    list_node_init(&thread->reap.node);
    thread->refs = 1;
    thread->active = true;
    thread->name = "";
    thread->creation_seconds = clock_seconds();
    thread->task = task;
    task_ref(task);
    sched_thread_init(thread, MAX(task->priority, task_best_priority(task)), task_best_priority(task));
    machine_thread_init(thread, thread_start, thread);
    return thread;
}

/* The last reference is gone, and it never runs again. */
static void thread_destroy_record(struct thread *thread)
{
    struct task *task = thread->task;

    assert(!list_node_linked(&thread->task_node));
    sched_thread_end(thread);
    machine_thread_destroy(thread);
    kva_free(thread->kernel_stack, MACHINE_STACK_SIZE);
    kmem_cache_free(&thread_cache, thread);
    task_unref(task);
}

void thread_ref(struct thread *thread)
{
    uint32_t before = __atomic_fetch_add(&thread->refs, 1, __ATOMIC_RELAXED);

    assert(before != 0);
    (void)before;
}

void thread_unref(struct thread *thread)
{
    uint32_t left = __atomic_sub_fetch(&thread->refs, 1, __ATOMIC_ACQ_REL);

    assert(left != UINT32_MAX);
    if (left == 0)
        thread_destroy_record(thread);
}

kern_return_t thread_create_in(struct task *task, struct thread **created)
{
    struct thread *thread = thread_create_record(task, ALLOC_THREAD);
    kern_return_t result;

    if (thread == NULL)
        return KERN_RESOURCE_SHORTAGE;
    machine_user_state_init(thread, 0, 0);
    thread->suspend_count = 1;
    result = ipc_thread_init(thread);
    if (result != KERN_SUCCESS) {
        thread_unref(thread);
        return result;
    }
    /* The first reference is the task's from here on; the reaper gives it up. */
    spinlock_lock(&task->lock);
    if (!task->active) {
        spinlock_unlock(&task->lock);
        ipc_thread_terminate(thread);
        thread_unref(thread);
        return KERN_FAILURE;
    }
    thread_ref(thread);
    task_add_thread(task, thread);
    ipc_thread_enable(thread);
    spinlock_unlock(&task->lock);
    *created = thread;
    return KERN_SUCCESS;
}

struct thread *kernel_thread_create(const char *name, void (*entry)(void *argument), void *argument, uint8_t priority)
{
    struct thread *thread = thread_create_record(kernel_task, ALLOC_PRIVILEGED | ALLOC_NOSLEEP);

    if (thread == NULL)
        panic("no memory for the kernel's thread %s", name);
    assert(entry != NULL && priority < THREAD_NR_PRIORITIES);
    thread->name = name;
    thread->entry = entry;
    thread->entry_argument = argument;
    thread->wired_privileged = true;
    thread->max_priority = priority;
    thread->priority = priority;
    spinlock_lock(&kernel_task->lock);
    task_add_thread(kernel_task, thread);
    spinlock_unlock(&kernel_task->lock);
    (void)sched_resume(thread);
    return thread;
}

/* ---- stopping and going on ---- */

/* Whether the thread may not go to user mode. Its lock is held; its task's count is read as it is now. */
static bool thread_held(const struct thread *thread)
{
    assert(spinlock_held(&thread->lock));
    return !thread->terminating &&
           (thread->suspend_count != 0 || thread->hold_count != 0 || thread->task->suspend_count != 0);
}

bool thread_is_held(struct thread *thread)
{
    bool held;

    spinlock_lock(&thread->lock);
    held = thread_held(thread);
    spinlock_unlock(&thread->lock);
    return held;
}

static uint32_t *thread_hold_counter(struct thread *thread, enum thread_hold_kind kind)
{
    return kind == THREAD_HOLD_USER ? &thread->suspend_count : &thread->hold_count;
}

kern_return_t thread_hold(struct thread *thread, enum thread_hold_kind kind)
{
    uint32_t *counter = thread_hold_counter(thread, kind);
    kern_return_t result = KERN_FAILURE;

    spinlock_lock(&thread->lock);
    if (*counter != UINT32_MAX) {
        (*counter)++;
        thread->ast = true;
        result = KERN_SUCCESS;
    }
    spinlock_unlock(&thread->lock);
    return result;
}

kern_return_t thread_release(struct thread *thread, enum thread_hold_kind kind)
{
    uint32_t *counter = thread_hold_counter(thread, kind);
    kern_return_t result = KERN_FAILURE;

    spinlock_lock(&thread->lock);
    if (*counter != 0) {
        (*counter)--;
        if (!thread_held(thread))
            (void)sched_resume(thread);
        result = KERN_SUCCESS;
    }
    spinlock_unlock(&thread->lock);
    return result;
}

void thread_abort_mark(struct thread *thread)
{
    spinlock_lock(&thread->lock);
    thread->abort_pending = true;
    thread->ast = true;
    spinlock_unlock(&thread->lock);
    (void)sched_abort_wait(thread);
}

void thread_task_stops_changed(struct thread *thread)
{
    assert(spinlock_held(&thread->task->lock));
    spinlock_lock(&thread->lock);
    if (thread_held(thread))
        thread->ast = true;
    else
        (void)sched_resume(thread);
    spinlock_unlock(&thread->lock);
}

/* Waits for a run state that is in states, a set of bits. */
static kern_return_t thread_wait_for_state(struct thread *thread, unsigned int states)
{
    enum wait_result result;

    assert(thread != current_thread());
    for (;;) {
        spinlock_lock(&thread->lock);
        if (((1u << thread->run_state) & states) != 0) {
            spinlock_unlock(&thread->lock);
            return KERN_SUCCESS;
        }
        /* Asserted before the lock is given up: the thread tells under its lock that it stopped. */
        thread_assert_wait_timeout(&thread->suspend_count, WAIT_INTERRUPTIBLE, THREAD_STOP_LOOK_MS);
        spinlock_unlock(&thread->lock);
        sched_expedite(thread);
        result = thread_block();
        if (result == WAIT_INTERRUPTED)
            return KERN_ABORTED;
    }
}

kern_return_t thread_stop_wait(struct thread *thread)
{
    return thread_wait_for_state(thread, 1u << THREAD_SUSPENDED | 1u << THREAD_WAITING | 1u << THREAD_HALTED);
}

kern_return_t thread_border_wait(struct thread *thread)
{
    return thread_wait_for_state(thread, 1u << THREAD_SUSPENDED | 1u << THREAD_HALTED);
}

/* The running thread looks at its marks and stops if it is held. */
static void thread_look_at_marks(struct thread *self)
{
    bool held;

    spinlock_lock(&self->lock);
    self->ast = false;
    if (!self->terminating)
        self->abort_pending = false;
    held = thread_held(self);
    if (held)
        sched_suspend_self();
    spinlock_unlock(&self->lock);
    if (!held)
        return;
    (void)thread_wakeup(&self->suspend_count);
    (void)thread_block();
    /* Released, or ended, or aborted meanwhile: an abort has nothing to break off here. */
    self->ast = true;
}

void thread_ast(void)
{
    struct thread *self = current_thread();

    thread_look_at_marks(self);
    if (self->terminating)
        thread_exit();
    preempt_point();
}

/* ---- the end ---- */

bool thread_end(struct thread *thread)
{
    bool first;

    spinlock_lock(&thread->lock);
    first = thread->active;
    thread->active = false;
    thread->terminating = true;
    thread->abort_pending = true;
    thread->ast = true;
    spinlock_unlock(&thread->lock);
    if (!first)
        return false;
    if (thread->entry == NULL)
        ipc_thread_disable(thread);
    /* It waits interruptibly, or it is stopped; otherwise it finds the marks by itself. */
    if (!sched_abort_wait(thread))
        (void)sched_resume(thread);
    sched_expedite(thread);
    return true;
}

void thread_exit(void)
{
    struct thread *self = current_thread();

    (void)thread_end(self);
    ipc_kernel_rpc_end(self);
    /* The kernel's own threads have no ports. */
    if (self->entry == NULL)
        ipc_thread_terminate(self);
    (void)sched_depress_end(self);
    (void)thread_wakeup(&self->suspend_count);
    sched_exit();
}

static void thread_reap_function(struct reaper_item *item)
{
    struct thread *thread = container_of(item, struct thread, reap);

    assert(thread->run_state == THREAD_HALTED && thread != current_thread());
    task_remove_thread(thread->task, thread);
    thread_unref(thread);
}

void thread_reap(struct thread *thread)
{
    thread->reap.function = thread_reap_function;
    reaper_queue(&thread->reap);
}

void thread_init(void)
{
    kmem_cache_init(&thread_cache, "thread", sizeof(struct thread), 0);
}
