/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies on their way between maps, in every form: what was copied is what arrives, whatever both sides do meanwhile, and
 * it costs no more than it must. Each case takes stock at its end.
 */
#include "kernel/machine.h"
#include "kernel/string.h"
#include "tests/kernel/test_vm.h"
#include "vm/vm_fault.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_user.h"

#define TEST_COPY_AT 0x20000000u
#define TEST_COPY_TO 0x30000000u

/* Two maps: who sends and who receives. */
static struct vm_map *test_copy_source, *test_copy_target;
static struct test_vm_stock test_copy_stock;

static void test_copy_begin(void)
{
    test_vm_stock_take(&test_copy_stock);
    test_copy_source = test_vm_map();
    test_copy_target = test_vm_map();
}

static void test_copy_end(void)
{
    vm_map_unref(test_copy_source);
    vm_map_unref(test_copy_target);
    test_vm_stock_check(&test_copy_stock);
}

/* A copy of whole pages of the source; NULL if there is none, which is CHECKed. */
static struct vm_map_copy *test_copy_in(uintptr_t address, unsigned int nr_pages, bool destroy)
{
    struct vm_map_copy *copy = NULL;

    CHECK_EQUAL(vm_map_copyin(test_copy_source, address, nr_pages * PAGE_SIZE, destroy, &copy), KERN_SUCCESS);
    return copy;
}

/* Where the copy arrives in the target, or 0. */
static uintptr_t test_copy_out(struct vm_map_copy *copy)
{
    uintptr_t address = 0;

    CHECK_EQUAL(vm_map_copyout(test_copy_target, &address, copy), KERN_SUCCESS);
    return address;
}

/* Bytes that say where they belong. */
static uint8_t test_copy_byte(unsigned int at)
{
    return (uint8_t)(at * 7 + at / 251);
}

static void test_copy_fill_bytes(struct vm_map *map, uintptr_t address, unsigned int size, unsigned int first)
{
    for (unsigned int i = 0; i < size; i++) {
        uint8_t byte = test_copy_byte(first + i);
        if (!CHECK_EQUAL(vm_map_write(map, address + i, &byte, 1), KERN_SUCCESS))
            return;
    }
}

static unsigned int test_copy_wrong_bytes(struct vm_map *map, uintptr_t address, unsigned int size, unsigned int first)
{
    unsigned int wrong = 0;

    for (unsigned int i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)~test_copy_byte(first + i);
        wrong += vm_map_read(map, address + i, &byte, 1) != KERN_SUCCESS || byte != test_copy_byte(first + i);
    }
    return wrong;
}

/* ---- in and out ---- */

static void test_copy_any_size_and_offset(void)
{
    static const struct {
        unsigned int offset, size;
    } pieces[] = {{0, 1}, {4095, 1}, {4095, 2}, {1, 4095}, {0, 4096}, {100, 8000}, {0, 8192}, {1, 8192}, {4000, 8193},
                  {0, 8193}, {0, 40960}, {1, 40959}, {4095, 30000}};

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 12);
    test_copy_fill_bytes(test_copy_source, TEST_COPY_AT, 12 * PAGE_SIZE, 0);
    for (unsigned int i = 0; i < ARRAY_LENGTH(pieces); i++) {
        unsigned int offset = pieces[i].offset, size = pieces[i].size;
        struct vm_map_copy *copy = NULL;
        uintptr_t at = 0;

        CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT + offset, size, false, &copy), KERN_SUCCESS);
        REQUIRE(copy != NULL);
        CHECK_EQUAL(copy->size, size);
        /* The source changes before it arrives. */
        test_copy_fill_bytes(test_copy_source, TEST_COPY_AT + offset, MIN(size, 100u), 77);
        CHECK_EQUAL(vm_map_copyout(test_copy_target, &at, copy), KERN_SUCCESS);
        CHECK_EQUAL(test_copy_wrong_bytes(test_copy_target, at, size, offset), 0);
        CHECK(test_vm_poke(test_copy_target, page_trunc(at), 0)); /* mapped to be written */
        test_copy_fill_bytes(test_copy_source, TEST_COPY_AT + offset, MIN(size, 100u), offset);
        CHECK_EQUAL(vm_map_remove(test_copy_target, page_trunc(at), page_round(at + size)), KERN_SUCCESS);
        CHECK_EQUAL(test_copy_target->size, 0);
    }
    CHECK_EQUAL(test_copy_wrong_bytes(test_copy_source, TEST_COPY_AT, 12 * PAGE_SIZE, 0), 0);
    test_copy_end();
}

static void test_copy_small_data_takes_no_neighbours_along(void)
{
    uintptr_t at;
    uint32_t word = 1;

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 2);
    test_copy_fill_bytes(test_copy_source, TEST_COPY_AT, 2 * PAGE_SIZE, 0);
    struct vm_map_copy *copy = NULL;
    CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT + 1000, 100, false, &copy), KERN_SUCCESS);
    at = test_copy_out(copy);
    CHECK_EQUAL(test_copy_target->size, PAGE_SIZE);
    CHECK_EQUAL(test_copy_wrong_bytes(test_copy_target, at, 100, 1000), 0);
    /* Behind the data there is nothing of the sender's. */
    for (unsigned int i = 100; i < PAGE_SIZE; i += 4) {
        CHECK_EQUAL(vm_map_read(test_copy_target, page_trunc(at) + i, &word, 4), KERN_SUCCESS);
        if (!CHECK_EQUAL(word, 0))
            break;
    }
    test_copy_end();
}

