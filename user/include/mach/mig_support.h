/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What MIG's stubs expect of a C library.
 */
#ifndef MACH_MIG_SUPPORT_H
#define MACH_MIG_SUPPORT_H

#include <mach/mach_traps.h>
#include <mach/message.h>
#include <mach/std_types.h>
#include <string.h>

/* The calling thread's own port for replies; put back after each call, given up when a call has failed. */
mach_port_t mig_get_reply_port(void);
void mig_put_reply_port(mach_port_t port);
void mig_dealloc_reply_port(mach_port_t port);

/* Memory of this task for out-of-line arrays; *address is 0 when there is none. */
void mig_allocate(vm_address_t *address, vm_size_t size);
void mig_deallocate(vm_address_t address, vm_size_t size);

/* At most size bytes of from, the last one always 0; returns how many were written, the 0 included. */
vm_size_t mig_strncpy(char *to, const char *from, vm_size_t size);

/* mach_msg_trap, made again when something interrupted it, unless option asks to be told. */
mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
                           mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
                           mach_port_t notify);

#endif
