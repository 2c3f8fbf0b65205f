/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pageout path when much goes on at once: users that write and look, managers of every temper, requests to clean, and
 * no memory. And how long others wait for what a stuck manager holds.
 */
#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_mqueue.h"
#include "ipc/ipc_port.h"
#include "kernel/machine.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "tests/kernel/test_pager.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_pageout.h"

static struct test_vm_stock test_stock;

static bool test_pressure_is_drained(void *context)
{
    return test_pager_out(context) == 0;
}

/* ---- everything at once ---- */

#define TEST_PRESSURE_PAGERS 4u
#define TEST_PRESSURE_PAGES 400u
#define TEST_PRESSURE_USERS 3u
#define TEST_PRESSURE_TURNS 3000u
#define TEST_PRESSURE_STIRS 4000u /* several times what there are while the users run: some 900 */

/* Each user has the pages of its own among those of every object, so that it knows what must be there. */
struct test_pressure_user {
    unsigned int number;
    struct vm_map *map;
    uint32_t random;
    uint32_t words[PAGE_SIZE / 4];
    unsigned int nr_wrong, nr_failed, turns;
    bool done;
};

static struct test_pager *test_pressure_pagers[TEST_PRESSURE_PAGERS];
static uintptr_t test_pressure_at[TEST_PRESSURE_PAGERS];
static uint32_t test_pressure_expected[TEST_PRESSURE_PAGERS][TEST_PRESSURE_PAGES];
static struct test_pressure_user *test_pressure_users[TEST_PRESSURE_USERS];

static uint32_t test_pressure_random(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return *random >> 8;
}

static void test_pressure_turn(struct test_pressure_user *user)
{
    unsigned int p = test_pressure_random(&user->random) % TEST_PRESSURE_PAGERS;
    unsigned int page = test_pressure_random(&user->random) % (TEST_PRESSURE_PAGES / TEST_PRESSURE_USERS) *
                        TEST_PRESSURE_USERS + user->number;
    uintptr_t at = test_pressure_at[p] + page * PAGE_SIZE;
    uint32_t *expected = &test_pressure_expected[p][page], word = 0;

    switch (test_pressure_random(&user->random) % 4) {
    case 0: /* a whole page in one step, by the kernel */
        *expected += 2;
        for (unsigned int i = 0; i < PAGE_SIZE / 4; i++)
            user->words[i] = *expected;
        user->nr_failed += vm_map_write(user->map, at, user->words, PAGE_SIZE) != KERN_SUCCESS;
        break;
    case 1: /* its first word, by the processor; the last one follows with the next write of the page */
        *expected += 2;
        user->nr_failed += !test_vm_poke(user->map, at, *expected);
        break;
    case 2:
        user->nr_failed += !test_vm_peek(user->map, at, &word);
        user->nr_wrong += word != *expected;
        break;
    default:
        user->nr_failed += vm_map_read(user->map, at, &word, 4) != KERN_SUCCESS;
        user->nr_wrong += word != *expected;
        break;
    }
    user->turns++;
}

static void test_pressure_user_main(void *argument)
{
    struct test_pressure_user *user = argument;

    while (user->turns < TEST_PRESSURE_TURNS) {
        test_pressure_turn(user);
        if (user->turns % 8 == 0)
            preempt_point();
    }
    user->done = true;
    thread_exit();
}

static void test_pressure_begin(struct vm_map *map)
{
    static const char *const names[TEST_PRESSURE_PAGERS] = {"fast", "slow", "precious", "delayed"};

    for (unsigned int p = 0; p < TEST_PRESSURE_PAGERS; p++) {
        test_pressure_pagers[p] = test_pager_create(names[p], TEST_PRESSURE_PAGES);
        for (unsigned int i = 0; i < TEST_PRESSURE_PAGES; i++)
            test_pressure_expected[p][i] = test_vm_word(1, i);
    }
    test_pressure_pagers[1]->free_delay = 20;
    test_pressure_pagers[2]->precious = true;
    test_pressure_pagers[3]->strategy = MEMORY_OBJECT_COPY_DELAY;
    for (unsigned int p = 0; p < TEST_PRESSURE_PAGERS; p++)
        test_pressure_at[p] = test_pager_map(test_pressure_pagers[p], map, 0);
    for (unsigned int u = 0; u < TEST_PRESSURE_USERS; u++) {
        test_pressure_users[u] = kmem_alloc(sizeof(struct test_pressure_user), ALLOC_SLEEP | ALLOC_ZEROED);
        REQUIRE(test_pressure_users[u] != NULL);
        test_pressure_users[u]->number = u;
        test_pressure_users[u]->map = map;
        test_pressure_users[u]->random = 77 * u + 1;
        (void)kernel_thread_create("user", test_pressure_user_main, test_pressure_users[u], THREAD_PRIORITY_USER);
    }
}

