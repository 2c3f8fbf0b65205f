/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lock requests: a manager asks for pages back, cleaned, flushed, or with other access rights.
 *
 * A request is a cursor over a range. It goes as far as the manager's window allows at once and on in the worker later;
 * memory_object_lock_completed follows the last return.
 */
#ifndef VM_MEMORY_OBJECT_LOCK_H
#define VM_MEMORY_OBJECT_LOCK_H

#include <mach/machine/vm_types.h>
#include <mach/vm_sync.h>

#include "kernel/list.h"
#include "kernel/types.h"

struct ipc_port;
struct memory_object;
struct vm_object;

/* Locking: the object's. */
struct memory_object_lock {
    struct list_node node;          /* in pager->locks */
    uint32_t index, end;            /* pages still to do: [index, end) */
    uint32_t first;                 /* where it began, for the reply */
    uint8_t should_return;          /* MEMORY_OBJECT_RETURN_NONE, _DIRTY, _ALL */
    bool should_flush;
    struct ipc_port *reply;         /* a right, or NULL */
    uint8_t reply_type;             /* its disposition */
    vm_sync_t sync_flags;           /* not 0: ends with memory_object_synchronize instead of an answer */
};

/*
 * A request over [offset, offset + size) of object that returns nothing and flushes nothing, until the caller says
 * otherwise. Waits for memory; NULL: the thread is being ended.
 */
struct memory_object_lock *memory_object_lock_create(const struct vm_object *object, vm_offset_t offset, vm_size_t size);
/* Begins it; it is pager's from here on. The object is locked, and its conversation goes on. */
void memory_object_lock_begin(struct memory_object *pager, struct memory_object_lock *lock);
/* Ends a request that will not be answered: its reply right is released. */
void memory_object_lock_free(struct memory_object_lock *lock);

void memory_object_lock_init(void);

#endif
