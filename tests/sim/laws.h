/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Laws: what must be true of the kernel's structures whenever threads may switch.
 *
 * The checks walk over the structures themselves: everything that a cache has handed out is found in its slabs, all frames
 * in their array, all mappings in the tables. The kernel's counters are held against what was found. One that fails ends
 * the run with the name of the law and the numbers.
 */
#ifndef SIM_LAWS_H
#define SIM_LAWS_H

#include "kernel/kmem.h"
#include "kernel/types.h"

struct vm_frame;

/* From where: no spinlock is held there, and no critical section is under way. */
enum sim_laws_at {
    SIM_LAWS_SWITCH,            /* between two threads; mutexes may be held */
    SIM_LAWS_USER,              /* the running thread is in user mode */
    SIM_LAWS_END,               /* on the scenario's own thread, when all else is over */
};

/* Checks everything. */
void sim_laws_check(enum sim_laws_at at);
/* Checks when enough has happened since the last time, which the seed says. */
void sim_laws_point(enum sim_laws_at at);
/* A check is under way: what it asks the kernel is no point. */
extern bool sim_laws_checking;

/* A frame, or a block that begins with it, was handed out to the running thread. */
void sim_laws_frame_taken(const struct vm_frame *frame, enum alloc how);
/* Around a fault of the running program: _end, when it was resolved, takes what _begin returned. */
uint32_t sim_laws_fault_begin(void);
void sim_laws_fault_end(uint32_t begun, uintptr_t address);

#endif
