/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What simulated programs call: a small library, in user mode, above sim_load(), sim_store() and sim_trap(). MIG's stubs for
 * programs are linked with the prefix user_, because the kernel's routines have their names.
 *
 * A program's variables are the host's and are seen by all tasks; only what it keeps at simulated addresses is its task's.
 * The page that ends at a thread's stack pointer is for messages and arguments.
 */
#ifndef SIM_PROG_H
#define SIM_PROG_H

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>

#include "sim.h"

/* The longest message that a thread sends or receives. */
#define PROG_MESSAGE_MAX 2048u

/* Ends the run unless e; for what no program may see. */
#define prog_check(e) sim_check(e)
/*
 * Makes a call until it succeeds: again when memory was short, which seeds see to; any other error ends the run. Only for
 * calls that change nothing when they fail so.
 */
#define prog_call(call) \
    do { \
    } while (prog_again(call, #call, __LINE__))
bool prog_again(kern_return_t result, const char *what, int line);

/* The running task and thread, as ports of the task. */
mach_port_t prog_task(void);
mach_port_t prog_thread(void);
/* Ends the running task, or thread. */
void prog_exit(void) __attribute__((noreturn));
void prog_thread_exit(void) __attribute__((noreturn));

/* mach_msg() of a C library. */
mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
                           mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
                           mach_port_t notify);
/*
 * From now on a message of the thread's that has no answer fails with MACH_SEND_TIMED_OUT when it cannot be queued so
 * long.
 */
void prog_send_limit(uint32_t milliseconds);
mach_port_t mig_get_reply_port(void);
void mig_put_reply_port(mach_port_t port);
void mig_dealloc_reply_port(mach_port_t port);

/* Memory of the running task, by trap; waits until there is some. */
uint32_t prog_allocate(uint32_t size);
void prog_deallocate(uint32_t address, uint32_t size);
/* A port with its receive right and, if wanted, a send right under the same name. */
mach_port_t prog_port(void);
mach_port_t prog_port_with_send(void);
/* A thread of task that begins program with argument; its memory for messages is a fresh page there. Returns its port. */
mach_port_t prog_start_thread(mach_port_t task, sim_program_function *program, uint32_t argument);
/* Gives the processor away: until the others have had their turns, or for some milliseconds. */
void prog_yield(void);
void prog_sleep(uint32_t milliseconds);

#endif
