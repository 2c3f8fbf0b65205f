/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the kernel by its own decision, and assertions.
 *
 * panic() prints the reason, the registers, a backtrace with symbols and the counters, "Bail out!" first when a test
 * runs, and ends the machine (with a failing status under QEMU). It may be called anywhere, interrupts on or off.
 * assert() is compiled in debug builds (MACHAIR_DEBUG) only and must have no side effect; nothing that a user can
 * cause may reach either.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include "kernel/types.h"

void panic(const char *format, ...) __printf_like(1, 2) __attribute__((noreturn));

#ifdef MACHAIR_DEBUG
#define assert(e) \
    do { \
        if (unlikely(!(e))) \
            panic("assertion failed: %s, %s:%d", #e, __FILE__, __LINE__); \
    } while (0)
#else
#define assert(e) ((void)sizeof((e) != 0))
#endif

#endif
