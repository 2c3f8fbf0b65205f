/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts off and on, and their dispatch. Handlers run with interrupts off and are not nested; a line is acknowledged
 * before its handler runs, which can therefore not lose an edge that comes meanwhile.
 */
#include "i386/interrupt.h"

#include "i386/cpu.h"
#include "i386/pic.h"
#include "kernel/machine.h"
#include "kernel/panic.h"

/* The lines that a controller names when the line that asked has gone away. */
#define INTERRUPT_SPURIOUS_1 7
#define INTERRUPT_SPURIOUS_2 15

static struct {
    interrupt_handler_t handler;
    void *argument;
} interrupt_lines[INTERRUPT_NR_LINES];

unsigned long machine_interrupts_disable(void)
{
    unsigned long flags = cpu_eflags();

    cpu_cli();
    return flags;
}

void machine_interrupts_restore(unsigned long flags)
{
    if (flags & CPU_EFLAGS_IF)
        cpu_sti();
    else
        cpu_cli();
}

bool machine_interrupts_enabled(void)
{
    return (cpu_eflags() & CPU_EFLAGS_IF) != 0;
}

void machine_interrupts_enable(void)
{
    cpu_sti();
}

void machine_idle(void)
{
    assert(!machine_interrupts_enabled());
    cpu_sti_hlt();
}

bool interrupt_establish(unsigned int line, interrupt_handler_t handler, void *argument)
{
    unsigned long flags = machine_interrupts_disable();
    bool free = line < INTERRUPT_NR_LINES && line != PIC_CASCADE_LINE && interrupt_lines[line].handler == NULL;

    if (free) {
        interrupt_lines[line].handler = handler;
        interrupt_lines[line].argument = argument;
        pic_open(line);
    }
    machine_interrupts_restore(flags);
    return free;
}

void interrupt_remove(unsigned int line)
{
    unsigned long flags = machine_interrupts_disable();

    assert(line < INTERRUPT_NR_LINES && interrupt_lines[line].handler != NULL);
    pic_shut(line);
    interrupt_lines[line].handler = NULL;
    machine_interrupts_restore(flags);
}

void interrupt_dispatch(unsigned int line, bool user)
{
    if ((line == INTERRUPT_SPURIOUS_1 || line == INTERRUPT_SPURIOUS_2) && !pic_in_service(line)) {
        /* The first controller does serve an interrupt: the cascade's. */
        if (line == INTERRUPT_SPURIOUS_2)
            pic_acknowledge(PIC_CASCADE_LINE);
        return;
    }
    pic_acknowledge(line);
    /* None: it came while the line was being shut. */
    if (interrupt_lines[line].handler != NULL)
        interrupt_lines[line].handler(interrupt_lines[line].argument, user);
}
