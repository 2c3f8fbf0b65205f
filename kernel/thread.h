/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads, and how they wait.
 *
 * A thread waits for an *event*, which is any address. thread_assert_wait() puts it on the event's bucket,
 * thread_block() gives the processor away until thread_wakeup() of the event, a time-out, or (if the wait is
 * interruptible) thread_abort or the thread's end. Between the two calls the caller drops its locks, so no wake-up is
 * lost. The result says what ended the wait.
 *
 * The kernel switches threads only inside thread_block, thread_yield, thread_handoff and preempt_point, and in user
 * mode at any interrupt. Each thread has a kernel stack of its own for life, with a guard page below.
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <mach/kern_return.h>

#include "i386/context.h"
#include "kernel/kmem.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/reaper.h"
#include "kernel/timer.h"
#include "kernel/types.h"

struct task;
struct ipc_port;
struct ipc_kmsg;

enum wait_kind {
    WAIT_UNINTERRUPTIBLE,
    WAIT_INTERRUPTIBLE,         /* thread_abort and the thread's end break it off */
};

enum wait_result {
    WAIT_AWAKENED,
    WAIT_TIMED_OUT,
    WAIT_INTERRUPTED,
    WAIT_RESTART,               /* thread_wakeup_result: what was waited for is gone */
};

enum thread_run_state {
    THREAD_RUNNABLE,            /* on a run queue or running */
    THREAD_WAITING,
    THREAD_SUSPENDED,           /* stopped by suspend counts at the border to user mode, or before its first run */
    THREAD_HALTED,              /* ended; its stack is never entered again */
};

/*
 * Locking: T thread->lock; S the scheduler's lock (interrupts off); C the thread itself, while it runs, alone;
 * K the task's lock; I immutable.
 */
struct thread {
    struct machine_context machine;     /* [C] first: i386/ knows its offset */
    void *kernel_stack;                 /* [I] lowest address */
    struct task *task;                  /* [I] holds a reference */
    struct list_node task_node;         /* [K] in task->threads */
    struct list_node run_node;          /* [S] in a run queue */
    struct list_node wait_node;         /* [S] in a wait bucket */
    const void *wait_event;             /* [S] NULL when it waits for none */
    uint8_t run_state;                  /* [S] enum thread_run_state */
    uint8_t wait_kind;                  /* [S] */
    uint8_t wait_result;                /* [S] */
    bool wired_privileged;              /* [T] vm_privilege: allocates at ALLOC_PRIVILEGED (the default pager) */
    bool kernel_daemon;                 /* [I] allocates at ALLOC_DAEMON: the pageout path */
    struct timer wait_timer;            /* [S] */
    uint8_t priority;                   /* [S] base, 0 (best) .. THREAD_NR_PRIORITIES - 1 */
    uint8_t max_priority;               /* [S] */
    uint8_t sched_priority;             /* [S] with usage taken in */
    uint8_t policy;                     /* [S] POLICY_TIMESHARE or POLICY_FIXEDPRI */
    int16_t depress_priority;           /* [S] the base to return to, or -1 */
    struct timer depress_timer;         /* [S] */
    uint32_t quantum;                   /* [S] ticks that it may run before its equals get their turn */
    uint32_t quantum_left;              /* [S] ticks */
    uint32_t cpu_usage;                 /* [S] decayed ticks */
    uint32_t usage_stamp;               /* [S] */
    uint64_t user_ticks, system_ticks;  /* [S] */
    uint32_t refs;                      /* atomic */
    struct spinlock lock;
    uint32_t suspend_count;             /* [T] thread_suspend's, the task's not counted in */
    uint32_t hold_count;                /* [T] calls that need it to stand still for a moment */
    bool ast;                           /* look at the flags below before returning to user mode */
    bool abort_pending;                 /* [T] thread_abort, or the end: interruptible waits end at once */
    bool terminating;                   /* [T] never returns to user mode again */
    bool active;                        /* [T] false after termination began */
    struct ipc_port *self_port;         /* [T] kernel's right; NULL after the end */
    struct ipc_port *self_sright;       /* [T] what mach_thread_self hands out (THREAD_KERNEL_PORT) */
    struct ipc_port *exception_port;    /* [T] */
    /* IPC's own words, for the thread itself while it runs and its waker while it waits (ipc/ipc_mqueue.c). */
    struct list_node ipc_node;          /* in a queue of receivers or senders */
    uint32_t ipc_state;                 /* mach_msg_return_t for a waiting thread */
    uint32_t ipc_size;                  /* most that a waiting receiver takes */
    uint32_t ipc_seqno;
    struct ipc_kmsg *ipc_kmsg;          /* handed to a waiting receiver */
    struct ipc_port *ipc_rpc_port;      /* reply port of calls that the kernel makes for this thread */
    uint32_t ipc_options;
    const char *name;                   /* kernel threads, for panics; "" otherwise */
    void (*entry)(void *argument);      /* [I] what a kernel thread runs; NULL: a user thread */
    void *entry_argument;               /* [I] */
    uint32_t creation_seconds;          /* [I] of the wall clock */
    struct reaper_item reap;            /* from the end of its last run on */
};

