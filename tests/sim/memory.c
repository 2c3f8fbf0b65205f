/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory: an array of the host's, at a fixed address, so that what hangs on addresses (hashes of the kernel's) is
 * the same in every build.
 *
 * The direct map is the array itself. Frames beyond it are at another place, which only pmap_frame_*() here and user
 * accesses reach: machine_phys_to_virt() refuses them. Memory begins filled with a pattern, as after a warm boot.
 *
 * Kernel virtual memory is a range of its own. What is allocated there takes frames, as on a real machine, but its bytes
 * are the range's; pages that are not allocated are poisoned for the address sanitizer.
 */
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "sim.h"
#include "vm/vm_frame.h"

#define SIM_DIRECT_START 0x80000000u
#define SIM_HIGH_START 0x90000000u
#define SIM_KVA_START 0xa0000000u
/* Stacks of two pages, each with a guard page: a thousand threads. */
#define SIM_KVA_PAGES 4096u
#define SIM_FILL 0xee

/* Where memory begins: behind page 0, which no kernel uses, or so that it lies across the end of the DMA zone. */
#define SIM_FIRST_FRAME 1u
#define SIM_DMA_END 4096u

static unsigned int sim_first_frame, sim_direct_end;                /* frame numbers */
static struct vm_frame *sim_kva_frames[SIM_KVA_PAGES];              /* NULL: not allocated */

