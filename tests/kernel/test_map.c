/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps in the booted kernel: where things go, what is cut and joined, rights as the processor sees them, forks, wiring.
 * Each case ends its maps and takes stock: frames, pages, objects and entries are as they were.
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

#define TEST_MAP_AT 0x20000000u

/* What every case has: one map, and the stock before it. */
static struct vm_map *test_map;
static struct test_vm_stock test_map_stock;

static void test_map_begin(void)
{
    test_vm_stock_take(&test_map_stock);
    test_map = test_vm_map();
}

static void test_map_end(void)
{
    vm_map_unref(test_map);
    test_vm_stock_check(&test_map_stock);
}

static kern_return_t test_map_remove(uintptr_t address, unsigned int nr_pages)
{
    return vm_map_remove(test_map, address, address + nr_pages * PAGE_SIZE);
}

static kern_return_t test_map_protect(uintptr_t address, unsigned int nr_pages, vm_prot_t prot)
{
    return vm_map_protect(test_map, address, address + nr_pages * PAGE_SIZE, prot, false);
}

/* The processor can write (read) at address. */
static bool test_map_writes(uintptr_t address)
{
    return test_vm_poke(test_map, address, 0x77777777);
}

static bool test_map_reads(uintptr_t address)
{
    uint32_t word;
    return test_vm_peek(test_map, address, &word);
}

/* ---- where ---- */

static void test_map_fresh_memory_is_zeroes(void)
{
    test_map_begin();
    uintptr_t at = test_vm_allocate(test_map, 0, 40);
    CHECK_EQUAL(at, PAGE_SIZE); /* the map's lowest address */
    CHECK_EQUAL(test_vm_wrong(test_map, at, 20, 0), 0);
    CHECK_EQUAL(vm_object_count - test_map_stock.objects, 0); /* reading by the kernel makes nothing */
    CHECK_EQUAL(test_vm_user_wrong(test_map, at, 40, 0), 0);
    test_vm_user_fill(test_map, at, 20, 1);
    test_vm_fill(test_map, at + 20 * PAGE_SIZE, 20, 2);
    CHECK_EQUAL(test_vm_wrong(test_map, at, 20, 1), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, at + 20 * PAGE_SIZE, 20, 2), 0);
    CHECK_EQUAL(test_map->size, 40 * PAGE_SIZE);
    /* What was given back and is allocated again is zeroes again. */
    CHECK_EQUAL(test_map_remove(at, 40), KERN_SUCCESS);
    CHECK_EQUAL(test_map->size, 0);
    CHECK_EQUAL(test_vm_allocate(test_map, 0, 40), at);
    CHECK_EQUAL(test_vm_user_wrong(test_map, at, 40, 0), 0);
    test_map_end();
}

static void test_map_lowest_gap_that_is_wide_enough(void)
{
    struct vm_map_request request = {.size = 2 * PAGE_SIZE, .mask = 0xffff, .anywhere = true,
                                     .protection = VM_PROT_DEFAULT, .max_protection = VM_PROT_ALL};
    unsigned int i;

    test_map_begin();
    for (i = 0; i < 8; i++) /* pages 1-4, 5-8, 9-12, ... */
        CHECK_EQUAL(test_vm_allocate(test_map, 0, 4), (4 * i + 1) * PAGE_SIZE);
    CHECK_EQUAL(test_map_remove(5 * PAGE_SIZE, 2), KERN_SUCCESS);
    CHECK_EQUAL(test_map_remove(13 * PAGE_SIZE, 4), KERN_SUCCESS);
    CHECK_EQUAL(test_map_remove(21 * PAGE_SIZE, 3), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_allocate(test_map, 0, 3), 13 * PAGE_SIZE);
    CHECK_EQUAL(test_vm_allocate(test_map, 0, 3), 21 * PAGE_SIZE);
    CHECK_EQUAL(test_vm_allocate(test_map, 0, 3), 33 * PAGE_SIZE);
    CHECK_EQUAL(test_vm_allocate(test_map, 0, 1), 5 * PAGE_SIZE);
    CHECK_EQUAL(test_vm_allocate(test_map, 0, 1), 6 * PAGE_SIZE);
    CHECK_EQUAL(test_vm_allocate(test_map, 0, 1), 16 * PAGE_SIZE);
    /* With a mask: the first multiple of 64 KiB that is free, though there is room before it. */
    CHECK_EQUAL(vm_map_enter(test_map, &request), KERN_SUCCESS);
    CHECK_EQUAL(request.address, 48 * PAGE_SIZE);
    request.address = 40 * PAGE_SIZE;
    request.mask = 0;
    CHECK_EQUAL(vm_map_enter(test_map, &request), KERN_SUCCESS);
    CHECK_EQUAL(request.address, 40 * PAGE_SIZE);
    test_map_end();
}

