/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues.
 *
 * 1. A message is posted under its port's lock: given to the receiver that has waited longest, or queued. A port in a set
 *    has no receivers of its own; its set's are taken. So there is never both a message and a receiver that could have it.
 * 2. What a waiting thread gets is written into it (ipc_state, ipc_kmsg, ipc_seqno) under the lock of what it waits on,
 *    and it is taken off the list there. When it runs again it believes ipc_state, not what woke it: a message that was
 *    given to it in the moment its time ran out is not lost.
 * 3. The queue's limit counts places. A place that becomes free while a sender waits passes to that sender before it runs,
 *    so late-comers cannot overtake it.
 * 4. A sender that waits for its reply next gives its receiver the processor: `target` goes from send to receive, which
 *    first asserts its own wait.
 */
#include "ipc/ipc_mqueue.h"

#include <mach/notify.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_kmsg_body.h"
#include "ipc/ipc_notify.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_pset.h"
#include "ipc/ipc_right.h"
#include "ipc/ipc_space.h"
#include "kernel/ipc_kobject.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "vm/memory_object_proxy.h"

static inline struct ipc_port *ipc_mqueue_dest(const struct ipc_kmsg *kmsg)
{
    return (struct ipc_port *)(uintptr_t)kmsg->header.msgh_remote_port;
}

/* ---- waking ---- */

void ipc_mqueue_wake_all(struct list *threads, mach_msg_return_t result)
{
    struct thread *thread;

    while ((thread = list_first(threads, struct thread, ipc_node)) != NULL) {
        list_remove(&thread->ipc_node);
        thread->ipc_state = (uint32_t)result;
        thread_wake(thread, WAIT_AWAKENED);
    }
}

/* The thread that a send left waiting runs. */
static void ipc_mqueue_wake_target(struct thread *target)
{
    thread_wake(target, WAIT_AWAKENED);
    thread_unref(target);
}

/* Places that are free go to the senders that wait. Port locked. */
void ipc_mqueue_grant(struct ipc_port *port)
{
    struct thread *thread;

    while (port->msgcount < port->qlimit && (thread = list_first(&port->senders, struct thread, ipc_node)) != NULL) {
        list_remove(&thread->ipc_node);
        port->msgcount++;
        thread->ipc_state = MACH_MSG_SUCCESS;
        thread_wake(thread, WAIT_AWAKENED);
    }
}

/*
 * The longest waiting receiver that takes a message of this size, off its list. One that wants to know the size of what
 * is too large for it (MACH_RCV_LARGE) is told, and the message stays for the next.
 */
static struct thread *ipc_mqueue_take_receiver(struct list *receivers, mach_msg_size_t size)
{
    struct thread *thread;

    while ((thread = list_first(receivers, struct thread, ipc_node)) != NULL) {
        list_remove(&thread->ipc_node);
        if (size <= thread->ipc_size)
            thread->ipc_state = MACH_MSG_SUCCESS;
        else if (!(thread->ipc_options & MACH_RCV_LARGE))
            thread->ipc_state = MACH_RCV_TOO_LARGE;
        else {
            thread->ipc_state = MACH_RCV_TOO_LARGE;
            thread->ipc_size = size;
            thread->ipc_kmsg = NULL;
            thread_wake(thread, WAIT_AWAKENED);
            continue;
        }
        return thread;
    }
    return NULL;
}

/* ---- posting ---- */

/*
 * Gives kmsg to a receiver or queues it. Port locked and active. placed: it has a place in the queue already. The request
 * of a message-accepted notification that is due is returned, for when the port is unlocked.
 */
static struct ipc_request *ipc_mqueue_post(struct ipc_port *port, struct ipc_kmsg *kmsg, bool placed,
                                           struct thread **target)
{
    struct ipc_pset *pset = port->pset;
    struct ipc_request *accepted = NULL;

    assert(spinlock_held(&port->lock) && port->active);
    if (pset != NULL)
        ipc_pset_lock(pset);
    struct thread *thread =
        ipc_mqueue_take_receiver(pset != NULL ? &pset->receivers : &port->receivers, kmsg->header.msgh_size);
    if (thread != NULL) {
        thread->ipc_kmsg = kmsg;
        thread->ipc_seqno = port->seqno++;
        accepted = kmsg->marequest;
        kmsg->marequest = NULL;
        if (placed) {
            port->msgcount--;
            ipc_mqueue_grant(port);
        }
        if (target != NULL) {
            thread_ref(thread);
            *target = thread;
        } else {
            thread_wake(thread, WAIT_AWAKENED);
        }
    } else {
        list_insert_tail(&port->messages, &kmsg->port_node);
        if (pset != NULL)
            list_insert_tail(&pset->messages, &kmsg->set_node);
        if (!placed)
            port->msgcount++;
    }
    if (pset != NULL)
        ipc_pset_unlock(pset);
    return accepted;
}

