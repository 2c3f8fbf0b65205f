/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables of the i386: what kernel/machine.h says of pmaps, and what only i386/ may use of them.
 *
 * A *directory* has 1024 entries for 4 MiB each, which name *tables* of 1024 entries for a page each. The kernel's
 * entries (from MACHINE_USER_END up) are the same in every directory.
 */
#ifndef I386_PMAP_H
#define I386_PMAP_H

#include <mach/kern_return.h>

#include "kernel/kmem.h"
#include "kernel/list.h"
#include "kernel/machine.h"
#include "kernel/types.h"

#define PMAP_ENTRIES 1024u              /* of a directory, or of a table */
#define PMAP_TABLE_SHIFT 22
#define PMAP_TABLE_SPAN (1u << PMAP_TABLE_SHIFT) /* bytes that a table maps */
#define PMAP_KERNEL_INDEX (MACHINE_USER_END >> PMAP_TABLE_SHIFT) /* the kernel's first directory entry */

/* Bits of entries. The hardware leaves bits 9 to 11 to us. */
enum pmap_pte {
    PMAP_PTE_VALID = 0x001,
    PMAP_PTE_WRITE = 0x002,
    PMAP_PTE_USER = 0x004,
    PMAP_PTE_WRITE_THROUGH = 0x008,
    PMAP_PTE_UNCACHED = 0x010,
    PMAP_PTE_REFERENCED = 0x020,
    PMAP_PTE_MODIFIED = 0x040,
    PMAP_PDE_LARGE = 0x080,             /* directory entries: 4 MiB, no table */
    PMAP_PTE_GLOBAL = 0x100,            /* survives a reload of CR3 */
    PMAP_PTE_WIRED = 0x200,             /* ours: entered with PMAP_WIRED */
    PMAP_PTE_UNMANAGED = 0x400,         /* ours: not in the reverse map (kva, windows, the direct map) */
};
#define PMAP_PTE_FRAME (~(uint32_t)PAGE_MASK)

/*
 * Locking: V pmap.c's one lock; I immutable.
 */
struct pmap {
    uint32_t *directory;                /* [I] in the direct map (the kernel's: in its image) */
    phys_t directory_phys;              /* [I] what CR3 gets */
    unsigned int nr_resident;           /* [V] mappings in the reverse map */
    unsigned int nr_tables;             /* [V] tables of the user part */
    struct list_node node;              /* [V] in the list of all pmaps but the kernel's */
};

/*
 * Loads pmap's directory. Activating kernel_pmap leaves the directory that is loaded: its kernel part is the same, and
 * kernel threads touch no user address. Called by the switch, interrupts off.
 */
void pmap_activate(struct pmap *pmap);

/*
 * The set-up: directory becomes kernel_pmap's, and is loaded. global is PMAP_PTE_GLOBAL when CR4.PGE is on, else 0.
 */
void pmap_init(uint32_t *directory, enum pmap_pte global);

/*
 * Makes the table for kernel addresses around va, in all directories; it stays for ever. how as in kmem.h, may sleep.
 * Returns false when there is no memory.
 */
bool pmap_kernel_table(uintptr_t va, enum alloc how) __must_check;
/* Maps one page of kernel virtual memory for which pmap_kernel_table has succeeded and nothing is mapped. */
void pmap_kernel_enter(uintptr_t va, phys_t address, enum pmap_pte bits);
/* The physical address of a mapped kernel virtual page. */
phys_t pmap_kernel_extract(uintptr_t va);
/* Unmaps [start, end) of kernel virtual memory, and flushes the TLB. Pages that are not mapped are passed over. */
void pmap_kernel_remove(uintptr_t start, uintptr_t end);

/* window.c: enters its static table in boot.S' directory, before anything else; see there. */
void window_init(uint32_t *directory);
/* window.c: maps the page of a physical address in a window of two (0, 1), until the window's next use. */
void *window_map(unsigned int window, phys_t address);

#endif
