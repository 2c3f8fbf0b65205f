/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All vectors go through interrupt gates, so that trap.c can read what the next trap would overwrite before it lets
 * interrupts in again. Users may call the breakpoint and overflow vectors only: any other int is a protection fault.
 */
#include "i386/idt.h"

#include "i386/context.h"
#include "i386/cpu.h"
#include "i386/trap.h"

#define IDT_INTERRUPT_GATE 0x8e00u
#define IDT_TASK_GATE 0x8500u
#define IDT_USER 0x6000u
#define IDT_BREAKPOINT 3
#define IDT_OVERFLOW 4

static struct {
    uint32_t low, high;
} idt_table[TRAP_NR_VECTORS] __attribute__((aligned(8)));

void idt_init(void)
{
    struct cpu_table table = {sizeof(idt_table) - 1, (uintptr_t)idt_table};

    for (unsigned int i = 0; i < TRAP_NR_VECTORS; i++) {
        uint32_t entry = (uintptr_t)trap_entries[i];
        uint32_t user = i == IDT_BREAKPOINT || i == IDT_OVERFLOW ? IDT_USER : 0;

        idt_table[i].low = (SELECTOR_KERNEL_CODE << 16) | (entry & 0xffff);
        idt_table[i].high = (entry & 0xffff0000) | IDT_INTERRUPT_GATE | user;
    }
    idt_table[TRAP_DOUBLE_FAULT].low = SELECTOR_DOUBLE_FAULT_TSS << 16;
    idt_table[TRAP_DOUBLE_FAULT].high = IDT_TASK_GATE;
    cpu_lidt(&table);
}
