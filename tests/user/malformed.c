/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of mach_msg that cannot do what they are asked: too little room for the receiver, memory that is not there, sizes,
 * kinds and names that mean nothing. Each gets its error, and takes nothing along.
 */
#include "harness.h"

static struct harness_message malformed_in, malformed_out;

/* ---- room for the receiver ---- */

static void malformed_large_stay_queued(void)
{
    mach_port_t port = harness_port_with_send();
    struct harness_message *in = &malformed_in;

    harness_compose(&malformed_out, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 10);
    OK(harness_send_message(&malformed_out, 0, 0));
    memset(in, 0xa5, sizeof(*in));
    IS(mach_msg(&in->head, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0, sizeof(in->head) + 36, port, 0,
                MACH_PORT_NULL),
       MACH_RCV_TOO_LARGE);
    IS(in->head.msgh_size, sizeof(in->head) + 40);
    IS(in->body[0], 0xa5a5a5a5);
    IS(harness_status(port).mps_msgcount, 1);
    IS(harness_status(port).mps_seqno, 0);
    OK(mach_msg(&in->head, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0, sizeof(in->head) + 40, port, 0,
                MACH_PORT_NULL));
    IS(in->head.msgh_id, 4711);
    IS(in->head.msgh_seqno, 0);
    harness_destroy(port);
}

/* Without MACH_RCV_LARGE the message is lost, but for its header and the rights in that. */
static void malformed_too_large_are_destroyed(void)
{
    mach_port_t port = harness_port_with_send(), reply = harness_port_with_send();
    struct harness_message *in = &malformed_in;

    harness_compose(&malformed_out, port, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND, 10);
    OK(harness_send_message(&malformed_out, 0, 0));
    memset(in, 0xa5, sizeof(*in));
    IS(mach_msg(&in->head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(in->head) + 36, port, 0, MACH_PORT_NULL),
       MACH_RCV_TOO_LARGE);
    IS(in->head.msgh_size, sizeof(in->head) + 40);
    IS(in->head.msgh_id, 4711);
    IS(in->head.msgh_local_port, port);
    IS(in->body[0], 0xa5a5a5a5);
    IS(harness_status(port).mps_msgcount, 0);
    harness_destroy(port);
    harness_destroy(reply);
}

static void malformed_receive_to(mach_port_t port, vm_address_t to)
{
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1));
    IS(mach_msg((mach_msg_header_t *)to, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 100, port, 0, MACH_PORT_NULL),
       MACH_RCV_INVALID_DATA);
    IS(harness_status(port).mps_msgcount, 0);
}

static void malformed_receive_to_bad_memory(void)
{
    mach_port_t port = harness_port_with_send();
    vm_address_t memory = harness_allocate(2 * PAGE);

    malformed_receive_to(port, 0);
    malformed_receive_to(port, 4);
    harness_free(memory + PAGE, PAGE);
    malformed_receive_to(port, memory + PAGE);
    malformed_receive_to(port, memory + PAGE - 8);
    harness_free(memory, PAGE);
    memory = harness_allocate(PAGE);
    OK(vm_protect(harness_self, memory, PAGE, FALSE, VM_PROT_READ));
    malformed_receive_to(port, memory);
    CHECK(harness_zero(memory, PAGE));
    harness_free(memory, PAGE);
    harness_destroy(port);
}

static void malformed_receive_to_kernel_memory(void)
{
    mach_port_t port = harness_port_with_send();
    const vm_address_t bad[] = {KERNEL_START - 16, KERNEL_START, 0xc0100000, 0xe0000000, 0xfffff000, 0xffffffe8, 0xfffffff0};

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++)
        malformed_receive_to(port, bad[i]);
    harness_destroy(port);
}

static void malformed_bad_receive_names(void)
{
    mach_port_t port = harness_port_with_send(), other = harness_port_with_send();
    const mach_port_t bad[] = {MACH_PORT_NULL, MACH_PORT_DEAD, BAD_NAME, harness_self, 0x80000000};

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++)
        IS(harness_receive(bad[i], &malformed_in, 0), MACH_RCV_INVALID_NAME);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, -1));
    IS(harness_receive(port, &malformed_in, 0), MACH_RCV_INVALID_NAME); /* a dead name */
    harness_destroy(port);
    harness_destroy(other);
}

/* ---- malformed ---- */