static void test_copy_errors_change_nothing(void)
{
    struct vm_map_copy *copy = (struct vm_map_copy *)8;

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 8);
    test_vm_allocate(test_copy_source, TEST_COPY_AT + 9 * PAGE_SIZE, 8);
    test_vm_fill(test_copy_source, TEST_COPY_AT, 8, 1);
    CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT, 0, true, &copy), KERN_SUCCESS);
    CHECK(copy == NULL);
    for (unsigned int destroy = 0; destroy < 2; destroy++) {
        /* A hole in the middle, at the end, at the beginning; small and large; what wraps. */
        CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT, 17 * PAGE_SIZE, destroy, &copy), KERN_INVALID_ADDRESS);
        CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT + 7 * PAGE_SIZE + 10, PAGE_SIZE, destroy, &copy),
                    KERN_INVALID_ADDRESS);
        CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT - 2, 4, destroy, &copy), KERN_INVALID_ADDRESS);
        CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT, ~0u, destroy, &copy), KERN_INVALID_ADDRESS);
        CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT, 0u - TEST_COPY_AT, destroy, &copy), KERN_INVALID_ADDRESS);
        CHECK_EQUAL(vm_map_copyin(test_copy_source, 0u - 1, 1, destroy, &copy), KERN_INVALID_ADDRESS);
        CHECK(copy == NULL);
    }
    CHECK_EQUAL(vm_map_protect(test_copy_source, TEST_COPY_AT + 6 * PAGE_SIZE, TEST_COPY_AT + 7 * PAGE_SIZE, VM_PROT_NONE,
                               false), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT, 8 * PAGE_SIZE, true, &copy), KERN_PROTECTION_FAILURE);
    CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT + 7 * PAGE_SIZE - 1, 2, false, &copy),
                KERN_PROTECTION_FAILURE);
    CHECK(copy == NULL);
    CHECK_EQUAL(vm_map_protect(test_copy_source, TEST_COPY_AT, TEST_COPY_AT + 8 * PAGE_SIZE, VM_PROT_DEFAULT, false),
                KERN_SUCCESS);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 8, 1), 0);
    /* No room at the receiver's: the copy is still the caller's. */
    copy = test_copy_in(TEST_COPY_AT, 8, false);
    uintptr_t at = 0;
    test_copy_target->size_limit = 7 * PAGE_SIZE;
    CHECK_EQUAL(vm_map_copyout(test_copy_target, &at, copy), KERN_NO_SPACE);
    test_copy_target->size_limit = 8 * PAGE_SIZE;
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, test_copy_out(copy), 8, 1), 0);
    test_copy_end();
}

/* ---- what it costs ---- */

static void test_copy_on_write_both_ways(void)
{
    unsigned int before;

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 40);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 40, 1);
    before = vm_page_cache.nr_objects;
    uintptr_t at = test_copy_out(test_copy_in(TEST_COPY_AT, 40, false));
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, at, 40, 1), 0);
    CHECK_EQUAL(vm_page_cache.nr_objects, before); /* nothing was copied */
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 10, 2);
    test_vm_user_fill(test_copy_target, at + 10 * PAGE_SIZE, 10, 3);
    CHECK_EQUAL(vm_page_cache.nr_objects, before + 20);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, at, 10, 1), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, at, 40, 1), 10);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 40, 1), 10);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 10, 2), 0);
    /* Each page is copied once; later writes are to its own. */
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 10, 4);
    CHECK_EQUAL(vm_page_cache.nr_objects, before + 20);
    /* When both have written everything, what they shared is gone. */
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 40, 4);
    test_vm_user_fill(test_copy_target, at, 40, 3);
    CHECK_EQUAL(vm_page_cache.nr_objects, before + 40);
    CHECK_EQUAL(vm_object_count - test_copy_stock.objects, 2);
    /* The receiver goes: the sender alone needs no more than at the beginning, as soon as it has written everything. */
    CHECK_EQUAL(vm_map_remove(test_copy_target, at, at + 40 * PAGE_SIZE), KERN_SUCCESS);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 40, 5);
    CHECK_EQUAL(vm_page_cache.nr_objects, before);
    test_copy_end();
}

static void test_copy_what_is_given_away_moves(void)
{
    struct vm_frame *frames[40];
    unsigned int i, moved = 0, before;

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 60);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 60, 1);
    for (i = 0; i < 40; i++)
        frames[i] = pmap_extract(test_copy_source->pmap, TEST_COPY_AT + (i + 10) * PAGE_SIZE);
    before = vm_page_cache.nr_objects;
    struct vm_map_copy *copy = test_copy_in(TEST_COPY_AT + 10 * PAGE_SIZE, 40, true);
    CHECK_EQUAL(test_copy_source->size, 20 * PAGE_SIZE);
    CHECK_EQUAL(pmap_resident_count(test_copy_source->pmap), 20);
    uintptr_t at = test_copy_out(copy);
    test_vm_user_fill(test_copy_target, at, 5, 2);
    for (i = 0; i < 40; i++) {
        uint32_t word;
        CHECK(test_vm_peek(test_copy_target, at + i * PAGE_SIZE, &word));
        moved += pmap_extract(test_copy_target->pmap, at + i * PAGE_SIZE) == frames[i];
    }
    CHECK_EQUAL(moved, 40);
    CHECK_EQUAL(vm_page_cache.nr_objects, before);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, at, 5, 2), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 10, 1), 0);
    /* A single page too, though its bytes could be copied. */
    frames[0] = pmap_extract(test_copy_source->pmap, TEST_COPY_AT + 50 * PAGE_SIZE);
    copy = test_copy_in(TEST_COPY_AT + 50 * PAGE_SIZE, 1, true);
    CHECK_EQUAL(copy->kind, VM_MAP_COPY_ENTRIES);
    uintptr_t single = test_copy_out(copy);
    CHECK(test_vm_poke(test_copy_target, single, 5));
    CHECK(pmap_extract(test_copy_target->pmap, single) == frames[0]);
    /* The part that moved is of the same object as what stayed; each side still ends on its own. */
    CHECK_EQUAL(vm_map_remove(test_copy_source, TEST_COPY_AT, TEST_COPY_AT + 60 * PAGE_SIZE), KERN_SUCCESS);
    uint32_t word = 0;
    CHECK(test_vm_peek(test_copy_target, at + 39 * PAGE_SIZE, &word));
    CHECK_EQUAL(word, test_vm_word(1, 49));
    test_copy_end();
}

