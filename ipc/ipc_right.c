/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rights in names.
 *
 * References: an entry has one reference to its port for the receive right and one for its send rights (however many user
 * references they have) or its send-once right; in the port the entry counts as one send right. An entry is in the space's
 * tree by port while it has a send right; one with the receive right alone is found through the port.
 *
 * entry->dnrequest may be looked into only while the port is active, with the port locked: the death of a port takes all
 * requests at once and does not know the entries. An entry of a dead port that still points to one knows so that its
 * notification was sent.
 */
#include "ipc/ipc_right.h"

#include "ipc/ipc_notify.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_pset.h"
#include "ipc/ipc_space.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/vm_frame.h"

/* ---- dead names and dead-name requests ---- */

/* Takes the request off a live port: the caller must send port-deleted, or give it back. NULL: there is none. */
static struct ipc_request *ipc_right_take_dnrequest(struct ipc_entry *entry)
{
    struct ipc_request *request = NULL;

    if (entry->dnrequest == NULL)
        return NULL;
    ipc_port_lock(entry->port);
    if (entry->port->active) {
        request = entry->dnrequest;
        list_remove(&request->node);
    }
    ipc_port_unlock(entry->port);
    entry->dnrequest = NULL;
    return request;
}

struct ipc_entry *ipc_right_lookup(struct ipc_space *space, mach_port_name_t name)
{
    assert(spinlock_held(&space->lock));
    struct ipc_entry *entry = ipc_space_lookup(space, name);

    if (entry == NULL || !(entry->type & MACH_PORT_TYPE_SEND_RIGHTS) || (entry->type & MACH_PORT_TYPE_RECEIVE) ||
        likely(entry->port->active))
        return entry;

    struct ipc_port *port = entry->port;
    if (entry->type & MACH_PORT_TYPE_SEND)
        ipc_space_reverse_remove(space, entry);
    ipc_port_lock(port);
    if (entry->type & MACH_PORT_TYPE_SEND)
        port->srights--;
    else
        port->sorights--;
    ipc_port_unlock(port);
    if (entry->dnrequest != NULL)
        entry->urefs++; /* the notification gave one; there is room for it, see IPC_UREFS_SEND_MAX */
    entry->dnrequest = NULL;
    entry->type = MACH_PORT_TYPE_DEAD_NAME;
    entry->port = IP_NULL;
    ipc_port_unref(port);
    return entry;
}

void ipc_right_after(struct ipc_right_after *after)
{
    if (after->deleted != NULL)
        ipc_notify_port_deleted(after->deleted, after->name);
}

/* The entry leaves the space. A message that was sent with MACH_SEND_NOTIFY then has no name to speak of. */
static void ipc_right_forget(struct ipc_space *space, struct ipc_entry *entry)
{
    if (entry->marequest != NULL)
        entry->marequest->name = MACH_PORT_NULL;
    ipc_space_remove(space, entry);
    ipc_space_put_entry(space, entry);
}

/* The receive right leaves the entry. */
static void ipc_right_clear_receive(struct ipc_entry *entry)
{
    struct ipc_port *port = entry->port;

    ipc_port_lock(port);
    port->receiver = NULL;
    port->receiver_name = MACH_PORT_NULL;
    ipc_port_unlock(port);
    entry->type &= ~MACH_PORT_TYPE_RECEIVE;
}

/* ---- giving up ---- */

void ipc_right_destroy(struct ipc_space *space, struct ipc_entry *entry)
{
    mach_port_type_t type = entry->type;

    if (type == MACH_PORT_TYPE_PORT_SET) {
        struct ipc_pset *pset = entry->pset;
        ipc_right_forget(space, entry);
        ipc_space_unlock(space);
        ipc_pset_destroy(pset);
        return;
    }
    if (!(type & MACH_PORT_TYPE_PORT_RIGHTS)) { /* a dead name, or one that is reserved */
        ipc_right_forget(space, entry);
        ipc_space_unlock(space);
        return;
    }
    struct ipc_port *port = entry->port;
    struct ipc_right_after after = {ipc_right_take_dnrequest(entry), entry->name};
    if (type & MACH_PORT_TYPE_SEND)
        ipc_space_reverse_remove(space, entry);
    if (type & MACH_PORT_TYPE_RECEIVE)
        ipc_right_clear_receive(entry);
    ipc_right_forget(space, entry);
    ipc_space_unlock(space);

    if (type & MACH_PORT_TYPE_SEND)
        ipc_port_release_send(port);
    if (type & MACH_PORT_TYPE_SEND_ONCE)
        ipc_port_release_sonce(port);
    if (type & MACH_PORT_TYPE_RECEIVE)
        ipc_port_destroy(port);
    ipc_right_after(&after);
}