static void *sim_map(uintptr_t address, size_t size)
{
    void *memory = mmap((void *)address, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    if (memory != (void *)address)
        sim_fail("the host has no memory at %#lx", (unsigned long)address);
    return memory;
}

void sim_memory_init(void)
{
    unsigned int nr_frames;
    phys_t direct_end;

    sim_first_frame = sim_chance(8) ? SIM_DMA_END - sim_run.nr_direct / 2 : SIM_FIRST_FRAME;
    sim_direct_end = sim_first_frame + sim_run.nr_direct;
    nr_frames = sim_direct_end + sim_run.nr_high;
    direct_end = (phys_t)sim_direct_end << PAGE_SHIFT;
    sim_map(SIM_DIRECT_START, (size_t)sim_direct_end << PAGE_SHIFT);
    memset((void *)(SIM_DIRECT_START + ((uintptr_t)sim_first_frame << PAGE_SHIFT)), SIM_FILL,
           (size_t)sim_run.nr_direct << PAGE_SHIFT);
    if (sim_run.nr_high != 0)
        memset(sim_map(SIM_HIGH_START, (size_t)sim_run.nr_high << PAGE_SHIFT), SIM_FILL,
               (size_t)sim_run.nr_high << PAGE_SHIFT);
    sim_map(SIM_KVA_START, SIM_KVA_PAGES << PAGE_SHIFT);
    ASAN_POISON_MEMORY_REGION((void *)SIM_KVA_START, SIM_KVA_PAGES << PAGE_SHIFT);
    vm_frame_init(calloc(nr_frames, sizeof(struct vm_frame)), nr_frames, direct_end);
    /* Poisoned until it is handed out: hooks_memory.c. */
    ASAN_POISON_MEMORY_REGION((void *)SIM_DIRECT_START, (size_t)sim_direct_end << PAGE_SHIFT);
    ASAN_POISON_MEMORY_REGION((void *)SIM_HIGH_START, (size_t)sim_run.nr_high << PAGE_SHIFT);
    vm_frame_add((phys_t)sim_first_frame << PAGE_SHIFT, direct_end);
    if (sim_run.nr_high != 0)
        vm_frame_add(direct_end, (phys_t)nr_frames << PAGE_SHIFT);
    vm_frame_seal();
    sim_mmu_init();
}

/* ---- addresses ---- */

void *sim_frame_bytes(const struct vm_frame *frame)
{
    unsigned int number = vm_frame_number(frame);

    sim_check(number >= sim_first_frame && number < vm_nr_frames);
    if (number < sim_direct_end)
        return (void *)(SIM_DIRECT_START + ((uintptr_t)number << PAGE_SHIFT));
    return (void *)(SIM_HIGH_START + ((uintptr_t)(number - sim_direct_end) << PAGE_SHIFT));
}

uint32_t sim_frame_of(const void *address)
{
    uintptr_t number = ((uintptr_t)address - SIM_DIRECT_START) >> PAGE_SHIFT;

    return number >= sim_first_frame && number < sim_direct_end ? (uint32_t)number : ~0u;
}

bool machine_phys_direct(phys_t start, size_t size)
{
    phys_t first = (phys_t)sim_first_frame << PAGE_SHIFT, end = (phys_t)sim_direct_end << PAGE_SHIFT;

    return start >= first && start <= end && size <= end - start;
}

void *machine_phys_to_virt(phys_t address)
{
    sim_check(machine_phys_direct(address, 1));
    return (void *)(uintptr_t)(SIM_DIRECT_START + address);
}

static unsigned int sim_kva_page(const void *address)
{
    uintptr_t page = ((uintptr_t)address - SIM_KVA_START) >> PAGE_SHIFT;

    sim_check((uintptr_t)address >= SIM_KVA_START && page < SIM_KVA_PAGES);
    return (unsigned int)page;
}

phys_t machine_virt_to_phys(const void *address)
{
    uintptr_t offset = (uintptr_t)address - SIM_DIRECT_START;
    const struct vm_frame *frame;

    if ((uintptr_t)address >= SIM_DIRECT_START && offset < (uintptr_t)sim_direct_end << PAGE_SHIFT)
        return offset;
    frame = sim_kva_frames[sim_kva_page(address)];
    sim_check(frame != NULL);
    return vm_frame_phys(frame) | ((uintptr_t)address & PAGE_MASK);
}

/* ---- contents of frames ---- */

/* The frames' allocator clears a frame before hooks_memory.c hears that it is handed out. */
void pmap_frame_zero(struct vm_frame *frame)
{
    ASAN_UNPOISON_MEMORY_REGION(sim_frame_bytes(frame), PAGE_SIZE);
    memset(sim_frame_bytes(frame), 0, PAGE_SIZE);
}

void pmap_frame_copy(struct vm_frame *from, struct vm_frame *to)
{
    sim_check(from->state != VM_FRAME_FREE && to->state != VM_FRAME_FREE && from != to);
    memcpy(sim_frame_bytes(to), sim_frame_bytes(from), PAGE_SIZE);
}

void pmap_frame_read(struct vm_frame *frame, unsigned int offset, void *to, size_t size)
{
    sim_check(offset <= PAGE_SIZE && size <= PAGE_SIZE - offset && frame->state != VM_FRAME_FREE);
    memcpy(to, (const char *)sim_frame_bytes(frame) + offset, size);
}

void pmap_frame_write(struct vm_frame *frame, unsigned int offset, const void *from, size_t size)
{
    sim_check(offset <= PAGE_SIZE && size <= PAGE_SIZE - offset && frame->state != VM_FRAME_FREE);
    memcpy((char *)sim_frame_bytes(frame) + offset, from, size);
}

/* ---- kernel virtual memory ---- */

static void *sim_kva_address(unsigned int page)
{
    return (void *)(SIM_KVA_START + ((uintptr_t)page << PAGE_SHIFT));
}

/* Pages that are being allocated: taken, with no frame yet. */
static struct vm_frame sim_kva_taken;

/* The first of nr_pages + 1 pages in a row that are free, with one that is free or guards behind; SIM_KVA_PAGES: none. */
static unsigned int sim_kva_find(unsigned int nr_pages)
{
    unsigned int run = 0;

    for (unsigned int page = 0; page < SIM_KVA_PAGES; page++) {
        run = sim_kva_frames[page] == NULL ? run + 1 : 0;
        if (run == nr_pages + 2)
            return page - nr_pages - 1;
    }
    return SIM_KVA_PAGES;
}

/* Unmaps the pages [page, page + nr_pages) and frees their frames; the rest of an allocation is taken only. */
static void sim_kva_release(unsigned int page, unsigned int nr_pages)
{
    struct list frames;
    unsigned int count = 0;

    list_init(&frames);
    for (unsigned int end = page + nr_pages; page < end; page++) {
        if (sim_kva_frames[page] != &sim_kva_taken) {
            list_insert_tail(&frames, &sim_kva_frames[page]->node);
            count++;
        }
        ASAN_POISON_MEMORY_REGION(sim_kva_address(page), PAGE_SIZE);
        sim_kva_frames[page] = NULL;
    }
    if (count != 0)
        vm_frame_free_list(&frames, count);
}

void *kva_alloc(size_t size, unsigned int how)
{
    unsigned int nr_pages = size >> PAGE_SHIFT, first = sim_kva_find(nr_pages) + 1;

    sim_check(page_aligned(size) && size != 0);
    /* There may be no addresses left whatever the caller would wait for. */
    if (first > SIM_KVA_PAGES || sim_fault(SIM_FAULT_ALLOC))
        return NULL;
    for (unsigned int i = 0; i < nr_pages; i++)
        sim_kva_frames[first + i] = &sim_kva_taken;
    for (unsigned int i = 0; i < nr_pages; i++) {
        struct vm_frame *frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_KERNEL, how & ~(unsigned int)ALLOC_ZEROED);

        if (frame == NULL) {
            sim_kva_release(first, nr_pages);
            return NULL;
        }
        sim_kva_frames[first + i] = frame;
    }
    ASAN_UNPOISON_MEMORY_REGION(sim_kva_address(first), size);
    memset(sim_kva_address(first), (how & ALLOC_ZEROED) ? 0 : SIM_FILL, size);
    return sim_kva_address(first);
}

void kva_free(void *memory, size_t size)
{
    unsigned int page = sim_kva_page(memory), nr_pages = size >> PAGE_SHIFT;

    sim_check(page_aligned(size) && size != 0 && page_aligned((uintptr_t)memory));
    sim_check(sim_kva_frames[page - 1] == NULL && sim_kva_frames[page + nr_pages] == NULL);
    for (unsigned int i = 0; i < nr_pages; i++)
        sim_check(sim_kva_frames[page + i] != NULL && sim_kva_frames[page + i] != &sim_kva_taken);
    sim_kva_release(page, nr_pages);
}

/* There are no devices. */
void *kva_map_device(phys_t start, size_t size)
{
    (void)start;
    (void)size;
    return NULL;
}
