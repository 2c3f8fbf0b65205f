/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef I386_SWITCH_H
#define I386_SWITCH_H

/* switch.S and thread.c between themselves. */

struct thread;

/* Saves the running thread's registers in from's context and goes on with next's. Returns the thread left last. */
struct thread *switch_stacks(struct thread *from, struct thread *next);
/* Where a new thread's first switch returns to: %ebx is its function, %esi the argument. */
void switch_start(void);

#endif
