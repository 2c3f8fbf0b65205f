/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory manager's loop.
 */
#include <mach/mig_errors.h>
#include <mach/mig_support.h>
#include <mach/vm_prot.h>
#include <pager.h>
#include <program.h>
#include <uthread.h>

#include "mig/mach_host_user.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"

extern char __executable_start[], _end[];

union pager_message {
    mach_msg_header_t head;
    mig_reply_header_t reply;
    char room[PAGER_MESSAGE_MAX];
};

/* ---- giving up what a message brought ---- */

static void pager_destroy_rights(mach_msg_type_name_t kind, const mach_port_t *names, unsigned int count)
{
    mach_port_right_t right = kind == MACH_MSG_TYPE_PORT_RECEIVE    ? MACH_PORT_RIGHT_RECEIVE
                              : kind == MACH_MSG_TYPE_PORT_SEND_ONCE ? MACH_PORT_RIGHT_SEND_ONCE
                                                                     : MACH_PORT_RIGHT_SEND;

    for (unsigned int i = 0; i < count; i++)
        if (MACH_PORT_VALID(names[i]) && mach_port_mod_refs(uthread_task(), names[i], right, -1) != KERN_SUCCESS)
            (void)mach_port_deallocate(uthread_task(), names[i]); /* it is a dead name by now */
}

/* One item of the body, from its type at `at`; returns where the next one begins. */
static char *pager_destroy_item(char *at)
{
    mach_msg_type_long_t *type = (mach_msg_type_long_t *)at;
    bool is_long = type->msgtl_header.msgt_longform;
    unsigned int kind = is_long ? type->msgtl_name : type->msgtl_header.msgt_name;
    unsigned int bits = is_long ? type->msgtl_size : type->msgtl_header.msgt_size;
    unsigned int count = is_long ? type->msgtl_number : type->msgtl_header.msgt_number;
    unsigned int size = (bits * count + 7) / 8;
    char *data = at + (is_long ? sizeof(mach_msg_type_long_t) : sizeof(mach_msg_type_t));
    bool inside = type->msgtl_header.msgt_inline;
    void *contents = inside ? data : *(char **)data;

    if (MACH_MSG_TYPE_PORT_ANY(kind) && count > 0)
        pager_destroy_rights(kind, contents, count);
    if (!inside && size > 0)
        (void)vm_deallocate(uthread_task(), (vm_address_t)(uintptr_t)contents, size);
    return data + (inside ? (size + 3) & ~3u : sizeof(char *));
}

static void pager_destroy(mach_msg_header_t *message)
{
    mach_port_t reply = message->msgh_remote_port;
    char *end = (char *)message + message->msgh_size;

    pager_destroy_rights(MACH_MSGH_BITS_REMOTE(message->msgh_bits), &reply, 1);
    if (message->msgh_bits & MACH_MSGH_BITS_COMPLEX)
        for (char *at = (char *)(message + 1); at < end;)
            at = pager_destroy_item(at);
}

/* ---- the loop ---- */

static void pager_answer(union pager_message *in, union pager_message *out, pager_server_t *server)
{
    if (!server(&in->head, &out->head)) {
        pager_destroy(&in->head);
        return;
    }
    if (!MACH_PORT_VALID(out->head.msgh_remote_port))
        return; /* the routine has no reply */
    if (!(out->head.msgh_bits & MACH_MSGH_BITS_COMPLEX) && out->reply.RetCode == MIG_NO_REPLY)
        return; /* it will come later */
    /* Who asked is not waited for: one who does not receive gets none. */
    if (mach_msg(&out->head, MACH_SEND_MSG | MACH_SEND_TIMEOUT, out->head.msgh_size, 0, MACH_PORT_NULL, 0,
                 MACH_PORT_NULL) != MACH_MSG_SUCCESS)
        pager_destroy(&out->head);
}

mach_msg_return_t pager_serve(mach_port_t name, pager_server_t *server, const volatile bool *stop)
{
    union pager_message in, out;

    while (!*stop) {
        mach_msg_return_t result = mach_msg(&in.head, MACH_RCV_MSG, 0, sizeof(in), name, 0, MACH_PORT_NULL);

        if (result == MACH_RCV_TOO_LARGE)
            continue; /* no manager's message: it was destroyed */
        if (result != MACH_MSG_SUCCESS)
            return result;
        pager_answer(&in, &out, server);
    }
    return MACH_MSG_SUCCESS;
}

mach_port_t pager_port(void)
{
    mach_port_t task = uthread_task(), port;

    if (mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS)
        return MACH_PORT_NULL;
    if (mach_port_insert_right(task, port, port, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS) {
        (void)mach_port_mod_refs(task, port, MACH_PORT_RIGHT_RECEIVE, -1);
        return MACH_PORT_NULL;
    }
    return port;
}

/* ---- staying in memory ---- */

kern_return_t pager_wire(mach_port_t host_priv, vm_address_t start, vm_size_t size)
{
    uintptr_t mask = PROGRAM_PAGE_SIZE - 1, first = start & ~mask, end = (start + size + mask) & ~mask;

    return first == end ? KERN_SUCCESS
                        : vm_wire(host_priv, uthread_task(), first, end - first, VM_PROT_READ | VM_PROT_WRITE);
}

/* Each part for what may be done with it, so that copies due on a write are made now. */
kern_return_t pager_wire_program(mach_port_t host_priv)
{
    vm_address_t address = (vm_address_t)(uintptr_t)__executable_start, end = (vm_address_t)(uintptr_t)_end;

    while (address < end) {
        vm_prot_t prot, max;
        vm_inherit_t inherit;
        boolean_t shared;
        mach_port_t name;
        vm_offset_t offset;
        vm_size_t size;
        kern_return_t kr = vm_region(uthread_task(), &address, &size, &prot, &max, &inherit, &shared, &name, &offset);

        if (kr != KERN_SUCCESS || address >= end)
            return kr;
        if (MACH_PORT_VALID(name))
            (void)mach_port_deallocate(uthread_task(), name);
        if (prot != VM_PROT_NONE)
            kr = vm_wire(host_priv, uthread_task(), address, size, prot & (VM_PROT_READ | VM_PROT_WRITE));
        if (kr != KERN_SUCCESS)
            return kr;
        address += size;
    }
    return KERN_SUCCESS;
}
