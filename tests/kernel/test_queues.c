/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues that are full or empty: who waits, what ends the wait, and what becomes of the message. The test's thread and peers
 * of it, which are threads of the same task, act as users.
 */
#include <mach/notify.h>

#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/thread_life.h"
#include "mig/mach_port_server.h"
#include "tests/kernel/test_user.h"

#define TEST_NO_NAME 4242u
#define TEST_COPY MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)

/* A port that takes one message, with one queued: its id is 1. */
static mach_port_name_t test_queues_full(void)
{
    mach_port_name_t port = test_user_port_with_send();

    CHECK_EQUAL(mach_port_set_qlimit(test_user_space, port, 1), KERN_SUCCESS);
    CHECK_EQUAL(test_user_send_id(port, 1, 0), MACH_MSG_SUCCESS);
    return port;
}

/* A peer that sends a header with this id. */
static void test_queues_sender(struct test_user_peer *peer, mach_port_name_t to, mach_msg_id_t id, mach_msg_option_t more,
                               mach_msg_timeout_t timeout)
{
    mach_msg_header_t header = {.msgh_bits = TEST_COPY, .msgh_remote_port = to, .msgh_id = id};

    test_user_put(TEST_USER_PAGE(2), &header, sizeof(header));
    *peer = (struct test_user_peer){.call = {.address = TEST_USER_PAGE(2), .option = MACH_SEND_MSG | more,
                                             .send_size = sizeof(header), .timeout = timeout}};
    test_user_peer_start(peer);
}

/* A peer that waits for a message. */
static void test_queues_receiver(struct test_user_peer *peer, mach_port_name_t from, mach_msg_size_t size,
                                 mach_msg_option_t more, mach_msg_timeout_t timeout)
{
    *peer = (struct test_user_peer){.call = {.address = TEST_USER_PAGE(3), .option = MACH_RCV_MSG | more,
                                             .receive_size = size, .receive_name = from, .timeout = timeout}};
    test_user_peer_start(peer);
    CHECK(!peer->done);
}

/* ---- full ---- */

static void test_queues_a_sender_waits_for_a_place(void)
{
    struct test_user_peer peer;

    test_user_begin();
    mach_port_name_t port = test_queues_full();
    test_queues_sender(&peer, port, 2, 0, 0);
    CHECK(!peer.done);
    CHECK_EQUAL(test_user_queued(port), 1);
    CHECK_EQUAL(test_user_next_id(port), 1);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_MSG_SUCCESS);
    test_queues_sender(&peer, port, 3, 0, 0);
    CHECK(!peer.done);
    CHECK_EQUAL(mach_port_set_qlimit(test_user_space, port, 2), KERN_SUCCESS); /* as good as a place */
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_next_id(port), 2);
    CHECK_EQUAL(test_user_next_id(port), 3);
    test_user_end();
}

/* The place that a sender was given is free again when a receiver takes the message off its hands. */
static void test_queues_a_place_given_and_not_needed(void)
{
    struct test_user_peer sender, receiver;

    test_user_begin();
    mach_port_name_t port = test_queues_full();
    test_queues_sender(&sender, port, 2, 0, 0);
    CHECK(!sender.done);
    CHECK_EQUAL(test_user_next_id(port), 1); /* the sender has its place, and has not run yet */
    CHECK_EQUAL(test_user_queued(port), 1);
    CHECK_EQUAL(test_user_next_id(port), 0);
    receiver = (struct test_user_peer){.call = {.address = TEST_USER_PAGE(3), .option = MACH_RCV_MSG, .receive_size = 100,
                                                .receive_name = port}};
    test_user_peer_start(&receiver);
    CHECK_EQUAL(test_user_peer_end(&sender), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_peer_end(&receiver), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_queued(port), 0);
    test_user_end();
}

