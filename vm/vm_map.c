/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps: entering, removing and changing what is mapped.
 *
 * An operation over a range first decides without changing anything, then cuts the entries at the range's ends and does
 * what cannot fail. Memory is asked for without waiting while the map is locked; when there is none the map is unlocked,
 * the thread waits and the operation begins again: each is written so that what was done before does not matter.
 *
 * Removing has two halves. With the map locked, entries are taken out with their mappings, in one batch; then, the map
 * unlocked, their references are given up, which frees pages and may take long. Both go piece by piece, so that
 * a large range keeps nobody from the map. Between the pieces others see part of the range gone: who unmaps and uses
 * a range at once has no better claim.
 *
 * Anonymous memory that is entered next to some of the same kind becomes part of that entry and of its object, so that a
 * growing heap is one entry and one object. Only an object that nothing else refers to, with nothing behind it, can grow.
 */
#include "vm/vm_map.h"

#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/vm_fault.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"

/* An object is at most as large as an address space: 4 GiB in pages. */
#define VM_MAP_OBJECT_PAGES_MAX 0x100000u

struct kmem_cache vm_map_entry_cache;
unsigned int vm_map_entry_count;
struct vm_map *kernel_map;

static struct kmem_cache vm_map_cache;

void vm_map_init(void)
{
    kmem_cache_init(&vm_map_cache, "vm_map", sizeof(struct vm_map), 0);
    kmem_cache_init(&vm_map_entry_cache, "vm_map_entry", sizeof(struct vm_map_entry), 0);
    vm_map_copy_init();
    struct pmap *pmap = pmap_create();
    kernel_map = pmap != NULL ? vm_map_create(pmap, PAGE_SIZE, MACHINE_USER_END) : NULL;
    if (kernel_map == NULL)
        panic("no memory for the kernel task's map");
}

/* ---- life ---- */

struct vm_map *vm_map_create(struct pmap *pmap, uintptr_t min, uintptr_t max)
{
    struct vm_map *map = kmem_cache_alloc(&vm_map_cache, ALLOC_THREAD);

    if (map == NULL)
        return NULL;
    assert(page_aligned(min) && page_aligned(max) && min < max);
    *map = (struct vm_map){
        .pmap = pmap,
        .min = min,
        .max = max,
        .size_limit = UINTPTR_MAX,
        .size_max = UINTPTR_MAX,
        .refs = 1,
    };
    mutex_init(&map->lock, LOCK_RANK_MAP);
    rbtree_init(&map->tree);
    list_init(&map->entries);
    return map;
}

void vm_map_ref(struct vm_map *map)
{
    assert(map->refs > 0);
    __atomic_add_fetch(&map->refs, 1, __ATOMIC_RELAXED);
}

