/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated MMU's tables, and pmaps.
 *
 * Tables have two levels, in frames of the simulated memory, so that making one can fail and counts as it does on a
 * real machine. An entry is a frame's number above its bits. A directory covers user addresses only: kernel memory is the
 * host's, and nothing is ever entered in kernel_pmap.
 *
 * The first mapping of a frame is in the frame's record, further ones in a list behind it, which takes memory. A table
 * counts its entries in its frame's record (wired_maps) and goes back at once when it has none, unless it is reserved
 * (pmap_bits); it is found by the directory alone, since the TLB holds no directory entries.
 *
 * Every change that takes rights away, of a mapping that may have been used, needs a flush, whichever thread runs: the
 * TLB is tagged, as if each pmap were loaded on some processor all the time.
 */
#include <string.h>

#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "mmu.h"
#include "sim.h"
#include "vm/vm_frame.h"

#define SIM_TABLE_RESERVED 0x80 /* of a table's frame's pmap_bits */

_Static_assert(SIM_PTE_REFERENCED >> 2 == PMAP_REFERENCED && SIM_PTE_MODIFIED >> 2 == PMAP_MODIFIED, "shifted");
#define SIM_PTE_USED ((uint32_t)(SIM_PTE_REFERENCED | SIM_PTE_MODIFIED))

static struct spinlock sim_mmu_lock = SPINLOCK_INIT(LOCK_RANK_PV, "sim_mmu"); /* V */
static struct kmem_cache sim_pmap_cache, sim_pv_cache;
static struct pmap sim_kernel_pmap;
struct pmap *const kernel_pmap = &sim_kernel_pmap;
static unsigned int sim_nr_pmaps;

void sim_mmu_init(void)
{
    kmem_cache_init(&sim_pmap_cache, "pmap", sizeof(struct pmap), 0);
    kmem_cache_init(&sim_pv_cache, "pmap_pv", sizeof(struct pmap_pv), 0);
}

/* ---- pmaps ---- */

struct pmap *pmap_create(void)
{
    struct pmap *pmap;

    if (sim_fault(SIM_FAULT_ALLOC))
        return NULL;
    pmap = kmem_cache_alloc(&sim_pmap_cache, ALLOC_ORDINARY | ALLOC_SLEEP);
    if (pmap == NULL)
        return NULL;
    pmap->directory = vm_frame_alloc_kernel(0, ALLOC_ORDINARY | ALLOC_SLEEP | ALLOC_ZEROED);
    if (pmap->directory == NULL) {
        kmem_cache_free(&sim_pmap_cache, pmap);
        return NULL;
    }
    pmap->id = ++sim_nr_pmaps;
    pmap->nr_resident = 0;
    pmap->nr_tables = 0;
    return pmap;
}

void pmap_destroy(struct pmap *pmap)
{
    sim_check(pmap != kernel_pmap);
    pmap_remove(pmap, 0, MACHINE_USER_END);
    sim_check(pmap->nr_resident == 0 && pmap->nr_tables == 0);
    sim_tlb_flush_pmap(pmap);
    vm_frame_free_kernel(pmap->directory, 0);
    kmem_cache_free(&sim_pmap_cache, pmap);
}

unsigned int pmap_resident_count(const struct pmap *pmap)
{
    return pmap->nr_resident;
}

unsigned int sim_mmu_id(const struct pmap *pmap)
{
    return pmap->id;
}

/* ---- tables ---- */

static inline unsigned int sim_table_index(uintptr_t va)
{
    return va >> SIM_TABLE_SHIFT;
}

static inline uint32_t *sim_entry(const struct pmap *pmap, uintptr_t va)
{
    uint32_t *table = pmap->directory[sim_table_index(va)];

    return table == NULL ? NULL : &table[(va >> PAGE_SHIFT) % SIM_ENTRIES];
}

const uint32_t *sim_mmu_entry(const struct pmap *pmap, uintptr_t va)
{
    return pmap->directory == NULL || va >= MACHINE_USER_END ? NULL : sim_entry(pmap, va);
}

static struct vm_frame *sim_table_frame(const uint32_t *table)
{
    return vm_frame_of_phys(machine_virt_to_phys(table));
}

static inline struct vm_frame *sim_entry_frame(uint32_t entry)
{
    return &vm_frames[entry >> PAGE_SHIFT];
}

static enum alloc sim_mmu_level(enum pmap_flags flags)
{
    if (flags & PMAP_NOSLEEP_DAEMON)
        return ALLOC_DAEMON | ALLOC_NOSLEEP;
    return ((flags & PMAP_PRIVILEGED) ? ALLOC_PRIVILEGED : ALLOC_ORDINARY) | ALLOC_NOSLEEP;
}

