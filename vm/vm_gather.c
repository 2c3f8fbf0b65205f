/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gathering runs.
 *
 * 1. The span is chosen by looking (class by the bits so far), then charged; the window may cut it.
 * 2. All its mappings are removed (eviction, flush) or write-protected (cleaning) in one batch. From the flush on no
 *    processor can write the frames, so the class is looked at once more, and the span cut where it turned out wrong:
 *    the flags are true, and what was cut stays where it was, with a fault to come.
 * 3. The pages move into the run, or are shared with it, and the message is queued, all with the object locked.
 *
 * A wired page must not fault: it goes alone, as a copy of its bytes, and stays. Its modified bit is cleared before the
 * bytes are copied, so that a write during the copy is not lost: it makes the page dirty again.
 */
#include "vm/vm_gather.h"

#include "kernel/machine.h"
#include "kernel/panic.h"
#include "vm/memory_object.h"
#include "vm/vm_account.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_pageout.h"
#include "vm/vm_policy.h"

struct vm_gather_span {
    struct vm_page *first;
    uint32_t nr_pages;
    uint32_t anchor;            /* the page asked for, counted from first */
    bool dirty;                 /* the class */
};

/* Whether page may go along in a run of this class. */
static bool vm_gather_fits(const struct vm_gather *gather, struct vm_page *page, bool dirty)
{
    if (page->busy || page->absent || page->error || page->wire_count != 0 || page->index >= gather->end)
        return false;
    if (vm_page_modified(page) != dirty || (!dirty && !page->precious))
        return false;
    return !gather->only_cold || vm_policy_cold(page);
}

static void vm_gather_look(const struct vm_gather *gather, struct vm_page *page, struct vm_gather_span *span)
{
    struct vm_page *last = page, *near;

    *span = (struct vm_gather_span){.first = page, .nr_pages = 1, .dirty = vm_page_modified(page)};
    if (page->wire_count != 0)
        return;
    while (span->nr_pages < VM_RUN_PAGES && (near = vm_page_next(last)) != NULL && near->index == last->index + 1 &&
           vm_gather_fits(gather, near, span->dirty)) {
        last = near;
        span->nr_pages++;
    }
    if (!gather->both_ways)
        return;
    while (span->nr_pages < VM_RUN_PAGES && (near = vm_page_prev(span->first)) != NULL &&
           near->index + 1 == span->first->index && vm_gather_fits(gather, near, span->dirty)) {
        span->first = near;
        span->nr_pages++;
        span->anchor++;
    }
}

/* Cuts span to at most most pages that contain its anchor. */
static void vm_gather_cut(struct vm_gather_span *span, uint32_t most)
{
    while (span->nr_pages > most && span->anchor + 1 < span->nr_pages)
        span->nr_pages--;
    while (span->nr_pages > most) {
        span->first = vm_page_next(span->first);
        span->anchor--;
        span->nr_pages--;
    }
}

/* Makes the span unwritable, and cuts it where a page was modified meanwhile. */
static void vm_gather_close(const struct vm_gather *gather, struct vm_gather_span *span)
{
    struct pmap_batch batch;
    struct vm_page *page = span->first;
    uint32_t i, begin = 0, end;

    pmap_batch_init(&batch);
    for (i = 0; i < span->nr_pages; i++, page = vm_page_next(page)) {
        if (gather->keep)
            pmap_frame_write_protect(page->frame, &batch);
        else
            pmap_frame_unmap(page->frame, &batch);
    }
    pmap_batch_flush(&batch);
    if (span->dirty)
        return; /* what was modified stays modified */
    end = span->nr_pages;
    for (i = 0, page = span->first; i < span->nr_pages; i++, page = vm_page_next(page)) {
        if (!vm_page_modified(page))
            continue;
        if (i == span->anchor) { /* the page itself: it goes alone, with the flag that is true now */
            begin = i;
            end = i + 1;
            span->dirty = true;
            break;
        }
        if (i < span->anchor)
            begin = i + 1;
        else {
            end = i;
            break;
        }
    }
    span->anchor -= begin;
    span->nr_pages = end - begin;
    while (begin-- > 0)
        span->first = vm_page_next(span->first);
}

