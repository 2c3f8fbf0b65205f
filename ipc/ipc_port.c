/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports and the rights that the kernel holds.
 *
 * A port dies in one step under its lock; what follows (notifications, destroying its messages) needs other ports' locks
 * and is done after. Messages are destroyed by the reaper: they may hold receive rights whose ports die in turn, and so on,
 * a depth that a user chooses.
 *
 * Receive rights in messages: port A whose right is in a message queued at B, whose right is in a message queued at A,
 * could never be received. `destination` links each port in transit to where its message goes, and a right that would close
 * a circle is refused. All links are under one lock, since following them would need many ports' locks.
 */
#include "ipc/ipc_port.h"

#include <mach/message.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_notify.h"
#include "ipc/ipc_pset.h"
#include "ipc/ipc_space.h"
#include "kernel/ipc_kobject.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"

struct kmem_cache ipc_port_cache;
unsigned int ipc_port_count;

static struct spinlock ipc_port_transit_lock = SPINLOCK_INIT(LOCK_RANK_TRANSIT, "ipc_port_transit_lock");

void ipc_port_init(void)
{
    kmem_cache_init(&ipc_port_cache, "ipc_port", sizeof(struct ipc_port), 0);
}

struct ipc_port *ipc_port_create(enum alloc how)
{
    struct ipc_port *port = kmem_cache_alloc(&ipc_port_cache, how);

    if (port == NULL)
        return NULL;
    *port = (struct ipc_port){.active = true, .refs = 1, .qlimit = MACH_PORT_QLIMIT_DEFAULT, .kobject_type = IKOT_NONE};
    spinlock_init(&port->lock, LOCK_RANK_PORT);
    list_init(&port->dnrequests);
    list_node_init(&port->pset_node);
    list_init(&port->messages);
    list_init(&port->receivers);
    list_init(&port->senders);
    __atomic_add_fetch(&ipc_port_count, 1, __ATOMIC_RELAXED);
    return port;
}

void ipc_port_free(struct ipc_port *port)
{
    assert(!port->active && list_empty(&port->messages) && list_empty(&port->receivers) && list_empty(&port->senders));
    assert(list_empty(&port->dnrequests) && port->destination == NULL && port->pset == NULL);
    __atomic_sub_fetch(&ipc_port_count, 1, __ATOMIC_RELAXED);
    kmem_cache_free(&ipc_port_cache, port);
}

static struct ipc_port *ipc_port_alloc_for(struct ipc_space *space)
{
    struct ipc_port *port = ipc_port_create(thread_alloc_level() | ALLOC_NOSLEEP);

    if (port != NULL)
        port->receiver = space;
    return port;
}

struct ipc_port *ipc_port_alloc_kernel(void)
{
    return ipc_port_alloc_for(ipc_space_kernel);
}

struct ipc_port *ipc_port_alloc_reply(void)
{
    return ipc_port_alloc_for(ipc_space_reply);
}

void ipc_port_dealloc_kernel(struct ipc_port *port)
{
    ipc_port_lock(port);
    port->kobject = NULL;
    port->kobject_type = IKOT_NONE;
    port->receiver = NULL;
    ipc_port_unlock(port);
    ipc_port_destroy(port);
}

void ipc_port_detach_kernel(struct ipc_port *port, struct ipc_port *dest)
{
    ipc_port_lock(port);
    assert(port->receiver == ipc_space_kernel);
    port->kobject = NULL;
    port->kobject_type = IKOT_NONE;
    ipc_port_clear_receiver(port);
    ipc_port_unlock(port);
    bool circular = ipc_port_enter_transit(port, dest);
    assert(!circular); /* it has no messages: the kernel serves them at once */
    (void)circular;
}

void ipc_kobject_set(struct ipc_port *port, void *kobject, unsigned int type)
{
    ipc_port_lock(port);
    port->kobject = kobject;
    port->kobject_type = (uint8_t)type;
    ipc_port_unlock(port);
}

/* ---- the receive right ---- */

void ipc_port_clear_receiver(struct ipc_port *port)
{
    assert(spinlock_held(&port->lock));
    ipc_pset_remove(port);
    ipc_mqueue_wake_all(&port->receivers, MACH_RCV_PORT_DIED);
    port->mscount = 0;
    port->seqno = 0;
}

bool ipc_port_enter_transit(struct ipc_port *port, struct ipc_port *dest)
{
    struct ipc_port *at;
    bool circular = false;

    if (!IP_VALID(dest))
        return false;
    spinlock_lock(&ipc_port_transit_lock);
    for (at = dest; at != NULL && !circular; at = at->destination)
        circular = at == port;
    if (!circular) {
        assert(port->destination == NULL);
        ipc_port_ref(dest);
        port->destination = dest;
    }
    spinlock_unlock(&ipc_port_transit_lock);
    return circular;
}

void ipc_port_leave_transit(struct ipc_port *port)
{
    spinlock_lock(&ipc_port_transit_lock);
    struct ipc_port *dest = port->destination;
    port->destination = NULL;
    spinlock_unlock(&ipc_port_transit_lock);
    if (dest != NULL)
        ipc_port_unref(dest);
}

