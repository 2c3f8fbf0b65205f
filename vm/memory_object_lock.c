/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lock requests and terminations: work with a cursor.
 *
 * Requests of one object are done in the order they came, each page in order of its index, so that what the manager
 * receives is what it would have got had it waited. Everything is done with the object locked, in pieces of one run; the
 * lock is let go between pieces. A page that somebody works on (busy) makes the request wait for it, a page that has
 * been asked for (absent) holds nothing to return and is passed over.
 *
 * Rights are given and taken at once, before anything is returned: that needs no window, and an unlock that stood behind a
 * cleaning request whose manager has its window full would keep the manager's clients waiting for what it has answered.
 */
#include "vm/memory_object_lock.h"

#include <mach/memory_object.h>
#include <mach/vm_prot.h>

#include "ipc/ipc_port.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/memory_object_call.h"
#include "vm/memory_object_message.h"
#include "vm/vm_gather.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"

static struct kmem_cache memory_object_lock_cache;

void memory_object_lock_init(void)
{
    kmem_cache_init(&memory_object_lock_cache, "memory_object_lock", sizeof(struct memory_object_lock), 0);
}

void memory_object_lock_free(struct memory_object_lock *lock)
{
    memory_object_drop_reply(lock->reply, lock->reply_type);
    kmem_cache_free(&memory_object_lock_cache, lock);
}

/*
 * Gives some of the resident pages from *index to end these access rights, and moves *index on. True: all are done. The
 * object is locked.
 */
#define MEMORY_OBJECT_LOCK_PIECE 64u
static bool memory_object_lock_rights(struct vm_object *object, uint32_t *index, uint32_t end, uint8_t rights)
{
    struct pmap_batch batch;
    struct vm_page *page;
    unsigned int piece = MEMORY_OBJECT_LOCK_PIECE;

    pmap_batch_init(&batch);
    while (piece-- > 0 && (page = vm_page_lookup_from(object, *index)) != NULL && page->index < end) {
        *index = page->index + 1;
        if (page->absent || page->frame == NULL)
            continue;
        if (rights & VM_PROT_READ)
            pmap_frame_unmap(page->frame, &batch);
        else if (rights & VM_PROT_WRITE)
            pmap_frame_write_protect(page->frame, &batch);
        page->lock_prot = rights;
        page->unlock_asked &= rights;
        vm_page_done(page); /* who waited for rights looks again */
    }
    pmap_batch_flush(&batch);
    return page == NULL || page->index >= end;
}

/* A precious page that is flushed is returned as a changed one is: only RETURN_NONE says that its data may go. */
static bool memory_object_lock_wants(const struct memory_object_lock *lock, struct vm_page *page)
{
    if (lock->should_return == MEMORY_OBJECT_RETURN_NONE)
        return false;
    return vm_page_modified(page) ||
           (page->precious && (lock->should_flush || lock->should_return == MEMORY_OBJECT_RETURN_ALL));
}

/* Does one page, or one run. MEMORY_OBJECT_IDLE: go on at lock->index. */
static enum memory_object_progress memory_object_lock_page(struct memory_object *pager, struct memory_object_lock *lock,
                                                           struct vm_page *page)
{
    if (page->absent) {
        lock->index = page->index + 1;
        return MEMORY_OBJECT_IDLE;
    }
    if (page->busy)
        return MEMORY_OBJECT_RETRY;
    lock->index = page->index + 1;
    if (page->error) {
        if (lock->should_flush)
            vm_page_free(page);
        return MEMORY_OBJECT_IDLE;
    }
    if (memory_object_lock_wants(lock, page)) {
        const struct vm_gather gather = {.pager = pager,
                                         .cause = VM_RUN_CLEANING,
                                         .keep = !lock->should_flush,
                                         .end = lock->end};
        uint32_t first = page->index, next;
        enum vm_gather_result result = vm_gather_send(&gather, page, &next);
        if (result != VM_GATHER_SENT) {
            lock->index = first;
            return result == VM_GATHER_FULL ? MEMORY_OBJECT_NEED_WINDOW : MEMORY_OBJECT_RETRY;
        }
        lock->index = next;
        return MEMORY_OBJECT_IDLE;
    }
    if (lock->should_flush && page->wire_count == 0)
        vm_page_free(page);
    return MEMORY_OBJECT_IDLE;
}

/* All is returned: says so, to who asked for it or, when it was for a vm_msync, to the manager. */
static kern_return_t memory_object_lock_answer(struct memory_object *pager, struct memory_object_lock *lock)
{
    kern_return_t kr;

    if (lock->sync_flags != 0)
        return memory_object_send_synchronize(pager, lock->first, lock->end - lock->first, lock->sync_flags);
    kr = memory_object_send_lock_completed(lock->reply, lock->reply_type, pager, lock->first, lock->end - lock->first);
    if (kr == KERN_SUCCESS)
        lock->reply = NULL;
    return kr;
}

/* Goes on with the oldest request; returns MEMORY_OBJECT_IDLE when it is done and answered, or gave way. */
static enum memory_object_progress memory_object_lock_step(struct memory_object *pager, struct memory_object_lock *lock)
{
    enum memory_object_progress progress = MEMORY_OBJECT_IDLE;
    unsigned int patience = 256;

    while (progress == MEMORY_OBJECT_IDLE && patience-- > 0) {
        struct vm_page *page = vm_page_lookup_from(pager->object, lock->index);
        if (page == NULL || page->index >= lock->end) {
            if (memory_object_lock_answer(pager, lock) != KERN_SUCCESS)
                return MEMORY_OBJECT_RETRY;
            list_remove(&lock->node);
            memory_object_lock_free(lock);
            return MEMORY_OBJECT_IDLE;
        }
        progress = memory_object_lock_page(pager, lock, page);
    }
    return progress;
}

