/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs.
 *
 * 1. What is set aside. A record has its message and its copy inside; the object that will hold the pages and the map
 *    entry that the receiver will use hang on it while it is free (vm_run_prepare). Moving a page into the run allocates
 *    nothing, queueing allocates nothing, and receiving needs page tables at most.
 * 2. Who owns the memory. Until it is received the run's object has one reference, the copy's; IPC hands the copy to
 *    vm_map_copyout, which passes the reference to the receiver's map and calls vm_run_copy_released(received). Every page
 *    that is freed or stolen from then on is credited through pages_gone, and the last reference ends the object.
 * 3. Coming home. A copy that is discarded instead is reported with received false, perhaps under IPC locks: the reaper
 *    gives the pages back. The run stays in pager->runs until it has, so supplies for its pages stay refused. Several runs
 *    on their way can carry the same page, and any of them can be lost, while those behind it may even be received first:
 *    so a run marks its pages in the runs before it, and what is marked does not come home. A clean run does not mark
 *    modified ones: its message does not say what theirs would have said. A page of the run keeps its mark of being
 *    precious for this.
 * 4. The record is put back when three things are over, in whatever order: message, copy, memory.
 */
#include "vm/vm_run.h"

#include "ipc/ipc_mqueue.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "vm/memory_object.h"
#include "vm/vm_account.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_pageout.h"

static struct kmem_cache vm_run_cache;
struct vm_run_spares vm_run_spares;
static struct spinlock vm_run_parts_lock = SPINLOCK_INIT(LOCK_RANK_ACCOUNT, "run parts");

static void vm_run_return(struct reaper_item *item);

_Static_assert(VM_RUN_PAGES == 64, "a bit for each page");

/* Both keep vm_run_spares; the other is NULL before or afterwards. */
static void vm_run_set_entry(struct vm_run *run, struct vm_map_entry *entry)
{
    if (entry != run->spare_entry)
        __atomic_add_fetch(&vm_run_spares.entries, entry != NULL ? 1u : -1u, __ATOMIC_RELAXED);
    run->spare_entry = entry;
}

static void vm_run_set_object(struct vm_run *run, struct vm_object *object)
{
    if (object != run->spare_object)
        __atomic_add_fetch(&vm_run_spares.objects, object != NULL ? 1u : -1u, __ATOMIC_RELAXED);
    run->spare_object = object;
}

bool vm_run_prepare(struct vm_run *run)
{
    if (run->spare_entry == NULL)
        vm_run_set_entry(run, vm_map_entry_create(ALLOC_DAEMON | ALLOC_NOSLEEP));
    if (run->spare_object == NULL) {
        vm_run_set_object(run, vm_object_create(VM_RUN_PAGES, ALLOC_DAEMON | ALLOC_NOSLEEP));
        if (run->spare_object != NULL)
            run->spare_object->ops = &vm_object_run_ops;
    }
    return run->spare_entry != NULL && run->spare_object != NULL;
}

struct vm_run *vm_run_create(enum alloc how)
{
    if (vm_run_cache.name == NULL)
        kmem_cache_init(&vm_run_cache, "vm_run", sizeof(struct vm_run), 0);
    struct vm_run *run = kmem_cache_alloc(&vm_run_cache, how);
    if (run == NULL)
        return NULL;
    *run = (struct vm_run){.state = VM_RUN_FREE};
    list_node_init(&run->node);
    list_node_init(&run->account_node);
    if (!vm_run_prepare(run)) {
        vm_run_destroy(run);
        return NULL;
    }
    return run;
}

void vm_run_destroy(struct vm_run *run)
{
    assert(run->state == VM_RUN_FREE && run->parts == 0);
    struct vm_map_entry *entry = run->spare_entry;
    struct vm_object *object = run->spare_object;

    vm_run_set_entry(run, NULL);
    vm_run_set_object(run, NULL);
    if (entry != NULL)
        vm_map_entry_destroy(entry);
    if (object != NULL) {
        object->ops = &vm_object_anonymous_ops; /* it never held a page of a run */
        vm_object_unref(object);
    }
    kmem_cache_free(&vm_run_cache, run);
}

