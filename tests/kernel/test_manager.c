/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conversation between the kernel and memory managers: init and ready, supplies of every kind, locks, cleaning and
 * flushing, caching, the end, and what happens when a manager answers wrongly or not at all.
 */
#include "ipc/ipc_port.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "tests/kernel/test_pager.h"
#include "vm/memory_object_call.h"
#include "vm/vm_fault.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_user.h"

/* The type of a reply right, also of one that is none. */
#define TEST_SONCE MACH_MSG_TYPE_PORT_SEND_ONCE

static struct test_pager *test_pager;
static struct vm_map *test_map;
static uintptr_t test_at;
static struct test_vm_stock test_stock;

static void test_manager_begin(uint32_t nr_pages)
{
    test_vm_stock_take(&test_stock);
    test_map = test_vm_map();
    test_pager = test_pager_create("pager", nr_pages);
}

static void test_manager_map(void)
{
    test_at = test_pager_map(test_pager, test_map, 0);
}

static void test_manager_end(void)
{
    vm_map_unref(test_map);
    test_pager_destroy(test_pager);
    test_vm_stock_check(&test_stock);
}

static uintptr_t test_manager_page(unsigned int page)
{
    return test_at + page * PAGE_SIZE;
}

static kern_return_t test_manager_read(unsigned int page, uint32_t *word)
{
    return vm_map_read(test_map, test_manager_page(page), word, 4);
}

static bool test_manager_is_drained(void *context)
{
    return test_pager_out(context) == 0;
}

static bool test_manager_drained(void)
{
    return test_wait(test_manager_is_drained, test_pager, 5000);
}

static kern_return_t test_manager_clean(uint32_t index, uint32_t nr_pages, memory_object_return_t should_return, bool flush)
{
    return test_pager_lock(test_pager, index, nr_pages, should_return, flush, VM_PROT_NO_CHANGE, true);
}

/* ---- beginning ---- */

static void test_manager_nothing_is_asked_before_ready(void)
{
    struct test_access access;

    test_manager_begin(8);
    test_pager->ready = false;
    test_manager_map();
    CHECK(test_pager_wait(&test_pager->nr_init, 1));
    test_access_start(&access, test_map, test_manager_page(3), false, 0);
    CHECK(!test_access_wait(&access, 100));
    CHECK_EQUAL(test_pager->nr_requests, 0);
    struct vm_object *object = memory_object_of_control(test_pager->control);
    REQUIRE(object != NULL);
    CHECK_EQUAL(memory_object_ready(object, FALSE, 1000), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_ready(object, FALSE, MEMORY_OBJECT_COPY_DELAY), KERN_SUCCESS);
    vm_object_unref(object);
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_SUCCESS);
    CHECK_EQUAL(access.word, test_vm_word(1, 3));
    CHECK_EQUAL(test_pager->nr_requests, 1);
    test_manager_end();
}

static void test_manager_many_maps_are_one_conversation(void)
{
    uintptr_t at[4];

    test_manager_begin(16);
    for (unsigned int i = 0; i < 4; i++)
        at[i] = test_pager_map(test_pager, test_map, 16);
    CHECK(test_pager_wait(&test_pager->nr_init, 1));
    test_vm_user_fill(test_map, at[0], 16, 2);
    for (unsigned int i = 1; i < 4; i++) {
        CHECK_EQUAL(test_vm_user_wrong(test_map, at[i], 16, 2), i > 1); /* the first page was written since */
        CHECK(test_vm_poke(test_map, at[i], 100 + i));
        uint32_t word;
        CHECK(test_vm_peek(test_map, at[0], &word));
        CHECK_EQUAL(word, 100 + i);
    }
    for (unsigned int i = 0; i < 4; i++) {
        CHECK_EQUAL(test_pager->nr_terminate, 0);
        CHECK_EQUAL(vm_map_remove(test_map, at[i], at[i] + 16 * PAGE_SIZE), KERN_SUCCESS);
    }
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager->nr_init, 1);
    test_manager_end();
}

static void test_manager_ports_that_are_no_objects(void)
{
    vm_address_t address = 0;

    test_manager_begin(8);
    struct ipc_port *kernels = ipc_port_alloc_kernel(), *dead = ipc_port_create(ALLOC_SLEEP);
    ipc_kobject_set(kernels, test_pager, IKOT_HOST);
    struct ipc_port *right = ipc_port_make_send(kernels), *gone = ipc_port_make_send(dead);
    ipc_port_destroy(dead);
    CHECK_EQUAL(vm_map(test_map, &address, PAGE_SIZE, 0, TRUE, right, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
                       VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_map(test_map, &address, PAGE_SIZE, 0, TRUE, gone, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
                       VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_map(test_map, &address, PAGE_SIZE, 0, TRUE, IP_DEAD, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
                       VM_INHERIT_COPY), KERN_INVALID_ARGUMENT);
    ipc_port_release_send(right);
    ipc_port_release_send(gone);
    ipc_kobject_set(kernels, NULL, IKOT_NONE);
    ipc_port_dealloc_kernel(kernels);
    CHECK_EQUAL(test_map->size, 0);
    test_manager_end();
}

/* ---- answers ---- */

static void test_manager_unavailable_is_zeroes(void)
{
    test_manager_begin(8);
    test_pager->answer = TEST_PAGER_UNAVAILABLE;
    test_manager_map();
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 8, 0), 0);
    test_vm_user_fill(test_map, test_at, 4, 2);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 4, 2), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_manager_page(4), 4, 0), 0);
    CHECK_EQUAL(test_pager->nr_requests, 8);
    /* What was written of it is data like any other. */
    CHECK(test_pager_squeeze(test_pager, 0, 10000, ALLOC_ORDINARY));
    CHECK(test_manager_drained());
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 4, 2), 0);
    CHECK_EQUAL(test_pager->nr_returned_pages, 4);
    test_pager_check(test_pager);
    test_manager_end();
}

