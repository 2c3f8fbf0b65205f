/* SPDX-License-Identifier: BSD-2-Clause */
/* What must be true of a kernel that has just started. */
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "kernel/timer.h"
#include "tests/kernel/test.h"
#include "vm/vm_frame.h"

static void test_boot_frames_add_up(void)
{
    unsigned int sum = 0, state;

    for (state = 0; state < VM_FRAME_NR_STATES; state++)
        sum += vm_frame_count(state);
    CHECK_EQUAL(sum, vm_nr_frames);
    CHECK(vm_frame_nr_free() <= vm_frame_count(VM_FRAME_FREE)); /* some are kept for the kernel where there is a HIGH zone */
    vm_frame_check();
}

static void test_boot_time_goes_on(void)
{
    uint64_t ticks = timer_ticks(), time = machine_time_ns();

    thread_delay(50);
    CHECK(timer_ticks() - ticks >= 5);
    uint64_t passed = machine_time_ns() - time;
    CHECK(passed >= 50000000u);
    CHECK(passed < 1000000000u);
}

static void test_boot_page_zero_is_not_mapped(void)
{
    char byte;

    CHECK(!copyin((const void *)0, &byte, 1));
    CHECK(pmap_extract(kernel_pmap, 0) == NULL);
}

static void test_boot_kernel_addresses_are_not_the_users(void)
{
    char bytes[8] = {0};

    CHECK(!copyin((const void *)MACHINE_USER_END, bytes, 1));
    CHECK(!copyin((const void *)(MACHINE_USER_END - 4), bytes, 8));
    CHECK(!copyin((const void *)~(uintptr_t)3, bytes, 8));
    CHECK(!copyout(bytes, (void *)MACHINE_USER_END, 1));
    CHECK(!copyout(bytes, (void *)~(uintptr_t)3, 8));
}

static const struct test_case test_boot_cases[] = {
    {"frames by state add up to all frames", test_boot_frames_add_up},
    {"time goes on, by ticks and by nanoseconds", test_boot_time_goes_on},
    {"page zero is not mapped", test_boot_page_zero_is_not_mapped},
    {"kernel addresses are not taken for a user's", test_boot_kernel_addresses_are_not_the_users},
    {NULL, NULL},
};

const struct test_suite test_boot_suite = {"boot", test_boot_cases};
