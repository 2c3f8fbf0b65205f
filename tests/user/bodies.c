/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the bodies of complex messages carry: rights, in line and in arrays out of line, and memory; and bodies that are
 * malformed, which are refused whole.
 */
#include "harness.h"

static struct harness_message bodies_in, bodies_out;
static unsigned int bodies_at; /* words of bodies_out's body that are filled */

/* ---- composing ---- */

static void bodies_begin(mach_port_t to)
{
    harness_compose(&bodies_out, to, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 0);
    bodies_out.head.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
    bodies_at = 0;
}

static void bodies_word(uint32_t word)
{
    bodies_out.body[bodies_at++] = word;
    bodies_out.head.msgh_size = sizeof(bodies_out.head) + 4 * bodies_at;
}

static void bodies_type(mach_msg_type_t type)
{
    bodies_word(harness_type_word(type));
}

static void bodies_port(mach_msg_type_name_t kind, mach_port_t name)
{
    bodies_type(harness_type_inline(kind, 32, 1));
    bodies_word(name);
}

static void bodies_long(mach_msg_type_t type, unsigned int kind, unsigned int bits, uint32_t number)
{
    type.msgt_longform = TRUE;
    bodies_type(type);
    bodies_word(kind | bits << 16);
    bodies_word(number);
}

static mach_msg_return_t bodies_send(void)
{
    return harness_send_message(&bodies_out, MACH_SEND_TIMEOUT, 0);
}

static void bodies_receive(mach_port_t port)
{
    OK(harness_receive(port, &bodies_in, 0));
    IS(bodies_in.head.msgh_bits & MACH_MSGH_BITS_COMPLEX, MACH_MSGH_BITS_COMPLEX);
}

static mach_msg_type_t bodies_type_at(unsigned int at)
{
    return harness_word_type(bodies_in.body[at]);
}

/* ---- rights in line ---- */

static void bodies_send_rights(void)
{
    mach_port_t port = harness_port_with_send(), gift = harness_port_with_send();

    bodies_begin(port);
    bodies_port(MACH_MSG_TYPE_COPY_SEND, gift);
    bodies_port(MACH_MSG_TYPE_MAKE_SEND, gift);
    bodies_port(MACH_MSG_TYPE_MOVE_SEND, gift);
    OK(bodies_send());
    IS(harness_type(gift), MACH_PORT_TYPE_RECEIVE);
    bodies_receive(port);
    IS(bodies_in.head.msgh_size, bodies_out.head.msgh_size);
    for (unsigned int i = 0; i < 3; i++) {
        IS(bodies_type_at(2 * i).msgt_name, MACH_MSG_TYPE_PORT_SEND);
        IS(bodies_type_at(2 * i).msgt_size, 32);
        IS(bodies_type_at(2 * i).msgt_number, 1);
        IS(bodies_type_at(2 * i).msgt_inline, TRUE);
        IS(bodies_in.body[2 * i + 1], gift);
    }
    IS(harness_refs(gift, MACH_PORT_RIGHT_SEND), 3);
    IS(harness_status(gift).mps_mscount, 2);
    harness_destroy(gift);
    harness_destroy(port);
}

static void bodies_receive_right(void)
{
    mach_port_t port = harness_port_with_send(), gift = harness_port(), name;

    bodies_begin(port);
    bodies_port(MACH_MSG_TYPE_MOVE_RECEIVE, gift);
    OK(bodies_send());
    IS(harness_type(gift), 0);
    bodies_receive(port);
    IS(bodies_type_at(0).msgt_name, MACH_MSG_TYPE_PORT_RECEIVE);
    name = bodies_in.body[1];
    IS(harness_type(name), MACH_PORT_TYPE_RECEIVE);

    /* With a send right left behind, it comes back to that name. */
    OK(mach_port_insert_right(harness_self, name, name, MACH_MSG_TYPE_MAKE_SEND));
    bodies_begin(port);
    bodies_port(MACH_MSG_TYPE_MOVE_RECEIVE, name);
    OK(bodies_send());
    IS(harness_type(name), MACH_PORT_TYPE_SEND);
    OK(harness_send(name, MACH_MSG_TYPE_COPY_SEND, 17)); /* nobody can receive it now */
    bodies_receive(port);
    IS(bodies_in.body[1], name);
    IS(harness_type(name), MACH_PORT_TYPE_SEND_RECEIVE);
    IS(harness_next_id(name), 17);
    harness_destroy(name);
    harness_destroy(port);
}

