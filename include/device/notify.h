/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The message that an interrupt becomes.
 */
#ifndef DEVICE_NOTIFY_H
#define DEVICE_NOTIFY_H

#include <mach/message.h>
#include <mach/port.h>

#define DEVICE_INTR_NOTIFY 100 /* its id */

typedef struct {
    mach_msg_header_t intr_header;
    mach_msg_type_t intr_type;
    int id; /* what device_intr_register() was given */
} device_intr_notification_t;

#endif
