/* SPDX-License-Identifier: BSD-2-Clause */
/* What messages carry, and which are refused: through the trap, as a user sends and receives them. */
#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "mig/mach_port_server.h"
#include "tests/kernel/test_user.h"
#include "vm/vm_map.h"

#include <mach/notify.h>

#define TEST_NO_NAME 4242u
#define TEST_COPY MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0)
#define TEST_COMPLEX (MACH_MSGH_BITS_COMPLEX | TEST_COPY)

/* Descriptors, as words. */
#define TEST_TYPE(name, bits, number) ((uint32_t)(name) | (uint32_t)(bits) << 8 | (uint32_t)(number) << 16)
#define TEST_INLINE 0x10000000u
#define TEST_LONG 0x20000000u
#define TEST_DEALLOCATE 0x40000000u
#define TEST_UNUSED 0x80000000u
#define TEST_LONG_NAME(name, bits) ((uint32_t)(name) | (uint32_t)(bits) << 16)

static struct test_user_mail test_mail;

static struct test_user_mail *test_messages_to(mach_port_name_t to, mach_msg_bits_t bits)
{
    test_mail = (struct test_user_mail){.header = {.msgh_bits = bits, .msgh_remote_port = to, .msgh_id = 1}};
    return &test_mail;
}

/* ---- what is refused ---- */