static void bodies_send_once_rights(void)
{
    mach_port_t port = harness_port_with_send(), gift = harness_port(), first, second;

    bodies_begin(port);
    bodies_port(MACH_MSG_TYPE_MAKE_SEND_ONCE, gift);
    bodies_port(MACH_MSG_TYPE_MAKE_SEND_ONCE, gift);
    OK(bodies_send());
    IS(harness_status(gift).mps_sorights, 2);
    bodies_receive(port);
    IS(bodies_type_at(0).msgt_name, MACH_MSG_TYPE_PORT_SEND_ONCE);
    first = bodies_in.body[1];
    second = bodies_in.body[3];
    CHECK(first != second);
    bodies_begin(port);
    bodies_port(MACH_MSG_TYPE_MOVE_SEND_ONCE, first);
    OK(bodies_send());
    IS(harness_type(first), 0);
    bodies_receive(port);
    OK(harness_send(bodies_in.body[1], MACH_MSG_TYPE_MOVE_SEND_ONCE, 21));
    IS(harness_next_id(gift), 21);
    harness_destroy(second);
    harness_destroy(gift);
    harness_destroy(port);
}

static void bodies_no_rights(void)
{
    mach_port_t port = harness_port_with_send(), dead = harness_port_with_send();

    OK(mach_port_mod_refs(harness_self, dead, MACH_PORT_RIGHT_RECEIVE, -1));
    bodies_begin(port);
    bodies_port(MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL);
    bodies_port(MACH_MSG_TYPE_MOVE_RECEIVE, MACH_PORT_NULL);
    bodies_port(MACH_MSG_TYPE_COPY_SEND, MACH_PORT_DEAD);
    bodies_port(MACH_MSG_TYPE_COPY_SEND, dead);
    OK(bodies_send());
    bodies_receive(port);
    IS(bodies_in.body[1], MACH_PORT_NULL);
    IS(bodies_in.body[3], MACH_PORT_NULL);
    IS(bodies_in.body[5], MACH_PORT_DEAD);
    IS(bodies_in.body[7], MACH_PORT_DEAD);
    IS(harness_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);

    /* A dead name that moves is gone; a right that dies on its way arrives dead. */
    bodies_begin(port);
    bodies_port(MACH_MSG_TYPE_MOVE_SEND, dead);
    OK(bodies_send());
    IS(harness_type(dead), 0);
    bodies_receive(port);
    IS(bodies_in.body[1], MACH_PORT_DEAD);
    dead = harness_port_with_send();
    bodies_begin(port);
    bodies_port(MACH_MSG_TYPE_MOVE_SEND, dead);
    OK(bodies_send());
    harness_destroy(dead);
    bodies_receive(port);
    IS(bodies_in.body[1], MACH_PORT_DEAD);
    harness_destroy(port);
}

/* Names and numbers are data, whatever rights they denote. */
static void bodies_plain_data(void)
{
    mach_port_t port = harness_port_with_send();

    bodies_begin(port);
    bodies_type(harness_type_inline(MACH_MSG_TYPE_PORT_NAME, 32, 1));
    bodies_word(port);
    bodies_type(harness_type_inline(MACH_MSG_TYPE_CHAR, 8, 5)); /* padded to a word */
    bodies_word(0x44332211);
    bodies_word(0x55);
    bodies_type(harness_type_inline(MACH_MSG_TYPE_INTEGER_16, 16, 3));
    bodies_word(0x77778888);
    bodies_word(0x9999);
    bodies_type(harness_type_inline(MACH_MSG_TYPE_BIT, 1, 9));
    bodies_word(0x1ff);
    bodies_type(harness_type_inline(MACH_MSG_TYPE_INTEGER_32, 32, 0));
    bodies_long((mach_msg_type_t){.msgt_inline = TRUE}, MACH_MSG_TYPE_INTEGER_32, 32, 2);
    bodies_word(0xabababab);
    bodies_word(0xcdcdcdcd);
    bodies_port(MACH_MSG_TYPE_MAKE_SEND, port);
    OK(bodies_send());
    bodies_receive(port);
    IS(bodies_in.head.msgh_size, bodies_out.head.msgh_size);
    for (unsigned int i = 0; i < bodies_at - 2; i++)
        IS(bodies_in.body[i], bodies_out.body[i]);
    IS(harness_word_type(bodies_in.body[bodies_at - 2]).msgt_name, MACH_MSG_TYPE_PORT_SEND);
    IS(bodies_in.body[bodies_at - 1], port);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 2);
    harness_destroy(port);
}

