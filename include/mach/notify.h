/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications: messages from the kernel about a task's rights, sent to send-once rights that the task provided.
 */
#ifndef MACH_NOTIFY_H
#define MACH_NOTIFY_H

#include <mach/message.h>
#include <mach/port.h>

#define MACH_NOTIFY_FIRST 64
#define MACH_NOTIFY_PORT_DELETED (MACH_NOTIFY_FIRST + 1) /* a name is gone that others may wait on */
#define MACH_NOTIFY_MSG_ACCEPTED (MACH_NOTIFY_FIRST + 2) /* a message sent with MACH_SEND_NOTIFY was queued */
#define MACH_NOTIFY_PORT_DESTROYED (MACH_NOTIFY_FIRST + 5) /* carries the receive right that would have died */
#define MACH_NOTIFY_NO_SENDERS (MACH_NOTIFY_FIRST + 6) /* the last send right is gone */
#define MACH_NOTIFY_SEND_ONCE (MACH_NOTIFY_FIRST + 7) /* a send-once right died unused */
#define MACH_NOTIFY_DEAD_NAME (MACH_NOTIFY_FIRST + 8) /* the port of a name died */
#define MACH_NOTIFY_LAST (MACH_NOTIFY_FIRST + 13)

typedef struct {
    mach_msg_header_t not_header;
    mach_msg_type_t not_type;
    mach_port_t not_port;
} mach_port_deleted_notification_t;

typedef struct {
    mach_msg_header_t not_header;
    mach_msg_type_t not_type;
    mach_port_t not_port;
} mach_msg_accepted_notification_t;

typedef struct {
    mach_msg_header_t not_header;
    mach_msg_type_t not_type;
    mach_port_t not_port;
} mach_port_destroyed_notification_t;

typedef struct {
    mach_msg_header_t not_header;
    mach_msg_type_t not_type;
    unsigned int not_count; /* the make-send count */
} mach_no_senders_notification_t;

typedef struct {
    mach_msg_header_t not_header;
} mach_send_once_notification_t;

typedef struct {
    mach_msg_header_t not_header;
    mach_msg_type_t not_type;
    mach_port_t not_port;
} mach_dead_name_notification_t;

#endif