static void test_map_places_that_are_none(void)
{
    static const struct {
        uintptr_t address, size;
        bool anywhere;
        kern_return_t result;
    } asked[] = {
        {0, PAGE_SIZE, false, KERN_INVALID_ADDRESS},
        {TEST_MAP_AT, 0, false, KERN_INVALID_ARGUMENT},
        {TEST_MAP_AT, 0, true, KERN_INVALID_ARGUMENT},
        {TEST_MAP_AT, PAGE_SIZE - 1, false, KERN_INVALID_ARGUMENT},
        {TEST_MAP_AT + 1, PAGE_SIZE, false, KERN_INVALID_ADDRESS},
        {TEST_MAP_AT, PAGE_SIZE, false, KERN_NO_SPACE},
        {TEST_MAP_AT - PAGE_SIZE, 3 * PAGE_SIZE, false, KERN_NO_SPACE},
        {MACHINE_USER_END, PAGE_SIZE, false, KERN_INVALID_ADDRESS},
        {MACHINE_USER_END - PAGE_SIZE, 2 * PAGE_SIZE, false, KERN_INVALID_ADDRESS},
        {MACHINE_USER_END - PAGE_SIZE, 0u - PAGE_SIZE, false, KERN_NO_SPACE}, /* more than any map may have */
        {0u - PAGE_SIZE, PAGE_SIZE, false, KERN_INVALID_ADDRESS},
        {0u - PAGE_SIZE, 2 * PAGE_SIZE, false, KERN_INVALID_ADDRESS},
        {0u - PAGE_SIZE, 2 * PAGE_SIZE, true, KERN_NO_SPACE},
        {0, MACHINE_USER_END, true, KERN_NO_SPACE},
        {0, 0u - PAGE_SIZE, true, KERN_NO_SPACE},
        {MACHINE_USER_END - PAGE_SIZE, 2 * PAGE_SIZE, true, KERN_NO_SPACE},
    };

    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 1);
    for (unsigned int i = 0; i < ARRAY_LENGTH(asked); i++) {
        struct vm_map_request request = {.address = asked[i].address, .size = asked[i].size, .anywhere = asked[i].anywhere,
                                         .protection = VM_PROT_DEFAULT, .max_protection = VM_PROT_ALL};
        if (!CHECK_EQUAL(vm_map_enter(test_map, &request), asked[i].result))
            test_note("place %u", i);
    }
    CHECK_EQUAL(test_map->nr_entries, 1);
    CHECK_EQUAL(test_map->size, PAGE_SIZE);
    /* The last page and the largest range there can be are places. */
    CHECK_EQUAL(test_vm_allocate(test_map, MACHINE_USER_END - PAGE_SIZE, 1), MACHINE_USER_END - PAGE_SIZE);
    CHECK(test_map_writes(MACHINE_USER_END - 4));
    CHECK_EQUAL(vm_map_remove(test_map, 0, UINTPTR_MAX & ~PAGE_MASK), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_allocate(test_map, PAGE_SIZE, MACHINE_USER_END / PAGE_SIZE - 1), PAGE_SIZE);
    CHECK(test_map_writes(MACHINE_USER_END - 4));
    CHECK(test_map_writes(PAGE_SIZE));
    test_map_end();
}

