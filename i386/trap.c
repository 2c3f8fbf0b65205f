/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What traps mean.
 *
 * A trap from user mode becomes a page fault that is resolved, or an exception that the task's handler hears of. A trap in
 * the kernel is its end, but for the places where a user's bad value makes the kernel stumble: they are known by the
 * address of the instruction, so that what may fault costs nothing until it does. Two ways to go on:
 *   copying (copy.S, the arguments of trap gates): goes on at a label that returns failure;
 *   loads of segments and the iret to user mode: the value in the frame is made a good one, and tried again.
 */
#include "i386/trap.h"

#include <mach/exception.h>
#include <mach/i386/trap.h>
#include <mach/kern_return.h>
#include <mach/vm_prot.h>

#include "i386/cpu.h"
#include "i386/debug.h"
#include "i386/fpu.h"
#include "i386/gdt.h"
#include "i386/interrupt.h"
#include "i386/panic.h"
#include "kernel/exception.h"
#include "kernel/machine.h"
#include "kernel/syscall_sw.h"
#include "kernel/thread.h"
#include "vm/vm_fault.h"

#define TRAP_INVALID_TSS 10
#define TRAP_ALIGNMENT 17
#define TRAP_SSE 19
#define TRAP_ERROR_SELECTOR 0xffff

_Static_assert(SYSCALL_MAX_ARGUMENTS * sizeof(uint32_t) == 44, "ARGUMENTS_SIZE in trap_entry.S");
_Static_assert(sizeof(struct syscall) == 8, "trap_entry.S's index into the table");
_Static_assert(offsetof(struct syscall, handler) == 4, "trap_entry.S' handler");
_Static_assert(offsetof(struct thread, machine) == 0, "switch.S takes a thread for its context");

static const char *const trap_names[] = {
    "divide error", "debug trap", "non-maskable interrupt", "breakpoint", "overflow", "bound exceeded", "invalid opcode",
    "no FPU", "double fault", "FPU overrun", "invalid TSS", "segment not present", "stack fault", "general protection",
    "page fault", "trap 15", "FPU error", "alignment check", "machine check", "SSE error",
};

/* Gives trap_entry.S the offset of ast in struct thread. It is never called. */
void trap_constants(void);
__attribute__((used, noinline)) void trap_constants(void)
{
    __asm__ volatile(".globl trap_thread_ast; .set trap_thread_ast, %c0" : : "i"(offsetof(struct thread, ast)));
}

struct trap_frame *trap_user_frame(const struct thread *thread)
{
    return (struct trap_frame *)((uintptr_t)thread->kernel_stack + MACHINE_STACK_SIZE) - 1;
}

/* A frame of the kernel itself ends before esp and ss: what follows is the interrupted stack. */
static uintptr_t trap_kernel_esp(const struct trap_frame *frame)
{
    return (uintptr_t)&frame->esp;
}

static const char *trap_name(const struct trap_frame *frame)
{
    return frame->vector < ARRAY_LENGTH(trap_names) ? trap_names[frame->vector] : "unknown trap";
}

/* ---- page faults ---- */

static bool trap_eip_is(const struct trap_frame *frame, const char *label)
{
    return frame->eip == (uintptr_t)label;
}

static bool trap_eip_copies(const struct trap_frame *frame)
{
    return trap_eip_is(frame, trap_syscall_copy) ||
        (frame->eip >= (uintptr_t)copy_start && frame->eip < (uintptr_t)copy_end);
}

static kern_return_t trap_resolve(const struct trap_frame *frame, uintptr_t address)
{
    if (address >= MACHINE_USER_END)
        return KERN_INVALID_ADDRESS;
    return vm_fault(current_map(), address,
        frame->error & T_PF_WRITE ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ);
}

/* A user's: called and returns with interrupts on. */
static void trap_user_page_fault(const struct trap_frame *frame, uintptr_t address)
{
    kern_return_t result = trap_resolve(frame, address);

    /* Aborted: the way out looks why, and if the thread then goes on it faults again. */
    if (result != KERN_SUCCESS && result != KERN_ABORTED)
        exception_raise(EXC_BAD_ACCESS, result, (int)address);
}

