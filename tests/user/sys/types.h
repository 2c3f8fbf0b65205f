/* SPDX-License-Identifier: BSD-2-Clause */
/* Debian's <mach_debug/slab_info.h> wants this of the C library, for size_t. */
#ifndef TESTS_USER_SYS_TYPES_H
#define TESTS_USER_SYS_TYPES_H

#include <stddef.h>

#endif
