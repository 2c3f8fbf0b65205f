/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User mode: what a program does, and the kernel's own accesses to user memory.
 *
 * It does what i386/trap.c and trap_entry.S do. An access goes through the TLB; one that faults goes to vm_fault, and when
 * that fails to the exception's handler, then over the border, and is tried again. A trap's arguments are on the user's
 * stack, where copyin_words finds them.
 */
#include <string.h>

#include <mach/exception.h>
#include <mach/vm_prot.h>

#include "kernel/exception.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/syscall_sw.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "laws.h"
#include "sim.h"
#include "user_mode.h"
#include "vm/vm_fault.h"
#include "vm/vm_map.h"

#define SIM_EXC_I386_INVOP 6

/* ---- faults ---- */

static kern_return_t sim_page_fault(uintptr_t address, bool write)
{
    kern_return_t result;
    uint32_t begun;

    sim_counts->faults++;
    if (address >= MACHINE_USER_END)
        return KERN_INVALID_ADDRESS;
    begun = sim_laws_fault_begin();
    result = vm_fault(current_map(), address, write ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ);
    if (result == KERN_SUCCESS)
        sim_laws_fault_end(begun, address);
    sim_trace(SIM_FAULT, (uint32_t)page_trunc(address) | write, (uint32_t)result);
    return result;
}

/*
 * The bytes at address, which the running program is about to touch: up to the end of its page. An access that cannot be
 * is an exception or, with failed, NULL and the reason.
 */
static char *sim_user_access(uint32_t address, bool write, kern_return_t *failed)
{
    char *bytes;

    sim_check(machine_interrupts_enabled());
    lock_assert_none_held();
    sim_point(SIM_USER);
    for (;;) {
        if (current_thread()->ast)
            sim_border();
        /* Nothing comes between the translation and the access: the caller has it done before its next point. */
        bytes = address < MACHINE_USER_END ? sim_tlb_access(current_map()->pmap, address, write) : NULL;
        if (bytes != NULL)
            return bytes;
        current_thread()->machine.inside = SIM_INSIDE_FAULT;
        kern_return_t result = sim_page_fault(address, write);
        current_thread()->machine.inside = SIM_INSIDE_CALL;
        bool fails = result != KERN_SUCCESS && result != KERN_ABORTED;
        if (fails && failed == NULL)
            exception_raise(EXC_BAD_ACCESS, result, (int)address);
        current_thread()->machine.inside = SIM_INSIDE_NOTHING;
        lock_assert_none_held();
        sim_border();
        if (fails && failed != NULL) {
            *failed = result;
            return NULL;
        }
    }
}

static char *sim_user_bytes(uint32_t address, bool write)
{
    return sim_user_access(address, write, NULL);
}

kern_return_t sim_try_load(uint32_t address, uint32_t *word)
{
    kern_return_t result = KERN_SUCCESS;
    const char *bytes = sim_user_access(address, false, &result);

    sim_check(address % sizeof(*word) == 0);
    if (bytes != NULL)
        memcpy(word, bytes, sizeof(*word));
    return result;
}

kern_return_t sim_try_store(uint32_t address, uint32_t word)
{
    kern_return_t result = KERN_SUCCESS;
    char *bytes = sim_user_access(address, true, &result);

    sim_check(address % sizeof(word) == 0);
    if (bytes != NULL)
        memcpy(bytes, &word, sizeof(word));
    return result;
}

uint32_t sim_load(uint32_t address)
{
    uint32_t word;

    sim_check(address % sizeof(word) == 0);
    memcpy(&word, sim_user_bytes(address, false), sizeof(word));
    return word;
}

void sim_store(uint32_t address, uint32_t word)
{
    sim_check(address % sizeof(word) == 0);
    memcpy(sim_user_bytes(address, true), &word, sizeof(word));
}

static uint32_t sim_part(uint32_t address, uint32_t size)
{
    return MIN(size, PAGE_SIZE - (uint32_t)(address & PAGE_MASK));
}

