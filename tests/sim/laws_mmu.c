/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings: tables and reverse map say the same, and each mapping shows what its map's entry means.
 *
 * A mapping is of the page that a fault would find from the entry down the chain of shadows. It may lag behind where it is
 * for reading and shows the same bytes: a fault that has copied a page up replaces its own mapping at its very end. A
 * mapping for writing is of a page of the entry's own object, of a frame that no other page holds, which the delayed copy
 * needs no more, and which is known to be modified if it is a manager's (or is wired: then the hardware's bit tells).
 *
 * Law 7: the frames of a run whose message is queued, or comes home, are not mapped; or, where the kernel keeps the pages,
 * for reading alone. The TLB is held against the tables by sim_tlb_check().
 */
#include <stdlib.h>
#include <string.h>

#include <mach/vm_prot.h>

#include "kernel/machine.h"
#include "laws_private.h"
#include "mmu.h"
#include "vm/memory_object.h"
#include "vm/vm_frame.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

/* By frame number: mappings that were found in tables. */
struct laws_mapped {
    uint16_t all, writable, wired;
};
static struct laws_mapped *laws_mapped;

/* The walk over a map's entries that goes along with the one over its tables. */
struct laws_mapping {
    struct vm_map *map;
    struct vm_map_entry *entry; /* the first that ends above va, or NULL */
    uintptr_t va;
    uint32_t pte;
    struct vm_frame *frame;
};

struct vm_page *laws_page_at(const struct vm_object *object, uint32_t index)
{
    struct rbtree_node *node = object->pages.root;

    while (node != NULL) {
        struct vm_page *page = rbtree_entry(node, struct vm_page, node);

        if (page->index == index)
            return page;
        node = node->child[index > page->index];
    }
    return NULL;
}

/* ---- what a mapping shows ---- */

static bool laws_mmu_same_bytes(const struct vm_frame *a, const struct vm_frame *b)
{
    return memcmp(sim_frame_bytes(a), sim_frame_bytes(b), PAGE_SIZE) == 0;
}

/* The page that the frame is of, in the chain behind the entry; NULL: of none. *first is what a fault would find. */
static struct vm_page *laws_mmu_page(const struct laws_mapping *mapping, struct vm_page **first)
{
    const struct vm_object *object = mapping->entry->object;
    uint32_t index = vm_map_entry_index(mapping->entry, mapping->va), depth = 0;

    *first = NULL;
    for (; object != NULL; index += object->shadow_index, object = object->shadow) {
        struct vm_page *page = laws_page_at(object, index);

        laws_check(depth++ <= laws_count(LAWS_OBJECT), "objects", "a chain of shadows has no end");
        if (page == NULL || page->frame == NULL)
            continue;
        if (*first == NULL)
            *first = page;
        if (page->frame == mapping->frame)
            return page;
    }
    return NULL;
}

/* Whether entry shows the page of object at index: it is in the chain behind it, and nothing hides it. */
static bool laws_mmu_shows(const struct vm_map_entry *entry, const struct vm_object *object, uint32_t index)
{
    const struct vm_object *behind;
    uint32_t first = index;

    /* From below: what index it has in the entry's own object. */
    for (behind = entry->object; behind != NULL && behind != object; behind = behind->shadow)
        first -= behind->shadow_index;
    if (behind == NULL || first - entry->index >= vm_map_entry_pages(entry))
        return false;
    for (behind = entry->object; behind != object; first += behind->shadow_index, behind = behind->shadow) {
        const struct vm_page *page = laws_page_at(behind, first);

        if (page != NULL && page->frame != NULL)
            return false;
    }
    return true;
}

/*
 * Whether the delayed copy of object still needs what is at index. It reaches from the first to the last page that was
 * ever copied; what lies between two copies is not shown by any of its users.
 */
static bool laws_mmu_copy_needs(const struct vm_object *object, uint32_t index)
{
    const struct vm_object *copy = object->copy;
    uint32_t at = index - (copy != NULL ? copy->shadow_index : 0);

    if (copy == NULL || copy->refs == 0 || index < copy->shadow_index || at < copy->copy_first ||
        at >= copy->nr_pages || laws_page_at(copy, at) != NULL)
        return false;
    laws_for_each(LAWS_ENTRY, cell) {
        const struct vm_map_entry *entry = cell->at;

        if (cell->places != 0 && laws_mmu_shows(entry, copy, at))
            return true;
    }
    return false;
}

