/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks' threads, and their list: what kernel/ itself needs beside task.h.
 */
#ifndef KERNEL_TASK_LIFE_H
#define KERNEL_TASK_LIFE_H

#include "kernel/task.h"
#include "kernel/types.h"

/* A new thread joins its task, which is active and locked; the list owns a reference that the caller gives. */
void task_add_thread(struct task *task, struct thread *thread);
/* An ended thread leaves it: its times are added to the task's. The last one of an ended task lets the rest of it end. */
void task_remove_thread(struct task *task, struct thread *thread);

/* The best priority that new threads of the task may have. */
uint8_t task_best_priority(const struct task *task);

/* One more reason for all threads not to go to user mode, and one less. KERN_FAILURE: too many, or none. */
kern_return_t task_hold(struct task *task);
kern_return_t task_release(struct task *task);
/* Waits until the threads of a held task stand still, the caller's own one excepted, or the wait is broken off. */
void task_stop_wait(struct task *task);

/*
 * The tasks that exist, the kernel's own first: up to room of them, each with a reference. Returns how many there are in
 * all, which may be more.
 */
unsigned int task_collect(struct task **tasks, unsigned int room);
/* The same for the threads of a task. */
unsigned int task_collect_threads(struct task *task, struct thread **threads, unsigned int room);

/* Calls visit for each thread of the task, with the task locked; lets others run between some. May visit one twice. */
void task_for_each_thread(struct task *task, void (*visit)(struct thread *thread, void *context), void *context);

#endif
