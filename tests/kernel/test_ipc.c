/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, rights and queues, without user programs. */
#include <mach/message.h>
#include <mach/notify.h>

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_notify.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_pset.h"
#include "ipc/ipc_right.h"
#include "ipc/ipc_space.h"
#include "kernel/thread.h"
#include "tests/kernel/test.h"

static bool test_ipc_ports_are(void *context)
{
    return ipc_port_count == *(unsigned int *)context;
}

static void test_ipc_table_finds_every_key(void)
{
    static const uint32_t keys[] = {1, 2, 63, 64, 65, 4095, 4096, 262143, 262144, 0x12345678, 0x7fffffff, 0xfffffffe};
    struct ipc_table table;
    unsigned int i;
    uint32_t key = 0;

    ipc_table_init(&table);
    for (i = 0; i < ARRAY_LENGTH(keys); i++)
        CHECK_EQUAL(ipc_table_insert(&table, keys[i], (void *)(uintptr_t)(keys[i] ^ 1 ? keys[i] : 3), ALLOC_NOSLEEP), 0);
    for (i = 0; i < ARRAY_LENGTH(keys); i++)
        CHECK(ipc_table_lookup(&table, keys[i]) != NULL);
    CHECK(ipc_table_lookup(&table, 3) == NULL);
    CHECK(ipc_table_lookup(&table, 0x12345679) == NULL);
    CHECK(ipc_table_lookup(&table, 0xffffffff) == NULL);
    for (i = 0; i < ARRAY_LENGTH(keys); i++, key++) {
        CHECK(ipc_table_next(&table, &key) != NULL);
        CHECK_EQUAL(key, keys[i]);
    }
    CHECK(ipc_table_next(&table, &key) == NULL);
    CHECK_EQUAL(ipc_table_lowest_free(&table), 3);
    for (i = 0; i < ARRAY_LENGTH(keys); i++)
        CHECK(ipc_table_remove(&table, keys[i]) != NULL);
    CHECK(table.root == NULL);
}

static void test_ipc_table_hands_out_the_lowest_key(void)
{
    struct ipc_table table;
    uint32_t key, wrong = 0;

    ipc_table_init(&table);
    for (key = 1; key <= 5000; key++) {
        wrong += ipc_table_lowest_free(&table) != key;
        REQUIRE(ipc_table_insert(&table, key, &table, ALLOC_NOSLEEP) == KERN_SUCCESS);
    }
    CHECK_EQUAL(wrong, 0);
    ipc_table_remove(&table, 4096);
    ipc_table_remove(&table, 77);
    CHECK_EQUAL(ipc_table_lowest_free(&table), 77);
    CHECK_EQUAL(ipc_table_insert(&table, 77, &table, ALLOC_NOSLEEP), KERN_SUCCESS);
    CHECK_EQUAL(ipc_table_lowest_free(&table), 4096);
    for (key = 1; key <= 5000; key++)
        ipc_table_remove(&table, key);
    CHECK(table.root == NULL);
}

static struct ipc_kmsg *test_ipc_message(struct ipc_port *port, unsigned int disposition, mach_msg_id_t id)
{
    struct ipc_kmsg *kmsg = ipc_kmsg_alloc(sizeof(mach_msg_header_t), ALLOC_SLEEP);

    *ipc_kmsg_header(kmsg) = (mach_msg_header_t){
        .msgh_bits = MACH_MSGH_BITS(disposition, 0),
        .msgh_size = sizeof(mach_msg_header_t),
        .msgh_remote_port = (mach_port_t)(uintptr_t)port,
        .msgh_id = id,
    };
    return kmsg;
}

