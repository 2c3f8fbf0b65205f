/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a second set of entries for a range: for copies in messages and for the map of a new task.
 *
 * The walk goes from entry to entry with the map locked, and what it can do there waits for nothing:
 * - What was never touched stays so on both sides.
 * - An entry that may be copied by reference is (vm_object_copy_quickly). Where the source itself must be shadowed before
 *   its next write, it is marked, cut to what is copied, and its mappings lose the right to write, in one batch for
 *   neighbours, before the map is unlocked: no write is lost between.
 * - Memory that is wired must not fault, so it cannot be write-protected; and a manager may have asked not to be copied by
 *   reference. Such an entry is copied page by page with the map unlocked, holding a reference to the object. What
 *   happens to the mapping meanwhile does not matter: the copy is of what was mapped when the walk came by.
 * - For sharing (forks), a range must have an object, and one that nobody else sees as it is now.
 *
 * Large maps are walked in pieces, between which others may have the map.
 */
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/vm_map.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"

/* ---- one entry; the map is locked ---- */

/* The duplicate of [walk->at, end) of entry, still without an object. NULL: no memory. */
static struct vm_map_entry *vm_map_duplicate_fresh(struct vm_map_duplicate *walk, const struct vm_map_entry *entry)
{
    struct vm_map_entry *fresh = walk->spare;

    if (fresh == NULL)
        fresh = vm_map_entry_create(vm_map_alloc_locked());
    if (fresh == NULL)
        return NULL;
    walk->spare = NULL;
    fresh->start = walk->at;
    fresh->end = MIN(entry->end, walk->end);
    fresh->object = NULL;
    fresh->index = 0;
    fresh->protection = entry->protection;
    fresh->max_protection = entry->max_protection;
    fresh->inheritance = entry->inheritance;
    fresh->needs_copy = false;
    fresh->is_shared = false;
    return fresh;
}

static void vm_map_duplicate_add(struct vm_map_duplicate *walk, struct vm_map_entry *fresh)
{
    walk->at = fresh->end;
    list_insert_tail(walk->entries, &fresh->link);
}

/* Takes the right to write from what the walk has marked. */
static void vm_map_duplicate_flush(struct vm_map_duplicate *walk)
{
    if (walk->protect_start < walk->protect_end)
        pmap_protect(walk->map->pmap, walk->protect_start, walk->protect_end, VM_PROT_READ | VM_PROT_EXECUTE);
    walk->protect_start = walk->protect_end = 0;
}

/* The part of entry that fresh copies is shadowed before its next write. */
static kern_return_t vm_map_duplicate_mark(struct vm_map_duplicate *walk, struct vm_map_entry *entry,
                                           const struct vm_map_entry *fresh)
{
    if (entry->needs_copy)
        return KERN_SUCCESS;
    kern_return_t kr = vm_map_clip_start(walk->map, entry, fresh->start);
    if (kr == KERN_SUCCESS)
        kr = vm_map_clip_end(walk->map, entry, fresh->end);
    if (kr != KERN_SUCCESS)
        return kr;
    entry->needs_copy = true;
    if (walk->protect_end != entry->start) {
        vm_map_duplicate_flush(walk);
        walk->protect_start = entry->start;
    }
    walk->protect_end = entry->end;
    return KERN_SUCCESS;
}

/* KERN_FAILURE: fresh, in walk->slow with the source's object and a reference, is to be filled with the map unlocked. */
static kern_return_t vm_map_duplicate_by_copy(struct vm_map_duplicate *walk, struct vm_map_entry *entry)
{
    struct vm_map_entry *fresh = vm_map_duplicate_fresh(walk, entry);
    bool mark = false;
    kern_return_t kr = KERN_FAILURE;

    if (fresh == NULL)
        return KERN_RESOURCE_SHORTAGE;
    if (entry->object == NULL) {
        vm_map_duplicate_add(walk, fresh);
        return KERN_SUCCESS;
    }
    uint32_t index = vm_map_entry_index(entry, fresh->start);
    if (entry->wired_count == 0 && !entry->in_transition)
        kr = vm_object_copy_quickly(entry->object, index, vm_map_entry_pages(fresh), vm_map_alloc_locked(),
                                    &fresh->object, &fresh->index, &mark);
    if (kr == KERN_SUCCESS && mark) {
        kr = vm_map_duplicate_mark(walk, entry, fresh);
        if (kr != KERN_SUCCESS)
            vm_object_unref(fresh->object);
    }
    switch (kr) {
    case KERN_SUCCESS:
        fresh->needs_copy = true;
        vm_map_duplicate_add(walk, fresh);
        return KERN_SUCCESS;
    case KERN_FAILURE:
        vm_object_ref(entry->object);
        fresh->object = entry->object;
        fresh->index = index;
        walk->slow = fresh;
        return KERN_FAILURE;
    default:
        walk->spare = fresh;
        return kr;
    }
}