static void test_manager_an_error_is_the_users(void)
{
    uint32_t word;

    test_manager_begin(8);
    test_pager->answer = TEST_PAGER_ERROR;
    test_manager_map();
    CHECK_EQUAL(test_manager_read(3, &word), KERN_MEMORY_ERROR);
    CHECK(!test_vm_peek(test_map, test_manager_page(4), &word));
    CHECK(!test_vm_poke(test_map, test_manager_page(4), 1));
    /* The next access asks again. */
    CHECK_EQUAL(test_pager->nr_requests, 3);
    CHECK_EQUAL(test_manager_read(3, &word), KERN_MEMORY_ERROR);
    CHECK_EQUAL(test_pager->nr_requests, 4);
    test_pager->answer = TEST_PAGER_SUPPLY;
    CHECK_EQUAL(test_manager_read(3, &word), KERN_SUCCESS);
    CHECK_EQUAL(word, test_vm_word(1, 3));
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 8, 1), 0);
    test_manager_end();
}

static void test_manager_wiring_ends_at_an_error(void)
{
    test_manager_begin(16);
    test_manager_map();
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 6, 1), 0);
    test_pager->answer = TEST_PAGER_ERROR;
    CHECK_EQUAL(vm_map_wire(test_map, test_at, test_manager_page(16), VM_PROT_READ), KERN_MEMORY_ERROR);
    CHECK_EQUAL(test_map->wired_size, 0);
    CHECK_EQUAL(test_pager_object(test_pager)->nr_wired, 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 6, 1), 0);
    CHECK(test_pager_squeeze(test_pager, 1, 10000, ALLOC_ORDINARY)); /* not wired any more; the error stays */
    test_manager_end();
}

static void test_manager_data_that_nobody_asked_for(void)
{
    uint32_t words[8];
    const struct test_pager_message *reply;

    test_manager_begin(64);
    test_manager_map();
    CHECK(test_pager_wait(&test_pager->nr_init, 1));
    for (unsigned int i = 0; i < 8; i++)
        words[i] = 500 + i;
    CHECK_EQUAL(test_pager_supply(test_pager, 8, 8, words, VM_PROT_NONE, false, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_supplied, 1));
    CHECK_EQUAL(test_pager_object(test_pager)->nr_resident, 8);
    for (unsigned int i = 0; i < 8; i++) {
        uint32_t word = 0;
        CHECK(test_vm_peek(test_map, test_manager_page(8 + i), &word));
        CHECK_EQUAL(word, 500 + i);
    }
    CHECK_EQUAL(test_pager->nr_requests, 0);
    /* Where something is already: it stays, and what comes behind is not taken. */
    for (unsigned int i = 0; i < 8; i++)
        words[i] = 600 + i;
    CHECK_EQUAL(test_pager_supply(test_pager, 6, 8, words, VM_PROT_NONE, false, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_supplied, 2));
    reply = test_pager_find(test_pager, MEMORY_OBJECT_MSG_SUPPLY_COMPLETED, 1);
    REQUIRE(reply != NULL);
    CHECK_EQUAL(reply->result, KERN_MEMORY_PRESENT);
    CHECK_EQUAL(reply->error_index, 8);
    CHECK_EQUAL(test_pager_object(test_pager)->nr_resident, 10);
    uint32_t word = 0;
    CHECK(test_vm_peek(test_map, test_manager_page(8), &word));
    CHECK_EQUAL(word, 500);
    CHECK(test_vm_peek(test_map, test_manager_page(7), &word));
    CHECK_EQUAL(word, 601);
    test_manager_end();
}

static void test_manager_calls_with_wrong_numbers(void)
{
    uint32_t word = 9;
    struct vm_object *object;

    test_manager_begin(16);
    test_manager_map();
    CHECK(test_pager_wait(&test_pager->nr_init, 1));
    object = memory_object_of_control(test_pager->control);
    REQUIRE(object != NULL);
    CHECK_EQUAL(memory_object_data_supply(object, 100, 0, PAGE_SIZE, VM_PROT_NONE, FALSE, IP_NULL, TEST_SONCE),
                KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_data_supply(object, 0u - PAGE_SIZE, 0, 2 * PAGE_SIZE, VM_PROT_NONE, FALSE, IP_NULL,
                                          TEST_SONCE), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_data_supply(object, 0, 0, PAGE_SIZE, 0x100, FALSE, IP_NULL, TEST_SONCE),
                KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_data_supply(NULL, 0, 0, PAGE_SIZE, VM_PROT_NONE, FALSE, IP_NULL, TEST_SONCE),
                KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_data_supply(object, 0, 0, 0, VM_PROT_NONE, FALSE, IP_NULL, TEST_SONCE), KERN_SUCCESS);
    CHECK_EQUAL(memory_object_lock_request(object, 0, PAGE_SIZE, 77, FALSE, VM_PROT_NONE, IP_NULL, TEST_SONCE),
                KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(memory_object_lock_request(object, 0, PAGE_SIZE, MEMORY_OBJECT_RETURN_ALL, FALSE, 0x80, IP_NULL, TEST_SONCE),
                KERN_INVALID_ARGUMENT);
    /* Ranges that wrap around or reach beyond the object: what there is of them. */
    test_vm_user_fill(test_map, test_at, 16, 2);
    CHECK_EQUAL(memory_object_lock_request(object, 8 * PAGE_SIZE, ~(vm_size_t)0, MEMORY_OBJECT_RETURN_DIRTY, FALSE,
                                           VM_PROT_NO_CHANGE, IP_NULL, TEST_SONCE), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_returned_pages, 8));
    CHECK_EQUAL(memory_object_data_unavailable(object, 0, ~(vm_size_t)0), KERN_SUCCESS);
    CHECK_EQUAL(memory_object_data_error(object, 8 * PAGE_SIZE, 0u - PAGE_SIZE, 1), KERN_SUCCESS);
    vm_object_unref(object);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 16, 2), 0);
    /* Beyond the user's mapping, but in the object: kept for who maps it. */
    CHECK_EQUAL(test_pager_supply(test_pager, 0xfffff, 1, &word, VM_PROT_NONE, false, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_supplied, 1));
    CHECK(test_manager_drained());
    test_manager_end();
}

