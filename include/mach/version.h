/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The version of the interface.
 */
#ifndef MACH_VERSION_H
#define MACH_VERSION_H

#define KERNEL_MAJOR_VERSION 4
#define KERNEL_MINOR_VERSION 0
#define INCLUDE_VERSION 0

#endif
