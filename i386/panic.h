/* SPDX-License-Identifier: BSD-2-Clause */
/* Panics that know the registers at the place that caused them. */
#ifndef I386_PANIC_H
#define I386_PANIC_H

#include "i386/context.h"
#include "kernel/panic.h"

/* As panic(); frame is where it happened, esp the stack pointer there. */
void panic_frame(const struct trap_frame *frame, uintptr_t esp, const char *format, ...)
    __printf_like(3, 4) __attribute__((noreturn));

#endif
