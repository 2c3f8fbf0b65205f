/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages are held against their statement word by word, descriptors included, so MIG's server stubs, which look over what
 * does not concern them, are not used. A message that is another than stated is shown, and its memory and rights are left
 * where they are: the test has failed.
 */
#include "harness_script.h"

enum { SCRIPT_SILENT_MS = 60, SCRIPT_PATIENCE_MS = 3000 };

/* ---- what comes ---- */

enum script_kind { SCRIPT_CONTROL, SCRIPT_CONTROL_RECEIVE, SCRIPT_NAME, SCRIPT_NAME_RECEIVE, SCRIPT_WORD, SCRIPT_BOOLEAN };

struct script_item {
    enum script_kind kind;
    uint32_t value;
};

static struct harness_message script_message;
static unsigned int script_at; /* the next word of its body */

static uint32_t script_next(void)
{
    return script_at < HARNESS_BODY_WORDS ? script_message.body[script_at++] : 0;
}

/* The next message at this port is this one, by this kind of right. */
static boolean_t script_receive(struct script_port *port, unsigned int right, mach_msg_id_t id, boolean_t complex)
{
    mach_msg_header_t *head = &script_message.head;

    memset(&script_message, 0, sizeof(script_message));
    script_at = 0;
    if (!IS(harness_receive(port->port, &script_message, SCRIPT_PATIENCE_MS), MACH_MSG_SUCCESS) | !IS(head->msgh_id, id))
        return FALSE;
    return IS(head->msgh_bits, MACH_MSGH_BITS(0, right) | (complex ? MACH_MSGH_BITS_COMPLEX : 0)) &
           IS(head->msgh_remote_port, MACH_PORT_NULL) & IS(head->msgh_local_port, port->port) &
           IS(head->msgh_seqno, port->seqno++);
}

static unsigned int script_type_name(enum script_kind kind)
{
    switch (kind) {
    case SCRIPT_CONTROL:
    case SCRIPT_NAME:
        return MACH_MSG_TYPE_PORT_SEND;
    case SCRIPT_CONTROL_RECEIVE:
    case SCRIPT_NAME_RECEIVE:
        return MACH_MSG_TYPE_PORT_RECEIVE;
    case SCRIPT_BOOLEAN:
        return MACH_MSG_TYPE_BOOLEAN;
    default:
        return MACH_MSG_TYPE_INTEGER_32;
    }
}

/* The next item is one of this kind and value, and its right is what it must be. */
static boolean_t script_check(struct talk *talk, const struct script_item *item)
{
    uint32_t want = harness_type_word(harness_type_inline(script_type_name(item->kind), 32, 1));
    uint32_t type = script_next(), value = script_next();
    boolean_t good = IS(type, want);

    switch (item->kind) {
    case SCRIPT_CONTROL:
        if (talk->nr_control++ == 0)
            talk->control = value;
        good &= IS(harness_type(value), MACH_PORT_TYPE_SEND);
        return good & IS(value, talk->control) & IS(harness_refs(value, MACH_PORT_RIGHT_SEND), talk->nr_control);
    case SCRIPT_CONTROL_RECEIVE: /* under the name of the send rights */
        good &= IS(harness_type(value), MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE);
        return good & IS(value, talk->control) & IS(harness_refs(value, MACH_PORT_RIGHT_SEND), talk->nr_control);
    case SCRIPT_NAME:
        talk->name = value;
        return good & IS(harness_type(value), MACH_PORT_TYPE_SEND) & IS(harness_refs(value, MACH_PORT_RIGHT_SEND), 1);
    case SCRIPT_NAME_RECEIVE:
        good &= IS(harness_type(value), MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE);
        return good & IS(value, talk->name) & IS(harness_refs(value, MACH_PORT_RIGHT_SEND), 1);
    default:
        return good & IS(value, item->value);
    }
}

/* The message has come to its end. */
static boolean_t script_ends(void)
{
    return IS(script_message.head.msgh_size, sizeof(script_message.head) + script_at * 4);
}

