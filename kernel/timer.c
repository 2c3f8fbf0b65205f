/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timeouts: a hierarchical wheel (Varghese and Lauck).
 *
 * A timer is in a slot of the level that its distance asks for: level n has 64 slots of 64^n ticks each, so setting and
 * cancelling are O(1) and a timer is moved at most once a level. A sorted list was rejected because setting would walk it, a
 * single hashed wheel because each tick would look at timers that are not due.
 *
 * What users can make long is bounded in the interrupt: a tick takes whole slots (the due one, and the ones of higher
 * levels whose time begins) onto the list of pending timers in O(1), and then looks at TIMER_TICK_MAX of that list at
 * most: a due timer fires, another goes to the slot that is right for it now. What is left waits for the next tick; so
 * a timer may fire late under such a load, and never early.
 */
#include "kernel/timer.h"

#include "kernel/lock.h"
#include "kernel/machine.h"
#include "kernel/panic.h"

#define TIMER_SLOT_BITS 6
#define TIMER_SLOTS (1u << TIMER_SLOT_BITS)
#define TIMER_SLOT_MASK (TIMER_SLOTS - 1)
/* 2^30 ticks are 124 days; 2^32 ms, the longest that a user can ask for, are 50. What is farther goes round again. */
#define TIMER_LEVELS 5
#define TIMER_REACH ((1ull << (TIMER_SLOT_BITS * TIMER_LEVELS)) - 1)
/* A wake-up costs below a microsecond: the interrupt stays near 100 us, one hundredth of a tick. */
#define TIMER_TICK_MAX 128u

#define TIMER_MS_PER_TICK (1000 / MACHINE_HZ)
_Static_assert(1000 % MACHINE_HZ == 0, "a tick is a whole number of milliseconds");
_Static_assert((0xffffffffull / TIMER_MS_PER_TICK) + 1 < TIMER_REACH, "every timeout of a user is within the wheel");

static struct spinlock timer_lock = SPINLOCK_INIT(LOCK_RANK_TIMER, "timer");
static volatile uint64_t timer_now;                                 /* [timer lock to write] */
static struct list timer_wheel[TIMER_LEVELS][TIMER_SLOTS];          /* [timer lock] */
static struct list timer_pending = LIST_INIT(timer_pending);        /* [timer lock] taken from slots, not yet looked at */
static bool timer_ready;                                            /* [timer lock] the heads of the wheel are set up */

static void timer_prepare(void)
{
    for (unsigned int level = 0; level < TIMER_LEVELS; level++)
        for (unsigned int slot = 0; slot < TIMER_SLOTS; slot++)
            list_init(&timer_wheel[level][slot]);
    timer_ready = true;
}

void timer_init(struct timer *timer, void (*function)(void *argument), void *argument)
{
    list_node_init(&timer->node);
    timer->expires = 0;
    timer->function = function;
    timer->argument = argument;
}

/* Links timer where it belongs now; it is not yet due. */
static void timer_insert(struct timer *timer)
{
    uint64_t when = timer->expires, distance = when - timer_now;
    unsigned int level = 0;

    assert(when > timer_now);
    if (distance > TIMER_REACH) {
        when = timer_now + TIMER_REACH;
        distance = TIMER_REACH;
    }
    /* A slot of level n is taken when its time begins, so one that is 64^(n+1) ticks away or nearer has not begun. */
    while (distance >= TIMER_SLOTS) {
        distance >>= TIMER_SLOT_BITS;
        level++;
    }
    list_insert_tail(&timer_wheel[level][(when >> (TIMER_SLOT_BITS * level)) & TIMER_SLOT_MASK], &timer->node);
}

void timer_set(struct timer *timer, uint64_t ticks)
{
    unsigned long flags = spinlock_lock_irq(&timer_lock);

    assert(!list_node_linked(&timer->node));
    if (unlikely(!timer_ready))
        timer_prepare();
    if (ticks == 0)
        ticks = 1;
    timer->expires = timer_now + ticks;
    if (unlikely(timer->expires < ticks))
        timer->expires = UINT64_MAX;
    timer_insert(timer);
    spinlock_unlock_irq(&timer_lock, flags);
}

bool timer_cancel(struct timer *timer)
{
    unsigned long flags = spinlock_lock_irq(&timer_lock);
    bool was_set = list_node_linked(&timer->node);

    list_remove(&timer->node);
    spinlock_unlock_irq(&timer_lock, flags);
    return was_set;
}

uint64_t timer_ticks(void)
{
    uint64_t ticks;

    /* The two halves are read one after the other: an interrupt between them shows in a second reading. */
    do
        ticks = timer_now;
    while (ticks != timer_now);
    return ticks;
}

uint64_t timer_ticks_of_ms(uint32_t milliseconds)
{
    uint32_t ticks = milliseconds / TIMER_MS_PER_TICK;

    if (milliseconds % TIMER_MS_PER_TICK != 0 || ticks == 0)
        ticks++;
    return ticks;
}

/* Takes the slots whose time begins with this tick. */
static void timer_collect(void)
{
    uint64_t now = timer_now;

    for (unsigned int level = 0; level < TIMER_LEVELS; level++) {
        list_splice_tail(&timer_pending, &timer_wheel[level][now & TIMER_SLOT_MASK]);
        if ((now & TIMER_SLOT_MASK) != 0)
            break;
        now >>= TIMER_SLOT_BITS;
    }
}

void timer_tick(void)
{
    unsigned long flags = spinlock_lock_irq(&timer_lock);
    struct timer *timer;

    if (unlikely(!timer_ready))
        timer_prepare();
    timer_now++;
    timer_collect();
    for (unsigned int i = 0; i < TIMER_TICK_MAX; i++) {
        timer = list_first(&timer_pending, struct timer, node);
        if (timer == NULL)
            break;
        list_remove(&timer->node);
        if (timer->expires > timer_now) {
            timer_insert(timer);
            continue;
        }
        /* The function may set this timer again, and takes locks ranked below this one. */
        spinlock_unlock_irq(&timer_lock, flags);
        timer->function(timer->argument);
        flags = spinlock_lock_irq(&timer_lock);
    }
    spinlock_unlock_irq(&timer_lock, flags);
}