static void test_map_calls_do_not_wrap_around(void)
{
    vm_address_t address = 0;
    uint32_t word = 0;

    test_map_begin();
    test_vm_allocate(test_map, PAGE_SIZE, 4);
    test_vm_fill(test_map, PAGE_SIZE, 4, 1);
    CHECK(vm_allocate(test_map, &address, ~(vm_size_t)0, TRUE) != KERN_SUCCESS);
    CHECK(vm_allocate(test_map, &address, ~(vm_size_t)0 - 2 * PAGE_SIZE, TRUE) != KERN_SUCCESS);
    CHECK_EQUAL(vm_deallocate(test_map, 2 * PAGE_SIZE, 0u - PAGE_SIZE), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_deallocate(test_map, 0u - PAGE_SIZE, 3 * PAGE_SIZE), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_protect(test_map, 0u - 1, 2 * PAGE_SIZE, FALSE, VM_PROT_NONE), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_inherit(test_map, 2 * PAGE_SIZE, ~(vm_size_t)0, VM_INHERIT_NONE), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_map_read(test_map, 0u - 2, &word, 4), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_map_write(test_map, 0u - 2, &word, 4), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_map_read(test_map, 5 * PAGE_SIZE - 2, &word, 4), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(test_vm_wrong(test_map, PAGE_SIZE, 4, 1), 0);
    CHECK(test_map_writes(PAGE_SIZE));
    test_map_end();
}

static void test_map_limits_of_size(void)
{
    struct vm_map_request request = {.size = 3 * PAGE_SIZE, .anywhere = true,
                                     .protection = VM_PROT_DEFAULT, .max_protection = VM_PROT_ALL};

    test_map_begin();
    test_map->size_limit = 10 * PAGE_SIZE;
    test_vm_allocate(test_map, TEST_MAP_AT, 8);
    CHECK_EQUAL(vm_map_enter(test_map, &request), KERN_NO_SPACE);
    /* What nobody can ever touch is not counted. */
    request.protection = request.max_protection = VM_PROT_NONE;
    CHECK_EQUAL(vm_map_enter(test_map, &request), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_protect(test_map, TEST_MAP_AT, TEST_MAP_AT + PAGE_SIZE, VM_PROT_NONE, true), KERN_SUCCESS);
    request.address = 0;
    request.protection = request.max_protection = VM_PROT_DEFAULT;
    CHECK_EQUAL(vm_map_enter(test_map, &request), KERN_SUCCESS);
    CHECK_EQUAL(test_map->size - test_map->size_none, 10 * PAGE_SIZE);
    request.address = 0;
    request.size = PAGE_SIZE;
    CHECK_EQUAL(vm_map_enter(test_map, &request), KERN_NO_SPACE);
    CHECK_EQUAL(test_map_remove(TEST_MAP_AT + PAGE_SIZE, 1), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_enter(test_map, &request), KERN_SUCCESS);
    test_map_end();
}

/* ---- joining and cutting ---- */

static void test_map_a_heap_is_one_entry_and_one_object(void)
{
    unsigned int i;

    test_map_begin();
    for (i = 0; i < 200; i++) {
        CHECK_EQUAL(test_vm_allocate(test_map, TEST_MAP_AT + i * PAGE_SIZE, 1), TEST_MAP_AT + i * PAGE_SIZE);
        CHECK(test_vm_poke(test_map, TEST_MAP_AT + i * PAGE_SIZE, i + 1));
    }
    CHECK_EQUAL(test_map->nr_entries, 1);
    CHECK_EQUAL(vm_object_count - test_map_stock.objects, 1);
    for (i = 0; i < 200; i++) {
        uint32_t word = 0;
        CHECK(test_vm_peek(test_map, TEST_MAP_AT + i * PAGE_SIZE, &word));
        CHECK_EQUAL(word, i + 1);
    }
    /* A page at a time is given back: its frame is free at once, and what is left stays. */
    unsigned int before = vm_page_cache.nr_objects;
    for (i = 0; i < 200; i += 2)
        CHECK_EQUAL(test_map_remove(TEST_MAP_AT + i * PAGE_SIZE, 1), KERN_SUCCESS);
    CHECK_EQUAL(before - vm_page_cache.nr_objects, 100);
    CHECK_EQUAL(test_map->nr_entries, 100);
    for (i = 0; i < 200; i++)
        CHECK_EQUAL(test_map_reads(TEST_MAP_AT + i * PAGE_SIZE), i % 2 == 1);
    test_map_end();
}

static void test_map_neighbours_with_other_rights_stay_apart(void)
{
    struct vm_map_request request = {.address = TEST_MAP_AT + PAGE_SIZE, .size = PAGE_SIZE,
                                     .protection = VM_PROT_READ, .max_protection = VM_PROT_ALL,
                                     .inheritance = VM_INHERIT_DEFAULT};

    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 1);
    CHECK_EQUAL(vm_map_enter(test_map, &request), KERN_SUCCESS);
    request.address += PAGE_SIZE;
    request.inheritance = VM_INHERIT_SHARE;
    CHECK_EQUAL(vm_map_enter(test_map, &request), KERN_SUCCESS);
    request.address += PAGE_SIZE;
    request.max_protection = VM_PROT_READ;
    CHECK_EQUAL(vm_map_enter(test_map, &request), KERN_SUCCESS);
    CHECK_EQUAL(test_map->nr_entries, 4);
    CHECK(test_map_writes(TEST_MAP_AT));
    CHECK(!test_map_writes(TEST_MAP_AT + PAGE_SIZE));
    CHECK(test_map_reads(TEST_MAP_AT + 3 * PAGE_SIZE));
    test_map_end();
}

static void test_map_what_is_cut_is_joined_again(void)
{
    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 30);
    test_vm_user_fill(test_map, TEST_MAP_AT, 30, 3);
    CHECK_EQUAL(test_map_protect(TEST_MAP_AT + 10 * PAGE_SIZE, 10, VM_PROT_READ), KERN_SUCCESS);
    CHECK_EQUAL(test_map->nr_entries, 3);
    CHECK(!test_map_writes(TEST_MAP_AT + 10 * PAGE_SIZE));
    CHECK(!test_map_writes(TEST_MAP_AT + 19 * PAGE_SIZE));
    CHECK_EQUAL(vm_map_inherit(test_map, TEST_MAP_AT, TEST_MAP_AT + 5 * PAGE_SIZE, VM_INHERIT_NONE), KERN_SUCCESS);
    CHECK_EQUAL(test_map->nr_entries, 4);
    CHECK_EQUAL(test_vm_user_wrong(test_map, TEST_MAP_AT, 30, 3), 0);
    CHECK_EQUAL(test_map_protect(TEST_MAP_AT, 30, VM_PROT_DEFAULT), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_inherit(test_map, TEST_MAP_AT, TEST_MAP_AT + 30 * PAGE_SIZE, VM_INHERIT_COPY), KERN_SUCCESS);
    CHECK_EQUAL(test_map->nr_entries, 1);
    CHECK_EQUAL(vm_object_count - test_map_stock.objects, 1);
    test_vm_user_fill(test_map, TEST_MAP_AT, 30, 4);
    CHECK_EQUAL(test_vm_wrong(test_map, TEST_MAP_AT, 30, 4), 0);
    test_map_end();
}

