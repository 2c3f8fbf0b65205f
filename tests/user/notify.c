/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications: what the kernel says of its own accord about rights.
 */
#include "harness.h"

/* A notification: the header, and for most kinds one word under a type. */
union notify_message {
    mach_msg_header_t head;
    mach_dead_name_notification_t dead_name;
    mach_no_senders_notification_t no_senders;
    mach_port_destroyed_notification_t destroyed;
    struct harness_message room;
};

static union notify_message notify_in;
static struct harness_message notify_out;

/* mach_port_request_notification with a right made from notify, or none; returns the previous one in *previous. */
static kern_return_t notify_request(mach_port_t name, mach_msg_id_t id, mach_port_mscount_t sync, mach_port_t notify,
                                    mach_port_t *previous)
{
    *previous = 0x1234;
    return mach_port_request_notification(harness_self, name, id, sync, notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, previous);
}

/* A first request, which must succeed. */
static void notify_ask(mach_port_t name, mach_msg_id_t id, mach_port_mscount_t sync, mach_port_t notify)
{
    mach_port_t previous;

    OK(notify_request(name, id, sync, notify, &previous));
    IS(previous, MACH_PORT_NULL);
}

/* The next message on notify is a notification of this kind. */
static boolean_t notify_comes(mach_port_t notify, mach_msg_id_t id)
{
    memset(&notify_in, 0, sizeof(notify_in));
    if (!IS(harness_receive(notify, &notify_in.room, 2000), MACH_MSG_SUCCESS))
        return FALSE;
    IS(MACH_MSGH_BITS_PORTS(notify_in.head.msgh_bits), MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
    IS(notify_in.head.msgh_local_port, notify);
    IS(notify_in.head.msgh_remote_port, MACH_PORT_NULL);
    return IS(notify_in.head.msgh_id, id);
}

/* The same, with a name as data. */
static void notify_comes_for(mach_port_t notify, mach_msg_id_t id, mach_port_t name)
{
    if (!notify_comes(notify, id))
        return;
    IS(notify_in.head.msgh_size, sizeof(mach_dead_name_notification_t));
    IS(notify_in.dead_name.not_type.msgt_name, MACH_MSG_TYPE_PORT_NAME);
    IS(notify_in.dead_name.not_type.msgt_size, 32);
    IS(notify_in.dead_name.not_type.msgt_number, 1);
    IS(notify_in.dead_name.not_type.msgt_inline, TRUE);
    IS(notify_in.dead_name.not_port, name);
}

static void notify_silent(mach_port_t notify)
{
    IS(harness_next_id(notify), -1);
}

static mach_port_t notify_send_once(mach_port_t port)
{
    mach_port_t name = MACH_PORT_NULL;
    mach_msg_type_name_t kind;

    OK(mach_port_extract_right(harness_self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &name, &kind));
    return name;
}

/* ---- dead names ---- */

static void notify_dead_name(void)
{
    mach_port_t notify = harness_port(), port = harness_port_with_send();

    notify_ask(port, MACH_NOTIFY_DEAD_NAME, 0, notify);
    IS(harness_type(port), MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_DNREQUEST);
    notify_silent(notify);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, -1));
    notify_comes_for(notify, MACH_NOTIFY_DEAD_NAME, port);
    IS(harness_type(port), MACH_PORT_TYPE_DEAD_NAME);
    IS(harness_refs(port, MACH_PORT_RIGHT_DEAD_NAME), 2); /* one that the notification holds */
    notify_silent(notify);
    harness_destroy(port);
    harness_destroy(notify);
}

static void notify_dead_send_once(void)
{
    mach_port_t notify = harness_port(), port = harness_port(), once = notify_send_once(port);

    notify_ask(once, MACH_NOTIFY_DEAD_NAME, 0, notify);
    harness_destroy(port);
    notify_comes_for(notify, MACH_NOTIFY_DEAD_NAME, once);
    IS(harness_refs(once, MACH_PORT_RIGHT_DEAD_NAME), 2);
    harness_destroy(once);
    harness_destroy(notify);
}

