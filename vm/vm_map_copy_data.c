/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of copies: reading them, taking pages out, and writing them over mapped memory.
 *
 * A copy is read as its receiver would see it, page by page through the objects, so what is paged out is asked for. To
 * write over mapped memory moves bytes through one page of kernel memory; whole pages of a copy of entries replace
 * what is mapped there instead, if that is anonymous memory of one kind which nobody shares: the result is the same, and
 * nothing is copied before somebody writes.
 */
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include "vm/vm_fault.h"
#include "vm/vm_map.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"

#define VM_MAP_COPY_CHUNK 512u /* moved at a time by way of the stack: a sixteenth of it */

/* ---- reading ---- */

/* Where a byte of a copy is. */
struct vm_map_copy_place {
    struct vm_object *object;   /* NULL: zeroes */
    uint32_t index;
    unsigned int offset;        /* in the page */
};

/* copy is no buffer; offset, of the data, lies in it. */
static struct vm_map_copy_place vm_map_copy_find(struct vm_map_copy *copy, uint32_t offset)
{
    struct vm_map_copy_place place = {.offset = (copy->offset + offset) & PAGE_MASK};
    uint32_t page = (copy->offset + offset) >> PAGE_SHIFT;
    struct vm_map_entry *entry;

    if (copy->kind == VM_MAP_COPY_OBJECT) {
        place.object = copy->object.object;
        place.index = copy->object.index + page;
        return place;
    }
    list_for_each(&copy->entries, entry, link) {
        if (page < vm_map_entry_pages(entry)) {
            place.object = entry->object;
            place.index = entry->index + page;
            break;
        }
        page -= vm_map_entry_pages(entry);
    }
    return place;
}

kern_return_t vm_map_copy_read(struct vm_map_copy *copy, uint32_t offset, void *to, uint32_t size)
{
    assert(offset <= copy->size && size <= copy->size - offset);
    if (copy->kind == VM_MAP_COPY_BUFFER) {
        memcpy(to, (const char *)copy->buffer + offset, size);
        return KERN_SUCCESS;
    }
    while (size > 0) {
        struct vm_map_copy_place place = vm_map_copy_find(copy, offset);
        uint32_t piece = MIN(size, PAGE_SIZE - place.offset);
        kern_return_t kr = KERN_SUCCESS;
        if (place.object == NULL)
            memset(to, 0, piece);
        else
            kr = vm_fault_object_read(place.object, place.index, place.offset, to, piece);
        if (kr != KERN_SUCCESS)
            return kr;
        to = (char *)to + piece;
        offset += piece;
        size -= piece;
    }
    return KERN_SUCCESS;
}

kern_return_t vm_map_copy_read_frame(struct vm_map_copy *copy, uint32_t offset, struct vm_frame *frame)
{
    char chunk[VM_MAP_COPY_CHUNK];

    assert(page_aligned(offset) && offset < copy->size);
    uint32_t size = MIN(copy->size - offset, PAGE_SIZE);
    bool whole = size == PAGE_SIZE && copy->offset == 0 && copy->kind != VM_MAP_COPY_BUFFER;
    if (whole) {
        struct vm_map_copy_place place = vm_map_copy_find(copy, offset);
        bool found = false;
        kern_return_t kr = KERN_SUCCESS;
        if (place.object != NULL)
            kr = vm_fault_object_copy(place.object, place.index, frame, &found);
        if (kr == KERN_SUCCESS && !found)
            pmap_frame_zero(frame);
        return kr;
    }
    if (size < PAGE_SIZE)
        pmap_frame_zero(frame);
    if (copy->kind == VM_MAP_COPY_BUFFER) {
        pmap_frame_write(frame, 0, (const char *)copy->buffer + offset, size);
        return KERN_SUCCESS;
    }
    for (uint32_t done = 0, piece; done < size; done += piece) {
        piece = MIN(size - done, sizeof(chunk));
        kern_return_t kr = vm_map_copy_read(copy, offset + done, chunk, piece);
        if (kr != KERN_SUCCESS)
            return kr;
        pmap_frame_write(frame, done, chunk, piece);
    }
    return KERN_SUCCESS;
}

/* ---- stealing ---- */

/* Whether page of object, locked, is all that there is of its data, and may change hands. */
static bool vm_map_copy_page_alone(struct vm_object *object, struct vm_page *page)
{
    struct pmap_batch batch;

    if (page == NULL || page->frame == NULL || page->busy || page->absent || page->error || page->wire_count != 0 ||
        vm_page_frame_shared(page))
        return false;
    if (!object->internal || object->pager != NULL || object->copy != NULL || !vm_object_sole_user(object))
        return false;
    if (pmap_frame_mapped(page->frame)) {
        pmap_batch_init(&batch);
        pmap_frame_unmap(page->frame, &batch);
        pmap_batch_flush(&batch);
    }
    return !pmap_frame_mapped(page->frame);
}

struct vm_page *vm_map_copy_steal_page(struct vm_map_copy *copy, uint32_t offset)
{
    assert(page_aligned(offset));
    if (copy->kind == VM_MAP_COPY_BUFFER || copy->offset != 0 || offset >= copy->size || copy->size - offset < PAGE_SIZE)
        return NULL;
    struct vm_map_copy_place place = vm_map_copy_find(copy, offset);
    struct vm_object *object = place.object;
    if (object == NULL)
        return NULL;
    vm_object_lock(object);
    struct vm_page *page = vm_page_lookup(object, place.index);
    if (vm_map_copy_page_alone(object, page)) {
        vm_page_remove(page);
        if (object->ops->pages_gone != NULL)
            object->ops->pages_gone(object, 1);
    } else {
        page = NULL;
    }
    vm_object_unlock(object);
    return page;
}

