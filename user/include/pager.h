/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a memory manager needs beside MIG's stubs: the raw level. <kit.h> is the comfortable one, built on it.
 *
 * A manager gives each message that it receives to a demultiplexer, which takes it apart and calls the function of its
 * name: memory_object_server() calls memory_object_init(), memory_object_data_request() and so on, and
 * seqnos_memory_object_server() calls seqnos_memory_object_init() and so on, with the message's sequence number behind the
 * object's port. The prototypes are in "mig/memory_object_server.h" and "mig/seqnos_memory_object_server.h".
 *
 * A manager defines those functions that it wants to know of; the others are in the library, which takes every message and
 * answers what must be answered: an object is ready at once, a request for data is told that there is none, an unlock is
 * granted, a synchronize is completed, what comes is given up. The library's seqnos_ functions call those without, so a
 * manager that does not want sequence numbers of some message can define the plain function with either server.
 *
 * A default memory manager also gets what memory_object_default_server(), or seqnos_memory_object_default_server(), takes
 * apart, and defines memory_object_create() and memory_object_data_initialize().
 */
#ifndef USER_PAGER_H
#define USER_PAGER_H

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <mach/std_types.h>
#include <stdbool.h>

/* Room for any message to a manager, and any reply: data is out of line. */
#define PAGER_MESSAGE_MAX 1024u

typedef boolean_t pager_server_t(mach_msg_header_t *in, mach_msg_header_t *out);

/*
 * MIG's demultiplexers, which it declares nowhere. Each takes the message `in' and makes the reply `out', which the
 * messages of these subsystems do not have; returns TRUE when it knows the message. A message that it knows it has given
 * away: what came with it belongs to the function that was called. Several are tried one after the other:
 *     return memory_object_server(in, out) || memory_object_default_server(in, out);
 */
pager_server_t memory_object_server;
pager_server_t seqnos_memory_object_server;
pager_server_t memory_object_default_server;
pager_server_t seqnos_memory_object_default_server;

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
