/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Characters go out at once and without interrupts, so that a panic can print anywhere. Who prints holds a lock around
 * its line where that matters (kernel/printf.c).
 */
#include "i386/console.h"

#include "i386/cpu.h"
#include "kernel/machine.h"

/* ---- 16550 ---- */

#define CONSOLE_COM0_PORT 0x3f8
enum console_com_register {
    CONSOLE_COM_DATA = 0,
    CONSOLE_COM_DIVISOR_LOW = 0,        /* with DLAB */
    CONSOLE_COM_INTERRUPTS = 1,
    CONSOLE_COM_DIVISOR_HIGH = 1,       /* with DLAB */
    CONSOLE_COM_FIFO = 2,
    CONSOLE_COM_LINE = 3,
    CONSOLE_COM_MODEM = 4,
    CONSOLE_COM_STATUS = 5,
};
#define CONSOLE_COM_DLAB 0x80
#define CONSOLE_COM_8N1 0x03
#define CONSOLE_COM_FIFO_CLEAR 0x07
#define CONSOLE_COM_READY 0x03          /* terminal ready, request to send */
#define CONSOLE_COM_EMPTY 0x20          /* room for a character */
#define CONSOLE_COM_DIVISOR 1           /* 115200 baud */
/*
 * A character takes 87 microseconds at 115200 baud, 16 of them are in the FIFO, and a read of the port takes at least
 * half a microsecond on the ISA bus. A port that is not empty after ten times that is broken: the character is lost.
 */
#define CONSOLE_COM_PATIENCE 30000

/* ---- VGA text ---- */

#define CONSOLE_VGA_MEMORY 0xb8000u     /* physical; in the direct map, and in the boot page tables */
#define CONSOLE_VGA_OFFSET 0xc0000000u  /* of the direct map */
#define CONSOLE_VGA_COLUMNS 80u
#define CONSOLE_VGA_ROWS 25u
#define CONSOLE_VGA_BLANK 0x0720u       /* light grey on black */
#define CONSOLE_VGA_INDEX 0x3d4
#define CONSOLE_VGA_DATA 0x3d5
#define CONSOLE_VGA_START_HIGH 12
#define CONSOLE_VGA_START_LOW 13
#define CONSOLE_VGA_CURSOR_HIGH 14
#define CONSOLE_VGA_CURSOR_LOW 15
#define CONSOLE_TAB 8u

static enum console_kind console_kind;
static unsigned int console_position;   /* of the next character: row times columns plus column */

static volatile uint16_t *console_cell(unsigned int position)
{
    return (volatile uint16_t *)(CONSOLE_VGA_OFFSET + CONSOLE_VGA_MEMORY) + position;
}

static void console_vga_register(uint8_t index, unsigned int value)
{
    cpu_outb(CONSOLE_VGA_INDEX, index);
    cpu_outb(CONSOLE_VGA_DATA, (uint8_t)value);
}

static void console_vga_cursor(void)
{
    console_vga_register(CONSOLE_VGA_CURSOR_HIGH, console_position >> 8);
    console_vga_register(CONSOLE_VGA_CURSOR_LOW, console_position & 0xff);
}

static void console_vga_blank(unsigned int from, unsigned int to)
{
    for (unsigned int i = from; i < to; i++)
        *console_cell(i) = CONSOLE_VGA_BLANK;
}

static void console_vga_scroll(void)
{
    for (unsigned int i = 0; i < (CONSOLE_VGA_ROWS - 1) * CONSOLE_VGA_COLUMNS; i++)
        *console_cell(i) = *console_cell(i + CONSOLE_VGA_COLUMNS);
    console_position -= CONSOLE_VGA_COLUMNS;
    console_vga_blank((CONSOLE_VGA_ROWS - 1) * CONSOLE_VGA_COLUMNS, CONSOLE_VGA_ROWS * CONSOLE_VGA_COLUMNS);
}

static void console_vga_put(char c)
{
    unsigned int column = console_position % CONSOLE_VGA_COLUMNS;

    switch (c) {
    case '\n':
        console_position += CONSOLE_VGA_COLUMNS - column;
        break;
    case '\r':
        console_position -= column;
        break;
    case '\b':
        if (column > 0)
            console_position--;
        break;
    case '\t':
        do
            console_vga_put(' ');
        while (console_position % CONSOLE_TAB != 0);
        return;
    default:
        *console_cell(console_position++) = (uint16_t)((CONSOLE_VGA_BLANK & 0xff00) | (uint8_t)c);
        break;
    }
    if (console_position >= CONSOLE_VGA_ROWS * CONSOLE_VGA_COLUMNS)
        console_vga_scroll();
    console_vga_cursor();
}

static void console_vga_init(void)
{
    console_vga_register(CONSOLE_VGA_START_HIGH, 0);
    console_vga_register(CONSOLE_VGA_START_LOW, 0);
    console_vga_blank(0, CONSOLE_VGA_ROWS * CONSOLE_VGA_COLUMNS);
    console_position = 0;
    console_vga_cursor();
}

static void console_com_init(void)
{
    cpu_outb(CONSOLE_COM0_PORT + CONSOLE_COM_INTERRUPTS, 0);
    cpu_outb(CONSOLE_COM0_PORT + CONSOLE_COM_LINE, CONSOLE_COM_DLAB);
    cpu_outb(CONSOLE_COM0_PORT + CONSOLE_COM_DIVISOR_LOW, CONSOLE_COM_DIVISOR);
    cpu_outb(CONSOLE_COM0_PORT + CONSOLE_COM_DIVISOR_HIGH, 0);
    cpu_outb(CONSOLE_COM0_PORT + CONSOLE_COM_LINE, CONSOLE_COM_8N1);
    cpu_outb(CONSOLE_COM0_PORT + CONSOLE_COM_FIFO, CONSOLE_COM_FIFO_CLEAR);
    cpu_outb(CONSOLE_COM0_PORT + CONSOLE_COM_MODEM, CONSOLE_COM_READY);
}

static void console_com_put(char c)
{
    for (unsigned int i = 0; i < CONSOLE_COM_PATIENCE; i++)
        if (cpu_inb(CONSOLE_COM0_PORT + CONSOLE_COM_STATUS) & CONSOLE_COM_EMPTY) {
            cpu_outb(CONSOLE_COM0_PORT + CONSOLE_COM_DATA, (uint8_t)c);
            return;
        }
}

void console_init(enum console_kind kind)
{
    console_kind = kind;
    if (kind == CONSOLE_COM0)
        console_com_init();
    else if (kind == CONSOLE_SCREEN)
        console_vga_init();
}

void console_putc(char c)
{
    switch (console_kind) {
    case CONSOLE_COM0:
        if (c == '\n')
            console_com_put('\r');
        console_com_put(c);
        break;
    case CONSOLE_SCREEN:
        console_vga_put(c);
        break;
    case CONSOLE_NONE:
        break;
    }
}
