/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of devices: sixteen lines, one handler each.
 */
#ifndef I386_INTERRUPT_H
#define I386_INTERRUPT_H

#include "i386/context.h"
#include "kernel/types.h"

#define INTERRUPT_NR_LINES 16

/* Runs with interrupts off, after the line's interrupt is acknowledged. user: user mode was interrupted. */
typedef void (*interrupt_handler_t)(void *argument, bool user);

/* Sets the handler of a line that has none, and lets the line interrupt. False when it has one already. */
bool interrupt_establish(unsigned int line, interrupt_handler_t handler, void *argument) __must_check;
/* Shuts the line and forgets its handler. */
void interrupt_remove(unsigned int line);

/* From trap.c. */
void interrupt_dispatch(unsigned int line, bool user);

#endif
