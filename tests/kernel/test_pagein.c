/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-in by the run: what a manager that lets itself be asked for many pages is asked for, what is mapped of it, and what
 * becomes of pages that nobody waited for.
 */
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "tests/kernel/test_pager.h"
#include "vm/memory_object_call.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_user.h"

static struct test_pager *test_pager;
static struct vm_map *test_map;
static uintptr_t test_at;
static struct test_vm_stock test_stock;

static kern_return_t test_pagein_set(vm_size_t size, vm_behavior_t behavior)
{
    struct vm_object *object = memory_object_of_control(test_pager->control);
    kern_return_t kr = machair_memory_object_set_paging(object, size, behavior);

    vm_object_unref(object);
    return kr;
}

static void test_pagein_begin(uint32_t nr_pages, unsigned int most, vm_behavior_t behavior)
{
    test_vm_stock_take(&test_stock);
    test_map = test_vm_map();
    test_pager = test_pager_create("pager", nr_pages);
    test_at = test_pager_map(test_pager, test_map, 0);
    CHECK(test_pager_wait(&test_pager->nr_init, 1));
    if (most > 1)
        CHECK_EQUAL(test_pagein_set(most * PAGE_SIZE, behavior), KERN_SUCCESS);
}

static void test_pagein_end(void)
{
    test_pager_check(test_pager);
    vm_map_unref(test_map);
    test_pager_destroy(test_pager);
    test_vm_stock_check(&test_stock);
}

static uintptr_t test_pagein_page(uint32_t page)
{
    return test_at + page * PAGE_SIZE;
}

static void test_pagein_touch(uint32_t page)
{
    uint32_t word = 0;

    CHECK(test_vm_peek(test_map, test_pagein_page(page), &word));
    CHECK_EQUAL(word, test_vm_word(1, page));
}

/* The nth request was for [first, end). */
static void test_pagein_was_asked(unsigned int nth, uint32_t first, uint32_t end)
{
    const struct test_pager_message *message = test_pager_find(test_pager, MEMORY_OBJECT_MSG_DATA_REQUEST, nth);

    if (!CHECK(message != NULL))
        return;
    CHECK_EQUAL(message->index, first);
    CHECK_EQUAL(message->nr_pages, end - first);
}

static unsigned int test_pagein_mapped(uint32_t first, uint32_t end)
{
    unsigned int count = 0;

    for (uint32_t page = first; page < end; page++)
        count += pmap_extract(test_map->pmap, test_pagein_page(page)) != NULL;
    return count;
}

static void test_pagein_is_one_page_unless_asked_for(void)
{
    test_pagein_begin(40, 1, VM_BEHAVIOR_DEFAULT);
    for (uint32_t page = 0; page < 40; page++)
        test_pagein_touch(page);
    CHECK_EQUAL(test_pager->nr_requests, 40);
    test_pagein_was_asked(39, 39, 40);
    test_pagein_end();
}

static void test_pagein_grows_forward(void)
{
    test_pagein_begin(127, 64, VM_BEHAVIOR_DEFAULT);
    for (uint32_t page = 0; page < 127; page++)
        test_pagein_touch(page);
    CHECK_EQUAL(test_pager->nr_requests, 7);
    for (unsigned int i = 0; i < 7; i++)
        test_pagein_was_asked(i, (1u << i) - 1, (2u << i) - 1);
    test_pagein_end();
}

static void test_pagein_grows_backward(void)
{
    test_pagein_begin(63, 16, VM_BEHAVIOR_DEFAULT);
    for (uint32_t page = 63; page > 0; page--)
        test_pagein_touch(page - 1);
    CHECK_EQUAL(test_pager->nr_requests, 7);
    test_pagein_was_asked(1, 60, 62);
    test_pagein_was_asked(5, 16, 32);
    test_pagein_was_asked(6, 0, 16);
    test_pagein_end();
}

static void test_pagein_goes_by_the_behavior(void)
{
    vm_behavior_t behavior;
    vm_size_t size;

    test_pagein_begin(200, 32, VM_BEHAVIOR_SEQUENTIAL);
    test_pagein_touch(100);
    test_pagein_was_asked(0, 100, 132);
    CHECK_EQUAL(test_pagein_set(8 * PAGE_SIZE, VM_BEHAVIOR_RSEQNTL), KERN_SUCCESS);
    test_pagein_touch(50);
    test_pagein_was_asked(1, 43, 51);
    CHECK_EQUAL(test_pagein_set(64 * PAGE_SIZE, VM_BEHAVIOR_RANDOM), KERN_SUCCESS);
    test_pagein_touch(10);
    test_pagein_touch(11);
    test_pagein_was_asked(3, 11, 12);
    struct vm_object *object = memory_object_of_control(test_pager->control);
    CHECK_EQUAL(machair_memory_object_get_paging(object, &size, &behavior), KERN_SUCCESS);
    vm_object_unref(object);
    CHECK_EQUAL(size, 64 * PAGE_SIZE);
    CHECK_EQUAL(behavior, VM_BEHAVIOR_RANDOM);
    test_pagein_end();
}

