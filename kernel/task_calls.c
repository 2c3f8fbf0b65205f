/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls on tasks: what MIG's stubs of mach.defs and mach_host.defs call. The stubs give each routine a reference to
 * the task, or NULL when the port was something else, and take it back afterwards. Rights that come in are the routine's
 * when it succeeds.
 */
#include <mach/mach_types.h>

#include "ipc/ipc_port.h"
#include "kernel/clock.h"
#include "kernel/gnumach_calls.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/processor.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/task_life.h"
#include "kernel/thread.h"
#include "vm/vm_map.h"

#include "mig/mach_host_server.h"
#include "mig/mach_server.h"

/* ---- life ---- */

kern_return_t task_create(task_t target_task, boolean_t inherit_memory, task_t *child_task)
{
    if (target_task == NULL)
        return KERN_INVALID_ARGUMENT;
    kern_return_t kr = task_create_in(target_task, inherit_memory != FALSE, child_task);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = gnumach_tell_new_task(*child_task, target_task);
    if (kr != KERN_SUCCESS) {
        (void)task_end(*child_task);
        task_unref(*child_task);
    }
    return kr;
}

kern_return_t task_terminate(task_t task)
{
    return task != NULL ? task_end(task) : KERN_INVALID_ARGUMENT;
}

kern_return_t task_suspend(task_t task)
{
    kern_return_t result;

    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&task->lock);
    if (task->user_stop_count == UINT32_MAX) {
        spinlock_unlock(&task->lock);
        return KERN_FAILURE;
    }
    task->user_stop_count++;
    spinlock_unlock(&task->lock);
    result = task_hold(task);
    if (result == KERN_SUCCESS) {
        task_stop_wait(task);
        return KERN_SUCCESS;
    }
    spinlock_lock(&task->lock);
    task->user_stop_count--;
    spinlock_unlock(&task->lock);
    return result;
}

kern_return_t task_resume(task_t task)
{
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&task->lock);
    if (task->user_stop_count == 0) {
        spinlock_unlock(&task->lock);
        return KERN_FAILURE;
    }
    task->user_stop_count--;
    spinlock_unlock(&task->lock);
    return task_release(task);
}

/* ---- information ---- */

/* The port rights of nr threads, in an array that a message moves; the references are consumed. */
static struct ipc_port **task_calls_ports_of(struct thread **threads, unsigned int nr)
{
    struct ipc_port **ports = (struct ipc_port **)threads;

    /* Each pointer is read before its place is written. */
    for (unsigned int i = 0; i < nr; i++)
        ports[i] = convert_thread_to_port(threads[i]);
    return ports;
}

kern_return_t task_threads(task_t task, thread_array_t *thread_list, mach_msg_type_number_t *thread_listCnt)
{
    struct thread **threads = NULL;
    unsigned int room, total;

    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    /* The array's size is its number of threads, exactly. Threads may come and go while memory is waited for. */
    for (;;) {
        room = task->nr_threads;
        threads = NULL;
        if (room != 0) {
            threads = kmem_alloc(room * sizeof(*threads), ALLOC_THREAD);
            if (threads == NULL)
                return KERN_RESOURCE_SHORTAGE;
        }
        total = task_collect_threads(task, threads, room);
        if (total == room)
            break;
        for (unsigned int i = 0; i < MIN(total, room); i++)
            thread_unref(threads[i]);
        if (room != 0)
            kmem_free(threads, room * sizeof(*threads));
    }
    *thread_list = task_calls_ports_of(threads, total);
    *thread_listCnt = total;
    return KERN_SUCCESS;
}

static void task_calls_basic_info(struct task *task, struct task_basic_info *info)
{
    spinlock_lock(&task->lock);
    *info = (struct task_basic_info){
        .suspend_count = (integer_t)task->user_stop_count,
        .base_priority = task->priority,
        .virtual_size = task->map->size,
        .resident_size = pmap_resident_count(task->map->pmap) * PAGE_SIZE,
        .user_time = clock_time_of_ticks(task->user_ticks),
        .system_time = clock_time_of_ticks(task->system_ticks),
        .creation_time = {.seconds = (long_integer_t)task->creation_seconds},
    };
    spinlock_unlock(&task->lock);
}

struct task_calls_times {
    uint64_t user, system;
};

static void task_calls_add_times(struct thread *thread, void *context)
{
    struct task_calls_times *times = context;

    times->user += thread->user_ticks;
    times->system += thread->system_ticks;
}

/* The list of threads is turned while it is visited: one that is created meanwhile may stand for one that is missed. */
static void task_calls_thread_times(struct task *task, struct task_thread_times_info *info)
{
    struct task_calls_times times = {0, 0};

    task_for_each_thread(task, task_calls_add_times, &times);
    info->user_time = clock_time_of_ticks(times.user);
    info->system_time = clock_time_of_ticks(times.system);
}

