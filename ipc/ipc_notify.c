/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipc/ipc_notify.h"

#include <mach/notify.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "kernel/panic.h"
#include "kernel/thread.h"

/* Every notification is a header and at most one item, so one shape serves all. */
struct ipc_notify_item {
    mach_msg_type_t type;
    uint32_t value;
};

#define IPC_NOTIFY_SIZE (sizeof(mach_msg_header_t) + sizeof(struct ipc_notify_item))
#define IPC_NOTIFY_OWED_DELAY_MS 10u

_Static_assert(sizeof(mach_dead_name_notification_t) == IPC_NOTIFY_SIZE, "the layout of <mach/notify.h>");
_Static_assert(sizeof(mach_no_senders_notification_t) == IPC_NOTIFY_SIZE, "the layout of <mach/notify.h>");

struct ipc_request *ipc_request_create(struct ipc_port *notify, enum alloc how)
{
    struct ipc_request *request = kmem_alloc(sizeof(*request), how);

    if (request == NULL)
        return NULL;
    request->kmsg = ipc_kmsg_alloc(IPC_NOTIFY_SIZE, how);
    if (request->kmsg == NULL) {
        kmem_free(request, sizeof(*request));
        return NULL;
    }
    list_node_init(&request->node);
    request->space = NULL;
    request->name = MACH_PORT_NULL;
    request->notify = notify;
    return request;
}

struct ipc_port *ipc_request_destroy(struct ipc_request *request)
{
    struct ipc_port *notify = request->notify;

    ipc_kmsg_free(request->kmsg);
    kmem_free(request, sizeof(*request));
    return notify;
}

/* The header of a notification to port, a send-once right that the message takes over. */
static mach_msg_header_t *ipc_notify_start(struct ipc_kmsg *kmsg, struct ipc_port *port, mach_msg_id_t id)
{
    mach_msg_header_t *header = ipc_kmsg_header(kmsg);

    header->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, 0);
    header->msgh_size = sizeof(*header);
    header->msgh_remote_port = (mach_port_t)(uintptr_t)port;
    header->msgh_local_port = MACH_PORT_NULL;
    header->msgh_seqno = 0;
    header->msgh_id = id;
    return header;
}

static struct ipc_kmsg *ipc_notify_build(struct ipc_request *request, mach_msg_id_t id, unsigned int type, uint32_t value)
{
    struct ipc_kmsg *kmsg = request->kmsg;
    mach_msg_header_t *header = ipc_notify_start(kmsg, request->notify, id);
    struct ipc_notify_item *item = (struct ipc_notify_item *)(header + 1);

    item->type = (mach_msg_type_t){type, 32, 1, TRUE, FALSE, FALSE, 0};
    item->value = value;
    header->msgh_size = IPC_NOTIFY_SIZE;
    if (request->space != NULL)
        ipc_space_unref(request->space);
    kmem_free(request, sizeof(*request));
    return kmsg;
}

void ipc_notify_dead_name(struct ipc_request *request, mach_port_name_t name)
{
    ipc_mqueue_send_always(ipc_notify_build(request, MACH_NOTIFY_DEAD_NAME, MACH_MSG_TYPE_PORT_NAME, name));
}

void ipc_notify_port_deleted(struct ipc_request *request, mach_port_name_t name)
{
    ipc_mqueue_send_always(ipc_notify_build(request, MACH_NOTIFY_PORT_DELETED, MACH_MSG_TYPE_PORT_NAME, name));
}

void ipc_notify_msg_accepted(struct ipc_request *request, mach_port_name_t name)
{
    ipc_mqueue_send_always(ipc_notify_build(request, MACH_NOTIFY_MSG_ACCEPTED, MACH_MSG_TYPE_PORT_NAME, name));
}

void ipc_notify_no_senders(struct ipc_request *request, mach_port_mscount_t mscount)
{
    ipc_mqueue_send_always(ipc_notify_build(request, MACH_NOTIFY_NO_SENDERS, MACH_MSG_TYPE_INTEGER_32, mscount));
}

void ipc_notify_port_destroyed(struct ipc_request *request, struct ipc_port *port)
{
    bool circular = ipc_port_enter_transit(port, request->notify);
    struct ipc_kmsg *kmsg = ipc_notify_build(request, MACH_NOTIFY_PORT_DESTROYED, MACH_MSG_TYPE_PORT_RECEIVE,
                                             (uint32_t)(uintptr_t)port);
    mach_msg_header_t *header = ipc_kmsg_header(kmsg);

    header->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
    if (circular)
        header->msgh_bits |= MACH_MSGH_BITS_CIRCULAR; /* nobody could receive it: the queueing destroys it */
    ipc_mqueue_send_always(kmsg);
}

/* ---- send-once rights that died unused ---- */

static bool ipc_notify_send_once_try(struct ipc_port *port)
{
    struct ipc_kmsg *kmsg = ipc_kmsg_alloc(sizeof(mach_msg_header_t), ALLOC_DAEMON | ALLOC_NOSLEEP);

    if (kmsg == NULL)
        return false;
    ipc_notify_start(kmsg, port, MACH_NOTIFY_SEND_ONCE);
    ipc_mqueue_send_always(kmsg);
    return true;
}

/* The reaper sends what is owed; the item holds a reference. */
static void ipc_notify_pay(struct reaper_item *item)
{
    struct ipc_port *port = container_of(item, struct ipc_port, owe);

    bool more;

    /* While anything is owed the item is ours: it is queued again only by who raises the count from 0. */
    do {
        if (!ipc_notify_send_once_try(port)) {
            thread_delay(IPC_NOTIFY_OWED_DELAY_MS);
            reaper_queue(item);
            return;
        }
        ipc_port_lock(port);
        more = --port->sonce_owed > 0;
        ipc_port_unlock(port);
    } while (more);
    ipc_port_unref(port);
}

void ipc_notify_send_once(struct ipc_port *port)
{
    if (ipc_notify_send_once_try(port))
        return;
    /* The right stays counted, with its reference, until it is paid. */
    ipc_port_lock(port);
    if (port->sonce_owed++ == 0) {
        ipc_port_ref(port);
        port->owe.function = ipc_notify_pay;
        reaper_queue(&port->owe);
    }
    ipc_port_unlock(port);
}
