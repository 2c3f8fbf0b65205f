/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading executables: static i386 ELF files, at fixed addresses or position-independent.
 */
#ifndef KERNEL_ELF_H
#define KERNEL_ELF_H

#include "kernel/boot_info.h"
#include "kernel/types.h"

struct vm_map;

/*
 * Maps module's segments in map, which is empty where they go, and sets *entry. Returns NULL, or what is wrong with the
 * file: then map may hold some of it. Sleeps.
 */
const char *elf_load(const struct boot_module *module, struct vm_map *map, uintptr_t *entry);

/*
 * Whether free memory is above the low watermark. While programs are loaded nothing can be paged out, because nobody runs
 * who would take it, and a thread that waited for memory would wait for ever. What is between the low and the minimum
 * watermark, 16 frames at least, is enough for the page tables and the arguments of a program.
 */
bool elf_has_memory(void);

#endif
