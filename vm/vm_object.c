/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects: their life, and operations on many of their pages. Copies, shadows and collapsing are in vm_shadow.c.
 *
 * The end of an anonymous object ends a reference to its shadow, which may be the last, and so on: vm_object_drop is a
 * loop down the chain. Pages are freed in pieces, so that others run between. All mappings of an object that has no user
 * left are gone: maps remove them before they give their reference up.
 */
#include "vm/vm_object.h"

#include "kernel/panic.h"
#include "kernel/thread.h"

/* Pages freed with the object locked, before others may run: about a tenth of a millisecond. */
#define VM_OBJECT_PIECE 128u

struct kmem_cache vm_object_cache;
unsigned int vm_object_count;

void vm_object_init(void)
{
    kmem_cache_init(&vm_object_cache, "vm_object", sizeof(struct vm_object), 0);
}

struct vm_object *vm_object_create(uint32_t nr_pages, enum alloc how)
{
    struct vm_object *object = kmem_cache_alloc(&vm_object_cache, how);
    if (object == NULL)
        return NULL;
    *object = (struct vm_object){
        .ops = &vm_object_anonymous_ops,
        .refs = 1,
        .nr_pages = nr_pages,
        .copy_strategy = MEMORY_OBJECT_COPY_NONE, /* of internal objects it is not asked */
        .alive = true,
        .internal = true,
        .temporary = true,
    };
    spinlock_init(&object->lock, LOCK_RANK_OBJECT);
    rbtree_init(&object->pages);
    list_init(&object->shadowers);
    list_node_init(&object->shadow_node);
    __atomic_add_fetch(&vm_object_count, 1, __ATOMIC_RELAXED);
    return object;
}

void vm_object_free(struct vm_object *object)
{
    assert(object->refs == 0 && object->shadow == NULL && list_empty(&object->shadowers));
    assert(rbtree_empty(&object->pages) && object->nr_resident == 0);
    __atomic_sub_fetch(&vm_object_count, 1, __ATOMIC_RELAXED);
    kmem_cache_free(&vm_object_cache, object);
}

/* ---- references ---- */

void vm_object_ref(struct vm_object *object)
{
    vm_object_lock(object);
    assert(object->refs > 0);
    object->refs++;
    vm_object_unlock(object);
}

void vm_object_ref_split(struct vm_object *object)
{
    vm_object_lock(object);
    assert(object->refs > 0);
    object->refs++;
    object->splits++;
    vm_object_unlock(object);
}

/* The object that shadows object and is its only user, with a reference, or NULL. object is locked; so the order is
 * wrong for a lock, and one that is busy is left alone: its next fault will collapse it. */
static struct vm_object *vm_object_lone_shadower(struct vm_object *object)
{
    struct vm_object *shadower = list_first(&object->shadowers, struct vm_object, shadow_node);

    if (object->refs != 1 || object->pager != NULL || shadower == NULL || !spinlock_try_lock(&shadower->lock))
        return NULL;
    if (shadower->refs > 0)
        shadower->refs++;
    bool lives = shadower->refs > 1;
    vm_object_unlock(shadower);
    return lives ? shadower : NULL;
}

static void vm_object_drop(struct vm_object *object, bool split)
{
    while (object != NULL) {
        vm_object_lock(object);
        assert(object->refs > 0);
        if (split && object->splits > 0)
            object->splits--;
        if (--object->refs > 0) {
            struct vm_object *shadower = vm_object_lone_shadower(object);
            vm_object_unlock(object);
            if (shadower != NULL)
                vm_object_collapse(shadower);
            object = shadower; /* whose reference, a passing one, goes in its turn */
            split = false;
            continue;
        }
        split = true; /* the shadow's reference may once have been a split entry's */
        bool paged = object->pager != NULL; /* such an object may be mapped again through its port */
        vm_object_unlock(object);
        struct vm_object *shadow = paged ? NULL : vm_object_leave_shadow(object);
        object->ops->end(object);
        object = shadow;
    }
}

void vm_object_unref(struct vm_object *object)
{
    vm_object_drop(object, false);
}

void vm_object_unref_split(struct vm_object *object)
{
    vm_object_drop(object, true);
}

/* ---- the anonymous kind ---- */

static void vm_object_anonymous_end(struct vm_object *object)
{
    vm_object_lock(object);
    object->alive = false;
    while (vm_object_free_some_pages(object, VM_OBJECT_PIECE)) {
        vm_object_unlock(object);
        preempt_point();
        vm_object_lock(object);
    }
    vm_object_unlock(object);
    vm_object_free(object);
}

const struct vm_object_ops vm_object_anonymous_ops = {
    .name = "anonymous",
    .end = vm_object_anonymous_end,
};

/* ---- many pages ---- */

static void vm_object_tell_gone(struct vm_object *object, unsigned int count)
{
    if (count > 0 && object->ops->pages_gone != NULL)
        object->ops->pages_gone(object, count);
}

