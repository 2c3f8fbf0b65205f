/* SPDX-License-Identifier: BSD-2-Clause */
/* The trap mach_msg: send, receive, or both. */
#ifndef IPC_MACH_MSG_H
#define IPC_MACH_MSG_H

#include "kernel/types.h"

/* arguments: message, option, send_size, rcv_size, rcv_name, timeout, notify. Returns a mach_msg_return_t. */
uint32_t mach_msg_trap(const uint32_t *arguments);
/* mach_reply_port: a new port's name with its receive right, or MACH_PORT_NULL. */
uint32_t mach_reply_port(const uint32_t *arguments);

void ipc_init(void); /* all of ipc/ */

#endif
