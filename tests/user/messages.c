/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages: headers, order, queues and their limits, threads that wait. What bodies carry is in bodies.c, and what malformed
 * calls get in malformed.c.
 */
#include "harness.h"

static struct harness_message messages_in, messages_out;

/* ---- what arrives ---- */

static void messages_arrive_as_sent(void)
{
    mach_port_t port = harness_port_with_send();
    const unsigned int nr_words = 20;
    mach_msg_header_t *in = &messages_in.head;

    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, nr_words);
    OK(harness_send_message(&messages_out, 0, 0));
    memset(&messages_in, 0xa5, sizeof(messages_in));
    OK(harness_receive(port, &messages_in, 0));
    IS(in->msgh_bits, MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND));
    IS(in->msgh_size, sizeof(*in) + 4 * nr_words);
    IS(in->msgh_remote_port, MACH_PORT_NULL);
    IS(in->msgh_local_port, port);
    IS(in->msgh_seqno, 0);
    IS(in->msgh_id, 4711);
    for (unsigned int i = 0; i < nr_words; i++)
        IS(messages_in.body[i], i * 2654435761u);
    IS(messages_in.body[nr_words], 0xa5a5a5a5);
    harness_destroy(port);
}

/* The five ways to name a destination: what the sender keeps, and what the receiver sees. */
static void messages_destinations(void)
{
    static const struct {
        mach_msg_type_name_t kind, arrives;
        unsigned int sends_left; /* of 3 */
    } ways[] = {
        {MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_PORT_SEND, 3},
        {MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_PORT_SEND, 2},
        {MACH_MSG_TYPE_MAKE_SEND, MACH_MSG_TYPE_PORT_SEND, 3},
        {MACH_MSG_TYPE_MAKE_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND_ONCE, 3},
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(ways); i++) {
        mach_port_t port = harness_port_with_send();

        OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 2));
        OK(harness_send(port, ways[i].kind, 1));
        IS(harness_refs(port, MACH_PORT_RIGHT_SEND), ways[i].sends_left);
        OK(harness_receive(port, &messages_in, 0));
        IS(messages_in.head.msgh_bits, MACH_MSGH_BITS(0, ways[i].arrives));
        IS(messages_in.head.msgh_local_port, port);
        IS(harness_refs(port, MACH_PORT_RIGHT_SEND), ways[i].sends_left);
        harness_destroy(port);
    }
}

static void messages_to_send_once(void)
{
    mach_port_t port = harness_port();
    mach_port_t once = MACH_PORT_NULL;
    mach_msg_type_name_t kind = 0;

    OK(mach_port_extract_right(harness_self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &once, &kind));
    IS(kind, MACH_MSG_TYPE_PORT_SEND_ONCE);
    IS(harness_type(once), MACH_PORT_TYPE_SEND_ONCE);
    IS(harness_status(port).mps_sorights, 1);
    OK(harness_send(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, 8));
    IS(harness_type(once), 0);
    IS(harness_next_id(port), 8);
    IS(harness_status(port).mps_sorights, 0);
    harness_destroy(port);
}

static void messages_last_send_right_moves(void)
{
    mach_port_t port = harness_port_with_send();

    OK(harness_send(port, MACH_MSG_TYPE_MOVE_SEND, 1));
    IS(harness_type(port), MACH_PORT_TYPE_RECEIVE);
    IS(harness_status(port).mps_srights, TRUE); /* the one in the message */
    IS(harness_next_id(port), 1);
    IS(harness_status(port).mps_srights, FALSE);
    harness_destroy(port);
}

