/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages: each is in exactly one object's index, or in one thread's hands; and on the queue that its state says.
 *
 * The queues' heads are the policy's own; an account's are found with it. So a queue is a ring that is walked from any
 * page that says that it is there: all others that say so must be met, and one node that is no page.
 */
#include "kernel/machine.h"
#include "laws_private.h"
#include "vm/memory_object.h"
#include "vm/vm_account.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_policy.h"

#define LAWS_PARKED 2u /* of page->history */

/* ---- objects' indexes ---- */

struct laws_index {
    struct vm_object *object;
    const struct vm_page *last;
    uint32_t nr_pages, nr_wired;
    bool hint_met;
};

/* What a page's flags may be together. */
static void laws_pages_flags(const struct vm_page *page, const struct vm_object *object)
{
    bool resident = page->frame != NULL;

    laws_check(resident != (page->absent || page->error) || (resident && page->error && !page->absent), "pages",
               "page %u: frame %d, absent %d, error %d", page->index, resident, page->absent, page->error);
    laws_check(resident || (page->wire_count == 0 && !page->dirty && !page->precious), "pages",
               "place-holder %u: wired %u, dirty %d, precious %d", page->index, page->wire_count, page->dirty,
               page->precious);
    laws_check(resident || page->queue == VM_PAGE_NOT_QUEUED, "pages", "place-holder %u is on queue %u", page->index,
               page->queue);
    laws_check(page->wire_count == 0 || page->queue == VM_PAGE_NOT_QUEUED, "pages", "wired page %u is on queue %u",
               page->index, page->queue);
    laws_check(!page->absent || object->pager != NULL, "pages", "anonymous page %u is absent", page->index);
    laws_check(page->wire_count == 0 || page->frame->nr_holders == 1, "pages", "the frame of wired page %u has %u holders",
               page->index, page->frame->nr_holders);
}

static void laws_pages_visit(struct rbtree_node *node, void *context)
{
    struct vm_page *page = rbtree_entry(node, struct vm_page, node);
    struct laws_index *index = context;
    struct laws_cell *cell = laws_cell(LAWS_PAGE, page, "an object's index");

    laws_check(page->object == index->object, "pages", "page %u is in the index of another object", page->index);
    laws_check(cell->places++ == 0, "pages", "page %u is met twice", page->index);
    laws_check(index->last == NULL || index->last->index < page->index, "pages", "page %u comes behind page %u",
               page->index, index->last->index);
    laws_check(page->index < index->object->nr_pages, "pages", "page %u is in an object of %u", page->index,
               index->object->nr_pages);
    laws_pages_flags(page, index->object);
    index->last = page;
    index->nr_pages++;
    index->nr_wired += page->wire_count != 0;
    index->hint_met |= page == index->object->last_found;
}

static void laws_pages_index(struct vm_object *object)
{
    struct laws_index index = {.object = object, .hint_met = object->last_found == NULL};

    /* One that ends is not balanced any more while its pages are freed. */
    laws_tree(&object->pages, object->alive || object->pager != NULL, laws_pages_visit, &index, "an object's index");
    laws_check(index.nr_pages == object->nr_resident && index.nr_wired == object->nr_wired, "pages",
               "an object has %u pages, %u wired, and counts %u, %u", index.nr_pages, index.nr_wired, object->nr_resident,
               object->nr_wired);
    laws_check(index.hint_met, "pages", "an object's last page found is not in its index");
}

/* ---- queues ---- */

struct laws_queues {
    unsigned int active, inactive, unevictable, parked;
    const struct vm_page *first_active, *first_inactive;
};

