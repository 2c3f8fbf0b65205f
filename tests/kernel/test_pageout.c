/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pageout path, with pagers that are kernel threads: what its laws promise, one story a case. Memory is made short by
 * taking it (test_pager_squeeze), so that the daemon itself does the work.
 */
#include "ipc/ipc_port.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "tests/kernel/test_pager.h"
#include "vm/vm_frame.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_pageout.h"
#include "vm/vm_policy.h"
#include "vm/vm_user.h"

#define TEST_PAGEOUT_PATIENCE 20000u /* ms until a squeeze is given up: far more than it takes */

/* What most cases have: a manager, and a user's map with its object. */
static struct test_pager *test_pager;
static struct vm_map *test_map;
static uintptr_t test_at;
static struct test_vm_stock test_stock;

static void test_pageout_begin(uint32_t nr_pages)
{
    test_vm_stock_take(&test_stock);
    test_map = test_vm_map();
    test_pager = test_pager_create("pager", nr_pages);
    test_at = test_pager_map(test_pager, test_map, 0);
}

static void test_pageout_end(void)
{
    vm_map_unref(test_map);
    test_pager_destroy(test_pager);
    test_vm_stock_check(&test_stock);
}

static bool test_pageout_squeeze(uint32_t most)
{
    return CHECK(test_pager_squeeze(test_pager, most, TEST_PAGEOUT_PATIENCE, ALLOC_ORDINARY));
}

static bool test_pageout_no_memory_out(void *context)
{
    return test_pager_out(context) == 0;
}

/* Whether all that was returned has been freed, or will be soon. */
static bool test_pageout_drained(struct test_pager *pager)
{
    return test_wait(test_pageout_no_memory_out, pager, 5000);
}

/* ---- true flags, whole runs ---- */

static void test_pageout_modified_pages_go_in_runs(void)
{
    enum { PAGES = 512 };

    test_pageout_begin(PAGES);
    test_vm_user_fill(test_map, test_at, PAGES, 2);
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager->nr_returned_pages, PAGES); /* each page once */
    CHECK_EQUAL(test_pager->nr_dirty, test_pager->nr_returns);
    CHECK_EQUAL(test_pager->nr_kernel_copy, 0);
    CHECK(test_pager->nr_returns <= PAGES / 32); /* a mean of half of the longest run at least */
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, PAGES, 2), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, PAGES, 2), 0);
    for (unsigned int i = 0; i < test_pager->nr_log; i++)
        CHECK_EQUAL(test_pager->log[i].seqno, i);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_clean_pages_are_dropped_without_a_word(void)
{
    enum { PAGES = 256 };

    test_pageout_begin(PAGES);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, PAGES, 1), 0);
    CHECK_EQUAL(test_pager->nr_requests, PAGES);
    struct vm_policy_counts before = vm_policy_counts;
    test_pageout_squeeze(0);
    CHECK_EQUAL(test_pager->nr_returns, 0);
    CHECK_EQUAL(vm_policy_counts.evicted - before.evicted, PAGES);
    CHECK(vm_policy_counts.scanned - before.scanned >= PAGES);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, PAGES, 1), 0);
    CHECK_EQUAL(test_pager->nr_requests, 2 * PAGES);
    test_pageout_end();
}

/* What the scan says of page, which was used, or not, since it last looked. */
static enum vm_policy_verdict test_pageout_judge(struct vm_page *page, bool used)
{
    struct pmap_batch batch;

    pmap_batch_init(&batch);
    pmap_frame_clear_bits(page->frame, PMAP_REFERENCED, &batch);
    if (used)
        page->frame->pmap_bits |= PMAP_REFERENCED;
    enum vm_policy_verdict verdict = vm_policy_judge(page, &batch);
    pmap_batch_flush(&batch);
    return verdict;
}

