/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What processor this is. A 486 may be without cpuid; the flag ID of %eflags can be changed exactly where it is there.
 */
#include "i386/cpu.h"

uint32_t cpu_features;

bool cpu_has_cpuid(void)
{
    uint32_t before = cpu_eflags(), changed;

    cpu_set_eflags(before ^ CPU_EFLAGS_ID);
    changed = cpu_eflags() ^ before;
    cpu_set_eflags(before);
    return (changed & CPU_EFLAGS_ID) != 0;
}

void cpu_init(void)
{
    uint32_t registers[4];

    if (!cpu_has_cpuid())
        return;
    cpu_cpuid(0, registers);
    if (registers[0] == 0)
        return;
    cpu_cpuid(1, registers);
    cpu_features = registers[3];
}
