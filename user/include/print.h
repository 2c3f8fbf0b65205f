/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Printing on the kernel's console.
 *
 * printf collects what it prints until a line is whole and then gives the line to the kernel at once, so that lines of
 * several threads and tasks do not mix. Each thread has a line of its own; one longer than PRINT_LINE_MAX goes in parts.
 *
 * Formats: %d %i %u %x %X %c %s %p %%, with flags - and 0, a width, a precision for %s, and sizes h, l, ll, z.
 */
#ifndef USER_PRINT_H
#define USER_PRINT_H

#include <stdarg.h>
#include <stddef.h>

#define PRINT_LINE_MAX 255u

int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
/* As C's: at most size bytes with the 0; the result is the length that all of it would have. */
int snprintf(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *to, size_t size, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));

#endif
