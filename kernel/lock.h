/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks, and the one order in which they are taken.
 *
 * A spinlock protects data for a short time and is never held across anything that sleeps or may switch threads. A
 * mutex may be held across a sleep for memory where its owner's header says so, never across a wait for a pager.
 * Data shared with interrupt handlers is under a spinlock taken with spinlock_lock_irq(), which turns interrupts off.
 *
 * The kernel is not preemptible except at explicit points (thread_block, preempt_point), so on one processor an
 * uncontended spinlock is a mark. Debug builds record the owner, check that locks are taken in increasing rank (equal
 * ranks only with spinlock_lock_nested, in an order of their users'), and that none is held at a switch.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include "kernel/types.h"

struct thread;

/* The order: a lock is taken only while all locks held have a smaller rank. */
enum lock_rank {
    LOCK_RANK_NONE = 0,         /* not checked: locks of tests only */
    LOCK_RANK_TASK,             /* task->lock: threads, ports, suspend counts */
    LOCK_RANK_THREAD,           /* thread->lock: state as calls see it */
    LOCK_RANK_TASK_LIST,        /* the list of all tasks */
    LOCK_RANK_MAP,              /* vm_map->lock (mutex) */
    LOCK_RANK_OBJECT,           /* vm_object->lock; an object before what it shadows. Kernel messages are queued under it */
    LOCK_RANK_SPACE,            /* ipc_space->lock */
    LOCK_RANK_PORT,             /* ipc_port->lock */
    LOCK_RANK_PSET,             /* ipc_pset->lock */
    LOCK_RANK_TRANSIT,          /* where ports in messages go (ipc_port.c) */
    LOCK_RANK_MEMORY_OBJECT,    /* references of memory_object records, found from ports */
    LOCK_RANK_ACCOUNT,          /* vm_account->lock */
    LOCK_RANK_PAGE_QUEUES,      /* vm_policy's queues */
    LOCK_RANK_REAPER,           /* kernel/reaper.c's queue of deferred ends */
    LOCK_RANK_PMAP,             /* pmap->lock */
    LOCK_RANK_PV,               /* reverse mappings */
    LOCK_RANK_KMEM,             /* kmem_cache->lock */
    LOCK_RANK_KVA,              /* kernel virtual addresses */
    LOCK_RANK_FRAMES,           /* free lists of frames */
    LOCK_RANK_WAIT,             /* buckets of waiting threads */
    LOCK_RANK_SCHED,            /* run queues */
    LOCK_RANK_TIMER,            /* timeouts */
    LOCK_RANK_CONSOLE,
};

struct spinlock {
    uint8_t locked;
    uint8_t rank;
#ifdef MACHAIR_DEBUG
    struct thread *owner;
    const char *name;
    void *below; /* the lock taken before this one and still held */
#endif
};

#ifdef MACHAIR_DEBUG
#define SPINLOCK_INIT(rank_, name_) {0, rank_, NULL, name_, NULL}
void spinlock_init_named(struct spinlock *lock, enum lock_rank rank, const char *name);
void spinlock_lock(struct spinlock *lock);
void spinlock_lock_nested(struct spinlock *lock); /* allows an equal rank below it */
bool spinlock_try_lock(struct spinlock *lock);
void spinlock_unlock(struct spinlock *lock);
bool spinlock_held(const struct spinlock *lock); /* by the running thread */
void lock_assert_none_held(void);
#else
#define SPINLOCK_INIT(rank_, name_) {0, rank_}
static inline void spinlock_init_named(struct spinlock *lock, enum lock_rank rank, const char *name)
{
    (void)name;
    lock->locked = 0;
    lock->rank = (uint8_t)rank;
}
static inline void spinlock_lock(struct spinlock *lock)
{
    lock->locked = 1;
    __asm__ volatile("" ::: "memory");
}
#define spinlock_lock_nested spinlock_lock
static inline bool spinlock_try_lock(struct spinlock *lock)
{
    if (lock->locked)
        return false;
    spinlock_lock(lock);
    return true;
}
static inline void spinlock_unlock(struct spinlock *lock)
{
    __asm__ volatile("" ::: "memory");
    lock->locked = 0;
}
static inline bool spinlock_held(const struct spinlock *lock)
{
    return lock->locked;
}
static inline void lock_assert_none_held(void)
{
}
#endif
#define spinlock_init(lock, rank) spinlock_init_named(lock, rank, #lock)

/* With interrupts off until the unlock, which gets what the lock returned. */
unsigned long spinlock_lock_irq(struct spinlock *lock) __must_check;
void spinlock_unlock_irq(struct spinlock *lock, unsigned long flags);

/*
 * Sleeping lock. mutex_lock sleeps uninterruptibly; first come, first served.
 */
struct mutex {
    struct thread *owner;       /* NULL when free */
    uint16_t nr_waiting;
    uint8_t rank;
};

void mutex_init(struct mutex *mutex, enum lock_rank rank);
void mutex_lock(struct mutex *mutex);
bool mutex_try_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool mutex_held(const struct mutex *mutex); /* by the running thread */

#endif
