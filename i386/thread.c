/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads as the machine sees them: the first switch, the switch, and the user's registers, which are in the frame at the
 * top of the kernel stack whenever the thread is not in user mode.
 *
 * What a user sets is made such that the way out to user mode takes it: flags keep interrupts on and privileges away,
 * segments are among those that the tables hold.
 */
#include <mach/i386/eflags.h>
#include <mach/i386/thread_status.h>
#include <mach/thread_status.h>

#include "i386/cpu.h"
#include "i386/debug.h"
#include "i386/fpu.h"
#include "i386/gdt.h"
#include "i386/pmap.h"
#include "i386/switch.h"
#include "i386/trap.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/vm_map.h"

/* What a user may choose of the flags. */
#define MACHINE_EFLAGS_USER \
    (EFL_CF | EFL_PF | EFL_AF | EFL_ZF | EFL_SF | EFL_TF | EFL_DF | EFL_OF | EFL_RF | EFL_AC | EFL_ID)

_Static_assert(THREAD_STATE_MAX >= i386_ISA_PORT_MAP_STATE_COUNT, "the largest flavor");

/* ---- switching ---- */

/* What switch_stacks finds on the stack of a thread that has not run yet. */
struct machine_first_stack {
    uint32_t edi;
    void *argument;                     /* %esi */
    void (*entry)(void *argument);      /* %ebx */
    uint32_t ebp;
    void (*start)(void);
};

void machine_thread_init(struct thread *thread, void (*entry)(void *argument), void *argument)
{
    struct trap_frame *frame = trap_user_frame(thread);
    struct machine_first_stack *first = (struct machine_first_stack *)frame - 1;

    memset(&thread->machine, 0, sizeof(thread->machine));
    machine_user_state_init(thread, 0, 0);
    *first = (struct machine_first_stack){.argument = argument, .entry = entry, .start = switch_start};
    thread->machine.esp = (uintptr_t)first;
}

void machine_thread_destroy(struct thread *thread)
{
    fpu_destroy(thread);
    debug_destroy(thread);
}

static struct pmap *machine_thread_pmap(const struct thread *thread)
{
    return thread->task != NULL && thread->task->map != NULL ? thread->task->map->pmap : kernel_pmap;
}

struct thread *machine_switch(struct thread *from, struct thread *next)
{
    assert(!machine_interrupts_enabled());
    gdt_tss.esp0 = (uintptr_t)next->kernel_stack + MACHINE_STACK_SIZE;
    if (from->task != next->task)
        pmap_activate(machine_thread_pmap(next));
    fpu_switch(next);
    if (from->machine.debug != NULL || next->machine.debug != NULL)
        debug_switch(next);
    return switch_stacks(from, next);
}

void machine_return_to_user(void)
{
    __asm__ volatile("movl %0, %%esp; jmp trap_return_user" : : "r"(trap_user_frame(current_thread())) : "memory");
    __builtin_unreachable();
}

/* ---- user states ---- */

static void machine_set_fs_gs(struct thread *thread, uint16_t fs, uint16_t gs)
{
    if (thread == current_thread())
        __asm__ volatile("movl %0, %%fs; movl %1, %%gs" : : "r"((uint32_t)fs), "r"((uint32_t)gs));
    thread->machine.fs = fs;
    thread->machine.gs = gs;
}

void machine_user_state_init(struct thread *thread, uintptr_t pc, uintptr_t sp)
{
    struct trap_frame *frame = trap_user_frame(thread);

    memset(frame, 0, sizeof(*frame));
    frame->ds = frame->es = SELECTOR_USER_DATA;
    frame->eip = pc;
    frame->cs = SELECTOR_USER_CODE;
    frame->eflags = CPU_EFLAGS_ALWAYS | CPU_EFLAGS_IF;
    frame->esp = sp;
    frame->ss = SELECTOR_USER_DATA;
    machine_set_fs_gs(thread, SELECTOR_USER_DATA, SELECTOR_USER_DATA);
}

void machine_user_state_copy(struct thread *child, struct thread *parent)
{
    bool runs = parent == current_thread();

    *trap_user_frame(child) = *trap_user_frame(parent);
    machine_set_fs_gs(child, runs ? cpu_fs() : parent->machine.fs, runs ? cpu_gs() : parent->machine.gs);
    fpu_destroy(child);
    debug_destroy(child);
}

void machine_set_trap_result(struct thread *thread, uint32_t result)
{
    trap_user_frame(thread)->eax = result;
}

