/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types that std_types.defs speaks of.
 */
#ifndef MACH_STD_TYPES_H
#define MACH_STD_TYPES_H

#define EXPORT_BOOLEAN
#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/machine/vm_types.h>
#include <mach/port.h>

typedef vm_offset_t pointer_t; /* out-of-line memory */
typedef vm_offset_t vm_address_t;

#ifdef MACH_KERNEL
#include <ipc/ipc_port.h>
#endif

#endif
