/* SPDX-License-Identifier: BSD-2-Clause */
/* Binary search in a sorted table, for the last function that starts at or before an address. */
#include "kernel/ksyms.h"

struct ksyms_entry {
    uintptr_t address;
    const char *name;
};

/* From the generated table; empty in the first pass of the link. */
extern const uint32_t ksyms_count;
extern const struct ksyms_entry ksyms_table[];

/* The end of the kernel's code, from i386/machair.ld. */
extern const char kernel_text_end[];

const char *ksyms_lookup(uintptr_t address, uintptr_t *offset)
{
    uint32_t low = 0, high = ksyms_count;

    if (address >= (uintptr_t)kernel_text_end)
        return NULL;
    /* Entries before low start at or before address, entries from high on start after it. */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (ksyms_table[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    *offset = address - ksyms_table[low - 1].address;
    return ksyms_table[low - 1].name;
}
