/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies: memory on its way from one map to another.
 *
 * 1. What a copy promises. It is the memory as of the moment it was made, whatever the sender does next; it belongs to one
 *    holder, who maps it, reads it or discards it; and once made it can always be discarded, without memory and under locks.
 * 2. Three forms. A *buffer* is bytes in kernel memory: below two pages, copying costs less than the faults that follow
 *    from sharing (write-protecting, a shadow and a page copied at the sender's next write), and nothing of the pages
 *    around the data goes along. *Entries* are the general form. An *object* is one whole range, with everything that
 *    mapping it needs set aside: the pageout path's, where no step between sending and receiving may need memory that it
 *    is to free.
 * 3. By reference or by moving. Entries refer to the source's objects with copy-on-write arranged (vm_map_duplicate). If
 *    the sender gives the range up in the same step there is nobody left to write it: then its entries themselves move,
 *    with the pages and without a fault on either side, provided that their memory is the sender's alone. Shared memory
 *    and a manager's memory can still change through others: they are copied by reference first, then unmapped.
 * 4. Which entries a write must shadow. Entries in a copy have needs_copy unless they moved; a moved one keeps what it
 *    had. Rights are those of fresh memory when it is copied out: what the sender allowed itself is not the receiver's
 *    concern.
 * 5. Stealing. Who consumes a copy page by page (memory_object_data_supply) takes pages out of it when nobody else can see
 *    them (vm_map_copy_data.c). With 3, a manager that supplies what it no longer needs hands over frames.
 * 6. Discarding. Ends of ports and failing sends discard copies under IPC locks; what may take long goes to the reaper. A
 *    copy set aside in advance is never freed here: its owner is told whether it has been received.
 *
 * Rejected: lists of bare pages as a form; they cannot be paged out while a message waits, so any task could pin memory by
 * sending to a port that nobody receives from.
 */
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include "vm/vm_map.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"

#define VM_MAP_COPY_BUFFER_MAX (2 * PAGE_SIZE) /* see 2. */

static struct kmem_cache vm_map_copy_cache;

void vm_map_copy_init(void)
{
    kmem_cache_init(&vm_map_copy_cache, "vm_map_copy", sizeof(struct vm_map_copy), 0);
}

struct vm_map_copy *vm_map_copy_create(enum vm_map_copy_kind kind, uint32_t size)
{
    struct vm_map_copy *copy = kmem_cache_alloc(&vm_map_copy_cache, ALLOC_THREAD);

    if (copy == NULL)
        return NULL;
    *copy = (struct vm_map_copy){.kind = (uint8_t)kind, .size = size};
    if (kind == VM_MAP_COPY_ENTRIES)
        list_init(&copy->entries);
    list_node_init(&copy->reap.node);
    return copy;
}

void vm_map_copy_free(struct vm_map_copy *copy)
{
    assert(!copy->preallocated);
    kmem_cache_free(&vm_map_copy_cache, copy);
}

/* ---- in ---- */

static kern_return_t vm_map_copyin_buffer(struct vm_map *map, uintptr_t address, struct vm_map_copy *copy)
{
    copy->buffer = kmem_alloc(copy->size, ALLOC_THREAD);
    if (copy->buffer == NULL)
        return KERN_RESOURCE_SHORTAGE;
    kern_return_t kr = vm_map_read(map, address, copy->buffer, copy->size);
    if (kr != KERN_SUCCESS)
        kmem_free(copy->buffer, copy->size);
    return kr;
}

/* Whether entry's memory is its map's alone, so that the entry can move as it is. */
static bool vm_map_copyin_movable(const struct vm_map_entry *entry)
{
    struct vm_object *object = entry->object;

    if (object == NULL)
        return true;
    vm_object_lock(object);
    bool movable = object->internal && !object->true_share;
    vm_object_unlock(object);
    return movable;
}

/* Map locked. KERN_FAILURE: readable, but not to be moved. */
static kern_return_t vm_map_copyin_check_move(struct vm_map *map, uintptr_t start, uintptr_t end)
{
    struct vm_map_entry *entry = vm_map_lookup_from(map, start);
    kern_return_t kr = KERN_SUCCESS;

    for (uintptr_t at = start; at < end; at = entry->end, entry = vm_map_next_entry(map, entry)) {
        if (entry == NULL || entry->start > at)
            return KERN_INVALID_ADDRESS;
        if ((entry->protection & VM_PROT_READ) == 0)
            return KERN_PROTECTION_FAILURE;
        if (!vm_map_copyin_movable(entry))
            kr = KERN_FAILURE;
    }
    return kr;
}

/*
 * Moves the entries of the range into the list. KERN_FAILURE, with nothing changed: they must be copied. The whole range
 * is checked before each piece, so that only a change by another thread between two pieces loses memory.
 */
static kern_return_t vm_map_copyin_move(struct vm_map *map, uintptr_t start, uintptr_t end, struct list *entries)
{
    uintptr_t at = start;

    while (at < end) {
        mutex_lock(&map->lock);
        kern_return_t kr = vm_map_copyin_check_move(map, at, end);
        if (kr != KERN_SUCCESS) {
            mutex_unlock(&map->lock);
            return kr == KERN_FAILURE && at > start ? KERN_INVALID_ADDRESS : kr;
        }
        kr = vm_map_take_entries(map, &at, end, entries);
        if (kr != KERN_ABORTED)
            mutex_unlock(&map->lock);
        if (kr == KERN_RESOURCE_SHORTAGE && vm_map_wait_memory() != KERN_SUCCESS)
            return KERN_RESOURCE_SHORTAGE;
        preempt_point();
    }
    return KERN_SUCCESS;
}

/* The pages [start, end) as entries. With destroy they are unmapped when it succeeds. */
static kern_return_t vm_map_copyin_entries(struct vm_map *map, uintptr_t start, uintptr_t end, bool destroy,
                                           struct list *entries)
{
    struct vm_map_duplicate walk = {
        .map = map, .at = start, .end = end, .entries = entries, .ops = &vm_map_duplicate_copy};
    kern_return_t kr = destroy ? vm_map_copyin_move(map, start, end, entries) : KERN_FAILURE;

    if (kr == KERN_FAILURE) {
        kr = vm_map_duplicate(&walk);
        if (kr == KERN_SUCCESS && destroy)
            kr = vm_map_remove(map, start, end);
    }
    if (kr != KERN_SUCCESS)
        vm_map_dispose_entries(entries);
    return kr;
}

kern_return_t vm_map_copyin(struct vm_map *map, uintptr_t address, uint32_t size, bool destroy, struct vm_map_copy **copyp)
{
    uintptr_t start = page_trunc(address), end = page_round(address + size);

    *copyp = NULL;
    if (size == 0)
        return KERN_SUCCESS;
    if (address + size < address || end <= start)
        return KERN_INVALID_ADDRESS;
    bool moves = destroy && page_aligned(address) && page_aligned(size);
    struct vm_map_copy *copy = vm_map_copy_create(VM_MAP_COPY_BUFFER, size);
    if (copy == NULL)
        return KERN_RESOURCE_SHORTAGE;

    kern_return_t kr = KERN_RESOURCE_SHORTAGE;
    if (size <= VM_MAP_COPY_BUFFER_MAX && !moves) {
        kr = vm_map_copyin_buffer(map, address, copy);
        if (kr == KERN_SUCCESS && destroy) {
            kr = vm_map_remove(map, start, end);
            if (kr != KERN_SUCCESS)
                kmem_free(copy->buffer, size);
        }
    }
    if (kr == KERN_RESOURCE_SHORTAGE && !thread_should_end()) { /* or two pages in one piece cannot be had */
        copy->kind = VM_MAP_COPY_ENTRIES;
        copy->offset = (uint32_t)(address - start);
        list_init(&copy->entries);
        kr = vm_map_copyin_entries(map, start, end, destroy, &copy->entries);
    }
    if (kr != KERN_SUCCESS) {
        vm_map_copy_free(copy);
        return kr;
    }
    *copyp = copy;
    return KERN_SUCCESS;
}

kern_return_t vm_map_copyin_kernel(void *memory, uint32_t size, struct vm_map_copy **copyp)
{
    *copyp = NULL;
    if (size == 0)
        return KERN_SUCCESS;
    struct vm_map_copy *copy = vm_map_copy_create(VM_MAP_COPY_BUFFER, size);
    if (copy == NULL)
        return KERN_RESOURCE_SHORTAGE;
    copy->buffer = memory;
    *copyp = copy;
    return KERN_SUCCESS;
}

/* ---- out ---- */

/* Fresh memory with the bytes of a buffer in it, or NULL: no memory. */
static struct vm_object *vm_map_copyout_fill(const char *buffer, uint32_t size)
{
    uint32_t nr_pages = (size - 1) / PAGE_SIZE + 1;
    struct vm_object *object = vm_object_create(nr_pages, ALLOC_THREAD);

    for (uint32_t i = 0; object != NULL && i < nr_pages; i++) {
        uint32_t piece = MIN(size - i * PAGE_SIZE, PAGE_SIZE);
        struct vm_page *page = vm_page_create(ALLOC_THREAD);
        if (page == NULL) {
            vm_object_unref(object);
            return NULL;
        }
        if (piece < PAGE_SIZE)
            pmap_frame_zero(page->frame);
        pmap_frame_write(page->frame, 0, buffer + i * PAGE_SIZE, piece);
        page->dirty = true;
        vm_object_lock(object);
        vm_page_insert(page, object, i);
        vm_page_activate(page);
        vm_object_unlock(object);
    }
    return object;
}

/* Links entries, contiguous at whatever addresses, at the lowest place where all fit. KERN_NO_SPACE leaves the list. */
static kern_return_t vm_map_copyout_entries(struct vm_map *map, struct list *entries, bool resident, uintptr_t *start)
{
    struct vm_map_entry *entry = list_first(entries, struct vm_map_entry, link);
    uintptr_t base = entry->start, size = list_last(entries, struct vm_map_entry, link)->end - base;

    mutex_lock(&map->lock);
    *start = map->min;
    if (!vm_map_size_allows(map, size) || !vm_map_find_space(map, start, size, 0)) {
        mutex_unlock(&map->lock);
        return KERN_NO_SPACE;
    }
    for (; entry != NULL; entry = list_first(entries, struct vm_map_entry, link)) {
        list_remove(&entry->link);
        entry->start += *start - base;
        entry->end += *start - base;
        entry->protection = VM_PROT_DEFAULT;
        entry->max_protection = VM_PROT_ALL;
        entry->inheritance = VM_INHERIT_DEFAULT;
        entry->is_shared = false;
        vm_map_link_entry(map, entry);
        if (resident)
            vm_map_enter_resident(map, entry);
    }
    mutex_unlock(&map->lock);
    /* Where it cannot be wired now it is memory like any other: the receiver has it. */
    vm_map_wire_entered(map, *start, *start + size, VM_PROT_DEFAULT);
    return KERN_SUCCESS;
}

/* Maps object (a reference, consumed on success) with entry. */
static kern_return_t vm_map_copyout_object(struct vm_map *map, struct vm_object *object, uint32_t index,
                                           uint32_t nr_pages, struct vm_map_entry *entry, bool resident, uintptr_t *start)
{
    struct list entries = LIST_INIT(entries);

    entry->start = 0;
    entry->end = (uintptr_t)nr_pages << PAGE_SHIFT;
    entry->object = object;
    entry->index = index;
    entry->needs_copy = false;
    list_insert_tail(&entries, &entry->link);
    kern_return_t kr = vm_map_copyout_entries(map, &entries, resident, start);
    if (kr != KERN_SUCCESS)
        list_remove(&entry->link);
    return kr;
}

static kern_return_t vm_map_copyout_buffer(struct vm_map *map, struct vm_map_copy *copy, uintptr_t *start)
{
    kern_return_t kr = KERN_RESOURCE_SHORTAGE;
    struct vm_map_entry *entry = vm_map_entry_create(ALLOC_THREAD);

    if (entry == NULL)
        return KERN_RESOURCE_SHORTAGE;
    struct vm_object *object = vm_map_copyout_fill(copy->buffer, copy->size);
    if (object != NULL)
        kr = vm_map_copyout_object(map, object, 0, object->nr_pages, entry, true, start);
    if (kr == KERN_SUCCESS) {
        kmem_free(copy->buffer, copy->size);
        return KERN_SUCCESS;
    }
    if (object != NULL)
        vm_object_unref(object);
    vm_map_entry_destroy(entry);
    return kr;
}

static kern_return_t vm_map_copyout_whole(struct vm_map *map, struct vm_map_copy *copy, uintptr_t *start)
{
    struct vm_map_entry *entry = copy->preallocated ? copy->reserved_entry : vm_map_entry_create(ALLOC_THREAD);
    uint32_t nr_pages = (copy->offset + copy->size - 1) / PAGE_SIZE + 1;

    if (entry == NULL)
        return KERN_RESOURCE_SHORTAGE;
    kern_return_t kr = vm_map_copyout_object(map, copy->object.object, copy->object.index, nr_pages, entry,
                                             copy->object.mapped, start);
    if (kr == KERN_SUCCESS)
        copy->reserved_entry = NULL;
    else if (!copy->preallocated)
        vm_map_entry_destroy(entry);
    return kr;
}

kern_return_t vm_map_copyout(struct vm_map *map, uintptr_t *address, struct vm_map_copy *copy)
{
    kern_return_t kr = KERN_SUCCESS;
    uintptr_t start = 0;

    *address = 0;
    if (copy == NULL)
        return KERN_SUCCESS;
    switch (copy->kind) {
    case VM_MAP_COPY_ENTRIES:
        kr = vm_map_copyout_entries(map, &copy->entries, false, &start);
        break;
    case VM_MAP_COPY_BUFFER:
        kr = vm_map_copyout_buffer(map, copy, &start);
        break;
    case VM_MAP_COPY_OBJECT:
        kr = vm_map_copyout_whole(map, copy, &start);
        break;
    }
    if (kr != KERN_SUCCESS)
        return kr;
    *address = start + copy->offset;
    if (copy->preallocated)
        copy->release(copy, true); /* its owner's from now on */
    else
        vm_map_copy_free(copy);
    return KERN_SUCCESS;
}

/* ---- away ---- */

void vm_map_copy_destroy(struct vm_map_copy *copy)
{
    if (copy == NULL)
        return;
    if (copy->preallocated) {
        copy->release(copy, false);
        return;
    }
    switch (copy->kind) {
    case VM_MAP_COPY_ENTRIES:
        vm_map_dispose_entries(&copy->entries);
        break;
    case VM_MAP_COPY_BUFFER:
        kmem_free(copy->buffer, copy->size);
        break;
    case VM_MAP_COPY_OBJECT:
        vm_object_unref(copy->object.object);
        break;
    }
    vm_map_copy_free(copy);
}

static void vm_map_copy_reap(struct reaper_item *item)
{
    vm_map_copy_destroy(container_of(item, struct vm_map_copy, reap));
}

void vm_map_copy_discard(struct vm_map_copy *copy)
{
    if (copy == NULL)
        return;
    if (copy->preallocated || copy->kind == VM_MAP_COPY_BUFFER) {
        vm_map_copy_destroy(copy); /* these queue or free, no more */
        return;
    }
    copy->reap.function = vm_map_copy_reap;
    reaper_queue(&copy->reap);
}
