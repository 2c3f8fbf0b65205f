/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types that mach_types.defs speaks of.
 *
 * To a program, a task, a thread, a host or a processor is a port. Inside the kernel MIG's stubs turn the port into the
 * object before a routine is called, so there the same names are pointers to the kernel's own structs; arrays of them
 * stay arrays of ports, which is what travels.
 */
#ifndef MACH_MACH_TYPES_H
#define MACH_MACH_TYPES_H

#include <mach/host_info.h>
#include <mach/machine.h>
#include <mach/machine/vm_types.h>
#include <mach/memory_object.h>
#include <mach/pc_sample.h>
#include <mach/port.h>
#include <mach/processor_info.h>
#include <mach/std_types.h>
#include <mach/task_info.h>
#include <mach/task_special_ports.h>
#include <mach/thread_info.h>
#include <mach/thread_special_ports.h>
#include <mach/thread_status.h>
#include <mach/time_value.h>
#include <mach/vm_attributes.h>
#include <mach/vm_cache_statistics.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <mach/vm_statistics.h>
#include <mach/vm_sync.h>
#include <mach/vm_wire.h>

#ifdef MACH_KERNEL

typedef struct task *task_t;
typedef struct thread *thread_t;
typedef struct ipc_space *ipc_space_t;
typedef struct host *host_t;
typedef struct processor *processor_t;
typedef struct processor_set *processor_set_t;

typedef struct ipc_port **task_array_t;
typedef struct ipc_port **thread_array_t;
typedef struct ipc_port **processor_array_t;
typedef struct ipc_port **processor_name_array_t;
typedef struct ipc_port **processor_set_array_t;
typedef struct ipc_port **processor_set_name_array_t;

#else

typedef mach_port_t task_t;
typedef task_t vm_task_t; /* a task, as owner of an address space */
typedef task_t ipc_space_t; /* a task, as owner of a name space */
typedef mach_port_t thread_t;
typedef mach_port_t host_t;
typedef mach_port_t host_priv_t; /* a host, with the right to change it */
typedef mach_port_t processor_t;
typedef mach_port_t processor_name_t; /* a processor, to be looked at only */
typedef mach_port_t processor_set_t;
typedef mach_port_t processor_set_name_t; /* a processor set, to be looked at only */

typedef task_t *task_array_t;
typedef thread_t *thread_array_t;
typedef mach_port_t *processor_array_t;
typedef mach_port_t *processor_name_array_t;
typedef mach_port_t *processor_set_array_t;
typedef mach_port_t *processor_set_name_array_t;

#endif

typedef vm_offset_t *emulation_vector_t;

#endif
