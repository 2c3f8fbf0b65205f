/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routines of subsystem mach_port: what a task does with its own names, or with those of a task whose port it has.
 */
#include <mach/mach_types.h>
#include <mach/notify.h>

#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_notify.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_pset.h"
#include "ipc/ipc_right.h"
#include "ipc/ipc_space.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"

#include "mig/mach_port_server.h"

/* ---- finding ---- */

/* The entry of name, the space locked; or NULL and the reason, the space not locked. */
static struct ipc_entry *mach_port_entry(struct ipc_space *space, mach_port_name_t name, kern_return_t *kr)
{
    if (space == NULL) {
        *kr = KERN_INVALID_TASK;
        return NULL;
    }
    ipc_space_lock(space);
    struct ipc_entry *entry = NULL;
    if (!space->active)
        *kr = KERN_INVALID_TASK;
    else if (!MACH_PORT_VALID(name) || (entry = ipc_right_lookup(space, name)) == NULL)
        *kr = KERN_INVALID_NAME;
    if (entry == NULL)
        ipc_space_unlock(space);
    return entry;
}

/* The port of a receive right, locked; the space is not. NULL: *kr says why. */
static struct ipc_port *mach_port_receive_right(struct ipc_space *space, mach_port_name_t name, kern_return_t *kr)
{
    struct ipc_entry *entry = mach_port_entry(space, name, kr);
    struct ipc_port *port = NULL;

    if (entry == NULL)
        return NULL;
    if (entry->type != MACH_PORT_TYPE_PORT_SET && (entry->type & MACH_PORT_TYPE_RECEIVE)) {
        port = entry->port;
        ipc_port_lock(port);
    } else {
        *kr = KERN_INVALID_RIGHT;
    }
    ipc_space_unlock(space);
    return port;
}

static mach_port_type_t mach_port_full_type(const struct ipc_entry *entry)
{
    mach_port_type_t type = entry->type;

    if (entry->dnrequest != NULL)
        type |= MACH_PORT_TYPE_DNREQUEST;
    if (entry->marequest != NULL)
        type |= MACH_PORT_TYPE_MAREQUEST;
    return type;
}

/* ---- lists of names, out of line ---- */

/* Kernel memory for number words as what the stub sends; number 0 gives nothing. The memory is consumed in any case. */
static kern_return_t mach_port_list(uint32_t *words, mach_msg_type_number_t room, mach_msg_type_number_t number, void **out)
{
    struct vm_map_copy *copy = NULL;
    uint32_t *fit = words;

    *out = NULL;
    if (number == 0) {
        if (words != NULL)
            kmem_free(words, room * sizeof(uint32_t));
        return KERN_SUCCESS;
    }
    if (number < room) {
        fit = kmem_alloc(number * sizeof(uint32_t), ALLOC_THREAD);
        if (fit != NULL)
            __builtin_memcpy(fit, words, number * sizeof(uint32_t));
        kmem_free(words, room * sizeof(uint32_t));
        if (fit == NULL)
            return KERN_RESOURCE_SHORTAGE;
    }
    kern_return_t kr = vm_map_copyin_kernel(fit, number * sizeof(uint32_t), &copy);
    if (kr != KERN_SUCCESS)
        kmem_free(fit, number * sizeof(uint32_t));
    *out = copy;
    return kr;
}

/* Room for as many words as count says, which is asked with the space locked, until it does not grow meanwhile. */
static kern_return_t mach_port_room(struct ipc_space *space, uint32_t **words, uint32_t *room, uint32_t wanted)
{
    ipc_space_unlock(space);
    if (*words != NULL)
        kmem_free(*words, *room * sizeof(uint32_t));
    *room = wanted;
    *words = kmem_alloc(wanted * sizeof(uint32_t), ALLOC_THREAD);
    if (*words == NULL)
        return KERN_RESOURCE_SHORTAGE;
    ipc_space_lock(space);
    return KERN_SUCCESS;
}

