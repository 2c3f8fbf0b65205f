/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues, switching, and waits.
 *
 * One FIFO queue a priority and a bitmap of those that are not empty: picking is two bit scans. Waiting threads are in
 * buckets by a hash of their event, in the order in which they came. All of it is under one lock, because a wake-up
 * touches both sides, and a second lock would be taken in every RPC for nothing on one processor.
 *
 * A thread that asserted a wait is WAITING while it still runs; a wake-up in between makes it RUNNABLE again without
 * queueing it, and thread_block() returns at once. So "in no queue" is decided by who runs, not by the state.
 *
 * The lock is released just before machine_switch(), interrupts staying off, and each thread restores its own interrupt
 * state when it is back. A thread that ended is remembered in sched_halted and handed on by whoever runs next, never on
 * its own stack.
 *
 * Handing over (thread_handoff) skips the queues: the thread that was woken runs on. Its own quantum and the tick's look at
 * the queues bound what others lose by that to one tick.
 */
#include "kernel/sched.h"

#include <mach/policy.h>

#include "kernel/panic.h"
#include "kernel/task.h"
#include "kernel/thread_life.h"

#define SCHED_WORD_BITS 32u
#define SCHED_WORDS (THREAD_NR_PRIORITIES / SCHED_WORD_BITS)
_Static_assert(SCHED_WORDS == 2, "sched_best looks at two words");

/* Four pages of address bits that differ for most objects; some hundreds of waiting threads make short buckets. */
#define SCHED_BUCKET_BITS 9
#define SCHED_BUCKETS (1u << SCHED_BUCKET_BITS)

/* Threads woken with interrupts off before they are let in again: some microseconds. */
#define SCHED_WAKE_BATCH 16u

struct spinlock sched_lock = SPINLOCK_INIT(LOCK_RANK_SCHED, "sched");
volatile bool sched_preempt_wanted;
uint32_t sched_seconds;

static struct list sched_queues[THREAD_NR_PRIORITIES];     /* [S] */
static uint32_t sched_bitmap[SCHED_WORDS];                 /* [S] */
static unsigned int sched_nr_queued;                       /* [S] */
static struct list sched_buckets[SCHED_BUCKETS];           /* [S] */
static struct thread *sched_halted;                        /* interrupts off: ended, and perhaps still on its stack */
static unsigned int sched_ticks_left = MACHINE_HZ;         /* [S] of this second */

/* Runs from the first instruction: the boot, and the idle thread afterwards. Its stack is the machine's. */
static struct thread sched_idle = {
    .run_state = THREAD_RUNNABLE,
    .priority = THREAD_PRIORITY_DEPRESSED,
    .max_priority = THREAD_PRIORITY_DEPRESSED,
    .sched_priority = THREAD_NR_PRIORITIES,
    .policy = POLICY_FIXEDPRI,
    .depress_priority = -1,
    .refs = 1,
    .active = true,
    .lock = SPINLOCK_INIT(LOCK_RANK_THREAD, "idle"),
    .wait_node = {&sched_idle.wait_node, &sched_idle.wait_node},
    .run_node = {&sched_idle.run_node, &sched_idle.run_node},
    .task_node = {&sched_idle.task_node, &sched_idle.task_node},
    .ipc_node = {&sched_idle.ipc_node, &sched_idle.ipc_node},
    .wait_timer.node = {&sched_idle.wait_timer.node, &sched_idle.wait_timer.node},
    .depress_timer.node = {&sched_idle.depress_timer.node, &sched_idle.depress_timer.node},
    .task = &task_kernel,
    .name = "idle",
};
struct thread *current_thread_pointer = &sched_idle;

/* ---- queues ---- */

unsigned int sched_best(void)
{
    assert(spinlock_held(&sched_lock));
    if (sched_bitmap[0] != 0)
        return (unsigned int)__builtin_ctz(sched_bitmap[0]);
    if (sched_bitmap[1] != 0)
        return SCHED_WORD_BITS + (unsigned int)__builtin_ctz(sched_bitmap[1]);
    return THREAD_NR_PRIORITIES;
}

struct thread *sched_first(unsigned int priority)
{
    return list_first(&sched_queues[priority], struct thread, run_node);
}

bool sched_queued(const struct thread *thread)
{
    return list_node_linked(&thread->run_node);
}

