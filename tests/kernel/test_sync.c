/* SPDX-License-Identifier: BSD-2-Clause */
/* vm_msync: what comes back, what managers are told that want to be, and who waits for whom. */
#include <mach/vm_sync.h>

#include "kernel/machine.h"
#include "kernel/thread.h"
#include "kernel/thread_life.h"
#include "tests/kernel/test_pager.h"
#include "vm/memory_object_call.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_user.h"

#define TEST_PAGES 100u

static struct test_pager *test_pager;
static struct vm_map *test_map;
static uintptr_t test_at;
static struct test_vm_stock test_stock;

/* A call by a thread of its own. */
struct test_sync {
    uint32_t first, nr_pages;
    vm_sync_t flags;
    kern_return_t result;
    bool done;
    struct thread *thread;
};

static void test_sync_main(void *argument)
{
    struct test_sync *sync = argument;

    sync->result = vm_msync(test_map, test_at + sync->first * PAGE_SIZE, sync->nr_pages * PAGE_SIZE, sync->flags);
    sync->done = true;
    thread_exit();
}

static void test_sync_start(struct test_sync *sync, uint32_t first, uint32_t nr_pages, vm_sync_t flags)
{
    *sync = (struct test_sync){.first = first, .nr_pages = nr_pages, .flags = flags};
    sync->thread = kernel_thread_create("sync", test_sync_main, sync, THREAD_PRIORITY_USER);
}

static bool test_sync_is_done(void *context)
{
    return ((struct test_sync *)context)->done;
}

static bool test_sync_wait(struct test_sync *sync, uint32_t milliseconds)
{
    return test_wait(test_sync_is_done, sync, milliseconds);
}

static kern_return_t test_sync_completed(uint32_t first, uint32_t nr_pages)
{
    struct vm_object *object = memory_object_of_control(test_pager->control);
    kern_return_t kr = memory_object_synchronize_completed(object, first * PAGE_SIZE, nr_pages * PAGE_SIZE);

    vm_object_unref(object);
    return kr;
}

static void test_sync_begin(bool wanted)
{
    test_vm_stock_take(&test_stock);
    test_map = test_vm_map();
    test_pager = test_pager_create("pager", TEST_PAGES);
    test_at = test_pager_map(test_pager, test_map, 0);
    CHECK(test_pager_wait(&test_pager->nr_init, 1));
    struct vm_object *object = memory_object_of_control(test_pager->control);
    CHECK_EQUAL(machair_memory_object_set_synchronize(object, wanted), KERN_SUCCESS);
    vm_object_unref(object);
    test_vm_user_fill(test_map, test_at, TEST_PAGES, 2);
}

static void test_sync_end(void)
{
    test_pager_check(test_pager);
    vm_map_unref(test_map);
    test_pager_destroy(test_pager);
    test_vm_stock_check(&test_stock);
}

static void test_sync_who_did_not_ask_is_told_nothing(void)
{
    test_sync_begin(false);
    CHECK_EQUAL(vm_msync(test_map, test_at, TEST_PAGES * PAGE_SIZE, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS);
    CHECK_EQUAL(test_pager->nr_returned_pages, TEST_PAGES);
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, TEST_PAGES, 2), 0);
    CHECK_EQUAL(vm_msync(test_map, test_at, TEST_PAGES * PAGE_SIZE, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS);
    CHECK_EQUAL(test_pager->nr_returned_pages, TEST_PAGES);
    CHECK_EQUAL(test_pager->nr_syncs, 0);
    test_sync_end();
}

static void test_sync_waits_for_the_manager(void)
{
    struct test_sync sync;

    test_sync_begin(true);
    test_sync_start(&sync, 10, 80, VM_SYNC_SYNCHRONOUS);
    CHECK(test_pager_wait(&test_pager->nr_syncs, 1));
    const struct test_pager_message *message = test_pager_find(test_pager, MEMORY_OBJECT_MSG_SYNCHRONIZE, 0);
    CHECK(message->index == 10 && message->nr_pages == 80);
    CHECK_EQUAL(test_pager->sync_flags, VM_SYNC_SYNCHRONOUS);
    /* It is the last word about these pages: all of them came before it, and the kernel has them still. */
    CHECK_EQUAL(test_pager->nr_returned_pages, 80);
    CHECK_EQUAL(test_pager->nr_kernel_copy, test_pager->nr_returns);
    CHECK(!test_sync_wait(&sync, 50));
    CHECK_EQUAL(test_sync_completed(10, 79), KERN_SUCCESS);
    CHECK_EQUAL(test_sync_completed(11, 80), KERN_SUCCESS);
    CHECK(!test_sync_wait(&sync, 50));
    CHECK_EQUAL(test_sync_completed(10, 80), KERN_SUCCESS);
    CHECK(test_sync_wait(&sync, 2000));
    CHECK_EQUAL(sync.result, KERN_SUCCESS);
    CHECK_EQUAL(test_sync_completed(10, 80), KERN_SUCCESS);
    test_sync_end();
}

