/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/test_vm.h"

#include "i386/pmap.h"
#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/vm_account.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

/* No operation of one page or one call makes more allocations than this; a test that gets there goes round in circles. */
#define TEST_VM_FAILURES_MAX 2000u

static unsigned int test_vm_nth;     /* of the allocations after test_vm_fail_begin, the one that is to fail */
static unsigned int test_vm_failing; /* the same until test_vm_fail_end, then 0 */
static bool test_vm_failed;

/* Every free run record gets what it is to have at hand, so that it makes no difference how many were used. */
static void test_vm_prepare_runs(void)
{
    struct vm_run *runs[128];
    struct ipc_space *space;
    uint32_t granted;
    unsigned int count = 0;

    if (ipc_space_create(&space) != KERN_SUCCESS)
        return;
    struct vm_account *account = vm_account_create(space, ALLOC_SLEEP);
    while (count < ARRAY_LENGTH(runs) && (runs[count] = vm_account_charge(account, 1, &granted)) != NULL)
        (void)vm_run_prepare(runs[count++]);
    while (count > 0)
        vm_run_cancel(runs[--count]);
    vm_account_unref(account);
    ipc_space_destroy(space);
    ipc_space_unref(space);
}

void test_vm_stock_take(struct test_vm_stock *stock)
{
    test_vm_prepare_runs();
    ipc_kmsg_free(ipc_kmsg_alloc(sizeof(mach_msg_header_t), ALLOC_SLEEP)); /* one is kept at hand */
    while (kmem_reap() != 0)
        ;
    *stock = (struct test_vm_stock){
        .frames = vm_frame_count(VM_FRAME_FREE),
        .pages = vm_page_cache.nr_objects,
        .objects = vm_object_count,
        .entries = vm_map_entry_count,
        .ports = ipc_port_count,
        .managers = memory_object_count,
        .out = vm_account_total_out(),
    };
}

static bool test_vm_stock_is(void *context)
{
    const struct test_vm_stock *before = context;
    struct test_vm_stock now;

    test_vm_stock_take(&now);
    return now.frames == before->frames && now.pages == before->pages && now.objects == before->objects &&
           now.entries == before->entries && now.ports == before->ports && now.managers == before->managers &&
           now.out == before->out;
}

void test_vm_stock_check(const struct test_vm_stock *stock)
{
    struct test_vm_stock before = *stock, now;

    if (!test_wait(test_vm_stock_is, &before, 2000)) {
        test_vm_stock_take(&now);
        CHECK_EQUAL(now.frames, before.frames);
        CHECK_EQUAL(now.pages, before.pages);
        CHECK_EQUAL(now.objects, before.objects);
        CHECK_EQUAL(now.entries, before.entries);
        CHECK_EQUAL(now.ports, before.ports);
        CHECK_EQUAL(now.managers, before.managers);
        CHECK_EQUAL(now.out, before.out);
    }
    vm_frame_check();
}

unsigned int test_vm_take_all(struct list *taken, unsigned int level)
{
    static const enum vm_zone zones[] = {VM_ZONE_HIGH, VM_ZONE_DIRECT}; /* some of the second are kept for the kernel */
    struct vm_frame *frame;
    unsigned int count = 0, i;

    list_init(taken);
    for (i = 0; i < ARRAY_LENGTH(zones); i++) {
        while ((frame = vm_frame_alloc(0, zones[i], VM_FRAME_KERNEL, level | ALLOC_NOSLEEP)) != NULL) {
            list_insert_head(taken, &frame->node);
            count++;
        }
    }
    return count;
}

void test_vm_give_back(struct list *taken, unsigned int count)
{
    vm_frame_free_list(taken, count);
}

void test_vm_fail_begin(void)
{
    test_vm_failing = test_vm_nth;
    alloc_inject_after(test_vm_nth);
}

bool test_vm_fail_end(void)
{
    /* If it has not failed yet, the countdown still goes on, and ends here. */
    if (test_vm_failing != 0)
        test_vm_failed = true;
    for (; test_vm_failing != 0; test_vm_failing--)
        if (alloc_inject(ALLOC_NOSLEEP))
            test_vm_failed = false;
    return test_vm_failed;
}