static void test_messages_descriptors_that_lie(void)
{
    static const struct {
        uint32_t words[4];
        unsigned int nr_words;
        mach_msg_return_t result;
    } lies[] = {
        {{TEST_LONG}, 1, MACH_SEND_MSG_TOO_SMALL},
        {{TEST_LONG | TEST_TYPE(2, 0, 0), TEST_LONG_NAME(2, 32), 0, 0}, 4, MACH_SEND_INVALID_TYPE},
        {{TEST_INLINE | TEST_UNUSED | TEST_TYPE(2, 32, 1), 0}, 2, MACH_SEND_INVALID_TYPE},
        {{TEST_INLINE | TEST_DEALLOCATE | TEST_TYPE(2, 32, 1), 0}, 2, MACH_SEND_INVALID_TYPE},
        {{TEST_INLINE | TEST_TYPE(MACH_MSG_TYPE_MAKE_SEND, 16, 1), 0}, 2, MACH_SEND_INVALID_TYPE},
        {{TEST_INLINE | TEST_TYPE(2, 32, 2), 0}, 2, MACH_SEND_MSG_TOO_SMALL},
        {{TEST_TYPE(2, 32, 1)}, 1, MACH_SEND_MSG_TOO_SMALL},
        {{TEST_LONG | TEST_INLINE, TEST_LONG_NAME(2, 32), 0xffffffff, 0}, 4, MACH_SEND_MSG_TOO_SMALL},
        {{TEST_LONG, TEST_LONG_NAME(2, 32), 0xffffffff, 0}, 4, MACH_SEND_INVALID_MEMORY},
        {{TEST_TYPE(2, 32, 1), TEST_USER_NOWHERE}, 2, MACH_SEND_INVALID_MEMORY},
        {{TEST_TYPE(MACH_MSG_TYPE_COPY_SEND, 32, 1), TEST_USER_NOWHERE}, 2, MACH_SEND_INVALID_MEMORY},
        {{TEST_INLINE | TEST_TYPE(MACH_MSG_TYPE_COPY_SEND, 32, 1), TEST_NO_NAME}, 2, MACH_SEND_INVALID_RIGHT},
    };

    test_user_begin();
    mach_port_name_t port = test_user_port_with_send();
    for (unsigned int i = 0; i < ARRAY_LENGTH(lies); i++) {
        struct test_user_mail *mail = test_messages_to(port, TEST_COMPLEX);
        for (unsigned int w = 0; w < lies[i].nr_words; w++)
            mail->words[w] = lies[i].words[w];
        if (!CHECK_EQUAL(test_user_send(mail, lies[i].nr_words, 0, 0, 0), lies[i].result))
            test_note("lie %u", i);
    }
    CHECK_EQUAL(test_user_queued(port), 0);
    CHECK_EQUAL(test_user_refs(port, MACH_PORT_RIGHT_SEND), 1);
    CHECK_EQUAL(test_user_send_id(port, 5, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_next_id(port), 5);
    test_user_end();
}

static void test_messages_what_came_before_goes(void)
{
    test_user_begin();
    mach_port_name_t port = test_user_port_with_send(), other = test_user_port();
    mach_port_status_t status;
    struct test_user_mail *mail = test_messages_to(port, TEST_COMPLEX);
    uint32_t names[2] = {other, other};

    /* A right, two in an array and some memory; then a name that is none. */
    test_user_put(TEST_USER_PAGE(2), names, sizeof(names));
    mail->words[0] = TEST_INLINE | TEST_TYPE(MACH_MSG_TYPE_MAKE_SEND, 32, 1);
    mail->words[1] = other;
    mail->words[2] = TEST_TYPE(MACH_MSG_TYPE_MAKE_SEND_ONCE, 32, 2);
    mail->words[3] = TEST_USER_PAGE(2);
    mail->words[4] = TEST_TYPE(MACH_MSG_TYPE_BYTE, 8, 100);
    mail->words[5] = TEST_USER_PAGE(3);
    mail->words[6] = TEST_INLINE | TEST_TYPE(MACH_MSG_TYPE_MOVE_SEND, 32, 2);
    mail->words[7] = port;
    mail->words[8] = TEST_NO_NAME;
    CHECK_EQUAL(test_user_send(mail, 9, 0, 0, 0), MACH_SEND_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_get_receive_status(test_user_space, other, &status), KERN_SUCCESS);
    CHECK(!status.mps_srights);
    CHECK_EQUAL(status.mps_sorights, 2);
    CHECK_EQUAL(test_user_queued(other), 2); /* they say that they went unused */
    CHECK_EQUAL(test_user_next_id(other), MACH_NOTIFY_SEND_ONCE);
    CHECK_EQUAL(test_user_type(port), MACH_PORT_TYPE_RECEIVE); /* the moved one went with the message */
    test_user_end();
}

static void test_messages_headers_that_lie(void)
{
    test_user_begin();
    mach_port_name_t port = test_user_port_with_send(), dead = MACH_PORT_NULL;
    struct test_user_mail *mail;
    CHECK_EQUAL(mach_port_allocate(test_user_space, MACH_PORT_RIGHT_DEAD_NAME, &dead), KERN_SUCCESS);

    CHECK_EQUAL(test_user_send(test_messages_to(port, 0), 0, 0, 0, 0), MACH_SEND_INVALID_HEADER);
    mail = test_messages_to(port, TEST_COPY);
    mail->header.msgh_local_port = port;
    CHECK_EQUAL(test_user_send(mail, 0, 0, 0, 0), MACH_SEND_INVALID_HEADER);
    mail = test_messages_to(port, MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MOVE_RECEIVE));
    CHECK_EQUAL(test_user_send(mail, 0, 0, 0, 0), MACH_SEND_INVALID_HEADER);
    CHECK_EQUAL(test_user_send(test_messages_to(MACH_PORT_NULL, TEST_COPY), 0, 0, 0, 0), MACH_SEND_INVALID_DEST);
    CHECK_EQUAL(test_user_send(test_messages_to(TEST_NO_NAME, TEST_COPY), 0, 0, 0, 0), MACH_SEND_INVALID_DEST);
    CHECK_EQUAL(test_user_send(test_messages_to(dead, TEST_COPY), 0, 0, 0, 0), MACH_SEND_INVALID_DEST);
    mail = test_messages_to(port, MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_COPY_SEND));
    mail->header.msgh_local_port = TEST_NO_NAME;
    CHECK_EQUAL(test_user_send(mail, 0, 0, 0, 0), MACH_SEND_INVALID_REPLY);
    CHECK_EQUAL(test_user_send(test_messages_to(port, TEST_COPY), 0, MACH_SEND_CANCEL, 0, dead), MACH_SEND_INVALID_NOTIFY);

    /* Both rights by moving one that is there once, then twice. */
    mail = test_messages_to(port, MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MOVE_SEND));
    mail->header.msgh_local_port = port;
    CHECK_EQUAL(test_user_send(mail, 0, 0, 0, 0), MACH_SEND_INVALID_REPLY);
    CHECK_EQUAL(mach_port_mod_refs(test_user_space, port, MACH_PORT_RIGHT_SEND, 1), KERN_SUCCESS);
    CHECK_EQUAL(test_user_send(mail, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_type(port), MACH_PORT_TYPE_RECEIVE);
    CHECK_EQUAL(test_user_receive(port, mail), MACH_MSG_SUCCESS);
    CHECK_EQUAL(mail->header.msgh_remote_port, port);
    CHECK_EQUAL(test_user_refs(port, MACH_PORT_RIGHT_SEND), 1);

    /* A reply right that is dead arrives as such. */
    mail = test_messages_to(port, MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_COPY_SEND));
    mail->header.msgh_local_port = dead;
    CHECK_EQUAL(test_user_send(mail, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_receive(port, mail), MACH_MSG_SUCCESS);
    CHECK_EQUAL(mail->header.msgh_remote_port, MACH_PORT_DEAD);
    test_user_end();
}

