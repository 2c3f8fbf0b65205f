/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports: queues of messages that one task (or the kernel) receives from and many can send to.
 *
 * A *right* is what a name space, a message or the kernel holds of a port. There is one receive right; send rights and
 * send-once rights are counted in the port. Rights in the kernel's hands are plain pointers with a reference each:
 * functions that make, copy or release a right say which. When the receive right is destroyed the port *dies*: it is no
 * longer active, who waits for it is woken, and what refers to it finds out when it looks (or asked to be notified).
 *
 * A port whose receiver is ipc_space_kernel stands for an object of the kernel (kobject): its messages are requests that
 * the kernel serves in the sender's thread. On ports of ipc_space_reply the kernel itself waits for replies.
 */
#ifndef IPC_IPC_PORT_H
#define IPC_IPC_PORT_H

#include <mach/kern_return.h>
#include <mach/port.h>

#include "ipc/ipc_types.h"
#include "kernel/kmem.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/reaper.h"
#include "kernel/types.h"

/*
 * A notification that was asked for, with its message made in advance, so that sending it cannot fail. Owned by what it
 * hangs on.
 */
struct ipc_request {
    struct list_node node;          /* [P] dead-name requests: in port->dnrequests */
    struct ipc_space *space;        /* [P] dead-name and message-accepted: whose name; a reference */
    mach_port_name_t name;          /* [P] */
    struct ipc_port *notify;        /* [I] a send-once right; never IP_DEAD */
    struct ipc_kmsg *kmsg;          /* [I] */
};

/* Locking: P port->lock; X the transit lock (ipc_port.c); I immutable; a atomic. */
struct ipc_port {
    struct spinlock lock;
    bool active;                    /* [P] */
    bool has_payload;               /* [P] messages show payload instead of a name */
    uint8_t kobject_type;           /* [P] enum ipc_kobject_type */
    uint32_t refs;                  /* [a] */
    struct ipc_space *receiver;     /* [P] no reference: the space destroys its rights first. NULL: in a message, or dead */
    mach_port_name_t receiver_name; /* [P] */
    struct ipc_port *destination;   /* [X] where the message goes that holds the receive right; a reference */
    void *kobject;                  /* [P] what the port stands for; its type says who owns it */
    uint32_t payload;               /* [P] */
    uint32_t mscount;               /* [P] make-send count */
    uint32_t srights;               /* [P] send rights */
    uint32_t sorights;              /* [P] send-once rights */
    struct ipc_request *nsrequest;  /* [P] no-senders */
    struct ipc_request *pdrequest;  /* [P] port-destroyed */
    struct list dnrequests;         /* [P] dead-name, and port-deleted */
    struct ipc_pset *pset;          /* [P] the set that it is in, with a reference, or NULL */
    struct list_node pset_node;     /* [pset's lock] */
    struct list messages;           /* [P] ipc_kmsg.port_node, in order of queueing */
    uint32_t msgcount;              /* [P] */
    uint32_t qlimit;                /* [P] */
    mach_port_seqno_t seqno;        /* [P] of the next message to be received */
    struct list receivers;          /* [P] thread.ipc_node; empty while it is in a set */
    struct list senders;            /* [P] thread.ipc_node: blocked because the queue is full */
    uint32_t sonce_owed;            /* [P] send-once notifications for which there was no memory yet */
    struct reaper_item owe;         /* sends those */
    struct reaper_item reap;        /* destroys the messages of a dead port */
};

#define IP_NULL ((struct ipc_port *)NULL)
#define IP_DEAD ((struct ipc_port *)~(uintptr_t)0) /* a right to a port that died before the right moved */
#define IP_VALID(port) ((port) != IP_NULL && (port) != IP_DEAD)

extern struct kmem_cache ipc_port_cache;
extern unsigned int ipc_port_count;     /* ports that exist, dead ones that are referred to as well */

