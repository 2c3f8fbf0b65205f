/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a Multiboot 1 boot loader passes, as it lies in memory. The header that the kernel carries is in boot.S.
 */
#ifndef I386_MULTIBOOT_H
#define I386_MULTIBOOT_H

#include "kernel/types.h"

#define MULTIBOOT_BOOTED 0x2badb002u /* in %eax at the start */

/* Flags of struct multiboot_info: which members are there. */
#define MULTIBOOT_INFO_MEMORY 0x001u
#define MULTIBOOT_INFO_COMMAND_LINE 0x004u
#define MULTIBOOT_INFO_MODULES 0x008u
#define MULTIBOOT_INFO_MEMORY_MAP 0x040u
#define MULTIBOOT_INFO_LOADER 0x200u

struct multiboot_info {
    uint32_t flags;
    uint32_t memory_lower;      /* KiB from 0 */
    uint32_t memory_upper;      /* KiB from 1 MiB up to the first hole */
    uint32_t boot_device;
    phys_t command_line;
    uint32_t nr_modules;
    phys_t modules;             /* struct multiboot_module_info[nr_modules] */
    uint32_t symbols[4];
    uint32_t memory_map_length; /* bytes */
    phys_t memory_map;          /* struct multiboot_memory_range, one after the other */
    uint32_t drives[2];
    phys_t config_table;
    phys_t loader;              /* its name */
};

struct multiboot_module_info {
    phys_t start, end;          /* the first byte, and the first after it */
    phys_t string;
    uint32_t reserved;
};

#define MULTIBOOT_RANGE_MEMORY 1u
struct multiboot_memory_range {
    uint32_t size;              /* bytes of the rest of the entry */
    uint64_t start, length;
    uint32_t kind;
} __attribute__((packed));

_Static_assert(offsetof(struct multiboot_info, memory_map_length) == 44, "as the specification has it");
_Static_assert(offsetof(struct multiboot_info, loader) == 64, "as the specification has it");

#endif