static void laws_pages_queue(const struct vm_page *page, struct laws_queues *queues)
{
    bool evictable = page->object->pager != NULL && !page->object->pager->dead;

    switch (page->queue) {
    case VM_PAGE_NOT_QUEUED:
        laws_check(!list_node_linked(&page->queue_node) || (page->absent && page->busy), "queues",
                   "page %u is on no queue and in a list", page->index);
        laws_check(!evictable || page->frame == NULL || page->busy || page->wire_count != 0, "queues",
                   "page %u, resident and not wired, is on no queue", page->index);
        return;
    case VM_PAGE_ACTIVE:
        queues->active++;
        queues->first_active = page;
        break;
    case VM_PAGE_INACTIVE:
        queues->inactive++;
        if (page->history & LAWS_PARKED)
            queues->parked++;
        else
            queues->first_inactive = page;
        break;
    case VM_PAGE_UNEVICTABLE:
        queues->unevictable++;
        break;
    default:
        laws_fail("queues", "page %u is on queue %u", page->index, page->queue);
    }
    laws_check(evictable == (page->queue != VM_PAGE_UNEVICTABLE), "queues", "page %u, of a %s object, is on queue %u",
               page->index, evictable ? "manager's" : "anonymous or a dead manager's", page->queue);
}

/* The nodes from start on all are pages on this queue, but one. Returns how many. */
static unsigned int laws_pages_ring(const struct list_node *start, enum vm_page_queue queue, unsigned int parked)
{
    unsigned int nr_pages = 0, nr_heads = 0;
    const struct list_node *node = start;

    do {
        const struct vm_page *page = container_of(node, struct vm_page, queue_node);
        const struct laws_cell *cell = laws_find(LAWS_PAGE, page);

        laws_check(node->next->prev == node, "queues", "queue %u is broken", queue);
        if (cell == NULL) {
            laws_check(++nr_heads == 1, "queues", "queue %u has a node that is no page", queue);
        } else {
            laws_check(page->queue == queue && (page->history & LAWS_PARKED) == parked, "queues",
                       "page %u, on queue %u with history %u, is met on queue %u", page->index, page->queue, page->history,
                       queue);
            laws_check(++nr_pages <= laws_count(LAWS_PAGE), "queues", "queue %u does not end", queue);
        }
        node = node->next;
    } while (node != start);
    return nr_pages;
}

static void laws_pages_queues(const struct laws_queues *found)
{
    const struct vm_policy_counts *counts = &vm_policy_counts;
    unsigned int active = 0, inactive = 0, parked = 0;

    if (found->first_active != NULL)
        active = laws_pages_ring(&found->first_active->queue_node, VM_PAGE_ACTIVE, 0);
    if (found->first_inactive != NULL)
        inactive = laws_pages_ring(&found->first_inactive->queue_node, VM_PAGE_INACTIVE, 0);
    laws_for_each(LAWS_ACCOUNT, cell) {
        const struct vm_account *account = cell->at;

        if (!list_empty(&account->parked))
            parked += laws_pages_ring(&account->parked.head, VM_PAGE_INACTIVE, LAWS_PARKED);
    }
    laws_check(active == found->active && inactive + found->parked == found->inactive && parked == found->parked, "queues",
               "%u pages active, %u inactive, %u parked; on the queues are %u, %u, %u", found->active, found->inactive,
               found->parked, active, inactive, parked);
    laws_check(found->active == counts->active && found->inactive == counts->inactive && found->parked == counts->parked &&
                   found->unevictable == counts->unevictable,
               "queues", "%u pages active, %u inactive, %u parked, %u unevictable; counted are %u, %u, %u, %u",
               found->active, found->inactive, found->parked, found->unevictable, counts->active, counts->inactive,
               counts->parked, counts->unevictable);
}

void laws_pages(void)
{
    struct laws_queues queues = {0};
    unsigned int in_hand = 0;

    laws_for_each(LAWS_OBJECT, cell)
        laws_pages_index(cell->at);
    laws_for_each(LAWS_PAGE, cell) {
        const struct vm_page *page = cell->at;

        if (page->object != NULL) {
            laws_check(cell->places == 1, "pages", "page %u is not in the index of its object", page->index);
            laws_pages_queue(page, &queues);
            continue;
        }
        laws_check(page->queue == VM_PAGE_NOT_QUEUED && page->wire_count == 0, "pages",
                   "a page in no object is on queue %u, wired %u", page->queue, page->wire_count);
        in_hand++;
    }
    /* A thread that fills an object page by page has the next one in its hands. */
    laws_check(in_hand <= laws_count(LAWS_THREAD), "pages", "%u pages are in no object", in_hand);
    laws_pages_queues(&queues);
}
