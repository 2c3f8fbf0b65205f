/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps and copies against a model: random operations on several maps and on copies on their way, byte by byte, with
 * memory running out now and then. After each, the map must say what the model says and its tree must agree with itself.
 * unit: vm/vm_fault.c vm/vm_page.c vm/vm_object.c vm/vm_shadow.c vm/vm_policy.c vm/vm_map.c vm/vm_map_entry.c
 * unit: vm/vm_map_wire.c vm/vm_map_duplicate.c vm/vm_map_copy.c vm/vm_map_copy_data.c kernel/rbtree.c kernel/lock.c
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/vm_fault.h"
#include "vm/vm_map.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"
#include "vm/vm_policy.h"

#define MAPS 3
#define COPIES 4
#define PAGES 40                /* of each map */
#define FRAMES 8192
#define BASE ((uintptr_t)0x10000)
#define BYTES (PAGES * PAGE_SIZE)
#define STEPS 60000

static unsigned int seed = 1, step, fail_every;

static unsigned int pick(unsigned int bound)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % bound;
}

void panic(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    printf("Bail out! step %u: ", step);
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
    abort();
}

#define check(e) \
    do { \
        if (!(e)) \
            panic("%s, line %d", #e, __LINE__); \
    } while (0)

/* ---- what the code under test stands on ---- */

static struct vm_frame frames[FRAMES];
static uint8_t contents[FRAMES][PAGE_SIZE];
static unsigned int frames_used, objects_used, memory_used;
struct vm_frame *vm_frames = frames;
unsigned int vm_nr_frames = FRAMES;
struct vm_frame_marks vm_frame_marks;
static struct list frames_free = LIST_INIT(frames_free);

static bool refused(enum alloc how)
{
    return (how & ALLOC_NOSLEEP) != 0 && fail_every != 0 && pick(fail_every) == 0;
}

void kmem_cache_init(struct kmem_cache *cache, const char *name, size_t size, size_t align)
{
    (void)align;
    cache->name = name;
    cache->size = (uint32_t)size;
}

void *kmem_cache_alloc(struct kmem_cache *cache, enum alloc how)
{
    if (refused(how))
        return NULL;
    objects_used++;
    void *memory = malloc(cache->size);
    memset(memory, 0xA5, cache->size);
    return memory;
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
    objects_used--;
    memset(object, 0x5A, cache->size);
    free(object);
}

void *kmem_alloc(size_t size, enum alloc how)
{
    if (refused(how) || (size > PAGE_SIZE && fail_every != 0 && pick(4) == 0))
        return NULL;
    memory_used += (unsigned int)size;
    return malloc(size);
}

void kmem_free(void *memory, size_t size)
{
    memory_used -= (unsigned int)size;
    free(memory);
}

struct vm_frame *vm_frame_alloc(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how)
{
    (void)highest;
    check(order == 0);
    if (refused(how))
        return NULL;
    struct vm_frame *frame = list_first(&frames_free, struct vm_frame, node);
    check(frame != NULL);
    list_remove(&frame->node);
    frame->state = (uint8_t)state;
    memset(contents[vm_frame_number(frame)], 0xDE, PAGE_SIZE);
    frames_used++;
    return frame;
}

void vm_frame_free(struct vm_frame *frame, unsigned int order)
{
    check(order == 0 && frame->state == VM_FRAME_OBJECT && frame->nr_holders == 0 && !pmap_frame_mapped(frame));
    frame->state = VM_FRAME_FREE;
    frames_used--;
    list_insert_tail(&frames_free, &frame->node);
}

void vm_frame_free_list(struct list *list, unsigned int count)
{
    struct vm_frame *frame;

    for (; (frame = list_first(list, struct vm_frame, node)) != NULL; count--) {
        list_remove(&frame->node);
        vm_frame_free(frame, 0);
    }
    check(count == 0);
}

void *vm_frame_alloc_kernel(unsigned int order, enum alloc how)
{
    (void)how;
    return calloc(1, PAGE_SIZE << order);
}

bool vm_frame_plenty(enum alloc level)
{
    (void)level;
    return true;
}

bool vm_frame_wait(enum alloc level)
{
    (void)level;
    lock_assert_none_held();
    return true;
}

unsigned int vm_frame_nr_free(void)
{
    return FRAMES - frames_used;
}

struct pmap {
    bool used;
    struct vm_frame *frame[PAGES];
    bool writable[PAGES];
};
static struct pmap pmaps[MAPS + 2];
struct pmap *const kernel_pmap = &pmaps[MAPS + 1];

static unsigned int page_of(uintptr_t va)
{
    check(va >= BASE && va < BASE + BYTES);
    return (unsigned int)((va - BASE) >> PAGE_SHIFT);
}

struct pmap *pmap_create(void)
{
    for (int i = 0; i <= MAPS; i++)
        if (!pmaps[i].used) {
            pmaps[i].used = true;
            return &pmaps[i];
        }
    return NULL;
}

void pmap_destroy(struct pmap *pmap)
{
    for (unsigned int i = 0; i < PAGES; i++)
        check(pmap->frame[i] == NULL);
    pmap->used = false;
}

kern_return_t pmap_enter(struct pmap *pmap, uintptr_t va, struct vm_frame *frame, vm_prot_t prot, enum pmap_flags flags)
{
    unsigned int page = page_of(va);

    (void)flags;
    if (refused(ALLOC_NOSLEEP))
        return KERN_RESOURCE_SHORTAGE;
    check(frame->state == VM_FRAME_OBJECT && frame->nr_holders > 0 && (prot & VM_PROT_READ));
    check(!(prot & VM_PROT_WRITE) || frame->nr_holders == 1);
    pmap->frame[page] = frame;
    pmap->writable[page] = (prot & VM_PROT_WRITE) != 0;
    return KERN_SUCCESS;
}

void pmap_remove(struct pmap *pmap, uintptr_t start, uintptr_t end)
{
    for (; start < end; start += PAGE_SIZE)
        pmap->frame[page_of(start)] = NULL;
}

void pmap_protect(struct pmap *pmap, uintptr_t start, uintptr_t end, vm_prot_t prot)
{
    for (; start < end; start += PAGE_SIZE) {
        if ((prot & VM_PROT_READ) == 0)
            pmap->frame[page_of(start)] = NULL;
        if ((prot & VM_PROT_WRITE) == 0)
            pmap->writable[page_of(start)] = false;
    }
}

struct vm_frame *pmap_extract(struct pmap *pmap, uintptr_t va)
{
    return pmap->frame[page_of(va)];
}

void pmap_batch_init(struct pmap_batch *batch)
{
    batch->nr_pages = 0;
}

void pmap_batch_flush(struct pmap_batch *batch)
{
    batch->nr_pages = 0;
}

#define for_each_mapping(frame_, pmap, page) \
    for (struct pmap *pmap = pmaps; pmap <= &pmaps[MAPS]; pmap++) \
        for (unsigned int page = 0; page < PAGES; page++) \
            if (pmap->frame[page] == (frame_))

void pmap_frame_unmap(struct vm_frame *frame, struct pmap_batch *batch)
{
    (void)batch;
    for_each_mapping (frame, pmap, page)
        pmap->frame[page] = NULL;
}

void pmap_frame_write_protect(struct vm_frame *frame, struct pmap_batch *batch)
{
    (void)batch;
    for_each_mapping (frame, pmap, page)
        pmap->writable[page] = false;
}

bool pmap_frame_mapped(const struct vm_frame *frame)
{
    for_each_mapping (frame, pmap, page)
        return true;
    return false;
}

enum pmap_bits pmap_frame_bits(const struct vm_frame *frame)
{
    (void)frame;
    return PMAP_MODIFIED;
}

void pmap_frame_clear_bits(struct vm_frame *frame, enum pmap_bits bits, struct pmap_batch *batch)
{
    (void)frame, (void)bits, (void)batch;
}

void pmap_frame_zero(struct vm_frame *frame)
{
    memset(contents[vm_frame_number(frame)], 0, PAGE_SIZE);
}

void pmap_frame_copy(struct vm_frame *from, struct vm_frame *to)
{
    memcpy(contents[vm_frame_number(to)], contents[vm_frame_number(from)], PAGE_SIZE);
}

void pmap_frame_read(struct vm_frame *frame, unsigned int offset, void *to, size_t size)
{
    check(offset + size <= PAGE_SIZE);
    memcpy(to, &contents[vm_frame_number(frame)][offset], size);
}

void pmap_frame_write(struct vm_frame *frame, unsigned int offset, const void *from, size_t size)
{
    check(offset + size <= PAGE_SIZE);
    memcpy(&contents[vm_frame_number(frame)][offset], from, size);
}

static struct task self_task;
static struct thread self = {.task = &self_task};
struct thread *current_thread_pointer = &self;

enum alloc thread_alloc_level(void)
{
    return ALLOC_ORDINARY;
}

enum wait_result thread_sleep(const void *event, struct spinlock *lock, enum wait_kind kind)
{
    (void)event, (void)lock, (void)kind;
    panic("nobody would wake the only thread");
}

void thread_assert_wait(const void *event, enum wait_kind kind)
{
    (void)event, (void)kind;
}

enum wait_result thread_block(void)
{
    panic("nobody would wake the only thread");
}

unsigned int thread_wakeup(const void *event)
{
    (void)event;
    return 0;
}

bool thread_wakeup_one(const void *event)
{
    (void)event;
    return false;
}

bool thread_should_end(void)
{
    return false;
}

void thread_delay(uint32_t milliseconds)
{
    (void)milliseconds;
}

void preempt_point(void)
{
}

unsigned long machine_interrupts_disable(void)
{
    return 0;
}

void machine_interrupts_restore(unsigned long flags)
{
    (void)flags;
}

static struct list reaping = LIST_INIT(reaping);

void reaper_queue(struct reaper_item *item)
{
    list_insert_tail(&reaping, &item->node);
}

static void reap(void)
{
    struct reaper_item *item;

    while ((item = list_first(&reaping, struct reaper_item, node)) != NULL) {
        list_remove(&item->node);
        item->function(item);
    }
}

/* ---- the model: pages with their bytes, shared by whom they are inherited ---- */

struct model_page {
    unsigned int refs;
    uint8_t bytes[PAGE_SIZE];
};

struct model {
    struct vm_map *map;
    struct model_page *page[PAGES]; /* NULL: nothing is mapped */
    vm_prot_t prot[PAGES];
    vm_inherit_t inheritance[PAGES];
};

static struct model models[MAPS];

static struct model_page *model_new(void)
{
    struct model_page *page = calloc(1, sizeof(*page));
    page->refs = 1;
    return page;
}

static void model_drop(struct model_page *page)
{
    if (page != NULL && --page->refs == 0)
        free(page);
}

static void model_map(struct model *model, unsigned int page, struct model_page *data)
{
    check(model->page[page] == NULL);
    model->page[page] = data;
    model->prot[page] = VM_PROT_DEFAULT;
    model->inheritance[page] = VM_INHERIT_DEFAULT;
}

static void model_unmap(struct model *model, unsigned int first, unsigned int count)
{
    for (; count > 0; first++, count--) {
        model_drop(model->page[first]);
        model->page[first] = NULL;
    }
}

/* The lowest hole of count pages, or PAGES. */
static unsigned int model_find(const struct model *model, unsigned int count)
{
    unsigned int first = 0, length = 0;

    for (unsigned int i = 0; i < PAGES && length < count; i++) {
        if (model->page[i] != NULL) {
            first = i + 1;
            length = 0;
        } else {
            length++;
        }
    }
    return length == count ? first : PAGES;
}

/* What an access to the range should say. */
static kern_return_t model_access(const struct model *model, unsigned int offset, unsigned int size, vm_prot_t prot)
{
    for (unsigned int i = offset / PAGE_SIZE; i <= (offset + size - 1) / PAGE_SIZE; i++) {
        if (model->page[i] == NULL)
            return KERN_INVALID_ADDRESS;
        if ((prot & ~model->prot[i]) != 0)
            return KERN_PROTECTION_FAILURE;
    }
    return KERN_SUCCESS;
}

static void model_read(const struct model *model, unsigned int offset, uint8_t *to, unsigned int size)
{
    for (unsigned int i = 0; i < size; i++)
        to[i] = model->page[(offset + i) / PAGE_SIZE]->bytes[(offset + i) % PAGE_SIZE];
}

static void model_write(const struct model *model, unsigned int offset, const uint8_t *from, unsigned int size)
{
    for (unsigned int i = 0; i < size; i++)
        model->page[(offset + i) / PAGE_SIZE]->bytes[(offset + i) % PAGE_SIZE] = from[i];
}

/* ---- checks ---- */

static uintptr_t check_tree(struct vm_map *map, struct rbtree_node *node)
{
    if (node == NULL)
        return 0;
    struct vm_map_entry *entry = rbtree_entry(node, struct vm_map_entry, node);
    uintptr_t widest = MAX(check_tree(map, node->child[0]), check_tree(map, node->child[1]));
    widest = MAX(widest, entry->gap);
    check(widest == entry->max_gap);
    return widest;
}

static void check_map(struct model *model)
{
    struct vm_map *map = model->map;
    struct vm_map_entry *entry;
    uintptr_t at = map->min, size = 0;
    unsigned int count = 0, page = 0;
    struct rbtree_node *node = rbtree_first(&map->tree);

    list_for_each(&map->entries, entry, link) {
        check(node == &entry->node);
        check(entry->start >= at && entry->end > entry->start && entry->gap == entry->start - at);
        for (; page < page_of(entry->start); page++)
            check(model->page[page] == NULL);
        for (; page < (entry->end - BASE) / PAGE_SIZE; page++)
            check(model->page[page] != NULL && model->prot[page] == entry->protection &&
                  model->inheritance[page] == entry->inheritance);
        at = entry->end;
        size += entry->end - entry->start;
        count++;
        node = rbtree_next(node);
    }
    for (; page < PAGES; page++)
        check(model->page[page] == NULL);
    check(node == NULL && count == map->nr_entries && size == map->size && map->size_none == 0);
    check_tree(map, map->tree.root);
}

/* The user's own access: by the mapping if there is one, otherwise with a fault. */
static uint8_t *touch(struct model *model, unsigned int page, vm_prot_t prot)
{
    struct pmap *pmap = model->map->pmap;

    if (pmap->frame[page] == NULL || ((prot & VM_PROT_WRITE) && !pmap->writable[page])) {
        kern_return_t kr = vm_fault(model->map, BASE + page * PAGE_SIZE, prot);
        if (kr != KERN_SUCCESS)
            return NULL;
    }
    check(pmap->frame[page] != NULL && (pmap->writable[page] || !(prot & VM_PROT_WRITE)));
    return contents[vm_frame_number(pmap->frame[page])];
}

/* ---- operations ---- */

static struct {
    struct vm_map_copy *copy;   /* NULL: free */
    unsigned int size;
    uint8_t bytes[BYTES];       /* what it holds */
} copies[COPIES];
static uint8_t scratch[BYTES];
static unsigned int stolen, moved_homes, received;

static void op_allocate(struct model *model)
{
    unsigned int count = 1 + pick(6), first = pick(PAGES - count);
    struct vm_map_request request = {.address = BASE + first * PAGE_SIZE,
                                     .size = count * PAGE_SIZE,
                                     .anywhere = pick(2),
                                     .protection = VM_PROT_DEFAULT,
                                     .max_protection = VM_PROT_ALL,
                                     .inheritance = VM_INHERIT_DEFAULT};

    if (request.anywhere) {
        request.address = BASE;
        first = model_find(model, count);
    } else {
        for (unsigned int i = 0; i < count; i++)
            if (model->page[first + i] != NULL) {
                first = PAGES;
                break;
            }
    }
    kern_return_t kr = vm_map_enter(model->map, &request);
    check(kr == (first < PAGES ? KERN_SUCCESS : KERN_NO_SPACE));
    if (kr != KERN_SUCCESS)
        return;
    check(request.address == BASE + first * PAGE_SIZE);
    for (unsigned int i = 0; i < count; i++)
        model_map(model, first + i, model_new());
}

static void op_change(struct model *model)
{
    unsigned int first = pick(PAGES), count = 1 + pick(MIN(PAGES - first, 8u));
    uintptr_t start = BASE + first * PAGE_SIZE, end = start + count * PAGE_SIZE;
    static const vm_prot_t prots[] = {VM_PROT_NONE, VM_PROT_READ, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_PROT_DEFAULT};
    vm_prot_t prot = prots[pick(5)];
    vm_inherit_t inheritance = (vm_inherit_t)pick(3);

    switch (pick(3)) {
    case 0:
        check(vm_map_remove(model->map, start, end) == KERN_SUCCESS);
        model_unmap(model, first, count);
        break;
    case 1:
        check(vm_map_protect(model->map, start, end, prot, false) == KERN_SUCCESS);
        for (unsigned int i = first; i < first + count; i++)
            model->prot[i] = prot;
        break;
    case 2:
        check(vm_map_inherit(model->map, start, end, inheritance) == KERN_SUCCESS);
        for (unsigned int i = first; i < first + count; i++)
            model->inheritance[i] = inheritance;
        break;
    }
}

static void op_touch(struct model *model)
{
    unsigned int page = pick(PAGES), offset = pick(PAGE_SIZE - 8);
    bool write = pick(3) != 0;
    vm_prot_t prot = write ? VM_PROT_DEFAULT : VM_PROT_READ;
    kern_return_t expected = model_access(model, page * PAGE_SIZE, 1, prot);
    uint8_t *bytes = touch(model, page, prot);

    check((bytes != NULL) == (expected == KERN_SUCCESS));
    if (bytes == NULL)
        return;
    check(memcmp(bytes, model->page[page]->bytes, PAGE_SIZE) == 0);
    for (unsigned int i = 0; write && i < 8; i++)
        bytes[offset + i] = model->page[page]->bytes[offset + i] = (uint8_t)pick(256);
}

static void op_copyin(struct model *model)
{
    unsigned int slot = pick(COPIES), offset = pick(BYTES - 1), size = 1 + pick(MIN(BYTES - offset, 6 * PAGE_SIZE));
    bool destroy = pick(2);

    if (copies[slot].copy != NULL)
        return;
    if (pick(2)) {
        offset = page_trunc(offset);
        size = page_round(size);
    }
    kern_return_t expected = model_access(model, offset, size, VM_PROT_READ);
    kern_return_t kr = vm_map_copyin(model->map, BASE + offset, size, destroy, &copies[slot].copy);
    check(kr == expected && (kr == KERN_SUCCESS) == (copies[slot].copy != NULL));
    if (kr != KERN_SUCCESS)
        return;
    copies[slot].size = size;
    model_read(model, offset, copies[slot].bytes, size);
    if (destroy)
        model_unmap(model, offset / PAGE_SIZE, (offset + size - 1) / PAGE_SIZE - offset / PAGE_SIZE + 1);
}

/* A copy of the third kind, as the pageout path has them. */
static struct vm_map_copy prepared;
static int prepared_state;      /* 0 free, 1 on its way */

static void prepared_release(struct vm_map_copy *copy, bool was_received)
{
    check(copy == &prepared && prepared_state == 1);
    prepared_state = 0;
    if (was_received) {
        check(copy->reserved_entry == NULL);
        received++;
        return;
    }
    vm_map_entry_destroy(copy->reserved_entry);
    vm_object_unref(copy->object.object);
    moved_homes++;
}

static void op_prepare(void)
{
    unsigned int slot = pick(COPIES), count = 1 + pick(6);

    if (copies[slot].copy != NULL || prepared_state != 0)
        return;
    struct vm_object *object = vm_object_create(16, ALLOC_ORDINARY);
    for (unsigned int i = 0; i < count; i++) {
        struct vm_page *page = vm_page_create(ALLOC_ORDINARY);
        for (unsigned int j = 0; j < PAGE_SIZE; j++)
            copies[slot].bytes[i * PAGE_SIZE + j] = (uint8_t)(step + j * 7 + i);
        pmap_frame_write(page->frame, 0, &copies[slot].bytes[i * PAGE_SIZE], PAGE_SIZE);
        page->dirty = true;
        vm_object_lock(object);
        vm_page_insert(page, object, i);
        vm_object_unlock(object);
    }
    prepared = (struct vm_map_copy){.kind = VM_MAP_COPY_OBJECT,
                                    .size = count * PAGE_SIZE,
                                    .object = {.object = object, .mapped = true},
                                    .preallocated = true,
                                    .release = prepared_release,
                                    .reserved_entry = vm_map_entry_create(ALLOC_ORDINARY)};
    prepared_state = 1;
    copies[slot].copy = &prepared;
    copies[slot].size = count * PAGE_SIZE;
}

static void op_copyout(struct model *model, unsigned int slot)
{
    struct vm_map_copy *copy = copies[slot].copy;
    unsigned int size = copies[slot].size, offset = copy->offset, count = (offset + size - 1) / PAGE_SIZE + 1;
    unsigned int first = model_find(model, count);
    uintptr_t address;

    kern_return_t kr = vm_map_copyout(model->map, &address, copy);
    check(kr == (first < PAGES ? KERN_SUCCESS : KERN_NO_SPACE));
    if (kr != KERN_SUCCESS)
        return;
    check(address == BASE + first * PAGE_SIZE + offset);
    for (unsigned int i = 0; i < count; i++) {
        struct model_page *page = model_new();
        model_map(model, first + i, page);
        /* What surrounds the data is what the sender had there. */
        uint8_t *bytes = touch(model, first + i, VM_PROT_READ);
        memcpy(page->bytes, bytes, PAGE_SIZE);
    }
    model_read(model, first * PAGE_SIZE + offset, scratch, size);
    check(memcmp(scratch, copies[slot].bytes, size) == 0);
    copies[slot].copy = NULL;
}

static void op_overwrite(struct model *model, unsigned int slot)
{
    unsigned int size = copies[slot].size, offset = pick(BYTES - size);

    if (pick(2))
        offset = page_trunc(offset);
    kern_return_t expected = model_access(model, offset, size, VM_PROT_WRITE);
    for (unsigned int i = offset / PAGE_SIZE; expected == KERN_SUCCESS && i <= (offset + size - 1) / PAGE_SIZE; i++)
        if ((model->prot[i] & VM_PROT_READ) == 0)
            return;
    kern_return_t kr = vm_map_copy_overwrite(model->map, BASE + offset, copies[slot].copy);
    check(kr == expected);
    if (kr != KERN_SUCCESS)
        return;
    model_write(model, offset, copies[slot].bytes, size);
    copies[slot].copy = NULL;
}

static void op_read(unsigned int slot)
{
    unsigned int size = copies[slot].size, offset = pick(size), some = pick(size - offset + 1);
    struct vm_frame *frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_ORDINARY);
    uint8_t *bytes = contents[vm_frame_number(frame)];

    check(vm_map_copy_read(copies[slot].copy, offset, scratch, some) == KERN_SUCCESS);
    check(memcmp(scratch, &copies[slot].bytes[offset], some) == 0);
    offset = page_trunc(offset);
    check(vm_map_copy_read_frame(copies[slot].copy, offset, frame) == KERN_SUCCESS);
    some = MIN(size - offset, PAGE_SIZE);
    check(memcmp(bytes, &copies[slot].bytes[offset], some) == 0);
    for (; some < PAGE_SIZE; some++)
        check(bytes[some] == 0);
    vm_frame_free(frame, 0);
}

