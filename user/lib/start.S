/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a program starts: %esp points to argc, argv[], 0, envp[], 0. The first thread moves to a block of its own, as every
 * other has; the arguments stay where they are.
 */
#include <uthread.h>

        .section .bss.program_block, "aw", @nobits
        .balign UTHREAD_BLOCK_SIZE
        .globl program_block
program_block:
        .skip UTHREAD_BLOCK_SIZE
        .size program_block, . - program_block

        .text
        .globl _start
        .type _start, @function
_start:
        xorl %ebp, %ebp
        movl %esp, %eax
        /* The record is at the end; program_start() finds it as any thread does. The call leaves %esp 16-aligned - 4. */
        movl $program_block + UTHREAD_BLOCK_SIZE - UTHREAD_RECORD_ROOM - 12, %esp
        pushl %eax
        call program_start
        ud2
        .size _start, . - _start

        .section .note.GNU-stack, "", @progbits
