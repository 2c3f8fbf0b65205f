/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls on threads: what MIG's stubs of mach.defs and mach_host.defs call. The stubs give each routine a reference to
 * the thread, or NULL when the port was something else, and take it back afterwards.
 */
#include <mach/mach_types.h>
#include <mach/policy.h>

#include "ipc/ipc_port.h"
#include "kernel/clock.h"
#include "kernel/ipc_kobject.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/processor.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/thread_life.h"

#include "mig/mach_host_server.h"
#include "mig/mach_server.h"

/* A thread that runs all the time has this usage; see kernel/sched_policy.c. */
#define THREAD_USAGE_FULL 267u

_Static_assert(sizeof(struct ipc_port *) == sizeof(mach_port_t), "ports travel in words");

/* ---- life ---- */

kern_return_t thread_create(task_t parent_task, thread_t *child_thread)
{
    if (parent_task == NULL)
        return KERN_INVALID_ARGUMENT;
    return thread_create_in(parent_task, child_thread);
}

kern_return_t thread_terminate(thread_t thread)
{
    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    if (thread->entry != NULL || !thread_end(thread))
        return KERN_FAILURE;
    /* Its caller may give the thread's stack back next: no copy to it is to be under way any more. */
    if (thread != current_thread())
        (void)thread_border_wait(thread);
    return KERN_SUCCESS;
}

kern_return_t thread_suspend(thread_t thread)
{
    kern_return_t result;

    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    result = thread_hold(thread, THREAD_HOLD_USER);
    if (result == KERN_SUCCESS && thread != current_thread())
        (void)thread_stop_wait(thread);
    return result;
}

kern_return_t thread_resume(thread_t thread)
{
    return thread != NULL ? thread_release(thread, THREAD_HOLD_USER) : KERN_INVALID_ARGUMENT;
}

kern_return_t thread_abort(thread_t thread)
{
    kern_return_t result;

    if (thread == NULL || thread == current_thread())
        return KERN_INVALID_ARGUMENT;
    result = thread_hold(thread, THREAD_HOLD_CALL);
    if (result != KERN_SUCCESS)
        return result;
    thread_abort_mark(thread);
    result = thread_border_wait(thread);
    (void)thread_release(thread, THREAD_HOLD_CALL);
    return result;
}

/* ---- registers ---- */

/* Makes thread stand still; on success thread_release(CALL) undoes that. */
static kern_return_t thread_calls_stop(struct thread *thread)
{
    kern_return_t result;

    if (thread == NULL || thread == current_thread() || thread->entry != NULL)
        return KERN_INVALID_ARGUMENT;
    result = thread_hold(thread, THREAD_HOLD_CALL);
    if (result != KERN_SUCCESS)
        return result;
    result = thread_stop_wait(thread);
    if (result != KERN_SUCCESS)
        (void)thread_release(thread, THREAD_HOLD_CALL);
    return result;
}

kern_return_t thread_get_state(thread_t thread, int flavor, thread_state_t old_state, mach_msg_type_number_t *old_stateCnt)
{
    kern_return_t result = thread_calls_stop(thread);

    if (result != KERN_SUCCESS)
        return result;
    result = machine_get_state(thread, flavor, (uint32_t *)old_state, old_stateCnt);
    (void)thread_release(thread, THREAD_HOLD_CALL);
    return result;
}

kern_return_t thread_set_state(thread_t thread, int flavor, const thread_state_t new_state,
                               mach_msg_type_number_t new_stateCnt)
{
    kern_return_t result = thread_calls_stop(thread);

    if (result != KERN_SUCCESS)
        return result;
    result = machine_set_state(thread, flavor, (const uint32_t *)new_state, new_stateCnt);
    (void)thread_release(thread, THREAD_HOLD_CALL);
    return result;
}

/* ---- information ---- */

static integer_t thread_calls_run_state(struct thread *thread)
{
    switch (thread->run_state) {
    case THREAD_RUNNABLE:
        return TH_STATE_RUNNING;
    case THREAD_SUSPENDED:
        return TH_STATE_STOPPED;
    case THREAD_HALTED:
        return TH_STATE_HALTED;
    default:
        if (thread_is_held(thread))
            return TH_STATE_STOPPED;
        return thread->wait_kind == WAIT_INTERRUPTIBLE ? TH_STATE_WAITING : TH_STATE_UNINTERRUPTIBLE;
    }
}

static void thread_calls_basic_info(struct thread *thread, struct thread_basic_info *info)
{
    uint32_t usage = MIN(thread->cpu_usage, THREAD_USAGE_FULL);

    *info = (struct thread_basic_info){
        .user_time = clock_time_of_ticks(thread->user_ticks),
        .system_time = clock_time_of_ticks(thread->system_ticks),
        .cpu_usage = (integer_t)(usage * TH_USAGE_SCALE / THREAD_USAGE_FULL),
        .base_priority = thread->priority,
        .cur_priority = thread->sched_priority,
        .run_state = thread_calls_run_state(thread),
        .flags = sched_thread_is_idle(thread) ? TH_FLAGS_IDLE : 0,
        .suspend_count = (integer_t)thread->suspend_count,
        .sleep_time = 0,
        .creation_time = {.seconds = (long_integer_t)thread->creation_seconds},
    };
    /* Not kept while it waits, but by whole seconds since it was last charged. */
    if (thread->run_state == THREAD_WAITING)
        info->sleep_time = (integer_t)(sched_seconds - thread->usage_stamp);
}

