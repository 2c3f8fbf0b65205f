/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replacement policy.
 *
 * 1. Order. A page that is brought in goes to the end of the inactive list, or, when it came back soon enough, to the end
 *    of the active one. While memory is plenty (twice the high watermark free) new pages become active at once: there is
 *    nothing to protect yet, and so the first comers of a loop are what stays.
 * 2. Balance. The scan keeps the inactive list at a third of the evictable pages or more: the oldest active pages move
 *    over in the order in which they came, so that neighbours in an object are cold together and leave in one run.
 * 3. Second chance. A page on probation was referenced by the fault that brought it in, so its first reference bit says
 *    nothing: it is cleared when the scan first meets the page, and only a bit that is set again makes it active.
 * 4. Memory of what left. A direct-mapped table keeps, by a hash of object and index, the count of evictions at the time.
 *    A refault's distance is the difference to the count now. Collisions lose or forge a distance now and then: the
 *    worst is one page on the wrong list for one turn.
 */
#include "vm/vm_policy.h"

#include "kernel/lock.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "vm/memory_object.h"
#include "vm/vm_frame.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"

/* page->history */
#define VM_POLICY_SEEN 1u       /* the scan has met it on probation and cleared its reference bits */
#define VM_POLICY_PARKED 2u     /* it lies on an account whose window is full */

#define VM_POLICY_CHUNK 64u     /* pages moved over at a time when nothing else is left: a run */

struct vm_policy_ghost {
    uint32_t tag;               /* of object and index; 0: none */
    uint32_t evicted;           /* the count of evictions when it left */
};

static struct spinlock vm_policy_queues = SPINLOCK_INIT(LOCK_RANK_PAGE_QUEUES, "page queues");
static struct list vm_policy_active = LIST_INIT(vm_policy_active);
static struct list vm_policy_inactive = LIST_INIT(vm_policy_inactive);
static struct vm_policy_ghost *vm_policy_ghosts;
static uint32_t vm_policy_ghost_mask;
struct vm_policy_counts vm_policy_counts;

void vm_policy_init(unsigned int nr_frames)
{
    uint32_t nr_ghosts = 256;
    while (nr_ghosts < nr_frames / 2)
        nr_ghosts *= 2;
    /* A power of two of 8-byte records: whole orders of frames. Without them every refault looks like a first fault. */
    unsigned int order = 0;
    while ((PAGE_SIZE << order) < nr_ghosts * sizeof(struct vm_policy_ghost))
        order++;
    while (vm_policy_ghosts == NULL) {
        vm_policy_ghosts = vm_frame_alloc_kernel(order, ALLOC_NOSLEEP);
        if (vm_policy_ghosts == NULL && order == 0)
            panic("no memory for the replacement policy");
        if (vm_policy_ghosts == NULL)
            order--;
    }
    nr_ghosts = (PAGE_SIZE << order) / sizeof(struct vm_policy_ghost);
    memset(vm_policy_ghosts, 0, PAGE_SIZE << order);
    vm_policy_ghost_mask = nr_ghosts - 1;
}

void vm_policy_lock(void)
{
    spinlock_lock(&vm_policy_queues);
}

void vm_policy_unlock(void)
{
    spinlock_unlock(&vm_policy_queues);
}

/* A tag that is never 0; its low bits choose the slot. */
static uint32_t vm_policy_tag(const struct vm_object *object, uint32_t index)
{
    uint32_t tag = (uint32_t)((uintptr_t)object >> 4) * 2654435761u;
    tag += index;
    return tag != 0 ? tag : 1;
}

static void vm_policy_remember(const struct vm_page *page)
{
    uint32_t tag = vm_policy_tag(page->object, page->index);
    struct vm_policy_ghost *ghost = &vm_policy_ghosts[tag & vm_policy_ghost_mask];
    ghost->tag = tag;
    ghost->evicted = (uint32_t)vm_policy_counts.evicted;
}

