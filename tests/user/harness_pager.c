/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory manager, step by step. Messages are taken apart by their types, without MIG, so that a test sees what came.
 */
#include "harness_pager.h"

/* ---- messages to the manager ---- */

struct pager_message pager_in;

static void pager_decode(void)
{
    const struct harness_message *message = &pager_in.message;
    unsigned int nr_words = (message->head.msgh_size - sizeof(message->head)) / 4, at = 0, nr = 0;

    pager_in.id = message->head.msgh_id;
    pager_in.seqno = message->head.msgh_seqno;
    while (at + 1 < nr_words && nr < 8) {
        mach_msg_type_t type = harness_word_type(message->body[at]);

        if (type.msgt_longform) {
            pager_in.number[nr] = message->body[at + 2];
            at += 2;
        } else {
            pager_in.number[nr] = type.msgt_number;
        }
        pager_in.value[nr++] = message->body[at + 1];
        at += 2;
    }
}

/* Receives the next message on port, which must have this id. */
boolean_t pager_expect(mach_port_t port, mach_msg_id_t id)
{
    memset(&pager_in, 0, sizeof(pager_in));
    if (!IS(harness_receive(port, &pager_in.message, 3000), MACH_MSG_SUCCESS))
        return FALSE;
    pager_decode();
    return IS(pager_in.id, id);
}

/* Nothing comes for a while. */
boolean_t pager_silent(mach_port_t port)
{
    mach_msg_return_t mr = harness_receive(port, &pager_in.message, 60);

    if (mr == MACH_MSG_SUCCESS)
        harness_note("message %d", pager_in.message.head.msgh_id);
    return IS(mr, MACH_RCV_TIMED_OUT);
}

boolean_t pager_expect_range(const struct pager_object *object, mach_msg_id_t id, vm_offset_t offset,
                             vm_size_t length)
{
    return pager_expect(object->port, id) & IS(pager_in.value[0], object->control) & IS(pager_in.value[1], offset) &
           IS(pager_in.value[2], length);
}

boolean_t pager_expect_request(const struct pager_object *object, vm_offset_t offset, vm_prot_t access)
{
    return pager_expect_range(object, PAGER_DATA_REQUEST, offset, PAGE) & IS(pager_in.value[3], access);
}

/* A return of one page, filled by seed; the memory is freed. */
boolean_t pager_expect_return(const struct pager_object *object, vm_offset_t offset, uint32_t seed, boolean_t dirty,
                              boolean_t kernel_copy)
{
    boolean_t good = pager_expect(object->port, PAGER_DATA_RETURN);

    if (!good)
        return FALSE;
    good &= IS(pager_in.value[0], object->control);
    good &= IS(pager_in.value[1], offset);
    good &= IS(pager_in.number[2], PAGE);
    good &= CHECK(harness_filled(pager_in.value[2], PAGE, seed));
    good &= IS(pager_in.value[3], dirty);
    good &= IS(pager_in.value[4], kernel_copy);
    harness_free(pager_in.value[2], pager_in.number[2]);
    return good;
}

/* ---- the manager's answers ---- */

/* Supplies nr_pages, each filled by seed and its number. */
void pager_supply(const struct pager_object *object, vm_offset_t offset, unsigned int nr_pages, uint32_t seed,
                  vm_prot_t lock, boolean_t precious, mach_port_t reply)
{
    vm_address_t data = harness_allocate(nr_pages * PAGE);

    for (unsigned int i = 0; i < nr_pages; i++)
        harness_fill(data + i * PAGE, PAGE, seed + i);
    OK(memory_object_data_supply(object->control, offset, data, nr_pages * PAGE, TRUE, lock, precious, reply));
}

void pager_lock(const struct pager_object *object, vm_offset_t offset, vm_size_t size, memory_object_return_t what,
                boolean_t flush, vm_prot_t lock)
{
    OK(memory_object_lock_request(object->control, offset, size, what, flush, lock, object->port));
}

