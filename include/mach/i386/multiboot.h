/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot 1: the header that a kernel carries, and what the boot loader passes to it.
 */
#ifndef MACH_I386_MULTIBOOT_H
#define MACH_I386_MULTIBOOT_H

#include <stdint.h>

#include <mach/machine/vm_types.h>

/* The header: magic, flags, and the negative sum of both, 4-byte aligned in the first MULTIBOOT_SEARCH bytes */
#define MULTIBOOT_SEARCH 8192
#define MULTIBOOT_MAGIC 0x1badb002

/* Its flags: what the loader must understand, and three of them */
#define MULTIBOOT_MUSTKNOW 0x0000ffff
#define MULTIBOOT_PAGE_ALIGN 0x00000001 /* modules begin on pages */
#define MULTIBOOT_MEMORY_INFO 0x00000002 /* the loader says what memory there is */
#define MULTIBOOT_AOUT_KLUDGE 0x00010000 /* load addresses are in the header */

/* In %eax when the kernel starts */
#define MULTIBOOT_VALID 0x2badb002

/* Flags of the loader's information: which members are there */
#define MULTIBOOT_MEMORY 0x00000001
#define MULTIBOOT_BOOT_DEVICE 0x00000002
#define MULTIBOOT_CMDLINE 0x00000004
#define MULTIBOOT_MODS 0x00000008
#define MULTIBOOT_AOUT_SYMS 0x00000010
#define MULTIBOOT_ELF_SHDR 0x00000020
#define MULTIBOOT_MEM_MAP 0x00000040

#define MB_ARD_MEMORY 1 /* a range of the map is memory */

struct multiboot_module {
    vm_offset_t mod_start; /* physical addresses: the first byte, and the first byte after */
    vm_offset_t mod_end;
    vm_offset_t string;
    unsigned int reserved;
};

/* The same under other names, with the widths spelled out */
#define MULTIBOOT_OS_MAGIC 0x1badb002
#define MULTIBOOT_OS_MEMORY_INFO 0x2
#define MULTIBOOT_OS_FLAGS MULTIBOOT_OS_MEMORY_INFO
#define MULTIBOOT_LOADER_MAGIC 0x2badb002
#define MULTIBOOT_LOADER_MEMORY 0x01
#define MULTIBOOT_LOADER_CMDLINE 0x04
#define MULTIBOOT_LOADER_MODULES 0x08
#define MULTIBOOT_LOADER_SHDR 0x20
#define MULTIBOOT_LOADER_MMAP 0x40

struct multiboot_raw_module {
    uint32_t mod_start;
    uint32_t mod_end;
    uint32_t string;
    uint32_t reserved;
} __attribute__((packed));

struct multiboot_raw_mmap_entry {
    uint32_t size; /* of the rest of this entry */
    uint64_t base_addr;
    uint64_t length;
    uint32_t type;
} __attribute__((packed));

struct multiboot_raw_info {
    uint32_t flags;
    uint32_t mem_lower; /* KiB from 0 */
    uint32_t mem_upper; /* KiB from 1 MiB to the first hole */
    uint32_t unused0;
    uint32_t cmdline;
    uint32_t mods_count;
    uint32_t mods_addr;
    uint32_t shdr_num;
    uint32_t shdr_size;
    uint32_t shdr_addr;
    uint32_t shdr_strndx;
    uint32_t mmap_length; /* bytes */
    uint32_t mmap_addr;
    uint32_t unused1[9];
} __attribute__((packed));

struct multiboot_os_module {
    void *mod_start;
    void *mod_end;
    char *string;
};

struct multiboot_os_info {
    uint32_t flags;
    char *cmdline;
    struct multiboot_module *mods_addr;
    uint32_t mods_count;
};

#endif