static void test_pageout_used_pages_get_another_turn(void)
{
    test_pageout_begin(1);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 1, 1), 0);
    struct vm_object *object = test_pager_object(test_pager);
    vm_object_lock(object);
    struct vm_page *page = vm_page_lookup(object, 0);
    struct vm_policy_counts before = vm_policy_counts;
    vm_page_deactivate(page);
    CHECK_EQUAL(test_pageout_judge(page, true), VM_POLICY_KEEP);
    CHECK_EQUAL(page->queue, VM_PAGE_INACTIVE);
    CHECK_EQUAL(vm_policy_counts.reclaimed - before.reclaimed, 1);
    CHECK_EQUAL(vm_policy_counts.activated - before.activated, 0);
    CHECK_EQUAL(test_pageout_judge(page, true), VM_POLICY_KEEP);
    CHECK_EQUAL(page->queue, VM_PAGE_ACTIVE);
    CHECK_EQUAL(vm_policy_counts.reclaimed - before.reclaimed, 1);
    CHECK_EQUAL(vm_policy_counts.activated - before.activated, 1);
    vm_page_deactivate(page);
    CHECK_EQUAL(test_pageout_judge(page, false), VM_POLICY_EVICT);
    vm_object_unlock(object);
    test_pageout_end();
}

static void test_pageout_precious_pages_are_returned_as_clean(void)
{
    enum { PAGES = 256 };

    test_pageout_begin(PAGES);
    test_pager->precious = true;
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, PAGES, 1), 0);
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager->nr_returned_pages, PAGES);
    CHECK_EQUAL(test_pager->nr_clean, test_pager->nr_returns);
    CHECK_EQUAL(test_pager->nr_kernel_copy, 0);
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, PAGES, 1), 0);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_runs_are_of_one_class(void)
{
    enum { PAGES = 256 };
    unsigned int i, j, wrong = 0, dirty = 0;

    test_pageout_begin(PAGES);
    test_pager->precious = true;
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, PAGES, 1), 0);
    for (i = 0; i < PAGES; i += 16)
        test_vm_user_fill(test_map, test_at + i * PAGE_SIZE, 8, 2);
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    for (i = 0; i < test_pager->nr_log; i++) {
        const struct test_pager_message *message = &test_pager->log[i];
        if (message->id != MEMORY_OBJECT_MSG_DATA_RETURN)
            continue;
        for (j = message->index; j < message->index + message->nr_pages; j++)
            wrong += message->dirty != (j % 16 < 8);
        dirty += message->dirty ? message->nr_pages : 0;
    }
    CHECK_EQUAL(wrong, 0);
    CHECK_EQUAL(dirty, PAGES / 2);
    CHECK_EQUAL(test_pager->nr_returned_pages, PAGES);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_a_hole_ends_a_run(void)
{
    test_pageout_begin(64);
    test_vm_user_fill(test_map, test_at, 10, 2);
    test_vm_user_fill(test_map, test_at + 11 * PAGE_SIZE, 10, 2);
    test_vm_user_fill(test_map, test_at + 63 * PAGE_SIZE, 1, 2);
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager->nr_returned_pages, 21);
    CHECK(test_pager->nr_returns >= 3);
    for (unsigned int i = 0; i < test_pager->nr_log; i++) {
        const struct test_pager_message *message = &test_pager->log[i];
        if (message->id == MEMORY_OBJECT_MSG_DATA_RETURN)
            CHECK(message->index + message->nr_pages <= 10 || message->index >= 11);
    }
    CHECK_EQUAL(test_pager->disk[10], test_vm_word(1, 10));
    test_pager_check(test_pager);
    test_pageout_end();
}

/* ---- order ---- */

