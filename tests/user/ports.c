/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port names and the rights that they denote: the calls of mach_port, but for notifications (notify.c).
 */
#include "harness.h"

/* A dead name with one user reference. */
static mach_port_t ports_dead_name(void)
{
    mach_port_t name = harness_port_with_send();

    OK(mach_port_mod_refs(harness_self, name, MACH_PORT_RIGHT_RECEIVE, -1));
    IS(harness_type(name), MACH_PORT_TYPE_DEAD_NAME);
    return name;
}

static mach_port_t ports_send_once(mach_port_t port)
{
    mach_port_t name = MACH_PORT_NULL;
    mach_msg_type_name_t kind;

    OK(mach_port_extract_right(harness_self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &name, &kind));
    return name;
}

/* ---- names ---- */

static void ports_allocate(void)
{
    static const struct {
        mach_port_right_t right;
        mach_port_type_t type;
    } kinds[] = {
        {MACH_PORT_RIGHT_RECEIVE, MACH_PORT_TYPE_RECEIVE},
        {MACH_PORT_RIGHT_PORT_SET, MACH_PORT_TYPE_PORT_SET},
        {MACH_PORT_RIGHT_DEAD_NAME, MACH_PORT_TYPE_DEAD_NAME},
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(kinds); i++) {
        mach_port_t name = MACH_PORT_NULL;

        OK(mach_port_allocate(harness_self, kinds[i].right, &name));
        CHECK(MACH_PORT_VALID(name));
        IS(harness_type(name), kinds[i].type);
        for (mach_port_right_t right = 0; right < MACH_PORT_RIGHT_NUMBER; right++)
            IS(harness_refs(name, right), right == kinds[i].right);
        OK(mach_port_mod_refs(harness_self, name, kinds[i].right, -1));
        IS(harness_type(name), 0);
    }
}

static void ports_allocate_bad_kinds(void)
{
    const mach_port_right_t bad[] = {MACH_PORT_RIGHT_SEND, MACH_PORT_RIGHT_SEND_ONCE, MACH_PORT_RIGHT_NUMBER, 0x80000000,
                                     0xffffffff};
    unsigned int nr_names = harness_nr_names();

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++) {
        mach_port_t name = 1;

        IS(mach_port_allocate(harness_self, bad[i], &name), KERN_INVALID_VALUE);
        IS(mach_port_allocate_name(harness_self, bad[i], 0x4000), KERN_INVALID_VALUE);
    }
    IS(harness_nr_names(), nr_names);
}

static void ports_many_names(void)
{
    enum { nr = 2000 };
    static mach_port_t names[nr];
    unsigned int nr_names = harness_nr_names(), good = 0;

    for (unsigned int i = 0; i < nr; i++)
        names[i] = harness_port();
    for (unsigned int i = 0; i < nr; i++)
        good += harness_type(names[i]) == MACH_PORT_TYPE_RECEIVE;
    IS(good, nr); /* so they differ: each is destroyed once */
    IS(harness_nr_names(), nr_names + nr);
    for (unsigned int i = 0; i < nr; i += 2)
        harness_destroy(names[i]);
    for (unsigned int i = 0; i < nr; i += 2)
        names[i] = harness_set();
    for (unsigned int i = 0; i < nr; i++)
        harness_destroy(names[i]);
    IS(harness_nr_names(), nr_names);
}

static void ports_allocate_name(void)
{
    const mach_port_t names[] = {0x300, 0x4711, 0x12345678, 0x7fffffff, 0xfffffffe};

    for (unsigned int i = 0; i < ARRAY_LENGTH(names); i++) {
        OK(mach_port_allocate_name(harness_self, MACH_PORT_RIGHT_RECEIVE, names[i]));
        IS(harness_type(names[i]), MACH_PORT_TYPE_RECEIVE);
        IS(mach_port_allocate_name(harness_self, MACH_PORT_RIGHT_DEAD_NAME, names[i]), KERN_NAME_EXISTS);
    }
    for (unsigned int i = 0; i < ARRAY_LENGTH(names); i++) {
        OK(mach_port_insert_right(harness_self, names[i], names[i], MACH_MSG_TYPE_MAKE_SEND));
        OK(harness_send(names[i], MACH_MSG_TYPE_COPY_SEND, i));
        IS(harness_next_id(names[i]), i);
        harness_destroy(names[i]);
        IS(harness_type(names[i]), 0);
    }
    IS(mach_port_allocate_name(harness_self, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_NULL), KERN_INVALID_VALUE);
    IS(mach_port_allocate_name(harness_self, MACH_PORT_RIGHT_RECEIVE, MACH_PORT_DEAD), KERN_INVALID_VALUE);
}

