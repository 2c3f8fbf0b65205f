/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For assembly files: stack frames, symbols and alignment on i386.
 */
#ifndef MACH_I386_ASM_H
#define MACH_I386_ASM_H

/* Arguments, from the stack pointer and, after FRAME, from the frame pointer */
#define S_ARG0 4(%esp)
#define S_ARG1 8(%esp)
#define S_ARG2 12(%esp)
#define S_ARG3 16(%esp)
#define B_ARG0 8(%ebp)
#define B_ARG1 12(%ebp)
#define B_ARG2 16(%ebp)
#define B_ARG3 20(%ebp)
#define FRAME pushl %ebp; movl %esp, %ebp
#define EMARF leave

/* Alignments are powers of two. */
#ifdef i486
#define TEXT_ALIGN 4
#else
#define TEXT_ALIGN 2
#endif
#define DATA_ALIGN 2
#define ALIGN TEXT_ALIGN
#define P2ALIGN(p2) .p2align p2

/* ELF symbols are spelled as in C. */
#define EXT(x) x
#define LEXT(x) x ## :
#define SEXT(x) #x

/* Local labels: the symbol x, the number n, n backwards and n forwards */
#define LCL(x) x
#define LCLL(x) x ## :
#define LB(x, n) n
#define gLB(n) n ## :
#define LBb(x, n) n ## b
#define LBf(x, n) n ## f

/* The far call to 7:0, as bytes: the offset is not used by the gate. */
#define SVC .byte 0x9a; .long 0; .word 0x7

#define String .ascii
#define Value .word
#define Times(a, b) (a*b)
#define Divide(a, b) (a/b)
#define data16 .byte 0x66
#define addr16 .byte 0x67

#define INB inb %dx, %al
#define INL inl %dx, %eax
#define OUTB outb %al, %dx
#define OUTL outl %eax, %dx

/* Counting calls when profiling; saves nothing but what C expects a call to change. */
#ifdef GPROF
#define MCOUNT .data; gLB(9) .long 0; .text; lea LBb(x, 9), %edx; call mcount
#define MCOUNT_FRAMED pushl %ebp; movl %esp, %ebp; MCOUNT; popl %ebp;
#else
#define MCOUNT
#define MCOUNT_FRAMED
#endif

/* The beginning of a function, of one with two names, of one with a raw name; its end */
#define Entry(x) .globl EXT(x); .type EXT(x), @function; .p2align TEXT_ALIGN; LEXT(x)
#define ENTRY(x) Entry(x) MCOUNT_FRAMED
#define ENTRY2(x, y) .globl EXT(x); .type EXT(x), @function; Entry(y) LEXT(x)
#define ASENTRY(x) .globl x; .type x, @function; .p2align TEXT_ALIGN; gLB(x) MCOUNT_FRAMED
#define END(x) .size x, . - x

#define DATA(x) .globl EXT(x); .p2align DATA_ALIGN; LEXT(x)

#endif