/* Consumes it as a supply does. */
static void op_steal(unsigned int slot)
{
    for (unsigned int offset = 0; offset < copies[slot].size; offset += PAGE_SIZE) {
        struct vm_page *page = vm_map_copy_steal_page(copies[slot].copy, offset);
        if (page == NULL)
            continue;
        check(copies[slot].size - offset >= PAGE_SIZE && page->object == NULL && page->frame->nr_holders == 1);
        check(!pmap_frame_mapped(page->frame));
        check(memcmp(contents[vm_frame_number(page->frame)], &copies[slot].bytes[offset], PAGE_SIZE) == 0);
        memset(contents[vm_frame_number(page->frame)], 0xEE, PAGE_SIZE); /* nobody may see this */
        vm_page_destroy(page);
        stolen++;
    }
    vm_map_copy_destroy(copies[slot].copy);
    copies[slot].copy = NULL;
}

static void op_fork(struct model *parent, struct model *child)
{
    vm_map_unref(child->map);
    model_unmap(child, 0, PAGES);
    while ((child->map = vm_map_fork(parent->map)) == NULL)
        check(fail_every != 0);
    for (unsigned int i = 0; i < PAGES; i++) {
        if (parent->page[i] == NULL || parent->inheritance[i] == VM_INHERIT_NONE)
            continue;
        struct model_page *page = parent->page[i];
        if (parent->inheritance[i] == VM_INHERIT_SHARE) {
            page->refs++;
        } else {
            page = model_new();
            memcpy(page->bytes, parent->page[i]->bytes, PAGE_SIZE);
        }
        model_map(child, i, page);
        child->prot[i] = parent->prot[i];
        child->inheritance[i] = parent->inheritance[i];
    }
}

