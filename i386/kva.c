/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel virtual memory: which of the pages from 0xF0000000 to 0xFF000000 are taken, and what is mapped there.
 *
 * A bitmap of 60 Ki pages in static memory, searched first fit from the lowest page that may be free: it takes 7.5 KiB,
 * needs no memory to free memory, and freed neighbours are one range by themselves. A tree of free ranges would find a
 * place faster in a space that is nearly full; the space is for stacks and tables, tens of thousands of pages at most,
 * and a search goes over 32 pages a step.
 *
 * Every allocation takes one page more than it maps, in front. That is the guard page below it; the page above it
 * is the next allocation's guard page, or free, or the last page of all, which is never given out.
 *
 * The lock covers the bitmap alone. The entries of a taken range belong to who took it, so frames and tables may be
 * waited for in between.
 */
#include "i386/memory.h"
#include "i386/pmap.h"
#include "kernel/kmem.h"
#include "kernel/lock.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "vm/vm_frame.h"

#define KVA_NR_PAGES ((MEMORY_KVA_END - MEMORY_KVA_START) / PAGE_SIZE)
#define KVA_LIMIT (KVA_NR_PAGES - 1) /* the last page guards the one before it */
#define KVA_WORD_BITS 32u

_Static_assert(KVA_NR_PAGES % KVA_WORD_BITS == 0, "whole words");

static struct spinlock kva_lock = SPINLOCK_INIT(LOCK_RANK_KVA, "kva_lock");
static uint32_t kva_taken[KVA_NR_PAGES / KVA_WORD_BITS];    /* under kva_lock: a bit a page */
static unsigned int kva_first_free;                         /* under kva_lock: no page below it is free */

static inline bool kva_is_taken(unsigned int page)
{
    return (kva_taken[page / KVA_WORD_BITS] >> (page % KVA_WORD_BITS)) & 1;
}

static void kva_set(unsigned int page, unsigned int nr_pages)
{
    for (unsigned int last = page + nr_pages; page < last; page++) {
        assert(!kva_is_taken(page));
        kva_taken[page / KVA_WORD_BITS] |= 1u << (page % KVA_WORD_BITS);
    }
}

static void kva_clear(unsigned int page, unsigned int nr_pages)
{
    for (unsigned int last = page + nr_pages; page < last; page++) {
        assert(kva_is_taken(page));
        kva_taken[page / KVA_WORD_BITS] &= ~(1u << (page % KVA_WORD_BITS));
    }
}

/* The first page from `page` on that is (not) taken, or KVA_LIMIT. */
static unsigned int kva_next(unsigned int page, bool taken)
{
    while (page < KVA_LIMIT) {
        uint32_t word = kva_taken[page / KVA_WORD_BITS];

        if (!taken)
            word = ~word;
        word &= ~0u << (page % KVA_WORD_BITS);
        if (word != 0)
            return MIN((page & ~(KVA_WORD_BITS - 1)) + (unsigned int)__builtin_ctz(word), (unsigned int)KVA_LIMIT);
        page = (page | (KVA_WORD_BITS - 1)) + 1;
    }
    return KVA_LIMIT;
}

/* Takes nr_pages pages in a row, and returns the first, or KVA_LIMIT when there is no such place. */
static unsigned int kva_take(unsigned int nr_pages)
{
    unsigned int page, end;

    spinlock_lock(&kva_lock);
    page = kva_first_free = kva_next(kva_first_free, false);
    for (; page < KVA_LIMIT; page = kva_next(end, false)) {
        end = kva_next(page, true);
        if (end - page >= nr_pages)
            break;
    }
    if (page < KVA_LIMIT)
        kva_set(page, nr_pages);
    spinlock_unlock(&kva_lock);
    return page;
}

static void kva_give_back(unsigned int page, unsigned int nr_pages)
{
    spinlock_lock(&kva_lock);
    kva_clear(page, nr_pages);
    kva_first_free = MIN(kva_first_free, page);
    spinlock_unlock(&kva_lock);
}

static inline uintptr_t kva_address(unsigned int page)
{
    return MEMORY_KVA_START + (uintptr_t)page * PAGE_SIZE;
}

static inline unsigned int kva_page(uintptr_t address)
{
    return (address - MEMORY_KVA_START) / PAGE_SIZE;
}

/* Unmaps [start, end), whose pages are all mapped, and frees their frames. */
static void kva_unmap(uintptr_t start, uintptr_t end)
{
    struct list frames;
    unsigned int count = 0;

    if (start == end)
        return;
    list_init(&frames);
    for (uintptr_t va = start; va < end; va += PAGE_SIZE) {
        struct vm_frame *frame = vm_frame_of_phys(pmap_kernel_extract(va));

        list_insert_tail(&frames, &frame->node);
        count++;
    }
    pmap_kernel_remove(start, end);
    vm_frame_free_list(&frames, count);
}

void *kva_alloc(size_t size, unsigned int how)
{
    unsigned int nr_pages = size / PAGE_SIZE;
    unsigned int first;
    uintptr_t start, va;

    assert(page_aligned(size) && size != 0);
    if (nr_pages >= KVA_LIMIT)
        return NULL;
    first = kva_take(nr_pages + 1);
    if (first == KVA_LIMIT)
        return NULL;
    start = kva_address(first + 1);
    for (va = start; va != start + size; va += PAGE_SIZE) {
        struct vm_frame *frame = NULL;

        if (pmap_kernel_table(va, how & ~(unsigned int)ALLOC_ZEROED))
            frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_KERNEL, how);
        if (frame == NULL) {
            kva_unmap(start, va);
            kva_give_back(first, nr_pages + 1);
            return NULL;
        }
        pmap_kernel_enter(va, vm_frame_phys(frame), PMAP_PTE_WRITE);
    }
    return (void *)start;
}

void kva_free(void *memory, size_t size)
{
    uintptr_t start = (uintptr_t)memory;

    assert(page_aligned(size) && size != 0 && page_aligned(start));
    kva_unmap(start, start + size);
    kva_give_back(kva_page(start) - 1, size / PAGE_SIZE + 1);
}

void *kva_map_device(phys_t start, size_t size)
{
    phys_t page_start = page_trunc(start);
    unsigned int nr_pages, first;
    uintptr_t va;

    /* The last byte is counted from, so that a device may end at 4 GiB. */
    if (size == 0 || start + (size - 1) < start)
        return NULL;
    nr_pages = ((start + (size - 1)) >> PAGE_SHIFT) - (page_start >> PAGE_SHIFT) + 1;
    if (nr_pages >= KVA_LIMIT)
        return NULL;
    first = kva_take(nr_pages + 1);
    if (first == KVA_LIMIT)
        return NULL;
    va = kva_address(first + 1);
    for (unsigned int i = 0; i < nr_pages; i++) {
        if (!pmap_kernel_table(va + i * PAGE_SIZE, ALLOC_PRIVILEGED | ALLOC_NOSLEEP)) {
            pmap_kernel_remove(va, va + i * PAGE_SIZE);
            kva_give_back(first, nr_pages + 1);
            return NULL;
        }
        pmap_kernel_enter(va + i * PAGE_SIZE, page_start + i * PAGE_SIZE,
                          PMAP_PTE_WRITE | PMAP_PTE_UNCACHED | PMAP_PTE_WRITE_THROUGH);
    }
    return (void *)(va + (start & PAGE_MASK));
}
