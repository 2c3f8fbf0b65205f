/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trap table: what a program calls by lcall $7, $0 with a negative number in %eax (<mach/syscall_sw.h>).
 */
#ifndef KERNEL_SYSCALL_SW_H
#define KERNEL_SYSCALL_SW_H

#include "kernel/types.h"

#define SYSCALL_MAX_ARGUMENTS 11u

/* The machine copies nr_arguments words from the user stack, above the return address, and returns the result in %eax. */
struct syscall {
    uint32_t nr_arguments;
    uint32_t (*handler)(const uint32_t *arguments); /* NULL: a bad number */
};

/* Indexed by the negated trap number. */
extern const struct syscall syscall_table[];
extern const unsigned int syscall_table_length;

#endif
