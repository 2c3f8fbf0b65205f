/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk for the example "file": a module whose data are blocks of a page each. The kernel loads them into a task that never
 * runs (its boot script has no task-resume), and whoever has the task's port can read and write them.
 *
 * Block 0 says what the disk is and how many bytes its one file has; the file begins at block 1. After the file there is
 * rubbish, up to the end of its last block. Word i of the file is i * 3 + 1.
 */
#define DISK_BLOCK 4096
#define DISK_FILE_SIZE (75 * DISK_BLOCK + 1236)

        .data
        .balign DISK_BLOCK
        .ascii "MACHDISK"
        .long DISK_FILE_SIZE
        .balign DISK_BLOCK
        .set word, 1
        .rept DISK_FILE_SIZE / 4
        .long word
        .set word, word + 3
        .endr
        .balign DISK_BLOCK, 0xee

        /* A program must have an entry. */
        .text
        .globl _start
_start:
        jmp _start

        .section .note.GNU-stack, "", @progbits