static void test_pageout_a_return_comes_before_the_request(void)
{
    struct test_access access;
    uint32_t old = test_vm_word(1, 10);
    unsigned int i, returned = ~0u, requested = ~0u;

    test_pageout_begin(64);
    test_vm_user_fill(test_map, test_at, 64, 2);
    test_pager_pause(test_pager);
    unsigned int before = test_pager->nr_log;
    test_pageout_squeeze(0);
    CHECK_EQUAL(test_pager_out(test_pager), 64);
    test_access_start(&access, test_map, test_at + 10 * PAGE_SIZE, false, 0);
    CHECK(!test_access_wait(&access, 100));
    /* The manager sends what it has, which is older than what is on its way: refused, and nobody sees it. */
    CHECK_EQUAL(test_pager_supply(test_pager, 10, 1, &old, VM_PROT_NONE, false, true), KERN_SUCCESS);
    CHECK(!test_access_wait(&access, 100));
    test_pager->receives = true;
    CHECK(test_access_wait(&access, 2000));
    CHECK_EQUAL(access.result, KERN_SUCCESS);
    CHECK_EQUAL(access.word, test_vm_word(2, 10));
    test_pager_wait(&test_pager->nr_supplied, 1);
    for (i = before; i < test_pager->nr_log; i++) {
        const struct test_pager_message *message = &test_pager->log[i];
        if (message->id == MEMORY_OBJECT_MSG_DATA_RETURN && 10 - message->index < message->nr_pages)
            returned = i;
        if (message->id == MEMORY_OBJECT_MSG_DATA_REQUEST && message->index == 10)
            requested = i;
    }
    CHECK(returned < requested && requested != ~0u);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_a_supply_while_the_return_is_queued_is_refused(void)
{
    const struct test_pager_message *reply;
    uint32_t old[4];

    test_pageout_begin(64);
    test_vm_user_fill(test_map, test_at + 2 * PAGE_SIZE, 2, 2); /* pages 2 and 3 */
    test_pager_pause(test_pager);
    test_pageout_squeeze(0);
    for (unsigned int i = 0; i < 4; i++)
        old[i] = test_vm_word(1, i);
    CHECK_EQUAL(test_pager_supply(test_pager, 0, 4, old, VM_PROT_NONE, false, true), KERN_SUCCESS);
    test_pager->receives = true;
    test_pager_wait(&test_pager->nr_supplied, 1);
    reply = test_pager_find(test_pager, MEMORY_OBJECT_MSG_SUPPLY_COMPLETED, 0);
    REQUIRE(reply != NULL);
    CHECK_EQUAL(reply->result, KERN_MEMORY_PRESENT);
    CHECK_EQUAL(reply->error_index, 2); /* what came before it was taken */
    CHECK(test_pageout_drained(test_pager));
    unsigned int requests = test_pager->nr_requests;
    uint32_t word = 0;
    CHECK(test_vm_peek(test_map, test_at + PAGE_SIZE, &word));
    CHECK_EQUAL(word, old[1]);
    CHECK_EQUAL(test_pager->nr_requests, requests);
    CHECK(test_vm_peek(test_map, test_at + 3 * PAGE_SIZE, &word));
    CHECK_EQUAL(word, test_vm_word(2, 1));
    /* Received, it is the manager's to supply again; now where the page is, it is refused because it is there. */
    CHECK_EQUAL(test_pager_supply(test_pager, 2, 1, old, VM_PROT_NONE, false, true), KERN_SUCCESS);
    test_pager_wait(&test_pager->nr_supplied, 2);
    CHECK_EQUAL(test_pager_find(test_pager, MEMORY_OBJECT_MSG_SUPPLY_COMPLETED, 1)->result, KERN_SUCCESS);
    CHECK_EQUAL(test_pager_supply(test_pager, 2, 1, old, VM_PROT_NONE, false, true), KERN_SUCCESS);
    test_pager_wait(&test_pager->nr_supplied, 3);
    CHECK_EQUAL(test_pager_find(test_pager, MEMORY_OBJECT_MSG_SUPPLY_COMPLETED, 2)->result, KERN_MEMORY_PRESENT);
    test_pager_check(test_pager);
    test_pageout_end();
}

/* ---- nothing is lost ---- */

static void test_pageout_dying_with_returns_queued_brings_them_home(void)
{
    uint32_t word;

    test_pageout_begin(100);
    test_vm_user_fill(test_map, test_at, 64, 2);
    test_pager_pause(test_pager);
    test_pageout_squeeze(0);
    CHECK_EQUAL(test_pager_out(test_pager), 64);
    uint64_t home = vm_pageout_counters.runs_home;
    test_pager_kill(test_pager);
    thread_delay(100);
    CHECK(vm_pageout_counters.runs_home > home);
    CHECK_EQUAL(vm_account_total_out(), test_stock.out);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 64, 2), 0);
    test_vm_user_fill(test_map, test_at, 64, 3); /* usable, and written */
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 64, 3), 0);
    CHECK_EQUAL(vm_map_read(test_map, test_at + 64 * PAGE_SIZE, &word, 4), KERN_MEMORY_FAILURE);
    test_pageout_end();
}