static void machine_get_registers(const struct thread *thread, struct i386_thread_state *state)
{
    const struct trap_frame *frame = trap_user_frame(thread);
    bool runs = thread == current_thread();

    *state = (struct i386_thread_state){
        .gs = runs ? cpu_gs() : thread->machine.gs, .fs = runs ? cpu_fs() : thread->machine.fs,
        .es = frame->es, .ds = frame->ds,
        .edi = frame->edi, .esi = frame->esi, .ebp = frame->ebp,
        .ebx = frame->ebx, .edx = frame->edx, .ecx = frame->ecx, .eax = frame->eax,
        .eip = frame->eip, .cs = frame->cs & 0xffff, .efl = frame->eflags, .uesp = frame->esp, .ss = frame->ss & 0xffff,
    };
}

static bool machine_data_segment_good(unsigned int selector)
{
    selector &= 0xffff;
    return selector < 4 || selector == SELECTOR_USER_DATA || selector == SELECTOR_USER_CODE;
}

static bool machine_segments_good(const struct i386_thread_state *state)
{
    return (state->cs & 0xffff) == SELECTOR_USER_CODE && (state->ss & 0xffff) == SELECTOR_USER_DATA &&
        machine_data_segment_good(state->ds) && machine_data_segment_good(state->es) &&
        machine_data_segment_good(state->fs) && machine_data_segment_good(state->gs);
}

static kern_return_t machine_set_registers(struct thread *thread, const struct i386_thread_state *state, bool segments)
{
    struct trap_frame *frame = trap_user_frame(thread);

    if (segments && !machine_segments_good(state))
        return KERN_INVALID_ARGUMENT;
    frame->edi = state->edi;
    frame->esi = state->esi;
    frame->ebp = state->ebp;
    frame->ebx = state->ebx;
    frame->edx = state->edx;
    frame->ecx = state->ecx;
    frame->eax = state->eax;
    frame->eip = state->eip;
    frame->eflags = (state->efl & MACHINE_EFLAGS_USER) | CPU_EFLAGS_ALWAYS | CPU_EFLAGS_IF;
    frame->esp = state->uesp;
    frame->cs = SELECTOR_USER_CODE;
    frame->ss = SELECTOR_USER_DATA;
    frame->ds = segments ? (uint16_t)state->ds : SELECTOR_USER_DATA;
    frame->es = segments ? (uint16_t)state->es : SELECTOR_USER_DATA;
    machine_set_fs_gs(thread, segments ? (uint16_t)state->fs : SELECTOR_USER_DATA,
        segments ? (uint16_t)state->gs : SELECTOR_USER_DATA);
    return KERN_SUCCESS;
}

/* The list of flavors, as an answer to THREAD_STATE_FLAVOR_LIST. */
static const uint32_t machine_flavors[] = {
    i386_THREAD_STATE, i386_FLOAT_STATE, i386_REGS_SEGS_STATE, i386_DEBUG_STATE,
};

static unsigned int machine_flavor_count(int flavor)
{
    switch (flavor) {
    case THREAD_STATE_FLAVOR_LIST:
        return ARRAY_LENGTH(machine_flavors);
    case i386_THREAD_STATE:
    case i386_REGS_SEGS_STATE:
        return i386_THREAD_STATE_COUNT;
    case i386_FLOAT_STATE:
        return i386_FLOAT_STATE_COUNT;
    case i386_DEBUG_STATE:
        return i386_DEBUG_STATE_COUNT;
    default:
        return 0;
    }
}

kern_return_t machine_get_state(struct thread *thread, int flavor, uint32_t *state, uint32_t *count)
{
    unsigned int wanted = machine_flavor_count(flavor);

    if (wanted == 0 || *count < wanted)
        return KERN_INVALID_ARGUMENT;
    *count = wanted;
    switch (flavor) {
    case THREAD_STATE_FLAVOR_LIST:
        memcpy(state, machine_flavors, sizeof(machine_flavors));
        break;
    case i386_FLOAT_STATE:
        fpu_get_state(thread, (struct i386_float_state *)state);
        break;
    case i386_DEBUG_STATE:
        debug_get_state(thread, (struct i386_debug_state *)state);
        break;
    default:
        machine_get_registers(thread, (struct i386_thread_state *)state);
        break;
    }
    return KERN_SUCCESS;
}

kern_return_t machine_set_state(struct thread *thread, int flavor, const uint32_t *state, uint32_t count)
{
    unsigned int wanted = machine_flavor_count(flavor);

    if (wanted == 0 || count < wanted)
        return KERN_INVALID_ARGUMENT;
    switch (flavor) {
    case i386_THREAD_STATE:
        return machine_set_registers(thread, (const struct i386_thread_state *)state, false);
    case i386_REGS_SEGS_STATE:
        return machine_set_registers(thread, (const struct i386_thread_state *)state, true);
    case i386_FLOAT_STATE:
        return fpu_set_state(thread, (const struct i386_float_state *)state);
    case i386_DEBUG_STATE:
        return debug_set_state(thread, (const struct i386_debug_state *)state);
    default:
        return KERN_INVALID_ARGUMENT;
    }
}
