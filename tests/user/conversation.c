/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conversations about data: what a manager may answer, in which pieces, and what is refused. conversation_locks.c has the
 * lock requests, conversation_life.c how objects begin, are shared, cached and end, conversation_copies.c copies, and
 * conversation_machair.c what Machair adds.
 */
#include "harness_script.h"

/* ---- beginning ---- */

static void data_begins(void)
{
    struct talk talk;

    script_begin(&talk, 2 * PAGE);
    SILENCE(&talk);
    SAYS(KERN_SUCCESS, memory_object_ready, talk.control, FALSE, MEMORY_OBJECT_COPY_NONE);
    SILENCE(&talk); /* nothing is asked before it is touched */
    script_close(&talk);
}

static void data_waits_for_ready(void)
{
    struct script_touch reader, writer;
    struct talk talk;

    script_begin(&talk, 2 * PAGE);
    script_touch(&reader, talk.at + PAGE, FALSE);
    SILENCE(&talk);
    script_touch(&writer, talk.at, TRUE);
    SILENCE(&talk);
    SAYS(KERN_SUCCESS, memory_object_ready, talk.control, FALSE, MEMORY_OBJECT_COPY_NONE);
    HEAR(memory_object_data_request, &talk, PAGE, PAGE, VM_PROT_READ);
    HEAR(memory_object_data_request, &talk, 0, PAGE, RW);
    SILENCE(&talk);
    IS(script_supply(&talk, 0, 2, 1, VM_PROT_NONE, FALSE, MACH_PORT_NULL), KERN_SUCCESS);
    script_touched(&reader, 0);
    script_touched(&writer, 0);
    harness_fill(talk.at, PAGE, 3);
    SILENCE(&talk);
    harness_free(talk.at, talk.size);
    HEAR(memory_object_data_return, &talk, 0, 1, 3, TRUE, FALSE);
    HEAR(memory_object_terminate, &talk);
    script_forget(&talk);
}

/* ---- answers to a request ---- */

