/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: coroutines, one for each thread of the kernel, and what a thread is in user mode.
 *
 * A coroutine's stack is the host's, with a guard page below, and larger than a kernel stack, because the sanitizers' frames
 * are; thread->kernel_stack is allocated as ever and not used. The boot and the idle thread run on the process' own.
 *
 * A simulated program is a function that runs on its thread's coroutine as if in user mode, so a thread that is in the
 * kernel has the program's frames below the kernel's on one stack. When the thread's state is set, the program begins
 * anew at its pc: all of the stack above the first departure is dropped.
 */
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <mach/i386/thread_status.h>
#include <mach/thread_status.h>

#include "kernel/exception.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "kernel/thread_life.h"
#include "laws.h"
#include "sim.h"
#include "user_mode.h"

#include <mach/exception.h>

#ifndef SIM_STACK_SIZE
#define SIM_STACK_SIZE (256u << 10)
#endif
#define SIM_PROGRAMS_MAX 64u
/* Programs' addresses look like code's, and 0, a fresh thread's pc, is none. */
#define SIM_PROGRAM_FIRST 0x1000u

struct sim_fiber {
    void *sp;                   /* while it does not run */
    char *bottom;               /* of its stack */
    size_t size;
    void *fake_stack;           /* the address sanitizer's */
    void (*entry)(void *argument);
    void *argument;
    bool departed;              /* it has been in user mode: base is set */
    jmp_buf base;
    struct thread *thread;      /* NULL when it is free */
    struct sim_fiber *next;     /* in sim_fibers */
};

static struct sim_fiber sim_boot_fiber, *sim_fibers;
static struct thread *sim_previous; /* who ran before the last switch */
static uint32_t sim_nr_threads;
static sim_program_function *sim_programs[SIM_PROGRAMS_MAX];
static uint32_t sim_nr_programs;

/* ---- stacks ---- */

void sim_switch_stacks(void **save, void *load);
__asm__(".text\n"
        ".globl sim_switch_stacks\n"
        ".type sim_switch_stacks, @function\n"
        "sim_switch_stacks:\n"
        "    movl 4(%esp), %eax\n"
        "    movl 8(%esp), %edx\n"
        "    pushl %ebp\n"
        "    pushl %ebx\n"
        "    pushl %esi\n"
        "    pushl %edi\n"
        "    movl %esp, (%eax)\n"
        "    movl %edx, %esp\n"
        "    popl %edi\n"
        "    popl %esi\n"
        "    popl %ebx\n"
        "    popl %ebp\n"
        "    ret\n"
        ".size sim_switch_stacks, . - sim_switch_stacks\n");

static struct sim_fiber *sim_fiber_of(const struct thread *thread)
{
    return sched_thread_is_idle(thread) ? &sim_boot_fiber : thread->machine.fiber;
}

/* Runs on the new stack after every switch, the first one of a coroutine too. */
static void sim_fiber_arrived(struct sim_fiber *self)
{
    const void *bottom;
    size_t size;

    __sanitizer_finish_switch_fiber(self->fake_stack, &bottom, &size);
    /* Where the process' own stack is, its first switch away tells. */
    if (sim_boot_fiber.bottom == NULL) {
        sim_boot_fiber.bottom = (char *)(uintptr_t)bottom;
        sim_boot_fiber.size = size;
    }
}

static void sim_fiber_main(void)
{
    struct sim_fiber *self = sim_fiber_of(current_thread());

    sim_fiber_arrived(self);
    machine_interrupts_enable();
    self->entry(self->argument);
    sim_fail("a thread's first function returned");
}

static struct sim_fiber *sim_fiber_create(void)
{
    struct sim_fiber *fiber = sim_fibers;
    char *memory;