static void op_any(void)
{
    struct model *model = &models[pick(MAPS)];
    unsigned int slot = pick(COPIES);

    switch (pick(12)) {
    case 0:
    case 1:
        op_allocate(model);
        break;
    case 2:
        op_change(model);
        break;
    case 3:
        op_copyin(model);
        break;
    case 4:
        if (pick(4) == 0)
            op_prepare();
        break;
    case 5:
        if (pick(8) == 0) {
            struct model *child = &models[pick(MAPS)];
            if (child != model)
                op_fork(model, child);
        }
        break;
    case 6:
        if (copies[slot].copy != NULL) {
            switch (pick(6)) {
            case 0:
            case 1:
                op_copyout(model, slot);
                break;
            case 2:
                op_overwrite(model, slot);
                break;
            case 3:
                op_steal(slot);
                break;
            case 4:
                vm_map_copy_discard(copies[slot].copy);
                copies[slot].copy = NULL;
                break;
            default:
                op_read(slot);
            }
        }
        break;
    default:
        op_touch(model);
    }
}

static void run(unsigned int fail, const char *name, int number)
{
    fail_every = fail;
    for (int i = 0; i < MAPS; i++)
        models[i].map = vm_map_create(pmap_create(), BASE, BASE + BYTES);
    for (step = 0; step < STEPS; step++) {
        op_any();
        if (pick(8) == 0)
            reap();
        for (int i = 0; i < MAPS; i++)
            check_map(&models[i]);
    }
    for (int i = 0; i < COPIES; i++) {
        vm_map_copy_destroy(copies[i].copy);
        copies[i].copy = NULL;
    }
    reap();
    for (int i = 0; i < MAPS; i++) {
        vm_map_unref(models[i].map);
        model_unmap(&models[i], 0, PAGES);
    }
    bool clean = frames_used == 0 && memory_used == 0 && vm_object_count == 0 && vm_map_entry_count == 1;
    printf("%s %d - %s: %u pages stolen, %u runs received, %u home\n", clean ? "ok" : "not ok", number, name, stolen,
           received, moved_homes);
    if (!clean)
        printf("# %u frames, %u bytes, %u objects, %u entries, %u things left\n", frames_used, memory_used, vm_object_count,
               vm_map_entry_count, objects_used);
}

int main(void)
{
    printf("1..2\n");
    for (unsigned int i = 0; i < FRAMES; i++)
        list_insert_tail(&frames_free, &frames[i].node);
    vm_page_init();
    vm_object_init();
    vm_policy_init(FRAMES);
    vm_map_init();
    struct vm_map_request kernel = {.anywhere = true, .size = PAGE_SIZE};
    check(vm_map_enter(kernel_map, &kernel) == KERN_SUCCESS);
    run(0, "as much memory as is wanted", 1);
    run(7, "memory runs out", 2);
    return 0;
}
