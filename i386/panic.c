/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last words: reason, registers, backtrace, counters, in this order, so that what matters most is out when the
 * kernel is too broken for the rest. A panic inside a panic leaves out all but its reason, and a third one just ends.
 *
 * Backtraces follow the frame pointers as long as they go upwards within one kernel stack.
 */
#include "i386/panic.h"

#include <stdarg.h>

#include "i386/cpu.h"
#include "kernel/ksyms.h"
#include "kernel/machine.h"
#include "kernel/options.h"
#include "kernel/printf.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/vm_fault.h"
#include "vm/vm_frame.h"

#define PANIC_BACKTRACE_MAX 40
#define PANIC_MILLION 1000000u

static unsigned int panic_depth;

/* What a function's prologue leaves. */
struct panic_link {
    const struct panic_link *up;
    uintptr_t return_address;
};

/* A call that never returns may be the last of its function: the byte before a return address is in it for sure. */
static void panic_place(uintptr_t address, uintptr_t back)
{
    uintptr_t offset;
    const char *name = ksyms_lookup(address - back, &offset);

    if (name != NULL)
        kprintf("  %08lx %s+%#lx\n", (unsigned long)address, name, (unsigned long)(offset + back));
    else
        kprintf("  %08lx\n", (unsigned long)address);
}

static bool panic_link_good(uintptr_t link, uintptr_t low)
{
    return link >= MACHINE_USER_END && link % sizeof(uintptr_t) == 0 && link >= low && link - low < MACHINE_STACK_SIZE &&
        low + sizeof(struct panic_link) > low;
}

/* From eip, whose function has the frame pointer ebp, on a stack that is in use from esp on. */
static void panic_backtrace(uintptr_t eip, uintptr_t ebp, uintptr_t esp)
{
    const struct panic_link *link = (const struct panic_link *)ebp;

    kprintf("backtrace:\n");
    panic_place(eip, 0);
    for (unsigned int i = 0; i < PANIC_BACKTRACE_MAX && panic_link_good((uintptr_t)link, esp); i++) {
        if (link->return_address < MACHINE_USER_END)
            break;
        panic_place(link->return_address, 1);
        esp = (uintptr_t)(link + 1);
        link = link->up;
    }
}

static void panic_registers(const struct trap_frame *frame, uintptr_t esp)
{
    kprintf("eip %04x:%08x esp %08lx eflags %08x error %#x\n", frame->cs & 0xffff, frame->eip, (unsigned long)esp,
        frame->eflags, frame->error);
    kprintf("eax %08x ebx %08x ecx %08x edx %08x\n", frame->eax, frame->ebx, frame->ecx, frame->edx);
    kprintf("esi %08x edi %08x ebp %08x ds %04x es %04x\n", frame->esi, frame->edi, frame->ebp, frame->ds, frame->es);
    kprintf("cr0 %08x cr2 %08lx cr3 %08x\n", cpu_cr0(), (unsigned long)cpu_cr2(), cpu_cr3());
}

static void panic_who(void)
{
    const struct thread *thread = current_thread();

    if (thread == NULL)
        return;
    kprintf("thread %p", (const void *)thread);
    if (thread->name != NULL && thread->name[0] != '\0')
        kprintf(" (%s)", thread->name);
    if (thread->task != NULL)
        kprintf(" of task %p (%.*s)", (const void *)thread->task, (int)sizeof(thread->task->name), thread->task->name);
    kprintf(", stack %p\n", thread->kernel_stack);
}

static void panic_counters(void)
{
    const struct vm_fault_counters *vm = &vm_fault_counters;
    uint64_t milliseconds = machine_time_ns() >> 20; /* near enough: no division of 64 bits */

    kprintf("counters: about %lu ms up; frames: %u free, %u kernel, %u objects, %u waited for\n",
        (unsigned long)milliseconds, vm_frame_nr_free(), vm_frame_count(VM_FRAME_KERNEL),
        vm_frame_count(VM_FRAME_OBJECT), vm_frame_nr_waiting());
    kprintf("counters: faults %llu, zero fills %llu, page-ins %llu, copies %llu, reactivations %llu\n",
        (unsigned long long)vm->faults, (unsigned long long)vm->zero_fills, (unsigned long long)vm->pageins,
        (unsigned long long)vm->cow_faults, (unsigned long long)vm->reactivations);
}

static void panic_say(const char *format, va_list arguments)
{
    if (options.test != NULL && panic_depth == 1)
        kprintf("\nBail out! ");
    else
        kprintf("\n");
    kprintf("panic: ");
    kvprintf(format, arguments);
    kprintf("\n");
}

static void panic_end(const struct trap_frame *frame, uintptr_t esp) __attribute__((noreturn));
static void panic_end(const struct trap_frame *frame, uintptr_t esp)
{
    if (panic_depth == 1) {
        panic_registers(frame, esp);
        panic_who();
        panic_backtrace(frame->eip, frame->ebp, esp);
        panic_counters();
    }
    machine_end(MACHINE_HALT, false);
}

static void panic_begin(void)
{
    cpu_cli();
    if (++panic_depth > 2)
        machine_end(MACHINE_HALT, false);
}

void panic_frame(const struct trap_frame *frame, uintptr_t esp, const char *format, ...)
{
    va_list arguments;

    panic_begin();
    va_start(arguments, format);
    panic_say(format, arguments);
    va_end(arguments);
    panic_end(frame, esp);
}

/* The registers here say where it happened; the others are the caller's affair and gone. */
__attribute__((noinline)) void panic(const char *format, ...)
{
    struct trap_frame frame = {.cs = SELECTOR_KERNEL_CODE, .eflags = cpu_eflags()};
    const struct panic_link *link = __builtin_frame_address(0);
    va_list arguments;

    panic_begin();
    __asm__ volatile("movl %%ebx, %0; movl %%esi, %1; movl %%edi, %2"
        : "=m"(frame.ebx), "=m"(frame.esi), "=m"(frame.edi));
    frame.es = frame.ds = SELECTOR_USER_DATA;
    va_start(arguments, format);
    panic_say(format, arguments);
    va_end(arguments);
    frame.eip = link->return_address - 1;
    frame.ebp = (uintptr_t)link->up;
    panic_end(&frame, (uintptr_t)(link + 1));
}