kern_return_t mach_port_names(ipc_space_t space, mach_port_name_array_t *names, mach_msg_type_number_t *names_count,
                              mach_port_type_array_t *types, mach_msg_type_number_t *types_count)
{
    uint32_t *words = NULL, *type_words, room = 0, number = 0, name = 1;
    struct ipc_entry *entry;
    kern_return_t kr = KERN_SUCCESS;
    void *names_out, *types_out;

    if (space == NULL)
        return KERN_INVALID_TASK;
    ipc_space_lock(space);
    while (space->active && space->nr_entries > room) {
        kr = mach_port_room(space, &words, &room, space->nr_entries);
        if (kr != KERN_SUCCESS)
            return kr;
    }
    bool active = space->active;
    ipc_space_unlock(space);
    type_words = room == 0 ? NULL : kmem_alloc(room * sizeof(uint32_t), ALLOC_THREAD);
    if (!active || (room > 0 && type_words == NULL)) {
        if (words != NULL)
            kmem_free(words, room * sizeof(uint32_t));
        if (type_words != NULL)
            kmem_free(type_words, room * sizeof(uint32_t));
        return active ? KERN_RESOURCE_SHORTAGE : KERN_INVALID_TASK;
    }
    /* Names that came while we had no lock, beyond the room, are of after the call. */
    ipc_space_lock(space);
    while (number < room && (entry = ipc_table_next(&space->table, &name)) != NULL) {
        entry = ipc_right_lookup(space, name);
        words[number] = name++;
        type_words[number++] = mach_port_full_type(entry);
    }
    ipc_space_unlock(space);
    kr = mach_port_list(words, room, number, &names_out);
    if (kr != KERN_SUCCESS) {
        kmem_free(type_words, room * sizeof(uint32_t));
        return kr;
    }
    kr = mach_port_list(type_words, room, number, &types_out);
    if (kr != KERN_SUCCESS) {
        vm_map_copy_discard(names_out);
        return kr;
    }
    *names = names_out;
    *types = types_out;
    *names_count = *types_count = number;
    return KERN_SUCCESS;
}

kern_return_t mach_port_get_set_status(ipc_space_t space, mach_port_name_t name, mach_port_name_array_t *members,
                                       mach_msg_type_number_t *members_count)
{
    uint32_t *words = NULL, room = 0, number;
    kern_return_t kr = KERN_SUCCESS;

    for (;;) {
        struct ipc_entry *entry = mach_port_entry(space, name, &kr);
        if (entry == NULL)
            break;
        if (entry->type != MACH_PORT_TYPE_PORT_SET) {
            ipc_space_unlock(space);
            kr = KERN_INVALID_RIGHT;
            break;
        }
        struct ipc_pset *pset = entry->pset;
        struct ipc_port *port;
        number = 0;
        ipc_pset_lock(pset);
        list_for_each(&pset->members, port, pset_node) {
            if (number < room)
                words[number] = port->receiver_name;
            number++;
        }
        ipc_pset_unlock(pset);
        if (number <= room) {
            ipc_space_unlock(space);
            void *out;
            kr = mach_port_list(words, room, number, &out);
            *members = out;
            *members_count = number;
            return kr;
        }
        kr = mach_port_room(space, &words, &room, number);
        if (kr != KERN_SUCCESS)
            return kr;
        ipc_space_unlock(space);
    }
    if (words != NULL)
        kmem_free(words, room * sizeof(uint32_t));
    return kr;
}

/* ---- making ---- */

static kern_return_t mach_port_prepare(mach_port_right_t right, struct ipc_entry **entry)
{
    enum alloc how = ALLOC_THREAD;

    if (right != MACH_PORT_RIGHT_RECEIVE && right != MACH_PORT_RIGHT_PORT_SET && right != MACH_PORT_RIGHT_DEAD_NAME)
        return KERN_INVALID_VALUE;
    struct ipc_entry *fresh = ipc_entry_create(how);
    if (fresh == NULL)
        return KERN_RESOURCE_SHORTAGE;
    if (right == MACH_PORT_RIGHT_RECEIVE)
        fresh->port = ipc_port_create(how);
    else if (right == MACH_PORT_RIGHT_PORT_SET)
        fresh->pset = ipc_pset_create(how);
    if (right != MACH_PORT_RIGHT_DEAD_NAME && fresh->port == NULL) {
        ipc_entry_destroy(fresh);
        return KERN_RESOURCE_SHORTAGE;
    }
    fresh->type = MACH_PORT_TYPE(right);
    fresh->urefs = right == MACH_PORT_RIGHT_DEAD_NAME;
    *entry = fresh;
    return KERN_SUCCESS;
}

static void mach_port_unprepare(struct ipc_entry *entry)
{
    if (entry->type == MACH_PORT_TYPE_RECEIVE)
        ipc_port_destroy(entry->port);
    else if (entry->type == MACH_PORT_TYPE_PORT_SET)
        ipc_pset_destroy(entry->pset);
    ipc_entry_destroy(entry);
}

