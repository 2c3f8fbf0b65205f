/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From one kernel stack to another. A thread that does not run has on its stack, at the saved pointer: %edi, %esi, %ebx,
 * %ebp, a return address; flags are not kept, since interrupts are off at every switch.
 */
#include "i386/context.h"

    .text
    .globl switch_stacks
    .type switch_stacks, @function
    .balign 16
/* A thread begins with its context. The answer is in %eax already, whoever switched here. */
switch_stacks:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %esp, CONTEXT_ESP(%eax)
    movw %fs, CONTEXT_FS(%eax)
    movw %gs, CONTEXT_GS(%eax)
    movl CONTEXT_ESP(%edx), %esp
    movl CONTEXT_FS(%edx), %ecx         /* both */
    cmpl CONTEXT_FS(%eax), %ecx
    jne 2f
1:  popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret
    /* A selector that is no longer good becomes 0 (trap.c finds the context in %edx). */
    .globl switch_load_fs, switch_load_gs
2:
switch_load_fs:
    movw CONTEXT_FS(%edx), %fs
switch_load_gs:
    movw CONTEXT_GS(%edx), %gs
    jmp 1b
    .size switch_stacks, . - switch_stacks

    .globl switch_start
    .type switch_start, @function
switch_start:
    xorl %ebp, %ebp                     /* backtraces end here */
    sti
    movl %esi, %eax
    call *%ebx
    ud2                                 /* it never returns */
    .size switch_start, . - switch_start

    .section .note.GNU-stack, "", @progbits
