/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of tasks.
 *
 * A task is alive from task_create_in() to task_end(), which only marks: its port converts no more, its threads end. When
 * the last of them is gone, the rest (names, rights, memory) is ended once, by task_finish(): in the thread that called
 * task_end() and waited, so that the work is its caller's and memory is back when the call returns; or by the reaper,
 * when a thread of the task itself called, or nobody waits any more. Nothing of that needs memory.
 *
 * Being in the list of all tasks holds a reference, which task_finish() gives up. The record stays until the last one.
 */
#include "kernel/task.h"

#include "ipc/ipc_space.h"
#include "kernel/clock.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/processor.h"
#include "kernel/string.h"
#include "kernel/task_life.h"
#include "kernel/thread.h"
#include "kernel/thread_life.h"
#include "vm/vm_map.h"

/* Threads visited before others may run: each is some tens of instructions. */
#define TASK_VISIT_BATCH 32u

struct task task_kernel = {
    .lock = SPINLOCK_INIT(LOCK_RANK_TASK, "kernel task"),
    .refs = 1,
    .active = true,
    .node = {&task_kernel.node, &task_kernel.node},
    .threads = LIST_INIT(task_kernel.threads),
    .priority = THREAD_PRIORITY_USER,
    .max_priority = TASK_MAX_PRIORITY_OF_SET,
    .essential = true,
    .name = "kernel",
};
struct task *kernel_task = &task_kernel;

static struct kmem_cache task_cache;
static struct spinlock task_list_lock = SPINLOCK_INIT(LOCK_RANK_TASK_LIST, "tasks");
static struct list task_list = LIST_INIT(task_list);    /* [task_list_lock] */
static unsigned int task_nr;                            /* [task_list_lock] in the list */
static unsigned int task_nr_threads;                    /* atomic: of all tasks */

static void task_list_insert(struct task *task)
{
    spinlock_lock(&task_list_lock);
    list_insert_tail(&task_list, &task->node);
    task_nr++;
    spinlock_unlock(&task_list_lock);
}

static void task_list_remove(struct task *task)
{
    spinlock_lock(&task_list_lock);
    list_remove(&task->node);
    task_nr--;
    spinlock_unlock(&task_list_lock);
}

/* The child's address space; NULL: no memory. */
static struct vm_map *task_create_map(struct task *parent, bool inherit_memory)
{
    struct vm_map *map;
    struct pmap *pmap;

    if (inherit_memory && parent != NULL && parent != kernel_task)
        return vm_map_fork(parent->map);
    pmap = pmap_create();
    if (pmap == NULL)
        return NULL;
    /* Page zero is never mapped, so that a null pointer faults. */
    map = vm_map_create(pmap, PAGE_SIZE, MACHINE_USER_END);
    if (map == NULL)
        pmap_destroy(pmap);
    return map;
}

kern_return_t task_create_in(struct task *parent, bool inherit_memory, struct task **created)
{
    struct task *task = kmem_cache_alloc(&task_cache, ALLOC_THREAD);
    kern_return_t result = KERN_RESOURCE_SHORTAGE;

    if (task == NULL)
        return KERN_RESOURCE_SHORTAGE;
    memset(task, 0, sizeof *task);
    spinlock_init(&task->lock, LOCK_RANK_TASK);
    list_node_init(&task->node);
    list_init(&task->threads);
    task->active = true;
    task->priority = parent != NULL ? parent->priority : THREAD_PRIORITY_USER;
    task->max_priority = parent != NULL ? parent->max_priority : TASK_MAX_PRIORITY_OF_SET;
    task->creation_seconds = clock_seconds();
    task->map = task_create_map(parent, inherit_memory);
    if (task->map == NULL)
        goto free_task;
    result = ipc_space_create(&task->space);
    if (result != KERN_SUCCESS)
        goto free_map;
    result = ipc_task_init(task, parent);
    if (result != KERN_SUCCESS)
        goto free_space;
    /* One reference is the list's, one the caller's. */
    task->refs = 2;
    task_list_insert(task);
    ipc_task_enable(task);
    *created = task;
    return KERN_SUCCESS;

free_space:
    ipc_space_destroy(task->space);
    ipc_space_unref(task->space);
free_map:
    vm_map_unref(task->map);
free_task:
    kmem_cache_free(&task_cache, task);
    return result;
}

