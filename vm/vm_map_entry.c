/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of maps: the tree, free space, cutting and joining.
 *
 * Entries are in a list and in a red-black tree, both by address. Each knows the gap before it, each subtree its widest
 * gap, so the lowest hole that is wide enough is found in O(log n), however many there are. The space behind the last
 * entry is in no gap; it is looked at last. Gaps that are wide enough but have no place under a mask are passed over one by
 * one.
 *
 * Cutting an entry in two gives the new part a split reference (vm_object.h): both parts together remain one user of the
 * object, who may free what he unmaps. A reference of an entry is therefore always given up by vm_object_unref_split, which
 * forgets a split as long as there is one: the object may then seem to have more users than it has, never fewer.
 */
#include "vm/vm_map_private.h"

#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/vm_frame.h"
#include "vm/vm_object.h"

/* ---- the tree ---- */

static struct vm_map_entry *vm_map_entry_of(struct rbtree_node *node)
{
    return node == NULL ? NULL : rbtree_entry(node, struct vm_map_entry, node);
}

static bool vm_map_entry_update(struct rbtree_node *node)
{
    struct vm_map_entry *entry = vm_map_entry_of(node);
    uintptr_t widest = entry->gap;

    for (int side = 0; side < 2; side++) {
        const struct vm_map_entry *child = vm_map_entry_of(node->child[side]);
        if (child != NULL && child->max_gap > widest)
            widest = child->max_gap;
    }
    bool changed = widest != entry->max_gap;
    entry->max_gap = widest;
    return changed;
}

static void vm_map_entry_set_gap(struct vm_map_entry *entry, uintptr_t gap)
{
    if (entry->gap == gap)
        return;
    entry->gap = gap;
    rbtree_update_path(&entry->node, vm_map_entry_update);
}

struct vm_map_entry *vm_map_lookup_from(struct vm_map *map, uintptr_t address)
{
    assert(mutex_held(&map->lock));
    struct vm_map_entry *hint = map->hint;
    if (hint != NULL && address >= hint->start) {
        if (address < hint->end)
            return hint;
        hint = vm_map_next_entry(map, hint);
        if (hint == NULL)
            return NULL;
        if (address < hint->end) {
            map->hint = hint;
            return hint;
        }
    }
    struct vm_map_entry *found = NULL, *entry = vm_map_entry_of(map->tree.root);
    while (entry != NULL) {
        bool above = address >= entry->end;
        if (!above)
            found = entry;
        entry = vm_map_entry_of(entry->node.child[above]);
    }
    if (found != NULL)
        map->hint = found;
    return found;
}

struct vm_map_entry *vm_map_lookup_entry(struct vm_map *map, uintptr_t address)
{
    struct vm_map_entry *entry = vm_map_lookup_from(map, address);
    return entry != NULL && entry->start <= address ? entry : NULL;
}

/* Puts entry in the tree just before next; NULL: last. */
static void vm_map_entry_link_before(struct vm_map *map, struct vm_map_entry *entry, struct vm_map_entry *next)
{
    struct rbtree_node *parent;
    int side;

    if (next == NULL) {
        parent = rbtree_last(&map->tree);
        side = 1;
    } else if (next->node.child[0] == NULL) {
        parent = &next->node;
        side = 0;
    } else {
        parent = rbtree_prev(&next->node);
        side = 1;
    }
    rbtree_link(&map->tree, &entry->node, parent, side, vm_map_entry_update);
    if (next == NULL)
        list_insert_tail(&map->entries, &entry->link);
    else
        list_insert_before(&entry->link, &next->link);
    map->nr_entries++;
}

/* The entry that a new one at start goes before, without the map's hint, which belongs to the lock. */
static struct vm_map_entry *vm_map_entry_successor(struct vm_map *map, uintptr_t start)
{
    struct vm_map_entry *last = list_last(&map->entries, struct vm_map_entry, link);
    if (last == NULL || last->end <= start) /* forks append */
        return NULL;
    struct vm_map_entry *found = NULL, *entry = vm_map_entry_of(map->tree.root);
    while (entry != NULL) {
        bool above = start >= entry->end;
        if (!above)
            found = entry;
        entry = vm_map_entry_of(entry->node.child[above]);
    }
    return found;
}

static void vm_map_entry_count_size(struct vm_map *map, const struct vm_map_entry *entry, bool more)
{
    uintptr_t size = entry->end - entry->start;
    map->size += more ? size : -size;
    if (entry->max_protection == VM_PROT_NONE)
        map->size_none += more ? size : -size;
}

void vm_map_link_entry(struct vm_map *map, struct vm_map_entry *entry)
{
    assert(page_aligned(entry->start) && page_aligned(entry->end) && entry->start < entry->end);
    assert(entry->start >= map->min && entry->end <= map->max);
    struct vm_map_entry *next = vm_map_entry_successor(map, entry->start);
    struct vm_map_entry *prev = next != NULL ? vm_map_prev_entry(map, next)
                                             : list_last(&map->entries, struct vm_map_entry, link);
    assert(next == NULL || entry->end <= next->start);
    entry->gap = entry->start - (prev != NULL ? prev->end : map->min);
    vm_map_entry_link_before(map, entry, next);
    if (next != NULL)
        vm_map_entry_set_gap(next, next->start - entry->end);
    vm_map_entry_count_size(map, entry, true);
}

