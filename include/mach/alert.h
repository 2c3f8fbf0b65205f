/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alert bits of a thread.
 */
#ifndef MACH_ALERT_H
#define MACH_ALERT_H

#define ALERT_BITS 32
#define ALERT_ABORT_STRONG 0x00000001
#define ALERT_ABORT_SAFE 0x00000002
#define ALERT_USER 0xffff0000 /* for programs */

#endif
