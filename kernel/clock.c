/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wall clock is kept as the time at the last tick and the machine's counter then. A reading adds what the counter went
 * on since, with the share that an adjustment under way takes or gives; a tick makes such a reading the new base. Both use
 * one formula, which never falls as the counter rises, so time does not run backwards while it is adjusted.
 */
#include "kernel/clock.h"

#include "kernel/divide.h"
#include "kernel/kmem.h"
#include "kernel/lock.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/processor.h"
#include "kernel/sched.h"
#include "kernel/string.h"
#include "kernel/timer.h"
#include "vm/vm_frame.h"

/* Mach's: half a millisecond a second, and ten times that for what is above a second. */
#define CLOCK_SKEW_DIVISOR 2000u
#define CLOCK_SKEW_DIVISOR_BIG 200u
/* 2^63 ns are 292 years. What may be set stays a century away from that. */
#define CLOCK_SECONDS_MAX (0xffffffffll)
/* The largest adjustment: any larger would take a thousand years anyhow. */
#define CLOCK_ADJUST_MAX (CLOCK_SECONDS_MAX * CLOCK_NS_PER_SECOND)

/* Read by interrupts and changed by calls: under clock_lock, interrupts off. */
static struct spinlock clock_lock = SPINLOCK_INIT(LOCK_RANK_TIMER, "clock");
static int64_t clock_base;                          /* wall clock at the stamp, ns */
static uint64_t clock_stamp;                        /* machine_time_ns() then */
static int64_t clock_adjustment;                    /* still to be gained, ns */
static bool clock_started;
static volatile mapped_time_value_t *clock_page;    /* set once */
/* What the page shows, carried on without a division. */
static uint32_t clock_page_seconds, clock_page_ns;
static uint32_t clock_sampled;                      /* the clock's interrupt: the second of the last load sample */

/* What an adjustment changes while the counter goes on by passed, at most a second. */
static int32_t clock_skew(uint32_t passed)
{
    int64_t left = clock_adjustment;
    bool loses = left < 0;
    uint64_t size = loses ? -(uint64_t)left : (uint64_t)left;
    uint32_t skew = passed / (size > CLOCK_NS_PER_SECOND ? CLOCK_SKEW_DIVISOR_BIG : CLOCK_SKEW_DIVISOR);

    if (skew > size)
        skew = (uint32_t)size;
    return loses ? -(int32_t)skew : (int32_t)skew;
}

/* Makes the present the new base. Lock held. */
static void clock_advance(void)
{
    uint64_t now = machine_time_ns(), passed;
    uint32_t step;
    int32_t skew;

    if (unlikely(!clock_started)) {
        clock_base = (int64_t)machine_boot_seconds() * CLOCK_NS_PER_SECOND;
        clock_started = true;
    }
    passed = now - clock_stamp;
    clock_stamp = now;
    while (passed > 0) {
        step = (uint32_t)MIN(passed, (uint64_t)CLOCK_NS_PER_SECOND);
        skew = clock_adjustment == 0 ? 0 : clock_skew(step);
        clock_adjustment -= skew;
        clock_base += (int64_t)step + skew;
        passed -= step;
    }
}

int64_t clock_time_ns(void)
{
    unsigned long flags = spinlock_lock_irq(&clock_lock);
    uint64_t passed = machine_time_ns() - clock_stamp;
    int64_t time;

    if (unlikely(!clock_started || passed > CLOCK_NS_PER_SECOND)) {
        clock_advance();
        passed = 0;
    }
    time = clock_base + (int64_t)passed;
    if (clock_adjustment != 0)
        time += clock_skew((uint32_t)passed);
    spinlock_unlock_irq(&clock_lock, flags);
    return time;
}

struct time_value clock_time_of_ns(int64_t ns)
{
    struct time_value64 time = clock_time64_of_ns(ns);

    return (struct time_value){
        .seconds = (long_integer_t)time.seconds,
        .microseconds = (integer_t)((uint32_t)time.nanoseconds / CLOCK_NS_PER_US),
    };
}

struct time_value64 clock_time64_of_ns(int64_t ns)
{
    uint32_t rest;
    int64_t seconds;

    if (ns >= 0) {
        seconds = (int64_t)divide_u64((uint64_t)ns, CLOCK_NS_PER_SECOND, &rest);
    } else {
        /* The fraction is never negative: round towards the past. */
        seconds = -(int64_t)divide_u64(-(uint64_t)ns, CLOCK_NS_PER_SECOND, &rest);
        if (rest != 0) {
            seconds--;
            rest = CLOCK_NS_PER_SECOND - rest;
        }
    }
    return (struct time_value64){.seconds = seconds, .nanoseconds = rest};
}