static void ports_rename(void)
{
    const mach_port_t names[] = {harness_unused_name(), harness_unused_name(), harness_unused_name(), harness_unused_name(),
                                 harness_unused_name()};
    mach_port_t port = harness_port_with_send(), dead = ports_dead_name(), once = ports_send_once(port), set = harness_set();

    OK(mach_port_rename(harness_self, port, names[0]));
    OK(mach_port_rename(harness_self, dead, names[1]));
    OK(mach_port_rename(harness_self, once, names[2]));
    OK(mach_port_rename(harness_self, set, names[3]));
    IS(harness_type(port), 0);
    IS(harness_type(names[0]), MACH_PORT_TYPE_SEND_RECEIVE);
    IS(harness_type(names[1]), MACH_PORT_TYPE_DEAD_NAME);
    IS(harness_type(names[2]), MACH_PORT_TYPE_SEND_ONCE);
    IS(harness_type(names[3]), MACH_PORT_TYPE_PORT_SET);
    OK(harness_send(names[2], MACH_MSG_TYPE_MOVE_SEND_ONCE, 4));
    OK(harness_receive(names[0], &(struct harness_message){.head.msgh_id = 0}, 0));

    IS(mach_port_rename(harness_self, names[0], names[1]), KERN_NAME_EXISTS);
    IS(mach_port_rename(harness_self, port, names[4]), KERN_INVALID_NAME);
    IS(mach_port_rename(harness_self, names[0], MACH_PORT_NULL), KERN_INVALID_VALUE);
    IS(mach_port_rename(harness_self, names[0], MACH_PORT_DEAD), KERN_INVALID_VALUE);
    /* The kernel finds a renamed right again when it comes back. */
    OK(mach_port_insert_right(harness_self, names[0], names[0], MACH_MSG_TYPE_MAKE_SEND));
    IS(harness_refs(names[0], MACH_PORT_RIGHT_SEND), 2);
    harness_destroy(names[0]);
    harness_destroy(names[1]);
    harness_destroy(names[3]);
}

static void ports_rename_a_member(void)
{
    const mach_port_t names[] = {harness_unused_name(), harness_unused_name()};
    mach_port_t port = harness_port_with_send(), set = harness_set();

    OK(mach_port_move_member(harness_self, port, set));
    OK(mach_port_rename(harness_self, port, names[0]));
    OK(mach_port_rename(harness_self, set, names[1]));
    IS(harness_status(names[0]).mps_pset, names[1]);
    OK(harness_send(names[0], MACH_MSG_TYPE_COPY_SEND, 6));
    IS(harness_next_id(names[1]), 6);
    harness_destroy(names[0]);
    harness_destroy(names[1]);
}

static void ports_names(void)
{
    mach_port_t port = harness_port_with_send(), dead = ports_dead_name(), once = ports_send_once(port), set = harness_set();
    mach_port_array_t names;
    mach_port_type_array_t types;
    mach_msg_type_number_t nr_names = 0, nr_types = 0;
    unsigned int found = 0;

    OK(mach_port_names(harness_self, &names, &nr_names, &types, &nr_types));
    IS(nr_names, nr_types);
    for (unsigned int i = 0; i < nr_names; i++) {
        found += names[i] == port && types[i] == MACH_PORT_TYPE_SEND_RECEIVE;
        found += names[i] == dead && types[i] == MACH_PORT_TYPE_DEAD_NAME;
        found += names[i] == once && types[i] == MACH_PORT_TYPE_SEND_ONCE;
        found += names[i] == set && types[i] == MACH_PORT_TYPE_PORT_SET;
        found += names[i] == harness_self && types[i] == MACH_PORT_TYPE_SEND;
    }
    IS(found, 5);
    OK(vm_deallocate(harness_self, (vm_address_t)names, nr_names * sizeof(*names)));
    OK(vm_deallocate(harness_self, (vm_address_t)types, nr_types * sizeof(*types)));
    harness_destroy(port);
    harness_destroy(dead);
    harness_destroy(once);
    harness_destroy(set);
}

static void ports_self_traps(void)
{
    mach_port_t task = mach_task_self(), thread = mach_thread_self(), host = mach_host_self(), reply = mach_reply_port();
    unsigned int refs = harness_refs(task, MACH_PORT_RIGHT_SEND);

    IS(harness_type(task), MACH_PORT_TYPE_SEND);
    IS(harness_type(thread), MACH_PORT_TYPE_SEND);
    IS(harness_type(host), MACH_PORT_TYPE_SEND);
    IS(harness_type(reply), MACH_PORT_TYPE_RECEIVE);
    IS(mach_task_self(), task);
    IS(harness_refs(task, MACH_PORT_RIGHT_SEND), refs + 1);
    OK(mach_port_deallocate(task, task));
    harness_destroy(reply);
    OK(mach_port_deallocate(task, thread));
    OK(mach_port_deallocate(task, host));
}