unsigned int test_vm_fail_each(void (*attempt)(void *context), void *context)
{
    struct test_vm_stock stock;
    unsigned int nth;

    for (nth = 1; nth < TEST_VM_FAILURES_MAX; nth++) {
        test_vm_stock_take(&stock);
        test_vm_nth = nth;
        attempt(context);
        test_vm_stock_check(&stock);
        if (!test_vm_failed)
            return nth - 1;
    }
    CHECK(nth < TEST_VM_FAILURES_MAX);
    return nth;
}

/* ---- maps ---- */

struct vm_map *test_vm_map(void)
{
    return vm_map_create(pmap_create(), PAGE_SIZE, MACHINE_USER_END);
}

uintptr_t test_vm_allocate(struct vm_map *map, uintptr_t address, unsigned int nr_pages)
{
    struct vm_map_request request = {
        .address = address,
        .size = nr_pages * PAGE_SIZE,
        .anywhere = address == 0,
        .protection = VM_PROT_DEFAULT,
        .max_protection = VM_PROT_ALL,
        .inheritance = VM_INHERIT_DEFAULT,
    };

    return CHECK_EQUAL(vm_map_enter(map, &request), KERN_SUCCESS) ? request.address : 0;
}

void test_vm_fill(struct vm_map *map, uintptr_t address, unsigned int nr_pages, uint32_t seed)
{
    unsigned int failed = 0;

    for (unsigned int i = 0; i < nr_pages; i++, address += PAGE_SIZE) {
        uint32_t word = test_vm_word(seed, i);
        failed += vm_map_write(map, address, &word, sizeof(word)) != KERN_SUCCESS;
        failed += vm_map_write(map, address + PAGE_SIZE - sizeof(word), &word, sizeof(word)) != KERN_SUCCESS;
    }
    CHECK_EQUAL(failed, 0);
}

unsigned int test_vm_wrong(struct vm_map *map, uintptr_t address, unsigned int nr_pages, uint32_t seed)
{
    unsigned int wrong = 0;

    for (unsigned int i = 0; i < nr_pages; i++, address += PAGE_SIZE) {
        uint32_t expected = seed != 0 ? test_vm_word(seed, i) : 0, first = ~expected, last = ~expected;
        wrong += vm_map_read(map, address, &first, sizeof(first)) != KERN_SUCCESS ||
                 vm_map_read(map, address + PAGE_SIZE - sizeof(last), &last, sizeof(last)) != KERN_SUCCESS ||
                 first != expected || last != expected;
    }
    return wrong;
}

/* Faults go to the map of the running thread's task, which is another one for a moment. */
static void test_vm_act_for(struct task *task)
{
    current_thread()->task = task;
    pmap_activate(task->map->pmap);
}

bool test_vm_peek(struct vm_map *map, uintptr_t address, uint32_t *word)
{
    struct task user = {.map = map, .space = ipc_space_kernel};

    test_vm_act_for(&user);
    bool done = copyin((const void *)address, word, sizeof(*word));
    test_vm_act_for(kernel_task);
    return done;
}

bool test_vm_poke(struct vm_map *map, uintptr_t address, uint32_t word)
{
    struct task user = {.map = map, .space = ipc_space_kernel};

    test_vm_act_for(&user);
    bool done = copyout(&word, (void *)address, sizeof(word));
    test_vm_act_for(kernel_task);
    return done;
}

void test_vm_user_fill(struct vm_map *map, uintptr_t address, unsigned int nr_pages, uint32_t seed)
{
    unsigned int failed = 0;

    for (unsigned int i = 0; i < nr_pages; i++, address += PAGE_SIZE) {
        failed += !test_vm_poke(map, address, test_vm_word(seed, i));
        failed += !test_vm_poke(map, address + PAGE_SIZE - 4, test_vm_word(seed, i));
    }
    CHECK_EQUAL(failed, 0);
}

unsigned int test_vm_user_wrong(struct vm_map *map, uintptr_t address, unsigned int nr_pages, uint32_t seed)
{
    unsigned int wrong = 0;

    for (unsigned int i = 0; i < nr_pages; i++, address += PAGE_SIZE) {
        uint32_t expected = seed != 0 ? test_vm_word(seed, i) : 0, first = ~expected, last = ~expected;
        wrong += !test_vm_peek(map, address, &first) || !test_vm_peek(map, address + PAGE_SIZE - 4, &last) ||
                 first != expected || last != expected;
    }
    return wrong;
}
