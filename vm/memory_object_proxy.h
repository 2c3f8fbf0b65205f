/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proxies: ports that can be mapped like memory objects, and show a part of one, or of a task's memory, with no more rights
 * than their maker wanted. So a task can let another map some of what it has without giving it the memory object itself.
 *
 * A proxy ends with its last send right. What was mapped through it stays.
 */
#ifndef VM_MEMORY_OBJECT_PROXY_H
#define VM_MEMORY_OBJECT_PROXY_H

#include <mach/kern_return.h>
#include <mach/vm_prot.h>

#include "kernel/types.h"

struct ipc_kmsg;
struct ipc_port;
struct vm_object;

/* What a port that is to be mapped shows. */
struct memory_object_view {
    struct ipc_port *port;      /* a send right to the memory object, or NULL: */
    struct vm_object *object;   /* a reference to a region's object */
    uint32_t first;             /* the page there that is page 0 here */
    uint64_t size;              /* bytes from there on that may be mapped */
    vm_prot_t max_protection;
};

/*
 * The view that port gives: of the whole object, unless it is a proxy. KERN_INVALID_ARGUMENT when it is no live port. The
 * port's right stays the caller's.
 */
kern_return_t memory_object_view(struct ipc_port *port, struct memory_object_view *view);
void memory_object_view_release(struct memory_object_view *view);

/* By IPC: there are no send rights to port, a kernel object's, any more. */
void memory_object_proxy_no_senders(struct ipc_port *port);

void memory_object_proxy_init(void);

#endif
