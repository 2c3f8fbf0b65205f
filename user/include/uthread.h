/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of a program.
 *
 * A thread's stack is a *block* of UTHREAD_BLOCK_SIZE bytes at a multiple of that size, so that a thread finds its record,
 * which stands at the block's upper end, by its stack pointer. The lowest page is a guard that cannot be accessed (but of
 * the first thread, whose block is part of the program). A block prepared before task_create() is inherited by the child,
 * where a thread can be started on it too.
 */
#ifndef USER_UTHREAD_H
#define USER_UTHREAD_H

#define UTHREAD_BLOCK_SIZE 0x8000
#define UTHREAD_RECORD_ROOM 512 /* at the upper end, a multiple of 16 */

#ifndef __ASSEMBLER__

#include <mach/kern_return.h>
#include <mach/mach_types.h>
#include <mach/port.h>
#include <print.h>
#include <stdbool.h>
#include <stdint.h>

/* Only the thread itself uses its record, but for ended and what uthread_join reads after it. */
struct uthread {
    void (*function)(void *argument);
    void *argument;
    thread_t thread;            /* our right to it, MACH_PORT_NULL before the start; not known to a child's thread */
    mach_port_t reply_port;     /* for MIG's stubs; MACH_PORT_NULL until the first call */
    mach_port_t task;           /* uthread_task()'s, MACH_PORT_NULL until the first call */
    mach_port_t sleep_port;     /* nothing is ever sent to it */
    mach_port_t wake_port;      /* uthread_wake_port()'s, MACH_PORT_NULL until the first call */
    volatile bool ended;        /* function has returned */
    uint32_t line_length;
    char line[PRINT_LINE_MAX + 1];
};

/* The running thread's. */
struct uthread *uthread_self(void);
/* This task's port: a name that is asked for once a thread. */
mach_port_t uthread_task(void);

/* A block for a thread that will run function; NULL when there is no memory. */
struct uthread *uthread_prepare(void (*function)(void *argument), void *argument);
/* Starts a thread of task on the block, which has just been prepared, or inherited by task since. */
kern_return_t uthread_start(task_t task, struct uthread *uthread);
/* Frees a block of this task on which no thread runs. */
void uthread_free(struct uthread *uthread);

/* Prepares and starts in this task; NULL when that failed. */
struct uthread *uthread_create(void (*function)(void *argument), void *argument);
/* Waits until function has returned, and ends the thread and all that is its own. */
void uthread_join(struct uthread *uthread);

/* Sleeps so long. */
void uthread_sleep(unsigned int milliseconds);

/*
 * Waiting for another thread of the task. Who will wait calls uthread_wake_port() and says the port to whoever is to wake
 * it, under a lock of theirs; then uthread_wait() returns once for each uthread_wake() of the port, also for those that came
 * before. MACH_PORT_NULL when there is no port to be had; after the first success the call cannot fail.
 */
mach_port_t uthread_wake_port(void);
void uthread_wait(void);
void uthread_wake(mach_port_t wake_port);

/*
 * A lock for a few instructions, or a call of the kernel that does not wait: who finds it taken lets others run and tries
 * again. {0} is a free one.
 */
struct uthread_lock {
    int held;
};
void uthread_lock_take(struct uthread_lock *lock);
void uthread_lock_release(struct uthread_lock *lock);

/* Keeps the thread's stack in memory. Also for a block that is prepared only. */
kern_return_t uthread_wire(mach_port_t host_priv, struct uthread *uthread);

#endif

#endif
