/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TLB: translations that the processor has used, kept until they are flushed.
 *
 * A hit is used whatever the tables say by now, and held against them: a translation that the tables no longer back means
 * that a flush is missing, and is reported where it is used. Entries that wait for a flush are legal inside a batch only,
 * and nothing sleeps there, so every switch and every return to user mode looks for them too.
 *
 * Referenced bits are let off: a processor that does not note a reference again does no harm but to the choice of
 * victims. A modified bit that would not be noted again loses data.
 */
#include "kernel/machine.h"
#include "sim.h"
#include "vm/vm_frame.h"

/* Few, so that the look at all of them is cheap; pages of different pmaps at one address are in different places. */
#define SIM_TLB_SIZE 32u
#define SIM_TLB_SPREAD 7u

struct sim_tlb_entry {
    const struct pmap *pmap;    /* NULL: unused */
    uintptr_t va;
    uint32_t entry;             /* as it was when it was read */
};

static struct sim_tlb_entry sim_tlb[SIM_TLB_SIZE];

static struct sim_tlb_entry *sim_tlb_slot(const struct pmap *pmap, uintptr_t va)
{
    return &sim_tlb[((va >> PAGE_SHIFT) + sim_mmu_id(pmap) * SIM_TLB_SPREAD) % SIM_TLB_SIZE];
}

/* Whether the tables still allow what the kept translation allows. */
static bool sim_tlb_backed(const struct sim_tlb_entry *kept)
{
    const uint32_t *entry = sim_mmu_entry(kept->pmap, kept->va);
    uint32_t rights = SIM_PTE_VALID | SIM_PTE_WRITE;

    if (entry == NULL || ((*entry ^ kept->entry) >> PAGE_SHIFT) != 0)
        return false;
    /* A translation for reading alone is walked again by the first write. */
    if (kept->entry & SIM_PTE_MODIFIED)
        rights |= SIM_PTE_MODIFIED;
    else
        rights = SIM_PTE_VALID;
    return (kept->entry & rights & ~*entry) == 0;
}

static void sim_tlb_stale(const struct sim_tlb_entry *kept, const char *what)
{
    const uint32_t *entry = sim_mmu_entry(kept->pmap, kept->va);

    sim_fail("%s: the TLB has %#x for page %#lx of pmap %u, the tables have %#x: a flush is missing", what, kept->entry,
             (unsigned long)kept->va, sim_mmu_id(kept->pmap), entry == NULL ? 0 : *entry);
}

void sim_tlb_check(void)
{
    for (unsigned int i = 0; i < SIM_TLB_SIZE; i++) {
        if (sim_tlb[i].pmap != NULL && !sim_tlb_backed(&sim_tlb[i]))
            sim_tlb_stale(&sim_tlb[i], "at a switch");
    }
}

void sim_tlb_flush(uintptr_t va)
{
    for (unsigned int i = 0; i < SIM_TLB_SIZE; i++) {
        if (sim_tlb[i].va == va)
            sim_tlb[i].pmap = NULL;
    }
}

void sim_tlb_flush_pmap(const struct pmap *pmap)
{
    for (unsigned int i = 0; i < SIM_TLB_SIZE; i++) {
        if (sim_tlb[i].pmap == pmap)
            sim_tlb[i].pmap = NULL;
    }
}

void sim_tlb_flush_all(void)
{
    for (unsigned int i = 0; i < SIM_TLB_SIZE; i++)
        sim_tlb[i].pmap = NULL;
}

void *sim_tlb_access(struct pmap *pmap, uintptr_t va, bool write)
{
    uintptr_t page = page_trunc(va);
    struct sim_tlb_entry *kept = sim_tlb_slot(pmap, page);
    struct vm_frame *frame;

    if (kept->pmap == pmap && kept->va == page && (!write || (kept->entry & SIM_PTE_MODIFIED))) {
        if (!sim_tlb_backed(kept))
            sim_tlb_stale(kept, write ? "a write" : "a read");
    } else {
        uint32_t entry = sim_mmu_walk(pmap, page, write);

        if (entry == 0)
            return NULL;
        /* Filled by a read, it says nothing of writing: the first write walks the tables and sets the modified bit. */
        *kept = (struct sim_tlb_entry){.pmap = pmap, .va = page,
                                       .entry = write ? entry : entry & ~(uint32_t)SIM_PTE_MODIFIED};
    }
    frame = &vm_frames[kept->entry >> PAGE_SHIFT];
    if (frame->state != VM_FRAME_OBJECT || frame->nr_holders == 0)
        sim_fail("page %#lx of pmap %u is mapped to frame %u, which nothing holds", (unsigned long)page, sim_mmu_id(pmap),
                 vm_frame_number(frame));
    return (char *)sim_frame_bytes(frame) + (va & PAGE_MASK);
}
