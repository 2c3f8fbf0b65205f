/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames and small objects: everything can be had, is apart from everything else, and comes back. */
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include "tests/kernel/test.h"
#include "vm/vm_frame.h"

#define TEST_FRAMES_MANY 512

static void test_frames_all_orders_come_back(void)
{
    unsigned int before = vm_frame_nr_free(), order;

    for (order = 0; order <= 6; order++) {
        struct vm_frame *frame = vm_frame_alloc(order, VM_ZONE_DIRECT, VM_FRAME_KERNEL, ALLOC_NOSLEEP);
        REQUIRE(frame != NULL);
        CHECK_EQUAL(vm_frame_number(frame) & ((1u << order) - 1), 0);
        CHECK_EQUAL(vm_frame_nr_free(), before - (1u << order));
        vm_frame_free(frame, order);
    }
    CHECK_EQUAL(vm_frame_nr_free(), before);
    vm_frame_check();
}

static void test_frames_contents_are_apart(void)
{
    static struct vm_frame *frames[TEST_FRAMES_MANY];
    unsigned int i, wrong = 0;
    uint32_t word;

    for (i = 0; i < TEST_FRAMES_MANY; i++) {
        frames[i] = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_NOSLEEP);
        REQUIRE(frames[i] != NULL);
        pmap_frame_zero(frames[i]);
        word = i ^ 0x5a5a5a5a;
        pmap_frame_write(frames[i], 4 * (i % 1024), &word, sizeof(word));
    }
    for (i = 0; i < TEST_FRAMES_MANY; i++) {
        pmap_frame_read(frames[i], 4 * (i % 1024), &word, sizeof(word));
        wrong += word != (i ^ 0x5a5a5a5a);
        pmap_frame_read(frames[i], 4 * ((i + 1) % 1024), &word, sizeof(word));
        wrong += word != 0;
        vm_frame_free(frames[i], 0);
    }
    CHECK_EQUAL(wrong, 0);
    vm_frame_check();
}

static void test_frames_reserve_is_kept_for_the_daemon(void)
{
    static struct list taken;
    struct vm_frame *frame;
    unsigned int before = vm_frame_nr_free();

    list_init(&taken);
    unsigned int count = 0;
    while ((frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_KERNEL, ALLOC_ORDINARY | ALLOC_NOSLEEP)) != NULL) {
        list_insert_head(&taken, &frame->node);
        count++;
    }
    CHECK_EQUAL(vm_frame_nr_free(), vm_frame_marks.min);
    frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_KERNEL, ALLOC_PRIVILEGED | ALLOC_NOSLEEP);
    if (CHECK(frame != NULL))
        vm_frame_free(frame, 0);
    while ((frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_KERNEL, ALLOC_DAEMON | ALLOC_NOSLEEP)) != NULL) {
        list_insert_head(&taken, &frame->node);
        count++;
    }
    CHECK_EQUAL(vm_frame_nr_free(), vm_frame_marks.daemon_min);
    vm_frame_free_list(&taken, count);
    CHECK_EQUAL(vm_frame_nr_free(), before);
    vm_frame_check();
}

static struct vm_frame *test_frames_got;
static bool test_frames_served;

static void test_frames_sleeper(void *argument)
{
    (void)argument;
    test_frames_got = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_KERNEL, ALLOC_ORDINARY);
    test_frames_served = true;
    thread_exit();
}

static bool test_frames_is_served(void *context)
{
    (void)context;
    return test_frames_served;
}

static bool test_frames_is_waiting(void *context)
{
    (void)context;
    return vm_frame_nr_waiting() == 1;
}

static void test_frames_a_sleeper_is_served_by_a_free(void)
{
    static struct list taken;
    struct vm_frame *frame;
    unsigned int count = 0;

    list_init(&taken);
    while ((frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_KERNEL, ALLOC_ORDINARY | ALLOC_NOSLEEP)) != NULL) {
        list_insert_head(&taken, &frame->node);
        count++;
    }
    test_frames_served = false;
    (void)kernel_thread_create("sleeper", test_frames_sleeper, NULL, THREAD_PRIORITY_SYSTEM);
    CHECK(test_wait(test_frames_is_waiting, NULL, 1000));
    CHECK(!test_frames_served);
    vm_frame_free_list(&taken, count);
    if (CHECK(test_wait(test_frames_is_served, NULL, 1000)))
        vm_frame_free(test_frames_got, 0);
    CHECK_EQUAL(vm_frame_nr_waiting(), 0);
}

static void test_frames_small_objects_are_apart(void)
{
    static const size_t sizes[] = {1, 3, 16, 17, 64, 100, 255, 512, 513, 1000, 1500, 2048, 2049, 4096, 5000, 70000, 1 << 20};
    void *memory[ARRAY_LENGTH(sizes)];
    unsigned int i;
    size_t at;

    for (i = 0; i < ARRAY_LENGTH(sizes); i++) {
        memory[i] = kmem_alloc(sizes[i], ALLOC_NOSLEEP);
        REQUIRE(memory[i] != NULL);
        memset(memory[i], (int)i + 1, sizes[i]);
    }
    for (i = 0; i < ARRAY_LENGTH(sizes); i++) {
        unsigned int wrong = 0;
        for (at = 0; at < sizes[i]; at++)
            wrong += ((uint8_t *)memory[i])[at] != i + 1;
        CHECK_EQUAL(wrong, 0);
        kmem_free(memory[i], sizes[i]);
    }
}

static void test_frames_failure_is_injected(void)
{
    alloc_inject_after(2);
    void *first = kmem_alloc(64, ALLOC_NOSLEEP), *second = kmem_alloc(64, ALLOC_NOSLEEP);
    alloc_inject_after(0);
    CHECK(first != NULL);
    CHECK(second == NULL);
    if (first != NULL)
        kmem_free(first, 64);
}

static const struct test_case test_frames_cases[] = {
    {"blocks of every order are aligned, counted, and come back", test_frames_all_orders_come_back},
    {"the contents of frames are apart", test_frames_contents_are_apart},
    {"each level stops at its reserve", test_frames_reserve_is_kept_for_the_daemon},
    {"who sleeps for a frame is served by a free", test_frames_a_sleeper_is_served_by_a_free},
    {"small objects of all sizes are apart", test_frames_small_objects_are_apart},
    {"the second allocation fails when told to", test_frames_failure_is_injected},
    {NULL, NULL},
};

const struct test_suite test_frames_suite = {"frames", test_frames_cases};