/* An array of rights in line, by the long form. */
static void bodies_inline_array(void)
{
    enum { nr = 20 };
    mach_port_t port = harness_port_with_send(), gifts[nr];

    bodies_begin(port);
    bodies_long((mach_msg_type_t){.msgt_inline = TRUE}, MACH_MSG_TYPE_MOVE_SEND, 32, nr);
    for (unsigned int i = 0; i < nr; i++) {
        gifts[i] = harness_port_with_send();
        bodies_word(gifts[i]);
    }
    OK(bodies_send());
    for (unsigned int i = 0; i < nr; i++)
        IS(harness_type(gifts[i]), MACH_PORT_TYPE_RECEIVE);
    bodies_receive(port);
    IS(bodies_type_at(0).msgt_longform, TRUE);
    IS(bodies_in.body[1], MACH_MSG_TYPE_PORT_SEND | 32 << 16);
    IS(bodies_in.body[2], nr);
    for (unsigned int i = 0; i < nr; i++) {
        IS(bodies_in.body[3 + i], gifts[i]);
        IS(harness_type(gifts[i]), MACH_PORT_TYPE_SEND_RECEIVE);
        harness_destroy(gifts[i]);
    }
    harness_destroy(port);
}

/* ---- rights out of line ---- */

static void bodies_outside_array(void)
{
    static const unsigned int counts[] = {1, 7, 300, 1500}; /* the last: more than a page of names */
    mach_port_t port = harness_port_with_send();

    for (unsigned int c = 0; c < ARRAY_LENGTH(counts); c++) {
        unsigned int nr = counts[c], good = 0;
        mach_port_t *gifts = (mach_port_t *)harness_allocate(4 * nr), *copy = (mach_port_t *)harness_allocate(4 * nr), *got;

        for (unsigned int i = 0; i < nr; i++)
            copy[i] = gifts[i] = i % 3 == 2 ? MACH_PORT_NULL : harness_port();
        bodies_begin(port);
        bodies_long((mach_msg_type_t){.msgt_inline = FALSE}, MACH_MSG_TYPE_MAKE_SEND, 32, nr);
        bodies_word((uint32_t)gifts);
        OK(bodies_send());
        for (unsigned int i = 0; i < nr; i++)
            good += gifts[i] == copy[i]; /* the sender's array is as it was */
        IS(good, nr);
        bodies_receive(port);
        IS(bodies_in.body[1], MACH_MSG_TYPE_PORT_SEND | 32 << 16);
        IS(bodies_in.body[2], nr);
        got = (mach_port_t *)bodies_in.body[3];
        CHECK(got != gifts);
        good = 0;
        for (unsigned int i = 0; i < nr; i++)
            good += got[i] == copy[i] &&
                    (copy[i] == MACH_PORT_NULL || harness_type(got[i]) == MACH_PORT_TYPE_SEND_RECEIVE);
        IS(good, nr);
        for (unsigned int i = 0; i < nr; i++)
            if (copy[i] != MACH_PORT_NULL)
                harness_destroy(copy[i]);
        harness_free((vm_address_t)got, 4 * nr);
        harness_free((vm_address_t)gifts, 4 * nr);
        harness_free((vm_address_t)copy, 4 * nr);
    }
    harness_destroy(port);
}

static void bodies_outside_array_moves(void)
{
    mach_port_t port = harness_port_with_send(), *gifts = (mach_port_t *)harness_allocate(8), *got;

    gifts[0] = harness_port();
    gifts[1] = harness_port();
    OK(harness_send(gifts[1], MACH_MSG_TYPE_MAKE_SEND, 90));
    bodies_begin(port);
    bodies_type(harness_type_outside(MACH_MSG_TYPE_MOVE_RECEIVE, 32, 2, TRUE));
    bodies_word((uint32_t)gifts);
    OK(bodies_send());
    IS(harness_read((vm_address_t)gifts), FAULT_ADDRESS); /* deallocated, as told */
    bodies_receive(port);
    IS(bodies_type_at(0).msgt_name, MACH_MSG_TYPE_PORT_RECEIVE);
    got = (mach_port_t *)bodies_in.body[1];
    IS(harness_type(got[0]), MACH_PORT_TYPE_RECEIVE);
    IS(harness_next_id(got[1]), 90);
    harness_destroy(got[0]);
    harness_destroy(got[1]);
    harness_free((vm_address_t)got, 8);
    harness_destroy(port);
}

/* ---- memory out of line ---- */

static void bodies_memory_of_all_sizes(void)
{
    static const struct {
        vm_offset_t offset;
        vm_size_t size;
    } parts[] = {{0, 1},    {0, 4096},    {0, 4095}, {0, 4097},   {1, 1},      {1, 4095},     {1, 4096},  {4095, 1},
                 {4095, 2}, {2048, 8192}, {0, 8192}, {0, 65536}, {3, 65000}, {100, 100000}, {0, 262144}};
    mach_port_t port = harness_port_with_send();

    for (unsigned int i = 0; i < ARRAY_LENGTH(parts); i++) {
        vm_address_t memory = harness_allocate(parts[i].offset + parts[i].size), got;

        harness_fill(memory + parts[i].offset, parts[i].size, i);
        bodies_begin(port);
        bodies_long((mach_msg_type_t){.msgt_inline = FALSE}, MACH_MSG_TYPE_BYTE, 8, parts[i].size);
        bodies_word(memory + parts[i].offset);
        OK(bodies_send());
        memset((void *)(memory + parts[i].offset), 0, parts[i].size); /* what is sent is sent */
        bodies_receive(port);
        IS(bodies_in.body[2], parts[i].size);
        got = bodies_in.body[3];
        CHECK(harness_filled(got, parts[i].size, i));
        CHECK(harness_zero(memory + parts[i].offset, parts[i].size));
        harness_fill(got, parts[i].size, i + 100); /* it can be written, and is the receiver's alone */
        CHECK(harness_zero(memory + parts[i].offset, parts[i].size));
        harness_free(got, parts[i].size);
        harness_free(memory, parts[i].offset + parts[i].size);
    }
    harness_destroy(port);
}