bool sched_thread_is_idle(const struct thread *thread)
{
    return thread == &sched_idle;
}

void sched_preempt_request(void)
{
    sched_preempt_wanted = true;
    current_thread()->ast = true;
}

static inline void sched_mark_queued(struct thread *thread)
{
    unsigned int priority = thread->sched_priority;

    assert(spinlock_held(&sched_lock));
    assert(thread->run_state == THREAD_RUNNABLE && thread != &sched_idle);
    sched_bitmap[priority / SCHED_WORD_BITS] |= 1u << (priority % SCHED_WORD_BITS);
    sched_nr_queued++;
    if (priority < current_thread()->sched_priority)
        sched_preempt_request();
}

static inline void sched_queue_last(struct thread *thread)
{
    assert(!sched_queued(thread));
    list_insert_tail(&sched_queues[thread->sched_priority], &thread->run_node);
    sched_mark_queued(thread);
}

void sched_enqueue(struct thread *thread)
{
    sched_queue_last(thread);
}

void sched_enqueue_first(struct thread *thread)
{
    assert(!sched_queued(thread));
    list_insert_head(&sched_queues[thread->sched_priority], &thread->run_node);
    sched_mark_queued(thread);
}

void sched_dequeue(struct thread *thread)
{
    unsigned int priority = thread->sched_priority;

    assert(spinlock_held(&sched_lock));
    assert(sched_queued(thread));
    list_remove(&thread->run_node);
    sched_nr_queued--;
    if (list_empty(&sched_queues[priority]))
        sched_bitmap[priority / SCHED_WORD_BITS] &= ~(1u << (priority % SCHED_WORD_BITS));
}

/* The thread to run next, out of its queue; the idle thread when there is none. */
static struct thread *sched_pick(void)
{
    unsigned int best = sched_best();
    struct thread *thread;

    sched_preempt_wanted = false;
    if (best == THREAD_NR_PRIORITIES)
        return &sched_idle;
    thread = list_first(&sched_queues[best], struct thread, run_node);
    sched_dequeue(thread);
    return thread;
}

/* ---- switching ---- */

/* Hands on a thread that ended; the lock is not held. */
static void sched_hand_on_halted(void)
{
    struct thread *halted = sched_halted;

    sched_halted = NULL;
    thread_reap(halted);
}

/* Switches to next, which is in no queue. The lock is held at the call and not afterwards; flags are restored. */
static void sched_switch(struct thread *self, struct thread *next, unsigned long flags)
{
    assert(spinlock_held(&sched_lock));
    assert(next->run_state == THREAD_RUNNABLE && !sched_queued(next));
    if (next == self) {
        spinlock_unlock_irq(&sched_lock, flags);
        return;
    }
    spinlock_unlock(&sched_lock);
    current_thread_pointer = next;
    (void)machine_switch(self, next);
    if (unlikely(sched_halted != NULL))
        sched_hand_on_halted();
    machine_interrupts_restore(flags);
}

void sched_switched(void)
{
    unsigned long flags = machine_interrupts_disable();

    if (sched_halted != NULL)
        sched_hand_on_halted();
    machine_interrupts_restore(flags);
}

void sched_exit(void)
{
    struct thread *self = current_thread();
    unsigned long flags;

    lock_assert_none_held();
    flags = spinlock_lock_irq(&sched_lock);
    assert(self != &sched_idle && self->run_state == THREAD_RUNNABLE);
    self->run_state = THREAD_HALTED;
    sched_halted = self;
    sched_switch(self, sched_pick(), flags);
    panic("an ended thread ran again");
}

/* The running thread stays runnable and gives way; behind its equals when its quantum is used up. */
static void sched_give_way(struct thread *self, unsigned long flags)
{
    if (self != &sched_idle) {
        if (self->quantum_left == 0) {
            self->quantum_left = self->quantum;
            sched_queue_last(self);
        } else {
            sched_enqueue_first(self);
        }
    }
    sched_switch(self, sched_pick(), flags);
}

bool thread_yield(void)
{
    struct thread *self = current_thread();
    unsigned long flags;

    lock_assert_none_held();
    flags = spinlock_lock_irq(&sched_lock);
    assert(self->run_state == THREAD_RUNNABLE);
    if (sched_best() > self->sched_priority) {
        spinlock_unlock_irq(&sched_lock, flags);
        return false;
    }
    self->quantum_left = 0;
    sched_give_way(self, flags);
    return true;
}

