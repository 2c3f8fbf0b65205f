/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The traps: the number in %eax, the arguments where the caller has pushed them, above the return address.
 */
        .macro trap name, number
        .globl \name
        .type \name, @function
\name:
        movl $\number, %eax
        lcall $7, $0
        ret
        .size \name, . - \name
        .endm

        .text
        trap mach_msg_trap, -25
        trap mach_reply_port, -26
        trap mach_thread_self, -27
        trap mach_task_self, -28
        trap mach_host_self, -29
        trap mach_print, -30
        trap swtch_pri, -59
        trap swtch, -60
        trap thread_switch, -61

        .section .note.GNU-stack, "", @progbits
