/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a trap is made on i386: its number in %eax, and a far call through the gate at 7:0. The arguments are where the
 * function's caller pushed them. For assembly files.
 */
#ifndef MACH_I386_SYSCALL_SW_H
#define MACH_I386_SYSCALL_SW_H

#include <mach/machine/asm.h>

#ifndef kernel_trap
#define kernel_trap(trap_name, trap_number, number_args) \
ENTRY(trap_name) movl $ trap_number, %eax; SVC; ret; END(trap_name)
#endif

#endif
