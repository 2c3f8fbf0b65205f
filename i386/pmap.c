/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables: two levels, of the directly mapped zone.
 *
 * One lock covers all pmaps and the reverse map. Operations come from both sides, from a pmap to frames (enter, remove)
 * and from a frame to pmaps (unmap); two levels of locks would need an order that one side has to break by trying and
 * retrying. On one processor, where the kernel is not preempted, a lock is a mark anyway. Several processors would want
 * a lock a pmap and an exchange wherever an entry's referenced and modified bits are taken (pmap_pte_clear and the like);
 * now the processor that sets them is the one that runs this code, so plain loads and stores lose nothing.
 *
 * The kernel's directory entries are the same everywhere. All tables of the direct map and the windows are there from
 * boot. A table for kernel virtual memory is made when an address in it is first needed and then entered in every
 * directory at once, found by the list of all pmaps: at most 60 times in the kernel's life, since these tables are never
 * given back. Filling directories in by faults, as is often done, cannot work here: a kernel stack may lie in such a
 * table, and a fault on the running stack has no place to push its frame to.
 *
 * A user table counts its entries in the record of its own frame (pmap_pv.h) and is given back, when it has none, by
 * the flush that follows: pmap_remove's own or a batch's.
 *
 * Flushes: see pmap_pv.c. Adding a mapping where none was needs none.
 */
#include "i386/pmap.h"

#include "i386/cpu.h"
#include "i386/memory.h"
#include "i386/pmap_pv.h"
#include "kernel/kmem.h"
#include "kernel/string.h"

/* Above so many pages, global ones too are flushed all at once: one address costs about as much as refilling ten. */
#define PMAP_KERNEL_FLUSH_PAGES 64u

struct spinlock pmap_lock = SPINLOCK_INIT(LOCK_RANK_PV, "pmap_lock");
struct pmap pmap_kernel;
struct pmap *const kernel_pmap = &pmap_kernel;
struct pmap *pmap_loaded = &pmap_kernel;
struct list pmap_empty_tables = LIST_INIT(pmap_empty_tables);

static struct list pmap_list = LIST_INIT(pmap_list); /* [V] all but kernel_pmap */
static struct kmem_cache pmap_cache;
static enum pmap_pte pmap_global;   /* what entries of kernel virtual memory have: PMAP_PTE_GLOBAL or 0 */

void pmap_init(uint32_t *directory, enum pmap_pte global)
{
    pmap_kernel.directory = directory;
    pmap_kernel.directory_phys = memory_direct_phys(directory);
    pmap_global = global;
    kmem_cache_init(&pmap_cache, "pmap", sizeof(struct pmap), 0);
    pmap_pv_init();
}

void pmap_activate(struct pmap *pmap)
{
    if (pmap == pmap_loaded || pmap == &pmap_kernel)
        return;
    pmap_loaded = pmap;
    cpu_set_cr3(pmap->directory_phys);
}

/* ---- pmaps ---- */

struct pmap *pmap_create(void)
{
    struct pmap *pmap = kmem_cache_alloc(&pmap_cache, ALLOC_ORDINARY | ALLOC_SLEEP);

    if (pmap == NULL)
        return NULL;
    pmap->directory = vm_frame_alloc_kernel(0, ALLOC_ORDINARY | ALLOC_SLEEP);
    if (pmap->directory == NULL) {
        kmem_cache_free(&pmap_cache, pmap);
        return NULL;
    }
    pmap->directory_phys = memory_direct_phys(pmap->directory);
    pmap->nr_resident = 0;
    pmap->nr_tables = 0;
    memset(pmap->directory, 0, PMAP_KERNEL_INDEX * sizeof(uint32_t));
    spinlock_lock(&pmap_lock);
    memcpy(pmap->directory + PMAP_KERNEL_INDEX, pmap_kernel.directory + PMAP_KERNEL_INDEX,
           (PMAP_ENTRIES - PMAP_KERNEL_INDEX) * sizeof(uint32_t));
    list_insert_tail(&pmap_list, &pmap->node);
    spinlock_unlock(&pmap_lock);
    return pmap;
}

