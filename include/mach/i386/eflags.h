/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flags register.
 */
#ifndef MACH_I386_EFLAGS_H
#define MACH_I386_EFLAGS_H

#define EFL_CF 0x00000001 /* carry */
#define EFL_PF 0x00000004 /* parity */
#define EFL_AF 0x00000010 /* carry out of four bits */
#define EFL_ZF 0x00000040 /* zero */
#define EFL_SF 0x00000080 /* sign */
#define EFL_TF 0x00000100 /* trap after each instruction */
#define EFL_IF 0x00000200 /* interrupts enabled */
#define EFL_DF 0x00000400 /* direction */
#define EFL_OF 0x00000800 /* overflow */
#define EFL_IOPL 0x00003000 /* who may do input and output: */
#define EFL_IOPL_KERNEL 0x00000000
#define EFL_IOPL_USER 0x00003000
#define EFL_NT 0x00004000 /* nested task */
#define EFL_RF 0x00010000 /* resume without a debug trap */
#define EFL_VM 0x00020000 /* virtual 8086 mode */
#define EFL_AC 0x00040000 /* alignment check */
#define EFL_VI 0x00080000 /* virtual interrupt flag */
#define EFL_VIP 0x00100000 /* virtual interrupt pending */
#define EFL_ID 0x00200000 /* can be changed: there is cpuid */

#endif