/* ---- references ---- */

static void ports_send_references(void)
{
    mach_port_t port = harness_port_with_send();

    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 5));
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 6);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 0));
    OK(mach_port_deallocate(harness_self, port));
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 5);
    IS(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, -6), KERN_INVALID_VALUE);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 5);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, -5));
    IS(harness_type(port), MACH_PORT_TYPE_RECEIVE);
    IS(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 1), KERN_INVALID_RIGHT);
    IS(mach_port_deallocate(harness_self, port), KERN_INVALID_RIGHT);
    harness_destroy(port);
}

static void ports_references_of_one(void)
{
    mach_port_t port = harness_port(), set = harness_set(), once = ports_send_once(port);

    IS(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, 1), KERN_INVALID_VALUE);
    IS(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, -2), KERN_INVALID_VALUE);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, 0));
    IS(mach_port_mod_refs(harness_self, set, MACH_PORT_RIGHT_PORT_SET, 1), KERN_INVALID_VALUE);
    OK(mach_port_mod_refs(harness_self, set, MACH_PORT_RIGHT_PORT_SET, 0));
    IS(mach_port_mod_refs(harness_self, once, MACH_PORT_RIGHT_SEND_ONCE, 1), KERN_INVALID_VALUE);
    IS(mach_port_mod_refs(harness_self, once, MACH_PORT_RIGHT_SEND, 1), KERN_INVALID_RIGHT);
    IS(mach_port_mod_refs(harness_self, set, MACH_PORT_RIGHT_RECEIVE, -1), KERN_INVALID_RIGHT);
    IS(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_NUMBER, 1), KERN_INVALID_VALUE);
    IS(mach_port_mod_refs(harness_self, BAD_NAME, MACH_PORT_RIGHT_SEND, 1), KERN_INVALID_NAME);
    IS(mach_port_deallocate(harness_self, set), KERN_INVALID_RIGHT);
    OK(mach_port_mod_refs(harness_self, once, MACH_PORT_RIGHT_SEND_ONCE, -1));
    IS(harness_next_id(port), MACH_NOTIFY_SEND_ONCE);
    harness_destroy(port);
    harness_destroy(set);
}

static void ports_references_overflow(void)
{
    mach_port_t port = harness_port_with_send(), dead = ports_dead_name();

    /* A name counts to 65535, and a receive right is one of that. */
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 60000));
    IS(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 0x7fffffff), KERN_UREFS_OVERFLOW);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 5533));
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 65534);
    IS(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 1), KERN_UREFS_OVERFLOW);
    IS(mach_port_insert_right(harness_self, port, port, MACH_MSG_TYPE_COPY_SEND), KERN_UREFS_OVERFLOW);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 65534);
    OK(mach_port_mod_refs(harness_self, dead, MACH_PORT_RIGHT_DEAD_NAME, 65534));
    IS(mach_port_mod_refs(harness_self, dead, MACH_PORT_RIGHT_DEAD_NAME, 1), KERN_UREFS_OVERFLOW);
    IS(harness_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 65535);
    harness_destroy(port);
    harness_destroy(dead);
}

static void ports_get_refs_of_what_is_not(void)
{
    mach_port_t port = harness_port();
    mach_port_urefs_t refs = 77;

    OK(mach_port_get_refs(harness_self, port, MACH_PORT_RIGHT_SEND, &refs));
    IS(refs, 0);
    IS(mach_port_get_refs(harness_self, port, MACH_PORT_RIGHT_NUMBER, &refs), KERN_INVALID_VALUE);
    IS(mach_port_get_refs(harness_self, BAD_NAME, MACH_PORT_RIGHT_SEND, &refs), KERN_INVALID_NAME);
    IS(mach_port_get_refs(harness_self, MACH_PORT_NULL, MACH_PORT_RIGHT_SEND, &refs), KERN_INVALID_NAME);
    harness_destroy(port);
}

/* ---- death ---- */