/* The five ways to give a reply port: what arrives, and under which name. */
static void messages_reply_ports(void)
{
    mach_port_t port = harness_port_with_send();
    mach_port_t reply = harness_port_with_send();

    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND, 0);
    OK(harness_send_message(&messages_out, 0, 0));
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.head.msgh_bits, MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND));
    IS(messages_in.head.msgh_remote_port, reply); /* send and receive rights share a name */
    IS(harness_refs(reply, MACH_PORT_RIGHT_SEND), 2);

    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_COPY_SEND, 0);
    OK(harness_send_message(&messages_out, 0, 0));
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.head.msgh_remote_port, reply);
    IS(harness_refs(reply, MACH_PORT_RIGHT_SEND), 3);

    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MOVE_SEND, 0);
    OK(harness_send_message(&messages_out, 0, 0));
    IS(harness_refs(reply, MACH_PORT_RIGHT_SEND), 2);
    OK(harness_receive(port, &messages_in, 0));
    IS(harness_refs(reply, MACH_PORT_RIGHT_SEND), 3);

    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0);
    OK(harness_send_message(&messages_out, 0, 0));
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.head.msgh_bits, MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND));
    CHECK(messages_in.head.msgh_remote_port != reply);
    IS(harness_type(messages_in.head.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);

    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, messages_in.head.msgh_remote_port,
                    MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
    OK(harness_send_message(&messages_out, 0, 0));
    IS(harness_type(messages_out.head.msgh_local_port), 0);
    OK(harness_receive(port, &messages_in, 0));
    IS(harness_type(messages_in.head.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);
    OK(mach_port_deallocate(harness_self, messages_in.head.msgh_remote_port));
    IS(harness_next_id(reply), MACH_NOTIFY_SEND_ONCE);
    harness_destroy(reply);
    harness_destroy(port);
}

/* One name for destination and reply: both rights come out of one entry. */
static void messages_to_and_from_one_port(void)
{
    mach_port_t port = harness_port_with_send();

    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 0);
    OK(harness_send_message(&messages_out, 0, 0));
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.head.msgh_local_port, port);
    OK(harness_send(messages_in.head.msgh_remote_port, MACH_MSG_TYPE_MOVE_SEND_ONCE, 5));
    IS(harness_next_id(port), 5);

    /* The last user reference of a send right cannot go twice. */
    harness_compose(&messages_out, port, MACH_MSG_TYPE_MOVE_SEND, port, MACH_MSG_TYPE_MOVE_SEND, 0);
    CHECK(harness_send_message(&messages_out, 0, 0) != MACH_MSG_SUCCESS);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 1));
    OK(harness_send_message(&messages_out, 0, 0));
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 0);
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.head.msgh_remote_port, port);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1);

    /* Moving it and copying it is possible with one. */
    harness_compose(&messages_out, port, MACH_MSG_TYPE_MOVE_SEND, port, MACH_MSG_TYPE_COPY_SEND, 0);
    OK(harness_send_message(&messages_out, 0, 0));
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 0);
    OK(harness_receive(port, &messages_in, 0));
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1);
    harness_destroy(port);
}

static void messages_dead_reply_ports(void)
{
    mach_port_t port = harness_port_with_send();
    mach_port_t dead = harness_port_with_send();

    OK(mach_port_mod_refs(harness_self, dead, MACH_PORT_RIGHT_RECEIVE, -1));
    IS(harness_type(dead), MACH_PORT_TYPE_DEAD_NAME);
    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, dead, MACH_MSG_TYPE_COPY_SEND, 0);
    OK(harness_send_message(&messages_out, 0, 0));
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.head.msgh_remote_port, MACH_PORT_DEAD);

    /* The port dies while the message waits. */
    harness_destroy(dead);
    dead = harness_port_with_send();
    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, dead, MACH_MSG_TYPE_MAKE_SEND, 0);
    OK(harness_send_message(&messages_out, 0, 0));
    harness_destroy(dead);
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.head.msgh_remote_port, MACH_PORT_DEAD);
    harness_destroy(port);
}

static void messages_simple_bodies_are_not_read(void)
{
    mach_port_t port = harness_port_with_send();

    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 2);
    messages_out.body[0] = harness_type_word(harness_type_inline(MACH_MSG_TYPE_MOVE_RECEIVE, 32, 100));
    messages_out.body[1] = port;
    OK(harness_send_message(&messages_out, 0, 0));
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.body[0], messages_out.body[0]);
    IS(messages_in.body[1], port);
    IS(harness_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
    harness_destroy(port);
}