static void test_map_a_hole_in_the_middle(void)
{
    struct vm_map_region region;

    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 30);
    test_vm_user_fill(test_map, TEST_MAP_AT, 30, 3);
    unsigned int before = vm_page_cache.nr_objects;
    CHECK_EQUAL(test_map_remove(TEST_MAP_AT + 7 * PAGE_SIZE, 11), KERN_SUCCESS);
    CHECK_EQUAL(before - vm_page_cache.nr_objects, 11);
    CHECK_EQUAL(test_map->size, 19 * PAGE_SIZE);
    CHECK(!test_map_reads(TEST_MAP_AT + 7 * PAGE_SIZE));
    CHECK(!test_map_reads(TEST_MAP_AT + 17 * PAGE_SIZE));
    CHECK_EQUAL(test_vm_wrong(test_map, TEST_MAP_AT, 7, 3), 0);
    CHECK_EQUAL(test_vm_wrong(test_map, TEST_MAP_AT, 30, 3), 11);
    /* Twice, and where nothing ever was: nothing to do. */
    CHECK_EQUAL(test_map_remove(TEST_MAP_AT + 7 * PAGE_SIZE, 11), KERN_SUCCESS);
    CHECK_EQUAL(test_map_remove(TEST_MAP_AT + 100 * PAGE_SIZE, 11), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_region(test_map, TEST_MAP_AT + 8 * PAGE_SIZE, &region), KERN_SUCCESS);
    CHECK_EQUAL(region.start, TEST_MAP_AT + 18 * PAGE_SIZE);
    CHECK_EQUAL(region.size, 12 * PAGE_SIZE);
    CHECK_EQUAL(region.index, 18);
    vm_object_unref(region.object);
    CHECK_EQUAL(vm_map_region(test_map, TEST_MAP_AT + 30 * PAGE_SIZE, &region), KERN_NO_SPACE);
    /* The hole is zeroes when it is filled. */
    test_vm_allocate(test_map, TEST_MAP_AT + 7 * PAGE_SIZE, 11);
    CHECK_EQUAL(test_vm_user_wrong(test_map, TEST_MAP_AT + 7 * PAGE_SIZE, 11, 0), 0);
    test_map_end();
}

static void test_map_two_thousand_entries(void)
{
    enum { COUNT = 2000 };
    unsigned int i;

    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, COUNT);
    CHECK(test_map_writes(TEST_MAP_AT)); /* one object from the beginning: parts can be joined again */
    for (i = 0; i < COUNT; i += 2)
        CHECK_EQUAL(test_map_protect(TEST_MAP_AT + i * PAGE_SIZE, 1, VM_PROT_READ), KERN_SUCCESS);
    CHECK_EQUAL(test_map->nr_entries, COUNT);
    for (i = 0; i < COUNT; i += 97)
        CHECK_EQUAL(test_map_writes(TEST_MAP_AT + i * PAGE_SIZE), i % 2 == 1);
    struct vm_map *child = vm_map_fork(test_map);
    CHECK_EQUAL(child->nr_entries, COUNT);
    CHECK_EQUAL(child->size, test_map->size);
    vm_map_unref(child);
    CHECK_EQUAL(test_map_protect(TEST_MAP_AT, COUNT, VM_PROT_READ), KERN_SUCCESS);
    CHECK_EQUAL(test_map->nr_entries, 1);
    for (i = 0; i < COUNT; i += 2)
        CHECK_EQUAL(test_map_remove(TEST_MAP_AT + i * PAGE_SIZE, 1), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_allocate(test_map, TEST_MAP_AT - PAGE_SIZE, 1), TEST_MAP_AT - PAGE_SIZE);
    CHECK_EQUAL(vm_map_remove(test_map, 0, MACHINE_USER_END), KERN_SUCCESS);
    CHECK_EQUAL(test_map->nr_entries, 0);
    test_map_end();
}

/* ---- rights ---- */

static void test_map_rights_are_the_processors(void)
{
    uint32_t word = 5;

    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 3);
    test_vm_user_fill(test_map, TEST_MAP_AT, 3, 1);
    CHECK_EQUAL(test_map_protect(TEST_MAP_AT, 1, VM_PROT_READ), KERN_SUCCESS);
    CHECK_EQUAL(test_map_protect(TEST_MAP_AT + PAGE_SIZE, 1, VM_PROT_NONE), KERN_SUCCESS);
    CHECK(!test_map_writes(TEST_MAP_AT));
    CHECK(test_map_reads(TEST_MAP_AT));
    CHECK(!test_map_reads(TEST_MAP_AT + PAGE_SIZE));
    CHECK_EQUAL(vm_fault(test_map, TEST_MAP_AT, VM_PROT_READ | VM_PROT_WRITE), KERN_PROTECTION_FAILURE);
    CHECK_EQUAL(vm_fault(test_map, TEST_MAP_AT + PAGE_SIZE, VM_PROT_READ), KERN_PROTECTION_FAILURE);
    CHECK_EQUAL(vm_map_write(test_map, TEST_MAP_AT, &word, 4), KERN_PROTECTION_FAILURE);
    CHECK_EQUAL(vm_map_read(test_map, TEST_MAP_AT + PAGE_SIZE, &word, 4), KERN_PROTECTION_FAILURE);
    /* Part of it may be written before the kernel meets what it may not. */
    CHECK_EQUAL(vm_map_write(test_map, TEST_MAP_AT + PAGE_SIZE - 2, &word, 4), KERN_PROTECTION_FAILURE);
    CHECK_EQUAL(vm_fault(test_map, TEST_MAP_AT + 3 * PAGE_SIZE, VM_PROT_READ), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_fault(test_map, 0, VM_PROT_READ), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(vm_fault(test_map, MACHINE_USER_END, VM_PROT_READ), KERN_INVALID_ADDRESS);
    CHECK_EQUAL(test_map_protect(TEST_MAP_AT, 3, VM_PROT_DEFAULT), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_user_wrong(test_map, TEST_MAP_AT, 3, 1), 0);
    CHECK(test_map_writes(TEST_MAP_AT + PAGE_SIZE));
    test_map_end();
}

