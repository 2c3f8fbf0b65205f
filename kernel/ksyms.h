/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of the kernel's functions, for backtraces. The table is made from the linked kernel (tools/ksyms.awk) and
 * is a constant of it.
 */
#ifndef KERNEL_KSYMS_H
#define KERNEL_KSYMS_H

#include "kernel/types.h"

/*
 * The function that holds address, and in *offset how far into it; NULL, *offset unchanged, when address lies before
 * all functions or behind the kernel's text. Callable anywhere, in a panic too.
 */
const char *ksyms_lookup(uintptr_t address, uintptr_t *offset);

#endif