/* The size is the call's argument; the header's field is the receiver's. */
static void messages_size_is_the_arguments(void)
{
    mach_port_t port = harness_port_with_send();

    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 4);
    messages_out.head.msgh_size = 0x12345678;
    OK(mach_msg(&messages_out.head, MACH_SEND_MSG, sizeof(messages_out.head) + 8, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.head.msgh_size, sizeof(messages_in.head) + 8);
    harness_destroy(port);
}

static void messages_large_bodies(void)
{
    const vm_size_t sizes[] = {24, 28, 100, 128, 252, 256, 260, 1000, 4072, 4096, 4100, 8192, 65536};
    mach_port_t port = harness_port_with_send();
    vm_address_t out = harness_allocate(65536 + PAGE), in = harness_allocate(65536 + PAGE);

    for (unsigned int i = 0; i < ARRAY_LENGTH(sizes); i++) {
        mach_msg_header_t *head = (mach_msg_header_t *)out, *got = (mach_msg_header_t *)in;
        vm_size_t size = sizes[i], body = size - sizeof(*head);

        harness_fill(out + sizeof(*head), body, i);
        memset((void *)in, 0, size + 4);
        *head = *harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 0);
        OK(mach_msg(head, MACH_SEND_MSG, size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
        OK(mach_msg(got, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, size, port, 0, MACH_PORT_NULL));
        IS(got->msgh_size, size);
        CHECK(harness_filled(in + sizeof(*head), body, i));
        CHECK(harness_zero(in + size, 4));
    }
    harness_free(out, 65536 + PAGE);
    harness_free(in, 65536 + PAGE);
    harness_destroy(port);
}

static void messages_nothing_asked(void)
{
    harness_compose(&messages_out, BAD_NAME, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 0);
    OK(mach_msg(&messages_out.head, 0, sizeof(messages_out.head), 0, BAD_NAME, 0, BAD_NAME));
    OK(mach_msg(NULL, 0, 0, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
}

/* ---- order ---- */

static void messages_keep_their_order(void)
{
    mach_port_t port = harness_port_with_send();

    OK(mach_port_set_qlimit(harness_self, port, MACH_PORT_QLIMIT_MAX));
    for (unsigned int i = 0; i < MACH_PORT_QLIMIT_MAX; i++)
        OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 100 + i));
    IS(harness_status(port).mps_msgcount, MACH_PORT_QLIMIT_MAX);
    for (unsigned int i = 0; i < MACH_PORT_QLIMIT_MAX; i++) {
        OK(harness_receive(port, &messages_in, 0));
        IS(messages_in.head.msgh_id, 100 + i);
        IS(messages_in.head.msgh_seqno, i);
    }
    IS(harness_receive(port, &messages_in, 0), MACH_RCV_TIMED_OUT);
    harness_destroy(port);
}

static void messages_sequence_numbers_can_be_set(void)
{
    mach_port_t port = harness_port_with_send();

    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1));
    OK(mach_port_set_seqno(harness_self, port, 0xffffffff));
    IS(harness_status(port).mps_seqno, 0xffffffff);
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 2));
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.head.msgh_seqno, 0xffffffff);
    OK(harness_receive(port, &messages_in, 0));
    IS(messages_in.head.msgh_seqno, 0);
    IS(harness_status(port).mps_seqno, 1);
    harness_destroy(port);
}

static void messages_sets_keep_the_order_of_arrival(void)
{
    mach_port_t set = harness_set(), port[3];
    const unsigned int order[] = {2, 0, 0, 1, 2, 1, 0, 1, 2, 2};

    for (unsigned int i = 0; i < 3; i++) {
        port[i] = harness_port_with_send();
        OK(mach_port_move_member(harness_self, port[i], set));
    }
    for (unsigned int i = 0; i < ARRAY_LENGTH(order); i++)
        OK(harness_send(port[order[i]], MACH_MSG_TYPE_COPY_SEND, i));
    for (unsigned int i = 0; i < ARRAY_LENGTH(order); i++) {
        OK(harness_receive(set, &messages_in, 0));
        IS(messages_in.head.msgh_id, i);
        IS(messages_in.head.msgh_local_port, port[order[i]]);
    }
    IS(messages_in.head.msgh_seqno, 3); /* the fourth of port[2]: each port counts its own */
    IS(harness_receive(set, &messages_in, 0), MACH_RCV_TIMED_OUT);
    for (unsigned int i = 0; i < 3; i++)
        harness_destroy(port[i]);
    harness_destroy(set);
}

