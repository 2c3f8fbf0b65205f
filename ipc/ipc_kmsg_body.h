/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking over the typed items of a message's body. For ipc/ipc_kmsg*.c.
 */
#ifndef IPC_IPC_KMSG_BODY_H
#define IPC_IPC_KMSG_BODY_H

#include <mach/message.h>

#include "ipc/ipc_types.h"
#include "kernel/types.h"

struct ipc_kmsg_body {
    char *at, *end;
};

struct ipc_kmsg_item {
    mach_msg_type_long_t *type; /* the descriptor; only a mach_msg_type_t when it is not of the long form */
    unsigned int name;
    unsigned int bits;          /* of an element */
    uint32_t number;            /* of elements */
    uint32_t bytes;             /* of all */
    bool is_inline, is_port, deallocate;
    uint32_t *data;             /* inline data, or the word that points to it */
};

void ipc_kmsg_body_start(struct ipc_kmsg_body *body, struct ipc_kmsg *kmsg);
/* Decodes the item at body->at, which is before the end, without side effects. MACH_SEND_MSG_TOO_SMALL, _INVALID_TYPE. */
mach_msg_return_t ipc_kmsg_body_next(struct ipc_kmsg_body *body, struct ipc_kmsg_item *item);
void ipc_kmsg_item_set_name(struct ipc_kmsg_item *item, unsigned int name);
void ipc_kmsg_item_set_number(struct ipc_kmsg_item *item, uint32_t number);
/* Releases what a copied-in item holds: the first nr_ports rights, memory, the array. */
void ipc_kmsg_item_destroy(struct ipc_kmsg_item *item, uint32_t nr_ports);

/*
 * A message-accepted notification (MACH_SEND_NOTIFY) for a message to port from space: *request belongs to the kmsg.
 * MACH_SEND_INVALID_NOTIFY, _NOTIFY_IN_PROGRESS, _NO_NOTIFY.
 */
mach_msg_return_t ipc_marequest_create(struct ipc_space *space, struct ipc_port *port, mach_port_name_t notify,
                                       struct ipc_request **request);
/* The message was received or destroyed: tells so, and frees the request. No locks but below SPACE. */
void ipc_marequest_done(struct ipc_request *request);

#endif