static void test_queues_a_wait_for_a_place_ends(void)
{
    struct test_user_peer peer;
    mach_msg_header_t header;

    test_user_begin();
    mach_port_name_t port = test_queues_full();
    CHECK_EQUAL(test_user_send_id(port, 2, MACH_SEND_TIMEOUT), MACH_SEND_TIMED_OUT);
    test_queues_sender(&peer, port, 2, MACH_SEND_TIMEOUT, 30);
    CHECK(!peer.done);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_SEND_TIMED_OUT);
    test_user_get(TEST_USER_PAGE(2), &header, sizeof(header));
    CHECK_EQUAL(header.msgh_remote_port, port); /* as if it had been received */
    CHECK_EQUAL(MACH_MSGH_BITS_REMOTE(header.msgh_bits), MACH_MSG_TYPE_PORT_SEND);
    CHECK_EQUAL(test_user_refs(port, MACH_PORT_RIGHT_SEND), 3); /* its own, and those of two messages */

    test_queues_sender(&peer, port, 2, 0, 0);
    thread_abort_mark(peer.thread);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_SEND_INTERRUPTED);
    CHECK_EQUAL(test_user_queued(port), 1);

    test_queues_sender(&peer, port, 2, 0, 0);
    CHECK_EQUAL(mach_port_mod_refs(test_user_space, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_MSG_SUCCESS); /* sent, to nobody */
    test_user_end();
}

static void test_queues_what_is_not_sent_comes_back(void)
{
    test_user_begin();
    mach_port_name_t port = test_queues_full(), reply = test_user_port(), once;
    struct test_user_mail mail = {
        .header = {.msgh_bits = MACH_MSGH_BITS_COMPLEX |
                                MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
                   .msgh_remote_port = port, .msgh_local_port = reply},
        .words = {0x00010000u | 8u << 8 | MACH_MSG_TYPE_BYTE, TEST_USER_PAGE(5),
                  0x10010000u | 32u << 8 | MACH_MSG_TYPE_MAKE_SEND, reply},
    };
    uint8_t byte = 77, came = 0;

    test_user_put(TEST_USER_PAGE(5), &byte, 1);
    CHECK_EQUAL(test_user_send(&mail, 4, MACH_SEND_TIMEOUT, 0, 0), MACH_SEND_TIMED_OUT);
    CHECK_EQUAL(mail.header.msgh_remote_port, port);
    once = mail.header.msgh_local_port;
    CHECK_EQUAL(test_user_type(once), MACH_PORT_TYPE_SEND_ONCE);
    CHECK(mail.words[1] != TEST_USER_PAGE(5));
    test_user_get(mail.words[1], &came, 1);
    CHECK_EQUAL(came, byte);
    CHECK_EQUAL(mail.words[3], reply);
    CHECK_EQUAL(test_user_type(reply), MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_SEND);
    test_user_end();
}

static void test_queues_acceptance_is_told(void)
{
    struct test_user_mail mail;
    const mach_msg_option_t notify = MACH_SEND_NOTIFY;

    test_user_begin();
    mach_port_name_t port = test_queues_full(), told = test_user_port();
    mail = (struct test_user_mail){.header = {.msgh_bits = TEST_COPY, .msgh_remote_port = port, .msgh_id = 2}};
    CHECK_EQUAL(test_user_send(&mail, 0, notify, 0, TEST_NO_NAME), MACH_SEND_INVALID_NOTIFY);
    CHECK_EQUAL(test_user_send(&mail, 0, notify, 0, MACH_PORT_NULL), MACH_SEND_INVALID_NOTIFY);
    mail.header.msgh_bits = TEST_COPY; /* it came back, as received */
    CHECK_EQUAL(test_user_send(&mail, 0, notify, 0, told), MACH_SEND_WILL_NOTIFY);
    CHECK_EQUAL(test_user_queued(port), 2);
    CHECK_EQUAL(test_user_type(port), MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_MAREQUEST);
    mail.header.msgh_bits = TEST_COPY;
    CHECK_EQUAL(test_user_send(&mail, 0, notify | MACH_SEND_TIMEOUT, 10, told), MACH_SEND_NOTIFY_IN_PROGRESS);
    CHECK_EQUAL(test_user_next_id(told), 0);
    CHECK_EQUAL(test_user_next_id(port), 1);
    CHECK_EQUAL(test_user_next_id(told), 0);
    CHECK_EQUAL(test_user_next_id(port), 2);
    CHECK_EQUAL(test_user_receive(told, &mail), MACH_MSG_SUCCESS);
    CHECK_EQUAL(mail.header.msgh_id, MACH_NOTIFY_MSG_ACCEPTED);
    CHECK_EQUAL(mail.words[1], port);

    /* With room it is an ordinary send; a message that is destroyed was accepted too; the name may have changed, or gone. */
    mail = (struct test_user_mail){.header = {.msgh_bits = TEST_COPY, .msgh_remote_port = port, .msgh_id = 3}};
    CHECK_EQUAL(test_user_send(&mail, 0, notify, 0, told), MACH_MSG_SUCCESS);
    mail.header.msgh_bits = TEST_COPY;
    CHECK_EQUAL(test_user_send(&mail, 0, notify, 0, told), MACH_SEND_WILL_NOTIFY);
    CHECK_EQUAL(mach_port_rename(test_user_space, port, 777), KERN_SUCCESS);
    CHECK_EQUAL(test_user_next_id(777), 3);
    CHECK_EQUAL(test_user_next_id(777), 3);
    CHECK_EQUAL(test_user_receive(told, &mail), MACH_MSG_SUCCESS);
    CHECK_EQUAL(mail.words[1], 777);
    mail = (struct test_user_mail){.header = {.msgh_bits = TEST_COPY, .msgh_remote_port = 777, .msgh_id = 4}};
    CHECK_EQUAL(test_user_send(&mail, 0, notify, 0, told), MACH_MSG_SUCCESS);
    mail.header.msgh_bits = TEST_COPY;
    CHECK_EQUAL(test_user_send(&mail, 0, notify, 0, told), MACH_SEND_WILL_NOTIFY);
    CHECK_EQUAL(mach_port_destroy(test_user_space, 777), KERN_SUCCESS);
    thread_delay(50); /* the reaper destroys the queue */
    CHECK_EQUAL(test_user_receive(told, &mail), MACH_MSG_SUCCESS);
    CHECK_EQUAL(mail.header.msgh_id, MACH_NOTIFY_MSG_ACCEPTED);
    CHECK_EQUAL(mail.words[1], MACH_PORT_NULL);
    test_user_end();
}

