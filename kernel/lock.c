/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spinlocks with their checks, and mutexes.
 *
 * There is one processor and no preemption between the explicit points, so a spinlock that is met locked can never
 * become free: it is a deadlock, and debug builds say whose. They keep one chain of the locks held, from lock_top down
 * through each lock's `below`. One chain is enough, because no spinlock is held across a switch of threads. An interrupt
 * handler pushes above what it interrupted and has popped everything when it returns; so it may come between any two
 * instructions here. It is checked against the ranks of what it interrupted, too, as it must be: that stays locked.
 *
 * A mutex is handed over: the unlocker marks it as handed and wakes the one that waited longest, and nobody else finds
 * it free in between. So it is first come, first served, and no waiter starves. A waiter that is woken for another
 * reason waits again; should it run before the one that the mutex was handed to, it takes the mutex in its place, and
 * that one waits again. Rejected: leaving a mutex free for the woken thread to compete for, which lets a loop that
 * locks and unlocks keep everybody out on one processor.
 */
#include "kernel/lock.h"

#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"

#ifdef MACHAIR_DEBUG

/* The lock taken last of those held; see above. */
static struct spinlock *lock_top;

void spinlock_init_named(struct spinlock *lock, enum lock_rank rank, const char *name)
{
    lock->locked = 0;
    lock->rank = (uint8_t)rank;
    lock->owner = NULL;
    lock->name = name;
    lock->below = NULL;
}

static void spinlock_push(struct spinlock *lock)
{
    lock->locked = 1;
    lock->owner = current_thread();
    lock->below = lock_top;
    __asm__ volatile("" ::: "memory"); /* an interrupt that finds lock_top set finds the chain below it */
    lock_top = lock;
}

/* Panics when taking lock would wait for ever, or is against the order. Not all held need be in order: try_lock is not. */
static void spinlock_check(const struct spinlock *lock, unsigned int equal_allowed)
{
    if (lock->locked)
        panic("deadlock: lock %s is held by thread %p and wanted by %p", lock->name, (void *)lock->owner,
              (void *)current_thread());
    if (lock->rank == LOCK_RANK_NONE)
        return;
    for (const struct spinlock *held = lock_top; held != NULL; held = held->below) {
        if (held->rank >= lock->rank + equal_allowed)
            panic("lock order: %s (rank %u) is taken with %s (rank %u) held", lock->name, lock->rank, held->name,
                  held->rank);
    }
}

void spinlock_lock(struct spinlock *lock)
{
    spinlock_check(lock, 0);
    spinlock_push(lock);
}

void spinlock_lock_nested(struct spinlock *lock)
{
    spinlock_check(lock, 1);
    spinlock_push(lock);
}

bool spinlock_try_lock(struct spinlock *lock)
{
    /* Against the order is allowed here: who does not wait closes no circle. */
    if (lock->locked)
        return false;
    spinlock_push(lock);
    return true;
}

void spinlock_unlock(struct spinlock *lock)
{
    struct spinlock *above = lock_top;

    if (!lock->locked)
        panic("lock %s is unlocked but not held", lock->name);
    if (lock->owner != current_thread())
        panic("lock %s of thread %p is unlocked by %p", lock->name, (void *)lock->owner, (void *)current_thread());
    if (above == lock) {
        lock_top = lock->below;
    } else {
        while (above != NULL && above->below != lock)
            above = above->below;
        if (above == NULL)
            panic("lock %s is held but not in the chain of held locks", lock->name);
        above->below = lock->below;
    }
    lock->below = NULL;
    lock->owner = NULL;
    __asm__ volatile("" ::: "memory");
    lock->locked = 0;
}

bool spinlock_held(const struct spinlock *lock)
{
    return lock->locked && lock->owner == current_thread();
}

void lock_assert_none_held(void)
{
    if (lock_top != NULL)
        panic("lock %s is held where the thread may switch", lock_top->name);
}

#endif

unsigned long spinlock_lock_irq(struct spinlock *lock)
{
    unsigned long flags = machine_interrupts_disable();

    spinlock_lock(lock);
    return flags;
}

void spinlock_unlock_irq(struct spinlock *lock, unsigned long flags)
{
    spinlock_unlock(lock);
    machine_interrupts_restore(flags);
}

/* Owners that are no threads: the boot, which is none yet, and the waiter that has been woken and not run yet. */
static char mutex_boot, mutex_handed;
#define MUTEX_BOOT ((struct thread *)(void *)&mutex_boot)
#define MUTEX_HANDED ((struct thread *)(void *)&mutex_handed)

static struct thread *mutex_self(void)
{
    struct thread *self = current_thread();

    return self != NULL ? self : MUTEX_BOOT;
}

void mutex_init(struct mutex *mutex, enum lock_rank rank)
{
    mutex->owner = NULL;
    mutex->nr_waiting = 0;
    mutex->rank = (uint8_t)rank;
}

/* The event is inside the mutex, so that what the mutex is the first member of can have an event of its own. */
static const void *mutex_event(const struct mutex *mutex)
{
    return &mutex->nr_waiting;
}

void mutex_lock(struct mutex *mutex)
{
    struct thread *self = mutex_self();

    lock_assert_none_held();
    assert(mutex->owner != self);
    if (likely(mutex->owner == NULL)) {
        mutex->owner = self;
        return;
    }
    assert(self != MUTEX_BOOT); /* nobody else could unlock it */
    do {
        /* Cannot wrap: a waiter has a stack of two pages and a guard page, and 65536 of those are 768 MiB of addresses. */
        mutex->nr_waiting++;
        thread_assert_wait(mutex_event(mutex), WAIT_UNINTERRUPTIBLE);
        (void)thread_block();
        mutex->nr_waiting--;
    } while (mutex->owner != NULL && mutex->owner != MUTEX_HANDED);
    mutex->owner = self;
}

bool mutex_try_lock(struct mutex *mutex)
{
    if (mutex->owner != NULL)
        return false;
    mutex->owner = mutex_self();
    return true;
}

void mutex_unlock(struct mutex *mutex)
{
    assert(mutex_held(mutex));
    if (likely(mutex->nr_waiting == 0)) {
        mutex->owner = NULL;
        return;
    }
    /* Those counted may all have been woken and not run yet; then they find it free. */
    mutex->owner = MUTEX_HANDED;
    if (!thread_wakeup_one(mutex_event(mutex)))
        mutex->owner = NULL;
}

bool mutex_held(const struct mutex *mutex)
{
    return mutex->owner == mutex_self();
}