static void test_map_maximum_rights_only_shrink(void)
{
    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 9);
    test_vm_user_fill(test_map, TEST_MAP_AT, 9, 1);
    CHECK_EQUAL(vm_map_protect(test_map, TEST_MAP_AT + 3 * PAGE_SIZE, TEST_MAP_AT + 6 * PAGE_SIZE, VM_PROT_READ, true),
                KERN_SUCCESS);
    CHECK(!test_map_writes(TEST_MAP_AT + 4 * PAGE_SIZE));
    /* Not for a part of a range either: nothing of it has changed. */
    CHECK_EQUAL(test_map_protect(TEST_MAP_AT, 9, VM_PROT_ALL), KERN_PROTECTION_FAILURE);
    CHECK_EQUAL(test_map->nr_entries, 3);
    vm_map_lock(test_map);
    CHECK_EQUAL(vm_map_lookup_entry(test_map, TEST_MAP_AT)->protection, VM_PROT_DEFAULT);
    CHECK_EQUAL(vm_map_lookup_entry(test_map, TEST_MAP_AT + 5 * PAGE_SIZE)->protection, VM_PROT_READ);
    vm_map_unlock(test_map);
    CHECK_EQUAL(vm_map_protect(test_map, TEST_MAP_AT, TEST_MAP_AT + 9 * PAGE_SIZE, VM_PROT_NONE, true), KERN_SUCCESS);
    CHECK(!test_map_reads(TEST_MAP_AT));
    CHECK_EQUAL(test_map_protect(TEST_MAP_AT, 9, VM_PROT_READ), KERN_PROTECTION_FAILURE);
    test_map_end();
}

/* ---- forks ---- */

static void test_map_forks_go_by_inheritance(void)
{
    const uintptr_t copied = TEST_MAP_AT, shared = TEST_MAP_AT + 10 * PAGE_SIZE, kept = TEST_MAP_AT + 20 * PAGE_SIZE;

    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 30);
    test_vm_user_fill(test_map, copied, 9, 1);
    test_vm_user_fill(test_map, shared, 9, 2); /* the last page of each stays untouched until after the fork */
    test_vm_user_fill(test_map, kept, 10, 3);
    CHECK_EQUAL(vm_map_inherit(test_map, shared, kept, VM_INHERIT_SHARE), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_inherit(test_map, kept, kept + 10 * PAGE_SIZE, VM_INHERIT_NONE), KERN_SUCCESS);
    struct vm_map *child = vm_map_fork(test_map);
    REQUIRE(child != NULL);
    CHECK_EQUAL(child->size, 20 * PAGE_SIZE);
    CHECK_EQUAL(test_vm_user_wrong(child, copied, 9, 1), 0);
    CHECK_EQUAL(test_vm_user_wrong(child, shared, 9, 2), 0);
    CHECK_EQUAL(test_vm_user_wrong(child, kept, 10, 3), 10);
    /* Both write: copies are apart, shared memory is the same, where it was never touched too. */
    test_vm_user_fill(child, copied, 5, 4);
    test_vm_user_fill(test_map, copied + 5 * PAGE_SIZE, 5, 5);
    test_vm_user_fill(child, shared, 5, 6);
    test_vm_user_fill(test_map, shared + 5 * PAGE_SIZE, 5, 7);
    CHECK_EQUAL(test_vm_user_wrong(test_map, copied, 5, 1), 0);
    CHECK_EQUAL(test_vm_user_wrong(child, copied, 5, 4), 0);
    CHECK_EQUAL(test_vm_user_wrong(child, copied, 9, 1), 5); /* the other four are as they were */
    CHECK_EQUAL(test_vm_user_wrong(child, copied + 9 * PAGE_SIZE, 1, 0), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, shared, 5, 6), 0);
    CHECK_EQUAL(test_vm_user_wrong(child, shared + 5 * PAGE_SIZE, 5, 7), 0);
    struct vm_map *grandchild = vm_map_fork(child);
    vm_map_unref(child);
    CHECK_EQUAL(test_vm_user_wrong(grandchild, copied, 5, 4), 0);
    test_vm_user_fill(grandchild, shared, 10, 8);
    CHECK_EQUAL(test_vm_user_wrong(test_map, shared, 10, 8), 0);
    vm_map_unref(test_map);
    test_map = grandchild;
    CHECK_EQUAL(test_vm_user_wrong(grandchild, copied, 5, 4), 0);
    CHECK_EQUAL(test_vm_user_wrong(grandchild, shared, 10, 8), 0);
    test_map_end();
}