void ipc_mqueue_send_always(struct ipc_kmsg *kmsg)
{
    struct ipc_port *port = ipc_mqueue_dest(kmsg);
    struct ipc_request *accepted;

    if (!IP_VALID(port)) {
        ipc_kmsg_destroy(kmsg);
        return;
    }
    ipc_port_lock(port);
    /*
     * A kernel object gets no messages from the kernel: a reply or notification that a user sent its way ends here; but for
     * the proxies' own notifications.
     */
    if (port->kobject_type == IKOT_PAGER_PROXY && kmsg->header.msgh_id == MACH_NOTIFY_NO_SENDERS && port->srights == 0) {
        ipc_port_unlock(port);
        memory_object_proxy_no_senders(port);
        ipc_kmsg_destroy(kmsg);
        return;
    }
    if (!port->active || port->receiver == ipc_space_kernel || (kmsg->header.msgh_bits & MACH_MSGH_BITS_CIRCULAR)) {
        ipc_port_unlock(port);
        ipc_kmsg_destroy(kmsg);
        return;
    }
    accepted = ipc_mqueue_post(port, kmsg, false, NULL);
    ipc_port_unlock(port);
    if (accepted != NULL)
        ipc_marequest_done(accepted);
}

/* Waits for a place in the queue of port, which is locked, and unlocked on return. MACH_MSG_SUCCESS: there may be one. */
static mach_msg_return_t ipc_mqueue_wait_place(struct ipc_port *port, mach_msg_option_t option,
                                               mach_msg_timeout_t timeout)
{
    struct thread *self = current_thread();

    if ((option & MACH_SEND_TIMEOUT) && timeout == 0) {
        ipc_port_unlock(port);
        return MACH_SEND_TIMED_OUT;
    }
    self->ipc_state = MACH_SEND_IN_PROGRESS;
    list_insert_tail(&port->senders, &self->ipc_node);
    if (option & MACH_SEND_TIMEOUT)
        thread_assert_wait_timeout(&self->ipc_state, WAIT_INTERRUPTIBLE, timeout);
    else
        thread_assert_wait(&self->ipc_state, WAIT_INTERRUPTIBLE);
    ipc_port_unlock(port); /* the message's right keeps it */
    enum wait_result result = thread_block();

    ipc_port_lock(port);
    mach_msg_return_t mr = (mach_msg_return_t)self->ipc_state;
    if (mr == MACH_SEND_IN_PROGRESS) {
        list_remove(&self->ipc_node);
        mr = result == WAIT_TIMED_OUT ? MACH_SEND_TIMED_OUT : MACH_SEND_INTERRUPTED;
    }
    ipc_port_unlock(port);
    return mr;
}

mach_msg_return_t ipc_mqueue_send(struct ipc_kmsg *kmsg, mach_msg_option_t option, mach_msg_timeout_t timeout,
                                  struct thread **target)
{
    struct ipc_port *port = ipc_mqueue_dest(kmsg);
    struct ipc_request *accepted;
    bool placed = false;

    ipc_port_lock(port);
    if (port->receiver == ipc_space_kernel && port->active) {
        ipc_port_unlock(port);
        struct ipc_kmsg *reply = ipc_kobject_server(kmsg);
        if (reply != NULL)
            ipc_mqueue_send_always(reply);
        return MACH_MSG_SUCCESS;
    }
    if (port->active && !(kmsg->header.msgh_bits & MACH_MSGH_BITS_CIRCULAR) && port->msgcount >= port->qlimit &&
        MACH_MSGH_BITS_REMOTE(kmsg->header.msgh_bits) != MACH_MSG_TYPE_PORT_SEND_ONCE && !(option & MACH_SEND_ALWAYS)) {
        mach_msg_return_t mr = ipc_mqueue_wait_place(port, option, timeout);
        if (mr != MACH_MSG_SUCCESS)
            return mr;
        placed = true;
        ipc_port_lock(port);
    }
    if (unlikely(!port->active || (kmsg->header.msgh_bits & MACH_MSGH_BITS_CIRCULAR))) {
        ipc_port_unlock(port);
        ipc_kmsg_destroy(kmsg);
        return MACH_MSG_SUCCESS;
    }
    accepted = ipc_mqueue_post(port, kmsg, placed, target);
    ipc_port_unlock(port);
    if (unlikely(accepted != NULL))
        ipc_marequest_done(accepted);
    return MACH_MSG_SUCCESS;
}

