/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the machine keeps of a thread, and the layout of what lies on its kernel stack.
 *
 * The user frame of a thread is at the top of its kernel stack, always at the same place: every way from user mode into
 * the kernel (trap, interrupt, trap gate) makes the same frame there, so get_state and set_state find it without asking how
 * the thread came in. A thread of the kernel has the room for it, unused.
 *
 * %ds and %es are of the user's flat segment while the kernel runs too: when a user has not changed his own they are
 * neither loaded on the way in nor on the way out. %fs and %gs, which the kernel does not use, are the running thread's
 * own all the time and change at a switch only.
 */
#ifndef I386_CONTEXT_H
#define I386_CONTEXT_H

/* Selectors. The user's are in the LDT, where GNU Mach's programs find them; see i386/gdt.c. */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_TSS 0x18
#define SELECTOR_LDT 0x20
#define SELECTOR_DOUBLE_FAULT_TSS 0x28
#define SELECTOR_USER_GATE 0x07
#define SELECTOR_USER_CODE 0x17
#define SELECTOR_USER_DATA 0x1f
/* %ds and %es as one word of a frame: what both are in the kernel, and in user programs that leave them alone. */
#define SEGMENTS_FLAT 0x001f001f

/* Offsets in struct trap_frame, in bytes. */
#define FRAME_EAX 28
#define FRAME_SEGMENTS 32
#define FRAME_EIP 44
#define FRAME_CS 48
#define FRAME_EFLAGS 52
#define FRAME_ESP 56
#define FRAME_SIZE 64

/* Offsets in struct machine_context, which is the first member of struct thread. */
#define CONTEXT_ESP 0
#define CONTEXT_FS 4
#define CONTEXT_GS 6

#ifndef __ASSEMBLER__

#include "kernel/types.h"

struct fpu_state;

struct trap_frame {
    uint32_t edi, esi, ebp;
    uint32_t unused_esp;        /* pushal's; popal skips it */
    uint32_t ebx, edx, ecx, eax;
    uint16_t es, ds;
    uint32_t vector;            /* undefined for the trap gate */
    uint32_t error;             /* the processor's, 0 when the vector has none */
    uint32_t eip, cs, eflags;
    uint32_t esp, ss;           /* only of a frame from user mode */
};

struct machine_context {
    uintptr_t esp;              /* while the thread does not run: where machine_switch left its stack */
    uint16_t fs, gs;            /* while it does not run */
    struct fpu_state *fpu;      /* NULL until it first used the FPU; see i386/fpu.h */
    uint32_t *debug;            /* NULL, or the debug registers 0 to 3, 6 and 7 that it runs with; see i386/debug.h */
};

#ifdef __i386__ /* unit tests are programs of the host */
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "frames as trap_entry.S makes them");
_Static_assert(offsetof(struct trap_frame, eax) == FRAME_EAX, "");
_Static_assert(offsetof(struct trap_frame, es) == FRAME_SEGMENTS, "");
_Static_assert(offsetof(struct trap_frame, eip) == FRAME_EIP, "");
_Static_assert(offsetof(struct trap_frame, cs) == FRAME_CS, "");
_Static_assert(offsetof(struct trap_frame, eflags) == FRAME_EFLAGS, "");
_Static_assert(offsetof(struct trap_frame, esp) == FRAME_ESP, "");
_Static_assert(offsetof(struct machine_context, esp) == CONTEXT_ESP, "");
_Static_assert(offsetof(struct machine_context, fs) == CONTEXT_FS, "");
_Static_assert(offsetof(struct machine_context, gs) == CONTEXT_GS, "");
#endif

#endif
#endif
