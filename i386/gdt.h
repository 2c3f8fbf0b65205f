/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments and task states. All segments are flat, 4 GiB from 0: pages alone protect. Selectors are in i386/context.h.
 */
#ifndef I386_GDT_H
#define I386_GDT_H

#include "kernel/types.h"

/* A task state, as the processor lays it out. */
struct gdt_tss {
    uint32_t back_link;
    uint32_t esp0, ss0, esp1, ss1, esp2, ss2;
    uint32_t cr3;
    uint32_t eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs;
    uint32_t ldt;
    uint16_t trap, io_map;
};
_Static_assert(sizeof(struct gdt_tss) == 104, "the processor's layout");

/* The one that everything runs in; esp0 is where the running thread's frame from user mode ends. */
extern struct gdt_tss gdt_tss;

/* Loads the tables and all segment registers. Needs no memory. */
void gdt_init(void);
/* Has double faults handled in the address space that is in use now: the kernel's own. */
void gdt_double_fault_space(void);

#endif
