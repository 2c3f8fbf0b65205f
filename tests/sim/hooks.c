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
#include "ipc/ipc_space.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "kernel/lock.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "sim.h"
#include "vm/memory_object.h"
#include "vm/memory_object_message.h"
#include "vm/vm_account.h"
#include "vm/vm_object.h"
#include "vm/vm_run.h"

/* More than any object of a scenario has pages. */
#define SIM_DROPPED_MAX 4096u

/* One line a function: what the linker calls it, and what is behind it. */
void __real_spinlock_lock(struct spinlock *lock);
void __wrap_spinlock_lock(struct spinlock *lock);
void __real_spinlock_unlock(struct spinlock *lock);
void __wrap_spinlock_unlock(struct spinlock *lock);
bool __real_spinlock_try_lock(struct spinlock *lock);
bool __wrap_spinlock_try_lock(struct spinlock *lock);
void __real_spinlock_lock_nested(struct spinlock *lock);
void __wrap_spinlock_lock_nested(struct spinlock *lock);
unsigned long __real_spinlock_lock_irq(struct spinlock *lock);
unsigned long __wrap_spinlock_lock_irq(struct spinlock *lock);
void __real_spinlock_unlock_irq(struct spinlock *lock, unsigned long flags);
void __wrap_spinlock_unlock_irq(struct spinlock *lock, unsigned long flags);
void __real_mutex_unlock(struct mutex *mutex);
void __wrap_mutex_unlock(struct mutex *mutex);
bool __real_mutex_try_lock(struct mutex *mutex);
bool __wrap_mutex_try_lock(struct mutex *mutex);
void __real_mutex_lock(struct mutex *mutex);
void __wrap_mutex_lock(struct mutex *mutex);
enum wait_result __real_thread_block(void);
enum wait_result __wrap_thread_block(void);
unsigned int __real_thread_wakeup(const void *event);
unsigned int __wrap_thread_wakeup(const void *event);
bool __real_thread_wakeup_one(const void *event);
bool __wrap_thread_wakeup_one(const void *event);
bool __real_thread_wake(struct thread *thread, enum wait_result result);
bool __wrap_thread_wake(struct thread *thread, enum wait_result result);
void __real_thread_assert_wait(const void *event, enum wait_kind kind);
void __wrap_thread_assert_wait(const void *event, enum wait_kind kind);
void __real_thread_assert_wait_timeout(const void *event, enum wait_kind kind, uint32_t milliseconds);
void __wrap_thread_assert_wait_timeout(const void *event, enum wait_kind kind, uint32_t milliseconds);
enum wait_result __real_thread_sleep(const void *event, struct spinlock *lock, enum wait_kind kind);
enum wait_result __wrap_thread_sleep(const void *event, struct spinlock *lock, enum wait_kind kind);
enum wait_result __real_thread_handoff(struct thread *target);
enum wait_result __wrap_thread_handoff(struct thread *target);
bool __real_thread_yield(void);
bool __wrap_thread_yield(void);
bool __real_sched_yield_to(struct thread *thread);
bool __wrap_sched_yield_to(struct thread *thread);
void __real_preempt_point(void);
void __wrap_preempt_point(void);
mach_msg_return_t __real_ipc_mqueue_send(struct ipc_kmsg *kmsg, mach_msg_option_t option, mach_msg_timeout_t timeout,
                                         struct thread **target);
mach_msg_return_t __wrap_ipc_mqueue_send(struct ipc_kmsg *kmsg, mach_msg_option_t option, mach_msg_timeout_t timeout,
                                         struct thread **target);
void __real_ipc_mqueue_send_always(struct ipc_kmsg *kmsg);
void __wrap_ipc_mqueue_send_always(struct ipc_kmsg *kmsg);
void __real_vm_account_credit(struct vm_run *run, uint32_t nr_pages);
void __wrap_vm_account_credit(struct vm_run *run, uint32_t nr_pages);
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

void __wrap_spinlock_lock_nested(struct spinlock *lock)
{
    sim_point(SIM_KERNEL);
    __real_spinlock_lock_nested(lock);
}