static void ports_send_rights_die(void)
{
    mach_port_t port = harness_port_with_send(), once = ports_send_once(port);

    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 2));
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_RECEIVE, -1));
    IS(harness_type(port), MACH_PORT_TYPE_DEAD_NAME);
    IS(harness_refs(port, MACH_PORT_RIGHT_DEAD_NAME), 3);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 0);
    IS(harness_type(once), MACH_PORT_TYPE_DEAD_NAME);
    IS(harness_refs(once, MACH_PORT_RIGHT_DEAD_NAME), 1);
    OK(mach_port_deallocate(harness_self, port));
    IS(harness_refs(port, MACH_PORT_RIGHT_DEAD_NAME), 2);
    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_DEAD_NAME, -2));
    IS(harness_type(port), 0);
    OK(mach_port_deallocate(harness_self, once));
    IS(harness_type(once), 0);
}

static void ports_destroy(void)
{
    mach_port_t port = harness_port_with_send(), once = ports_send_once(port), set = harness_set();

    OK(mach_port_mod_refs(harness_self, port, MACH_PORT_RIGHT_SEND, 7));
    OK(mach_port_destroy(harness_self, port));
    IS(harness_type(port), 0); /* its send rights go too: no dead name stays */
    IS(harness_type(once), MACH_PORT_TYPE_DEAD_NAME);
    OK(mach_port_destroy(harness_self, once));
    OK(mach_port_destroy(harness_self, set));
    IS(mach_port_destroy(harness_self, once), KERN_INVALID_NAME);
    IS(mach_port_destroy(harness_self, MACH_PORT_NULL), KERN_INVALID_NAME);
    IS(mach_port_destroy(harness_self, MACH_PORT_DEAD), KERN_INVALID_NAME);
}

/* A port that dies with messages takes the rights in them along: here the receive right of another port. */
static void ports_queued_rights_die(void)
{
    static struct harness_message message;
    mach_port_t port = harness_port_with_send(), other = harness_port_with_send();

    harness_compose(&message, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 2);
    message.head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
    message.body[0] = harness_type_word(harness_type_inline(MACH_MSG_TYPE_MOVE_RECEIVE, 32, 1));
    message.body[1] = other;
    OK(harness_send_message(&message, 0, 0));
    IS(harness_type(other), MACH_PORT_TYPE_SEND);
    harness_destroy(port);
    IS(harness_type(other), MACH_PORT_TYPE_DEAD_NAME);
    harness_destroy(other);
}

/* ---- inserting and extracting ---- */

static void ports_insert_send(void)
{
    const mach_port_t names[] = {harness_unused_name()};
    mach_port_t port = harness_port();

    OK(mach_port_insert_right(harness_self, port, port, MACH_MSG_TYPE_MAKE_SEND));
    IS(harness_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
    OK(mach_port_insert_right(harness_self, port, port, MACH_MSG_TYPE_COPY_SEND));
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 2);
    OK(mach_port_insert_right(harness_self, port, port, MACH_MSG_TYPE_MOVE_SEND));
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 2);
    /* The right has a name already, and no second one. */
    IS(mach_port_insert_right(harness_self, names[0], port, MACH_MSG_TYPE_MAKE_SEND), KERN_RIGHT_EXISTS);
    IS(harness_type(names[0]), 0);
    harness_destroy(port);
}

static void ports_insert_under_a_used_name(void)
{
    mach_port_t port = harness_port(), other = harness_port(), dead = ports_dead_name();

    IS(mach_port_insert_right(harness_self, other, port, MACH_MSG_TYPE_MAKE_SEND), KERN_RIGHT_EXISTS);
    IS(mach_port_insert_right(harness_self, other, port, MACH_MSG_TYPE_MAKE_SEND_ONCE), KERN_NAME_EXISTS);
    IS(mach_port_insert_right(harness_self, dead, port, MACH_MSG_TYPE_MAKE_SEND_ONCE), KERN_NAME_EXISTS);
    IS(harness_type(other), MACH_PORT_TYPE_RECEIVE);
    IS(harness_type(dead), MACH_PORT_TYPE_DEAD_NAME);
    IS(harness_status(port).mps_srights, FALSE);
    harness_destroy(other);
    harness_destroy(dead);
    harness_destroy(port);
}