void pmap_destroy(struct pmap *pmap)
{
    assert(pmap != &pmap_kernel);
    pmap_remove(pmap, 0, MACHINE_USER_END);
    assert(pmap->nr_resident == 0 && pmap->nr_tables == 0);
    /* A kernel thread may have kept its directory loaded. */
    if (pmap == pmap_loaded) {
        pmap_loaded = &pmap_kernel;
        cpu_set_cr3(pmap_kernel.directory_phys);
    }
    spinlock_lock(&pmap_lock);
    list_remove(&pmap->node);
    spinlock_unlock(&pmap_lock);
    vm_frame_free_kernel(pmap->directory, 0);
    kmem_cache_free(&pmap_cache, pmap);
}

unsigned int pmap_resident_count(const struct pmap *pmap)
{
    return pmap->nr_resident;
}

/* ---- tables ---- */

static inline enum alloc pmap_alloc_level(enum pmap_flags flags)
{
    if (flags & PMAP_NOSLEEP_DAEMON)
        return ALLOC_DAEMON;
    return (flags & PMAP_PRIVILEGED) ? ALLOC_PRIVILEGED : ALLOC_ORDINARY;
}

/* Enters a cleared table for va, which has none. */
static void pmap_table_install(struct pmap *pmap, uintptr_t va, uint32_t *table)
{
    struct vm_frame *frame = vm_frame_of_phys(memory_direct_phys(table));
    unsigned int index = pmap_index(va);
    uint32_t pde = memory_direct_phys(table) | PMAP_PTE_VALID | PMAP_PTE_WRITE;

    assert(spinlock_held(&pmap_lock));
    assert(!(pmap->directory[index] & PMAP_PTE_VALID));
    if (pmap != &pmap_kernel) {
        frame->pv_pmap = pmap;
        frame->pv_va = va & ~(uintptr_t)(PMAP_TABLE_SPAN - 1);
        frame->wired_maps = 0;
        frame->pmap_bits = 0;
        pmap->directory[index] = pde | PMAP_PTE_USER;
        pmap->nr_tables++;
        return;
    }
    pmap_kernel.directory[index] = pde;
    list_for_each(&pmap_list, pmap, node)
        pmap->directory[index] = pde;
}

/* Makes the table for va unless it is there; false when there is no memory. Never sleeps. */
static bool pmap_table_make(struct pmap *pmap, uintptr_t va, enum pmap_flags flags)
{
    uint32_t *table;

    if (pmap->directory[pmap_index(va)] & PMAP_PTE_VALID)
        return true;
    table = vm_frame_alloc_kernel(0, pmap_alloc_level(flags) | ALLOC_NOSLEEP | ALLOC_ZEROED);
    if (table == NULL)
        return false;
    pmap_table_install(pmap, va, table);
    return true;
}

/* Lets the next flush give the table for va back if it is empty, even if it has the flags in regardless. */
static void pmap_table_spare(struct pmap *pmap, uintptr_t va, unsigned int regardless)
{
    struct vm_frame *table = vm_frame_of_phys(pmap->directory[pmap_index(va)]);

    if (pmap == &pmap_kernel || table->wired_maps != 0)
        return;
    table->pmap_bits &= (uint8_t)~regardless;
    if ((table->pmap_bits & (PMAP_TABLE_EMPTY | PMAP_TABLE_RESERVED)) == 0) {
        table->pmap_bits |= PMAP_TABLE_EMPTY;
        list_insert_tail(&pmap_empty_tables, &table->node);
    }
}

/* The first address behind the table for va, or end if that comes before. */
static inline uintptr_t pmap_table_end(uintptr_t va, uintptr_t end)
{
    uintptr_t next = (va | (PMAP_TABLE_SPAN - 1)) + 1;

    return next == 0 || next > end ? end : next;
}