/* For a name that is dead already, by the caller's choice at once or not at all. */
static void notify_dead_already(void)
{
    mach_port_t notify = harness_port(), name = harness_port_with_send(), previous;

    OK(mach_port_mod_refs(harness_self, name, MACH_PORT_RIGHT_RECEIVE, -1));
    IS(notify_request(name, MACH_NOTIFY_DEAD_NAME, 0, notify, &previous), KERN_INVALID_ARGUMENT);
    IS(harness_next_id(notify), MACH_NOTIFY_SEND_ONCE); /* the refused call's right */
    notify_ask(name, MACH_NOTIFY_DEAD_NAME, 1, notify);
    notify_comes_for(notify, MACH_NOTIFY_DEAD_NAME, name);
    IS(harness_refs(name, MACH_PORT_RIGHT_DEAD_NAME), 2);
    harness_destroy(name);
    harness_destroy(notify);
}

static void notify_replaced_and_cancelled(void)
{
    mach_port_t first = harness_port(), second = harness_port(), port = harness_port_with_send(), previous;

    notify_ask(port, MACH_NOTIFY_DEAD_NAME, 0, first);
    OK(notify_request(port, MACH_NOTIFY_DEAD_NAME, 0, second, &previous));
    IS(harness_type(previous), MACH_PORT_TYPE_SEND_ONCE);
    OK(harness_send(previous, MACH_MSG_TYPE_MOVE_SEND_ONCE, 7));
    IS(harness_next_id(first), 7); /* the first one's right */
    OK(notify_request(port, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL, &previous));
    IS(harness_type(previous), MACH_PORT_TYPE_SEND_ONCE);
    IS(harness_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
    OK(mach_port_deallocate(harness_self, previous));
    IS(harness_next_id(second), MACH_NOTIFY_SEND_ONCE);
    OK(notify_request(port, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL, &previous));
    IS(previous, MACH_PORT_NULL);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, -1));
    notify_silent(first);
    notify_silent(second);
    harness_destroy(port);
    harness_destroy(first);
    harness_destroy(second);
}

/* A name that is given up can die no more: its request ends with a notification of its own. */
static void notify_port_deleted(void)
{
    mach_port_t notify = harness_port(), port = harness_port(), once = notify_send_once(port);

    notify_ask(once, MACH_NOTIFY_DEAD_NAME, 0, notify);
    OK(mach_port_deallocate(harness_self, once));
    notify_comes_for(notify, MACH_NOTIFY_PORT_DELETED, once);
    IS(harness_next_id(port), MACH_NOTIFY_SEND_ONCE);
    once = notify_send_once(port);
    notify_ask(once, MACH_NOTIFY_DEAD_NAME, 0, notify);
    OK(harness_send(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, 3)); /* used, so gone */
    notify_comes_for(notify, MACH_NOTIFY_PORT_DELETED, once);
    /* A receive right's name can be watched too, and never dies. */
    notify_ask(port, MACH_NOTIFY_DEAD_NAME, 0, notify);
    harness_destroy(port);
    notify_comes_for(notify, MACH_NOTIFY_PORT_DELETED, port);
    notify_silent(notify);
    harness_destroy(notify);
}

static void notify_follows_a_rename(void)
{
    mach_port_t notify = harness_port(), port = harness_port_with_send(), name = harness_unused_name();

    notify_ask(port, MACH_NOTIFY_DEAD_NAME, 0, notify);
    OK(mach_port_rename(harness_self, port, name));
    IS(harness_type(name), MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_DNREQUEST);
    OK(mach_port_mod_refs(harness_self, name, MACH_PORT_RIGHT_RECEIVE, -1));
    notify_comes_for(notify, MACH_NOTIFY_DEAD_NAME, name);
    harness_destroy(name);
    harness_destroy(notify);
}

static void notify_many_dead_names(void)
{
    enum { nr = 30 };
    mach_port_t notify = harness_port(), ports[nr];
    unsigned int died = 0;

    for (unsigned int i = 0; i < nr; i++) {
        ports[i] = harness_port_with_send();
        notify_ask(ports[i], MACH_NOTIFY_DEAD_NAME, 0, notify);
    }
    for (unsigned int i = 0; i < nr; i++)
        OK(mach_port_mod_refs(harness_self, ports[i], MACH_PORT_RIGHT_RECEIVE, -1));
    IS(harness_status(notify).mps_msgcount, nr); /* no queue limit holds for send-once rights */
    for (unsigned int i = 0; i < nr; i++) {
        notify_comes(notify, MACH_NOTIFY_DEAD_NAME);
        for (unsigned int j = 0; j < nr; j++)
            died += notify_in.dead_name.not_port == ports[j];
    }
    IS(died, nr);
    for (unsigned int i = 0; i < nr; i++)
        harness_destroy(ports[i]);
    harness_destroy(notify);
}