static void test_copy_small_data_given_away(void)
{
    struct vm_map_copy *copy = NULL;

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 3);
    test_copy_fill_bytes(test_copy_source, TEST_COPY_AT, 3 * PAGE_SIZE, 0);
    /* The pages that the data lies in go, as they always do. */
    CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT + PAGE_SIZE + 50, 20, true, &copy), KERN_SUCCESS);
    CHECK_EQUAL(test_copy_source->size, 2 * PAGE_SIZE);
    CHECK_EQUAL(test_copy_wrong_bytes(test_copy_target, test_copy_out(copy), 20, PAGE_SIZE + 50), 0);
    CHECK_EQUAL(test_copy_wrong_bytes(test_copy_source, TEST_COPY_AT, PAGE_SIZE, 0), 0);
    test_copy_end();
}

/* ---- chains ---- */

static void test_copy_a_thousand_forks_by_the_parent(void)
{
    unsigned int i, most = 0;

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 8);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 8, 1);
    for (i = 0; i < 1000; i++) {
        struct vm_map *child = vm_map_fork(test_copy_source);
        REQUIRE(child != NULL);
        CHECK(test_vm_poke(test_copy_source, TEST_COPY_AT + (i % 7) * PAGE_SIZE, i));
        CHECK(test_vm_poke(child, TEST_COPY_AT + (i % 5) * PAGE_SIZE, i));
        most = MAX(most, vm_object_count - test_copy_stock.objects);
        vm_map_unref(child);
    }
    CHECK(most <= 4);
    CHECK(vm_object_count - test_copy_stock.objects <= 2);
    CHECK(vm_page_cache.nr_objects - test_copy_stock.pages <= 16);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT + 7 * PAGE_SIZE, 1, 1), 1);
    uint32_t word = 0;
    CHECK(test_vm_peek(test_copy_source, TEST_COPY_AT + 7 * PAGE_SIZE, &word));
    CHECK_EQUAL(word, test_vm_word(1, 7));
    CHECK(test_vm_peek(test_copy_source, TEST_COPY_AT + (999 % 7) * PAGE_SIZE, &word));
    CHECK_EQUAL(word, 999);
    test_copy_end();
}

static void test_copy_a_thousand_generations(void)
{
    unsigned int i, most = 0;
    uint32_t word = 0;

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 8);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 8, 1);
    for (i = 0; i < 1000; i++) {
        struct vm_map *child = vm_map_fork(test_copy_source);
        REQUIRE(child != NULL);
        /* Both write before the parent goes, on alternating turns one of them alone. */
        if (i % 3 != 0)
            CHECK(test_vm_poke(child, TEST_COPY_AT + (i % 7) * PAGE_SIZE, i));
        if (i % 3 != 1)
            CHECK(test_vm_poke(test_copy_source, TEST_COPY_AT + (i % 7) * PAGE_SIZE, i + 1000000));
        most = MAX(most, vm_object_count - test_copy_stock.objects);
        vm_map_unref(test_copy_source);
        test_copy_source = child;
    }
    CHECK(most <= 6);
    CHECK(vm_object_count - test_copy_stock.objects <= 4);
    for (i = 0; i < 7; i++) {
        unsigned int last = 999 - (999 + 7 - i) % 7;
        last -= last % 3 == 0 ? 7 : 0; /* the child did not write then */
        CHECK(test_vm_peek(test_copy_source, TEST_COPY_AT + i * PAGE_SIZE, &word));
        CHECK_EQUAL(word, last);
    }
    CHECK(test_vm_peek(test_copy_source, TEST_COPY_AT + 7 * PAGE_SIZE, &word));
    CHECK_EQUAL(word, test_vm_word(1, 7));
    test_copy_end();
}

