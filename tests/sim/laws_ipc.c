/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names, ports, queues and messages.
 *
 * Every right that a name, a message or the kernel has is found and counted at its port; a port that lives is received from
 * in one place. A queue is as long as its port says, less the places that were granted to senders who have not come yet;
 * nobody waits for a message that is there, or for a place that is free: such a wake-up was lost.
 */
#include <mach/message.h>
#include <mach/port.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_kmsg_body.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_pset.h"
#include "ipc/ipc_space.h"
#include "kernel/ipc_kobject.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "laws_private.h"
#include "vm/memory_object.h"
#include "vm/memory_object_lock.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_run.h"

/* Types of names that have references. */
#define LAWS_COUNTED (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DEAD_NAME)

/* ---- rights ---- */

/* A right of this disposition, as the kernel has it, and its reference. */
static void laws_right(const struct ipc_port *port, unsigned int disposition, const char *whose)
{
    struct laws_cell *cell;

    if (!IP_VALID(port) || disposition == 0)
        return;
    cell = laws_cell(LAWS_PORT, port, whose);
    cell->refs++;
    switch (disposition) {
    case MACH_MSG_TYPE_PORT_SEND:
        cell->sends++;
        break;
    case MACH_MSG_TYPE_PORT_SEND_ONCE:
        cell->sonces++;
        break;
    case MACH_MSG_TYPE_PORT_RECEIVE:
        laws_check(cell->places++ == 0, "rights", "%s has a second receive right", whose);
        laws_check(port->active, "rights", "%s has the receive right of a dead port", whose);
        break;
    default:
        laws_fail("rights", "%s has a right of disposition %u", whose, disposition);
    }
}

static void laws_request(const struct ipc_request *request)
{
    if (request == NULL)
        return;
    laws_right(request->notify, MACH_MSG_TYPE_PORT_SEND_ONCE, "a request for a notification");
    if (request->space != NULL)
        laws_cell(LAWS_SPACE, request->space, "a request for a notification")->refs++;
}

/* ---- messages ---- */

/* A copy in a message: its entries, or its object, are in use by it. */
static void laws_copy(const struct vm_map_copy *copy)
{
    const struct vm_map_entry *entry;

    if (copy == NULL)
        return;
    if (copy->preallocated) {
        const struct vm_run *run = container_of(copy, struct vm_run, copy); /* whose object is counted there */
        struct laws_cell *cell = laws_cell(LAWS_RUN, run, "a message");

        laws_check(cell->refs++ == 0 && run->state == VM_RUN_QUEUED, "nothing is lost",
                   "the run of page %u, state %u, is in %u messages", run->index, run->state, cell->refs);
        return;
    }
    laws_check(laws_cell(LAWS_COPY, copy, "a message")->places++ == 0, "messages", "a copy is in two messages");
    switch (copy->kind) {
    case VM_MAP_COPY_ENTRIES:
        list_for_each(&copy->entries, entry, link)
            laws_check(laws_cell(LAWS_ENTRY, entry, "a copy")->places++ == 0, "messages",
                       "an entry is in a copy and somewhere else");
        break;
    case VM_MAP_COPY_OBJECT:
        laws_cell(LAWS_OBJECT, copy->object.object, "a copy")->refs++;
        break;
    default:
        break;
    }
}

static void laws_message_item(const struct ipc_kmsg_item *item)
{
    const uint32_t *ports = item->is_inline ? item->data : (const uint32_t *)(uintptr_t)*item->data;

    if (item->is_port) {
        for (uint32_t i = 0; i < item->number && ports != NULL; i++)
            laws_right((const struct ipc_port *)(uintptr_t)ports[i], item->name, "a message's body");
    } else if (!item->is_inline) {
        laws_copy((const struct vm_map_copy *)(uintptr_t)*item->data);
    }
}

