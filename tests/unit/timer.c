/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timeouts: every timer fires once, never early, and on time unless more are due than a tick looks at.
 * unit: kernel/timer.c
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/timer.h"

#define COUNT 2000

struct probe {
    struct timer timer;
    uint64_t due, fired;
    int times;
};

static struct probe probes[COUNT];
static int number;

unsigned long spinlock_lock_irq(struct spinlock *lock)
{
    lock->locked = 1;
    return 0;
}

void spinlock_unlock_irq(struct spinlock *lock, unsigned long flags)
{
    (void)flags;
    lock->locked = 0;
}

void panic(const char *format, ...)
{
    printf("Bail out! %s\n", format);
    exit(1);
}

static void result(bool good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, what);
}

static void fire(void *argument)
{
    struct probe *probe = argument;

    probe->fired = timer_ticks();
    probe->times++;
}

static void set(struct probe *probe, uint64_t ticks)
{
    timer_init(&probe->timer, fire, probe);
    probe->times = 0;
    probe->due = timer_ticks() + ticks;
    timer_set(&probe->timer, ticks);
}

static bool exact(uint64_t late)
{
    for (unsigned int i = 0; i < COUNT; i++)
        if (probes[i].times != 1 || probes[i].fired < probes[i].due || probes[i].fired > probes[i].due + late)
            return false;
    return true;
}

static void run(uint64_t ticks)
{
    while (ticks-- > 0)
        timer_tick();
}

static void again(void *argument)
{
    fire(argument);
    if (probes[0].times < 5)
        timer_set(&probes[0].timer, 3);
}

int main(void)
{
    bool good = true;
    uint64_t start;

    printf("1..8\n");
    srand(1);
    for (unsigned int i = 0; i < COUNT; i++)
        set(&probes[i], 1 + i);
    run(COUNT);
    result(exact(0), "each of the first distances fires on its tick");

    /* Every distance class of the wheel, from a start that is no multiple of anything. */
    run(37);
    for (unsigned int i = 0; i < COUNT; i++)
        set(&probes[i], 1 + (uint64_t)rand() % (1u << (1 + i % 24)));
    run(1u << 24);
    result(exact(0), "distances up to 2^24 fire on their tick");

    start = timer_ticks();
    for (unsigned int i = 0; i < COUNT; i++)
        set(&probes[i], 5000);
    run(5000 + COUNT / 64);
    result(exact(COUNT / 64), "a crowd on one tick fires soon after it, and none early");

    for (unsigned int i = 0; i < COUNT; i++)
        set(&probes[i], 10 + i * 7);
    for (unsigned int i = 0; i < COUNT; i += 2)
        good &= timer_cancel(&probes[i].timer) && !timer_cancel(&probes[i].timer);
    run(10 + COUNT * 7);
    for (unsigned int i = 0; i < COUNT; i++)
        good &= probes[i].times == (int)(i % 2);
    result(good, "a cancelled timer does not fire, the others do");
    result(!timer_cancel(&probes[1].timer), "a timer that fired is not set");

    timer_init(&probes[0].timer, again, &probes[0]);
    probes[0].times = 0;
    start = timer_ticks();
    timer_set(&probes[0].timer, 3);
    run(20);
    result(probes[0].times == 5 && probes[0].fired == start + 15, "a timer can be set again by its function");

    set(&probes[0], 1ull << 31);
    run(1u << 20);
    result(probes[0].times == 0 && timer_cancel(&probes[0].timer), "a timer beyond the wheel's reach waits");

    result(timer_ticks_of_ms(0) == 1 && timer_ticks_of_ms(1) == 1 && timer_ticks_of_ms(10) == 1 &&
           timer_ticks_of_ms(11) == 2 && timer_ticks_of_ms(0xffffffffu) == 429496730, "milliseconds are rounded up");
    return 0;
}
