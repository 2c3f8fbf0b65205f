/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Priorities: usage and its ageing, depression, policies.
 *
 * A timesharing thread's usage counts the ticks it ran; each second it ages to 5/8 of itself, with shifts. One that runs
 * all the time comes to 100 / (1 - 5/8) = 267, so usage / 16 moves it by 16 priorities at most: below system threads and
 * interactive ones, above those that were made worse on purpose.
 *
 * Usage ages when somebody looks: at each charged tick, when a thread wakes, and for threads that wait in a queue by a scan
 * of one queue a tick. A walk over all threads once a second was rejected because its time would be the user's to choose.
 */
#include "kernel/sched.h"

#include <mach/policy.h>

#include "kernel/panic.h"

#define SCHED_POLICY_USAGE_SHIFT 4
/* (5/8)^16 * 267 is below 1: nothing is left. */
#define SCHED_POLICY_AGES 16u
#define SCHED_POLICY_WORST (THREAD_NR_PRIORITIES - 1)

/* The priority that the next scan looks at. */
static unsigned int sched_policy_cursor; /* [S] */

static void sched_policy_age(struct thread *thread)
{
    uint32_t seconds = sched_seconds - thread->usage_stamp, usage = thread->cpu_usage;

    thread->usage_stamp = sched_seconds;
    if (seconds >= SCHED_POLICY_AGES) {
        thread->cpu_usage = 0;
        return;
    }
    while (seconds-- > 0)
        usage = (usage >> 1) + (usage >> 3);
    thread->cpu_usage = usage;
}

void sched_policy_update(struct thread *thread)
{
    unsigned int priority = thread->priority;

    assert(spinlock_held(&sched_lock));
    assert(!sched_queued(thread));
    if (sched_thread_is_idle(thread))
        return;
    if (thread->usage_stamp != sched_seconds)
        sched_policy_age(thread);
    if (thread->policy == POLICY_TIMESHARE && thread->depress_priority < 0)
        priority = MIN(priority + (thread->cpu_usage >> SCHED_POLICY_USAGE_SHIFT), (unsigned int)SCHED_POLICY_WORST);
    thread->sched_priority = (uint8_t)priority;
}

void sched_policy_charge(struct thread *thread)
{
    thread->cpu_usage++;
    sched_policy_update(thread);
}

void sched_policy_scan(void)
{
    unsigned int priority = sched_policy_cursor;
    struct thread *thread = sched_first(priority);

    sched_policy_cursor = priority + 1 == THREAD_NR_PRIORITIES ? 0 : priority + 1;
    if (thread == NULL || thread->usage_stamp == sched_seconds)
        return;
    /* It has waited longest of its queue. If its priority stays, so does its place. */
    sched_dequeue(thread);
    sched_policy_update(thread);
    if (thread->sched_priority == priority)
        sched_enqueue_first(thread);
    else
        sched_enqueue(thread);
}

/* What is between changing a thread's numbers and going on: it is put where it belongs now. */
static unsigned long sched_policy_begin(struct thread *thread, bool *queued)
{
    unsigned long flags = spinlock_lock_irq(&sched_lock);

    *queued = sched_queued(thread);
    if (*queued)
        sched_dequeue(thread);
    return flags;
}

static void sched_policy_finish(struct thread *thread, bool queued, unsigned long flags)
{
    sched_policy_update(thread);
    if (queued)
        sched_enqueue(thread);
    else if (thread == current_thread() && sched_best() < thread->sched_priority)
        sched_preempt_request();
    spinlock_unlock_irq(&sched_lock, flags);
}

static void sched_policy_set_base(struct thread *thread, uint8_t priority)
{
    if (thread->depress_priority >= 0)
        thread->depress_priority = priority;
    else
        thread->priority = priority;
}

void sched_expedite(struct thread *thread)
{
    unsigned long flags = spinlock_lock_irq(&sched_lock);

    if (sched_queued(thread) && thread->sched_priority > THREAD_PRIORITY_SYSTEM) {
        sched_dequeue(thread);
        thread->sched_priority = THREAD_PRIORITY_SYSTEM;
        sched_enqueue(thread);
    }
    spinlock_unlock_irq(&sched_lock, flags);
}

void sched_set_priority(struct thread *thread, uint8_t priority)
{
    bool queued;
    unsigned long flags = sched_policy_begin(thread, &queued);

    sched_policy_set_base(thread, MAX(priority, thread->max_priority));
    sched_policy_finish(thread, queued, flags);
}

void sched_set_max_priority(struct thread *thread, uint8_t max_priority)
{
    bool queued;
    unsigned long flags = sched_policy_begin(thread, &queued);
    int base = thread->depress_priority >= 0 ? thread->depress_priority : thread->priority;

    thread->max_priority = max_priority;
    if (base < max_priority)
        sched_policy_set_base(thread, max_priority);
    sched_policy_finish(thread, queued, flags);
}

void sched_set_policy(struct thread *thread, int policy, uint32_t quantum_ms)
{
    bool queued;
    unsigned long flags = sched_policy_begin(thread, &queued);

    assert(!invalid_policy(policy));
    thread->policy = (uint8_t)policy;
    thread->quantum = policy == POLICY_FIXEDPRI ? (uint32_t)timer_ticks_of_ms(quantum_ms) : SCHED_QUANTUM;
    if (thread->quantum_left > thread->quantum)
        thread->quantum_left = thread->quantum;
    sched_policy_finish(thread, queued, flags);
}

void sched_depress(struct thread *thread, uint32_t milliseconds)
{
    bool queued;
    unsigned long flags = sched_policy_begin(thread, &queued);

    if (thread->depress_priority < 0)
        thread->depress_priority = thread->priority;
    thread->priority = THREAD_PRIORITY_DEPRESSED;
    (void)timer_cancel(&thread->depress_timer);
    if (milliseconds != 0)
        timer_set(&thread->depress_timer, timer_ticks_of_ms(milliseconds));
    sched_policy_finish(thread, queued, flags);
}

static bool sched_policy_undepress(struct thread *thread)
{
    bool queued;
    unsigned long flags = sched_policy_begin(thread, &queued);
    bool depressed = thread->depress_priority >= 0;

    if (depressed) {
        thread->priority = (uint8_t)thread->depress_priority;
        thread->depress_priority = -1;
    }
    sched_policy_finish(thread, queued, flags);
    return depressed;
}

void sched_depress_timeout(void *argument)
{
    (void)sched_policy_undepress(argument);
}

bool sched_depress_end(struct thread *thread)
{
    (void)timer_cancel(&thread->depress_timer);
    return sched_policy_undepress(thread);
}
