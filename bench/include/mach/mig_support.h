/* SPDX-License-Identifier: BSD-2-Clause */
/* What MIG's stubs expect of the C library: on the Hurd that is glibc, here the program itself. */
#ifndef BENCH_MIG_SUPPORT_H
#define BENCH_MIG_SUPPORT_H

#include <mach/message.h>
#include <mach/std_types.h>

mach_port_t mig_get_reply_port(void);
void mig_dealloc_reply_port(mach_port_t port);
void mig_put_reply_port(mach_port_t port);
vm_size_t mig_strncpy(char *to, const char *from, vm_size_t size);
void *memcpy(void *to, const void *from, unsigned int size);
void *memset(void *at, int byte, unsigned int size);
mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
                           mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
                           mach_port_t notify);
mach_port_t mach_task_self(void);

#endif
