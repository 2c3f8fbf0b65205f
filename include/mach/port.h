/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports, the rights to them, and their names.
 *
 * A task knows a port by a name, a number that means something in that task only. In the kernel a message's port field
 * (mach_port_t) holds the port's address instead while the message is there: the field is 32 bits wide in both.
 */
#ifndef MACH_PORT_H
#define MACH_PORT_H

#include <mach/boolean.h>
#include <mach/machine/vm_types.h>

typedef unsigned int mach_port_name_t;
typedef mach_port_name_t *mach_port_name_array_t;
typedef const mach_port_name_t *const_mach_port_name_array_t;

typedef mach_port_name_t mach_port_t;
typedef mach_port_t *mach_port_array_t;
typedef const mach_port_t *const_mach_port_array_t;

#define MACH_PORT_NULL 0 /* no port */
#define MACH_PORT_DEAD ((mach_port_t) ~0) /* a port that is no more */
#define MACH_PORT_VALID(name) ((name) != MACH_PORT_NULL && (name) != MACH_PORT_DEAD)

/* Kinds of right, as an argument of mach_port_allocate() and others. */
typedef natural_t mach_port_right_t;
#define MACH_PORT_RIGHT_SEND ((mach_port_right_t) 0)
#define MACH_PORT_RIGHT_RECEIVE ((mach_port_right_t) 1)
#define MACH_PORT_RIGHT_SEND_ONCE ((mach_port_right_t) 2)
#define MACH_PORT_RIGHT_PORT_SET ((mach_port_right_t) 3)
#define MACH_PORT_RIGHT_DEAD_NAME ((mach_port_right_t) 4)
#define MACH_PORT_RIGHT_NUMBER ((mach_port_right_t) 5)

/* What a name denotes, as mach_port_type() says: a set of kinds of right and of outstanding requests. */
typedef natural_t mach_port_type_t;
typedef mach_port_type_t *mach_port_type_array_t;
#define MACH_PORT_TYPE(right) ((mach_port_type_t) (1 << ((right) + 16)))
#define MACH_PORT_TYPE_NONE ((mach_port_type_t) 0)
#define MACH_PORT_TYPE_SEND MACH_PORT_TYPE(MACH_PORT_RIGHT_SEND)
#define MACH_PORT_TYPE_RECEIVE MACH_PORT_TYPE(MACH_PORT_RIGHT_RECEIVE)
#define MACH_PORT_TYPE_SEND_ONCE MACH_PORT_TYPE(MACH_PORT_RIGHT_SEND_ONCE)
#define MACH_PORT_TYPE_PORT_SET MACH_PORT_TYPE(MACH_PORT_RIGHT_PORT_SET)
#define MACH_PORT_TYPE_DEAD_NAME MACH_PORT_TYPE(MACH_PORT_RIGHT_DEAD_NAME)

#define MACH_PORT_TYPE_SEND_RECEIVE (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE)
#define MACH_PORT_TYPE_SEND_RIGHTS (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)
#define MACH_PORT_TYPE_PORT_RIGHTS (MACH_PORT_TYPE_SEND_RIGHTS | MACH_PORT_TYPE_RECEIVE)
#define MACH_PORT_TYPE_PORT_OR_DEAD (MACH_PORT_TYPE_PORT_RIGHTS | MACH_PORT_TYPE_DEAD_NAME)
#define MACH_PORT_TYPE_ALL_RIGHTS (MACH_PORT_TYPE_PORT_OR_DEAD | MACH_PORT_TYPE_PORT_SET)

#define MACH_PORT_TYPE_DNREQUEST 0x80000000U /* a dead-name notification was asked for */
#define MACH_PORT_TYPE_MAREQUEST 0x40000000 /* a message-accepted notification was asked for */
#define MACH_PORT_TYPE_COMPAT 0x20000000

typedef natural_t mach_port_urefs_t; /* user references: how often a task was given the right */
typedef integer_t mach_port_delta_t; /* change of the user references */

typedef natural_t mach_port_seqno_t; /* counts the messages of a port */
typedef unsigned int mach_port_mscount_t; /* make-send count: send rights made from the receive right */
typedef unsigned int mach_port_msgcount_t; /* messages */
typedef unsigned int mach_port_rights_t; /* rights */

/* mach_port_get_receive_status() */
typedef struct mach_port_status {
    mach_port_name_t mps_pset; /* the port set that it is in */
    mach_port_seqno_t mps_seqno; /* of the next message */
    mach_port_mscount_t mps_mscount;
    mach_port_msgcount_t mps_qlimit;
    mach_port_msgcount_t mps_msgcount; /* messages queued */
    mach_port_rights_t mps_sorights; /* send-once rights in existence */
    boolean_t mps_srights; /* send rights exist */
    boolean_t mps_pdrequest; /* a port-destroyed notification is asked for */
    boolean_t mps_nsrequest; /* a no-senders notification is asked for */
} mach_port_status_t;

#define MACH_PORT_QLIMIT_DEFAULT ((mach_port_msgcount_t) 5)
#define MACH_PORT_QLIMIT_MAX ((mach_port_msgcount_t) 16)

/* mach_port_set_ktype(): what the kernel is to take the port for. */
#define MACH_PORT_KTYPE_NONE 0
#define MACH_PORT_KTYPE_USER_DEVICE 1

typedef int *rpc_signature_info_t;

#endif