    while (fiber != NULL && fiber->thread != NULL)
        fiber = fiber->next;
    if (fiber != NULL)
        return fiber;
    fiber = calloc(1, sizeof(*fiber));
    memory = mmap(NULL, SIM_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    sim_check(fiber != NULL && memory != MAP_FAILED);
    sim_check(mprotect(memory, PAGE_SIZE, PROT_NONE) == 0);
    fiber->bottom = memory + PAGE_SIZE;
    fiber->size = SIM_STACK_SIZE - PAGE_SIZE;
    fiber->next = sim_fibers;
    sim_fibers = fiber;
    return fiber;
}

void machine_thread_init(struct thread *thread, void (*entry)(void *argument), void *argument)
{
    struct sim_fiber *fiber = sim_fiber_create();
    void **top = (void **)(void *)(fiber->bottom + fiber->size);

    memset(&thread->machine, 0, sizeof(thread->machine));
    thread->machine.id = ++sim_nr_threads;
    thread->machine.fiber = fiber;
    /* Whoever had it before left the sanitizer's marks of frames that never returned. */
    ASAN_UNPOISON_MEMORY_REGION(fiber->bottom, fiber->size);
    fiber->thread = thread;
    fiber->entry = entry;
    fiber->argument = argument;
    fiber->departed = false;
    fiber->fake_stack = NULL;
    /* Aligned as at a function's entry: the return address, at 16 bytes less 4. */
    top -= 4;
    *--top = NULL;                              /* sim_fiber_main returns to nothing */
    *--top = (void *)(uintptr_t)sim_fiber_main;
    top -= 4;                                   /* %edi, %esi, %ebx, %ebp */
    memset(top, 0, 4 * sizeof(*top));
    fiber->sp = top;
}

void machine_thread_destroy(struct thread *thread)
{
    struct sim_fiber *fiber = thread->machine.fiber;

    sim_check(thread != current_thread());
    fiber->thread = NULL;
    thread->machine.fiber = NULL;
}

struct thread *machine_switch(struct thread *from, struct thread *next)
{
    struct sim_fiber *old = sim_fiber_of(from), *new = sim_fiber_of(next);

