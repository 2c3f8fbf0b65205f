/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Truth values. NOBOOL leaves TRUE and FALSE to a program that has its own.
 */
#ifndef MACH_BOOLEAN_H
#define MACH_BOOLEAN_H

#ifndef __ASSEMBLER__
#include <mach/machine/boolean.h>
#endif

#endif

/* Outside the guard: a program that undefines them gets them back by including this again. */
#ifndef NOBOOL
#ifndef TRUE
#define TRUE ((boolean_t) 1)
#endif
#ifndef FALSE
#define FALSE ((boolean_t) 0)
#endif
#endif
