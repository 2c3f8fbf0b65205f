/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Windows: two pages of the kernel's address space through which it sees frames beyond the direct map, one at a time.
 *
 * Their table is static and is entered in boot.S' directory before anything else is mapped, so that what a boot loader
 * left anywhere in memory can be read while nothing but the first 16 MiB is mapped. It is part of every pmap later.
 *
 * A window is the processor's own, and is in use only within one call here: nothing sleeps or is preempted meanwhile
 * (the kernel is switched at explicit points only), and interrupt handlers read no frames. So there is no lock, and
 * what the last use left mapped may stay: the next use of the same frame saves the flush. That a frame which was freed
 * stays mapped in a window is harmless; nobody reads a window without mapping it first.
 */
#include "i386/cpu.h"
#include "i386/memory.h"
#include "i386/pmap.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "vm/vm_frame.h"

#define WINDOW_NR 2u

static uint32_t window_table[PMAP_ENTRIES] __attribute__((aligned(PAGE_SIZE)));

void window_init(uint32_t *directory)
{
    directory[MEMORY_WINDOW_START >> PMAP_TABLE_SHIFT] = memory_direct_phys(window_table) | PMAP_PTE_VALID | PMAP_PTE_WRITE;
}

void *window_map(unsigned int window, phys_t address)
{
    const uintptr_t va = MEMORY_WINDOW_START + window * PAGE_SIZE;
    const uint32_t pte = page_trunc(address) | PMAP_PTE_VALID | PMAP_PTE_WRITE | PMAP_PTE_UNMANAGED | PMAP_PTE_REFERENCED |
                         PMAP_PTE_MODIFIED;

    assert(window < WINDOW_NR);
    if (window_table[window] != pte) {
        window_table[window] = pte;
        cpu_invlpg(va);
    }
    return (void *)(va + (address & PAGE_MASK));
}

void memory_read_phys(phys_t from, void *to, size_t size)
{
    char *bytes = to;

    while (size != 0) {
        size_t part = MIN(size, (size_t)(PAGE_SIZE - (from & PAGE_MASK)));

        memcpy(bytes, window_map(0, from), part);
        bytes += part;
        from += part;
        size -= part;
    }
}

static inline void *window_frame(unsigned int window, const struct vm_frame *frame)
{
    phys_t address = vm_frame_phys(frame);

    if (likely(address < memory_direct_end))
        return memory_direct(address);
    return window_map(window, address);
}

/* Whole pages are moved by the processor's own loops: a page is long enough for what starting them costs, on all of them. */
void pmap_frame_zero(struct vm_frame *frame)
{
    void *to = window_frame(0, frame);
    uint32_t count = PAGE_SIZE / sizeof(uint32_t);

    __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(0) : "memory");
}

void pmap_frame_copy(struct vm_frame *from, struct vm_frame *to)
{
    const void *source = window_frame(0, from);
    void *target = window_frame(1, to);
    uint32_t count = PAGE_SIZE / sizeof(uint32_t);

    __asm__ volatile("rep movsl" : "+D"(target), "+S"(source), "+c"(count) : : "memory");
}

void pmap_frame_read(struct vm_frame *frame, unsigned int offset, void *to, size_t size)
{
    assert(offset <= PAGE_SIZE && size <= PAGE_SIZE - offset);
    memcpy(to, (const char *)window_frame(0, frame) + offset, size);
}

void pmap_frame_write(struct vm_frame *frame, unsigned int offset, const void *from, size_t size)
{
    assert(offset <= PAGE_SIZE && size <= PAGE_SIZE - offset);
    memcpy((char *)window_frame(0, frame) + offset, from, size);
}
