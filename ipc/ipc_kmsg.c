/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of messages in the kernel, and walking over their bodies. Copying in and out is ipc_kmsg_copy.c. */
#include "ipc/ipc_kmsg.h"

#include "ipc/ipc_kmsg_body.h"
#include "ipc/ipc_notify.h"
#include "ipc/ipc_port.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/vm_map.h"

/* The least that is allocated: a reply of most routines fits in, so that a request's memory carries its reply. */
#define IPC_KMSG_LEAST (256u - sizeof(struct ipc_kmsg) + sizeof(mach_msg_header_t))

static size_t ipc_kmsg_allocation(uint32_t capacity)
{
    return sizeof(struct ipc_kmsg) - sizeof(mach_msg_header_t) + capacity;
}

/* Messages of the least capacity, which are most; the others are kmem_alloc's. */
static struct kmem_cache ipc_kmsg_cache;
/* The one freed last, taken and put back by one atomic instruction: a request's memory is then the next one's. */
static struct ipc_kmsg *ipc_kmsg_spare;

void ipc_kmsg_init(void)
{
    kmem_cache_init(&ipc_kmsg_cache, "ipc_kmsg", ipc_kmsg_allocation(IPC_KMSG_LEAST), 0);
}

void ipc_kmsg_init_reserved(struct ipc_kmsg *kmsg, mach_msg_size_t size, void (*release)(struct ipc_kmsg *kmsg))
{
    list_node_init(&kmsg->port_node);
    list_node_init(&kmsg->set_node);
    kmsg->capacity = size;
    kmsg->release = release;
    kmsg->marequest = NULL;
}

struct ipc_kmsg *ipc_kmsg_alloc(mach_msg_size_t size, enum alloc how)
{
    uint32_t capacity = IPC_KMSG_LEAST;
    struct ipc_kmsg *kmsg;

    if (likely(size <= IPC_KMSG_LEAST)) {
        kmsg = __atomic_exchange_n(&ipc_kmsg_spare, NULL, __ATOMIC_ACQUIRE);
        if (unlikely(kmsg == NULL))
            kmsg = kmem_cache_alloc(&ipc_kmsg_cache, how);
    } else {
        if (size > IPC_KMSG_SIZE_MAX)
            return NULL;
        capacity = size;
        kmsg = kmem_alloc(ipc_kmsg_allocation(capacity), how);
    }
    if (likely(kmsg != NULL))
        ipc_kmsg_init_reserved(kmsg, capacity, NULL);
    return kmsg;
}