/* name MACH_PORT_NULL: the lowest free one. */
static kern_return_t mach_port_make(struct ipc_space *space, mach_port_right_t right, mach_port_name_t *name)
{
    struct ipc_entry *entry;
    kern_return_t kr = KERN_SUCCESS;

    if (space == NULL)
        return KERN_INVALID_TASK;
    kr = mach_port_prepare(right, &entry);
    if (kr != KERN_SUCCESS)
        return kr;
    do {
        ipc_space_lock(space);
        if (!space->active)
            kr = KERN_INVALID_TASK;
        else
            kr = *name == MACH_PORT_NULL ? ipc_space_insert(space, entry) : ipc_space_insert_at(space, entry, *name);
        if (kr == KERN_SUCCESS) {
            *name = entry->name;
            if (right == MACH_PORT_RIGHT_RECEIVE) {
                entry->port->receiver = space;
                entry->port->receiver_name = entry->name;
            } else if (right == MACH_PORT_RIGHT_PORT_SET) {
                entry->pset->name = entry->name;
            }
        }
        ipc_space_unlock(space);
    } while (kr == KERN_RESOURCE_SHORTAGE && vm_frame_wait(ALLOC_THREAD));
    if (kr != KERN_SUCCESS)
        mach_port_unprepare(entry);
    return kr;
}

kern_return_t mach_port_allocate(ipc_space_t space, mach_port_right_t right, mach_port_name_t *name)
{
    *name = MACH_PORT_NULL;
    return mach_port_make(space, right, name);
}

kern_return_t mach_port_allocate_name(ipc_space_t space, mach_port_right_t right, mach_port_name_t name)
{
    if (space == NULL)
        return KERN_INVALID_TASK;
    return MACH_PORT_VALID(name) ? mach_port_make(space, right, &name) : KERN_INVALID_VALUE;
}

/* ---- names and references ---- */

kern_return_t mach_port_type(ipc_space_t space, mach_port_name_t name, mach_port_type_t *type)
{
    kern_return_t kr = KERN_SUCCESS;
    struct ipc_entry *entry = mach_port_entry(space, name, &kr);

    if (entry == NULL)
        return kr;
    *type = mach_port_full_type(entry);
    ipc_space_unlock(space);
    return KERN_SUCCESS;
}

kern_return_t mach_port_rename(ipc_space_t space, mach_port_name_t old_name, mach_port_name_t new_name)
{
    kern_return_t kr = KERN_SUCCESS;

    if (space == NULL)
        return KERN_INVALID_TASK;
    if (!MACH_PORT_VALID(new_name))
        return KERN_INVALID_VALUE;
    do {
        struct ipc_entry *entry = mach_port_entry(space, old_name, &kr);
        if (entry == NULL)
            return kr;
        kr = ipc_right_rename(space, entry, new_name);
        ipc_space_unlock(space);
    } while (kr == KERN_RESOURCE_SHORTAGE && vm_frame_wait(ALLOC_THREAD));
    return kr;
}

kern_return_t mach_port_destroy(ipc_space_t space, mach_port_name_t name)
{
    kern_return_t kr = KERN_SUCCESS;
    struct ipc_entry *entry = mach_port_entry(space, name, &kr);

    if (entry == NULL)
        return kr;
    ipc_right_destroy(space, entry); /* unlocks */
    return KERN_SUCCESS;
}

kern_return_t mach_port_deallocate(ipc_space_t space, mach_port_name_t name)
{
    kern_return_t kr = KERN_SUCCESS;
    struct ipc_entry *entry = mach_port_entry(space, name, &kr);

    return entry == NULL ? kr : ipc_right_dealloc(space, entry); /* unlocks */
}

kern_return_t mach_port_get_refs(ipc_space_t space, mach_port_name_t name, mach_port_right_t right,
                                 mach_port_urefs_t *refs)
{
    kern_return_t kr = KERN_SUCCESS;

    if (space == NULL)
        return KERN_INVALID_TASK;
    if (right >= MACH_PORT_RIGHT_NUMBER)
        return KERN_INVALID_VALUE;
    struct ipc_entry *entry = mach_port_entry(space, name, &kr);
    if (entry == NULL)
        return kr;
    if (!(entry->type & MACH_PORT_TYPE(right)))
        *refs = 0;
    else if (right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_DEAD_NAME)
        *refs = entry->urefs;
    else
        *refs = 1;
    ipc_space_unlock(space);
    return KERN_SUCCESS;
}

