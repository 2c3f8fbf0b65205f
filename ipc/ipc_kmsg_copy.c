/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying messages in and out.
 *
 * 1. Decode first. A body is checked from end to end before anything of it is taken: a malformed message has no effect on
 *    its sender's names and memory.
 * 2. Then move. Header: both rights are checked under the space's lock, then both are taken. Body: item by item; a name
 *    that denotes nothing, or memory that is not there, ends the message, and what was taken before is released, as
 *    Mach has it: the sender cannot tell which rights it still holds by looking at the message, but by asking.
 * 3. Out-of-line memory is copied as of now (vm_map_copyin, copy-on-write where it pays), so what the sender does to it
 *    later is not seen. Arrays of ports become arrays in kernel memory.
 * 4. Out again: the header must succeed as a whole or the message stays as it is; in the body each item that finds no
 *    room is destroyed alone, and the result says so (MACH_RCV_BODY_ERROR with MACH_MSG_ bits).
 */
#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_kmsg_body.h"
#include "ipc/ipc_notify.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_right.h"
#include "ipc/ipc_space.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"

static inline struct ipc_port *ipc_kmsg_port(uint32_t word)
{
    return (struct ipc_port *)(uintptr_t)word;
}

static inline uint32_t ipc_kmsg_word(const void *pointer)
{
    return (uint32_t)(uintptr_t)pointer;
}

/* ---- in: header ---- */

struct ipc_kmsg_head {
    struct ipc_space *space;
    mach_port_name_t dest_name, reply_name;
    unsigned int dest_type, reply_type;
    struct ipc_port *dest, *reply;
    struct ipc_right_after dest_after, reply_after;
    struct ipc_port *cancel;        /* dead-name requests for it end silently; a mark, no reference */
};

/* Whether a right taken so leaves its name with a reference less. */
static bool ipc_kmsg_moves(unsigned int type)
{
    return type == MACH_MSG_TYPE_MOVE_SEND || type == MACH_MSG_TYPE_MOVE_SEND_ONCE;
}

/* Both rights under one name: whether it has enough for both. */
static bool ipc_kmsg_head_enough(const struct ipc_kmsg_head *head, const struct ipc_entry *entry)
{
    return !ipc_kmsg_moves(head->dest_type) || !ipc_kmsg_moves(head->reply_type) || entry->urefs >= 2;
}

/* Space locked. Nothing is taken unless all can be. */
static mach_msg_return_t ipc_kmsg_head_take(struct ipc_kmsg_head *head, mach_port_name_t cancel)
{
    struct ipc_space *space = head->space;
    struct ipc_entry *dest, *reply = NULL;

    if (unlikely(cancel != MACH_PORT_NULL)) {
        struct ipc_entry *entry = ipc_right_lookup(space, cancel);
        if (entry == NULL || !(entry->type & MACH_PORT_TYPE_RECEIVE))
            return MACH_SEND_INVALID_NOTIFY;
        head->cancel = entry->port;
    }
    if (!MACH_PORT_VALID(head->dest_name) || (dest = ipc_right_lookup(space, head->dest_name)) == NULL ||
        dest->type == MACH_PORT_TYPE_DEAD_NAME || !ipc_right_copyin_check(space, dest, head->dest_type))
        return MACH_SEND_INVALID_DEST;
    if (MACH_PORT_VALID(head->reply_name)) {
        reply = head->reply_name == head->dest_name ? dest : ipc_right_lookup(space, head->reply_name);
        if (reply == NULL || !ipc_right_copyin_check(space, reply, head->reply_type) ||
            (reply == dest && !ipc_kmsg_head_enough(head, dest)))
            return MACH_SEND_INVALID_REPLY;
        /* The reply goes first where it leaves the entry there for the destination; otherwise it is the other way round. */
        if (reply != dest || !ipc_kmsg_moves(head->reply_type)) {
            ipc_right_take(space, reply, head->reply_type, &head->reply, &head->reply_after);
            reply = NULL;
        }
    } else {
        head->reply = head->reply_name == MACH_PORT_NULL ? IP_NULL : IP_DEAD;
    }
    ipc_right_take(space, dest, head->dest_type, &head->dest, &head->dest_after);
    if (unlikely(reply != NULL))
        ipc_right_take(space, reply, head->reply_type, &head->reply, &head->reply_after);
    return MACH_MSG_SUCCESS;
}