static void laws_message(struct ipc_kmsg *kmsg)
{
    const mach_msg_header_t *header = ipc_kmsg_header(kmsg);
    struct ipc_kmsg_body body;
    struct ipc_kmsg_item item;

    laws_right((const struct ipc_port *)(uintptr_t)header->msgh_remote_port, MACH_MSGH_BITS_REMOTE(header->msgh_bits),
               "a message's destination");
    laws_right((const struct ipc_port *)(uintptr_t)header->msgh_local_port, MACH_MSGH_BITS_LOCAL(header->msgh_bits),
               "a message's reply port");
    laws_request(kmsg->marequest);
    if ((header->msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0)
        return;
    ipc_kmsg_body_start(&body, kmsg);
    while (body.at < body.end) {
        laws_check(ipc_kmsg_body_next(&body, &item) == MACH_MSG_SUCCESS, "messages", "message %d is queued and malformed",
                   (int)header->msgh_id);
        laws_message_item(&item);
    }
}

/* ---- names ---- */

struct laws_names {
    struct ipc_space *space;
    uint32_t nr_entries, nr_sends, nr_by_port;
    const struct ipc_port *last;
};

static void laws_name(struct laws_names *names, struct ipc_entry *entry, uint32_t key)
{
    mach_port_type_t type = entry->type;

    laws_check(laws_cell(LAWS_NAME, entry, "a name")->places++ == 0, "names", "name %#x is met twice", key);
    laws_check(entry->name == key, "names", "name %#x denotes the entry of name %#x", key, entry->name);
    names->nr_entries++;
    if (type == MACH_PORT_TYPE_PORT_SET) {
        laws_cell(LAWS_PSET, entry->pset, "a name")->refs++;
        laws_check(entry->pset->active && entry->pset->name == key, "names", "set %#x has the name %#x", key,
                   entry->pset->name);
    }
    laws_check(entry->urefs != 0 || (type & LAWS_COUNTED) == 0, "names",
               "name %#x of type %#x has no reference", key, type);
    if (type & MACH_PORT_TYPE_SEND) {
        laws_right(entry->port, MACH_MSG_TYPE_PORT_SEND, "a name");
        names->nr_sends++;
    }
    if (type & MACH_PORT_TYPE_SEND_ONCE)
        laws_right(entry->port, MACH_MSG_TYPE_PORT_SEND_ONCE, "a name");
    if (type & MACH_PORT_TYPE_RECEIVE) {
        laws_right(entry->port, MACH_MSG_TYPE_PORT_RECEIVE, "a name");
        laws_check(entry->port->receiver == names->space && entry->port->receiver_name == key, "names",
                   "name %#x receives from a port whose receiver has the name %#x", key, entry->port->receiver_name);
    }
}

static void laws_names_node(struct laws_names *names, const struct ipc_table_node *node, unsigned int level, uint32_t key)
{
    uint32_t nr_used = 0;

    for (uint32_t slot = 0; slot < IPC_TABLE_SLOTS; slot++) {
        uint32_t below = key << IPC_TABLE_BITS | slot;

        if (node->slots[slot] == NULL)
            continue;
        nr_used++;
        if (level > 1)
            laws_names_node(names, node->slots[slot], level - 1, below);
        else
            laws_name(names, node->slots[slot], below);
    }
    laws_check(nr_used == node->nr_used && nr_used != 0, "names", "a node of names has %u slots in use and counts %u",
               nr_used, node->nr_used);
}

static void laws_names_by_port(struct rbtree_node *node, void *context)
{
    const struct ipc_entry *entry = rbtree_entry(node, struct ipc_entry, by_port);
    struct laws_names *names = context;

    laws_cell(LAWS_NAME, entry, "a tree of names by port");
    laws_check((entry->type & MACH_PORT_TYPE_SEND) != 0, "names", "name %#x is found by port, and has no send right",
               entry->name);
    laws_check(names->last == NULL || names->last < entry->port, "names", "name %#x is out of order by port", entry->name);
    names->last = entry->port;
    names->nr_by_port++;
}

static void laws_space(struct ipc_space *space)
{
    struct laws_names names = {.space = space};

    laws_check(!space->lock.locked, "locks", "a space is locked at a switch");
    if (space->table.root != NULL)
        laws_names_node(&names, space->table.root, space->table.height, 0);
    laws_tree(&space->by_port, true, laws_names_by_port, &names, "names by port");
    laws_check(names.nr_entries == space->nr_entries && names.nr_sends == names.nr_by_port, "names",
               "a space has %u names, %u with send rights, of which %u are found by port; %u counted", names.nr_entries,
               names.nr_sends, names.nr_by_port, space->nr_entries);
    if (space->spare != NULL)
        laws_check(laws_cell(LAWS_NAME, space->spare, "a space")->places++ == 0, "names", "a spare entry is in use");
}

/* ---- ports ---- */

static void laws_port_kobject(const struct ipc_port *port)
{
    switch (port->kobject_type) {
    case IKOT_PAGER:
        laws_cell(LAWS_PAGER, port->kobject, "a port")->refs++; /* the conversation's */
        break;
    case IKOT_PAGING_REQUEST:
    case IKOT_PAGING_NAME:
        laws_cell(LAWS_PAGER, port->kobject, "a port");
        break;
    case IKOT_TASK:
        laws_check(port->kobject == kernel_task || laws_find(LAWS_TASK, port->kobject) != NULL, "references",
                   "a port stands for a task that is gone");
        break;
    case IKOT_THREAD:
        laws_cell(LAWS_THREAD, port->kobject, "a port");
        break;
    default:
        break;
    }
}

static void laws_port_queue(struct ipc_port *port)
{
    struct ipc_kmsg *kmsg;
    const struct thread *thread;
    uint32_t count = 0;

    list_for_each(&port->messages, kmsg, port_node) {
        laws_check((const struct ipc_port *)(uintptr_t)ipc_kmsg_header(kmsg)->msgh_remote_port == port, "messages",
                   "message %d is queued at another port than its destination", (int)ipc_kmsg_header(kmsg)->msgh_id);
        laws_check(list_node_linked(&kmsg->set_node) == (port->pset != NULL), "messages", "message %d is %sin a set",
                   (int)ipc_kmsg_header(kmsg)->msgh_id, port->pset != NULL ? "not " : "");
        laws_message(kmsg);
        count++;
    }
    laws_check(count <= port->msgcount && port->msgcount - count <= laws_count(LAWS_THREAD), "messages",
               "%u messages are queued and %u counted", count, port->msgcount);
    list_for_each(&port->receivers, thread, ipc_node)
        laws_cell(LAWS_THREAD, thread, "a port's receivers");
    list_for_each(&port->senders, thread, ipc_node)
        laws_cell(LAWS_THREAD, thread, "a port's senders");
    laws_check(list_empty(&port->receivers) || (port->pset == NULL && port->active && count == 0), "progress",
               "a thread waits to receive: %u messages are there, active %d, in a set %d", count, port->active,
               port->pset != NULL);
    laws_check(list_empty(&port->senders) || (port->active && port->msgcount >= port->qlimit), "progress",
               "a thread waits to send: %u of %u messages, active %d", port->msgcount, port->qlimit, port->active);
}

static void laws_port(struct laws_cell *cell)
{
    struct ipc_port *port = cell->at;
    const struct ipc_request *request;

    laws_check(!port->lock.locked, "locks", "a port is locked at a switch");
    /* Control ports are the kernel's until the manager has received them. */
    if (port->active && port->destination == NULL &&
        (port->receiver == ipc_space_kernel || port->receiver == ipc_space_reply))
        laws_right(port, MACH_MSG_TYPE_PORT_RECEIVE, "the kernel");
    laws_request(port->nsrequest);
    laws_request(port->pdrequest);
    list_for_each(&port->dnrequests, request, node)
        laws_request(request);
    laws_check(port->nsrequest == NULL || port->srights != 0, "notifications",
               "there are no senders, and who asked was not told");
    laws_check(port->active || (port->nsrequest == NULL && port->pdrequest == NULL && list_empty(&port->dnrequests)),
               "notifications", "a port is dead, and who asked was not told");
    if (port->destination != NULL)
        laws_cell(LAWS_PORT, port->destination, "a port on its way")->refs++;
    if (port->pset != NULL)
        laws_cell(LAWS_PSET, port->pset, "a port")->refs++;
    laws_port_kobject(port);
    laws_port_queue(port);
}

static void laws_pset(struct laws_cell *cell)
{
    const struct ipc_pset *pset = cell->at;
    const struct ipc_port *port;
    const struct ipc_kmsg *kmsg;
    uint32_t of_members = 0, count = 0;

    laws_check(!pset->lock.locked, "locks", "a port set is locked at a switch");
    list_for_each(&pset->members, port, pset_node) {
        laws_cell(LAWS_PORT, port, "a port set");
        laws_check(port->pset == pset && port->active, "messages", "a port is in a set and does not know it");
        list_for_each(&port->messages, kmsg, port_node)
            of_members++;
    }
    list_for_each(&pset->messages, kmsg, set_node)
        count++;
    laws_check(count == of_members, "messages", "the members of a set have %u messages, the set %u", of_members, count);
    laws_check(list_empty(&pset->receivers) || (pset->active && count == 0), "progress",
               "a thread waits to receive from a set: %u messages are there, active %d", count, pset->active);
}

/* ---- what the kernel has ---- */

static void laws_task_rights(const struct task *task)
{
    if (task->refs == 0) /* it is being made, or has ended */
        return;
    laws_check(!task->lock.locked, "locks", "a task is locked at a switch");
    laws_right(task->self_sright, MACH_MSG_TYPE_PORT_SEND, "a task");
    laws_right(task->exception_port, MACH_MSG_TYPE_PORT_SEND, "a task");
    laws_right(task->bootstrap_port, MACH_MSG_TYPE_PORT_SEND, "a task");
    for (unsigned int i = 0; i < TASK_PORT_REGISTER_MAX; i++)
        laws_right(task->registered[i], MACH_MSG_TYPE_PORT_SEND, "a task");
    if (task->self_port != NULL)
        laws_cell(LAWS_PORT, task->self_port, "a task");
    if (task->map != NULL)
        laws_cell(LAWS_MAP, task->map, "a task")->refs++;
    if (task->space != NULL && laws_find(LAWS_SPACE, task->space) != NULL) /* the kernel task's may be static */
        laws_cell(LAWS_SPACE, task->space, "a task")->refs++;
}

static void laws_thread_rights(const struct thread *thread)
{
    if (thread->refs == 0)
        return;
    laws_check(!thread->lock.locked, "locks", "a thread is locked at a switch");
    laws_right(thread->self_sright, MACH_MSG_TYPE_PORT_SEND, "a thread");
    laws_right(thread->exception_port, MACH_MSG_TYPE_PORT_SEND, "a thread");
    if (thread->ipc_rpc_port != NULL)
        laws_cell(LAWS_PORT, thread->ipc_rpc_port, "a thread");
    if (thread->self_port != NULL)
        laws_cell(LAWS_PORT, thread->self_port, "a thread");
}

static void laws_pager_rights(const struct memory_object *pager)
{
    const struct memory_object_lock *lock;

    if (pager->refs == 0)
        return;
    laws_right(pager->port, MACH_MSG_TYPE_PORT_SEND, "a memory object");
    list_for_each(&pager->locks, lock, node)
        laws_right(lock->reply, lock->reply_type, "a lock request");
}

void laws_ipc(void)
{
    laws_for_each(LAWS_SPACE, cell)
        laws_space(cell->at);
    laws_for_each(LAWS_PORT, cell)
        laws_port(cell);
    laws_for_each(LAWS_PSET, cell)
        laws_pset(cell);
    laws_for_each(LAWS_TASK, cell)
        laws_task_rights(cell->at);
    laws_task_rights(kernel_task);
    laws_for_each(LAWS_THREAD, cell)
        laws_thread_rights(cell->at);
    laws_for_each(LAWS_PAGER, cell)
        laws_pager_rights(cell->at);
    laws_check(laws_count(LAWS_PORT) == ipc_port_count, "memory", "%u ports, %u counted", laws_count(LAWS_PORT),
               ipc_port_count);
}