static void task_calls_events_info(const struct task *task, struct task_events_info *info)
{
    *info = (struct task_events_info){
        .faults = task->faults,
        .zero_fills = task->zero_fills,
        .reactivations = task->reactivations,
        .pageins = task->pageins,
        .cow_faults = task->cow_faults,
        .messages_sent = task->messages_sent,
        .messages_received = task->messages_received,
    };
}

kern_return_t task_info(task_t task, int flavor, task_info_t info, mach_msg_type_number_t *infoCnt)
{
    mach_msg_type_number_t needed;

    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    switch (flavor) {
    case TASK_BASIC_INFO:
        needed = TASK_BASIC_INFO_COUNT;
        break;
    case TASK_EVENTS_INFO:
        needed = TASK_EVENTS_INFO_COUNT;
        break;
    case TASK_THREAD_TIMES_INFO:
        needed = TASK_THREAD_TIMES_INFO_COUNT;
        break;
    default:
        return KERN_INVALID_ARGUMENT;
    }
    if (*infoCnt < needed)
        return KERN_INVALID_ARGUMENT;
    if (flavor == TASK_BASIC_INFO)
        task_calls_basic_info(task, (struct task_basic_info *)info);
    else if (flavor == TASK_EVENTS_INFO)
        task_calls_events_info(task, (struct task_events_info *)info);
    else
        task_calls_thread_times(task, (struct task_thread_times_info *)info);
    *infoCnt = needed;
    return KERN_SUCCESS;
}

/* ---- ports ---- */

/* Where a special port is kept, or NULL for a number that is none. */
static struct ipc_port **task_calls_port(struct task *task, int which_port)
{
    switch (which_port) {
    case TASK_KERNEL_PORT:
        return &task->self_sright;
    case TASK_EXCEPTION_PORT:
        return &task->exception_port;
    case TASK_BOOTSTRAP_PORT:
        return &task->bootstrap_port;
    default:
        return NULL;
    }
}

kern_return_t task_get_special_port(task_t task, int which_port, ipc_port_t *special_port)
{
    struct ipc_port **where;

    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    where = task_calls_port(task, which_port);
    if (where == NULL)
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&task->lock);
    if (!task->active) {
        spinlock_unlock(&task->lock);
        return KERN_FAILURE;
    }
    *special_port = ipc_port_copy_send(*where);
    spinlock_unlock(&task->lock);
    return KERN_SUCCESS;
}

kern_return_t task_set_special_port(task_t task, int which_port, ipc_port_t special_port)
{
    struct ipc_port **where, *old;

    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    where = task_calls_port(task, which_port);
    if (where == NULL)
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&task->lock);
    /* The end takes the ports after it cleared `active': a right put in now would stay for ever. */
    if (!task->active) {
        spinlock_unlock(&task->lock);
        return KERN_FAILURE;
    }
    old = *where;
    *where = special_port;
    spinlock_unlock(&task->lock);
    ipc_port_release_send(old);
    return KERN_SUCCESS;
}

kern_return_t mach_ports_register(task_t task, mach_port_array_t init_port_set, mach_msg_type_number_t init_port_setCnt)
{
    struct ipc_port **given = (struct ipc_port **)init_port_set, *port;
    struct ipc_port *old[TASK_PORT_REGISTER_MAX];

    if (task == NULL || init_port_setCnt > TASK_PORT_REGISTER_MAX)
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&task->lock);
    if (!task->active) {
        spinlock_unlock(&task->lock);
        return KERN_FAILURE;
    }
    for (unsigned int i = 0; i < TASK_PORT_REGISTER_MAX; i++) {
        port = i < init_port_setCnt ? given[i] : IP_NULL;
        old[i] = task->registered[i];
        task->registered[i] = port;
    }
    spinlock_unlock(&task->lock);
    for (unsigned int i = 0; i < TASK_PORT_REGISTER_MAX; i++)
        ipc_port_release_send(old[i]);
    /* The rights are the task's now; their array goes. */
    if (init_port_setCnt != 0)
        kmem_free(given, init_port_setCnt * sizeof(*given));
    return KERN_SUCCESS;
}

