/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Progress and order, as far as a single moment shows them.
 *
 * Who waits, waits for something that will come: a page that is worked on, asked for or forbidden; a mutex that somebody
 * has; an entry in transition; a conversation that is ending. Anything else is a wake-up that was lost, or was never due.
 * Work on a conversation is in somebody's queue as long as there is any; it waits for a window only where that is full.
 *
 * Law 2, for mappings: where the return of a page is queued and not received, and the kernel kept no copy, nothing can
 * have come into its place.
 */
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "laws_private.h"
#include "vm/memory_object.h"
#include "vm/vm_account.h"
#include "vm/vm_map.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

/* ---- waits ---- */

static void laws_wait_page(const struct vm_page *page)
{
    laws_check(page->object != NULL && page->wanted, "progress", "a thread sleeps on page %u, which is %s", page->index,
               page->object == NULL ? "in no object" : "not wanted");
    laws_check(page->busy || page->lock_prot != VM_PROT_NONE, "progress",
               "a thread sleeps on page %u, which is neither busy nor locked", page->index);
}

/* A map's own address is what those wait for who meet an entry in transition. */
static void laws_wait_transition(struct vm_map *map)
{
    const struct vm_map_entry *entry;

    list_for_each(&map->entries, entry, link) {
        if (entry->in_transition && entry->needs_wakeup)
            return;
    }
    laws_fail("progress", "a thread waits for an entry in transition, and there is none that would wake it");
}

static void laws_wait(const struct thread *thread)
{
    const char *event = thread->wait_event;

    if (thread->run_state != THREAD_WAITING || event == NULL)
        return;
    if (laws_is_of(LAWS_PAGE, event)) {
        laws_wait_page(laws_cell(LAWS_PAGE, event, "a wait")->at);
    } else if (laws_find(LAWS_MAP, event) != NULL) {
        laws_wait_transition(laws_find(LAWS_MAP, event)->at);
    } else if (laws_is_of(LAWS_MAP, event)) {
        const struct vm_map *map = (const struct vm_map *)(const void *)(event - offsetof(struct vm_map, lock.nr_waiting));

        laws_cell(LAWS_MAP, map, "a wait");
        laws_check(map->lock.owner != NULL, "progress", "a thread waits for a map's lock, which is free");
    } else if (laws_is_of(LAWS_PAGER, event)) {
        const char *start = event - offsetof(struct memory_object, ending_event);
        const struct memory_object *pager = (const struct memory_object *)(const void *)start;

        laws_cell(LAWS_PAGER, pager, "a wait");
        laws_check(pager->ending && !pager->over, "progress", "a thread waits for an end that is over");
    }
}

/* ---- conversations ---- */

static void laws_work(const struct memory_object *pager)
{
    if (pager->refs == 0)
        return;
    laws_check(list_empty(&pager->locks) || pager->working, "progress",
               "a lock request is under way, and nobody works on it");
    laws_check(!pager->ending || pager->working, "progress", "an object is ending, and nobody works on it");
    laws_check(list_empty(&pager->unasked) || !pager->ready || pager->working || pager->dead, "progress",
               "requests wait for memory, and nobody works on it");
    laws_check(!pager->dead || list_empty(&pager->locks), "progress", "a lock request to a manager that is dead");
}

static void laws_window(const struct vm_account *account)
{
    const struct memory_object *pager;

    list_for_each(&account->waiting, pager, work_node) {
        laws_cell(LAWS_PAGER, pager, "work that waits for a window");
        laws_check(pager->working, "progress", "work waits for a window, and says that nobody works on it");
    }
    laws_check(list_empty(&account->waiting) || account->nr_out + VM_RUN_PAGES / 2 > account->window ||
                   account->reserved == NULL,
               "progress", "work waits for a window of %u, of which %u pages are out", account->window, account->nr_out);
}

/* ---- pages ---- */

/* A dead manager answers nobody: who waits for its pages waits for a run that may come home. */
static void laws_asked(const struct vm_page *page)
{
    const struct memory_object *pager = page->object != NULL ? page->object->pager : NULL;
    const struct vm_run *run;

    if (pager == NULL || !pager->dead || !page->absent || !page->busy)
        return;
    list_for_each(&pager->runs, run, node) {
        if (page->index - run->index < run->nr_pages)
            return;
    }
    laws_fail("progress", "page %u is asked for, of a manager that is dead, and no run carries it", page->index);
}

/* Behind a clean return its page may have come home: an older, modified return of the same bytes was lost. */
static void laws_behind(const struct vm_run *run)
{
    if (run->state != VM_RUN_QUEUED || run->kernel_copy || laws_run_in_map(run))
        return;
    for (uint32_t i = 0; i < run->nr_pages; i++) {
        const struct vm_page *page = laws_page_at(run->pager->object, run->index + i);

        laws_check(page == NULL || page->frame == NULL || !run->dirty, "order",
                   "page %u is resident while its return is queued",
                   run->index + i);
        laws_check(page == NULL || page->busy || !page->absent, "order",
                   "page %u reads as nothing while its return is queued", run->index + i);
    }
}

void laws_progress(void)
{
    laws_for_each(LAWS_THREAD, cell)
        laws_wait(cell->at);
    laws_for_each(LAWS_PAGER, cell)
        laws_work(cell->at);
    laws_for_each(LAWS_ACCOUNT, cell)
        laws_window(cell->at);
    laws_for_each(LAWS_PAGE, cell)
        laws_asked(cell->at);
    laws_for_each(LAWS_RUN, cell)
        laws_behind(cell->at);
}
