/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time of day.
 *
 * Uptime is machine_time_ns(). The wall clock is uptime plus an offset, which setting the time changes at once and adjusting
 * it changes slowly, so that time never runs backwards by an adjustment. Pages that programs map show both, see
 * clock_map_page.
 */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include <mach/kern_return.h>
#include <mach/time_value.h>

#include "kernel/types.h"

#define CLOCK_NS_PER_SECOND 1000000000u
#define CLOCK_NS_PER_US 1000u
#define CLOCK_NS_PER_TICK (CLOCK_NS_PER_SECOND / MACHINE_HZ)

/* The wall clock: nanoseconds since 1970, and whole seconds. */
int64_t clock_time_ns(void);
uint32_t clock_seconds(void);

struct time_value clock_get_time(void);
/* Sets the wall clock and ends an adjustment. KERN_INVALID_VALUE for a time that is none. */
kern_return_t clock_set_time_ns(int64_t time);

/*
 * Lets the clock gain delta nanoseconds (lose, when negative) slowly: 1/2000 of the time that passes, or ten times that
 * while more than a second is left. Replaces the adjustment that was going on and returns in *old what was left of it;
 * delta NULL only asks.
 */
void clock_adjust(const int64_t *delta, int64_t *old);

/* Nanoseconds as seconds and a fraction, and back. clock_ns_of_time says false for a fraction out of its range. */
struct time_value clock_time_of_ns(int64_t ns);
struct time_value64 clock_time64_of_ns(int64_t ns);
bool clock_ns_of_time(struct time_value time, int64_t *ns);
bool clock_ns_of_time64(struct time_value64 time, int64_t *ns);

/* Ticks of the clock, as time. */
struct time_value clock_time_of_ticks(uint64_t ticks);

/*
 * The page that the device "time" maps: a mapped_time_value at its start, brought up to date at each tick. Returns its
 * kernel address, the same each time, or NULL when there is no memory for it.
 */
void *clock_map_page(void);

#endif
