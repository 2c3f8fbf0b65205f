/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program: how it starts, what it is told, how it ends.
 *
 * The library calls main(); when it returns, the task ends. Arguments are what the boot script says: by habit argv[1] is
 * the name of the privileged host port, argv[2] that of the device master port, and words key=value follow.
 */
#ifndef USER_PROGRAM_H
#define USER_PROGRAM_H

#include <mach/port.h>
#include <stdbool.h>
#include <stdint.h>

#define PROGRAM_PAGE_SIZE 4096u

int main(int argc, char **argv);

/* The port name that argv[index] is in decimal, or MACH_PORT_NULL. */
mach_port_t program_port(int argc, char **argv, int index);
/* What stands behind "key=" in the last argument that begins so, or NULL. */
const char *program_option(int argc, char **argv, const char *key);
/* The same as a decimal number; otherwise when there is none. False when it is no number of 32 bits. */
bool program_number(int argc, char **argv, const char *key, uint32_t otherwise, uint32_t *value);

/* Ends the task. */
void program_end(void) __attribute__((noreturn));

/* host_reboot()'s options. The last two are Machair's; other kernels halt where they do not know them. */
enum program_shutdown {
    PROGRAM_REBOOT = 0,
    PROGRAM_HALT = 0x8,
    PROGRAM_FAILED = 0x1000,    /* with the others: the machine's verdict is failure (on the emulator's exit port) */
    PROGRAM_POWER_OFF = 0x4000,
};
/* Ends the machine. Where the kernel refuses, says so and ends the task. */
void program_shut_down(mach_port_t host_priv, enum program_shutdown how) __attribute__((noreturn));

#endif
