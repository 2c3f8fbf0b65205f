/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: which thread runs next.
 *
 * Runnable threads are in queues by priority, 0 the best; the running thread is in none. A thread's *base* priority is
 * what it was given; a timesharing thread's *scheduled* priority is worse by the processor time it used lately, which ages
 * away. A *depressed* thread has the worst priority for a while. Who waits, and for what, is in thread.h.
 *
 * A better thread that becomes runnable asks the running one to give way: at once in user mode, at a preempt_point in
 * the kernel. Threads of one priority take turns, a quantum each.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "kernel/types.h"

/* 100 ms, Mach's minimum quantum: long beside the cost of a switch and its cold caches, short beside a person. */
#define SCHED_QUANTUM_MS 100u
#define SCHED_QUANTUM (SCHED_QUANTUM_MS * MACHINE_HZ / 1000)

/* S: everything of the scheduler and of waits; taken with interrupts off. */
extern struct spinlock sched_lock;
/* [S to write] the running thread should give way when it can. */
extern volatile bool sched_preempt_wanted;
/* [S] seconds since boot, by which usage ages. */
extern uint32_t sched_seconds;

/* Prepares a thread's scheduling state: SUSPENDED, with this base and worst priority. */
void sched_thread_init(struct thread *thread, uint8_t priority, uint8_t max_priority);
/* Takes the timers of an ended thread away. */
void sched_thread_end(struct thread *thread);
/* A SUSPENDED thread becomes runnable; false if it was not SUSPENDED. */
bool sched_resume(struct thread *thread);
/* The running thread is SUSPENDED from now on, and stops at its next thread_block(); it has asserted no wait. */
void sched_suspend_self(void);
/* The running thread never runs again; another thread hands it to thread_reap() when it is off its stack. */
void sched_exit(void) __attribute__((noreturn));
/* What a thread does first when it runs for the first time; interrupts are on. */
void sched_switched(void);
/* Whether the thread waits interruptibly: an abort would wake it. */
bool sched_abort_wait(struct thread *thread);
/* The clock's tick, from clock_interrupt. */
void sched_tick(bool user);
/* Whether any other thread is runnable. */
bool sched_others(void);
/*
 * Gives the processor to thread if it is runnable and in a queue, otherwise to the best. The running one stays runnable, or
 * waits if it has asserted that. False: there was nobody.
 */
bool sched_yield_to(struct thread *thread);
/* Threads that are runnable, the running one included unless it is the idle thread. */
unsigned int sched_nr_runnable(void);

/* ---- queues; sched_lock held ---- */

/* The best priority of a queued thread, THREAD_NR_PRIORITIES when none is. */
unsigned int sched_best(void);
/* The thread that has waited longest at this priority, or NULL. */
struct thread *sched_first(unsigned int priority);
bool sched_queued(const struct thread *thread);
void sched_dequeue(struct thread *thread);
/* Behind the others of its priority, or before them. Looks whether the running thread should give way. */
void sched_enqueue(struct thread *thread);
void sched_enqueue_first(struct thread *thread);
/* Asks the running thread to give way. */
void sched_preempt_request(void);
bool sched_thread_is_idle(const struct thread *thread);

/* ---- priorities: sched_policy.c ---- */

/* sched_lock held: ages the usage, and works out the scheduled priority of a thread that is in no queue. */
void sched_policy_update(struct thread *thread);
/* sched_lock held: one tick was used. */
void sched_policy_charge(struct thread *thread);
/* sched_lock held: looks at one queued thread, another one each time, so that who waits for long gets better. */
void sched_policy_scan(void);

/*
 * Lets a queued thread run soon, whatever its priority, until a tick charges it: one that is to stop or end, and has no more
 * to do than to come out of the kernel. Otherwise who waits for that would wait for all better threads.
 */
void sched_expedite(struct thread *thread);
/* Sets the base priority, at best max_priority; a depressed thread gets it when its depression ends. */
void sched_set_priority(struct thread *thread, uint8_t priority);
/* Sets the best base priority allowed, and makes the base worse if it is better than that. */
void sched_set_max_priority(struct thread *thread, uint8_t max_priority);
/* Sets POLICY_TIMESHARE, or POLICY_FIXEDPRI with a quantum in milliseconds. */
void sched_set_policy(struct thread *thread, int policy, uint32_t quantum_ms);
/* Depresses for milliseconds (0: until it is ended). */
void sched_depress(struct thread *thread, uint32_t milliseconds);
/* Ends the depression; false if there was none. */
bool sched_depress_end(struct thread *thread);
/* The timer's function that ends it. */
void sched_depress_timeout(void *argument);

#endif
