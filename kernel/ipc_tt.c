/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ports of tasks and threads, and finding tasks and threads by port.
 *
 * A port converts while its kobject is set; that is the only way from a port to what it stands for, so disabling a port
 * under its lock ends all of them. A reference is taken under the port's lock: what the port stands for lives at least as
 * long as the port converts, because the port is disabled before the last reference can go.
 */
#include "kernel/ipc_kobject.h"

#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_right.h"
#include "ipc/ipc_space.h"
#include "kernel/panic.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/vm_map.h"

/* ---- from ports ---- */

struct task *convert_port_to_task(struct ipc_port *port)
{
    struct task *task = NULL;

    if (!IP_VALID(port))
        return NULL;
    ipc_port_lock(port);
    if (port->active && port->kobject_type == IKOT_TASK) {
        task = port->kobject;
        task_ref(task);
    }
    ipc_port_unlock(port);
    return task;
}

struct vm_map *convert_port_to_map(struct ipc_port *port)
{
    struct vm_map *map = NULL;

    if (!IP_VALID(port))
        return NULL;
    ipc_port_lock(port);
    if (port->active && port->kobject_type == IKOT_TASK) {
        map = ((struct task *)port->kobject)->map;
        vm_map_ref(map);
    }
    ipc_port_unlock(port);
    return map;
}

struct ipc_space *convert_port_to_space(struct ipc_port *port)
{
    struct ipc_space *space = NULL;

    if (!IP_VALID(port))
        return NULL;
    ipc_port_lock(port);
    if (port->active && port->kobject_type == IKOT_TASK) {
        space = ((struct task *)port->kobject)->space;
        ipc_space_ref(space);
    }
    ipc_port_unlock(port);
    return space;
}

struct thread *convert_port_to_thread(struct ipc_port *port)
{
    struct thread *thread = NULL;

    if (!IP_VALID(port))
        return NULL;
    ipc_port_lock(port);
    if (port->active && port->kobject_type == IKOT_THREAD) {
        thread = port->kobject;
        thread_ref(thread);
    }
    ipc_port_unlock(port);
    return thread;
}

struct vm_object *convert_port_to_memory_control(struct ipc_port *port)
{
    return memory_object_of_control(port);
}

struct vm_object *convert_port_to_memory_name(struct ipc_port *port)
{
    return memory_object_of_name(port);
}

/* ---- to ports ---- */

/* A send right of a port that is under owner's lock, or IP_NULL after its end. */
static struct ipc_port *ipc_tt_make_send(struct spinlock *lock, struct ipc_port **where)
{
    spinlock_lock(lock);
    struct ipc_port *port = *where == NULL ? IP_NULL : ipc_port_make_send(*where);
    spinlock_unlock(lock);
    return port;
}

struct ipc_port *convert_task_to_port(struct task *task)
{
    struct ipc_port *port = ipc_tt_make_send(&task->lock, &task->self_port);

    task_unref(task);
    return port;
}

struct ipc_port *convert_thread_to_port(struct thread *thread)
{
    struct ipc_port *port = ipc_tt_make_send(&thread->lock, &thread->self_port);

    thread_unref(thread);
    return port;
}

void task_deallocate(struct task *task)
{
    if (task != NULL)
        task_unref(task);
}

void thread_deallocate(struct thread *thread)
{
    if (thread != NULL)
        thread_unref(thread);
}

/* ---- by name, for traps ---- */

static struct ipc_port *ipc_tt_named(mach_port_name_t name)
{
    struct ipc_port *port;

    if (ipc_right_copyin_any(current_space(), name, MACH_MSG_TYPE_COPY_SEND, &port) != KERN_SUCCESS)
        return IP_NULL;
    return port;
}

struct task *port_name_to_task(mach_port_name_t name)
{
    struct ipc_port *port = ipc_tt_named(name);
    struct task *task = convert_port_to_task(port);

    ipc_port_release_send(port);
    return task;
}

struct vm_map *port_name_to_map(mach_port_name_t name)
{
    struct ipc_port *port = ipc_tt_named(name);
    struct vm_map *map = convert_port_to_map(port);