bool sched_yield_to(struct thread *thread)
{
    struct thread *self = current_thread();
    unsigned long flags;
    bool waits;

    lock_assert_none_held();
    flags = spinlock_lock_irq(&sched_lock);
    assert(self != &sched_idle && self->run_state != THREAD_SUSPENDED);
    waits = self->run_state == THREAD_WAITING;
    if (!waits && sched_nr_queued == 0) {
        spinlock_unlock_irq(&sched_lock, flags);
        return false;
    }
    if (thread == NULL || !sched_queued(thread)) {
        self->quantum_left = 0;
        if (waits)
            sched_switch(self, sched_pick(), flags);
        else
            sched_give_way(self, flags);
        return true;
    }
    sched_dequeue(thread);
    if (!waits) {
        self->quantum_left = self->quantum;
        sched_queue_last(self);
    }
    /* What was asked of this thread holds for the next one: better threads may be queued. */
    if (sched_preempt_wanted || sched_best() < thread->sched_priority) {
        sched_preempt_wanted = true;
        thread->ast = true;
    }
    sched_switch(self, thread, flags);
    return true;
}

void preempt_point(void)
{
    struct thread *self = current_thread();
    unsigned long flags;
    unsigned int best;

    if (likely(!sched_preempt_wanted))
        return;
    lock_assert_none_held();
    flags = spinlock_lock_irq(&sched_lock);
    assert(self->run_state == THREAD_RUNNABLE);
    sched_preempt_wanted = false;
    best = sched_best();
    if (best < self->sched_priority || (best == self->sched_priority && self->quantum_left == 0)) {
        sched_give_way(self, flags);
        return;
    }
    spinlock_unlock_irq(&sched_lock, flags);
}

/* ---- waiting ---- */

static inline struct list *sched_bucket(const void *event)
{
    /* Fibonacci hashing; objects are aligned, so the low bits say nothing, and the product's high bits depend on all. */
    return &sched_buckets[((uint32_t)(uintptr_t)event * 2654435769u) >> (32 - SCHED_BUCKET_BITS)];
}

/* Puts the running thread on the event's bucket unless its wait is broken off already. */
static void sched_wait(struct thread *self, const void *event, enum wait_kind kind)
{
    assert(spinlock_held(&sched_lock));
    assert(event != NULL);
    assert(self->run_state == THREAD_RUNNABLE && !list_node_linked(&self->wait_node));
    if (unlikely(self->abort_pending) && kind == WAIT_INTERRUPTIBLE) {
        self->wait_result = WAIT_INTERRUPTED;
        return;
    }
    self->wait_event = event;
    self->wait_kind = (uint8_t)kind;
    self->wait_result = WAIT_AWAKENED;
    self->run_state = THREAD_WAITING;
    list_insert_tail(sched_bucket(event), &self->wait_node);
}

/* Ends a wait; the thread is RUNNABLE and in no queue. */
static inline void sched_wait_end(struct thread *thread, enum wait_result result)
{
    assert(spinlock_held(&sched_lock));
    assert(thread->run_state == THREAD_WAITING);
    list_remove(&thread->wait_node);
    thread->wait_event = NULL;
    thread->wait_result = (uint8_t)result;
    thread->run_state = THREAD_RUNNABLE;
    if (list_node_linked(&thread->wait_timer.node))
        (void)timer_cancel(&thread->wait_timer);
    if (thread->usage_stamp != sched_seconds)
        sched_policy_update(thread);
}

/* Ends a wait, and queues the thread unless it is the running one, which has not blocked yet. */
static inline void sched_wake(struct thread *thread, enum wait_result result)
{
    sched_wait_end(thread, result);
    if (thread != current_thread())
        sched_queue_last(thread);
}

/* From the clock's interrupt. The wait that set the timer is the one it ends: every other end cancels it. */
static void sched_wait_timeout(void *argument)
{
    (void)thread_wake(argument, WAIT_TIMED_OUT);
}

void thread_assert_wait(const void *event, enum wait_kind kind)
{
    unsigned long flags = spinlock_lock_irq(&sched_lock);

    sched_wait(current_thread(), event, kind);
    spinlock_unlock_irq(&sched_lock, flags);
}

