/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of objects: shadows, delayed copies, and keeping chains short.
 *
 * 1. Symmetric copies, of anonymous memory that one user writes in place: both sides refer to the same object with
 *    needs_copy, and who writes first puts a new object, a shadow, before it. An object is not written any more while
 *    somebody sees it through a shadow.
 * 2. Delayed copies, of what several users write in place (a manager's object, memory shared by inheritance). object->copy
 *    is the newest copy; it shadows the object. Before a page of the object changes, its data is pushed there. An older
 *    copy shadows the newer one: what was not pushed to it is what the newer one sees. A copy that nothing was pushed to
 *    is as good as new and is given to the next one who asks, therefore users of copies map them with needs_copy. Pages
 *    have the same numbers in a copy as in the object; nothing is pushed that lies outside what was copied.
 * 3. Collapsing. A shadow's shadow with no other user is merged: its visible pages move up. One of which nothing can be
 *    seen is left. The newest copy of an object is never merged away, because pushes must find it: so chains have at
 *    most that one link more than their users make. A run's memory is not merged: what its receiver copied and
 *    still holds is on his account. Rejected: leaving a shadow that is hidden page for page, which costs a
 *    comparison of all pages at each try; a shadow with all its pages resident leaves without looking.
 *
 * Locks: an object before its shadow, down the chain; against that order only by trying.
 */
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/vm_fault.h"
#include "vm/vm_object.h"

/* Pages moved with three objects locked, before others may run. */
#define VM_SHADOW_PIECE 64u

void vm_object_set_shadow(struct vm_object *object, struct vm_object *shadow, uint32_t index)
{
    assert(object->shadow == NULL);
    object->shadow = shadow;
    object->shadow_index = index;
    if (shadow == NULL)
        return;
    spinlock_lock_nested(&shadow->lock);
    list_insert_tail(&shadow->shadowers, &object->shadow_node);
    vm_object_unlock(shadow);
}

/* Both are locked. */
static void vm_object_unlink_shadow(struct vm_object *object, struct vm_object *shadow)
{
    list_remove(&object->shadow_node);
    if (shadow->copy == object)
        shadow->copy = NULL;
    object->shadow = NULL;
}

struct vm_object *vm_object_leave_shadow(struct vm_object *object)
{
    struct vm_object *shadow = object->shadow;

    if (shadow == NULL)
        return NULL;
    spinlock_lock_nested(&shadow->lock);
    vm_object_unlink_shadow(object, shadow);
    vm_object_unlock(shadow);
    return shadow;
}

kern_return_t vm_object_shadow(struct vm_object **object, uint32_t *index, uint32_t nr_pages, enum alloc how)
{
    struct vm_object *shadow = *object;

    /* Its only user may write in place, unless it is a copy that the next one who asks might be given too. */
    vm_object_lock(shadow);
    bool alone = vm_object_sole_user(shadow) && shadow->internal && !shadow->true_share;
    if (alone && shadow->shadow != NULL) {
        spinlock_lock_nested(&shadow->shadow->lock);
        alone = shadow->shadow->copy != shadow;
        vm_object_unlock(shadow->shadow);
    }
    vm_object_unlock(shadow);
    if (alone)
        return KERN_SUCCESS;

    struct vm_object *fresh = vm_object_create(nr_pages, how);
    if (fresh == NULL)
        return KERN_RESOURCE_SHORTAGE;
    vm_object_set_shadow(fresh, shadow, *index);
    /* The entry's reference becomes a shadow's, which is given up as a user's of its own. */
    vm_object_lock(shadow);
    if (shadow->splits > 0)
        shadow->splits--;
    vm_object_unlock(shadow);
    *object = fresh;
    *index = 0;
    return KERN_SUCCESS;
}

/* ---- delayed copies ---- */

/* Where in the copy the page at index of object is to be pushed; false: the copy does not reach there. Locked. */
static bool vm_object_copy_reaches(const struct vm_object *object, uint32_t index, uint32_t *at)
{
    const struct vm_object *copy = object->copy;

    if (copy == NULL || copy->refs == 0)
        return false;
    *at = index - copy->shadow_index;
    return index >= copy->shadow_index && *at >= copy->copy_first && *at < copy->nr_pages;
}

bool vm_object_copy_pushed(struct vm_object *object, uint32_t index)
{
    uint32_t at;

    assert(spinlock_held(&object->lock));
    if (!vm_object_copy_reaches(object, index, &at))
        return true;
    if (!spinlock_try_lock(&object->copy->lock))
        return false;
    bool there = vm_page_lookup(object->copy, at) != NULL;
    vm_object_unlock(object->copy);
    return there;
}

/* The copy's lock is held too. */
static kern_return_t vm_object_push_into(struct vm_object *copy, uint32_t at, struct vm_page *page, enum alloc level)
{
    struct pmap_batch batch;

    if (vm_page_lookup(copy, at) != NULL)
        return KERN_SUCCESS;
    struct vm_page *old = vm_page_create(level | ALLOC_NOSLEEP);
    if (old == NULL)
        return KERN_RESOURCE_SHORTAGE;
    pmap_frame_copy(page->frame, old->frame);
    old->dirty = true;
    vm_page_insert(old, copy, at);
    vm_page_activate(old);
    /* Users of the copy have read the original's frame: from now on they must find the old data. */
    if (pmap_frame_mapped(page->frame)) {
        pmap_batch_init(&batch);
        pmap_frame_unmap(page->frame, &batch);
        pmap_batch_flush(&batch);
    }
    return KERN_SUCCESS;
}

kern_return_t vm_object_push_page(struct vm_object *object, struct vm_page *page, enum alloc level)
{
    uint32_t at;

    assert(spinlock_held(&object->lock) && page->object == object && page->frame != NULL);
    if (!vm_object_copy_reaches(object, page->index, &at))
        return KERN_SUCCESS;
    struct vm_object *copy = object->copy;
    if (!spinlock_try_lock(&copy->lock))
        return KERN_ABORTED;
    kern_return_t kr = vm_object_push_into(copy, at, page, level);
    vm_object_unlock(copy);
    return kr;
}

/* Makes fresh the newest copy of source, before its older copy if there is one. All three are locked. */
static void vm_object_link_copy(struct vm_object *source, struct vm_object *older, struct vm_object *fresh)
{
    fresh->shadow = source;
    fresh->shadow_index = 0;
    if (older != NULL) {
        /* The older one's reference to the source becomes the fresh one's. */
        list_remove(&older->shadow_node);
        older->shadow = fresh;
        fresh->refs++;
        list_insert_tail(&fresh->shadowers, &older->shadow_node);
        fresh->nr_pages = MAX(fresh->nr_pages, older->shadow_index + older->nr_pages);
        fresh->copy_first = MIN(fresh->copy_first, older->shadow_index + older->copy_first);
    } else {
        source->refs++;
    }
    list_insert_tail(&source->shadowers, &fresh->shadow_node);
    source->copy = fresh;
}

/* Whether any page in the range is wired: its users must not fault, so it cannot be write-protected. Locked. */
static bool vm_object_range_wired(struct vm_object *object, uint32_t index, uint32_t nr_pages)
{
    if (object->nr_wired == 0)
        return false;
    struct vm_page *page = vm_page_lookup_from(object, index);
    for (; page != NULL && page->index - index < nr_pages; page = vm_page_next(page))
        if (page->wire_count != 0)
            return true;
    return false;
}

static kern_return_t vm_object_copy_delayed(struct vm_object *source, uint32_t index, uint32_t nr_pages, enum alloc how,
                                            struct vm_object **copy)
{
    struct vm_object *older, *fresh = vm_object_create(index + nr_pages, how);

    if (fresh == NULL)
        return KERN_RESOURCE_SHORTAGE;
    fresh->copy_first = index;
    for (;;) {
        vm_object_lock(source);
        older = source->copy;
        if (older == NULL || spinlock_try_lock(&older->lock))
            break;
        vm_object_unlock(source); /* its holder wants the source: let him have it */
        preempt_point();
    }
    if (vm_object_range_wired(source, index, nr_pages)) {
        if (older != NULL)
            vm_object_unlock(older);
        vm_object_unlock(source);
        vm_object_unref(fresh);
        return KERN_FAILURE;
    }
    if (older != NULL && older->refs == 0) { /* about to end: it looks here no more, and will find itself replaced */
        vm_object_unlock(older);
        older = NULL;
    }
    bool unused = older != NULL && older->nr_resident == 0 && older->shadow_index == 0 && older->pager == NULL;
    if (unused) {
        older->nr_pages = MAX(older->nr_pages, index + nr_pages);
        older->copy_first = MIN(older->copy_first, index);
        older->refs++;
        *copy = older;
    } else {
        spinlock_lock_nested(&fresh->lock);
        vm_object_link_copy(source, older, fresh);
        vm_object_unlock(fresh);
        *copy = fresh;
    }
    if (older != NULL)
        vm_object_unlock(older);
    vm_object_pmap_protect(source, index, nr_pages, VM_PROT_READ | VM_PROT_EXECUTE);
    vm_object_unlock(source);
    if (unused)
        vm_object_unref(fresh);
    return KERN_SUCCESS;
}

/* ---- copies in general ---- */

kern_return_t vm_object_copy_quickly(struct vm_object *source, uint32_t index, uint32_t nr_pages, enum alloc how,
                                     struct vm_object **copy, uint32_t *copy_index, bool *source_needs_copy)
{
    vm_object_lock(source);
    bool symmetric = source->internal && !source->true_share;
    bool delayed = source->internal || source->copy_strategy == MEMORY_OBJECT_COPY_DELAY ||
                   source->copy_strategy == MEMORY_OBJECT_COPY_TEMPORARY;
    bool wired = symmetric && vm_object_range_wired(source, index, nr_pages);
    if (symmetric && !wired)
        source->refs++;
    vm_object_unlock(source);
    if (wired)
        return KERN_FAILURE;
    *copy_index = index;
    *source_needs_copy = symmetric;
    if (symmetric) {
        *copy = source;
        return KERN_SUCCESS;
    }
    return delayed ? vm_object_copy_delayed(source, index, nr_pages, how, copy) : KERN_FAILURE;
}

kern_return_t vm_object_copy_slowly(struct vm_object *source, uint32_t index, uint32_t nr_pages,
                                    struct vm_object **copy)
{
    struct vm_object *fresh = vm_object_create(nr_pages, ALLOC_THREAD);
    struct vm_page *page = NULL;
    kern_return_t kr = fresh != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;

    for (uint32_t i = 0; i < nr_pages && kr == KERN_SUCCESS; i++) {
        bool found;
        if (page == NULL)
            page = vm_page_create(ALLOC_THREAD);
        if (page == NULL) {
            kr = KERN_RESOURCE_SHORTAGE;
            break;
        }
        kr = vm_fault_object_copy(source, index + i, page->frame, &found);
        if (kr != KERN_SUCCESS || !found)
            continue;
        vm_object_lock(fresh);
        page->dirty = true;
        vm_page_insert(page, fresh, i);
        vm_page_activate(page);
        vm_object_unlock(fresh);
        page = NULL;
        preempt_point();
    }
    if (page != NULL)
        vm_page_destroy(page);
    if (kr == KERN_SUCCESS)
        *copy = fresh;
    else if (fresh != NULL)
        vm_object_unref(fresh);
    return kr;
}

kern_return_t vm_object_copy(struct vm_object *source, uint32_t index, uint32_t nr_pages, struct vm_object **copy,
                             uint32_t *copy_index)
{
    bool source_needs_copy;
    kern_return_t kr =
        vm_object_copy_quickly(source, index, nr_pages, ALLOC_THREAD, copy, copy_index, &source_needs_copy);

    if (kr == KERN_SUCCESS && source_needs_copy) { /* others write it in place: no mapping here that could be told */
        vm_object_unref(*copy);
        kr = KERN_FAILURE;
    }
    if (kr != KERN_FAILURE)
        return kr;
    *copy_index = 0;
    return vm_object_copy_slowly(source, index, nr_pages, copy);
}

/* ---- collapsing ---- */

/* object takes its place before what backing looks at. All that are there are locked. */
static void vm_object_skip(struct vm_object *object, struct vm_object *backing, struct vm_object *below)
{
    list_remove(&object->shadow_node);
    if (backing->copy == object)
        backing->copy = NULL;
    object->shadow = below;
    object->shadow_index += backing->shadow_index;
    if (below != NULL)
        list_insert_tail(&below->shadowers, &object->shadow_node);
}

/* Moves a piece of backing's visible pages up and frees the others; whether it has none left. Both locked. */
static bool vm_object_merge_piece(struct vm_object *object, struct vm_object *backing)
{
    struct vm_page *page = vm_page_lookup_from(backing, 0), *next;
    unsigned int hidden = 0, left = VM_SHADOW_PIECE;
    struct vm_page_batch batch;

    vm_page_batch_init(&batch);
    for (; page != NULL && left-- > 0; page = next) {
        next = vm_page_next(page);
        uint32_t at = page->index - object->shadow_index;
        if (page->index >= object->shadow_index && at < object->nr_pages && vm_page_lookup(object, at) == NULL) {
            vm_page_rename(page, object, at);
        } else {
            hidden++;
            vm_page_remove(page);
            vm_page_batch_destroy(&batch, page);
        }
    }
    vm_page_batch_finish(&batch);
    if (hidden > 0 && backing->ops->pages_gone != NULL)
        backing->ops->pages_gone(backing, hidden);
    return rbtree_empty(&backing->pages);
}

enum vm_object_collapsed {
    VM_OBJECT_COLLAPSE_OVER,    /* nothing more can be done */
    VM_OBJECT_COLLAPSE_MORE,    /* something was done: look again */
    VM_OBJECT_COLLAPSE_MERGED,  /* and *gone has no user any more */
    VM_OBJECT_COLLAPSE_LEFT,    /* nothing more; object's reference to *gone is to be given up */
};

/* object, backing and below (if any) are locked. */
static enum vm_object_collapsed vm_object_collapse_into(struct vm_object *object, struct vm_object *backing,
                                                        struct vm_object *below)
{
    if (below != NULL && below->copy == backing)
        return VM_OBJECT_COLLAPSE_OVER;
    if (backing->nr_wired != 0) /* a wired mapping keeps its frame, seen or not */
        return VM_OBJECT_COLLAPSE_OVER;
    if (backing->refs == 1 && (backing->run == NULL || backing->nr_resident == 0)) {
        if (!vm_object_merge_piece(object, backing))
            return VM_OBJECT_COLLAPSE_MORE;
        vm_object_skip(object, backing, below);
        if (below != NULL)
            list_remove(&backing->shadow_node);
        backing->shadow = NULL; /* its reference to below is object's now */
        backing->refs = 0;
        return VM_OBJECT_COLLAPSE_MERGED;
    }
    if (backing->nr_resident == 0 && backing->copy == NULL) {
        vm_object_skip(object, backing, below);
        if (below != NULL)
            below->refs++;
        backing->refs--; /* others have more */
        if (backing->splits > 0) /* it may once have been a split entry's */
            backing->splits--;
        return VM_OBJECT_COLLAPSE_MORE;
    }
    return VM_OBJECT_COLLAPSE_OVER;
}

/* One step. The object is locked. */
static enum vm_object_collapsed vm_object_collapse_step(struct vm_object *object, struct vm_object **gone)
{
    struct vm_object *backing = object->shadow, *below;

    /* What a manager keeps of the object is not resident, but hides what is behind. */
    if (backing == NULL || object->pager != NULL)
        return VM_OBJECT_COLLAPSE_OVER;
    *gone = backing;
    if (object->nr_resident == object->nr_pages) {
        vm_object_leave_shadow(object);
        return VM_OBJECT_COLLAPSE_LEFT;
    }
    spinlock_lock_nested(&backing->lock);
    enum vm_object_collapsed result = VM_OBJECT_COLLAPSE_OVER;
    if (backing->pager == NULL && backing->internal) {
        below = backing->shadow;
        if (below != NULL)
            spinlock_lock_nested(&below->lock);
        result = vm_object_collapse_into(object, backing, below);
        if (below != NULL)
            vm_object_unlock(below);
    }
    vm_object_unlock(backing);
    return result;
}

/* Gives up a reference that was a shadow's, down the chain, without collapsing in its turn. */
static void vm_object_drop_shadow(struct vm_object *object)
{
    while (object != NULL) {
        vm_object_lock(object);
        if (object->splits > 0) /* the reference may once have been a split entry's */
            object->splits--;
        bool last = --object->refs == 0;
        bool paged = object->pager != NULL;
        vm_object_unlock(object);
        if (!last)
            return;
        struct vm_object *shadow = paged ? NULL : vm_object_leave_shadow(object);
        object->ops->end(object);
        object = shadow;
    }
}

void vm_object_collapse(struct vm_object *object)
{
    for (;;) {
        struct vm_object *gone;

        vm_object_lock(object);
        enum vm_object_collapsed result = vm_object_collapse_step(object, &gone);
        vm_object_unlock(object);
        switch (result) {
        case VM_OBJECT_COLLAPSE_OVER:
            return;
        case VM_OBJECT_COLLAPSE_LEFT:
            vm_object_drop_shadow(gone);
            return;
        case VM_OBJECT_COLLAPSE_MERGED:
            gone->ops->end(gone);
            break;
        case VM_OBJECT_COLLAPSE_MORE:
            break;
        }
        preempt_point();
    }
}