static void test_manager_locked_data_waits_for_the_unlock(void)
{
    struct test_access read, write;
    uint32_t word = 700;

    test_manager_begin(8);
    test_manager_map();
    CHECK(test_pager_wait(&test_pager->nr_init, 1));
    CHECK_EQUAL(test_pager_supply(test_pager, 2, 1, &word, VM_PROT_WRITE, false, false), KERN_SUCCESS);
    CHECK_EQUAL(test_manager_read(2, &word), KERN_SUCCESS);
    CHECK_EQUAL(word, 700);
    test_access_start(&write, test_map, test_manager_page(2), true, 800);
    CHECK(!test_access_wait(&write, 100));
    CHECK_EQUAL(test_pager->nr_unlocks, 1);
    CHECK_EQUAL(test_pager_lock(test_pager, 2, 1, MEMORY_OBJECT_RETURN_NONE, false, VM_PROT_NONE, false), KERN_SUCCESS);
    CHECK(test_access_wait(&write, 2000));
    CHECK_EQUAL(write.result, KERN_SUCCESS);
    /* Locked again, against everything: the mapping goes, and a reader waits. */
    CHECK(test_vm_poke(test_map, test_manager_page(2), 801));
    CHECK_EQUAL(test_pager_lock(test_pager, 2, 1, MEMORY_OBJECT_RETURN_NONE, false, VM_PROT_ALL, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 1));
    test_access_start(&read, test_map, test_manager_page(2), false, 0);
    CHECK(!test_access_wait(&read, 100));
    CHECK_EQUAL(test_pager->nr_unlocks, 2);
    CHECK_EQUAL(test_pager_lock(test_pager, 2, 1, MEMORY_OBJECT_RETURN_NONE, false, VM_PROT_WRITE, false), KERN_SUCCESS);
    CHECK(test_access_wait(&read, 2000));
    CHECK_EQUAL(read.word, 801);
    test_access_start(&write, test_map, test_manager_page(2), true, 802);
    CHECK(!test_access_wait(&write, 100));
    test_pager_kill(test_pager); /* who waits for a right that nobody can give any more has it */
    CHECK(test_access_wait(&write, 2000));
    CHECK_EQUAL(write.result, KERN_SUCCESS);
    test_manager_end();
}

static void test_manager_dying_fails_who_waits_for_data(void)
{
    struct test_access access;
    uint32_t word;

    test_manager_begin(8);
    test_manager_map();
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 2, 1), 0);
    test_pager->answer = TEST_PAGER_NOTHING;
    test_access_start(&access, test_map, test_manager_page(5), false, 0);
    CHECK(!test_access_wait(&access, 100));
    test_pager_kill(test_pager);
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_MEMORY_FAILURE);
    CHECK_EQUAL(test_manager_read(6, &word), KERN_MEMORY_FAILURE);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 2, 1), 0); /* resident pages stay usable */
    test_vm_user_fill(test_map, test_at, 2, 3);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 2, 3), 0);
    test_manager_end();
}

/* ---- cleaning and flushing ---- */

static void test_manager_cleaning_keeps_the_pages(void)
{
    const struct test_pager_message *reply;

    test_manager_begin(100);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, 100, 2);
    CHECK_EQUAL(test_manager_clean(0, 100, MEMORY_OBJECT_RETURN_DIRTY, false), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 1));
    CHECK_EQUAL(test_pager->nr_returned_pages, 100);
    CHECK_EQUAL(test_pager->nr_returns, 2);
    CHECK_EQUAL(test_pager->nr_kernel_copy, 2);
    CHECK_EQUAL(test_pager->nr_dirty, 2);
    CHECK_EQUAL(test_pager->log[test_pager->nr_log - 1].id, MEMORY_OBJECT_MSG_LOCK_COMPLETED); /* after the last return */
    reply = test_pager_find(test_pager, MEMORY_OBJECT_MSG_LOCK_COMPLETED, 0);
    CHECK_EQUAL(reply->index, 0);
    CHECK_EQUAL(reply->nr_pages, 100);
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 100, 2), 0);
    CHECK(test_manager_drained());
    CHECK_EQUAL(test_pager_object(test_pager)->nr_resident, 100);
    unsigned int requests = test_pager->nr_requests;
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 100, 2), 0);
    CHECK_EQUAL(test_pager->nr_requests, requests);
    /* Clean now: nothing to return, and nothing to say when they go. A write makes them dirty once more. */
    CHECK_EQUAL(test_manager_clean(0, 100, MEMORY_OBJECT_RETURN_ALL, false), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 2));
    CHECK_EQUAL(test_pager->nr_returns, 2);
    CHECK(test_vm_poke(test_map, test_manager_page(50), 3u << 20));
    CHECK(test_vm_poke(test_map, test_manager_page(50) + PAGE_SIZE - 4, 3u << 20));
    CHECK_EQUAL(test_manager_clean(0, 100, MEMORY_OBJECT_RETURN_DIRTY, false), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 3));
    CHECK_EQUAL(test_pager->nr_returned_pages, 101);
    CHECK_EQUAL(test_pager->disk[50], 3u << 20);
    CHECK(test_pager_squeeze(test_pager, 0, 10000, ALLOC_ORDINARY));
    CHECK_EQUAL(test_pager->nr_returned_pages, 101);
    test_pager_check(test_pager);
    test_manager_end();
}

