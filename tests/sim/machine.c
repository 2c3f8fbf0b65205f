/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts, time, the console, and the end.
 *
 * Time is a counter that goes on by a random step at every point, the same for some points; the clock's tick comes at the
 * first point behind it where interrupts are on. So seeds differ in how much happens between ticks, from some dozen points
 * to some ten thousand.
 *
 * A request to give way is an interrupt too, of a machine whose clock would have ticked just then: the running thread's
 * quantum is used up, and the threads of the best priority stand in another order.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/sched.h"
#include "laws.h"
#include "sim.h"

#include <mach/machine.h>

#define SIM_NS_PER_TICK (1000000000u / MACHINE_HZ)
#define SIM_BOOT_SECONDS 1767225600u /* 2026 */
#define SIM_CONSOLE_SIZE 16384u
/* For so many points time passes evenly: a few of the shortest ticks. */
#define SIM_STEP_POINTS 16u
/* Less turns than this are taken from the threads of the best priority at once. */
#define SIM_TURNS 3u
/* Longer than anything that the kernel lets a program wait for. */
#define SIM_HANG_SECONDS 120u

static bool sim_interrupts;                     /* they are on */
static uint64_t sim_now, sim_next_tick = SIM_NS_PER_TICK;
static char sim_console[SIM_CONSOLE_SIZE];
static uint32_t sim_console_used;               /* all that was ever written */
static uint64_t sim_user_at;                    /* when a program last did something */

/* ---- time ---- */

uint64_t machine_time_ns(void)
{
    return sim_now;
}

uint32_t machine_boot_seconds(void)
{
    return SIM_BOOT_SECONDS;
}

static void sim_tick(enum sim_mode mode)
{
    while (sim_interrupts && sim_now >= sim_next_tick) {
        sim_interrupts = false;
        sim_next_tick += SIM_NS_PER_TICK;
        sim_counts->interrupts++;
        if (!sched_thread_is_idle(current_thread()))
            sim_trace(SIM_INTERRUPT, (uint32_t)(sim_now / 1000), mode);
        clock_interrupt(mode == SIM_USER);
        sim_interrupts = true;
    }
}

/* Some of the threads of the best priority go behind the others. The scheduler's lock is held. */
static void sim_shuffle_best(uint32_t turns)
{
    unsigned int best = sched_best();

    for (; turns > 0 && best < THREAD_NR_PRIORITIES; turns--) {
        struct thread *first = sched_first(best);

        sched_dequeue(first);
        sched_enqueue(first);
    }
}

/* The running thread's turn is over. Interrupts are on, so the scheduler's lock is free; they are off here. */
static void sim_preempt(void)
{
    struct thread *self = current_thread();
    unsigned long flags = spinlock_lock_irq(&sched_lock);

    sim_shuffle_best(sim_choose_of(SIM_OF_TURNS, SIM_TURNS));
    if (!sched_thread_is_idle(self)) {
        sim_trace(SIM_PREEMPT, sched_best(), 0);
        self->quantum_left = 0;
        sched_preempt_request();
    }
    spinlock_unlock_irq(&sched_lock, flags);
}

/* What passes at this point: chosen for some points at a time. The mean for 0, and from there on round. */
static uint32_t sim_step(void)
{
    static uint32_t step, left;

    if (left-- == 0) {
        uint32_t mean = sim_run.ns_per_point;

        step = (mean + sim_choose_of(SIM_OF_TIME, 2 * mean)) % (2 * mean);
        left = SIM_STEP_POINTS - 1;
    }
    return step;
}

/* Whether the running thread's turn ends here. The number of points until it does is chosen; 0: for now it does not. */
static bool sim_preempt_due(void)
{
    static uint32_t left;
    static bool due;

    if (sim_run.preempt == 0 || left-- != 0)
        return false;
    bool now = due;
    left = sim_choose_of(SIM_OF_TURNS, 2 * sim_run.preempt);
    due = left != 0;
    if (left == 0)
        left = 2 * sim_run.preempt;
    return now;
}