static void test_map_a_fork_does_not_copy_what_is_only_read(void)
{
    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 100);
    test_vm_user_fill(test_map, TEST_MAP_AT, 100, 1);
    unsigned int before = vm_page_cache.nr_objects;
    struct vm_map *child = vm_map_fork(test_map);
    CHECK_EQUAL(test_vm_user_wrong(child, TEST_MAP_AT, 100, 1), 0);
    CHECK_EQUAL(vm_page_cache.nr_objects, before);
    CHECK(test_vm_poke(child, TEST_MAP_AT + 50 * PAGE_SIZE, 1));
    CHECK_EQUAL(vm_page_cache.nr_objects, before + 1);
    vm_map_unref(child);
    CHECK_EQUAL(vm_page_cache.nr_objects, before);
    test_vm_user_fill(test_map, TEST_MAP_AT, 100, 2);
    CHECK_EQUAL(vm_page_cache.nr_objects, before);
    test_map_end();
}

static void test_map_a_fork_after_cutting_and_joining(void)
{
    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 12);
    test_vm_user_fill(test_map, TEST_MAP_AT, 12, 1);
    for (unsigned int i = 1; i < 12; i += 3) {
        CHECK_EQUAL(test_map_protect(TEST_MAP_AT + i * PAGE_SIZE, 1, VM_PROT_READ), KERN_SUCCESS);
        CHECK_EQUAL(test_map_protect(TEST_MAP_AT + i * PAGE_SIZE, 1, VM_PROT_DEFAULT), KERN_SUCCESS);
    }
    CHECK_EQUAL(test_map->nr_entries, 1);
    struct vm_map *child = vm_map_fork(test_map);
    test_vm_user_fill(test_map, TEST_MAP_AT, 4, 2);
    CHECK_EQUAL(test_map_remove(TEST_MAP_AT + 4 * PAGE_SIZE, 4), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_user_wrong(child, TEST_MAP_AT, 12, 1), 0);
    vm_map_unref(child);
    test_map_end();
}

/* ---- wiring ---- */

/* The frame that is mapped at address, if its mapping is wired. */
static bool test_map_is_wired(uintptr_t address)
{
    struct vm_frame *frame = pmap_extract(test_map->pmap, address);
    return frame != NULL && frame->wired_maps > 0;
}

static unsigned int test_map_nr_wired(uintptr_t address, unsigned int nr_pages)
{
    unsigned int count = 0;
    for (unsigned int i = 0; i < nr_pages; i++)
        count += test_map_is_wired(address + i * PAGE_SIZE);
    return count;
}

static kern_return_t test_map_wire(uintptr_t address, unsigned int nr_pages, vm_prot_t prot)
{
    return vm_map_wire(test_map, address, address + nr_pages * PAGE_SIZE, prot);
}

static void test_map_wired_memory_is_resident(void)
{
    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 20);
    test_vm_user_fill(test_map, TEST_MAP_AT, 5, 1);
    CHECK_EQUAL(test_map_wire(TEST_MAP_AT, 15, VM_PROT_DEFAULT), KERN_SUCCESS);
    CHECK_EQUAL(test_map_nr_wired(TEST_MAP_AT, 20), 15);
    CHECK_EQUAL(test_map->wired_size, 15 * PAGE_SIZE);
    CHECK_EQUAL(test_vm_user_wrong(test_map, TEST_MAP_AT, 5, 1), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, TEST_MAP_AT + 5 * PAGE_SIZE, 10, 0), 0);
    /* Not counted: a second time changes nothing, and one unwiring ends it. */
    CHECK_EQUAL(test_map_wire(TEST_MAP_AT, 15, VM_PROT_READ), KERN_SUCCESS);
    CHECK_EQUAL(test_map->wired_size, 15 * PAGE_SIZE);
    CHECK_EQUAL(test_map_wire(TEST_MAP_AT + 3 * PAGE_SIZE, 4, VM_PROT_NONE), KERN_SUCCESS);
    CHECK_EQUAL(test_map->wired_size, 11 * PAGE_SIZE);
    CHECK_EQUAL(test_map_nr_wired(TEST_MAP_AT, 20), 11);
    CHECK_EQUAL(test_vm_user_wrong(test_map, TEST_MAP_AT, 5, 1), 0);
    /* Removing and ending the map unwire what is left. */
    CHECK_EQUAL(test_map_remove(TEST_MAP_AT, 2), KERN_SUCCESS);
    CHECK_EQUAL(test_map->wired_size, 9 * PAGE_SIZE);
    CHECK_EQUAL(test_map_wire(TEST_MAP_AT + 2 * PAGE_SIZE, 18, VM_PROT_NONE), KERN_SUCCESS);
    CHECK_EQUAL(test_map->wired_size, 0);
    CHECK_EQUAL(test_map->nr_entries, 1);
    CHECK_EQUAL(test_map_wire(TEST_MAP_AT + 2 * PAGE_SIZE, 18, VM_PROT_DEFAULT), KERN_SUCCESS);
    test_map_end();
}