/* Pages without frames for the run's side of shared ones, linked by queue_node; returns how many could be had. */
static uint32_t vm_gather_links(struct list *links, uint32_t wanted)
{
    uint32_t count;

    for (count = 0; count < wanted; count++) {
        struct vm_page *link = vm_page_create_placeholder(ALLOC_PRIVILEGED | ALLOC_NOSLEEP);
        if (link == NULL)
            break;
        list_insert_tail(links, &link->queue_node);
    }
    return count;
}

static struct vm_page *vm_gather_take_link(struct list *links)
{
    struct vm_page *link = list_first(links, struct vm_page, queue_node);
    list_remove(&link->queue_node);
    return link;
}

/* A wired page's bytes in a page of their own; nr_pages of span is 1. */
static void vm_gather_copy_wired(struct vm_run *run, struct vm_page *page, struct vm_page *copy)
{
    struct pmap_batch batch;

    pmap_batch_init(&batch);
    page->dirty = false;
    pmap_frame_clear_bits(page->frame, PMAP_MODIFIED, &batch);
    pmap_batch_flush(&batch);
    pmap_frame_copy(page->frame, copy->frame);
    spinlock_lock_nested(&run->object->lock);
    copy->dirty = true;
    copy->precious = page->precious;
    vm_page_insert(copy, run->object, run->nr_pages++);
    vm_object_unlock(run->object);
}

static void vm_gather_fill(const struct vm_gather *gather, struct vm_run *run, struct vm_gather_span *span,
                           struct list *links)
{
    struct vm_page *page = span->first, *next;
    struct pmap_batch batch;

    pmap_batch_init(&batch);
    for (uint32_t i = 0; i < span->nr_pages; i++, page = next) {
        next = vm_page_next(page);
        if (gather->keep) {
            page->dirty = false; /* write-protected: the next write is a fault */
            pmap_frame_clear_bits(page->frame, PMAP_MODIFIED, &batch);
            vm_run_share(run, page, vm_gather_take_link(links));
        } else {
            vm_policy_evicted(page);
            vm_run_move(run, page);
        }
    }
    pmap_batch_flush(&batch);
}

enum vm_gather_result vm_gather_send(const struct vm_gather *gather, struct vm_page *page, uint32_t *next)
{
    struct memory_object *pager = gather->pager;
    struct list links = LIST_INIT(links);
    struct vm_gather_span span;
    uint32_t granted;

    assert(spinlock_held(&pager->object->lock) && !page->busy && page->frame != NULL);
    struct vm_account *account = memory_object_account(pager);
    if (account == NULL)
        return VM_GATHER_FULL;
    vm_gather_look(gather, page, &span);
    struct vm_run *run = vm_account_charge(account, span.nr_pages, &granted);
    vm_account_unref(account);
    if (run == NULL) {
        vm_pageout_counters.window_full++;
        return VM_GATHER_FULL;
    }

    bool wired = page->wire_count != 0;
    struct vm_page *copy = wired ? vm_page_create(ALLOC_PRIVILEGED | ALLOC_NOSLEEP) : NULL;
    if (gather->keep && !wired)
        granted = vm_gather_links(&links, granted);
    if (!vm_run_prepare(run) || granted == 0 || (wired && copy == NULL)) {
        if (copy != NULL)
            vm_page_destroy(copy);
        while (!list_empty(&links))
            vm_page_destroy(vm_gather_take_link(&links));
        vm_run_cancel(run);
        return VM_GATHER_SHORTAGE;
    }
    vm_gather_cut(&span, granted);
    if (!wired)
        vm_gather_close(gather, &span);

    vm_run_begin(run, pager, span.first->index, gather->cause, span.dirty, gather->keep || wired);
    *next = span.first->index + span.nr_pages;
    if (wired)
        vm_gather_copy_wired(run, page, copy);
    else
        vm_gather_fill(gather, run, &span, &links);
    while (!list_empty(&links))
        vm_page_destroy(vm_gather_take_link(&links));
    vm_run_send(run);
    return VM_GATHER_SENT;
}
