/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader says is memory.
 */
#ifndef I386_MEMORY_MAP_H
#define I386_MEMORY_MAP_H

#include "i386/memory_ranges.h"
#include "i386/multiboot.h"

/*
 * Fills usable (empty before) with the pages that are wholly memory and in no range that is something else. Prints what
 * is odd; stops the boot if ranges overlap of which one at least is memory, or if nothing tells of any memory. The last
 * page below 4 GiB is never in the set, so that ends of ranges are addresses.
 */
void memory_map_read(const struct multiboot_info *info, struct memory_ranges *usable);

#endif
