/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into the kernel and out of it.
 *
 * All ways in make a struct trap_frame (i386/context.h). The trap gate is the hot one. Unlike an interrupt gate it leaves
 * the flags alone: interrupts stay as the user had them, and nested task, direction and single step have to be
 * taken out by us. The processor pushes no flags for it either; they go between what it did push.
 *
 * Instructions that may fault on a user's account have a label, by which trap.c knows them: the loads of segments and the
 * iret on the way out (trap.c puts good values in the frame and they are tried again), and the copying of
 * arguments.
 */
#include "i386/context.h"

#define EFLAGS_TF 0x100
#define EFLAGS_KERNEL 0x202             /* interrupts on */
#define USER_END 0xc0000000
#define ARGUMENTS_SIZE 44               /* SYSCALL_MAX_ARGUMENTS words */

    .text

/* ---- the trap gate ---- */

    .globl trap_syscall_entry
    .type trap_syscall_entry, @function
    .balign 16
trap_syscall_entry:
    /* There is: return address, %cs, stack pointer, %ss. There shall be: return address, %cs, flags, stack pointer, %ss. */
    pushl (%esp)
    movl $SELECTOR_USER_CODE, 4(%esp)   /* users have no other code segment */
    pushfl
    popl 8(%esp)
trap_syscall_flags:
    subl $8, %esp
    pushw %ds
    pushw %es
    pushal
    pushl $EFLAGS_KERNEL
    popfl
    cmpl $SEGMENTS_FLAT, FRAME_SEGMENTS(%esp)
    jne trap_syscall_segments
trap_syscall_number:
    negl %eax
    cmpl syscall_table_length, %eax
    jae trap_syscall_bad
    movl syscall_table + 4(, %eax, 8), %edx
    testl %edx, %edx
    jz trap_syscall_bad
    movl syscall_table(, %eax, 8), %ecx
    movl FRAME_ESP(%esp), %esi
    cmpl $(USER_END - 4 - ARGUMENTS_SIZE), %esi
    ja trap_syscall_stack_end
trap_syscall_arguments:
    subl $ARGUMENTS_SIZE, %esp
    movl %esp, %edi
    addl $4, %esi
    .globl trap_syscall_copy
trap_syscall_copy:
    rep movsl
    movl %esp, %eax
    call *%edx
    addl $ARGUMENTS_SIZE, %esp
    movl %eax, FRAME_EAX(%esp)

/* To user mode, by the frame at %esp. Between the last look at ast and the iret no interrupt can set it. */
    .globl trap_return_user
    .type trap_return_user, @function
trap_return_user:
    cli
    movl current_thread_pointer, %eax
    cmpb $0, trap_thread_ast(%eax)
    jne trap_return_ast
trap_restore:
    cmpl $SEGMENTS_FLAT, FRAME_SEGMENTS(%esp)
    jne trap_restore_segments
trap_restore_registers:
    popal
    addl $(FRAME_EIP - FRAME_SEGMENTS), %esp
    .globl trap_iret
trap_iret:
    iret

trap_return_ast:
    call trap_ast
    jmp trap_return_user

    .globl trap_load_ds, trap_load_es
trap_restore_segments:
trap_load_ds:
    movw FRAME_SEGMENTS + 2(%esp), %ds
trap_load_es:
    movw FRAME_SEGMENTS(%esp), %es
    jmp trap_restore_registers

trap_syscall_segments:
    movl $SELECTOR_USER_DATA, %ecx
    movl %ecx, %ds
    movl %ecx, %es
    jmp trap_syscall_number

/* The stack pointer is near the end of the user's addresses, or above it. */
trap_syscall_stack_end:
    cmpl $USER_END, %esi
    ja 1f
    leal 4(%esi, %ecx, 4), %edi
    cmpl $USER_END, %edi
    jbe trap_syscall_arguments
1:  leal 4(%esi), %eax
    subl $ARGUMENTS_SIZE, %esp
    /* And from the page fault handler, with the address that could not be read in %eax. */
    .globl trap_syscall_copy_failed
trap_syscall_copy_failed:
    addl $ARGUMENTS_SIZE, %esp
    call trap_syscall_bad_stack
    jmp trap_return_user

/* %eax: the number, negated */
trap_syscall_bad:
    call trap_syscall_bad_number
    jmp trap_return_user
    .size trap_syscall_entry, . - trap_syscall_entry

/*
 * Where trap.c sends a user who steps by single instructions, whose debug trap comes before the first instruction of
 * trap_syscall_entry: the same beginning, with the flag that trap.c had to take away.
 */
    .globl trap_syscall_stepped
    .type trap_syscall_stepped, @function
trap_syscall_stepped:
    pushl (%esp)
    movl $SELECTOR_USER_CODE, 4(%esp)
    pushfl
    orl $EFLAGS_TF, (%esp)
    popl 8(%esp)
    jmp trap_syscall_flags
    .size trap_syscall_stepped, . - trap_syscall_stepped

/* ---- exceptions and interrupts ---- */

    .type trap_exceptions, @function
trap_exceptions:
    pushw %ds
    pushw %es
    pushal
    cld
    cmpl $SEGMENTS_FLAT, FRAME_SEGMENTS(%esp)
    jne 2f
1:  movl %esp, %eax
    call trap_exception
    jmp trap_return
2:  movl $SELECTOR_USER_DATA, %ecx
    movl %ecx, %ds
    movl %ecx, %es
    jmp 1b
    .size trap_exceptions, . - trap_exceptions

    .type trap_interrupts, @function
trap_interrupts:
    pushw %ds
    pushw %es
    pushal
    cld
    cmpl $SEGMENTS_FLAT, FRAME_SEGMENTS(%esp)
    jne 2f
1:  movl %esp, %eax
    call trap_interrupt
trap_return:
    testb $3, FRAME_CS(%esp)
    jnz trap_return_user
    jmp trap_restore
2:  movl $SELECTOR_USER_DATA, %ecx
    movl %ecx, %ds
    movl %ecx, %es
    jmp 1b
    .size trap_interrupts, . - trap_interrupts

/* One entry a vector: 8, 10 to 14 and 17 push an error code of their own; the double fault has a task of its own. */
    .altmacro
    .macro trap_vector number, common
    .type trap_vector_\number, @function
trap_vector_\number:
    .if (\number >= 32) || !((1 << \number) & 0x27d00)
    pushl $0
    .endif
    pushl $\number
    jmp \common
    .size trap_vector_\number, . - trap_vector_\number
    .endm

    .macro trap_address number
    .long trap_vector_\number
    .endm

    .set number, 0
    .rept 32
    trap_vector %number, trap_exceptions
    .set number, number + 1
    .endr
    .rept 16
    trap_vector %number, trap_interrupts
    .set number, number + 1
    .endr

    .section .rodata
    .balign 4
    .globl trap_entries
trap_entries:
    .set number, 0
    .rept 48
    trap_address %number
    .set number, number + 1
    .endr

    .section .note.GNU-stack, "", @progbits
