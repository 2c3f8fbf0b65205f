/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reverse map: operations on all mappings of a frame, and the flushes that they need.
 *
 * A batch collects the addresses whose translations the processor may hold: those of the loaded directory and of the
 * kernel. Up to PMAP_BATCH_PAGES are flushed one by one, more by a reload of CR3, which spares global translations;
 * mappings in the reverse map are never global, so it reaches all of them.
 *
 * Tables that lost their last entry stay linked until a flush: within a batch the processor may still hold directory
 * entries that name them, and a page that is unmapped here is often mapped again soon. Which flush gives a table back does
 * not matter, since each unlinks and flushes for itself; so they are on one list, not in the batch.
 */
#include "i386/cpu.h"
#include "i386/pmap_pv.h"
#include "kernel/kmem.h"

struct pmap_pv {
    struct pmap *pmap;
    uintptr_t va;
    struct pmap_pv *next;
};

static struct kmem_cache pmap_pv_cache;

void pmap_pv_init(void)
{
    kmem_cache_init(&pmap_pv_cache, "pmap_pv", sizeof(struct pmap_pv), 0);
}

bool pmap_pv_insert_more(struct vm_frame *frame, struct pmap *pmap, uintptr_t va, enum alloc how)
{
    struct pmap_pv *pv = kmem_cache_alloc(&pmap_pv_cache, how | ALLOC_NOSLEEP);

    if (pv == NULL)
        return false;
    pv->pmap = pmap;
    pv->va = va;
    pv->next = frame->pv_more;
    frame->pv_more = pv;
    return true;
}

/* Takes the first record of pv_more out, and makes it the mapping in frame itself. */
static void pmap_pv_promote(struct vm_frame *frame)
{
    struct pmap_pv *pv = frame->pv_more;

    if (pv == NULL) {
        frame->pv_pmap = NULL;
        frame->wired_maps = 0; /* a count that stuck */
        return;
    }
    frame->pv_pmap = pv->pmap;
    frame->pv_va = pv->va;
    frame->pv_more = pv->next;
    kmem_cache_free(&pmap_pv_cache, pv);
}

void pmap_pv_remove_more(struct vm_frame *frame, struct pmap *pmap, uintptr_t va)
{
    struct pmap_pv **link, *pv;

    if (frame->pv_pmap == pmap && frame->pv_va == va) {
        pmap_pv_promote(frame);
        return;
    }
    for (link = &frame->pv_more; (pv = *link)->pmap != pmap || pv->va != va; link = &pv->next)
        assert(pv->next != NULL);
    *link = pv->next;
    kmem_cache_free(&pmap_pv_cache, pv);
}

void pmap_tables_give_back(void)
{
    struct vm_frame *table, *after;
    struct list empty;
    unsigned int count = 0;

    assert(spinlock_held(&pmap_lock));
    list_init(&empty);
    list_for_each_safe(&pmap_empty_tables, table, after, node) {
        list_remove(&table->node);
        table->pmap_bits &= (uint8_t)~PMAP_TABLE_EMPTY;
        if (table->wired_maps != 0 || (table->pmap_bits & PMAP_TABLE_RESERVED) != 0)
            continue; /* in use again */
        table->pv_pmap->directory[pmap_index(table->pv_va)] = 0;
        table->pv_pmap->nr_tables--;
        if (pmap_is_loaded(table->pv_pmap))
            cpu_invlpg(table->pv_va); /* the directory entry, where the processor keeps those too */
        table->pv_pmap = NULL;
        table->pv_va = 0;
        list_insert_tail(&empty, &table->node);
        count++;
    }
    if (count != 0)
        vm_frame_free_list(&empty, count);
}

void pmap_batch_init(struct pmap_batch *batch)
{
    batch->nr_pages = 0;
    batch->all = false;
}

void pmap_batch_flush(struct pmap_batch *batch)
{
    if (batch->all) {
        cpu_set_cr3(cpu_cr3());
    } else {
        for (unsigned int i = 0; i < batch->nr_pages; i++)
            cpu_invlpg(batch->pages[i]);
    }
    pmap_batch_init(batch);
    if (unlikely(!list_empty(&pmap_empty_tables))) {
        spinlock_lock(&pmap_lock);
        pmap_tables_give_back();
        spinlock_unlock(&pmap_lock);
    }
}

