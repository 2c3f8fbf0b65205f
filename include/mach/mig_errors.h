/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What MIG's stubs answer when a message is not what they expect, and what they begin a reply with.
 */
#ifndef MACH_MIG_ERRORS_H
#define MACH_MIG_ERRORS_H

#include <mach/kern_return.h>
#include <mach/message.h>

#define MIG_TYPE_ERROR -300 /* to a client: the reply has another layout */
#define MIG_REPLY_MISMATCH -301 /* to a client: the reply has another id */
#define MIG_REMOTE_ERROR -302
#define MIG_BAD_ID -303 /* to a client: the server has no such routine */
#define MIG_BAD_ARGUMENTS -304 /* to a client: the request has another layout */
#define MIG_NO_REPLY -305 /* from a server routine: send no reply now */
#define MIG_EXCEPTION -306
#define MIG_ARRAY_TOO_LARGE -307 /* more elements than the client made room for */
#define MIG_SERVER_DIED -308 /* the request was destroyed, not answered */
#define MIG_DESTROY_REQUEST -309 /* from a server routine: no reply, and destroy what the request carried */

typedef struct {
    mach_msg_header_t Head;
    mach_msg_type_t RetCodeType;
    kern_return_t RetCode;
} mig_reply_header_t;

/* A row of the symbol table that MIG makes on request. */
typedef struct mig_symtab {
    char *ms_routine_name;
    int ms_routine_number;
    void (*ms_routine)(void);
} mig_symtab_t;

typedef void (*mig_routine_t)(mach_msg_header_t *request, mach_msg_header_t *reply);

#endif