/* The send rights of an entry go, all of them. Unlocks the space. */
static void ipc_right_drop_send(struct ipc_space *space, struct ipc_entry *entry)
{
    struct ipc_port *port = entry->port;
    struct ipc_right_after after = {NULL, entry->name};

    ipc_space_reverse_remove(space, entry);
    entry->urefs = 0;
    entry->type &= ~MACH_PORT_TYPE_SEND;
    if (entry->type == MACH_PORT_TYPE_NONE) {
        after.deleted = ipc_right_take_dnrequest(entry);
        ipc_right_forget(space, entry);
    }
    ipc_space_unlock(space);
    ipc_port_release_send(port);
    ipc_right_after(&after);
}

kern_return_t ipc_right_dealloc(struct ipc_space *space, struct ipc_entry *entry)
{
    if (entry->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME)) {
        if (entry->urefs > 1) {
            entry->urefs--;
            ipc_space_unlock(space);
        } else if (entry->type & MACH_PORT_TYPE_SEND) {
            ipc_right_drop_send(space, entry);
        } else {
            ipc_right_destroy(space, entry);
        }
        return KERN_SUCCESS;
    }
    if (entry->type & MACH_PORT_TYPE_SEND_ONCE) {
        ipc_right_destroy(space, entry);
        return KERN_SUCCESS;
    }
    ipc_space_unlock(space);
    return KERN_INVALID_RIGHT;
}

/* The receive right goes; send rights of the same name become a dead name. Unlocks the space. */
static void ipc_right_drop_receive(struct ipc_space *space, struct ipc_entry *entry)
{
    struct ipc_port *port = entry->port;

    if (!(entry->type & MACH_PORT_TYPE_SEND)) {
        ipc_right_destroy(space, entry);
        return;
    }
    ipc_right_clear_receive(entry);
    ipc_space_unlock(space);
    ipc_port_destroy(port);
}

kern_return_t ipc_right_delta(struct ipc_space *space, struct ipc_entry *entry, mach_port_right_t right,
                              mach_port_delta_t delta)
{
    kern_return_t kr = KERN_INVALID_RIGHT;
    int64_t urefs = (int64_t)entry->urefs + delta, most;

    if (!(entry->type & MACH_PORT_TYPE(right)))
        goto fail;
    switch (right) {
    case MACH_PORT_RIGHT_PORT_SET:
    case MACH_PORT_RIGHT_RECEIVE:
    case MACH_PORT_RIGHT_SEND_ONCE:
        kr = delta == 0 ? KERN_SUCCESS : KERN_INVALID_VALUE;
        if (delta != -1)
            goto fail;
        if (right == MACH_PORT_RIGHT_RECEIVE)
            ipc_right_drop_receive(space, entry);
        else
            ipc_right_destroy(space, entry);
        return KERN_SUCCESS;
    default: /* send and dead names have references */
        most = right == MACH_PORT_RIGHT_SEND ? IPC_UREFS_SEND_MAX : IPC_UREFS_MAX;
        kr = urefs < 0 ? KERN_INVALID_VALUE : urefs > most ? KERN_UREFS_OVERFLOW : KERN_SUCCESS;
        if (kr != KERN_SUCCESS)
            goto fail;
        if (urefs > 0) {
            entry->urefs = (uint32_t)urefs;
            ipc_space_unlock(space);
        } else if (right == MACH_PORT_RIGHT_SEND) {
            ipc_right_drop_send(space, entry);
        } else {
            ipc_right_destroy(space, entry);
        }
        return KERN_SUCCESS;
    }
fail:
    ipc_space_unlock(space);
    return kr;
}

/* ---- into the kernel ---- */

const uint8_t ipc_right_dispositions[MACH_MSG_TYPE_LAST + 1] = {
    [MACH_MSG_TYPE_MOVE_RECEIVE] = MACH_MSG_TYPE_PORT_RECEIVE,
    [MACH_MSG_TYPE_MOVE_SEND] = MACH_MSG_TYPE_PORT_SEND,
    [MACH_MSG_TYPE_COPY_SEND] = MACH_MSG_TYPE_PORT_SEND,
    [MACH_MSG_TYPE_MAKE_SEND] = MACH_MSG_TYPE_PORT_SEND,
    [MACH_MSG_TYPE_MOVE_SEND_ONCE] = MACH_MSG_TYPE_PORT_SEND_ONCE,
    [MACH_MSG_TYPE_MAKE_SEND_ONCE] = MACH_MSG_TYPE_PORT_SEND_ONCE,
};

