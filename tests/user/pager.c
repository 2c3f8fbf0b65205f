/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: what the kernel asks of a memory manager, and what its answers do.
 */
#include "harness_pager.h"

/* ---- asking and answering ---- */

static void pager_life(void)
{
    struct pager_object object = pager_new(4 * PAGE);

    IS(harness_type(object.control), MACH_PORT_TYPE_SEND);
    IS(harness_type(object.name), MACH_PORT_TYPE_SEND);
    CHECK(pager_silent(object.port)); /* nothing is asked before it is touched */
    pager_bring_in(&object, 2, 7);
    IS(pager_in.seqno, 1);
    CHECK(pager_silent(object.port));
    pager_bring_in(&object, 0, 8);
    CHECK(harness_filled(object.at + 2 * PAGE, PAGE, 7));
    pager_end(&object);
}

static void pager_wants_ready(void)
{
    struct pager_object object = pager_begin(PAGE);

    pager_start_touch(object.at, FALSE);
    CHECK(pager_silent(object.port));
    IS(pager_touch.done, 0);
    OK(memory_object_ready(object.control, FALSE, MEMORY_OBJECT_COPY_NONE));
    pager_expect_request(&object, 0, VM_PROT_READ);
    pager_supply(&object, 0, 1, 1, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    pager_end_touch(0);
    pager_end(&object);
}

static void pager_write_access(void)
{
    struct pager_object object = pager_new(PAGE);

    pager_start_touch(object.at, TRUE);
    pager_expect_request(&object, 0, RW);
    pager_supply(&object, 0, 1, 1, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    pager_end_touch(0);
    IS(*(uint8_t *)object.at, 0x5a);
    pager_dirty(&object, 0, 3);
    harness_free(object.at, object.size);
    pager_expect_return(&object, 0, 3, TRUE, FALSE);
    pager_expect_end(&object);
}

static void pager_unavailable(void)
{
    struct pager_object object = pager_new(2 * PAGE);

    pager_start_touch(object.at + PAGE, FALSE);
    pager_expect_request(&object, PAGE, VM_PROT_READ);
    OK(memory_object_data_unavailable(object.control, PAGE, PAGE));
    pager_end_touch(0);
    CHECK(harness_zero(object.at + PAGE, PAGE));
    pager_end(&object);
}

static void pager_error(void)
{
    struct pager_object object = pager_new(PAGE);

    for (unsigned int i = 0; i < 2; i++) {
        pager_start_touch(object.at, FALSE);
        pager_expect_request(&object, 0, VM_PROT_READ);
        OK(memory_object_data_error(object.control, 0, PAGE, KERN_FAILURE));
        pager_end_touch(FAULT(EXC_BAD_ACCESS, KERN_MEMORY_ERROR));
    }
    pager_bring_in(&object, 0, 4); /* it can be had later */
    pager_end(&object);
}

/* More than was asked for: what comes unasked is there when it is touched, or not, but never wrong. */
static void pager_supply_more(void)
{
    struct pager_object object = pager_new(4 * PAGE);

    pager_start_touch(object.at, FALSE);
    pager_expect_request(&object, 0, VM_PROT_READ);
    pager_supply(&object, 0, 4, 20, VM_PROT_NONE, FALSE, object.port);
    pager_end_touch(0);
    if (pager_expect_range(&object, PAGER_SUPPLY_COMPLETED, 0, 4 * PAGE))
        IS(pager_in.value[3], KERN_SUCCESS);
    for (unsigned int i = 0; i < 4; i++)
        CHECK(harness_filled(object.at + i * PAGE, PAGE, 20 + i));
    CHECK(pager_silent(object.port));
    pager_end(&object);
}

static void pager_supply_twice(void)
{
    struct pager_object object = pager_new(2 * PAGE);

    pager_bring_in(&object, 0, 1);
    pager_supply(&object, 0, 1, 2, VM_PROT_NONE, FALSE, object.port);
    if (pager_expect_range(&object, PAGER_SUPPLY_COMPLETED, 0, PAGE)) {
        IS(pager_in.value[3], KERN_MEMORY_PRESENT);
        IS(pager_in.value[4], 0);
    }
    CHECK(harness_filled(object.at, PAGE, 1)); /* the first stays */
    pager_end(&object);
}

static void pager_sequence(void)
{
    struct pager_object object = pager_new(8 * PAGE);

    for (unsigned int i = 0; i < 8; i++) {
        pager_bring_in(&object, 7 - i, i);
        IS(pager_in.seqno, i + 1);
    }
    pager_end(&object);
}

/* ---- mapping ---- */

static void pager_mapped_twice(void)
{
    struct pager_object object = pager_new(2 * PAGE);
    vm_address_t other = pager_map(object.port, 0, 2 * PAGE, FALSE);

    CHECK(pager_silent(object.port)); /* no second init */
    pager_bring_in(&object, 1, 5);
    CHECK(harness_filled(other + PAGE, PAGE, 5));
    harness_fill(other + PAGE, PAGE, 6);
    CHECK(harness_filled(object.at + PAGE, PAGE, 6));
    CHECK(pager_silent(object.port));
    harness_free(object.at, 2 * PAGE);
    CHECK(pager_silent(object.port)); /* one mapping is left */
    harness_free(other, 2 * PAGE);
    pager_expect_return(&object, PAGE, 6, TRUE, FALSE);
    pager_expect_end(&object);
}

static void pager_mapped_at_an_offset(void)
{
    struct pager_object object = pager_new(8 * PAGE);
    vm_address_t part = pager_map(object.port, 3 * PAGE, 2 * PAGE, FALSE);

    pager_start_touch(part + PAGE, FALSE);
    pager_expect_request(&object, 4 * PAGE, VM_PROT_READ);
    pager_supply(&object, 4 * PAGE, 1, 9, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    pager_end_touch(0);
    CHECK(harness_filled(object.at + 4 * PAGE, PAGE, 9));
    CHECK(harness_filled(part + PAGE, PAGE, 9));
    harness_free(part, 2 * PAGE);
    CHECK(pager_silent(object.port));
    pager_end(&object);
}

/* Offsets near the end of what can be named. */
static void pager_mapped_far_away(void)
{
    struct pager_object object = pager_new(PAGE);
    const vm_offset_t far = 0xf0000000;
    vm_address_t part = pager_map(object.port, far, 2 * PAGE, FALSE);

    pager_start_touch(part + PAGE, FALSE);
    pager_expect_request(&object, far + PAGE, VM_PROT_READ);
    pager_supply(&object, far + PAGE, 1, 2, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    pager_end_touch(0);
    CHECK(harness_filled(part + PAGE, PAGE, 2));
    harness_free(part, 2 * PAGE);
    pager_end(&object);
}

/* Part by part, the last part's end is the object's. */
static void pager_unmapped_in_parts(void)
{
    struct pager_object object = pager_new(3 * PAGE);

    harness_free(object.at + PAGE, PAGE);
    CHECK(pager_silent(object.port));
    harness_free(object.at, PAGE);
    CHECK(pager_silent(object.port));
    harness_free(object.at + 2 * PAGE, PAGE);
    pager_expect_end(&object);
}

static void pager_region_has_a_name(void)
{
    struct pager_object object = pager_new(2 * PAGE);
    vm_address_t start = object.at;
    vm_size_t size;
    vm_prot_t protection, max;
    vm_inherit_t inheritance;
    boolean_t shared;
    mach_port_t name = MACH_PORT_NULL;
    vm_offset_t offset;

    OK(vm_region(harness_self, &start, &size, &protection, &max, &inheritance, &shared, &name, &offset));
    IS(name, object.name);
    IS(offset, 0);
    IS(size, 2 * PAGE);
    OK(mach_port_deallocate(harness_self, name));
    pager_end(&object);
}

/* Two tasks, one object. */
static void pager_inherited(void)
{
    struct pager_object object = pager_new(2 * PAGE);
    vm_address_t data;
    mach_msg_type_number_t size;
    task_t child;

    pager_bring_in(&object, 0, 1);
    OK(task_create(harness_self, TRUE, &child));
    pager_dirty(&object, 0, 2);
    OK(vm_read(child, object.at, PAGE, &data, &size));
    CHECK(harness_filled(data, PAGE, 2));
    harness_free(data, size);
    harness_free(object.at, 2 * PAGE);
    CHECK(pager_silent(object.port)); /* the child has it still */
    OK(task_terminate(child));
    pager_expect_return(&object, 0, 2, TRUE, FALSE);
    pager_expect_end(&object);
    harness_destroy(child);
}

static void pager_bad_objects(void)
{
    vm_address_t at = 0;
    mach_port_t dead = harness_port_with_send();

    OK(mach_port_mod_refs(harness_self, dead, MACH_PORT_RIGHT_RECEIVE, -1));
    CHECK(vm_map(harness_self, &at, PAGE, 0, TRUE, dead, 0, FALSE, RW, RW, VM_INHERIT_NONE) != KERN_SUCCESS);
    CHECK(vm_map(harness_self, &at, PAGE, 0, TRUE, MACH_PORT_DEAD, 0, FALSE, RW, RW, VM_INHERIT_NONE) != KERN_SUCCESS);
    CHECK(vm_map(harness_self, &at, PAGE, 0, TRUE, BAD_NAME, 0, FALSE, RW, RW, VM_INHERIT_NONE) != KERN_SUCCESS);
    harness_destroy(dead);
}

/* ---- cleaning and flushing ---- */

static void pager_clean(void)
{
    struct pager_object object = pager_new(3 * PAGE);

    for (unsigned int i = 0; i < 3; i++)
        pager_bring_in(&object, i, i);
    pager_dirty(&object, 1, 50);
    pager_lock(&object, 0, 3 * PAGE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
    pager_expect_return(&object, PAGE, 50, TRUE, TRUE);
    pager_expect_lock_completed(&object, 0, 3 * PAGE);
    /* Clean now, and in memory. */
    CHECK(harness_filled(object.at + PAGE, PAGE, 50));
    pager_lock(&object, 0, 3 * PAGE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
    pager_expect_lock_completed(&object, 0, 3 * PAGE);
    /* And dirty again when it is written again. */
    pager_dirty(&object, 1, 51);
    pager_lock(&object, 0, 3 * PAGE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
    pager_expect_return(&object, PAGE, 51, TRUE, TRUE);
    pager_expect_lock_completed(&object, 0, 3 * PAGE);
    pager_end(&object);
}

static void pager_flush(void)
{
    struct pager_object object = pager_new(3 * PAGE);

    for (unsigned int i = 0; i < 3; i++)
        pager_bring_in(&object, i, i);
    pager_dirty(&object, 2, 60);
    pager_lock(&object, PAGE, 2 * PAGE, MEMORY_OBJECT_RETURN_DIRTY, TRUE, VM_PROT_NO_CHANGE);
    pager_expect_return(&object, 2 * PAGE, 60, TRUE, FALSE);
    pager_expect_lock_completed(&object, PAGE, 2 * PAGE);
    CHECK(harness_filled(object.at, PAGE, 0)); /* not in the range */
    pager_bring_in(&object, 1, 70);
    pager_bring_in(&object, 2, 71);
    pager_end(&object);
}

/* Flushed and not returned: changes are lost, as the manager wants. */
static void pager_throw_away(void)
{
    struct pager_object object = pager_new(PAGE);

    pager_bring_in(&object, 0, 1);
    pager_dirty(&object, 0, 2);
    pager_lock(&object, 0, PAGE, MEMORY_OBJECT_RETURN_NONE, TRUE, VM_PROT_NO_CHANGE);
    pager_expect_lock_completed(&object, 0, PAGE);
    pager_bring_in(&object, 0, 1);
    pager_end(&object);
}

static void pager_precious(void)
{
    struct pager_object object = pager_new(2 * PAGE);

    for (unsigned int i = 0; i < 2; i++) {
        pager_start_touch(object.at + i * PAGE, FALSE);
        pager_expect_request(&object, i * PAGE, VM_PROT_READ);
        pager_supply(&object, i * PAGE, 1, 30 + i, VM_PROT_NONE, TRUE, MACH_PORT_NULL);
        pager_end_touch(0);
    }
    /* Clean pages that are precious are no dirty ones. */
    pager_lock(&object, 0, 2 * PAGE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
    pager_expect_lock_completed(&object, 0, 2 * PAGE);
    pager_lock(&object, 0, PAGE, MEMORY_OBJECT_RETURN_ALL, TRUE, VM_PROT_NO_CHANGE);
    pager_expect_return(&object, 0, 30, FALSE, FALSE);
    pager_expect_lock_completed(&object, 0, PAGE);
    harness_free(object.at, object.size);
    pager_expect_return(&object, PAGE, 31, FALSE, FALSE);
    pager_expect_end(&object);
}

/* Many dirty pages come back in any number of messages, each page once, before the completion. */
static void pager_runs(void)
{
    enum { nr = 64 };
    struct pager_object object = pager_new(nr * PAGE);
    static uint8_t seen[nr];
    unsigned int nr_seen = 0;

    pager_start_touch(object.at, FALSE);
    pager_expect_request(&object, 0, VM_PROT_READ);
    pager_supply(&object, 0, nr, 0, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    pager_end_touch(0);
    for (unsigned int i = 0; i < nr; i++)
        pager_dirty(&object, i, 200 + i);
    memset(seen, 0, sizeof(seen));
    pager_lock(&object, 0, nr * PAGE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
    while (nr_seen < nr && pager_expect(object.port, PAGER_DATA_RETURN)) {
        unsigned int first = pager_in.value[1] / PAGE, pages = pager_in.number[2] / PAGE;

        IS(pager_in.number[2] % PAGE, 0);
        IS(pager_in.value[3], TRUE);
        IS(pager_in.value[4], TRUE);
        for (unsigned int i = 0; i < pages && first + i < nr; i++, nr_seen++) {
            IS(seen[first + i]++, 0);
            CHECK(harness_filled(pager_in.value[2] + i * PAGE, PAGE, 200 + first + i));
        }
        harness_free(pager_in.value[2], pager_in.number[2]);
    }
    IS(nr_seen, nr);
    pager_expect_lock_completed(&object, 0, nr * PAGE);
    pager_end(&object);
}

/* ---- locks ---- */

static void pager_locked_supply(void)
{
    struct pager_object object = pager_new(PAGE);

    pager_start_touch(object.at, FALSE);
    pager_expect_request(&object, 0, VM_PROT_READ);
    pager_supply(&object, 0, 1, 1, VM_PROT_WRITE, FALSE, MACH_PORT_NULL);
    pager_end_touch(0);
    pager_start_touch(object.at, TRUE);
    if (pager_expect_range(&object, PAGER_DATA_UNLOCK, 0, PAGE))
        CHECK((pager_in.value[3] & VM_PROT_WRITE) != 0);
    CHECK(pager_silent(object.port));
    IS(pager_touch.done, 0);
    pager_lock(&object, 0, PAGE, MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE);
    pager_expect_lock_completed(&object, 0, PAGE);
    pager_end_touch(0);
    IS(*(uint8_t *)object.at, 0x5a);
    pager_dirty(&object, 0, 2);
    harness_free(object.at, object.size);
    pager_expect_return(&object, 0, 2, TRUE, FALSE);
    pager_expect_end(&object);
}

static void pager_locked_later(void)
{
    struct pager_object object = pager_new(PAGE);

    pager_bring_in(&object, 0, 1);
    pager_dirty(&object, 0, 2);
    pager_lock(&object, 0, PAGE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_WRITE);
    pager_expect_return(&object, 0, 2, TRUE, TRUE);
    pager_expect_lock_completed(&object, 0, PAGE);
    CHECK(harness_filled(object.at, PAGE, 2)); /* reading is allowed */
    pager_start_touch(object.at, TRUE);
    pager_expect_range(&object, PAGER_DATA_UNLOCK, 0, PAGE);
    pager_lock(&object, 0, PAGE, MEMORY_OBJECT_RETURN_NONE, FALSE, VM_PROT_NONE);
    pager_expect_lock_completed(&object, 0, PAGE);
    pager_end_touch(0);
    pager_lock(&object, 0, PAGE, MEMORY_OBJECT_RETURN_NONE, TRUE, VM_PROT_NO_CHANGE);
    pager_expect_lock_completed(&object, 0, PAGE);
    pager_end(&object);
}

static void pager_lock_nothing(void)
{
    struct pager_object object = pager_new(4 * PAGE);

    /* Pages that are not in memory: nothing to do, but to say so. */
    pager_lock(&object, 0, 4 * PAGE, MEMORY_OBJECT_RETURN_ALL, TRUE, VM_PROT_NO_CHANGE);
    pager_expect_lock_completed(&object, 0, 4 * PAGE);
    /* Without a reply port nothing is said. */
    OK(memory_object_lock_request(object.control, 0, 4 * PAGE, MEMORY_OBJECT_RETURN_ALL, TRUE, VM_PROT_NO_CHANGE,
                                  MACH_PORT_NULL));
    CHECK(pager_silent(object.port));
    pager_end(&object);
}

/* ---- attributes ---- */

static void pager_attributes(void)
{
    struct pager_object object = pager_begin(PAGE);
    boolean_t ready = 9, may_cache = 9;
    memory_object_copy_strategy_t strategy = 9;

    OK(memory_object_get_attributes(object.control, &ready, &may_cache, &strategy));
    IS(ready, FALSE);
    OK(memory_object_ready(object.control, FALSE, MEMORY_OBJECT_COPY_NONE));
    OK(memory_object_get_attributes(object.control, &ready, &may_cache, &strategy));
    IS(ready, TRUE);
    IS(may_cache, FALSE);
    IS(strategy, MEMORY_OBJECT_COPY_NONE);
    OK(memory_object_change_attributes(object.control, TRUE, MEMORY_OBJECT_COPY_DELAY, object.port));
    if (pager_expect(object.port, PAGER_CHANGE_COMPLETED)) {
        IS(pager_in.value[0], TRUE);
        IS(pager_in.value[1], MEMORY_OBJECT_COPY_DELAY);
    }
    OK(memory_object_get_attributes(object.control, &ready, &may_cache, &strategy));
    IS(may_cache, TRUE);
    IS(strategy, MEMORY_OBJECT_COPY_DELAY);
    OK(memory_object_change_attributes(object.control, FALSE, MEMORY_OBJECT_COPY_DELAY, MACH_PORT_NULL));
    pager_end(&object);
}

/* A cached object keeps its pages without a mapping. */
static void pager_cached(void)
{
    struct pager_object object = pager_new_with(2 * PAGE, TRUE, MEMORY_OBJECT_COPY_DELAY);

    pager_bring_in(&object, 0, 1);
    harness_free(object.at, object.size);
    CHECK(pager_silent(object.port));
    object.at = pager_map(object.port, 0, object.size, FALSE);
    CHECK(harness_filled(object.at, PAGE, 1));
    CHECK(pager_silent(object.port));
    harness_free(object.at, object.size);
    CHECK(pager_silent(object.port));
    /* It ends when it may be cached no longer. */
    OK(memory_object_change_attributes(object.control, FALSE, MEMORY_OBJECT_COPY_DELAY, MACH_PORT_NULL));
    pager_expect_end(&object);
}

static void pager_mapped_again(void)
{
    struct pager_object object = pager_new(PAGE);
    mach_port_t port = object.port;

    pager_bring_in(&object, 0, 1);
    harness_free(object.at, PAGE);
    if (pager_expect(port, PAGER_TERMINATE)) {
        harness_destroy(pager_in.value[0]);
        harness_destroy(pager_in.value[1]);
    }
    /* The same port is a new object. */
    object.at = pager_map(port, 0, PAGE, FALSE);
    if (pager_expect(port, PAGER_INIT)) {
        object.control = pager_in.value[0];
        object.name = pager_in.value[1];
    }
    OK(memory_object_ready(object.control, FALSE, MEMORY_OBJECT_COPY_DELAY));
    pager_bring_in(&object, 0, 2);
    pager_end(&object);
}

/* ---- copies ---- */

/* A copy of a range; all of it is in memory. */
static void pager_copied(memory_object_copy_strategy_t strategy)
{
    struct pager_object object = pager_new_with(2 * PAGE, FALSE, strategy);
    vm_address_t data;
    mach_msg_type_number_t size;

    pager_bring_in(&object, 0, 1);
    pager_bring_in(&object, 1, 2);
    OK(vm_read(harness_self, object.at, 2 * PAGE, &data, &size));
    pager_dirty(&object, 0, 3); /* the copy does not see it */
    CHECK(harness_filled(data, PAGE, 1));
    CHECK(harness_filled(data + PAGE, PAGE, 2));
    harness_fill(data + PAGE, PAGE, 4); /* nor the object the copy's */
    CHECK(harness_filled(object.at + PAGE, PAGE, 2));
    pager_lock(&object, 0, 2 * PAGE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
    pager_expect_return(&object, 0, 3, TRUE, TRUE);
    pager_expect_lock_completed(&object, 0, 2 * PAGE);
    CHECK(harness_filled(data, PAGE, 1));
    harness_free(data, size);
    pager_end(&object);
}

static void pager_copied_at_once(void)
{
    pager_copied(MEMORY_OBJECT_COPY_NONE);
}

static void pager_copied_by_delay(void)
{
    pager_copied(MEMORY_OBJECT_COPY_DELAY);
}

/* A private mapping: reads come from the object, writes stay here. */
static void pager_private(void)
{
    struct pager_object object = pager_new(2 * PAGE);
    vm_address_t private = pager_map(object.port, 0, 2 * PAGE, TRUE);

    pager_start_touch(private, FALSE);
    pager_expect_request(&object, 0, VM_PROT_READ);
    pager_supply(&object, 0, 1, 1, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    pager_end_touch(0);
    CHECK(harness_filled(object.at, PAGE, 1));
    harness_fill(private, PAGE, 2);
    CHECK(harness_filled(object.at, PAGE, 1));
    /* First touched by a write. */
    pager_start_touch(private + PAGE, TRUE);
    if (pager_expect(object.port, PAGER_DATA_REQUEST))
        IS(pager_in.value[1], PAGE);
    pager_supply(&object, PAGE, 1, 5, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    pager_end_touch(0);
    IS(*(uint8_t *)(private + PAGE), 0x5a);
    CHECK(harness_filled(object.at + PAGE, PAGE, 5));
    pager_lock(&object, 0, 2 * PAGE, MEMORY_OBJECT_RETURN_DIRTY, FALSE, VM_PROT_NO_CHANGE);
    pager_expect_lock_completed(&object, 0, 2 * PAGE);
    harness_free(private, 2 * PAGE);
    CHECK(pager_silent(object.port));
    pager_end(&object);
}

/* A page of the copy that was never in memory comes from the object later. */
static void pager_copy_of_absent_pages(void)
{
    struct pager_object object = pager_new(2 * PAGE);
    vm_address_t private = pager_map(object.port, 0, 2 * PAGE, TRUE);

    pager_start_touch(object.at, TRUE); /* a write to the object saves the page for the copy, or the copy was made */
    if (pager_expect(object.port, PAGER_DATA_REQUEST))
        IS(pager_in.value[1], 0);
    pager_supply(&object, 0, 1, 1, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    pager_end_touch(0);
    harness_fill(object.at, PAGE, 2);
    CHECK(harness_filled(private, PAGE, 1));
    pager_start_touch(private + PAGE, FALSE);
    if (pager_expect(object.port, PAGER_DATA_REQUEST))
        IS(pager_in.value[1], PAGE);
    pager_supply(&object, PAGE, 1, 8, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    pager_end_touch(0);
    CHECK(harness_filled(private + PAGE, PAGE, 8));
    harness_free(private, 2 * PAGE);
    harness_free(object.at, object.size);
    pager_expect_return(&object, 0, 2, TRUE, FALSE);
    pager_expect_end(&object);
}

/* ---- ends ---- */

static void pager_destroyed(void)
{
    struct pager_object object = pager_new(2 * PAGE);

    pager_bring_in(&object, 0, 1);
    OK(memory_object_destroy(object.control, KERN_FAILURE));
    harness_let_others_run();
    CHECK(harness_read(object.at + PAGE) >> 16 == EXC_BAD_ACCESS);
    harness_free(object.at, object.size);
    harness_destroy(object.port);
}

/* A thread waits for a page when its object is destroyed. */
static void pager_destroyed_meanwhile(void)
{
    struct pager_object object = pager_new(PAGE);

    pager_start_touch(object.at, FALSE);
    pager_expect_request(&object, 0, VM_PROT_READ);
    OK(memory_object_destroy(object.control, KERN_FAILURE));
    if (CHECK(harness_wait(&pager_touch.done)))
        IS(pager_touch.result >> 16, EXC_BAD_ACCESS);
    harness_end(pager_touch.thread);
    harness_free(object.at, object.size);
    harness_destroy(object.port);
}

/* The manager's port dies: pages that are in memory are kept, others cannot be had. */
static void pager_dies(void)
{
    struct pager_object object = pager_new(3 * PAGE);

    pager_bring_in(&object, 0, 1);
    pager_bring_in(&object, 1, 2);
    harness_destroy(object.port);
    harness_let_others_run();
    pager_start_touch(object.at + 2 * PAGE, FALSE);
    if (CHECK(harness_wait(&pager_touch.done)))
        IS(pager_touch.result >> 16, EXC_BAD_ACCESS);
    harness_end(pager_touch.thread);
    harness_free(object.at, object.size);
}

static void pager_dies_meanwhile(void)
{
    struct pager_object object = pager_new(PAGE);

    pager_start_touch(object.at, FALSE);
    pager_expect_request(&object, 0, VM_PROT_READ);
    harness_destroy(object.port);
    if (CHECK(harness_wait(&pager_touch.done)))
        IS(pager_touch.result >> 16, EXC_BAD_ACCESS);
    harness_end(pager_touch.thread);
    harness_free(object.at, object.size);
}

/* A thread that waits for a page can be ended. */
static void pager_waiter_terminated(void)
{
    struct pager_object object = pager_new(PAGE);

    pager_start_touch(object.at, FALSE);
    pager_expect_request(&object, 0, VM_PROT_READ);
    harness_end(pager_touch.thread);
    pager_supply(&object, 0, 1, 1, VM_PROT_NONE, FALSE, object.port);
    if (pager_expect_range(&object, PAGER_SUPPLY_COMPLETED, 0, PAGE))
        IS(pager_in.value[3], KERN_SUCCESS);
    CHECK(harness_filled(object.at, PAGE, 1));
    pager_end(&object);
}

/* ---- nonsense from a manager ---- */

static void pager_nonsense(void)
{
    struct pager_object object = pager_new(2 * PAGE);
    const vm_offset_t offsets[] = {1, PAGE + 1, 0xfffff000, 0xffffffff, 0x80000000};
    vm_address_t data;

    pager_bring_in(&object, 0, 1);
    for (unsigned int i = 0; i < ARRAY_LENGTH(offsets); i++) {
        memory_object_data_unavailable(object.control, offsets[i], PAGE);
        memory_object_data_unavailable(object.control, 0, offsets[i]);
        memory_object_data_error(object.control, offsets[i], PAGE, KERN_FAILURE);
        memory_object_lock_request(object.control, offsets[i], 2 * PAGE, 77, 5, 0x1234, MACH_PORT_NULL);
        data = harness_allocate(PAGE);
        memory_object_data_supply(object.control, offsets[i], data, PAGE, TRUE, VM_PROT_NONE, FALSE, MACH_PORT_NULL);
    }
    memory_object_ready(object.control, 5, 99);
    memory_object_data_unavailable(object.control, 0, PAGE); /* it is there */
    harness_let_others_run();
    CHECK(harness_filled(object.at, PAGE, 1));
    while (harness_receive(object.port, &pager_in.message, 0) == MACH_MSG_SUCCESS)
        ;
    harness_free(object.at, object.size);
    harness_destroy(object.port);
}

const struct harness_test harness_tests[] = {
    {"a mapped object is announced, asked for pages that are touched, and ended", pager_life, NULL},
    {"nothing is asked of an object that is not ready", pager_wants_ready, NULL},
    {"a write asks for a page to write, which comes back dirty at the end", pager_write_access, NULL},
    {"a page that is unavailable is zeroes", pager_unavailable, NULL},
    {"a page with an error is told as an exception, and can be asked for again", pager_error, NULL},
    {"more pages can be supplied than were asked for", pager_supply_more, NULL},
    {"a page that is there is not supplied again", pager_supply_twice, "it panics"},
    {"the kernel's messages to an object are numbered without gaps", pager_sequence, NULL},
    {"two mappings of an object have the same pages", pager_mapped_twice, NULL},
    {"a mapping at an offset has the pages from there", pager_mapped_at_an_offset, NULL},
    {"objects are as large as offsets are", pager_mapped_far_away, NULL},
    {"an object ends with the last part of its mapping", pager_unmapped_in_parts, NULL},
    {"vm_region tells an object by its name port", pager_region_has_a_name, NULL},
    {"an object lives as long as any task that inherited it", pager_inherited, NULL},
    {"what is no object cannot be mapped", pager_bad_objects, "a dead one maps fresh memory"},
    {"cleaning returns dirty pages with kernel_copy, and completes after them", pager_clean, NULL},
    {"flushing returns dirty pages without kernel_copy, and takes all away", pager_flush, NULL},
    {"flushing without return throws changes away", pager_throw_away, NULL},
    {"precious pages come back though they are clean", pager_precious, NULL},
    {"64 dirty pages come back once each, before the completion", pager_runs, NULL},
    {"a page supplied with a lock is unlocked when it is written", pager_locked_supply, NULL},
    {"a page can be locked later", pager_locked_later, NULL},
    {"a lock request for no pages completes", pager_lock_nothing, NULL},
    {"attributes can be changed and asked for", pager_attributes, NULL},
    {"an object that may be cached keeps its pages without a mapping", pager_cached, NULL},
    {"a port can be mapped again as a new object", pager_mapped_again, NULL},
    {"a copy of an object with strategy none is a copy", pager_copied_at_once, NULL},
    {"a copy of an object with strategy delay is a copy", pager_copied_by_delay, NULL},
    {"a private mapping reads the object and keeps its writes", pager_private, NULL},
    {"a copy gets the pages that were not in memory when it was made", pager_copy_of_absent_pages, NULL},
    {"pages of a destroyed object cannot be had", pager_destroyed, NULL},
    {"who waits for a page when its object is destroyed is told", pager_destroyed_meanwhile,
     "it waits for ever"},
    {"pages of an object whose manager died cannot be had", pager_dies, NULL},
    {"who waits for a page when its manager dies is told", pager_dies_meanwhile, NULL},
    {"who waits for a page can be terminated", pager_waiter_terminated, NULL},
    {"nonsense from a manager changes nothing", pager_nonsense, NULL},
    {NULL, NULL, NULL},
};
