/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps and chains of objects.
 *
 * Entries are in order and do not overlap, in the list and in the tree alike; gaps, sizes and counts are what follows from
 * them; what is wired is held so in the pages. Shadows lead to an end, and the objects behind know who shadows them.
 *
 * A map whose lock somebody holds may be in the middle of unwiring, which lets others run: its wired entries, and those in
 * transition, say that pages may be wired, not that they are.
 */
#include <mach/vm_prot.h>

#include "laws_private.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

struct laws_map_walk {
    struct vm_map *map;
    struct vm_map_entry *next;  /* the entry whose turn it is in the list; NULL: the end */
    uintptr_t reached, size, size_none, wired_size;
    uint32_t nr_entries;
    bool hint_met;
};

/* ---- wiring ---- */

/* In pages' cells: refs is by how many entries a page is certainly wired, places more than 1 by how many it may be. */
static void laws_map_wired(const struct vm_map *map, const struct vm_map_entry *entry)
{
    bool certain = map->lock.owner == NULL && !entry->in_transition;

    laws_check(entry->wired_count == 1 && entry->user_wired_count == 1, "maps", "entry %#lx is wired %u times, by users %u",
               (unsigned long)entry->start, entry->wired_count, entry->user_wired_count);
    if (entry->object == NULL)
        return;
    for (uintptr_t at = entry->start; at < entry->end; at += PAGE_SIZE) {
        struct vm_page *page = laws_page_at(entry->object, vm_map_entry_index(entry, at));

        if (page == NULL)
            continue;
        /* What a manager or its death took away may have come again without being wired. */
        if (certain && page->wire_count != 0)
            laws_cell(LAWS_PAGE, page, "a wired entry")->refs++;
        laws_cell(LAWS_PAGE, page, "a wired entry")->places++;
    }
}

/* ---- entries ---- */

static void laws_map_entry(struct laws_map_walk *walk, struct vm_map_entry *entry)
{
    uintptr_t size = entry->end - entry->start;

    laws_check(page_aligned(entry->start) && page_aligned(entry->end) && entry->start < entry->end, "maps",
               "an entry is [%#lx, %#lx)", (unsigned long)entry->start, (unsigned long)entry->end);
    laws_check(entry->start >= walk->reached && entry->end <= walk->map->max, "maps",
               "entry [%#lx, %#lx) begins before %#lx, or ends behind the map", (unsigned long)entry->start,
               (unsigned long)entry->end, (unsigned long)walk->reached);
    laws_check(entry->gap == entry->start - walk->reached, "maps", "the gap before entry %#lx is %#lx and said to be %#lx",
               (unsigned long)entry->start, (unsigned long)(entry->start - walk->reached), (unsigned long)entry->gap);
    laws_check((entry->protection & ~entry->max_protection) == 0 || entry->wired_count != 0, "maps",
               "entry %#lx has protection %d of %d", (unsigned long)entry->start, entry->protection, entry->max_protection);
    laws_check(entry->in_transition == (entry->wirer != NULL), "maps", "entry %#lx: in transition %d",
               (unsigned long)entry->start, entry->in_transition);
    walk->reached = entry->end;
    walk->size += size;
    walk->size_none += entry->max_protection == VM_PROT_NONE ? size : 0;
    walk->wired_size += entry->user_wired_count != 0 ? size : 0;
    walk->hint_met |= entry == walk->map->hint;
    if (entry->wired_count != 0)
        laws_map_wired(walk->map, entry);
    if (entry->object == NULL)
        return;
    laws_cell(LAWS_OBJECT, entry->object, "a map's entry");
    laws_check(entry->object->nr_pages >= entry->index &&
                   entry->object->nr_pages - entry->index >= vm_map_entry_pages(entry),
               "maps", "entry %#lx shows pages %u and %u more of an object that has %u", (unsigned long)entry->start,
               entry->index, vm_map_entry_pages(entry), entry->object->nr_pages);
}

static void laws_map_visit(struct rbtree_node *node, void *context)
{
    struct vm_map_entry *entry = rbtree_entry(node, struct vm_map_entry, node);
    struct laws_map_walk *walk = context;
    struct laws_cell *cell = laws_cell(LAWS_ENTRY, entry, "a map");
    uintptr_t widest = entry->gap;

    laws_check(entry == walk->next, "maps", "entry %#lx is elsewhere in the list than in the tree",
               (unsigned long)entry->start);
    laws_check(cell->places++ == 0, "maps", "entry %#lx is met twice", (unsigned long)entry->start);
    laws_map_entry(walk, entry);
    for (unsigned int side = 0; side < 2; side++) {
        if (node->child[side] != NULL)
            widest = MAX(widest, rbtree_entry(node->child[side], struct vm_map_entry, node)->max_gap);
    }
    laws_check(widest == entry->max_gap, "maps", "the widest gap at entry %#lx is %#lx and said to be %#lx",
               (unsigned long)entry->start, (unsigned long)widest, (unsigned long)entry->max_gap);
    walk->next = vm_map_next_entry(walk->map, entry);
    walk->nr_entries++;
}

