/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory at boot: from the loader's word to frames and the final kernel address space.
 *
 * Two sets of pages are kept. `free` becomes vm_frame's memory at the end. `early` is free less what the boot loader
 * left to be read: tables and records are taken from it while that is still needed. They are taken from the top, so
 * that memory below 16 MiB stays for devices.
 *
 * Page tables of the direct map may come to lie where nothing is mapped yet, so they are filled through a window; only
 * what lies in it is touched directly, after it is complete. Processors with large pages need a table only where a
 * large page would map too much: at physical page 0, the kernel's read-only pages and the end of memory.
 */
#include "i386/memory.h"

#include "i386/boot_modules.h"
#include "i386/cpu.h"
#include "i386/memory_map.h"
#include "i386/memory_ranges.h"
#include "i386/pmap.h"
#include "kernel/boot_info.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/printf.h"
#include "kernel/string.h"
#include "vm/vm_frame.h"

#define MEMORY_BOOT_CHUNKS 4u       /* mapped by boot.S, a chunk is what one directory entry maps */
#define MEMORY_DIRECT_PAGES (MEMORY_DIRECT_SIZE >> PAGE_SHIFT)
#define MEMORY_CHUNK_PAGES (PMAP_TABLE_SPAN >> PAGE_SHIFT)
/* A machine of 4 MiB, less the hole of 384 KiB below 1 MiB, less up to 256 KiB that firmware keeps for its tables. */
#define MEMORY_MIN_KIB (4096u - 384u - 256u)
#define MEMORY_PAGE_KIB (PAGE_SIZE / 1024u)
#define MEMORY_LOADER_NAME_MAX 64

_Static_assert(MEMORY_DIRECT_START == MACHINE_USER_END, "the kernel's part begins with the direct map");

extern uint32_t boot_page_directory[PMAP_ENTRIES];
extern uint32_t boot_page_tables[MEMORY_BOOT_CHUNKS][PMAP_ENTRIES];
extern char machair_text_start[], machair_rodata_end[], machair_end[];

phys_t memory_direct_end = MEMORY_BOOT_CHUNKS * PMAP_TABLE_SPAN;

static struct memory_ranges memory_usable, memory_free, memory_early;
static enum pmap_pte memory_global; /* PMAP_PTE_GLOBAL if the processor has it */

/* ---- the loader's information ---- */

/* A copy of the information: info may be a physical address. */
static struct multiboot_info memory_info_copy(const struct multiboot_info *info)
{
    struct multiboot_info copy;

    if ((uintptr_t)info >= MEMORY_DIRECT_START)
        return *info;
    memory_read_phys((phys_t)(uintptr_t)info, &copy, sizeof(copy));
    return copy;
}

void memory_boot_strings(const struct multiboot_info *info)
{
    static char command_line[BOOT_STRING_MAX], loader[MEMORY_LOADER_NAME_MAX];
    struct multiboot_info copy;

    window_init(boot_page_directory);
    copy = memory_info_copy(info);
    if ((copy.flags & MULTIBOOT_INFO_COMMAND_LINE) != 0 && copy.command_line != 0)
        memory_read_string(copy.command_line, command_line, sizeof(command_line));
    if ((copy.flags & MULTIBOOT_INFO_LOADER) != 0 && copy.loader != 0)
        memory_read_string(copy.loader, loader, sizeof(loader));
    boot_info.command_line = command_line;
    boot_info.loader = loader;
}

size_t memory_read_string(phys_t from, char *to, size_t size)
{
    size_t length = 0;

    while (length < size - 1) {
        memory_read_phys(from + length, &to[length], 1);
        if (to[length] == '\0')
            return length;
        length++;
    }
    to[length] = '\0';
    return length;
}

/* ---- what is free ---- */

static inline uint32_t memory_page(phys_t address)
{
    return address >> PAGE_SHIFT;
}

/* The first page behind a range of bytes. */
static inline uint32_t memory_page_end(phys_t start, uint32_t size)
{
    return (uint32_t)(((uint64_t)start + size + PAGE_MASK) >> PAGE_SHIFT);
}

static void memory_keep_early(phys_t start, uint32_t size)
{
    if (size != 0)
        memory_ranges_remove(&memory_early, memory_page(start), memory_page_end(start, size));
}

