/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader says of modules is checked before anything is taken from free memory, because a module that lies
 * elsewhere than it says would be given away as free, or be the kernel.
 *
 * Modules begin on pages when the loader does as it is asked. If not, two may share a page; such a page is nobody's alone
 * and is kept for ever.
 */
#include "i386/boot_modules.h"

#include "i386/memory.h"
#include "kernel/boot_info.h"
#include "kernel/printf.h"
#include "kernel/string.h"

extern char machair_text_start[], machair_end[];

static phys_t boot_modules_strings[BOOT_MODULES_MAX]; /* physical addresses; 0 when there is none */

/* The first bytes of a module's command line, for lines that stop the boot. */
static const char *boot_modules_name(unsigned int i)
{
    static char name[64];

    name[0] = '\0';
    if (boot_modules_strings[i] != 0)
        memory_read_string(boot_modules_strings[i], name, sizeof(name));
    return name;
}

static inline uint32_t boot_modules_end_page(const struct boot_module *module)
{
    return (uint32_t)(((uint64_t)module->start + module->size + PAGE_MASK) >> PAGE_SHIFT);
}

static bool boot_modules_overlap(const struct boot_module *a, const struct boot_module *b)
{
    return a->start < b->start + b->size && b->start < a->start + a->size;
}

static void boot_modules_check(unsigned int i, const struct memory_ranges *usable)
{
    const struct boot_module *module = &boot_info.modules[i];
    const struct boot_module kernel = {.start = memory_direct_phys(machair_text_start),
                                       .size = (uint32_t)(machair_end - machair_text_start)};
    uint32_t first = (uint32_t)(((uint64_t)module->start + PAGE_MASK) >> PAGE_SHIFT);
    uint32_t last = (module->start + module->size) >> PAGE_SHIFT;

    if (module->size == 0)
        return;
    if (boot_modules_overlap(module, &kernel))
        boot_fail("module %u (%s) lies over the kernel", i, boot_modules_name(i));
    /* Its whole pages are looked for: those at its ends may be memory in part. Without a whole page these must do. */
    if (first >= last) {
        first = module->start >> PAGE_SHIFT;
        last = boot_modules_end_page(module);
    }
    if (!memory_ranges_contain(usable, first, last))
        boot_fail("module %u (%s) lies outside memory", i, boot_modules_name(i));
    for (unsigned int k = 0; k < i; k++)
        if (boot_info.modules[k].size != 0 && boot_modules_overlap(module, &boot_info.modules[k]))
            boot_fail("module %u (%s) lies over module %u", i, boot_modules_name(i), k);
}

/* Whether a page is memory and has nothing of the kernel or of a module but number i. */
static bool boot_modules_page_is_alone(unsigned int i, uint32_t page, const struct memory_ranges *usable)
{
    if (!memory_ranges_contain(usable, page, page + 1) ||
        (page >= memory_direct_phys(machair_text_start) >> PAGE_SHIFT &&
         page < (memory_direct_phys(machair_end) + PAGE_MASK) >> PAGE_SHIFT))
        return false;
    for (unsigned int k = 0; k < boot_info.nr_modules; k++) {
        const struct boot_module *other = &boot_info.modules[k];

        if (k != i && other->size != 0 && page >= other->start >> PAGE_SHIFT && page < boot_modules_end_page(other))
            return false;
    }
    return true;
}

/* Says which frames of a module are its alone. */
static void boot_modules_set_frames(unsigned int i, const struct memory_ranges *usable)
{
    struct boot_module *module = &boot_info.modules[i];
    uint32_t first = module->start >> PAGE_SHIFT, end = boot_modules_end_page(module);

    if (module->size == 0)
        end = first;
    /* Page 0 is never handed out. */
    while (first < end && (first == 0 || !boot_modules_page_is_alone(i, first, usable)))
        first++;
    while (first < end && !boot_modules_page_is_alone(i, end - 1, usable))
        end--;
    module->first_frame = first;
    module->end_frame = end;
}

void boot_modules_read(const struct multiboot_info *info, struct memory_ranges *usable)
{
    if (!(info->flags & MULTIBOOT_INFO_MODULES))
        return;
    if (info->nr_modules > BOOT_MODULES_MAX)
        boot_fail("%u modules, at most %u are supported", info->nr_modules, BOOT_MODULES_MAX);
    for (unsigned int i = 0; i < info->nr_modules; i++) {
        struct boot_module *module = &boot_info.modules[i];
        struct multiboot_module_info entry;

        memory_read_phys(info->modules + i * sizeof(entry), &entry, sizeof(entry));
        boot_modules_strings[i] = entry.string;
        if (entry.end < entry.start)
            boot_fail("module %u (%s) ends before it starts", i, boot_modules_name(i));
        module->start = entry.start;
        module->size = entry.end - entry.start;
        module->script = "";
        boot_modules_check(i, usable);
    }
    boot_info.nr_modules = info->nr_modules;
    for (unsigned int i = 0; i < info->nr_modules; i++)
        boot_modules_set_frames(i, usable);
}

/* Length of a module's command line, without the zero. */
static uint32_t boot_modules_string_length(unsigned int i)
{
    uint32_t length = 0;
    char c;

    if (boot_modules_strings[i] == 0)
        return 0;
    for (;;) {
        memory_read_phys(boot_modules_strings[i] + length, &c, 1);
        if (c == '\0')
            return length;
        if (++length == BOOT_STRING_MAX)
            boot_fail("module %u (%s) has a command line of more than %u characters", i, boot_modules_name(i),
                      BOOT_STRING_MAX - 1);
    }
}

void boot_modules_for_each_source(const struct multiboot_info *info, void (*visit)(phys_t start, uint32_t size))
{
    visit(info->modules, boot_info.nr_modules * sizeof(struct multiboot_module_info));
    for (unsigned int i = 0; i < boot_info.nr_modules; i++)
        if (boot_modules_strings[i] != 0)
            visit(boot_modules_strings[i], boot_modules_string_length(i) + 1);
}

uint32_t boot_modules_string_size(void)
{
    uint32_t size = 0;

    for (unsigned int i = 0; i < boot_info.nr_modules; i++)
        if (boot_modules_strings[i] != 0)
            size += boot_modules_string_length(i) + 1;
    return size;
}

void boot_modules_copy_strings(char *to)
{
    for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
        if (boot_modules_strings[i] == 0)
            continue;
        boot_info.modules[i].script = to;
        to += memory_read_string(boot_modules_strings[i], to, BOOT_STRING_MAX) + 1;
    }
}
