/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test's thread as a user: it acts for a task of its own, whose memory is at TEST_USER_AT, and traps as a program would.
 */
#ifndef TESTS_KERNEL_TEST_USER_H
#define TESTS_KERNEL_TEST_USER_H

#include <mach/message.h>

#include "tests/kernel/test_vm.h"

struct task;
struct thread;

#define TEST_USER_AT 0x100000u
#define TEST_USER_PAGES 8u
#define TEST_USER_PAGE(n) (TEST_USER_AT + (n) * PAGE_SIZE)
#define TEST_USER_NOWHERE 0x80000000u   /* nothing is mapped there */
#define TEST_USER_WORDS 48u

extern struct task *test_user_task;
extern struct ipc_space *test_user_space;

/* From here on the running thread acts for a fresh task; until test_user_end(), which also takes stock if begin did. */
void test_user_begin(void);
void test_user_end(void);
/* The same, for what is repeated with allocations that fail: without taking stock. */
void test_user_begin_again(void);
void test_user_end_again(void);

struct test_user_mail {
    mach_msg_header_t header;
    uint32_t words[TEST_USER_WORDS];
};

/* Arguments of the trap mach_msg; the message is at address. */
struct test_user_call {
    uint32_t address;
    mach_msg_option_t option;
    mach_msg_size_t send_size, receive_size;
    mach_port_name_t receive_name;
    mach_msg_timeout_t timeout;
    mach_port_name_t notify;
};
mach_msg_return_t test_user_call(const struct test_user_call *call);

void test_user_put(uint32_t address, const void *data, uint32_t size);
void test_user_get(uint32_t address, void *data, uint32_t size);

/* Ports of the task: a receive right, with a send right under the same name. */
mach_port_name_t test_user_port(void);
mach_port_name_t test_user_port_with_send(void);
uint32_t test_user_refs(mach_port_name_t name, mach_port_right_t right);
mach_port_type_t test_user_type(mach_port_name_t name);
uint32_t test_user_queued(mach_port_name_t name);

/* Sends mail with the first nr_words of its words, by what its header says. */
mach_msg_return_t test_user_send(struct test_user_mail *mail, uint32_t nr_words, mach_msg_option_t more,
                                 mach_msg_timeout_t timeout, mach_port_name_t notify);
/* A header alone with this id, to a send right. */
mach_msg_return_t test_user_send_id(mach_port_name_t to, mach_msg_id_t id, mach_msg_option_t more);
/* Receives from name if there is something. */
mach_msg_return_t test_user_receive(mach_port_name_t name, struct test_user_mail *mail);
/* The id of what is received, or 0. */
mach_msg_id_t test_user_next_id(mach_port_name_t name);

/* Another thread of the task, which makes one call: to see what waits. Its message is at call.address, where it was put. */
struct test_user_peer {
    struct test_user_call call;
    mach_msg_return_t result;
    bool done;
    struct thread *thread;
};
/* Returns when it waits, or has ended. */
void test_user_peer_start(struct test_user_peer *peer);
/* Waits for its end; CHECKs that it comes. */
mach_msg_return_t test_user_peer_end(struct test_user_peer *peer);

#endif
