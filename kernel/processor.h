/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processor and the processor set: one of each, which all threads are assigned to. What the calls on them change (best
 * priority of new threads, policies allowed) is kept in the set.
 */
#ifndef KERNEL_PROCESSOR_H
#define KERNEL_PROCESSOR_H

#include "kernel/lock.h"
#include "kernel/types.h"

struct host_load_info;

struct processor_set {
    uint8_t max_priority;       /* best base priority of new threads */
    uint8_t policies;           /* allowed: POLICY_TIMESHARE, always, and perhaps POLICY_FIXEDPRI, which are bits */
};

struct processor {
    struct processor_set *set;
};

extern struct processor processor_master;
extern struct processor_set processor_set_default_set;

/* Samples the load; the clock calls it once a second. */
void processor_load_sample(void);
/* The averages over 5, 30 and 60 seconds. */
void processor_load_get(struct host_load_info *info);

#endif
