/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port sets: one place to receive from many ports. A message to a member is queued on its port and on the set, so it
 * comes out in order of arrival among all members, and leaves with its port.
 */
#ifndef IPC_IPC_PSET_H
#define IPC_IPC_PSET_H

#include "ipc/ipc_types.h"
#include "kernel/kmem.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/types.h"

/* Locking: E pset->lock; a atomic. A port's lock comes before its set's. */
struct ipc_pset {
    struct spinlock lock;
    bool active;                /* [E] */
    uint32_t refs;              /* [a] */
    uint32_t name;              /* [E] in the space that has it */
    struct list members;        /* [E] ipc_port.pset_node */
    struct list messages;       /* [E] ipc_kmsg.set_node */
    struct list receivers;      /* [E] thread.ipc_node */
};

static inline void ipc_pset_lock(struct ipc_pset *pset)
{
    spinlock_lock(&pset->lock);
}
static inline void ipc_pset_unlock(struct ipc_pset *pset)
{
    spinlock_unlock(&pset->lock);
}

struct ipc_pset *ipc_pset_create(enum alloc how);
void ipc_pset_ref(struct ipc_pset *pset);
void ipc_pset_unref(struct ipc_pset *pset);
/* The set's right goes, with its reference: members leave, receivers get MACH_RCV_PORT_DIED. Not locked. */
void ipc_pset_destroy(struct ipc_pset *pset);

/* Puts port (locked, active, in no set) into pset. Who waits on the port is told MACH_RCV_PORT_CHANGED. */
void ipc_pset_add(struct ipc_pset *pset, struct ipc_port *port);
/* Takes port (locked) out of its set, if it is in one; its messages stay with it. */
void ipc_pset_remove(struct ipc_port *port);

void ipc_pset_init(void);

#endif