static void test_copy_a_thousand_messages_to_and_fro(void)
{
    uintptr_t here = TEST_COPY_AT, there;
    unsigned int i, most = 0;

    test_copy_begin();
    test_vm_allocate(test_copy_source, here, 6);
    test_vm_user_fill(test_copy_source, here, 6, 1);
    for (i = 0; i < 1000; i++) {
        there = test_copy_out(test_copy_in(here, 6, i % 2 == 0));
        REQUIRE(there != 0);
        CHECK(test_vm_poke(test_copy_target, there + (i % 5) * PAGE_SIZE, i));
        if (i % 2 == 1)
            CHECK_EQUAL(vm_map_remove(test_copy_source, here, here + 6 * PAGE_SIZE), KERN_SUCCESS);
        most = MAX(most, vm_object_count - test_copy_stock.objects);
        struct vm_map *map = test_copy_source;
        test_copy_source = test_copy_target;
        test_copy_target = map;
        here = there;
    }
    CHECK(most <= 4);
    CHECK(vm_page_cache.nr_objects - test_copy_stock.pages <= 12);
    for (i = 0; i < 5; i++) {
        uint32_t word = 0;
        CHECK(test_vm_peek(test_copy_source, here + i * PAGE_SIZE, &word));
        CHECK_EQUAL(word, 995 + i);
    }
    test_copy_end();
}

static void test_copy_ten_copies_are_ten_moments(void)
{
    struct vm_map_copy *copies[10];
    unsigned int i;

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 6);
    for (i = 0; i < 10; i++) {
        test_vm_user_fill(test_copy_source, TEST_COPY_AT, 6, i + 1);
        copies[i] = test_copy_in(TEST_COPY_AT, 6, false);
        REQUIRE(copies[i] != NULL);
    }
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 6, 20);
    for (i = 1; i < 10; i += 2) /* every other one is thrown away, from the middle of the chain */
        vm_map_copy_destroy(copies[i]);
    for (i = 0; i < 10; i += 2)
        CHECK_EQUAL(test_vm_user_wrong(test_copy_target, test_copy_out(copies[i]), 6, i + 1), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 6, 20), 0);
    test_copy_end();
}

/* ---- memory that several write in place ---- */

static void test_copy_shared_memory_is_copied_as_of_now(void)
{
    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 12);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 12, 1);
    CHECK_EQUAL(vm_map_inherit(test_copy_source, TEST_COPY_AT, TEST_COPY_AT + 12 * PAGE_SIZE, VM_INHERIT_SHARE),
                KERN_SUCCESS);
    struct vm_map *sharer = vm_map_fork(test_copy_source);
    REQUIRE(sharer != NULL);
    struct vm_map_copy *first = test_copy_in(TEST_COPY_AT, 12, false);
    test_vm_user_fill(sharer, TEST_COPY_AT, 4, 2);
    struct vm_map_copy *second = test_copy_in(TEST_COPY_AT, 12, false);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 4, 3);
    test_vm_user_fill(sharer, TEST_COPY_AT + 8 * PAGE_SIZE, 4, 3);
    uintptr_t at = test_copy_out(first);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, at, 12, 1), 0);
    test_vm_user_fill(test_copy_target, at + 4 * PAGE_SIZE, 4, 9);
    uintptr_t other = test_copy_out(second);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, other, 4, 2), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, other, 12, 1), 4);
    CHECK_EQUAL(test_vm_user_wrong(sharer, TEST_COPY_AT, 4, 3), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 12, 1), 8);
    /* Given away, it is copied and unmapped: the other sharer keeps it. */
    struct vm_map_copy *third = test_copy_in(TEST_COPY_AT, 12, true);
    CHECK_EQUAL(test_copy_source->size, 0);
    test_vm_user_fill(sharer, TEST_COPY_AT, 12, 5);
    uintptr_t moved = test_copy_out(third);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, moved, 4, 3), 0);
    CHECK_EQUAL(test_vm_user_wrong(sharer, TEST_COPY_AT, 12, 5), 0);
    vm_map_unref(sharer);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, moved, 4, 3), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, at, 4, 1), 0);
    test_copy_end();
}

static void test_copy_readers_see_who_wrote_behind_their_mapping(void)
{
    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 8);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 8, 1);
    uintptr_t at = test_copy_out(test_copy_in(TEST_COPY_AT, 8, false));
    /* Mapped to be read, from what both sides have in common; the kernel writes without entering a mapping. */
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, at, 8, 1), 0);
    test_vm_fill(test_copy_target, at, 8, 2);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, at, 8, 2), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 8, 1), 0);
    test_vm_fill(test_copy_source, TEST_COPY_AT, 8, 3);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 8, 3), 0);
    /* A delayed copy's reader has the original's frame mapped: it must not see what is written there. */
    CHECK_EQUAL(vm_map_inherit(test_copy_source, TEST_COPY_AT, TEST_COPY_AT + 8 * PAGE_SIZE, VM_INHERIT_SHARE),
                KERN_SUCCESS);
    struct vm_map *sharer = vm_map_fork(test_copy_source);
    uintptr_t other = test_copy_out(test_copy_in(TEST_COPY_AT, 8, false));
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, other, 8, 3), 0);
    test_vm_user_fill(sharer, TEST_COPY_AT, 4, 4);
    test_vm_fill(test_copy_source, TEST_COPY_AT + 4 * PAGE_SIZE, 4, 5);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, other, 8, 3), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 4, 4), 0);
    CHECK_EQUAL(test_vm_user_wrong(sharer, TEST_COPY_AT + 4 * PAGE_SIZE, 4, 5), 0);
    vm_map_unref(sharer);
    test_copy_end();
}

