/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gathering runs, on a machine whose other processors write while mappings are being taken away: what is sent contains the
 * page that was asked for, is in a row, and its flag is true of every page.
 * unit: -includeunit_context.h vm/vm_gather.c kernel/lock.c
 */
#include <stdio.h>
#include <string.h>

#include "kernel/machine.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/vm_account.h"
#include "vm/vm_gather.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_pageout.h"
#include "vm/vm_policy.h"

#include "tap.h"

#define PAGES 16u

struct thread *current_thread_pointer;
struct vm_pageout_counters vm_pageout_counters;
static struct thread thread;
static struct vm_object object, memory;
static struct memory_object pager;
static struct vm_frame frames[PAGES];
static struct vm_page pages[PAGES];
static struct vm_run run;
static uint32_t window;         /* pages that may be charged */
static unsigned int links, links_left; /* made and not used up; how many can still be had */
static uint32_t late;           /* pages, by bit, that another processor writes just before their mappings go */
static bool prepared;
static uint32_t sent_index, sent_pages;
static bool sent, cancelled, flushed;

/* ---- the rest of the kernel ---- */

unsigned long machine_interrupts_disable(void) { return 1; }
void machine_interrupts_restore(unsigned long flags) { (void)flags; }
void thread_assert_wait(const void *event, enum wait_kind kind) { (void)event, (void)kind; }
enum wait_result thread_block(void) { panic("blocks"); }
bool thread_wakeup_one(const void *event) { return event == NULL; }

struct vm_page *vm_page_next(struct vm_page *page) { return page < &pages[PAGES - 1] ? page + 1 : NULL; }
struct vm_page *vm_page_prev(struct vm_page *page) { return page > pages ? page - 1 : NULL; }
bool vm_page_modified(struct vm_page *page) { return page->dirty || (page->frame->pmap_bits & PMAP_MODIFIED); }
bool vm_policy_cold(const struct vm_page *page) { return page->queue == VM_PAGE_INACTIVE; }
void vm_policy_evicted(struct vm_page *page) { (void)page; }
void vm_page_insert(struct vm_page *page, struct vm_object *to, uint32_t index) { (void)page, (void)to, (void)index; }

struct vm_page *vm_page_create_placeholder(enum alloc how)
{
    (void)how;
    if (links_left == 0)
        return NULL;
    links_left--;
    links++;
    return calloc(1, sizeof(struct vm_page));
}

struct vm_page *vm_page_create(enum alloc how) { return vm_page_create_placeholder(how); }

void vm_page_destroy(struct vm_page *page)
{
    links--;
    free(page);
}

static void closed(struct vm_frame *frame)
{
    unsigned int number = (unsigned int)(frame - frames);

    if (late & 1u << number)
        frame->pmap_bits |= PMAP_MODIFIED;
}

void pmap_batch_init(struct pmap_batch *batch) { batch->nr_pages = 0; }
void pmap_batch_flush(struct pmap_batch *batch) { (void)batch; flushed = true; }
void pmap_frame_unmap(struct vm_frame *frame, struct pmap_batch *batch) { (void)batch; closed(frame); }
void pmap_frame_write_protect(struct vm_frame *frame, struct pmap_batch *batch) { (void)batch; closed(frame); }
void pmap_frame_copy(struct vm_frame *from, struct vm_frame *to) { (void)from, (void)to; }

void pmap_frame_clear_bits(struct vm_frame *frame, enum pmap_bits bits, struct pmap_batch *batch)
{
    (void)batch;
    frame->pmap_bits &= (uint8_t)~bits;
}

struct vm_account *memory_object_account(struct memory_object *of) { return (struct vm_account *)of; }
void vm_account_unref(struct vm_account *account) { (void)account; }

struct vm_run *vm_account_charge(struct vm_account *account, uint32_t nr_pages, uint32_t *granted)
{
    (void)account;
    *granted = MIN(nr_pages, window);
    return window > 0 ? &run : NULL;
}

bool vm_run_prepare(struct vm_run *record) { return record != NULL && prepared; }
void vm_run_cancel(struct vm_run *record) { cancelled = record == &run; }
void vm_run_send(struct vm_run *record) { sent = record == &run && flushed; }

void vm_run_begin(struct vm_run *record, struct memory_object *of, uint32_t index, enum vm_run_cause cause, bool dirty,
                  bool kernel_copy)
{
    (void)of, (void)cause;
    record->dirty = dirty;
    record->kernel_copy = kernel_copy;
    sent_index = index;
    sent_pages = 0;
}

