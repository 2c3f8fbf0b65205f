/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What debug builds say about spinlocks, and mutexes: first come, first served, whoever is woken when.
 * unit: -includeunit_context.h kernel/lock.c
 */
#include <stdio.h>
#include <string.h>

#include "kernel/lock.h"
#include "kernel/machine.h"
#include "kernel/thread.h"

#include "tap.h"

static struct thread threads[4];
struct thread *current_thread_pointer;
static unsigned long interrupts = 1;

unsigned long machine_interrupts_disable(void)
{
    unsigned long before = interrupts;

    interrupts = 0;
    return before;
}

void machine_interrupts_restore(unsigned long flags)
{
    interrupts = flags;
}

/* What happens while the running thread is blocked, step by step; each step is one thread_block. */
static void (*blocked[8])(void);
static unsigned int nr_blocked, step;
static unsigned int waiting;    /* threads in the event's bucket */

void thread_assert_wait(const void *event, enum wait_kind kind)
{
    (void)event;
    if (kind != WAIT_UNINTERRUPTIBLE)
        panic("a mutex is waited for without interruption");
    waiting++;
}

enum wait_result thread_block(void)
{
    struct thread *self = current_thread();

    if (step == nr_blocked)
        panic("waits for ever");
    blocked[step++]();
    current_thread_pointer = self;
    return WAIT_AWAKENED;
}

bool thread_wakeup_one(const void *event)
{
    (void)event;
    if (waiting == 0)
        return false;
    waiting--;
    return true;
}

static struct mutex mutex;

static void owner_unlocks(void)
{
    current_thread_pointer = &threads[0];
    mutex_unlock(&mutex);
}

/* Between the hand-over and the woken thread's run nobody else gets the mutex. */
static bool tried;
static void owner_unlocks_and_wants_it_again(void)
{
    owner_unlocks();
    tried = mutex_try_lock(&mutex) || mutex_held(&mutex);
}

/* Something else wakes the waiter. */
static void spurious(void)
{
    waiting--;
}

static void test_mutex(void)
{
    current_thread_pointer = NULL;
    mutex_init(&mutex, LOCK_RANK_MAP);
    mutex_lock(&mutex);
    tap_ok(mutex_held(&mutex) && !mutex_try_lock(&mutex), "the boot locks a mutex");
    mutex_unlock(&mutex);
    current_thread_pointer = &threads[0];
    tap_ok(!mutex_held(&mutex) && mutex_try_lock(&mutex) && mutex_held(&mutex), "a thread tries one");

    current_thread_pointer = &threads[1];
    tap_ok(!mutex_held(&mutex) && !mutex_try_lock(&mutex), "it is that thread's only");
    blocked[0] = spurious;
    blocked[1] = owner_unlocks_and_wants_it_again;
    nr_blocked = 2;
    step = 0;
    mutex_lock(&mutex);
    tap_ok(step == 2 && !tried && mutex.owner == &threads[1] && mutex.nr_waiting == 0, "it is handed to who waits");
    mutex_unlock(&mutex);

    /* All that are counted as waiting have been woken by something else: the mutex is free. */
    current_thread_pointer = &threads[0];
    mutex_lock(&mutex);
    mutex.nr_waiting = 1;
    waiting = 0;
    mutex_unlock(&mutex);
    mutex.nr_waiting = 0;
    tap_ok(mutex.owner == NULL, "or free when there is nobody to hand it to");
}

static void test_spinlocks(void)
{
    struct spinlock object, other, port, test;
    unsigned long flags;

    spinlock_init(&object, LOCK_RANK_OBJECT);
    spinlock_init(&other, LOCK_RANK_OBJECT);
    spinlock_init(&port, LOCK_RANK_PORT);
    spinlock_init(&test, LOCK_RANK_NONE);
    current_thread_pointer = &threads[0];
    spinlock_lock(&object);
    spinlock_lock(&port);
    tap_ok(spinlock_held(&object) && spinlock_held(&port) && !spinlock_held(&other), "locks are taken in order");
    tap_ok(!spinlock_try_lock(&port) && spinlock_try_lock(&other), "and tried in any");
    tap_ok(tap_panics(lock_assert_none_held()) && strstr(tap_panic_text, "other") != NULL, "one that is held is named");
    spinlock_unlock(&object);
    spinlock_unlock(&other);
    spinlock_unlock(&port);
    lock_assert_none_held();
    tap_ok(!spinlock_held(&object), "and let go of in any order");

    spinlock_lock(&port);
    tap_ok(tap_panics(spinlock_lock(&object)) && strstr(tap_panic_text, "order") != NULL, "a wrong order is found");
    tap_ok(tap_panics(spinlock_lock(&port)) && strstr(tap_panic_text, "deadlock") != NULL, "so is a deadlock");
    spinlock_lock(&test);
    spinlock_unlock(&test);
    current_thread_pointer = &threads[1];
    tap_ok(!spinlock_held(&port) && tap_panics(spinlock_unlock(&port)), "an unlock by another thread");
    current_thread_pointer = &threads[0];
    spinlock_unlock(&port);
    tap_ok(tap_panics(spinlock_unlock(&port)), "an unlock of what is not locked");

    spinlock_lock(&object);
    tap_ok(tap_panics(spinlock_lock(&other)), "equal ranks");
    spinlock_lock_nested(&other);
    tap_ok(tap_panics(mutex_lock(&mutex)), "a mutex below a spinlock");
    spinlock_unlock(&other);
    spinlock_unlock(&object);

    flags = spinlock_lock_irq(&object);
    bool off = interrupts == 0;
    spinlock_unlock_irq(&object, flags);
    tap_ok(off && interrupts == 1, "interrupts are off while a lock is held that handlers take");
    lock_assert_none_held();
}

int main(void)
{
    test_mutex();
    test_spinlocks();
    return tap_done();
}
