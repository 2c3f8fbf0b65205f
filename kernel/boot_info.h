/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader gave: the command line, the modules. Filled in by the machine before kernel_main().
 */
#ifndef KERNEL_BOOT_INFO_H
#define KERNEL_BOOT_INFO_H

#include "kernel/types.h"

#define BOOT_MODULES_MAX 64
#define BOOT_STRING_MAX 4096

struct boot_module {
    phys_t start;               /* its bytes; frames are VM_FRAME_RESERVED until released */
    uint32_t size;
    uint32_t first_frame, end_frame; /* numbers of the frames that are its alone */
    const char *script;         /* its command line, copied into kernel memory */
};

struct boot_info {
    const char *command_line;   /* copied into kernel memory; never NULL */
    const char *loader;         /* the boot loader's name; "" when it gave none */
    unsigned int nr_modules;
    struct boot_module modules[BOOT_MODULES_MAX];
};
extern struct boot_info boot_info;

/* Bytes of a module, wherever it lies. offset + size is at most its size. */
void boot_module_read(const struct boot_module *module, uint32_t offset, void *to, size_t size);
/* Its frames become free memory; size is 0 afterwards. */
void boot_module_release(struct boot_module *module);

/* Stops a boot that cannot go on for a reason outside the kernel: prints "machair: boot: " and the reason, fails. */
void boot_fail(const char *format, ...) __printf_like(1, 2) __attribute__((noreturn));

/* Called by the machine on the boot stack, interrupts off, when console, traps and memory (frames, kernel_pmap) work. */
void kernel_main(void) __attribute__((noreturn));

#endif
