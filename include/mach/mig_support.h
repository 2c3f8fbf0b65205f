/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What MIG's stubs call. A C library has this header for programs; this one is the kernel's and is not installed.
 */
#ifndef MACH_MIG_SUPPORT_H
#define MACH_MIG_SUPPORT_H

#include <mach/message.h>
#include <mach/std_types.h>

/* Stubs use memcpy() and strlen() as well. */
#include <kernel/string.h>

/* Room for an out-of-line array that a server's stub fills; the message moves it. On failure *addr is left alone. */
extern void mig_allocate(vm_offset_t *addr, vm_size_t size);
extern void mig_deallocate(vm_offset_t addr, vm_size_t size);

/*
 * Copies a C string into a fixed-size array of a message: at most len bytes, of which the last is always 0. Returns
 * the bytes written, with the 0.
 */
extern vm_size_t mig_strncpy(char *dest, const char *src, vm_size_t len);

#endif