boolean_t pager_expect_lock_completed(const struct pager_object *object, vm_offset_t offset, vm_size_t size)
{
    return pager_expect_range(object, PAGER_LOCK_COMPLETED, offset, size);
}

/* ---- objects ---- */

vm_address_t pager_map(mach_port_t port, vm_offset_t offset, vm_size_t size, boolean_t copy)
{
    vm_address_t at = 0;

    OK(vm_map(harness_self, &at, size, 0, TRUE, port, offset, copy, RW, RW, VM_INHERIT_SHARE));
    return at;
}

/* A new object, mapped; its first message is received, and not answered. */
struct pager_object pager_begin(vm_size_t size)
{
    struct pager_object object = {.port = harness_port_with_send(), .size = size};

    object.at = pager_map(object.port, 0, size, FALSE);
    if (pager_expect(object.port, PAGER_INIT)) {
        object.control = pager_in.value[0];
        object.name = pager_in.value[1];
        IS(pager_in.value[2], PAGE);
        IS(pager_in.seqno, 0);
    }
    return object;
}

struct pager_object pager_new_with(vm_size_t size, boolean_t may_cache, memory_object_copy_strategy_t strategy)
{
    struct pager_object object = pager_begin(size);

    OK(memory_object_ready(object.control, may_cache, strategy));
    return object;
}

struct pager_object pager_new(vm_size_t size)
{
    return pager_new_with(size, FALSE, MEMORY_OBJECT_COPY_DELAY);
}

/* What comes when the last mapping is gone. */
void pager_expect_end(struct pager_object *object)
{
    if (pager_expect(object->port, PAGER_TERMINATE)) {
        IS(pager_in.value[0], object->control);
        IS(pager_in.value[1], object->name);
        IS(harness_type(object->control) & MACH_PORT_TYPE_RECEIVE, MACH_PORT_TYPE_RECEIVE);
        IS(harness_type(object->name) & MACH_PORT_TYPE_RECEIVE, MACH_PORT_TYPE_RECEIVE);
        harness_destroy(object->control);
        harness_destroy(object->name);
    }
    CHECK(pager_silent(object->port));
    harness_destroy(object->port);
}

/* Unmaps an object without dirty or precious pages. */
void pager_end(struct pager_object *object)
{
    harness_free(object->at, object->size);
    pager_expect_end(object);
}

/* ---- the thread that touches memory ---- */

struct pager_touch pager_touch;

static void pager_toucher(void *unused)
{
    pager_touch.result = pager_touch.write ? harness_write(pager_touch.at, 0x5a) : harness_read(pager_touch.at);
    pager_touch.done = 1;
}

void pager_start_touch(vm_address_t at, boolean_t write)
{
    pager_touch.at = at;
    pager_touch.write = write;
    pager_touch.done = 0;
    pager_touch.thread = harness_start(pager_toucher, NULL);
}

/* The access comes to its end with this result. */
boolean_t pager_end_touch(uint32_t result)
{
    boolean_t good = CHECK(harness_wait(&pager_touch.done));

    if (good)
        good = IS(pager_touch.result, result);
    harness_end(pager_touch.thread);
    return good;
}

/* Brings the page in, filled by seed, and checks it. */
void pager_bring_in(const struct pager_object *object, unsigned int page, uint32_t seed)
{
    pager_start_touch(object->at + page * PAGE, FALSE);
    pager_expect_request(object, page * PAGE, VM_PROT_READ);
    pager_supply(object, page * PAGE, 1, seed, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    if (pager_end_touch(0))
        CHECK(harness_filled(object->at + page * PAGE, PAGE, seed));
}

/* Writes to pages that are in. */
void pager_dirty(const struct pager_object *object, unsigned int page, uint32_t seed)
{
    harness_fill(object->at + page * PAGE, PAGE, seed);
}