/* Messages that wait when a port joins a set are found there, and go away with it. */
static void messages_move_with_their_port(void)
{
    mach_port_t set = harness_set(), port = harness_port_with_send();

    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1));
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 2));
    OK(mach_port_move_member(harness_self, port, set));
    IS(harness_receive(port, &messages_in, 0), MACH_RCV_IN_SET);
    IS(harness_next_id(set), 1);
    OK(mach_port_move_member(harness_self, port, MACH_PORT_NULL));
    IS(harness_next_id(set), -1);
    IS(harness_next_id(port), 2);
    harness_destroy(port);
    harness_destroy(set);
}

/* ---- waiting ---- */

struct messages_call {
    mach_port_t port;
    mach_msg_option_t option;
    mach_msg_id_t id;
    mach_msg_timeout_t timeout;
    struct harness_message message;
    mach_msg_return_t result;
    volatile int done;
};

static void messages_receiver(void *argument)
{
    struct messages_call *call = argument;

    call->result = mach_msg(&call->message.head, MACH_RCV_MSG | call->option, 0, sizeof(call->message), call->port,
                            call->timeout, MACH_PORT_NULL);
    call->done = 1;
}

static void messages_sender(void *argument)
{
    struct messages_call *call = argument;

    call->message.head = (mach_msg_header_t){
        .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
        .msgh_size = sizeof(call->message.head),
        .msgh_remote_port = call->port,
        .msgh_id = call->id,
    };
    call->result = mach_msg(&call->message.head, MACH_SEND_MSG | call->option, sizeof(call->message.head), 0, MACH_PORT_NULL,
                            call->timeout, MACH_PORT_NULL);
    call->done = 1;
}

static struct messages_call messages_calls[4];

/* Starts a thread that must block. */
static thread_t messages_block(harness_function *function, struct messages_call *call, mach_port_t port)
{
    thread_t thread;

    memset(call, 0, sizeof(*call));
    call->port = port;
    thread = harness_start(function, call);
    CHECK(harness_wait_until_blocked(thread));
    IS(call->done, 0);
    return thread;
}

/* The thread comes back with result. */
static void messages_unblock(thread_t thread, struct messages_call *call, mach_msg_return_t result)
{
    if (CHECK(harness_wait(&call->done)))
        IS(call->result, result);
    harness_end(thread);
}

static void messages_wake_a_receiver(void)
{
    mach_port_t port = harness_port_with_send();
    thread_t thread = messages_block(messages_receiver, &messages_calls[0], port);

    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 33));
    messages_unblock(thread, &messages_calls[0], MACH_MSG_SUCCESS);
    IS(messages_calls[0].message.head.msgh_id, 33);
    IS(messages_calls[0].message.head.msgh_seqno, 0);
    harness_destroy(port);
}

static void messages_wake_a_receiver_of_a_set(void)
{
    mach_port_t set = harness_set(), port = harness_port_with_send();
    thread_t thread;

    OK(mach_port_move_member(harness_self, port, set));
    thread = messages_block(messages_receiver, &messages_calls[0], set);
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 34));
    messages_unblock(thread, &messages_calls[0], MACH_MSG_SUCCESS);
    IS(messages_calls[0].message.head.msgh_local_port, port);
    harness_destroy(port);
    harness_destroy(set);
}

/* A port that joins a set with messages wakes who waits there. */
static void messages_joining_wakes_the_set(void)
{
    mach_port_t set = harness_set(), port = harness_port_with_send();
    thread_t thread = messages_block(messages_receiver, &messages_calls[0], set);

    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 35));
    OK(mach_port_move_member(harness_self, port, set));
    messages_unblock(thread, &messages_calls[0], MACH_MSG_SUCCESS);
    IS(messages_calls[0].message.head.msgh_id, 35);
    harness_destroy(port);
    harness_destroy(set);
}