static void trap_kernel_page_fault(struct trap_frame *frame, uintptr_t address)
{
    if (address >= MACHINE_USER_END || !trap_eip_copies(frame))
        panic_frame(frame, trap_kernel_esp(frame), "page fault in the kernel at %#lx: %s, %s", (unsigned long)address,
            frame->error & T_PF_WRITE ? "write" : "read", frame->error & T_PF_PROT ? "forbidden" : "nothing there");
    if (frame->eflags & CPU_EFLAGS_IF)
        cpu_sti();
    if (trap_resolve(frame, address) == KERN_SUCCESS)
        return;
    if (trap_eip_is(frame, trap_syscall_copy)) {
        frame->eax = address;
        frame->eip = (uintptr_t)trap_syscall_copy_failed;
    } else {
        frame->eip = (uintptr_t)copy_failed;
    }
}

/* ---- traps in the kernel ---- */

/* A selector or other value of a user's that the processor did not take: puts one that it takes. False: not one. */
static bool trap_kernel_repair(struct trap_frame *frame)
{
    struct machine_context *context = (struct machine_context *)frame->edx;
    uint32_t *leaving;

    if (trap_eip_is(frame, trap_iret)) {
        /* On the interrupted stack there is what the iret was to take: eip, cs, eflags, esp, ss. */
        leaving = (uint32_t *)trap_kernel_esp(frame);
        leaving[1] = SELECTOR_USER_CODE;
        leaving[2] = (leaving[2] & ~(CPU_EFLAGS_NT | CPU_EFLAGS_VM | CPU_EFLAGS_IOPL)) | CPU_EFLAGS_IF | CPU_EFLAGS_ALWAYS;
        leaving[4] = SELECTOR_USER_DATA;
    } else if (trap_eip_is(frame, trap_load_ds) || trap_eip_is(frame, trap_load_es)) {
        struct trap_frame *restored = (struct trap_frame *)trap_kernel_esp(frame);

        restored->ds = restored->es = SELECTOR_USER_DATA;
    } else if (trap_eip_is(frame, switch_load_fs)) {
        context->fs = 0;
    } else if (trap_eip_is(frame, switch_load_gs)) {
        context->gs = 0;
    } else {
        return false;
    }
    return true;
}

/*
 * Debug traps in the kernel come from users: by the single-step flag, which the trap gate leaves on, and by watchpoints
 * on user memory that the kernel reads or writes for them. The latter are seen in the thread's debug status only.
 */
static void trap_kernel_debug(struct trap_frame *frame)
{
    if (frame->eip == (uintptr_t)trap_syscall_entry)
        frame->eip = (uintptr_t)trap_syscall_stepped;
    frame->eflags &= ~CPU_EFLAGS_TF;
}

static void trap_kernel(struct trap_frame *frame)
{
    switch (frame->vector) {
    case T_DEBUG:
        trap_kernel_debug(frame);
        return;
    case T_PAGE_FAULT:
        trap_kernel_page_fault(frame, cpu_cr2());
        return;
    case TRAP_INVALID_TSS:
    case T_SEGMENT_NOT_PRESENT:
    case T_STACK_FAULT:
    case T_GENERAL_PROTECTION:
        if (trap_kernel_repair(frame))
            return;
        break;
    }
    panic_frame(frame, trap_kernel_esp(frame), "%s in the kernel, error code %#x", trap_name(frame), frame->error);
}

/* ---- traps in user mode ---- */

static void trap_no_fpu(const struct trap_frame *frame)
{
    switch (fpu_use()) {
    case KERN_SUCCESS:
        break;
    case KERN_RESOURCE_SHORTAGE:
        exception_raise(EXC_BAD_ACCESS, KERN_RESOURCE_SHORTAGE, (int)frame->eip);
        break;
    default:
        exception_raise(EXC_ARITHMETIC, EXC_I386_NOEXT, 0);
        break;
    }
}