static void bodies_memory_moves(void)
{
    static const vm_size_t sizes[] = {1, 100, 4096, 4097, 65536};
    mach_port_t port = harness_port_with_send();

    for (unsigned int i = 0; i < ARRAY_LENGTH(sizes); i++) {
        vm_address_t memory = harness_allocate(sizes[i]);

        harness_fill(memory, sizes[i], i);
        bodies_begin(port);
        bodies_type(harness_type_outside(MACH_MSG_TYPE_BYTE, 8, 0, TRUE));
        bodies_at = 0;
        bodies_long(harness_type_outside(0, 0, 0, TRUE), MACH_MSG_TYPE_BYTE, 8, sizes[i]);
        bodies_word(memory);
        OK(bodies_send());
        IS(harness_read(memory), FAULT_ADDRESS);
        IS(harness_read(memory + sizes[i] - 1), FAULT_ADDRESS);
        bodies_receive(port);
        CHECK(harness_filled(bodies_in.body[3], sizes[i], i));
        harness_free(bodies_in.body[3], sizes[i]);
    }
    harness_destroy(port);
}

/* In line memory may be deallocated too, which is nothing; and no memory at all is no pointer at all. */
static void bodies_memory_of_nothing(void)
{
    mach_port_t port = harness_port_with_send();

    bodies_begin(port);
    bodies_type(harness_type_outside(MACH_MSG_TYPE_BYTE, 8, 0, FALSE));
    bodies_word(0x10);
    bodies_type(harness_type_outside(MACH_MSG_TYPE_BYTE, 8, 0, TRUE));
    bodies_word(KERNEL_START);
    bodies_type(harness_type_outside(MACH_MSG_TYPE_MAKE_SEND, 32, 0, FALSE));
    bodies_word(0xfffffffc);
    OK(bodies_send());
    bodies_receive(port);
    IS(bodies_in.body[1], 0);
    IS(bodies_in.body[3], 0);
    IS(bodies_in.body[5], 0);
    harness_destroy(port);
}

/* Untouched memory, of several regions, with what cannot be written. */
static void bodies_memory_of_regions(void)
{
    mach_port_t port = harness_port_with_send();
    vm_address_t memory = harness_allocate(6 * PAGE), got;

    harness_fill(memory + PAGE, 2 * PAGE, 1);
    OK(vm_inherit(harness_self, memory + 2 * PAGE, PAGE, VM_INHERIT_NONE));
    OK(vm_protect(harness_self, memory + 4 * PAGE, PAGE, FALSE, VM_PROT_READ));
    bodies_begin(port);
    bodies_long((mach_msg_type_t){.msgt_inline = FALSE}, MACH_MSG_TYPE_BYTE, 8, 6 * PAGE);
    bodies_word(memory);
    OK(bodies_send());
    bodies_receive(port);
    got = bodies_in.body[3];
    CHECK(harness_zero(got, PAGE));
    CHECK(harness_filled(got + PAGE, 2 * PAGE, 1));
    CHECK(harness_zero(got + 3 * PAGE, 3 * PAGE));
    IS(harness_write(got + 4 * PAGE, 1), 0);
    IS(harness_write(memory + 4 * PAGE, 1), FAULT_PROTECTION);
    harness_free(got, 6 * PAGE);
    harness_free(memory, 6 * PAGE);
    harness_destroy(port);
}

static void bodies_much_memory(void)
{
    mach_port_t port = harness_port_with_send();
    const vm_size_t size = 8 << 20;
    vm_address_t memory = harness_allocate(size), got;
    unsigned int good = 0;

    for (vm_offset_t at = 0; at < size; at += PAGE)
        *(uint32_t *)(memory + at) = at ^ 0x5a5a5a5a;
    for (unsigned int round = 0; round < 4; round++) {
        bodies_begin(port);
        bodies_long(harness_type_outside(0, 0, 0, round % 2 == 0), MACH_MSG_TYPE_INTEGER_32, 32, size / 4);
        bodies_word(memory);
        OK(bodies_send());
        bodies_receive(port);
        got = bodies_in.body[3];
        if (round % 2 == 1)
            harness_free(memory, size);
        memory = got;
    }
    for (vm_offset_t at = 0; at < size; at += PAGE)
        good += *(uint32_t *)(memory + at) == (at ^ 0x5a5a5a5a);
    IS(good, size / PAGE);
    harness_free(memory, size);
    harness_destroy(port);
}

