/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory at boot, and the direct map.
 *
 * memory_init() takes the boot loader's word for what is memory, sets aside what the kernel, its modules and its own
 * tables need, builds the final kernel address space (doc/design.md, "The address map") and gives the rest to vm_frame.
 * What a boot loader passes may lie anywhere below 4 GiB, also where boot.S maps nothing: all of it is read through
 * memory_read_phys().
 */
#ifndef I386_MEMORY_H
#define I386_MEMORY_H

#include "i386/multiboot.h"
#include "kernel/types.h"

/* The address map; doc/design.md has the table. */
#define MEMORY_DIRECT_START 0xC0000000u
#define MEMORY_DIRECT_END 0xF0000000u
#define MEMORY_DIRECT_SIZE (MEMORY_DIRECT_END - MEMORY_DIRECT_START) /* 768 MiB */
#define MEMORY_KVA_START 0xF0000000u
#define MEMORY_KVA_END 0xFF000000u
#define MEMORY_WINDOW_START 0xFF000000u

/*
 * Copies the command line and the loader's name into boot_info, without printing anything: the console may depend on
 * them. To be called with boot.S' page tables, interrupts off; memory_init() calls it too, harmlessly. info is what the
 * loader passed in %ebx, a physical address like all addresses in it, or the address of a copy in the kernel.
 */
void memory_boot_strings(const struct multiboot_info *info);

/*
 * Everything else, in the order: memory map, modules, direct map, frame records, vm_frame's set-up, kernel_pmap. Needs a
 * console. Ends the machine by boot_fail() when the boot loader's word makes no sense or memory is too little. On return
 * user addresses map nothing, the kernel's text and constants are read-only (CR0.WP is set), physical page 0 is mapped
 * nowhere.
 */
void memory_init(const struct multiboot_info *info);

/* Copies from any physical address, mapped or not. Interrupts off or the kernel not yet running threads. */
void memory_read_phys(phys_t from, void *to, size_t size);

/* The same for a string: at most size bytes, the zero at the end always among them. Returns its length. */
size_t memory_read_string(phys_t from, char *to, size_t size);

/* End of the direct map, a physical address: the end of memory or 768 MiB. 16 MiB until memory_init() has run. */
extern phys_t memory_direct_end;

/* Only for addresses of which machine_phys_direct() is true; machine_phys_to_virt() is the same, not inlined. */
static inline void *memory_direct(phys_t address)
{
    return (void *)(uintptr_t)(address + MEMORY_DIRECT_START);
}

static inline phys_t memory_direct_phys(const void *address)
{
    return (phys_t)((uintptr_t)address - MEMORY_DIRECT_START);
}

#endif
