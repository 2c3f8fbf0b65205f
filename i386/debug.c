/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread has memory for debug registers from the first time that it is given some. The control register is 0 while a
 * thread without runs, so that nobody meets another's watchpoints; a switch between two threads without costs a
 * comparison.
 *
 * Users may watch their own addresses only: a breakpoint in the kernel's would trap there. Watches on ports and on the
 * debug registers themselves are refused.
 */
#include "i386/debug.h"

#include "i386/cpu.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/string.h"
#include "kernel/thread.h"

#define DEBUG_NR_WATCHES 4
#define DEBUG_STATUS 4                  /* indexes of struct machine_context's debug */
#define DEBUG_CONTROL 5
#define DEBUG_STATUS_BITS 0xe00fu       /* those that a trap sets */
#define DEBUG_STATUS_ONES 0xffff0ff0u
#define DEBUG_CONTROL_ENABLES 0x000000ffu
#define DEBUG_CONTROL_EXACT 0x00000300u
#define DEBUG_CONTROL_WATCHES 0xffff0000u
#define DEBUG_CONTROL_ONES 0x00000400u
#define DEBUG_ACCESS_EXECUTE 0u
#define DEBUG_ACCESS_PORT 2u
/* The longest watch is 4 bytes, and aligned. */
#define DEBUG_WATCH_ALIGN 3u

static struct kmem_cache debug_cache;
static bool debug_loaded;               /* the control register is not 0; changed with interrupts off */

void debug_init(void)
{
    kmem_cache_init(&debug_cache, "debug_registers", DEBUG_NR_REGISTERS * sizeof(uint32_t), 0);
}

/* ---- the registers; interrupts are off ---- */

static void debug_load(const uint32_t *debug)
{
    __asm__ volatile("movl %0, %%db7" : : "r"(0));
    __asm__ volatile("movl %0, %%db0; movl %1, %%db1; movl %2, %%db2; movl %3, %%db3"
        : : "r"(debug[0]), "r"(debug[1]), "r"(debug[2]), "r"(debug[3]));
    __asm__ volatile("movl %0, %%db7" : : "r"(debug[DEBUG_CONTROL]));
    debug_loaded = true;
}

void debug_switch(const struct thread *next)
{
    if (next->machine.debug != NULL) {
        debug_load(next->machine.debug);
    } else if (debug_loaded) {
        __asm__ volatile("movl %0, %%db7" : : "r"(0));
        debug_loaded = false;
    }
}

void debug_take_status(void)
{
    uint32_t status;

    __asm__ volatile("movl %%db6, %0" : "=r"(status));
    __asm__ volatile("movl %0, %%db6" : : "r"(DEBUG_STATUS_ONES));
    if (current_thread() != NULL && current_thread()->machine.debug != NULL)
        current_thread()->machine.debug[DEBUG_STATUS] |= status & DEBUG_STATUS_BITS;
}

/* ---- states ---- */

void debug_destroy(struct thread *thread)
{
    uint32_t *debug = thread->machine.debug;
    unsigned long flags;

    if (debug == NULL)
        return;
    flags = machine_interrupts_disable();
    thread->machine.debug = NULL;
    if (thread == current_thread())
        debug_switch(thread);
    machine_interrupts_restore(flags);
    kmem_cache_free(&debug_cache, debug);
}

void debug_get_state(const struct thread *thread, struct i386_debug_state *state)
{
    const uint32_t *debug = thread->machine.debug;

    memset(state, 0, sizeof(*state));
    if (debug == NULL)
        return;
    for (unsigned int i = 0; i < DEBUG_NR_WATCHES; i++)
        state->dr[i] = debug[i];
    state->dr[6] = debug[DEBUG_STATUS];
    state->dr[7] = debug[DEBUG_CONTROL];
}

static bool debug_state_good(const struct i386_debug_state *state)
{
    uint32_t control = state->dr[7];

    if (control & ~(DEBUG_CONTROL_ENABLES | DEBUG_CONTROL_EXACT | DEBUG_CONTROL_WATCHES | DEBUG_CONTROL_ONES))
        return false;
    for (unsigned int i = 0; i < DEBUG_NR_WATCHES; i++) {
        unsigned int access = control >> (16 + 4 * i) & 3, length = control >> (18 + 4 * i) & 3;

        if (!(control >> (2 * i) & 3))
            continue;
        if ((state->dr[i] | DEBUG_WATCH_ALIGN) >= MACHINE_USER_END || access == DEBUG_ACCESS_PORT || length == 2 ||
            (access == DEBUG_ACCESS_EXECUTE && length != 0))
            return false;
    }
    return true;
}

/* The trap for a watch that is off is not asked for; its address may be anything, but must not matter. */
kern_return_t debug_set_state(struct thread *thread, const struct i386_debug_state *state)
{
    unsigned long flags;
    uint32_t *debug;

    if (!debug_state_good(state))
        return KERN_INVALID_ARGUMENT;
    debug = thread->machine.debug;
    if (debug == NULL) {
        debug = kmem_cache_alloc(&debug_cache, ALLOC_THREAD);
        if (debug == NULL)
            return KERN_RESOURCE_SHORTAGE;
    }
    flags = machine_interrupts_disable();
    for (unsigned int i = 0; i < DEBUG_NR_WATCHES; i++)
        debug[i] = state->dr[i];
    debug[DEBUG_STATUS] = state->dr[6] & DEBUG_STATUS_BITS;
    debug[DEBUG_CONTROL] = state->dr[7] | DEBUG_CONTROL_ONES;
    thread->machine.debug = debug;
    if (thread == current_thread())
        debug_switch(thread);
    machine_interrupts_restore(flags);
    return KERN_SUCCESS;
}