/* ---- receiving ---- */

mach_msg_return_t ipc_mqueue_copyin(struct ipc_space *space, mach_port_name_t name, struct ipc_mqueue *mqueue)
{
    mach_msg_return_t mr = MACH_RCV_INVALID_NAME;

    mqueue->port = NULL;
    mqueue->pset = NULL;
    ipc_space_lock(space);
    struct ipc_entry *entry = space->active && MACH_PORT_VALID(name) ? ipc_space_lookup(space, name) : NULL;
    if (entry != NULL && (entry->type & MACH_PORT_TYPE_RECEIVE)) {
        if (entry->port->pset != NULL) {
            mr = MACH_RCV_IN_SET;
        } else {
            mqueue->port = entry->port;
            ipc_port_ref(mqueue->port);
            mr = MACH_MSG_SUCCESS;
        }
    } else if (entry != NULL && entry->type == MACH_PORT_TYPE_PORT_SET) {
        mqueue->pset = entry->pset;
        ipc_pset_ref(mqueue->pset);
        mr = MACH_MSG_SUCCESS;
    }
    ipc_space_unlock(space);
    return mr;
}

void ipc_mqueue_unref(struct ipc_mqueue *mqueue)
{
    if (mqueue->port != NULL)
        ipc_port_unref(mqueue->port);
    else
        ipc_pset_unref(mqueue->pset);
}

static void ipc_mqueue_lock(struct ipc_mqueue *mqueue)
{
    if (mqueue->port != NULL)
        ipc_port_lock(mqueue->port);
    else
        ipc_pset_lock(mqueue->pset);
}

static void ipc_mqueue_unlock(struct ipc_mqueue *mqueue)
{
    if (mqueue->port != NULL)
        ipc_port_unlock(mqueue->port);
    else
        ipc_pset_unlock(mqueue->pset);
}

/*
 * Locks the port of the set's first message too, which is against the order: so it is tried, and otherwise both are taken
 * anew. NULL: the set, still locked, has no message.
 */
static struct ipc_kmsg *ipc_mqueue_pset_first(struct ipc_pset *pset)
{
    for (;;) {
        struct ipc_kmsg *kmsg = list_first(&pset->messages, struct ipc_kmsg, set_node);
        if (kmsg == NULL)
            return NULL;
        struct ipc_port *port = ipc_mqueue_dest(kmsg);
        if (spinlock_try_lock(&port->lock))
            return kmsg;
        ipc_port_ref(port);
        ipc_pset_unlock(pset);
        ipc_port_lock(port); /* waits for whoever has it */
        ipc_port_unlock(port);
        ipc_port_unref(port);
        ipc_pset_lock(pset);
    }
}

/* Takes the first message if there is one and it fits. MACH_RCV_IN_PROGRESS: there is none. The queue is locked. */
static mach_msg_return_t ipc_mqueue_dequeue(struct ipc_mqueue_receive *receive)
{
    struct ipc_port *port = receive->mqueue.port;
    struct ipc_pset *pset = receive->mqueue.pset;
    struct ipc_kmsg *kmsg;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;

    kmsg = port != NULL ? list_first(&port->messages, struct ipc_kmsg, port_node) : ipc_mqueue_pset_first(pset);
    if (kmsg == NULL)
        return MACH_RCV_IN_PROGRESS;
    port = ipc_mqueue_dest(kmsg);
    receive->size = kmsg->header.msgh_size;
    if (unlikely(receive->size > receive->most)) {
        mr = MACH_RCV_TOO_LARGE;
        if (receive->option & MACH_RCV_LARGE)
            goto out;
    }
    list_remove(&kmsg->port_node);
    if (pset != NULL)
        list_remove(&kmsg->set_node);
    receive->kmsg = kmsg;
    receive->seqno = port->seqno++;
    port->msgcount--;
    ipc_mqueue_grant(port);
out:
    if (pset != NULL)
        ipc_port_unlock(port);
    return mr;
}

/* Puts the running thread on the queue's list of receivers, asserts its wait, and unlocks. */
static enum wait_result ipc_mqueue_wait_message(struct ipc_mqueue_receive *receive, uint32_t left)
{
    struct thread *self = current_thread(), *target = receive->target;
    enum wait_result result;

