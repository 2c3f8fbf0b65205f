/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to the rights that a name denotes.
 *
 * Functions on an entry want the space locked and active. A right whose port has died is a dead name: it becomes one when
 * somebody looks (ipc_right_lookup), with one more reference if a dead-name notification was sent for it.
 * Notifications that an operation causes are sent when the space is unlocked: such functions unlock it, and say so.
 */
#ifndef IPC_IPC_RIGHT_H
#define IPC_IPC_RIGHT_H

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>

#include "ipc/ipc_space.h"
#include "ipc/ipc_types.h"
#include "kernel/panic.h"
#include "kernel/types.h"

/* The entry of name, rights of dead ports converted, or NULL. */
struct ipc_entry *ipc_right_lookup(struct ipc_space *space, mach_port_name_t name);

/* Ends the name with all its rights. Unlocks the space. */
void ipc_right_destroy(struct ipc_space *space, struct ipc_entry *entry);
/* Gives up one reference of a send, send-once or dead name. KERN_INVALID_RIGHT. Unlocks the space. */
kern_return_t ipc_right_dealloc(struct ipc_space *space, struct ipc_entry *entry);
/* mach_port_mod_refs. Unlocks the space. */
kern_return_t ipc_right_delta(struct ipc_space *space, struct ipc_entry *entry, mach_port_right_t right,
                              mach_port_delta_t delta);

/* What a copy-in has left to do once the space is unlocked. */
struct ipc_right_after {
    struct ipc_request *deleted;    /* a dead-name request of a name that is gone */
    mach_port_name_t name;
};
/* The kinds of name out of which a right can be taken so; none for what is no disposition. Indexed by it. */
extern const mach_port_type_t ipc_right_copyin_types[MACH_MSG_TYPE_LAST + 1];
/* Whether copyin with this disposition would succeed now. */
static inline bool ipc_right_copyin_check(struct ipc_space *space, struct ipc_entry *entry, unsigned int disposition)
{
    assert(spinlock_held(&space->lock));
    (void)space;
    return disposition <= MACH_MSG_TYPE_LAST && (entry->type & ipc_right_copyin_types[disposition]) != 0;
}
/* As copyin, which the caller has checked. */
void ipc_right_take(struct ipc_space *space, struct ipc_entry *entry, unsigned int disposition, struct ipc_port **port,
                    struct ipc_right_after *after);
/*
 * Takes the right that disposition (MACH_MSG_TYPE_MOVE_..., COPY_..., MAKE_...) asks for out of the entry: *port, with
 * its reference, or IP_DEAD for a dead name. KERN_INVALID_RIGHT changes nothing. The entry may be gone afterwards.
 */
kern_return_t ipc_right_copyin(struct ipc_space *space, struct ipc_entry *entry, unsigned int disposition,
                               struct ipc_port **port, struct ipc_right_after *after);
/* Does what is left; space not locked. */
void ipc_right_after(struct ipc_right_after *after);
/* Look-up, copyin and after, by name; KERN_INVALID_NAME, KERN_INVALID_TASK. MACH_PORT_NULL and _DEAD give theirs. */
kern_return_t ipc_right_copyin_any(struct ipc_space *space, mach_port_name_t name, unsigned int disposition,
                                   struct ipc_port **port);
/* What disposition, one of MACH_MSG_TYPE_PORT_ANY or 0, is once the kernel has it: PORT_RECEIVE, _SEND, _SEND_ONCE or 0. */
extern const uint8_t ipc_right_dispositions[MACH_MSG_TYPE_LAST + 1];
static inline unsigned int ipc_right_disposition(unsigned int disposition)
{
    return ipc_right_dispositions[disposition];
}

/*
 * Gives a right (disposition as in the kernel's hands) a name: consumed on success. A port that is dead by now gives
 * MACH_PORT_DEAD. References stop at IPC_UREFS_SEND_MAX. KERN_NO_SPACE and KERN_RESOURCE_SHORTAGE leave the right with the
 * caller. The space is locked; nothing sleeps.
 */
kern_return_t ipc_right_copyout(struct ipc_space *space, struct ipc_port *port, unsigned int disposition,
                                mach_port_name_t *name);
/* The same, waiting for memory; space not locked. KERN_INVALID_TASK. */
kern_return_t ipc_right_copyout_any(struct ipc_space *space, struct ipc_port *port, unsigned int disposition,
                                    mach_port_name_t *name);
/*
 * Gives a right the name `name`, which must be free, or denote the same port (KERN_UREFS_OVERFLOW when it has as many
 * references as can be counted). The right is the caller's on failure.
 */
kern_return_t ipc_right_copyout_at(struct ipc_space *space, struct ipc_port *port, unsigned int disposition,
                                   mach_port_name_t name);

/* The name of entry becomes name, which is free. Space locked; KERN_RESOURCE_SHORTAGE changes nothing. */
kern_return_t ipc_right_rename(struct ipc_space *space, struct ipc_entry *entry, mach_port_name_t name);

/*
 * Asks for a dead-name notification of name (request made with its port; consumed on success), or cancels (NULL).
 * immediate: a name that is dead already is told at once, otherwise KERN_INVALID_ARGUMENT. *previous: the send-once right
 * of the request before, or IP_NULL. Space not locked.
 */
kern_return_t ipc_right_dnrequest(struct ipc_space *space, mach_port_name_t name, bool immediate,
                                  struct ipc_request *request, struct ipc_port **previous);

#endif
