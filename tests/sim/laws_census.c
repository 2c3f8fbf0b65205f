/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The census: everything that the caches have handed out, found in their slabs.
 *
 * What is handed out is known from the address sanitizer's marks, which hooks_memory.c keeps; the slabs' own lists of free
 * objects are not looked at. Cells lie in the order of slabs and of objects in them, so that an object's cell is found
 * from its address: the frame gives the slab, the offset the object. Slabs' heads are poisoned; the laws are compiled
 * without the sanitizers (tests/sim/Makefrag.am), for their speed, and follow no pointer that is not a cell's.
 */
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "laws_private.h"
#include "vm/vm_frame.h"

#define LAWS_CELLS_MAX 65536u
#define LAWS_CACHES_MAX 64u

/* What is known of a frame that is a slab's. */
struct laws_slab {
    const struct kmem_cache *cache; /* NULL: no slab of a kind that is known */
    uint32_t cells;             /* the index of its first cell */
    uint8_t kind;
};

static const char *const laws_cache_names[LAWS_NR_KINDS] = {
    [LAWS_PAGE] = "vm_page", [LAWS_OBJECT] = "vm_object", [LAWS_ENTRY] = "vm_map_entry", [LAWS_MAP] = "vm_map",
    [LAWS_COPY] = "vm_map_copy", [LAWS_PAGER] = "memory_object", [LAWS_RUN] = "vm_run", [LAWS_ACCOUNT] = "vm_account",
    [LAWS_PORT] = "ipc_port", [LAWS_PSET] = "ipc_pset", [LAWS_SPACE] = "ipc_space", [LAWS_NAME] = "ipc_entry",
    [LAWS_TASK] = "task", [LAWS_THREAD] = "thread",
};

static struct laws_cell laws_cells[LAWS_CELLS_MAX];
static uint32_t laws_nr_cells;
static struct laws_slab *laws_slabs;                        /* by frame number */
static const struct kmem_cache *laws_caches[LAWS_NR_KINDS]; /* NULL: not made yet */
static uint32_t laws_begin[LAWS_NR_KINDS], laws_behind[LAWS_NR_KINDS];

/* ---- finding cells ---- */

struct laws_cell *laws_first(enum laws_kind kind)
{
    return &laws_cells[laws_begin[kind]];
}

struct laws_cell *laws_end(enum laws_kind kind)
{
    return &laws_cells[laws_behind[kind]];
}

struct laws_cell *laws_find(enum laws_kind kind, const void *at)
{
    const struct kmem_cache *cache = laws_caches[kind];
    uint32_t frame = sim_frame_of(at);
    const struct laws_slab *slab;
    uint32_t offset;

    if (cache == NULL || frame >= vm_nr_frames)
        return NULL;
    slab = &laws_slabs[frame];
    offset = ((uintptr_t)at & (cache->slab_frames * PAGE_SIZE - 1)) - cache->head;
    if (slab->cache != cache || offset % cache->size != 0 || offset / cache->size >= cache->nr_per_slab)
        return NULL;
    struct laws_cell *cell = &laws_cells[slab->cells + offset / cache->size];
    return cell->at == at ? cell : NULL;
}

struct laws_cell *laws_cell(enum laws_kind kind, const void *at, const char *whose)
{
    struct laws_cell *cell = laws_find(kind, at);

    laws_check(cell != NULL, "references", "%s leads to %p, which is no %s that is in use", whose, at,
               laws_cache_names[kind]);
    return cell;
}

bool laws_is_of(enum laws_kind kind, const void *at)
{
    uint32_t frame = sim_frame_of(at);

    return laws_caches[kind] != NULL && frame < vm_nr_frames && laws_slabs[frame].cache == laws_caches[kind];
}

unsigned int laws_count(enum laws_kind kind)
{
    return laws_caches[kind] != NULL ? laws_caches[kind]->nr_objects : 0;
}

/* ---- taking it ---- */

/* Whether the object at is handed out: the first whole granule of the marks in it tells. */
static bool laws_in_use(const char *at)
{
    return !__asan_address_is_poisoned((const void *)(((uintptr_t)at + 7) & ~(uintptr_t)7));
}

