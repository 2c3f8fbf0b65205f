/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/test_user.h"

#include "i386/pmap.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "ipc/mach_msg.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "mig/mach_port_server.h"
#include "vm/vm_map.h"

struct task *test_user_task;
struct ipc_space *test_user_space;
static struct test_vm_stock test_user_stock;

static void test_user_act_for(struct task *task)
{
    current_thread()->task = task;
    pmap_activate(task->map->pmap);
}

void test_user_begin_again(void)
{
    CHECK_EQUAL(task_create_in(NULL, false, &test_user_task), KERN_SUCCESS);
    test_user_space = test_user_task->space;
    test_vm_allocate(test_user_task->map, TEST_USER_AT, TEST_USER_PAGES);
    test_user_act_for(test_user_task);
}

void test_user_end_again(void)
{
    test_user_act_for(kernel_task);
    (void)task_end(test_user_task);
    task_unref(test_user_task);
}

void test_user_begin(void)
{
    test_vm_stock_take(&test_user_stock);
    test_user_begin_again();
}

void test_user_end(void)
{
    test_user_end_again();
    test_vm_stock_check(&test_user_stock);
}

mach_msg_return_t test_user_call(const struct test_user_call *call)
{
    const uint32_t arguments[] = {call->address, (uint32_t)call->option, call->send_size, call->receive_size,
                                  call->receive_name, call->timeout, call->notify};

    return (mach_msg_return_t)mach_msg_trap(arguments);
}

void test_user_put(uint32_t address, const void *data, uint32_t size)
{
    CHECK(copyout(data, (void *)(uintptr_t)address, size));
}

void test_user_get(uint32_t address, void *data, uint32_t size)
{
    CHECK(copyin((const void *)(uintptr_t)address, data, size));
}

/* ---- ports ---- */

mach_port_name_t test_user_port(void)
{
    mach_port_name_t name = MACH_PORT_NULL;

    CHECK_EQUAL(mach_port_allocate(test_user_space, MACH_PORT_RIGHT_RECEIVE, &name), KERN_SUCCESS);
    return name;
}

mach_port_name_t test_user_port_with_send(void)
{
    mach_port_name_t name = test_user_port();
    mach_msg_type_name_t kind;
    struct ipc_port *port = IP_NULL;

    CHECK_EQUAL(mach_port_extract_right(test_user_space, name, MACH_MSG_TYPE_MAKE_SEND, &port, &kind), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_insert_right(test_user_space, name, port, MACH_MSG_TYPE_PORT_SEND), KERN_SUCCESS);
    return name;
}

uint32_t test_user_refs(mach_port_name_t name, mach_port_right_t right)
{
    mach_port_urefs_t refs = ~0u;

    CHECK_EQUAL(mach_port_get_refs(test_user_space, name, right, &refs), KERN_SUCCESS);
    return refs;
}

mach_port_type_t test_user_type(mach_port_name_t name)
{
    mach_port_type_t type = MACH_PORT_TYPE_NONE;

    return mach_port_type(test_user_space, name, &type) == KERN_SUCCESS ? type : MACH_PORT_TYPE_NONE;
}

uint32_t test_user_queued(mach_port_name_t name)
{
    mach_port_status_t status = {.mps_msgcount = ~0u};

    CHECK_EQUAL(mach_port_get_receive_status(test_user_space, name, &status), KERN_SUCCESS);
    return status.mps_msgcount;
}

/* ---- messages ---- */

mach_msg_return_t test_user_send(struct test_user_mail *mail, uint32_t nr_words, mach_msg_option_t more,
                                 mach_msg_timeout_t timeout, mach_port_name_t notify)
{
    uint32_t size = sizeof(mail->header) + nr_words * sizeof(uint32_t);
    struct test_user_call call = {
        .address = TEST_USER_AT, .option = MACH_SEND_MSG | more, .send_size = size, .timeout = timeout, .notify = notify,
    };

    test_user_put(TEST_USER_AT, mail, size);
    mach_msg_return_t mr = test_user_call(&call);
    test_user_get(TEST_USER_AT, mail, size);
    return mr;
}

mach_msg_return_t test_user_send_id(mach_port_name_t to, mach_msg_id_t id, mach_msg_option_t more)
{
    struct test_user_mail mail = {
        .header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_remote_port = to, .msgh_id = id},
    };

    return test_user_send(&mail, 0, more, 0, MACH_PORT_NULL);
}

mach_msg_return_t test_user_receive(mach_port_name_t name, struct test_user_mail *mail)
{
    struct test_user_call call = {
        .address = TEST_USER_AT, .option = MACH_RCV_MSG | MACH_RCV_TIMEOUT, .receive_size = sizeof(*mail),
        .receive_name = name,
    };
    mach_msg_return_t mr = test_user_call(&call);

    test_user_get(TEST_USER_AT, mail, sizeof(*mail));
    return mr;
}

mach_msg_id_t test_user_next_id(mach_port_name_t name)
{
    struct test_user_mail mail;

    return test_user_receive(name, &mail) == MACH_MSG_SUCCESS ? mail.header.msgh_id : 0;
}

/* ---- another thread ---- */

static void test_user_peer_main(void *argument)
{
    struct test_user_peer *peer = argument;

    test_user_act_for(test_user_task);
    peer->result = test_user_call(&peer->call);
    test_user_act_for(kernel_task);
    peer->done = true;
    thread_exit();
}

static bool test_user_peer_rests(void *context)
{
    struct test_user_peer *peer = context;

    return peer->done || peer->thread->run_state == THREAD_WAITING;
}

static bool test_user_peer_is_done(void *context)
{
    return ((struct test_user_peer *)context)->done;
}

void test_user_peer_start(struct test_user_peer *peer)
{
    peer->done = false;
    peer->thread = kernel_thread_create("peer", test_user_peer_main, peer, THREAD_PRIORITY_USER);
    CHECK(test_wait(test_user_peer_rests, peer, 2000));
}

mach_msg_return_t test_user_peer_end(struct test_user_peer *peer)
{
    CHECK(test_wait(test_user_peer_is_done, peer, 2000));
    return peer->result;
}
