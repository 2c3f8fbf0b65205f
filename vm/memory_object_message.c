/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages to memory managers.
 *
 * All but data_return are a header and a row of items, each a 4-byte type word and a 4-byte value, so one builder makes
 * them. data_return carries its memory out of line with a long type.
 */
#include "vm/memory_object_message.h"

#include <mach/message.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_port.h"
#include "kernel/panic.h"
#include "vm/memory_object.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"

struct memory_object_item {
    mach_msg_type_t type;
    uint32_t value;
};

struct memory_object_builder {
    struct ipc_kmsg *kmsg;
    mach_msg_header_t *head;
    struct memory_object_item *item;
};

_Static_assert(sizeof(mach_msg_header_t) == 24 && sizeof(struct memory_object_item) == 8, "Mach's message layout");

static const mach_msg_type_t memory_object_word = {MACH_MSG_TYPE_INTEGER_32, 32, 1, TRUE, FALSE, FALSE, 0};
static const mach_msg_type_t memory_object_boolean = {MACH_MSG_TYPE_BOOLEAN, 32, 1, TRUE, FALSE, FALSE, 0};

/* remote, a right of the given disposition (or IP_DEAD), belongs to the message from here on. */
static void memory_object_start(struct memory_object_builder *build, struct ipc_kmsg *kmsg, mach_msg_id_t id,
                                struct ipc_port *remote, unsigned int disposition)
{
    build->kmsg = kmsg;
    build->head = ipc_kmsg_header(kmsg);
    build->item = (struct memory_object_item *)(build->head + 1);
    build->head->msgh_bits = MACH_MSGH_BITS(disposition, 0);
    build->head->msgh_remote_port = (mach_port_t)(uintptr_t)remote;
    build->head->msgh_local_port = MACH_PORT_NULL;
    build->head->msgh_seqno = 0;
    build->head->msgh_id = id;
}

static bool memory_object_begin(struct memory_object_builder *build, mach_msg_id_t id, struct ipc_port *remote,
                                unsigned int disposition)
{
    struct ipc_kmsg *kmsg = ipc_kmsg_alloc(MEMORY_OBJECT_MESSAGE_MOST, ALLOC_PRIVILEGED | ALLOC_NOSLEEP);
    if (kmsg == NULL)
        return false;
    memory_object_start(build, kmsg, id, remote, disposition);
    return true;
}

static void memory_object_put(struct memory_object_builder *build, const mach_msg_type_t *type, uint32_t value)
{
    build->item->type = *type;
    build->item->value = value;
    build->item++;
}

static void memory_object_put_port(struct memory_object_builder *build, unsigned int name, struct ipc_port *port)
{
    const mach_msg_type_t type = {name, 32, 1, TRUE, FALSE, FALSE, 0};
    memory_object_put(build, &type, (uint32_t)(uintptr_t)port);
    build->head->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
}

static void memory_object_queue(struct memory_object_builder *build)
{
    build->head->msgh_size = (mach_msg_size_t)((char *)build->item - (char *)build->head);
    ipc_mqueue_send_always(build->kmsg);
}

/* Begins a message to the manager with the control port as first item. */
static bool memory_object_begin_pager(struct memory_object_builder *build, mach_msg_id_t id,
                                      struct memory_object *pager)
{
    assert(spinlock_held(&pager->object->lock));
    if (!memory_object_begin(build, id, NULL, MACH_MSG_TYPE_PORT_SEND))
        return false;
    build->head->msgh_remote_port = (mach_port_t)(uintptr_t)ipc_port_copy_send(pager->port);
    memory_object_put_port(build, MACH_MSG_TYPE_PORT_SEND, ipc_port_make_send(pager->control));
    return true;
}

kern_return_t memory_object_send_init(struct memory_object *pager)
{
    struct memory_object_builder build;

    if (!memory_object_begin_pager(&build, MEMORY_OBJECT_MSG_INIT, pager))
        return KERN_RESOURCE_SHORTAGE;
    memory_object_put_port(&build, MACH_MSG_TYPE_PORT_SEND, ipc_port_make_send(pager->name));
    memory_object_put(&build, &memory_object_word, PAGE_SIZE);
    memory_object_queue(&build);
    return KERN_SUCCESS;
}

/* These ask for a range, and an access or flags. */
static kern_return_t memory_object_send_ask(struct memory_object *pager, mach_msg_id_t id, uint32_t index,
                                            uint32_t nr_pages, vm_prot_t access)
{
    struct memory_object_builder build;

    if (!memory_object_begin_pager(&build, id, pager))
        return KERN_RESOURCE_SHORTAGE;
    memory_object_put(&build, &memory_object_word, index << PAGE_SHIFT);
    memory_object_put(&build, &memory_object_word, nr_pages << PAGE_SHIFT);
    memory_object_put(&build, &memory_object_word, (uint32_t)access);
    memory_object_queue(&build);
    return KERN_SUCCESS;
}

kern_return_t memory_object_send_data_request(struct memory_object *pager, uint32_t index, uint32_t nr_pages,
                                              vm_prot_t access)
{
    return memory_object_send_ask(pager, MEMORY_OBJECT_MSG_DATA_REQUEST, index, nr_pages, access);
}

kern_return_t memory_object_send_data_unlock(struct memory_object *pager, uint32_t index, vm_prot_t access)
{
    return memory_object_send_ask(pager, MEMORY_OBJECT_MSG_DATA_UNLOCK, index, 1, access);
}

kern_return_t memory_object_send_synchronize(struct memory_object *pager, uint32_t index, uint32_t nr_pages,
                                             vm_sync_t flags)
{
    return memory_object_send_ask(pager, MEMORY_OBJECT_MSG_SYNCHRONIZE, index, nr_pages, flags);
}

