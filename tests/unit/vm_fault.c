/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults, copies, wiring and collapsing against a model: random operations on several maps, of which each page must read
 * as the model says, with memory running out now and then and a manager that forgets, locks and evicts.
 * unit: -includeunit_context.h vm/vm_fault.c vm/vm_cluster.c vm/vm_page.c vm/vm_object.c vm/vm_shadow.c vm/vm_policy.c
 * unit: vm/vm_map.c
 * unit: vm/vm_map_entry.c vm/vm_map_wire.c vm/vm_map_duplicate.c kernel/rbtree.c kernel/lock.c
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/vm_fault.h"
#include "vm/vm_map.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"
#include "vm/vm_policy.h"

#define MAPS 5
#define PAGES 24                /* of each map */
#define FILES 2
#define FILE_PAGES 12
#define FRAMES 4096
#define BASE ((uintptr_t)0x10000)

static int number;
static unsigned int seed = 1, step;
static unsigned int fail_every;  /* one of so many requests that may fail does; 0: none */

static unsigned int pick(unsigned int bound)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % bound;
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

/* ---- memory ---- */

static struct vm_frame frames[FRAMES];
static uint32_t contents[FRAMES];
static unsigned int frames_used, objects_used;
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

struct vm_frame *vm_frame_alloc(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how)
{
    (void)highest;
    check(order == 0);
    if (refused(how))
        return NULL;
    struct vm_frame *frame = list_first(&frames_free, struct vm_frame, node);
    check(frame != NULL);
    list_remove(&frame->node);
    check(frame->pv_pmap == NULL && frame->nr_holders == 0);
    frame->state = (uint8_t)state;
    contents[vm_frame_number(frame)] = 0xDEADBEEF;
    frames_used++;
    return frame;
}

void vm_frame_free(struct vm_frame *frame, unsigned int order)
{
    check(order == 0 && frame->state == VM_FRAME_OBJECT && frame->nr_holders == 0);
    check(!pmap_frame_mapped(frame));
    frame->state = VM_FRAME_FREE;
    frames_used--;
    list_insert_tail(&frames_free, &frame->node);
}

