/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queueing, waiting, and handing messages over.
 *
 * A receiver that waits is on the list of its port or set; a sender gives it the message directly, and where the sender
 * will wait next, the processor too.
 */
#ifndef IPC_IPC_MQUEUE_H
#define IPC_IPC_MQUEUE_H

#include <mach/message.h>

#include "ipc/ipc_types.h"
#include "kernel/list.h"
#include "kernel/types.h"

struct thread;

/*
 * Sends kmsg, copied in to a right that is not IP_DEAD, and consumes it when MACH_MSG_SUCCESS is returned (also when it was
 * destroyed because the port died). MACH_SEND_TIMED_OUT and _INTERRUPTED leave it. timeout, in milliseconds, counts with
 * MACH_SEND_TIMEOUT; MACH_SEND_ALWAYS ignores the queue's limit. A receiver that waited is put in *target, still waiting,
 * with a reference: the caller passes it to ipc_mqueue_receive. target NULL wakes it at once.
 */
mach_msg_return_t ipc_mqueue_send(struct ipc_kmsg *kmsg, mach_msg_option_t option, mach_msg_timeout_t timeout,
                                  struct thread **target);
/* Queues kmsg whatever the queue's limit, waking a receiver; never sleeps. A dead destination destroys it. */
void ipc_mqueue_send_always(struct ipc_kmsg *kmsg);

/* What a name denotes for receiving: a port or a set, with a reference. */
struct ipc_mqueue {
    struct ipc_port *port;      /* or */
    struct ipc_pset *pset;
};
mach_msg_return_t ipc_mqueue_copyin(struct ipc_space *space, mach_port_name_t name, struct ipc_mqueue *mqueue);
void ipc_mqueue_unref(struct ipc_mqueue *mqueue);

struct ipc_mqueue_receive {
    struct ipc_mqueue mqueue;
    mach_msg_option_t option;
    mach_msg_size_t most;       /* bytes that the caller has room for */
    mach_msg_timeout_t timeout; /* ms; with MACH_RCV_TIMEOUT */
    struct thread *target;      /* of the send before; gets the processor if the caller must wait */
    struct ipc_kmsg *kmsg;      /* out */
    mach_msg_size_t size;       /* out: with MACH_RCV_TOO_LARGE under MACH_RCV_LARGE, what is needed */
    mach_port_seqno_t seqno;    /* out */
};
/*
 * The next message for space. MACH_RCV_TOO_LARGE: with MACH_RCV_LARGE it stays queued, otherwise it is in kmsg. _TIMED_OUT,
 * _INTERRUPTED, _PORT_DIED, _PORT_CHANGED. target is always consumed.
 */
mach_msg_return_t ipc_mqueue_receive(struct ipc_mqueue_receive *receive, struct ipc_space *space);

/* Places in the queue of port (locked) that are free go to the senders that wait. */
void ipc_mqueue_grant(struct ipc_port *port);

/* Ends the waits of all receivers (or senders) in list with result. The list's owner is locked. */
void ipc_mqueue_wake_all(struct list *threads, mach_msg_return_t result);

/*
 * The kernel as a client: sends kmsg, which asks for a reply to the running thread's reply port, and waits for it,
 * interruptibly. kmsg is consumed. *reply is the caller's.
 */
mach_msg_return_t ipc_kernel_rpc(struct ipc_kmsg *kmsg, struct ipc_kmsg **reply);
/* Destroys the thread's reply port; for its end. */
void ipc_kernel_rpc_end(struct thread *thread);

#endif