static void test_pageout_dying_serves_who_waits_for_a_queued_return(void)
{
    struct test_access read, write, absent;

    test_pageout_begin(100);
    test_vm_user_fill(test_map, test_at, 64, 2);
    test_pager_pause(test_pager);
    test_pageout_squeeze(0);
    test_access_start(&read, test_map, test_at + 10 * PAGE_SIZE, false, 0);
    test_access_start(&write, test_map, test_at + 20 * PAGE_SIZE, true, 77);
    test_access_start(&absent, test_map, test_at + 80 * PAGE_SIZE, false, 0);
    CHECK(!test_access_wait(&read, 100));
    test_pager_kill(test_pager);
    CHECK(test_access_wait(&read, 2000));
    CHECK(test_access_wait(&write, 2000));
    CHECK(test_access_wait(&absent, 2000));
    CHECK_EQUAL(read.result, KERN_SUCCESS);
    CHECK_EQUAL(read.word, test_vm_word(2, 10));
    CHECK_EQUAL(write.result, KERN_SUCCESS);
    CHECK_EQUAL(absent.result, KERN_MEMORY_FAILURE);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 64, 2), 1);
    test_pageout_end();
}

static void test_pageout_dying_after_receiving_takes_the_data_along(void)
{
    uint32_t word;

    test_pageout_begin(100);
    test_vm_user_fill(test_map, test_at, 64, 2);
    test_pager->frees = false;
    test_pageout_squeeze(0);
    CHECK(test_pager_wait(&test_pager->nr_returned_pages, 64));
    CHECK_EQUAL(test_pager_out(test_pager), 64);
    test_pager_kill(test_pager);
    thread_delay(100);
    CHECK_EQUAL(vm_account_total_out(), test_stock.out);
    CHECK_EQUAL(vm_map_read(test_map, test_at + 10 * PAGE_SIZE, &word, 4), KERN_MEMORY_FAILURE);
    CHECK(!test_vm_peek(test_map, test_at + 20 * PAGE_SIZE, &word));
    test_pageout_end();
}

static void test_pageout_destroying_the_port_brings_returns_home(void)
{
    test_pageout_begin(64);
    test_vm_user_fill(test_map, test_at, 64, 2);
    test_pager_pause(test_pager);
    test_pageout_squeeze(0);
    test_pager_destroy_port(test_pager);
    thread_delay(100);
    CHECK_EQUAL(test_pager_out(test_pager), 0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 64, 2), 0);
    test_pageout_end();
}

/* From the next message on the manager has room for so many bytes (0: any). */
static void test_pageout_room(mach_msg_size_t room)
{
    test_pager_pause(test_pager);
    test_pager->room = room;
    test_pager->receives = true;
}