/* Returns what must go back before the conversation ends, and ends it. */
static enum memory_object_progress memory_object_end_step(struct memory_object *pager)
{
    const struct vm_gather gather = {.pager = pager, .cause = VM_RUN_TERMINATION, .end = UINT32_MAX};
    struct vm_object *object = pager->object;
    struct vm_page *page;
    unsigned int patience = 256;

    while (!pager->over && (page = vm_page_lookup_from(object, pager->end_cursor)) != NULL) {
        if (page->busy && !page->absent)
            return MEMORY_OBJECT_RETRY;
        bool wanted = page->frame != NULL && !page->absent && !pager->dead && !object->temporary &&
                      (vm_page_modified(page) || page->precious);
        if (wanted) {
            enum vm_gather_result result = vm_gather_send(&gather, page, &pager->end_cursor);
            if (result != VM_GATHER_SENT)
                return result == VM_GATHER_FULL ? MEMORY_OBJECT_NEED_WINDOW : MEMORY_OBJECT_RETRY;
        } else {
            pager->end_cursor = page->index;
            if (page->absent)
                list_remove(&page->queue_node);
            vm_page_free(page);
        }
        if (patience-- == 0)
            return MEMORY_OBJECT_IDLE; /* give way; ending stays set, so the caller comes back */
    }
    if (!pager->over && !memory_object_finish(pager))
        return MEMORY_OBJECT_RETRY;
    pager->ending = false;
    memory_object_unref(pager); /* the conversation's own reference */
    return MEMORY_OBJECT_IDLE;
}

enum memory_object_progress memory_object_work(struct memory_object *pager)
{
    enum memory_object_progress progress = MEMORY_OBJECT_IDLE;
    struct memory_object_lock *lock;
    bool more = true;

    while (more && progress == MEMORY_OBJECT_IDLE) {
        vm_object_lock(pager->object);
        if (pager->ready && !memory_object_ask_all(pager))
            progress = MEMORY_OBJECT_RETRY;
        else if ((lock = list_first(&pager->locks, struct memory_object_lock, node)) != NULL)
            progress = memory_object_lock_step(pager, lock);
        else if (pager->ending)
            progress = memory_object_end_step(pager);
        more = !list_empty(&pager->locks) || pager->ending;
        vm_object_unlock(pager->object);
        preempt_point();
    }
    return progress;
}

struct memory_object_lock *memory_object_lock_create(const struct vm_object *object, vm_offset_t offset, vm_size_t size)
{
    /* Waited for: the calls have no reply, so nobody would hear of a failure. None only when the thread is being ended. */
    struct memory_object_lock *lock = kmem_cache_alloc(&memory_object_lock_cache, ALLOC_THREAD);
    uint64_t last = ((uint64_t)offset + size + PAGE_MASK) >> PAGE_SHIFT;

    if (lock == NULL)
        return NULL;
    *lock = (struct memory_object_lock){.index = offset >> PAGE_SHIFT,
                                        .end = (uint32_t)MIN(last, (uint64_t)object->nr_pages),
                                        .first = offset >> PAGE_SHIFT};
    lock->end = MAX(lock->end, lock->first);
    list_node_init(&lock->node);
    return lock;
}

void memory_object_lock_begin(struct memory_object *pager, struct memory_object_lock *lock)
{
    assert(spinlock_held(&pager->object->lock));
    bool first_one = list_empty(&pager->locks) && !pager->working;
    list_insert_tail(&pager->locks, &lock->node);
    enum memory_object_progress progress = MEMORY_OBJECT_RETRY;
    if (first_one)
        progress = memory_object_lock_step(pager, lock);
    if (progress != MEMORY_OBJECT_IDLE || !list_empty(&pager->locks))
        memory_object_work_later(pager);
}

kern_return_t memory_object_lock_request(vm_object_t object, vm_offset_t offset, vm_size_t size,
                                         memory_object_return_t should_return, boolean_t should_flush,
                                         vm_prot_t lock_value, ipc_port_t reply_to, mach_msg_type_name_t reply_type)
{
    if (object == NULL || !memory_object_reply_valid(reply_type))
        return KERN_INVALID_ARGUMENT;
    if (should_return != MEMORY_OBJECT_RETURN_NONE && should_return != MEMORY_OBJECT_RETURN_DIRTY &&
        should_return != MEMORY_OBJECT_RETURN_ALL)
        return KERN_INVALID_ARGUMENT;
    if (lock_value != VM_PROT_NO_CHANGE && (lock_value & ~VM_PROT_ALL) != 0)
        return KERN_INVALID_ARGUMENT;

    struct memory_object_lock *lock = memory_object_lock_create(object, offset, size);
    if (lock == NULL)
        return KERN_RESOURCE_SHORTAGE;
    lock->should_return = (uint8_t)should_return;
    lock->should_flush = should_flush != FALSE;
    lock->reply = reply_to;
    lock->reply_type = (uint8_t)reply_type;

    uint32_t index = lock->first;
    bool over, done = lock_value == VM_PROT_NO_CHANGE;

    do {
        vm_object_lock(object);
        over = object->pager == NULL || object->pager->over || object->pager->dead;
        if (!over && !done)
            done = memory_object_lock_rights(object, &index, lock->end, (uint8_t)lock_value);
        if (!over && done)
            memory_object_lock_begin(object->pager, lock);
        vm_object_unlock(object);
        preempt_point();
    } while (!over && !done);
    if (over)
        memory_object_lock_free(lock); /* nobody to lock against; the reply right is released */
    return KERN_SUCCESS;
}
