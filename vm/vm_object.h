/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects: what can be mapped. An object is an ordered set of resident pages, and a way to find the data of the others:
 * by its kind's table of operations (anonymous memory: zeroes, or the shadow behind it; pager-backed: its manager).
 *
 * A *shadow* is the object that holds what this one does not (an anonymous copy made by writing). A *copy object* is
 * the newest delayed copy of a pager-backed object: before a page of the original changes, its old data is pushed there.
 * A *run* is an anonymous object too: pages on their way to a manager, charged to an account until they are freed.
 */
#ifndef VM_VM_OBJECT_H
#define VM_VM_OBJECT_H

#include <mach/kern_return.h>
#include <mach/memory_object.h>
#include <mach/vm_prot.h>

#include "kernel/kmem.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/rbtree.h"
#include "kernel/types.h"
#include "vm/vm_cluster.h"
#include "vm/vm_page.h"

struct memory_object;
struct vm_object;
struct vm_run;

/* What a kind of object answers. All are called with the object locked. */
struct vm_object_ops {
    const char *name;
    /*
     * Only of objects with a pager, as the next. The fault needs the page at index, which is not resident, for access
     * prot. ABSENT: there is no data here, look in the shadow or fill with zeroes. ASKED: the manager has been asked, the
     * place-holder given (in the object at index, busy and absent) is to be waited for. SHORTAGE: no memory to ask, wait
     * and retry. ERROR: no data will come. placeholder is consumed (inserted) only with ASKED. Others of the pages within,
     * which contain index, may be asked for as well: place-holders of the kind's own are there then.
     */
    enum vm_object_answer (*request)(struct vm_object *object, uint32_t index, struct vm_cluster_range within,
                                     vm_prot_t prot, struct vm_page *placeholder);
    /* The manager forbids this access to a resident page: ask it to unlock. */
    enum vm_object_answer (*unlock)(struct vm_object *object, struct vm_page *page, vm_prot_t prot);
    /* The last reference went: the object is ended by the kind (may go on later; the object is unlocked inside). */
    void (*end)(struct vm_object *object);
    /* Some pages left the object for good (destroyed or stolen), outside of pageout: accounts are credited. */
    void (*pages_gone)(struct vm_object *object, unsigned int count);
};

enum vm_object_answer {
    VM_OBJECT_ABSENT,
    VM_OBJECT_ASKED,
    VM_OBJECT_SHORTAGE,
    VM_OBJECT_ERROR,
};

extern const struct vm_object_ops vm_object_anonymous_ops;  /* vm_object.c */
extern const struct vm_object_ops vm_object_pager_ops;      /* memory_object.c */
extern const struct vm_object_ops vm_object_run_ops;        /* vm_run.c */

/* Locking: O lock; I immutable after creation. */
struct vm_object {
    struct spinlock lock;
    const struct vm_object_ops *ops;    /* [I] but anonymous -> pager-backed when paged out first */
    uint32_t refs;                      /* [O] map entries, copies, shadows, the pager layer */
    uint32_t splits;                    /* [O] references made by splitting a map entry in two, beyond the first */
    uint32_t nr_pages;                  /* [O] size, pages; grows with the one entry that maps it; 0x100000 at most */
    struct rbtree pages;                /* [O] */
    struct vm_page *last_found;         /* [O] hint, NULL or in pages */
    uint32_t nr_resident;               /* [O] entries of pages, place-holders too */
    uint32_t nr_wired;                  /* [O] pages with a wire count */
    struct vm_object *shadow;           /* [O] a reference */
    uint32_t shadow_index;              /* [O] page 0 here is page shadow_index there */
    uint32_t copy_first;                /* [O] of a delayed copy: nobody has copied a page before this one */
    struct vm_object *copy;             /* [O] newest delayed copy, which shadows this; no reference */
    struct list shadowers;              /* [O] the objects whose shadow this is */
    struct list_node shadow_node;       /* [shadow's O] */
    struct memory_object *pager;        /* [O] the conversation with the manager; NULL: anonymous, never paged out */
    struct vm_run *run;                 /* [O] when this is a run's memory */
    memory_object_copy_strategy_t copy_strategy; /* [O] */
    bool alive : 1;                     /* [O] false once it ends */
    bool internal : 1;                  /* [I] the kernel made it: anonymous */
    bool temporary : 1;                 /* [O] contents are of no use after the last mapping */
    bool can_persist : 1;               /* [O] may_cache */
    bool true_share : 1;                /* [O] more than one map entry may write it in place: no symmetric copy */
};

extern struct kmem_cache vm_object_cache;
extern unsigned int vm_object_count;    /* objects that exist */