kern_return_t memory_object_send_terminate(struct ipc_port *port, struct ipc_port *control, struct ipc_port *name)
{
    struct memory_object_builder build;

    if (!memory_object_begin(&build, MEMORY_OBJECT_MSG_TERMINATE, port, MACH_MSG_TYPE_PORT_SEND))
        return KERN_RESOURCE_SHORTAGE;
    ipc_port_detach_kernel(control, port);
    ipc_port_detach_kernel(name, port);
    memory_object_put_port(&build, MACH_MSG_TYPE_PORT_RECEIVE, control);
    memory_object_put_port(&build, MACH_MSG_TYPE_PORT_RECEIVE, name);
    memory_object_queue(&build);
    return KERN_SUCCESS;
}

kern_return_t memory_object_send_lock_completed(struct ipc_port *reply, unsigned int reply_type,
                                                struct memory_object *pager, uint32_t index, uint32_t nr_pages)
{
    struct memory_object_builder build;

    if (!IP_VALID(reply))
        return KERN_SUCCESS;
    if (!memory_object_begin(&build, MEMORY_OBJECT_MSG_LOCK_COMPLETED, reply, reply_type))
        return KERN_RESOURCE_SHORTAGE;
    memory_object_put_port(&build, MACH_MSG_TYPE_PORT_SEND, ipc_port_make_send(pager->control));
    memory_object_put(&build, &memory_object_word, index << PAGE_SHIFT);
    memory_object_put(&build, &memory_object_word, nr_pages << PAGE_SHIFT);
    memory_object_queue(&build);
    return KERN_SUCCESS;
}

bool memory_object_reply_valid(unsigned int reply_type)
{
    return reply_type == MACH_MSG_TYPE_PORT_SEND || reply_type == MACH_MSG_TYPE_PORT_SEND_ONCE;
}

bool memory_object_reply_alloc(const struct ipc_port *reply, struct ipc_kmsg **kmsg)
{
    *kmsg = IP_VALID(reply) ? ipc_kmsg_alloc(MEMORY_OBJECT_MESSAGE_MOST, ALLOC_THREAD) : NULL;
    return *kmsg != NULL || !IP_VALID(reply);
}

void memory_object_send_supply_completed(struct ipc_kmsg *kmsg, struct ipc_port *reply, unsigned int reply_type,
                                         struct memory_object *pager, vm_offset_t offset, vm_size_t length,
                                         kern_return_t result, vm_offset_t error_offset)
{
    struct memory_object_builder build;

    if (!IP_VALID(reply))
        return;
    memory_object_start(&build, kmsg, MEMORY_OBJECT_MSG_SUPPLY_COMPLETED, reply, reply_type);
    memory_object_put_port(&build, MACH_MSG_TYPE_PORT_SEND, ipc_port_make_send(pager->control));
    memory_object_put(&build, &memory_object_word, offset);
    memory_object_put(&build, &memory_object_word, length);
    memory_object_put(&build, &memory_object_word, (uint32_t)result);
    memory_object_put(&build, &memory_object_word, error_offset);
    memory_object_queue(&build);
}

void memory_object_send_change_completed(struct ipc_kmsg *kmsg, struct ipc_port *reply, unsigned int reply_type,
                                         bool may_cache, memory_object_copy_strategy_t strategy)
{
    struct memory_object_builder build;

    if (!IP_VALID(reply))
        return;
    memory_object_start(&build, kmsg, MEMORY_OBJECT_MSG_CHANGE_COMPLETED, reply, reply_type);
    memory_object_put(&build, &memory_object_boolean, may_cache);
    memory_object_put(&build, &memory_object_word, (uint32_t)strategy);
    memory_object_queue(&build);
}

void memory_object_drop_reply(struct ipc_port *reply, unsigned int reply_type)
{
    if (!IP_VALID(reply))
        return;
    if (reply_type == MACH_MSG_TYPE_PORT_SEND)
        ipc_port_release_send(reply);
    else
        ipc_port_release_sonce(reply);
}

void memory_object_send_data_return(struct ipc_kmsg *kmsg, struct memory_object *pager, uint32_t index,
                                    struct vm_map_copy *copy, bool dirty, bool kernel_copy)
{
    struct memory_object_builder build;
    struct memory_object_data {
        mach_msg_type_long_t type;
        uint32_t address;
    } *data;

    assert(spinlock_held(&pager->object->lock));
    memory_object_start(&build, kmsg, MEMORY_OBJECT_MSG_DATA_RETURN, ipc_port_copy_send(pager->port),
                        MACH_MSG_TYPE_PORT_SEND);
    memory_object_put_port(&build, MACH_MSG_TYPE_PORT_SEND, ipc_port_make_send(pager->control));
    memory_object_put(&build, &memory_object_word, index << PAGE_SHIFT);
    data = (struct memory_object_data *)build.item;
    data->type = (mach_msg_type_long_t){
        .msgtl_header = {.msgt_inline = FALSE, .msgt_longform = TRUE},
        .msgtl_name = MACH_MSG_TYPE_BYTE,
        .msgtl_size = 8,
        .msgtl_number = copy->size,
    };
    data->address = (uint32_t)(uintptr_t)copy;
    build.item = (struct memory_object_item *)(data + 1);
    memory_object_put(&build, &memory_object_boolean, dirty);
    memory_object_put(&build, &memory_object_boolean, kernel_copy);
    assert((char *)build.item - (char *)build.head == MEMORY_OBJECT_DATA_RETURN_SIZE);
    memory_object_queue(&build);
}
