/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests inside the booted kernel (the image machair-test), chosen by test=SUITE[,SUITE...] on its command line.
 *
 * A suite is a file with a table of cases; each case is a function that runs in a kernel thread and checks with CHECK. The
 * result goes to the console as TAP. A case whose CHECK fails goes on (so that it can clean up) and is "not ok"; what must
 * hold for the case to go on at all is asked with REQUIRE, which ends the case.
 */
#ifndef TESTS_KERNEL_TEST_H
#define TESTS_KERNEL_TEST_H

#include "kernel/types.h"

struct test_case {
    const char *name;       /* tells its story: "a supply while the return is queued is refused" */
    void (*run)(void);
};

struct test_suite {
    const char *name;
    const struct test_case *cases; /* ends with a NULL name */
};

/* All suites; ends with a NULL name. tests/kernel/suites.c. */
extern const struct test_suite *const test_suites[];

#define CHECK(e) ((e) ? true : (test_failed(#e, __FILE__, __LINE__), false))
/* Two numbers, shown when they differ. */
#define CHECK_EQUAL(a, b) test_check_equal((uint64_t)(a), (uint64_t)(b), #a " == " #b, __FILE__, __LINE__)
#define REQUIRE(e) \
    do { \
        if (!CHECK(e)) \
            return; \
    } while (0)

void test_failed(const char *what, const char *file, int line);
bool test_check_equal(uint64_t a, uint64_t b, const char *what, const char *file, int line);
/* A line of explanation: "# ...". */
void test_note(const char *format, ...) __printf_like(1, 2);
/* Waits until condition(context) holds, at most that long; whether it does. */
bool test_wait(bool (*condition)(void *context), void *context, uint32_t milliseconds);

#endif