/* Whether page left and came back, and how many evictions ago it left. Forgets it. */
static bool vm_policy_refault(const struct vm_page *page, uint32_t *distance)
{
    uint32_t tag = vm_policy_tag(page->object, page->index);
    struct vm_policy_ghost *ghost = &vm_policy_ghosts[tag & vm_policy_ghost_mask];
    if (ghost->tag != tag)
        return false;
    ghost->tag = 0;
    *distance = (uint32_t)vm_policy_counts.evicted - ghost->evicted;
    return true;
}

static void vm_policy_take_off(struct vm_page *page)
{
    assert(spinlock_held(&vm_policy_queues));
    switch (page->queue) {
    case VM_PAGE_ACTIVE:
        vm_policy_counts.active--;
        list_remove(&page->queue_node);
        break;
    case VM_PAGE_INACTIVE:
        vm_policy_counts.inactive--;
        if (page->history & VM_POLICY_PARKED)
            vm_policy_counts.parked--;
        page->history = 0;
        list_remove(&page->queue_node);
        break;
    case VM_PAGE_UNEVICTABLE:
        vm_policy_counts.unevictable--;
        break;
    default:
        break;
    }
    page->queue = VM_PAGE_NOT_QUEUED;
}

static void vm_policy_put_active(struct vm_page *page)
{
    page->queue = VM_PAGE_ACTIVE;
    page->history = 0;
    vm_policy_counts.active++;
    list_insert_tail(&vm_policy_active, &page->queue_node);
}

static void vm_policy_put_inactive(struct vm_page *page)
{
    page->queue = VM_PAGE_INACTIVE;
    vm_policy_counts.inactive++;
    list_insert_tail(&vm_policy_inactive, &page->queue_node);
}

/* Whether somebody could take it: not anonymous memory, a run's, or that of a manager that died. Object locked. */
static bool vm_policy_evictable(const struct vm_page *page)
{
    return page->object->pager != NULL && !page->object->pager->dead;
}

/* Called for a page that was brought in, or used through a fault. */
void vm_page_activate(struct vm_page *page)
{
    uint32_t distance;

    if (page->queue != VM_PAGE_NOT_QUEUED || page->wire_count != 0)
        return;
    assert(spinlock_held(&page->object->lock));
    vm_policy_lock();
    page->history = 0;
    if (!vm_policy_evictable(page)) {
        page->queue = VM_PAGE_UNEVICTABLE;
        vm_policy_counts.unevictable++;
    } else if (vm_policy_refault(page, &distance)) {
        vm_policy_counts.refaults++;
        if (distance <= vm_policy_counts.active) {
            vm_policy_counts.refaults_active++;
            vm_policy_put_active(page);
        } else {
            vm_policy_put_inactive(page);
        }
    } else if (vm_frame_nr_free() > 2 * vm_frame_marks.high) {
        vm_policy_put_active(page);
    } else {
        vm_policy_put_inactive(page);
    }
    vm_policy_unlock();
}

void vm_page_deactivate(struct vm_page *page)
{
    assert(spinlock_held(&page->object->lock));
    if (page->wire_count != 0)
        return;
    vm_policy_lock();
    vm_policy_take_off(page);
    page->history = 0;
    if (vm_policy_evictable(page)) {
        vm_policy_put_inactive(page);
    } else {
        page->queue = VM_PAGE_UNEVICTABLE;
        vm_policy_counts.unevictable++;
    }
    vm_policy_unlock();
}

void vm_page_unqueue(struct vm_page *page)
{
    if (page->queue == VM_PAGE_NOT_QUEUED)
        return;
    vm_policy_lock();
    vm_policy_take_off(page);
    vm_policy_unlock();
}

void vm_page_wire(struct vm_page *page)
{
    assert(spinlock_held(&page->object->lock));
    if (page->wire_count++ == 0) {
        page->object->nr_wired++;
        vm_page_unqueue(page);
    }
}

void vm_page_unwire(struct vm_page *page)
{
    assert(spinlock_held(&page->object->lock));
    assert(page->wire_count > 0);
    if (--page->wire_count == 0) {
        page->object->nr_wired--;
        vm_page_activate(page);
    }
}

