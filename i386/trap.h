/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ways into the kernel and out of it: trap_entry.S makes a struct trap_frame, and calls what is in trap.c with it.
 */
#ifndef I386_TRAP_H
#define I386_TRAP_H

#include "i386/context.h"

struct thread;

#define TRAP_NR_VECTORS 48          /* the processor's 32, then the 16 interrupts of two PICs */
#define TRAP_INTERRUPTS 32
#define TRAP_DOUBLE_FAULT 8

/* Entries by vector, in trap_entry.S; trap_entries[TRAP_DOUBLE_FAULT] is not used. */
extern void (*const trap_entries[TRAP_NR_VECTORS])(void);
/* The trap gate's entry, and where it goes on for a user who steps by single instructions. */
void trap_syscall_entry(void);
void trap_syscall_stepped(void);
/* To user mode, with the frame that %esp points to. */
void trap_return_user(void) __attribute__((noreturn));
/* Double faults: the processor switches tasks to it. */
void trap_double_fault(void) __attribute__((noreturn));

/* Instructions that may fault on a user's account; see trap_entry.S, switch.S and copy.S. */
extern const char trap_syscall_copy[], trap_syscall_copy_failed[], trap_iret[], trap_load_ds[], trap_load_es[];
extern const char switch_load_fs[], switch_load_gs[], copy_start[], copy_end[], copy_failed[];

/* Called by trap_entry.S. */
void trap_exception(struct trap_frame *frame);
void trap_interrupt(struct trap_frame *frame);
void trap_syscall_bad_number(uint32_t number);
void trap_syscall_bad_stack(uintptr_t address);
void trap_ast(void);

/* The user's frame of a thread. */
struct trap_frame *trap_user_frame(const struct thread *thread);

static inline bool trap_from_user(const struct trap_frame *frame)
{
    return (frame->cs & 3) != 0;
}

#endif
