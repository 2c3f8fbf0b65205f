/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page: what one object holds at one offset. Its data is in a frame; what is true of the data (modified since the
 * manager had it, precious, locked) is here, because a frame can be held by two pages at once: by an object that keeps
 * a clean copy and by the run that carries the same bytes to the manager.
 *
 * A page without a frame is a place-holder: *absent* (its data has been asked for) or *error* (the manager said that
 * it has none). *busy* means that somebody works on it without the object's lock; others sleep on it
 * (vm_page_sleep) and look again.
 */
#ifndef VM_VM_PAGE_H
#define VM_VM_PAGE_H

#include <mach/vm_prot.h>

#include "kernel/kmem.h"
#include "kernel/list.h"
#include "kernel/machine.h"
#include "kernel/rbtree.h"
#include "kernel/types.h"
#include "vm/vm_frame.h"

struct vm_object;

enum vm_page_queue {
    VM_PAGE_NOT_QUEUED,
    VM_PAGE_ACTIVE,
    VM_PAGE_INACTIVE,           /* the scan's list, or parked on the account of a manager at its window */
    VM_PAGE_UNEVICTABLE,        /* counted only: nobody could take it */
};

/* Locking: O object->lock; Q the page queues' lock; both to change `wire_count` from or to 0. */
struct vm_page {
    struct rbtree_node node;    /* [O] in object->pages, by index */
    struct list_node queue_node; /* [Q] */
    struct vm_object *object;   /* [O] */
    struct vm_frame *frame;     /* [O] NULL for a place-holder */
    uint32_t index;             /* [O] offset in the object, in pages */
    uint16_t wire_count;        /* [O] */
    uint8_t queue;              /* [Q] enum vm_page_queue */
    uint8_t history;            /* [Q] the policy's: recent reference bits */
    /* Under O, apart from Q's bytes: */
    uint8_t lock_prot;          /* [O] accesses that the manager forbids */
    uint8_t unlock_asked;       /* [O] accesses asked for by data_unlock */
    bool busy : 1;              /* [O] */
    bool wanted : 1;            /* [O] somebody sleeps for it */
    bool absent : 1;            /* [O] data requested, not here yet */
    bool error : 1;             /* [O] the manager gave an error */
    bool dirty : 1;             /* [O] modified; ask vm_page_modified() for the hardware's word too */
    bool precious : 1;          /* [O] */
    bool restart : 1;           /* [O] waiters start over from the top */
    bool overwriting : 1;       /* [O] */
};

extern struct kmem_cache vm_page_cache;

/*
 * A page that is in no object yet, with a frame (zone HIGH, not cleared) or without; NULL when memory is short and how
 * says NOSLEEP. With NOSLEEP objects may be locked.
 */
struct vm_page *vm_page_create(enum alloc how);
struct vm_page *vm_page_create_placeholder(enum alloc how);
/* Ends a page that is in no object: gives up its frame (freed when no page holds it any more). Mappings are gone. */
void vm_page_destroy(struct vm_page *page);

/* The page at index, or NULL. Object locked. */
struct vm_page *vm_page_lookup(struct vm_object *object, uint32_t index);
/* The first page at or after index, or NULL; for walks over ranges. Object locked. */
struct vm_page *vm_page_lookup_from(struct vm_object *object, uint32_t index);
/* Neighbours in the object's order, or NULL. */
struct vm_page *vm_page_next(struct vm_page *page);
struct vm_page *vm_page_prev(struct vm_page *page);

/* Puts page, which is in no object, in object at index, where there is none. Object locked. Allocates nothing. */
void vm_page_insert(struct vm_page *page, struct vm_object *object, uint32_t index);
/* Takes it out of its object, off the queues, waking who waits for it. Object locked. The caller owns page. */
void vm_page_remove(struct vm_page *page);
/*
 * vm_page_remove of a page whose mappings may still be there: unmaps, then destroys. Object locked. The object's kind is
 * told (pages_gone).
 */
void vm_page_free(struct vm_page *page);
/* Moves page to another object, at an index where there is none; both locked. The old object's kind is told. */
void vm_page_rename(struct vm_page *page, struct vm_object *object, uint32_t index);

/* Whether another page holds this page's frame too: then nobody may write it. Object locked. */
bool vm_page_frame_shared(const struct vm_page *page);
/*
 * Gives page a frame of its own with the same bytes, when another page holds its frame. False: out of memory, nothing
 * has changed. Never sleeps. Object locked.
 */
bool vm_page_frame_unshare(struct vm_page *page, enum alloc level);

/*
 * Freeing many pages with one flush of the TLB and one visit to the allocator. Frames are not free before
 * vm_page_batch_finish. Pages put in are in no object; nothing sleeps inside a batch.
 */
struct vm_page_batch {
    struct pmap_batch pmap;
    struct list frames;
    unsigned int nr_frames;
};
void vm_page_batch_init(struct vm_page_batch *batch);
/* As vm_page_destroy; what still maps the frame is unmapped, unless another page holds it. */
void vm_page_batch_destroy(struct vm_page_batch *batch, struct vm_page *page);
void vm_page_batch_finish(struct vm_page_batch *batch);

/* Sleeping for a busy or absent page: unlocks the object, sleeps, returns the wait's result; the object stays unlocked. */
int vm_page_sleep(struct vm_page *page, bool interruptible); /* enum wait_result */
/* busy goes; who waits is woken. Object locked. */
void vm_page_done(struct vm_page *page);

/* Whether the page was modified, software's and hardware's word together. Object locked. */
bool vm_page_modified(struct vm_page *page);

/* ---- queues (vm/vm_policy.c). The object is locked. ---- */
void vm_page_activate(struct vm_page *page);
void vm_page_deactivate(struct vm_page *page);
void vm_page_unqueue(struct vm_page *page);
/* Wired pages are on no queue. */
void vm_page_wire(struct vm_page *page);
void vm_page_unwire(struct vm_page *page);

void vm_page_init(void);

#endif
