/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The search for function names, over tables of every small size.
 * unit: kernel/ksyms.c -Wl,--defsym=kernel_text_end=0x1000
 */
#include <stdio.h>
#include <string.h>

#include "kernel/ksyms.h"

#define SIZE 17
#define STEP 16

/* What the linker and the generated table provide; here the count changes. The text ends behind the last function. */
struct ksyms_entry {
    uintptr_t address;
    const char *name;
};
uint32_t ksyms_count;
struct ksyms_entry ksyms_table[SIZE];
extern const char kernel_text_end[];

static char names[SIZE][8];
static int number;

static void result(bool good, const char *what, unsigned int count)
{
    printf("%s %d - %s, table of %u\n", good ? "ok" : "not ok", ++number, what, count);
}

int main(void)
{
    uintptr_t end = (uintptr_t)kernel_text_end, base = end - SIZE * STEP, offset;

    for (unsigned int i = 0; i < SIZE; i++) {
        snprintf(names[i], sizeof names[i], "f%u", i);
        ksyms_table[i].address = base + i * STEP;
        ksyms_table[i].name = names[i];
    }
    printf("1..%d\n", 3 * (SIZE + 1));
    for (unsigned int count = 0; count <= SIZE; count++) {
        bool good = true;

        ksyms_count = count;
        for (uintptr_t address = base; count > 0 && address < end; address++) {
            unsigned int expected = MIN((unsigned int)((address - base) / STEP), count - 1);
            const char *name = ksyms_lookup(address, &offset);

            good = good && name && strcmp(name, names[expected]) == 0 && offset == address - base - expected * STEP;
        }
        result(good, "every address has its function", count);
        offset = 77;
        result(!ksyms_lookup(base - 1, &offset) && offset == 77, "nothing before the first", count);
        result(!ksyms_lookup(end, &offset) && !ksyms_lookup(UINTPTR_MAX, &offset) && offset == 77, "nothing behind the text",
               count);
    }
    return 0;
}