static void test_manager_nobody_writes_behind_the_message(void)
{
    uint32_t word;
    unsigned int wrong = 0;

    test_manager_begin(60);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, 60, 2);
    test_pager->frees = false;
    test_pager_pause(test_pager);
    CHECK_EQUAL(test_manager_clean(0, 60, MEMORY_OBJECT_RETURN_DIRTY, false), KERN_SUCCESS);
    test_vm_user_fill(test_map, test_at, 20, 3); /* while it is queued, through mappings that had been writable */
    test_pager->receives = true;
    CHECK(test_pager_wait(&test_pager->nr_locked, 1));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 60, 2), 0);
    test_vm_user_fill(test_map, test_manager_page(20), 20, 3); /* and after it was received */
    REQUIRE(test_pager->nr_held == 1);
    uintptr_t at = test_pager->held[0].address;
    for (unsigned int i = 0; i < 60; i++)
        wrong += vm_map_read(test_pager->task->map, at + i * PAGE_SIZE, &word, 4) != KERN_SUCCESS ||
                 word != test_vm_word(2, i);
    CHECK_EQUAL(wrong, 0);
    /* The other way too: the manager may write what it was given, and the user does not see it. */
    for (unsigned int i = 0; i < 60; i++) {
        word = 99;
        CHECK_EQUAL(vm_map_write(test_pager->task->map, at + i * PAGE_SIZE, &word, 4), KERN_SUCCESS);
    }
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 20, 3), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_manager_page(20), 20, 3), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 60, 2), 40);
    CHECK_EQUAL(test_pager_out(test_pager), 60);
    test_pager_free_held(test_pager);
    CHECK_EQUAL(test_pager_out(test_pager), 0);
    test_pager->frees = true;
    /* What was written since is dirty, and comes. */
    CHECK_EQUAL(test_manager_clean(0, 60, MEMORY_OBJECT_RETURN_DIRTY, false), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 2));
    CHECK_EQUAL(test_pager->nr_returned_pages, 100);
    CHECK(test_manager_drained());
    test_pager_check(test_pager);
    test_manager_end();
}

static void test_manager_flushing_takes_the_pages(void)
{
    test_manager_begin(100);
    test_manager_map();
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 100, 1), 0);
    test_vm_user_fill(test_map, test_manager_page(20), 40, 2);
    CHECK_EQUAL(test_manager_clean(10, 80, MEMORY_OBJECT_RETURN_DIRTY, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 1));
    CHECK_EQUAL(test_pager->nr_returned_pages, 40); /* the clean ones went without a word */
    CHECK_EQUAL(test_pager->nr_kernel_copy, 0);
    CHECK_EQUAL(test_pager->nr_dirty, 1);
    CHECK_EQUAL(test_pager_object(test_pager)->nr_resident, 20);
    CHECK(!pmap_extract(test_map->pmap, test_manager_page(30)));
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_manager_page(20), 40, 2), 0);
    /* Discarded: what the manager has is what is read. */
    test_vm_user_fill(test_map, test_manager_page(20), 40, 3);
    CHECK_EQUAL(test_manager_clean(0, 100, MEMORY_OBJECT_RETURN_NONE, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 2));
    CHECK_EQUAL(test_pager_object(test_pager)->nr_resident, 0);
    CHECK_EQUAL(test_pager->nr_returned_pages, 40);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_manager_page(20), 40, 2), 0);
    test_pager_check(test_pager);
    test_manager_end();
}

static void test_manager_returning_all_returns_precious_pages(void)
{
    unsigned int clean = 0, dirty = 0;

    test_manager_begin(64);
    test_pager->precious = true;
    test_manager_map();
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 64, 1), 0);
    test_vm_user_fill(test_map, test_at, 16, 2);
    CHECK_EQUAL(test_manager_clean(0, 64, MEMORY_OBJECT_RETURN_DIRTY, false), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 1));
    CHECK_EQUAL(test_pager->nr_returned_pages, 16);
    /* Those that were kept are precious still, the clean ones and the cleaned ones. */
    CHECK_EQUAL(test_manager_clean(0, 64, MEMORY_OBJECT_RETURN_ALL, false), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 2));
    CHECK_EQUAL(test_pager->nr_returned_pages, 16 + 64);
    test_vm_user_fill(test_map, test_at, 16, 3);
    CHECK_EQUAL(test_manager_clean(0, 64, MEMORY_OBJECT_RETURN_ALL, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 3));
    CHECK_EQUAL(test_pager->nr_returned_pages, 16 + 64 + 64);
    for (unsigned int i = 0; i < test_pager->nr_log; i++) {
        const struct test_pager_message *message = &test_pager->log[i];
        if (message->id == MEMORY_OBJECT_MSG_DATA_RETURN) {
            dirty += message->dirty ? message->nr_pages : 0;
            clean += message->dirty ? 0 : message->nr_pages;
        }
    }
    CHECK_EQUAL(dirty, 32);
    CHECK_EQUAL(clean, 64 + 48);
    CHECK_EQUAL(test_pager_object(test_pager)->nr_resident, 0);
    test_pager_check(test_pager);
    test_manager_end();
}

