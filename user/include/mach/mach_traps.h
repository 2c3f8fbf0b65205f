/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's traps, as user/lib/traps.S makes them. A C library has this header; the numbers are <mach/syscall_sw.h>'s.
 *
 * mach_task_self, mach_thread_self, mach_host_self and mach_reply_port each give a new reference or right at every call;
 * uthread_task() of <uthread.h> remembers the first.
 */
#ifndef MACH_MACH_TRAPS_H
#define MACH_MACH_TRAPS_H

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>

mach_msg_return_t mach_msg_trap(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
                                mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
                                mach_port_t notify);
mach_port_t mach_reply_port(void);
mach_port_t mach_thread_self(void);
mach_port_t mach_task_self(void);
mach_port_t mach_host_self(void);
/* Prints the string on the console. */
void mach_print(const char *text);
/* Let others run; TRUE when there were any. swtch_pri also lowers this thread's priority for a moment. */
boolean_t swtch_pri(int priority);
boolean_t swtch(void);
/* option: of <mach/thread_switch.h>; time in milliseconds. */
kern_return_t thread_switch(mach_port_t thread, int option, mach_msg_timeout_t time);

#endif