void sim_point(enum sim_mode mode)
{
    if (sim_laws_checking)
        return;
    if (++sim_counts->points == sim_run.until)
        (void)raise(SIGTRAP);
    if (sim_run.points_most != 0 && sim_counts->points > sim_run.points_most)
        sim_fail("more than %u points", sim_run.points_most);
    sim_now += sim_step();
    if (mode == SIM_USER) {
        sim_user_at = sim_now;
        sim_laws_point(SIM_LAWS_USER);
    }
    if (!sim_interrupts)
        return;
    sim_counts->places += mode == SIM_USER;
    sim_tick(mode);
    if (sim_preempt_due())
        sim_preempt();
}

/* Gives way, or sleeps for a moment, so that worse threads run too. */
static void sim_give_way(void)
{
    if (sim_chance_of(SIM_OF_TURNS, 4)) {
        thread_assert_wait_timeout(&sim_run, WAIT_UNINTERRUPTIBLE, 1);
        (void)thread_block();
    } else {
        (void)thread_yield();
    }
}

/* Whatever may sleep may have to. */
void sim_switch_point(void)
{
    struct thread *self = current_thread();

    if (!sim_interrupts || sched_thread_is_idle(self))
        return;
    sim_counts->places++;
    if (!sim_chance_of(SIM_OF_TURNS, sim_run.yield))
        return;
    lock_assert_none_held();
    sim_check(self->run_state == THREAD_RUNNABLE);
    sim_trace(SIM_YIELD, 0, 0);
    sim_give_way();
}

void sim_before_switch(void)
{
    unsigned long flags;

    sim_point(SIM_KERNEL);
    sim_counts->places++;
    if (sim_chance_of(SIM_OF_FAULTS, sim_run.aborts))
        sim_abort_some();
    if (!sim_chance_of(SIM_OF_TURNS, sim_run.shuffle))
        return;
    flags = spinlock_lock_irq(&sched_lock);
    sim_shuffle_best(sim_choose_of(SIM_OF_TURNS, SIM_TURNS));
    spinlock_unlock_irq(&sched_lock, flags);
}

void sim_after_wait(void)
{
    struct thread *self = current_thread();

    if (!sim_interrupts || self->terminating || self->run_state != THREAD_RUNNABLE)
        return;
    if (!sim_chance_of(SIM_OF_FAULTS, sim_run.late))
        return;
    sim_trace(SIM_LATE, 0, 0);
    sim_give_way();
}

/* ---- interrupts ---- */

unsigned long machine_interrupts_disable(void)
{
    bool before = sim_interrupts;

    sim_interrupts = false;
    return before;
}

void machine_interrupts_restore(unsigned long flags)
{
    sim_interrupts = flags != 0;
    sim_tick(SIM_KERNEL);
}

bool machine_interrupts_enabled(void)
{
    return sim_interrupts;
}

void machine_interrupts_enable(void)
{
    machine_interrupts_restore(true);
}

void machine_idle(void)
{
    sim_check(!sim_interrupts);
    if (sim_now - sim_user_at > SIM_HANG_SECONDS * 1000000000ull) {
        sim_laws_check(SIM_LAWS_SWITCH); /* it may say why */
        sim_fail("no program has run for %u s: all of them wait", SIM_HANG_SECONDS);
    }
    sim_now = MAX(sim_now, sim_next_tick);
    machine_interrupts_enable();
}

/* ---- the console ---- */

void console_putc(char c)
{
    sim_console[sim_console_used++ % SIM_CONSOLE_SIZE] = c;
    if (sim_run.verbose)
        putchar(c);
}

void sim_console_write(void)
{
    uint32_t at = sim_console_used > SIM_CONSOLE_SIZE ? sim_console_used - SIM_CONSOLE_SIZE : 0;
    bool begins = true;

    for (; at < sim_console_used; at++) {
        char c = sim_console[at % SIM_CONSOLE_SIZE];

        if (begins)
            printf("#   ");
        putchar(c);
        begins = c == '\n';
    }
    if (!begins)
        putchar('\n');
}

/* ---- the processor, and the end ---- */

void machine_cpu_kind(int *type, int *subtype)
{
    *type = CPU_TYPE_I486;
    *subtype = CPU_SUBTYPE_AT386;
}

void machine_end(enum machine_end how, bool success)
{
    sim_fail("the kernel ended the machine (%u, %s)", how, success ? "well" : "badly");
}

void panic(const char *format, ...)
{
    char reason[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    sim_fail("panic: %s", reason);
}