static void ports_insert_send_once(void)
{
    const mach_port_t names[] = {harness_unused_name(), harness_unused_name(), harness_unused_name()};
    mach_port_t port = harness_port();

    OK(mach_port_insert_right(harness_self, names[0], port, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    OK(mach_port_insert_right(harness_self, names[1], port, MACH_MSG_TYPE_MAKE_SEND_ONCE));
    IS(harness_type(names[0]), MACH_PORT_TYPE_SEND_ONCE);
    IS(harness_status(port).mps_sorights, 2);
    OK(mach_port_insert_right(harness_self, names[2], names[0], MACH_MSG_TYPE_MOVE_SEND_ONCE));
    IS(harness_type(names[0]), 0);
    IS(harness_type(names[2]), MACH_PORT_TYPE_SEND_ONCE);
    OK(harness_send(names[2], MACH_MSG_TYPE_MOVE_SEND_ONCE, 12));
    IS(harness_next_id(port), 12);
    harness_destroy(names[1]);
    IS(harness_next_id(port), MACH_NOTIFY_SEND_ONCE);
    harness_destroy(port);
}

static void ports_insert_bad(void)
{
    const mach_port_t names[] = {harness_unused_name()};
    mach_port_t port = harness_port();
    const mach_port_t bad[] = {MACH_PORT_NULL, MACH_PORT_DEAD};

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++)
        IS(mach_port_insert_right(harness_self, bad[i], port, MACH_MSG_TYPE_MAKE_SEND), KERN_INVALID_VALUE);
    IS(mach_port_insert_right(harness_self, names[0], MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_CAPABILITY);
    IS(mach_port_insert_right(harness_self, names[0], MACH_PORT_DEAD, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_CAPABILITY);
    IS(harness_type(names[0]), 0);
    harness_destroy(port);
}

static void ports_extract(void)
{
    mach_port_t port = harness_port_with_send(), name = MACH_PORT_NULL;
    mach_msg_type_name_t kind = 0;

    OK(mach_port_extract_right(harness_self, port, MACH_MSG_TYPE_COPY_SEND, &name, &kind));
    IS(name, port);
    IS(kind, MACH_MSG_TYPE_PORT_SEND);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 2);
    OK(mach_port_extract_right(harness_self, port, MACH_MSG_TYPE_MOVE_SEND, &name, &kind));
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 2); /* out of the space and into it again */
    OK(mach_port_extract_right(harness_self, port, MACH_MSG_TYPE_MAKE_SEND, &name, &kind));
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 3);
    OK(mach_port_extract_right(harness_self, port, MACH_MSG_TYPE_MOVE_RECEIVE, &name, &kind));
    IS(name, port);
    IS(kind, MACH_MSG_TYPE_PORT_RECEIVE);
    IS(harness_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
    IS(mach_port_extract_right(harness_self, port, MACH_MSG_TYPE_MOVE_SEND_ONCE, &name, &kind), KERN_INVALID_RIGHT);
    IS(mach_port_extract_right(harness_self, BAD_NAME, MACH_MSG_TYPE_COPY_SEND, &name, &kind), KERN_INVALID_NAME);
    for (mach_msg_type_name_t bad = 0; bad < 64; bad++)
        if (!MACH_MSG_TYPE_PORT_ANY(bad))
            IS(mach_port_extract_right(harness_self, port, bad, &name, &kind), KERN_INVALID_VALUE);
    harness_destroy(port);
}

/* Rights go between two tasks, and their names are each task's own. */
static void ports_of_two_tasks(void)
{
    const mach_port_t names[] = {harness_unused_name()};
    mach_port_t port = harness_port(), name = MACH_PORT_NULL;
    mach_msg_type_name_t kind = 0;
    mach_port_type_t type = 0;
    task_t task;

    OK(task_create(harness_self, FALSE, &task));
    OK(mach_port_insert_right(task, names[0], port, MACH_MSG_TYPE_MAKE_SEND));
    OK(mach_port_type(task, names[0], &type));
    IS(type, MACH_PORT_TYPE_SEND);
    IS(harness_type(names[0]), 0);
    OK(mach_port_extract_right(task, names[0], MACH_MSG_TYPE_COPY_SEND, &name, &kind));
    IS(name, port);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1);

    /* The receive right goes there and back; what is sent in between waits. */
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 1));
    OK(mach_port_insert_right(task, names[0], port, MACH_MSG_TYPE_MOVE_RECEIVE));
    IS(harness_type(port), MACH_PORT_TYPE_SEND);
    OK(mach_port_type(task, names[0], &type));
    IS(type, MACH_PORT_TYPE_SEND_RECEIVE);
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 2));
    OK(mach_port_extract_right(task, names[0], MACH_MSG_TYPE_MOVE_RECEIVE, &name, &kind));
    IS(name, port);
    IS(harness_next_id(port), 1);
    IS(harness_next_id(port), 2);

    OK(mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &name));
    IS(mach_port_insert_right(task, name, harness_host_priv, MACH_MSG_TYPE_COPY_SEND), KERN_NAME_EXISTS);
    OK(task_terminate(task));
    IS(mach_port_type(task, names[0], &type), MACH_SEND_INVALID_DEST);
    harness_destroy(task);
    harness_destroy(port);
}

