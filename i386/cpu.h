/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processor's instructions that C has no words for. Nothing here is newer than the 486 but what checks cpu_has_*.
 */
#ifndef I386_CPU_H
#define I386_CPU_H

#include "kernel/types.h"

#define CPU_EFLAGS_TF 0x00000100u
#define CPU_EFLAGS_IF 0x00000200u
#define CPU_EFLAGS_DF 0x00000400u
#define CPU_EFLAGS_IOPL 0x00003000u
#define CPU_EFLAGS_NT 0x00004000u
#define CPU_EFLAGS_RF 0x00010000u
#define CPU_EFLAGS_VM 0x00020000u
#define CPU_EFLAGS_ID 0x00200000u
#define CPU_EFLAGS_ALWAYS 0x00000002u

#define CPU_CR0_MP 0x00000002u
#define CPU_CR0_EM 0x00000004u
#define CPU_CR0_TS 0x00000008u
#define CPU_CR0_NE 0x00000020u
#define CPU_CR0_WP 0x00010000u
#define CPU_CR0_AM 0x00040000u
#define CPU_CR0_PG 0x80000000u

#define CPU_CR4_PSE 0x00000010u
#define CPU_CR4_PGE 0x00000080u
#define CPU_CR4_OSFXSR 0x00000200u
#define CPU_CR4_OSXMMEXCPT 0x00000400u

/* What cpuid 1 says in %edx; 0 where there is no cpuid. */
#define CPU_FEATURE_FPU (1u << 0)
#define CPU_FEATURE_PSE (1u << 3)
#define CPU_FEATURE_PGE (1u << 13)
#define CPU_FEATURE_FXSR (1u << 24)
#define CPU_FEATURE_SSE (1u << 25)
extern uint32_t cpu_features;
/* Whether the processor has cpuid; the ID flag says so. */
bool cpu_has_cpuid(void);
/* Fills cpu_features in. */
void cpu_init(void);

static inline uint8_t cpu_inb(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint16_t cpu_inw(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint32_t cpu_inl(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline void cpu_outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
static inline void cpu_outw(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}
static inline void cpu_outl(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
/* About a microsecond on any machine of the kind: a write to the port of power-on self test codes. */
static inline void cpu_io_delay(void)
{
    cpu_outb(0x80, 0);
}

static inline uint32_t cpu_cr0(void)
{
    uint32_t value;
    __asm__ volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}
static inline void cpu_set_cr0(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr0" : : "r"(value) : "memory");
}
static inline uintptr_t cpu_cr2(void)
{
    uintptr_t value;
    __asm__ volatile("movl %%cr2, %0" : "=r"(value));
    return value;
}
static inline phys_t cpu_cr3(void)
{
    phys_t value;
    __asm__ volatile("movl %%cr3, %0" : "=r"(value));
    return value;
}
static inline void cpu_set_cr3(phys_t value)
{
    __asm__ volatile("movl %0, %%cr3" : : "r"(value) : "memory");
}
/* Only on processors that have it: some feature of its bits is there. */
static inline uint32_t cpu_cr4(void)
{
    uint32_t value;
    __asm__ volatile("movl %%cr4, %0" : "=r"(value));
    return value;
}
static inline void cpu_set_cr4(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}
static inline void cpu_invlpg(uintptr_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* For lgdt and lidt. */
struct cpu_table {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

static inline void cpu_lgdt(const struct cpu_table *table)
{
    __asm__ volatile("lgdt %0" : : "m"(*table) : "memory");
}
static inline void cpu_lidt(const struct cpu_table *table)
{
    __asm__ volatile("lidt %0" : : "m"(*table) : "memory");
}
static inline void cpu_lldt(uint16_t selector)
{
    __asm__ volatile("lldt %0" : : "r"(selector) : "memory");
}
static inline void cpu_ltr(uint16_t selector)
{
    __asm__ volatile("ltr %0" : : "r"(selector) : "memory");
}

static inline uint32_t cpu_eflags(void)
{
    uint32_t value;
    __asm__ volatile("pushfl; popl %0" : "=r"(value) : : "memory");
    return value;
}
static inline void cpu_set_eflags(uint32_t value)
{
    __asm__ volatile("pushl %0; popfl" : : "r"(value) : "memory", "cc");
}
static inline void cpu_cli(void)
{
    __asm__ volatile("cli" : : : "memory");
}
static inline void cpu_sti(void)
{
    __asm__ volatile("sti" : : : "memory");
}
/* Interrupts are let in only together with the wait, so none is lost between the two. */
static inline void cpu_sti_hlt(void)
{
    __asm__ volatile("sti; hlt" : : : "memory");
}
static inline void cpu_hlt(void)
{
    __asm__ volatile("hlt" : : : "memory");
}
static inline void cpu_clts(void)
{
    __asm__ volatile("clts" : : : "memory");
}
static inline void cpu_cpuid(uint32_t leaf, uint32_t registers[4])
{
    __asm__ volatile("cpuid"
        : "=a"(registers[0]), "=b"(registers[1]), "=c"(registers[2]), "=d"(registers[3])
        : "a"(leaf), "c"(0));
}
static inline uint16_t cpu_fs(void)
{
    uint32_t value;
    __asm__ volatile("movl %%fs, %0" : "=r"(value));
    return (uint16_t)value;
}
static inline uint16_t cpu_gs(void)
{
    uint32_t value;
    __asm__ volatile("movl %%gs, %0" : "=r"(value));
    return (uint16_t)value;
}

#endif