static boolean_t script_hear(struct talk *talk, boolean_t reply, mach_msg_id_t id, const struct script_item *items,
                             unsigned int nr_items)
{
    struct script_port *port = reply ? talk->replies : &talk->in;
    unsigned int right = reply ? talk->reply_right : MACH_MSG_TYPE_PORT_SEND;
    boolean_t good = script_receive(port, right, id, nr_items > 0 && items[0].kind <= SCRIPT_NAME_RECEIVE);

    for (unsigned int i = 0; good && i < nr_items; i++)
        good &= script_check(talk, &items[i]);
    return good && script_ends();
}

#define HEAR_ITEMS(talk, reply, id, ...) \
    script_hear(talk, reply, id, (const struct script_item[]){__VA_ARGS__}, \
                ARRAY_LENGTH(((const struct script_item[]){__VA_ARGS__})))

/* Shows what came instead, if it is not good; returns good. */
boolean_t script_heard(boolean_t good, const char *file, int line, const char *routine)
{
    const mach_msg_header_t *head = &script_message.head;

    if (good)
        return TRUE;
    harness_note("%s:%d: wanted %s; there was message %d, number %u, %u bytes", file, line, routine, head->msgh_id,
                 head->msgh_seqno, head->msgh_size);
    for (unsigned int i = 0; head->msgh_id != 0 && i < (head->msgh_size - sizeof(*head)) / 4; i++)
        harness_note("  0x%x", script_message.body[i]);
    return FALSE;
}

boolean_t script_hear_memory_object_init(struct talk *talk)
{
    talk->nr_control = 0;
    return HEAR_ITEMS(talk, FALSE, 2200, {SCRIPT_CONTROL, 0}, {SCRIPT_NAME, 0}, {SCRIPT_WORD, PAGE});
}

boolean_t script_hear_memory_object_terminate(struct talk *talk)
{
    boolean_t good = HEAR_ITEMS(talk, FALSE, 2201, {SCRIPT_CONTROL_RECEIVE, 0}, {SCRIPT_NAME_RECEIVE, 0});

    if (good) {
        harness_destroy(talk->control);
        harness_destroy(talk->name);
    }
    return good;
}

boolean_t script_hear_memory_object_data_request(struct talk *talk, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    return HEAR_ITEMS(talk, FALSE, 2203, {SCRIPT_CONTROL, 0}, {SCRIPT_WORD, offset}, {SCRIPT_WORD, length},
                      {SCRIPT_WORD, (uint32_t)access});
}

boolean_t script_hear_memory_object_data_unlock(struct talk *talk, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    return HEAR_ITEMS(talk, FALSE, 2204, {SCRIPT_CONTROL, 0}, {SCRIPT_WORD, offset}, {SCRIPT_WORD, length},
                      {SCRIPT_WORD, (uint32_t)access});
}

boolean_t script_hear_memory_object_lock_completed(struct talk *talk, vm_offset_t offset, vm_size_t length)
{
    return HEAR_ITEMS(talk, TRUE, 2206, {SCRIPT_CONTROL, 0}, {SCRIPT_WORD, offset}, {SCRIPT_WORD, length});
}

boolean_t script_hear_memory_object_supply_completed(struct talk *talk, vm_offset_t offset, vm_size_t length,
                                                     kern_return_t result, vm_offset_t error_offset)
{
    return HEAR_ITEMS(talk, TRUE, 2207, {SCRIPT_CONTROL, 0}, {SCRIPT_WORD, offset}, {SCRIPT_WORD, length},
                      {SCRIPT_WORD, (uint32_t)result}, {SCRIPT_WORD, error_offset});
}

boolean_t script_hear_memory_object_change_completed(struct talk *talk, boolean_t may_cache,
                                                     memory_object_copy_strategy_t strategy)
{
    return HEAR_ITEMS(talk, TRUE, 2209, {SCRIPT_BOOLEAN, (uint32_t)may_cache}, {SCRIPT_WORD, (uint32_t)strategy});
}

boolean_t script_hear_memory_object_synchronize(struct talk *talk, vm_offset_t offset, vm_size_t length, int flags)
{
    return HEAR_ITEMS(talk, FALSE, 2210, {SCRIPT_CONTROL, 0}, {SCRIPT_WORD, offset}, {SCRIPT_WORD, length},
                      {SCRIPT_WORD, (uint32_t)flags});
}