static void ports_die_with_their_task(void)
{
    mach_port_t there = MACH_PORT_NULL, here = MACH_PORT_NULL;
    mach_msg_type_name_t kind = 0;
    task_t task;

    OK(task_create(harness_self, FALSE, &task));
    OK(mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &there));
    OK(mach_port_extract_right(task, there, MACH_MSG_TYPE_MAKE_SEND, &here, &kind));
    IS(harness_type(here), MACH_PORT_TYPE_SEND);
    OK(task_terminate(task));
    for (unsigned int i = 0; i < 100 && harness_type(here) == MACH_PORT_TYPE_SEND; i++)
        harness_sleep(10);
    IS(harness_type(here), MACH_PORT_TYPE_DEAD_NAME);
    harness_destroy(here);
    harness_destroy(task);
}

/* ---- status ---- */

static void ports_receive_status(void)
{
    mach_port_t port = harness_port(), set = harness_set();
    mach_port_status_t status = harness_status(port);

    IS(status.mps_pset, MACH_PORT_NULL);
    IS(status.mps_seqno, 0);
    IS(status.mps_mscount, 0);
    IS(status.mps_qlimit, MACH_PORT_QLIMIT_DEFAULT);
    IS(status.mps_msgcount, 0);
    IS(status.mps_sorights, 0);
    IS(status.mps_srights, FALSE);
    IS(status.mps_pdrequest, FALSE);
    IS(status.mps_nsrequest, FALSE);

    OK(mach_port_insert_right(harness_self, port, port, MACH_MSG_TYPE_MAKE_SEND));
    OK(harness_send(port, MACH_MSG_TYPE_MAKE_SEND, 1));
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 2));
    OK(harness_send(port, MACH_MSG_TYPE_MAKE_SEND_ONCE, 3));
    OK(mach_port_move_member(harness_self, port, set));
    status = harness_status(port);
    IS(status.mps_pset, set);
    IS(status.mps_mscount, 2);
    IS(status.mps_msgcount, 3);
    IS(status.mps_sorights, 1);
    IS(status.mps_srights, TRUE);
    IS(harness_next_id(set), 1);
    IS(harness_status(port).mps_seqno, 1);
    IS(harness_status(port).mps_msgcount, 2);
    harness_destroy(port);
    harness_destroy(set);
}

static void ports_set_mscount(void)
{
    mach_port_t port = harness_port();

    OK(mach_port_set_mscount(harness_self, port, 0xfffffffe));
    IS(harness_status(port).mps_mscount, 0xfffffffe);
    OK(mach_port_insert_right(harness_self, port, port, MACH_MSG_TYPE_MAKE_SEND));
    OK(mach_port_insert_right(harness_self, port, port, MACH_MSG_TYPE_MAKE_SEND));
    OK(mach_port_insert_right(harness_self, port, port, MACH_MSG_TYPE_COPY_SEND));
    IS(harness_status(port).mps_mscount, 0);
    harness_destroy(port);
}

static void ports_set_qlimit(void)
{
    mach_port_t port = harness_port_with_send();

    for (mach_port_msgcount_t limit = 0; limit <= MACH_PORT_QLIMIT_MAX; limit++) {
        OK(mach_port_set_qlimit(harness_self, port, limit));
        IS(harness_status(port).mps_qlimit, limit);
    }
    IS(mach_port_set_qlimit(harness_self, port, MACH_PORT_QLIMIT_MAX + 1), KERN_INVALID_VALUE);
    IS(mach_port_set_qlimit(harness_self, port, 0xffffffff), KERN_INVALID_VALUE);
    IS(harness_status(port).mps_qlimit, MACH_PORT_QLIMIT_MAX);
    /* A limit below what is queued takes nothing away. */
    for (unsigned int i = 0; i < 3; i++)
        OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, i));
    OK(mach_port_set_qlimit(harness_self, port, 2));
    IS(harness_status(port).mps_msgcount, 3);
    IS(harness_next_id(port), 0);
    IS(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 9), MACH_SEND_TIMED_OUT);
    IS(harness_next_id(port), 1);
    OK(harness_send(port, MACH_MSG_TYPE_COPY_SEND, 9));
    harness_destroy(port);
}

static void ports_moving_starts_anew(void)
{
    static struct harness_message message;
    mach_port_t port = harness_port_with_send(), carrier = harness_port_with_send();

    OK(mach_port_set_seqno(harness_self, port, 50));
    OK(mach_port_set_mscount(harness_self, port, 60));
    harness_compose(&message, carrier, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 2);
    message.head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
    message.body[0] = harness_type_word(harness_type_inline(MACH_MSG_TYPE_MOVE_RECEIVE, 32, 1));
    message.body[1] = port;
    OK(harness_send_message(&message, 0, 0));
    OK(harness_receive(carrier, &message, 0));
    IS(message.body[1], port);
    IS(harness_status(port).mps_seqno, 0);
    IS(harness_status(port).mps_mscount, 0);
    harness_destroy(port);
    harness_destroy(carrier);
}