static void test_pageout_a_buffer_too_small_loses_nothing(void)
{
    test_pageout_begin(64);
    test_pager_write(test_map, test_at, 64, 2); /* no processor has noted it: what is true is the kernel's word alone */
    test_pageout_room(40);
    uint64_t home = vm_pageout_counters.runs_home;
    /* Each return is lost and comes home, again and again. */
    (void)test_pager_squeeze(test_pager, 0, 300, ALLOC_ORDINARY);
    CHECK(test_pager->nr_lost > 0);
    CHECK(test_pageout_drained(test_pager));
    CHECK(vm_pageout_counters.runs_home > home);
    test_pageout_room(0);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 64, 2), 0);
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 64, 2), 0);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_no_room_in_the_managers_map_loses_nothing(void)
{
    test_pageout_begin(64);
    test_pager_write(test_map, test_at, 64, 2); /* no processor has noted it: what is true is the kernel's word alone */
    struct vm_map *map = test_pager->task->map;
    map->size_limit = 0;
    (void)test_pager_squeeze(test_pager, 0, 300, ALLOC_ORDINARY);
    CHECK(test_pager->nr_lost > 0);
    CHECK(test_pageout_drained(test_pager));
    map->size_limit = UINTPTR_MAX;
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 64, 2), 0);
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 64, 2), 0);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_a_lost_precious_run_is_precious_again(void)
{
    test_pageout_begin(64);
    test_pager->precious = true;
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 64, 1), 0);
    test_pageout_room(40);
    (void)test_pager_squeeze(test_pager, 0, 300, ALLOC_ORDINARY);
    CHECK(test_pager->nr_lost > 0);
    CHECK(test_pageout_drained(test_pager));
    test_pageout_room(0);
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager->nr_returned_pages, 64);
    CHECK_EQUAL(test_pager->nr_clean, test_pager->nr_returns);
    test_pager_check(test_pager);
    test_pageout_end();
}

/* ---- bounds, and progress beside who does not move ---- */

/* One pager of two stands still in some way: it has no more than its window, and the other one goes on. */
static void test_pageout_beside(bool receives, bool frees)
{
    enum { PAGES = 600 };
    uint32_t most = 0;

    test_pageout_begin(PAGES);
    struct test_pager *good = test_pager_create("good", PAGES);
    uintptr_t at = test_pager_map(good, test_map, 0);
    test_vm_user_fill(test_map, test_at, PAGES, 2);
    test_vm_user_fill(test_map, at, PAGES, 3);
    if (!receives)
        test_pager_pause(test_pager);
    test_pager->frees = frees;
    for (unsigned int round = 3; round < 6; round++) {
        uint64_t start = timer_ticks();
        CHECK(test_pager_squeeze(good, 0, TEST_PAGEOUT_PATIENCE, ALLOC_ORDINARY));
        CHECK(timer_ticks() - start < timer_ticks_of_ms(3000));
        most = MAX(most, test_pager_out(test_pager));
        CHECK_EQUAL(test_vm_user_wrong(test_map, at, PAGES, round), 0);
        test_vm_user_fill(test_map, at, PAGES, round + 1);
    }
    CHECK(most > 0 && most <= VM_ACCOUNT_WINDOW_MIN);
    CHECK_EQUAL(test_pager_out(test_pager), most);
    /* It comes to its senses, and everything goes on from there. */
    test_pager->receives = test_pager->frees = true;
    thread_delay(50);
    test_pager_free_held(test_pager);
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, PAGES, 2), 0);
    CHECK_EQUAL(test_pager->nr_returned_pages, PAGES);
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, PAGES, 2), 0);
    test_pager_check(test_pager);
    test_pager_check(good);
    vm_map_unref(test_map);
    test_map = test_vm_map();
    test_pager_destroy(good);
    test_pageout_end();
}

static void test_pageout_one_that_never_frees_holds_its_window(void)
{
    test_pageout_beside(true, false);
}

static void test_pageout_one_that_never_receives_holds_its_window(void)
{
    test_pageout_beside(false, true);
}

