/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debug registers: break- and watchpoints of a thread. They are loaded while a thread that has some runs, and off
 * otherwise.
 */
#ifndef I386_DEBUG_H
#define I386_DEBUG_H

#include <mach/i386/thread_status.h>
#include <mach/kern_return.h>

#include "kernel/types.h"

struct thread;

/* Of what struct machine_context's debug points to: dr0 to dr3, dr6, dr7. */
#define DEBUG_NR_REGISTERS 6

void debug_init(void);

/* At a switch, interrupts off, when either thread has debug registers. */
void debug_switch(const struct thread *next);
/* A debug trap, interrupts off: moves the status register's bits to the running thread's own, if it has one. */
void debug_take_status(void);
void debug_destroy(struct thread *thread);

/* i386_DEBUG_STATE; thread is stopped or the running one. */
void debug_get_state(const struct thread *thread, struct i386_debug_state *state);
/* KERN_INVALID_ARGUMENT for what a user may not watch; KERN_RESOURCE_SHORTAGE. Sleeps. */
kern_return_t debug_set_state(struct thread *thread, const struct i386_debug_state *state);

#endif