static void ports_status_of_what_has_none(void)
{
    mach_port_t set = harness_set(), dead = ports_dead_name(), send = mach_host_self();
    const struct {
        mach_port_t name;
        kern_return_t error;
    } bad[] = {
        {set, KERN_INVALID_RIGHT},          {dead, KERN_INVALID_RIGHT},
        {send, KERN_INVALID_RIGHT},         {BAD_NAME, KERN_INVALID_NAME},
        {MACH_PORT_NULL, KERN_INVALID_NAME}, {MACH_PORT_DEAD, KERN_INVALID_NAME},
    };
    mach_port_status_t status;

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++) {
        IS(mach_port_get_receive_status(harness_self, bad[i].name, &status), bad[i].error);
        IS(mach_port_set_qlimit(harness_self, bad[i].name, 1), bad[i].error);
        IS(mach_port_set_mscount(harness_self, bad[i].name, 1), bad[i].error);
        IS(mach_port_set_seqno(harness_self, bad[i].name, 1), bad[i].error);
    }
    harness_destroy(set);
    harness_destroy(dead);
    OK(mach_port_deallocate(harness_self, send));
}

/* ---- sets ---- */

static boolean_t ports_set_has(mach_port_t set, const mach_port_t *members, unsigned int nr)
{
    mach_port_array_t names = NULL;
    mach_msg_type_number_t nr_names = 0;
    unsigned int found = 0;

    OK(mach_port_get_set_status(harness_self, set, &names, &nr_names));
    for (unsigned int i = 0; i < nr_names; i++)
        for (unsigned int j = 0; j < nr; j++)
            found += names[i] == members[j];
    if (nr_names > 0)
        OK(vm_deallocate(harness_self, (vm_address_t)names, nr_names * sizeof(*names)));
    return nr_names == nr && found == nr;
}

static void ports_set_members(void)
{
    enum { nr = 12 };
    mach_port_t set = harness_set(), other = harness_set(), members[nr];

    CHECK(ports_set_has(set, NULL, 0));
    for (unsigned int i = 0; i < nr; i++) {
        members[i] = harness_port();
        OK(mach_port_move_member(harness_self, members[i], set));
        IS(harness_status(members[i]).mps_pset, set);
    }
    CHECK(ports_set_has(set, members, nr));
    /* A port is in one set at a time. */
    OK(mach_port_move_member(harness_self, members[nr - 1], other));
    CHECK(ports_set_has(set, members, nr - 1));
    CHECK(ports_set_has(other, members + nr - 1, 1));
    /* Into the set where it is. */
    OK(mach_port_move_member(harness_self, members[0], set));
    CHECK(ports_set_has(set, members, nr - 1));
    OK(mach_port_move_member(harness_self, members[0], MACH_PORT_NULL));
    IS(harness_status(members[0]).mps_pset, MACH_PORT_NULL);
    IS(mach_port_move_member(harness_self, members[0], MACH_PORT_NULL), KERN_NOT_IN_SET);
    CHECK(ports_set_has(set, members + 1, nr - 2));
    /* Members that die leave it; when it dies, they live on. */
    harness_destroy(members[1]);
    CHECK(ports_set_has(set, members + 2, nr - 3));
    harness_destroy(set);
    harness_destroy(other);
    for (unsigned int i = 0; i < nr; i++)
        if (i != 1) {
            IS(harness_status(members[i]).mps_pset, MACH_PORT_NULL);
            harness_destroy(members[i]);
        }
}

static void ports_set_dies_with_messages(void)
{
    mach_port_t set = harness_set(), port[2] = {harness_port_with_send(), harness_port_with_send()};

    for (unsigned int i = 0; i < 2; i++) {
        OK(mach_port_move_member(harness_self, port[i], set));
        OK(harness_send(port[i], MACH_MSG_TYPE_COPY_SEND, 10 + i));
    }
    harness_destroy(set);
    for (unsigned int i = 0; i < 2; i++) {
        IS(harness_next_id(port[i]), 10 + i);
        harness_destroy(port[i]);
    }
}