static void test_ipc_rights_make_one_name(void)
{
    struct ipc_space *space;
    mach_port_name_t first, second, once, receive;
    unsigned int before = ipc_port_count;

    REQUIRE(ipc_space_create(&space) == KERN_SUCCESS);
    struct ipc_port *port = ipc_port_create(ALLOC_SLEEP);
    CHECK_EQUAL(ipc_right_copyout_any(space, ipc_port_make_send(port), MACH_MSG_TYPE_PORT_SEND, &first), KERN_SUCCESS);
    CHECK_EQUAL(ipc_right_copyout_any(space, ipc_port_make_send(port), MACH_MSG_TYPE_PORT_SEND, &second), KERN_SUCCESS);
    CHECK_EQUAL(ipc_right_copyout_any(space, ipc_port_make_sonce(port), MACH_MSG_TYPE_PORT_SEND_ONCE, &once), KERN_SUCCESS);
    CHECK_EQUAL(ipc_right_copyout_any(space, port, MACH_MSG_TYPE_PORT_RECEIVE, &receive), KERN_SUCCESS);
    CHECK_EQUAL(first, 1);
    CHECK_EQUAL(first, second);
    CHECK_EQUAL(first, receive);
    CHECK_EQUAL(once, 2);
    CHECK_EQUAL(port->srights, 1);
    CHECK_EQUAL(port->sorights, 1);
    ipc_space_destroy(space);
    ipc_space_unref(space);
    CHECK(test_wait(test_ipc_ports_are, &before, 1000));
}

static void test_ipc_set_keeps_the_order_of_arrival(void)
{
    struct ipc_port *a = ipc_port_create(ALLOC_SLEEP), *b = ipc_port_create(ALLOC_SLEEP);
    struct ipc_pset *pset = ipc_pset_create(ALLOC_SLEEP);
    struct ipc_mqueue_receive receive = {.mqueue = {.pset = pset}, .option = MACH_RCV_TIMEOUT, .most = 1000};
    unsigned int before = ipc_port_count - 2, i;

    a->receiver = b->receiver = ipc_space_reply;
    ipc_mqueue_send_always(test_ipc_message(ipc_port_make_send(a), MACH_MSG_TYPE_PORT_SEND, 1));
    ipc_port_lock(a);
    ipc_pset_add(pset, a);
    ipc_port_unlock(a);
    ipc_port_lock(b);
    ipc_pset_add(pset, b);
    ipc_port_unlock(b);
    for (i = 2; i <= 6; i++)
        ipc_mqueue_send_always(test_ipc_message(ipc_port_make_send(i % 2 ? a : b), MACH_MSG_TYPE_PORT_SEND, (int)i));
    for (i = 1; i <= 4; i++) {
        CHECK_EQUAL(ipc_mqueue_receive(&receive, ipc_space_reply), MACH_MSG_SUCCESS);
        REQUIRE(receive.kmsg != NULL);
        CHECK_EQUAL(ipc_kmsg_header(receive.kmsg)->msgh_id, i);
        CHECK_EQUAL(ipc_kmsg_header(receive.kmsg)->msgh_seqno, (i - 1) / 2);
        ipc_kmsg_destroy(receive.kmsg);
    }
    ipc_pset_destroy(pset); /* the messages left stay with their ports */
    CHECK_EQUAL(a->msgcount, 1);
    CHECK_EQUAL(b->msgcount, 1);
    ipc_port_dealloc_kernel(a);
    ipc_port_dealloc_kernel(b);
    CHECK(test_wait(test_ipc_ports_are, &before, 1000));
}

static void test_ipc_a_circle_of_receive_rights_is_destroyed(void)
{
    struct ipc_port *a = ipc_port_create(ALLOC_SLEEP), *b = ipc_port_create(ALLOC_SLEEP);
    unsigned int before = ipc_port_count - 2;

    CHECK(!ipc_port_enter_transit(a, b));
    CHECK(ipc_port_enter_transit(b, a));
    CHECK(ipc_port_enter_transit(b, b));
    ipc_port_destroy(a);
    CHECK(!ipc_port_enter_transit(b, NULL));
    ipc_port_destroy(b);
    CHECK(test_wait(test_ipc_ports_are, &before, 1000));
}