/* One of the three is over; the last puts the record back. Object locks may be held. */
static void vm_run_part_done(struct vm_run *run, enum vm_run_part part)
{
    spinlock_lock(&vm_run_parts_lock);
    assert(run->parts & part);
    run->parts &= ~part;
    bool last = run->parts == 0;
    spinlock_unlock(&vm_run_parts_lock);
    if (!last)
        return;
    struct memory_object *pager = run->pager;
    run->pager = NULL;
    run->object = NULL;
    run->nr_pages = 0;
    run->state = VM_RUN_FREE;
    vm_account_put_run(run);
    memory_object_unref(pager);
}

static void vm_run_message_released(struct ipc_kmsg *kmsg)
{
    vm_run_part_done(container_of(kmsg, struct vm_run, kmsg), VM_RUN_PART_MESSAGE);
}

static void vm_run_copy_released(struct vm_map_copy *copy, bool received)
{
    struct vm_run *run = container_of(copy, struct vm_run, copy);

    if (!received) {
        run->reap.function = vm_run_return;
        reaper_queue(&run->reap);
        return;
    }
    struct vm_object *object = run->pager->object;
    vm_object_lock(object);
    run->state = VM_RUN_RECEIVED;
    list_remove(&run->node);
    if (run->pager->dead)
        memory_object_fail_requests(run->pager, run->index, run->nr_pages); /* nobody will answer them */
    vm_object_unlock(object);
    vm_run_part_done(run, VM_RUN_PART_COPY);
}

void vm_run_begin(struct vm_run *run, struct memory_object *pager, uint32_t index, enum vm_run_cause cause, bool dirty,
                  bool kernel_copy)
{
    assert(spinlock_held(&pager->object->lock));
    assert(run->state == VM_RUN_FREE && run->spare_object != NULL && run->spare_entry != NULL);
    memory_object_ref(pager);
    run->pager = pager;
    run->object = run->spare_object;
    run->object->run = run;
    vm_run_set_object(run, NULL);
    run->index = index;
    run->nr_pages = 0;
    run->superseded = 0;
    run->state = VM_RUN_CHARGED;
    run->cause = (uint8_t)cause;
    run->dirty = dirty;
    run->kernel_copy = kernel_copy;
    list_insert_tail(&pager->runs, &run->node);
}

void vm_run_move(struct vm_run *run, struct vm_page *page)
{
    assert(page->object == run->pager->object && page->index == run->index + run->nr_pages);
    assert(!page->busy && page->wire_count == 0 && !pmap_frame_mapped(page->frame));
    spinlock_lock_nested(&run->object->lock);
    vm_page_rename(page, run->object, run->nr_pages++);
    page->dirty = true; /* anonymous memory now: nobody else has it */
    page->lock_prot = VM_PROT_NONE;
    vm_object_unlock(run->object);
}

void vm_run_share(struct vm_run *run, struct vm_page *page, struct vm_page *link)
{
    assert(page->object == run->pager->object && page->index == run->index + run->nr_pages);
    link->frame = page->frame;
    link->frame->nr_holders++;
    link->dirty = true;
    link->precious = page->precious;
    spinlock_lock_nested(&run->object->lock);
    vm_page_insert(link, run->object, run->nr_pages++);
    vm_object_unlock(run->object);
}

/* This run answers for its pages in the runs before it; see 3. */
static void vm_run_supersede(const struct vm_run *run)
{
    struct vm_run *other;

    list_for_each(&run->pager->runs, other, node) {
        uint32_t first = MAX(run->index, other->index);
        uint32_t end = MIN(run->index + run->nr_pages, other->index + other->nr_pages);

        if (other != run && first < end && (run->dirty || !other->dirty))
            other->superseded |= (UINT64_MAX >> (VM_RUN_PAGES - (end - first))) << (first - other->index);
    }
}

void vm_run_send(struct vm_run *run)
{
    struct memory_object *pager = run->pager;

    assert(spinlock_held(&pager->object->lock) && run->nr_pages > 0);
    if (run->nr_out > run->nr_pages)
        vm_account_credit(run, run->nr_out - run->nr_pages);
    vm_run_supersede(run);
    run->state = VM_RUN_QUEUED;
    run->parts = VM_RUN_PART_MESSAGE | VM_RUN_PART_COPY | VM_RUN_PART_MEMORY;
    run->copy = (struct vm_map_copy){.kind = VM_MAP_COPY_OBJECT,
                                     .size = run->nr_pages << PAGE_SHIFT,
                                     .object = {.object = run->object, .index = 0, .mapped = true},
                                     .preallocated = true,
                                     .release = vm_run_copy_released,
                                     .reserved_entry = run->spare_entry};
    vm_run_set_entry(run, NULL);

    vm_pageout_counters.runs[run->cause]++;
    vm_pageout_counters.pages[run->cause] += run->nr_pages;
    vm_pageout_counters.precious_runs += !run->dirty;
    vm_pageout_counters.histogram[31 - __builtin_clz(run->nr_pages)]++;

    ipc_kmsg_init_reserved(&run->kmsg, MEMORY_OBJECT_DATA_RETURN_SIZE, vm_run_message_released);
    memory_object_send_data_return(&run->kmsg, pager, run->index, &run->copy, run->dirty, run->kernel_copy);
}