const mach_port_type_t ipc_right_copyin_types[MACH_MSG_TYPE_LAST + 1] = {
    [MACH_MSG_TYPE_MAKE_SEND] = MACH_PORT_TYPE_RECEIVE,
    [MACH_MSG_TYPE_MAKE_SEND_ONCE] = MACH_PORT_TYPE_RECEIVE,
    [MACH_MSG_TYPE_MOVE_RECEIVE] = MACH_PORT_TYPE_RECEIVE,
    [MACH_MSG_TYPE_COPY_SEND] = MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME,
    [MACH_MSG_TYPE_MOVE_SEND] = MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME,
    [MACH_MSG_TYPE_MOVE_SEND_ONCE] = MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DEAD_NAME,
};

/* A dead name is taken as a right: IP_DEAD, with or without its reference. */
static void ipc_right_copyin_dead(struct ipc_space *space, struct ipc_entry *entry, bool move, struct ipc_port **port)
{
    *port = IP_DEAD;
    if (move && --entry->urefs == 0)
        ipc_right_forget(space, entry);
}

static void ipc_right_move_receive(struct ipc_space *space, struct ipc_entry *entry, struct ipc_right_after *after)
{
    struct ipc_port *port = entry->port;

    if (!(entry->type & MACH_PORT_TYPE_SEND))
        after->deleted = ipc_right_take_dnrequest(entry);
    ipc_port_lock(port);
    ipc_port_clear_receiver(port);
    ipc_port_unlock(port);
    ipc_right_clear_receive(entry);
    if (entry->type == MACH_PORT_TYPE_NONE)
        ipc_right_forget(space, entry);
}

static void ipc_right_move_send(struct ipc_space *space, struct ipc_entry *entry, struct ipc_right_after *after)
{
    struct ipc_port *port = entry->port;

    if (entry->urefs > 1) {
        entry->urefs--;
        ipc_port_lock(port);
        port->srights++;
        ipc_port_ref(port);
        ipc_port_unlock(port);
        return;
    }
    /* The entry's own right and reference go. */
    ipc_space_reverse_remove(space, entry);
    entry->urefs = 0;
    entry->type &= ~MACH_PORT_TYPE_SEND;
    if (entry->type == MACH_PORT_TYPE_NONE) {
        after->deleted = ipc_right_take_dnrequest(entry);
        ipc_right_forget(space, entry);
    }
}

kern_return_t ipc_right_copyin(struct ipc_space *space, struct ipc_entry *entry, unsigned int disposition,
                               struct ipc_port **port, struct ipc_right_after *after)
{
    if (!ipc_right_copyin_check(space, entry, disposition)) {
        after->deleted = NULL;
        return KERN_INVALID_RIGHT;
    }
    ipc_right_take(space, entry, disposition, port, after);
    return KERN_SUCCESS;
}

void ipc_right_take(struct ipc_space *space, struct ipc_entry *entry, unsigned int disposition, struct ipc_port **port,
                    struct ipc_right_after *after)
{
    after->deleted = NULL;
    after->name = entry->name;
    if (unlikely(entry->type == MACH_PORT_TYPE_DEAD_NAME)) {
        ipc_right_copyin_dead(space, entry, disposition != MACH_MSG_TYPE_COPY_SEND, port);
        return;
    }

    struct ipc_port *at = *port = entry->port;
    switch (disposition) {
    case MACH_MSG_TYPE_MAKE_SEND:
    case MACH_MSG_TYPE_COPY_SEND:
        ipc_port_lock(at);
        at->mscount += disposition == MACH_MSG_TYPE_MAKE_SEND;
        at->srights++;
        ipc_port_ref(at);
        ipc_port_unlock(at);
        break;
    case MACH_MSG_TYPE_MAKE_SEND_ONCE:
        ipc_port_lock(at);
        at->sorights++;
        ipc_port_ref(at);
        ipc_port_unlock(at);
        break;
    case MACH_MSG_TYPE_MOVE_RECEIVE:
        ipc_right_move_receive(space, entry, after);
        break;
    case MACH_MSG_TYPE_MOVE_SEND:
        ipc_right_move_send(space, entry, after);
        break;
    case MACH_MSG_TYPE_MOVE_SEND_ONCE:
        after->deleted = ipc_right_take_dnrequest(entry);
        ipc_right_forget(space, entry);
        break;
    }
}