void thread_assert_wait_timeout(const void *event, enum wait_kind kind, uint32_t milliseconds)
{
    struct thread *self = current_thread();
    unsigned long flags = spinlock_lock_irq(&sched_lock);

    sched_wait(self, event, kind);
    /* One tick more: a part of the present one is gone already, and a time-out is never early. */
    if (self->run_state == THREAD_WAITING)
        timer_set(&self->wait_timer, timer_ticks_of_ms(milliseconds) + 1);
    spinlock_unlock_irq(&sched_lock, flags);
}

void thread_cancel_wait(void)
{
    struct thread *self = current_thread();
    unsigned long flags = spinlock_lock_irq(&sched_lock);

    if (self->run_state == THREAD_WAITING)
        sched_wait_end(self, WAIT_AWAKENED);
    spinlock_unlock_irq(&sched_lock, flags);
}

enum wait_result thread_block(void)
{
    struct thread *self = current_thread();
    unsigned long flags;

    lock_assert_none_held();
    flags = spinlock_lock_irq(&sched_lock);
    if (self->run_state == THREAD_RUNNABLE)
        spinlock_unlock_irq(&sched_lock, flags);
    else
        sched_switch(self, sched_pick(), flags);
    return self->wait_result;
}

enum wait_result thread_sleep(const void *event, struct spinlock *lock, enum wait_kind kind)
{
    thread_assert_wait(event, kind);
    spinlock_unlock(lock);
    return thread_block();
}

/*
 * Threads that wait for event are found again from the start after each batch. Who was passed over before is not looked for
 * twice on one processor: nobody runs in between but interrupts, which wake and never wait.
 */
unsigned int thread_wakeup(const void *event)
{
    struct list *bucket = sched_bucket(event);
    struct thread *thread, *after;
    unsigned int total = 0, batch;

    do {
        unsigned long flags = spinlock_lock_irq(&sched_lock);

        batch = 0;
        list_for_each_safe(bucket, thread, after, wait_node) {
            if (thread->wait_event != event)
                continue;
            sched_wake(thread, WAIT_AWAKENED);
            if (++batch == SCHED_WAKE_BATCH)
                break;
        }
        spinlock_unlock_irq(&sched_lock, flags);
        total += batch;
    } while (batch == SCHED_WAKE_BATCH);
    return total;
}

bool thread_wakeup_one(const void *event)
{
    struct list *bucket = sched_bucket(event);
    struct thread *thread;
    unsigned long flags = spinlock_lock_irq(&sched_lock);

    list_for_each(bucket, thread, wait_node) {
        if (thread->wait_event != event)
            continue;
        sched_wake(thread, WAIT_AWAKENED);
        spinlock_unlock_irq(&sched_lock, flags);
        return true;
    }
    spinlock_unlock_irq(&sched_lock, flags);
    return false;
}

bool thread_wake(struct thread *thread, enum wait_result result)
{
    unsigned long flags = spinlock_lock_irq(&sched_lock);
    bool waits = thread->run_state == THREAD_WAITING;

    if (waits)
        sched_wake(thread, result);
    spinlock_unlock_irq(&sched_lock, flags);
    return waits;
}

bool sched_abort_wait(struct thread *thread)
{
    unsigned long flags = spinlock_lock_irq(&sched_lock);
    bool waits = thread->run_state == THREAD_WAITING && thread->wait_kind == WAIT_INTERRUPTIBLE;

    if (waits)
        sched_wake(thread, WAIT_INTERRUPTED);
    spinlock_unlock_irq(&sched_lock, flags);
    return waits;
}

enum wait_result thread_handoff(struct thread *target)
{
    struct thread *self = current_thread();
    struct thread *next = target;
    unsigned long flags;

    lock_assert_none_held();
    flags = spinlock_lock_irq(&sched_lock);
    assert(target != self);
    if (unlikely(target->run_state != THREAD_WAITING)) {
        /* Somebody else has ended its wait: it is queued, or stopped. */
        next = NULL;
    } else {
        sched_wait_end(target, WAIT_AWAKENED);
        if (unlikely(self->run_state == THREAD_RUNNABLE))
            sched_queue_last(target);
    }
    if (unlikely(self->run_state == THREAD_RUNNABLE)) {
        spinlock_unlock_irq(&sched_lock, flags);
        return self->wait_result;
    }
    if (next == NULL)
        next = sched_pick();
    else if (unlikely(sched_preempt_wanted))
        next->ast = true;
    sched_switch(self, next, flags);
    return self->wait_result;
}

