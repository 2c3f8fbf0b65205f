/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports that stand for objects of the kernel, and the server side that MIG makes for them.
 *
 * A request to such a port is served in the sender's thread: ipc_kobject_server finds the stub by the message's id, and
 * the stub calls the routine with the object instead of the port. The conversions below give a reference, or NULL when
 * the port stands for something else; the routines answer NULL with KERN_INVALID_ARGUMENT.
 *
 * In the kernel's messages an out-of-line array of data is a struct vm_map_copy * (vm_map_copyin_kernel makes one); one
 * of ports is memory from kmem_alloc(4 * number) that holds struct ipc_port * with a right each (NULL when empty). What
 * a routine is given, it owns only if it returns KERN_SUCCESS or MIG_NO_REPLY.
 */
#ifndef KERNEL_IPC_KOBJECT_H
#define KERNEL_IPC_KOBJECT_H

#include <mach/mach_types.h>

#include "ipc/ipc_port.h"
#include "ipc/ipc_types.h"
#include "kernel/types.h"

struct host;
struct ipc_kmsg;
struct processor;
struct processor_set;
struct task;
struct thread;
struct vm_map;
struct vm_object;

typedef struct vm_map *vm_map_t;
typedef struct vm_object *vm_object_t;
typedef struct vm_map_copy *vm_map_copy_t;

enum ipc_kobject_type {
    IKOT_NONE,
    IKOT_THREAD,
    IKOT_TASK,
    IKOT_HOST,
    IKOT_HOST_PRIV,
    IKOT_PROCESSOR,
    IKOT_PSET,
    IKOT_PSET_NAME,
    IKOT_PAGER,             /* a manager's memory object; its receiver is a task */
    IKOT_PAGING_REQUEST,    /* memory control */
    IKOT_PAGING_NAME,
    IKOT_PAGER_PROXY,
    IKOT_DEVICE,
    IKOT_MASTER_DEVICE,
    IKOT_CLOCK,
};

void ipc_kobject_init(void);

/* Serves a request to a kernel port; consumes it. The reply, ready to be sent, or NULL when there is none. May sleep. */
struct ipc_kmsg *ipc_kobject_server(struct ipc_kmsg *request);

/* ---- from ports to objects: a reference, or NULL; none consumes the port ---- */
struct task *convert_port_to_task(struct ipc_port *port);
struct vm_map *convert_port_to_map(struct ipc_port *port);
struct ipc_space *convert_port_to_space(struct ipc_port *port);
struct thread *convert_port_to_thread(struct ipc_port *port);
struct host *convert_port_to_host(struct ipc_port *port);          /* the privileged port too; no reference */
struct host *convert_port_to_host_priv(struct ipc_port *port);
struct processor *convert_port_to_processor(struct ipc_port *port);
struct processor_set *convert_port_to_pset(struct ipc_port *port);
struct processor_set *convert_port_to_pset_name(struct ipc_port *port); /* the control port too */
struct vm_object *convert_port_to_memory_control(struct ipc_port *port);
struct vm_object *convert_port_to_memory_name(struct ipc_port *port);

/* ---- and back: a send right, or IP_NULL; those of tasks and threads consume the reference ---- */
struct ipc_port *convert_task_to_port(struct task *task);
struct ipc_port *convert_thread_to_port(struct thread *thread);
struct ipc_port *convert_host_to_port(struct host *host);
struct ipc_port *convert_processor_to_port(struct processor *processor);
struct ipc_port *convert_pset_to_port(struct processor_set *pset);
struct ipc_port *convert_pset_name_to_port(struct processor_set *pset);

/* ---- references that the stubs give up; NULL is ignored ---- */
void task_deallocate(struct task *task);
void thread_deallocate(struct thread *thread);
void vm_map_deallocate(struct vm_map *map);
void space_deallocate(struct ipc_space *space);
void pset_deallocate(struct processor_set *pset);
void vm_object_deallocate(struct vm_object *object);

/*
 * A task, thread or map by a name of the caller's space, for traps: a reference or NULL.
 */
struct task *port_name_to_task(mach_port_name_t name);
struct vm_map *port_name_to_map(mach_port_name_t name);
struct thread *port_name_to_thread(mach_port_name_t name);
struct ipc_space *port_name_to_space(mach_port_name_t name);

/* The ports of tasks and threads: made with them, dead with them. KERN_RESOURCE_SHORTAGE. */
kern_return_t ipc_task_init(struct task *task, struct task *parent);    /* special and registered ports are inherited */
void ipc_task_enable(struct task *task);                                /* from now on its port converts */
void ipc_task_disable(struct task *task);                               /* and no longer */
void ipc_task_terminate(struct task *task);                             /* its ports and rights go */
kern_return_t ipc_thread_init(struct thread *thread);
void ipc_thread_enable(struct thread *thread);
void ipc_thread_disable(struct thread *thread);
void ipc_thread_terminate(struct thread *thread);

/* The one host; send rights: to its name port, and the privileged one. */
extern struct host *const host_self;
struct ipc_port *host_port(void);
struct ipc_port *host_priv_port(void);

void ipc_host_init(void);

#endif
