/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 8259s: edge-triggered, fully nested, ended by a specific end-of-interrupt, so that a late or spurious one ends
 * nothing but its own line.
 */
#include "i386/pic.h"

#include "i386/cpu.h"
#include "i386/trap.h"
#include "kernel/machine.h"
#include "kernel/panic.h"

enum pic_port {
    PIC_COMMAND = 0x20,
    PIC_DATA = 0x21,
    PIC_COMMAND_2 = 0xa0,
    PIC_DATA_2 = 0xa1,
};

enum pic_word {
    PIC_START = 0x11,           /* initialization, four words, cascaded */
    PIC_8086 = 0x01,
    PIC_SPECIFIC_END = 0x60,
    PIC_READ_REQUEST = 0x0a,
    PIC_READ_SERVICE = 0x0b,
};

static uint16_t pic_mask = 0xffff; /* a bit set shuts the line */

static void pic_write(uint16_t port, uint8_t value)
{
    cpu_outb(port, value);
    cpu_io_delay();
}

static void pic_load_mask(void)
{
    pic_write(PIC_DATA, (uint8_t)pic_mask);
    pic_write(PIC_DATA_2, (uint8_t)(pic_mask >> 8));
}

void pic_init(void)
{
    pic_write(PIC_COMMAND, PIC_START);
    pic_write(PIC_COMMAND_2, PIC_START);
    pic_write(PIC_DATA, TRAP_INTERRUPTS);
    pic_write(PIC_DATA_2, TRAP_INTERRUPTS + 8);
    pic_write(PIC_DATA, 1 << PIC_CASCADE_LINE);
    pic_write(PIC_DATA_2, PIC_CASCADE_LINE);
    pic_write(PIC_DATA, PIC_8086);
    pic_write(PIC_DATA_2, PIC_8086);
    pic_mask = (uint16_t)~(1u << PIC_CASCADE_LINE);
    pic_load_mask();
}

void pic_open(unsigned int line)
{
    assert(!machine_interrupts_enabled());
    pic_mask &= (uint16_t)~(1u << line);
    pic_load_mask();
}

void pic_shut(unsigned int line)
{
    assert(!machine_interrupts_enabled());
    pic_mask |= (uint16_t)(1u << line);
    pic_load_mask();
}

void pic_acknowledge(unsigned int line)
{
    if (line >= 8) {
        cpu_outb(PIC_COMMAND_2, (uint8_t)(PIC_SPECIFIC_END | (line - 8)));
        line = PIC_CASCADE_LINE;
    }
    cpu_outb(PIC_COMMAND, (uint8_t)(PIC_SPECIFIC_END | line));
}

static bool pic_read_bit(unsigned int line, uint8_t command)
{
    uint16_t port = line < 8 ? PIC_COMMAND : PIC_COMMAND_2;

    cpu_outb(port, command);
    return (cpu_inb(port) >> (line & 7)) & 1;
}

bool pic_in_service(unsigned int line)
{
    return pic_read_bit(line, PIC_READ_SERVICE);
}

bool pic_requested(unsigned int line)
{
    return pic_read_bit(line, PIC_READ_REQUEST);
}