static void thread_calls_sched_info(const struct thread *thread, struct thread_sched_info *info)
{
    *info = (struct thread_sched_info){
        .policy = thread->policy,
        .data = thread->policy == POLICY_FIXEDPRI ? (integer_t)(thread->quantum * (1000 / MACHINE_HZ)) : 0,
        .base_priority = thread->priority,
        .max_priority = thread->max_priority,
        .cur_priority = thread->sched_priority,
        .depressed = thread->depress_priority >= 0,
        .depress_priority = thread->depress_priority,
        .last_processor = 0,
    };
}

kern_return_t thread_info(thread_t thread, int flavor, thread_info_t info, mach_msg_type_number_t *infoCnt)
{
    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    switch (flavor) {
    case THREAD_BASIC_INFO:
        if (*infoCnt < THREAD_BASIC_INFO_COUNT)
            return KERN_INVALID_ARGUMENT;
        thread_calls_basic_info(thread, (struct thread_basic_info *)info);
        *infoCnt = THREAD_BASIC_INFO_COUNT;
        return KERN_SUCCESS;
    case THREAD_SCHED_INFO:
        if (*infoCnt < THREAD_SCHED_INFO_COUNT)
            return KERN_INVALID_ARGUMENT;
        thread_calls_sched_info(thread, (struct thread_sched_info *)info);
        *infoCnt = THREAD_SCHED_INFO_COUNT;
        return KERN_SUCCESS;
    default:
        return KERN_INVALID_ARGUMENT;
    }
}

/* ---- ports ---- */

/* Where a special port is kept, or NULL for a number that is none. */
static struct ipc_port **thread_calls_port(struct thread *thread, int which_port)
{
    switch (which_port) {
    case THREAD_KERNEL_PORT:
        return &thread->self_sright;
    case THREAD_EXCEPTION_PORT:
        return &thread->exception_port;
    default:
        return NULL;
    }
}

kern_return_t thread_get_special_port(thread_t thread, int which_port, ipc_port_t *special_port)
{
    struct ipc_port **where;

    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    where = thread_calls_port(thread, which_port);
    if (where == NULL)
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&thread->lock);
    if (!thread->active) {
        spinlock_unlock(&thread->lock);
        return KERN_FAILURE;
    }
    *special_port = ipc_port_copy_send(*where);
    spinlock_unlock(&thread->lock);
    return KERN_SUCCESS;
}

kern_return_t thread_set_special_port(thread_t thread, int which_port, ipc_port_t special_port)
{
    struct ipc_port **where, *old;

    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    where = thread_calls_port(thread, which_port);
    if (where == NULL)
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&thread->lock);
    /* The end takes the ports after it cleared `active': a right put in now would stay for ever. */
    if (!thread->active) {
        spinlock_unlock(&thread->lock);
        return KERN_FAILURE;
    }
    old = *where;
    *where = special_port;
    spinlock_unlock(&thread->lock);
    ipc_port_release_send(old);
    return KERN_SUCCESS;
}

/* ---- scheduling ---- */

static bool thread_calls_bad_priority(int priority)
{
    return priority < 0 || priority >= THREAD_NR_PRIORITIES;
}

kern_return_t thread_priority(thread_t thread, int priority, boolean_t set_max)
{
    if (thread == NULL || thread_calls_bad_priority(priority))
        return KERN_INVALID_ARGUMENT;
    /* A smaller number is better. */
    if (priority < thread->max_priority)
        return KERN_FAILURE;
    sched_set_priority(thread, (uint8_t)priority);
    if (set_max)
        sched_set_max_priority(thread, (uint8_t)priority);
    return KERN_SUCCESS;
}

kern_return_t thread_max_priority(thread_t thread, processor_set_t processor_set, int max_priority)
{
    if (thread == NULL || processor_set == NULL || thread_calls_bad_priority(max_priority))
        return KERN_INVALID_ARGUMENT;
    sched_set_max_priority(thread, (uint8_t)max_priority);
    return KERN_SUCCESS;
}

kern_return_t thread_policy(thread_t thread, int policy, int data)
{
    if (thread == NULL || invalid_policy(policy))
        return KERN_INVALID_ARGUMENT;
    if ((processor_set_default_set.policies & policy) == 0)
        return KERN_FAILURE;
    sched_set_policy(thread, policy, data > 0 ? (uint32_t)data : 0);
    return KERN_SUCCESS;
}

kern_return_t thread_depress_abort(thread_t thread)
{
    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    (void)sched_depress_end(thread);
    return KERN_SUCCESS;
}

kern_return_t thread_wire(host_t host_priv, thread_t thread, boolean_t wired)
{
    if (host_priv == NULL || thread == NULL)
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&thread->lock);
    thread->wired_privileged = wired != FALSE;
    spinlock_unlock(&thread->lock);
    return KERN_SUCCESS;
}

/* ---- processor sets: there is one ---- */

kern_return_t thread_assign(thread_t thread, processor_set_t new_set)
{
    return thread != NULL && new_set != NULL ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

kern_return_t thread_assign_default(thread_t thread)
{
    return thread != NULL ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

kern_return_t thread_get_assignment(thread_t thread, processor_set_t *assigned_set)
{
    if (thread == NULL)
        return KERN_INVALID_ARGUMENT;
    *assigned_set = &processor_set_default_set;
    return KERN_SUCCESS;
}