static void test_map_wiring_that_fails_wires_nothing(void)
{
    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 10);
    test_vm_allocate(test_map, TEST_MAP_AT + 11 * PAGE_SIZE, 10);
    CHECK_EQUAL(test_map_wire(TEST_MAP_AT + 12 * PAGE_SIZE, 2, VM_PROT_DEFAULT), KERN_SUCCESS);
    CHECK_EQUAL(test_map_wire(TEST_MAP_AT, 21, VM_PROT_DEFAULT), KERN_NO_SPACE);
    CHECK_EQUAL(test_map_wire(TEST_MAP_AT + 20 * PAGE_SIZE, 2, VM_PROT_READ), KERN_NO_SPACE);
    CHECK_EQUAL(vm_map_wire(test_map, 0, 2 * PAGE_SIZE, VM_PROT_READ), KERN_NO_SPACE);
    CHECK_EQUAL(test_map_protect(TEST_MAP_AT + 5 * PAGE_SIZE, 1, VM_PROT_READ), KERN_SUCCESS);
    CHECK_EQUAL(test_map_wire(TEST_MAP_AT, 10, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE);
    CHECK_EQUAL(test_map_nr_wired(TEST_MAP_AT, 21), 2);
    CHECK_EQUAL(test_map->wired_size, 2 * PAGE_SIZE);
    test_map_end();
}

static void test_map_wired_memory_is_forked_by_copying(void)
{
    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 10);
    test_vm_user_fill(test_map, TEST_MAP_AT, 10, 1);
    CHECK_EQUAL(test_map_wire(TEST_MAP_AT, 10, VM_PROT_DEFAULT), KERN_SUCCESS);
    uint64_t before = vm_fault_counters.faults;
    struct vm_map *child = vm_map_fork(test_map);
    REQUIRE(child != NULL);
    CHECK_EQUAL(test_map_nr_wired(TEST_MAP_AT, 10), 10);
    /* The parent's writes do not fault: that is what wiring is for. */
    test_vm_user_fill(test_map, TEST_MAP_AT, 10, 2);
    CHECK_EQUAL(vm_fault_counters.faults, before);
    CHECK_EQUAL(test_vm_user_wrong(child, TEST_MAP_AT, 10, 1), 0);
    CHECK_EQUAL(child->wired_size, 0);
    vm_map_unref(child);
    test_map_end();
}

static void test_map_wire_future_wires_what_comes(void)
{
    test_map_begin();
    test_vm_allocate(test_map, TEST_MAP_AT, 4);
    vm_map_set_wire_future(test_map, true);
    uintptr_t at = test_vm_allocate(test_map, 0, 4);
    CHECK_EQUAL(test_map_nr_wired(at, 4), 4);
    CHECK_EQUAL(test_map_nr_wired(TEST_MAP_AT, 4), 0);
    CHECK_EQUAL(vm_map_wire_all(test_map, VM_PROT_DEFAULT), KERN_SUCCESS);
    CHECK_EQUAL(test_map_nr_wired(TEST_MAP_AT, 4), 4);
    vm_map_set_wire_future(test_map, false);
    at = test_vm_allocate(test_map, 0, 4);
    CHECK_EQUAL(test_map_nr_wired(at, 4), 0);
    test_map_end();
}

/* ---- at random ---- */

#define TEST_MAP_RANDOM_PAGES 64u

static struct {
    bool mapped;
    vm_prot_t prot;
    uint32_t word;
} test_map_model[TEST_MAP_RANDOM_PAGES];

static void test_map_random_step(uint32_t random)
{
    unsigned int page = random % TEST_MAP_RANDOM_PAGES, i;
    unsigned int count = MIN(1 + (random >> 8) % 12, TEST_MAP_RANDOM_PAGES - page);
    uintptr_t at = TEST_MAP_AT + page * PAGE_SIZE;
    static const vm_prot_t prots[] = {VM_PROT_NONE, VM_PROT_READ, VM_PROT_DEFAULT, VM_PROT_DEFAULT};
    vm_prot_t prot = prots[(random >> 12) % ARRAY_LENGTH(prots)];

    switch ((random >> 16) % 8) {
    case 0:
        CHECK_EQUAL(test_map_remove(at, count), KERN_SUCCESS);
        for (i = page; i < page + count; i++)
            test_map_model[i].mapped = false;
        break;
    case 1:
        CHECK_EQUAL(test_map_protect(at, count, prot), KERN_SUCCESS);
        for (i = page; i < page + count; i++)
            test_map_model[i].prot = prot;
        break;
    case 2:
    case 3:
        for (i = page; i < page + count && !test_map_model[i].mapped; i++) {
            test_map_model[i].mapped = true;
            test_map_model[i].prot = VM_PROT_DEFAULT;
            test_map_model[i].word = 0;
        }
        if (i > page)
            test_vm_allocate(test_map, at, i - page);
        break;
    default:
        for (i = page; i < page + count; i++) {
            bool may = test_map_model[i].mapped && (test_map_model[i].prot & VM_PROT_WRITE) != 0;
            CHECK_EQUAL(test_vm_poke(test_map, TEST_MAP_AT + i * PAGE_SIZE, random + i), may);
            if (may)
                test_map_model[i].word = random + i;
        }
        break;
    }
}