void sim_read(uint32_t address, void *to, uint32_t size)
{
    char *at = to;

    for (uint32_t part; size != 0; address += part, at += part, size -= part) {
        part = sim_part(address, size);
        memcpy(at, sim_user_bytes(address, false), part);
    }
}

void sim_write(uint32_t address, const void *from, uint32_t size)
{
    const char *at = from;

    for (uint32_t part; size != 0; address += part, at += part, size -= part) {
        part = sim_part(address, size);
        memcpy(sim_user_bytes(address, true), at, part);
    }
}

/* ---- traps ---- */

uint32_t sim_trap(int number, unsigned int nr_arguments, const uint32_t *arguments)
{
    struct machine_context *context = &current_thread()->machine;
    uint32_t copied[SYSCALL_MAX_ARGUMENTS] = {0}, index = (uint32_t)-number;
    uint32_t stack = context->sp - (uint32_t)sizeof(copied);
    const struct syscall *call = &syscall_table[index];

    sim_check(nr_arguments <= SYSCALL_MAX_ARGUMENTS);
    sim_write(stack, arguments, nr_arguments * (uint32_t)sizeof(*arguments));
    sim_point(SIM_USER);
    if (current_thread()->ast)
        sim_border();
    sim_trace(SIM_TRAP, index, 0);
    context->inside = SIM_INSIDE_CALL;
    if (index >= syscall_table_length || call->handler == NULL)
        exception_raise(EXC_BAD_INSTRUCTION, SIM_EXC_I386_INVOP, (int)index);
    else if (!copyin_words(stack, copied, call->nr_arguments))
        exception_raise(EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, (int)stack);
    else
        context->result = call->handler(copied);
    context->inside = SIM_INSIDE_NOTHING;
    lock_assert_none_held();
    sim_check(machine_interrupts_enabled());
    sim_trace(SIM_TRAP_DONE, index, context->result);
    sim_border();
    return context->result;
}

/* ---- the kernel's copies ---- */

/* As trap_kernel_page_fault: interrupts as they were. NULL: the user's memory is not there. */
static char *sim_copy_bytes(uintptr_t address, bool write)
{
    for (;;) {
        char *bytes = address < MACHINE_USER_END ? sim_tlb_access(current_map()->pmap, address, write) : NULL;

        if (bytes != NULL)
            return bytes;
        lock_assert_none_held();
        sim_switch_point();
        if (sim_page_fault(address, write) != KERN_SUCCESS)
            return NULL;
    }
}

bool copyin(const void *user, void *kernel, size_t size)
{
    uintptr_t address = (uintptr_t)user;
    char *to = kernel;

    lock_assert_none_held();
    if (address > MACHINE_USER_END || size > MACHINE_USER_END - address)
        return false;
    for (size_t part; size != 0; address += part, to += part, size -= part) {
        const char *bytes = sim_copy_bytes(address, false);

        if (bytes == NULL)
            return false;
        part = sim_part(address, size);
        memcpy(to, bytes, part);
    }
    return true;
}

bool copyout(const void *kernel, void *user, size_t size)
{
    uintptr_t address = (uintptr_t)user;
    const char *from = kernel;

    lock_assert_none_held();
    if (address > MACHINE_USER_END || size > MACHINE_USER_END - address)
        return false;
    for (size_t part; size != 0; address += part, from += part, size -= part) {
        char *bytes = sim_copy_bytes(address, true);

        if (bytes == NULL)
            return false;
        part = sim_part(address, size);
        memcpy(bytes, from, part);
    }
    return true;
}

bool copyin_words(uintptr_t user, uint32_t *kernel, size_t nr_words)
{
    return copyin((const void *)user, kernel, nr_words * sizeof(*kernel));
}

bool copyout_words(const uint32_t *kernel, uintptr_t user, size_t nr_words)
{
    return copyout(kernel, (void *)user, nr_words * sizeof(*kernel));
}
