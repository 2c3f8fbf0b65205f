/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory as the boot loader left it: what is free, what is whose.
 */
#ifndef I386_MEMORY_H
#define I386_MEMORY_H

#include "i386/multiboot.h"

/*
 * Sets frames, kernel_pmap and boot_info up from what the boot loader said, and leaves the boot page tables. info is
 * readable. Stops the boot with a line when there is too little memory.
 */
void memory_init(const struct multiboot_info *info);

#endif