/* Takes what is not free out of memory_free, and what is still to be read out of memory_early too. */
static void memory_reserve(const struct multiboot_info *from, const struct multiboot_info *info)
{
    uint32_t kernel_start = memory_page(memory_direct_phys(machair_text_start));
    uint32_t kernel_end = memory_page(memory_direct_phys(machair_end) + PAGE_MASK);

    if (!memory_ranges_contain(&memory_usable, kernel_start, kernel_end))
        kprintf("machair: memory: the kernel lies outside the memory that the boot loader tells of\n");
    memory_free = memory_usable;
    memory_ranges_remove(&memory_free, 0, 1);
    memory_ranges_remove(&memory_free, kernel_start, kernel_end);
    for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
        const struct boot_module *module = &boot_info.modules[i];

        memory_ranges_remove(&memory_free, memory_page(module->start), memory_page_end(module->start, module->size));
    }
    memory_early = memory_free;
    if ((uintptr_t)from < MEMORY_DIRECT_START)
        memory_keep_early((phys_t)(uintptr_t)from, sizeof(*from));
    if (info->flags & MULTIBOOT_INFO_MEMORY_MAP)
        memory_keep_early(info->memory_map, info->memory_map_length);
    boot_modules_for_each_source(info, memory_keep_early);
}

/* Takes nr_pages pages in a row below the end of the direct map. */
static phys_t memory_take(uint32_t nr_pages)
{
    uint32_t limit = MIN(memory_usable.ranges[memory_usable.nr - 1].end, MEMORY_DIRECT_PAGES);
    uint32_t page = memory_ranges_highest(&memory_early, nr_pages, limit);

    if (page == 0)
        boot_fail("too little memory: no place for %u KiB in a row", nr_pages * MEMORY_PAGE_KIB);
    memory_ranges_remove(&memory_early, page, page + nr_pages);
    memory_ranges_remove(&memory_free, page, page + nr_pages);
    return (phys_t)page << PAGE_SHIFT;
}

/* ---- the direct map ---- */

/* The entry for one page of the direct map, 0 when it is not mapped. */
static uint32_t memory_direct_entry(uint32_t page)
{
    uintptr_t va = MEMORY_DIRECT_START + ((uintptr_t)page << PAGE_SHIFT);
    uint32_t entry = ((uint32_t)page << PAGE_SHIFT) | memory_global | PMAP_PTE_VALID | PMAP_PTE_UNMANAGED |
                     PMAP_PTE_REFERENCED | PMAP_PTE_MODIFIED;

    if (page == 0 || page >= memory_page(memory_direct_end))
        return 0;
    if (va < (uintptr_t)machair_text_start || va >= (uintptr_t)machair_rodata_end)
        entry |= PMAP_PTE_WRITE;
    return entry;
}

/* Whether one large page can map a chunk: all its pages are mapped, and are writable. */
static bool memory_chunk_is_plain(uint32_t chunk)
{
    uintptr_t va = MEMORY_DIRECT_START + (chunk << PMAP_TABLE_SHIFT);

    return chunk != 0 && (chunk + 1) * MEMORY_CHUNK_PAGES <= memory_page(memory_direct_end) &&
           (va >= (uintptr_t)machair_rodata_end || va + PMAP_TABLE_SPAN <= (uintptr_t)machair_text_start);
}

/* Maps one chunk, over what boot.S mapped there, if it did: the same addresses, so nothing moves under our feet. */
static void memory_map_chunk(uint32_t chunk, bool large)
{
    uint32_t *pde = &boot_page_directory[PMAP_KERNEL_INDEX + chunk];
    phys_t table;
    uint32_t *entries;

    if (large && memory_chunk_is_plain(chunk)) {
        *pde = memory_direct_entry(chunk * MEMORY_CHUNK_PAGES) | PMAP_PDE_LARGE;
        return;
    }
    table = chunk < MEMORY_BOOT_CHUNKS ? memory_direct_phys(boot_page_tables[chunk]) : memory_take(1);
    entries = window_map(0, table);
    for (uint32_t i = 0; i < PMAP_ENTRIES; i++)
        entries[i] = memory_direct_entry(chunk * MEMORY_CHUNK_PAGES + i);
    *pde = table | PMAP_PTE_VALID | PMAP_PTE_WRITE;
}