static unsigned int test_pressure_running(void)
{
    unsigned int count = 0;

    for (unsigned int u = 0; u < TEST_PRESSURE_USERS; u++)
        count += !test_pressure_users[u]->done;
    return count;
}

/* What the test's own thread does meanwhile: takes memory, asks for cleaning and flushing. */
static void test_pressure_stir(uint32_t *random)
{
    static const memory_object_return_t returns[] = {MEMORY_OBJECT_RETURN_DIRTY, MEMORY_OBJECT_RETURN_ALL};
    struct test_pager *pager = test_pressure_pagers[test_pressure_random(random) % TEST_PRESSURE_PAGERS];
    uint32_t index = test_pressure_random(random) % TEST_PRESSURE_PAGES;
    uint32_t nr_pages = MIN(1 + test_pressure_random(random) % 200, TEST_PRESSURE_PAGES - index);

    CHECK_EQUAL(test_pager_lock(pager, index, nr_pages, returns[test_pressure_random(random) % 2],
                                test_pressure_random(random) % 4 == 0, VM_PROT_NO_CHANGE, false), KERN_SUCCESS);
    (void)test_pager_squeeze(pager, TEST_PRESSURE_PAGES / 8, 100, ALLOC_ORDINARY);
    thread_delay(10);
    test_pager_check_accounts();
}

static void test_pressure_look_at_all(struct vm_map *map)
{
    unsigned int wrong = 0;

    for (unsigned int p = 0; p < TEST_PRESSURE_PAGERS; p++) {
        for (unsigned int i = 0; i < TEST_PRESSURE_PAGES; i++) {
            uint32_t word = 0;
            wrong += vm_map_read(map, test_pressure_at[p] + i * PAGE_SIZE, &word, 4) != KERN_SUCCESS ||
                     word != test_pressure_expected[p][i];
        }
    }
    CHECK_EQUAL(wrong, 0);
}

static void test_pressure_nothing_is_lost_in_the_turmoil(void)
{
    struct test_vm_stock stock;
    uint32_t random = 5;
    unsigned int p, u, stirs = 0, returns = 0;

    test_vm_stock_take(&stock);
    struct vm_map *map = test_vm_map();
    test_pressure_begin(map);
    for (p = 0; p < TEST_PRESSURE_PAGERS; p++)
        CHECK(test_pager_wait(&test_pressure_pagers[p]->nr_init, 1));
    while (test_pressure_running() > 0 && stirs++ < TEST_PRESSURE_STIRS)
        test_pressure_stir(&random);
    CHECK_EQUAL(test_pressure_running(), 0);
    for (u = 0; u < TEST_PRESSURE_USERS; u++) {
        CHECK_EQUAL(test_pressure_users[u]->nr_wrong, 0);
        CHECK_EQUAL(test_pressure_users[u]->nr_failed, 0);
        if (test_pressure_users[u]->done)
            kmem_free(test_pressure_users[u], sizeof(struct test_pressure_user));
    }
    test_pressure_look_at_all(map);
    vm_map_unref(map);
    for (p = 0; p < TEST_PRESSURE_PAGERS; p++) {
        struct test_pager *pager = test_pressure_pagers[p];
        unsigned int old = 0;

        CHECK(test_pager_wait(&pager->nr_terminate, 1));
        CHECK(test_wait(test_pressure_is_drained, pager, 5000));
        for (unsigned int i = 0; i < TEST_PRESSURE_PAGES; i++)
            old += pager->disk[i] != test_pressure_expected[p][i];
        CHECK_EQUAL(old, 0); /* the last of every page has reached the manager */
        CHECK_EQUAL(pager->nr_stale, 0);
        CHECK_EQUAL(pager->nr_late, 0);
        CHECK_EQUAL(pager->nr_bad_clean, 0);
        returns += pager->nr_returns;
        test_pager_destroy(pager);
    }
    test_note("%u requests to clean, %u returns", stirs, returns);
    CHECK(returns > 100);
    test_vm_stock_check(&stock);
}

/* ---- a run that was lost, of pages that were kept ---- */