kern_return_t ipc_right_copyin_any(struct ipc_space *space, mach_port_name_t name, unsigned int disposition,
                                   struct ipc_port **port)
{
    struct ipc_right_after after = {NULL, name};
    kern_return_t kr = KERN_INVALID_NAME;

    if (!MACH_PORT_VALID(name)) {
        *port = name == MACH_PORT_NULL ? IP_NULL : IP_DEAD;
        return KERN_SUCCESS;
    }
    ipc_space_lock(space);
    if (!space->active) {
        kr = KERN_INVALID_TASK;
    } else {
        struct ipc_entry *entry = ipc_right_lookup(space, name);
        if (entry != NULL)
            kr = ipc_right_copyin(space, entry, disposition, port, &after);
    }
    ipc_space_unlock(space);
    ipc_right_after(&after);
    return kr;
}

/* ---- out of the kernel ---- */

/* The entry that stands for port already, or NULL; a send-once right never shares one. */
static struct ipc_entry *ipc_right_existing(struct ipc_space *space, struct ipc_port *port, unsigned int disposition)
{
    if (disposition == MACH_MSG_TYPE_PORT_SEND_ONCE)
        return NULL;
    if (port->receiver == space)
        return ipc_space_lookup(space, port->receiver_name);
    return ipc_space_reverse(space, port);
}

/* entry, of this port or of none yet, takes the right over. The port is active. */
static void ipc_right_merge(struct ipc_space *space, struct ipc_entry *entry, struct ipc_port *port,
                                     unsigned int disposition)
{
    bool fresh = entry->type == MACH_PORT_TYPE_NONE;

    if (fresh)
        entry->port = port;
    switch (disposition) {
    case MACH_MSG_TYPE_PORT_SEND:
        entry->urefs += entry->urefs < IPC_UREFS_SEND_MAX; /* who never gives one up has as many as can be counted */
        if (entry->type & MACH_PORT_TYPE_SEND) {
            ipc_port_lock(port);
            assert(port->srights > 1);
            port->srights--; /* the entry counts once */
            ipc_port_unlock(port);
            ipc_port_unref(port);
            break;
        }
        entry->type |= MACH_PORT_TYPE_SEND;
        ipc_space_reverse_insert(space, entry);
        break;
    case MACH_MSG_TYPE_PORT_SEND_ONCE:
        entry->type = MACH_PORT_TYPE_SEND_ONCE;
        entry->urefs = 1;
        break;
    default:
        entry->type |= MACH_PORT_TYPE_RECEIVE;
        ipc_port_lock(port);
        port->receiver = space;
        port->receiver_name = entry->name;
        ipc_port_unlock(port);
        ipc_port_leave_transit(port);
        break;
    }
}

kern_return_t ipc_right_copyout(struct ipc_space *space, struct ipc_port *port, unsigned int disposition,
                                mach_port_name_t *name)
{
    assert(spinlock_held(&space->lock) && space->active && IP_VALID(port));
    if (unlikely(!port->active)) {
        ipc_port_release_right(port, disposition); /* of a dead port: nobody is told */
        *name = MACH_PORT_DEAD;
        return KERN_SUCCESS;
    }
    struct ipc_entry *entry = ipc_right_existing(space, port, disposition);
    if (entry == NULL) {
        entry = ipc_space_take_entry(space);
        if (entry == NULL)
            return KERN_RESOURCE_SHORTAGE;
        kern_return_t kr = ipc_space_insert(space, entry);
        if (kr != KERN_SUCCESS) {
            ipc_space_put_entry(space, entry);
            return kr;
        }
    }
    *name = entry->name;
    ipc_right_merge(space, entry, port, disposition);
    return KERN_SUCCESS;
}

kern_return_t ipc_right_copyout_any(struct ipc_space *space, struct ipc_port *port, unsigned int disposition,
                                    mach_port_name_t *name)
{
    for (;;) {
        ipc_space_lock(space);
        kern_return_t kr = space->active ? ipc_right_copyout(space, port, disposition, name) : KERN_INVALID_TASK;
        ipc_space_unlock(space);
        if (kr != KERN_RESOURCE_SHORTAGE || !vm_frame_wait(ALLOC_THREAD))
            return kr;
    }
}