/* The reaper's part of a port's death; the item holds a reference. */
static void ipc_port_reap(struct reaper_item *item)
{
    struct ipc_port *port = container_of(item, struct ipc_port, reap);
    struct ipc_kmsg *kmsg;

    for (;;) {
        ipc_port_lock(port);
        kmsg = list_first(&port->messages, struct ipc_kmsg, port_node);
        if (kmsg != NULL) {
            list_remove(&kmsg->port_node);
            port->msgcount--;
        }
        ipc_port_unlock(port);
        if (kmsg == NULL)
            break;
        ipc_kmsg_destroy(kmsg);
        preempt_point();
    }
    ipc_port_unref(port);
}

void ipc_port_destroy(struct ipc_port *port)
{
    struct ipc_request *request;
    struct list requests;

    ipc_port_leave_transit(port);
    ipc_port_lock(port);
    assert(port->active && (port->receiver == NULL || port->receiver == ipc_space_kernel));
    port->receiver = NULL;
    ipc_port_clear_receiver(port);
    request = port->pdrequest;
    if (request != NULL) {
        port->pdrequest = NULL;
        ipc_port_unlock(port);
        ipc_notify_port_destroyed(request, port);
        return;
    }
    port->active = false;
    if (port->kobject_type == IKOT_PAGER)
        memory_object_port_died(port->kobject);
    port->kobject = NULL;
    port->kobject_type = IKOT_NONE;
    ipc_mqueue_wake_all(&port->senders, MACH_MSG_SUCCESS);
    request = port->nsrequest;
    port->nsrequest = NULL;
    list_init(&requests);
    list_splice_tail(&requests, &port->dnrequests);
    if (!list_empty(&port->messages)) {
        ipc_port_ref(port);
        port->reap.function = ipc_port_reap;
        reaper_queue(&port->reap);
    }
    ipc_port_unlock(port);

    if (request != NULL)
        ipc_port_release_sonce(ipc_request_destroy(request));
    while ((request = list_first(&requests, struct ipc_request, node)) != NULL) {
        list_remove(&request->node);
        ipc_notify_dead_name(request, request->name);
    }
    ipc_port_unref(port);
}

/* ---- rights ---- */

struct ipc_port *ipc_port_make_send(struct ipc_port *port)
{
    ipc_port_lock(port);
    bool active = port->active;
    if (active) {
        port->mscount++;
        port->srights++;
        ipc_port_ref(port);
    }
    ipc_port_unlock(port);
    return active ? port : IP_DEAD;
}

struct ipc_port *ipc_port_make_sonce(struct ipc_port *port)
{
    ipc_port_lock(port);
    bool active = port->active;
    if (active) {
        port->sorights++;
        ipc_port_ref(port);
    }
    ipc_port_unlock(port);
    return active ? port : IP_DEAD;
}

struct ipc_port *ipc_port_copy_send(struct ipc_port *port)
{
    if (!IP_VALID(port))
        return port;
    ipc_port_lock(port);
    bool active = port->active;
    if (active) {
        assert(port->srights > 0);
        port->srights++;
        ipc_port_ref(port);
    }
    ipc_port_unlock(port);
    return active ? port : IP_DEAD;
}

void ipc_port_release_send(struct ipc_port *port)
{
    struct ipc_request *request = NULL;
    mach_port_mscount_t mscount = 0;

    if (!IP_VALID(port))
        return;
    ipc_port_lock(port);
    assert(port->srights > 0);
    if (--port->srights == 0 && port->active && port->nsrequest != NULL) {
        request = port->nsrequest;
        port->nsrequest = NULL;
        mscount = port->mscount;
    }
    ipc_port_unlock(port);
    if (request != NULL)
        ipc_notify_no_senders(request, mscount);
    ipc_port_unref(port);
}

void ipc_port_release_sonce(struct ipc_port *port)
{
    if (!IP_VALID(port))
        return;
    ipc_port_lock(port);
    assert(port->sorights > 0);
    bool tell = port->active && port->receiver != ipc_space_kernel;
    if (!tell)
        port->sorights--;
    ipc_port_unlock(port);
    if (tell)
        ipc_notify_send_once(port); /* the message is sent to the right itself */
    else
        ipc_port_unref(port);
}

void ipc_port_unmake_sonce(struct ipc_port *port)
{
    if (!IP_VALID(port))
        return;
    ipc_port_lock(port);
    assert(port->sorights > 0);
    port->sorights--;
    ipc_port_unlock(port);
    ipc_port_unref(port);
}

void ipc_port_release_right(struct ipc_port *port, unsigned int disposition)
{
    if (!IP_VALID(port))
        return;
    switch (disposition) {
    case MACH_MSG_TYPE_PORT_SEND:
        ipc_port_release_send(port);
        break;
    case MACH_MSG_TYPE_PORT_SEND_ONCE:
        ipc_port_release_sonce(port);
        break;
    case MACH_MSG_TYPE_PORT_RECEIVE:
        ipc_port_destroy(port);
        break;
    default:
        panic("ipc_port: a right of disposition %u", disposition);
    }
}