static void messages_receivers_are_served_in_turn(void)
{
    mach_port_t port = harness_port_with_send();
    thread_t threads[3];

    for (unsigned int i = 0; i < 3; i++)
        threads[i] = messages_block(messages_receiver, &messages_calls[i], port);
    for (unsigned int i = 0; i < 3; i++)
        OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 50 + i));
    for (unsigned int i = 0; i < 3; i++) {
        messages_unblock(threads[i], &messages_calls[i], MACH_MSG_SUCCESS);
        IS(messages_calls[i].message.head.msgh_id, 50 + i);
    }
    harness_destroy(port);
}

static void messages_receiver_sees_its_port_die(void)
{
    mach_port_t port = harness_port();
    thread_t thread = messages_block(messages_receiver, &messages_calls[0], port);

    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, -1));
    messages_unblock(thread, &messages_calls[0], MACH_RCV_PORT_DIED);
}

static void messages_receiver_sees_its_set_die(void)
{
    mach_port_t set = harness_set();
    thread_t thread = messages_block(messages_receiver, &messages_calls[0], set);

    OK(mach_port_mod_refs(harness_self, set, MACH_PORT_RIGHT_PORT_SET, -1));
    messages_unblock(thread, &messages_calls[0], MACH_RCV_PORT_DIED);
}

static void messages_receiver_sees_its_port_join_a_set(void)
{
    mach_port_t set = harness_set(), port = harness_port();
    thread_t thread = messages_block(messages_receiver, &messages_calls[0], port);

    OK(mach_port_move_member(harness_self, port, set));
    messages_unblock(thread, &messages_calls[0], MACH_RCV_PORT_CHANGED);
    harness_destroy(port);
    harness_destroy(set);
}

static void messages_receiver_sees_its_port_leave(void)
{
    mach_port_t port = harness_port(), carrier = harness_port_with_send();
    thread_t thread = messages_block(messages_receiver, &messages_calls[0], port);

    harness_compose(&messages_out, carrier, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 2);
    messages_out.head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
    messages_out.body[0] = harness_type_word(harness_type_inline(MACH_MSG_TYPE_MOVE_RECEIVE, 32, 1));
    messages_out.body[1] = port;
    OK(harness_send_message(&messages_out, 0, 0));
    messages_unblock(thread, &messages_calls[0], MACH_RCV_PORT_DIED);
    harness_destroy(carrier);
}

static void messages_abort_interrupts_a_receiver(void)
{
    mach_port_t port = harness_port_with_send();
    thread_t thread = messages_block(messages_receiver, &messages_calls[0], port);

    OK(thread_abort(thread));
    messages_unblock(thread, &messages_calls[0], MACH_RCV_INTERRUPTED);
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 3));
    IS(harness_next_id(port), 3);
    harness_destroy(port);
}

static void messages_receive_times_out(void)
{
    mach_port_t port = harness_port();
    time_value_t before, after;
    integer_t elapsed;

    OK(host_get_time(mach_host_self(), &before));
    IS(harness_receive(port, &messages_in, 200), MACH_RCV_TIMED_OUT);
    OK(host_get_time(mach_host_self(), &after));
    elapsed = (after.seconds - before.seconds) * 1000000 + after.microseconds - before.microseconds;
    CHECK(elapsed >= 180000); /* the clock ticks every 10 ms: one is lost at either end */
    CHECK(elapsed < 1000000);
    harness_destroy(port);
}

static void messages_times_out_only_when_asked(void)
{
    mach_port_t port = harness_port_with_send();
    thread_t thread;

    memset(&messages_calls[0], 0, sizeof(messages_calls[0]));
    messages_calls[0].port = port;
    messages_calls[0].timeout = 1; /* without MACH_RCV_TIMEOUT */
    thread = harness_start(messages_receiver, &messages_calls[0]);
    harness_sleep(100);
    IS(messages_calls[0].done, 0);
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1));
    messages_unblock(thread, &messages_calls[0], MACH_MSG_SUCCESS);
    harness_destroy(port);
}

/* ---- queues that are full ---- */