static void test_copy_memory_wired_by_a_sharer_is_copied_at_once(void)
{
    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 8);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 8, 1);
    CHECK_EQUAL(vm_map_inherit(test_copy_source, TEST_COPY_AT, TEST_COPY_AT + 8 * PAGE_SIZE, VM_INHERIT_SHARE),
                KERN_SUCCESS);
    struct vm_map *sharer = vm_map_fork(test_copy_source);
    CHECK_EQUAL(vm_map_wire(sharer, TEST_COPY_AT + 2 * PAGE_SIZE, TEST_COPY_AT + 5 * PAGE_SIZE, VM_PROT_DEFAULT),
                KERN_SUCCESS);
    struct vm_map_copy *copy = test_copy_in(TEST_COPY_AT, 8, false);
    uint64_t before = vm_fault_counters.faults;
    test_vm_user_fill(sharer, TEST_COPY_AT + 2 * PAGE_SIZE, 3, 2);
    CHECK_EQUAL(vm_fault_counters.faults, before);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT + 2 * PAGE_SIZE, 3, 2), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, test_copy_out(copy), 8, 1), 0);
    vm_map_unref(sharer);
    test_copy_end();
}

static void test_copy_wired_memory_is_copied_at_once(void)
{
    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 12);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 12, 1);
    CHECK_EQUAL(vm_map_wire(test_copy_source, TEST_COPY_AT, TEST_COPY_AT + 12 * PAGE_SIZE, VM_PROT_DEFAULT), KERN_SUCCESS);
    struct vm_map_copy *copy = test_copy_in(TEST_COPY_AT, 12, false);
    uint64_t before = vm_fault_counters.faults;
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 12, 2);
    CHECK_EQUAL(vm_fault_counters.faults, before);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, test_copy_out(copy), 12, 1), 0);
    /* Given away, it is no longer wired. */
    copy = test_copy_in(TEST_COPY_AT, 12, true);
    CHECK_EQUAL(test_copy_source->wired_size, 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, test_copy_out(copy), 12, 2), 0);
    CHECK_EQUAL(test_copy_target->wired_size, 0);
    test_copy_end();
}

/* ---- away ---- */

static void test_copy_discarded_copies_leave_nothing(void)
{
    struct vm_map_copy *small = NULL;

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 300);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 300, 1);
    unsigned int before = vm_page_cache.nr_objects;
    CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT + 1, 100, false, &small), KERN_SUCCESS);
    vm_map_copy_discard(small);
    struct vm_map_copy *by_reference = test_copy_in(TEST_COPY_AT, 100, false);
    struct vm_map_copy *moved = test_copy_in(TEST_COPY_AT + 200 * PAGE_SIZE, 100, true);
    vm_map_copy_discard(by_reference);
    vm_map_copy_discard(moved);
    vm_map_copy_discard(NULL);
    vm_map_copy_destroy(NULL);
    vm_map_copy_destroy(test_copy_in(TEST_COPY_AT + 100 * PAGE_SIZE, 100, true));
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 100, 1), 0);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 100, 2);
    CHECK_EQUAL(vm_map_remove(test_copy_source, TEST_COPY_AT, TEST_COPY_AT + 300 * PAGE_SIZE), KERN_SUCCESS);
    CHECK(vm_page_cache.nr_objects < before);
    test_copy_end();
}

static bool test_copy_released, test_copy_received;

static void test_copy_release(struct vm_map_copy *copy, bool received)
{
    test_copy_released = true;
    test_copy_received = received;
    if (received)
        return;
    vm_object_unref(copy->object.object);
    vm_map_entry_destroy(copy->reserved_entry);
}

static void test_copy_prepare(struct vm_map_copy *copy, unsigned int nr_pages)
{
    struct vm_object *object = vm_object_create(nr_pages, ALLOC_SLEEP);

    vm_object_lock(object);
    for (unsigned int i = 0; i < nr_pages; i++) {
        uint32_t word = test_vm_word(1, i);
        struct vm_page *page = vm_page_create(ALLOC_NOSLEEP);
        CHECK(page != NULL);
        pmap_frame_zero(page->frame);
        pmap_frame_write(page->frame, 0, &word, sizeof(word));
        pmap_frame_write(page->frame, PAGE_SIZE - sizeof(word), &word, sizeof(word));
        vm_page_insert(page, object, i);
    }
    vm_object_unlock(object);
    *copy = (struct vm_map_copy){
        .kind = VM_MAP_COPY_OBJECT,
        .size = nr_pages * PAGE_SIZE,
        .object = {.object = object, .mapped = true},
        .preallocated = true,
        .release = test_copy_release,
        .reserved_entry = vm_map_entry_create(ALLOC_SLEEP),
    };
    test_copy_released = test_copy_received = false;
}

static void test_copy_preallocated_needs_nothing(void)
{
    static struct vm_map_copy copy;
    struct list taken;
    uintptr_t at = 0;

    test_copy_begin();
    test_copy_prepare(&copy, 20);
    /* Not a frame is to be had, at any level: it is mapped nevertheless, as far as there are page tables. */
    unsigned int count = test_vm_take_all(&taken, ALLOC_DAEMON);
    alloc_inject_after(1);
    kern_return_t result = vm_map_copyout(test_copy_target, &at, &copy);
    alloc_inject_after(0);
    test_vm_give_back(&taken, count);
    CHECK_EQUAL(result, KERN_SUCCESS);
    CHECK(test_copy_released && test_copy_received);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, at, 20, 1), 0);
    test_vm_user_fill(test_copy_target, at, 20, 2);
    CHECK_EQUAL(vm_map_remove(test_copy_target, at, at + 20 * PAGE_SIZE), KERN_SUCCESS);
    /* With memory for tables all pages are mapped: the receiver does not fault. */
    test_copy_prepare(&copy, 20);
    at = test_copy_out(&copy);
    CHECK_EQUAL(pmap_resident_count(test_copy_target->pmap), 20);
    uint64_t faults = vm_fault_counters.faults;
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, at, 20, 1), 0);
    test_vm_user_fill(test_copy_target, at, 20, 2);
    CHECK_EQUAL(vm_fault_counters.faults, faults);
    /* One that is discarded is its owner's again. */
    test_copy_prepare(&copy, 20);
    vm_map_copy_discard(&copy);
    CHECK(test_copy_released && !test_copy_received);
    test_copy_end();
}

