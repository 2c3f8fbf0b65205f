/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread_switch()'s options.
 */
#ifndef MACH_THREAD_SWITCH_H
#define MACH_THREAD_SWITCH_H

#define SWITCH_OPTION_NONE 0
#define SWITCH_OPTION_DEPRESS 1 /* lower the caller's priority for the time given */
#define SWITCH_OPTION_WAIT 2 /* wait for the time given */

#define valid_switch_option(opt) ((opt) >= 0 && (opt) <= 2)

#endif