void vm_frame_free_list(struct list *list, unsigned int count)
{
    struct vm_frame *frame;

    while ((frame = list_first(list, struct vm_frame, node)) != NULL) {
        list_remove(&frame->node);
        vm_frame_free(frame, 0);
        count--;
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
    return !refused(ALLOC_NOSLEEP);
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

/* ---- the machine ---- */

#define PTE_WRITE 1u
#define PTE_WIRED 2u
#define PTE_REFERENCED 4u
#define PTE_MODIFIED 8u

struct pmap {
    bool used;
    struct {
        struct vm_frame *frame;
        unsigned int bits;
    } pte[PAGES];
};
static struct pmap pmaps[MAPS + 1];
struct pmap *const kernel_pmap = &pmaps[MAPS];

static unsigned int page_of(uintptr_t va)
{
    check(va >= BASE && va < BASE + PAGES * PAGE_SIZE);
    return (unsigned int)((va - BASE) >> PAGE_SHIFT);
}

/* frame->pv_pmap says that there is a mapping, pv_va counts them. */
static void pte_clear(struct pmap *pmap, unsigned int page)
{
    struct vm_frame *frame = pmap->pte[page].frame;

    if (frame == NULL)
        return;
    if (pmap->pte[page].bits & PTE_REFERENCED)
        frame->pmap_bits |= PMAP_REFERENCED;
    if (pmap->pte[page].bits & PTE_MODIFIED)
        frame->pmap_bits |= PMAP_MODIFIED;
    if (--frame->pv_va == 0)
        frame->pv_pmap = NULL;
    pmap->pte[page].frame = NULL;
    pmap->pte[page].bits = 0;
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
        check(pmap->pte[i].frame == NULL);
    pmap->used = false;
}

kern_return_t pmap_enter(struct pmap *pmap, uintptr_t va, struct vm_frame *frame, vm_prot_t prot, enum pmap_flags flags)
{
    unsigned int page = page_of(va);

    if (refused(ALLOC_NOSLEEP))
        return KERN_RESOURCE_SHORTAGE;
    check(frame->state == VM_FRAME_OBJECT && frame->nr_holders > 0 && (prot & VM_PROT_READ));
    check(!(prot & VM_PROT_WRITE) || frame->nr_holders == 1);
    if (pmap->pte[page].frame != frame) {
        pte_clear(pmap, page);
        frame->pv_pmap = pmap;
        frame->pv_va++;
        pmap->pte[page].frame = frame;
    }
    pmap->pte[page].bits &= PTE_REFERENCED | PTE_MODIFIED;
    pmap->pte[page].bits |= ((prot & VM_PROT_WRITE) ? PTE_WRITE : 0) | ((flags & PMAP_WIRED) ? PTE_WIRED : 0);
    return KERN_SUCCESS;
}

struct vm_frame *pmap_extract(struct pmap *pmap, uintptr_t va)
{
    return pmap->pte[page_of(va)].frame;
}

void pmap_remove(struct pmap *pmap, uintptr_t start, uintptr_t end)
{
    for (uintptr_t va = MAX(start, BASE); va < MIN(end, BASE + PAGES * PAGE_SIZE); va += PAGE_SIZE)
        pte_clear(pmap, page_of(va));
}

void pmap_protect(struct pmap *pmap, uintptr_t start, uintptr_t end, vm_prot_t prot)
{
    if (prot == VM_PROT_NONE)
        pmap_remove(pmap, start, end);
    else if ((prot & VM_PROT_WRITE) == 0)
        for (uintptr_t va = start; va < end; va += PAGE_SIZE)
            pmap->pte[page_of(va)].bits &= ~PTE_WRITE;
}

#define for_each_pte(frame_, pmap, page) \
    for (struct pmap *pmap = pmaps; pmap <= &pmaps[MAPS]; pmap++) \
        for (unsigned int page = 0; page < PAGES; page++) \
            if (pmap->pte[page].frame == (frame_))

void pmap_batch_init(struct pmap_batch *batch)
{
    batch->nr_pages = 0;
}

void pmap_batch_flush(struct pmap_batch *batch)
{
    batch->nr_pages = 0;
}

void pmap_frame_unmap(struct vm_frame *frame, struct pmap_batch *batch)
{
    (void)batch;
    for_each_pte (frame, pmap, page)
        if (!(pmap->pte[page].bits & PTE_WIRED))
            pte_clear(pmap, page);
}

void pmap_frame_write_protect(struct vm_frame *frame, struct pmap_batch *batch)
{
    (void)batch;
    for_each_pte (frame, pmap, page)
        pmap->pte[page].bits &= ~PTE_WRITE;
}

bool pmap_frame_mapped(const struct vm_frame *frame)
{
    return frame->pv_pmap != NULL;
}

enum pmap_bits pmap_frame_bits(const struct vm_frame *frame)
{
    unsigned int bits = frame->pmap_bits;

    for_each_pte (frame, pmap, page)
        bits |= ((pmap->pte[page].bits & PTE_REFERENCED) ? PMAP_REFERENCED : 0) |
                ((pmap->pte[page].bits & PTE_MODIFIED) ? PMAP_MODIFIED : 0);
    return bits;
}

void pmap_frame_clear_bits(struct vm_frame *frame, enum pmap_bits bits, struct pmap_batch *batch)
{
    (void)batch;
    frame->pmap_bits &= (uint8_t)~bits;
    for_each_pte (frame, pmap, page)
        pmap->pte[page].bits &= ~(((bits & PMAP_MODIFIED) ? PTE_MODIFIED : 0) |
                                  ((bits & PMAP_REFERENCED) ? PTE_REFERENCED : 0));
}

void pmap_frame_zero(struct vm_frame *frame)
{
    contents[vm_frame_number(frame)] = 0;
}

void pmap_frame_copy(struct vm_frame *from, struct vm_frame *to)
{
    contents[vm_frame_number(to)] = contents[vm_frame_number(from)];
}

void pmap_frame_read(struct vm_frame *frame, unsigned int offset, void *to, size_t size)
{
    check(offset == 0 && size == 4);
    memcpy(to, &contents[vm_frame_number(frame)], 4);
}

void pmap_frame_write(struct vm_frame *frame, unsigned int offset, const void *from, size_t size)
{
    check(offset == 0 && size == 4 && frame->nr_holders == 1);
    memcpy(&contents[vm_frame_number(frame)], from, 4);
}

/* ---- the thread ---- */

static struct task self_task;
static struct thread self = {.task = &self_task};
struct thread *current_thread_pointer = &self;
static void manager_answers(void);

enum alloc thread_alloc_level(void)
{
    return ALLOC_ORDINARY;
}

enum wait_result thread_sleep(const void *event, struct spinlock *lock, enum wait_kind kind)
{
    (void)event, (void)kind;
    spinlock_unlock(lock);
    lock_assert_none_held();
    manager_answers();
    return WAIT_AWAKENED;
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
    lock_assert_none_held();
}

unsigned long machine_interrupts_disable(void)
{
    return 0;
}

void machine_interrupts_restore(unsigned long flags)
{
    (void)flags;
}

void vm_map_copy_init(void)
{
}

/* ---- the manager ---- */

static struct memory_object pagers[FILES];
static struct vm_object *files[FILES];
static uint32_t store[FILES][FILE_PAGES]; /* 0: the manager says that it has nothing */

static int file_of(const struct vm_object *object)
{
    return (int)(object->pager - pagers);
}

static enum vm_object_answer file_request(struct vm_object *object, uint32_t index, struct vm_cluster_range within,
                                          vm_prot_t prot, struct vm_page *page)
{
    (void)prot;
    check(spinlock_held(&object->lock) && index < FILE_PAGES);
    check(within.first <= index && index < within.end && within.end <= FILE_PAGES);
    if (refused(ALLOC_NOSLEEP))
        return VM_OBJECT_SHORTAGE;
    page->busy = true;
    page->absent = true;
    vm_page_insert(page, object, index);
    return VM_OBJECT_ASKED;
}

static enum vm_object_answer file_unlock(struct vm_object *object, struct vm_page *page, vm_prot_t prot)
{
    (void)object;
    page->unlock_asked |= (uint8_t)prot;
    return VM_OBJECT_ASKED;
}

static void file_end(struct vm_object *object)
{
    (void)object;
    panic("a file is never given up");
}

static const struct vm_object_ops file_ops = {
    .name = "file", .request = file_request, .unlock = file_unlock, .end = file_end};

static void manager_answers_page(struct vm_object *file, struct vm_page *page)
{
    uint32_t value = store[file_of(file)][page->index];

    page->lock_prot &= (uint8_t)~page->unlock_asked;
    page->unlock_asked = 0;
    if (page->absent && page->busy && value != 0) {
        struct vm_page *data = vm_page_create(ALLOC_ORDINARY);
        page->frame = data->frame;
        data->frame = NULL;
        vm_page_destroy(data);
        contents[vm_frame_number(page->frame)] = value;
        page->absent = false;
        if (pick(4) == 0)
            page->lock_prot = pick(2) ? VM_PROT_WRITE : VM_PROT_READ | VM_PROT_WRITE;
        vm_page_activate(page);
    }
    vm_page_done(page);
}

static void manager_answers(void)
{
    for (int f = 0; f < FILES; f++) {
        vm_object_lock(files[f]);
        struct vm_page *page = vm_page_lookup_from(files[f], 0);
        for (; page != NULL; page = vm_page_next(page))
            if ((page->absent && page->busy) || page->unlock_asked != 0)
                manager_answers_page(files[f], page);
        vm_object_unlock(files[f]);
    }
}

/* Takes a page from memory, as the pageout path would; what was modified is stored. */
static void evict(void)
{
    int f = (int)pick(FILES);
    struct pmap_batch batch;

    vm_object_lock(files[f]);
    struct vm_page *page = vm_page_lookup_from(files[f], pick(FILE_PAGES));
    if (page != NULL && page->frame != NULL && page->wire_count == 0) {
        pmap_batch_init(&batch);
        pmap_frame_unmap(page->frame, &batch);
        uint32_t value = contents[vm_frame_number(page->frame)];
        if (vm_page_modified(page))
            store[f][page->index] = value;
        else
            check(value == store[f][page->index]);
        vm_page_free(page);
    }
    vm_object_unlock(files[f]);
}

/* A run that shares frames with a file: made, then later looked at. */
static struct vm_object *run;
static uint32_t run_expected[FILE_PAGES];

static void share(void)
{
    int f = (int)pick(FILES);
    struct pmap_batch batch;

    if (run != NULL) {
        vm_object_lock(run);
        struct vm_page *page = vm_page_lookup_from(run, 0);
        for (; page != NULL; page = vm_page_next(page))
            check(contents[vm_frame_number(page->frame)] == run_expected[page->index]);
        vm_object_unlock(run);
        vm_object_unref(run);
        run = NULL;
        return;
    }
    run = vm_object_create(FILE_PAGES, ALLOC_ORDINARY);
    vm_object_lock(files[f]);
    struct vm_page *page = vm_page_lookup_from(files[f], 0);
    for (; page != NULL; page = vm_page_next(page)) {
        if (page->frame == NULL || page->wire_count != 0 || page->busy)
            continue;
        struct vm_page *link = vm_page_create_placeholder(ALLOC_ORDINARY);
        link->frame = page->frame;
        link->frame->nr_holders++;
        pmap_batch_init(&batch);
        pmap_frame_write_protect(page->frame, &batch);
        if (vm_page_modified(page))
            store[f][page->index] = contents[vm_frame_number(page->frame)];
        page->dirty = false;
        pmap_frame_clear_bits(page->frame, PMAP_MODIFIED, &batch);
        run_expected[page->index] = contents[vm_frame_number(page->frame)];
        spinlock_lock_nested(&run->lock);
        vm_page_insert(link, run, page->index);
        vm_object_unlock(run);
    }
    vm_object_unlock(files[f]);
}

/* ---- the model ---- */

struct cell {
    unsigned int refs;
    uint32_t value;
};

struct model_page {
    struct cell *cell;          /* NULL: nothing mapped */
    bool writable, wired;
    vm_inherit_t inheritance;
};

static struct vm_map *maps[MAPS];
static struct model_page model[MAPS][PAGES];
static struct cell *file_cells[FILES][FILE_PAGES];

static struct cell *cell_create(uint32_t value)
{
    struct cell *cell = malloc(sizeof(*cell));
    *cell = (struct cell){.refs = 1, .value = value};
    return cell;
}

static struct cell *cell_ref(struct cell *cell)
{
    cell->refs++;
    return cell;
}

static void cell_drop(struct cell **cell)
{
    if (*cell != NULL && --(*cell)->refs == 0)
        free(*cell);
    *cell = NULL;
}

static uintptr_t address_of(unsigned int page)
{
    return BASE + ((uintptr_t)page << PAGE_SHIFT);
}

/* One access by the processor of m at page, with faults as they come. */
static void touch(unsigned int m, unsigned int page, bool write)
{
    struct model_page *expected = &model[m][page];
    struct pmap *pmap = maps[m]->pmap;
    vm_prot_t prot = write ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ;
    unsigned int faults = 0;

    for (;; faults++) {
        struct vm_frame *frame = pmap->pte[page].frame;
        if (frame != NULL && (!write || (pmap->pte[page].bits & PTE_WRITE)))
            break;
        check(faults < 3);
        kern_return_t kr = vm_fault(maps[m], address_of(page) + pick(PAGE_SIZE), prot);
        if (kr == KERN_SUCCESS)
            continue;
        check(kr == KERN_INVALID_ADDRESS ? expected->cell == NULL : kr == KERN_PROTECTION_FAILURE);
        check(expected->cell == NULL || (write && !expected->writable));
        return;
    }
    check(expected->cell != NULL && (!write || expected->writable));
    uint32_t *word = &contents[vm_frame_number(pmap->pte[page].frame)];
    if (*word != expected->cell->value)
        panic("map %u page %u has %x, expected %x", m, page, *word, expected->cell->value);
    pmap->pte[page].bits |= PTE_REFERENCED;
    if (write) {
        check(pmap->pte[page].frame->nr_holders == 1);
        *word = expected->cell->value = step;
        pmap->pte[page].bits |= PTE_MODIFIED;
    }
}

/* The same by the kernel. */
static void touch_by_kernel(unsigned int m, unsigned int page, bool write)
{
    struct model_page *expected = &model[m][page];
    uint32_t value = step;

    if (write) {
        kern_return_t kr = vm_map_write(maps[m], address_of(page), &value, 4);
        check((kr == KERN_SUCCESS) == (expected->cell != NULL && expected->writable));
        if (kr == KERN_SUCCESS)
            expected->cell->value = step;
    } else {
        kern_return_t kr = vm_map_read(maps[m], address_of(page), &value, 4);
        check((kr == KERN_SUCCESS) == (expected->cell != NULL));
        check(kr != KERN_SUCCESS || value == expected->cell->value);
    }
}

static void unmap(unsigned int m, unsigned int from, unsigned int to)
{
    check(vm_map_remove(maps[m], address_of(from), address_of(to)) == KERN_SUCCESS);
    for (unsigned int i = from; i < to; i++) {
        cell_drop(&model[m][i].cell);
        model[m][i].wired = false;
    }
}

static void enter(unsigned int m, unsigned int from, unsigned int to)
{
    struct vm_map_request request = {.address = address_of(from),
                                     .size = (uintptr_t)(to - from) << PAGE_SHIFT,
                                     .protection = VM_PROT_READ | VM_PROT_WRITE,
                                     .max_protection = VM_PROT_ALL,
                                     .inheritance = VM_INHERIT_COPY};
    unsigned int kind = pick(3), f = pick(FILES), index = 0;

    unmap(m, from, to);
    if (kind > 0) {
        to = MIN(to, from + FILE_PAGES);
        index = pick(FILE_PAGES - (to - from) + 1);
        request.size = (uintptr_t)(to - from) << PAGE_SHIFT;
        request.index = index;
        request.object = files[f];
        if (kind == 1)
            vm_object_ref(files[f]);
        else
            check(vm_object_copy(files[f], index, to - from, &request.object, &request.index) == KERN_SUCCESS ||
                  fail_every != 0);
        if (kind == 2 && request.object == files[f])
            return; /* no memory */
        request.needs_copy = kind == 2;
    }
    check(vm_map_enter(maps[m], &request) == KERN_SUCCESS);
    for (unsigned int i = from; i < to; i++) {
        struct cell *cell = kind == 0 ? NULL : file_cells[f][index + i - from];
        model[m][i] = (struct model_page){.writable = true, .inheritance = VM_INHERIT_COPY};
        model[m][i].cell = kind == 0 ? cell_create(0) : kind == 1 ? cell_ref(cell) : cell_create(cell->value);
    }
}

static void fork_map(unsigned int m, unsigned int to)
{
    if (maps[to] != NULL || (maps[to] = vm_map_fork(maps[m])) == NULL)
        return;
    for (unsigned int i = 0; i < PAGES; i++) {
        struct model_page *page = &model[to][i];
        *page = model[m][i];
        page->wired = false;
        if (page->cell == NULL)
            continue;
        if (page->inheritance == VM_INHERIT_SHARE)
            cell_ref(page->cell);
        else if (page->inheritance == VM_INHERIT_COPY)
            page->cell = cell_create(page->cell->value);
        else
            page->cell = NULL;
    }
}

static void end_map(unsigned int m)
{
    unmap(m, 0, PAGES);
    vm_map_unref(maps[m]);
    maps[m] = NULL;
}

/* As a message from one map to another, or away. */
static void copy(unsigned int m, unsigned int from, unsigned int to, unsigned int target)
{
    struct list entries = LIST_INIT(entries);
    struct vm_map_entry *entry;
    struct vm_map_duplicate walk = {.map = maps[m],
                                    .at = address_of(from),
                                    .end = address_of(to),
                                    .entries = &entries,
                                    .ops = &vm_map_duplicate_copy};
    struct cell *values[PAGES];
    bool whole = true;

    for (unsigned int i = from; i < to; i++)
        whole = whole && model[m][i].cell != NULL;
    kern_return_t kr = vm_map_duplicate(&walk);
    check((kr == KERN_SUCCESS) == whole);
    if (!whole || maps[target] == NULL) {
        vm_map_dispose_entries(&entries);
        return;
    }
    for (unsigned int i = from; i < to; i++)
        values[i] = cell_create(model[m][i].cell->value);
    if (pick(2) == 0 && !model[m][from].wired)
        touch(m, from, true);
    unmap(target, from, to);
    mutex_lock(&maps[target]->lock);
    while ((entry = list_first(&entries, struct vm_map_entry, link)) != NULL) {
        list_remove(&entry->link);
        entry->protection = VM_PROT_READ | VM_PROT_WRITE;
        entry->max_protection = VM_PROT_ALL;
        entry->inheritance = VM_INHERIT_COPY;
        vm_map_link_entry(maps[target], entry);
    }
    mutex_unlock(&maps[target]->lock);
    for (unsigned int i = from; i < to; i++)
        model[target][i] = (struct model_page){.cell = values[i], .writable = true, .inheritance = VM_INHERIT_COPY};
}

static void wire(unsigned int m, unsigned int from, unsigned int to)
{
    vm_prot_t prot = pick(3) == 0 ? VM_PROT_NONE : VM_PROT_READ;
    bool whole = true;

    if (pick(8) == 0) {
        check(vm_map_wire_all(maps[m], prot) == KERN_SUCCESS);
        from = 0;
        to = PAGES;
    } else {
        for (unsigned int i = from; i < to; i++)
            whole = whole && model[m][i].cell != NULL;
        kern_return_t kr = vm_map_wire(maps[m], address_of(from), address_of(to), prot);
        check(kr == (whole ? KERN_SUCCESS : KERN_NO_SPACE));
    }
    for (unsigned int i = from; whole && i < to; i++)
        model[m][i].wired = prot != VM_PROT_NONE && model[m][i].cell != NULL;
}

static void look_at_wired(void)
{
    for (unsigned int m = 0; m < MAPS; m++) {
        unsigned int wired = 0;
        for (unsigned int i = 0; maps[m] != NULL && i < PAGES; i++) {
            if (!model[m][i].wired)
                continue;
            wired++;
            struct vm_frame *frame = maps[m]->pmap->pte[i].frame;
            check(frame != NULL && (maps[m]->pmap->pte[i].bits & PTE_WIRED));
            check(contents[vm_frame_number(frame)] == model[m][i].cell->value);
        }
        check(maps[m] == NULL || maps[m]->wired_size == wired * PAGE_SIZE);
    }
}

static void look_at_objects(void)
{
    for (unsigned int m = 0; m < MAPS; m++) {
        struct vm_map_entry *entry;
        if (maps[m] == NULL)
            continue;
        list_for_each(&maps[m]->entries, entry, link) {
            unsigned int length = 0;
            for (struct vm_object *object = entry->object; object != NULL; object = object->shadow) {
                vm_object_lock(object);
                vm_object_check(object);
                check(object->refs > 0 && object->splits < object->refs);
                vm_object_unlock(object);
                length++;
            }
            check(length < 64);
        }
    }
}

static void protect(unsigned int m, unsigned int from, unsigned int to)
{
    bool writable = pick(2) == 0;

    check(vm_map_protect(maps[m], address_of(from), address_of(to),
                         writable ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ, false) == KERN_SUCCESS);
    for (unsigned int i = from; i < to; i++)
        model[m][i].writable = writable;
}

static void inherit(unsigned int m, unsigned int from, unsigned int to)
{
    static const vm_inherit_t kinds[] = {VM_INHERIT_SHARE, VM_INHERIT_COPY, VM_INHERIT_NONE};
    vm_inherit_t kind = kinds[pick(3)];

    check(vm_map_inherit(maps[m], address_of(from), address_of(to), kind) == KERN_SUCCESS);
    for (unsigned int i = from; i < to; i++)
        model[m][i].inheritance = kind;
}

static void operate(void)
{
    unsigned int m = pick(MAPS), from = pick(PAGES), to = from + 1 + pick(PAGES - from), kind = pick(100);

    if (maps[m] == NULL)
        m = 0;
    if (kind < 70)
        touch(m, from, pick(2) == 0);
    else if (kind < 74)
        touch_by_kernel(m, from, pick(2) == 0);
    else if (kind < 77)
        enter(m, from, to);
    else if (kind < 79)
        unmap(m, from, to);
    else if (kind < 82)
        fork_map(m, pick(MAPS));
    else if (kind < 84 && m != 0)
        end_map(m);
    else if (kind < 87)
        copy(m, from, to, pick(MAPS));
    else if (kind < 89)
        protect(m, from, to);
    else if (kind < 91)
        inherit(m, from, to);
    else if (kind < 94)
        wire(m, from, to);
    else if (kind < 98)
        evict();
    else
        share();
}

static void begin(void)
{
    memset(model, 0, sizeof(model));
    for (int f = 0; f < FILES; f++) {
        files[f] = vm_object_create(0x100000, ALLOC_ORDINARY);
        files[f]->ops = &file_ops;
        files[f]->internal = false;
        files[f]->pager = &pagers[f];
        vm_cluster_set(&pagers[f].cluster, f % 2 == 0 ? 1 : 8, VM_BEHAVIOR_DEFAULT); /* around: of every other file */
        files[f]->copy_strategy = f == 0 ? MEMORY_OBJECT_COPY_DELAY : MEMORY_OBJECT_COPY_NONE;
        for (int i = 0; i < FILE_PAGES; i++) {
            store[f][i] = pick(4) == 0 ? 0 : 0x1000000u + pick(1000);
            file_cells[f][i] = cell_create(store[f][i]);
        }
    }
    maps[0] = vm_map_create(pmap_create(), BASE, BASE + PAGES * PAGE_SIZE);
}

/* Everything is given back. */
static void end(void)
{
    for (unsigned int m = 0; m < MAPS; m++)
        if (maps[m] != NULL)
            end_map(m);
    if (run != NULL)
        share();
    for (int f = 0; f < FILES; f++) {
        vm_object_lock(files[f]);
        check(files[f]->refs == 1 && files[f]->copy == NULL && files[f]->nr_wired == 0);
        files[f]->refs = 0;
        files[f]->alive = false;
        vm_object_free_pages(files[f]);
        files[f]->pager = NULL;
        vm_object_unlock(files[f]);
        vm_object_free(files[f]);
        for (int i = 0; i < FILE_PAGES; i++)
            cell_drop(&file_cells[f][i]);
    }
    check(frames_used == 0 && vm_object_count == 0 && vm_map_entry_count == 0 && objects_used == 0);
    check(vm_policy_counts.active == 0 && vm_policy_counts.inactive == 0 && vm_policy_counts.unevictable == 0);
}

static void play(unsigned int steps, unsigned int failures, const char *what)
{
    fail_every = 0;
    begin();
    for (step = 1; step <= steps; step++) {
        fail_every = failures;
        operate();
        fail_every = 0;
        look_at_wired();
        if (step % 16 == 0)
            look_at_objects();
    }
    end();
    printf("ok %d - %s\n", ++number, what);
}

/* Each generation writes a little, forks, and ends: what is left of the dead must not pile up behind the living. */
static void generations(void)
{
    struct vm_map_request request = {.address = BASE,
                                     .size = PAGES * PAGE_SIZE,
                                     .protection = VM_PROT_READ | VM_PROT_WRITE,
                                     .max_protection = VM_PROT_ALL,
                                     .inheritance = VM_INHERIT_COPY};

    begin();
    check(vm_map_enter(maps[0], &request) == KERN_SUCCESS);
    for (unsigned int i = 0; i < PAGES; i++)
        model[0][i] = (struct model_page){.cell = cell_create(0), .writable = true, .inheritance = VM_INHERIT_COPY};
    for (step = 1; step <= 300; step++) {
        unsigned int m = (step - 1) % 2, child = step % 2, length = 0;
        for (unsigned int i = 0; i < 5; i++)
            touch(m, pick(PAGES), true);
        fork_map(m, child);
        for (unsigned int i = 0; i < 5; i++) {
            touch(m, pick(PAGES), true);
            touch(child, pick(PAGES), true);
        }
        end_map(m);
        const struct vm_object *object = list_first(&maps[child]->entries, struct vm_map_entry, link)->object;
        for (; object != NULL; object = object->shadow)
            length++;
        check(length <= 2);
        check(frames_used <= 2 * PAGES);
    }
    end();
    printf("ok %d - chains stay short\n", ++number);
}

int main(int argc, char **argv)
{
    unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 20;

    printf("1..%u\n", 2 * rounds + 1);
    for (int i = 0; i < FRAMES; i++) {
        frames[i].state = VM_FRAME_FREE;
        list_insert_tail(&frames_free, &frames[i].node);
    }
    vm_page_init();
    vm_object_init();
    vm_policy_init(FRAMES);
    vm_map_init();
    vm_map_unref(kernel_map);
    generations();
    for (unsigned int i = 1; i <= rounds; i++) {
        seed = i;
        play(3000, 0, "maps read as the model says");
        play(3000, 6, "also with memory that runs out");
    }
    return 0;
}