/* ---- over mapped memory ---- */

static void test_copy_overwrites_whole_pages_by_reference(void)
{
    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 20);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 20, 1);
    test_vm_allocate(test_copy_target, TEST_COPY_TO, 40);
    test_vm_user_fill(test_copy_target, TEST_COPY_TO, 40, 2);
    unsigned int before = vm_page_cache.nr_objects;
    struct vm_map_copy *copy = test_copy_in(TEST_COPY_AT, 20, false);
    CHECK_EQUAL(vm_map_copy_overwrite(test_copy_target, TEST_COPY_TO + 10 * PAGE_SIZE, copy), KERN_SUCCESS);
    CHECK_EQUAL(before - vm_page_cache.nr_objects, 20); /* what was there is gone, nothing was copied */
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, TEST_COPY_TO + 10 * PAGE_SIZE, 20, 1), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, TEST_COPY_TO, 40, 2), 20);
    test_vm_user_fill(test_copy_target, TEST_COPY_TO + 10 * PAGE_SIZE, 10, 3);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT + 10 * PAGE_SIZE, 10, 4);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 20, 1), 10);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, TEST_COPY_TO + 10 * PAGE_SIZE, 20, 1), 10);
    test_copy_end();
}

static void test_copy_overwrites_any_bytes(void)
{
    static const struct {
        unsigned int from, to, size;
    } pieces[] = {{0, 0, 100}, {10, 20, 100}, {4000, 4090, 300}, {5, 4091, 9000}, {0, 1, 16384}, {1, 0, 16383},
                  {4095, 4095, 12289}};

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 6);
    test_copy_fill_bytes(test_copy_source, TEST_COPY_AT, 6 * PAGE_SIZE, 0);
    test_vm_allocate(test_copy_target, TEST_COPY_TO, 6);
    for (unsigned int i = 0; i < ARRAY_LENGTH(pieces); i++) {
        struct vm_map_copy *copy = NULL;
        unsigned int from = pieces[i].from, to = pieces[i].to, size = pieces[i].size;

        test_copy_fill_bytes(test_copy_target, TEST_COPY_TO, 6 * PAGE_SIZE, 100);
        CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT + from, size, false, &copy), KERN_SUCCESS);
        CHECK_EQUAL(vm_map_copy_overwrite(test_copy_target, TEST_COPY_TO + to, copy), KERN_SUCCESS);
        CHECK_EQUAL(test_copy_wrong_bytes(test_copy_target, TEST_COPY_TO + to, size, from), 0);
        CHECK_EQUAL(test_copy_wrong_bytes(test_copy_target, TEST_COPY_TO, to, 100), 0);
        CHECK_EQUAL(test_copy_wrong_bytes(test_copy_target, TEST_COPY_TO + to + size, 6 * PAGE_SIZE - to - size,
                                          100 + to + size), 0);
    }
    test_copy_end();
}

static void test_copy_overwrite_that_is_refused(void)
{
    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 8);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 8, 1);
    test_vm_allocate(test_copy_target, TEST_COPY_TO, 12);
    test_vm_user_fill(test_copy_target, TEST_COPY_TO, 12, 2);
    CHECK_EQUAL(vm_map_protect(test_copy_target, TEST_COPY_TO + 6 * PAGE_SIZE, TEST_COPY_TO + 7 * PAGE_SIZE, VM_PROT_READ,
                               false), KERN_SUCCESS);
    struct vm_map_copy *copy = test_copy_in(TEST_COPY_AT, 8, false);
    CHECK_EQUAL(vm_map_copy_overwrite(test_copy_target, TEST_COPY_TO, copy), KERN_PROTECTION_FAILURE);
    CHECK_EQUAL(vm_map_copy_overwrite(test_copy_target, TEST_COPY_TO + 1, copy), KERN_PROTECTION_FAILURE);
    CHECK_EQUAL(vm_map_copy_overwrite(test_copy_target, TEST_COPY_TO + 7 * PAGE_SIZE, copy), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_map_copy_overwrite(test_copy_target, 0u - 4 * PAGE_SIZE, copy), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, TEST_COPY_TO, 12, 2), 0);
    CHECK_EQUAL(vm_map_copy_overwrite(test_copy_target, TEST_COPY_TO, NULL), KERN_SUCCESS);
    vm_map_copy_destroy(copy); /* it was still ours */
    test_copy_end();
}