static void test_pageout_runs_are_cut_to_the_window(void)
{
    enum { SPAN = 48, SPANS = 8 };

    test_pageout_begin(SPANS * (SPAN + 1));
    for (unsigned int i = 0; i < SPANS; i++)
        test_pager_write(test_map, test_at + i * (SPAN + 1) * PAGE_SIZE, SPAN, 2);
    test_pager_pause(test_pager);
    (void)test_pager_squeeze(test_pager, 0, 300, ALLOC_ORDINARY);
    /* Two spans, and what there is room for of a third one. */
    CHECK_EQUAL(test_pager_out(test_pager), VM_ACCOUNT_WINDOW_MIN);
    test_pager->receives = true;
    CHECK(test_pageout_drained(test_pager));
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager->nr_returned_pages, SPANS * SPAN);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_freeing_half_opens_half(void)
{
    enum { PAGES = 600 };
    unsigned int i;

    test_pageout_begin(PAGES);
    test_vm_user_fill(test_map, test_at, PAGES, 2);
    test_pager->frees = false;
    (void)test_pager_squeeze(test_pager, 0, 500, ALLOC_ORDINARY);
    uint32_t out = test_pager_out(test_pager);
    CHECK(out > 64 && out <= VM_ACCOUNT_WINDOW_MIN);
    CHECK(test_pager_wait(&test_pager->nr_returned_pages, out));
    /* The first half of each run: what is left stays out and readable. */
    uint32_t freed = 0;
    for (i = 0; i < test_pager->nr_held; i++) {
        uint32_t half = test_pager->held[i].nr_pages / 2;
        uintptr_t at = test_pager->held[i].address;
        CHECK_EQUAL(vm_map_remove(test_pager->task->map, at, at + half * PAGE_SIZE), KERN_SUCCESS);
        test_pager->held[i].address += half * PAGE_SIZE;
        test_pager->held[i].nr_pages -= half;
        freed += half;
        test_pager_check_accounts();
    }
    CHECK_EQUAL(test_pager_out(test_pager), out - freed);
    for (i = 0; i < test_pager->nr_held; i++) {
        uint32_t word;
        CHECK_EQUAL(vm_map_read(test_pager->task->map, test_pager->held[i].address, &word, 4), KERN_SUCCESS);
    }
    test_pager_free_held(test_pager);
    CHECK_EQUAL(test_pager_out(test_pager), 0);
    test_pager->frees = true;
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, PAGES, 2), 0);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_what_is_passed_on_stays_charged(void)
{
    struct vm_map_copy *copy = NULL;
    uintptr_t moved = 0, copied = 0;

    test_pageout_begin(64);
    test_vm_user_fill(test_map, test_at, 64, 2);
    test_pager->frees = false;
    test_pageout_squeeze(0);
    CHECK(test_pager_wait(&test_pager->nr_returned_pages, 64));
    CHECK(test_pager->nr_held >= 1);
    uint32_t nr_pages = test_pager->held[0].nr_pages;
    /* To another map, as in a message that gives memory away; a copy of it goes there too. */
    CHECK_EQUAL(vm_map_copyin(test_pager->task->map, test_pager->held[0].address, nr_pages * PAGE_SIZE, false, &copy),
                KERN_SUCCESS);
    CHECK_EQUAL(vm_map_copyout(test_map, &copied, copy), KERN_SUCCESS);
    CHECK_EQUAL(vm_map_copyin(test_pager->task->map, test_pager->held[0].address, nr_pages * PAGE_SIZE, true, &copy),
                KERN_SUCCESS);
    CHECK_EQUAL(vm_map_copyout(test_map, &moved, copy), KERN_SUCCESS);
    test_pager->held[0].nr_pages = 0;
    CHECK_EQUAL(test_pager_out(test_pager), 64);
    test_pager_check_accounts();
    CHECK_EQUAL(vm_map_remove(test_map, moved, moved + nr_pages * PAGE_SIZE), KERN_SUCCESS);
    CHECK_EQUAL(test_pager_out(test_pager), 64); /* the copy shows them still */
    CHECK_EQUAL(vm_map_remove(test_map, copied, copied + nr_pages * PAGE_SIZE), KERN_SUCCESS);
    CHECK_EQUAL(test_pager_out(test_pager), 64 - nr_pages);
    test_pager_free_held(test_pager);
    CHECK_EQUAL(test_pager_out(test_pager), 0);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_what_is_supplied_straight_back_is_not_out(void)
{
    test_pageout_begin(128);
    test_vm_user_fill(test_map, test_at, 128, 2);
    test_pager->supplies_back = true;
    (void)test_pager_squeeze(test_pager, 0, 200, ALLOC_ORDINARY);
    CHECK(test_pager->nr_returned_pages > 0);
    CHECK(test_pageout_drained(test_pager));
    test_pager_check_accounts();
    CHECK_EQUAL(test_vm_user_wrong(test_map, test_at, 128, 2), 0);
    test_pager->supplies_back = false;
    test_vm_user_fill(test_map, test_at, 128, 3);
    test_pageout_squeeze(0);
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 128, 3), 0);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_a_queue_limit_of_one_is_no_limit(void)
{
    test_pageout_begin(64);
    test_pager->port->qlimit = 1;
    test_vm_user_fill(test_map, test_at, 64, 2);
    test_pager_pause(test_pager);
    test_pageout_squeeze(0);
    test_pager->receives = true;
    CHECK(test_pageout_drained(test_pager));
    CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, 64, 2), 0);
    test_pager_check(test_pager);
    test_pageout_end();
}