static void messages_fill_queue(mach_port_t port, unsigned int limit)
{
    OK(mach_port_set_qlimit(harness_self, port, limit));
    for (unsigned int i = 0; i < limit; i++)
        OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1000 + i));
}

static void messages_queue_is_limited(void)
{
    mach_port_t port = harness_port_with_send();

    IS(harness_status(port).mps_qlimit, MACH_PORT_QLIMIT_DEFAULT);
    messages_fill_queue(port, MACH_PORT_QLIMIT_DEFAULT);
    IS(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 9), MACH_SEND_TIMED_OUT);
    IS(harness_status(port).mps_msgcount, MACH_PORT_QLIMIT_DEFAULT);
    IS(harness_next_id(port), 1000);
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 9));
    harness_destroy(port);
}

/* Send-once rights are a promise that the message will be taken. */
static void messages_send_once_ignores_the_limit(void)
{
    mach_port_t port = harness_port_with_send();

    messages_fill_queue(port, 1);
    IS(harness_send(port, MACH_MSG_TYPE_MAKE_SEND, 9), MACH_SEND_TIMED_OUT);
    OK(harness_send(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 9));
    IS(harness_status(port).mps_msgcount, 2);
    IS(harness_next_id(port), 1000);
    IS(harness_next_id(port), 9);
    harness_destroy(port);
}

static void messages_blocked_senders_take_turns(void)
{
    mach_port_t port = harness_port_with_send();
    thread_t threads[3];

    messages_fill_queue(port, 1);
    for (unsigned int i = 0; i < 3; i++) {
        memset(&messages_calls[i], 0, sizeof(messages_calls[i]));
        messages_calls[i].port = port;
        messages_calls[i].id = 60 + i;
        threads[i] = harness_start(messages_sender, &messages_calls[i]);
        CHECK(harness_wait_until_blocked(threads[i]));
    }
    IS(harness_next_id(port), 1000);
    for (unsigned int i = 0; i < 3; i++) {
        messages_unblock(threads[i], &messages_calls[i], MACH_MSG_SUCCESS);
        OK(harness_receive(port, &messages_in, 1000));
        IS(messages_in.head.msgh_id, 60 + i);
    }
    harness_destroy(port);
}

static void messages_higher_limit_lets_senders_in(void)
{
    mach_port_t port = harness_port_with_send();
    thread_t thread;

    messages_fill_queue(port, 1);
    thread = messages_block(messages_sender, &messages_calls[0], port);
    OK(mach_port_set_qlimit(harness_self, port, 2));
    messages_unblock(thread, &messages_calls[0], MACH_MSG_SUCCESS);
    IS(harness_status(port).mps_msgcount, 2);
    harness_destroy(port);
}

/* A sender cannot know whether its message was received: one that the port's death destroys counts as sent. */
static void messages_blocked_sender_and_dying_port(void)
{
    mach_port_t port = harness_port_with_send();
    thread_t thread;

    messages_fill_queue(port, 1);
    thread = messages_block(messages_sender, &messages_calls[0], port);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, -1));
    messages_unblock(thread, &messages_calls[0], MACH_MSG_SUCCESS);
    IS(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1), MACH_SEND_INVALID_DEST);
    harness_destroy(port);
}

static void messages_abort_interrupts_a_sender(void)
{
    mach_port_t port = harness_port_with_send();
    thread_t thread;

    messages_fill_queue(port, 1);
    thread = messages_block(messages_sender, &messages_calls[0], port);
    OK(thread_abort(thread));
    messages_unblock(thread, &messages_calls[0], MACH_SEND_INTERRUPTED);
    IS(messages_calls[0].message.head.msgh_remote_port, port);
    IS(harness_next_id(port), 1000);
    IS(harness_next_id(port), -1);
    harness_destroy(port);
}

/*
 * A message that cannot be sent in time is received by its sender: rights are as they would have arrived, under the sender's
 * names, and memory is at a new place.
 */
