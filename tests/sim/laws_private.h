/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the laws share: the census, that is, a cell for each object of the caches that the laws know, and the
 * walk over trees.
 *
 * The order of a check is that of sim_laws_check(): the census first; then each family of laws adds what it finds to the
 * cells and compares.
 */
#ifndef SIM_LAWS_PRIVATE_H
#define SIM_LAWS_PRIVATE_H

#include "kernel/list.h"
#include "kernel/rbtree.h"
#include "kernel/types.h"
#include "laws.h"
#include "sim.h"

struct thread;
struct vm_map;
struct vm_object;
struct vm_page;
struct vm_run;

/* Kinds of objects, by the caches that they come from. */
enum laws_kind {
    LAWS_PAGE,
    LAWS_OBJECT,
    LAWS_ENTRY,
    LAWS_MAP,
    LAWS_COPY,
    LAWS_PAGER,
    LAWS_RUN,
    LAWS_ACCOUNT,
    LAWS_PORT,
    LAWS_PSET,
    LAWS_SPACE,
    LAWS_NAME,
    LAWS_TASK,
    LAWS_THREAD,
    LAWS_NR_KINDS,
};

/* One object, or a place where there is none: at is NULL then. */
struct laws_cell {
    void *at;
    uint32_t refs;              /* references that were found */
    uint32_t places;            /* where it was met: for what can be in one place only */
    uint32_t sends, sonces;     /* of a port: rights that were found */
};

void laws_fail(const char *law, const char *format, ...) __printf_like(2, 3) __attribute__((noreturn));
/* law is what is broken when e is false; the rest are words and numbers for printf. */
#define laws_check(e, law, ...) \
    do { \
        if (__builtin_expect(!(e), 0)) \
            laws_fail(law, __VA_ARGS__); \
    } while (0)

/* ---- the census: laws_census.c ---- */

/* Finds everything. Each cache has handed out as many objects as it counts. */
void laws_census(void);
/* The cells of a kind are [laws_first(kind), laws_end(kind)). */
struct laws_cell *laws_first(enum laws_kind kind);
struct laws_cell *laws_end(enum laws_kind kind);
#define laws_for_each(kind, cell) \
    for (struct laws_cell *cell = laws_first(kind), *laws_stop = laws_end(kind); cell < laws_stop; cell++) \
        if (cell->at != NULL)
/* The cell of an object of this kind, or NULL. */
struct laws_cell *laws_find(enum laws_kind kind, const void *at);
/* The same for what must be one: whose names the structure that leads there. */
struct laws_cell *laws_cell(enum laws_kind kind, const void *at, const char *whose);
/* Whether an address is in a slab of this kind. */
bool laws_is_of(enum laws_kind kind, const void *at);
unsigned int laws_count(enum laws_kind kind);

/*
 * Visits the nodes of a tree in order, and checks its links, and, if balanced, its colours and heights.
 */
typedef void laws_visit(struct rbtree_node *node, void *context);
void laws_tree(const struct rbtree *tree, bool balanced, laws_visit *visit, void *context, const char *whose);

/* ---- families ---- */

void laws_frames(void);         /* laws_frames.c */
void laws_pages(void);          /* laws_pages.c */
void laws_mmu(void);            /* laws_mmu.c */
void laws_maps(enum sim_laws_at at);           /* laws_maps.c */
void laws_accounts(void);       /* laws_accounts.c */
void laws_ipc(void);            /* laws_ipc.c */
void laws_refs(bool quiet);     /* laws_refs.c */
void laws_progress(void);       /* laws_progress.c */

/* Whether thread has no reference, page or lock but those that structures show. */
bool laws_hands_empty(const struct thread *thread, enum sim_laws_at at);
/* No thread has anything in its hands: counts of references are exact. */
bool laws_quiet(enum sim_laws_at at);
/* Whether a queued run's memory is in the receiver's map already; after laws_maps(). */
bool laws_run_in_map(const struct vm_run *run);

/* The page of object at index, or NULL; found by the links of the tree alone. */
struct vm_page *laws_page_at(const struct vm_object *object, uint32_t index);

/* A frame of kernel memory is used for one thing: called once for each, between laws_census() and laws_frames(). */
void laws_claim(uint32_t frame, const char *what);
void laws_claim_none(void);
/* Frames that belong to a call that is under way: vm_allocate_contiguous(). */
extern unsigned int laws_nr_contiguous;
/* Whether something came into the memory of a received run since it was begun. hooks_laws.c. */
bool laws_run_refilled(const struct vm_run *run);

#endif