    self->ipc_state = MACH_RCV_IN_PROGRESS;
    self->ipc_size = receive->most;
    self->ipc_options = (uint32_t)receive->option;
    self->ipc_kmsg = NULL;
    list_insert_tail(receive->mqueue.port != NULL ? &receive->mqueue.port->receivers : &receive->mqueue.pset->receivers,
                     &self->ipc_node);
    if (receive->option & MACH_RCV_TIMEOUT)
        thread_assert_wait_timeout(&self->ipc_state, WAIT_INTERRUPTIBLE, left);
    else
        thread_assert_wait(&self->ipc_state, WAIT_INTERRUPTIBLE);
    ipc_mqueue_unlock(&receive->mqueue);
    receive->target = NULL;
    if (target == NULL)
        return thread_block();
    result = thread_handoff(target);
    thread_unref(target);
    return result;
}

/* What the wait brought. MACH_RCV_IN_PROGRESS: look again. The queue is locked. */
static mach_msg_return_t ipc_mqueue_waited(struct ipc_mqueue_receive *receive, enum wait_result result)
{
    struct thread *self = current_thread();
    mach_msg_return_t mr = (mach_msg_return_t)self->ipc_state;

    if (list_node_linked(&self->ipc_node)) {
        list_remove(&self->ipc_node);
        return result == WAIT_TIMED_OUT ? MACH_RCV_TIMED_OUT : MACH_RCV_INTERRUPTED;
    }
    if (mr == MACH_MSG_SUCCESS || mr == MACH_RCV_TOO_LARGE) {
        receive->kmsg = self->ipc_kmsg;
        receive->seqno = self->ipc_seqno;
        receive->size = self->ipc_kmsg == NULL ? self->ipc_size : self->ipc_kmsg->header.msgh_size;
    }
    return mr;
}

/* The right to receive is gone, or the port went into a set. Locked. */
static mach_msg_return_t ipc_mqueue_check(const struct ipc_mqueue *mqueue, const struct ipc_space *space)
{
    if (mqueue->pset != NULL)
        return mqueue->pset->active ? MACH_MSG_SUCCESS : MACH_RCV_PORT_DIED;
    if (!mqueue->port->active || mqueue->port->receiver != space)
        return MACH_RCV_PORT_DIED;
    return mqueue->port->pset == NULL ? MACH_MSG_SUCCESS : MACH_RCV_PORT_CHANGED;
}

mach_msg_return_t ipc_mqueue_receive(struct ipc_mqueue_receive *receive, struct ipc_space *space)
{
    uint64_t deadline = 0;
    mach_msg_return_t mr;
    bool waited = false;

    receive->kmsg = NULL;
    ipc_mqueue_lock(&receive->mqueue);
    for (;;) {
        uint32_t left = receive->timeout;
        mr = ipc_mqueue_check(&receive->mqueue, space);
        if (mr != MACH_MSG_SUCCESS)
            break;
        mr = ipc_mqueue_dequeue(receive);
        if (mr != MACH_RCV_IN_PROGRESS)
            break;
        if (receive->option & MACH_RCV_TIMEOUT) {
            uint64_t now = timer_ticks();
            if (!waited)
                deadline = left == 0 ? now : now + timer_ticks_of_ms(left);
            else
                left = deadline > now ? (uint32_t)(deadline - now) * (1000 / MACHINE_HZ) : 0;
            if (left == 0) {
                mr = MACH_RCV_TIMED_OUT;
                break;
            }
        }
        waited = true;
        enum wait_result result = ipc_mqueue_wait_message(receive, left);
        ipc_mqueue_lock(&receive->mqueue);
        mr = ipc_mqueue_waited(receive, result);
        if (mr != MACH_RCV_IN_PROGRESS)
            break;
    }
    ipc_mqueue_unlock(&receive->mqueue);
    if (receive->target != NULL) {
        ipc_mqueue_wake_target(receive->target);
        receive->target = NULL;
    }
    if (receive->kmsg != NULL) {
        struct ipc_request *accepted = receive->kmsg->marequest;
        receive->kmsg->header.msgh_seqno = receive->seqno;
        receive->kmsg->marequest = NULL;
        if (unlikely(accepted != NULL))
            ipc_marequest_done(accepted);
    }
    return mr;
}

/* ---- message-accepted ---- */

