/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages that the kernel sends to memory managers, built in place.
 *
 * MIG's sending stubs allocate a buffer a call and cannot use a reserved one, so these are laid out here; a test holds
 * the layouts against MIG's. Rights put in a message belong to it from then on.
 */
#ifndef VM_MEMORY_OBJECT_MESSAGE_H
#define VM_MEMORY_OBJECT_MESSAGE_H

#include <mach/kern_return.h>
#include <mach/memory_object.h>
#include <mach/vm_prot.h>
#include <mach/vm_sync.h>

#include "kernel/kmem.h"
#include "kernel/types.h"

struct ipc_kmsg;
struct ipc_port;
struct memory_object;
struct vm_map_copy;

/* Message ids of subsystem memory_object. */
enum {
    MEMORY_OBJECT_MSG_INIT = 2200,
    MEMORY_OBJECT_MSG_TERMINATE = 2201,
    MEMORY_OBJECT_MSG_COPY = 2202,
    MEMORY_OBJECT_MSG_DATA_REQUEST = 2203,
    MEMORY_OBJECT_MSG_DATA_UNLOCK = 2204,
    MEMORY_OBJECT_MSG_LOCK_COMPLETED = 2206,
    MEMORY_OBJECT_MSG_SUPPLY_COMPLETED = 2207,
    MEMORY_OBJECT_MSG_DATA_RETURN = 2208,
    MEMORY_OBJECT_MSG_CHANGE_COMPLETED = 2209,
    MEMORY_OBJECT_MSG_SYNCHRONIZE = 2210,
};

#define MEMORY_OBJECT_DATA_RETURN_SIZE 72u  /* bytes, header included */
#define MEMORY_OBJECT_MESSAGE_MOST 80u      /* the longest of the others */

/*
 * Each sends at once, ignoring the queue's limit, and never sleeps; the object is locked. KERN_RESOURCE_SHORTAGE when
 * there is no memory for the message: nothing was sent. A port that is dead takes the message: that is a success.
 */
kern_return_t memory_object_send_init(struct memory_object *pager);
kern_return_t memory_object_send_data_request(struct memory_object *pager, uint32_t index, uint32_t nr_pages,
                                              vm_prot_t access);
kern_return_t memory_object_send_data_unlock(struct memory_object *pager, uint32_t index, vm_prot_t access);

/* What was returned last is to be made permanent, as the flags of vm_msync say. */
kern_return_t memory_object_send_synchronize(struct memory_object *pager, uint32_t index, uint32_t nr_pages,
                                             vm_sync_t flags);

/* terminate gives the manager the kernel's send right to the object port and the receive rights of control and name. */
kern_return_t memory_object_send_terminate(struct ipc_port *port, struct ipc_port *control, struct ipc_port *name);

/*
 * Replies; reply is a right of disposition reply_type that is consumed (NULL: nobody wants one). The first can fail for
 * lack of memory: then KERN_RESOURCE_SHORTAGE, and the right is still the caller's. The others are given their message,
 * from memory_object_reply_alloc(), and cannot; it is consumed too.
 */
kern_return_t memory_object_send_lock_completed(struct ipc_port *reply, unsigned int reply_type,
                                                struct memory_object *pager, uint32_t index, uint32_t nr_pages);
void memory_object_send_supply_completed(struct ipc_kmsg *kmsg, struct ipc_port *reply, unsigned int reply_type,
                                         struct memory_object *pager, vm_offset_t offset, vm_size_t length,
                                         kern_return_t result, vm_offset_t error_offset);
void memory_object_send_change_completed(struct ipc_kmsg *kmsg, struct ipc_port *reply, unsigned int reply_type,
                                         bool may_cache, memory_object_copy_strategy_t strategy);

/*
 * Whether a reply port's type, which the manager's descriptor says, is that of a right that can be replied to. Of any other
 * type, what came is no port: MIG does not look at the name of a polymorphic type.
 */
bool memory_object_reply_valid(unsigned int reply_type);

/*
 * A message for the reply to a manager's call, or NULL in *kmsg when reply is none. Waits for memory; false: there is none
 * and the thread is being ended. What was not sent goes to ipc_kmsg_free(). No locks are held.
 */
bool memory_object_reply_alloc(const struct ipc_port *reply, struct ipc_kmsg **kmsg);

/* Fills kmsg, which has room for MEMORY_OBJECT_DATA_RETURN_SIZE, and queues it. Cannot fail. */
void memory_object_send_data_return(struct ipc_kmsg *kmsg, struct memory_object *pager, uint32_t index,
                                    struct vm_map_copy *copy, bool dirty, bool kernel_copy);

#endif
