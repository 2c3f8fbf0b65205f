/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of a thread on i386: what thread_get_state() and thread_set_state() move.
 */
#ifndef MACH_I386_THREAD_STATUS_H
#define MACH_I386_THREAD_STATUS_H

#include <mach/machine/fp_reg.h>

#define i386_THREAD_STATE 1 /* the registers; segments are corrected when set */
#define i386_FLOAT_STATE 2
#define i386_ISA_PORT_MAP_STATE 3
#define i386_V86_ASSIST_STATE 4
#define i386_REGS_SEGS_STATE 5 /* the registers; bad segments are refused */
#define i386_DEBUG_STATE 6
#define i386_FSGS_BASE_STATE 7
#define i386_XFLOAT_STATE 8

struct i386_thread_state {
    unsigned int gs;
    unsigned int fs;
    unsigned int es;
    unsigned int ds;
    unsigned int edi;
    unsigned int esi;
    unsigned int ebp;
    unsigned int esp; /* the kernel's; not used */
    unsigned int ebx;
    unsigned int edx;
    unsigned int ecx;
    unsigned int eax;
    unsigned int eip;
    unsigned int cs;
    unsigned int efl;
    unsigned int uesp;
    unsigned int ss;
};
#define i386_THREAD_STATE_COUNT (sizeof(struct i386_thread_state) / sizeof(unsigned int))

#define FP_STATE_BYTES (sizeof(struct i386_fp_save) + sizeof(struct i386_fp_regs))

struct i386_float_state {
    int fpkind; /* FP_NO to FP_387X; read only */
    int initialized; /* boolean: the thread has used it */
    unsigned char hw_state[FP_STATE_BYTES]; /* a struct i386_fp_save and a struct i386_fp_regs */
    int exc_status; /* status word at the last exception; read only */
};
#define i386_FLOAT_STATE_COUNT (sizeof(struct i386_float_state) / sizeof(unsigned int))

/* As long as i386_get_xstate_size() says, and not a constant therefore. */
struct i386_xfloat_state {
    int fpkind;
    int initialized;
    int exc_status;
    int fp_save_kind; /* an enum fp_save_kind: the layout of hw_state */
    unsigned char hw_state[]; /* a struct i386_xfp_save, perhaps unaligned, of which fxsave has the first 512 bytes */
};

#define PORT_MAP_BITS 0x400
struct i386_isa_port_map_state {
    unsigned char pm[PORT_MAP_BITS >> 3]; /* a bit set forbids the port */
};
#define i386_ISA_PORT_MAP_STATE_COUNT (sizeof(struct i386_isa_port_map_state) / sizeof(unsigned int))

struct i386_v86_assist_state {
    unsigned int int_table; /* address of an array of struct v86_interrupt_table */
    int int_count; /* its length in bytes */
};
struct v86_interrupt_table {
    unsigned int count; /* interrupts pending */
    unsigned short mask; /* ignore this one */
    unsigned short vec; /* vector to take */
};
#define i386_V86_ASSIST_STATE_COUNT (sizeof(struct i386_v86_assist_state) / sizeof(unsigned int))

struct i386_debug_state {
    unsigned int dr[8];
};
#define i386_DEBUG_STATE_COUNT (sizeof(struct i386_debug_state) / sizeof(unsigned int))

struct i386_fsgs_base_state {
    unsigned int fs_base;
    unsigned int gs_base;
};
#define i386_FSGS_BASE_STATE_COUNT (sizeof(struct i386_fsgs_base_state) / sizeof(unsigned int))

#endif
