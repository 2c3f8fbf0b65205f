/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine is i386.
 */
#include <mach/i386/kern_return.h>
