/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions: what a thread did that the processor refused, told to whoever the thread or its task named for it.
 */
#ifndef KERNEL_EXCEPTION_H
#define KERNEL_EXCEPTION_H

#include "kernel/types.h"

/*
 * Raises an exception (EXC_BAD_ACCESS ... of <mach/exception.h>) for the running thread, which came from user mode: sends
 * exception_raise to the thread's exception port, then to the task's, and waits for the reply. Returns when the thread is
 * to go on in user mode: the handler said so, or the thread is being ended. With nobody to take it the task is ended, with
 * a line on the console that says why. No locks held; sleeps.
 */
void exception_raise(int exception, int code, int subcode);

#endif