static void test_manager_a_lock_request_goes_on_as_the_window_opens(void)
{
    enum { PAGES = 500 };

    test_manager_begin(PAGES);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, PAGES, 2);
    test_pager->frees = false;
    uint64_t start = timer_ticks();
    CHECK_EQUAL(test_manager_clean(0, PAGES, MEMORY_OBJECT_RETURN_DIRTY, true), KERN_SUCCESS);
    CHECK_EQUAL(test_manager_clean(0, PAGES, MEMORY_OBJECT_RETURN_ALL, true), KERN_SUCCESS); /* one behind it */
    CHECK(timer_ticks() - start < timer_ticks_of_ms(100)); /* the caller does not wait for its own window */
    while (test_pager->nr_returned_pages < PAGES) {
        unsigned int before = test_pager->nr_returned_pages;
        CHECK_EQUAL(test_pager->nr_locked, 0);
        CHECK(test_pager_out(test_pager) <= test_pager_account(test_pager)->window);
        test_pager_check_accounts();
        test_pager_free_held(test_pager);
        thread_delay(100);
        if (!CHECK(test_pager->nr_returned_pages > before))
            break;
    }
    thread_delay(50);
    test_pager_free_held(test_pager);
    CHECK(test_pager_wait(&test_pager->nr_locked, 2));
    CHECK_EQUAL(test_pager->nr_returned_pages, PAGES);
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, PAGES, 2), 0);
    test_pager->frees = true;
    test_pager_check(test_pager);
    test_manager_end();
}

/* The manager has its window full, and a request that waits for it; what it answers to its clients is not held up. */
static void test_manager_an_unlock_does_not_wait_for_the_window(void)
{
    enum { PAGES = 300 };
    struct test_access access;

    test_manager_begin(PAGES);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, PAGES, 2);
    test_pager->frees = false;
    CHECK_EQUAL(test_pager_lock(test_pager, PAGES - 1, 1, MEMORY_OBJECT_RETURN_NONE, false, VM_PROT_READ | VM_PROT_WRITE,
                                false),
                KERN_SUCCESS);
    CHECK_EQUAL(test_manager_clean(0, PAGES - 1, MEMORY_OBJECT_RETURN_DIRTY, true), KERN_SUCCESS);
    test_access_start(&access, test_map, test_manager_page(PAGES - 1), false, 0);
    CHECK(test_pager_wait(&test_pager->nr_unlocks, 1));
    CHECK_EQUAL(test_pager_lock(test_pager, PAGES - 1, 1, MEMORY_OBJECT_RETURN_NONE, false, VM_PROT_NONE, false),
                KERN_SUCCESS);
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_SUCCESS);
    CHECK_EQUAL(access.word, test_vm_word(2, PAGES - 1));
    CHECK_EQUAL(test_pager->nr_locked, 0);
    test_pager->frees = true;
    while (test_pager->nr_locked < 1) {
        test_pager_free_held(test_pager);
        thread_delay(20);
    }
    test_pager_check(test_pager);
    test_manager_end();
}

static void test_manager_wired_pages_are_cleaned_by_copying(void)
{
    test_manager_begin(32);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, 32, 2);
    CHECK_EQUAL(vm_map_wire(test_map, test_manager_page(8), test_manager_page(16), VM_PROT_DEFAULT), KERN_SUCCESS);
    test_pager->frees = false;
    CHECK_EQUAL(test_manager_clean(0, 32, MEMORY_OBJECT_RETURN_DIRTY, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 1));
    CHECK_EQUAL(test_pager->nr_returned_pages, 32);
    CHECK_EQUAL(test_pager->nr_kernel_copy, 8); /* one by one: the kernel has them still */
    CHECK_EQUAL(test_pager_object(test_pager)->nr_resident, 8);
    uint64_t faults = vm_fault_counters.faults;
    test_vm_user_fill(test_map, test_manager_page(8), 8, 3);
    CHECK_EQUAL(vm_fault_counters.faults, faults); /* what is wired does not fault */
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 32, 2), 0);
    test_pager_free_held(test_pager);
    test_pager->frees = true;
    CHECK_EQUAL(test_manager_clean(0, 32, MEMORY_OBJECT_RETURN_DIRTY, false), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 2));
    CHECK_EQUAL(test_pager->nr_returned_pages, 40); /* written since */
    CHECK_EQUAL(test_pager->disk[8], test_vm_word(3, 0));
    CHECK(test_manager_drained());
    CHECK_EQUAL(test_manager_clean(0, 32, MEMORY_OBJECT_RETURN_DIRTY, false), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_locked, 3));
    CHECK_EQUAL(test_pager->nr_returned_pages, 40);
    test_pager_check(test_pager);
    test_manager_end();
}

