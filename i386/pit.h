/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8254 timer, which is the kernel's clock, and the real-time clock, which is asked once. */
#ifndef I386_PIT_H
#define I386_PIT_H

/* Starts the clock: clock_interrupt() from the next time that interrupts are on. */
void pit_init(void);

#endif
