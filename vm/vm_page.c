/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages in their objects.
 *
 * The index is a red-black tree of the pages themselves. Accesses come in order more often than not, so each object
 * remembers the page found last: that page and its successor are found, and a page behind it inserted, without a walk.
 */
#include "vm/vm_page.h"

#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/vm_object.h"

struct kmem_cache vm_page_cache;

void vm_page_init(void)
{
    kmem_cache_init(&vm_page_cache, "vm_page", sizeof(struct vm_page), 0);
}

struct vm_page *vm_page_create_placeholder(enum alloc how)
{
    struct vm_page *page = kmem_cache_alloc(&vm_page_cache, how);
    if (page == NULL)
        return NULL;
    *page = (struct vm_page){.queue = VM_PAGE_NOT_QUEUED};
    list_node_init(&page->queue_node);
    return page;
}

struct vm_page *vm_page_create(enum alloc how)
{
    struct vm_page *page = vm_page_create_placeholder(how);
    if (page == NULL)
        return NULL;
    page->frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, how);
    if (page->frame == NULL) {
        kmem_cache_free(&vm_page_cache, page);
        return NULL;
    }
    page->frame->nr_holders = 1;
    page->frame->pmap_bits &= (uint8_t)~(PMAP_REFERENCED | PMAP_MODIFIED); /* of its life before */
    return page;
}

/* Returns whether page was the last to hold its frame. Two objects' locks may guard one frame: hence atomic. */
static bool vm_page_let_go(struct vm_page *page)
{
    return page->frame != NULL && __atomic_sub_fetch(&page->frame->nr_holders, 1, __ATOMIC_ACQ_REL) == 0;
}

void vm_page_destroy(struct vm_page *page)
{
    assert(page->object == NULL && page->queue == VM_PAGE_NOT_QUEUED);
    if (vm_page_let_go(page)) {
        assert(!pmap_frame_mapped(page->frame));
        vm_frame_free(page->frame, 0);
    }
    kmem_cache_free(&vm_page_cache, page);
}

void vm_page_batch_init(struct vm_page_batch *batch)
{
    pmap_batch_init(&batch->pmap);
    list_init(&batch->frames);
    batch->nr_frames = 0;
}

void vm_page_batch_destroy(struct vm_page_batch *batch, struct vm_page *page)
{
    assert(page->object == NULL && page->queue == VM_PAGE_NOT_QUEUED);
    if (vm_page_let_go(page)) {
        if (pmap_frame_mapped(page->frame))
            pmap_frame_unmap(page->frame, &batch->pmap);
        list_insert_tail(&batch->frames, &page->frame->node);
        batch->nr_frames++;
    }
    kmem_cache_free(&vm_page_cache, page);
}

void vm_page_batch_finish(struct vm_page_batch *batch)
{
    pmap_batch_flush(&batch->pmap);
    if (batch->nr_frames > 0)
        vm_frame_free_list(&batch->frames, batch->nr_frames);
}

/* ---- the index ---- */

static inline struct vm_page *vm_page_of_node(struct rbtree_node *node)
{
    return node != NULL ? rbtree_entry(node, struct vm_page, node) : NULL;
}

struct vm_page *vm_page_next(struct vm_page *page)
{
    return vm_page_of_node(rbtree_next(&page->node));
}

struct vm_page *vm_page_prev(struct vm_page *page)
{
    return vm_page_of_node(rbtree_prev(&page->node));
}

struct vm_page *vm_page_lookup(struct vm_object *object, uint32_t index)
{
    struct vm_page *page = object->last_found;

    assert(spinlock_held(&object->lock));
    if (page != NULL) {
        if (page->index == index)
            return page;
        if (page->index + 1 == index) {
            page = vm_page_next(page);
            if (page == NULL || page->index != index)
                return NULL;
            object->last_found = page;
            return page;
        }
    }
    struct rbtree_node *node = object->pages.root;
    while (node != NULL) {
        page = rbtree_entry(node, struct vm_page, node);
        if (page->index == index) {
            object->last_found = page;
            return page;
        }
        node = node->child[index > page->index];
    }
    return NULL;
}

struct vm_page *vm_page_lookup_from(struct vm_object *object, uint32_t index)
{
    struct rbtree_node *node = object->pages.root;
    struct vm_page *best = NULL;

    assert(spinlock_held(&object->lock));
    while (node != NULL) {
        struct vm_page *page = rbtree_entry(node, struct vm_page, node);
        if (page->index == index)
            return page;
        if (page->index > index)
            best = page;
        node = node->child[index > page->index];
    }
    return best;
}

/* Where a page at index is to be linked: the parent and its empty side. */
static struct rbtree_node *vm_page_place(struct vm_object *object, uint32_t index, int *side)
{
    struct vm_page *hint = object->last_found;

