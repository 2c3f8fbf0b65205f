/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For macros that are statements.
 */
#ifndef MACH_MACRO_HELP_H
#define MACH_MACRO_HELP_H

#define MACRO_BEGIN do {
#define MACRO_END } while (0)
#define MACRO_RETURN if (1) return

#endif
