/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls on names and rights, as the kernel's functions: what each does, what it refuses, and that whichever allocation
 * fails, a call is refused wholly or served wholly.
 */
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
#include "mig/mach_port_server.h"
#include "tests/kernel/test_vm.h"
#include "vm/vm_map.h"

#define TEST_PORTS_NONE 4242u   /* a name that is never made */

static struct ipc_space *test_space;
static struct ipc_port *test_notify;    /* where notifications go; the kernel receives */
static struct test_vm_stock test_stock;

static bool test_ports_begin(void)
{
    test_vm_stock_take(&test_stock);
    test_notify = ipc_port_alloc_reply();
    return CHECK(ipc_space_create(&test_space) == KERN_SUCCESS);
}

static void test_ports_end(void)
{
    ipc_space_destroy(test_space);
    ipc_space_unref(test_space);
    ipc_port_dealloc_kernel(test_notify);
    test_vm_stock_check(&test_stock);
}

static mach_port_name_t test_ports_make(mach_port_right_t right)
{
    mach_port_name_t name = MACH_PORT_NULL;

    CHECK_EQUAL(mach_port_allocate(test_space, right, &name), KERN_SUCCESS);
    return name;
}

static mach_port_type_t test_ports_type(mach_port_name_t name)
{
    mach_port_type_t type = MACH_PORT_TYPE_NONE;

    return mach_port_type(test_space, name, &type) == KERN_SUCCESS ? type : MACH_PORT_TYPE_NONE;
}

static mach_port_urefs_t test_ports_refs(mach_port_name_t name, mach_port_right_t right)
{
    mach_port_urefs_t refs = ~0u;

    CHECK_EQUAL(mach_port_get_refs(test_space, name, right, &refs), KERN_SUCCESS);
    return refs;
}

/* A right taken out of the space, as a message would carry it; IP_NULL if that is refused. */
static struct ipc_port *test_ports_take(mach_port_name_t name, mach_msg_type_name_t type)
{
    struct ipc_port *port = IP_NULL;
    mach_msg_type_name_t kind;

    return mach_port_extract_right(test_space, name, type, &port, &kind) == KERN_SUCCESS ? port : IP_NULL;
}

/* A send right under the name of the receive right. */
static void test_ports_add_send(mach_port_name_t name)
{
    struct ipc_port *port = test_ports_take(name, MACH_MSG_TYPE_MAKE_SEND);

    CHECK_EQUAL(mach_port_insert_right(test_space, name, port, MACH_MSG_TYPE_PORT_SEND), KERN_SUCCESS);
}

static kern_return_t test_ports_ask(mach_port_name_t name, mach_msg_id_t id, mach_port_mscount_t sync)
{
    struct ipc_port *notify = ipc_port_make_sonce(test_notify), *previous = IP_NULL;
    kern_return_t kr = mach_port_request_notification(test_space, name, id, sync, notify, &previous);

    if (kr != KERN_SUCCESS)
        ipc_port_unmake_sonce(notify);
    else if (previous != IP_NULL)
        ipc_port_release_sonce(previous); /* a send-once notification tells of it */
    return kr;
}

/* The next notification: its id, 0 if none comes, and what it carries. */
static mach_msg_id_t test_ports_told(uint32_t *what)
{
    struct ipc_mqueue_receive receive = {
        .mqueue = {.port = test_notify}, .option = MACH_RCV_TIMEOUT, .timeout = 100, .most = 1000,
    };

    if (ipc_mqueue_receive(&receive, ipc_space_reply) != MACH_MSG_SUCCESS)
        return 0;
    mach_dead_name_notification_t *said = (mach_dead_name_notification_t *)ipc_kmsg_header(receive.kmsg);
    mach_msg_id_t id = said->not_header.msgh_id;
    if (id != MACH_NOTIFY_SEND_ONCE && what != NULL)
        *what = said->not_port;
    /* The right that it came to is used up. */
    ipc_port_unmake_sonce(test_notify);
    said->not_header.msgh_remote_port = MACH_PORT_NULL;
    ipc_kmsg_destroy(receive.kmsg);
    return id;
}

/* ---- names ---- */