void vm_run_cancel(struct vm_run *run)
{
    assert(run->pager == NULL && run->nr_pages == 0);
    vm_account_credit(run, run->nr_out);
    vm_account_put_run(run);
}

bool vm_run_covers(const struct memory_object *pager, uint32_t index)
{
    const struct vm_run *run;

    assert(spinlock_held(&pager->object->lock));
    list_for_each(&pager->runs, run, node) {
        uint32_t at = index - run->index;
        if (at < run->nr_pages && (run->superseded >> at & 1) == 0)
            return true;
    }
    return false;
}

/* ---- the run's memory as an object ---- */

static void vm_run_pages_gone(struct vm_object *object, unsigned int count)
{
    struct vm_run *run = object->run;
    if (run != NULL)
        vm_account_credit(run, count > run->nr_out ? run->nr_out : count);
}

static void vm_run_end(struct vm_object *object)
{
    struct vm_run *run = object->run;

    vm_object_lock(object);
    object->alive = false;
    vm_object_free_pages(object);
    object->run = NULL;
    vm_object_unlock(object);
    vm_object_free(object);
    assert(run->nr_out == 0); /* each page was credited as it left, by vm_run_pages_gone or when it came home */
    vm_run_part_done(run, VM_RUN_PART_MEMORY);
}

const struct vm_object_ops vm_object_run_ops = {
    .name = "run",
    .end = vm_run_end,
    .pages_gone = vm_run_pages_gone,
};

/* ---- coming home ---- */

/* Gives one page of a lost run back to its object. Both locked; page is in no object. Law 1 says where it goes. */
static void vm_run_return_page(struct vm_run *run, struct vm_object *object, struct vm_page *page, uint32_t index)
{
    struct vm_page *there = vm_page_lookup(object, index);

    if (!object->alive || (run->superseded >> (index - run->index) & 1) != 0) {
        vm_page_destroy(page);
    } else if (there == NULL) {
        page->dirty = run->dirty;
        vm_page_insert(page, object, index);
        vm_page_activate(page);
    } else if (there->absent || (there->error && there->frame == NULL)) { /* awaited, or said not to be had */
        there->frame = page->frame;
        page->frame = NULL;
        there->absent = false;
        there->error = false;
        there->dirty = run->dirty;
        there->precious = page->precious;
        list_remove(&there->queue_node); /* if its request was still to be sent */
        vm_page_done(there);
        vm_page_activate(there);
        vm_page_destroy(page);
    } else {
        if (there->frame != NULL && !vm_page_modified(there)) {
            there->dirty = run->dirty;
            there->precious |= page->precious;
        }
        vm_page_destroy(page);
    }
}

static void vm_run_return(struct reaper_item *item)
{
    struct vm_run *run = container_of(item, struct vm_run, reap);
    struct vm_object *object = run->pager->object, *memory = run->object;
    struct vm_page *page;
    unsigned int count = 0;

    vm_object_lock(object);
    run->state = VM_RUN_RETURNING;
    spinlock_lock_nested(&memory->lock);
    while ((page = vm_page_lookup_from(memory, 0)) != NULL) {
        uint32_t index = run->index + page->index;
        vm_page_remove(page);
        vm_run_return_page(run, object, page, index);
        count++;
    }
    vm_object_unlock(memory);
    list_remove(&run->node);
    vm_object_unlock(object);

    vm_pageout_counters.runs_home++;
    if (count > 0)
        vm_account_credit(run, MIN(count, run->nr_out));
    if (run->copy.reserved_entry != NULL)
        vm_run_set_entry(run, run->copy.reserved_entry);
    vm_run_part_done(run, VM_RUN_PART_COPY);
    vm_object_unref(memory); /* the copy's reference: ends it */
}
