/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spaces: the port names of a task.
 *
 * A *name* is a number that denotes an *entry*: which kinds of right the task holds for one port (send and receive under
 * one name), how many user references it has, or a port set, or a dead name. New names are the lowest free ones. Names are
 * found through a radix tree, and the name of a port's send right through a tree by port.
 */
#ifndef IPC_IPC_SPACE_H
#define IPC_IPC_SPACE_H

#include <mach/kern_return.h>
#include <mach/port.h>

#include "ipc/ipc_table.h"
#include "ipc/ipc_types.h"
#include "kernel/kmem.h"
#include "kernel/lock.h"
#include "kernel/rbtree.h"
#include "kernel/types.h"

struct vm_account;

#define IPC_UREFS_MAX 0xffffu           /* of a dead name */
#define IPC_UREFS_SEND_MAX 0xfffeu      /* of a send right: the notification of its death adds one */

/* Locking: S space->lock. */
struct ipc_entry {
    mach_port_name_t name;          /* [S] */
    mach_port_type_t type;          /* [S] MACH_PORT_TYPE_... without the request bits; NONE: denotes nothing yet */
    uint32_t urefs;                 /* [S] of send, send-once and dead-name rights */
    union {
        struct ipc_port *port;      /* [S] a reference a kind of right */
        struct ipc_pset *pset;      /* [S] a reference */
    };
    struct ipc_request *dnrequest;  /* [S and the port's lock] */
    struct ipc_request *marequest;  /* [S] a message sent with MACH_SEND_NOTIFY is not accepted yet; owned by the kmsg */
    struct rbtree_node by_port;     /* [S] in space->by_port while the entry has a send right */
};

struct ipc_space {
    struct spinlock lock;
    bool active;                    /* [S] */
    uint32_t refs;                  /* atomic */
    struct ipc_table table;         /* [S] entries by name */
    struct rbtree by_port;          /* [S] entries with send rights, by address of the port */
    uint32_t nr_entries;            /* [S] */
    struct ipc_entry *spare;        /* [S] the entry freed last, or NULL: reply rights come and go */
    struct vm_account *pager_account; /* [accounts' lock] as a memory manager; see vm/vm_account.h */
};

extern struct ipc_space *ipc_space_kernel;  /* receives for kernel objects */
extern struct ipc_space *ipc_space_reply;   /* receives the replies that the kernel waits for */
extern struct kmem_cache ipc_entry_cache;

static inline void ipc_space_lock(struct ipc_space *space)
{
    spinlock_lock(&space->lock);
}
static inline void ipc_space_unlock(struct ipc_space *space)
{
    spinlock_unlock(&space->lock);
}

kern_return_t ipc_space_create(struct ipc_space **space); /* one reference */
/* Ends the space: every right goes. The reference stays the caller's. Sleeps for nothing, needs no memory. */
void ipc_space_destroy(struct ipc_space *space);
void ipc_space_ref(struct ipc_space *space);
void ipc_space_unref(struct ipc_space *space);

/* The entry of a name, or NULL. Space locked and active. The rights of dead ports are not converted here (ipc_right). */
static inline struct ipc_entry *ipc_space_lookup(struct ipc_space *space, mach_port_name_t name)
{
    return ipc_table_lookup(&space->table, name);
}

/*
 * Adding an entry: memory first, then the lock, then the insertion, which cannot fail for memory. `reserve` allocates;
 * how may sleep. NULL: no memory.
 */
struct ipc_entry *ipc_entry_create(enum alloc how);
void ipc_entry_destroy(struct ipc_entry *entry);
/* The same with the space locked, not sleeping, by way of its spare. */
struct ipc_entry *ipc_space_take_entry(struct ipc_space *space);
void ipc_space_put_entry(struct ipc_space *space, struct ipc_entry *entry);
/*
 * Puts entry in under the lowest free name. Space locked, active. KERN_NO_SPACE; KERN_RESOURCE_SHORTAGE when a table
 * node cannot be had without sleeping.
 */
kern_return_t ipc_space_insert(struct ipc_space *space, struct ipc_entry *entry);
/* The same under a given name, which has no entry (KERN_NAME_EXISTS). */
kern_return_t ipc_space_insert_at(struct ipc_space *space, struct ipc_entry *entry, mach_port_name_t name);
/* Takes entry out; its rights are gone. Space locked. The entry is the caller's. */
void ipc_space_remove(struct ipc_space *space, struct ipc_entry *entry);

/* The entry under which space holds a send right of port, or its receive right; NULL. Space locked. */
struct ipc_entry *ipc_space_reverse(struct ipc_space *space, struct ipc_port *port);
void ipc_space_reverse_insert(struct ipc_space *space, struct ipc_entry *entry);
void ipc_space_reverse_remove(struct ipc_space *space, struct ipc_entry *entry);

/*
 * A send right (consumed on success) gets a name in space. For the kernel's own use: boot scripts, task_create. IP_NULL
 * and IP_DEAD give MACH_PORT_NULL and MACH_PORT_DEAD.
 */
kern_return_t ipc_space_insert_send(struct ipc_space *space, struct ipc_port *port, mach_port_name_t *name);
/* A copy of the send right (or made from the receive right) that name denotes. MACH_PORT_NULL and _DEAD give theirs. */
kern_return_t ipc_space_copyin_send(struct ipc_space *space, mach_port_name_t name, struct ipc_port **port);

void ipc_space_init(void);

#endif