/* Many pieces of memory and rights in one message, in order. */
static void bodies_mixed(void)
{
    mach_port_t port = harness_port_with_send();
    vm_address_t memory = harness_allocate(10 * PAGE);
    unsigned int nr_names = harness_nr_names();

    for (unsigned int i = 0; i < 10; i++)
        harness_fill(memory + i * PAGE, PAGE, i);
    bodies_begin(port);
    for (unsigned int i = 0; i < 10; i++) {
        bodies_type(harness_type_outside(MACH_MSG_TYPE_BYTE, 8, 100 + i * 300, FALSE));
        bodies_word(memory + i * PAGE + i);
        bodies_port(MACH_MSG_TYPE_MAKE_SEND, port);
        bodies_type(harness_type_inline(MACH_MSG_TYPE_INTEGER_32, 32, 1));
        bodies_word(i);
    }
    OK(bodies_send());
    harness_free(memory, 10 * PAGE);
    memory = harness_allocate(10 * PAGE);
    for (unsigned int i = 0; i < 10; i++)
        harness_fill(memory + i * PAGE, PAGE, i);
    bodies_receive(port);
    for (unsigned int i = 0; i < 10; i++) {
        const uint8_t *got = (const uint8_t *)bodies_in.body[6 * i + 1], *expected = (uint8_t *)memory + i * PAGE + i;
        unsigned int j = 0;

        while (j < 100 + i * 300 && got[j] == expected[j])
            j++;
        IS(j, 100 + i * 300);
        IS(bodies_in.body[6 * i + 3], port);
        IS(bodies_in.body[6 * i + 5], i);
        harness_free((vm_address_t)got, 100 + i * 300);
    }
    IS(harness_nr_names(), nr_names);
    harness_free(memory, 10 * PAGE);
    harness_destroy(port);
}

/* Messages that nobody receives give back all that they carry. */
static void bodies_destroyed(void)
{
    mach_port_t gift = harness_port_with_send(), watched = harness_port_with_send();
    vm_address_t memory = harness_allocate(PAGE);

    for (unsigned int round = 0; round < 200; round++) {
        mach_port_t port = harness_port_with_send();

        bodies_begin(port);
        bodies_port(MACH_MSG_TYPE_MAKE_SEND, gift);
        bodies_port(MACH_MSG_TYPE_MAKE_SEND_ONCE, watched);
        bodies_type(harness_type_outside(MACH_MSG_TYPE_BYTE, 8, 4000, FALSE));
        bodies_word(memory);
        OK(bodies_send());
        harness_destroy(port);
        IS(harness_next_id(watched), MACH_NOTIFY_SEND_ONCE);
    }
    OK(mach_port_mod_refs(harness_self, gift, MACH_PORT_RIGHT_SEND, -1));
    IS(harness_status(gift).mps_srights, FALSE);
    IS(harness_status(watched).mps_sorights, 0);
    harness_free(memory, PAGE);
    harness_destroy(gift);
    harness_destroy(watched);
}

/* ---- circles ---- */

/* A receive right in its own queue can never be received: message and port are destroyed. */
static void bodies_circle_of_one(void)
{
    mach_port_t port = harness_port_with_send();

    bodies_begin(port);
    bodies_port(MACH_MSG_TYPE_MOVE_RECEIVE, port);
    OK(bodies_send());
    IS(harness_type(port), MACH_PORT_TYPE_DEAD_NAME);
    harness_destroy(port);
}

static void bodies_circle_of_three(void)
{
    mach_port_t ports[3] = {harness_port_with_send(), harness_port_with_send(), harness_port_with_send()};

    for (unsigned int i = 0; i < 3; i++) {
        bodies_begin(ports[(i + 1) % 3]);
        bodies_port(MACH_MSG_TYPE_MOVE_RECEIVE, ports[i]);
        OK(bodies_send());
        if (i < 2)
            IS(harness_type(ports[i]), MACH_PORT_TYPE_SEND);
    }
    for (unsigned int i = 0; i < 3; i++) {
        IS(harness_type(ports[i]), MACH_PORT_TYPE_DEAD_NAME);
        harness_destroy(ports[i]);
    }
}