void task_ref(struct task *task)
{
    uint32_t before = __atomic_fetch_add(&task->refs, 1, __ATOMIC_RELAXED);

    assert(before != 0);
    (void)before;
}

void task_unref(struct task *task)
{
    uint32_t left = __atomic_sub_fetch(&task->refs, 1, __ATOMIC_ACQ_REL);

    assert(left != UINT32_MAX);
    if (left != 0)
        return;
    assert(task != kernel_task && task->nr_threads == 0 && !list_node_linked(&task->node));
    vm_map_unref(task->map);
    ipc_space_unref(task->space);
    kmem_cache_free(&task_cache, task);
}

uint8_t task_best_priority(const struct task *task)
{
    return task->max_priority != TASK_MAX_PRIORITY_OF_SET ? task->max_priority : processor_set_default_set.max_priority;
}

unsigned int task_count(void)
{
    return task_nr;
}

/* ---- threads ---- */

void task_add_thread(struct task *task, struct thread *thread)
{
    assert(spinlock_held(&task->lock) && task->active);
    list_insert_tail(&task->threads, &thread->task_node);
    task->nr_threads++;
    __atomic_fetch_add(&task_nr_threads, 1, __ATOMIC_RELAXED);
}

unsigned int thread_count(void)
{
    return __atomic_load_n(&task_nr_threads, __ATOMIC_RELAXED);
}

/* Ends what is left of a task without threads. No locks held; the running thread is of another task. */
static void task_finish(struct task *task)
{
    assert(task->nr_threads == 0 && !task->active && task->finished);
    assert(current_task() != task);
    ipc_space_destroy(task->space);
    ipc_task_terminate(task);
    /* The whole range splits no entry, so it cannot fail. Who still holds the map finds it empty. */
    (void)vm_map_remove(task->map, task->map->min, task->map->max);
    task_list_remove(task);
    task_unref(task);
}

static void task_finish_function(struct reaper_item *item)
{
    task_finish(container_of(item, struct task, reap));
}

void task_remove_thread(struct task *task, struct thread *thread)
{
    bool reap = false, wake = false;

    spinlock_lock(&task->lock);
    list_remove(&thread->task_node);
    task->nr_threads--;
    __atomic_fetch_sub(&task_nr_threads, 1, __ATOMIC_RELAXED);
    task->user_ticks += thread->user_ticks;
    task->system_ticks += thread->system_ticks;
    if (task->nr_threads == 0 && !task->active && !task->finished) {
        wake = task->nr_end_waiters != 0;
        reap = !wake;
        task->finished = reap;
    }
    spinlock_unlock(&task->lock);
    /* With nobody waiting and `finished' set, the list's reference keeps the task until the reaper comes to it. */
    if (reap) {
        task->reap.function = task_finish_function;
        reaper_queue(&task->reap);
    }
    if (wake)
        (void)thread_wakeup(&task->nr_threads);
}

/*
 * The list is turned round: who was visited goes to its end. Those that join meanwhile are behind and may be missed, which
 * is right for all users: a new thread looks at its task's marks itself.
 */
void task_for_each_thread(struct task *task, void (*visit)(struct thread *thread, void *context), void *context)
{
    struct thread *thread;
    unsigned int left, batch = 0;

    spinlock_lock(&task->lock);
    for (left = task->nr_threads; left > 0; left--) {
        thread = list_first(&task->threads, struct thread, task_node);
        if (thread == NULL)
            break;
        list_remove(&thread->task_node);
        list_insert_tail(&task->threads, &thread->task_node);
        visit(thread, context);
        if (++batch % TASK_VISIT_BATCH == 0) {
            spinlock_unlock(&task->lock);
            preempt_point();
            spinlock_lock(&task->lock);
        }
    }
    spinlock_unlock(&task->lock);
}

/* A thread's reference that is taken under the lock of its task: it is in the list, which holds one. */
unsigned int task_collect_threads(struct task *task, struct thread **threads, unsigned int room)
{
    struct thread *thread;
    unsigned int count = 0, total;

    spinlock_lock(&task->lock);
    total = task->nr_threads;
    list_for_each(&task->threads, thread, task_node) {
        if (count == room)
            break;
        thread_ref(thread);
        threads[count++] = thread;
    }
    spinlock_unlock(&task->lock);
    return total;
}

