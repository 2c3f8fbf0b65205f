/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who waits has a record with the range of his request in the object's list, and an answer takes the oldest of that range. A
 * wait that is broken off leaves its record there until its answer comes: or the next who asks for the same range would
 * go on at an answer that was given before his request was heard.
 */
#include "vm/memory_object_sync.h"

#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/memory_object_call.h"
#include "vm/memory_object_lock.h"
#include "vm/vm_object.h"
#include "vm/vm_run.h"

#define MEMORY_OBJECT_SYNC_POLL_MS 20u

/* Locking: the object's. */
struct memory_object_sync_wait {
    struct list_node node;          /* in pager->syncs */
    uint32_t first, nr_pages;       /* as the request says */
    bool waits;                     /* its thread does, and frees it; otherwise who takes it off the list */
    bool over;                      /* it is off the list */
    kern_return_t result;
};

static struct kmem_cache memory_object_sync_cache;

void memory_object_sync_init(void)
{
    kmem_cache_init(&memory_object_sync_cache, "memory_object_sync", sizeof(struct memory_object_sync_wait), 0);
}

/* Takes wait off the list, with what its thread is to hear. */
static void memory_object_sync_over(struct memory_object_sync_wait *wait, kern_return_t result)
{
    list_remove(&wait->node);
    wait->over = true;
    wait->result = result;
    if (wait->waits)
        (void)thread_wakeup(wait);
    else
        kmem_cache_free(&memory_object_sync_cache, wait);
}

void memory_object_sync_fail(struct memory_object *pager)
{
    struct memory_object_sync_wait *wait;

    assert(spinlock_held(&pager->object->lock));
    while ((wait = list_first(&pager->syncs, struct memory_object_sync_wait, node)) != NULL)
        memory_object_sync_over(wait, KERN_MEMORY_FAILURE);
}

kern_return_t memory_object_synchronize_completed(vm_object_t object, vm_offset_t offset, vm_size_t length)
{
    struct memory_object_sync_wait *wait;

    if (object == NULL)
        return KERN_INVALID_ARGUMENT;
    vm_object_lock(object);
    list_for_each(&object->pager->syncs, wait, node) {
        if (wait->first << PAGE_SHIFT == offset && (uint64_t)wait->nr_pages << PAGE_SHIFT == length) {
            memory_object_sync_over(wait, KERN_SUCCESS);
            break;
        }
    }
    vm_object_unlock(object);
    return KERN_SUCCESS;
}

kern_return_t machair_memory_object_set_synchronize(vm_object_t object, boolean_t wanted)
{
    if (object == NULL)
        return KERN_INVALID_ARGUMENT;
    vm_object_lock(object);
    object->pager->synchronizes = wanted != FALSE;
    vm_object_unlock(object);
    return KERN_SUCCESS;
}

/* Waits for the answer; the object is locked, and unlocked on return. The record is the list's, or freed. */
static kern_return_t memory_object_sync_sleep(struct vm_object *object, struct memory_object_sync_wait *wait)
{
    kern_return_t result = KERN_SUCCESS;

    while (!wait->over && result == KERN_SUCCESS) {
        if (thread_sleep(wait, &object->lock, WAIT_INTERRUPTIBLE) == WAIT_INTERRUPTED)
            result = KERN_ABORTED;
        vm_object_lock(object);
    }
    wait->waits = false;
    bool over = wait->over;
    if (over)
        result = wait->result;
    vm_object_unlock(object);
    if (over)
        kmem_cache_free(&memory_object_sync_cache, wait);
    return result;
}

/* ---- managers that did not ask ---- */

/* Whether something of the range is still on its way to the manager. Object locked. */
static bool memory_object_sync_under_way(struct vm_object *object, uint32_t index, uint32_t end)
{
    const struct memory_object *pager = object->pager;
    const struct memory_object_lock *lock;
    const struct vm_run *run;

    if (pager == NULL || pager->dead || pager->over)
        return false;
    list_for_each(&pager->locks, lock, node)
        if (lock->first < end && lock->end > index)
            return true;
    list_for_each(&pager->runs, run, node)
        if (run->index < end && run->index + run->nr_pages > index)
            return true;
    return false;
}

static kern_return_t memory_object_sync_received(struct vm_object *object, uint32_t index, uint32_t end)
{
    for (;;) {
        vm_object_lock(object);
        bool under_way = memory_object_sync_under_way(object, index, end);
        vm_object_unlock(object);
        if (!under_way)
            return KERN_SUCCESS;
        if (current_thread()->abort_pending || thread_should_end())
            return KERN_ABORTED;
        thread_delay(MEMORY_OBJECT_SYNC_POLL_MS);
    }
}

/* ---- the call ---- */

/* A record for who waits, and not for others; false: the thread is being ended. */
static bool memory_object_sync_create(const struct memory_object_lock *lock, bool waits,
                                      struct memory_object_sync_wait **wait)
{
    *wait = NULL;
    if (!waits)
        return true;
    *wait = kmem_cache_alloc(&memory_object_sync_cache, ALLOC_THREAD);
    if (*wait == NULL)
        return false;
    **wait = (struct memory_object_sync_wait){.first = lock->first, .nr_pages = lock->end - lock->first, .waits = true};
    return true;
}

kern_return_t memory_object_sync(struct vm_object *object, vm_offset_t offset, vm_size_t size, vm_sync_t flags)
{
    bool returns = (flags & (VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS)) != 0, waits = (flags & VM_SYNC_SYNCHRONOUS) != 0;
    struct memory_object_lock *lock = memory_object_lock_create(object, offset, size);
    struct memory_object_sync_wait *wait = NULL;

    if (lock == NULL)
        return KERN_RESOURCE_SHORTAGE;
    if (!memory_object_sync_create(lock, waits, &wait)) {
        memory_object_lock_free(lock);
        return KERN_RESOURCE_SHORTAGE;
    }
    uint32_t first = lock->first, end = lock->end;
    lock->should_return = returns ? MEMORY_OBJECT_RETURN_ALL : MEMORY_OBJECT_RETURN_NONE;
    lock->should_flush = (flags & VM_SYNC_INVALIDATE) != 0;

    vm_object_lock(object);
    struct memory_object *pager = object->pager;
    bool live = pager != NULL && !pager->over && !pager->dead, asked = live && pager->synchronizes && returns;
    if (asked) {
        lock->sync_flags = flags;
        if (wait != NULL)
            list_insert_tail(&pager->syncs, &wait->node);
    }
    if (live)
        memory_object_lock_begin(pager, lock);
    if (asked && wait != NULL)
        return memory_object_sync_sleep(object, wait);
    vm_object_unlock(object);
    if (!live)
        memory_object_lock_free(lock);
    if (wait != NULL)
        kmem_cache_free(&memory_object_sync_cache, wait);
    return waits && live ? memory_object_sync_received(object, first, end) : KERN_SUCCESS;
}