/* ---- empty ---- */

static void test_queues_a_receiver_waits(void)
{
    struct test_user_peer peer;
    mach_msg_header_t header;

    test_user_begin();
    mach_port_name_t port = test_user_port_with_send();
    test_queues_receiver(&peer, port, 100, MACH_RCV_TIMEOUT, 2000);
    CHECK_EQUAL(test_user_send_id(port, 6, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_MSG_SUCCESS);
    test_user_get(TEST_USER_PAGE(3), &header, sizeof(header));
    CHECK_EQUAL(header.msgh_id, 6);

    test_queues_receiver(&peer, port, 100, MACH_RCV_TIMEOUT, 30);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_RCV_TIMED_OUT);
    test_queues_receiver(&peer, port, 100, 0, 0);
    thread_abort_mark(peer.thread);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_RCV_INTERRUPTED);
    test_queues_receiver(&peer, port, 100, 0, 0);
    CHECK_EQUAL(mach_port_destroy(test_user_space, port), KERN_SUCCESS);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_RCV_PORT_DIED);
    test_user_end();
}

static void test_queues_a_receiver_without_room(void)
{
    struct test_user_peer peer;
    mach_msg_header_t header;
    struct test_user_mail mail = {.header = {.msgh_bits = TEST_COPY}}, got;

    test_user_begin();
    mach_port_name_t port = mail.header.msgh_remote_port = test_user_port_with_send();
    /* Who asks for the size is told, and the message stays; for the next one too, who has room. */
    test_queues_receiver(&peer, port, 30, MACH_RCV_LARGE, 0);
    CHECK_EQUAL(test_user_send(&mail, 3, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_RCV_TOO_LARGE);
    test_user_get(TEST_USER_PAGE(3), &header, sizeof(header));
    CHECK_EQUAL(header.msgh_size, sizeof(header) + 12);
    CHECK_EQUAL(test_user_queued(port), 1);
    peer.call.option = MACH_RCV_MSG;
    CHECK_EQUAL(test_user_call(&peer.call), MACH_RCV_TOO_LARGE); /* and is lost to who does not */
    CHECK_EQUAL(test_user_queued(port), 0);

    test_queues_receiver(&peer, port, 30, 0, 0);
    CHECK_EQUAL(test_user_send(&mail, 3, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_RCV_TOO_LARGE);
    test_user_get(TEST_USER_PAGE(3), &header, sizeof(header));
    CHECK_EQUAL(header.msgh_local_port, port);
    CHECK_EQUAL(test_user_receive(port, &got), MACH_RCV_TIMED_OUT);
    test_user_end();
}

static void test_queues_names_to_receive_from(void)
{
    struct test_user_peer peer;
    struct test_user_mail mail;
    mach_port_name_t set = MACH_PORT_NULL;

    test_user_begin();
    mach_port_name_t port = test_user_port_with_send();
    CHECK_EQUAL(mach_port_allocate(test_user_space, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
    CHECK_EQUAL(test_user_receive(TEST_NO_NAME, &mail), MACH_RCV_INVALID_NAME);
    CHECK_EQUAL(test_user_receive(MACH_PORT_DEAD, &mail), MACH_RCV_INVALID_NAME);
    test_queues_receiver(&peer, port, 100, 0, 0);
    CHECK_EQUAL(mach_port_move_member(test_user_space, port, set), KERN_SUCCESS);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_RCV_PORT_CHANGED);
    CHECK_EQUAL(test_user_receive(port, &mail), MACH_RCV_IN_SET);
    test_queues_receiver(&peer, set, 100, 0, 0);
    CHECK_EQUAL(test_user_send_id(port, 9, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_send_id(port, 10, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_next_id(set), 10);
    test_queues_receiver(&peer, set, 100, 0, 0);
    CHECK_EQUAL(mach_port_destroy(test_user_space, set), KERN_SUCCESS);
    CHECK_EQUAL(test_user_peer_end(&peer), MACH_RCV_PORT_DIED);
    CHECK_EQUAL(test_user_receive(port, &mail), MACH_RCV_TIMED_OUT);
    test_user_end();
}

/* A call that sends and receives hands the processor to the receiver whom it woke; also when it need not wait itself. */
static void test_queues_send_and_receive_in_one(void)
{
    struct test_user_peer peer;
    mach_msg_header_t header;

    test_user_begin();
    mach_port_name_t port = test_user_port_with_send(), own = test_user_port_with_send();
    struct test_user_call call = {
        .address = TEST_USER_AT, .option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, .send_size = sizeof(header),
        .receive_size = 100, .receive_name = own, .timeout = 20,
    };
    static const mach_msg_return_t results[] = {MACH_RCV_TIMED_OUT, MACH_MSG_SUCCESS, MACH_RCV_INVALID_NAME};
    for (unsigned int i = 0; i < ARRAY_LENGTH(results); i++) {
        test_queues_receiver(&peer, port, 100, 0, 0);
        if (results[i] == MACH_MSG_SUCCESS)
            CHECK_EQUAL(test_user_send_id(own, 3, 0), MACH_MSG_SUCCESS);
        call.receive_name = results[i] == MACH_RCV_INVALID_NAME ? TEST_NO_NAME : own;
        header = (mach_msg_header_t){.msgh_bits = TEST_COPY, .msgh_remote_port = port, .msgh_id = 20 + (int)i};
        test_user_put(TEST_USER_AT, &header, sizeof(header));
        CHECK_EQUAL(test_user_call(&call), results[i]);
        CHECK_EQUAL(test_user_peer_end(&peer), MACH_MSG_SUCCESS);
        test_user_get(TEST_USER_PAGE(3), &header, sizeof(header));
        CHECK_EQUAL(header.msgh_id, 20 + i);
    }
    test_user_end();
}

static const struct test_case test_queues_cases[] = {
    {"a sender waits for a place, and gets the next", test_queues_a_sender_waits_for_a_place},
    {"a place that was given and not needed is free again", test_queues_a_place_given_and_not_needed},
    {"time, an abort and the port's death end a wait for a place", test_queues_a_wait_for_a_place_ends},
    {"what is not sent comes back whole", test_queues_what_is_not_sent_comes_back},
    {"who asked is told when his message is accepted", test_queues_acceptance_is_told},
    {"a message, time, an abort and the port's death end a receiver's wait", test_queues_a_receiver_waits},
    {"a message too large is kept for who asks for its size", test_queues_a_receiver_without_room},
    {"ports in sets are received from by the set", test_queues_names_to_receive_from},
    {"sending and receiving in one call serves who waited", test_queues_send_and_receive_in_one},
    {NULL, NULL},
};

const struct test_suite test_queues_suite = {"queues", test_queues_cases};