/* What is left after the space is unlocked: port-deleted notifications, or their silent end for MACH_SEND_CANCEL. */
static void ipc_kmsg_head_finish(struct ipc_kmsg_head *head, struct ipc_right_after *after)
{
    struct ipc_request *request = after->deleted;

    if (request == NULL || head->cancel == NULL || request->notify != head->cancel) {
        ipc_right_after(after);
        return;
    }
    struct ipc_space *owner = request->space;
    ipc_port_unmake_sonce(ipc_request_destroy(request));
    ipc_space_unref(owner);
}

static mach_msg_return_t ipc_kmsg_copyin_header(mach_msg_header_t *header, struct ipc_space *space,
                                                mach_port_name_t cancel)
{
    struct ipc_kmsg_head head; /* filled in by hand: every message passes here */

    head.space = space;
    head.dest_name = header->msgh_remote_port;
    head.reply_name = header->msgh_local_port;
    head.dest_type = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
    head.reply_type = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
    head.cancel = IP_NULL;
    head.dest_after.deleted = head.reply_after.deleted = NULL;

    if (!MACH_MSG_TYPE_PORT_ANY_SEND(head.dest_type))
        return MACH_SEND_INVALID_HEADER;
    if (head.reply_type == 0 ? head.reply_name != MACH_PORT_NULL : !MACH_MSG_TYPE_PORT_ANY_SEND(head.reply_type))
        return MACH_SEND_INVALID_HEADER;
    ipc_space_lock(space);
    mach_msg_return_t mr = space->active ? ipc_kmsg_head_take(&head, cancel) : MACH_SEND_INVALID_DEST;
    ipc_space_unlock(space);
    if (mr != MACH_MSG_SUCCESS)
        return mr;
    if (head.dest_after.deleted != NULL)
        ipc_kmsg_head_finish(&head, &head.dest_after);
    if (head.reply_after.deleted != NULL)
        ipc_kmsg_head_finish(&head, &head.reply_after);
    header->msgh_bits = (header->msgh_bits & MACH_MSGH_BITS_COMPLEX) |
                        MACH_MSGH_BITS(ipc_right_disposition(head.dest_type),
                                       ipc_right_disposition(head.reply_type));
    header->msgh_remote_port = ipc_kmsg_word(head.dest);
    header->msgh_local_port = ipc_kmsg_word(head.reply);
    return MACH_MSG_SUCCESS;
}

/* ---- in: body ---- */

static mach_msg_return_t ipc_kmsg_check_body(struct ipc_kmsg *kmsg)
{
    struct ipc_kmsg_body body;
    struct ipc_kmsg_item item;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;

    ipc_kmsg_body_start(&body, kmsg);
    while (mr == MACH_MSG_SUCCESS && body.at < body.end)
        mr = ipc_kmsg_body_next(&body, &item);
    return mr;
}

/* The names in ports become rights; *done counts those that have. */
static mach_msg_return_t ipc_kmsg_copyin_ports(struct ipc_kmsg *kmsg, struct ipc_space *space, unsigned int disposition,
                                               uint32_t *ports, uint32_t number, uint32_t *done)
{
    struct ipc_port *dest = ipc_kmsg_port(kmsg->header.msgh_remote_port), *port;

    for (*done = 0; *done < number; (*done)++) {
        if (ipc_right_copyin_any(space, ports[*done], disposition, &port) != KERN_SUCCESS)
            return MACH_SEND_INVALID_RIGHT;
        if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE && IP_VALID(port) && ipc_port_enter_transit(port, dest))
            kmsg->header.msgh_bits |= MACH_MSGH_BITS_CIRCULAR;
        ports[*done] = ipc_kmsg_word(port);
    }
    return MACH_MSG_SUCCESS;
}