/* A chain is no circle: it can be received link by link. */
static void bodies_chain(void)
{
    enum { nr = 10 };
    mach_port_t ports[nr];

    for (unsigned int i = 0; i < nr; i++)
        ports[i] = harness_port_with_send();
    for (unsigned int i = 0; i + 1 < nr; i++) {
        bodies_begin(ports[i]);
        bodies_port(MACH_MSG_TYPE_MOVE_RECEIVE, ports[i + 1]);
        OK(bodies_send());
    }
    for (unsigned int i = 0; i + 1 < nr; i++) {
        bodies_receive(ports[i]);
        IS(bodies_in.body[1], ports[i + 1]);
        IS(harness_type(ports[i + 1]), MACH_PORT_TYPE_SEND_RECEIVE);
    }
    for (unsigned int i = 0; i < nr; i++)
        harness_destroy(ports[i]);
}

/* ---- malformed ---- */

static void bodies_bad_rights(void)
{
    mach_port_t port = harness_port_with_send(), gift = harness_port_with_send(), receive_only = harness_port();
    mach_port_t send_only = mach_host_self();
    const struct {
        mach_msg_type_name_t kind;
        mach_port_t name;
    } bad[] = {
        {MACH_MSG_TYPE_COPY_SEND, BAD_NAME},         {MACH_MSG_TYPE_MOVE_RECEIVE, BAD_NAME},
        {MACH_MSG_TYPE_MOVE_RECEIVE, send_only},     {MACH_MSG_TYPE_MAKE_SEND, send_only},
        {MACH_MSG_TYPE_MAKE_SEND_ONCE, send_only},   {MACH_MSG_TYPE_COPY_SEND, receive_only},
        {MACH_MSG_TYPE_MOVE_SEND_ONCE, receive_only}, {MACH_MSG_TYPE_MOVE_SEND, receive_only},
        {MACH_MSG_TYPE_MOVE_RECEIVE, MACH_PORT_DEAD - 1},
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++) {
        /* What stands before the bad right is lost with the message. */
        bodies_begin(port);
        bodies_port(MACH_MSG_TYPE_COPY_SEND, gift);
        bodies_port(MACH_MSG_TYPE_MAKE_SEND_ONCE, receive_only);
        bodies_port(bad[i].kind, bad[i].name);
        IS(bodies_send(), MACH_SEND_INVALID_RIGHT);
        IS(harness_refs(gift, MACH_PORT_RIGHT_SEND), 1);
        IS(harness_next_id(receive_only), MACH_NOTIFY_SEND_ONCE);
        IS(harness_next_id(receive_only), -1);
    }
    IS(harness_status(port).mps_msgcount, 0);
    IS(harness_type(receive_only), MACH_PORT_TYPE_RECEIVE);
    harness_destroy(port);
    harness_destroy(gift);
    harness_destroy(receive_only);
    OK(mach_port_deallocate(harness_self, send_only));
}

static void bodies_bad_types(void)
{
    mach_port_t port = harness_port_with_send();
    const mach_msg_type_t bad[] = {
        harness_type_inline(MACH_MSG_TYPE_COPY_SEND, 31, 1),
        harness_type_inline(MACH_MSG_TYPE_COPY_SEND, 8, 4),
        harness_type_inline(MACH_MSG_TYPE_MOVE_RECEIVE, 64, 1),
        {.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_number = 1, .msgt_inline = 1, .msgt_unused = 1},
        {.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_number = 1, .msgt_inline = 1, .msgt_longform = 1},
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++) {
        mach_msg_return_t mr;

        bodies_begin(port);
        bodies_type(bad[i]);
        bodies_word(port);
        mr = bodies_send();
        if (!CHECK(mr == MACH_SEND_INVALID_TYPE || mr == MACH_SEND_MSG_TOO_SMALL))
            harness_note("type %u: 0x%x", i, mr);
    }
    IS(harness_status(port).mps_msgcount, 0);
    IS(harness_refs(port, MACH_PORT_RIGHT_SEND), 1);
    harness_destroy(port);
}

static void bodies_too_short(void)
{
    mach_port_t port = harness_port_with_send();

    bodies_begin(port);
    bodies_type(harness_type_inline(MACH_MSG_TYPE_INTEGER_32, 32, 2));
    bodies_word(1);
    IS(bodies_send(), MACH_SEND_MSG_TOO_SMALL);
    bodies_begin(port);
    bodies_type(harness_type_outside(MACH_MSG_TYPE_BYTE, 8, 4, FALSE));
    IS(bodies_send(), MACH_SEND_MSG_TOO_SMALL);
    bodies_begin(port);
    bodies_type(harness_type_inline(MACH_MSG_TYPE_CHAR, 8, 5));
    bodies_word(1);
    IS(bodies_send(), MACH_SEND_MSG_TOO_SMALL);
    bodies_begin(port);
    bodies_word(0x00ffffff & harness_type_word(harness_type_inline(0, 1, 4095)));
    IS(bodies_send(), MACH_SEND_MSG_TOO_SMALL);
    bodies_begin(port);
    bodies_long((mach_msg_type_t){.msgt_inline = FALSE}, MACH_MSG_TYPE_BYTE, 8, 4);
    IS(bodies_send(), MACH_SEND_MSG_TOO_SMALL);
    IS(harness_status(port).mps_msgcount, 0);
    harness_destroy(port);
}