/* Makes sure that entry has an object that others can map too, and takes a reference to it. The map is locked. */
static kern_return_t vm_map_share_entry(struct vm_map_entry *entry)
{
    uint32_t nr_pages = vm_map_entry_pages(entry);
    kern_return_t kr = KERN_SUCCESS;

    if (entry->object == NULL) {
        entry->object = vm_object_create(nr_pages, vm_map_alloc_locked());
        entry->index = 0;
        kr = entry->object != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
    } else if (entry->needs_copy) {
        kr = vm_object_shadow(&entry->object, &entry->index, nr_pages, vm_map_alloc_locked());
    }
    if (kr != KERN_SUCCESS)
        return kr;
    entry->needs_copy = false;
    entry->is_shared = true;
    vm_object_lock(entry->object);
    entry->object->true_share = true;
    entry->object->refs++;
    vm_object_unlock(entry->object);
    return KERN_SUCCESS;
}

static kern_return_t vm_map_duplicate_by_sharing(struct vm_map_duplicate *walk, struct vm_map_entry *entry)
{
    struct vm_map_entry *fresh = vm_map_duplicate_fresh(walk, entry);

    if (fresh == NULL)
        return KERN_RESOURCE_SHORTAGE;
    kern_return_t kr = vm_map_share_entry(entry);
    if (kr != KERN_SUCCESS) {
        walk->spare = fresh;
        return kr;
    }
    fresh->is_shared = true;
    fresh->object = entry->object;
    fresh->index = vm_map_entry_index(entry, fresh->start);
    vm_map_duplicate_add(walk, fresh);
    return KERN_SUCCESS;
}

/* Anonymous memory is what its one entry maps: shared, it has other users, so what leaves it is not freed for good. */
kern_return_t vm_map_share(struct vm_map *map, uintptr_t start, uintptr_t end, struct vm_map_region *region)
{
    kern_return_t kr;

    do {
        mutex_lock(&map->lock);
        struct vm_map_entry *entry = vm_map_lookup_entry(map, start);
        if (entry == NULL || entry->end < end)
            kr = KERN_INVALID_ARGUMENT;
        else
            kr = vm_map_share_entry(entry);
        if (kr == KERN_SUCCESS)
            *region = (struct vm_map_region){
                .start = start,
                .size = end - start,
                .object = entry->object,
                .index = vm_map_entry_index(entry, start),
                .protection = entry->protection,
                .max_protection = entry->max_protection,
                .inheritance = (vm_inherit_t)entry->inheritance,
                .is_shared = true,
            };
        mutex_unlock(&map->lock);
    } while (kr == KERN_RESOURCE_SHORTAGE && vm_map_wait_memory() == KERN_SUCCESS);
    return kr;
}

static kern_return_t vm_map_duplicate_inherit(struct vm_map_duplicate *walk, struct vm_map_entry *entry)
{
    switch (entry->inheritance) {
    case VM_INHERIT_SHARE:
        return vm_map_duplicate_by_sharing(walk, entry);
    case VM_INHERIT_COPY:
        return vm_map_duplicate_by_copy(walk, entry);
    default:
        walk->at = MIN(entry->end, walk->end);
        return KERN_SUCCESS;
    }
}

static kern_return_t vm_map_duplicate_readable(struct vm_map_duplicate *walk, struct vm_map_entry *entry)
{
    if ((entry->protection & VM_PROT_READ) == 0)
        return KERN_PROTECTION_FAILURE;
    return vm_map_duplicate_by_copy(walk, entry);
}

const struct vm_map_duplicate_ops vm_map_duplicate_fork = {
    .entry = vm_map_duplicate_inherit,
    .by_inheritance = true,
};