static bool all_true; /* of what went into the run */

void vm_run_move(struct vm_run *record, struct vm_page *page)
{
    all_true &= vm_page_modified(page) == record->dirty && page->index == sent_index + sent_pages++;
}

void vm_run_share(struct vm_run *record, struct vm_page *page, struct vm_page *link)
{
    (void)record;
    all_true &= page->index == sent_index + sent_pages++;
    vm_page_destroy(link);
}

/* ---- cases ---- */

/* A row of clean precious pages in one object, locked. */
static void begin(void)
{
    late = 0;
    window = links_left = PAGES;
    prepared = all_true = true;
    sent = cancelled = flushed = false;
    for (uint32_t i = 0; i < PAGES; i++) {
        frames[i] = (struct vm_frame){.nr_holders = 1};
        pages[i] = (struct vm_page){.object = &object, .frame = &frames[i], .index = 100 + i, .queue = VM_PAGE_INACTIVE,
                                    .precious = true};
    }
}

static enum vm_gather_result gather(uint32_t at, bool keep, uint32_t *next)
{
    const struct vm_gather how = {.pager = &pager, .keep = keep, .both_ways = !keep, .only_cold = !keep, .end = UINT32_MAX};

    vm_object_lock(&object);
    enum vm_gather_result result = vm_gather_send(&how, &pages[at], next);
    vm_object_unlock(&object);
    return result;
}

static bool went(uint32_t first, uint32_t nr_pages, bool dirty)
{
    return sent && all_true && sent_index == 100 + first && sent_pages == nr_pages && run.dirty == dirty && links == 0;
}

int main(void)
{
    uint32_t next = 0, wrong = 0;

    current_thread_pointer = &thread;
    spinlock_init(&object.lock, LOCK_RANK_OBJECT);
    spinlock_init(&memory.lock, LOCK_RANK_OBJECT);
    pager.object = &object;
    run.object = &memory;

    begin();
    tap_ok(gather(5, false, &next) == VM_GATHER_SENT && went(0, PAGES, false) && next == 116, "a whole row goes");
    begin();
    late = 1u << 5;
    tap_ok(gather(5, false, &next) == VM_GATHER_SENT && went(5, 1, true), "a page that is written as it goes, goes alone");
    begin();
    late = 1u << 2 | 1u << 9;
    tap_ok(gather(5, false, &next) == VM_GATHER_SENT && went(3, 6, false) && next == 109,
           "neighbours that are written meanwhile stay, and what is behind them");
    begin();
    late = 1u << 3;
    links_left = 6;
    tap_ok(gather(0, true, &next) == VM_GATHER_SENT && went(0, 3, false),
           "cleaning goes as far as there are links and true flags");
    begin();
    window = 4;
    tap_ok(gather(10, false, &next) == VM_GATHER_SENT && went(7, 4, false),
           "a small window keeps the page that was asked for");
    for (uint32_t turn = 0; turn < 20000; turn++) {
        begin();
        uint32_t at = tap_random(PAGES), dirty = tap_random(1u << PAGES);
        for (uint32_t i = 0; i < PAGES; i++) {
            pages[i].dirty = dirty >> i & 1 && tap_random(2);
            pages[i].busy = i != at && tap_random(8) == 0;
        }
        late = tap_random(1u << PAGES) & tap_random(1u << PAGES);
        window = 1 + tap_random(PAGES);
        wrong += gather(at, false, &next) != VM_GATHER_SENT || !sent || !all_true || sent_pages > window ||
                 100 + at < sent_index || 100 + at >= sent_index + sent_pages || next != sent_index + sent_pages;
    }
    tap_ok(wrong == 0, "whatever is written meanwhile, flags are true and the page is in the run");

    begin();
    window = 0;
    tap_ok(gather(5, false, &next) == VM_GATHER_FULL && !flushed && !sent, "a full window changes nothing");
    begin();
    prepared = false;
    tap_ok(gather(5, true, &next) == VM_GATHER_SHORTAGE && cancelled && !flushed && links == 0, "nor does a lack of memory");
    begin();
    pages[5].wire_count = 1;
    links_left = 0;
    tap_ok(gather(5, true, &next) == VM_GATHER_SHORTAGE && cancelled && !flushed, "nor one for a wired page's copy");
    begin();
    pages[5].wire_count = 1;
    prepared = false;
    tap_ok(gather(5, true, &next) == VM_GATHER_SHORTAGE && cancelled && links == 0,
           "a copy that is not needed is given back");
    return tap_done();
}