static void test_manager_wired_pages_stay_in_a_shortage(void)
{
    test_manager_begin(64);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, 64, 2);
    CHECK_EQUAL(vm_map_wire(test_map, test_at, test_manager_page(16), VM_PROT_DEFAULT), KERN_SUCCESS);
    CHECK(test_pager_squeeze(test_pager, 16, 10000, ALLOC_ORDINARY));
    (void)test_pager_squeeze(test_pager, 0, 200, ALLOC_ORDINARY);
    CHECK_EQUAL(test_pager_object(test_pager)->nr_resident, 16);
    CHECK_EQUAL(test_pager->nr_returned_pages, 48);
    CHECK_EQUAL(vm_map_wire(test_map, test_at, test_manager_page(16), VM_PROT_NONE), KERN_SUCCESS);
    CHECK(test_pager_squeeze(test_pager, 0, 10000, ALLOC_ORDINARY));
    CHECK(test_manager_drained());
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 64, 2), 0);
    test_pager_check(test_pager);
    test_manager_end();
}

/* ---- the end ---- */

static void test_manager_the_last_unmapping_returns_and_terminates(void)
{
    test_manager_begin(100);
    test_manager_map();
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 100, 1), 0);
    test_vm_user_fill(test_map, test_manager_page(30), 50, 2);
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_manager_page(100)), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager->nr_returned_pages, 50);
    CHECK_EQUAL(test_pager->nr_kernel_copy, 0);
    CHECK_EQUAL(test_pager->log[test_pager->nr_log - 1].id, MEMORY_OBJECT_MSG_TERMINATE);
    CHECK(test_manager_drained());
    /* A new mapping is a new conversation. */
    test_manager_map();
    CHECK(test_pager_wait(&test_pager->nr_init, 2));
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_manager_page(30), 50, 2), 0);
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_manager_page(100)), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 2));
    CHECK_EQUAL(test_pager->nr_returned_pages, 50);
    test_pager_check(test_pager);
    test_manager_end();
}

static struct test_pager *test_manager_mapped;
static uintptr_t test_manager_mapped_at;

static void test_manager_map_again(void *argument)
{
    test_manager_mapped_at = test_pager_map(test_manager_mapped, argument, 0);
    thread_exit();
}

static bool test_manager_is_mapped(void *context)
{
    (void)context;
    return test_manager_mapped_at != 0;
}

static void test_manager_mapping_waits_for_the_end(void)
{
    enum { PAGES = 400 };

    test_manager_begin(PAGES);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, PAGES, 2);
    test_pager->frees = false;
    uint64_t start = timer_ticks();
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_manager_page(PAGES)), KERN_SUCCESS);
    CHECK(timer_ticks() - start < timer_ticks_of_ms(100)); /* no unmapping waits for a manager */
    test_manager_mapped = test_pager;
    test_manager_mapped_at = 0;
    (void)kernel_thread_create("mapper", test_manager_map_again, test_map, THREAD_PRIORITY_USER);
    CHECK(!test_wait(test_manager_is_mapped, NULL, 200));
    CHECK_EQUAL(test_pager->nr_terminate, 0);
    CHECK(test_pager_out(test_pager) <= VM_ACCOUNT_WINDOW_MIN);
    test_pager->frees = true;
    test_pager_free_held(test_pager);
    CHECK(test_wait(test_manager_is_mapped, NULL, 5000));
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK(test_pager_wait(&test_pager->nr_init, 2));
    CHECK_EQUAL(test_pager->nr_returned_pages, PAGES);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_manager_mapped_at, PAGES, 2), 0);
    test_pager_check(test_pager);
    test_manager_end();
}

static void test_manager_a_cached_object_keeps_its_pages(void)
{
    test_manager_begin(64);
    test_pager->may_cache = true;
    test_manager_map();
    test_vm_user_fill(test_map, test_at, 64, 2);
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_manager_page(64)), KERN_SUCCESS);
    thread_delay(50);
    CHECK_EQUAL(test_pager->nr_terminate, 0);
    CHECK_EQUAL(test_pager->nr_returns, 0);
    unsigned int requests = test_pager->nr_requests;
    test_manager_map();
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 64, 2), 0);
    CHECK_EQUAL(test_pager->nr_requests, requests);
    CHECK_EQUAL(test_pager->nr_init, 1);
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_manager_page(64)), KERN_SUCCESS);
    /* When the manager will not have it cached any more it ends. */
    CHECK_EQUAL(test_pager->nr_terminate, 0);
    struct vm_object *object = memory_object_of_control(test_pager->control);
    REQUIRE(object != NULL);
    CHECK_EQUAL(memory_object_change_attributes(object, FALSE, MEMORY_OBJECT_COPY_NONE, IP_NULL, TEST_SONCE), KERN_SUCCESS);
    vm_object_unref(object);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 64, 2), 0);
    test_pager_check(test_pager);
    test_manager_end();
}

/* Its pages go as any others', and then it ends; one that is mapped again meanwhile does not. */
static void test_manager_a_cached_object_ends_in_a_shortage(void)
{
    test_manager_begin(64);
    test_pager->may_cache = true;
    struct test_pager *other = test_pager_create("other", 8);
    other->may_cache = true;
    uintptr_t there = test_pager_map(other, test_map, 0);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, 64, 2);
    test_vm_user_fill(test_map, there, 8, 2);
    CHECK_EQUAL(vm_map_remove(test_map, there, there + 8 * PAGE_SIZE), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_manager_page(64)), KERN_SUCCESS);
    there = test_pager_map(other, test_map, 0);
    CHECK(test_pager_squeeze(test_pager, 0, 10000, ALLOC_ORDINARY));
    CHECK(test_pager_squeeze(other, 0, 10000, ALLOC_ORDINARY));
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 64, 2), 0);
    CHECK_EQUAL(other->nr_terminate, 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, there, 8, 2), 0);
    /* It begins anew with the next mapping. */
    test_manager_map();
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 64, 2), 0);
    CHECK(test_pager_wait(&test_pager->nr_init, 2));
    test_pager_check(test_pager);
    CHECK_EQUAL(vm_map_remove(test_map, there, there + 8 * PAGE_SIZE), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_manager_page(64)), KERN_SUCCESS);
    test_pager_destroy(other);
    test_manager_end();
}

