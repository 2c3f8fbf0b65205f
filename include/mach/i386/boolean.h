/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's truth value.
 */
#ifndef MACH_I386_BOOLEAN_H
#define MACH_I386_BOOLEAN_H

typedef int boolean_t;

#endif