    ipc_port_release_send(port);
    return map;
}

struct ipc_space *port_name_to_space(mach_port_name_t name)
{
    struct ipc_port *port = ipc_tt_named(name);
    struct ipc_space *space = convert_port_to_space(port);

    ipc_port_release_send(port);
    return space;
}

struct thread *port_name_to_thread(mach_port_name_t name)
{
    struct ipc_port *port = ipc_tt_named(name);
    struct thread *thread = convert_port_to_thread(port);

    ipc_port_release_send(port);
    return thread;
}

/* ---- life ---- */

kern_return_t ipc_task_init(struct task *task, struct task *parent)
{
    unsigned int i;

    task->self_port = ipc_port_alloc_kernel();
    if (task->self_port == NULL)
        return KERN_RESOURCE_SHORTAGE;
    task->self_sright = ipc_port_make_send(task->self_port);
    task->exception_port = IP_NULL;
    task->bootstrap_port = IP_NULL;
    for (i = 0; i < TASK_PORT_REGISTER_MAX; i++)
        task->registered[i] = IP_NULL;
    if (parent == NULL)
        return KERN_SUCCESS;
    spinlock_lock(&parent->lock);
    task->exception_port = ipc_port_copy_send(parent->exception_port);
    task->bootstrap_port = ipc_port_copy_send(parent->bootstrap_port);
    for (i = 0; i < TASK_PORT_REGISTER_MAX; i++)
        task->registered[i] = ipc_port_copy_send(parent->registered[i]);
    spinlock_unlock(&parent->lock);
    return KERN_SUCCESS;
}

void ipc_task_enable(struct task *task)
{
    ipc_kobject_set(task->self_port, task, IKOT_TASK);
}

void ipc_task_disable(struct task *task)
{
    if (task->self_port != NULL)
        ipc_kobject_set(task->self_port, NULL, IKOT_NONE);
}

void ipc_task_terminate(struct task *task)
{
    struct ipc_port *rights[3 + TASK_PORT_REGISTER_MAX], *self;
    unsigned int i;

    spinlock_lock(&task->lock);
    self = task->self_port;
    task->self_port = IP_NULL;
    rights[0] = task->self_sright;
    rights[1] = task->exception_port;
    rights[2] = task->bootstrap_port;
    task->self_sright = task->exception_port = task->bootstrap_port = IP_NULL;
    for (i = 0; i < TASK_PORT_REGISTER_MAX; i++) {
        rights[3 + i] = task->registered[i];
        task->registered[i] = IP_NULL;
    }
    spinlock_unlock(&task->lock);
    for (i = 0; i < ARRAY_LENGTH(rights); i++)
        ipc_port_release_send(rights[i]);
    if (self != NULL)
        ipc_port_dealloc_kernel(self);
}

kern_return_t ipc_thread_init(struct thread *thread)
{
    thread->self_port = ipc_port_alloc_kernel();
    if (thread->self_port == NULL)
        return KERN_RESOURCE_SHORTAGE;
    thread->self_sright = ipc_port_make_send(thread->self_port);
    thread->exception_port = IP_NULL;
    thread->ipc_rpc_port = NULL;
    thread->ipc_kmsg = NULL;
    list_node_init(&thread->ipc_node);
    return KERN_SUCCESS;
}

void ipc_thread_enable(struct thread *thread)
{
    ipc_kobject_set(thread->self_port, thread, IKOT_THREAD);
}

void ipc_thread_disable(struct thread *thread)
{
    if (thread->self_port != NULL)
        ipc_kobject_set(thread->self_port, NULL, IKOT_NONE);
}

void ipc_thread_terminate(struct thread *thread)
{
    spinlock_lock(&thread->lock);
    struct ipc_port *self = thread->self_port, *sright = thread->self_sright, *exception = thread->exception_port;
    thread->self_port = thread->self_sright = thread->exception_port = IP_NULL;
    spinlock_unlock(&thread->lock);
    ipc_port_release_send(sright);
    ipc_port_release_send(exception);
    if (self != NULL)
        ipc_port_dealloc_kernel(self);
    ipc_kernel_rpc_end(thread);
}
