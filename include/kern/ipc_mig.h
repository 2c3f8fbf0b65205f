/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the stubs of subsystem KernelUser call; MIG has this file's name built in. Not installed.
 */
#ifndef KERN_IPC_MIG_H
#define KERN_IPC_MIG_H

#include <mach/message.h>

/*
 * Sends a message whose ports are port pointers and whose out-of-line data are kernel memory or copies. Consumes the
 * rights and data that it carries, whatever it returns. send_size is in bytes, of the header and body.
 */
extern mach_msg_return_t mach_msg_send_from_kernel(mach_msg_header_t *msg, mach_msg_size_t send_size);

/*
 * The other call of MIG's stubs, for routines with an answer. The kernel never waits for a program's answer in a stub,
 * so it has no such stubs: neither is defined, and one that crept in would not link.
 */
extern mach_msg_return_t mach_msg_rpc_from_kernel(mach_msg_header_t *msg, mach_msg_size_t send_size,
                                                  mach_msg_size_t rcv_size);
extern void mig_dealloc_reply_port(mach_port_t port);

#endif
