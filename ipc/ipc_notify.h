/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications: messages that the kernel sends to say what became of a port or a name.
 *
 * Each that was asked for has its message made in advance (struct ipc_request), so that it is never lost for lack of
 * memory. The one that nobody asks for, that a send-once right died unused, is tried at once and owed otherwise.
 * All are sent with no port, set or space locked by the caller, and none sleeps.
 */
#ifndef IPC_IPC_NOTIFY_H
#define IPC_IPC_NOTIFY_H

#include <mach/port.h>

#include "ipc/ipc_types.h"
#include "kernel/kmem.h"

/* notify, a send-once right, is consumed on success. NULL: no memory. */
struct ipc_request *ipc_request_create(struct ipc_port *notify, enum alloc how);
/* Frees the request; its send-once right is the caller's, as is the space reference. */
struct ipc_port *ipc_request_destroy(struct ipc_request *request);

/* Each sends and frees the request. */
void ipc_notify_dead_name(struct ipc_request *request, mach_port_name_t name);
void ipc_notify_port_deleted(struct ipc_request *request, mach_port_name_t name);
void ipc_notify_msg_accepted(struct ipc_request *request, mach_port_name_t name);
void ipc_notify_no_senders(struct ipc_request *request, mach_port_mscount_t mscount);
/* port: the receive right, with its reference, not in transit yet. */
void ipc_notify_port_destroyed(struct ipc_request *request, struct ipc_port *port);

/* A send-once right to port, consumed, has died. */
void ipc_notify_send_once(struct ipc_port *port);

#endif