/* ---- writing over mapped memory ---- */

/* Whether all of [start, end) may be written. Map locked. */
static kern_return_t vm_map_copy_check_target(struct vm_map *map, uintptr_t start, uintptr_t end)
{
    struct vm_map_entry *entry = vm_map_lookup_from(map, start);

    for (uintptr_t at = start; at < end; at = entry->end, entry = vm_map_next_entry(map, entry)) {
        if (entry == NULL || entry->start > at)
            return KERN_INVALID_ADDRESS;
        if ((entry->protection & VM_PROT_WRITE) == 0)
            return KERN_PROTECTION_FAILURE;
    }
    return KERN_SUCCESS;
}

/* Whether what is mapped in [start, end), all of it, can be replaced in one step. Map locked. */
static bool vm_map_copy_replaceable(struct vm_map *map, uintptr_t start, uintptr_t end)
{
    struct vm_map_entry *first = vm_map_lookup_from(map, start), *entry = first;

    for (unsigned int count = 0; entry != NULL && entry->start < end; count++) {
        struct vm_object *object = entry->object;
        if (count == VM_MAP_PIECE || entry->is_shared || entry->wired_count != 0 || entry->in_transition ||
            entry->protection != first->protection || entry->max_protection != first->max_protection ||
            entry->inheritance != first->inheritance)
            return false;
        if (object != NULL && (!object->internal || object->true_share))
            return false;
        entry = vm_map_next_entry(map, entry);
    }
    return true;
}

/* KERN_FAILURE: bytes must be moved. */
static kern_return_t vm_map_copy_replace(struct vm_map *map, uintptr_t start, struct vm_map_copy *copy)
{
    struct list taken = LIST_INIT(taken);
    uintptr_t end = start + copy->size, at = start;
    struct vm_map_entry *entry;

    mutex_lock(&map->lock);
    kern_return_t kr = vm_map_copy_check_target(map, start, end);
    if (kr == KERN_SUCCESS && !vm_map_copy_replaceable(map, start, end))
        kr = KERN_FAILURE;
    if (kr == KERN_SUCCESS)
        kr = vm_map_take_entries(map, &at, end, &taken); /* one piece, with nothing in transition */
    if (kr != KERN_SUCCESS) {
        mutex_unlock(&map->lock);
        return kr;
    }
    const struct vm_map_entry *old = list_first(&taken, struct vm_map_entry, link);
    for (at = start; (entry = list_first(&copy->entries, struct vm_map_entry, link)) != NULL; at = entry->end) {
        list_remove(&entry->link);
        entry->end = at + (entry->end - entry->start);
        entry->start = at;
        entry->protection = old->protection;
        entry->max_protection = old->max_protection;
        entry->inheritance = old->inheritance;
        entry->is_shared = false;
        vm_map_link_entry(map, entry);
    }
    mutex_unlock(&map->lock);
    vm_map_dispose_entries(&taken);
    return KERN_SUCCESS;
}

/* By way of a page of kernel memory, unless the bytes are there already. */
static kern_return_t vm_map_copy_write_bytes(struct vm_map *map, uintptr_t address, struct vm_map_copy *copy)
{
    if (copy->kind == VM_MAP_COPY_BUFFER)
        return vm_map_write(map, address, copy->buffer, copy->size);
    void *bounce = kmem_alloc(PAGE_SIZE, ALLOC_THREAD);
    if (bounce == NULL)
        return KERN_RESOURCE_SHORTAGE;
    kern_return_t kr = KERN_SUCCESS;
    for (uint32_t done = 0, piece; done < copy->size && kr == KERN_SUCCESS; done += piece) {
        /* Up to the end of a page of the target: one fault a page. */
        piece = MIN(copy->size - done, PAGE_SIZE - (uint32_t)((address + done) & PAGE_MASK));
        kr = vm_map_copy_read(copy, done, bounce, piece);
        if (kr == KERN_SUCCESS)
            kr = vm_map_write(map, address + done, bounce, piece);
    }
    kmem_free(bounce, PAGE_SIZE);
    return kr;
}

kern_return_t vm_map_copy_overwrite(struct vm_map *map, uintptr_t address, struct vm_map_copy *copy)
{
    kern_return_t kr;

    if (copy == NULL)
        return KERN_SUCCESS;
    if (address + copy->size < address)
        return KERN_INVALID_ADDRESS;
    if (copy->kind == VM_MAP_COPY_ENTRIES && copy->offset == 0 && page_aligned(address) && page_aligned(copy->size)) {
        do {
            kr = vm_map_copy_replace(map, address, copy);
        } while (kr == KERN_RESOURCE_SHORTAGE && vm_map_wait_memory() == KERN_SUCCESS);
    } else {
        mutex_lock(&map->lock);
        kr = vm_map_copy_check_target(map, address, address + copy->size);
        mutex_unlock(&map->lock);
        if (kr == KERN_SUCCESS)
            kr = KERN_FAILURE;
    }
    if (kr == KERN_FAILURE)
        kr = vm_map_copy_write_bytes(map, address, copy);
    if (kr == KERN_SUCCESS)
        vm_map_copy_destroy(copy);
    return kr;
}
