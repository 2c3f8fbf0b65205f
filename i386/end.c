/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the machine.
 *
 * QEMU's isa-debug-exit is written to only when the command line says so (exit=debug), because its port may be anything
 * elsewhere.
 *
 * A power-off needs ACPI, whose tables name the register and the value to write in a byte code that we do not interpret.
 * Two chips are known by their PCI identities instead, those of QEMU's and Bochs' machines and of many real ones: the
 * PIIX4, whose value for soft-off is 0, and the ICH9, whose is 7 (QEMU's ICH9 wants 0, which the real one takes for
 * staying on). Where neither answers the machine halts.
 */
#include "i386/cpu.h"
#include "kernel/machine.h"
#include "kernel/options.h"
#include "kernel/printf.h"

enum end_port {
    END_DEBUG_EXIT = 0xf4,
    END_RESET = 0xcf9,
    END_KEYBOARD = 0x64,
    END_PCI_ADDRESS = 0xcf8,
    END_PCI_DATA = 0xcfc,
};

#define END_DEBUG_SUCCESS 0x2a
#define END_DEBUG_FAILURE 0x15
#define END_RESET_HARD 0x02
#define END_RESET_NOW 0x06
#define END_KEYBOARD_BUSY 0x02
#define END_KEYBOARD_PULSE_RESET 0xfe
#define END_KEYBOARD_PATIENCE 100000
/* Writes of about a microsecond each: 50 ms, more than a reset takes to begin. */
#define END_RESET_DELAYS 50000
#define END_PCI_ENABLE 0x80000000u
#define END_PCI_PIIX4_PM 0x71138086u
#define END_PCI_ICH9_LPC 0x29188086u
#define END_PM_BASE_PIIX4 0x40
#define END_PM_BASE_ICH9 0x40
#define END_PM_BASE_MASK 0xffc0u
#define END_PM_CONTROL 4                /* of PM1a, from the base on */
#define END_PM_SLEEP 0x2000u
#define END_PM_SLEEP_TYPE_SHIFT 10
#define END_PM_TYPE_ICH9 7u

static void end_delay(void)
{
    for (unsigned int i = 0; i < END_RESET_DELAYS; i++)
        cpu_io_delay();
}

static void end_halt(void) __attribute__((noreturn));
static void end_halt(void)
{
    for (;;) {
        cpu_cli();
        cpu_hlt();
    }
}

static void end_triple_fault(void)
{
    static const struct cpu_table none;

    cpu_lidt(&none);
    __asm__ volatile("int3");
}

static void end_reboot(void)
{
    cpu_outb(END_RESET, END_RESET_HARD);
    cpu_io_delay();
    cpu_outb(END_RESET, END_RESET_NOW);
    end_delay();
    for (unsigned int i = 0; i < END_KEYBOARD_PATIENCE; i++)
        if (!(cpu_inb(END_KEYBOARD) & END_KEYBOARD_BUSY))
            break;
    cpu_outb(END_KEYBOARD, END_KEYBOARD_PULSE_RESET);
    end_delay();
    end_triple_fault();
}

/* Of bus 0; all ones where there is no such device, or no PCI. */
static uint32_t end_pci_read(unsigned int device, unsigned int function, unsigned int offset)
{
    cpu_outl(END_PCI_ADDRESS, END_PCI_ENABLE | device << 11 | function << 8 | offset);
    return cpu_inl(END_PCI_DATA);
}

static bool end_pci_present(void)
{
    cpu_outl(END_PCI_ADDRESS, END_PCI_ENABLE);
    return cpu_inl(END_PCI_ADDRESS) == END_PCI_ENABLE;
}

static void end_sleep(uint16_t base, unsigned int type)
{
    if (base == 0)
        return;
    cpu_outw((uint16_t)(base + END_PM_CONTROL), (uint16_t)(END_PM_SLEEP | type << END_PM_SLEEP_TYPE_SHIFT));
    end_delay();
}

static void end_power_off(void)
{
    uint16_t base;

    if (!end_pci_present())
        return;
    for (unsigned int device = 0; device < 32; device++)
        for (unsigned int function = 0; function < 8; function++) {
            uint32_t identity = end_pci_read(device, function, 0);

            if (identity == END_PCI_PIIX4_PM) {
                base = end_pci_read(device, function, END_PM_BASE_PIIX4) & END_PM_BASE_MASK;
                end_sleep(base, 0);
            } else if (identity == END_PCI_ICH9_LPC) {
                base = end_pci_read(device, function, END_PM_BASE_ICH9) & END_PM_BASE_MASK;
                end_sleep(base, END_PM_TYPE_ICH9);
                end_sleep(base, 0);
            }
        }
    kprintf("machair: this machine's power cannot be switched off\n");
}

void machine_end(enum machine_end how, bool success)
{
    cpu_cli();
    if (options.exit_debug)
        cpu_outb(END_DEBUG_EXIT, success ? END_DEBUG_SUCCESS : END_DEBUG_FAILURE);
    if (how == MACHINE_REBOOT)
        end_reboot();
    else if (how == MACHINE_POWER_OFF)
        end_power_off();
    end_halt();
}
