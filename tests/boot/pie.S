/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A position-independent program: it says where it was loaded, as far as it can tell, and ends its task.
 */
        .text
        .globl _start
_start:
        call 1f
1:      popl %ebx
        leal text - 1b(%ebx), %eax
        pushl %eax
        pushl $0                /* where a caller's return address would be */
        movl $-30, %eax         /* mach_print */
        lcall $7, $0
        movl $-28, %eax         /* mach_task_self */
        lcall $7, $0
        pushl %eax
        pushl $0
        movl $-69, %eax         /* task_terminate */
        lcall $7, $0
        ud2

        .data
text:   .asciz "pie: runs\n"
/* Only in memory, behind the last page of the file. */
        .bss
        .skip 10000

        .section .note.GNU-stack, "", @progbits
