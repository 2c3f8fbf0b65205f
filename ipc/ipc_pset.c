/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipc/ipc_pset.h"

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_port.h"
#include "kernel/panic.h"

static struct kmem_cache ipc_pset_cache;

void ipc_pset_init(void)
{
    kmem_cache_init(&ipc_pset_cache, "ipc_pset", sizeof(struct ipc_pset), 0);
}

struct ipc_pset *ipc_pset_create(enum alloc how)
{
    struct ipc_pset *pset = kmem_cache_alloc(&ipc_pset_cache, how);

    if (pset == NULL)
        return NULL;
    spinlock_init(&pset->lock, LOCK_RANK_PSET);
    pset->active = true;
    pset->refs = 1;
    pset->name = MACH_PORT_NULL;
    list_init(&pset->members);
    list_init(&pset->messages);
    list_init(&pset->receivers);
    return pset;
}

void ipc_pset_ref(struct ipc_pset *pset)
{
    __atomic_add_fetch(&pset->refs, 1, __ATOMIC_RELAXED);
}

void ipc_pset_unref(struct ipc_pset *pset)
{
    if (__atomic_sub_fetch(&pset->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        assert(list_empty(&pset->members) && list_empty(&pset->messages) && list_empty(&pset->receivers));
        kmem_cache_free(&ipc_pset_cache, pset);
    }
}

void ipc_pset_add(struct ipc_pset *pset, struct ipc_port *port)
{
    struct ipc_kmsg *kmsg;

    assert(spinlock_held(&port->lock) && port->pset == NULL);
    ipc_mqueue_wake_all(&port->receivers, MACH_RCV_PORT_CHANGED);
    ipc_pset_ref(pset);
    port->pset = pset;
    ipc_pset_lock(pset);
    assert(pset->active);
    list_insert_tail(&pset->members, &port->pset_node);
    list_for_each(&port->messages, kmsg, port_node)
        list_insert_tail(&pset->messages, &kmsg->set_node);
    /* Who waits for the set looks again. */
    if (!list_empty(&port->messages))
        ipc_mqueue_wake_all(&pset->receivers, MACH_RCV_IN_PROGRESS);
    ipc_pset_unlock(pset);
}

void ipc_pset_remove(struct ipc_port *port)
{
    struct ipc_pset *pset = port->pset;
    struct ipc_kmsg *kmsg;

    assert(spinlock_held(&port->lock));
    if (pset == NULL)
        return;
    ipc_pset_lock(pset);
    list_remove(&port->pset_node);
    list_for_each(&port->messages, kmsg, port_node)
        list_remove(&kmsg->set_node);
    ipc_pset_unlock(pset);
    port->pset = NULL;
    ipc_pset_unref(pset);
}

void ipc_pset_destroy(struct ipc_pset *pset)
{
    ipc_pset_lock(pset);
    pset->active = false;
    ipc_mqueue_wake_all(&pset->receivers, MACH_RCV_PORT_DIED);
    for (;;) {
        struct ipc_port *port = list_first(&pset->members, struct ipc_port, pset_node);
        if (port == NULL)
            break;
        /* A port's lock comes first; the member may have left before we have it. */
        ipc_port_ref(port);
        ipc_pset_unlock(pset);
        ipc_port_lock(port);
        if (port->pset == pset)
            ipc_pset_remove(port);
        ipc_port_unlock(port);
        ipc_port_unref(port);
        ipc_pset_lock(pset);
    }
    ipc_pset_unlock(pset);
    ipc_pset_unref(pset);
}
