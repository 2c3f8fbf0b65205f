/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs: pages of one object, contiguous and of one class, on their way to the manager.
 *
 * A run's record is set aside before anything is charged: it holds the message and the copy that carries the memory. The
 * memory is an object of its own (vm_object_run_ops), so that whoever holds it can be found, and it can be paged out again.
 *
 * A run is CHARGED while it is gathered, QUEUED from the message's queueing to its receipt, RECEIVED when the memory is in
 * the manager's map. One that ends before that (port or task died, receive failed) comes home: vm_run_return gives every
 * page back to the object, but those for which a later run answers. The record is free when its message, its copy and its
 * memory are all gone.
 */
#ifndef VM_VM_RUN_H
#define VM_VM_RUN_H

#include "ipc/ipc_kmsg.h"
#include "kernel/list.h"
#include "kernel/reaper.h"
#include "kernel/types.h"
#include "vm/memory_object_message.h"
#include "vm/vm_map.h"

struct memory_object;
struct vm_account;
struct vm_object;
struct vm_page;

enum vm_run_state {
    VM_RUN_FREE,
    VM_RUN_CHARGED,
    VM_RUN_QUEUED,
    VM_RUN_RECEIVED,
    VM_RUN_RETURNING,           /* lost on its way; the reaper gives its pages back */
};

enum vm_run_cause {
    VM_RUN_EVICTION,
    VM_RUN_CLEANING,            /* lock_request */
    VM_RUN_TERMINATION,
    VM_RUN_NR_CAUSES,
};

/* What still uses the record. */
enum vm_run_part {
    VM_RUN_PART_MESSAGE = 1,
    VM_RUN_PART_COPY = 2,
    VM_RUN_PART_MEMORY = 4,
};

/* Locking: O the lock of the object that the pages come from; A the accounts' lock. */
struct vm_run {
    struct list_node node;          /* [O] in pager->runs while charged or queued */
    struct list_node account_node;  /* [A] in account->runs while anything is out, or in a list of free records */
    struct memory_object *pager;    /* [O] a reference */
    struct vm_account *account;     /* [A] a reference */
    struct vm_object *object;       /* [O] the memory; its reference is the copy's or the receiver's */
    struct vm_object *spare_object; /* [A] kept with a free record, so that charging allocates nothing */
    struct vm_map_entry *spare_entry; /* [A] what the receiver's map will use */
    uint32_t index, nr_pages;       /* [O] */
    uint64_t superseded;            /* [O] bit i: page i was sent again since, and is not to come home */
    uint32_t nr_out;                /* [A] pages still out */
    uint64_t charged_at;            /* [A] ticks */
    uint8_t state;                  /* [O] enum vm_run_state */
    uint8_t cause;                  /* [O] enum vm_run_cause */
    uint8_t parts;                  /* [A] enum vm_run_part */
    bool dirty;                     /* [O] the class */
    bool kernel_copy;               /* [O] */
    bool from_account;              /* [I] the record is a manager's own, not the pool's */
    struct vm_map_copy copy;
    struct reaper_item reap;
    union {                         /* last: the message's body follows its head */
        struct ipc_kmsg kmsg;
        uint8_t room[sizeof(struct ipc_kmsg) + MEMORY_OBJECT_DATA_RETURN_SIZE];
    };
};

/* What free records keep for their next runs; atomic. It comes and goes with the records used, so it is no leak. */
struct vm_run_spares {
    unsigned int objects, entries;
};
extern struct vm_run_spares vm_run_spares;

/* Fills in what a free record needs before it may be charged; false when memory is short. Level DAEMON, no locks held. */
bool vm_run_prepare(struct vm_run *run);
/* A new record for the pool or an account; NULL when out of memory. */
struct vm_run *vm_run_create(enum alloc how);
void vm_run_destroy(struct vm_run *run);

/*
 * Begins a run of pager's object at index; the record is charged, the object locked. Pages are then added in order with
 * vm_run_move (the page leaves the object: not mapped, not busy) or vm_run_share (it stays, write-protected and clean;
 * link is a page without frame that vm_page_create_placeholder made), and vm_run_send queues the message. A charged
 * record of which no run was begun is given back by vm_run_cancel.
 */
void vm_run_begin(struct vm_run *run, struct memory_object *pager, uint32_t index, enum vm_run_cause cause, bool dirty,
                  bool kernel_copy);
void vm_run_move(struct vm_run *run, struct vm_page *page);
void vm_run_share(struct vm_run *run, struct vm_page *page, struct vm_page *link);
void vm_run_send(struct vm_run *run);
void vm_run_cancel(struct vm_run *run);

/*
 * Whether a queued, not yet received run of pager carries the page at index, one that would come home: then a supply for it
 * is stale. What was sent again since answers for itself, and may have been received. Object locked.
 */
bool vm_run_covers(const struct memory_object *pager, uint32_t index);

#endif