static void test_pageout_without_a_frame_for_anyone_else(void)
{
    enum { PAGES = 3000 };

    /* More pages than the whole pool of runs carries at once, and memory taken at every level but the daemon's. */
    test_pageout_begin(PAGES);
    test_pager_write(test_map, test_at, PAGES, 2);
    for (unsigned int round = 2; round < 4; round++) {
        CHECK(test_pager_squeeze(test_pager, 0, TEST_PAGEOUT_PATIENCE, ALLOC_PRIVILEGED));
        CHECK(test_pageout_drained(test_pager));
        CHECK_EQUAL(test_pager_disk_wrong(test_pager, 0, PAGES, round), 0);
        test_pager_write(test_map, test_at, PAGES, round + 1);
    }
    test_pager_check_accounts();
    CHECK_EQUAL(test_pager->nr_stale, 0);
    CHECK_EQUAL(test_pager->nr_torn, 0);
    test_pageout_end();
}

static void test_pageout_sixty_managers_with_little_each(void)
{
    enum { PAGERS = 60, PAGES = 20 };
    static struct test_pager *pagers[PAGERS];
    static uintptr_t at[PAGERS];
    struct test_vm_stock stock;
    unsigned int i, wrong = 0;

    test_vm_stock_take(&stock);
    struct vm_map *map = test_vm_map();
    for (i = 0; i < PAGERS; i++) {
        pagers[i] = test_pager_create("one of many", PAGES);
        at[i] = test_pager_map(pagers[i], map, 0);
        test_pager_write(map, at[i], PAGES, 2);
    }
    for (i = 0; i < PAGERS; i++)
        CHECK(test_pager_squeeze(pagers[i], 0, TEST_PAGEOUT_PATIENCE, ALLOC_ORDINARY));
    for (i = 0; i < PAGERS; i++) {
        CHECK(test_pageout_drained(pagers[i]));
        wrong += test_pager_disk_wrong(pagers[i], 0, PAGES, 2);
        wrong += test_vm_wrong(map, at[i], PAGES, 2);
        test_pager_check(pagers[i]);
    }
    CHECK_EQUAL(wrong, 0);
    vm_map_unref(map);
    for (i = 0; i < PAGERS; i++)
        test_pager_destroy(pagers[i]);
    test_vm_stock_check(&stock);
}

static bool test_pageout_is_out(void *context)
{
    struct vm_object *object = test_pager_object(context);

    return object != NULL && object->nr_resident == 0 && test_pager_out(context) == 0;
}