static void laws_mmu_writable(const struct laws_mapping *mapping, const struct vm_page *page)
{
    const struct vm_map_entry *entry = mapping->entry;
    const struct vm_object *object = page->object;
    unsigned int pmap = mapping->map->pmap->id;
    unsigned long va = mapping->va;
    bool wired = (mapping->pte & SIM_PTE_WIRED) != 0 || page->wire_count != 0;

    laws_check((entry->protection & VM_PROT_WRITE) != 0 && !entry->needs_copy, "mappings",
               "page %#lx of pmap %u can be written: protection %d, needs_copy %d", va, pmap, entry->protection,
               entry->needs_copy);
    laws_check(object == entry->object, "mappings", "page %#lx of pmap %u can be written, and is a shadow's", va, pmap);
    laws_check(mapping->frame->nr_holders == 1, "no writes behind the message",
               "page %#lx of pmap %u can be written, and its frame has %u holders", va, pmap, mapping->frame->nr_holders);
    laws_check(object->pager == NULL || page->dirty || wired, "true flags",
               "page %#lx of pmap %u, page %u of a manager, can be written and is clean", va, pmap, page->index);
    laws_check((page->lock_prot & VM_PROT_WRITE) == 0 || wired, "mappings",
               "page %#lx of pmap %u can be written, which the manager forbids", va, pmap);
    laws_check(!laws_mmu_copy_needs(object, page->index), "copies",
               "page %#lx of pmap %u can be written, and a delayed copy needs page %u", va, pmap, page->index);
}

static void laws_mmu_mapping(const struct laws_mapping *mapping)
{
    const struct vm_map_entry *entry = mapping->entry;
    struct vm_page *first, *page;
    unsigned int pmap = mapping->map->pmap->id;
    unsigned long va = mapping->va;

    laws_check(entry != NULL && entry->start <= va && entry->object != NULL, "mappings",
               "page %#lx of pmap %u is mapped, and no entry maps it", va, pmap);
    laws_check(entry->protection != VM_PROT_NONE, "mappings", "page %#lx of pmap %u is mapped without protection", va, pmap);
    laws_check((mapping->pte & SIM_PTE_WIRED) == 0 || entry->wired_count != 0, "mappings",
               "page %#lx of pmap %u is wired, and its entry is not", va, pmap);
    page = laws_mmu_page(mapping, &first);
    laws_check(page != NULL, "mappings", "page %#lx of pmap %u shows frame %u, which is no page behind its entry", va, pmap,
               vm_frame_number(mapping->frame));
    laws_check(page == first || ((mapping->pte & SIM_PTE_WRITE) == 0 && laws_mmu_same_bytes(page->frame, first->frame)),
               "mappings", "page %#lx of pmap %u shows page %u of a shadow; page %u hides it and has other bytes", va, pmap,
               page->index, first->index);
    laws_check(!page->busy && !page->error, "mappings", "page %#lx of pmap %u is mapped: busy %d, error %d", va, pmap,
               page->busy, page->error);
    if (mapping->pte & SIM_PTE_WRITE)
        laws_mmu_writable(mapping, page);
}

/* ---- tables ---- */

/* As often as there are mappings, so that it is cheap for most frames: the first of the list is in the record. */
static bool laws_mmu_reverse(const struct vm_frame *frame, const struct pmap *pmap, uintptr_t va)
{
    const struct pmap_pv *pv = frame->pv_more;

    if (frame->pv_pmap == pmap && frame->pv_va == va)
        return true;
    while (pv != NULL && (pv->pmap != pmap || pv->va != va))
        pv = pv->next;
    return pv != NULL;
}

static void laws_mmu_entry(struct laws_mapping *mapping)
{
    uint32_t number = mapping->pte >> PAGE_SHIFT;
    const struct pmap *pmap = mapping->map->pmap;

    laws_check(number < vm_nr_frames && vm_frames[number].state == VM_FRAME_OBJECT, "mappings",
               "page %#lx of pmap %u is mapped to frame %u, which is no object's", (unsigned long)mapping->va, pmap->id,
               number);
    mapping->frame = &vm_frames[number];
    laws_check(laws_mmu_reverse(mapping->frame, pmap, mapping->va), "reverse mappings",
               "page %#lx of pmap %u is mapped to frame %u, which does not know it", (unsigned long)mapping->va, pmap->id,
               number);
    laws_mapped[number].all++;
    laws_mapped[number].writable += (mapping->pte & SIM_PTE_WRITE) != 0;
    laws_mapped[number].wired += (mapping->pte & SIM_PTE_WIRED) != 0;
    while (mapping->entry != NULL && mapping->entry->end <= mapping->va)
        mapping->entry = vm_map_next_entry(mapping->map, mapping->entry);
    laws_mmu_mapping(mapping);
}

