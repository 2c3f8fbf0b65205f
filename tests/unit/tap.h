/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For unit tests: results in TAP, random numbers that are the same each time, and panic(), which ends the test unless it
 * is expected. To be included by the one file of a test, after kernel/panic.h if that is wanted.
 */
#ifndef UNIT_TAP_H
#define UNIT_TAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/panic.h"

static unsigned int tap_number;
static uint64_t tap_seed = 1;
static bool tap_panic_expected;
static jmp_buf tap_panic_return;
static char tap_panic_text[256];

/* One result; what says in words what holds. */
static inline bool tap_ok(bool good, const char *what)
{
    printf("%s %u - %s\n", good ? "ok" : "not ok", ++tap_number, what);
    return good;
}

/* The plan; main returns what this returns. */
static inline int tap_done(void)
{
    printf("1..%u\n", tap_number);
    return 0;
}

/* A number below bound, which is at most 2^32. */
static inline uint32_t tap_random(uint64_t bound)
{
    tap_seed = tap_seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(((tap_seed >> 32) * bound) >> 32);
}

/*
 * Runs statement; true if it panics, its text then in tap_panic_text. Locks that are held stay held: the program can
 * only print results afterwards, or begin again with what it set up anew.
 */
#define tap_panics(statement) \
    ({ \
        volatile bool tap_panicked_ = true; \
        tap_panic_expected = true; \
        if (setjmp(tap_panic_return) == 0) { \
            statement; \
            tap_panicked_ = false; \
        } \
        tap_panic_expected = false; \
        (bool)tap_panicked_; \
    })

void panic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(tap_panic_text, sizeof tap_panic_text, format, arguments);
    va_end(arguments);
    if (tap_panic_expected)
        longjmp(tap_panic_return, 1);
    printf("Bail out! panic: %s\n", tap_panic_text);
    fflush(stdout);
    exit(1);
}

#endif
