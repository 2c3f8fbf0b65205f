/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports and messages for the user tests: the steps that most tests share. What cannot fail in a working kernel bails out
 * here, so that tests check only what they are about.
 */
#include "harness.h"

static mach_port_t allocate(mach_port_right_t right)
{
    mach_port_t name = MACH_PORT_NULL;
    kern_return_t kr = mach_port_allocate(harness_self, right, &name);

    if (kr != KERN_SUCCESS)
        harness_bail("mach_port_allocate: %d", kr);
    return name;
}

mach_port_t harness_port(void)
{
    return allocate(MACH_PORT_RIGHT_RECEIVE);
}

mach_port_t harness_set(void)
{
    return allocate(MACH_PORT_RIGHT_PORT_SET);
}

mach_port_t harness_port_with_send(void)
{
    mach_port_t name = harness_port();
    kern_return_t kr = mach_port_insert_right(harness_self, name, name, MACH_MSG_TYPE_MAKE_SEND);

    if (kr != KERN_SUCCESS)
        harness_bail("mach_port_insert_right: %d", kr);
    return name;
}

void harness_destroy(mach_port_t name)
{
    kern_return_t kr = mach_port_destroy(harness_self, name);

    if (kr != KERN_SUCCESS)
        harness_bail("mach_port_destroy of 0x%x: %d", name, kr);
}

unsigned int harness_refs(mach_port_t name, mach_port_right_t right)
{
    mach_port_urefs_t refs = 0;

    return mach_port_get_refs(harness_self, name, right, &refs) == KERN_SUCCESS ? refs : 0;
}

mach_port_type_t harness_type(mach_port_t name)
{
    mach_port_type_t type = 0;

    return mach_port_type(harness_self, name, &type) == KERN_SUCCESS ? type : 0;
}

mach_port_status_t harness_status(mach_port_t name)
{
    mach_port_status_t status = {0};
    kern_return_t kr = mach_port_get_receive_status(harness_self, name, &status);

    if (kr != KERN_SUCCESS)
        harness_bail("mach_port_get_receive_status of 0x%x: %d", name, kr);
    return status;
}

mach_port_t harness_unused_name(void)
{
    static mach_port_t name = 0x10000;

    while (harness_type(++name) != 0)
        ;
    return name;
}

unsigned int harness_nr_names(void)
{
    mach_port_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t nr_names, nr_types;
    kern_return_t kr = mach_port_names(harness_self, &names, &nr_names, &types, &nr_types);

    if (kr != KERN_SUCCESS || nr_names != nr_types)
        harness_bail("mach_port_names: %d, %u names, %u types", kr, nr_names, nr_types);
    harness_free((vm_address_t)names, nr_names * sizeof(*names));
    harness_free((vm_address_t)types, nr_types * sizeof(*types));
    return nr_names;
}

mach_msg_return_t harness_send_message(struct harness_message *message, mach_msg_option_t option, mach_msg_timeout_t timeout)
{
    return mach_msg(&message->head, MACH_SEND_MSG | option, message->head.msgh_size, 0, MACH_PORT_NULL, timeout,
                    MACH_PORT_NULL);
}

mach_msg_header_t *harness_compose(struct harness_message *message, mach_port_t to, mach_msg_type_name_t to_kind,
                                   mach_port_t reply, mach_msg_type_name_t reply_kind, unsigned int nr_words)
{
    message->head.msgh_bits = MACH_MSGH_BITS(to_kind, reply_kind);
    message->head.msgh_size = sizeof(mach_msg_header_t) + 4 * nr_words;
    message->head.msgh_remote_port = to;
    message->head.msgh_local_port = reply;
    message->head.msgh_seqno = 0x5555;
    message->head.msgh_id = 4711;
    for (unsigned int i = 0; i < nr_words; i++)
        message->body[i] = i * 2654435761u;
    return &message->head;
}

mach_msg_return_t harness_send(mach_port_t destination, mach_msg_type_name_t disposition, mach_msg_id_t id)
{
    mach_msg_header_t head = {
        .msgh_bits = MACH_MSGH_BITS(disposition, 0),
        .msgh_size = sizeof(head),
        .msgh_remote_port = destination,
        .msgh_id = id,
    };

    return mach_msg(&head, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof(head), 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

mach_msg_return_t harness_receive(mach_port_t name, struct harness_message *message, mach_msg_timeout_t timeout)
{
    return mach_msg(&message->head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(*message), name, timeout, MACH_PORT_NULL);
}

/* Rights and memory that a message brings stay with the task: this is for messages without. */
mach_msg_id_t harness_next_id(mach_port_t name)
{
    static struct harness_message message;
    mach_msg_return_t mr = harness_receive(name, &message, 0);

    if (mr == MACH_RCV_TIMED_OUT)
        return -1;
    if (mr != MACH_MSG_SUCCESS)
        harness_bail("receive from 0x%x: 0x%x", name, mr);
    return message.head.msgh_id;
}