/* Interrupts are on. */
static void trap_user(struct trap_frame *frame)
{
    switch (frame->vector) {
    case T_DIVIDE_ERROR:
        exception_raise(EXC_ARITHMETIC, EXC_I386_DIV, 0);
        break;
    case T_DEBUG:
        exception_raise(EXC_BREAKPOINT, EXC_I386_SGL, 0);
        break;
    case T_INT3:
        exception_raise(EXC_BREAKPOINT, EXC_I386_BPT, 0);
        break;
    case T_OVERFLOW:
        exception_raise(EXC_ARITHMETIC, EXC_I386_INTO, 0);
        break;
    case T_OUT_OF_BOUNDS:
        exception_raise(EXC_SOFTWARE, EXC_I386_BOUND, 0);
        break;
    case T_INVALID_OPCODE:
        exception_raise(EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0);
        break;
    case T_NO_FPU:
        trap_no_fpu(frame);
        break;
    case TRAP_INVALID_TSS: /* an iret with the nested-task flag on: there is no task to go back to */
        frame->eflags &= ~CPU_EFLAGS_NT;
        break;
    case T_FLOATING_POINT_ERROR:
        exception_raise(EXC_ARITHMETIC, EXC_I386_EXTERR, (int)fpu_take_error());
        break;
    case TRAP_SSE:
        exception_raise(EXC_ARITHMETIC, EXC_I386_EXTERR, (int)fpu_take_sse_error());
        break;
    case TRAP_ALIGNMENT:
        exception_raise(EXC_BAD_ACCESS, KERN_INVALID_ARGUMENT, (int)frame->eip);
        break;
    default: /* protection, stack and absent segments; the code is the vector, as GNU Mach's */
        exception_raise(EXC_BAD_INSTRUCTION, (int)frame->vector, (int)(frame->error & TRAP_ERROR_SELECTOR));
        break;
    }
}

void trap_exception(struct trap_frame *frame)
{
    /* A fault of the hardware, whoever runs. */
    if (frame->vector == T_NMI)
        panic_frame(frame, trap_from_user(frame) ? frame->esp : trap_kernel_esp(frame), "non-maskable interrupt");
    /* Before any switch: the register is the running thread's. */
    if (frame->vector == T_DEBUG)
        debug_take_status();
    if (!trap_from_user(frame)) {
        trap_kernel(frame);
        return;
    }
    if (frame->vector == T_PAGE_FAULT) {
        uintptr_t address = cpu_cr2();

        cpu_sti();
        trap_user_page_fault(frame, address);
    } else {
        cpu_sti();
        trap_user(frame);
    }
}

void trap_interrupt(struct trap_frame *frame)
{
    interrupt_dispatch(frame->vector - TRAP_INTERRUPTS, trap_from_user(frame));
}

void trap_syscall_bad_number(uint32_t number)
{
    exception_raise(EXC_BAD_INSTRUCTION, EXC_I386_INVOP, (int)number);
}

void trap_syscall_bad_stack(uintptr_t address)
{
    exception_raise(EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, (int)address);
}

/* Interrupts are off; trap_entry.S looks again, with them off, before it leaves. */
void trap_ast(void)
{
    cpu_sti();
    thread_ast();
}

/* ---- double faults ---- */

/* A push that faults has its address close below the stack pointer; a function's first one may be its frame further down. */
static bool trap_stack_overflow(uintptr_t esp)
{
    uintptr_t address = cpu_cr2();

    return address >= esp ? address - esp < PAGE_SIZE : esp - address < PAGE_SIZE;
}

void trap_double_fault(void)
{
    struct trap_frame frame = {
        .edi = gdt_tss.edi, .esi = gdt_tss.esi, .ebp = gdt_tss.ebp, .ebx = gdt_tss.ebx, .edx = gdt_tss.edx,
        .ecx = gdt_tss.ecx, .eax = gdt_tss.eax, .es = (uint16_t)gdt_tss.es, .ds = (uint16_t)gdt_tss.ds,
        .vector = T_DOUBLE_FAULT, .eip = gdt_tss.eip, .cs = gdt_tss.cs, .eflags = gdt_tss.eflags,
        .esp = gdt_tss.esp, .ss = gdt_tss.ss,
    };

    panic_frame(&frame, gdt_tss.esp, "double fault%s",
        trap_stack_overflow(gdt_tss.esp) ? ": the kernel stack overflowed" : "");
}