static void test_pagein_refuses_other_sizes(void)
{
    vm_behavior_t behavior;
    vm_size_t size;

    test_pagein_begin(8, 2, VM_BEHAVIOR_DEFAULT);
    CHECK_EQUAL(test_pagein_set(0, VM_BEHAVIOR_DEFAULT), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(test_pagein_set(PAGE_SIZE + 1, VM_BEHAVIOR_DEFAULT), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(test_pagein_set(65 * PAGE_SIZE, VM_BEHAVIOR_DEFAULT), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(test_pagein_set(PAGE_SIZE, VM_BEHAVIOR_DEFAULT - 1), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(test_pagein_set(PAGE_SIZE, VM_BEHAVIOR_RSEQNTL + 1), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(machair_memory_object_set_paging(NULL, PAGE_SIZE, VM_BEHAVIOR_DEFAULT), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(machair_memory_object_get_paging(NULL, &size, &behavior), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(test_pagein_set(64 * PAGE_SIZE, VM_BEHAVIOR_RSEQNTL), KERN_SUCCESS);
    test_pagein_end();
}

static void test_pagein_never_covers_what_is_there(void)
{
    uint32_t words[2] = {test_vm_word(1, 10), test_vm_word(1, 11)};

    test_pagein_begin(64, 64, VM_BEHAVIOR_SEQUENTIAL);
    CHECK_EQUAL(test_pager_supply(test_pager, 10, 2, words, VM_PROT_NONE, false, false), KERN_SUCCESS);
    test_pagein_touch(4);
    test_pagein_was_asked(0, 4, 10);
    /* What was supplied in advance is mapped along, and is no reason to ask. */
    CHECK_EQUAL(test_pagein_mapped(4, 12), 8);
    test_pagein_touch(12);
    test_pagein_was_asked(1, 12, 64);
    CHECK_EQUAL(test_pager->nr_requests, 2);
    test_pagein_end();
}

static void test_pagein_asks_for_nothing_beyond_the_mapping(void)
{
    test_pagein_begin(64, 64, VM_BEHAVIOR_SEQUENTIAL);
    CHECK_EQUAL(vm_map_remove(test_map, test_pagein_page(0), test_pagein_page(20)), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_remove(test_map, test_pagein_page(30), test_pagein_page(64)), KERN_SUCCESS);
    test_pagein_touch(25);
    test_pagein_was_asked(0, 25, 30);
    CHECK_EQUAL(test_pagein_set(64 * PAGE_SIZE, VM_BEHAVIOR_RSEQNTL), KERN_SUCCESS);
    test_pagein_touch(24);
    test_pagein_was_asked(1, 20, 25);
    test_pagein_end();
}

static void test_pagein_maps_the_run_without_faults(void)
{
    test_pagein_begin(64, 32, VM_BEHAVIOR_SEQUENTIAL);
    test_pagein_touch(16);
    CHECK_EQUAL(test_pagein_mapped(0, 64), 32);
    CHECK_EQUAL(test_pagein_mapped(16, 48), 32);
    /* Read-only: the first write to each is seen, and only what was written comes back. */
    CHECK(test_vm_poke(test_map, test_pagein_page(20), test_vm_word(2, 20)));
    CHECK(test_vm_poke(test_map, test_pagein_page(20) + PAGE_SIZE - 4, test_vm_word(2, 20)));
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_at + 64 * PAGE_SIZE), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager->nr_returned_pages, 1);
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 20, 1), 0);
    test_pagein_end();
}

static void test_pagein_does_not_map_what_is_locked(void)
{
    uint32_t words[4];

    test_pagein_begin(16, 16, VM_BEHAVIOR_SEQUENTIAL);
    for (uint32_t i = 0; i < 4; i++)
        words[i] = test_vm_word(1, 4 + i);
    CHECK_EQUAL(test_pager_supply(test_pager, 4, 4, words, VM_PROT_READ | VM_PROT_WRITE, false, false), KERN_SUCCESS);
    test_pagein_touch(0);
    test_pagein_was_asked(0, 0, 4);
    CHECK_EQUAL(test_pagein_mapped(0, 16), 4);
    test_pagein_end();
}

static void test_pagein_asks_for_one_page_when_memory_is_short(void)
{
    struct list taken = LIST_INIT(taken);

    test_pagein_begin(64, 64, VM_BEHAVIOR_SEQUENTIAL);
    unsigned int count = test_vm_take_all(&taken, ALLOC_ORDINARY);
    /* A few for the page itself and what it takes to send and receive. */
    for (unsigned int i = 0; i < 16; i++) {
        struct vm_frame *frame = list_first(&taken, struct vm_frame, node);
        list_remove(&frame->node);
        vm_frame_free(frame, 0);
        count--;
    }
    test_pagein_touch(5);
    test_pagein_was_asked(0, 5, 6);
    vm_frame_free_list(&taken, count);
    test_pagein_touch(6);
    test_pagein_was_asked(1, 6, 64);
    test_pagein_end();
}

static void test_pagein_takes_any_answer(void)
{
    uint32_t word;

    test_pagein_begin(64, 8, VM_BEHAVIOR_SEQUENTIAL);
    test_pager->answer = TEST_PAGER_UNAVAILABLE;
    for (uint32_t page = 0; page < 8; page++) {
        CHECK(test_vm_peek(test_map, test_pagein_page(page), &word));
        CHECK_EQUAL(word, 0);
    }
    CHECK_EQUAL(test_pager->nr_requests, 1);
    test_pager->answer = TEST_PAGER_ERROR;
    CHECK_EQUAL(vm_map_read(test_map, test_pagein_page(8), &word, 4), KERN_MEMORY_ERROR);
    CHECK_EQUAL(vm_map_read(test_map, test_pagein_page(9), &word, 4), KERN_MEMORY_ERROR);
    test_pager->answer = TEST_PAGER_SUPPLY;
    for (uint32_t page = 8; page < 16; page++)
        CHECK(vm_map_read(test_map, test_pagein_page(page), &word, 4) == KERN_SUCCESS || page > 9);
    test_pagein_end();
}

/* The rest of a request is answered later, and who comes to want it meanwhile waits for that. */
static void test_pagein_answers_in_pieces(void)
{
    struct test_access first, second;
    uint32_t words[8];

    test_pagein_begin(64, 8, VM_BEHAVIOR_SEQUENTIAL);
    for (uint32_t i = 0; i < 8; i++)
        words[i] = test_vm_word(1, i);
    test_pager->answer = TEST_PAGER_NOTHING;
    test_access_start(&first, test_map, test_pagein_page(0), false, 0);
    CHECK(test_pager_wait(&test_pager->nr_requests, 1));
    test_access_start(&second, test_map, test_pagein_page(6), false, 0);
    CHECK_EQUAL(test_pager_supply(test_pager, 0, 3, words, VM_PROT_NONE, false, false), KERN_SUCCESS);
    CHECK(test_access_wait(&first, 2000));
    CHECK(!test_access_wait(&second, 50));
    CHECK_EQUAL(test_pager_supply(test_pager, 3, 5, words + 3, VM_PROT_NONE, false, false), KERN_SUCCESS);
    CHECK(test_access_wait(&second, 2000));
    CHECK_EQUAL(second.word, test_vm_word(1, 6));
    CHECK_EQUAL(test_pager->nr_requests, 1);
    test_pagein_end();
}

static void test_pagein_ends_with_requests_out(void)
{
    struct test_access access;

    test_pagein_begin(64, 64, VM_BEHAVIOR_SEQUENTIAL);
    test_pager->answer = TEST_PAGER_NOTHING;
    test_access_start(&access, test_map, test_pagein_page(3), false, 0);
    CHECK(test_pager_wait(&test_pager->nr_requests, 1));
    test_pager_kill(test_pager);
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_MEMORY_FAILURE);
    test_access_start(&access, test_map, test_pagein_page(40), false, 0);
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_MEMORY_FAILURE);
    test_pagein_end();
}

static void test_pagein_failing_read(void *context)
{
    (void)context;
    test_pagein_begin(32, 16, VM_BEHAVIOR_SEQUENTIAL);
    test_vm_fail_begin();
    test_pagein_touch(4);
    (void)test_vm_fail_end();
    for (uint32_t page = 0; page < 32; page++)
        test_pagein_touch(page);
    test_pagein_end();
}

static void test_pagein_survives_every_failure(void)
{
    CHECK(test_vm_fail_each(test_pagein_failing_read, NULL) > 4);
}

static const struct test_case test_pagein_cases[] = {
    {"a request is of one page unless the manager asks for more", test_pagein_is_one_page_unless_asked_for},
    {"requests grow forward with the faults", test_pagein_grows_forward},
    {"and backward", test_pagein_grows_backward},
    {"a behavior that is stated is followed", test_pagein_goes_by_the_behavior},
    {"other sizes and behaviors are refused", test_pagein_refuses_other_sizes},
    {"a request never covers what is there", test_pagein_never_covers_what_is_there},
    {"nothing beyond the mapping is asked for", test_pagein_asks_for_nothing_beyond_the_mapping},
    {"the run is mapped where the fault was, read-only", test_pagein_maps_the_run_without_faults},
    {"what the manager has locked is not mapped along", test_pagein_does_not_map_what_is_locked},
    {"one page is asked for when memory is short", test_pagein_asks_for_one_page_when_memory_is_short},
    {"no data, and errors, for pages that nobody waits for", test_pagein_takes_any_answer},
    {"a request is answered in pieces", test_pagein_answers_in_pieces},
    {"a manager that dies with a long request out", test_pagein_ends_with_requests_out},
    {"each failing allocation of a long request is survived", test_pagein_survives_every_failure},
    {NULL, NULL},
};

const struct test_suite test_pagein_suite = {"pagein", test_pagein_cases};
