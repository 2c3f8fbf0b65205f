/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What pmap.c and pmap_pv.c share: the lock, how an entry is found, and the reverse map.
 *
 * The reverse map says where a frame is mapped. Nearly all frames are mapped once; that mapping is in the frame's record
 * itself (pv_pmap, pv_va). Further ones are records in a list (pv_more), which is empty while pv_pmap is NULL.
 *
 * The record of a frame that is a page table of a pmap's user part uses the same members otherwise:
 *   pv_pmap      the pmap whose table it is
 *   pv_va        the first address that it maps
 *   wired_maps   its valid entries
 *   pmap_bits    PMAP_TABLE_*
 *   node         in pmap_empty_tables
 */
#ifndef I386_PMAP_PV_H
#define I386_PMAP_PV_H

#include "i386/memory.h"
#include "i386/pmap.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "vm/vm_frame.h"

enum pmap_table_flags {
    PMAP_TABLE_EMPTY = 0x80,    /* in pmap_empty_tables, and perhaps in use again */
    PMAP_TABLE_RESERVED = 0x40, /* by pmap_reserve: stays when it is empty */
};

#define PMAP_BITS ((uint8_t)(PMAP_REFERENCED | PMAP_MODIFIED))

extern struct spinlock pmap_lock;
extern struct pmap pmap_kernel;         /* kernel_pmap */
extern struct pmap *pmap_loaded;        /* [V] whose directory is in CR3 */
extern struct list pmap_empty_tables;   /* [V] frames of tables to be given back by the next flush */

void pmap_pv_init(void);

/* Out of line: all but the first mapping of a frame. */
bool pmap_pv_insert_more(struct vm_frame *frame, struct pmap *pmap, uintptr_t va, enum alloc how) __must_check;
void pmap_pv_remove_more(struct vm_frame *frame, struct pmap *pmap, uintptr_t va);

/* Unlinks the tables in pmap_empty_tables that are still empty, and frees them. pmap_lock is held. */
void pmap_tables_give_back(void);

/* The enum pmap_bits of an entry: the hardware has them in the same order. */
_Static_assert(PMAP_PTE_REFERENCED >> 5 == PMAP_REFERENCED && PMAP_PTE_MODIFIED >> 5 == PMAP_MODIFIED, "shifted");
static inline enum pmap_bits pmap_pte_bits(uint32_t pte)
{
    return (pte >> 5) & PMAP_BITS;
}

static inline unsigned int pmap_index(uintptr_t va)
{
    return va >> PMAP_TABLE_SHIFT;
}

/* The entry for va; its table is there. */
static inline uint32_t *pmap_pte(const struct pmap *pmap, uintptr_t va)
{
    uint32_t pde = pmap->directory[pmap_index(va)];

    assert((pde & (PMAP_PTE_VALID | PMAP_PDE_LARGE)) == PMAP_PTE_VALID);
    return (uint32_t *)memory_direct(pde & PMAP_PTE_FRAME) + (va >> PAGE_SHIFT) % PMAP_ENTRIES;
}

/* Whether the TLB may hold entries of pmap. Kernel entries are in it whichever directory is loaded. */
static inline bool pmap_is_loaded(const struct pmap *pmap)
{
    return pmap == pmap_loaded || pmap == &pmap_kernel;
}

/* Enters the mapping in frame's reverse map; false when there is no memory for a record. */
static inline bool pmap_pv_insert(struct vm_frame *frame, struct pmap *pmap, uintptr_t va, enum alloc how)
{
    if (unlikely(frame->pv_pmap != NULL))
        return pmap_pv_insert_more(frame, pmap, va, how);
    frame->pv_pmap = pmap;
    frame->pv_va = va;
    return true;
}

static inline void pmap_pv_remove(struct vm_frame *frame, struct pmap *pmap, uintptr_t va)
{
    if (unlikely(frame->pv_more != NULL)) {
        pmap_pv_remove_more(frame, pmap, va);
        return;
    }
    assert(frame->pv_pmap == pmap && frame->pv_va == va);
    frame->pv_pmap = NULL;
    frame->wired_maps = 0; /* a count that stuck */
}

/* Counts of wired mappings stick at their top: a frame mapped so often is taken for wired until its last mapping goes. */
static inline void pmap_frame_wire(struct vm_frame *frame)
{
    if (frame->wired_maps != UINT16_MAX)
        frame->wired_maps++;
}

static inline void pmap_frame_unwire(struct vm_frame *frame)
{
    assert(frame->wired_maps != 0);
    if (frame->wired_maps != UINT16_MAX)
        frame->wired_maps--;
}

/* Counts an entry of the table for va out. The table of a user address that has none left waits for the next flush. */
static inline void pmap_table_unuse(struct pmap *pmap, uintptr_t va)
{
    if (likely(pmap != &pmap_kernel)) {
        struct vm_frame *table = vm_frame_of_phys(pmap->directory[pmap_index(va)]);

        assert(table->pv_pmap == pmap && table->wired_maps != 0);
        if (--table->wired_maps == 0 && (table->pmap_bits & (PMAP_TABLE_EMPTY | PMAP_TABLE_RESERVED)) == 0) {
            table->pmap_bits |= PMAP_TABLE_EMPTY;
            list_insert_tail(&pmap_empty_tables, &table->node);
        }
    }
}

/*
 * Ends the mapping that *pte, of pmap at va, is: everything but the flush, which is needed when the returned old entry
 * satisfies pmap_needs_flush().
 */
static inline uint32_t pmap_pte_clear(struct pmap *pmap, uintptr_t va, uint32_t *pte, struct vm_frame *frame)
{
    uint32_t old = *pte;

    *pte = 0;
    frame->pmap_bits |= pmap_pte_bits(old);
    if (unlikely(old & PMAP_PTE_WIRED))
        pmap_frame_unwire(frame);
    pmap->nr_resident--;
    pmap_table_unuse(pmap, va);
    return old;
}

/*
 * The processor keeps no translation whose referenced bit is clear. It may keep one whose bit was cleared in a batch
 * that is not flushed yet; that flush is still to come, and until then nothing runs that could use the translation.
 */
static inline bool pmap_needs_flush(const struct pmap *pmap, uint32_t old)
{
    return (old & PMAP_PTE_REFERENCED) != 0 && pmap_is_loaded(pmap);
}

static inline void pmap_batch_add(struct pmap_batch *batch, uintptr_t va)
{
    if (batch->nr_pages < PMAP_BATCH_PAGES)
        batch->pages[batch->nr_pages++] = va;
    else
        batch->all = true;
}

#endif