#define THREAD_NR_PRIORITIES 64
#define THREAD_PRIORITY_SYSTEM 6
#define THREAD_PRIORITY_USER 25
#define THREAD_PRIORITY_DEPRESSED 63

extern struct thread *current_thread_pointer;
static inline struct thread *current_thread(void)
{
    return current_thread_pointer;
}
static inline struct task *current_task(void)
{
    return current_thread()->task;
}
struct ipc_space *current_space(void);
struct vm_map *current_map(void);

/* ---- waiting ---- */

void thread_assert_wait(const void *event, enum wait_kind kind);
/* As thread_assert_wait, ending after timeout milliseconds at the latest. */
void thread_assert_wait_timeout(const void *event, enum wait_kind kind, uint32_t milliseconds);
/* Takes the running thread off the event again, before it blocked. */
void thread_cancel_wait(void);
enum wait_result thread_block(void);
/* assert_wait, unlock, block: the common case. */
enum wait_result thread_sleep(const void *event, struct spinlock *lock, enum wait_kind kind);
/* Wakes all, or the one that has waited longest; returns whether (how many) there was one. */
unsigned int thread_wakeup(const void *event);
bool thread_wakeup_one(const void *event);
/* Ends the wait of one thread with result, if it still waits (for whatever); false if it did not. */
bool thread_wake(struct thread *thread, enum wait_result result);
/* Wakes target, which waits, and gives it the processor at once; the caller has asserted its own wait before. */
enum wait_result thread_handoff(struct thread *target);
/* Gives way to others of equal or better priority. Returns whether there were any. */
bool thread_yield(void);
/* A point where a long operation lets others run if it is time. No locks are held. */
void preempt_point(void);
/* Whether the running thread should break off what it does: it is being ended. */
bool thread_should_end(void);
/* Sleeps for some time. */
void thread_delay(uint32_t milliseconds);

/* ---- life ---- */

/* A thread of the kernel's own task; panics if it cannot be had (only at boot and in tests). */
struct thread *kernel_thread_create(const char *name, void (*entry)(void *argument), void *argument, uint8_t priority);
/* Ends the running thread. */
void thread_exit(void) __attribute__((noreturn));
/* A user thread, suspended once (thread_create) with a fresh state; returns a reference. */
kern_return_t thread_create_in(struct task *task, struct thread **created);
void thread_ref(struct thread *thread);
void thread_unref(struct thread *thread);
/* Threads that belong to tasks. */
unsigned int thread_count(void);
/* Called on the way to user mode when thread->ast is set: ends, stops, or reschedules the running thread. */
void thread_ast(void);

/* How a thread's allocations are to be served: its level, and whether it may sleep; the running thread's. */
enum alloc thread_alloc_level_of(const struct thread *thread);
enum alloc thread_alloc_level(void);

void thread_init(void);
void sched_init(void);
/* Starts scheduling; the caller becomes the idle thread. */
void sched_start(void) __attribute__((noreturn));

#endif
