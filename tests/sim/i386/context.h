/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the simulated machine keeps of a thread. It stands in for i386's own i386/context.h: tests/sim comes first on the
 * include path.
 */
#ifndef I386_CONTEXT_H
#define I386_CONTEXT_H

#include "kernel/types.h"

struct sim_fiber;

/* What a thread does in the kernel, as far as it matters to what it may have in its hands. */
enum sim_inside {
    SIM_INSIDE_NOTHING,         /* it is in user mode, or at the border */
    SIM_INSIDE_FAULT,           /* a fault of user mode */
    SIM_INSIDE_CALL,            /* a trap, or an exception */
    SIM_INSIDE_RECEIVE,         /* a trap that receives a message */
};

/* All of it is the thread's own while it runs or stands still for whoever changes it. */
struct machine_context {
    uint32_t id;                /* counts from 1, in the order of creation: what traces call the thread */
    struct sim_fiber *fiber;    /* the stack that it runs on; see tests/sim/threads.c */
    uint32_t pc;                /* user mode: the program, see sim_program() */
    uint32_t sp;                /* user mode: the end of its memory for messages and arguments */
    uint32_t registers[4];      /* user mode: what the program is given */
    uint32_t words[4];          /* its program's library's own */
    uint32_t result;            /* of the trap that it is in */
    uint8_t inside;             /* enum sim_inside: what the thread does in the kernel */
    bool redirected;            /* pc was set since it was last in user mode: it begins there */
};

#endif
