/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Points in the kernel's own code, by the linker's --wrap: every call of one of these functions from another file comes here
 * first. The kernel's sources know nothing of it. Allocations are in hooks_memory.c.
 *
 * At a lock, an unlock or a wake-up only an interrupt may come, because the kernel is not preempted there. A mutex and
 * preempt_point may switch.
 */
#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_mqueue.h"
#include "kernel/lock.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "sim.h"

/* One line a function: what the linker calls it, and what is behind it. */
void __real_spinlock_lock(struct spinlock *lock);
void __wrap_spinlock_lock(struct spinlock *lock);
void __real_spinlock_unlock(struct spinlock *lock);
void __wrap_spinlock_unlock(struct spinlock *lock);
bool __real_spinlock_try_lock(struct spinlock *lock);
bool __wrap_spinlock_try_lock(struct spinlock *lock);
void __real_mutex_lock(struct mutex *mutex);
void __wrap_mutex_lock(struct mutex *mutex);
enum wait_result __real_thread_block(void);
enum wait_result __wrap_thread_block(void);
unsigned int __real_thread_wakeup(const void *event);
unsigned int __wrap_thread_wakeup(const void *event);
bool __real_thread_wakeup_one(const void *event);
bool __wrap_thread_wakeup_one(const void *event);
void __real_preempt_point(void);
void __wrap_preempt_point(void);
mach_msg_return_t __real_ipc_mqueue_send(struct ipc_kmsg *kmsg, mach_msg_option_t option, mach_msg_timeout_t timeout,
                                         struct thread **target);
mach_msg_return_t __wrap_ipc_mqueue_send(struct ipc_kmsg *kmsg, mach_msg_option_t option, mach_msg_timeout_t timeout,
                                         struct thread **target);
void __real_ipc_mqueue_send_always(struct ipc_kmsg *kmsg);
void __wrap_ipc_mqueue_send_always(struct ipc_kmsg *kmsg);
mach_msg_return_t __real_ipc_mqueue_receive(struct ipc_mqueue_receive *receive, struct ipc_space *space);
mach_msg_return_t __wrap_ipc_mqueue_receive(struct ipc_mqueue_receive *receive, struct ipc_space *space);

/* ---- locks ---- */

void __wrap_spinlock_lock(struct spinlock *lock)
{
    sim_point(SIM_KERNEL);
    __real_spinlock_lock(lock);
}

void __wrap_spinlock_unlock(struct spinlock *lock)
{
    __real_spinlock_unlock(lock);
    sim_point(SIM_KERNEL);
}

bool __wrap_spinlock_try_lock(struct spinlock *lock)
{
    sim_point(SIM_KERNEL);
    return __real_spinlock_try_lock(lock);
}

void __wrap_mutex_lock(struct mutex *mutex)
{
    sim_point(SIM_KERNEL);
    sim_switch_point();
    __real_mutex_lock(mutex);
}

/* ---- threads ---- */

enum wait_result __wrap_thread_block(void)
{
    sim_point(SIM_KERNEL);
    return __real_thread_block();
}

unsigned int __wrap_thread_wakeup(const void *event)
{
    unsigned int woken = __real_thread_wakeup(event);

    sim_point(SIM_KERNEL);
    return woken;
}

bool __wrap_thread_wakeup_one(const void *event)
{
    bool woken = __real_thread_wakeup_one(event);

    sim_point(SIM_KERNEL);
    return woken;
}

void __wrap_preempt_point(void)
{
    sim_point(SIM_KERNEL);
    sim_switch_point();
    __real_preempt_point();
}

/* ---- messages, for the trace ---- */

mach_msg_return_t __wrap_ipc_mqueue_send(struct ipc_kmsg *kmsg, mach_msg_option_t option, mach_msg_timeout_t timeout,
                                         struct thread **target)
{
    mach_msg_id_t id = ipc_kmsg_header(kmsg)->msgh_id;
    mach_msg_return_t result = __real_ipc_mqueue_send(kmsg, option, timeout, target);

    sim_counts->messages++;
    sim_trace(SIM_SEND, (uint32_t)id, (uint32_t)result);
    return result;
}

void __wrap_ipc_mqueue_send_always(struct ipc_kmsg *kmsg)
{
    sim_counts->messages++;
    sim_trace(SIM_SEND, (uint32_t)ipc_kmsg_header(kmsg)->msgh_id, 0);
    __real_ipc_mqueue_send_always(kmsg);
}

mach_msg_return_t __wrap_ipc_mqueue_receive(struct ipc_mqueue_receive *receive, struct ipc_space *space)
{
    mach_msg_return_t result = __real_ipc_mqueue_receive(receive, space);

    sim_trace(SIM_RECEIVE, result == MACH_MSG_SUCCESS ? (uint32_t)ipc_kmsg_header(receive->kmsg)->msgh_id : 0,
              (uint32_t)result);
    return result;
}
