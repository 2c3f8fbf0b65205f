/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a memory manager needs beside MIG's stubs.
 *
 * A manager links memory_object_server.c (made with SEQNOS) and defines those of the seqnos_memory_object_* functions
 * that it wants to know of; the others are in the library, which takes every message and answers what must be answered: a
 * request for data is told that there is none, an unlock is granted, what comes is given up.
 */
#ifndef USER_PAGER_H
#define USER_PAGER_H

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <stdbool.h>

/* Room for any message to a manager, and any reply: data is out of line. */
#define PAGER_MESSAGE_MAX 1024u

typedef boolean_t pager_server_t(mach_msg_header_t *in, mach_msg_header_t *out);

/* MIG's demultiplexer of memory_object.defs, which it declares nowhere. */
pager_server_t seqnos_memory_object_server;

/*
 * Receives on name, a port or a set, and gives each message to server, until *stop is set, which is looked at after each
 * message; sends the replies. What server does not know is destroyed. Returns the error of a receive that failed, or
 * MACH_MSG_SUCCESS.
 */
mach_msg_return_t pager_serve(mach_port_t name, pager_server_t *server, const volatile bool *stop);

/* A port with a send right under the same name; MACH_PORT_NULL when there is none to be had. */
mach_port_t pager_port(void);

/*
 * Keeps [start, start + size) in memory, so that the manager never waits for itself; and the program with all its data.
 * host_priv is the privileged host port.
 */
kern_return_t pager_wire(mach_port_t host_priv, vm_address_t start, vm_size_t size);
kern_return_t pager_wire_program(mach_port_t host_priv);

#endif
