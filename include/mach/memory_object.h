/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: what a memory manager provides and a task maps.
 */
#ifndef MACH_MEMORY_OBJECT_H
#define MACH_MEMORY_OBJECT_H

#include <mach/port.h>

#ifdef MACH_KERNEL
typedef struct ipc_port *memory_object_t;
#else
typedef mach_port_t memory_object_t; /* the manager receives from it */
#endif
typedef memory_object_t *memory_object_array_t;

typedef mach_port_t memory_object_control_t; /* the kernel receives from it: the manager's answers */
typedef mach_port_t memory_object_name_t; /* the kernel receives from it: identifies, allows nothing */

/* How the kernel copies an object that a manager backs. */
typedef int memory_object_copy_strategy_t;
#define MEMORY_OBJECT_COPY_NONE 0 /* at once, page by page */
#define MEMORY_OBJECT_COPY_CALL 1 /* by asking the manager */
#define MEMORY_OBJECT_COPY_DELAY 2 /* on write; only the kernel changes the data */
#define MEMORY_OBJECT_COPY_TEMPORARY 3 /* as DELAY, and the data need not outlive the object */

/* Which pages memory_object_lock_request() has returned. */
typedef int memory_object_return_t;
#define MEMORY_OBJECT_RETURN_NONE 0
#define MEMORY_OBJECT_RETURN_DIRTY 1 /* changed ones, and precious ones if they are flushed */
#define MEMORY_OBJECT_RETURN_ALL 2 /* changed and precious ones */

#define MEMORY_OBJECT_NULL MACH_PORT_NULL

#endif