static void laws_map(struct vm_map *map, enum sim_laws_at at)
{
    struct laws_map_walk walk = {
        .map = map, .next = list_first(&map->entries, struct vm_map_entry, link), .reached = map->min,
        .hint_met = map->hint == NULL};

    /* The owner may be none: the mark of a lock that is being handed over. */
    laws_check(laws_find(LAWS_THREAD, map->lock.owner) == NULL || !laws_hands_empty(map->lock.owner, at), "locks",
               "a map is locked by thread %u, which is in user mode or waits for something else",
               sim_thread_id(map->lock.owner));
    laws_tree(&map->tree, true, laws_map_visit, &walk, "a map");
    laws_check(walk.next == NULL && walk.nr_entries == map->nr_entries, "maps", "a map has %u entries and counts %u",
               walk.nr_entries, map->nr_entries);
    laws_check(walk.size == map->size && walk.size_none == map->size_none, "maps",
               "a map has %#lx bytes, %#lx without rights, and counts %#lx, %#lx", (unsigned long)walk.size,
               (unsigned long)walk.size_none, (unsigned long)map->size, (unsigned long)map->size_none);
    laws_check(walk.wired_size == map->wired_size || map->lock.owner != NULL, "maps",
               "%#lx bytes of a map are wired, %#lx counted", (unsigned long)walk.wired_size,
               (unsigned long)map->wired_size);
    laws_check(walk.hint_met, "maps", "a map's hint is none of its entries");
}

bool laws_run_in_map(const struct vm_run *run)
{
    const struct laws_cell *cell = laws_find(LAWS_ENTRY, run->copy.reserved_entry);

    return cell != NULL && cell->places != 0;
}

/* ---- chains ---- */

static void laws_object_chain(const struct vm_object *object)
{
    const struct vm_object *shadower, *behind = object;
    uint32_t depth = 0, met = 0;

    while ((behind = behind->shadow) != NULL) {
        laws_cell(LAWS_OBJECT, behind, "a shadow");
        laws_check(++depth <= laws_count(LAWS_OBJECT), "objects", "a chain of shadows has no end");
    }
    list_for_each(&object->shadowers, shadower, shadow_node) {
        laws_cell(LAWS_OBJECT, shadower, "a list of shadowers");
        laws_check(shadower->shadow == object, "objects",
                   "an object with %u references is listed by another than its shadow", shadower->refs);
        laws_cell(LAWS_OBJECT, shadower, "a list of shadowers")->places++;
        met += shadower == object->copy;
    }
    laws_check(met == (object->copy != NULL), "objects", "an object's delayed copy does not shadow it");
    laws_check(object->splits <= object->refs, "objects", "%u references, %u of them splits", object->refs, object->splits);
    laws_check(object->alive || object->refs == 0 || object->pager != NULL, "objects",
               "an object that has ended has %u references", object->refs);
}

void laws_maps(enum sim_laws_at at)
{
    laws_for_each(LAWS_MAP, cell)
        laws_map(cell->at, at);
    laws_for_each(LAWS_OBJECT, cell)
        laws_object_chain(cell->at);
    laws_for_each(LAWS_OBJECT, cell) {
        const struct vm_object *object = cell->at;

        laws_check(cell->places == (object->shadow != NULL), "objects", "an object %s a shadow is listed by %u",
                   object->shadow != NULL ? "with" : "without", cell->places);
    }
    laws_for_each(LAWS_PAGE, cell) {
        const struct vm_page *page = cell->at;

        laws_check(page->object == NULL || (page->wire_count >= cell->refs && page->wire_count <= cell->places - 1), "pages",
                   "page %u is wired by %u to %u entries and counts %u", page->index, cell->refs, cell->places - 1,
                   page->wire_count);
    }
    laws_check(laws_count(LAWS_OBJECT) == vm_object_count && laws_count(LAWS_ENTRY) == vm_map_entry_count, "memory",
               "%u objects, %u entries; counted are %u, %u", laws_count(LAWS_OBJECT), laws_count(LAWS_ENTRY),
               vm_object_count, vm_map_entry_count);
}