static void test_pressure_lost_cleaning_makes_dirty_again(void)
{
    uint32_t word = 0;

    test_vm_stock_take(&test_stock);
    struct vm_map *map = test_vm_map();
    struct test_pager *pager = test_pager_create("pager", 32);
    uintptr_t at = test_pager_map(pager, map, 0);
    test_pager_write(map, at, 32, 2);
    test_pager_pause(pager);
    CHECK_EQUAL(test_pager_lock(pager, 0, 32, MEMORY_OBJECT_RETURN_DIRTY, false, VM_PROT_NO_CHANGE, false), KERN_SUCCESS);
    test_pager_write(map, at, 8, 3); /* written since: that is the newer data */
    pager->room = 40;
    pager->receives = true;
    CHECK(test_pager_wait(&pager->nr_lost, 1));
    CHECK(test_wait(test_pressure_is_drained, pager, 2000));
    test_pager_pause(pager);
    pager->room = 0;
    pager->receives = true;
    CHECK_EQUAL(pager->nr_returned_pages, 0);
    CHECK_EQUAL(vm_map_read(map, at, &word, 4), KERN_SUCCESS);
    CHECK_EQUAL(word, test_vm_word(3, 0));
    CHECK_EQUAL(test_pager_lock(pager, 0, 32, MEMORY_OBJECT_RETURN_DIRTY, false, VM_PROT_NO_CHANGE, true), KERN_SUCCESS);
    CHECK(test_pager_wait(&pager->nr_locked, 1));
    CHECK_EQUAL(pager->nr_returned_pages, 32);
    CHECK_EQUAL(test_pager_disk_wrong(pager, 0, 8, 3), 0);
    CHECK_EQUAL(test_pager_disk_wrong(pager, 8, 24, 2), 0);
    CHECK(test_wait(test_pressure_is_drained, pager, 2000));
    test_pager_check(pager);
    vm_map_unref(map);
    test_pager_destroy(pager);
    test_vm_stock_check(&test_stock);
}

/* ---- bounded time ---- */

static void test_pressure_stuck_managers_delay_nobody(void)
{
    enum { STUCK = 24, PAGES = 200, TURNS = 50 };
    static struct test_pager *stuck[STUCK];
    struct list taken;
    uint64_t worst = 0;
    unsigned int i;

    test_vm_stock_take(&test_stock);
    struct vm_map *map = test_vm_map();
    for (i = 0; i < STUCK; i++) {
        stuck[i] = test_pager_create("stuck", PAGES);
        test_pager_write(map, test_pager_map(stuck[i], map, 0), PAGES, 2);
        test_pager_pause(stuck[i]);
    }
    /* Clean pages, of a manager that answers: more than what will be asked for. */
    struct test_pager *good = test_pager_create("good", 6 * PAGES);
    uintptr_t at = test_pager_map(good, map, 0);
    CHECK_EQUAL(test_vm_wrong(map, at, 6 * PAGES, 1), 0);
    unsigned int count = test_vm_take_all(&taken, ALLOC_ORDINARY);
    for (i = 0; i < TURNS; i++) {
        uint64_t start = machine_time_ns();
        struct vm_frame *frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_KERNEL, ALLOC_ORDINARY | ALLOC_SLEEP);
        worst = MAX(worst, machine_time_ns() - start);
        REQUIRE(frame != NULL);
        list_insert_head(&taken, &frame->node);
        count++;
        while ((frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_KERNEL, ALLOC_ORDINARY | ALLOC_NOSLEEP)) != NULL &&
               count % 16 != 0) {
            list_insert_head(&taken, &frame->node);
            count++;
        }
        if (frame != NULL)
            vm_frame_free(frame, 0);
    }
    test_vm_give_back(&taken, count);
    test_note("the longest wait was about %u us", (unsigned int)(worst >> 10));
    CHECK(worst < 100000000u);
    for (i = 0; i < STUCK; i++)
        CHECK(test_pager_out(stuck[i]) <= VM_ACCOUNT_WINDOW_MIN);
    for (i = 0; i < STUCK; i++)
        stuck[i]->receives = true;
    vm_map_unref(map);
    for (i = 0; i < STUCK; i++) {
        CHECK(test_pager_wait(&stuck[i]->nr_terminate, 1));
        CHECK_EQUAL(test_pager_disk_wrong(stuck[i], 0, PAGES, 2), 0);
        test_pager_destroy(stuck[i]);
    }
    test_pager_destroy(good);
    test_vm_stock_check(&test_stock);
}

static void test_pressure_ending_waits_for_no_manager(void)
{
    enum { PAGES = 600 };

    test_vm_stock_take(&test_stock);
    struct vm_map *map = test_vm_map();
    struct test_pager *pager = test_pager_create("stuck", PAGES);
    test_pager_write(map, test_pager_map(pager, map, 0), PAGES, 2);
    test_pager_pause(pager);
    uint64_t start = timer_ticks();
    vm_map_unref(map); /* as a task's end does */
    CHECK(timer_ticks() - start < timer_ticks_of_ms(100));
    thread_delay(100);
    CHECK(test_pager_out(pager) <= VM_ACCOUNT_WINDOW_MIN);
    pager->receives = true;
    CHECK(test_pager_wait(&pager->nr_terminate, 1));
    CHECK_EQUAL(pager->nr_returned_pages, PAGES);
    CHECK_EQUAL(test_pager_disk_wrong(pager, 0, PAGES, 2), 0);
    test_pager_check(pager);
    test_pager_destroy(pager);
    test_vm_stock_check(&test_stock);
}