unsigned int task_collect(struct task **tasks, unsigned int room)
{
    struct task *task;
    unsigned int count = 0, total;

    spinlock_lock(&task_list_lock);
    total = task_nr;
    list_for_each(&task_list, task, node) {
        if (count == room)
            break;
        task_ref(task);
        tasks[count++] = task;
    }
    spinlock_unlock(&task_list_lock);
    return total;
}

/* ---- stopping ---- */

static void task_stops_changed(struct thread *thread, void *context)
{
    (void)context;
    thread_task_stops_changed(thread);
}

kern_return_t task_hold(struct task *task)
{
    bool first;

    spinlock_lock(&task->lock);
    if (!task->active || task->suspend_count == UINT32_MAX) {
        spinlock_unlock(&task->lock);
        return KERN_FAILURE;
    }
    first = task->suspend_count++ == 0;
    spinlock_unlock(&task->lock);
    if (first)
        task_for_each_thread(task, task_stops_changed, NULL);
    return KERN_SUCCESS;
}

kern_return_t task_release(struct task *task)
{
    bool last;

    spinlock_lock(&task->lock);
    if (task->suspend_count == 0) {
        spinlock_unlock(&task->lock);
        return KERN_FAILURE;
    }
    last = --task->suspend_count == 0;
    spinlock_unlock(&task->lock);
    if (last)
        task_for_each_thread(task, task_stops_changed, NULL);
    return KERN_SUCCESS;
}

/*
 * Waits until each thread stood still once: none is in the middle of a call any more that began before the hold. Threads are
 * taken in turn, and each goes to the end of the list.
 */
void task_stop_wait(struct task *task)
{
    struct thread *thread;
    unsigned int left = task->nr_threads;

    while (left-- > 0) {
        spinlock_lock(&task->lock);
        thread = list_first(&task->threads, struct thread, task_node);
        if (thread != NULL) {
            list_remove(&thread->task_node);
            list_insert_tail(&task->threads, &thread->task_node);
            thread_ref(thread);
        }
        spinlock_unlock(&task->lock);
        if (thread == NULL)
            return;
        if (thread != current_thread() && thread_stop_wait(thread) != KERN_SUCCESS)
            left = 0;
        thread_unref(thread);
    }
}

/* ---- the end ---- */

static void task_end_thread(struct thread *thread, void *context)
{
    (void)context;
    (void)thread_end(thread);
}

/* Waits until the last thread is gone, then ends the rest; a wait that is broken off leaves that to the reaper. */
static void task_end_wait(struct task *task)
{
    bool finish;

    spinlock_lock(&task->lock);
    task->nr_end_waiters++;
    while (task->nr_threads != 0) {
        enum wait_result result = thread_sleep(&task->nr_threads, &task->lock, WAIT_INTERRUPTIBLE);

        spinlock_lock(&task->lock);
        if (result == WAIT_INTERRUPTED)
            break;
    }
    task->nr_end_waiters--;
    finish = task->nr_threads == 0 && !task->finished;
    if (finish)
        task->finished = true;
    spinlock_unlock(&task->lock);
    if (finish)
        task_finish(task);
}

kern_return_t task_end(struct task *task)
{
    if (task == kernel_task)
        return KERN_FAILURE;
    spinlock_lock(&task->lock);
    if (!task->active) {
        spinlock_unlock(&task->lock);
        return KERN_FAILURE;
    }
    task->active = false;
    spinlock_unlock(&task->lock);
    ipc_task_disable(task);
    task_for_each_thread(task, task_end_thread, NULL);
    /* A thread of the task itself unwinds, and is the last one or is waited for by none. */
    if (current_task() != task)
        task_end_wait(task);
    return KERN_SUCCESS;
}

void task_init(void)
{
    kmem_cache_init(&task_cache, "task", sizeof(struct task), 0);
    task_kernel.map = kernel_map;
    task_kernel.space = ipc_space_kernel;
    task_kernel.creation_seconds = clock_seconds();
    if (ipc_task_init(kernel_task, NULL) != KERN_SUCCESS)
        panic("no memory for the kernel's task");
    ipc_task_enable(kernel_task);
    task_list_insert(kernel_task);
}