static void messages_come_back_after_a_time_out(void)
{
    mach_port_t port = harness_port_with_send(), gift = harness_port_with_send(), reply = harness_port();
    vm_address_t memory = harness_allocate(PAGE);
    unsigned int nr_names = harness_nr_names();

    harness_fill(memory, PAGE, 1);
    messages_fill_queue(port, 1);
    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 4);
    messages_out.head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
    messages_out.body[0] = harness_type_word(harness_type_inline(MACH_MSG_TYPE_MOVE_SEND, 32, 1));
    messages_out.body[1] = gift;
    messages_out.body[2] = harness_type_word(harness_type_outside(MACH_MSG_TYPE_BYTE, 8, 2048, FALSE));
    messages_out.body[3] = memory;
    IS(harness_send_message(&messages_out, MACH_SEND_TIMEOUT, 10), MACH_SEND_TIMED_OUT);
    IS(messages_out.head.msgh_bits, MACH_MSGH_BITS_COMPLEX |
                                        MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND_ONCE));
    IS(messages_out.head.msgh_remote_port, port);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 2); /* the copy came back beside the original */
    CHECK(messages_out.head.msgh_local_port != reply);
    IS(harness_type(messages_out.head.msgh_local_port), MACH_PORT_TYPE_SEND_ONCE);
    IS(harness_word_type(messages_out.body[0]).msgt_name, MACH_MSG_TYPE_PORT_SEND);
    IS(messages_out.body[1], gift);
    IS(harness_refs(gift, MACH_PORT_RIGHT_SEND), 1);
    CHECK(messages_out.body[3] != memory);
    CHECK(harness_filled(messages_out.body[3], 2048, 1));
    CHECK(harness_filled(memory, PAGE, 1));
    IS(harness_nr_names(), nr_names + 1);
    harness_free(messages_out.body[3], 2048);
    harness_free(memory, PAGE);
    harness_destroy(messages_out.head.msgh_local_port);
    harness_destroy(port);
    harness_destroy(gift);
    harness_destroy(reply);
}

/* The call that both sends and receives does not receive what it could not send. */
static void messages_failing_send_receives_nothing(void)
{
    mach_port_t port = harness_port_with_send(), other = harness_port_with_send();

    messages_fill_queue(port, 1);
    OK(harness_send(other, MACH_MSG_TYPE_COPY_SEND, 71));
    harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 0);
    IS(mach_msg(&messages_out.head, MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT, sizeof(messages_out.head),
                sizeof(messages_out), other, 0, MACH_PORT_NULL),
       MACH_SEND_TIMED_OUT);
    harness_compose(&messages_out, BAD_NAME, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 0);
    IS(mach_msg(&messages_out.head, MACH_SEND_MSG | MACH_RCV_MSG, sizeof(messages_out.head), sizeof(messages_out), other, 0,
                MACH_PORT_NULL),
       MACH_SEND_INVALID_DEST);
    IS(harness_status(other).mps_msgcount, 1);
    harness_destroy(port);
    harness_destroy(other);
}

/* ---- a client and a server ---- */

static void messages_server(void *argument)
{
    struct messages_call *call = argument;
    mach_msg_header_t *head = &call->message.head;
    mach_msg_option_t option = MACH_RCV_MSG;

    for (;;) {
        call->result = mach_msg(head, option, sizeof(*head) + 4, sizeof(call->message), call->port, 0, MACH_PORT_NULL);
        if (call->result != MACH_MSG_SUCCESS)
            break;
        head->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(head->msgh_bits), 0);
        head->msgh_local_port = MACH_PORT_NULL;
        head->msgh_id += 100;
        call->message.body[0] += 1;
        option = MACH_SEND_MSG | MACH_RCV_MSG;
    }
    call->done = 1;
}