static bool sim_table_make(struct pmap *pmap, uintptr_t va, enum pmap_flags flags)
{
    uint32_t *table = pmap->directory[sim_table_index(va)];

    if (table != NULL)
        return true;
    table = vm_frame_alloc_kernel(0, sim_mmu_level(flags) | ALLOC_ZEROED);
    if (table == NULL)
        return false;
    pmap->directory[sim_table_index(va)] = table;
    pmap->nr_tables++;
    return true;
}

/* Gives the table for va back if it has no entry. */
static void sim_table_spare(struct pmap *pmap, uintptr_t va)
{
    uint32_t *table = pmap->directory[sim_table_index(va)];
    struct vm_frame *frame = sim_table_frame(table);

    if (frame->wired_maps != 0 || (frame->pmap_bits & SIM_TABLE_RESERVED) != 0)
        return;
    pmap->directory[sim_table_index(va)] = NULL;
    pmap->nr_tables--;
    vm_frame_free_kernel(table, 0);
}

static uintptr_t sim_table_end(uintptr_t va, uintptr_t end)
{
    uintptr_t next = (va | ((1u << SIM_TABLE_SHIFT) - 1)) + 1;

    return MIN(next, end);
}

kern_return_t pmap_reserve(struct pmap *pmap, uintptr_t start, uintptr_t end, enum pmap_flags flags)
{
    kern_return_t result = KERN_SUCCESS;

    sim_check(page_aligned(start) && page_aligned(end) && start <= end && end <= MACHINE_USER_END);
    spinlock_lock(&sim_mmu_lock);
    for (uintptr_t va = start; va < end && result == KERN_SUCCESS; va = sim_table_end(va, end)) {
        if (sim_table_make(pmap, va, flags))
            sim_table_frame(pmap->directory[sim_table_index(va)])->pmap_bits |= SIM_TABLE_RESERVED;
        else
            result = KERN_RESOURCE_SHORTAGE;
    }
    spinlock_unlock(&sim_mmu_lock);
    return result;
}

/* ---- the reverse map ---- */

static bool sim_pv_insert(struct vm_frame *frame, struct pmap *pmap, uintptr_t va, enum pmap_flags flags)
{
    struct pmap_pv *pv;

    if (frame->pv_pmap == NULL) {
        frame->pv_pmap = pmap;
        frame->pv_va = va;
        return true;
    }
    pv = kmem_cache_alloc(&sim_pv_cache, sim_mmu_level(flags));
    if (pv == NULL)
        return false;
    *pv = (struct pmap_pv){.pmap = pmap, .va = va, .next = frame->pv_more};
    frame->pv_more = pv;
    return true;
}

static void sim_pv_remove(struct vm_frame *frame, struct pmap *pmap, uintptr_t va)
{
    struct pmap_pv **link = &frame->pv_more, *pv;

    if (frame->pv_pmap == pmap && frame->pv_va == va) {
        pv = frame->pv_more;
        frame->pv_pmap = pv == NULL ? NULL : pv->pmap;
        frame->pv_va = pv == NULL ? 0 : pv->va;
    } else {
        while ((pv = *link) != NULL && (pv->pmap != pmap || pv->va != va))
            link = &pv->next;
        sim_check(pv != NULL);
    }
    if (pv != NULL) {
        *link = pv->next;
        kmem_cache_free(&sim_pv_cache, pv);
    }
}

/* Collects an address of which the TLB may hold a translation. Tables are tagged: pages of several pmaps are all flushed. */
static void sim_batch_add(struct pmap_batch *batch, uintptr_t va)
{
    if (batch->nr_pages < PMAP_BATCH_PAGES)
        batch->pages[batch->nr_pages++] = va;
    else
        batch->all = true;
}

/* Ends the mapping *entry; the reverse map, the table and the flush are the caller's. Returns what it was. */
static uint32_t sim_entry_clear(struct pmap *pmap, uintptr_t va, uint32_t *entry, struct pmap_batch *batch)
{
    uint32_t old = *entry;
    struct vm_frame *frame = sim_entry_frame(old);

    *entry = 0;
    frame->pmap_bits |= (uint8_t)((old & SIM_PTE_USED) >> 2);
    if (old & SIM_PTE_WIRED) {
        sim_check(frame->wired_maps != 0);
        frame->wired_maps--;
    }
    pmap->nr_resident--;
    sim_table_frame(pmap->directory[sim_table_index(va)])->wired_maps--;
    if (old & SIM_PTE_REFERENCED)
        sim_batch_add(batch, va);
    return old;
}

/* ---- entering ---- */

/* The same frame again: rights and wiring change, what was noted stays. */
static void sim_enter_again(uint32_t *entry, uint32_t wanted)
{
    uint32_t old = *entry;
    struct vm_frame *frame = sim_entry_frame(old);

    if ((old ^ wanted) & SIM_PTE_WIRED) {
        sim_check((wanted & SIM_PTE_WIRED) || frame->wired_maps != 0);
        frame->wired_maps = (uint16_t)(frame->wired_maps + ((wanted & SIM_PTE_WIRED) ? 1 : -1));
    }
    *entry = wanted | (old & SIM_PTE_USED);
}