/* Numbers that wrap around when they are multiplied. */
static void bodies_wrapping_numbers(void)
{
    mach_port_t port = harness_port_with_send(), gift = harness_port_with_send();
    const uint32_t numbers[] = {2,          100,        0x1000,     0x08000000, 0x10000000, 0x20000001,
                                0x3fffffff, 0x40000000, 0x40000001, 0x80000001, 0xfffffff8, 0xffffffff};
    const unsigned int sizes[] = {32, 8, 64, 0x7fff, 0xffff};

    for (unsigned int i = 0; i < ARRAY_LENGTH(numbers); i++)
        for (unsigned int j = 0; j < ARRAY_LENGTH(sizes); j++) {
            if (sizes[j] == 8 && numbers[i] == 2)
                continue; /* this one fits */
            bodies_begin(port);
            bodies_port(MACH_MSG_TYPE_COPY_SEND, gift);
            bodies_long((mach_msg_type_t){.msgt_inline = TRUE}, MACH_MSG_TYPE_INTEGER_32, sizes[j], numbers[i]);
            bodies_word(1);
            IS(bodies_send(), MACH_SEND_MSG_TOO_SMALL);
        }
    IS(harness_status(port).mps_msgcount, 0);
    IS(harness_refs(gift, MACH_PORT_RIGHT_SEND), 1);
    OK(mach_port_mod_refs(harness_self, gift, MACH_PORT_RIGHT_SEND, -1));
    IS(harness_status(gift).mps_srights, FALSE);
    harness_destroy(port);
    harness_destroy(gift);
}

/* Memory that cannot be read, as bytes and as names. */
static void bodies_refuse_memory(vm_address_t start, vm_size_t size)
{
    mach_port_t port = harness_port_with_send(), gift = harness_port_with_send();

    for (unsigned int dealloc = 0; dealloc < 2; dealloc++) {
        mach_msg_return_t mr;

        bodies_begin(port);
        bodies_port(MACH_MSG_TYPE_COPY_SEND, gift);
        bodies_long(harness_type_outside(0, 0, 0, dealloc), MACH_MSG_TYPE_BYTE, 8, size);
        bodies_word(start);
        mr = bodies_send();
        if (!CHECK(mr == MACH_SEND_INVALID_MEMORY || mr == (MACH_SEND_INVALID_MEMORY | MACH_MSG_VM_KERNEL)))
            harness_note("0x%x bytes at 0x%x: 0x%x", (uint32_t)size, (uint32_t)start, mr);
        bodies_begin(port);
        bodies_long(harness_type_outside(0, 0, 0, dealloc), MACH_MSG_TYPE_COPY_SEND, 32, size / 4 + (size % 4 != 0));
        bodies_word(start);
        mr = bodies_send();
        if (!CHECK(mr != MACH_MSG_SUCCESS))
            harness_note("0x%x names at 0x%x: 0x%x", (uint32_t)(size / 4 + (size % 4 != 0)), (uint32_t)start, mr);
    }
    IS(harness_status(port).mps_msgcount, 0);
    IS(harness_refs(gift, MACH_PORT_RIGHT_SEND), 1);
    harness_destroy(port);
    harness_destroy(gift);
}

static void bodies_bad_memory(void)
{
    vm_address_t memory = harness_allocate(3 * PAGE);

    memset((void *)memory, 0x3f, 3 * PAGE); /* names of nothing */
    harness_free(memory + PAGE, PAGE);
    bodies_refuse_memory(0, 1);
    bodies_refuse_memory(16, 100);
    bodies_refuse_memory(memory + PAGE, 1);
    bodies_refuse_memory(memory, 3 * PAGE);
    bodies_refuse_memory(memory + PAGE - 1, 2);
    bodies_refuse_memory(memory + 3 * PAGE - 4, 0x40000000);
    IS(harness_read(memory), 0); /* not deallocated by a message that was not sent */
    IS(harness_read(memory + 2 * PAGE), 0);
    harness_free(memory, 3 * PAGE);
}

static void bodies_kernel_memory(void)
{
    bodies_refuse_memory(KERNEL_START, 4);
    bodies_refuse_memory(KERNEL_START - 4, 8);
    bodies_refuse_memory(KERNEL_START, 0x100000);
    bodies_refuse_memory(0xc0100000, PAGE);
    bodies_refuse_memory(0xfffff000, 4);
    bodies_refuse_memory(0xfffffff0, 12);
}