unsigned long __wrap_spinlock_lock_irq(struct spinlock *lock)
{
    sim_point(SIM_KERNEL);
    return __real_spinlock_lock_irq(lock);
}

void __wrap_spinlock_unlock_irq(struct spinlock *lock, unsigned long flags)
{
    __real_spinlock_unlock_irq(lock, flags);
    sim_point(SIM_KERNEL);
}

void __wrap_mutex_lock(struct mutex *mutex)
{
    sim_point(SIM_KERNEL);
    sim_switch_point();
    __real_mutex_lock(mutex);
}

void __wrap_mutex_unlock(struct mutex *mutex)
{
    __real_mutex_unlock(mutex);
    sim_point(SIM_KERNEL);
}

bool __wrap_mutex_try_lock(struct mutex *mutex)
{
    sim_point(SIM_KERNEL);
    return __real_mutex_try_lock(mutex);
}

/* ---- waits ---- */

/* A wait that can be broken off may be, at once: as if thread_abort had come when the thread was last off the processor. */
static void sim_wait(enum wait_kind kind)
{
    struct thread *self = current_thread();

    sim_point(SIM_KERNEL);
    if (kind != WAIT_INTERRUPTIBLE || self->entry != NULL || self->abort_pending || !sim_fault(SIM_FAULT_WAIT))
        return;
    self->abort_pending = true;
    self->ast = true;
}

void __wrap_thread_assert_wait(const void *event, enum wait_kind kind)
{
    sim_wait(kind);
    __real_thread_assert_wait(event, kind);
}

void __wrap_thread_assert_wait_timeout(const void *event, enum wait_kind kind, uint32_t milliseconds)
{
    sim_wait(kind);
    __real_thread_assert_wait_timeout(event, kind, milliseconds);
}

enum wait_result __wrap_thread_block(void)
{
    enum wait_result result;

    sim_before_switch();
    result = __real_thread_block();
    sim_after_wait();
    return result;
}

/* The lock is held, so nothing may come before the wait but an interrupt. */
enum wait_result __wrap_thread_sleep(const void *event, struct spinlock *lock, enum wait_kind kind)
{
    enum wait_result result;

    sim_wait(kind);
    result = __real_thread_sleep(event, lock, kind);
    sim_after_wait();
    return result;
}

enum wait_result __wrap_thread_handoff(struct thread *target)
{
    enum wait_result result;

    sim_point(SIM_KERNEL);
    sim_counts->places++;
    result = __real_thread_handoff(target);
    sim_after_wait();
    return result;
}

bool __wrap_thread_yield(void)
{
    sim_before_switch();
    return __real_thread_yield();
}

bool __wrap_sched_yield_to(struct thread *thread)
{
    sim_point(SIM_KERNEL);
    sim_counts->places++;
    return __real_sched_yield_to(thread);
}

void __wrap_preempt_point(void)
{
    sim_before_switch();
    sim_switch_point();
    __real_preempt_point();
}

/* ---- waking ---- */

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

bool __wrap_thread_wake(struct thread *thread, enum wait_result result)
{
    bool woken = __real_thread_wake(thread, result);

    sim_point(SIM_KERNEL);
    return woken;
}

/* ---- messages ---- */

/* Whether the sender could have to wait for a place in the queue. */
static bool sim_send_waits(const struct ipc_kmsg *kmsg, mach_msg_option_t option)
{
    const mach_msg_header_t *header = &kmsg->header;
    const struct ipc_port *port = (const struct ipc_port *)(uintptr_t)header->msgh_remote_port;

    return port->active && port->receiver != ipc_space_kernel && !(option & MACH_SEND_ALWAYS) &&
           !(header->msgh_bits & MACH_MSGH_BITS_CIRCULAR) &&
           MACH_MSGH_BITS_REMOTE(header->msgh_bits) != MACH_MSG_TYPE_PORT_SEND_ONCE;
}

/* One that waits can find the queue full until its time is over, or until somebody breaks its wait off. */
mach_msg_return_t __wrap_ipc_mqueue_send(struct ipc_kmsg *kmsg, mach_msg_option_t option, mach_msg_timeout_t timeout,
                                         struct thread **target)
{
    mach_msg_id_t id = ipc_kmsg_header(kmsg)->msgh_id;
    mach_msg_return_t result;

