/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted output to the console and into buffers: %d %i %u %x %X %o %c %s %p %% with the flags - 0 #, width, precision
 * (both also *), and the lengths hh, h, l, ll, z. Never allocates or sleeps; kprintf may be called anywhere.
 */
#ifndef KERNEL_PRINTF_H
#define KERNEL_PRINTF_H

#include <stdarg.h>

#include "kernel/types.h"

void kprintf(const char *format, ...) __printf_like(1, 2);
void kvprintf(const char *format, va_list arguments);

/* Writes at most size bytes, the terminating zero included (none if size is 0); returns the length it wanted to write. */
int ksnprintf(char *buffer, size_t size, const char *format, ...) __printf_like(3, 4);
int kvsnprintf(char *buffer, size_t size, const char *format, va_list arguments);

#endif
