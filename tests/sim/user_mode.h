/* SPDX-License-Identifier: BSD-2-Clause */
/* What threads.c and user.c share. */
#ifndef SIM_USER_MODE_H
#define SIM_USER_MODE_H

/*
 * The way from the kernel to user mode: looks at the thread's marks as long as there are any. Does not return when the
 * thread ends, or its state was set meanwhile.
 */
void sim_border(void);

#endif