static void ports_set_bad_members(void)
{
    mach_port_t set = harness_set(), port = harness_port(), send = mach_host_self();

    IS(mach_port_move_member(harness_self, send, set), KERN_INVALID_RIGHT);
    IS(mach_port_move_member(harness_self, set, set), KERN_INVALID_RIGHT);
    IS(mach_port_move_member(harness_self, port, port), KERN_INVALID_RIGHT);
    IS(mach_port_move_member(harness_self, port, send), KERN_INVALID_RIGHT);
    IS(mach_port_move_member(harness_self, port, BAD_NAME), KERN_INVALID_NAME);
    IS(mach_port_move_member(harness_self, BAD_NAME, set), KERN_INVALID_NAME);
    IS(mach_port_move_member(harness_self, port, MACH_PORT_DEAD), KERN_INVALID_NAME);
    CHECK(ports_set_has(set, NULL, 0));
    OK(mach_port_deallocate(harness_self, send));
    harness_destroy(set);
    harness_destroy(port);
}

static void ports_set_status_of_no_set(void)
{
    mach_port_t port = harness_port();
    mach_port_array_t names;
    mach_msg_type_number_t nr_names;

    IS(mach_port_get_set_status(harness_self, port, &names, &nr_names), KERN_INVALID_RIGHT);
    IS(mach_port_get_set_status(harness_self, BAD_NAME, &names, &nr_names), KERN_INVALID_NAME);
    harness_destroy(port);
}

/* ---- tasks that are none ---- */

static void ports_calls_need_a_task(void)
{
    mach_port_t port = harness_port(), thread = mach_thread_self(), host = mach_host_self(), name = 0;
    const mach_port_t bad[] = {thread, host};

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++) {
        kern_return_t kr = mach_port_allocate(bad[i], MACH_PORT_RIGHT_RECEIVE, &name);

        CHECK(kr == KERN_INVALID_TASK || kr == KERN_INVALID_ARGUMENT);
        kr = mach_port_destroy(bad[i], port);
        CHECK(kr == KERN_INVALID_TASK || kr == KERN_INVALID_ARGUMENT);
    }
    IS(mach_port_allocate(BAD_NAME, MACH_PORT_RIGHT_RECEIVE, &name), MACH_SEND_INVALID_DEST);
    IS(harness_type(port), MACH_PORT_TYPE_RECEIVE);
    OK(mach_port_deallocate(harness_self, thread));
    OK(mach_port_deallocate(harness_self, host));
    harness_destroy(port);
}

const struct harness_test harness_tests[] = {
    {"receive rights, sets and dead names can be allocated", ports_allocate, NULL},
    {"no other kind can be allocated", ports_allocate_bad_kinds, NULL},
    {"a task can have thousands of names, and no name twice", ports_many_names, NULL},
    {"a name can be chosen when it is free", ports_allocate_name, NULL},
    {"a right of any kind can be renamed", ports_rename, NULL},
    {"a set and its members can be renamed", ports_rename_a_member, NULL},
    {"mach_port_names lists every name with its type", ports_names, NULL},
    {"the traps for a task's own ports give rights, a reference each time", ports_self_traps, NULL},
    {"send rights are counted", ports_send_references, NULL},
    {"all other rights come singly", ports_references_of_one, NULL},
    {"user references do not overflow", ports_references_overflow, NULL},
    {"a right that a name lacks has no references", ports_get_refs_of_what_is_not, NULL},
    {"send rights to a dead port are dead names", ports_send_rights_die, NULL},
    {"destroying a name takes all its rights", ports_destroy, NULL},
    {"a port that dies takes the rights in its messages along", ports_queued_rights_die, NULL},
    {"send rights to one port come together under one name", ports_insert_send, NULL},
    {"no right is inserted under a used name", ports_insert_under_a_used_name, NULL},
    {"each send-once right has a name of its own", ports_insert_send_once, NULL},
    {"nothing is inserted under no name, and no nothing under a name", ports_insert_bad, NULL},
    {"a right of any kind can be extracted", ports_extract, NULL},
    {"rights go from task to task, messages with the receive right", ports_of_two_tasks, NULL},
    {"a task's ports die with it", ports_die_with_their_task, NULL},
    {"a receive right's status tells what there is to know", ports_receive_status, NULL},
    {"the make-send count goes on from what is set, and wraps around", ports_set_mscount, NULL},
    {"the queue limit can be from 0 to 16", ports_set_qlimit, NULL},
    {"a receive right that moves starts to count anew", ports_moving_starts_anew, NULL},
    {"what is no receive right has no status", ports_status_of_what_has_none, NULL},
    {"a set has the members that were moved into it", ports_set_members, NULL},
    {"a set that dies gives its messages back to its members", ports_set_dies_with_messages, NULL},
    {"only receive rights become members, and only of sets", ports_set_bad_members, NULL},
    {"what is no set has no members", ports_set_status_of_no_set, NULL},
    {"what is no task has no names", ports_calls_need_a_task, NULL},
    {NULL, NULL, NULL},
};