kern_return_t pmap_reserve(struct pmap *pmap, uintptr_t start, uintptr_t end, enum pmap_flags flags)
{
    kern_return_t result = KERN_SUCCESS;

    assert(page_aligned(start) && page_aligned(end));
    spinlock_lock(&pmap_lock);
    for (uintptr_t va = start; va < end; va = pmap_table_end(va, end)) {
        if (!pmap_table_make(pmap, va, flags)) {
            result = KERN_RESOURCE_SHORTAGE;
            break;
        }
        if (pmap != &pmap_kernel)
            vm_frame_of_phys(pmap->directory[pmap_index(va)])->pmap_bits |= PMAP_TABLE_RESERVED;
    }
    spinlock_unlock(&pmap_lock);
    return result;
}

/* ---- entering ---- */

/*
 * Replaces the mapping *pte by one of the same frame: rights and wiring change, what the processor noted stays.
 */
static void pmap_enter_again(struct pmap *pmap, uintptr_t va, uint32_t *pte, struct vm_frame *frame, uint32_t entry)
{
    uint32_t old = *pte;

    if ((entry ^ old) & PMAP_PTE_WIRED) {
        if (entry & PMAP_PTE_WIRED)
            pmap_frame_wire(frame);
        else
            pmap_frame_unwire(frame);
    }
    *pte = entry | (old & (PMAP_PTE_REFERENCED | PMAP_PTE_MODIFIED));
    if (pmap_needs_flush(pmap, old))
        cpu_invlpg(va);
}

/* Replaces the mapping *pte by one of another frame. The table keeps its number of entries. */
static bool pmap_enter_over(struct pmap *pmap, uintptr_t va, uint32_t *pte, struct vm_frame *frame, uint32_t entry,
                            enum alloc how)
{
    uint32_t old = *pte;
    struct vm_frame *old_frame = vm_frame_of_phys(old);

    if (!pmap_pv_insert(frame, pmap, va, how))
        return false;
    *pte = entry;
    old_frame->pmap_bits |= pmap_pte_bits(old);
    if (old & PMAP_PTE_WIRED)
        pmap_frame_unwire(old_frame);
    pmap_pv_remove(old_frame, pmap, va);
    if (entry & PMAP_PTE_WIRED)
        pmap_frame_wire(frame);
    if (pmap_needs_flush(pmap, old))
        cpu_invlpg(va);
    return true;
}

/* Enters a mapping where none is. */
static bool pmap_enter_new(struct pmap *pmap, uintptr_t va, uint32_t *pte, struct vm_frame *frame, uint32_t entry,
                           enum alloc how)
{
    if (!pmap_pv_insert(frame, pmap, va, how))
        return false;
    *pte = entry;
    if (likely(pmap != &pmap_kernel))
        vm_frame_of_phys(pmap->directory[pmap_index(va)])->wired_maps++;
    if (unlikely(entry & PMAP_PTE_WIRED))
        pmap_frame_wire(frame);
    pmap->nr_resident++;
    return true;
}

