/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/test.h"

extern const struct test_suite test_boot_suite;
extern const struct test_suite test_frames_suite;
extern const struct test_suite test_ipc_suite;

const struct test_suite *const test_suites[] = {
    &test_boot_suite,
    &test_frames_suite,
    &test_ipc_suite,
    NULL,
};