static void bodies_wrapping_memory(void)
{
    vm_address_t memory = harness_allocate(PAGE);

    bodies_refuse_memory(0xfffff000, PAGE);
    bodies_refuse_memory(0xfffffff0, 0x100);
    bodies_refuse_memory(memory, 0x80000000);
    bodies_refuse_memory(memory, 0xfffff000);
    bodies_refuse_memory(memory, 0xfffff001);
    bodies_refuse_memory(memory, 0xfffffff0);
    bodies_refuse_memory(memory, 0xffffffff);
    IS(harness_read(memory), 0);
    harness_free(memory, PAGE);
}

static void bodies_bad_rights_outside(void)
{
    mach_port_t port = harness_port_with_send(), gift = harness_port_with_send();
    mach_port_t *names = (mach_port_t *)harness_allocate(16);

    for (unsigned int i = 0; i < 4; i++)
        names[i] = i == 2 ? BAD_NAME : gift;
    bodies_begin(port);
    bodies_type(harness_type_outside(MACH_MSG_TYPE_COPY_SEND, 32, 4, FALSE));
    bodies_word((uint32_t)names);
    IS(bodies_send(), MACH_SEND_INVALID_RIGHT);
    IS(harness_refs(gift, MACH_PORT_RIGHT_SEND), 1);
    OK(mach_port_mod_refs(harness_self, gift, MACH_PORT_RIGHT_SEND, -1));
    IS(harness_status(gift).mps_srights, FALSE); /* the copies made on the way are gone */
    harness_free((vm_address_t)names, 16);
    harness_destroy(port);
    harness_destroy(gift);
}

/* A receiver without room gets the header's rights only; the body's are given back. */
static void bodies_too_large_for_the_receiver(void)
{
    mach_port_t port = harness_port_with_send(), gift = harness_port();
    vm_address_t memory = harness_allocate(PAGE);

    bodies_begin(port);
    bodies_port(MACH_MSG_TYPE_MAKE_SEND_ONCE, gift);
    bodies_type(harness_type_outside(MACH_MSG_TYPE_BYTE, 8, 100, TRUE));
    bodies_word(memory);
    OK(bodies_send());
    IS(mach_msg(&bodies_in.head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(bodies_in.head) + 8, port, 0, MACH_PORT_NULL),
       MACH_RCV_TOO_LARGE);
    IS(harness_next_id(gift), MACH_NOTIFY_SEND_ONCE);
    harness_destroy(port);
    harness_destroy(gift);
}

const struct harness_test harness_tests[] = {
    {"send rights arrive copied, made or moved", bodies_send_rights, NULL},
    {"a receive right moves, and what is sent to it meanwhile waits", bodies_receive_right, NULL},
    {"send-once rights arrive each under its own name", bodies_send_once_rights, NULL},
    {"no right arrives as none, a dead one as dead", bodies_no_rights, NULL},
    {"plain data arrives as it was sent, whatever its type", bodies_plain_data, NULL},
    {"an array of rights in line arrives in order", bodies_inline_array, NULL},
    {"arrays of up to 1500 rights out of line arrive in order", bodies_outside_array, NULL},
    {"receive rights move in an array, and its memory goes", bodies_outside_array_moves, NULL},
    {"memory arrives as it was when it was sent, at all sizes and offsets", bodies_memory_of_all_sizes, NULL},
    {"memory sent with deallocation is gone from its sender", bodies_memory_moves, NULL},
    {"no memory is no memory, wherever it points", bodies_memory_of_nothing, NULL},
    {"memory of many regions arrives as one, and writable", bodies_memory_of_regions, NULL},
    {"eight megabytes go around four times", bodies_much_memory, NULL},
    {"ten pieces of memory, ten rights and ten numbers arrive in order", bodies_mixed, NULL},
    {"messages that die with their port give back what they carry", bodies_destroyed, NULL},
    {"a port sent to itself dies", bodies_circle_of_one, NULL},
    {"three ports sent to each other in a circle die", bodies_circle_of_three, NULL},
    {"ten ports sent along a chain live", bodies_chain, NULL},
    {"a message with a bad right is refused, and those before it are lost", bodies_bad_rights, NULL},
    {"a message with a malformed type is refused", bodies_bad_types, NULL},
    {"a message that ends within its data is refused", bodies_too_short, NULL},
    {"a message whose data would wrap around is refused", bodies_wrapping_numbers, "it takes such messages"},
    {"a message with memory that cannot be read is refused and deallocates nothing", bodies_bad_memory, NULL},
    {"a message with memory of the kernel is refused", bodies_kernel_memory, "it reads names there"},
    {"a message with memory that wraps around is refused", bodies_wrapping_memory, "it panics"},
    {"an array with a bad right is refused, and no copy of those before it stays", bodies_bad_rights_outside, NULL},
    {"a message that is too large for its receiver gives back what it carries", bodies_too_large_for_the_receiver, NULL},
    {NULL, NULL, NULL},
};