void thread_delay(uint32_t milliseconds)
{
    thread_assert_wait_timeout(&current_thread()->wait_timer, WAIT_INTERRUPTIBLE, milliseconds);
    (void)thread_block();
}

/* ---- states ---- */

void sched_thread_init(struct thread *thread, uint8_t priority, uint8_t max_priority)
{
    list_node_init(&thread->run_node);
    list_node_init(&thread->wait_node);
    thread->wait_event = NULL;
    thread->run_state = THREAD_SUSPENDED;
    thread->wait_result = WAIT_AWAKENED;
    timer_init(&thread->wait_timer, sched_wait_timeout, thread);
    timer_init(&thread->depress_timer, sched_depress_timeout, thread);
    thread->priority = priority;
    thread->max_priority = max_priority;
    thread->sched_priority = priority;
    thread->policy = POLICY_TIMESHARE;
    thread->depress_priority = -1;
    thread->quantum = SCHED_QUANTUM;
    thread->quantum_left = SCHED_QUANTUM;
    thread->cpu_usage = 0;
    thread->usage_stamp = sched_seconds;
    thread->user_ticks = 0;
    thread->system_ticks = 0;
}

void sched_thread_end(struct thread *thread)
{
    assert(thread->run_state == THREAD_HALTED || thread->run_state == THREAD_SUSPENDED);
    (void)timer_cancel(&thread->wait_timer);
    (void)timer_cancel(&thread->depress_timer);
}

bool sched_resume(struct thread *thread)
{
    unsigned long flags = spinlock_lock_irq(&sched_lock);
    bool stopped = thread->run_state == THREAD_SUSPENDED;

    if (stopped) {
        thread->run_state = THREAD_RUNNABLE;
        if (thread != current_thread()) {
            sched_policy_update(thread);
            sched_queue_last(thread);
        }
    }
    spinlock_unlock_irq(&sched_lock, flags);
    return stopped;
}

void sched_suspend_self(void)
{
    unsigned long flags = spinlock_lock_irq(&sched_lock);

    assert(current_thread()->run_state == THREAD_RUNNABLE);
    current_thread()->run_state = THREAD_SUSPENDED;
    spinlock_unlock_irq(&sched_lock, flags);
}

bool sched_others(void)
{
    return *(volatile unsigned int *)&sched_nr_queued != 0;
}

unsigned int sched_nr_runnable(void)
{
    return sched_nr_queued + (current_thread() != &sched_idle);
}

/* ---- the clock ---- */

void sched_tick(bool user)
{
    struct thread *self = current_thread();
    unsigned long flags = spinlock_lock_irq(&sched_lock);
    unsigned int best;

    if (--sched_ticks_left == 0) {
        sched_ticks_left = MACHINE_HZ;
        sched_seconds++;
    }
    if (user)
        self->user_ticks++;
    else
        self->system_ticks++;
    if (self != &sched_idle) {
        sched_policy_charge(self);
        if (self->quantum_left > 0)
            self->quantum_left--;
        sched_policy_scan();
        best = sched_best();
        if (best < self->sched_priority || (best == self->sched_priority && self->quantum_left == 0))
            sched_preempt_request();
    }
    spinlock_unlock_irq(&sched_lock, flags);
}

void sched_init(void)
{
    for (unsigned int i = 0; i < THREAD_NR_PRIORITIES; i++)
        list_init(&sched_queues[i]);
    for (unsigned int i = 0; i < SCHED_BUCKETS; i++)
        list_init(&sched_buckets[i]);
}

void sched_start(void)
{
    unsigned long flags;

    assert(current_thread() == &sched_idle);
    for (;;) {
        flags = spinlock_lock_irq(&sched_lock);
        if (sched_nr_queued != 0) {
            sched_switch(&sched_idle, sched_pick(), flags);
            continue;
        }
        spinlock_unlock(&sched_lock);
        machine_idle();
        machine_interrupts_enable();
    }
}
