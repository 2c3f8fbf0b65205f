/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine is i386.
 */
#include <mach/i386/mach_i386_types.h>
