/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/test.h"

#include "kernel/boot_info.h"
#include "kernel/machine.h"
#include "kernel/printf.h"
#include "kernel/string.h"
#include "kernel/test_hook.h"
#include "kernel/thread.h"
#include "kernel/timer.h"

static const char *test_names;
static unsigned int test_number, test_nr_failed;
static bool test_case_failed;

void test_failed(const char *what, const char *file, int line)
{
    test_case_failed = true;
    kprintf("# %s:%d: not true: %s\n", file, line, what);
}

bool test_check_equal(uint64_t a, uint64_t b, const char *what, const char *file, int line)
{
    if (a != b) {
        test_failed(what, file, line);
        kprintf("#   %llu (0x%llx) and %llu (0x%llx)\n", a, a, b, b);
    }
    return a == b;
}

void test_note(const char *format, ...)
{
    va_list arguments;

    kprintf("# ");
    va_start(arguments, format);
    kvprintf(format, arguments);
    va_end(arguments);
    kprintf("\n");
}

bool test_wait(bool (*condition)(void *context), void *context, uint32_t milliseconds)
{
    uint64_t end = timer_ticks() + timer_ticks_of_ms(milliseconds);

    while (!condition(context)) {
        if (timer_ticks() >= end)
            return false;
        thread_delay(10);
    }
    return true;
}

/* The suite whose name begins at *names, which goes behind it; NULL at the end. A name that is none stops the boot. */
static const struct test_suite *test_next_suite(const char **names)
{
    const char *name = *names;
    unsigned int i;
    size_t length = 0;

    if (*name == '\0')
        return NULL;
    while (name[length] != '\0' && name[length] != ',')
        length++;
    *names = name + length + (name[length] == ',');
    for (i = 0; test_suites[i] != NULL; i++)
        if (strlen(test_suites[i]->name) == length && strncmp(test_suites[i]->name, name, length) == 0)
            return test_suites[i];
    boot_fail("no test \"%s\"", name);
}

static void test_main(void *argument)
{
    const struct test_suite *suite;
    const char *names = test_names;
    unsigned int count = 0, i;

    (void)argument;
    while ((suite = test_next_suite(&names)) != NULL)
        for (i = 0; suite->cases[i].name != NULL; i++)
            count++;
    kprintf("1..%u\n", count);
    names = test_names;
    while ((suite = test_next_suite(&names)) != NULL) {
        for (i = 0; suite->cases[i].name != NULL; i++) {
            test_case_failed = false;
            suite->cases[i].run();
            test_nr_failed += test_case_failed;
            kprintf("%s %u - %s: %s\n", test_case_failed ? "not ok" : "ok", ++test_number, suite->name,
                    suite->cases[i].name);
        }
    }
    machine_end(MACHINE_HALT, test_nr_failed == 0 && count > 0);
}

void test_start(const char *names)
{
    test_names = names;
    (void)kernel_thread_create("test", test_main, NULL, THREAD_PRIORITY_USER);
}
