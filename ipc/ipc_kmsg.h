/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages inside the kernel.
 *
 * A kmsg holds a message whose port names have become rights (pointers, each with its reference) and whose out-of-line
 * memory has become vm_map_copies. *Copying in* turns a user's message into that; *copying out* does the reverse in the
 * receiver's space and map. A message that nobody will receive is destroyed: its rights are released and its copies
 * discarded, which may happen under locks ranked below PORT.
 */
#ifndef IPC_IPC_KMSG_H
#define IPC_IPC_KMSG_H

#include <mach/message.h>

#include "ipc/ipc_types.h"
#include "kernel/kmem.h"
#include "kernel/list.h"
#include "kernel/types.h"

struct vm_map;

struct ipc_kmsg {
    struct list_node port_node;     /* [P] in port->messages */
    struct list_node set_node;      /* [E] in pset->messages */
    uint32_t capacity;              /* bytes from header on */
    void (*release)(struct ipc_kmsg *kmsg); /* of a reserved message: it is over. NULL: freed with kmem_free */
    struct ipc_request *marequest;  /* message-accepted is wanted; owned */
    mach_msg_header_t header;       /* last: the body follows */
};

/* The longest message, bytes: what kmem_alloc gives less the head. */
#define IPC_KMSG_SIZE_MAX ((1u << 20) - sizeof(struct ipc_kmsg))

static inline mach_msg_header_t *ipc_kmsg_header(struct ipc_kmsg *kmsg)
{
    return &kmsg->header;
}

/* Room for a message of size bytes, header included; only the head is initialised. NULL: no memory, or too long. */
struct ipc_kmsg *ipc_kmsg_alloc(mach_msg_size_t size, enum alloc how);
/* Initialises a message that is part of something else, with room for size bytes; release is called when it is over. */
void ipc_kmsg_init_reserved(struct ipc_kmsg *kmsg, mach_msg_size_t size, void (*release)(struct ipc_kmsg *kmsg));
/* Gives the memory back; rights and copies in it have gone elsewhere. */
void ipc_kmsg_free(struct ipc_kmsg *kmsg);
/* Releases rights and copies, then the memory. Never sleeps. May be called under locks ranked below PORT. */
void ipc_kmsg_destroy(struct ipc_kmsg *kmsg);
/* The same for the rights and copies of the body alone. */
void ipc_kmsg_destroy_body(struct ipc_kmsg *kmsg);

/* Reads a user's message. MACH_SEND_MSG_TOO_SMALL, MACH_SEND_INVALID_DATA, MACH_SEND_NO_BUFFER. */
mach_msg_return_t ipc_kmsg_get(uintptr_t user, mach_msg_size_t size, struct ipc_kmsg **kmsg);
/* Writes the message to the user and frees it. MACH_RCV_INVALID_DATA. */
mach_msg_return_t ipc_kmsg_put(uintptr_t user, struct ipc_kmsg *kmsg, mach_msg_size_t size);

/*
 * Names and memory of the running task become rights and copies. cancel: with MACH_SEND_CANCEL, the receive right whose
 * dead-name requests end silently when the header's rights move; otherwise MACH_PORT_NULL. On failure the caller frees
 * kmsg: what was taken of it has been released.
 */
mach_msg_return_t ipc_kmsg_copyin(struct ipc_kmsg *kmsg, struct ipc_space *space, struct vm_map *map,
                                  mach_port_name_t cancel);
/*
 * Rights and copies become names and memory of the receiver. notify: with MACH_RCV_NOTIFY, the receive right that is to be
 * told of the reply port's death; otherwise MACH_PORT_NULL. Returns MACH_MSG_SUCCESS, or MACH_RCV_HEADER_ERROR or
 * MACH_RCV_INVALID_NOTIFY (with kmsg unchanged), or MACH_RCV_BODY_ERROR with MACH_MSG_ bits that say what lacked room: what
 * could not be copied out has been destroyed and the rest is there.
 */
mach_msg_return_t ipc_kmsg_copyout(struct ipc_kmsg *kmsg, struct ipc_space *space, struct vm_map *map,
                                   mach_port_name_t notify);
/* Gives a message that could not be sent back to its sender: every right and copy as if received. MACH_MSG_ bits. */
mach_msg_return_t ipc_kmsg_copyout_pseudo(struct ipc_kmsg *kmsg, struct ipc_space *space, struct vm_map *map);
/* Keeps only the destination, for a receiver that has no room; the rest is destroyed. The size stays what it was. */
void ipc_kmsg_copyout_dest(struct ipc_kmsg *kmsg, struct ipc_space *space);

void ipc_kmsg_init(void);

#endif
