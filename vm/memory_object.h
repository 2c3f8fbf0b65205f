/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: the kernel's side of the conversation with a memory manager.
 *
 * A *memory object* is a port that a manager receives on. Mapping it makes one struct memory_object and one vm_object,
 * however many tasks map it, at whatever offsets. The kernel speaks to the manager on the object port
 * (memory_object_init, data_request, data_return ...), the manager answers on the *control* port (ready, data_supply,
 * lock_request ...); the *name* port is what vm_region shows.
 *
 * A conversation goes through: created (init is sent) -> ready -> ending (terminate follows the last return) -> over, or
 * dead when the manager's port died or it called memory_object_destroy: then resident pages stay usable, no other comes.
 *
 * Every message is queued with the object locked, so the manager sees for each page its return before the next request.
 */
#ifndef VM_MEMORY_OBJECT_H
#define VM_MEMORY_OBJECT_H

#include <mach/kern_return.h>
#include <mach/memory_object.h>
#include <mach/vm_prot.h>

#include "kernel/list.h"
#include "kernel/reaper.h"
#include "kernel/types.h"
#include "vm/vm_cluster.h"

struct ipc_port;
struct vm_account;
struct vm_object;
struct vm_page;

/*
 * Locking: O object->lock; R vm/memory_object.c's reference lock (below ports, so that a port's kobject can be
 * referenced); W the worker's queue lock; I immutable.
 */
struct memory_object {
    uint32_t refs;                  /* [R] the ports' (one), runs', calls' */
    struct vm_object *object;       /* [I] lives as long as this record */
    struct ipc_port *port;          /* [O] a send right to the manager; NULL once the conversation is over */
    struct ipc_port *control;       /* [O] receive rights that the kernel holds */
    struct ipc_port *name;          /* [O] */
    struct list runs;               /* [O] vm_run.node: charged or queued, not yet received */
    struct list unasked;            /* [O] vm_page.queue_node: place-holders whose request waits for ready or memory */
    struct list locks;              /* [O] memory_object_lock.node: lock requests under way, oldest first */
    struct list syncs;              /* [O] memory_object_sync_wait.node: who waits for synchronize_completed, oldest first */
    struct list_node cache_node;    /* [R] among those that are cached, oldest first */
    struct list_node work_node;     /* [W] in the worker's queue, or [A] on an account that is at its window */
    bool working;                   /* [W] it is in either, or the worker has it; then a reference is the worker's */
    bool work_again;                /* [W] more came while the worker had it */
    struct reaper_item reap;        /* for the record's end */
    struct reaper_item death;       /* for its port's */
    uint8_t ending_event;           /* what a vm_map sleeps on while the conversation ends */
    struct vm_cluster cluster;      /* [O] how much to ask for at a time */
    uint32_t end_cursor;            /* [O] termination has handled the pages below this index */
    bool ready : 1;                 /* [O] the manager said memory_object_ready */
    bool dead : 1;                  /* [O] nobody answers any more */
    bool ending : 1;                /* [O] the last mapping went; the port can be mapped again after the end */
    bool over : 1;                  /* [O] terminate has been sent, or the manager is gone */
    bool synchronizes : 1;          /* [O] wants memory_object_synchronize */
    bool may_cache : 1;             /* [O] */
    bool cached : 1;                /* [O] no mapping; kept; in the list of those, too */
};

/*
 * The object behind a memory object's port, for mapping nr_pages of it: *object gets a reference. Makes the object and
 * sends memory_object_init the first time. Waits while an earlier conversation on the port ends (KERN_ABORTED if that
 * wait is broken off). KERN_INVALID_ARGUMENT when port is no live port, KERN_RESOURCE_SHORTAGE without memory or when
 * what a run needs cannot be set aside. The port's right stays the caller's. No locks held; may sleep.
 */
kern_return_t memory_object_enter(struct ipc_port *port, struct vm_object **object);

/* A send right to the port that names object (for vm_region), or NULL. */
struct ipc_port *memory_object_name_of(struct vm_object *object);

void memory_object_ref(struct memory_object *pager);
/* The last reference frees the record and its vm_object. Any locks ranked below LOCK_RANK_MEMORY_OBJECT may be held. */
void memory_object_unref(struct memory_object *pager);

/*
 * Ends the cached objects that have been without a mapping longest, as far as they have no pages left: for the daemon when
 * memory is short. No locks held.
 */
void memory_object_trim_cached(void);

/* Called by IPC, with the dying object port locked; kobject is the struct memory_object. */
void memory_object_port_died(void *kobject);

/*
 * The account of the manager that receives on the object's port now, made if need be; a reference, or NULL (in transit,
 * dead, no memory).
 */
struct vm_account *memory_object_account(struct memory_object *pager);

/* For vm/memory_object_*.c. All want the object locked. */
/* Sends the requests that waited for ready or for memory; false when memory ran out. */
bool memory_object_ask_all(struct memory_object *pager);
/* The conversation ends: what must be returned is, as windows open, then terminate goes out. */
void memory_object_begin_end(struct memory_object *pager);
/* Sends terminate and lets go of the ports; false when there was no memory for the message. */
bool memory_object_finish(struct memory_object *pager);
/* Nobody answers any more. Resident pages stay usable, or are discarded (memory_object_destroy). */
void memory_object_die(struct memory_object *pager, bool discard);
/* The manager is dead: who waits for pages in the range that no queued run carries gets an error. */
void memory_object_fail_requests(struct memory_object *pager, uint32_t index, uint32_t nr_pages);

/*
 * Work that goes on as windows open: lock requests and terminations. memory_object_work does what it can for one object;
 * it locks the object itself. vm/memory_object_lock.c.
 */
enum memory_object_progress {
    MEMORY_OBJECT_IDLE,             /* nothing left */
    MEMORY_OBJECT_NEED_WINDOW,      /* the manager's window is full */
    MEMORY_OBJECT_RETRY,            /* a busy page or a shortage: try again soon */
};
enum memory_object_progress memory_object_work(struct memory_object *pager);
/* Puts pager in the worker's queue (with a reference), unless it is there. The object is locked. */
void memory_object_work_later(struct memory_object *pager);
/* All of list (memory_object.work_node, each with its reference), whose window has opened, goes back to the queue. */
void memory_object_work_resume(struct list *list);
/* The next object that has work, with its reference, or NULL; and the way back for one that could not go on now. */
struct memory_object *memory_object_work_next(void);
void memory_object_work_done(struct memory_object *pager);

/* Finds which object, if any, a control or name port stands for; a reference to the object, or NULL. */
struct vm_object *memory_object_of_control(struct ipc_port *port);
struct vm_object *memory_object_of_name(struct ipc_port *port);

/* Releases a reply right of the given disposition; NULL and dead ports are ignored. */
void memory_object_drop_reply(struct ipc_port *reply, unsigned int reply_type);

/* Counts for leak checks and statistics. */
extern unsigned int memory_object_count;

void memory_object_init_module(void);

#endif
