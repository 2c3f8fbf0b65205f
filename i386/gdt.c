/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The descriptor tables.
 *
 * User segments and the trap gate are in an LDT, because GNU Mach's programs see these selectors in thread states. The
 * user's segments are flat like the kernel's: the pages above MACHINE_USER_END are the kernel's, which is enough, and the
 * kernel can run with the user's %ds and %es.
 *
 * A double fault goes through a task gate to a task state with a stack of its own, because its commonest cause is that
 * there is no stack left to push a frame on. The state before is found in gdt_tss then.
 */
#include "i386/gdt.h"

#include "i386/context.h"
#include "i386/cpu.h"
#include "i386/trap.h"

enum gdt_access {
    GDT_PRESENT = 0x80,
    GDT_USER = 0x60,            /* privilege level 3 */
    GDT_CODE = 0x1a,            /* readable */
    GDT_DATA = 0x12,            /* writable */
    GDT_LDT = 0x02,
    GDT_TSS = 0x09,
    GDT_CALL_GATE = 0x0c,
};

#define GDT_FLAT_LIMIT 0xfffffu     /* in pages */
#define GDT_FLAGS_FLAT 0xcu         /* the limit is in pages; 32 bits */
#define GDT_FLAGS_BYTES 0u
#define GDT_DOUBLE_FAULT_STACK 4096u

struct gdt_descriptor {
    uint32_t low, high;
};

/* Neither crosses a page, which a task switch might not survive. */
struct gdt_tss gdt_tss __attribute__((aligned(128)));
static struct gdt_tss gdt_double_fault_tss __attribute__((aligned(128)));
static uint8_t gdt_double_fault_stack[GDT_DOUBLE_FAULT_STACK] __attribute__((aligned(16)));
static struct gdt_descriptor gdt_table[SELECTOR_DOUBLE_FAULT_TSS / 8 + 1] __attribute__((aligned(8)));
static struct gdt_descriptor gdt_ldt[SELECTOR_USER_DATA / 8 + 1] __attribute__((aligned(8)));

static struct gdt_descriptor gdt_segment(uint32_t base, uint32_t limit, unsigned int access, unsigned int flags)
{
    struct gdt_descriptor descriptor;

    descriptor.low = (base << 16) | (limit & 0xffff);
    descriptor.high = (base & 0xff000000) | (flags << 20) | (limit & 0xf0000) | ((access | GDT_PRESENT) << 8) |
        ((base >> 16) & 0xff);
    return descriptor;
}

/* A gate that copies no parameters: the kernel reads them itself, because it must survive a bad stack. */
static struct gdt_descriptor gdt_call_gate(uintptr_t entry)
{
    struct gdt_descriptor descriptor;

    descriptor.low = (SELECTOR_KERNEL_CODE << 16) | (entry & 0xffff);
    descriptor.high = (entry & 0xffff0000) | ((GDT_CALL_GATE | GDT_USER | GDT_PRESENT) << 8);
    return descriptor;
}

static void gdt_load(void)
{
    struct cpu_table table = {sizeof(gdt_table) - 1, (uintptr_t)gdt_table};

    cpu_lgdt(&table);
    __asm__ volatile("ljmp %0, $1f; 1:" : : "i"(SELECTOR_KERNEL_CODE) : "memory");
    __asm__ volatile("movl %0, %%ss" : : "r"(SELECTOR_KERNEL_DATA) : "memory");
    cpu_lldt(SELECTOR_LDT);
    __asm__ volatile("movl %0, %%ds; movl %0, %%es; movl %0, %%fs; movl %0, %%gs" : : "r"(SELECTOR_USER_DATA) : "memory");
    cpu_ltr(SELECTOR_TSS);
}

void gdt_double_fault_space(void)
{
    gdt_double_fault_tss.cr3 = cpu_cr3();
}

void gdt_init(void)
{
    gdt_table[SELECTOR_KERNEL_CODE / 8] = gdt_segment(0, GDT_FLAT_LIMIT, GDT_CODE, GDT_FLAGS_FLAT);
    gdt_table[SELECTOR_KERNEL_DATA / 8] = gdt_segment(0, GDT_FLAT_LIMIT, GDT_DATA, GDT_FLAGS_FLAT);
    gdt_table[SELECTOR_TSS / 8] = gdt_segment((uintptr_t)&gdt_tss, sizeof(gdt_tss) - 1, GDT_TSS, GDT_FLAGS_BYTES);
    gdt_table[SELECTOR_LDT / 8] = gdt_segment((uintptr_t)gdt_ldt, sizeof(gdt_ldt) - 1, GDT_LDT, GDT_FLAGS_BYTES);
    gdt_table[SELECTOR_DOUBLE_FAULT_TSS / 8] = gdt_segment((uintptr_t)&gdt_double_fault_tss,
        sizeof(gdt_double_fault_tss) - 1, GDT_TSS, GDT_FLAGS_BYTES);
    gdt_ldt[SELECTOR_USER_GATE / 8] = gdt_call_gate((uintptr_t)trap_syscall_entry);
    gdt_ldt[SELECTOR_USER_CODE / 8] = gdt_segment(0, GDT_FLAT_LIMIT, GDT_CODE | GDT_USER, GDT_FLAGS_FLAT);
    gdt_ldt[SELECTOR_USER_DATA / 8] = gdt_segment(0, GDT_FLAT_LIMIT, GDT_DATA | GDT_USER, GDT_FLAGS_FLAT);

    gdt_tss.ss0 = SELECTOR_KERNEL_DATA;
    gdt_tss.io_map = sizeof(gdt_tss); /* beyond the limit: no port is open to users */

    gdt_double_fault_tss.eip = (uintptr_t)trap_double_fault;
    gdt_double_fault_tss.eflags = CPU_EFLAGS_ALWAYS;
    /* As if called: a return address of 0, which ends backtraces. */
    gdt_double_fault_tss.esp = (uintptr_t)gdt_double_fault_stack + sizeof(gdt_double_fault_stack) - sizeof(uint32_t);
    gdt_double_fault_tss.cs = SELECTOR_KERNEL_CODE;
    gdt_double_fault_tss.ss = SELECTOR_KERNEL_DATA;
    gdt_double_fault_tss.ds = SELECTOR_USER_DATA;
    gdt_double_fault_tss.es = SELECTOR_USER_DATA;
    gdt_double_fault_tss.fs = SELECTOR_USER_DATA;
    gdt_double_fault_tss.gs = SELECTOR_USER_DATA;
    gdt_double_fault_tss.ldt = SELECTOR_LDT;
    gdt_double_fault_tss.io_map = sizeof(gdt_double_fault_tss);
    gdt_double_fault_space();
    gdt_load();
}