/* The user's array, as names, in kernel memory. */
static mach_msg_return_t ipc_kmsg_copyin_array(struct ipc_kmsg_item *item, struct vm_map *map)
{
    uintptr_t user = *item->data;
    uint32_t *array = kmem_alloc(item->bytes, ALLOC_THREAD);

    if (array == NULL)
        return MACH_SEND_INVALID_MEMORY | MACH_MSG_VM_KERNEL;
    if (!copyin((const void *)user, array, item->bytes)) {
        kmem_free(array, item->bytes);
        return MACH_SEND_INVALID_MEMORY;
    }
    if (item->deallocate)
        (void)vm_map_remove(map, page_trunc(user), page_round(user + item->bytes));
    *item->data = ipc_kmsg_word(array);
    return MACH_MSG_SUCCESS;
}

static mach_msg_return_t ipc_kmsg_copyin_item(struct ipc_kmsg *kmsg, struct ipc_kmsg_item *item, struct ipc_space *space,
                                              struct vm_map *map)
{
    mach_msg_return_t mr;
    uint32_t done = 0;

    if (!item->is_port) {
        struct vm_map_copy *copy = NULL;
        kern_return_t kr = vm_map_copyin(map, *item->data, item->bytes, item->deallocate, &copy);
        if (kr != KERN_SUCCESS)
            return kr == KERN_RESOURCE_SHORTAGE ? MACH_SEND_INVALID_MEMORY | MACH_MSG_VM_KERNEL
                                                : MACH_SEND_INVALID_MEMORY;
        *item->data = ipc_kmsg_word(copy);
        return MACH_MSG_SUCCESS;
    }
    if (!item->is_inline) {
        if (item->number == 0) {
            *item->data = 0;
        } else {
            mr = ipc_kmsg_copyin_array(item, map);
            if (mr != MACH_MSG_SUCCESS)
                return mr;
        }
    }
    uint32_t *ports = item->is_inline ? item->data : (uint32_t *)(uintptr_t)*item->data;
    mr = ipc_kmsg_copyin_ports(kmsg, space, item->name, ports, item->number, &done);
    ipc_kmsg_item_set_name(item, ipc_right_disposition(item->name));
    if (mr != MACH_MSG_SUCCESS)
        ipc_kmsg_item_destroy(item, done);
    return mr;
}

static mach_msg_return_t ipc_kmsg_copyin_body(struct ipc_kmsg *kmsg, struct ipc_space *space, struct vm_map *map)
{
    struct ipc_kmsg_body body;
    struct ipc_kmsg_item item;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;
    bool complex = false;
    char *start;

    ipc_kmsg_body_start(&body, kmsg);
    start = body.at;
    while (body.at < body.end) {
        char *before = body.at;
        mr = ipc_kmsg_body_next(&body, &item);
        assert(mr == MACH_MSG_SUCCESS); /* checked before */
        if (!item.is_port && item.is_inline)
            continue;
        complex = true;
        mr = ipc_kmsg_copyin_item(kmsg, &item, space, map);
        if (mr == MACH_MSG_SUCCESS)
            continue;
        /* What came before goes. */
        body.at = start;
        while (body.at < before) {
            (void)ipc_kmsg_body_next(&body, &item);
            ipc_kmsg_item_destroy(&item, item.number);
        }
        return mr;
    }
    if (!complex)
        kmsg->header.msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
    return MACH_MSG_SUCCESS;
}