boolean_t script_hear_mach_notify_send_once(struct talk *talk)
{
    return script_hear(talk, TRUE, MACH_NOTIFY_SEND_ONCE, NULL, 0);
}

/* The long descriptor of memory of this size, and the memory, which is freed. */
static boolean_t script_check_data(unsigned int nr_pages, uint32_t seed)
{
    mach_msg_type_t outside = {.msgt_inline = FALSE, .msgt_longform = TRUE, .msgt_deallocate = TRUE}; /* it is ours */
    boolean_t good = IS(script_next(), harness_type_word(outside)) & IS(script_next(), 8u << 16 | MACH_MSG_TYPE_BYTE) &
                     IS(script_next(), nr_pages * PAGE);
    vm_address_t data = script_next();

    if (!good || !IS(data % PAGE, 0))
        return FALSE;
    for (unsigned int i = 0; i < nr_pages; i++)
        good &= CHECK(harness_filled(data + i * PAGE, PAGE, seed + i));
    harness_free(data, nr_pages * PAGE);
    return good;
}

boolean_t script_hear_memory_object_data_return(struct talk *talk, vm_offset_t offset, unsigned int nr_pages, uint32_t seed,
                                                boolean_t dirty, boolean_t kernel_copy)
{
    if (harness_on_gnumach && nr_pages > 1)
        return script_hear_memory_object_data_return(talk, offset, 1, seed, dirty, kernel_copy) &&
               script_hear_memory_object_data_return(talk, offset + PAGE, nr_pages - 1, seed + 1, dirty, kernel_copy);
    return script_receive(&talk->in, MACH_MSG_TYPE_PORT_SEND, 2208, TRUE) &&
           script_check(talk, &(struct script_item){SCRIPT_CONTROL, 0}) &&
           script_check(talk, &(struct script_item){SCRIPT_WORD, offset}) && script_check_data(nr_pages, seed) &&
           script_check(talk, &(struct script_item){SCRIPT_BOOLEAN, (uint32_t)dirty}) &
               script_check(talk, &(struct script_item){SCRIPT_BOOLEAN, (uint32_t)kernel_copy}) &&
           script_ends();
}

static boolean_t script_hears_nothing(const struct script_port *port, mach_msg_timeout_t timeout)
{
    memset(&script_message, 0, sizeof(script_message));
    return IS(harness_receive(port->port, &script_message, timeout), MACH_RCV_TIMED_OUT);
}

boolean_t script_silence(struct talk *talk, const char *file, int line)
{
    boolean_t good = script_hears_nothing(&talk->in, SCRIPT_SILENT_MS);

    if (good && talk->replies != &talk->in)
        good = script_hears_nothing(talk->replies, 0);
    return script_heard(good, file, line, "silence");
}

/* ---- what is said ---- */

unsigned int script_reply_kind;
static mach_port_t script_result_port;
static boolean_t script_asked; /* the message that went out will be answered */
static boolean_t script_saying;

/* Before a message of this thread goes out: a simple routine's gets a reply port. */
static void script_before_send(mach_msg_header_t *message)
{
    if (!script_saying || message->msgh_id / 100 == 25 || message->msgh_local_port != MACH_PORT_NULL)
        return; /* the watcher's answer to an exception, or a routine that has a reply port */
    script_saying = FALSE;
    script_asked = TRUE;
    message->msgh_local_port = script_result_port;
    message->msgh_bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_MAKE_SEND_ONCE);
    if (script_reply_kind != 0) {
        mach_msg_type_t *type = (mach_msg_type_t *)((char *)message + message->msgh_size) - 2;

        type->msgt_name = script_reply_kind;
        script_reply_kind = 0;
    }
}

void script_say(void)
{
    if (script_result_port == MACH_PORT_NULL)
        script_result_port = harness_port();
    script_asked = FALSE;
    script_saying = TRUE;
    harness_before_send = script_before_send;
}