/* One shortage: memory is taken once, so that the only allocations are those of the path itself. */
static void test_pageout_attempt(void *context)
{
    enum { PAGES = 60 };
    struct vm_map *map = test_vm_map();
    struct test_pager *pager = test_pager_create("attempt", PAGES);
    uintptr_t at = test_pager_map(pager, map, 0);
    struct list taken;

    (void)context;
    /* Once before: what was set aside for the first run has been used, and is to be had again. */
    test_pager_write(map, at, PAGES, 1);
    CHECK(test_pager_squeeze(pager, 0, TEST_PAGEOUT_PATIENCE, ALLOC_ORDINARY));
    CHECK(test_pageout_drained(pager));
    test_pager_write(map, at, PAGES, 2);
    unsigned int count = test_vm_take_all(&taken, ALLOC_ORDINARY);
    test_vm_fail_begin();
    CHECK(test_wait(test_pageout_is_out, pager, 5000));
    if (test_vm_fail_end())
        pager->nr_unmapped = 0; /* without memory for a page table the manager's faults make one */
    test_vm_give_back(&taken, count);
    CHECK_EQUAL(pager->nr_returned_pages, 2 * PAGES);
    CHECK_EQUAL(test_pager_disk_wrong(pager, 0, PAGES, 2), 0);
    test_pager_check(pager);
    vm_map_unref(map);
    test_pager_destroy(pager);
}

static void test_pageout_every_failure_is_survived(void)
{
    REQUIRE(vm_frame_marks.high - vm_frame_marks.min > 60);
    unsigned int failures = test_vm_fail_each(test_pageout_attempt, NULL);

    test_note("%u allocations were made to fail", failures);
    CHECK(failures >= 3); /* the run's next object and map entry, a page table */
}

static const struct test_case test_pageout_cases[] = {
    {"modified pages go in long runs, each once, with dirty set", test_pageout_modified_pages_go_in_runs},
    {"clean pages are dropped without a word", test_pageout_clean_pages_are_dropped_without_a_word},
    {"a page that is used gets another turn, and then is protected", test_pageout_used_pages_get_another_turn},
    {"precious pages are returned, and said to be clean", test_pageout_precious_pages_are_returned_as_clean},
    {"a run's flags are true of every page in it", test_pageout_runs_are_of_one_class},
    {"a hole ends a run", test_pageout_a_hole_ends_a_run},
    {"a return comes before the next request, and nobody sees old data", test_pageout_a_return_comes_before_the_request},
    {"a supply while the return is queued is refused", test_pageout_a_supply_while_the_return_is_queued_is_refused},
    {"a manager that dies with returns queued: they come home", test_pageout_dying_with_returns_queued_brings_them_home},
    {"a manager that dies serves who waits for a queued return", test_pageout_dying_serves_who_waits_for_a_queued_return},
    {"a manager that dies after receiving takes the data along", test_pageout_dying_after_receiving_takes_the_data_along},
    {"a port that is destroyed with returns queued: they come home", test_pageout_destroying_the_port_brings_returns_home},
    {"a buffer that is too small loses nothing", test_pageout_a_buffer_too_small_loses_nothing},
    {"no room in the manager's map loses nothing", test_pageout_no_room_in_the_managers_map_loses_nothing},
    {"a precious run that was lost is precious again", test_pageout_a_lost_precious_run_is_precious_again},
    {"a manager that never frees holds its window, and others go on", test_pageout_one_that_never_frees_holds_its_window},
    {"a manager that never receives holds its window, and others go on",
     test_pageout_one_that_never_receives_holds_its_window},
    {"a run is cut to what is left of the window", test_pageout_runs_are_cut_to_the_window},
    {"freeing half of each run opens half of the window", test_pageout_freeing_half_opens_half},
    {"what is passed on to another task stays charged", test_pageout_what_is_passed_on_stays_charged},
    {"what is supplied straight back is out no longer", test_pageout_what_is_supplied_straight_back_is_not_out},
    {"a queue limit of one is no limit for the kernel", test_pageout_a_queue_limit_of_one_is_no_limit},
    {"without a frame for anyone but the daemon", test_pageout_without_a_frame_for_anyone_else},
    {"sixty managers with a little each", test_pageout_sixty_managers_with_little_each},
    {"each failing allocation of an eviction is survived", test_pageout_every_failure_is_survived},
    {NULL, NULL},
};

const struct test_suite test_pageout_suite = {"pageout", test_pageout_cases};
