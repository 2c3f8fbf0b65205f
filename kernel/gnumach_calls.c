/* SPDX-License-Identifier: BSD-2-Clause */
/* The routines of subsystem gnumach on tasks and threads. Those on memory are vm/vm_user_host.c and vm_user_phys.c. */
#include <mach/mach_types.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "kernel/gnumach_calls.h"
#include "kernel/ipc_kobject.h"
#include "kernel/printf.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/vm_map.h"

#include "mig/gnumach_server.h"
#include "mig/mach_port_server.h"
#include "mig/mach_server.h"

kern_return_t task_set_name(task_t task, const_kernel_debug_name_t name)
{
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&task->lock);
    ksnprintf(task->name, sizeof(task->name), "%.*s", (int)sizeof(task->name) - 1, name);
    spinlock_unlock(&task->lock);
    return KERN_SUCCESS;
}

kern_return_t task_set_essential(task_t task, boolean_t essential)
{
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    spinlock_lock(&task->lock);
    task->essential = essential != FALSE;
    spinlock_unlock(&task->lock);
    return KERN_SUCCESS;
}

/*
 * What a thread cannot give up by itself and still return: its stack, its reply port, its own name; then its end. The
 * calls return errors for names and ranges that are none, which nobody is left to hear.
 */
kern_return_t thread_terminate_release(thread_t thread, task_t task, mach_port_name_t thread_name,
                                       mach_port_name_t reply_port, vm_address_t address, vm_size_t size)
{
    if (task == NULL)
        return KERN_INVALID_ARGUMENT;
    if (thread_name != MACH_PORT_NULL)
        (void)mach_port_deallocate(task->space, thread_name);
    if (reply_port != MACH_PORT_NULL)
        (void)mach_port_destroy(task->space, reply_port);
    if (address != 0 || size != 0)
        (void)vm_deallocate(task->map, address, size);
    return thread_terminate(thread);
}

/* ---- telling of new tasks ---- */

#define GNUMACH_NOTIFY_NEW_TASK 4400

struct gnumach_new_task {
    mach_msg_header_t header;
    mach_msg_type_t task_type;
    mach_port_t task;
    mach_msg_type_t parent_type;
    mach_port_t parent;
};

static struct spinlock gnumach_lock = SPINLOCK_INIT(LOCK_RANK_TASK, "gnumach_lock");
static struct ipc_port *gnumach_new_task_port; /* [gnumach_lock] a send right or NULL */

kern_return_t register_new_task_notification(host_t host_priv, ipc_port_t notification)
{
    if (host_priv == NULL)
        return KERN_INVALID_HOST;
    spinlock_lock(&gnumach_lock);
    struct ipc_port *old = gnumach_new_task_port;
    struct ipc_port *living = ipc_port_copy_send(old);
    if (!IP_VALID(living))
        gnumach_new_task_port = notification;
    spinlock_unlock(&gnumach_lock);
    if (IP_VALID(living)) {
        ipc_port_release_send(living);
        return KERN_NO_ACCESS;
    }
    if (IP_VALID(old)) /* nobody receives from it any more */
        ipc_port_release_send(old);
    return KERN_SUCCESS;
}

kern_return_t gnumach_tell_new_task(struct task *task, struct task *parent)
{
    const mach_msg_type_t type = {MACH_MSG_TYPE_PORT_SEND, 32, 1, TRUE, FALSE, FALSE, 0};

    spinlock_lock(&gnumach_lock);
    struct ipc_port *port = ipc_port_copy_send(gnumach_new_task_port);
    spinlock_unlock(&gnumach_lock);
    if (!IP_VALID(port))
        return KERN_SUCCESS;
    struct ipc_kmsg *kmsg = ipc_kmsg_alloc(sizeof(struct gnumach_new_task), ALLOC_THREAD);
    if (kmsg == NULL) {
        ipc_port_release_send(port);
        return KERN_RESOURCE_SHORTAGE;
    }
    task_ref(task);
    task_ref(parent);
    struct gnumach_new_task *message = (struct gnumach_new_task *)ipc_kmsg_header(kmsg);
    *message = (struct gnumach_new_task){
        .header = {.msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, 0),
                   .msgh_size = sizeof(*message),
                   .msgh_remote_port = (mach_port_t)(uintptr_t)port,
                   .msgh_id = GNUMACH_NOTIFY_NEW_TASK},
        .task_type = type,
        .task = (mach_port_t)(uintptr_t)convert_task_to_port(task),
        .parent_type = type,
        .parent = (mach_port_t)(uintptr_t)convert_task_to_port(parent),
    };
    ipc_mqueue_send_always(kmsg);
    return KERN_SUCCESS;
}
