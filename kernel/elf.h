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

#endif