bool vm_object_free_some_pages(struct vm_object *object, unsigned int most)
{
    struct rbtree_node *node = object->pages.root;
    struct vm_page_batch batch;
    unsigned int held = 0;

    assert(spinlock_held(&object->lock) && !object->alive);
    vm_page_batch_init(&batch);
    object->last_found = NULL;
    /* Leaves first, without rebalancing: nothing will be inserted any more. */
    while (node != NULL && most > 0) {
        if (node->child[0] != NULL || node->child[1] != NULL) {
            node = node->child[node->child[0] == NULL];
            continue;
        }
        struct vm_page *page = rbtree_entry(node, struct vm_page, node);
        struct rbtree_node *parent = (struct rbtree_node *)(node->parent_color & ~(uintptr_t)1);
        if (parent != NULL)
            parent->child[parent->child[1] == node] = NULL;
        else
            object->pages.root = NULL;
        node = parent;
        if (page->queue != VM_PAGE_NOT_QUEUED)
            vm_page_unqueue(page);
        else
            list_remove(&page->queue_node);
        if (page->wire_count != 0)
            object->nr_wired--;
        object->nr_resident--;
        held += page->frame != NULL;
        if (page->wanted)
            thread_wakeup(page);
        page->object = NULL;
        vm_page_batch_destroy(&batch, page);
        most--;
    }
    vm_page_batch_finish(&batch);
    vm_object_tell_gone(object, held);
    return !rbtree_empty(&object->pages);
}

void vm_object_free_pages(struct vm_object *object)
{
    vm_object_free_some_pages(object, UINT32_MAX);
}

/* Frees the pages of object, locked, in the range. */
static void vm_object_forget_pages(struct vm_object *object, uint32_t index, uint32_t nr_pages)
{
    struct vm_page *page = vm_page_lookup_from(object, index), *next;
    struct vm_page_batch batch;
    unsigned int held = 0;

    vm_page_batch_init(&batch);
    for (; page != NULL && page->index - index < nr_pages; page = next) {
        next = vm_page_next(page);
        if (page->busy || page->wire_count != 0)
            continue;
        held += page->frame != NULL;
        vm_page_remove(page);
        vm_page_batch_destroy(&batch, page);
    }
    vm_page_batch_finish(&batch);
    vm_object_tell_gone(object, held);
}

void vm_object_forget_range(struct vm_object *object, uint32_t index, uint32_t nr_pages)
{
    while (nr_pages > 0) {
        uint32_t piece = MIN(nr_pages, 8 * VM_OBJECT_PIECE), at = index;
        struct vm_object *here = object;

        vm_object_lock(here);
        /* A last reference will end the object as a whole. A manager's data is not the mapping's to forget. */
        bool may = here->refs > 1 && vm_object_sole_user(here) && here->pager == NULL && here->internal &&
                   here->copy == NULL;
        bool any = may;
        while (may) {
            vm_object_forget_pages(here, at, piece);
            struct vm_object *shadow = here->shadow;
            if (shadow == NULL)
                break;
            at += here->shadow_index;
            spinlock_lock_nested(&shadow->lock);
            vm_object_unlock(here);
            here = shadow;
            may = here->refs == 1 && here->pager == NULL && here->internal && here->copy == NULL;
        }
        vm_object_unlock(here);
        if (!any)
            return;
        index += piece;
        nr_pages -= piece;
        preempt_point();
    }
}

void vm_object_pmap_protect(struct vm_object *object, uint32_t index, uint32_t nr_pages, vm_prot_t prot)
{
    struct vm_page *page = vm_page_lookup_from(object, index);
    struct pmap_batch batch;

    pmap_batch_init(&batch);
    for (; page != NULL && page->index - index < nr_pages; page = vm_page_next(page)) {
        if (page->frame == NULL)
            continue;
        if (prot == VM_PROT_NONE)
            pmap_frame_unmap(page->frame, &batch);
        else if ((prot & VM_PROT_WRITE) == 0)
            pmap_frame_write_protect(page->frame, &batch);
    }
    pmap_batch_flush(&batch);
}

void vm_object_check(struct vm_object *object)
{
    uint32_t nr_resident = 0, nr_wired = 0;
    struct vm_page *page, *last = NULL;
    bool hint_found = object->last_found == NULL;

    assert(spinlock_held(&object->lock));
    for (page = vm_page_lookup_from(object, 0); page != NULL; page = vm_page_next(page)) {
        if (page->object != object || (last != NULL && last->index >= page->index))
            panic("object %p: page %p at %u is out of order", (void *)object, (void *)page, page->index);
        if (page->frame == NULL && !page->absent && !page->error)
            panic("object %p: page %u has no frame", (void *)object, page->index);
        if (page->frame != NULL && (page->frame->nr_holders == 0 || page->frame->state != VM_FRAME_OBJECT))
            panic("object %p: page %u has frame %u, which is not held", (void *)object, page->index,
                  vm_frame_number(page->frame));
        if (page->wire_count != 0 && page->queue != VM_PAGE_NOT_QUEUED)
            panic("object %p: wired page %u is on queue %u", (void *)object, page->index, page->queue);
        hint_found |= page == object->last_found;
        nr_resident++;
        nr_wired += page->wire_count != 0;
        last = page;
    }
    if (nr_resident != object->nr_resident || nr_wired != object->nr_wired || !hint_found)
        panic("object %p: %u pages (%u wired) are counted as %u (%u)", (void *)object, nr_resident, nr_wired,
              object->nr_resident, object->nr_wired);
}
