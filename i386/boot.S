/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions: from a Multiboot 1 loader's flat 32-bit mode, paging off, to C at the kernel's addresses.
 *
 * The boot page tables map the first 16 MiB of physical memory twice, at 0 and at 3 GiB, page by page, because the first
 * processors that we run on have no larger pages. That holds the kernel, whatever its size, and nearly always what
 * the loader passes. memory_init() replaces them.
 */
#define BOOT_OFFSET 0xC0000000
#define BOOT_MAPPED_TABLES 4            /* of 4 MiB each */
#define BOOT_PTE_FLAGS 3                /* present, writable */
#define BOOT_CR0 0x80010000             /* paging, and read-only for the kernel too */
#define BOOT_CR0_CACHE_OFF 0x60000000
#define BOOT_STACK_SIZE 8192

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_HEADER_FLAGS 3        /* modules on pages; tell about memory */

    .section .boot, "ax", @progbits
    .balign 4
multiboot_header:
    .long MULTIBOOT_HEADER_MAGIC
    .long MULTIBOOT_HEADER_FLAGS
    .long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_HEADER_FLAGS)

/* %eax: the loader's magic; %ebx: physical address of its information. Both stay where they are until the call. */
    .globl boot_start
    .type boot_start, @function
boot_start:
    cli
    cld
    movl $(boot_page_tables - BOOT_OFFSET), %edi
    movl $BOOT_PTE_FLAGS, %edx
    movl $(BOOT_MAPPED_TABLES * 1024), %ecx
1:  movl %edx, (%edi)
    addl $4, %edi
    addl $4096, %edx
    decl %ecx
    jnz 1b

    movl $(boot_page_directory - BOOT_OFFSET), %edi
    movl $(boot_page_tables - BOOT_OFFSET + BOOT_PTE_FLAGS), %edx
    movl $BOOT_MAPPED_TABLES, %ecx
2:  movl %edx, (%edi)
    movl %edx, (BOOT_OFFSET >> 20)(%edi)
    addl $4, %edi
    addl $4096, %edx
    decl %ecx
    jnz 2b

    movl $(boot_page_directory - BOOT_OFFSET), %edx
    movl %edx, %cr3
    movl %cr0, %edx
    andl $~BOOT_CR0_CACHE_OFF, %edx
    orl $BOOT_CR0, %edx
    movl %edx, %cr0
    movl $boot_high, %edx
    jmp *%edx

boot_high:
    movl $boot_stack_top, %esp
    pushl $0                            /* no flag of the loader's is left: nested task, direction, single step */
    popfl
    xorl %ebp, %ebp                     /* backtraces end here */
    movl %ebx, %edx
    pushl $0
    jmp i386_start
    .size boot_start, . - boot_start

    .section .data.boot_stack, "aw", @progbits
    .balign 4096
    .globl boot_stack, boot_stack_top
boot_stack:
    .fill BOOT_STACK_SIZE / 4, 4, 0
boot_stack_top:

    .section .bss.page_aligned, "aw", @nobits
    .balign 4096
    .globl boot_page_directory, boot_page_tables
boot_page_directory:
    .skip 4096
boot_page_tables:
    .skip BOOT_MAPPED_TABLES * 4096

    .section .note.GNU-stack, "", @progbits