bool clock_ns_of_time(struct time_value time, int64_t *ns)
{
    if (time.microseconds < 0 || time.microseconds >= TIME_MICROS_MAX)
        return false;
    *ns = (int64_t)time.seconds * CLOCK_NS_PER_SECOND + (int64_t)time.microseconds * CLOCK_NS_PER_US;
    return true;
}

bool clock_ns_of_time64(struct time_value64 time, int64_t *ns)
{
    if (time.nanoseconds < 0 || time.nanoseconds >= TIME_NANOS_MAX ||
        time.seconds < -CLOCK_SECONDS_MAX || time.seconds > CLOCK_SECONDS_MAX)
        return false;
    *ns = time.seconds * CLOCK_NS_PER_SECOND + time.nanoseconds;
    return true;
}

struct time_value clock_time_of_ticks(uint64_t ticks)
{
    uint32_t rest;
    uint64_t seconds = divide_u64(ticks, MACHINE_HZ, &rest);

    return (struct time_value){
        .seconds = (long_integer_t)seconds,
        .microseconds = (integer_t)(rest * (CLOCK_NS_PER_TICK / CLOCK_NS_PER_US)),
    };
}

uint32_t clock_seconds(void)
{
    return (uint32_t)clock_time64_of_ns(clock_time_ns()).seconds;
}

struct time_value clock_get_time(void)
{
    return clock_time_of_ns(clock_time_ns());
}

/* Shows the time in the mapped page; a reader that sees both counts of seconds agree has read one time. */
static void clock_page_write(void)
{
    volatile mapped_time_value_t *page = clock_page;

    page->check_seconds = (integer_t)clock_page_seconds;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    page->microseconds = (integer_t)(clock_page_ns / CLOCK_NS_PER_US);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    page->seconds = (integer_t)clock_page_seconds;
}

/* The time has changed by more than a second, or for the first time. Lock held. */
static void clock_page_set(void)
{
    struct time_value64 time = clock_time64_of_ns(clock_base);

    clock_page_seconds = (uint32_t)time.seconds;
    clock_page_ns = (uint32_t)time.nanoseconds;
    clock_page_write();
}

/* A tick went by, from before to clock_base. Lock held. */
static void clock_page_tick(int64_t before)
{
    int64_t passed = clock_base - before;

    if (unlikely(passed < 0 || passed > CLOCK_NS_PER_SECOND)) {
        clock_page_set();
        return;
    }
    clock_page_ns += (uint32_t)passed;
    if (clock_page_ns >= CLOCK_NS_PER_SECOND) {
        clock_page_ns -= CLOCK_NS_PER_SECOND;
        clock_page_seconds++;
    }
    clock_page_write();
}

kern_return_t clock_set_time_ns(int64_t time)
{
    unsigned long flags;

    if (time < 0 || time > CLOCK_ADJUST_MAX)
        return KERN_INVALID_VALUE;
    flags = spinlock_lock_irq(&clock_lock);
    clock_advance();
    clock_base = time;
    clock_adjustment = 0;
    if (clock_page != NULL)
        clock_page_set();
    spinlock_unlock_irq(&clock_lock, flags);
    return KERN_SUCCESS;
}

void clock_adjust(const int64_t *delta, int64_t *old)
{
    unsigned long flags = spinlock_lock_irq(&clock_lock);

    clock_advance();
    *old = clock_adjustment;
    if (delta != NULL)
        clock_adjustment = MAX(MIN(*delta, (int64_t)CLOCK_ADJUST_MAX), -(int64_t)CLOCK_ADJUST_MAX);
    spinlock_unlock_irq(&clock_lock, flags);
}

void *clock_map_page(void)
{
    mapped_time_value_t *page;
    unsigned long flags;

    if (clock_page == NULL) {
        page = vm_frame_alloc_kernel(0, ALLOC_NOSLEEP | ALLOC_ZEROED);
        if (page == NULL)
            return NULL;
        flags = spinlock_lock_irq(&clock_lock);
        /* Nobody else can have set it: nothing slept since it was looked at, and interrupts only read it. */
        assert(clock_page == NULL);
        clock_page = page;
        clock_advance();
        clock_page_set();
        spinlock_unlock_irq(&clock_lock, flags);
    }
    return (void *)(uintptr_t)clock_page;
}

void clock_interrupt(bool user)
{
    unsigned long flags = spinlock_lock_irq(&clock_lock);
    int64_t before = clock_base;

    clock_advance();
    if (clock_page != NULL)
        clock_page_tick(before);
    spinlock_unlock_irq(&clock_lock, flags);
    timer_tick();
    sched_tick(user);
    if (clock_sampled != sched_seconds) {
        clock_sampled = sched_seconds;
        processor_load_sample();
    }
}
