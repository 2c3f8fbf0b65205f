/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From boot.S to kernel_main(): each step needs those before it. Traps come first, so that whatever goes wrong later is
 * reported; the console as soon as the command line says where it is.
 */
#include "i386/console.h"
#include "i386/cpu.h"
#include "i386/debug.h"
#include "i386/fpu.h"
#include "i386/gdt.h"
#include "i386/idt.h"
#include "i386/memory.h"
#include "i386/multiboot.h"
#include "i386/pic.h"
#include "i386/pit.h"
#include "kernel/boot_info.h"
#include "kernel/options.h"
#include "kernel/string.h"

/* Loaders that give the kernel's file name as the first word of the command line begin their own name like this. */
#define START_LOADER_WITH_FILE "qemu"

void i386_start(uint32_t magic, phys_t info) __attribute__((noreturn));

static void start_options(phys_t info)
{
    bool skip_first;

    memory_boot_strings((const struct multiboot_info *)info);
    skip_first = strncmp(boot_info.loader, START_LOADER_WITH_FILE, sizeof(START_LOADER_WITH_FILE) - 1) == 0;
    options_parse(boot_info.command_line, skip_first);
}

void i386_start(uint32_t magic, phys_t info)
{
    cpu_init();
    gdt_init();
    idt_init();
    pic_init();
    if (magic != MULTIBOOT_BOOTED) {
        console_init(CONSOLE_SCREEN);
        boot_fail("not started by a Multiboot loader");
    }
    start_options(info);
    console_init(options.console_com0 ? CONSOLE_COM0 : CONSOLE_SCREEN);
    memory_init((const struct multiboot_info *)info);
    gdt_double_fault_space();
    fpu_init();
    debug_init();
    pit_init();
    kernel_main();
}
