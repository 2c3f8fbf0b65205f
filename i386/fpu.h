/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floating-point unit, loaded when a thread uses it.
 *
 * One thread at a time is the *owner*: the FPU's registers are its own. The owner's state is stored when another
 * thread uses the FPU, or when somebody asks for it; a thread that never does has no memory for it.
 */
#ifndef I386_FPU_H
#define I386_FPU_H

#include <mach/i386/thread_status.h>
#include <mach/kern_return.h>

#include "kernel/types.h"

struct thread;

void fpu_init(void);

/* At a switch to next, interrupts off: the next FPU instruction faults unless next is the owner. */
void fpu_switch(const struct thread *next);

/*
 * Device not available: gives the running thread the FPU. KERN_SUCCESS; KERN_RESOURCE_SHORTAGE: no memory for its state;
 * KERN_FAILURE: there is no FPU. Sleeps.
 */
kern_return_t fpu_use(void);

/* An FPU error of the running thread: takes the pending exception away, and returns the status word. Interrupts on. */
uint32_t fpu_take_error(void);
/* The same for an SSE exception: returns MXCSR. */
uint32_t fpu_take_sse_error(void);

/* Forgets and frees the thread's state. Does not sleep. */
void fpu_destroy(struct thread *thread);

/* i386_FLOAT_STATE; thread is stopped or the running one. */
void fpu_get_state(struct thread *thread, struct i386_float_state *state);
kern_return_t fpu_set_state(struct thread *thread, const struct i386_float_state *state);

#endif