/* Builds the direct map, and takes the user part of the boot page tables away. */
static void memory_map_direct(void)
{
    bool large = (cpu_features & CPU_FEATURE_PSE) != 0;
    uint32_t chunk = 0;

    if (large)
        cpu_set_cr4(cpu_cr4() | CPU_CR4_PSE);
    memory_global = (cpu_features & CPU_FEATURE_PGE) ? PMAP_PTE_GLOBAL : 0;
    for (; (phys_t)chunk << PMAP_TABLE_SHIFT < memory_direct_end; chunk++)
        memory_map_chunk(chunk, large);
    for (; chunk < MEMORY_BOOT_CHUNKS; chunk++)
        boot_page_directory[PMAP_KERNEL_INDEX + chunk] = 0;
    for (chunk = 0; chunk < MEMORY_BOOT_CHUNKS; chunk++) {
        uint32_t page = memory_page(memory_direct_phys(boot_page_tables[chunk]));
        uint32_t pde = boot_page_directory[PMAP_KERNEL_INDEX + chunk];

        boot_page_directory[chunk] = 0;
        /* A boot table that is used no more is memory as any other: large memory has none of them but the first. */
        if ((pde & PMAP_PDE_LARGE) != 0 || pde == 0)
            memory_ranges_add(&memory_free, page, page + 1);
    }
    cpu_set_cr3(memory_direct_phys(boot_page_directory));
    if (memory_global != 0)
        cpu_set_cr4(cpu_cr4() | CPU_CR4_PGE);
    cpu_set_cr0(cpu_cr0() | CPU_CR0_WP);
}

/* ---- frames ---- */

/* Number of frame records: one for every page up to the last one that is memory or part of a module. */
static uint32_t memory_nr_frames(void)
{
    uint32_t nr = memory_usable.ranges[memory_usable.nr - 1].end;

    for (unsigned int i = 0; i < boot_info.nr_modules; i++)
        nr = MAX(nr, memory_page_end(boot_info.modules[i].start, boot_info.modules[i].size));
    return MAX(nr, memory_page(memory_direct_phys(machair_end) + PAGE_MASK));
}

/* Hands all memory that is left to vm_frame. */
static void memory_start_frames(void)
{
    uint32_t nr_frames = memory_nr_frames();
    uint32_t nr_pages = memory_page_end(0, nr_frames * sizeof(struct vm_frame));
    struct vm_frame *records = memory_direct(memory_take(nr_pages));

    memset(records, 0, (size_t)nr_pages << PAGE_SHIFT);
    vm_frame_init(records, nr_frames, memory_direct_end);
    for (unsigned int i = 0; i < memory_free.nr; i++)
        vm_frame_add((phys_t)memory_free.ranges[i].start << PAGE_SHIFT, (phys_t)memory_free.ranges[i].end << PAGE_SHIFT);
    vm_frame_seal();
}

void memory_init(const struct multiboot_info *from)
{
    struct multiboot_info info;
    uint32_t kib, free_kib, end, strings;

    memory_boot_strings(from);
    info = memory_info_copy(from);
    memory_map_read(&info, &memory_usable);
    kib = memory_ranges_count(&memory_usable) * MEMORY_PAGE_KIB;
    if (kib < MEMORY_MIN_KIB)
        boot_fail("too little memory: %u KiB, %u KiB are needed", kib, MEMORY_MIN_KIB);
    boot_modules_read(&info, &memory_usable);
    memory_reserve(from, &info);
    /* The screen's memory and the kernel are in the direct map even if no memory is told of there. */
    end = MAX(memory_usable.ranges[memory_usable.nr - 1].end, memory_page(memory_direct_phys(machair_end) + PAGE_MASK));
    memory_direct_end = (phys_t)MIN(end, MEMORY_DIRECT_PAGES) << PAGE_SHIFT;
    memory_map_direct();
    strings = boot_modules_string_size();
    if (strings != 0)
        boot_modules_copy_strings(memory_direct(memory_take(memory_page_end(0, strings))));
    memory_start_frames();
    free_kib = memory_ranges_count(&memory_free) * MEMORY_PAGE_KIB;
    pmap_init(boot_page_directory, memory_global);
    kprintf("machair: memory: %u KiB, %u KiB free, %u KiB directly mapped, %s pages%s\n", kib,
            free_kib, memory_page(memory_direct_end) * MEMORY_PAGE_KIB,
            (cpu_features & CPU_FEATURE_PSE) ? "large" : "small", memory_global != 0 ? ", global" : "");
}

/* ---- addresses ---- */

void *machine_phys_to_virt(phys_t address)
{
    assert(machine_phys_direct(address, 1));
    return memory_direct(address);
}

phys_t machine_virt_to_phys(const void *address)
{
    uintptr_t va = (uintptr_t)address;

    assert(va >= MEMORY_DIRECT_START);
    if (va - MEMORY_DIRECT_START < memory_direct_end)
        return memory_direct_phys(address);
    return pmap_kernel_extract(va);
}

bool machine_phys_direct(phys_t start, size_t size)
{
    return start >= PAGE_SIZE && start <= memory_direct_end && size <= memory_direct_end - start;
}