static void test_messages_memory_that_is_none(void)
{
    test_user_begin();
    mach_port_name_t port = test_user_port_with_send();
    struct test_user_call call = {.address = TEST_USER_NOWHERE, .option = MACH_SEND_MSG, .send_size = 24};
    CHECK_EQUAL(test_user_call(&call), MACH_SEND_INVALID_DATA);
    call.send_size = 20;
    CHECK_EQUAL(test_user_call(&call), MACH_SEND_MSG_TOO_SMALL);
    call.send_size = 26;
    CHECK_EQUAL(test_user_call(&call), MACH_SEND_MSG_TOO_SMALL);
    call.send_size = 16u << 20;
    CHECK_EQUAL(test_user_call(&call), MACH_SEND_NO_BUFFER);

    /* Received, and lost by who gave an address that is none. */
    CHECK_EQUAL(test_user_send_id(port, 3, 0), MACH_MSG_SUCCESS);
    call = (struct test_user_call){.address = TEST_USER_NOWHERE, .option = MACH_RCV_MSG, .receive_size = 100,
                                   .receive_name = port};
    CHECK_EQUAL(test_user_call(&call), MACH_RCV_INVALID_DATA);
    CHECK_EQUAL(test_user_queued(port), 0);
    CHECK_EQUAL(test_user_send_id(port, 3, 0), MACH_MSG_SUCCESS);
    call.option |= MACH_RCV_LARGE;
    call.receive_size = 8;
    CHECK_EQUAL(test_user_call(&call), MACH_RCV_INVALID_DATA); /* the size could not be told */
    CHECK_EQUAL(test_user_queued(port), 1);
    call.option = MACH_RCV_MSG;
    CHECK_EQUAL(test_user_call(&call), MACH_RCV_TOO_LARGE); /* no room for a header either */
    CHECK_EQUAL(test_user_queued(port), 0);
    CHECK_EQUAL(test_user_send(test_messages_to(port, TEST_COPY), 4, 0, 0, 0), MACH_MSG_SUCCESS);
    call.receive_size = 24;
    CHECK_EQUAL(test_user_call(&call), MACH_RCV_INVALID_DATA);
    CHECK_EQUAL(test_user_queued(port), 0);

    /* Longer than a page of the kernel's allocator. */
    mach_msg_header_t header = test_messages_to(port, TEST_COPY)->header;
    test_user_put(TEST_USER_PAGE(0), &header, sizeof(header));
    test_user_put(TEST_USER_PAGE(2) - 4, &(uint32_t){0x1badcafe}, 4);
    call = (struct test_user_call){.address = TEST_USER_PAGE(0), .option = MACH_SEND_MSG, .send_size = 2 * PAGE_SIZE};
    CHECK_EQUAL(test_user_call(&call), MACH_MSG_SUCCESS);
    call = (struct test_user_call){.address = TEST_USER_PAGE(4), .option = MACH_RCV_MSG, .receive_size = 2 * PAGE_SIZE,
                                   .receive_name = port};
    CHECK_EQUAL(test_user_call(&call), MACH_MSG_SUCCESS);
    uint32_t word = 0;
    test_user_get(TEST_USER_PAGE(6) - 4, &word, 4);
    CHECK_EQUAL(word, 0x1badcafe);
    test_user_end();
}

/* ---- rights and memory on their way ---- */