kern_return_t pmap_enter(struct pmap *pmap, uintptr_t va, struct vm_frame *frame, vm_prot_t prot, enum pmap_flags flags)
{
    uint32_t entry = vm_frame_phys(frame) | PMAP_PTE_VALID;
    bool done = true;
    uint32_t *pte;

    assert(page_aligned(va) && prot != VM_PROT_NONE);
    assert(pmap == &pmap_kernel ? va >= MEMORY_KVA_START && va < MEMORY_KVA_END : va < MACHINE_USER_END);
    assert(frame->state != VM_FRAME_FREE);
    if (prot & VM_PROT_WRITE)
        entry |= PMAP_PTE_WRITE;
    if (flags & PMAP_WIRED)
        entry |= PMAP_PTE_WIRED;
    if (flags & PMAP_USED)
        entry |= PMAP_PTE_REFERENCED;
    if (likely(pmap != &pmap_kernel))
        entry |= PMAP_PTE_USER;

    spinlock_lock(&pmap_lock);
    if (unlikely(!(pmap->directory[pmap_index(va)] & PMAP_PTE_VALID)) && !pmap_table_make(pmap, va, flags)) {
        spinlock_unlock(&pmap_lock);
        return KERN_RESOURCE_SHORTAGE;
    }
    pte = pmap_pte(pmap, va);
    if (likely(!(*pte & PMAP_PTE_VALID)))
        done = pmap_enter_new(pmap, va, pte, frame, entry, pmap_alloc_level(flags));
    else if (((*pte ^ entry) & PMAP_PTE_FRAME) == 0)
        pmap_enter_again(pmap, va, pte, frame, entry);
    else
        done = pmap_enter_over(pmap, va, pte, frame, entry, pmap_alloc_level(flags));
    if (unlikely(!done))
        pmap_table_spare(pmap, va, 0);
    spinlock_unlock(&pmap_lock);
    return done ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

/* ---- ranges ---- */

/* Removes the mappings in [va, end), which is within one table. */
static void pmap_remove_in_table(struct pmap *pmap, uintptr_t va, uintptr_t end, struct pmap_batch *batch)
{
    const struct vm_frame *table = vm_frame_of_phys(pmap->directory[pmap_index(va)]);

    if (pmap != &pmap_kernel && table->wired_maps == 0)
        return;
    for (uint32_t *pte = pmap_pte(pmap, va); va != end; va += PAGE_SIZE, pte++) {
        struct vm_frame *frame;

        if (!(*pte & PMAP_PTE_VALID))
            continue;
        assert(!(*pte & PMAP_PTE_UNMANAGED));
        frame = vm_frame_of_phys(*pte);
        if (pmap_needs_flush(pmap, pmap_pte_clear(pmap, va, pte, frame)))
            pmap_batch_add(batch, va);
        pmap_pv_remove(frame, pmap, va);
        if (pmap != &pmap_kernel && table->wired_maps == 0)
            break; /* that was the last of the table */
    }
}

void pmap_remove(struct pmap *pmap, uintptr_t start, uintptr_t end)
{
    struct pmap_batch batch;
    uintptr_t next;

    assert(page_aligned(start) && page_aligned(end));
    assert(pmap == &pmap_kernel ? start >= MEMORY_KVA_START && end <= MEMORY_KVA_END : end <= MACHINE_USER_END);
    pmap_batch_init(&batch);
    spinlock_lock(&pmap_lock);
    for (uintptr_t va = start; va < end; va = next) {
        if (pmap != &pmap_kernel && pmap->nr_tables == 0)
            break;
        next = pmap_table_end(va, end);
        if (pmap->directory[pmap_index(va)] & PMAP_PTE_VALID) {
            pmap_remove_in_table(pmap, va, next, &batch);
            pmap_table_spare(pmap, va, PMAP_TABLE_RESERVED); /* who reserved it wants it no more */
        }
    }
    spinlock_unlock(&pmap_lock);
    pmap_batch_flush(&batch);
}

void pmap_protect(struct pmap *pmap, uintptr_t start, uintptr_t end, vm_prot_t prot)
{
    struct pmap_batch batch;
    uintptr_t next;

    if (prot == VM_PROT_NONE) {
        pmap_remove(pmap, start, end);
        return;
    }
    assert(page_aligned(start) && page_aligned(end));
    assert(pmap == &pmap_kernel ? start >= MEMORY_KVA_START && end <= MEMORY_KVA_END : end <= MACHINE_USER_END);
    if (prot & VM_PROT_WRITE)
        return;
    pmap_batch_init(&batch);
    spinlock_lock(&pmap_lock);
    for (uintptr_t va = start; va < end; va = next) {
        uint32_t *pte;

        next = pmap_table_end(va, end);
        if (!(pmap->directory[pmap_index(va)] & PMAP_PTE_VALID))
            continue;
        for (pte = pmap_pte(pmap, va); va != next; va += PAGE_SIZE, pte++) {
            if ((*pte & (PMAP_PTE_VALID | PMAP_PTE_WRITE)) != (PMAP_PTE_VALID | PMAP_PTE_WRITE))
                continue;
            if (pmap_needs_flush(pmap, *pte))
                pmap_batch_add(&batch, va);
            *pte &= ~(uint32_t)PMAP_PTE_WRITE;
        }
    }
    spinlock_unlock(&pmap_lock);
    pmap_batch_flush(&batch);
}

struct vm_frame *pmap_extract(struct pmap *pmap, uintptr_t va)
{
    struct vm_frame *frame = NULL;

    spinlock_lock(&pmap_lock);
    if (pmap->directory[pmap_index(va)] & PMAP_PTE_VALID) {
        uint32_t pte = *pmap_pte(pmap, va);

        if ((pte & (PMAP_PTE_VALID | PMAP_PTE_UNMANAGED)) == PMAP_PTE_VALID)
            frame = vm_frame_of_phys(pte);
    }
    spinlock_unlock(&pmap_lock);
    return frame;
}

/* ---- kernel virtual memory ---- */

bool pmap_kernel_table(uintptr_t va, enum alloc how)
{
    uint32_t *table;
    bool late;

    if (pmap_kernel.directory[pmap_index(va)] & PMAP_PTE_VALID)
        return true;
    table = vm_frame_alloc_kernel(0, how | ALLOC_ZEROED);
    if (table == NULL)
        return false;
    /* Another thread may have made one while this one slept. */
    spinlock_lock(&pmap_lock);
    late = (pmap_kernel.directory[pmap_index(va)] & PMAP_PTE_VALID) != 0;
    if (!late)
        pmap_table_install(&pmap_kernel, va, table);
    spinlock_unlock(&pmap_lock);
    if (late)
        vm_frame_free_kernel(table, 0);
    return true;
}

void pmap_kernel_enter(uintptr_t va, phys_t address, enum pmap_pte bits)
{
    uint32_t *pte = pmap_pte(&pmap_kernel, va);

    assert(page_aligned(va) && page_aligned(address) && va >= MEMORY_KVA_START && va < MEMORY_KVA_END);
    assert(!(*pte & PMAP_PTE_VALID));
    *pte = address | bits | pmap_global | PMAP_PTE_VALID | PMAP_PTE_UNMANAGED | PMAP_PTE_REFERENCED | PMAP_PTE_MODIFIED;
}

phys_t pmap_kernel_extract(uintptr_t va)
{
    uint32_t pte = *pmap_pte(&pmap_kernel, va);

    assert(pte & PMAP_PTE_VALID);
    return (pte & PMAP_PTE_FRAME) | (va & PAGE_MASK);
}

void pmap_kernel_remove(uintptr_t start, uintptr_t end)
{
    bool one_by_one = (end - start) / PAGE_SIZE <= PMAP_KERNEL_FLUSH_PAGES;

    assert(page_aligned(start) && page_aligned(end) && start >= MEMORY_KVA_START && end <= MEMORY_KVA_END);
    for (uintptr_t va = start; va < end; va += PAGE_SIZE) {
        if (!(pmap_kernel.directory[pmap_index(va)] & PMAP_PTE_VALID))
            continue;
        *pmap_pte(&pmap_kernel, va) = 0;
        if (one_by_one)
            cpu_invlpg(va);
    }
    if (one_by_one)
        return;
    if (pmap_global != 0) {
        /* Turning the feature off flushes global translations too. */
        cpu_set_cr4(cpu_cr4() & ~CPU_CR4_PGE);
        cpu_set_cr4(cpu_cr4() | CPU_CR4_PGE);
    } else {
        cpu_set_cr3(cpu_cr3());
    }
}