/*
 * Moves the oldest active pages over until the inactive list has its third, or, where all inactive pages are parked, a
 * run's worth. A referenced page goes around once more, so the order stays that of their coming; at most 256 do so a
 * call, and the next call goes on from there. The cleared bits end in one flush: pmap takes a mapping whose bit is clear
 * for one that no TLB holds.
 */
static void vm_policy_balance(void)
{
    unsigned int evictable = vm_policy_counts.active + vm_policy_counts.inactive;
    unsigned int rotations = 256, forced = list_empty(&vm_policy_inactive) ? VM_POLICY_CHUNK : 0;
    struct pmap_batch batch;

    pmap_batch_init(&batch);
    while (vm_policy_counts.inactive < evictable / 3 + 1 || forced > 0) {
        struct vm_page *page = list_first(&vm_policy_active, struct vm_page, queue_node);
        if (page == NULL)
            break;
        if (pmap_frame_bits(page->frame) & PMAP_REFERENCED) {
            if (rotations-- == 0)
                break;
            pmap_frame_clear_bits(page->frame, PMAP_REFERENCED, &batch);
            list_remove(&page->queue_node);
            list_insert_tail(&vm_policy_active, &page->queue_node);
            continue;
        }
        vm_policy_take_off(page);
        vm_policy_put_inactive(page);
        page->history = VM_POLICY_SEEN;
        if (forced > 0)
            forced--;
    }
    pmap_batch_flush(&batch);
}

struct vm_page *vm_policy_next(void)
{
    assert(spinlock_held(&vm_policy_queues));
    vm_policy_balance();
    struct vm_page *page = list_first(&vm_policy_inactive, struct vm_page, queue_node);
    if (page != NULL) {
        list_remove(&page->queue_node);
        list_insert_tail(&vm_policy_inactive, &page->queue_node);
        vm_policy_counts.scanned++;
    }
    return page;
}

enum vm_policy_verdict vm_policy_judge(struct vm_page *page, struct pmap_batch *batch)
{
    assert(spinlock_held(&page->object->lock));
    if ((pmap_frame_bits(page->frame) & PMAP_REFERENCED) == 0)
        return VM_POLICY_EVICT;
    pmap_frame_clear_bits(page->frame, PMAP_REFERENCED, batch);
    vm_policy_lock();
    if (page->history & VM_POLICY_SEEN) {
        vm_policy_take_off(page);
        vm_policy_put_active(page);
        vm_policy_counts.activated++;
    } else {
        page->history |= VM_POLICY_SEEN;
        vm_policy_counts.reclaimed++;
    }
    vm_policy_unlock();
    return VM_POLICY_KEEP;
}

bool vm_policy_cold(const struct vm_page *page)
{
    return page->queue == VM_PAGE_INACTIVE && (pmap_frame_bits(page->frame) & PMAP_REFERENCED) == 0;
}

void vm_policy_evicted(struct vm_page *page)
{
    assert(spinlock_held(&page->object->lock));
    vm_policy_lock();
    vm_policy_counts.evicted++;
    vm_policy_remember(page);
    vm_policy_unlock();
}

void vm_policy_park(struct vm_page *page, struct list *list)
{
    vm_policy_lock();
    if (page->queue == VM_PAGE_INACTIVE && !(page->history & VM_POLICY_PARKED)) {
        list_remove(&page->queue_node);
        list_insert_tail(list, &page->queue_node);
        page->history |= VM_POLICY_PARKED;
        vm_policy_counts.parked++;
    }
    vm_policy_unlock();
}

void vm_policy_unpark(struct list *list, unsigned int most)
{
    struct list back = LIST_INIT(back);
    struct vm_page *page;

    vm_policy_lock();
    for (; most > 0 && (page = list_first(list, struct vm_page, queue_node)) != NULL; most--) {
        list_remove(&page->queue_node);
        list_insert_tail(&back, &page->queue_node);
        page->history &= (uint8_t)~VM_POLICY_PARKED;
        vm_policy_counts.parked--;
    }
    /* To the front: these were the coldest when the window closed. */
    list_splice_tail(&back, &vm_policy_inactive);
    list_splice_tail(&vm_policy_inactive, &back);
    vm_policy_unlock();
}