kern_return_t script_said(kern_return_t sent)
{
    static struct harness_message reply;

    harness_before_send = NULL;
    script_saying = FALSE;
    if (!script_asked || sent != KERN_SUCCESS)
        return sent;
    mach_msg_return_t mr = harness_receive(script_result_port, &reply, SCRIPT_PATIENCE_MS);
    return mr == MACH_MSG_SUCCESS ? (kern_return_t)reply.body[1] : (kern_return_t)mr;
}

kern_return_t memory_object_synchronize_completed(mach_port_t control, vm_offset_t offset, vm_size_t length)
{
    struct harness_message message;
    const uint32_t word = harness_type_word(harness_type_inline(MACH_MSG_TYPE_INTEGER_32, 32, 1));

    harness_compose(&message, control, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 4);
    message.head.msgh_id = 2032;
    message.body[0] = message.body[2] = word;
    message.body[1] = offset;
    message.body[3] = length;
    return mach_msg(&message.head, MACH_SEND_MSG, message.head.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

vm_address_t script_data(unsigned int nr_pages, uint32_t seed)
{
    vm_address_t data = harness_allocate(nr_pages * PAGE);

    for (unsigned int i = 0; i < nr_pages; i++)
        harness_fill(data + i * PAGE, PAGE, seed + i);
    return data;
}

kern_return_t script_supply(const struct talk *talk, vm_offset_t offset, unsigned int nr_pages, uint32_t seed,
                            vm_prot_t lock,
                            boolean_t precious, mach_port_t reply)
{
    return SAY(memory_object_data_supply, talk->control, offset, script_data(nr_pages, seed), nr_pages * PAGE, TRUE, lock,
               precious, reply);
}

/* ---- the client ---- */

vm_address_t script_map(mach_port_t port, vm_offset_t offset, vm_size_t size, boolean_t copy)
{
    vm_address_t at = 0;

    OK(vm_map(harness_self, &at, size, 0, TRUE, port, offset, copy, RW, RW, VM_INHERIT_SHARE));
    return at;
}

void script_begin(struct talk *talk, vm_size_t size)
{
    *talk = (struct talk){.in.port = harness_port_with_send(), .size = size, .reply_right = MACH_MSG_TYPE_PORT_SEND_ONCE};
    talk->replies = &talk->in;
    talk->at = script_map(talk->in.port, 0, size, FALSE);
    HEAR(memory_object_init, talk);
}

void script_open(struct talk *talk, vm_size_t size, boolean_t may_cache, memory_object_copy_strategy_t strategy)
{
    script_begin(talk, size);
    SAYS(KERN_SUCCESS, memory_object_ready, talk->control, may_cache, strategy);
}

void script_forget(struct talk *talk)
{
    SILENCE(talk);
    harness_destroy(talk->in.port);
}

boolean_t script_close(struct talk *talk)
{
    boolean_t good;

    harness_free(talk->at, talk->size);
    good = HEAR(memory_object_terminate, talk);
    script_forget(talk);
    return good;
}

static void script_toucher(void *argument)
{
    struct script_touch *touch = argument;

    touch->result = touch->write ? harness_write(touch->at, 0x5a) : harness_read(touch->at);
    touch->done = 1;
}

void script_touch(struct script_touch *touch, vm_address_t at, boolean_t write)
{
    touch->at = at;
    touch->write = write;
    touch->done = 0;
    touch->thread = harness_start(script_toucher, touch);
}

boolean_t script_touched(struct script_touch *touch, uint32_t result)
{
    boolean_t good = CHECK(harness_wait(&touch->done));

    if (good)
        good = IS(touch->result, result);
    harness_end(touch->thread);
    return good;
}

boolean_t script_waits(const struct script_touch *touch)
{
    return IS(touch->done, 0);
}

void script_page_in(struct talk *talk, unsigned int page, uint32_t seed, vm_prot_t lock, boolean_t precious)
{
    struct script_touch touch;

    script_touch(&touch, talk->at + page * PAGE, FALSE);
    HEAR(memory_object_data_request, talk, page * PAGE, PAGE, VM_PROT_READ);
    IS(script_supply(talk, page * PAGE, 1, seed, lock, precious, MACH_PORT_NULL), KERN_SUCCESS);
    if (script_touched(&touch, 0))
        CHECK(harness_filled(talk->at + page * PAGE, PAGE, seed));
}
