/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of IPC's structures, for headers that only point to them. */
#ifndef IPC_IPC_TYPES_H
#define IPC_IPC_TYPES_H

struct ipc_entry;
struct ipc_kmsg;
struct ipc_port;
struct ipc_pset;
struct ipc_request;
struct ipc_space;

typedef struct ipc_port *ipc_port_t;    /* MIG's names for them */
typedef struct ipc_space *ipc_space_t;

#endif