static void test_map_five_thousand_random_steps(void)
{
    uint32_t random = 4711, word;
    unsigned int step, i, wrong = 0;

    test_map_begin();
    memset(test_map_model, 0, sizeof(test_map_model));
    for (step = 0; step < 5000 && wrong == 0; step++) {
        random = random * 1664525u + 1013904223u;
        test_map_random_step(random ^ random >> 15);
        if (step % 8 != 0)
            continue;
        for (i = 0; i < TEST_MAP_RANDOM_PAGES; i++) {
            bool may = test_map_model[i].mapped && test_map_model[i].prot != VM_PROT_NONE;
            word = test_map_model[i].word;
            wrong += test_vm_peek(test_map, TEST_MAP_AT + i * PAGE_SIZE, &word) != may || word != test_map_model[i].word;
        }
        if (!CHECK_EQUAL(wrong, 0))
            test_note("after step %u", step);
    }
    test_map_end();
}

/* ---- no memory ---- */

static void test_map_attempt(void *context)
{
    struct vm_map *map = test_vm_map(), *child;

    (void)context;
    test_vm_fail_begin();
    test_vm_allocate(map, TEST_MAP_AT, 12);
    test_vm_user_fill(map, TEST_MAP_AT, 12, 1);
    CHECK_EQUAL(vm_map_protect(map, TEST_MAP_AT + 3 * PAGE_SIZE, TEST_MAP_AT + 5 * PAGE_SIZE, VM_PROT_READ, false),
                KERN_SUCCESS);
    CHECK_EQUAL(vm_map_inherit(map, TEST_MAP_AT + 8 * PAGE_SIZE, TEST_MAP_AT + 10 * PAGE_SIZE, VM_INHERIT_SHARE),
                KERN_SUCCESS);
    child = vm_map_fork(map);
    test_vm_user_fill(child, TEST_MAP_AT + 5 * PAGE_SIZE, 7, 2);
    CHECK_EQUAL(vm_map_wire(map, TEST_MAP_AT + 5 * PAGE_SIZE, TEST_MAP_AT + 7 * PAGE_SIZE, VM_PROT_DEFAULT), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_remove(map, TEST_MAP_AT + PAGE_SIZE, TEST_MAP_AT + 2 * PAGE_SIZE), KERN_SUCCESS);
    (void)test_vm_fail_end();
    CHECK_EQUAL(test_vm_user_wrong(map, TEST_MAP_AT + 2 * PAGE_SIZE, 1, 0), 1);
    CHECK_EQUAL(test_vm_user_wrong(child, TEST_MAP_AT + 5 * PAGE_SIZE, 7, 2), 0);
    vm_map_unref(child);
    vm_map_unref(map);
}

static void test_map_every_failure_is_waited_out(void)
{
    /* A fault, a cut, a fork without memory waits for some and goes on: each call succeeds whichever allocation fails. */
    CHECK(test_vm_fail_each(test_map_attempt, NULL) >= 20);
}

static const struct test_case test_map_cases[] = {
    {"fresh memory is zeroes, again and again", test_map_fresh_memory_is_zeroes},
    {"a range goes to the lowest gap that is wide enough", test_map_lowest_gap_that_is_wide_enough},
    {"places that are none are refused", test_map_places_that_are_none},
    {"calls do not wrap around", test_map_calls_do_not_wrap_around},
    {"the limit of size counts what can be touched", test_map_limits_of_size},
    {"a growing heap is one entry and one object", test_map_a_heap_is_one_entry_and_one_object},
    {"neighbours with other rights stay apart", test_map_neighbours_with_other_rights_stay_apart},
    {"what is cut by rights is joined again", test_map_what_is_cut_is_joined_again},
    {"a hole in the middle gives its frames back at once", test_map_a_hole_in_the_middle},
    {"two thousand entries", test_map_two_thousand_entries},
    {"rights are the processor's", test_map_rights_are_the_processors},
    {"maximum rights only shrink", test_map_maximum_rights_only_shrink},
    {"forks copy, share and leave out by inheritance", test_map_forks_go_by_inheritance},
    {"a fork does not copy what is only read", test_map_a_fork_does_not_copy_what_is_only_read},
    {"a fork after cutting and joining is apart", test_map_a_fork_after_cutting_and_joining},
    {"wired memory is resident until it is unwired or removed", test_map_wired_memory_is_resident},
    {"wiring that fails wires nothing", test_map_wiring_that_fails_wires_nothing},
    {"wired memory is forked by copying and never faults", test_map_wired_memory_is_forked_by_copying},
    {"wire-future wires what comes", test_map_wire_future_wires_what_comes},
    {"five thousand random steps agree with a model", test_map_five_thousand_random_steps},
    {"each failing allocation is waited out, and nothing is left", test_map_every_failure_is_waited_out},
    {NULL, NULL},
};

const struct test_suite test_map_suite = {"map", test_map_cases};
