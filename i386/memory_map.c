/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware's and boot loaders' memory maps are taken as the worst of them are: ranges come in any order, begin and end
 * within pages, lie above what can be addressed, wrap, have no length, or are cut short. A page is memory if it is wholly
 * within a range of memory and touches no other kind of range. So two passes: the union of the memory, then the rest out
 * of it.
 *
 * Only memory that is told of twice stops the boot: one of the two ranges is wrong, nothing says which, and memory could
 * be used that is not there or is somebody's. GRUB settles what firmware left in doubt before it hands a map on, so that a
 * PC does not come to this.
 */
#include "i386/memory_map.h"

#include "i386/memory.h"
#include "kernel/boot_info.h"
#include "kernel/printf.h"

#define MEMORY_MAP_4G 0x100000000ull
#define MEMORY_MAP_LAST_PAGE ((uint32_t)(MEMORY_MAP_4G / PAGE_SIZE) - 1)
#define MEMORY_MAP_KIB 1024u
#define MEMORY_MAP_LOWER_MAX 640u /* KiB; above is the screen's memory, whatever the loader says */

struct memory_map_cursor {
    phys_t at;
    uint32_t left;      /* bytes */
    const char *bad;    /* why it ended before its end, or NULL */
};

/* Reads the next entry that has a length; false at the end. */
static bool memory_map_next(struct memory_map_cursor *cursor, struct multiboot_memory_range *entry)
{
    const uint32_t least = sizeof(*entry) - sizeof(entry->size);

    while (cursor->left != 0) {
        if (cursor->left < sizeof(*entry)) {
            cursor->bad = "is cut short";
            return false;
        }
        memory_read_phys(cursor->at, entry, sizeof(*entry));
        if (entry->size < least || entry->size > cursor->left - sizeof(entry->size)) {
            cursor->bad = entry->size < least ? "has an entry that is too small" : "is cut short";
            return false;
        }
        cursor->at += entry->size + sizeof(entry->size);
        cursor->left -= entry->size + sizeof(entry->size);
        if (entry->length != 0)
            return true;
    }
    return false;
}

static struct memory_map_cursor memory_map_begin(const struct multiboot_info *info)
{
    return (struct memory_map_cursor){info->memory_map, info->memory_map_length, NULL};
}

/* The end of an entry's range, where one that wraps goes to the end of all addresses. */
static uint64_t memory_map_end(const struct multiboot_memory_range *entry)
{
    return entry->start + entry->length < entry->start ? UINT64_MAX : entry->start + entry->length;
}

/* The page of an address, or the last one. */
static uint32_t memory_map_page(uint64_t address)
{
    return (uint32_t)MIN(address >> PAGE_SHIFT, (uint64_t)MEMORY_MAP_LAST_PAGE);
}

/* The first page that begins at an address or behind it, or the last one. */
static uint32_t memory_map_page_up(uint64_t address)
{
    return address > UINT64_MAX - PAGE_MASK ? MEMORY_MAP_LAST_PAGE : memory_map_page(address + PAGE_MASK);
}

/* Takes what adding or removing an entry's range told. */
static void memory_map_note(enum memory_ranges_news news, const struct multiboot_memory_range *entry, bool *lost)
{
    if (news & MEMORY_RANGES_OVERLAP)
        boot_fail("overlap in the boot loader's memory map: the range of %llu KiB at 0x%llx, of kind %u, and another",
                  (unsigned long long)entry->length / MEMORY_MAP_KIB, (unsigned long long)entry->start, entry->kind);
    *lost |= (news & MEMORY_RANGES_LOST) != 0;
}

/* Returns whether the map could be read to its end. */
static bool memory_map_read_ranges(const struct multiboot_info *info, struct memory_ranges *usable)
{
    struct memory_map_cursor cursor = memory_map_begin(info);
    struct multiboot_memory_range entry;
    const char *bad;
    uint64_t above = 0;
    bool lost = false;

    while (memory_map_next(&cursor, &entry)) {
        uint64_t end = memory_map_end(&entry);

        if (entry.kind != MULTIBOOT_RANGE_MEMORY)
            continue;
        if (end > MEMORY_MAP_4G)
            above += end - MAX(entry.start, (uint64_t)MEMORY_MAP_4G);
        memory_map_note(memory_ranges_add(usable, memory_map_page_up(entry.start), memory_map_page(end)), &entry, &lost);
    }
    bad = cursor.bad;
    if (bad != NULL)
        kprintf("machair: memory: the boot loader's memory map %s; the rest of it is ignored\n", bad);
    cursor = memory_map_begin(info);
    while (memory_map_next(&cursor, &entry))
        if (entry.kind != MULTIBOOT_RANGE_MEMORY)
            memory_map_note(memory_ranges_remove(usable, memory_map_page(entry.start),
                                                 memory_map_page_up(memory_map_end(&entry))), &entry, &lost);
    if (lost)
        kprintf("machair: memory: the boot loader's memory map has more ranges than %u; some memory is not used\n",
                MEMORY_RANGES_MAX);
    if (above != 0)
        kprintf("machair: memory: %u MiB above 4 GiB are ignored\n",
                (unsigned int)MIN((above >> 20) + ((above & 0xfffff) != 0), (uint64_t)UINT32_MAX));
    return bad == NULL;
}

/* The old two numbers: from 0, and from 1 MiB. */
static void memory_map_read_sizes(const struct multiboot_info *info, struct memory_ranges *usable)
{
    uint64_t lower = MIN(info->memory_lower, MEMORY_MAP_LOWER_MAX);
    uint64_t upper = (uint64_t)info->memory_upper + MEMORY_MAP_KIB;

    memory_ranges_add(usable, 0, memory_map_page(lower * MEMORY_MAP_KIB));
    memory_ranges_add(usable, memory_map_page(MEMORY_MAP_KIB * MEMORY_MAP_KIB), memory_map_page(upper * MEMORY_MAP_KIB));
}

void memory_map_read(const struct multiboot_info *info, struct memory_ranges *usable)
{
    bool mapped = (info->flags & MULTIBOOT_INFO_MEMORY_MAP) != 0 && memory_map_read_ranges(info, usable);

    /* A whole map without memory is believed. */
    if (!mapped && usable->nr == 0 && (info->flags & MULTIBOOT_INFO_MEMORY)) {
        kprintf("machair: memory: no memory map, only two sizes: %u and %u KiB\n", info->memory_lower, info->memory_upper);
        memory_map_read_sizes(info, usable);
    }
    if (usable->nr == 0)
        boot_fail("the boot loader tells of no memory");
}