static void notify_requests_refused(void)
{
    mach_port_t notify = harness_port(), receive = harness_port(), send = mach_host_self(), set = harness_set(), previous;
    const mach_msg_id_t bad[] = {0, 64, MACH_NOTIFY_PORT_DELETED, MACH_NOTIFY_SEND_ONCE, MACH_NOTIFY_MSG_ACCEPTED, 99, -1};

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++) {
        IS(notify_request(receive, bad[i], 0, notify, &previous), KERN_INVALID_VALUE);
        IS(harness_next_id(notify), MACH_NOTIFY_SEND_ONCE);
    }
    IS(notify_request(set, MACH_NOTIFY_DEAD_NAME, 0, notify, &previous), KERN_INVALID_RIGHT);
    IS(harness_next_id(notify), MACH_NOTIFY_SEND_ONCE);
    IS(notify_request(send, MACH_NOTIFY_NO_SENDERS, 0, notify, &previous), KERN_INVALID_RIGHT);
    IS(harness_next_id(notify), MACH_NOTIFY_SEND_ONCE);
    IS(notify_request(set, MACH_NOTIFY_PORT_DESTROYED, 0, notify, &previous), KERN_INVALID_RIGHT);
    IS(harness_next_id(notify), MACH_NOTIFY_SEND_ONCE);
    IS(notify_request(receive, MACH_NOTIFY_PORT_DESTROYED, 1, notify, &previous), KERN_INVALID_VALUE);
    IS(harness_next_id(notify), MACH_NOTIFY_SEND_ONCE);
    IS(notify_request(BAD_NAME, MACH_NOTIFY_DEAD_NAME, 0, notify, &previous), KERN_INVALID_NAME);
    IS(harness_next_id(notify), MACH_NOTIFY_SEND_ONCE);
    notify_silent(notify);
    OK(mach_port_deallocate(harness_self, send));
    harness_destroy(receive);
    harness_destroy(set);
    harness_destroy(notify);
}

/* ---- no more senders ---- */

static void notify_no_senders(void)
{
    mach_port_t notify = harness_port(), port = harness_port_with_send();

    notify_ask(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
    IS(harness_status(port).mps_nsrequest, TRUE);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 1));
    OK(mach_port_deallocate(harness_self, port));
    notify_silent(notify);
    OK(mach_port_deallocate(harness_self, port));
    if (notify_comes(notify, MACH_NOTIFY_NO_SENDERS)) {
        IS(notify_in.head.msgh_size, sizeof(mach_no_senders_notification_t));
        IS(notify_in.no_senders.not_type.msgt_name, MACH_MSG_TYPE_INTEGER_32);
        IS(notify_in.no_senders.not_count, 1);
    }
    IS(harness_status(port).mps_nsrequest, FALSE);
    /* It comes once. */
    OK(mach_port_insert_right(harness_self, port, port, MACH_MSG_TYPE_MAKE_SEND));
    OK(mach_port_deallocate(harness_self, port));
    notify_silent(notify);
    harness_destroy(port);
    harness_destroy(notify);
}