/* Sends malformed_out as it stands, with options. */
static mach_msg_return_t malformed_try(mach_msg_size_t size)
{
    return mach_msg(&malformed_out.head, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

static void malformed_bad_sizes(void)
{
    mach_port_t port = harness_port_with_send();

    harness_compose(&malformed_out, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 4);
    for (mach_msg_size_t size = 0; size < sizeof(mach_msg_header_t); size++)
        IS(malformed_try(size), MACH_SEND_MSG_TOO_SMALL);
    for (mach_msg_size_t size = sizeof(mach_msg_header_t); size < sizeof(mach_msg_header_t) + 16; size++)
        IS(malformed_try(size), size % 4 == 0 ? MACH_MSG_SUCCESS : MACH_SEND_MSG_TOO_SMALL);
    IS(harness_status(port).mps_msgcount, 4);
    harness_destroy(port);
}

static void malformed_huge_sizes(void)
{
    const mach_msg_size_t sizes[] = {0xfffffffc, 0xfffff000, 0xc0000000, 0x80000000, 0x40000000, 0x10000000};
    mach_port_t port = harness_port_with_send();

    harness_compose(&malformed_out, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 4);
    for (unsigned int i = 0; i < ARRAY_LENGTH(sizes); i++) {
        mach_msg_return_t mr = malformed_try(sizes[i]);

        CHECK(mr == MACH_SEND_NO_BUFFER || mr == MACH_SEND_INVALID_DATA);
    }
    IS(harness_status(port).mps_msgcount, 0);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1);
    harness_destroy(port);
}

static void malformed_send_from(vm_address_t from)
{
    IS(mach_msg((mach_msg_header_t *)from, MACH_SEND_MSG, 64, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL), MACH_SEND_INVALID_DATA);
}

static void malformed_from_bad_memory(void)
{
    vm_address_t memory = harness_allocate(2 * PAGE);
    mach_port_t port = harness_port_with_send();

    malformed_send_from(0);
    malformed_send_from(4);
    harness_free(memory + PAGE, PAGE);
    malformed_send_from(memory + PAGE);
    malformed_send_from(memory + PAGE - 60);
    /* The header is good, the body ends where nothing is. */
    harness_compose(&malformed_out, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 0);
    memory += PAGE - sizeof(mach_msg_header_t) - 4;
    *(mach_msg_header_t *)memory = malformed_out.head;
    IS(mach_msg((mach_msg_header_t *)memory, MACH_SEND_MSG, sizeof(mach_msg_header_t) + 8, 0, MACH_PORT_NULL, 0,
                MACH_PORT_NULL),
       MACH_SEND_INVALID_DATA);
    IS(harness_status(port).mps_msgcount, 0);
    OK(mach_msg((mach_msg_header_t *)memory, MACH_SEND_MSG, sizeof(mach_msg_header_t) + 4, 0, MACH_PORT_NULL, 0,
                MACH_PORT_NULL));
    harness_destroy(port);
    harness_free(memory & ~(PAGE - 1), PAGE);
}

static void malformed_from_kernel_memory(void)
{
    const vm_address_t bad[] = {KERNEL_START - 16, KERNEL_START, 0xc0100000, 0xe0000000, 0xfffff000, 0xffffffe8, 0xfffffff0};

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++)
        malformed_send_from(bad[i]);
}

static void malformed_bad_header_kinds(void)
{
    mach_port_t port = harness_port_with_send(), reply = harness_port_with_send();

    OK(mach_port_set_qlimit(harness_self, port, MACH_PORT_QLIMIT_MAX));
    for (mach_msg_type_name_t kind = 0; kind < 256; kind++) {
        if (kind >= MACH_MSG_TYPE_MOVE_SEND && kind <= MACH_MSG_TYPE_MAKE_SEND_ONCE)
            continue;
        harness_compose(&malformed_out, port, kind, MACH_PORT_NULL, 0, 0);
        IS(malformed_try(sizeof(mach_msg_header_t)), MACH_SEND_INVALID_HEADER);
        if (kind == 0)
            continue;
        harness_compose(&malformed_out, port, MACH_MSG_TYPE_COPY_SEND, reply, kind, 0);
        IS(malformed_try(sizeof(mach_msg_header_t)), MACH_SEND_INVALID_HEADER);
    }
    /* A reply port without a kind. */
    harness_compose(&malformed_out, port, MACH_MSG_TYPE_COPY_SEND, reply, 0, 0);
    IS(malformed_try(sizeof(mach_msg_header_t)), MACH_SEND_INVALID_HEADER);
    IS(harness_status(port).mps_msgcount, 0);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1);
    IS(harness_refs(reply, MACH_PORT_RIGHT_SEND), 1);
    harness_destroy(port);
    harness_destroy(reply);
}