/* ---- managers that do odd things ---- */

static void test_pressure_a_manager_that_floods_its_own_port(void)
{
    enum { PAGES = 90, FLOOD = 500 }; /* a window that is nearly full takes no more */

    test_vm_stock_take(&test_stock);
    struct vm_map *map = test_vm_map();
    struct test_pager *pager = test_pager_create("flooded", PAGES);
    uintptr_t at = test_pager_map(pager, map, 0);
    test_pager_write(map, at, PAGES, 2);
    test_pager_pause(pager);
    for (unsigned int i = 0; i < FLOOD; i++) {
        struct ipc_kmsg *kmsg = ipc_kmsg_alloc(sizeof(mach_msg_header_t) + 40, ALLOC_SLEEP);
        memset(ipc_kmsg_header(kmsg), 0, sizeof(mach_msg_header_t) + 40);
        *ipc_kmsg_header(kmsg) = (mach_msg_header_t){
            .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, 0),
            .msgh_size = sizeof(mach_msg_header_t),
            .msgh_remote_port = (mach_port_t)(uintptr_t)ipc_port_copy_send(pager->port),
            .msgh_id = 1234,
        };
        ipc_mqueue_send_always(kmsg);
    }
    CHECK(test_pager_squeeze(pager, 0, 10000, ALLOC_ORDINARY));
    pager->receives = true;
    CHECK(test_pager_wait(&pager->nr_returned_pages, PAGES));
    CHECK(test_wait(test_pressure_is_drained, pager, 5000));
    CHECK_EQUAL(test_pager_disk_wrong(pager, 0, PAGES, 2), 0);
    CHECK_EQUAL(test_vm_wrong(map, at, PAGES, 2), 0);
    test_pager_check(pager);
    vm_map_unref(map);
    test_pager_destroy(pager);
    test_vm_stock_check(&test_stock);
}

static void test_pressure_cleaning_of_everything_again_and_again(void)
{
    enum { PAGES = 400, TIMES = 20 };

    test_vm_stock_take(&test_stock);
    struct vm_map *map = test_vm_map();
    struct test_pager *pager = test_pager_create("tidy", PAGES);
    uintptr_t at = test_pager_map(pager, map, 0);
    pager->free_delay = 5;
    test_pager_write(map, at, PAGES, 2);
    for (unsigned int i = 0; i < TIMES; i++) {
        CHECK_EQUAL(test_pager_lock(pager, 0, PAGES, MEMORY_OBJECT_RETURN_ALL, i % 2 != 0, VM_PROT_NO_CHANGE, true),
                    KERN_SUCCESS);
        (void)test_pager_squeeze(pager, 0, 30, ALLOC_ORDINARY);
        test_pager_write(map, at + i * PAGE_SIZE, 4, 3 + i);
    }
    CHECK(test_pager_wait(&pager->nr_locked, TIMES));
    CHECK(test_wait(test_pressure_is_drained, pager, 5000));
    for (unsigned int i = 0; i < TIMES; i++)
        CHECK_EQUAL(test_vm_wrong(map, at + i * PAGE_SIZE, 1, 3 + i), 0);
    CHECK_EQUAL(pager->nr_torn, 0);
    CHECK_EQUAL(pager->nr_late, 0);
    test_pager_check_accounts();
    vm_map_unref(map);
    test_pager_destroy(pager);
    test_vm_stock_check(&test_stock);
}

static const struct test_case test_pressure_cases[] = {
    {"nothing is lost in the turmoil", test_pressure_nothing_is_lost_in_the_turmoil},
    {"a cleaning that was lost makes the kept pages dirty again", test_pressure_lost_cleaning_makes_dirty_again},
    {"two dozen stuck managers delay nobody by a tenth of a second", test_pressure_stuck_managers_delay_nobody},
    {"ending waits for no manager", test_pressure_ending_waits_for_no_manager},
    {"a manager that floods its own port", test_pressure_a_manager_that_floods_its_own_port},
    {"cleaning of everything, again and again, in a shortage", test_pressure_cleaning_of_everything_again_and_again},
    {NULL, NULL},
};

const struct test_suite test_pressure_suite = {"pressure", test_pressure_cases};
