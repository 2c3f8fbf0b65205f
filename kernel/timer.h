/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timeouts: functions called once, from the clock interrupt, when their time has come.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include "kernel/list.h"
#include "kernel/types.h"

struct timer {
    struct list_node node;      /* [timer lock] linked while it is set */
    uint64_t expires;           /* ticks since boot */
    void (*function)(void *argument);
    void *argument;
};

void timer_init(struct timer *timer, void (*function)(void *argument), void *argument);
/* Sets timer to fire after at least ticks ticks (at least one); it is not set now. */
void timer_set(struct timer *timer, uint64_t ticks);
/* Returns false if it was not set (it fired, or was never set). */
bool timer_cancel(struct timer *timer);
uint64_t timer_ticks(void);
/* Milliseconds to ticks, rounded up, never 0. */
uint64_t timer_ticks_of_ms(uint32_t milliseconds);
/* From clock_interrupt. */
void timer_tick(void);

#endif