void vm_map_unref(struct vm_map *map)
{
    if (map == NULL || __atomic_sub_fetch(&map->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    /* The whole range cuts no entry, and nobody wires: this needs no memory and waits for nothing. */
    kern_return_t kr = vm_map_remove(map, map->min, map->max);
    assert(kr == KERN_SUCCESS && map->nr_entries == 0 && map->size == 0);
    (void)kr;
    pmap_destroy(map->pmap);
    kmem_cache_free(&vm_map_cache, map);
}

void vm_map_lock(struct vm_map *map)
{
    mutex_lock(&map->lock);
}

void vm_map_unlock(struct vm_map *map)
{
    mutex_unlock(&map->lock);
}

/* ---- entering ---- */

bool vm_map_size_allows(const struct vm_map *map, uintptr_t more)
{
    uintptr_t counted = map->size - map->size_none;
    return counted + more >= counted && counted + more <= map->size_limit;
}

/* Finds or checks the place that request asks for. Map locked. */
static kern_return_t vm_map_place(struct vm_map *map, struct vm_map_request *request)
{
    uintptr_t address = request->address, size = request->size;

    if (request->max_protection != VM_PROT_NONE && !vm_map_size_allows(map, size))
        return KERN_NO_SPACE;
    if (request->anywhere)
        return vm_map_find_space(map, &request->address, size, request->mask) ? KERN_SUCCESS : KERN_NO_SPACE;
    if (address < map->min || address >= map->max || map->max - address < size || !page_aligned(address))
        return KERN_INVALID_ADDRESS;
    if ((address & request->mask) != 0)
        return KERN_NO_SPACE;
    struct vm_map_entry *next = vm_map_lookup_from(map, address);
    return next == NULL || next->start >= address + size ? KERN_SUCCESS : KERN_NO_SPACE;
}

/* Makes room for nr_pages more at index in an object that one entry alone uses; a reference for them is taken. */
static bool vm_map_grow_object(struct vm_object *object, uint32_t index, uint32_t nr_pages)
{
    if (index >= VM_MAP_OBJECT_PAGES_MAX || VM_MAP_OBJECT_PAGES_MAX - index < nr_pages)
        return false;
    vm_object_lock(object);
    bool grows = object->refs == 1 && object->ops == &vm_object_anonymous_ops && object->pager == NULL &&
                 object->shadow == NULL && object->copy == NULL && !object->true_share;
    if (grows) {
        /* What was unmapped there may have left busy pages behind: those must not come back. */
        struct vm_page *page = vm_page_lookup_from(object, index);
        grows = page == NULL || page->index - index >= nr_pages;
    }
    if (grows) {
        object->nr_pages = MAX(object->nr_pages, index + nr_pages);
        object->refs++;
        object->splits++;
    }
    vm_object_unlock(object);
    return grows;
}

/* Lets a new anonymous entry, not yet linked, continue the object of the one before it. */
static void vm_map_continue_previous(struct vm_map *map, struct vm_map_entry *entry)
{
    struct vm_map_entry *prev = entry->start > map->min ? vm_map_lookup_entry(map, entry->start - 1) : NULL;

    if (prev == NULL || prev->object == NULL || prev->protection != entry->protection ||
        prev->max_protection != entry->max_protection || prev->inheritance != entry->inheritance || prev->needs_copy ||
        prev->is_shared || prev->in_transition || prev->wired_count != 0)
        return;
    uint32_t index = vm_map_entry_index(prev, prev->end);
    if (!vm_map_grow_object(prev->object, index, vm_map_entry_pages(entry)))
        return;
    entry->object = prev->object;
    entry->index = index;
}

kern_return_t vm_map_enter(struct vm_map *map, struct vm_map_request *request)
{
    if (request->size == 0 || !page_aligned(request->size))
        return KERN_INVALID_ARGUMENT;
    struct vm_map_entry *entry = vm_map_entry_create(ALLOC_THREAD);
    if (entry == NULL)
        return KERN_RESOURCE_SHORTAGE;

    mutex_lock(&map->lock);
    kern_return_t kr = vm_map_place(map, request);
    if (kr != KERN_SUCCESS) {
        mutex_unlock(&map->lock);
        vm_map_entry_destroy(entry);
        return kr;
    }
    uintptr_t start = request->address, end = start + request->size;
    entry->start = start;
    entry->end = end;
    entry->object = request->object;
    entry->index = request->object != NULL ? request->index : 0;
    entry->needs_copy = request->object != NULL && request->needs_copy;
    entry->protection = request->protection;
    entry->max_protection = request->max_protection;
    entry->inheritance = (uint8_t)request->inheritance;
    if (entry->object == NULL)
        vm_map_continue_previous(map, entry);
    /* Should what cannot be wired be taken back, the object is to be the caller's again. */
    bool wire = map->wire_future, kept = wire && request->object != NULL;
    if (kept)
        vm_object_ref(request->object);
    vm_map_link_entry(map, entry);
    vm_map_simplify(map, start, end);
    mutex_unlock(&map->lock);

    if (!wire)
        return KERN_SUCCESS;
    kr = vm_map_wire_entered(map, start, end, request->protection);
    if (kr != KERN_SUCCESS)
        vm_map_remove(map, start, end); /* of whole entries, unless somebody else has changed them meanwhile */
    else if (kept)
        vm_object_unref(request->object);
    return kr;
}

kern_return_t vm_map_wire_entered(struct vm_map *map, uintptr_t start, uintptr_t end, vm_prot_t prot)
{
    if (!map->wire_future || prot == VM_PROT_NONE)
        return KERN_SUCCESS;
    return vm_map_wire(map, start, end, prot);
}

void vm_map_set_wire_future(struct vm_map *map, bool wire)
{
    mutex_lock(&map->lock);
    map->wire_future = wire;
    mutex_unlock(&map->lock);
}

/* With which rights a resident page may be mapped without a fault looking at it; NONE: not at all. Object locked. */
static vm_prot_t vm_map_resident_prot(const struct vm_object *object, const struct vm_page *page, vm_prot_t prot)
{
    if (page->frame == NULL || page->busy || page->absent || page->error)
        return VM_PROT_NONE;
    /* Writing a manager's page, one that a copy needs or one that is held twice takes more than a mapping. */
    if (object->pager != NULL || object->copy != NULL || vm_page_frame_shared(page))
        prot &= ~VM_PROT_WRITE;
    return prot & ~(vm_prot_t)page->lock_prot;
}

void vm_map_enter_resident(struct vm_map *map, struct vm_map_entry *entry)
{
    struct vm_object *object = entry->object;
    uint32_t nr_pages = vm_map_entry_pages(entry);

    assert(mutex_held(&map->lock));
    if (object == NULL)
        return;
    vm_object_lock(object);
    struct vm_page *page = vm_page_lookup_from(object, entry->index);
    for (; page != NULL && page->index - entry->index < nr_pages; page = vm_page_next(page)) {
        vm_prot_t prot = entry->needs_copy ? entry->protection & ~VM_PROT_WRITE : entry->protection;
        prot = vm_map_resident_prot(object, page, prot);
        uintptr_t va = entry->start + ((uintptr_t)(page->index - entry->index) << PAGE_SHIFT);
        if ((prot & VM_PROT_READ) != 0 &&
            pmap_enter(map->pmap, va, page->frame, prot, PMAP_NOSLEEP_DAEMON) != KERN_SUCCESS)
            break; /* faults will do it */
    }
    vm_object_unlock(object);
}

/* ---- removing ---- */

/* Map locked: cuts the entries at start and at end; or waits for one in the range that is in transition. */
static kern_return_t vm_map_cut_range(struct vm_map *map, uintptr_t start, uintptr_t end)
{
    struct vm_map_entry *first = vm_map_lookup_from(map, start), *entry, *last = NULL;

    for (entry = first; entry != NULL && entry->start < end; entry = vm_map_next_entry(map, entry)) {
        if (entry->in_transition) {
            vm_map_transition_wait(map, entry);
            return KERN_ABORTED;
        }
        last = entry;
    }
    if (last == NULL)
        return KERN_SUCCESS;
    kern_return_t kr = vm_map_clip_start(map, first, start);
    if (kr == KERN_SUCCESS)
        kr = vm_map_clip_end(map, last, end); /* last is still what ends last: cutting the start keeps the upper part */
    return kr;
}

/* The end of the first piece of [start, end): not more than VM_MAP_PIECE entries. */
static uintptr_t vm_map_piece_end(struct vm_map *map, uintptr_t start, uintptr_t end)
{
    struct vm_map_entry *entry = vm_map_lookup_from(map, start);

    for (unsigned int count = 1; entry != NULL && entry->start < end; count++) {
        if (count == VM_MAP_PIECE)
            return MIN(end, entry->end);
        entry = vm_map_next_entry(map, entry);
    }
    return end;
}

kern_return_t vm_map_take_entries(struct vm_map *map, uintptr_t *start, uintptr_t end, struct list *taken)
{
    uintptr_t from = *start, to = vm_map_piece_end(map, from, end);
    kern_return_t kr = vm_map_cut_range(map, from, to);

    if (kr != KERN_SUCCESS)
        return kr;
    struct vm_map_entry *entry = vm_map_lookup_from(map, from), *next;
    if (entry != NULL && entry->start < to)
        pmap_remove(map->pmap, MAX(from, entry->start), to);
    for (; entry != NULL && entry->start < to; entry = next) {
        next = vm_map_next_entry(map, entry);
        if (entry->wired_count != 0) {
            vm_map_unwire_entry(map, entry, entry->start, entry->end);
            entry->wired_count = 0;
            entry->user_wired_count = 0;
            entry->wired_access = VM_PROT_NONE;
        }
        vm_map_unlink_entry(map, entry);
        list_insert_tail(taken, &entry->link);
    }
    *start = to;
    return KERN_SUCCESS;
}

kern_return_t vm_map_remove(struct vm_map *map, uintptr_t start, uintptr_t end)
{
    start = MAX(start, map->min);
    end = MIN(end, map->max);
    while (start < end) {
        struct list taken = LIST_INIT(taken);

        mutex_lock(&map->lock);
        kern_return_t kr = vm_map_take_entries(map, &start, end, &taken);
        if (kr != KERN_ABORTED)
            mutex_unlock(&map->lock);
        vm_map_dispose_entries(&taken);
        if (kr == KERN_RESOURCE_SHORTAGE && vm_map_wait_memory() != KERN_SUCCESS)
            return KERN_RESOURCE_SHORTAGE;
    }
    return KERN_SUCCESS;
}

/* ---- changing ---- */

/* A change of each entry of a range. */
struct vm_map_change {
    vm_prot_t prot;
    vm_inherit_t inheritance;
    bool set_maximum;
    void (*apply)(struct vm_map *map, struct vm_map_entry *entry, const struct vm_map_change *change);
};

static void vm_map_apply_protection(struct vm_map *map, struct vm_map_entry *entry, const struct vm_map_change *change)
{
    vm_prot_t before = entry->protection;

    if (change->set_maximum) {
        if (change->prot == VM_PROT_NONE && entry->max_protection != VM_PROT_NONE)
            map->size_none += entry->end - entry->start;
        entry->max_protection = change->prot;
        entry->protection &= change->prot;
    } else {
        entry->protection = change->prot;
    }
    /* Rights that are given are found by faults. */
    if ((before & ~entry->protection) != 0)
        pmap_protect(map->pmap, entry->start, entry->end, entry->protection);
}

static void vm_map_apply_inheritance(struct vm_map *map, struct vm_map_entry *entry, const struct vm_map_change *change)
{
    (void)map;
    entry->inheritance = (uint8_t)change->inheritance;
}

/* Whether every entry in the range may get prot. Holes are nobody's loss. Map locked. */
static bool vm_map_may_protect(struct vm_map *map, uintptr_t start, uintptr_t end, vm_prot_t prot)
{
    struct vm_map_entry *entry = vm_map_lookup_from(map, start);

    for (; entry != NULL && entry->start < end; entry = vm_map_next_entry(map, entry))
        if ((prot & ~entry->max_protection) != 0)
            return false;
    return true;
}

static kern_return_t vm_map_change_locked(struct vm_map *map, uintptr_t start, uintptr_t end,
                                          const struct vm_map_change *change)
{
    if (!vm_map_may_protect(map, start, end, change->prot))
        return KERN_PROTECTION_FAILURE;
    kern_return_t kr = vm_map_cut_range(map, start, end);
    if (kr != KERN_SUCCESS)
        return kr;
    struct vm_map_entry *entry = vm_map_lookup_from(map, start);
    for (; entry != NULL && entry->start < end; entry = vm_map_next_entry(map, entry))
        change->apply(map, entry, change);
    vm_map_simplify(map, start, end);
    return KERN_SUCCESS;
}

static kern_return_t vm_map_change_range(struct vm_map *map, uintptr_t start, uintptr_t end,
                                         const struct vm_map_change *change)
{
    start = MAX(start, map->min);
    end = MIN(end, map->max);
    for (;;) {
        if (start >= end)
            return KERN_SUCCESS;
        mutex_lock(&map->lock);
        kern_return_t kr = vm_map_change_locked(map, start, end, change);
        if (kr == KERN_ABORTED)
            continue;
        mutex_unlock(&map->lock);
        if (kr != KERN_RESOURCE_SHORTAGE || vm_map_wait_memory() != KERN_SUCCESS)
            return kr;
    }
}

kern_return_t vm_map_protect(struct vm_map *map, uintptr_t start, uintptr_t end, vm_prot_t prot, bool set_maximum)
{
    struct vm_map_change change = {.prot = prot, .set_maximum = set_maximum, .apply = vm_map_apply_protection};
    return vm_map_change_range(map, start, end, &change);
}

kern_return_t vm_map_inherit(struct vm_map *map, uintptr_t start, uintptr_t end, vm_inherit_t inheritance)
{
    struct vm_map_change change = {
        .prot = VM_PROT_NONE, .inheritance = inheritance, .apply = vm_map_apply_inheritance};
    return vm_map_change_range(map, start, end, &change);
}

/* ---- looking ---- */

kern_return_t vm_map_region(struct vm_map *map, uintptr_t address, struct vm_map_region *region)
{
    mutex_lock(&map->lock);
    const struct vm_map_entry *entry = vm_map_lookup_from(map, address);
    if (entry == NULL) {
        mutex_unlock(&map->lock);
        return KERN_NO_SPACE;
    }
    *region = (struct vm_map_region){
        .start = entry->start,
        .size = entry->end - entry->start,
        .object = entry->object,
        .index = entry->index,
        .protection = entry->protection,
        .max_protection = entry->max_protection,
        .inheritance = (vm_inherit_t)entry->inheritance,
        .is_shared = entry->is_shared,
    };
    if (region->object != NULL)
        vm_object_ref(region->object);
    mutex_unlock(&map->lock);
    return KERN_SUCCESS;
}

/* ---- the kernel's own access ---- */

kern_return_t vm_map_read(struct vm_map *map, uintptr_t address, void *to, uint32_t size)
{
    if (address + size < address)
        return KERN_INVALID_ADDRESS;
    while (size > 0) {
        uint32_t piece = MIN(size, PAGE_SIZE - (uint32_t)(address & PAGE_MASK));
        kern_return_t kr = vm_fault_read(map, address, to, piece);
        if (kr != KERN_SUCCESS)
            return kr;
        address += piece;
        to = (char *)to + piece;
        size -= piece;
        preempt_point();
    }
    return KERN_SUCCESS;
}

kern_return_t vm_map_write(struct vm_map *map, uintptr_t address, const void *from, uint32_t size)
{
    if (address + size < address)
        return KERN_INVALID_ADDRESS;
    while (size > 0) {
        uint32_t piece = MIN(size, PAGE_SIZE - (uint32_t)(address & PAGE_MASK));
        kern_return_t kr = vm_fault_write(map, address, from, piece);
        if (kr != KERN_SUCCESS)
            return kr;
        address += piece;
        from = (const char *)from + piece;
        size -= piece;
        preempt_point();
    }
    return KERN_SUCCESS;
}