static void test_manager_a_destroyed_object_gives_no_data(void)
{
    struct test_access access;
    uint32_t word;

    test_manager_begin(64);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, 32, 2);
    test_pager->answer = TEST_PAGER_NOTHING;
    test_access_start(&access, test_map, test_manager_page(40), false, 0);
    CHECK(!test_access_wait(&access, 50));
    CHECK_EQUAL(test_pager_destroy_object(test_pager), KERN_SUCCESS);
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_MEMORY_FAILURE);
    CHECK_EQUAL(test_manager_read(3, &word), KERN_MEMORY_FAILURE);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    CHECK_EQUAL(test_pager->nr_returns, 0);
    CHECK_EQUAL(test_pager_destroy_object(test_pager), KERN_INVALID_ARGUMENT);
    /* The port stands for nothing now: it can be mapped again while the old mapping is still there. */
    test_pager->answer = TEST_PAGER_SUPPLY;
    uintptr_t again = test_pager_map(test_pager, test_map, 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, again, 64, 1), 0);
    CHECK_EQUAL(test_manager_read(3, &word), KERN_MEMORY_FAILURE);
    test_manager_end();
}

static void test_manager_destroying_with_runs_out(void)
{
    uint32_t word;

    test_manager_begin(200);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, 200, 2);
    test_pager->frees = false;
    (void)test_pager_squeeze(test_pager, 150, 2000, ALLOC_ORDINARY);
    test_pager_pause(test_pager);
    (void)test_pager_squeeze(test_pager, 0, 200, ALLOC_ORDINARY);
    CHECK(test_pager_out(test_pager) > 0);
    CHECK_EQUAL(test_pager_destroy_object(test_pager), KERN_SUCCESS);
    CHECK_EQUAL(test_manager_read(199, &word), KERN_MEMORY_FAILURE);
    test_pager_check_accounts();
    test_pager->receives = true;
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    test_pager_free_held(test_pager);
    CHECK_EQUAL(test_pager_out(test_pager), 0);
    test_pager_check(test_pager);
    test_manager_end();
}

static void test_manager_dying_while_the_object_ends(void)
{
    enum { PAGES = 400 };

    test_manager_begin(PAGES);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, PAGES, 2);
    test_pager->frees = false;
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_manager_page(PAGES)), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_returns, 1));
    test_pager_kill(test_pager);
    test_manager_end(); /* nothing is left: frames, accounts, records */
}

static void test_manager_dying_with_a_lock_request_under_way(void)
{
    enum { PAGES = 400 };

    test_manager_begin(PAGES);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, PAGES, 2);
    test_pager->frees = false;
    CHECK_EQUAL(test_manager_clean(0, PAGES, MEMORY_OBJECT_RETURN_DIRTY, false), KERN_SUCCESS);
    CHECK_EQUAL(test_manager_clean(0, PAGES, MEMORY_OBJECT_RETURN_ALL, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_returns, 1));
    test_pager_kill(test_pager);
    thread_delay(100);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, PAGES, 2), 0); /* cleaned by keeping: all are here */
    test_manager_end();
}

/* ---- copies ---- */

static void test_manager_a_delayed_copy_is_of_its_moment(void)
{
    struct vm_map_copy *copy = NULL;
    uintptr_t at = 0;

    test_manager_begin(32);
    test_pager->strategy = MEMORY_OBJECT_COPY_DELAY;
    test_manager_map();
    test_vm_user_fill(test_map, test_at, 16, 2);
    CHECK_EQUAL(vm_map_copyin(test_map, test_at, 32 * PAGE_SIZE, false, &copy), KERN_SUCCESS);
    test_vm_user_fill(test_map, test_at, 8, 3);
    test_vm_user_fill(test_map, test_manager_page(24), 8, 3);
    CHECK(test_pager_squeeze(test_pager, 0, 10000, ALLOC_ORDINARY));
    CHECK(test_manager_drained());
    CHECK_EQUAL(vm_map_copyout(test_map, &at, copy), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_user_wrong(test_map, at, 16, 2), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, at, 32, 1), 16);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 8, 3), 0);
    test_vm_user_fill(test_map, at, 32, 4);
    CHECK(test_pager_squeeze(test_pager, 0, 10000, ALLOC_ORDINARY));
    CHECK(test_manager_drained());
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_manager_page(24), 8, 3), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, at, 32, 4), 0);
    test_pager_check(test_pager);
    test_manager_end();
}

static void test_manager_an_object_without_copies_is_copied_at_once(void)
{
    struct vm_map_copy *copy = NULL;
    uintptr_t at = 0;

    test_manager_begin(32);
    test_manager_map();
    test_vm_user_fill(test_map, test_at, 16, 2);
    CHECK_EQUAL(vm_map_copyin(test_map, test_at, 32 * PAGE_SIZE, false, &copy), KERN_SUCCESS);
    test_vm_user_fill(test_map, test_at, 32, 3);
    CHECK_EQUAL(vm_map_copyout(test_map, &at, copy), KERN_SUCCESS);
    CHECK_EQUAL(test_vm_user_wrong(test_map, at, 16, 2), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, at, 32, 1), 16);
    test_manager_end();
}