static void test_ports_names_are_made_and_given_up(void)
{
    if (!test_ports_begin())
        return;
    mach_port_name_t receive = test_ports_make(MACH_PORT_RIGHT_RECEIVE), set = test_ports_make(MACH_PORT_RIGHT_PORT_SET);
    mach_port_name_t dead = test_ports_make(MACH_PORT_RIGHT_DEAD_NAME), none;
    CHECK_EQUAL(test_ports_type(receive), MACH_PORT_TYPE_RECEIVE);
    CHECK_EQUAL(test_ports_type(set), MACH_PORT_TYPE_PORT_SET);
    CHECK_EQUAL(test_ports_type(dead), MACH_PORT_TYPE_DEAD_NAME);
    CHECK_EQUAL(test_ports_refs(receive, MACH_PORT_RIGHT_RECEIVE), 1);
    CHECK_EQUAL(test_ports_refs(receive, MACH_PORT_RIGHT_SEND), 0);
    CHECK_EQUAL(test_ports_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    CHECK_EQUAL(mach_port_allocate(test_space, MACH_PORT_RIGHT_SEND, &none), KERN_INVALID_VALUE);

    CHECK_EQUAL(mach_port_allocate_name(test_space, MACH_PORT_RIGHT_RECEIVE, 770), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_allocate_name(test_space, MACH_PORT_RIGHT_RECEIVE, 770), KERN_NAME_EXISTS);
    CHECK_EQUAL(mach_port_allocate_name(test_space, MACH_PORT_RIGHT_PORT_SET, 770), KERN_NAME_EXISTS);
    CHECK_EQUAL(mach_port_allocate_name(test_space, MACH_PORT_RIGHT_DEAD_NAME, 770), KERN_NAME_EXISTS);
    CHECK_EQUAL(mach_port_allocate_name(test_space, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL), KERN_INVALID_VALUE);
    CHECK_EQUAL(mach_port_allocate_name(test_space, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_DEAD), KERN_INVALID_VALUE);

    CHECK_EQUAL(mach_port_deallocate(test_space, receive), KERN_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_deallocate(test_space, dead), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_type(dead), MACH_PORT_TYPE_NONE);
    CHECK_EQUAL(mach_port_destroy(test_space, set), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_destroy(test_space, set), KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_deallocate(test_space, set), KERN_INVALID_NAME);
    CHECK_EQUAL(test_ports_type(set), MACH_PORT_TYPE_NONE);
    CHECK_EQUAL(test_ports_type(MACH_PORT_DEAD), MACH_PORT_TYPE_NONE);
    test_ports_end();
}

/* The words of a list that a call returned, given up; ~0 where there are not as many. */
static uint32_t test_ports_word(void *list, uint32_t count, uint32_t at)
{
    struct vm_map_copy *copy = list;

    return at < count && CHECK_EQUAL(copy->size, count * sizeof(uint32_t)) ? ((uint32_t *)copy->buffer)[at] : ~0u;
}

static void test_ports_names_are_listed(void)
{
    mach_port_name_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t nr_names, nr_types;

    if (!test_ports_begin())
        return;
    CHECK_EQUAL(mach_port_names(test_space, &names, &nr_names, &types, &nr_types), KERN_SUCCESS);
    CHECK_EQUAL(nr_names, 0);
    CHECK(names == NULL && types == NULL);

    mach_port_name_t receive = test_ports_make(MACH_PORT_RIGHT_RECEIVE), set = test_ports_make(MACH_PORT_RIGHT_PORT_SET);
    test_ports_add_send(receive);
    CHECK_EQUAL(test_ports_ask(receive, MACH_NOTIFY_DEAD_NAME, 0), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_names(test_space, &names, &nr_names, &types, &nr_types), KERN_SUCCESS);
    CHECK_EQUAL(nr_names, 2);
    CHECK_EQUAL(nr_types, 2);
    CHECK_EQUAL(test_ports_word(names, nr_names, 0), receive);
    CHECK_EQUAL(test_ports_word(types, nr_types, 0),
                MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DNREQUEST);
    CHECK_EQUAL(test_ports_word(names, nr_names, 1), set);
    CHECK_EQUAL(test_ports_word(types, nr_types, 1), MACH_PORT_TYPE_PORT_SET);
    vm_map_copy_destroy((struct vm_map_copy *)names);
    vm_map_copy_destroy((struct vm_map_copy *)types);
    test_ports_end();
}

static void test_ports_a_name_is_changed(void)
{
    uint32_t what = 0;

    if (!test_ports_begin())
        return;
    mach_port_name_t port = test_ports_make(MACH_PORT_RIGHT_RECEIVE), set = test_ports_make(MACH_PORT_RIGHT_PORT_SET);
    mach_port_status_t status;
    CHECK_EQUAL(mach_port_rename(test_space, port, set), KERN_NAME_EXISTS);
    CHECK_EQUAL(mach_port_rename(test_space, port, MACH_PORT_NULL), KERN_INVALID_VALUE);
    CHECK_EQUAL(mach_port_rename(test_space, TEST_PORTS_NONE, 900), KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_rename(test_space, set, 901), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_move_member(test_space, port, 901), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_rename(test_space, port, 70000), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_type(port), MACH_PORT_TYPE_NONE);
    CHECK_EQUAL(mach_port_get_receive_status(test_space, 70000, &status), KERN_SUCCESS);
    CHECK_EQUAL(status.mps_pset, 901);

    /* The death of a port is told with the name that it has then. */
    struct ipc_port *dying = ipc_port_create(ALLOC_SLEEP);
    CHECK_EQUAL(mach_port_insert_right(test_space, 50, ipc_port_make_send(dying), MACH_MSG_TYPE_PORT_SEND), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_ask(50, MACH_NOTIFY_DEAD_NAME, 0), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_rename(test_space, 50, 60), KERN_SUCCESS);
    ipc_port_destroy(dying);
    CHECK_EQUAL(test_ports_told(&what), MACH_NOTIFY_DEAD_NAME);
    CHECK_EQUAL(what, 60);
    CHECK_EQUAL(mach_port_rename(test_space, 60, 61), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_refs(61, MACH_PORT_RIGHT_DEAD_NAME), 2);
    test_ports_end();
}

static void test_ports_no_space(void)
{
    mach_port_name_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t nr_names, nr_types;
    struct ipc_space *ended;
    struct ipc_port *port = ipc_port_alloc_reply(), *right;
    mach_port_name_t name;
    mach_port_type_t type;
    mach_port_urefs_t refs;
    mach_msg_type_name_t kind;
    uint32_t live = port->refs;

    REQUIRE(ipc_space_create(&ended) == KERN_SUCCESS);
    ipc_space_destroy(ended);
    struct ipc_space *spaces[] = {NULL, ended};
    for (unsigned int i = 0; i < ARRAY_LENGTH(spaces); i++) {
        struct ipc_space *space = spaces[i];
        CHECK_EQUAL(mach_port_allocate(space, MACH_PORT_RIGHT_RECEIVE, &name), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_allocate(space, MACH_PORT_RIGHT_PORT_SET, &name), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_allocate_name(space, MACH_PORT_RIGHT_DEAD_NAME, 1), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_names(space, &names, &nr_names, &types, &nr_types), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_type(space, 1, &type), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_rename(space, 1, 2), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_destroy(space, 1), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_deallocate(space, 1), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_get_refs(space, 1, MACH_PORT_RIGHT_SEND, &refs), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_mod_refs(space, 1, MACH_PORT_RIGHT_SEND, 1), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_set_qlimit(space, 1, 1), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_get_set_status(space, 1, &names, &nr_names), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_request_notification(space, 1, MACH_NOTIFY_DEAD_NAME, 0, IP_NULL, &right), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_insert_right(space, 1, port, MACH_MSG_TYPE_PORT_SEND), KERN_INVALID_TASK);
        CHECK_EQUAL(mach_port_extract_right(space, 1, MACH_MSG_TYPE_COPY_SEND, &right, &kind), KERN_INVALID_TASK);
    }
    CHECK_EQUAL(port->refs, live);
    ipc_space_unref(ended);
    ipc_port_dealloc_kernel(port);
}

/* ---- references ---- */

static void test_ports_references_of_send_rights(void)
{
    const mach_port_right_t send = MACH_PORT_RIGHT_SEND;

    if (!test_ports_begin())
        return;
    struct ipc_port *port = ipc_port_alloc_reply();
    mach_port_name_t name = 5;
    CHECK_EQUAL(mach_port_insert_right(test_space, name, ipc_port_make_send(port), MACH_MSG_TYPE_PORT_SEND), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_mod_refs(test_space, name, send, 2), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_refs(name, send), 3);
    CHECK_EQUAL(mach_port_mod_refs(test_space, name, send, -4), KERN_INVALID_VALUE);
    CHECK_EQUAL(mach_port_mod_refs(test_space, name, send, IPC_UREFS_SEND_MAX), KERN_UREFS_OVERFLOW);
    CHECK_EQUAL(mach_port_mod_refs(test_space, name, MACH_PORT_RIGHT_RECEIVE, -1), KERN_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_mod_refs(test_space, name, MACH_PORT_RIGHT_NUMBER, 1), KERN_INVALID_VALUE);
    CHECK_EQUAL(mach_port_mod_refs(test_space, TEST_PORTS_NONE, send, 1), KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_get_refs(test_space, TEST_PORTS_NONE, send, &(mach_port_urefs_t){0}), KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_get_refs(test_space, name, MACH_PORT_RIGHT_NUMBER, &(mach_port_urefs_t){0}), KERN_INVALID_VALUE);
    CHECK_EQUAL(test_ports_refs(name, send), 3);
    CHECK_EQUAL(port->srights, 1);

    CHECK_EQUAL(mach_port_mod_refs(test_space, name, send, IPC_UREFS_SEND_MAX - 3), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_insert_right(test_space, name, port, MACH_MSG_TYPE_PORT_SEND), KERN_UREFS_OVERFLOW);
    CHECK_EQUAL(mach_port_mod_refs(test_space, name, send, -(mach_port_delta_t)(IPC_UREFS_SEND_MAX - 2)), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_deallocate(test_space, name), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_refs(name, send), 1);
    CHECK_EQUAL(mach_port_deallocate(test_space, name), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_type(name), MACH_PORT_TYPE_NONE);
    CHECK_EQUAL(port->srights, 0);

    CHECK_EQUAL(mach_port_insert_right(test_space, name, ipc_port_make_send(port), MACH_MSG_TYPE_PORT_SEND), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_mod_refs(test_space, name, send, -1), KERN_SUCCESS);
    CHECK_EQUAL(port->srights, 0);
    CHECK_EQUAL(mach_port_insert_right(test_space, name, ipc_port_make_sonce(port), MACH_MSG_TYPE_PORT_SEND_ONCE),
                KERN_SUCCESS);
    CHECK_EQUAL(mach_port_deallocate(test_space, name), KERN_SUCCESS); /* the receiver is told, by a message */
    CHECK_EQUAL(port->msgcount, 1);
    CHECK_EQUAL(test_ports_type(name), MACH_PORT_TYPE_NONE);
    ipc_port_dealloc_kernel(port);
    test_ports_end();
}

static void test_ports_references_of_other_rights(void)
{
    if (!test_ports_begin())
        return;
    mach_port_name_t port = test_ports_make(MACH_PORT_RIGHT_RECEIVE), set = test_ports_make(MACH_PORT_RIGHT_PORT_SET);
    mach_port_name_t dead = test_ports_make(MACH_PORT_RIGHT_DEAD_NAME);
    CHECK_EQUAL(mach_port_mod_refs(test_space, set, MACH_PORT_RIGHT_PORT_SET, 0), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_mod_refs(test_space, set, MACH_PORT_RIGHT_PORT_SET, 1), KERN_INVALID_VALUE);
    CHECK_EQUAL(mach_port_mod_refs(test_space, set, MACH_PORT_RIGHT_PORT_SET, -1), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_type(set), MACH_PORT_TYPE_NONE);

    CHECK_EQUAL(mach_port_mod_refs(test_space, dead, MACH_PORT_RIGHT_DEAD_NAME, IPC_UREFS_MAX - 1), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_ask(dead, MACH_NOTIFY_DEAD_NAME, 1), KERN_UREFS_OVERFLOW);
    CHECK_EQUAL(mach_port_mod_refs(test_space, dead, MACH_PORT_RIGHT_DEAD_NAME, -(mach_port_delta_t)IPC_UREFS_MAX),
                KERN_SUCCESS);
    CHECK_EQUAL(test_ports_type(dead), MACH_PORT_TYPE_NONE);

    /* Without a send right the name goes with the receive right; with one it becomes a dead name. */
    test_ports_add_send(port);
    CHECK_EQUAL(mach_port_mod_refs(test_space, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_type(port), MACH_PORT_TYPE_DEAD_NAME);
    mach_port_name_t alone = test_ports_make(MACH_PORT_RIGHT_RECEIVE);
    CHECK_EQUAL(mach_port_mod_refs(test_space, alone, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_type(alone), MACH_PORT_TYPE_NONE);
    test_ports_end();
}

/* ---- rights that go in and out ---- */

static void test_ports_rights_are_put_in(void)
{
    if (!test_ports_begin())
        return;
    struct ipc_port *port = ipc_port_alloc_reply(), *right = ipc_port_make_send(port), *dead = ipc_port_create(ALLOC_SLEEP);
    mach_port_name_t other = test_ports_make(MACH_PORT_RIGHT_DEAD_NAME);
    const mach_msg_type_name_t send = MACH_MSG_TYPE_PORT_SEND;
    CHECK_EQUAL(mach_port_insert_right(test_space, MACH_PORT_DEAD, right, send), KERN_INVALID_VALUE);
    CHECK_EQUAL(mach_port_insert_right(test_space, 7, right, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_VALUE);
    CHECK_EQUAL(mach_port_insert_right(test_space, 7, IP_NULL, send), KERN_INVALID_CAPABILITY);
    CHECK_EQUAL(mach_port_insert_right(test_space, 7, IP_DEAD, send), KERN_INVALID_CAPABILITY);
    CHECK_EQUAL(mach_port_insert_right(test_space, other, right, send), KERN_NAME_EXISTS);
    CHECK_EQUAL(mach_port_insert_right(test_space, 7, right, send), KERN_SUCCESS);
    right = ipc_port_make_send(port);
    CHECK_EQUAL(mach_port_insert_right(test_space, 8, right, send), KERN_RIGHT_EXISTS);
    CHECK_EQUAL(mach_port_insert_right(test_space, 7, right, send), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_refs(7, MACH_PORT_RIGHT_SEND), 2);
    CHECK_EQUAL(port->srights, 1);

    right = ipc_port_make_send(dead);
    ipc_port_destroy(dead);
    CHECK_EQUAL(mach_port_insert_right(test_space, 9, right, send), KERN_INVALID_CAPABILITY);
    ipc_port_release_send(right);
    CHECK_EQUAL(test_ports_type(9), MACH_PORT_TYPE_NONE);
    ipc_port_dealloc_kernel(port);
    test_ports_end();
}

static void test_ports_rights_are_taken_out(void)
{
    if (!test_ports_begin())
        return;
    mach_port_name_t name = test_ports_make(MACH_PORT_RIGHT_RECEIVE), dead = test_ports_make(MACH_PORT_RIGHT_DEAD_NAME);
    struct ipc_port *port, *right;
    mach_msg_type_name_t kind;
    CHECK_EQUAL(mach_port_extract_right(test_space, name, MACH_MSG_TYPE_PORT_NAME, &port, &kind), KERN_INVALID_VALUE);
    CHECK_EQUAL(mach_port_extract_right(test_space, MACH_PORT_DEAD, MACH_MSG_TYPE_COPY_SEND, &port, &kind),
                KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_extract_right(test_space, TEST_PORTS_NONE, MACH_MSG_TYPE_COPY_SEND, &port, &kind),
                KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_extract_right(test_space, name, MACH_MSG_TYPE_COPY_SEND, &port, &kind), KERN_INVALID_RIGHT);

    right = test_ports_take(name, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    REQUIRE(right != IP_NULL);
    CHECK_EQUAL(right->sorights, 1);
    CHECK_EQUAL(mach_port_insert_right(test_space, 30, right, MACH_MSG_TYPE_PORT_SEND_ONCE), KERN_SUCCESS);
    CHECK(test_ports_take(30, MACH_MSG_TYPE_MOVE_SEND_ONCE) == right);
    CHECK_EQUAL(test_ports_type(30), MACH_PORT_TYPE_NONE);
    ipc_port_unmake_sonce(right);

    test_ports_add_send(name);
    test_ports_add_send(name);
    for (unsigned int left = 2; left-- > 0;) { /* of two references; the last one takes the right along */
        right = test_ports_take(name, MACH_MSG_TYPE_MOVE_SEND);
        CHECK_EQUAL(right->srights, 1 + (left > 0));
        CHECK_EQUAL(test_ports_type(name), MACH_PORT_TYPE_RECEIVE | (left > 0 ? MACH_PORT_TYPE_SEND : 0));
        ipc_port_release_send(right);
    }

    /* The receive right, with the name's last reference, and put in again beside a send right of the same port. */
    CHECK_EQUAL(mach_port_extract_right(test_space, name, MACH_MSG_TYPE_MOVE_RECEIVE, &port, &kind), KERN_SUCCESS);
    CHECK_EQUAL(kind, MACH_MSG_TYPE_PORT_RECEIVE);
    CHECK_EQUAL(test_ports_type(name), MACH_PORT_TYPE_NONE);
    CHECK_EQUAL(mach_port_insert_right(test_space, 31, ipc_port_make_send(port), MACH_MSG_TYPE_PORT_SEND), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_insert_right(test_space, 31, port, MACH_MSG_TYPE_PORT_RECEIVE), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_type(31), MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_SEND);
    CHECK(test_ports_take(31, MACH_MSG_TYPE_MOVE_RECEIVE) == port);
    CHECK_EQUAL(test_ports_type(31), MACH_PORT_TYPE_SEND);
    ipc_port_destroy(port);

    /* A dead name is copied as what it is, and moved with its reference. */
    CHECK(test_ports_take(dead, MACH_MSG_TYPE_COPY_SEND) == IP_DEAD);
    CHECK_EQUAL(test_ports_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
    CHECK(test_ports_take(dead, MACH_MSG_TYPE_MOVE_SEND) == IP_DEAD);
    CHECK_EQUAL(test_ports_type(dead), MACH_PORT_TYPE_NONE);
    test_ports_end();
}

/* ---- properties ---- */

static void test_ports_properties_of_a_receive_right(void)
{
    if (!test_ports_begin())
        return;
    mach_port_name_t port = test_ports_make(MACH_PORT_RIGHT_RECEIVE), set = test_ports_make(MACH_PORT_RIGHT_PORT_SET);
    mach_port_status_t status;
    CHECK_EQUAL(mach_port_set_qlimit(test_space, port, MACH_PORT_QLIMIT_MAX), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_set_mscount(test_space, port, 12), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_set_seqno(test_space, port, 34), KERN_SUCCESS);
    test_ports_add_send(port);
    CHECK_EQUAL(test_ports_ask(port, MACH_NOTIFY_NO_SENDERS, 0), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_ask(port, MACH_NOTIFY_PORT_DESTROYED, 0), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_get_receive_status(test_space, port, &status), KERN_SUCCESS);
    CHECK_EQUAL(status.mps_pset, MACH_PORT_NULL);
    CHECK_EQUAL(status.mps_seqno, 34);
    CHECK_EQUAL(status.mps_mscount, 13);
    CHECK_EQUAL(status.mps_qlimit, MACH_PORT_QLIMIT_MAX);
    CHECK(status.mps_srights && status.mps_nsrequest && status.mps_pdrequest);
    CHECK_EQUAL(status.mps_sorights, 0);

    struct ipc_port *right = test_ports_take(port, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    CHECK_EQUAL(mach_port_set_protected_payload(test_space, port, 56), KERN_SUCCESS);
    CHECK(right->has_payload && right->payload == 56);
    CHECK_EQUAL(mach_port_clear_protected_payload(test_space, port), KERN_SUCCESS);
    CHECK(!right->has_payload);
    ipc_port_unmake_sonce(right);

    CHECK_EQUAL(mach_port_set_qlimit(test_space, port, MACH_PORT_QLIMIT_MAX + 1), KERN_INVALID_VALUE);
    CHECK_EQUAL(mach_port_set_qlimit(test_space, set, 1), KERN_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_set_mscount(test_space, set, 1), KERN_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_set_seqno(test_space, set, 1), KERN_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_set_protected_payload(test_space, set, 1), KERN_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_clear_protected_payload(test_space, TEST_PORTS_NONE), KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_get_receive_status(test_space, TEST_PORTS_NONE, &status), KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_mod_refs(test_space, port, MACH_PORT_RIGHT_SEND, -1), KERN_SUCCESS);
    test_ports_end();
}

static void test_ports_members_of_sets(void)
{
    mach_port_name_array_t members;
    mach_msg_type_number_t count;

    if (!test_ports_begin())
        return;
    mach_port_name_t a = test_ports_make(MACH_PORT_RIGHT_RECEIVE), b = test_ports_make(MACH_PORT_RIGHT_RECEIVE);
    mach_port_name_t set = test_ports_make(MACH_PORT_RIGHT_PORT_SET), other = test_ports_make(MACH_PORT_RIGHT_PORT_SET);
    mach_port_name_t dead = test_ports_make(MACH_PORT_RIGHT_DEAD_NAME);
    CHECK_EQUAL(mach_port_get_set_status(test_space, set, &members, &count), KERN_SUCCESS);
    CHECK_EQUAL(count, 0);
    CHECK_EQUAL(mach_port_move_member(test_space, a, set), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_move_member(test_space, b, set), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_move_member(test_space, b, set), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_get_set_status(test_space, set, &members, &count), KERN_SUCCESS);
    CHECK_EQUAL(count, 2);
    CHECK_EQUAL(test_ports_word(members, count, 0), a);
    CHECK_EQUAL(test_ports_word(members, count, 1), b);
    vm_map_copy_destroy((struct vm_map_copy *)members);
    CHECK_EQUAL(mach_port_move_member(test_space, a, other), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_get_set_status(test_space, set, &members, &count), KERN_SUCCESS);
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(test_ports_word(members, count, 0), b);
    vm_map_copy_destroy((struct vm_map_copy *)members);

    CHECK_EQUAL(mach_port_move_member(test_space, b, MACH_PORT_NULL), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_move_member(test_space, b, MACH_PORT_NULL), KERN_NOT_IN_SET);
    CHECK_EQUAL(mach_port_move_member(test_space, b, TEST_PORTS_NONE), KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_move_member(test_space, b, a), KERN_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_move_member(test_space, set, other), KERN_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_move_member(test_space, dead, other), KERN_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_move_member(test_space, TEST_PORTS_NONE, other), KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_get_set_status(test_space, a, &members, &count), KERN_INVALID_RIGHT);
    CHECK_EQUAL(mach_port_get_set_status(test_space, TEST_PORTS_NONE, &members, &count), KERN_INVALID_NAME);
    CHECK_EQUAL(mach_port_request_notification(test_space, set, MACH_NOTIFY_DEAD_NAME, 0, IP_NULL,
                                               &(struct ipc_port *){NULL}), KERN_INVALID_RIGHT);
    test_ports_end();
}

/* ---- notifications ---- */

static void test_ports_no_senders_is_told(void)
{
    uint32_t what = 0;

    if (!test_ports_begin())
        return;
    mach_port_name_t port = test_ports_make(MACH_PORT_RIGHT_RECEIVE);
    CHECK_EQUAL(test_ports_ask(port, MACH_NOTIFY_NO_SENDERS, 1), KERN_SUCCESS); /* one that will be made */
    CHECK_EQUAL(test_ports_told(NULL), 0);
    test_ports_add_send(port);
    CHECK_EQUAL(mach_port_mod_refs(test_space, port, MACH_PORT_RIGHT_SEND, -1), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_told(&what), MACH_NOTIFY_NO_SENDERS);
    CHECK_EQUAL(what, 1);
    CHECK_EQUAL(test_ports_ask(port, MACH_NOTIFY_NO_SENDERS, 1), KERN_SUCCESS); /* it has been made and is gone: at once */
    CHECK_EQUAL(test_ports_told(&what), MACH_NOTIFY_NO_SENDERS);
    CHECK_EQUAL(test_ports_ask(port, MACH_NOTIFY_NO_SENDERS, 2), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_ask(port, MACH_NOTIFY_NO_SENDERS, 2), KERN_SUCCESS); /* the first request is given back */
    CHECK_EQUAL(test_ports_told(NULL), MACH_NOTIFY_SEND_ONCE);
    CHECK_EQUAL(mach_port_destroy(test_space, port), KERN_SUCCESS); /* with the second */
    CHECK_EQUAL(test_ports_told(NULL), MACH_NOTIFY_SEND_ONCE);
    CHECK_EQUAL(test_ports_told(NULL), 0);
    test_ports_end();
}

static void test_ports_destruction_hands_the_right_over(void)
{
    uint32_t what = 0;

    if (!test_ports_begin())
        return;
    mach_port_name_t port = test_ports_make(MACH_PORT_RIGHT_RECEIVE);
    struct ipc_port *right = test_ports_take(port, MACH_MSG_TYPE_MAKE_SEND);
    CHECK_EQUAL(test_ports_ask(port, MACH_NOTIFY_PORT_DESTROYED, 0), KERN_SUCCESS);
    CHECK_EQUAL(mach_port_destroy(test_space, port), KERN_SUCCESS);
    CHECK(ipc_port_active(right));
    CHECK_EQUAL(test_ports_told(&what), MACH_NOTIFY_PORT_DESTROYED);
    CHECK_EQUAL(what, (uint32_t)(uintptr_t)right);
    CHECK(!ipc_port_active(right)); /* it went with the message */
    ipc_port_release_send(right);

    /* A port whose destruction would be told to itself just dies. */
    port = test_ports_make(MACH_PORT_RIGHT_RECEIVE);
    struct ipc_port *previous, *own = test_ports_take(port, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    CHECK_EQUAL(mach_port_request_notification(test_space, port, MACH_NOTIFY_PORT_DESTROYED, 0, own, &previous),
                KERN_SUCCESS);
    CHECK_EQUAL(mach_port_destroy(test_space, port), KERN_SUCCESS);
    test_ports_end();
}

static void test_ports_a_name_that_goes_is_told(void)
{
    struct ipc_port *previous;
    uint32_t what = 0;

    if (!test_ports_begin())
        return;
    struct ipc_port *port = ipc_port_alloc_reply();
    CHECK_EQUAL(mach_port_insert_right(test_space, 5, ipc_port_make_send(port), MACH_MSG_TYPE_PORT_SEND), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_ask(5, MACH_NOTIFY_DEAD_NAME, 0), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_type(5), MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DNREQUEST);
    CHECK_EQUAL(mach_port_deallocate(test_space, 5), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_told(&what), MACH_NOTIFY_PORT_DELETED);
    CHECK_EQUAL(what, 5);

    /* Moved away it has gone as well. */
    for (unsigned int kind = 0; kind < 2; kind++) {
        struct ipc_port *right = kind == 0 ? ipc_port_make_send(port) : ipc_port_make_sonce(port);
        CHECK_EQUAL(mach_port_insert_right(test_space, 6, right, kind == 0 ? MACH_MSG_TYPE_PORT_SEND
                                                                           : MACH_MSG_TYPE_PORT_SEND_ONCE), KERN_SUCCESS);
        CHECK_EQUAL(test_ports_ask(6, MACH_NOTIFY_DEAD_NAME, 0), KERN_SUCCESS);
        right = test_ports_take(6, kind == 0 ? MACH_MSG_TYPE_MOVE_SEND : MACH_MSG_TYPE_MOVE_SEND_ONCE);
        CHECK(right == port);
        ipc_port_release_right(right, kind == 0 ? MACH_MSG_TYPE_PORT_SEND : MACH_MSG_TYPE_PORT_SEND_ONCE);
        CHECK_EQUAL(test_ports_told(&what), MACH_NOTIFY_PORT_DELETED);
        CHECK_EQUAL(what, 6);
    }

    /* A name that is dead already: told only to who says so. */
    mach_port_name_t dead = test_ports_make(MACH_PORT_RIGHT_DEAD_NAME);
    CHECK_EQUAL(test_ports_ask(dead, MACH_NOTIFY_DEAD_NAME, 0), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(test_ports_ask(dead, MACH_NOTIFY_DEAD_NAME, 1), KERN_SUCCESS);
    CHECK_EQUAL(test_ports_told(&what), MACH_NOTIFY_DEAD_NAME);
    CHECK_EQUAL(test_ports_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 2);
    CHECK_EQUAL(mach_port_request_notification(test_space, dead, MACH_NOTIFY_DEAD_NAME, 0, IP_NULL, &previous),
                KERN_SUCCESS);
    CHECK_EQUAL(test_ports_ask(dead, MACH_NOTIFY_PORT_DESTROYED, 0), KERN_INVALID_RIGHT);
    CHECK_EQUAL(test_ports_ask(TEST_PORTS_NONE, MACH_NOTIFY_DEAD_NAME, 0), KERN_INVALID_NAME);
    CHECK_EQUAL(test_ports_ask(dead, MACH_NOTIFY_PORT_DESTROYED, 1), KERN_INVALID_VALUE);
    CHECK_EQUAL(test_ports_ask(dead, MACH_NOTIFY_SEND_ONCE, 0), KERN_INVALID_VALUE);
    CHECK_EQUAL(mach_port_request_notification(test_space, dead, MACH_NOTIFY_DEAD_NAME, 0, IP_DEAD, &previous),
                KERN_INVALID_CAPABILITY);
    ipc_port_dealloc_kernel(port);
    test_ports_end();
}

static void test_ports_a_send_once_right_that_goes_is_told_later(void)
{
    struct list taken;

    if (!test_ports_begin())
        return;
    struct ipc_port *right = ipc_port_make_sonce(test_notify);
    ipc_port_make_sonce(test_notify);
    ipc_kmsg_free(ipc_kmsg_alloc(sizeof(mach_msg_header_t), ALLOC_SLEEP));
    struct ipc_kmsg *kept = ipc_kmsg_alloc(sizeof(mach_msg_header_t), ALLOC_SLEEP); /* the one at hand */
    unsigned int count = test_vm_take_all(&taken, ALLOC_DAEMON);
    alloc_inject_after(1);
    ipc_port_release_sonce(right); /* no memory for its message: owed */
    alloc_inject_after(0);
    CHECK_EQUAL(test_notify->msgcount, 0);
    ipc_port_release_sonce(right);
    test_vm_give_back(&taken, count);
    ipc_kmsg_free(kept);
    CHECK_EQUAL(test_ports_told(NULL), MACH_NOTIFY_SEND_ONCE);
    CHECK_EQUAL(test_ports_told(NULL), MACH_NOTIFY_SEND_ONCE);
    CHECK_EQUAL(test_ports_told(NULL), 0);
    test_ports_end();
}

/* ---- no memory ---- */

static void test_ports_expect(kern_return_t kr)
{
    CHECK(kr == KERN_SUCCESS || kr == KERN_RESOURCE_SHORTAGE);
}

/* The calls that allocate. */
static void test_ports_attempt_calls(struct ipc_port *port)
{
    mach_port_name_array_t names = NULL, members = NULL;
    mach_port_type_array_t types = NULL;
    mach_msg_type_number_t nr_names = 0, nr_types = 0, nr_members = 0;
    mach_port_name_t name;

    test_ports_expect(mach_port_allocate(test_space, MACH_PORT_RIGHT_RECEIVE, &name));
    test_ports_expect(mach_port_allocate_name(test_space, MACH_PORT_RIGHT_PORT_SET, 300));
    test_ports_expect(mach_port_allocate_name(test_space, MACH_PORT_RIGHT_DEAD_NAME, 0x12345678));
    test_ports_expect(mach_port_rename(test_space, 2, 70000));
    kern_return_t kr = mach_port_insert_right(test_space, 500, port, MACH_MSG_TYPE_PORT_SEND);
    test_ports_expect(kr);
    if (kr != KERN_SUCCESS)
        ipc_port_release_send(port);
    kr = mach_port_names(test_space, &names, &nr_names, &types, &nr_types);
    test_ports_expect(kr);
    if (kr == KERN_SUCCESS) {
        vm_map_copy_destroy((struct vm_map_copy *)names);
        vm_map_copy_destroy((struct vm_map_copy *)types);
    }
    kr = mach_port_get_set_status(test_space, 1, &members, &nr_members);
    test_ports_expect(kr);
    if (kr == KERN_SUCCESS)
        vm_map_copy_destroy((struct vm_map_copy *)members);
    test_ports_expect(test_ports_ask(3, MACH_NOTIFY_NO_SENDERS, 9));
}

/* As a thread that is being ended: it waits for no memory. */
static void test_ports_attempt(void *context)
{
    struct thread *self = current_thread();
    struct ipc_port *port = ipc_port_alloc_reply();

    (void)context;
    test_notify = ipc_port_alloc_reply();
    REQUIRE(ipc_space_create(&test_space) == KERN_SUCCESS);
    CHECK_EQUAL(test_ports_make(MACH_PORT_RIGHT_PORT_SET), 1);
    CHECK_EQUAL(test_ports_make(MACH_PORT_RIGHT_DEAD_NAME), 2);
    CHECK_EQUAL(test_ports_make(MACH_PORT_RIGHT_RECEIVE), 3);
    CHECK_EQUAL(mach_port_move_member(test_space, 3, 1), KERN_SUCCESS);
    struct ipc_port *right = ipc_port_make_send(port);
    self->terminating = true;
    test_vm_fail_begin();
    test_ports_attempt_calls(right);
    bool failed = test_vm_fail_end();
    self->terminating = false;
    mach_port_type_t moved = test_ports_type(70000), stays = test_ports_type(2);
    CHECK_EQUAL(moved | stays, MACH_PORT_TYPE_DEAD_NAME);
    CHECK(failed || (moved != MACH_PORT_TYPE_NONE && test_ports_type(500) == MACH_PORT_TYPE_SEND));
    ipc_space_destroy(test_space);
    ipc_space_unref(test_space);
    ipc_port_dealloc_kernel(test_notify);
    ipc_port_dealloc_kernel(port);
}

static void test_ports_every_failure_is_clean(void)
{
    CHECK(test_vm_fail_each(test_ports_attempt, NULL) >= 12);
}

static const struct test_case test_ports_cases[] = {
    {"names are made, typed and given up", test_ports_names_are_made_and_given_up},
    {"all names are listed, with what they stand for", test_ports_names_are_listed},
    {"a right keeps its set and its request when its name changes", test_ports_a_name_is_changed},
    {"no space, or one that has ended, has no names", test_ports_no_space},
    {"references of send rights are counted, up to their bounds", test_ports_references_of_send_rights},
    {"other rights have one reference, dead names many", test_ports_references_of_other_rights},
    {"a right is put in under one name only", test_ports_rights_are_put_in},
    {"rights are taken out as copies, made, or moved", test_ports_rights_are_taken_out},
    {"what is set of a receive right is what is read", test_ports_properties_of_a_receive_right},
    {"a port is in one set, or none", test_ports_members_of_sets},
    {"no-senders is told once, with the count of those made", test_ports_no_senders_is_told},
    {"a receive right that is destroyed goes to who asked for it", test_ports_destruction_hands_the_right_over},
    {"a name that goes, or is dead, is told to who asked", test_ports_a_name_that_goes_is_told},
    {"send-once rights that go without memory are told later", test_ports_a_send_once_right_that_goes_is_told_later},
    {"each failing allocation of a call refuses it wholly", test_ports_every_failure_is_clean},
    {NULL, NULL},
};

const struct test_suite test_ports_suite = {"ports", test_ports_cases};