    if (sim_send_waits(kmsg, option) && sim_fault(SIM_FAULT_SEND))
        result = option & MACH_SEND_TIMEOUT ? MACH_SEND_TIMED_OUT : MACH_SEND_INTERRUPTED;
    else
        result = __real_ipc_mqueue_send(kmsg, option, timeout, target);
    sim_counts->messages++;
    sim_trace(SIM_SEND, (uint32_t)id, (uint32_t)result);
    return result;
}

/* Pages of lost runs that are on their way home, or came when their object had ended. */
static bool sim_dropped[SIM_DROPPED_MAX];

bool sim_page_dropped(uint32_t index)
{
    return index < SIM_DROPPED_MAX && sim_dropped[index];
}

/* How often a run with this page was lost by a fault. */
static uint32_t sim_lost[SIM_DROPPED_MAX];

uint32_t sim_page_lost(uint32_t index)
{
    return index < SIM_DROPPED_MAX ? sim_lost[index] : 0;
}

static void sim_count_lost(const struct vm_run *run)
{
    for (uint32_t i = run->index; i < run->index + run->nr_pages && i < SIM_DROPPED_MAX; i++)
        sim_lost[i]++;
}

static void sim_set_dropped(const struct vm_run *run, bool dropped)
{
    for (uint32_t i = run->index; i < run->index + run->nr_pages && i < SIM_DROPPED_MAX; i++)
        sim_dropped[i] = dropped;
}

static uint32_t sim_credited;

uint32_t sim_nr_credited(void)
{
    return sim_credited;
}

/* vm_run_return credits a lost run when its pages are where they belong. */
void __wrap_vm_account_credit(struct vm_run *run, uint32_t nr_pages)
{
    if (run->state == VM_RUN_RETURNING)
        sim_set_dropped(run, !run->pager->object->alive);
    else if (run->state == VM_RUN_RECEIVED)
        sim_credited += nr_pages;
    __real_vm_account_credit(run, nr_pages);
}

/*
 * Whether kmsg carries an evicted run. It may be lost, as when it is received into too small a buffer: its pages come home.
 * Other runs are owed to the manager that asked for them, or are the last that it hears.
 */
static bool sim_send_may_be_lost(struct ipc_kmsg *kmsg)
{
    return ipc_kmsg_header(kmsg)->msgh_id == MEMORY_OBJECT_MSG_DATA_RETURN &&
           container_of(kmsg, struct vm_run, kmsg)->cause == VM_RUN_EVICTION;
}

void __wrap_ipc_mqueue_send_always(struct ipc_kmsg *kmsg)
{
    uint32_t id = (uint32_t)ipc_kmsg_header(kmsg)->msgh_id;
    bool lost = sim_send_may_be_lost(kmsg) && sim_fault(SIM_FAULT_SEND);

    sim_counts->messages++;
    sim_trace(SIM_SEND, id, lost);
    if (lost) {
        sim_set_dropped(container_of(kmsg, struct vm_run, kmsg), true);
        sim_count_lost(container_of(kmsg, struct vm_run, kmsg));
        ipc_kmsg_destroy(kmsg);
    } else {
        __real_ipc_mqueue_send_always(kmsg);
    }
}

mach_msg_return_t __wrap_ipc_mqueue_receive(struct ipc_mqueue_receive *receive, struct ipc_space *space)
{
    struct machine_context *context = &current_thread()->machine;
    uint8_t inside = context->inside;
    mach_msg_return_t result;

    /* In an exception the kernel itself receives. */
    if (space != ipc_space_reply)
        context->inside = SIM_INSIDE_RECEIVE;
    result = __real_ipc_mqueue_receive(receive, space);
    context->inside = inside;
    sim_trace(SIM_RECEIVE, result == MACH_MSG_SUCCESS ? (uint32_t)ipc_kmsg_header(receive->kmsg)->msgh_id : 0,
              (uint32_t)result);
    return result;
}
