/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every macro of <mach/i386/asm.h>, once.
 */
#include <mach/machine/asm.h>

    .text
ENTRY(plain)
    movl S_ARG0, %eax
    addl S_ARG1, %eax
    addl S_ARG2, %eax
    addl S_ARG3, %eax
    SVC
    ret
END(plain)

ENTRY2(first, second)
    FRAME
    movl B_ARG0, %eax
    addl B_ARG1, %eax
    addl B_ARG2, %eax
    addl B_ARG3, %eax
    EMARF
    ret

ASENTRY(raw)
    ret

Entry(old)
gLB(1) INB
    INL
    OUTB
    OUTL
    data16; nop
    addr16; nop
    jmp LBb(there, 1)
    jmp LBf(there, 2)
    P2ALIGN(4)
gLB(2) ret
LCLL(local)
    jmp LCL(local)
    movl $Times(6, 7), %eax
    movl $Divide(42, 7), %eax
    .p2align ALIGN

    .data
DATA(datum)
    Value 0x1234
    String SEXT(datum)
LEXT(after)
    .long EXT(after)
    .long LB(after, after)