void vm_map_unlink_entry(struct vm_map *map, struct vm_map_entry *entry)
{
    struct vm_map_entry *next = vm_map_next_entry(map, entry);

    assert(mutex_held(&map->lock));
    if (map->hint == entry)
        map->hint = vm_map_prev_entry(map, entry);
    uintptr_t before = entry->start - entry->gap;
    rbtree_remove(&map->tree, &entry->node, vm_map_entry_update);
    list_remove(&entry->link);
    map->nr_entries--;
    if (next != NULL)
        vm_map_entry_set_gap(next, next->start - before);
    vm_map_entry_count_size(map, entry, false);
}

/* ---- free space ---- */

/* The first entry behind entry whose gap is at least size, or NULL. */
static struct vm_map_entry *vm_map_next_gap(struct vm_map_entry *entry, uintptr_t size)
{
    struct rbtree_node *node = &entry->node;
    struct vm_map_entry *child = vm_map_entry_of(node->child[1]);

    while (child == NULL || child->max_gap < size) {
        /* Nothing wide enough below: up, to the first node of which this is the left side. */
        struct rbtree_node *parent;
        for (;;) {
            parent = (struct rbtree_node *)(node->parent_color & ~(uintptr_t)1);
            if (parent == NULL || parent->child[0] == node)
                break;
            node = parent;
        }
        if (parent == NULL)
            return NULL;
        node = parent;
        if (vm_map_entry_of(node)->gap >= size)
            return vm_map_entry_of(node);
        child = vm_map_entry_of(node->child[1]);
    }
    /* Down, to the leftmost one that is wide enough. */
    for (;;) {
        struct vm_map_entry *left = vm_map_entry_of(child->node.child[0]);
        if (left != NULL && left->max_gap >= size)
            child = left;
        else if (child->gap >= size)
            return child;
        else
            child = vm_map_entry_of(child->node.child[1]);
    }
}

/* Whether size bytes fit in [start, end) with mask clear, and where. */
static bool vm_map_gap_fits(uintptr_t start, uintptr_t end, uintptr_t size, uintptr_t mask, uintptr_t *address)
{
    uintptr_t aligned = page_round((start + mask) & ~mask);
    if (aligned < start || aligned > end || end - aligned < size || (aligned & mask) != 0)
        return false;
    *address = aligned;
    return true;
}

bool vm_map_find_space(struct vm_map *map, uintptr_t *address, uintptr_t size, uintptr_t mask)
{
    uintptr_t start = MAX(*address, map->min);

    assert(mutex_held(&map->lock) && size > 0 && page_aligned(size));
    if (start > map->max - 1)
        return false;
    struct vm_map_entry *entry = vm_map_lookup_from(map, start);
    if (entry != NULL && entry->start <= start) { /* inside: begin behind it */
        start = entry->end;
        entry = vm_map_next_entry(map, entry);
    }
    while (entry != NULL) {
        if (entry->start > start && vm_map_gap_fits(start, entry->start, size, mask, address))
            return true;
        entry = vm_map_next_gap(entry, size);
        if (entry != NULL)
            start = entry->start - entry->gap;
    }
    struct vm_map_entry *last = list_last(&map->entries, struct vm_map_entry, link);
    if (last != NULL && last->end > start)
        start = last->end;
    return vm_map_gap_fits(start, map->max, size, mask, address);
}

/* ---- cutting and joining ---- */

struct vm_map_entry *vm_map_entry_create(enum alloc how)
{
    struct vm_map_entry *entry = kmem_cache_alloc(&vm_map_entry_cache, how);
    if (entry == NULL)
        return NULL;
    *entry = (struct vm_map_entry){.inheritance = VM_INHERIT_DEFAULT};
    list_node_init(&entry->link);
    __atomic_add_fetch(&vm_map_entry_count, 1, __ATOMIC_RELAXED);
    return entry;
}

void vm_map_entry_destroy(struct vm_map_entry *entry)
{
    __atomic_sub_fetch(&vm_map_entry_count, 1, __ATOMIC_RELAXED);
    kmem_cache_free(&vm_map_entry_cache, entry);
}

kern_return_t vm_map_entry_split(struct vm_map_entry *entry, uintptr_t address, struct vm_map_entry **behind)
{
    struct vm_map_entry *fresh = vm_map_entry_create(vm_map_alloc_locked());

    if (fresh == NULL)
        return KERN_RESOURCE_SHORTAGE;
    assert(address > entry->start && address < entry->end && !entry->in_transition);
    *fresh = *entry;
    list_node_init(&fresh->link);
    fresh->gap = 0;
    fresh->start = address;
    fresh->index = entry->object != NULL ? vm_map_entry_index(entry, address) : 0;
    entry->end = address;
    if (fresh->object != NULL)
        vm_object_ref_split(fresh->object);
    *behind = fresh;
    return KERN_SUCCESS;
}

