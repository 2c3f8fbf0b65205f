/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of threads, as tasks, the scheduler and the calls on threads need it: stopping, releasing, ending.
 *
 * A thread stops only at the border to user mode, with all of its state in its user frame. It is held by suspend counts,
 * its own and its task's; while one of them is not 0 it does not go to user mode.
 */
#ifndef KERNEL_THREAD_LIFE_H
#define KERNEL_THREAD_LIFE_H

#include "kernel/thread.h"
#include "kernel/types.h"

/*
 * The scheduler hands over a thread that ended and is off its stack. No locks held; needs no memory.
 */
void thread_reap(struct thread *thread);

/*
 * Begins the end of a thread: its port converts no more, its interruptible wait is broken off, it is released whatever
 * its counts, and ends at the border to user mode. False if that had begun before. thread->task may be locked.
 */
bool thread_end(struct thread *thread);

/* Who counts: thread_suspend and thread_resume, or a call that needs the thread to stand still while it works. */
enum thread_hold_kind {
    THREAD_HOLD_USER,
    THREAD_HOLD_CALL,
};
/* Counts one more reason to stop. KERN_FAILURE if there are too many. The thread may still run: see thread_stop_wait. */
kern_return_t thread_hold(struct thread *thread, enum thread_hold_kind kind);
/* Counts one reason less; KERN_FAILURE if there was none. */
kern_return_t thread_release(struct thread *thread, enum thread_hold_kind kind);
/* Whether the thread is held, by its own counts or its task's. */
bool thread_is_held(struct thread *thread);
/* Marks the thread as aborted: what interruptible waits it is in, or comes to before the border, end at once. */
void thread_abort_mark(struct thread *thread);
/* The task's count has changed: makes the thread stop or go on accordingly. Its task is locked. */
void thread_task_stops_changed(struct thread *thread);
/*
 * Waits until a held thread is at the border or waits in the kernel for something, so that its user frame does not
 * change. KERN_ABORTED when the caller's wait is broken off. No locks held.
 */
kern_return_t thread_stop_wait(struct thread *thread);
/* The same, until it is at the border (or ended). */
kern_return_t thread_border_wait(struct thread *thread);

#endif