mach_msg_return_t ipc_kmsg_copyin(struct ipc_kmsg *kmsg, struct ipc_space *space, struct vm_map *map,
                                  mach_port_name_t cancel)
{
    mach_msg_header_t *header = &kmsg->header;
    mach_msg_return_t mr;
    bool complex = (header->msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0;

    if (complex) {
        mr = ipc_kmsg_check_body(kmsg);
        if (mr != MACH_MSG_SUCCESS)
            return mr;
    }
    mr = ipc_kmsg_copyin_header(header, space, cancel);
    if (mr != MACH_MSG_SUCCESS || !complex)
        return mr;
    mr = ipc_kmsg_copyin_body(kmsg, space, map);
    if (mr != MACH_MSG_SUCCESS) {
        ipc_port_release_right(ipc_kmsg_port(header->msgh_remote_port), MACH_MSGH_BITS_REMOTE(header->msgh_bits));
        ipc_port_release_right(ipc_kmsg_port(header->msgh_local_port), MACH_MSGH_BITS_LOCAL(header->msgh_bits));
    }
    return mr;
}

/* ---- out ---- */

static mach_msg_return_t ipc_kmsg_space_error(kern_return_t kr)
{
    return kr == KERN_RESOURCE_SHORTAGE ? MACH_MSG_IPC_KERNEL : MACH_MSG_IPC_SPACE;
}

/* The right by which the message came goes; what the receiver is shown in its place. */
static mach_port_name_t ipc_kmsg_consume_dest(struct ipc_port *dest, unsigned int *type, struct ipc_space *space)
{
    struct ipc_request *request = NULL;
    mach_port_mscount_t mscount = 0;

    ipc_port_lock(dest);
    mach_port_name_t name = dest->receiver == space ? dest->receiver_name : MACH_PORT_DEAD;
    if (*type == MACH_MSG_TYPE_PORT_SEND_ONCE) {
        assert(dest->sorights > 0);
        dest->sorights--;
    } else if (--dest->srights == 0 && dest->active && dest->nsrequest != NULL) {
        request = dest->nsrequest;
        dest->nsrequest = NULL;
        mscount = dest->mscount;
    }
    if (dest->has_payload && dest->receiver == space) {
        name = dest->payload;
        *type = MACH_MSG_TYPE_PROTECTED_PAYLOAD;
    }
    ipc_port_unlock(dest);
    if (request != NULL)
        ipc_notify_no_senders(request, mscount);
    ipc_port_unref(dest);
    return name;
}

/* MACH_RCV_NOTIFY: a dead-name request for the reply right just received. */
static mach_msg_return_t ipc_kmsg_reply_notify(struct ipc_space *space, mach_port_name_t name, mach_port_name_t notify)
{
    struct ipc_port *port, *previous = IP_NULL;

    if (ipc_right_copyin_any(space, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &port) != KERN_SUCCESS || !IP_VALID(port))
        return MACH_RCV_INVALID_NOTIFY;
    struct ipc_request *request = ipc_request_create(port, ALLOC_THREAD);
    if (request == NULL) {
        ipc_port_release_sonce(port);
        return MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_KERNEL;
    }
    if (ipc_right_dnrequest(space, name, true, request, &previous) != KERN_SUCCESS)
        ipc_port_unmake_sonce(ipc_request_destroy(request)); /* another thread took the name away */
    ipc_port_release_sonce(previous);
    return MACH_MSG_SUCCESS;
}

static bool ipc_kmsg_notify_valid(struct ipc_space *space, mach_port_name_t notify)
{
    ipc_space_lock(space);
    struct ipc_entry *entry = space->active ? ipc_space_lookup(space, notify) : NULL;
    bool valid = entry != NULL && (entry->type & MACH_PORT_TYPE_RECEIVE);
    ipc_space_unlock(space);
    return valid;
}

static mach_msg_return_t ipc_kmsg_copyout_header(mach_msg_header_t *header, struct ipc_space *space,
                                                 mach_port_name_t notify)
{
    unsigned int dest_type = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
    unsigned int reply_type = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
    struct ipc_port *reply = ipc_kmsg_port(header->msgh_local_port);
    mach_port_name_t reply_name = reply == IP_NULL ? MACH_PORT_NULL : MACH_PORT_DEAD;

    if (notify != MACH_PORT_NULL && !ipc_kmsg_notify_valid(space, notify))
        return MACH_RCV_INVALID_NOTIFY;
    if (IP_VALID(reply)) {
        kern_return_t kr = ipc_right_copyout_any(space, reply, reply_type, &reply_name);
        if (kr != KERN_SUCCESS)
            return MACH_RCV_HEADER_ERROR | ipc_kmsg_space_error(kr);
        if (notify != MACH_PORT_NULL && MACH_PORT_VALID(reply_name))
            (void)ipc_kmsg_reply_notify(space, reply_name, notify); /* checked above; else somebody took notify away */
    }
    header->msgh_local_port =
        ipc_kmsg_consume_dest(ipc_kmsg_port(header->msgh_remote_port), &dest_type, space);
    header->msgh_remote_port = reply_name;
    header->msgh_bits = (header->msgh_bits & MACH_MSGH_BITS_COMPLEX) | MACH_MSGH_BITS(reply_type, dest_type);
    return MACH_MSG_SUCCESS;
}

/* Rights become names in place; one that finds no room is destroyed and reads as null. */
static mach_msg_return_t ipc_kmsg_copyout_ports(struct ipc_space *space, unsigned int disposition, uint32_t *ports,
                                                uint32_t number)
{
    mach_msg_return_t mr = MACH_MSG_SUCCESS;
    uint32_t i;

    for (i = 0; i < number; i++) {
        struct ipc_port *port = ipc_kmsg_port(ports[i]);
        mach_port_name_t name = port == IP_NULL ? MACH_PORT_NULL : MACH_PORT_DEAD;
        if (IP_VALID(port)) {
            kern_return_t kr = ipc_right_copyout_any(space, port, disposition, &name);
            if (kr != KERN_SUCCESS) {
                mr |= ipc_kmsg_space_error(kr);
                ipc_port_release_right(port, disposition);
                name = MACH_PORT_NULL;
            }
        }
        ports[i] = name;
    }
    return mr;
}

/* An array of names in kernel memory becomes the receiver's memory. */
static mach_msg_return_t ipc_kmsg_copyout_array(struct ipc_kmsg_item *item, struct ipc_space *space, struct vm_map *map)
{
    uint32_t *array = (uint32_t *)(uintptr_t)*item->data;
    struct vm_map_copy *copy;
    uintptr_t address = 0;

    *item->data = 0;
    if (array == NULL)
        return MACH_MSG_SUCCESS;
    /* Room first: names without memory to read them from would be lost. */
    kern_return_t kr = vm_map_copyin_kernel(array, item->bytes, &copy);
    if (kr != KERN_SUCCESS) {
        *item->data = ipc_kmsg_word(array);
        ipc_kmsg_item_destroy(item, item->number);
        *item->data = 0;
        ipc_kmsg_item_set_number(item, 0);
        return MACH_MSG_VM_KERNEL;
    }
    mach_msg_return_t mr = ipc_kmsg_copyout_ports(space, item->name, array, item->number);
    kr = vm_map_copyout(map, &address, copy);
    if (kr != KERN_SUCCESS) {
        vm_map_copy_discard(copy);
        ipc_kmsg_item_set_number(item, 0);
        mr |= kr == KERN_RESOURCE_SHORTAGE ? MACH_MSG_VM_KERNEL : MACH_MSG_VM_SPACE;
    }
    *item->data = (uint32_t)address;
    return mr;
}

static mach_msg_return_t ipc_kmsg_copyout_memory(struct ipc_kmsg_item *item, struct vm_map *map)
{
    struct vm_map_copy *copy = (struct vm_map_copy *)(uintptr_t)*item->data;
    uintptr_t address = 0;

    *item->data = 0;
    if (copy == NULL)
        return MACH_MSG_SUCCESS;
    kern_return_t kr = vm_map_copyout(map, &address, copy);
    if (kr != KERN_SUCCESS) {
        vm_map_copy_discard(copy);
        ipc_kmsg_item_set_number(item, 0);
        return kr == KERN_RESOURCE_SHORTAGE ? MACH_MSG_VM_KERNEL : MACH_MSG_VM_SPACE;
    }
    *item->data = (uint32_t)address;
    return MACH_MSG_SUCCESS;
}

static mach_msg_return_t ipc_kmsg_copyout_body(struct ipc_kmsg *kmsg, struct ipc_space *space, struct vm_map *map)
{
    struct ipc_kmsg_body body;
    struct ipc_kmsg_item item;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;

    ipc_kmsg_body_start(&body, kmsg);
    while (body.at < body.end) {
        mach_msg_return_t decoded = ipc_kmsg_body_next(&body, &item);
        assert(decoded == MACH_MSG_SUCCESS);
        if (decoded != MACH_MSG_SUCCESS)
            break;
        if (!item.is_inline)
            item.type->msgtl_header.msgt_deallocate = TRUE; /* the memory is the receiver's */
        if (item.is_port && item.is_inline)
            mr |= ipc_kmsg_copyout_ports(space, item.name, item.data, item.number);
        else if (item.is_port)
            mr |= ipc_kmsg_copyout_array(&item, space, map);
        else if (!item.is_inline)
            mr |= ipc_kmsg_copyout_memory(&item, map);
    }
    return mr;
}

mach_msg_return_t ipc_kmsg_copyout(struct ipc_kmsg *kmsg, struct ipc_space *space, struct vm_map *map,
                                   mach_port_name_t notify)
{
    mach_msg_return_t mr = ipc_kmsg_copyout_header(&kmsg->header, space, notify);

    if (mr != MACH_MSG_SUCCESS || likely(!(kmsg->header.msgh_bits & MACH_MSGH_BITS_COMPLEX)))
        return mr;
    mr = ipc_kmsg_copyout_body(kmsg, space, map);
    return mr == MACH_MSG_SUCCESS ? mr : MACH_RCV_BODY_ERROR | mr;
}

mach_msg_return_t ipc_kmsg_copyout_pseudo(struct ipc_kmsg *kmsg, struct ipc_space *space, struct vm_map *map)
{
    mach_msg_header_t *header = &kmsg->header;
    mach_msg_return_t mr;

    /* The header's fields are one-element arrays of ports; they stay where they are. */
    uint32_t dest = header->msgh_remote_port, reply = header->msgh_local_port;
    mr = ipc_kmsg_copyout_ports(space, MACH_MSGH_BITS_REMOTE(header->msgh_bits), &dest, 1);
    mr |= ipc_kmsg_copyout_ports(space, MACH_MSGH_BITS_LOCAL(header->msgh_bits), &reply, 1);
    header->msgh_remote_port = dest;
    header->msgh_local_port = reply;
    header->msgh_bits &= MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS_PORTS_MASK;
    if (header->msgh_bits & MACH_MSGH_BITS_COMPLEX)
        mr |= ipc_kmsg_copyout_body(kmsg, space, map);
    return mr;
}

void ipc_kmsg_copyout_dest(struct ipc_kmsg *kmsg, struct ipc_space *space)
{
    mach_msg_header_t *header = &kmsg->header;
    unsigned int dest_type = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
    unsigned int reply_type = MACH_MSGH_BITS_LOCAL(header->msgh_bits);

    ipc_kmsg_destroy_body(kmsg);
    ipc_port_release_right(ipc_kmsg_port(header->msgh_local_port), reply_type);
    header->msgh_local_port = ipc_kmsg_consume_dest(ipc_kmsg_port(header->msgh_remote_port), &dest_type, space);
    header->msgh_remote_port = MACH_PORT_NULL;
    header->msgh_bits = MACH_MSGH_BITS(reply_type, dest_type);
}
