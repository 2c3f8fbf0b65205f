/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a header's function is defined in line; a program that wants its bodies defines MACH_INLINE as nothing.
 */
#ifndef MACH_INLINE_H
#define MACH_INLINE_H

#ifndef MACH_INLINE
#define MACH_INLINE extern __inline
#endif

#endif
