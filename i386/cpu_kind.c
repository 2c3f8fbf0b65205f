/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor's kind, as programs are told it: by cpuid's family. What comes after the Pentium Pro counts as one. */
#include <mach/machine.h>

#include "i386/cpu.h"
#include "kernel/machine.h"

#define CPU_KIND_FAMILY_SHIFT 8
#define CPU_KIND_FAMILY_MASK 0xf
#define CPU_KIND_FAMILY_PENTIUM 5

void machine_cpu_kind(int *type, int *subtype)
{
    uint32_t registers[4] = {0, 0, 0, 0}, family;

    *type = CPU_TYPE_I486;
    *subtype = CPU_SUBTYPE_AT386;
    if (!cpu_has_cpuid())
        return;
    cpu_cpuid(1, registers);
    family = (registers[0] >> CPU_KIND_FAMILY_SHIFT) & CPU_KIND_FAMILY_MASK;
    if (family > CPU_KIND_FAMILY_PENTIUM)
        *type = CPU_TYPE_PENTIUMPRO;
    else if (family == CPU_KIND_FAMILY_PENTIUM)
        *type = CPU_TYPE_PENTIUM;
}