kern_return_t mach_port_mod_refs(ipc_space_t space, mach_port_name_t name, mach_port_right_t right,
                                 mach_port_delta_t delta)
{
    kern_return_t kr = KERN_SUCCESS;

    if (space == NULL)
        return KERN_INVALID_TASK;
    if (right >= MACH_PORT_RIGHT_NUMBER)
        return KERN_INVALID_VALUE;
    struct ipc_entry *entry = mach_port_entry(space, name, &kr);
    return entry == NULL ? kr : ipc_right_delta(space, entry, right, delta); /* unlocks */
}

/* ---- properties of receive rights ---- */

kern_return_t mach_port_set_qlimit(ipc_space_t space, mach_port_name_t name, mach_port_msgcount_t qlimit)
{
    kern_return_t kr = KERN_SUCCESS;

    if (space == NULL)
        return KERN_INVALID_TASK;
    if (qlimit > MACH_PORT_QLIMIT_MAX)
        return KERN_INVALID_VALUE;
    struct ipc_port *port = mach_port_receive_right(space, name, &kr);
    if (port == NULL)
        return kr;
    port->qlimit = qlimit;
    ipc_mqueue_grant(port);
    ipc_port_unlock(port);
    return KERN_SUCCESS;
}

kern_return_t mach_port_set_mscount(ipc_space_t space, mach_port_name_t name, mach_port_mscount_t mscount)
{
    kern_return_t kr = KERN_SUCCESS;
    struct ipc_port *port = mach_port_receive_right(space, name, &kr);

    if (port == NULL)
        return kr;
    port->mscount = mscount;
    ipc_port_unlock(port);
    return KERN_SUCCESS;
}

kern_return_t mach_port_set_seqno(ipc_space_t space, mach_port_name_t name, mach_port_seqno_t seqno)
{
    kern_return_t kr = KERN_SUCCESS;
    struct ipc_port *port = mach_port_receive_right(space, name, &kr);

    if (port == NULL)
        return kr;
    port->seqno = seqno;
    ipc_port_unlock(port);
    return KERN_SUCCESS;
}

kern_return_t mach_port_set_protected_payload(ipc_space_t space, mach_port_name_t name, natural_t payload)
{
    kern_return_t kr = KERN_SUCCESS;
    struct ipc_port *port = mach_port_receive_right(space, name, &kr);

    if (port == NULL)
        return kr;
    port->payload = payload;
    port->has_payload = true;
    ipc_port_unlock(port);
    return KERN_SUCCESS;
}

kern_return_t mach_port_clear_protected_payload(ipc_space_t space, mach_port_name_t name)
{
    kern_return_t kr = KERN_SUCCESS;
    struct ipc_port *port = mach_port_receive_right(space, name, &kr);

    if (port == NULL)
        return kr;
    port->has_payload = false;
    ipc_port_unlock(port);
    return KERN_SUCCESS;
}

kern_return_t mach_port_get_receive_status(ipc_space_t space, mach_port_name_t name, mach_port_status_t *status)
{
    kern_return_t kr = KERN_SUCCESS;
    struct ipc_port *port = mach_port_receive_right(space, name, &kr);

    if (port == NULL)
        return kr;
    *status = (mach_port_status_t){
        .mps_pset = port->pset == NULL ? MACH_PORT_NULL : port->pset->name,
        .mps_seqno = port->seqno,
        .mps_mscount = port->mscount,
        .mps_qlimit = port->qlimit,
        .mps_msgcount = port->msgcount,
        .mps_sorights = port->sorights,
        .mps_srights = port->srights > 0,
        .mps_pdrequest = port->pdrequest != NULL,
        .mps_nsrequest = port->nsrequest != NULL,
    };
    ipc_port_unlock(port);
    return KERN_SUCCESS;
}

/* ---- port sets ---- */

kern_return_t mach_port_move_member(ipc_space_t space, mach_port_name_t member, mach_port_name_t after)
{
    kern_return_t kr = KERN_SUCCESS;
    struct ipc_pset *pset = NULL;
    struct ipc_entry *entry = mach_port_entry(space, member, &kr);

    if (entry == NULL)
        return kr;
    if (entry->type == MACH_PORT_TYPE_PORT_SET || !(entry->type & MACH_PORT_TYPE_RECEIVE)) {
        ipc_space_unlock(space);
        return KERN_INVALID_RIGHT;
    }
    if (after != MACH_PORT_NULL) {
        struct ipc_entry *set = ipc_right_lookup(space, after);
        if (set == NULL || set->type != MACH_PORT_TYPE_PORT_SET) {
            ipc_space_unlock(space);
            return set == NULL ? KERN_INVALID_NAME : KERN_INVALID_RIGHT;
        }
        pset = set->pset;
    }
    struct ipc_port *port = entry->port;
    ipc_port_lock(port);
    if (pset == NULL && port->pset == NULL) {
        kr = KERN_NOT_IN_SET;
    } else if (port->pset != pset) {
        ipc_pset_remove(port);
        if (pset != NULL)
            ipc_pset_add(pset, port);
    }
    ipc_port_unlock(port);
    ipc_space_unlock(space); /* which kept the set's name, and so the set, alive */
    return kr;
}