/* One slab's objects; how many are in use. Slabs' heads are poisoned. */
static uint32_t laws_census_slab(const struct kmem_cache *cache, const char *slab, unsigned int kind)
{
    uint32_t frame = sim_frame_of(slab), nr_used = 0;

    for (uint32_t i = 0; i < cache->slab_frames; i++) {
        laws_claim(frame + i, cache->name);
        laws_slabs[frame + i] = (struct laws_slab){.cache = kind < LAWS_NR_KINDS ? cache : NULL, .cells = laws_nr_cells,
                                                   .kind = (uint8_t)kind};
    }
    if (kind == LAWS_NR_KINDS)
        return 0;
    sim_check(laws_nr_cells + cache->nr_per_slab <= LAWS_CELLS_MAX);
    for (uint32_t i = 0; i < cache->nr_per_slab; i++) {
        const char *at = slab + cache->head + i * cache->size;
        bool used = laws_in_use(at);

        laws_cells[laws_nr_cells++] = (struct laws_cell){.at = used ? (void *)(uintptr_t)at : NULL};
        nr_used += used;
    }
    return nr_used;
}

/* A slab begins with its node. */
static uint32_t laws_census_list(const struct kmem_cache *cache, const struct list *slabs, unsigned int kind,
                                 uint32_t *nr_slabs)
{
    uint32_t nr_used = 0;

    for (const struct list_node *node = slabs->head.next; node != &slabs->head; node = node->next) {
        nr_used += laws_census_slab(cache, (const char *)node, kind);
        ++*nr_slabs;
    }
    return nr_used;
}

static void laws_census_cache(const struct kmem_cache *cache, void *context)
{
    unsigned int kind = 0;
    uint32_t nr_used, nr_slabs = 0;

    (void)context;
    while (kind < LAWS_NR_KINDS && laws_caches[kind] != cache &&
           (laws_caches[kind] != NULL || strcmp(laws_cache_names[kind], cache->name) != 0))
        kind++;
    if (kind < LAWS_NR_KINDS) {
        laws_caches[kind] = cache;
        laws_begin[kind] = laws_nr_cells;
    }
    nr_used = laws_census_list(cache, &cache->partial, kind, &nr_slabs);
    nr_used += laws_census_list(cache, &cache->full, kind, &nr_slabs);
    laws_check(nr_slabs == cache->nr_slabs, "memory", "cache %s has %u slabs and counts %u", cache->name, nr_slabs,
               cache->nr_slabs);
    if (kind == LAWS_NR_KINDS)
        return;
    laws_behind[kind] = laws_nr_cells;
    laws_check(nr_used == cache->nr_objects, "memory", "cache %s has handed out %u objects and counts %u", cache->name,
               nr_used, cache->nr_objects);
}

void laws_census(void)
{
    if (laws_slabs == NULL)
        laws_slabs = calloc(vm_nr_frames, sizeof(*laws_slabs));
    sim_check(laws_slabs != NULL);
    memset(laws_slabs, 0, vm_nr_frames * sizeof(*laws_slabs));
    laws_nr_cells = 0;
    laws_claim_none();
    kmem_for_each_cache(laws_census_cache, NULL);
}

/* ---- trees ---- */

struct laws_walk {
    laws_visit *visit;
    void *context;
    const char *whose;
    bool balanced;
};

static bool laws_node_is_red(const struct rbtree_node *node)
{
    return node != NULL && (node->parent_color & 1) == 0;
}

/* Returns the number of black nodes on the way down. */
static unsigned int laws_subtree(struct rbtree_node *node, const struct rbtree_node *parent, const struct laws_walk *walk)
{
    unsigned int left, right;

    if (node == NULL)
        return 0;
    laws_check((node->parent_color & ~(uintptr_t)1) == (uintptr_t)parent, "trees", "%s: a node's parent is another",
               walk->whose);
    laws_check(!walk->balanced || !laws_node_is_red(node) || (parent != NULL && !laws_node_is_red(parent)), "trees",
               "%s: a red node below a red one, or at the root", walk->whose);
    left = laws_subtree(node->child[0], node, walk);
    walk->visit(node, walk->context);
    right = laws_subtree(node->child[1], node, walk);
    laws_check(!walk->balanced || left == right, "trees", "%s: heights %u and %u", walk->whose, left, right);
    return left + !laws_node_is_red(node);
}

void laws_tree(const struct rbtree *tree, bool balanced, laws_visit *visit, void *context, const char *whose)
{
    struct laws_walk walk = {.visit = visit, .context = context, .whose = whose, .balanced = balanced};

    (void)laws_subtree(tree->root, NULL, &walk);
}