/* Ends one mapping of frame unless it is wired; false if it is. Its record in the reverse map is the caller's. */
static bool pmap_pv_unmap(struct vm_frame *frame, struct pmap *pmap, uintptr_t va, struct pmap_batch *batch)
{
    uint32_t *pte = pmap_pte(pmap, va);
    uint32_t old;

    assert((*pte & PMAP_PTE_VALID) != 0 && (*pte & PMAP_PTE_FRAME) == vm_frame_phys(frame));
    if (unlikely(*pte & PMAP_PTE_WIRED))
        return false;
    old = pmap_pte_clear(pmap, va, pte, frame);
    if (pmap_needs_flush(pmap, old))
        pmap_batch_add(batch, va);
    return true;
}

void pmap_frame_unmap(struct vm_frame *frame, struct pmap_batch *batch)
{
    struct pmap_pv **link, *pv;

    if (frame->pv_pmap == NULL)
        return;
    spinlock_lock(&pmap_lock);
    for (link = &frame->pv_more; unlikely((pv = *link) != NULL);) {
        if (pmap_pv_unmap(frame, pv->pmap, pv->va, batch)) {
            *link = pv->next;
            kmem_cache_free(&pmap_pv_cache, pv);
        } else {
            link = &pv->next;
        }
    }
    if (pmap_pv_unmap(frame, frame->pv_pmap, frame->pv_va, batch))
        pmap_pv_promote(frame);
    spinlock_unlock(&pmap_lock);
}

/* Takes bits from one mapping's entry. */
static inline void pmap_pv_clear(const struct pmap *pmap, uintptr_t va, uint32_t bits, struct pmap_batch *batch)
{
    uint32_t *pte = pmap_pte(pmap, va);
    uint32_t old = *pte;

    if ((old & bits) != 0) {
        *pte = old & ~bits;
        if (pmap_needs_flush(pmap, old))
            pmap_batch_add(batch, va);
    }
}

static void pmap_frame_clear(struct vm_frame *frame, uint32_t bits, struct pmap_batch *batch)
{
    assert(spinlock_held(&pmap_lock));
    pmap_pv_clear(frame->pv_pmap, frame->pv_va, bits, batch);
    for (const struct pmap_pv *pv = frame->pv_more; unlikely(pv != NULL); pv = pv->next)
        pmap_pv_clear(pv->pmap, pv->va, bits, batch);
}

void pmap_frame_write_protect(struct vm_frame *frame, struct pmap_batch *batch)
{
    if (frame->pv_pmap == NULL)
        return;
    spinlock_lock(&pmap_lock);
    pmap_frame_clear(frame, PMAP_PTE_WRITE, batch);
    spinlock_unlock(&pmap_lock);
}

void pmap_frame_clear_bits(struct vm_frame *frame, enum pmap_bits bits, struct pmap_batch *batch)
{
    spinlock_lock(&pmap_lock);
    frame->pmap_bits &= (uint8_t)~(bits & PMAP_BITS);
    if (frame->pv_pmap != NULL)
        pmap_frame_clear(frame, (uint32_t)(bits & PMAP_BITS) << 5, batch);
    spinlock_unlock(&pmap_lock);
}

bool pmap_frame_mapped(const struct vm_frame *frame)
{
    return frame->pv_pmap != NULL;
}

enum pmap_bits pmap_frame_bits(const struct vm_frame *frame)
{
    unsigned int bits = frame->pmap_bits & PMAP_BITS;

    if (frame->pv_pmap == NULL || bits == PMAP_BITS)
        return bits;
    spinlock_lock(&pmap_lock);
    bits |= pmap_pte_bits(*pmap_pte(frame->pv_pmap, frame->pv_va));
    for (const struct pmap_pv *pv = frame->pv_more; unlikely(pv != NULL) && bits != PMAP_BITS; pv = pv->next)
        bits |= pmap_pte_bits(*pmap_pte(pv->pmap, pv->va));
    spinlock_unlock(&pmap_lock);
    return bits;
}
