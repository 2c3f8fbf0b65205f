/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of vectors. */
#ifndef I386_IDT_H
#define I386_IDT_H

/* Loads it; gdt_init() comes before. */
void idt_init(void);

#endif