static void test_messages_rights_in_arrays(void)
{
    test_user_begin();
    mach_port_name_t port = test_user_port_with_send(), a = test_user_port(), b = test_user_port();
    struct test_user_mail *mail = test_messages_to(port, TEST_COMPLEX);
    uint32_t names[4] = {a, MACH_PORT_NULL, b, MACH_PORT_DEAD}, came[4];

    test_user_put(TEST_USER_PAGE(3), names, sizeof(names));
    mail->words[0] = TEST_INLINE | TEST_TYPE(MACH_MSG_TYPE_MAKE_SEND, 32, 1);
    mail->words[1] = a;
    mail->words[2] = TEST_LONG | TEST_DEALLOCATE; /* its page goes */
    mail->words[3] = TEST_LONG_NAME(MACH_MSG_TYPE_MAKE_SEND, 32);
    mail->words[4] = 4;
    mail->words[5] = TEST_USER_PAGE(3);
    mail->words[6] = TEST_TYPE(MACH_MSG_TYPE_MAKE_SEND, 32, 0); /* an array of nothing */
    mail->words[7] = TEST_USER_NOWHERE;
    CHECK_EQUAL(test_user_send(mail, 8, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK(!copyin((const void *)TEST_USER_PAGE(3), came, 4));
    CHECK_EQUAL(test_user_receive(port, mail), MACH_MSG_SUCCESS);
    CHECK(mail->header.msgh_bits & MACH_MSGH_BITS_COMPLEX);
    CHECK_EQUAL(mail->words[0], TEST_INLINE | TEST_TYPE(MACH_MSG_TYPE_PORT_SEND, 32, 1));
    CHECK_EQUAL(mail->words[1], a);
    CHECK_EQUAL(mail->words[2], TEST_LONG | TEST_DEALLOCATE);
    CHECK_EQUAL(mail->words[3], TEST_LONG_NAME(MACH_MSG_TYPE_PORT_SEND, 32));
    CHECK_EQUAL(mail->words[7], 0);
    test_user_get(mail->words[5], came, sizeof(came));
    for (unsigned int i = 0; i < 4; i++)
        CHECK_EQUAL(came[i], names[i]);
    CHECK_EQUAL(test_user_refs(a, MACH_PORT_RIGHT_SEND), 2);
    CHECK_EQUAL(test_user_refs(b, MACH_PORT_RIGHT_SEND), 1);

    /* Complex in name only. */
    mail = test_messages_to(port, TEST_COMPLEX);
    mail->words[0] = TEST_INLINE | TEST_TYPE(MACH_MSG_TYPE_INTEGER_32, 32, 1);
    CHECK_EQUAL(test_user_send(mail, 2, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_receive(port, mail), MACH_MSG_SUCCESS);
    CHECK(!(mail->header.msgh_bits & MACH_MSGH_BITS_COMPLEX));

    /* Destroyed on the way: rights in the array are given up. */
    mail = test_messages_to(port, TEST_COMPLEX);
    test_user_put(TEST_USER_PAGE(4), names, sizeof(names));
    mail->words[0] = TEST_TYPE(MACH_MSG_TYPE_MAKE_SEND, 32, 4);
    mail->words[1] = TEST_USER_PAGE(4);
    CHECK_EQUAL(test_user_send(mail, 2, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(mach_port_mod_refs(test_user_space, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    CHECK_EQUAL(test_user_refs(a, MACH_PORT_RIGHT_SEND), 2);
    test_user_end();
}

static void test_messages_no_room_at_the_receiver(void)
{
    uint32_t names[2];

    test_user_begin();
    mach_port_name_t port = test_user_port_with_send(), a = test_user_port();
    struct vm_map *map = test_user_task->map;
    struct test_user_mail *mail = test_messages_to(port, TEST_COMPLEX);
    names[0] = names[1] = a;
    test_user_put(TEST_USER_PAGE(2), names, sizeof(names));
    mail->words[0] = TEST_TYPE(MACH_MSG_TYPE_MAKE_SEND, 32, 2);
    mail->words[1] = TEST_USER_PAGE(2);
    mail->words[2] = TEST_LONG;
    mail->words[3] = TEST_LONG_NAME(MACH_MSG_TYPE_BYTE, 8);
    mail->words[4] = PAGE_SIZE;
    mail->words[5] = TEST_USER_PAGE(3);
    CHECK_EQUAL(test_user_send(mail, 6, 0, 0, 0), MACH_MSG_SUCCESS);
    map->size_limit = map->size;
    CHECK_EQUAL(test_user_receive(port, mail), MACH_RCV_BODY_ERROR | MACH_MSG_VM_SPACE);
    map->size_limit = map->size_max;
    CHECK_EQUAL(mail->words[0], TEST_DEALLOCATE | TEST_TYPE(MACH_MSG_TYPE_PORT_SEND, 32, 0));
    CHECK_EQUAL(mail->words[1], 0);
    CHECK_EQUAL(mail->words[4], 0);
    CHECK_EQUAL(mail->words[5], 0);
    CHECK_EQUAL(test_user_refs(a, MACH_PORT_RIGHT_SEND), 2); /* the names came, without memory to read them from */
    test_user_end();
}

static void test_messages_a_receive_right_moves(void)
{
    test_user_begin();
    mach_port_name_t port = test_user_port_with_send(), moved = test_user_port_with_send();
    struct test_user_mail *mail = test_messages_to(port, TEST_COMPLEX);
    mail->words[0] = TEST_INLINE | TEST_TYPE(MACH_MSG_TYPE_MOVE_RECEIVE, 32, 1);
    mail->words[1] = moved;
    CHECK_EQUAL(test_user_send(mail, 2, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_type(moved), MACH_PORT_TYPE_SEND);
    CHECK_EQUAL(test_user_send_id(moved, 8, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_receive(port, mail), MACH_MSG_SUCCESS);
    CHECK_EQUAL(mail->words[1], moved);
    CHECK_EQUAL(test_user_next_id(moved), 8);

    /* Into its own queue: nobody could ever receive it, so it dies there. */
    mail = test_messages_to(moved, TEST_COMPLEX);
    mail->words[0] = TEST_INLINE | TEST_TYPE(MACH_MSG_TYPE_MOVE_RECEIVE, 32, 1);
    mail->words[1] = moved;
    CHECK_EQUAL(test_user_send(mail, 2, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_type(moved), MACH_PORT_TYPE_DEAD_NAME);
    test_user_end();
}

static void test_messages_payloads_and_last_senders(void)
{
    struct test_user_mail *mail;
    struct ipc_port *notify, *previous;
    mach_msg_type_name_t kind;

    test_user_begin();
    mach_port_name_t port = test_user_port_with_send(), told = test_user_port();
    CHECK_EQUAL(mach_port_set_protected_payload(test_user_space, port, 0x1234), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_extract_right(test_user_space, told, MACH_MSG_TYPE_MAKE_SEND_ONCE, &notify, &kind), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_request_notification(test_user_space, port, MACH_NOTIFY_NO_SENDERS, 1, notify, &previous),
                KERN_SUCCESS);
    mail = test_messages_to(port, MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND, 0));
    CHECK_EQUAL(test_user_send(mail, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_next_id(told), 0); /* the message has the last right */
    CHECK_EQUAL(test_user_receive(port, mail), MACH_MSG_SUCCESS);
    CHECK_EQUAL(mail->header.msgh_local_port, 0x1234);
    CHECK_EQUAL(MACH_MSGH_BITS_LOCAL(mail->header.msgh_bits), MACH_MSG_TYPE_PROTECTED_PAYLOAD);
    CHECK_EQUAL(test_user_next_id(told), MACH_NOTIFY_NO_SENDERS);
    test_user_end();
}

static void test_messages_dead_names_of_replies(void)
{
    struct test_user_mail *mail;
    struct test_user_call call;

    test_user_begin();
    mach_port_name_t port = test_user_port_with_send(), reply = test_user_port(), told = test_user_port();

    /* MACH_RCV_NOTIFY asks for word of the reply right's death. */
    mail = test_messages_to(port, MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    mail->header.msgh_local_port = reply;
    CHECK_EQUAL(test_user_send(mail, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    call = (struct test_user_call){.address = TEST_USER_AT, .option = MACH_RCV_MSG | MACH_RCV_NOTIFY, .receive_size = 200,
                                   .receive_name = port, .notify = told};
    CHECK_EQUAL(test_user_call(&call), MACH_MSG_SUCCESS);
    test_user_get(TEST_USER_AT, mail, sizeof(mail->header));
    mach_port_name_t once = mail->header.msgh_remote_port;
    CHECK_EQUAL(test_user_type(once), MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DNREQUEST);
    /* Used with MACH_SEND_CANCEL it ends the request without a word. */
    mail = test_messages_to(once, MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0));
    CHECK_EQUAL(test_user_send(mail, 0, MACH_SEND_CANCEL, 0, told), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_next_id(reply), 1);
    CHECK_EQUAL(test_user_next_id(told), 0);

    mail = test_messages_to(port, MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    mail->header.msgh_local_port = reply;
    CHECK_EQUAL(test_user_send(mail, 0, 0, 0, 0), MACH_MSG_SUCCESS);
    CHECK_EQUAL(test_user_call(&call), MACH_MSG_SUCCESS);
    CHECK_EQUAL(mach_port_destroy(test_user_space, reply), KERN_SUCCESS);
    CHECK_EQUAL(test_user_next_id(told), MACH_NOTIFY_DEAD_NAME);

    /* A name for notifications that is none: the message is gone, its destination is shown. */
    CHECK_EQUAL(test_user_send_id(port, 1, 0), MACH_MSG_SUCCESS);
    call.notify = TEST_NO_NAME;
    CHECK_EQUAL(test_user_call(&call), MACH_RCV_INVALID_NOTIFY);
    test_user_get(TEST_USER_AT, mail, sizeof(mail->header));
    CHECK_EQUAL(mail->header.msgh_local_port, port);
    CHECK_EQUAL(test_user_queued(port), 0);
    test_user_end();
}

/* ---- no memory ---- */

#define TEST_RCV_MASK (MACH_MSG_IPC_KERNEL | MACH_MSG_VM_KERNEL)

/* A message with all that can be in one. As a thread that is being ended, which waits for no memory. */
static void test_messages_attempt(void *context)
{
    struct thread *self = current_thread();
    struct test_user_mail *mail;
    struct test_user_call call = {
        .address = TEST_USER_AT, .option = MACH_RCV_MSG | MACH_RCV_NOTIFY | MACH_RCV_TIMEOUT, .receive_size = 240,
    };

    (void)context;
    test_user_begin_again();
    mach_port_name_t port = test_user_port_with_send(), reply = test_user_port();
    uint32_t names[2] = {reply, port};
    test_user_put(TEST_USER_AT, names, sizeof(names)); /* who is being ended waits for no fault either */
    test_user_put(TEST_USER_PAGE(2), names, sizeof(names));
    test_user_put(TEST_USER_PAGE(4), names, sizeof(names));
    test_user_put(TEST_USER_PAGE(5), names, sizeof(names));
    call.receive_name = port;
    call.notify = reply;
    mail = test_messages_to(port, MACH_MSGH_BITS_COMPLEX |
                                      MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    mail->header.msgh_local_port = reply;
    mail->words[0] = TEST_INLINE | TEST_TYPE(MACH_MSG_TYPE_MAKE_SEND_ONCE, 32, 2);
    mail->words[1] = mail->words[2] = reply;
    mail->words[3] = TEST_TYPE(MACH_MSG_TYPE_MAKE_SEND, 32, 2);
    mail->words[4] = TEST_USER_PAGE(2);
    mail->words[5] = TEST_LONG;
    mail->words[6] = TEST_LONG_NAME(MACH_MSG_TYPE_BYTE, 8);
    mail->words[7] = 2 * PAGE_SIZE;
    mail->words[8] = TEST_USER_PAGE(4);
    self->terminating = true;
    test_vm_fail_begin();
    mach_msg_return_t sent = test_user_send(mail, 47, 0, 0, 0), received = MACH_RCV_TIMED_OUT;
    if (sent == MACH_MSG_SUCCESS)
        received = test_user_call(&call);
    bool failed = test_vm_fail_end();
    self->terminating = false;
    CHECK(sent == MACH_MSG_SUCCESS || sent == MACH_SEND_NO_BUFFER ||
          sent == (MACH_SEND_INVALID_MEMORY | MACH_MSG_VM_KERNEL));
    CHECK(received == MACH_MSG_SUCCESS || failed);
    if (sent == MACH_MSG_SUCCESS && received != MACH_MSG_SUCCESS)
        CHECK((received & ~TEST_RCV_MASK) == MACH_RCV_BODY_ERROR || (received & ~TEST_RCV_MASK) == MACH_RCV_HEADER_ERROR);
    CHECK_EQUAL(test_user_queued(port), 0);
    test_user_end_again();
}

static void test_messages_every_failure_is_clean(void)
{
    CHECK(test_vm_fail_each(test_messages_attempt, NULL) >= 8);
}

static const struct test_case test_messages_cases[] = {
    {"descriptors that lie are refused, and nothing is taken", test_messages_descriptors_that_lie},
    {"what a refused body held before the fault is given up", test_messages_what_came_before_goes},
    {"headers that lie are refused", test_messages_headers_that_lie},
    {"addresses that are none lose one message at most", test_messages_memory_that_is_none},
    {"rights arrive from arrays, in line and out of it", test_messages_rights_in_arrays},
    {"no room for memory at the receiver is said in the result", test_messages_no_room_at_the_receiver},
    {"a receive right moves with its queue, but never into it", test_messages_a_receive_right_moves},
    {"a payload stands for the name, and the last sender is told of", test_messages_payloads_and_last_senders},
    {"the death of a reply right is told, if that is wanted", test_messages_dead_names_of_replies},
    {"each failing allocation of a message is an error, and nothing stays", test_messages_every_failure_is_clean},
    {NULL, NULL},
};

const struct test_suite test_messages_suite = {"messages", test_messages_cases};