kern_return_t vm_map_clip_end(struct vm_map *map, struct vm_map_entry *entry, uintptr_t address)
{
    struct vm_map_entry *behind, *next;

    assert(mutex_held(&map->lock));
    if (address >= entry->end)
        return KERN_SUCCESS;
    next = vm_map_next_entry(map, entry);
    kern_return_t kr = vm_map_entry_split(entry, address, &behind);
    if (kr == KERN_SUCCESS)
        vm_map_entry_link_before(map, behind, next); /* gap 0; the gap before next is as it was */
    return kr;
}

kern_return_t vm_map_clip_start(struct vm_map *map, struct vm_map_entry *entry, uintptr_t address)
{
    struct vm_map_entry *other;

    assert(mutex_held(&map->lock));
    if (address <= entry->start)
        return KERN_SUCCESS;
    kern_return_t kr = vm_map_entry_split(entry, address, &other);
    if (kr != KERN_SUCCESS)
        return kr;
    /* The caller's pointer is to be the upper part: the two swap what they say. */
    uintptr_t start = entry->start, end = other->end, gap = entry->gap;
    uint32_t index = entry->index;
    entry->start = other->start;
    entry->end = end;
    entry->index = other->index;
    vm_map_entry_set_gap(entry, 0);
    other->start = start;
    other->end = address;
    other->index = index;
    other->gap = gap;
    vm_map_entry_link_before(map, other, entry);
    return KERN_SUCCESS;
}

/* Whether behind, which follows entry without a hole, says the same of the memory that follows. */
static bool vm_map_entry_continues(const struct vm_map_entry *entry, const struct vm_map_entry *behind)
{
    return entry->end == behind->start && entry->object == behind->object &&
           (entry->object == NULL || vm_map_entry_index(entry, entry->end) == behind->index) &&
           entry->protection == behind->protection && entry->max_protection == behind->max_protection &&
           entry->inheritance == behind->inheritance && entry->needs_copy == behind->needs_copy &&
           entry->is_shared == behind->is_shared && !entry->in_transition && !behind->in_transition &&
           entry->wired_count == behind->wired_count && entry->user_wired_count == behind->user_wired_count &&
           entry->wired_access == behind->wired_access;
}

void vm_map_simplify(struct vm_map *map, uintptr_t start, uintptr_t end)
{
    /* An entry that ends at start is looked at too: it may be continued. */
    struct vm_map_entry *entry = vm_map_lookup_from(map, start > map->min ? start - 1 : start), *behind;

    for (; entry != NULL && entry->start < end; entry = behind) {
        behind = vm_map_next_entry(map, entry);
        if (behind == NULL || !vm_map_entry_continues(entry, behind))
            continue;
        vm_map_unlink_entry(map, behind);
        /* Its bytes are entry's now, and the gap behind begins at the new end. */
        struct vm_map_entry *next = vm_map_next_entry(map, entry);
        entry->end = behind->end;
        map->size += behind->end - behind->start;
        if (entry->max_protection == VM_PROT_NONE)
            map->size_none += behind->end - behind->start;
        if (next != NULL)
            vm_map_entry_set_gap(next, next->start - entry->end);
        if (behind->object != NULL)
            vm_object_unref_split(behind->object); /* not the last: entry has one */
        vm_map_entry_destroy(behind);
        behind = entry;
    }
}

/* ---- waiting ---- */

void vm_map_transition_wait(struct vm_map *map, struct vm_map_entry *entry)
{
    assert(mutex_held(&map->lock) && entry->in_transition);
    entry->needs_wakeup = true;
    thread_assert_wait(map, WAIT_UNINTERRUPTIBLE);
    mutex_unlock(&map->lock);
    thread_block();
}

void vm_map_transition_done(struct vm_map *map, struct vm_map_entry *entry)
{
    assert(mutex_held(&map->lock) && entry->in_transition);
    entry->in_transition = false;
    if (entry->needs_wakeup) {
        entry->needs_wakeup = false;
        thread_wakeup(map);
    }
}

enum alloc vm_map_alloc_locked(void)
{
    return (thread_alloc_level() & ALLOC_LEVEL_MASK) | ALLOC_NOSLEEP;
}

kern_return_t vm_map_wait_memory(void)
{
    return vm_frame_wait(ALLOC_THREAD) ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

void vm_map_dispose_entries(struct list *entries)
{
    struct vm_map_entry *entry;

    while ((entry = list_first(entries, struct vm_map_entry, link)) != NULL) {
        list_remove(&entry->link);
        if (entry->object != NULL) {
            vm_object_forget_range(entry->object, entry->index, vm_map_entry_pages(entry));
            vm_object_unref_split(entry->object);
        }
        vm_map_entry_destroy(entry);
        preempt_point();
    }
}