/* Returns how many entries the table at va has. */
static unsigned int laws_mmu_table(struct laws_mapping *mapping, const uint32_t *table)
{
    uint32_t frame = sim_frame_of(table);
    unsigned int nr_entries = 0;

    laws_claim(frame, "a page table");
    for (unsigned int i = 0; i < SIM_ENTRIES && nr_entries < vm_frames[frame].wired_maps; i++, mapping->va += PAGE_SIZE) {
        mapping->pte = table[i];
        if ((table[i] & SIM_PTE_VALID) == 0)
            continue;
        nr_entries++;
        laws_mmu_entry(mapping);
    }
    laws_check(nr_entries == vm_frames[frame].wired_maps, "mappings", "a table has %u entries and counts %u", nr_entries,
               vm_frames[frame].wired_maps);
    return nr_entries;
}

static void laws_mmu_pmap(struct vm_map *map)
{
    struct laws_mapping mapping = {.map = map, .entry = list_first(&map->entries, struct vm_map_entry, link)};
    const struct pmap *pmap = map->pmap;
    unsigned int nr_resident = 0, nr_tables = 0;

    if (pmap == kernel_pmap)
        return;
    laws_claim(sim_frame_of(pmap->directory), "a page directory");
    for (unsigned int i = 0; i < SIM_NR_TABLES; i++) {
        if (pmap->directory[i] == NULL)
            continue;
        mapping.va = (uintptr_t)i << SIM_TABLE_SHIFT;
        nr_resident += laws_mmu_table(&mapping, pmap->directory[i]);
        nr_tables++;
    }
    laws_check(nr_resident == pmap->nr_resident && nr_tables == pmap->nr_tables, "mappings",
               "pmap %u has %u mappings in %u tables and counts %u in %u", pmap->id, nr_resident, nr_tables,
               pmap->nr_resident, pmap->nr_tables);
}

/* ---- frames ---- */

/*
 * Every mapping was found in its frame's list; so when the list is as long as there are mappings, it has no others, and none
 * twice.
 */
static void laws_mmu_frame(uint32_t number)
{
    const struct vm_frame *frame = &vm_frames[number];
    unsigned int count = frame->pv_pmap != NULL;

    for (const struct pmap_pv *pv = frame->pv_more; pv != NULL && count <= laws_mapped[number].all; pv = pv->next)
        count++;
    laws_check(count == laws_mapped[number].all, "reverse mappings", "frame %u is mapped %u times and knows of %u", number,
               laws_mapped[number].all, count);
    laws_check(frame->wired_maps == laws_mapped[number].wired, "mappings", "frame %u has %u wired mappings and counts %u",
               number, laws_mapped[number].wired, frame->wired_maps);
    laws_check(frame->nr_holders < 2 || laws_mapped[number].writable == 0, "no writes behind the message",
               "frame %u has %u holders and %u mappings for writing", number, frame->nr_holders,
               laws_mapped[number].writable);
}

static void laws_mmu_run_page(struct rbtree_node *node, void *context)
{
    const struct vm_page *page = rbtree_entry(node, struct vm_page, node);
    const struct vm_run *run = context;
    const struct laws_mapped *mapped = &laws_mapped[vm_frame_number(page->frame)];

    laws_check(mapped->writable == 0, "no writes behind the message",
               "page %u of a run of page %u, state %u, has %u mappings for writing", page->index, run->index, run->state,
               mapped->writable);
    laws_check(mapped->all == 0 || page->frame->nr_holders > 1, "no writes behind the message",
               "page %u of a run of page %u, state %u, is the run's alone and has %u mappings", page->index, run->index,
               run->state, mapped->all);
}

void laws_mmu(void)
{
    if (laws_mapped == NULL)
        laws_mapped = calloc(vm_nr_frames, sizeof(*laws_mapped));
    sim_check(laws_mapped != NULL);
    memset(laws_mapped, 0, vm_nr_frames * sizeof(*laws_mapped));
    laws_for_each(LAWS_MAP, cell)
        laws_mmu_pmap(cell->at);
    for (uint32_t number = 0; number < vm_nr_frames; number++) {
        if (vm_frames[number].state == VM_FRAME_OBJECT)
            laws_mmu_frame(number);
    }
    laws_for_each(LAWS_RUN, cell) {
        struct vm_run *run = cell->at;

        if ((run->state == VM_RUN_QUEUED && !laws_run_in_map(run)) || run->state == VM_RUN_RETURNING)
            laws_tree(&run->object->pages, true, laws_mmu_run_page, run, "a run's index");
    }
}