static void test_ipc_death_in_a_chain_of_messages_does_not_recurse(void)
{
    enum { LENGTH = 2000 };
    unsigned int before = ipc_port_count, i;
    struct ipc_port *first = ipc_port_create(ALLOC_SLEEP), *port = first;

    /* Each port's receive right in a message queued at the one before. */
    for (i = 0; i < LENGTH; i++) {
        struct ipc_port *next = ipc_port_create(ALLOC_SLEEP);
        struct ipc_kmsg *kmsg = ipc_kmsg_alloc(32, ALLOC_SLEEP);
        mach_msg_header_t *header = ipc_kmsg_header(kmsg);
        uint32_t *body = (uint32_t *)(header + 1);
        const mach_msg_type_t type = {MACH_MSG_TYPE_PORT_RECEIVE, 32, 1, TRUE, FALSE, FALSE, 0};
        *header = (mach_msg_header_t){
            .msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, 0),
            .msgh_size = 32,
            .msgh_remote_port = (mach_port_t)(uintptr_t)ipc_port_make_send(port),
        };
        *(mach_msg_type_t *)body = type;
        body[1] = (uint32_t)(uintptr_t)next;
        CHECK(!ipc_port_enter_transit(next, port));
        ipc_mqueue_send_always(kmsg);
        port = next;
    }
    ipc_port_destroy(first);
    CHECK(test_wait(test_ipc_ports_are, &before, 5000));
}

static void test_ipc_the_last_send_right_tells(void)
{
    /* A dead-name notification and a no-senders one, held back by nothing: sent with memory made in advance. */
    struct ipc_space *space;
    mach_port_name_t name;
    unsigned int before = ipc_port_count;
    struct ipc_port *notify = ipc_port_alloc_reply(), *port = ipc_port_create(ALLOC_SLEEP), *previous;

    REQUIRE(ipc_space_create(&space) == KERN_SUCCESS);
    CHECK_EQUAL(ipc_right_copyout_any(space, ipc_port_make_send(port), MACH_MSG_TYPE_PORT_SEND, &name), KERN_SUCCESS);
    struct ipc_request *request = ipc_request_create(ipc_port_make_sonce(notify), ALLOC_SLEEP);
    CHECK_EQUAL(ipc_right_dnrequest(space, name, false, request, &previous), KERN_SUCCESS);
    CHECK(previous == IP_NULL);
    ipc_port_destroy(port);
    struct ipc_mqueue_receive receive = {.mqueue = {.port = notify}, .option = MACH_RCV_TIMEOUT, .most = 1000};
    CHECK_EQUAL(ipc_mqueue_receive(&receive, ipc_space_reply), MACH_MSG_SUCCESS);
    if (receive.kmsg != NULL) {
        mach_dead_name_notification_t *said = (mach_dead_name_notification_t *)ipc_kmsg_header(receive.kmsg);
        CHECK_EQUAL(said->not_header.msgh_id, MACH_NOTIFY_DEAD_NAME);
        CHECK_EQUAL(said->not_port, name);
        ipc_kmsg_destroy(receive.kmsg);
    }
    ipc_space_lock(space);
    struct ipc_entry *entry = ipc_right_lookup(space, name);
    if (CHECK(entry != NULL)) {
        CHECK_EQUAL(entry->type, MACH_PORT_TYPE_DEAD_NAME);
        CHECK_EQUAL(entry->urefs, 2);
    }
    ipc_space_unlock(space);
    ipc_space_destroy(space);
    ipc_space_unref(space);
    ipc_port_dealloc_kernel(notify);
    CHECK(test_wait(test_ipc_ports_are, &before, 1000));
}

static const struct test_case test_ipc_cases[] = {
    {"the name table finds every key and nothing else", test_ipc_table_finds_every_key},
    {"the name table hands out the lowest free key", test_ipc_table_hands_out_the_lowest_key},
    {"send and receive rights of a port make one name", test_ipc_rights_make_one_name},
    {"a port set keeps the order of arrival", test_ipc_set_keeps_the_order_of_arrival},
    {"a circle of receive rights is refused", test_ipc_a_circle_of_receive_rights_is_destroyed},
    {"death in a long chain of messages does not recurse", test_ipc_death_in_a_chain_of_messages_does_not_recurse},
    {"the death of a port is told, and its name has one more reference", test_ipc_the_last_send_right_tells},
    {NULL, NULL},
};

const struct test_suite test_ipc_suite = {"ipc", test_ipc_cases};
