/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/test.h"

extern const struct test_suite test_boot_suite;
extern const struct test_suite test_calls_suite;
extern const struct test_suite test_conversation_suite;
extern const struct test_suite test_copy_suite;
extern const struct test_suite test_frames_suite;
extern const struct test_suite test_ipc_suite;
extern const struct test_suite test_manager_suite;
extern const struct test_suite test_map_suite;
extern const struct test_suite test_messages_suite;
extern const struct test_suite test_pagein_suite;
extern const struct test_suite test_pageout_suite;
extern const struct test_suite test_pmap_suite;
extern const struct test_suite test_ports_suite;
extern const struct test_suite test_pressure_suite;
extern const struct test_suite test_queues_suite;
extern const struct test_suite test_sync_suite;

const struct test_suite *const test_suites[] = {
    &test_boot_suite,
    &test_calls_suite,
    &test_conversation_suite,
    &test_copy_suite,
    &test_frames_suite,
    &test_ipc_suite,
    &test_manager_suite,
    &test_map_suite,
    &test_messages_suite,
    &test_pagein_suite,
    &test_pageout_suite,
    &test_pmap_suite,
    &test_ports_suite,
    &test_pressure_suite,
    &test_queues_suite,
    &test_sync_suite,
    NULL,
};
