/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image machair-test has the tests of tests/kernel in it, which define this; machair has not.
 */
#ifndef KERNEL_TEST_HOOK_H
#define KERNEL_TEST_HOOK_H

/* Starts a thread that runs the tests named (commas between) and ends the machine; a name that is none stops the boot. */
void test_start(const char *names) __attribute__((weak));

#endif