kern_return_t mach_ports_lookup(task_t task, mach_port_array_t *init_port_set, mach_msg_type_number_t *init_port_setCnt)
{
    const size_t size = TASK_PORT_REGISTER_MAX * sizeof(struct ipc_port *);
    struct ipc_port **ports;

    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    ports = kmem_alloc(size, ALLOC_THREAD);
    if (ports == NULL)
        return KERN_RESOURCE_SHORTAGE;
    spinlock_lock(&task->lock);
    if (!task->active) {
        spinlock_unlock(&task->lock);
        kmem_free(ports, size);
        return KERN_FAILURE;
    }
    for (unsigned int i = 0; i < TASK_PORT_REGISTER_MAX; i++)
        ports[i] = ipc_port_copy_send(task->registered[i]);
    spinlock_unlock(&task->lock);
    *init_port_set = (mach_port_array_t)ports;
    *init_port_setCnt = TASK_PORT_REGISTER_MAX;
    return KERN_SUCCESS;
}

/* ---- scheduling ---- */

struct task_calls_priority {
    int priority;
    bool failed;                /* a thread may not have it */
};

static bool task_calls_bad_priority(int priority)
{
    return priority < 0 || priority >= THREAD_NR_PRIORITIES;
}

static void task_calls_set_priority(struct thread *thread, void *context)
{
    struct task_calls_priority *change = context;

    if (thread_priority(thread, change->priority, FALSE) != KERN_SUCCESS)
        change->failed = true;
}

kern_return_t task_priority(task_t task, int priority, boolean_t change_threads)
{
    struct task_calls_priority change = {priority, false};

    if (task == NULL || task_calls_bad_priority(priority))
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&task->lock);
    task->priority = (uint8_t)priority;
    spinlock_unlock(&task->lock);
    if (change_threads)
        task_for_each_thread(task, task_calls_set_priority, &change);
    return change.failed ? KERN_FAILURE : KERN_SUCCESS;
}

static void task_calls_set_max_priority(struct thread *thread, void *context)
{
    const struct task_calls_priority *change = context;

    sched_set_max_priority(thread, (uint8_t)change->priority);
}

kern_return_t task_max_priority(ipc_port_t host, task_t task, int max_priority, boolean_t set_priority,
                                boolean_t change_threads)
{
    struct task_calls_priority change = {max_priority, false};

    if (convert_port_to_host(host) == NULL)
        return KERN_INVALID_HOST;
    if (task == NULL || task_calls_bad_priority(max_priority))
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&task->lock);
    /* A smaller number is better: that is for the host's owner to grant. */
    if (max_priority < task_best_priority(task) && convert_port_to_host_priv(host) == NULL) {
        spinlock_unlock(&task->lock);
        return KERN_NO_ACCESS;
    }
    task->max_priority = (uint8_t)max_priority;
    if (set_priority || task->priority < max_priority)
        task->priority = (uint8_t)max_priority;
    spinlock_unlock(&task->lock);
    if (change_threads) {
        task_for_each_thread(task, task_calls_set_max_priority, &change);
        if (set_priority)
            task_for_each_thread(task, task_calls_set_priority, &change);
    }
    /* host is the port that the request was sent to: its right is the message's. */
    return KERN_SUCCESS;
}

/* ---- processor sets: there is one ---- */

kern_return_t task_assign(task_t task, processor_set_t new_set, boolean_t assign_threads)
{
    (void)assign_threads;
    return task != NULL && new_set != NULL ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

kern_return_t task_assign_default(task_t task, boolean_t assign_threads)
{
    (void)assign_threads;
    return task != NULL ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

kern_return_t task_get_assignment(task_t task, processor_set_t *assigned_set)
{
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    *assigned_set = &processor_set_default_set;
    return KERN_SUCCESS;
}

/* ---- what other systems' emulation and processors without atomic instructions wanted: not here ---- */

kern_return_t task_get_emulation_vector(task_t task, int *vector_start, emulation_vector_t *emulation_vector,
                                        mach_msg_type_number_t *emulation_vectorCnt)
{
    (void)vector_start;
    (void)emulation_vector;
    (void)emulation_vectorCnt;
    return task != NULL ? KERN_FAILURE : KERN_INVALID_ARGUMENT;
}

kern_return_t task_set_emulation_vector(task_t task, int vector_start, emulation_vector_t emulation_vector,
                                        mach_msg_type_number_t emulation_vectorCnt)
{
    (void)vector_start;
    (void)emulation_vector;
    (void)emulation_vectorCnt;
    return task != NULL ? KERN_FAILURE : KERN_INVALID_ARGUMENT;
}

kern_return_t task_set_emulation(task_t task, vm_address_t routine_entry_pt, int routine_number)
{
    (void)routine_entry_pt;
    (void)routine_number;
    return task != NULL ? KERN_FAILURE : KERN_INVALID_ARGUMENT;
}

kern_return_t task_ras_control(task_t task, vm_address_t basepc, vm_address_t boundspc, int flavor)
{
    (void)basepc;
    (void)boundspc;
    (void)flavor;
    return task != NULL ? KERN_FAILURE : KERN_INVALID_ARGUMENT;
}
