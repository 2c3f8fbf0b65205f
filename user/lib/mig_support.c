/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What MIG's stubs call: messages, and the calling thread's reply port.
 *
 * The reply port stays a thread's for life. A stub whose call failed gives it up, because a late reply may come to it.
 */
#include <mach/mig_support.h>
#include <mach/vm_prot.h>
#include <uthread.h>

#include "mig/mach_port_user.h"
#include "mig/mach_user.h"

mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
                           mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
                           mach_port_t notify)
{
    mach_msg_return_t result;

    do {
        result = mach_msg_trap(message, option, send_size, receive_size, receive_name, timeout, notify);
    } while (result == MACH_SEND_INTERRUPTED && !(option & MACH_SEND_INTERRUPT));
    /* The message has gone: only the receive is made again. */
    while (result == MACH_RCV_INTERRUPTED && !(option & MACH_RCV_INTERRUPT))
        result = mach_msg_trap(message, option & ~MACH_SEND_MSG, 0, receive_size, receive_name, timeout, notify);
    return result;
}

mach_port_t mig_get_reply_port(void)
{
    struct uthread *self = uthread_self();

    if (self->reply_port == MACH_PORT_NULL)
        self->reply_port = mach_reply_port();
    return self->reply_port;
}

void mig_put_reply_port(mach_port_t port)
{
    (void)port;
}

void mig_dealloc_reply_port(mach_port_t port)
{
    struct uthread *self = uthread_self();

    /* The call below wants a reply port too; while there is none it gets a fresh one. */
    if (self->reply_port == port)
        self->reply_port = MACH_PORT_NULL;
    (void)mach_port_mod_refs(uthread_task(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}

void mig_allocate(vm_address_t *address, vm_size_t size)
{
    *address = 0;
    if (vm_allocate(uthread_task(), address, size, TRUE) != KERN_SUCCESS)
        *address = 0;
}

void mig_deallocate(vm_address_t address, vm_size_t size)
{
    (void)vm_deallocate(uthread_task(), address, size);
}

vm_size_t mig_strncpy(char *to, const char *from, vm_size_t size)
{
    vm_size_t length;

    if (size == 0)
        return 0;
    length = strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
    return length + 1;
}