    sim_check(!machine_interrupts_enabled() && current_thread() == next);
    sim_tlb_check();
    sim_laws_point(SIM_LAWS_SWITCH);
    sim_counts->switches++;
    sim_trace(SIM_SWITCH, sim_thread_id(from), sim_thread_id(next));
    sim_previous = from;
    __sanitizer_start_switch_fiber(&old->fake_stack, new->bottom, new->size);
    sim_switch_stacks(&old->sp, new->sp);
    sim_fiber_arrived(old);
    return sim_previous;
}

uint32_t sim_thread_id(const struct thread *thread)
{
    return thread->machine.id;
}

uint32_t sim_self(void)
{
    return sim_thread_id(current_thread());
}

/* ---- aborts ---- */

static bool sim_fiber_waits(const struct sim_fiber *fiber)
{
    const struct thread *thread = fiber->thread;

    return thread != NULL && thread->entry == NULL && thread->run_state == THREAD_WAITING &&
           thread->wait_kind == WAIT_INTERRUPTIBLE && !thread->terminating;
}

void sim_abort_some(void)
{
    struct sim_fiber *fiber;
    uint32_t nr = 0, left;

    for (fiber = sim_fibers; fiber != NULL; fiber = fiber->next)
        nr += sim_fiber_waits(fiber);
    if (nr == 0)
        return;
    left = sim_choose_of(SIM_OF_FAULTS, nr);
    for (fiber = sim_fibers; !sim_fiber_waits(fiber) || left-- > 0; fiber = fiber->next)
        continue;
    sim_trace(SIM_ABORT, sim_thread_id(fiber->thread), 0);
    thread_abort_mark(fiber->thread);
}

/* ---- for a failure ---- */

/*
 * The functions on a stack that was switched away from: frame pointers are kept in all builds. Between its frames are the
 * sanitizer's marks.
 */
__attribute__((no_sanitize_address)) static void sim_fiber_show(const struct sim_fiber *fiber)
{
    uintptr_t low = (uintptr_t)fiber->bottom, frame = ((uintptr_t *)fiber->sp)[3], pc = ((uintptr_t *)fiber->sp)[4];
    char place[160];

    for (unsigned int i = 0; i < 16; i++) {
        __sanitizer_symbolize_pc((void *)pc, "%f %s:%l", place, sizeof(place));
        printf("#       %s\n", place);
        if (frame < low || frame - low > fiber->size - 2 * sizeof(uintptr_t))
            break;
        pc = ((const uintptr_t *)frame)[1];
        frame = ((const uintptr_t *)frame)[0];
    }
}

void sim_threads_show(void)
{
    static const char *const states[] = {"runnable", "waits", "suspended", "halted"};

    for (const struct sim_fiber *fiber = sim_fibers; fiber != NULL; fiber = fiber->next) {
        const struct thread *thread = fiber->thread;

        if (thread == NULL)
            continue;
        printf("#   thread %u %s of task %s: %s%s%s, priority %u\n", sim_thread_id(thread), thread->name,
               thread->task == NULL ? "" : thread->task->name, states[thread->run_state],
               thread->terminating ? ", ends" : "", thread == current_thread() ? ", runs" : "", thread->sched_priority);
        if (thread != current_thread())
            sim_fiber_show(fiber);
    }
}

/* ---- programs ---- */

uint32_t sim_program(sim_program_function *program)
{
    uint32_t i = 0;

    while (i < sim_nr_programs && sim_programs[i] != program)
        i++;
    if (i == sim_nr_programs) {
        sim_check(i < SIM_PROGRAMS_MAX);
        sim_programs[sim_nr_programs++] = program;
    }
    return SIM_PROGRAM_FIRST + i;
}

uint32_t sim_register(unsigned int index)
{
    return current_thread()->machine.registers[index];
}

uint32_t sim_stack(void)
{
    return current_thread()->machine.sp;
}

uint32_t *sim_words(void)
{
    return current_thread()->machine.words;
}

/* The border on the way out: as trap_return_user in i386/trap_entry.S. */
void sim_border(void)
{
    struct thread *self = current_thread();

    for (;;) {
        sim_point(SIM_KERNEL);
        if (!self->ast)
            break;
        thread_ast();
    }
    if (self->machine.redirected)
        machine_return_to_user();
}

/* A program that is none, or that returned: what a processor does at an address that has no code. */
static void sim_program_bad(uint32_t pc)
{
    exception_raise(EXC_BAD_INSTRUCTION, 0, (int)pc);
    sim_border();
}

/* The base of a thread in user mode: every beginning of a program comes here. */
static void sim_user_mode(struct machine_context *context) __attribute__((noreturn));
static void sim_user_mode(struct machine_context *context)
{
    for (;;) {
        uint32_t pc = context->pc;

        context->redirected = false;
        if (pc >= SIM_PROGRAM_FIRST && pc - SIM_PROGRAM_FIRST < sim_nr_programs)
            sim_programs[pc - SIM_PROGRAM_FIRST](context->registers[0]);
        sim_program_bad(pc);
    }
}

void machine_return_to_user(void)
{
    struct thread *self = current_thread();
    struct sim_fiber *fiber = sim_fiber_of(self);

    lock_assert_none_held();
    self->machine.inside = SIM_INSIDE_NOTHING;
    if (fiber->departed)
        longjmp(fiber->base, 1);
    fiber->departed = true;
    (void)setjmp(fiber->base);
    /* What is in registers of the host is lost by the jump. */
    self = current_thread();
    if (self->ast)
        sim_border();
    sim_user_mode(&self->machine);
}

/* ---- user states ---- */

void machine_user_state_init(struct thread *thread, uintptr_t pc, uintptr_t sp)
{
    struct machine_context *context = &thread->machine;

    context->pc = pc;
    context->sp = sp;
    context->redirected = true;
    memset(context->registers, 0, sizeof(context->registers));
}

void machine_user_state_copy(struct thread *child, struct thread *parent)
{
    child->machine.pc = parent->machine.pc;
    child->machine.sp = parent->machine.sp;
    child->machine.redirected = true;
    memcpy(child->machine.registers, parent->machine.registers, sizeof(child->machine.registers));
}

void machine_set_trap_result(struct thread *thread, uint32_t result)
{
    thread->machine.result = result;
}

/* A state's registers are what a program is given: %eax its argument, %ebx, %ecx and %edx the rest. */
kern_return_t machine_get_state(struct thread *thread, int flavor, uint32_t *state, uint32_t *count)
{
    const struct machine_context *context = &thread->machine;
    struct i386_thread_state *to = (struct i386_thread_state *)(void *)state;

    if ((flavor != i386_THREAD_STATE && flavor != i386_REGS_SEGS_STATE) || *count < i386_THREAD_STATE_COUNT)
        return KERN_INVALID_ARGUMENT;
    *count = i386_THREAD_STATE_COUNT;
    *to = (struct i386_thread_state){
        .eip = context->pc, .uesp = context->sp, .eax = context->registers[0], .ebx = context->registers[1],
        .ecx = context->registers[2], .edx = context->registers[3],
    };
    return KERN_SUCCESS;
}

kern_return_t machine_set_state(struct thread *thread, int flavor, const uint32_t *state, uint32_t count)
{
    const struct i386_thread_state *from = (const struct i386_thread_state *)(const void *)state;
    struct machine_context *context = &thread->machine;

    if ((flavor != i386_THREAD_STATE && flavor != i386_REGS_SEGS_STATE) || count < i386_THREAD_STATE_COUNT)
        return KERN_INVALID_ARGUMENT;
    context->pc = from->eip;
    context->sp = from->uesp;
    context->registers[0] = from->eax;
    context->registers[1] = from->ebx;
    context->registers[2] = from->ecx;
    context->registers[3] = from->edx;
    context->redirected = true;
    return KERN_SUCCESS;
}