static inline void ipc_port_lock(struct ipc_port *port)
{
    spinlock_lock(&port->lock);
}
static inline void ipc_port_unlock(struct ipc_port *port)
{
    spinlock_unlock(&port->lock);
}
static inline bool ipc_port_active(const struct ipc_port *port)
{
    return port->active;
}
static inline void ipc_port_ref(struct ipc_port *port)
{
    __atomic_add_fetch(&port->refs, 1, __ATOMIC_RELAXED);
}
void ipc_port_free(struct ipc_port *port); /* for ipc_port_unref */
/* port may be locked only if this is not the last reference. */
static inline void ipc_port_unref(struct ipc_port *port)
{
    if (unlikely(__atomic_sub_fetch(&port->refs, 1, __ATOMIC_ACQ_REL) == 0))
        ipc_port_free(port);
}

/* The space that receives from port now, or NULL: in a message, or dead. Port locked; the space lives as long. */
static inline struct ipc_space *ipc_port_receiver(struct ipc_port *port)
{
    return port->active ? port->receiver : NULL;
}

/* A new active port, one reference (the receive right's), receiver NULL. NULL: no memory. */
struct ipc_port *ipc_port_create(enum alloc how);
/* The same, received by the kernel: a kernel object's port, or one for replies (space is ipc_space_reply). */
struct ipc_port *ipc_port_alloc_kernel(void);
struct ipc_port *ipc_port_alloc_reply(void);
/* The kernel's receive right is destroyed. No locks held by the caller that rank above PORT. */
void ipc_port_dealloc_kernel(struct ipc_port *port);
/*
 * The kernel gives its receive right away in a message to dest that will be queued now: it is in transit from here on, and
 * stands for nothing any more. Until the message is received the kernel still answers, with errors, so that nobody who does
 * not know yet can fill the queue and wait for a place that only he can make.
 */
void ipc_port_detach_kernel(struct ipc_port *port, struct ipc_port *dest);

/*
 * Destroys the receive right, with its reference: the port dies, or is sent to who asked for port-destroyed. The port
 * is in no space's names any more (receiver is cleared here) and not locked. Never sleeps, needs no memory.
 */
void ipc_port_destroy(struct ipc_port *port);

/* The receive right goes into a message to dest (which may be dead). True: that would close a circle; nothing is done. */
bool ipc_port_enter_transit(struct ipc_port *port, struct ipc_port *dest);
/* It has come out again. */
void ipc_port_leave_transit(struct ipc_port *port);
#define ipc_port_check_circularity ipc_port_enter_transit /* MIG's name for it */

/* The receiver is changing: out of its set, who waits is told that the right is gone, counts begin anew. Port locked. */
void ipc_port_clear_receiver(struct ipc_port *port);

/* ---- rights in the kernel's hands; none sleeps ---- */

/* A send right made from the kernel's receive right: counts as made. Returns port, or IP_DEAD if it is not active. */
struct ipc_port *ipc_port_make_send(struct ipc_port *port);
struct ipc_port *ipc_port_make_sonce(struct ipc_port *port);
/* Another send right like the one that the caller holds; IP_NULL and IP_DEAD give themselves; IP_DEAD for a dead port. */
struct ipc_port *ipc_port_copy_send(struct ipc_port *port);
/* Gives up a right with its reference; port not locked. IP_NULL and IP_DEAD are ignored. */
void ipc_port_release_send(struct ipc_port *port);
void ipc_port_release_sonce(struct ipc_port *port);     /* unused: tells the receiver */
void ipc_port_unmake_sonce(struct ipc_port *port);      /* used up, or never given to anybody: tells nobody */
void ipc_port_release_right(struct ipc_port *port, unsigned int disposition); /* MACH_MSG_TYPE_PORT_... */

/* What port stands for. Port not locked. */
void ipc_kobject_set(struct ipc_port *port, void *kobject, unsigned int type);

void ipc_port_init(void);

#endif