static void malformed_bad_destinations(void)
{
    mach_port_t receive_only = harness_port(), set = harness_set(), dead = harness_port_with_send();
    const mach_port_t bad[] = {MACH_PORT_NULL, MACH_PORT_DEAD, BAD_NAME, 0x80000000, set, dead, receive_only};

    OK(mach_port_mod_refs(harness_self, dead, MACH_PORT_RIGHT_RECEIVE, -1));
    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++) {
        harness_compose(&malformed_out, bad[i], MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 0);
        IS(malformed_try(sizeof(mach_msg_header_t)), MACH_SEND_INVALID_DEST);
        harness_compose(&malformed_out, bad[i], MACH_MSG_TYPE_MOVE_SEND_ONCE, MACH_PORT_NULL, 0, 0);
        IS(malformed_try(sizeof(mach_msg_header_t)), MACH_SEND_INVALID_DEST);
    }
    IS(harness_status(receive_only).mps_msgcount, 0);
    IS(harness_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    harness_destroy(receive_only);
    harness_destroy(set);
    harness_destroy(dead);
}

static void malformed_bad_reply_names(void)
{
    mach_port_t port = harness_port_with_send(), send_only = mach_host_self(), receive_only = harness_port();
    const struct {
        mach_port_t name;
        mach_msg_type_name_t kind;
    } bad[] = {
        {BAD_NAME, MACH_MSG_TYPE_COPY_SEND},     {BAD_NAME, MACH_MSG_TYPE_MAKE_SEND_ONCE},
        {send_only, MACH_MSG_TYPE_MAKE_SEND},    {send_only, MACH_MSG_TYPE_MAKE_SEND_ONCE},
        {receive_only, MACH_MSG_TYPE_COPY_SEND}, {receive_only, MACH_MSG_TYPE_MOVE_SEND_ONCE},
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++) {
        harness_compose(&malformed_out, port, MACH_MSG_TYPE_COPY_SEND, bad[i].name, bad[i].kind, 0);
        IS(malformed_try(sizeof(mach_msg_header_t)), MACH_SEND_INVALID_REPLY);
        harness_compose(&malformed_out, port, MACH_MSG_TYPE_MOVE_SEND, bad[i].name, bad[i].kind, 0);
        IS(malformed_try(sizeof(mach_msg_header_t)), MACH_SEND_INVALID_REPLY);
        IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1); /* a failing send takes nothing */
    }
    IS(harness_status(port).mps_msgcount, 0);
    harness_destroy(port);
    harness_destroy(receive_only);
    OK(mach_port_deallocate(harness_self, send_only));
}

const struct harness_test harness_tests[] = {
    {"with MACH_RCV_LARGE a message that is too large tells its size and stays", malformed_large_stay_queued, NULL},
    {"without MACH_RCV_LARGE only the header of a message that is too large arrives",
     malformed_too_large_are_destroyed, NULL},
    {"receiving into memory that cannot be written loses the message and nothing else",
     malformed_receive_to_bad_memory, NULL},
    {"receiving into the kernel's memory loses the message and nothing else", malformed_receive_to_kernel_memory,
     "it writes there"},
    {"only a receive right or a set can be received from", malformed_bad_receive_names, NULL},
    {"a message has a whole header and whole words", malformed_bad_sizes, NULL},
    {"a message of gigabytes is refused", malformed_huge_sizes, "it panics for want of memory"},
    {"a message that is not in readable memory is refused", malformed_from_bad_memory, NULL},
    {"a message in the kernel's memory is refused", malformed_from_kernel_memory, "it reads what is there"},
    {"a header with any other kind of right is refused", malformed_bad_header_kinds, NULL},
    {"a destination that holds no such right is refused", malformed_bad_destinations, NULL},
    {"a reply port that holds no such right is refused and takes no other right along", malformed_bad_reply_names, NULL},
    {NULL, NULL, NULL},
};
