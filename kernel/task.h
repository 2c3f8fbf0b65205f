/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: an address space, a port name space, and threads.
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include <mach/kern_return.h>

#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/reaper.h"
#include "kernel/types.h"

struct ipc_port;
struct ipc_space;
struct thread;
struct vm_map;

#define TASK_PORT_REGISTER_MAX 4

#define TASK_MAX_PRIORITY_OF_SET 0xff      /* what the processor set says */

/* Locking: K task->lock; L the list of all tasks' lock; I immutable. */
struct task {
    struct spinlock lock;
    uint32_t refs;                      /* atomic */
    bool active;                        /* [K] false once termination began */
    struct list_node node;              /* [L] in all_tasks */
    struct list threads;                /* [K] */
    uint32_t nr_threads;                /* [K] */
    uint32_t suspend_count;             /* [K] */
    uint32_t user_stop_count;           /* [K] what task_suspend counted */
    struct vm_map *map;                 /* [I] a reference */
    struct ipc_space *space;            /* [I] a reference */
    uint8_t priority;                   /* [K] of new threads */
    uint8_t max_priority;               /* [K] best that new threads may have, or TASK_MAX_PRIORITY_OF_SET */
    bool essential;                     /* [K] never chosen by the last resort */
    struct ipc_port *self_port;         /* [K] kernel's right */
    struct ipc_port *self_sright;       /* [K] TASK_KERNEL_PORT */
    struct ipc_port *exception_port;    /* [K] a naked send right or NULL */
    struct ipc_port *bootstrap_port;    /* [K] */
    struct ipc_port *registered[TASK_PORT_REGISTER_MAX]; /* [K] */
    uint64_t user_ticks, system_ticks;  /* [K] of ended threads */
    uint32_t faults, pageins, cow_faults, zero_fills, reactivations, messages_sent, messages_received;
    uint64_t creation_seconds;
    uint32_t nr_end_waiters;            /* [K] threads in task_end() that wait for the last thread to be gone */
    bool finished;                      /* [K] somebody has set out to end the rest, after the last thread */
    struct reaper_item reap;            /* for the reaper to do that */
    char name[32];                      /* [K] for lines about it; from task_set_name or the boot script */
};

extern struct task task_kernel;         /* from the first instruction on; its map and space come with task_init */
extern struct task *kernel_task;        /* &task_kernel */

/* A task with inherited or fresh memory; returns a reference. */
kern_return_t task_create_in(struct task *parent, bool inherit_memory, struct task **created);
void task_ref(struct task *task);
void task_unref(struct task *task);
/* Ends the task: every thread, its ports, its memory. Needs no memory. May be called by one of its own threads. */
kern_return_t task_end(struct task *task);
unsigned int task_count(void);
void task_init(void);

#endif