void ipc_kmsg_free(struct ipc_kmsg *kmsg)
{
    struct ipc_kmsg *none = NULL;

    if (unlikely(kmsg->release != NULL))
        kmsg->release(kmsg);
    else if (unlikely(kmsg->capacity != IPC_KMSG_LEAST))
        kmem_free(kmsg, ipc_kmsg_allocation(kmsg->capacity));
    else if (!__atomic_compare_exchange_n(&ipc_kmsg_spare, &none, kmsg, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        kmem_cache_free(&ipc_kmsg_cache, kmsg);
}

/* ---- bodies ---- */

void ipc_kmsg_body_start(struct ipc_kmsg_body *body, struct ipc_kmsg *kmsg)
{
    body->at = (char *)(&kmsg->header + 1);
    body->end = (char *)&kmsg->header + kmsg->header.msgh_size;
}

/*
 * What a descriptor says, and that it says nothing impossible. Sizes are computed in 64 bits: an element has at most
 * 65535 bits and there are at most 2^32 of them.
 */
mach_msg_return_t ipc_kmsg_body_next(struct ipc_kmsg_body *body, struct ipc_kmsg_item *item)
{
    size_t left = (size_t)(body->end - body->at);
    mach_msg_type_long_t *type = (mach_msg_type_long_t *)body->at;
    size_t head = sizeof(mach_msg_type_t);

    if (left < head)
        return MACH_SEND_MSG_TOO_SMALL;
    mach_msg_type_t brief = type->msgtl_header;
    item->type = type;
    item->is_inline = brief.msgt_inline;
    item->deallocate = brief.msgt_deallocate;
    if (brief.msgt_longform) {
        head = sizeof(mach_msg_type_long_t);
        if (left < head)
            return MACH_SEND_MSG_TOO_SMALL;
        if (brief.msgt_name != 0 || brief.msgt_size != 0 || brief.msgt_number != 0)
            return MACH_SEND_INVALID_TYPE;
        item->name = type->msgtl_name;
        item->bits = type->msgtl_size;
        item->number = type->msgtl_number;
    } else {
        item->name = brief.msgt_name;
        item->bits = brief.msgt_size;
        item->number = brief.msgt_number;
    }
    item->is_port = MACH_MSG_TYPE_PORT_ANY(item->name);
    if (brief.msgt_unused != 0 || (item->deallocate && item->is_inline) || (item->is_port && item->bits != 32))
        return MACH_SEND_INVALID_TYPE;

    uint64_t bytes = ((uint64_t)item->number * item->bits + 7) / 8;
    if (bytes > UINT32_MAX - PAGE_SIZE)
        return item->is_inline ? MACH_SEND_MSG_TOO_SMALL : MACH_SEND_INVALID_MEMORY;
    item->bytes = (uint32_t)bytes;
    uint32_t taken = item->is_inline ? (item->bytes + 3) & ~3u : (uint32_t)sizeof(uint32_t);
    if (left - head < taken)
        return MACH_SEND_MSG_TOO_SMALL;
    item->data = (uint32_t *)(body->at + head);
    body->at += head + taken;
    return MACH_MSG_SUCCESS;
}

void ipc_kmsg_item_set_name(struct ipc_kmsg_item *item, unsigned int name)
{
    if (item->type->msgtl_header.msgt_longform)
        item->type->msgtl_name = (unsigned short)name;
    else
        item->type->msgtl_header.msgt_name = name & 0xff;
    item->name = name;
}

void ipc_kmsg_item_set_number(struct ipc_kmsg_item *item, uint32_t number)
{
    if (item->type->msgtl_header.msgt_longform)
        item->type->msgtl_number = number;
    else
        item->type->msgtl_header.msgt_number = number & 0xfff;
}

/* ---- the end ---- */

void ipc_kmsg_item_destroy(struct ipc_kmsg_item *item, uint32_t nr_ports)
{
    uint32_t *ports = item->is_inline ? item->data : (uint32_t *)(uintptr_t)*item->data;
    uint32_t i;

    if (item->is_port) {
        for (i = 0; i < nr_ports; i++)
            ipc_port_release_right((struct ipc_port *)(uintptr_t)ports[i], item->name);
        if (!item->is_inline && ports != NULL)
            kmem_free(ports, item->bytes);
    } else if (!item->is_inline) {
        vm_map_copy_discard((struct vm_map_copy *)(uintptr_t)*item->data);
    }
}

void ipc_kmsg_destroy_body(struct ipc_kmsg *kmsg)
{
    struct ipc_kmsg_body body;
    struct ipc_kmsg_item item;

    if (!(kmsg->header.msgh_bits & MACH_MSGH_BITS_COMPLEX))
        return;
    ipc_kmsg_body_start(&body, kmsg);
    while (body.at < body.end && ipc_kmsg_body_next(&body, &item) == MACH_MSG_SUCCESS)
        ipc_kmsg_item_destroy(&item, item.number);
}

void ipc_kmsg_destroy(struct ipc_kmsg *kmsg)
{
    mach_msg_header_t *header = &kmsg->header;
    struct ipc_request *request = kmsg->marequest;

    ipc_port_release_right((struct ipc_port *)(uintptr_t)header->msgh_remote_port,
                           MACH_MSGH_BITS_REMOTE(header->msgh_bits));
    ipc_port_release_right((struct ipc_port *)(uintptr_t)header->msgh_local_port,
                           MACH_MSGH_BITS_LOCAL(header->msgh_bits));
    ipc_kmsg_destroy_body(kmsg);
    kmsg->marequest = NULL;
    ipc_kmsg_free(kmsg);
    if (request != NULL)
        ipc_marequest_done(request);
}

/* ---- to and from the user ---- */

mach_msg_return_t ipc_kmsg_get(uintptr_t user, mach_msg_size_t size, struct ipc_kmsg **kmsg)
{
    if (size < sizeof(mach_msg_header_t) || size % sizeof(uint32_t) != 0)
        return MACH_SEND_MSG_TOO_SMALL;
    struct ipc_kmsg *fresh = ipc_kmsg_alloc(size, ALLOC_THREAD);
    if (fresh == NULL)
        return MACH_SEND_NO_BUFFER;
    if (!copyin_words(user, (uint32_t *)&fresh->header, size / sizeof(uint32_t))) {
        ipc_kmsg_free(fresh);
        return MACH_SEND_INVALID_DATA;
    }
    fresh->header.msgh_size = size;
    *kmsg = fresh;
    return MACH_MSG_SUCCESS;
}

mach_msg_return_t ipc_kmsg_put(uintptr_t user, struct ipc_kmsg *kmsg, mach_msg_size_t size)
{
    bool good = copyout_words((uint32_t *)&kmsg->header, user, size / sizeof(uint32_t));

    ipc_kmsg_free(kmsg);
    return good ? MACH_MSG_SUCCESS : MACH_RCV_INVALID_DATA;
}
