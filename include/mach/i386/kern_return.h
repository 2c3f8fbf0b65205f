/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The type of a call's result; the values are in <mach/kern_return.h>.
 */
#ifndef MACH_I386_KERN_RETURN_H
#define MACH_I386_KERN_RETURN_H

#ifndef __ASSEMBLER__
typedef int kern_return_t;
#endif

#endif
