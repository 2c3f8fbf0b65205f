/* SPDX-License-Identifier: BSD-2-Clause */
/* The two 8259 interrupt controllers, the second one behind line 2 of the first. Called with interrupts off. */
#ifndef I386_PIC_H
#define I386_PIC_H

#include "kernel/types.h"

#define PIC_CASCADE_LINE 2

/* Lines become the vectors from TRAP_INTERRUPTS on; all are shut. */
void pic_init(void);
void pic_open(unsigned int line);
void pic_shut(unsigned int line);
/* Ends the interrupt in service of the line. */
void pic_acknowledge(unsigned int line);
/* Whether an interrupt of the line is in service: if not, what came is spurious. */
bool pic_in_service(unsigned int line);
/* Whether the line asks for an interrupt that has not been delivered. */
bool pic_requested(unsigned int line);

#endif