static void test_copy_overwrites_shared_memory_in_place(void)
{
    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 4);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 4, 1);
    test_vm_allocate(test_copy_target, TEST_COPY_TO, 4);
    CHECK_EQUAL(vm_map_inherit(test_copy_target, TEST_COPY_TO, TEST_COPY_TO + 4 * PAGE_SIZE, VM_INHERIT_SHARE),
                KERN_SUCCESS);
    struct vm_map *sharer = vm_map_fork(test_copy_target);
    CHECK_EQUAL(vm_map_copy_overwrite(test_copy_target, TEST_COPY_TO, test_copy_in(TEST_COPY_AT, 4, false)), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_user_wrong(sharer, TEST_COPY_TO, 4, 1), 0);
    vm_map_unref(sharer);
    CHECK_EQUAL(vm_map_remove(test_copy_target, TEST_COPY_TO, TEST_COPY_TO + 4 * PAGE_SIZE), KERN_SUCCESS);
    /* Wired memory too stays where it is. */
    test_vm_allocate(test_copy_target, TEST_COPY_TO, 4);
    CHECK_EQUAL(vm_map_wire(test_copy_target, TEST_COPY_TO, TEST_COPY_TO + 4 * PAGE_SIZE, VM_PROT_DEFAULT), KERN_SUCCESS);
    struct vm_frame *frame = pmap_extract(test_copy_target->pmap, TEST_COPY_TO);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 4, 2);
    CHECK_EQUAL(vm_map_copy_overwrite(test_copy_target, TEST_COPY_TO, test_copy_in(TEST_COPY_AT, 4, false)), KERN_SUCCESS);
    CHECK(pmap_extract(test_copy_target->pmap, TEST_COPY_TO) == frame);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_target, TEST_COPY_TO, 4, 2), 0);
    test_copy_end();
}

static void test_copy_onto_itself(void)
{
    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 30);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 30, 1);
    /* Upwards and downwards over a part of itself, and over all of itself. */
    CHECK_EQUAL(vm_copy(test_copy_source, TEST_COPY_AT, 20 * PAGE_SIZE, TEST_COPY_AT + 5 * PAGE_SIZE), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT + 5 * PAGE_SIZE, 20, 1), 0);
    CHECK_EQUAL(vm_copy(test_copy_source, TEST_COPY_AT + 5 * PAGE_SIZE, 20 * PAGE_SIZE, TEST_COPY_AT), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 20, 1), 0);
    CHECK_EQUAL(vm_copy(test_copy_source, TEST_COPY_AT, 20 * PAGE_SIZE, TEST_COPY_AT), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_user_wrong(test_copy_source, TEST_COPY_AT, 20, 1), 0);
    test_copy_fill_bytes(test_copy_source, TEST_COPY_AT, 5 * PAGE_SIZE, 0);
    CHECK_EQUAL(vm_copy(test_copy_source, TEST_COPY_AT + 3, 4 * PAGE_SIZE, TEST_COPY_AT + 500), KERN_SUCCESS);
    CHECK_EQUAL(test_copy_wrong_bytes(test_copy_source, TEST_COPY_AT + 500, 4 * PAGE_SIZE, 3), 0);
    test_copy_end();
}

/* ---- reading and stealing ---- */

static void test_copy_is_read_in_any_form(void)
{
    static uint8_t bytes[3 * PAGE_SIZE];
    struct vm_map_copy *copies[3] = {NULL, NULL, NULL};
    static const unsigned int offsets[] = {200, 4000, 0}, sizes[] = {5000, 20000, 24576};
    unsigned int i, at, wrong = 0;

    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 6);
    test_copy_fill_bytes(test_copy_source, TEST_COPY_AT, 6 * PAGE_SIZE, 0);
    struct vm_frame *frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_NOSLEEP);
    for (i = 0; i < 3; i++) {
        CHECK_EQUAL(vm_map_copyin(test_copy_source, TEST_COPY_AT + offsets[i], sizes[i], i == 2, &copies[i]), KERN_SUCCESS);
        REQUIRE(copies[i] != NULL);
    }
    for (i = 0; i < 3; i++) {
        for (unsigned int from = 0; from < 4500; from += 1499) {
            unsigned int size = MIN(sizes[i] - from, sizeof(bytes));
            memset(bytes, 0, sizeof(bytes));
            CHECK_EQUAL(vm_map_copy_read(copies[i], from, bytes, size), KERN_SUCCESS);
            for (at = 0; at < size; at++)
                wrong += bytes[at] != test_copy_byte(offsets[i] + from + at);
        }
        /* Its last page, as a frame: zeroes follow the data. */
        unsigned int last = page_trunc(sizes[i] - 1);
        CHECK_EQUAL(vm_map_copy_read_frame(copies[i], last, frame), KERN_SUCCESS);
        pmap_frame_read(frame, 0, bytes, PAGE_SIZE);
        for (at = 0; at < PAGE_SIZE; at++)
            wrong += bytes[at] != (last + at < sizes[i] ? test_copy_byte(offsets[i] + last + at) : 0);
        vm_map_copy_destroy(copies[i]);
    }
    CHECK_EQUAL(wrong, 0);
    vm_frame_free(frame, 0);
    test_copy_end();
}