kern_return_t pmap_enter(struct pmap *pmap, uintptr_t va, struct vm_frame *frame, vm_prot_t prot, enum pmap_flags flags)
{
    uint32_t wanted = ((uint32_t)vm_frame_number(frame) << PAGE_SHIFT) | SIM_PTE_VALID;
    struct vm_frame *other = NULL;
    struct pmap_batch batch;
    uint32_t *entry;

    sim_check(page_aligned(va) && va < MACHINE_USER_END && prot != VM_PROT_NONE && pmap != kernel_pmap);
    sim_check(frame->state == VM_FRAME_OBJECT);
    wanted |= ((prot & VM_PROT_WRITE) ? SIM_PTE_WRITE : 0) | ((flags & PMAP_WIRED) ? SIM_PTE_WIRED : 0) |
              ((flags & PMAP_USED) ? SIM_PTE_REFERENCED : 0);
    pmap_batch_init(&batch);
    spinlock_lock(&sim_mmu_lock);
    if (!sim_table_make(pmap, va, flags)) {
        spinlock_unlock(&sim_mmu_lock);
        return KERN_RESOURCE_SHORTAGE;
    }
    entry = sim_entry(pmap, va);
    if ((*entry & SIM_PTE_VALID) && sim_entry_frame(*entry) == frame) {
        sim_batch_add(&batch, va);
        sim_enter_again(entry, wanted);
    } else if (!sim_pv_insert(frame, pmap, va, flags)) {
        sim_table_spare(pmap, va);
        spinlock_unlock(&sim_mmu_lock);
        return KERN_RESOURCE_SHORTAGE;
    } else {
        if (*entry & SIM_PTE_VALID) {
            other = sim_entry_frame(sim_entry_clear(pmap, va, entry, &batch));
            sim_pv_remove(other, pmap, va);
        }
        *entry = wanted;
        pmap->nr_resident++;
        sim_table_frame(pmap->directory[sim_table_index(va)])->wired_maps++;
        frame->wired_maps = (uint16_t)(frame->wired_maps + ((wanted & SIM_PTE_WIRED) != 0));
    }
    pmap_batch_flush(&batch);
    spinlock_unlock(&sim_mmu_lock);
    return KERN_SUCCESS;
}

/* ---- ranges ---- */

static void sim_remove_in_table(struct pmap *pmap, uintptr_t va, uintptr_t end, struct pmap_batch *batch)
{
    uint32_t *table = pmap->directory[sim_table_index(va)];
    struct vm_frame *table_frame = sim_table_frame(table);
    uintptr_t first = va;

    for (; va < end && table_frame->wired_maps != 0; va += PAGE_SIZE) {
        uint32_t *entry = sim_entry(pmap, va);

        if (*entry & SIM_PTE_VALID)
            sim_pv_remove(sim_entry_frame(sim_entry_clear(pmap, va, entry, batch)), pmap, va);
    }
    if (table_frame->wired_maps == 0)
        table_frame->pmap_bits &= (uint8_t)~SIM_TABLE_RESERVED;
    sim_table_spare(pmap, first);
}

void pmap_remove(struct pmap *pmap, uintptr_t start, uintptr_t end)
{
    struct pmap_batch batch;
    uintptr_t next;

    sim_check(page_aligned(start) && page_aligned(end) && end <= MACHINE_USER_END && pmap != kernel_pmap);
    pmap_batch_init(&batch);
    spinlock_lock(&sim_mmu_lock);
    for (uintptr_t va = start; va < end; va = next) {
        next = sim_table_end(va, end);
        if (pmap->directory[sim_table_index(va)] != NULL)
            sim_remove_in_table(pmap, va, next, &batch);
    }
    spinlock_unlock(&sim_mmu_lock);
    pmap_batch_flush(&batch);
}

void pmap_protect(struct pmap *pmap, uintptr_t start, uintptr_t end, vm_prot_t prot)
{
    struct pmap_batch batch;
    uint32_t *entry;

    sim_check(page_aligned(start) && page_aligned(end) && end <= MACHINE_USER_END && pmap != kernel_pmap);
    if (prot == VM_PROT_NONE)
        pmap_remove(pmap, start, end);
    if (prot == VM_PROT_NONE || (prot & VM_PROT_WRITE))
        return;
    pmap_batch_init(&batch);
    spinlock_lock(&sim_mmu_lock);
    for (uintptr_t va = start; va < end;) {
        entry = sim_entry(pmap, va);
        if (entry != NULL && (*entry & SIM_PTE_WRITE)) {
            *entry &= ~(uint32_t)SIM_PTE_WRITE;
            sim_batch_add(&batch, va);
        }
        va = entry != NULL ? va + PAGE_SIZE : sim_table_end(va, end);
    }
    spinlock_unlock(&sim_mmu_lock);
    pmap_batch_flush(&batch);
}

