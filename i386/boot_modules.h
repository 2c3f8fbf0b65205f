/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot loader's modules, checked and entered in boot_info. memory_init()'s own, in the order of this file.
 */
#ifndef I386_BOOT_MODULES_H
#define I386_BOOT_MODULES_H

#include "i386/memory_ranges.h"
#include "i386/multiboot.h"

/*
 * Reads the list of modules. Stops the boot if one ends before it starts, lies outside usable memory, or over the kernel
 * or another one.
 */
void boot_modules_read(const struct multiboot_info *info, struct memory_ranges *usable);

/* Calls visit for each range of bytes that is still to be read: the list, and the modules' command lines. */
void boot_modules_for_each_source(const struct multiboot_info *info, void (*visit)(phys_t start, uint32_t size));

/* Bytes that the command lines of the modules need, and their copy there. */
uint32_t boot_modules_string_size(void);
void boot_modules_copy_strings(char *to);

#endif