kern_return_t ipc_right_copyout_at(struct ipc_space *space, struct ipc_port *port, unsigned int disposition,
                                   mach_port_name_t name)
{
    struct ipc_entry *fresh = ipc_entry_create(ALLOC_THREAD);
    kern_return_t kr;

    if (fresh == NULL)
        return KERN_RESOURCE_SHORTAGE;
    ipc_space_lock(space);
    struct ipc_entry *entry = space->active ? ipc_right_lookup(space, name) : NULL;
    struct ipc_entry *existing = space->active ? ipc_right_existing(space, port, disposition) : NULL;
    if (!space->active)
        kr = KERN_INVALID_TASK;
    else if (!port->active)
        kr = KERN_INVALID_CAPABILITY;
    else if (existing != NULL && existing != entry)
        kr = KERN_RIGHT_EXISTS;
    else if (entry != NULL && entry != existing)
        kr = KERN_NAME_EXISTS;
    else if (entry != NULL && disposition == MACH_MSG_TYPE_PORT_SEND && entry->urefs == IPC_UREFS_SEND_MAX)
        kr = KERN_UREFS_OVERFLOW;
    else if (entry != NULL) {
        ipc_right_merge(space, entry, port, disposition);
        kr = KERN_SUCCESS;
    } else if ((kr = ipc_space_insert_at(space, fresh, name)) == KERN_SUCCESS) {
        ipc_right_merge(space, fresh, port, disposition);
        fresh = NULL;
    }
    ipc_space_unlock(space);
    if (fresh != NULL)
        ipc_entry_destroy(fresh);
    return kr;
}

/* ---- names ---- */

kern_return_t ipc_right_rename(struct ipc_space *space, struct ipc_entry *entry, mach_port_name_t name)
{
    mach_port_name_t old = entry->name;
    kern_return_t kr = ipc_space_insert_at(space, entry, name); /* entry->name is the new one now */

    if (kr != KERN_SUCCESS)
        return kr;
    ipc_table_remove(&space->table, old);
    space->nr_entries--;
    if (entry->marequest != NULL)
        entry->marequest->name = name;
    if (entry->type == MACH_PORT_TYPE_PORT_SET) {
        ipc_pset_lock(entry->pset);
        entry->pset->name = name;
        ipc_pset_unlock(entry->pset);
    } else if (entry->type & MACH_PORT_TYPE_PORT_RIGHTS) {
        ipc_port_lock(entry->port);
        if (entry->type & MACH_PORT_TYPE_RECEIVE)
            entry->port->receiver_name = name;
        if (entry->dnrequest != NULL && entry->port->active)
            entry->dnrequest->name = name;
        ipc_port_unlock(entry->port);
    }
    return KERN_SUCCESS;
}

kern_return_t ipc_right_dnrequest(struct ipc_space *space, mach_port_name_t name, bool immediate,
                                  struct ipc_request *request, struct ipc_port **previous)
{
    struct ipc_request *old = NULL, *dead = NULL;
    kern_return_t kr = KERN_SUCCESS;

    *previous = IP_NULL;
    ipc_space_lock(space);
    struct ipc_entry *entry = space->active ? ipc_right_lookup(space, name) : NULL;
    if (!space->active) {
        kr = KERN_INVALID_TASK;
    } else if (entry == NULL) {
        kr = KERN_INVALID_NAME;
    } else if (entry->type & MACH_PORT_TYPE_PORT_RIGHTS) {
        old = ipc_right_take_dnrequest(entry);
        if (request != NULL) {
            ipc_port_lock(entry->port);
            if (entry->port->active) {
                ipc_space_ref(space);
                request->space = space;
                request->name = name;
                entry->dnrequest = request;
                list_insert_tail(&entry->port->dnrequests, &request->node);
            } else {
                dead = request; /* it died just now, and the next look makes it a dead name */
                entry->dnrequest = request; /* only as a mark: see the top */
            }
            ipc_port_unlock(entry->port);
        }
    } else if (entry->type & MACH_PORT_TYPE_DEAD_NAME) {
        if (request == NULL)
            kr = KERN_SUCCESS;
        else if (!immediate)
            kr = KERN_INVALID_ARGUMENT;
        else if (entry->urefs == IPC_UREFS_MAX)
            kr = KERN_UREFS_OVERFLOW;
        else {
            entry->urefs++; /* the notification's */
            dead = request;
        }
    } else {
        kr = KERN_INVALID_RIGHT;
    }
    ipc_space_unlock(space);
    if (dead != NULL)
        ipc_notify_dead_name(dead, name);
    if (old != NULL) {
        struct ipc_space *owner = old->space;
        *previous = ipc_request_destroy(old);
        ipc_space_unref(owner);
    }
    return kr;
}