/* An anonymous object, one reference; NULL when out of memory. */
struct vm_object *vm_object_create(uint32_t nr_pages, enum alloc how);
void vm_object_ref(struct vm_object *object);
/* Gives a reference up; the last one ends the object (or caches it). Object not locked; never sleeps, never fails. */
void vm_object_unref(struct vm_object *object);
/* Frees the record of an object that has ended: no references, no pages, no shadow. For the kinds' end(). */
void vm_object_free(struct vm_object *object);

/*
 * References of map entries. Splitting an entry makes a second reference that looks at other pages than the first, so
 * that an object of whose references all but one are splits has one user, who may free what he unmaps.
 */
void vm_object_ref_split(struct vm_object *object);
void vm_object_unref_split(struct vm_object *object);
/* Object locked: whether one user alone, his splits apart, refers to it. */
static inline bool vm_object_sole_user(const struct vm_object *object)
{
    return object->refs <= object->splits + 1;
}

static inline void vm_object_lock(struct vm_object *object)
{
    spinlock_lock(&object->lock);
}
static inline void vm_object_unlock(struct vm_object *object)
{
    spinlock_unlock(&object->lock);
}

/*
 * *object (a reference is handed over) is replaced by a new anonymous object that shadows it from *index for nr_pages;
 * *index becomes 0. KERN_RESOURCE_SHORTAGE leaves both as they were.
 */
kern_return_t vm_object_shadow(struct vm_object **object, uint32_t *index, uint32_t nr_pages, enum alloc how);

/*
 * Copies [index, index + nr_pages) of source for a copy-on-write user, without waiting for anything.
 * On success *copy holds a reference at *copy_index, and the copy is to be mapped with needs_copy. *source_needs_copy
 * says that the source's own mapping must be write-protected and shadowed before its next write (symmetric copy);
 * otherwise the original was write-protected, and keeps the copy up to date (delayed copy).
 * KERN_RESOURCE_SHORTAGE; KERN_FAILURE when only vm_object_copy_slowly can copy it (strategy none, wired pages).
 * Object not locked; a map may be.
 */
kern_return_t vm_object_copy_quickly(struct vm_object *source, uint32_t index, uint32_t nr_pages, enum alloc how,
                                     struct vm_object **copy, uint32_t *copy_index, bool *source_needs_copy);
/* Copies page by page into a new anonymous object, waiting for managers and memory. No locks held. Errors of faults. */
kern_return_t vm_object_copy_slowly(struct vm_object *source, uint32_t index, uint32_t nr_pages,
                                    struct vm_object **copy);
/*
 * One or the other; no locks held, the source is nobody's needs_copy mapping (vm_map of a memory object with copy TRUE).
 */
kern_return_t vm_object_copy(struct vm_object *source, uint32_t index, uint32_t nr_pages, struct vm_object **copy,
                             uint32_t *copy_index);

/*
 * page's bytes go to the delayed copy of its object, if that still needs them: before the page changes, or before its
 * data is lost to the manager. Object locked. KERN_SUCCESS; KERN_RESOURCE_SHORTAGE; KERN_ABORTED: the copy is locked
 * elsewhere, unlock and try again. Nothing has changed then.
 */
kern_return_t vm_object_push_page(struct vm_object *object, struct vm_page *page, enum alloc level);
/* Whether the delayed copy, if there is one, needs nothing of the page at index any more. Object locked. */
bool vm_object_copy_pushed(struct vm_object *object, uint32_t index);

/*
 * Shortens the chain behind object: takes over the pages of a shadow that has no other user, or leaves one of which
 * nothing can be seen. Lets others run between pieces. Object not locked, kept by the caller; never sleeps or fails.
 */
void vm_object_collapse(struct vm_object *object);

/* object's shadow becomes shadow (a reference handed over; NULL: none) at index. Object locked, or new. */
void vm_object_set_shadow(struct vm_object *object, struct vm_object *shadow, uint32_t index);
/* Leaves the shadow, returning the reference, or NULL. Object locked, or without users. */
struct vm_object *vm_object_leave_shadow(struct vm_object *object);

/*
 * Pages [index, index + nr_pages) are no longer mapped by the caller: frees them if he was the sole user, in the shadows
 * that only this object sees too. Object not locked.
 */
void vm_object_forget_range(struct vm_object *object, uint32_t index, uint32_t nr_pages);

/* Frees every page; used by the kinds' end(). Object locked, not alive. One TLB flush. The kind is told (pages_gone). */
void vm_object_free_pages(struct vm_object *object);
/* Frees at most that many; false when none are left. */
bool vm_object_free_some_pages(struct vm_object *object, unsigned int most);

/* Removes mappings (prot NONE) or write rights of resident pages in the range, in one batch. Object locked. */
void vm_object_pmap_protect(struct vm_object *object, uint32_t index, uint32_t nr_pages, vm_prot_t prot);

/* Debug builds: tree, counts and queue states agree; panics otherwise. Object locked. */
void vm_object_check(struct vm_object *object);

void vm_object_init(void);

#endif