mach_msg_return_t ipc_marequest_create(struct ipc_space *space, struct ipc_port *port, mach_port_name_t notify,
                                       struct ipc_request **request)
{
    struct ipc_port *sonce;
    mach_msg_return_t mr = MACH_MSG_SUCCESS;

    if (!MACH_PORT_VALID(notify) ||
        ipc_right_copyin_any(space, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &sonce) != KERN_SUCCESS)
        return MACH_SEND_INVALID_NOTIFY;
    struct ipc_request *fresh = ipc_request_create(sonce, ALLOC_THREAD);
    if (fresh == NULL) {
        ipc_port_release_sonce(sonce);
        return MACH_SEND_NO_NOTIFY;
    }
    ipc_space_lock(space);
    struct ipc_entry *entry = space->active ? ipc_space_reverse(space, port) : NULL;
    if (entry != NULL && entry->marequest != NULL) {
        mr = MACH_SEND_NOTIFY_IN_PROGRESS;
    } else {
        ipc_space_ref(space);
        fresh->space = space;
        fresh->name = entry == NULL ? MACH_PORT_NULL : entry->name; /* the right may have moved into the message */
        if (entry != NULL)
            entry->marequest = fresh;
    }
    ipc_space_unlock(space);
    if (mr != MACH_MSG_SUCCESS)
        ipc_port_unmake_sonce(ipc_request_destroy(fresh));
    else
        *request = fresh;
    return mr;
}

void ipc_marequest_done(struct ipc_request *request)
{
    struct ipc_space *space = request->space;

    ipc_space_lock(space);
    mach_port_name_t name = request->name;
    struct ipc_entry *entry = name == MACH_PORT_NULL ? NULL : ipc_space_lookup(space, name);
    if (entry != NULL && entry->marequest == request)
        entry->marequest = NULL;
    ipc_space_unlock(space);
    ipc_notify_msg_accepted(request, name);
}

/* ---- the kernel as a client ---- */

/* The right by which a reply came is used up by its receipt; destroying it with the message would tell us that it died. */
static void ipc_kernel_consume_dest(struct ipc_kmsg *kmsg)
{
    struct ipc_port *port = ipc_mqueue_dest(kmsg);

    if (MACH_MSGH_BITS_REMOTE(kmsg->header.msgh_bits) == MACH_MSG_TYPE_PORT_SEND_ONCE)
        ipc_port_unmake_sonce(port);
    else
        ipc_port_release_send(port);
    kmsg->header.msgh_remote_port = MACH_PORT_NULL;
}

mach_msg_return_t ipc_kernel_rpc(struct ipc_kmsg *kmsg, struct ipc_kmsg **reply)
{
    struct thread *self = current_thread();
    mach_msg_header_t *header = ipc_kmsg_header(kmsg);
    struct thread *target = NULL;

    if (self->ipc_rpc_port == NULL)
        self->ipc_rpc_port = ipc_port_alloc_reply();
    if (self->ipc_rpc_port == NULL) {
        ipc_kmsg_destroy(kmsg);
        return MACH_SEND_NO_BUFFER;
    }
    header->msgh_local_port = (mach_port_t)(uintptr_t)ipc_port_make_sonce(self->ipc_rpc_port);
    header->msgh_bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE);
    if (!IP_VALID(ipc_mqueue_dest(kmsg))) {
        ipc_kmsg_destroy(kmsg);
        return MACH_SEND_INVALID_DEST;
    }
    mach_msg_return_t mr = ipc_mqueue_send(kmsg, MACH_MSG_OPTION_NONE, 0, &target);
    if (mr != MACH_MSG_SUCCESS) {
        ipc_kmsg_destroy(kmsg);
        return mr;
    }
    struct ipc_mqueue_receive receive = {
        .mqueue = {.port = self->ipc_rpc_port},
        .most = MACH_MSG_SIZE_MAX,
        .target = target,
    };
    mr = ipc_mqueue_receive(&receive, ipc_space_reply);
    if (mr != MACH_MSG_SUCCESS) {
        ipc_kernel_rpc_end(self); /* a reply that comes later finds nobody */
        return mr;
    }
    ipc_kernel_consume_dest(receive.kmsg);
    *reply = receive.kmsg;
    return MACH_MSG_SUCCESS;
}

void ipc_kernel_rpc_end(struct thread *thread)
{
    if (thread->ipc_rpc_port != NULL)
        ipc_port_dealloc_kernel(thread->ipc_rpc_port);
    thread->ipc_rpc_port = NULL;
}