/* ---- notifications ---- */

/* Puts request (or NULL) in a slot of a receive right; what was there is returned by previous. */
static kern_return_t mach_port_swap_request(struct ipc_space *space, mach_port_name_t name, bool no_senders,
                                            mach_port_mscount_t sync, struct ipc_request *request,
                                            struct ipc_port **previous)
{
    kern_return_t kr = KERN_SUCCESS;
    struct ipc_port *port = mach_port_receive_right(space, name, &kr);

    if (port == NULL)
        return kr;
    struct ipc_request **slot = no_senders ? &port->nsrequest : &port->pdrequest;
    struct ipc_request *old = *slot;
    mach_port_mscount_t mscount = port->mscount;
    /* No senders already, and the caller has not seen the last ones made: told at once. */
    bool now = no_senders && request != NULL && port->srights == 0 && sync <= mscount;
    *slot = now ? NULL : request;
    ipc_port_unlock(port);
    if (now)
        ipc_notify_no_senders(request, mscount);
    *previous = old == NULL ? IP_NULL : ipc_request_destroy(old);
    return KERN_SUCCESS;
}

kern_return_t mach_port_request_notification(ipc_space_t space, mach_port_name_t name, mach_msg_id_t id,
                                             mach_port_mscount_t sync, ipc_port_t notify, ipc_port_t *previous)
{
    struct ipc_request *request = NULL;
    kern_return_t kr = KERN_SUCCESS;

    if (space == NULL)
        return KERN_INVALID_TASK;
    if (notify == IP_DEAD)
        return KERN_INVALID_CAPABILITY;
    if (id != MACH_NOTIFY_PORT_DESTROYED && id != MACH_NOTIFY_NO_SENDERS && id != MACH_NOTIFY_DEAD_NAME)
        return KERN_INVALID_VALUE;
    if (id == MACH_NOTIFY_PORT_DESTROYED && sync != 0)
        return KERN_INVALID_VALUE;
    if (notify != IP_NULL) {
        request = ipc_request_create(notify, ALLOC_THREAD);
        if (request == NULL)
            return KERN_RESOURCE_SHORTAGE;
    }
    *previous = IP_NULL;
    if (id == MACH_NOTIFY_DEAD_NAME)
        kr = ipc_right_dnrequest(space, name, sync != 0, request, previous);
    else
        kr = mach_port_swap_request(space, name, id == MACH_NOTIFY_NO_SENDERS, sync, request, previous);
    if (kr != KERN_SUCCESS && request != NULL)
        (void)ipc_request_destroy(request); /* the right is the message's again */
    return kr;
}

/* ---- rights of others ---- */

kern_return_t mach_port_insert_right(ipc_space_t space, mach_port_name_t name, ipc_port_t poly,
                                     mach_msg_type_name_t poly_type)
{
    if (space == NULL)
        return KERN_INVALID_TASK;
    if (!MACH_PORT_VALID(name) || !MACH_MSG_TYPE_PORT_ANY_RIGHT(poly_type))
        return KERN_INVALID_VALUE;
    if (!IP_VALID(poly))
        return KERN_INVALID_CAPABILITY;
    for (;;) {
        kern_return_t kr = ipc_right_copyout_at(space, poly, poly_type, name);
        if (kr != KERN_RESOURCE_SHORTAGE || !vm_frame_wait(ALLOC_THREAD))
            return kr;
    }
}

kern_return_t mach_port_extract_right(ipc_space_t space, mach_port_name_t name, mach_msg_type_name_t type, ipc_port_t *poly,
                                      mach_msg_type_name_t *poly_type)
{
    if (space == NULL)
        return KERN_INVALID_TASK;
    if (!MACH_MSG_TYPE_PORT_ANY(type))
        return KERN_INVALID_VALUE;
    if (!MACH_PORT_VALID(name))
        return KERN_INVALID_NAME;
    kern_return_t kr = ipc_right_copyin_any(space, name, type, poly);
    *poly_type = ipc_right_disposition(type);
    return kr;
}