const struct vm_map_duplicate_ops vm_map_duplicate_copy = {
    .entry = vm_map_duplicate_readable,
    .by_inheritance = false,
};

/* ---- the walk ---- */

/* As far as it goes without unlocking the map. */
static kern_return_t vm_map_duplicate_piece(struct vm_map_duplicate *walk)
{
    struct vm_map_entry *entry = vm_map_lookup_from(walk->map, walk->at);

    for (unsigned int count = 0; walk->at < walk->end && count < VM_MAP_PIECE; count++) {
        if (entry == NULL || entry->start > walk->at) {
            if (!walk->ops->by_inheritance)
                return KERN_INVALID_ADDRESS;
            walk->at = entry != NULL ? MIN(entry->start, walk->end) : walk->end;
            continue;
        }
        kern_return_t kr = walk->ops->entry(walk, entry);
        if (kr != KERN_SUCCESS)
            return kr;
        entry = vm_map_next_entry(walk->map, entry);
    }
    return KERN_SUCCESS;
}

/* Copies page by page what the walk could not; the map is not locked. */
static kern_return_t vm_map_duplicate_slowly(struct vm_map_duplicate *walk)
{
    struct vm_map_entry *fresh = walk->slow;
    struct vm_object *source = fresh->object;

    walk->slow = NULL;
    kern_return_t kr = vm_object_copy_slowly(source, fresh->index, vm_map_entry_pages(fresh), &fresh->object);
    vm_object_unref(source);
    if (kr == KERN_SUCCESS) {
        fresh->index = 0;
        vm_map_duplicate_add(walk, fresh);
        return KERN_SUCCESS;
    }
    uintptr_t end = fresh->end;
    vm_map_entry_destroy(fresh);
    /* A manager that gives no data takes its memory from the child, not the child from its parent. */
    if (!walk->ops->by_inheritance || kr == KERN_RESOURCE_SHORTAGE || kr == KERN_ABORTED)
        return kr;
    walk->at = end;
    return KERN_SUCCESS;
}

kern_return_t vm_map_duplicate(struct vm_map_duplicate *walk)
{
    kern_return_t kr = KERN_SUCCESS;

    while (walk->at < walk->end && kr == KERN_SUCCESS) {
        if (walk->spare == NULL)
            walk->spare = vm_map_entry_create(ALLOC_THREAD);
        if (walk->spare == NULL) {
            kr = KERN_RESOURCE_SHORTAGE;
            break;
        }
        mutex_lock(&walk->map->lock);
        kr = vm_map_duplicate_piece(walk);
        vm_map_duplicate_flush(walk);
        mutex_unlock(&walk->map->lock);
        if (kr == KERN_RESOURCE_SHORTAGE)
            kr = vm_map_wait_memory();
        else if (kr == KERN_FAILURE)
            kr = vm_map_duplicate_slowly(walk);
        preempt_point();
    }
    if (walk->spare != NULL)
        vm_map_entry_destroy(walk->spare);
    walk->spare = NULL;
    return kr;
}

/* ---- forks ---- */

struct vm_map *vm_map_fork(struct vm_map *parent)
{
    struct list entries = LIST_INIT(entries);
    struct vm_map_entry *entry;
    struct pmap *pmap = pmap_create();

    if (pmap == NULL)
        return NULL;
    struct vm_map *child = vm_map_create(pmap, parent->min, parent->max);
    if (child == NULL) {
        pmap_destroy(pmap);
        return NULL;
    }
    struct vm_map_duplicate walk = {
        .map = parent, .at = parent->min, .end = parent->max, .entries = &entries, .ops = &vm_map_duplicate_fork};
    if (vm_map_duplicate(&walk) != KERN_SUCCESS) {
        vm_map_dispose_entries(&entries);
        vm_map_unref(child);
        return NULL;
    }
    mutex_lock(&parent->lock);
    child->size_limit = parent->size_limit;
    child->size_max = parent->size_max;
    mutex_unlock(&parent->lock);
    /* Nobody knows the child yet. */
    while ((entry = list_first(&entries, struct vm_map_entry, link)) != NULL) {
        list_remove(&entry->link);
        vm_map_link_entry(child, entry);
    }
    return child;
}
