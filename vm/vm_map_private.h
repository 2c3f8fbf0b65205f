/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the maps share: entries in the tree, cutting and joining them, and duplicating ranges.
 * For vm/vm_map*.c alone. Unless it says otherwise a function here wants the map locked and never sleeps.
 */
#ifndef VM_VM_MAP_PRIVATE_H
#define VM_VM_MAP_PRIVATE_H

#include "vm/vm_map.h"

/* Entries handled with the map locked before others may have it: well below a millisecond. */
#define VM_MAP_PIECE 256u

static inline uint32_t vm_map_entry_pages(const struct vm_map_entry *entry)
{
    return (uint32_t)((entry->end - entry->start) >> PAGE_SHIFT);
}

/* The page of entry->object that is mapped at address. */
static inline uint32_t vm_map_entry_index(const struct vm_map_entry *entry, uintptr_t address)
{
    return entry->index + (uint32_t)((address - entry->start) >> PAGE_SHIFT);
}

/* Neighbours by address, or NULL. */
static inline struct vm_map_entry *vm_map_next_entry(struct vm_map *map, struct vm_map_entry *entry)
{
    struct list_node *next = entry->link.next;
    return next == &map->entries.head ? NULL : list_entry(next, struct vm_map_entry, link);
}

static inline struct vm_map_entry *vm_map_prev_entry(struct vm_map *map, struct vm_map_entry *entry)
{
    struct list_node *prev = entry->link.prev;
    return prev == &map->entries.head ? NULL : list_entry(prev, struct vm_map_entry, link);
}

/* ---- vm_map_entry.c ---- */

extern struct kmem_cache vm_map_entry_cache; /* vm_map.c */

/* The first entry that ends above address (it may begin above it), or NULL. */
struct vm_map_entry *vm_map_lookup_from(struct vm_map *map, uintptr_t address);
/* Links entry, whose range is free in the map. A new map that nobody else knows need not be locked. */
void vm_map_link_entry(struct vm_map *map, struct vm_map_entry *entry);
void vm_map_unlink_entry(struct vm_map *map, struct vm_map_entry *entry);
/* The lowest free range of size bytes at or above *address that has the bits of mask clear; false: there is none. */
bool vm_map_find_space(struct vm_map *map, uintptr_t *address, uintptr_t size, uintptr_t mask);
/*
 * Makes entry begin (end) at address, if it begins before (ends after) it: what is cut off is a new entry before (behind)
 * it, with a reference of its own. KERN_SUCCESS, or KERN_RESOURCE_SHORTAGE when nothing has changed.
 */
kern_return_t vm_map_clip_start(struct vm_map *map, struct vm_map_entry *entry, uintptr_t address);
kern_return_t vm_map_clip_end(struct vm_map *map, struct vm_map_entry *entry, uintptr_t address);
/* The same for an entry that is in no map: *behind gets what is cut off. */
kern_return_t vm_map_entry_split(struct vm_map_entry *entry, uintptr_t address, struct vm_map_entry **behind);
/* Joins entries in [start, end), and those that border on it, where they say the same. Entry pointers are stale then. */
void vm_map_simplify(struct vm_map *map, uintptr_t start, uintptr_t end);

/* Sleeps until an entry that is in transition is no longer; the map is unlocked then: look everything up again. */
void vm_map_transition_wait(struct vm_map *map, struct vm_map_entry *entry);
/* entry is no longer in transition; who waits is woken. */
void vm_map_transition_done(struct vm_map *map, struct vm_map_entry *entry);

/* How an allocation is to be made while the map is locked. */
enum alloc vm_map_alloc_locked(void);
/* No locks held: sleeps until there is memory. KERN_SUCCESS: try again; KERN_RESOURCE_SHORTAGE: the thread is ending. */
kern_return_t vm_map_wait_memory(void);

/* Ends entries (by link) that are in no map and whose mappings are gone, with the memory they alone used. No locks held. */
void vm_map_dispose_entries(struct list *entries);

/* ---- vm_map.c ---- */

/*
 * Takes the entries in [start, end) out of the map, their mappings too, to the end of list taken; at most VM_MAP_PIECE:
 * *start is what was reached. KERN_SUCCESS; KERN_RESOURCE_SHORTAGE, and KERN_ABORTED when it had to wait for an entry in
 * transition (the map is unlocked then, and only then): try again.
 */
kern_return_t vm_map_take_entries(struct vm_map *map, uintptr_t *start, uintptr_t end, struct list *taken);
/* Whether the bytes more would stay within the size limit. */
bool vm_map_size_allows(const struct vm_map *map, uintptr_t more);
/* Enters the resident pages of entry in the pmap, as far as there is memory for page tables. */
void vm_map_enter_resident(struct vm_map *map, struct vm_map_entry *entry);
/*
 * After something was entered, map not locked: wires it if the map says so. An error is one of vm_map_wire's; what was
 * entered is still there.
 */
kern_return_t vm_map_wire_entered(struct vm_map *map, uintptr_t start, uintptr_t end, vm_prot_t prot);

/* ---- vm_map_duplicate.c ---- */

/* A walk over a range of a map that makes a second set of entries, for copies and for forks. */
struct vm_map_duplicate {
    struct vm_map *map;         /* the source */
    uintptr_t at, end;          /* still to be done */
    struct list *entries;       /* in: the list that new entries are put behind, at the source's addresses */
    const struct vm_map_duplicate_ops *ops;
    uintptr_t protect_start, protect_end; /* the walk's own: to be write-protected before the map is unlocked */
    struct vm_map_entry *spare; /* its own: allocated ahead */
    struct vm_map_entry *slow;  /* its own: to be filled page by page; has a reference to the source */
};

struct vm_map_duplicate_ops {
    /* Duplicates entry from walk->at on, and sets that to what is done. */
    kern_return_t (*entry)(struct vm_map_duplicate *walk, struct vm_map_entry *entry);
    bool by_inheritance;        /* a fork: holes, and what cannot be read, are passed over */
};

/* A fork goes by each entry's inheritance; a copy must be readable and without holes. */
extern const struct vm_map_duplicate_ops vm_map_duplicate_fork, vm_map_duplicate_copy;

/*
 * Does the walk, waiting for memory and managers as it must; map not locked. KERN_SUCCESS, KERN_INVALID_ADDRESS (a hole),
 * KERN_PROTECTION_FAILURE, errors of faults. After an error the entries made so far are the caller's to dispose of.
 */
kern_return_t vm_map_duplicate(struct vm_map_duplicate *walk);

/* ---- vm_map_wire.c ---- */

/*
 * Undoes all wiring of the part [start, end) of entry: of its pages and in map->wired_size; the counts of the entry are the
 * caller's. The mappings may be gone already.
 */
void vm_map_unwire_entry(struct vm_map *map, struct vm_map_entry *entry, uintptr_t start, uintptr_t end);

/* ---- vm_map_copy.c ---- */

void vm_map_copy_init(void);

struct vm_map_copy *vm_map_copy_create(enum vm_map_copy_kind kind, uint32_t size);
/* Frees the record alone. */
void vm_map_copy_free(struct vm_map_copy *copy);

#endif