struct vm_frame *pmap_extract(struct pmap *pmap, uintptr_t va)
{
    const uint32_t *entry = sim_mmu_entry(pmap, va);

    return entry != NULL && (*entry & SIM_PTE_VALID) ? sim_entry_frame(*entry) : NULL;
}

/* ---- all mappings of a frame ---- */

void pmap_batch_init(struct pmap_batch *batch)
{
    batch->nr_pages = 0;
    batch->all = false;
}

void pmap_batch_flush(struct pmap_batch *batch)
{
    if (batch->all)
        sim_tlb_flush_all();
    for (unsigned int i = 0; i < batch->nr_pages; i++)
        sim_tlb_flush(batch->pages[i]);
    pmap_batch_init(batch);
}

/* Ends one mapping of frame, unless it is wired. */
static void sim_frame_unmap_one(struct vm_frame *frame, struct pmap *pmap, uintptr_t va, struct pmap_batch *batch)
{
    uint32_t *entry = sim_entry(pmap, va);

    sim_check(entry != NULL && (*entry & SIM_PTE_VALID) && sim_entry_frame(*entry) == frame);
    if (*entry & SIM_PTE_WIRED)
        return;
    (void)sim_entry_clear(pmap, va, entry, batch);
    sim_pv_remove(frame, pmap, va);
    sim_table_spare(pmap, va);
}

/* Further mappings first: the end of the first one moves another into the record. */
void pmap_frame_unmap(struct vm_frame *frame, struct pmap_batch *batch)
{
    struct pmap_pv *pv, *next;

    spinlock_lock(&sim_mmu_lock);
    for (pv = frame->pv_more; pv != NULL; pv = next) {
        next = pv->next;
        sim_frame_unmap_one(frame, pv->pmap, pv->va, batch);
    }
    if (frame->pv_pmap != NULL)
        sim_frame_unmap_one(frame, frame->pv_pmap, frame->pv_va, batch);
    spinlock_unlock(&sim_mmu_lock);
}

/* Takes bits from all entries of a frame. */
static void sim_frame_clear(struct vm_frame *frame, uint32_t bits, struct pmap_batch *batch)
{
    struct pmap_pv first = {.pmap = frame->pv_pmap, .va = frame->pv_va, .next = frame->pv_more};

    if (frame->pv_pmap == NULL)
        return;
    for (const struct pmap_pv *pv = &first; pv != NULL; pv = pv->next) {
        uint32_t *entry = sim_entry(pv->pmap, pv->va);

        if (*entry & bits) {
            *entry &= ~bits;
            sim_batch_add(batch, pv->va);
        }
    }
}

void pmap_frame_write_protect(struct vm_frame *frame, struct pmap_batch *batch)
{
    spinlock_lock(&sim_mmu_lock);
    sim_frame_clear(frame, SIM_PTE_WRITE, batch);
    spinlock_unlock(&sim_mmu_lock);
}

bool pmap_frame_mapped(const struct vm_frame *frame)
{
    return frame->pv_pmap != NULL;
}

enum pmap_bits pmap_frame_bits(const struct vm_frame *frame)
{
    struct pmap_pv first = {.pmap = frame->pv_pmap, .va = frame->pv_va, .next = frame->pv_more};
    uint32_t bits = frame->pmap_bits;

    if (frame->pv_pmap == NULL)
        return bits;
    for (const struct pmap_pv *pv = &first; pv != NULL; pv = pv->next)
        bits |= (*sim_entry(pv->pmap, pv->va) & SIM_PTE_USED) >> 2;
    return bits;
}

void pmap_frame_clear_bits(struct vm_frame *frame, enum pmap_bits bits, struct pmap_batch *batch)
{
    spinlock_lock(&sim_mmu_lock);
    frame->pmap_bits &= (uint8_t)~bits;
    sim_frame_clear(frame, (uint32_t)bits << 2, batch);
    spinlock_unlock(&sim_mmu_lock);
}

/* ---- the processor's part ---- */

uint32_t sim_mmu_walk(struct pmap *pmap, uintptr_t va, bool write)
{
    uint32_t *entry = pmap->directory == NULL || va >= MACHINE_USER_END ? NULL : sim_entry(pmap, va);

    if (entry == NULL || !(*entry & SIM_PTE_VALID) || (write && !(*entry & SIM_PTE_WRITE)))
        return 0;
    *entry |= write ? SIM_PTE_REFERENCED | SIM_PTE_MODIFIED : SIM_PTE_REFERENCED;
    return *entry;
}