/* Without senders it comes at once, unless more senders are known to be on their way: the count says. */
static void notify_no_senders_now(void)
{
    mach_port_t notify = harness_port(), port = harness_port();

    notify_ask(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
    notify_comes(notify, MACH_NOTIFY_NO_SENDERS);
    IS(notify_in.no_senders.not_count, 0);
    notify_ask(port, MACH_NOTIFY_NO_SENDERS, 1, notify);
    notify_silent(notify);
    OK(mach_port_insert_right(harness_self, port, port, MACH_MSG_TYPE_MAKE_SEND));
    notify_silent(notify);
    OK(mach_port_deallocate(harness_self, port));
    notify_comes(notify, MACH_NOTIFY_NO_SENDERS);
    IS(notify_in.no_senders.not_count, 1);
    harness_destroy(port);
    harness_destroy(notify);
}

/* A right in a message is a sender. */
static void notify_no_senders_on_the_way(void)
{
    mach_port_t notify = harness_port(), port = harness_port_with_send();

    notify_ask(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
    OK(harness_send(port, MACH_MSG_TYPE_MOVE_SEND, 9));
    notify_silent(notify);
    IS(harness_next_id(port), 9);
    notify_comes(notify, MACH_NOTIFY_NO_SENDERS);
    harness_destroy(port);
    harness_destroy(notify);
}

static void notify_no_senders_of_a_task(void)
{
    mach_port_t notify = harness_port(), port = harness_port();
    task_t task;

    OK(task_create(harness_self, FALSE, &task));
    OK(mach_port_insert_right(task, 0x4000, port, MACH_MSG_TYPE_MAKE_SEND));
    notify_ask(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
    OK(task_terminate(task));
    notify_comes(notify, MACH_NOTIFY_NO_SENDERS);
    harness_destroy(task);
    harness_destroy(port);
    harness_destroy(notify);
}

/* ---- receive rights that would die ---- */

static void notify_port_destroyed(void)
{
    mach_port_t notify = harness_port(), port = harness_port(), name;

    notify_ask(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify);
    IS(harness_status(port).mps_pdrequest, TRUE);
    OK(harness_send(port, MACH_MSG_TYPE_MAKE_SEND, 12));
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, -1));
    IS(harness_type(port), 0);
    if (!notify_comes(notify, MACH_NOTIFY_PORT_DESTROYED))
        return;
    IS(notify_in.head.msgh_bits & MACH_MSGH_BITS_COMPLEX, MACH_MSGH_BITS_COMPLEX);
    IS(notify_in.destroyed.not_type.msgt_name, MACH_MSG_TYPE_PORT_RECEIVE);
    name = notify_in.destroyed.not_port;
    IS(harness_type(name), MACH_PORT_TYPE_RECEIVE);
    IS(harness_status(name).mps_pdrequest, FALSE);
    IS(harness_next_id(name), 12); /* it did not die */
    harness_destroy(name);
    notify_silent(notify);
    harness_destroy(notify);
}

static void notify_port_destroyed_with_a_task(void)
{
    mach_port_t notify = harness_port(), port = harness_port_with_send();
    task_t task;

    OK(task_create(harness_self, FALSE, &task));
    notify_ask(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify);
    OK(mach_port_insert_right(task, 0x4000, port, MACH_MSG_TYPE_MOVE_RECEIVE));
    IS(harness_type(port), MACH_PORT_TYPE_SEND);
    OK(mach_port_insert_right(task, 0x4001, notify, MACH_MSG_TYPE_MAKE_SEND));
    OK(task_terminate(task));
    notify_comes(notify, MACH_NOTIFY_PORT_DESTROYED);
    IS(notify_in.destroyed.not_port, port);
    IS(harness_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
    harness_destroy(task);
    harness_destroy(port);
    harness_destroy(notify);
}

/* ---- send-once rights that were not used ---- */

static void notify_send_once_died(void)
{
    mach_port_t port = harness_port(), server = harness_port_with_send(), once = notify_send_once(port);
    task_t task;

    OK(mach_port_deallocate(harness_self, once));
    if (notify_comes(port, MACH_NOTIFY_SEND_ONCE))
        IS(notify_in.head.msgh_size, sizeof(mach_msg_header_t));
    /* In a message to a port that dies. */
    harness_compose(&notify_out, server, MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0);
    OK(harness_send_message(&notify_out, 0, 0));
    harness_destroy(server);
    notify_comes(port, MACH_NOTIFY_SEND_ONCE);
    /* In a task that dies. */
    OK(task_create(harness_self, FALSE, &task));
    OK(mach_port_insert_right(task, 0x4000, port, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    notify_silent(port);
    OK(task_terminate(task));
    notify_comes(port, MACH_NOTIFY_SEND_ONCE);
    harness_destroy(task);
    harness_destroy(port);
}

/* ---- messages that wait for their place ---- */

static mach_msg_return_t notify_send_with(mach_port_t port, mach_port_t notify, mach_msg_id_t id)
{
    harness_compose(&notify_out, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 0);
    notify_out.head.msgh_id = id;
    return mach_msg(&notify_out.head, MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY, notify_out.head.msgh_size, 0,
                    MACH_PORT_NULL, 0, notify);
}

static void notify_message_accepted(void)
{
    mach_port_t notify = harness_port(), port = harness_port_with_send();

    OK(mach_port_set_qlimit(harness_self, port, 1));
    OK(notify_send_with(port, notify, 1)); /* there is room: no news */
    IS(notify_send_with(port, notify, 2), MACH_SEND_WILL_NOTIFY);
    IS(harness_type(port), MACH_PORT_TYPE_SEND_RECEIVE | MACH_PORT_TYPE_MAREQUEST);
    IS(notify_send_with(port, notify, 3), MACH_SEND_NOTIFY_IN_PROGRESS);
    notify_silent(notify);
    IS(harness_next_id(port), 1);
    IS(harness_next_id(port), 2);
    notify_comes_for(notify, MACH_NOTIFY_MSG_ACCEPTED, port);
    IS(harness_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
    notify_silent(port);
    harness_destroy(port);
    harness_destroy(notify);
}

static void notify_message_accepted_by_nobody(void)
{
    mach_port_t notify = harness_port(), port = harness_port_with_send();

    OK(mach_port_set_qlimit(harness_self, port, 1));
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1));
    IS(notify_send_with(port, BAD_NAME, 2), MACH_SEND_INVALID_NOTIFY);
    IS(notify_send_with(port, notify, 2), MACH_SEND_WILL_NOTIFY);
    harness_destroy(port);
    notify_comes_for(notify, MACH_NOTIFY_MSG_ACCEPTED, MACH_PORT_NULL); /* the name is gone too */
    harness_destroy(notify);
}

/* ---- requests by mach_msg's options ---- */

static void notify_receive_option(void)
{
    mach_port_t notify = harness_port(), port = harness_port_with_send(), reply = harness_port(), once;

    harness_compose(&notify_out, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0);
    OK(harness_send_message(&notify_out, 0, 0));
    OK(mach_msg(&notify_in.head, MACH_RCV_MSG | MACH_RCV_NOTIFY, 0, sizeof(notify_in), port, 0, notify));
    once = notify_in.head.msgh_remote_port;
    IS(harness_type(once), MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DNREQUEST);
    harness_destroy(reply);
    notify_comes_for(notify, MACH_NOTIFY_DEAD_NAME, once);
    harness_destroy(once);
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1));
    OK(mach_msg(&notify_in.head, MACH_RCV_MSG | MACH_RCV_NOTIFY, 0, sizeof(notify_in), port, 0, notify)); /* no reply port */
    notify_silent(notify);
    harness_destroy(port);
    harness_destroy(notify);
}

/* A server answers: the request on its client's right ends without a word. */
static void notify_send_cancels(void)
{
    mach_port_t notify = harness_port(), port = harness_port(), once = notify_send_once(port);

    notify_ask(once, MACH_NOTIFY_DEAD_NAME, 0, notify);
    harness_compose(&notify_out, once, MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_PORT_NULL, 0, 0);
    OK(mach_msg(&notify_out.head, MACH_SEND_MSG | MACH_SEND_CANCEL, notify_out.head.msgh_size, 0, MACH_PORT_NULL, 0,
                notify));
    notify_silent(notify);
    IS(harness_next_id(port), 4711);
    IS(harness_status(notify).mps_sorights, 0);
    harness_destroy(port);
    harness_destroy(notify);
}

const struct harness_test harness_tests[] = {
    {"a dead-name notification comes when the port dies, and holds a reference", notify_dead_name, NULL},
    {"a dead-name notification comes for a send-once right", notify_dead_send_once, NULL},
    {"a dead-name notification for a dead name comes at once, or is refused", notify_dead_already, NULL},
    {"a request can be replaced and cancelled, and gives back its right", notify_replaced_and_cancelled, NULL},
    {"a port-deleted notification comes when the name is gone", notify_port_deleted, NULL},
    {"a request follows its name", notify_follows_a_rename, NULL},
    {"thirty ports that die send thirty notifications to one port", notify_many_dead_names, NULL},
    {"requests for what a name cannot have are refused, and their right dies", notify_requests_refused, NULL},
    {"a no-senders notification comes when the last send right is gone, once", notify_no_senders, NULL},
    {"a no-senders notification comes at once when no sender is expected", notify_no_senders_now, NULL},
    {"a send right in a message is a sender", notify_no_senders_on_the_way, NULL},
    {"a no-senders notification comes when a task ends", notify_no_senders_of_a_task, NULL},
    {"a port-destroyed notification brings the receive right, with its messages", notify_port_destroyed, NULL},
    {"a port-destroyed notification comes when a task ends", notify_port_destroyed_with_a_task, NULL},
    {"a send-once notification comes for a send-once right that was not used", notify_send_once_died, NULL},
    {"a message beyond the queue's limit is taken, and its acceptance told", notify_message_accepted, NULL},
    {"a message that dies unaccepted is told of without its name", notify_message_accepted_by_nobody, NULL},
    {"MACH_RCV_NOTIFY asks for the reply port's death", notify_receive_option, NULL},
    {"MACH_SEND_CANCEL ends the request on the right that is used", notify_send_cancels, NULL},
    {NULL, NULL, NULL},
};