static void test_sync_begins_and_does_not_wait(void)
{
    test_sync_begin(true);
    CHECK_EQUAL(vm_msync(test_map, test_at, 20 * PAGE_SIZE, VM_SYNC_ASYNCHRONOUS | VM_SYNC_INVALIDATE), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_syncs, 1));
    CHECK_EQUAL(test_pager->sync_flags, VM_SYNC_ASYNCHRONOUS | VM_SYNC_INVALIDATE);
    CHECK_EQUAL(test_pager->nr_returned_pages, 20);
    CHECK_EQUAL(test_pager->nr_kernel_copy, 0);
    for (unsigned int page = 0; page < 20; page++)
        CHECK(pmap_extract(test_map->pmap, test_at + page * PAGE_SIZE) == NULL);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, TEST_PAGES, 2), 0);
    /* Nothing is to be made permanent when nothing comes back. */
    CHECK_EQUAL(vm_msync(test_map, test_at, 20 * PAGE_SIZE, VM_SYNC_INVALIDATE), KERN_SUCCESS);
    CHECK_EQUAL(vm_msync(test_map, test_at, 0, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS);
    CHECK_EQUAL(test_pager->nr_syncs, 1);
    CHECK_EQUAL(vm_msync(test_map, test_at, PAGE_SIZE, VM_SYNC_ASYNCHRONOUS | VM_SYNC_SYNCHRONOUS), KERN_INVALID_ARGUMENT);
    CHECK_EQUAL(vm_msync(test_map, test_at, (TEST_PAGES + 1) * PAGE_SIZE, VM_SYNC_ASYNCHRONOUS), KERN_INVALID_ADDRESS);
    test_sync_end();
}

static void test_sync_answers_are_for_who_was_first(void)
{
    struct test_sync first, second;

    test_sync_begin(true);
    test_sync_start(&first, 0, 5, VM_SYNC_SYNCHRONOUS);
    CHECK(test_pager_wait(&test_pager->nr_syncs, 1));
    test_sync_start(&second, 0, 5, VM_SYNC_SYNCHRONOUS);
    CHECK(test_pager_wait(&test_pager->nr_syncs, 2));
    thread_abort_mark(first.thread);
    CHECK(test_sync_wait(&first, 2000));
    CHECK_EQUAL(first.result, KERN_ABORTED);
    /* This answers the call that was broken off. */
    CHECK_EQUAL(test_sync_completed(0, 5), KERN_SUCCESS);
    CHECK(!test_sync_wait(&second, 50));
    CHECK_EQUAL(test_sync_completed(0, 5), KERN_SUCCESS);
    CHECK(test_sync_wait(&second, 2000));
    CHECK_EQUAL(second.result, KERN_SUCCESS);
    test_sync_end();
}

static void test_sync_ends_with_the_manager(void)
{
    struct test_sync aborted, dead;

    test_sync_begin(true);
    test_sync_start(&aborted, 0, 5, VM_SYNC_SYNCHRONOUS);
    CHECK(test_pager_wait(&test_pager->nr_syncs, 1));
    thread_abort_mark(aborted.thread);
    CHECK(test_sync_wait(&aborted, 2000));
    test_sync_start(&dead, 5, 5, VM_SYNC_SYNCHRONOUS);
    CHECK(test_pager_wait(&test_pager->nr_syncs, 2));
    test_pager_kill(test_pager);
    CHECK(test_sync_wait(&dead, 2000));
    CHECK_EQUAL(dead.result, KERN_MEMORY_FAILURE);
    CHECK_EQUAL(vm_msync(test_map, test_at, PAGE_SIZE, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS); /* nobody to tell */
    test_sync_end();
}

static void test_sync_that_is_never_answered_ends_with_the_object(void)
{
    struct test_sync sync;

    test_sync_begin(true);
    test_sync_start(&sync, 0, 5, VM_SYNC_SYNCHRONOUS);
    CHECK(test_pager_wait(&test_pager->nr_syncs, 1));
    thread_abort_mark(sync.thread);
    CHECK(test_sync_wait(&sync, 2000));
    CHECK_EQUAL(vm_map_remove(test_map, test_at, test_at + TEST_PAGES * PAGE_SIZE), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_terminate, 1));
    test_sync_end();
}

static void test_sync_failing(void *context)
{
    (void)context;
    test_sync_begin(true);
    test_vm_fail_begin();
    CHECK_EQUAL(vm_msync(test_map, test_at, TEST_PAGES * PAGE_SIZE, VM_SYNC_ASYNCHRONOUS), KERN_SUCCESS);
    CHECK(test_pager_wait(&test_pager->nr_syncs, 1));
    if (test_vm_fail_end())
        test_pager->nr_unmapped = 0; /* without memory for a page table the manager's faults make one */
    CHECK_EQUAL(test_pager->nr_returned_pages, TEST_PAGES);
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, TEST_PAGES, 2), 0);
    test_sync_end();
}

static void test_sync_survives_every_failure(void)
{
    CHECK(test_vm_fail_each(test_sync_failing, NULL) > 2);
}

static const struct test_case test_sync_cases[] = {
    {"a manager that did not ask is told nothing", test_sync_who_did_not_ask_is_told_nothing},
    {"one that asked hears it after the data, and is waited for", test_sync_waits_for_the_manager},
    {"an asynchronous call does not wait; nothing returned, nothing told", test_sync_begins_and_does_not_wait},
    {"an answer to a call that was broken off wakes no other", test_sync_answers_are_for_who_was_first},
    {"the manager's death ends the wait", test_sync_ends_with_the_manager},
    {"a call that was never answered ends with the object", test_sync_that_is_never_answered_ends_with_the_object},
    {"each failing allocation is survived", test_sync_survives_every_failure},
    {NULL, NULL},
};

const struct test_suite test_sync_suite = {"sync", test_sync_cases};
