/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bits of a message's type that messages once had.
 */
#ifndef MACH_MSG_TYPE_H
#define MACH_MSG_TYPE_H

#include <mach/message.h>

#define MSG_TYPE_CAMELOT (1 << 6)
#define MSG_TYPE_ENCRYPTED (1 << 7)
#define MSG_TYPE_RPC (1 << 8)

#endif
