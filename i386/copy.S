/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying between the kernel and the running task.
 *
 * The functions between copy_start and copy_end may fault on the user's side; when the page cannot be had, trap.c goes on
 * at copy_failed, which undoes what each of them has on the stack: %edi, %esi. No function sets anything up for that.
 * Ranges are checked against the end of the user's addresses without wrap: size is subtracted from the end, and the start
 * must not be above the rest. (No user range is longer than the user's addresses.)
 */
#define USER_END 0xc0000000

    .text
    .globl copy_start, copy_end, copy_failed
copy_start:

/* bool copyin(const void *user, void *kernel, size_t size) */
    .globl copyin
    .type copyin, @function
    .balign 16
copyin:
    pushl %esi
    pushl %edi
    movl %eax, %esi
    movl %edx, %edi
    movl $USER_END, %eax
    subl %ecx, %eax
    jb copy_failed
    cmpl %eax, %esi
    ja copy_failed
copy_bytes:
    movl %ecx, %edx
    shrl $2, %ecx
    rep movsl
    movl %edx, %ecx
    andl $3, %ecx
    rep movsb
    movl $1, %eax
    popl %edi
    popl %esi
    ret
    .size copyin, . - copyin

/* bool copyout(const void *kernel, void *user, size_t size) */
    .globl copyout
    .type copyout, @function
    .balign 16
copyout:
    pushl %esi
    pushl %edi
    movl %eax, %esi
    movl %edx, %edi
    movl $USER_END, %eax
    subl %ecx, %eax
    jb copy_failed
    cmpl %eax, %edi
    jbe copy_bytes
copy_failed:
    xorl %eax, %eax
    popl %edi
    popl %esi
    ret
    .size copyout, . - copyout

/* bool copyin_words(uintptr_t user, uint32_t *kernel, size_t nr_words) */
    .globl copyin_words
    .type copyin_words, @function
    .balign 16
copyin_words:
    pushl %esi
    pushl %edi
    movl %eax, %esi
    movl %edx, %edi
    cmpl $(USER_END / 4), %ecx
    ja copy_failed
    leal (, %ecx, 4), %edx
    movl $USER_END, %eax
    subl %edx, %eax
    cmpl %eax, %esi
    ja copy_failed
copy_words:
    rep movsl
    movl $1, %eax
    popl %edi
    popl %esi
    ret
    .size copyin_words, . - copyin_words

/* bool copyout_words(const uint32_t *kernel, uintptr_t user, size_t nr_words) */
    .globl copyout_words
    .type copyout_words, @function
    .balign 16
copyout_words:
    pushl %esi
    pushl %edi
    movl %eax, %esi
    movl %edx, %edi
    cmpl $(USER_END / 4), %ecx
    ja copy_failed
    leal (, %ecx, 4), %edx
    movl $USER_END, %eax
    subl %edx, %eax
    cmpl %eax, %edi
    jbe copy_words
    jmp copy_failed
    .size copyout_words, . - copyout_words
copy_end:

    .section .note.GNU-stack, "", @progbits