static void data_supplied(void)
{
    struct script_touch reader, another;
    struct talk talk;

    script_open(&talk, PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    script_touch(&reader, talk.at, FALSE);
    HEAR(memory_object_data_request, &talk, 0, PAGE, VM_PROT_READ);
    script_touch(&another, talk.at, FALSE);
    SILENCE(&talk); /* it is asked for once */
    IS(script_supply(&talk, 0, 1, 7, VM_PROT_NONE, FALSE, talk.in.port), KERN_SUCCESS);
    HEAR(memory_object_supply_completed, &talk, 0, PAGE, KERN_SUCCESS, 0);
    script_touched(&reader, 0);
    script_touched(&another, 0);
    CHECK(harness_filled(talk.at, PAGE, 7));
    SILENCE(&talk);
    script_close(&talk);
}

/* Replies go to any port, by a send right as well. */
static void data_replies_elsewhere(void)
{
    struct script_port elsewhere = {harness_port_with_send(), 0};
    struct talk talk;

    script_open(&talk, 3 * PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    talk.replies = &elsewhere;
    IS(script_supply(&talk, 0, 1, 7, VM_PROT_NONE, FALSE, elsewhere.port), KERN_SUCCESS);
    HEAR(memory_object_supply_completed, &talk, 0, PAGE, KERN_SUCCESS, 0);
    talk.reply_right = MACH_MSG_TYPE_PORT_SEND;
    for (unsigned int i = 0; i < 2; i++) {
        script_reply_kind = i == 0 ? MACH_MSG_TYPE_COPY_SEND : MACH_MSG_TYPE_MAKE_SEND;
        IS(script_supply(&talk, (i + 1) * PAGE, 1, 8, VM_PROT_NONE, FALSE, elsewhere.port), KERN_SUCCESS);
        HEAR(memory_object_supply_completed, &talk, (i + 1) * PAGE, PAGE, KERN_SUCCESS, 0);
        script_reply_kind = i == 0 ? MACH_MSG_TYPE_COPY_SEND : MACH_MSG_TYPE_MAKE_SEND;
        SAYS(KERN_SUCCESS, memory_object_lock_request, talk.control, 0, PAGE, MEMORY_OBJECT_RETURN_ALL, FALSE,
             VM_PROT_NO_CHANGE, elsewhere.port);
        HEAR(memory_object_lock_completed, &talk, 0, PAGE);
        script_reply_kind = i == 0 ? MACH_MSG_TYPE_COPY_SEND : MACH_MSG_TYPE_MAKE_SEND;
        SAYS(KERN_SUCCESS, memory_object_change_attributes, talk.control, FALSE, MEMORY_OBJECT_COPY_DELAY, elsewhere.port);
        HEAR(memory_object_change_completed, &talk, FALSE, MEMORY_OBJECT_COPY_DELAY);
    }
    IS(harness_refs(elsewhere.port, MACH_PORT_RIGHT_SEND), 1);
    SILENCE(&talk);
    script_close(&talk);
    harness_destroy(elsewhere.port);
}

static void data_unavailable(void)
{
    struct script_touch touch;
    struct talk talk;

    script_open(&talk, 2 * PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    for (unsigned int write = 0; write < 2; write++) {
        vm_offset_t offset = write * PAGE;

        script_touch(&touch, talk.at + offset, (boolean_t)write);
        HEAR(memory_object_data_request, &talk, offset, PAGE, write ? RW : VM_PROT_READ);
        SAYS(KERN_SUCCESS, memory_object_data_unavailable, talk.control, offset, PAGE);
        script_touched(&touch, 0);
        CHECK(harness_zero(talk.at + offset + 1, PAGE - 1));
        SILENCE(&talk);
    }
    harness_fill(talk.at + PAGE, PAGE, 9);
    harness_free(talk.at, talk.size); /* zeroes that nobody has written are clean */
    HEAR(memory_object_data_return, &talk, PAGE, 1, 9, TRUE, FALSE);
    HEAR(memory_object_terminate, &talk);
    script_forget(&talk);
}

static void data_error(void)
{
    static const kern_return_t errors[] = {KERN_FAILURE, KERN_SUCCESS, KERN_NO_SPACE, -1};
    struct script_touch touch;
    struct talk talk;

    script_open(&talk, PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    for (unsigned int i = 0; i < ARRAY_LENGTH(errors); i++) {
        script_touch(&touch, talk.at, i % 2 != 0);
        HEAR(memory_object_data_request, &talk, 0, PAGE, i % 2 != 0 ? RW : VM_PROT_READ); /* again, each time */
        SAYS(KERN_SUCCESS, memory_object_data_error, talk.control, 0, PAGE, errors[i]);
        script_touched(&touch, FAULT(EXC_BAD_ACCESS, KERN_MEMORY_ERROR));
        SILENCE(&talk);
    }
    script_page_in(&talk, 0, 4, VM_PROT_NONE, FALSE);
    SILENCE(&talk);
    script_close(&talk);
}

/* Requests for nr_pages; answered page by page for those of supplied, and with one answer for all of the rest. */
static void data_answer_range(unsigned int nr_pages, unsigned int supplied)
{
    struct script_touch touch[3];
    struct talk talk;

    script_open(&talk, nr_pages * PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    for (unsigned int i = 0; i < nr_pages; i++) {
        script_touch(&touch[i], talk.at + i * PAGE, FALSE);
        HEAR(memory_object_data_request, &talk, i * PAGE, PAGE, VM_PROT_READ);
    }
    for (unsigned int i = 0; i < nr_pages; i++)
        if (supplied & 1u << i) {
            IS(script_supply(&talk, i * PAGE, 1, i, VM_PROT_NONE, FALSE, MACH_PORT_NULL), KERN_SUCCESS);
            script_touched(&touch[i], 0);
        }
    SILENCE(&talk);
    for (unsigned int i = 0; i < nr_pages; i++)
        CHECK((supplied & 1u << i) || script_waits(&touch[i]));
    SAYS(KERN_SUCCESS, memory_object_data_unavailable, talk.control, 0, nr_pages * PAGE);
    for (unsigned int i = 0; i < nr_pages; i++) {
        if (!(supplied & 1u << i))
            script_touched(&touch[i], 0);
        CHECK(supplied & 1u << i ? harness_filled(talk.at + i * PAGE, PAGE, i) : harness_zero(talk.at + i * PAGE, PAGE));
    }
    SILENCE(&talk);
    script_close(&talk);
}

static void data_answers_by_range(void)
{
    data_answer_range(3, 0);
}

static void data_answers_around(void)
{
    data_answer_range(3, 2);
}

/* ---- what was not asked for ---- */

static void data_unasked(void)
{
    struct talk talk;

    script_open(&talk, 4 * PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    SAYS(KERN_SUCCESS, memory_object_data_unavailable, talk.control, 0, 4 * PAGE);
    SAYS(KERN_SUCCESS, memory_object_data_error, talk.control, 0, 4 * PAGE, KERN_FAILURE);
    SILENCE(&talk);
    script_page_in(&talk, 0, 1, VM_PROT_NONE, FALSE); /* nobody had asked: it is asked for all the same */
    IS(script_supply(&talk, PAGE, 3, 2, VM_PROT_NONE, FALSE, talk.in.port), KERN_SUCCESS);
    HEAR(memory_object_supply_completed, &talk, PAGE, 3 * PAGE, KERN_SUCCESS, 0);
    for (unsigned int i = 1; i < 4; i++)
        CHECK(harness_filled(talk.at + i * PAGE, PAGE, i + 1));
    SAYS(KERN_SUCCESS, memory_object_data_unavailable, talk.control, 0, 4 * PAGE);
    SAYS(KERN_SUCCESS, memory_object_data_error, talk.control, 0, 4 * PAGE, KERN_FAILURE);
    CHECK(harness_filled(talk.at + 3 * PAGE, PAGE, 4));
    SILENCE(&talk);
    script_close(&talk);
}

/* Up to the first page that is there already; from it on nothing is taken. */
static void data_partly_there(void)
{
    struct script_touch touch;
    struct talk talk;

    script_open(&talk, 5 * PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    script_page_in(&talk, 2, 50, VM_PROT_NONE, FALSE);
    script_touch(&touch, talk.at + 4 * PAGE, FALSE);
    HEAR(memory_object_data_request, &talk, 4 * PAGE, PAGE, VM_PROT_READ);
    IS(script_supply(&talk, 0, 5, 60, VM_PROT_NONE, FALSE, talk.in.port), KERN_SUCCESS);
    HEAR(memory_object_supply_completed, &talk, 0, 5 * PAGE, KERN_MEMORY_PRESENT, 2 * PAGE);
    SILENCE(&talk);
    script_waits(&touch);
    CHECK(harness_filled(talk.at, PAGE, 60));
    CHECK(harness_filled(talk.at + PAGE, PAGE, 61));
    CHECK(harness_filled(talk.at + 2 * PAGE, PAGE, 50));
    script_page_in(&talk, 3, 70, VM_PROT_NONE, FALSE);
    IS(script_supply(&talk, 4 * PAGE, 1, 71, VM_PROT_NONE, FALSE, talk.in.port), KERN_SUCCESS);
    HEAR(memory_object_supply_completed, &talk, 4 * PAGE, PAGE, KERN_SUCCESS, 0);
    script_touched(&touch, 0);
    CHECK(harness_filled(talk.at + 4 * PAGE, PAGE, 71));
    SILENCE(&talk);
    script_close(&talk);
}

/* A modified page is there too: it is not replaced, and stays modified. */
static void data_twice(void)
{
    struct talk talk;

    script_open(&talk, PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    script_page_in(&talk, 0, 1, VM_PROT_NONE, FALSE);
    harness_fill(talk.at, PAGE, 2);
    IS(script_supply(&talk, 0, 1, 3, VM_PROT_NONE, TRUE, talk.in.port), KERN_SUCCESS);
    HEAR(memory_object_supply_completed, &talk, 0, PAGE, KERN_MEMORY_PRESENT, 0);
    CHECK(harness_filled(talk.at, PAGE, 2));
    SILENCE(&talk);
    harness_free(talk.at, talk.size);
    HEAR(memory_object_data_return, &talk, 0, 1, 2, TRUE, FALSE);
    HEAR(memory_object_terminate, &talk);
    script_forget(&talk);
}

/* Precious pages come back when they leave; those of one kind in one run. */
static void data_precious(void)
{
    struct talk talk;

    script_open(&talk, 6 * PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    IS(script_supply(&talk, 0, 4, 10, VM_PROT_NONE, TRUE, MACH_PORT_NULL), KERN_SUCCESS);
    IS(script_supply(&talk, 4 * PAGE, 2, 20, VM_PROT_NONE, FALSE, MACH_PORT_NULL), KERN_SUCCESS);
    harness_fill(talk.at + 3 * PAGE, PAGE, 30);
    harness_fill(talk.at + 4 * PAGE, PAGE, 31);
    CHECK(harness_filled(talk.at + 5 * PAGE, PAGE, 21));
    SILENCE(&talk);
    harness_free(talk.at, talk.size);
    HEAR(memory_object_data_return, &talk, 0, 3, 10, FALSE, FALSE);
    HEAR(memory_object_data_return, &talk, 3 * PAGE, 2, 30, TRUE, FALSE);
    HEAR(memory_object_terminate, &talk); /* page 5 is neither changed nor precious */
    script_forget(&talk);
}

/* ---- sizes and offsets ---- */

static void data_of_no_size(void)
{
    struct talk talk;

    script_open(&talk, 2 * PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    SAYS(KERN_SUCCESS, memory_object_data_supply, talk.control, PAGE, 0, 0, FALSE, VM_PROT_NONE, FALSE, talk.in.port);
    HEAR(memory_object_supply_completed, &talk, PAGE, 0, KERN_SUCCESS, 0);
    SAYS(KERN_SUCCESS, memory_object_data_unavailable, talk.control, 0, 0);
    SAYS(KERN_SUCCESS, memory_object_data_error, talk.control, 0, 0, KERN_FAILURE);
    SILENCE(&talk);
    script_page_in(&talk, 1, 5, VM_PROT_NONE, FALSE);
    script_close(&talk);
}

/* The answer to nothing leaves a request open. */
static void data_of_no_size_answers_nothing(void)
{
    struct script_touch touch;
    struct talk talk;

    script_open(&talk, PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    script_touch(&touch, talk.at, FALSE);
    HEAR(memory_object_data_request, &talk, 0, PAGE, VM_PROT_READ);
    SAYS(KERN_SUCCESS, memory_object_data_supply, talk.control, 0, 0, 0, FALSE, VM_PROT_NONE, FALSE, talk.in.port);
    HEAR(memory_object_supply_completed, &talk, 0, 0, KERN_SUCCESS, 0);
    SAYS(KERN_SUCCESS, memory_object_data_unavailable, talk.control, 0, 0);
    SAYS(KERN_SUCCESS, memory_object_data_error, talk.control, 0, 0, KERN_FAILURE);
    SILENCE(&talk);
    script_waits(&touch);
    IS(script_supply(&talk, 0, 1, 6, VM_PROT_NONE, FALSE, MACH_PORT_NULL), KERN_SUCCESS);
    script_touched(&touch, 0);
    CHECK(harness_filled(talk.at, PAGE, 6));
    script_close(&talk);
}

/* A last page that is not whole ends in zeroes. */
static void data_of_part_of_a_page(void)
{
    struct script_touch touch;
    struct talk talk;

    script_open(&talk, 2 * PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    script_touch(&touch, talk.at + PAGE, FALSE);
    HEAR(memory_object_data_request, &talk, PAGE, PAGE, VM_PROT_READ);
    SAYS(KERN_SUCCESS, memory_object_data_supply, talk.control, 0, script_data(2, 8), PAGE + 100, TRUE, VM_PROT_NONE, FALSE,
         talk.in.port);
    HEAR(memory_object_supply_completed, &talk, 0, PAGE + 100, KERN_SUCCESS, 0);
    script_touched(&touch, 0);
    CHECK(harness_filled(talk.at, PAGE, 8));
    CHECK(harness_filled(talk.at + PAGE, 100, 9));
    CHECK(harness_zero(talk.at + PAGE + 100, PAGE - 100));
    SILENCE(&talk);
    script_close(&talk);
}

/* ---- what is refused ---- */

struct data_bad_supply {
    vm_offset_t offset;
    vm_size_t nr_pages;
    vm_prot_t lock;
};

static const struct data_bad_supply data_bad_supplies[] = {
    {1, 1, VM_PROT_NONE},                       /* not on a page */
    {PAGE - 4, 1, VM_PROT_NONE},
    {PAGE + 1, 1, VM_PROT_NONE},
    {0xffffffff, 1, VM_PROT_NONE},
    {0xfffff000, 2, VM_PROT_NONE},              /* wraps */
    {0, 1, VM_PROT_NOTIFY},                     /* no such access */
    {0, 1, VM_PROT_NO_CHANGE | VM_PROT_READ},
    {0, 1, -1},
};

/* Nothing is supplied, and the reply right comes back unused. */
static void data_bad_supplies_refused(void)
{
    struct script_touch touch;
    struct talk talk;

    script_open(&talk, 2 * PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    script_touch(&touch, talk.at, FALSE);
    HEAR(memory_object_data_request, &talk, 0, PAGE, VM_PROT_READ);
    for (unsigned int i = 0; i < ARRAY_LENGTH(data_bad_supplies); i++) {
        const struct data_bad_supply *bad = &data_bad_supplies[i];
        vm_size_t size = bad->nr_pages * PAGE;
        boolean_t good = SAYS(KERN_INVALID_ARGUMENT, memory_object_data_supply, talk.control, bad->offset,
                              script_data(bad->nr_pages, 1), size, TRUE, bad->lock, FALSE, talk.in.port);

        good &= HEAR(mach_notify_send_once, &talk) & SILENCE(&talk) & script_waits(&touch);
        if (!good)
            harness_note("supply %u", i);
    }
    IS(script_supply(&talk, 0, 1, 2, VM_PROT_NONE, FALSE, MACH_PORT_NULL), KERN_SUCCESS);
    script_touched(&touch, 0);
    CHECK(harness_filled(talk.at, PAGE, 2));
    script_page_in(&talk, 1, 3, VM_PROT_NONE, FALSE);
    script_close(&talk);
}

/* A receive right is nowhere to send a reply to; it goes with the message. */
static void data_bad_replies_refused(void)
{
    struct talk talk;
    mach_port_t port;

    script_open(&talk, PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    for (unsigned int i = 0; i < 3; i++) {
        port = harness_port();
        script_reply_kind = MACH_MSG_TYPE_MOVE_RECEIVE;
        switch (i) {
        case 0:
            SAYS(KERN_INVALID_ARGUMENT, memory_object_data_supply, talk.control, 0, script_data(1, 1), PAGE, TRUE,
                 VM_PROT_NONE, FALSE, port);
            break;
        case 1:
            SAYS(KERN_INVALID_ARGUMENT, memory_object_lock_request, talk.control, 0, PAGE, MEMORY_OBJECT_RETURN_NONE, FALSE,
                 VM_PROT_NO_CHANGE, port);
            break;
        default:
            SAYS(KERN_INVALID_ARGUMENT, memory_object_change_attributes, talk.control, TRUE, MEMORY_OBJECT_COPY_NONE, port);
        }
        IS(harness_type(port), 0);
        SILENCE(&talk);
    }
    script_page_in(&talk, 0, 2, VM_PROT_NONE, FALSE);
    script_close(&talk); /* may_cache was not set */
}

/* Nobody is told what became of a supply when the reply port is dead; the data is taken. */
static void data_dead_reply(void)
{
    mach_port_t dead = harness_port_with_send();
    struct talk talk;

    script_open(&talk, PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    OK(mach_port_mod_refs(harness_self, dead, MACH_PORT_RIGHT_RECEIVE, -1));
    for (unsigned int i = 0; i < 2; i++) {
        mach_port_t reply = i == 0 ? dead : MACH_PORT_DEAD;

        script_reply_kind = MACH_MSG_TYPE_COPY_SEND;
        IS(script_supply(&talk, 0, 1, 5, VM_PROT_NONE, FALSE, reply), KERN_SUCCESS);
        script_reply_kind = MACH_MSG_TYPE_COPY_SEND;
        SAYS(KERN_SUCCESS, memory_object_lock_request, talk.control, 0, PAGE, MEMORY_OBJECT_RETURN_ALL, FALSE,
             VM_PROT_NO_CHANGE, reply);
        script_reply_kind = MACH_MSG_TYPE_COPY_SEND;
        SAYS(KERN_SUCCESS, memory_object_change_attributes, talk.control, FALSE, MEMORY_OBJECT_COPY_DELAY, reply);
        SILENCE(&talk);
        CHECK(harness_filled(talk.at, PAGE, 5));
    }
    script_close(&talk);
    harness_destroy(dead);
}

/* Every routine at every port that is no control port. What is said there changes nothing for the object. */
static void data_says_all(mach_port_t control, struct talk *talk, kern_return_t code)
{
    boolean_t ready, may_cache;
    memory_object_copy_strategy_t strategy;

    SAYS(code, memory_object_ready, control, TRUE, MEMORY_OBJECT_COPY_DELAY);
    SAYS(code, memory_object_data_unavailable, control, 0, PAGE);
    SAYS(code, memory_object_data_error, control, 0, PAGE, KERN_FAILURE);
    SAYS(code, memory_object_destroy, control, KERN_FAILURE);
    SAYS(code, memory_object_get_attributes, control, &ready, &may_cache, &strategy);
    SAYS(code, memory_object_data_supply, control, 0, script_data(1, 1), PAGE, TRUE, VM_PROT_NONE, FALSE, talk->in.port);
    HEAR(mach_notify_send_once, talk);
    SAYS(code, memory_object_lock_request, control, 0, PAGE, MEMORY_OBJECT_RETURN_NONE, TRUE, VM_PROT_ALL, talk->in.port);
    HEAR(mach_notify_send_once, talk);
    SAYS(code, memory_object_change_attributes, control, TRUE, MEMORY_OBJECT_COPY_DELAY, talk->in.port);
    HEAR(mach_notify_send_once, talk);
    SILENCE(talk);
}

static void data_wrong_control_port(void)
{
    struct script_touch touch;
    struct talk talk;

    script_open(&talk, PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    script_touch(&touch, talk.at, FALSE);
    HEAR(memory_object_data_request, &talk, 0, PAGE, VM_PROT_READ);
    data_says_all(talk.name, &talk, KERN_INVALID_ARGUMENT);
    data_says_all(harness_self, &talk, KERN_INVALID_ARGUMENT);
    data_says_all(harness_main_thread, &talk, KERN_INVALID_ARGUMENT);
    data_says_all(harness_host_priv, &talk, KERN_INVALID_ARGUMENT);
    script_waits(&touch);
    IS(script_supply(&talk, 0, 1, 1, VM_PROT_NONE, FALSE, MACH_PORT_NULL), KERN_SUCCESS);
    script_touched(&touch, 0);
    script_close(&talk);
}

/* A dead control port, or none: the message is not even sent. */
static void data_dead_control_port(void)
{
    mach_port_t dead = harness_port_with_send();
    vm_address_t data = script_data(1, 1);

    OK(mach_port_mod_refs(harness_self, dead, MACH_PORT_RIGHT_RECEIVE, -1));
    for (unsigned int i = 0; i < 3; i++) {
        mach_port_t control = i == 0 ? dead : i == 1 ? MACH_PORT_NULL : BAD_NAME;

        SAYS(MACH_SEND_INVALID_DEST, memory_object_ready, control, TRUE, MEMORY_OBJECT_COPY_DELAY);
        SAYS(MACH_SEND_INVALID_DEST, memory_object_data_unavailable, control, 0, PAGE);
        SAYS(MACH_SEND_INVALID_DEST, memory_object_data_error, control, 0, PAGE, KERN_FAILURE);
        SAYS(MACH_SEND_INVALID_DEST, memory_object_destroy, control, KERN_FAILURE);
        SAYS(MACH_SEND_INVALID_DEST, memory_object_data_supply, control, 0, data, PAGE, TRUE, VM_PROT_NONE, FALSE,
             MACH_PORT_NULL);
        SAYS(MACH_SEND_INVALID_DEST, memory_object_lock_request, control, 0, PAGE, MEMORY_OBJECT_RETURN_NONE, TRUE,
             VM_PROT_ALL, MACH_PORT_NULL);
        SAYS(MACH_SEND_INVALID_DEST, memory_object_change_attributes, control, TRUE, MEMORY_OBJECT_COPY_DELAY,
             MACH_PORT_NULL);
    }
    CHECK(harness_filled(data, PAGE, 1)); /* and the data is still the sender's */
    harness_free(data, PAGE);
    harness_destroy(dead);
}

/* ---- attributes ---- */

static void data_check_attributes(struct talk *talk, boolean_t ready, boolean_t may_cache,
                                  memory_object_copy_strategy_t strategy)
{
    boolean_t is_ready = 9, is_cached = 9;
    memory_object_copy_strategy_t is_strategy = 9;

    SAYS(KERN_SUCCESS, memory_object_get_attributes, talk->control, &is_ready, &is_cached, &is_strategy);
    IS(is_ready, ready);
    IS(is_cached, may_cache);
    IS(is_strategy, strategy);
    SILENCE(talk);
}

static void data_attributes(void)
{
    static const memory_object_copy_strategy_t strategies[] = {MEMORY_OBJECT_COPY_NONE, MEMORY_OBJECT_COPY_CALL,
                                                               MEMORY_OBJECT_COPY_DELAY};
    struct talk talk;

    script_begin(&talk, PAGE);
    data_check_attributes(&talk, FALSE, FALSE, MEMORY_OBJECT_COPY_NONE);
    SAYS(KERN_SUCCESS, memory_object_ready, talk.control, TRUE, MEMORY_OBJECT_COPY_DELAY);
    data_check_attributes(&talk, TRUE, TRUE, MEMORY_OBJECT_COPY_DELAY);
    for (unsigned int i = 0; i < 2 * ARRAY_LENGTH(strategies); i++) {
        memory_object_copy_strategy_t strategy = strategies[i / 2];
        boolean_t may_cache = i % 2 != 0;

        SAYS(KERN_SUCCESS, memory_object_change_attributes, talk.control, may_cache, strategy, talk.in.port);
        HEAR(memory_object_change_completed, &talk, may_cache, strategy);
        data_check_attributes(&talk, TRUE, may_cache, strategy);
    }
    /* No reply is no obstacle. */
    SAYS(KERN_SUCCESS, memory_object_change_attributes, talk.control, FALSE, MEMORY_OBJECT_COPY_NONE, MACH_PORT_NULL);
    data_check_attributes(&talk, TRUE, FALSE, MEMORY_OBJECT_COPY_NONE);
    /* ready again is a change without a reply */
    SAYS(KERN_SUCCESS, memory_object_ready, talk.control, TRUE, MEMORY_OBJECT_COPY_DELAY);
    data_check_attributes(&talk, TRUE, TRUE, MEMORY_OBJECT_COPY_DELAY);
    SAYS(KERN_SUCCESS, memory_object_ready, talk.control, FALSE, MEMORY_OBJECT_COPY_DELAY);
    script_close(&talk);
}

/* The reply repeats what was asked for; the strategy is told as what it comes to. */
static void data_temporary_is_delay(void)
{
    struct talk talk;

    script_open(&talk, PAGE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    SAYS(KERN_SUCCESS, memory_object_change_attributes, talk.control, FALSE, MEMORY_OBJECT_COPY_TEMPORARY, talk.in.port);
    HEAR(memory_object_change_completed, &talk, FALSE, MEMORY_OBJECT_COPY_TEMPORARY);
    data_check_attributes(&talk, TRUE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    script_close(&talk);
}

static void data_unknown_strategy(void)
{
    static const memory_object_copy_strategy_t strategies[] = {-1, 4, 5, 99, 0x7fffffff};
    struct talk talk;

    script_begin(&talk, PAGE);
    for (unsigned int i = 0; i < ARRAY_LENGTH(strategies); i++) {
        SAYS(KERN_INVALID_ARGUMENT, memory_object_ready, talk.control, TRUE, strategies[i]);
        data_check_attributes(&talk, FALSE, FALSE, MEMORY_OBJECT_COPY_NONE);
    }
    SAYS(KERN_SUCCESS, memory_object_ready, talk.control, FALSE, MEMORY_OBJECT_COPY_DELAY);
    for (unsigned int i = 0; i < ARRAY_LENGTH(strategies); i++) {
        SAYS(KERN_INVALID_ARGUMENT, memory_object_change_attributes, talk.control, TRUE, strategies[i], talk.in.port);
        HEAR(mach_notify_send_once, &talk);
        data_check_attributes(&talk, TRUE, FALSE, MEMORY_OBJECT_COPY_DELAY);
    }
    script_close(&talk);
}

const struct harness_test harness_tests[] = {
    {"init names control, name and page size; nothing is asked before a touch", data_begins, NULL},
    {"requests wait for ready, and come in order, each with its access", data_waits_for_ready, NULL},
    {"a request is sent once, and supplied with a reply", data_supplied, NULL},
    {"replies go to any port, by a send right too", data_replies_elsewhere, NULL},
    {"unavailable data are zeroes, clean until they are written", data_unavailable, NULL},
    {"data_error is an exception, whatever the error, and the next access asks again", data_error, NULL},
    {"one answer is for all requests of its range", data_answers_by_range, "of several pages only some are answered"},
    {"an answer for a range leaves alone what is there", data_answers_around, "of several pages only some are answered"},
    {"what was not asked for can be supplied, and cannot be refused", data_unasked,
    "what was said to be unavailable is not asked for"},
    {"a supply is taken up to the first page that is there", data_partly_there,
     "a supply of what is there releases its reply right twice: it panics"},
    {"a modified page is not replaced", data_twice,
     "a supply of what is there releases its reply right twice: it panics"},
    {"precious pages come back unmodified, dirty ones dirty, clean ones not", data_precious, NULL},
    {"data of no size are a success", data_of_no_size, "it panics"},
    {"data of no size answer no request", data_of_no_size_answers_nothing, "it panics"},
    {"a last page that is not whole ends in zeroes", data_of_part_of_a_page, "KERN_INVALID_ARGUMENT"},
    {"a supply that is not on pages, wraps or has no such lock changes nothing", data_bad_supplies_refused,
     "it answers the reply as if all had been taken"},
    {"a receive right for the reply is refused", data_bad_replies_refused, "it panics"},
    {"a dead reply port is no obstacle", data_dead_reply, "KERN_INVALID_CAPABILITY"},
    {"no routine does anything at a port that is no control port", data_wrong_control_port, "it panics"},
    {"nothing can be said to a dead control port", data_dead_control_port, NULL},
    {"attributes are as they were set", data_attributes, NULL},
    {"a temporary object copies by delay", data_temporary_is_delay, NULL},
    {"an unknown copy strategy changes nothing", data_unknown_strategy, "it panics"},
    {NULL, NULL, NULL},
};