static void messages_round_trips(void)
{
    mach_port_t port = harness_port_with_send(), reply = harness_port();
    struct messages_call *call = &messages_calls[0];
    unsigned int nr_names, good = 0;
    thread_t server;

    memset(call, 0, sizeof(*call));
    call->port = port;
    server = harness_start(messages_server, call);
    nr_names = harness_nr_names();
    for (unsigned int i = 0; i < 1000; i++) {
        harness_compose(&messages_out, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE, 1);
        messages_out.head.msgh_id = i;
        messages_out.body[0] = i * 3;
        good += mach_msg(&messages_out.head, MACH_SEND_MSG | MACH_RCV_MSG, sizeof(messages_out.head) + 4,
                         sizeof(messages_out), reply, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS &&
                messages_out.head.msgh_id == (mach_msg_id_t)(i + 100) && messages_out.body[0] == i * 3 + 1 &&
                messages_out.head.msgh_seqno == i && messages_out.head.msgh_local_port == reply;
    }
    IS(good, 1000);
    IS(harness_nr_names(), nr_names);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, -1));
    messages_unblock(server, call, MACH_RCV_PORT_DIED);
    harness_destroy(port);
    harness_destroy(reply);
}

const struct harness_test harness_tests[] = {
    {"a message arrives as it was sent", messages_arrive_as_sent, NULL},
    {"each way to name a destination takes its right, and the receiver sees which", messages_destinations, NULL},
    {"a send-once right sends one message and is gone", messages_to_send_once, NULL},
    {"the last send right can go with the message that it sends", messages_last_send_right_moves, NULL},
    {"each way to give a reply port gives that right", messages_reply_ports, NULL},
    {"one name can be destination and reply port when it has the rights for both", messages_to_and_from_one_port, NULL},
    {"a dead reply port arrives as a dead name", messages_dead_reply_ports, NULL},
    {"the kernel does not look into a simple message's body", messages_simple_bodies_are_not_read, NULL},
    {"a message is as long as the call says, whatever its header says", messages_size_is_the_arguments, NULL},
    {"bodies of all sizes up to 64 KiB arrive whole", messages_large_bodies, NULL},
    {"mach_msg without send and receive does nothing", messages_nothing_asked, NULL},
    {"a port's messages arrive in order and are numbered from 0", messages_keep_their_order, NULL},
    {"a port's sequence numbers go on from the one that is set, and wrap around",
     messages_sequence_numbers_can_be_set, NULL},
    {"a set's messages arrive in the order in which they were sent to its ports",
     messages_sets_keep_the_order_of_arrival, NULL},
    {"messages move with their port into a set and out of it", messages_move_with_their_port, NULL},
    {"a message wakes a waiting receiver", messages_wake_a_receiver, NULL},
    {"a message wakes a waiting receiver of a set", messages_wake_a_receiver_of_a_set, NULL},
    {"a port that joins a set with messages wakes the set's receiver", messages_joining_wakes_the_set, NULL},
    {"receivers that wait are served in turn", messages_receivers_are_served_in_turn,
     "the last that came is served first"},
    {"a receiver is told that its port died", messages_receiver_sees_its_port_die, NULL},
    {"a receiver is told that its set died", messages_receiver_sees_its_set_die, NULL},
    {"a receiver is told that its port joined a set", messages_receiver_sees_its_port_join_a_set, NULL},
    {"a receiver is told that its port was sent away", messages_receiver_sees_its_port_leave, NULL},
    {"thread_abort interrupts a receiver and loses no message", messages_abort_interrupts_a_receiver, NULL},
    {"a receive times out after its time", messages_receive_times_out, NULL},
    {"a time without its option is none", messages_times_out_only_when_asked, NULL},
    {"a full queue takes no message", messages_queue_is_limited, NULL},
    {"a send-once right's message is taken by a full queue", messages_send_once_ignores_the_limit, NULL},
    {"senders that wait for a full queue are served in turn", messages_blocked_senders_take_turns,
     "the last that came is served first"},
    {"a higher queue limit lets a waiting sender in", messages_higher_limit_lets_senders_in, NULL},
    {"a waiting sender succeeds when its port dies", messages_blocked_sender_and_dying_port, NULL},
    {"thread_abort interrupts a sender, and its message is not sent", messages_abort_interrupts_a_sender, NULL},
    {"a message that times out comes back to its sender with its rights and memory",
     messages_come_back_after_a_time_out, NULL},
    {"a call whose send fails receives nothing", messages_failing_send_receives_nothing, NULL},
    {"a thousand round trips between two threads leave nothing behind", messages_round_trips, NULL},
    {NULL, NULL, NULL},
};