    if (hint != NULL && hint->index < index) {
        struct vm_page *next = vm_page_next(hint);
        if (next == NULL || next->index > index) {
            /* Neighbours in order: one of the two has no child between them. */
            *side = hint->node.child[1] == NULL;
            return *side == 1 ? &hint->node : &next->node;
        }
    }
    struct rbtree_node *node = object->pages.root, *parent = NULL;
    *side = 0;
    while (node != NULL) {
        struct vm_page *page = rbtree_entry(node, struct vm_page, node);
        assert(page->index != index);
        parent = node;
        *side = index > page->index;
        node = node->child[*side];
    }
    return parent;
}

void vm_page_insert(struct vm_page *page, struct vm_object *object, uint32_t index)
{
    int side;

    assert(spinlock_held(&object->lock) && page->object == NULL);
    struct rbtree_node *parent = vm_page_place(object, index, &side);
    page->object = object;
    page->index = index;
    rbtree_link(&object->pages, &page->node, parent, side, NULL);
    object->last_found = page;
    object->nr_resident++;
    if (page->wire_count != 0)
        object->nr_wired++;
}

/* Takes page out of the index and lets go who waits for it; it keeps its queue and its wiring. */
static void vm_page_unlink(struct vm_page *page)
{
    struct vm_object *object = page->object;

    assert(spinlock_held(&object->lock));
    if (object->last_found == page) {
        struct vm_page *near = vm_page_prev(page);
        object->last_found = near != NULL ? near : vm_page_next(page);
    }
    rbtree_remove(&object->pages, &page->node, NULL);
    object->nr_resident--;
    if (page->wire_count != 0)
        object->nr_wired--;
    page->object = NULL;
    if (page->wanted) {
        page->wanted = false;
        thread_wakeup(page);
    }
}

void vm_page_remove(struct vm_page *page)
{
    if (page->queue != VM_PAGE_NOT_QUEUED)
        vm_page_unqueue(page);
    else
        list_remove(&page->queue_node); /* of a place-holder: a list of its manager's, under the object's lock */
    vm_page_unlink(page);
    page->busy = false;
}

void vm_page_free(struct vm_page *page)
{
    struct vm_object *object = page->object;
    struct pmap_batch batch;

    if (page->frame != NULL && pmap_frame_mapped(page->frame)) {
        pmap_batch_init(&batch);
        pmap_frame_unmap(page->frame, &batch);
        pmap_batch_flush(&batch);
    }
    bool held = page->frame != NULL;
    vm_page_remove(page);
    vm_page_destroy(page);
    if (held && object->ops->pages_gone != NULL)
        object->ops->pages_gone(object, 1);
}

void vm_page_rename(struct vm_page *page, struct vm_object *object, uint32_t index)
{
    struct vm_object *from = page->object;

    /* Whether anybody could take the page depends on its object: its queue may not fit any more. */
    if ((from->pager == NULL) != (object->pager == NULL))
        vm_page_unqueue(page);
    vm_page_unlink(page);
    vm_page_insert(page, object, index);
    if (from->ops->pages_gone != NULL)
        from->ops->pages_gone(from, 1);
}

/* ---- frames ---- */

bool vm_page_frame_shared(const struct vm_page *page)
{
    return page->frame != NULL && page->frame->nr_holders > 1;
}

bool vm_page_frame_unshare(struct vm_page *page, enum alloc level)
{
    struct vm_frame *shared = page->frame;
    struct pmap_batch batch;

    assert(spinlock_held(&page->object->lock));
    if (!vm_page_frame_shared(page))
        return true;
    assert(page->wire_count == 0); /* wiring makes the frame the page's own first */
    struct vm_frame *own = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, level | ALLOC_NOSLEEP);
    if (own == NULL)
        return false;
    /* Nobody may write a shared frame, so its bytes stand still. Mappings of the other page go too: one fault each. */
    pmap_frame_copy(shared, own);
    pmap_batch_init(&batch);
    pmap_frame_unmap(shared, &batch);
    pmap_batch_flush(&batch);
    own->nr_holders = 1;
    own->pmap_bits &= (uint8_t)~(PMAP_REFERENCED | PMAP_MODIFIED);
    page->frame = own;
    if (__atomic_sub_fetch(&shared->nr_holders, 1, __ATOMIC_ACQ_REL) == 0)
        vm_frame_free(shared, 0);
    return true;
}

/* ---- waiting and state ---- */

int vm_page_sleep(struct vm_page *page, bool interruptible)
{
    page->wanted = true;
    return (int)thread_sleep(page, &page->object->lock, interruptible ? WAIT_INTERRUPTIBLE : WAIT_UNINTERRUPTIBLE);
}

void vm_page_done(struct vm_page *page)
{
    assert(spinlock_held(&page->object->lock));
    page->busy = false;
    if (page->wanted) {
        page->wanted = false;
        thread_wakeup(page);
    }
}

bool vm_page_modified(struct vm_page *page)
{
    assert(spinlock_held(&page->object->lock));
    return page->dirty || (page->frame != NULL && (pmap_frame_bits(page->frame) & PMAP_MODIFIED) != 0);
}