/* ---- no memory ---- */

static void test_manager_attempt(void *context)
{
    enum { PAGES = 40 };
    struct vm_map *map = test_vm_map();
    struct test_pager *pager = test_pager_create("attempt", PAGES);
    vm_address_t at = 0;
    struct ipc_port *right = ipc_port_copy_send(pager->port);

    (void)context;
    test_vm_fail_begin();
    kern_return_t kr = vm_map(map, &at, PAGES * PAGE_SIZE, 0, TRUE, right, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
                              VM_INHERIT_DEFAULT);
    if (kr != KERN_SUCCESS) {
        CHECK_EQUAL(kr, KERN_RESOURCE_SHORTAGE);
        CHECK(test_vm_fail_end());
        ipc_port_release_send(right);
        at = test_pager_map(pager, map, 0);
    }
    test_vm_user_fill(map, at, PAGES, 2);
    /* Calls may be refused: then they are made again. */
    while ((kr = test_pager_lock(pager, 0, PAGES, MEMORY_OBJECT_RETURN_DIRTY, false, VM_PROT_NO_CHANGE, true)) ==
           KERN_RESOURCE_SHORTAGE)
        CHECK(test_vm_fail_end());
    CHECK_EQUAL(kr, KERN_SUCCESS);
    CHECK(test_pager_wait(&pager->nr_locked, 1));
    CHECK_EQUAL(test_pager_disk_wrong(pager, 0, PAGES, 2), 0);
    test_vm_user_fill(map, at, PAGES, 3);
    CHECK_EQUAL(vm_map_remove(map, at, at + PAGES * PAGE_SIZE), KERN_SUCCESS);
    CHECK(test_pager_wait(&pager->nr_terminate, 1));
    if (test_vm_fail_end())
        pager->nr_unmapped = 0; /* without memory for a page table the manager's faults make one */
    CHECK_EQUAL(test_pager_disk_wrong(pager, 0, PAGES, 3), 0);
    test_pager_check(pager);
    vm_map_unref(map);
    test_pager_destroy(pager);
}

static void test_manager_every_failure_is_survived(void)
{
    unsigned int failures = test_vm_fail_each(test_manager_attempt, NULL);

    test_note("%u allocations were made to fail", failures);
    CHECK(failures >= 100);
}

static const struct test_case test_manager_cases[] = {
    {"nothing is asked before the manager is ready", test_manager_nothing_is_asked_before_ready},
    {"many mappings of a port are one conversation", test_manager_many_maps_are_one_conversation},
    {"ports that are no memory objects are not mapped", test_manager_ports_that_are_no_objects},
    {"data that is unavailable is zeroes", test_manager_unavailable_is_zeroes},
    {"an error is the user's, and the next access asks again", test_manager_an_error_is_the_users},
    {"wiring ends at an error, and wires nothing", test_manager_wiring_ends_at_an_error},
    {"data that nobody asked for is kept, and nothing is overwritten", test_manager_data_that_nobody_asked_for},
    {"calls with wrong numbers are refused or cut", test_manager_calls_with_wrong_numbers},
    {"locked data waits for the unlock", test_manager_locked_data_waits_for_the_unlock},
    {"a manager that dies fails who waits for data", test_manager_dying_fails_who_waits_for_data},
    {"cleaning keeps the pages, with kernel_copy set", test_manager_cleaning_keeps_the_pages},
    {"nobody writes behind the message", test_manager_nobody_writes_behind_the_message},
    {"flushing takes the pages, and discards without return", test_manager_flushing_takes_the_pages},
    {"returning all returns precious pages, by class", test_manager_returning_all_returns_precious_pages},
    {"a lock request goes on as the window opens", test_manager_a_lock_request_goes_on_as_the_window_opens},
    {"an unlock does not wait for the window", test_manager_an_unlock_does_not_wait_for_the_window},
    {"wired pages are cleaned by copying, and never fault", test_manager_wired_pages_are_cleaned_by_copying},
    {"wired pages stay in a shortage", test_manager_wired_pages_stay_in_a_shortage},
    {"the last unmapping returns what is dirty, then terminates", test_manager_the_last_unmapping_returns_and_terminates},
    {"mapping an object that is ending waits for its end", test_manager_mapping_waits_for_the_end},
    {"a cached object keeps its pages and its port", test_manager_a_cached_object_keeps_its_pages},
    {"a cached object ends in a shortage, unless it is mapped again", test_manager_a_cached_object_ends_in_a_shortage},
    {"a destroyed object gives no data, and its port is free", test_manager_a_destroyed_object_gives_no_data},
    {"an object destroyed with runs out", test_manager_destroying_with_runs_out},
    {"a manager that dies while its object ends", test_manager_dying_while_the_object_ends},
    {"a manager that dies with a lock request under way", test_manager_dying_with_a_lock_request_under_way},
    {"a delayed copy is of its moment, through page-outs", test_manager_a_delayed_copy_is_of_its_moment},
    {"an object that has no copies is copied at once", test_manager_an_object_without_copies_is_copied_at_once},
    {"each failing allocation of a conversation is survived", test_manager_every_failure_is_survived},
    {NULL, NULL},
};

const struct test_suite test_manager_suite = {"manager", test_manager_cases};
