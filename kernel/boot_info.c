/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The modules' bytes and frames, and the end of a boot that cannot go on.
 *
 * Modules lie where the boot loader put them, perhaps beyond the direct map, so they are read frame by frame.
 */
#include "kernel/boot_info.h"

#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/printf.h"
#include "vm/vm_frame.h"

struct boot_info boot_info = {
    .command_line = "",
    .loader = "",
};

void boot_module_read(const struct boot_module *module, uint32_t offset, void *to, size_t size)
{
    phys_t from = module->start + offset;
    char *bytes = to;

    assert(offset <= module->size && size <= module->size - offset);
    while (size != 0) {
        unsigned int start = from & PAGE_MASK;
        size_t part = MIN(size, (size_t)(PAGE_SIZE - start));

        pmap_frame_read(vm_frame_of_phys(from), start, bytes, part);
        bytes += part;
        from += part;
        size -= part;
    }
}

void boot_module_release(struct boot_module *module)
{
    if (module->first_frame < module->end_frame)
        vm_frame_add((phys_t)module->first_frame << PAGE_SHIFT, (phys_t)module->end_frame << PAGE_SHIFT);
    module->size = 0;
    module->first_frame = module->end_frame = 0;
}

void boot_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    kprintf("machair: boot: ");
    kvprintf(format, arguments);
    kprintf("\n");
    va_end(arguments);
    machine_end(MACHINE_HALT, false);
}