static void test_copy_pages_are_stolen_only_when_alone(void)
{
    test_copy_begin();
    test_vm_allocate(test_copy_source, TEST_COPY_AT, 6);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 6, 1);
    struct vm_map_copy *shared = test_copy_in(TEST_COPY_AT, 4, false);
    CHECK(vm_map_copy_steal_page(shared, 0) == NULL); /* the sender sees it */
    vm_map_copy_destroy(shared);
    test_vm_user_fill(test_copy_source, TEST_COPY_AT, 6, 2);
    struct vm_frame *frame = pmap_extract(test_copy_source->pmap, TEST_COPY_AT + 2 * PAGE_SIZE);
    struct vm_map_copy *moved = test_copy_in(TEST_COPY_AT, 6, true);
    struct vm_page *page = vm_map_copy_steal_page(moved, 2 * PAGE_SIZE);
    REQUIRE(page != NULL);
    CHECK(page->frame == frame);
    CHECK(page->object == NULL);
    CHECK(!pmap_frame_mapped(frame));
    CHECK(vm_map_copy_steal_page(moved, 2 * PAGE_SIZE) == NULL); /* gone */
    vm_page_destroy(page);
    vm_map_copy_destroy(moved);
    test_copy_end();
}

/* ---- no memory ---- */

/* Every form in and out, over mapped memory and away; whatever fails, what succeeded is right and nothing is left. */
static void test_copy_attempt(void *context)
{
    static const unsigned int sizes[] = {300, 2 * PAGE_SIZE - 8, 6 * PAGE_SIZE};
    uintptr_t at[ARRAY_LENGTH(sizes)] = {0};
    unsigned int i, failed = 0;

    (void)context;
    struct vm_map *source = test_vm_map(), *target = test_vm_map();
    test_vm_fail_begin();
    test_vm_allocate(source, TEST_COPY_AT, 8);
    test_vm_allocate(target, TEST_COPY_TO, 8);
    test_vm_fill(source, TEST_COPY_AT, 8, 1);
    for (i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct vm_map_copy *copy = NULL;
        kern_return_t kr = vm_map_copyin(source, TEST_COPY_AT, sizes[i], false, &copy);
        if (kr == KERN_SUCCESS)
            kr = vm_map_copyout(target, &at[i], copy);
        if (kr != KERN_SUCCESS) {
            CHECK_EQUAL(kr, KERN_RESOURCE_SHORTAGE);
            vm_map_copy_destroy(copy);
            failed++;
        }
        CHECK(test_vm_poke(source, TEST_COPY_AT + i * PAGE_SIZE, 99));
    }
    struct vm_map_copy *copy = NULL;
    if (vm_map_copyin(source, TEST_COPY_AT + 4 * PAGE_SIZE, 4 * PAGE_SIZE, true, &copy) == KERN_SUCCESS &&
        vm_map_copy_overwrite(target, TEST_COPY_TO + PAGE_SIZE, copy) != KERN_SUCCESS) {
        vm_map_copy_destroy(copy);
        failed++;
    }
    CHECK(failed == 0 || test_vm_fail_end());
    (void)test_vm_fail_end();
    for (i = 0; i < ARRAY_LENGTH(sizes); i++) {
        uint32_t word = 0;
        if (at[i] == 0)
            continue;
        CHECK_EQUAL(vm_map_read(target, at[i], &word, 4), KERN_SUCCESS);
        CHECK_EQUAL(word, i == 0 ? test_vm_word(1, 0) : 99);
    }
    vm_map_unref(source);
    vm_map_unref(target);
}

static void test_copy_every_failure_is_clean(void)
{
    CHECK(test_vm_fail_each(test_copy_attempt, NULL) >= 10);
}

static const struct test_case test_copy_cases[] = {
    {"any size at any offset arrives as it was", test_copy_any_size_and_offset},
    {"small data takes nothing of its neighbours along", test_copy_small_data_takes_no_neighbours_along},
    {"errors change nothing and leave the copy", test_copy_errors_change_nothing},
    {"copy on write, both ways, a page at a time", test_copy_on_write_both_ways},
    {"what is given away moves, frame by frame", test_copy_what_is_given_away_moves},
    {"small data given away takes its pages off the sender", test_copy_small_data_given_away},
    {"a thousand forks by one parent leave no chain", test_copy_a_thousand_forks_by_the_parent},
    {"a thousand generations leave no chain", test_copy_a_thousand_generations},
    {"a thousand messages to and fro leave no chain", test_copy_a_thousand_messages_to_and_fro},
    {"ten copies of one range are ten moments", test_copy_ten_copies_are_ten_moments},
    {"shared memory is copied as of now, whoever writes", test_copy_shared_memory_is_copied_as_of_now},
    {"readers see who wrote behind their mapping, and no one else", test_copy_readers_see_who_wrote_behind_their_mapping},
    {"memory that another sharer has wired is copied at once", test_copy_memory_wired_by_a_sharer_is_copied_at_once},
    {"wired memory is copied at once and does not fault", test_copy_wired_memory_is_copied_at_once},
    {"discarded copies leave nothing", test_copy_discarded_copies_leave_nothing},
    {"a copy set aside in advance needs nothing to arrive", test_copy_preallocated_needs_nothing},
    {"whole pages are overwritten by reference", test_copy_overwrites_whole_pages_by_reference},
    {"any bytes are overwritten, and no others", test_copy_overwrites_any_bytes},
    {"overwriting that is refused changes nothing", test_copy_overwrite_that_is_refused},
    {"shared and wired memory is overwritten in place", test_copy_overwrites_shared_memory_in_place},
    {"memory is copied onto itself", test_copy_onto_itself},
    {"a copy is read in any form", test_copy_is_read_in_any_form},
    {"pages are stolen only when nobody else sees them", test_copy_pages_are_stolen_only_when_alone},
    {"each failing allocation is an error or no harm", test_copy_every_failure_is_clean},
    {NULL, NULL},
};

const struct test_suite test_copy_suite = {"copy", test_copy_cases};
