/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wiring ranges of maps.
 *
 * 1. With the map locked, the range is looked over without changing anything, cut at its ends, and every entry that is not
 *    wired yet is counted as wired and put in transition: nobody cuts, joins, changes or removes it then. Who wants to,
 *    waits.
 * 2. With the map unlocked each page is faulted in and wired (vm_fault_wire), which may wait for managers and memory.
 *    Those waits break off when the thread ends, so nobody who waits for the entries waits longer than this thread lives.
 * 3. With the map locked the transition ends; after an error what was wired by this call, and only that, is undone. The
 *    entries know their wirer, because others may wire other entries in the range in the meantime.
 *
 * Unwiring waits for nothing and is done with the map locked. The mappings go first, since a wired mapping keeps the
 * pageout path from the frame; the next touch of a page enters it again.
 *
 * A wired page is always one of the entry's own object (vm_fault.c, 8), so it is found without a walk. What a manager
 * or its death took away meanwhile is not there, and nothing is to be undone for it.
 */
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/vm_fault.h"
#include "vm/vm_map.h"
#include "vm/vm_map_private.h"

/* A range that is to be wired. */
struct vm_map_wiring {
    struct vm_map *map;
    uintptr_t start, end;
    vm_prot_t prot;
    bool sparse;                /* holes and entries without rights are passed over */
};

/* The rights for which entry is to be wired; NONE: not at all. */
static vm_prot_t vm_map_wire_access(const struct vm_map_wiring *wiring, const struct vm_map_entry *entry)
{
    return wiring->sparse ? wiring->prot & entry->protection : wiring->prot;
}

/*
 * Whether the range may be wired, or unwired. KERN_ABORTED: an entry in transition was waited for, the map is unlocked.
 * Otherwise the map stays locked and nothing has changed.
 */
static kern_return_t vm_map_wire_check(const struct vm_map_wiring *wiring)
{
    struct vm_map_entry *entry = vm_map_lookup_from(wiring->map, wiring->start);
    uintptr_t at = wiring->start;

    for (; at < wiring->end; entry = vm_map_next_entry(wiring->map, entry)) {
        if (entry == NULL || entry->start >= wiring->end)
            return wiring->sparse ? KERN_SUCCESS : KERN_NO_SPACE;
        if (entry->start > at && !wiring->sparse)
            return KERN_NO_SPACE;
        if (entry->in_transition) {
            vm_map_transition_wait(wiring->map, entry);
            return KERN_ABORTED;
        }
        if (!wiring->sparse && (wiring->prot & ~entry->protection) != 0)
            return KERN_PROTECTION_FAILURE;
        at = entry->end;
    }
    return KERN_SUCCESS;
}

/* Cuts the entries at the range's ends. Map locked, range checked. */
static kern_return_t vm_map_wire_cut(const struct vm_map_wiring *wiring)
{
    struct vm_map_entry *entry = vm_map_lookup_from(wiring->map, wiring->start);

    if (entry == NULL || entry->start >= wiring->end)
        return KERN_SUCCESS;
    kern_return_t kr = vm_map_clip_start(wiring->map, entry, wiring->start);
    if (kr != KERN_SUCCESS)
        return kr;
    entry = vm_map_lookup_entry(wiring->map, wiring->end - 1);
    return entry != NULL ? vm_map_clip_end(wiring->map, entry, wiring->end) : KERN_SUCCESS;
}

/*
 * Checks and cuts, waiting for entries in transition and for memory; on KERN_SUCCESS the map is locked.
 */
static kern_return_t vm_map_wire_begin(const struct vm_map_wiring *wiring)
{
    for (;;) {
        vm_map_lock(wiring->map);
        kern_return_t kr = vm_map_wire_check(wiring);
        if (kr == KERN_ABORTED)
            continue;
        bool may = kr == KERN_SUCCESS;
        if (may)
            kr = vm_map_wire_cut(wiring);
        if (kr == KERN_SUCCESS)
            return KERN_SUCCESS;
        vm_map_unlock(wiring->map);
        if (may)
            kr = vm_map_wait_memory();
        if (kr != KERN_SUCCESS)
            return kr;
    }
}

/* ---- unwiring; the map is locked ---- */

void vm_map_unwire_entry(struct vm_map *map, struct vm_map_entry *entry, uintptr_t start, uintptr_t end)
{
    unsigned int count = 0;

    assert(mutex_held(&map->lock) && entry->start <= start && end <= entry->end);
    if (entry->user_wired_count > 0)
        map->wired_size -= end - start;
    for (uintptr_t at = start; at < end; at += PAGE_SIZE) {
        vm_fault_unwire(entry, at);
        if (++count % VM_MAP_PIECE == 0)
            preempt_point(); /* others run; the map stays ours */
    }
}

static void vm_map_wire_forget(struct vm_map_entry *entry)
{
    entry->wired_count = 0;
    entry->user_wired_count = 0;
    entry->wired_access = VM_PROT_NONE;
}

static kern_return_t vm_map_unwire_range(const struct vm_map_wiring *wiring)
{
    struct vm_map *map = wiring->map;
    kern_return_t kr = vm_map_wire_begin(wiring);

    if (kr != KERN_SUCCESS)
        return kr;
    struct vm_map_entry *entry = vm_map_lookup_from(map, wiring->start);
    for (; entry != NULL && entry->start < wiring->end; entry = vm_map_next_entry(map, entry)) {
        if (entry->wired_count == 0)
            continue;
        pmap_remove(map->pmap, entry->start, entry->end);
        vm_map_unwire_entry(map, entry, entry->start, entry->end);
        vm_map_wire_forget(entry);
    }
    vm_map_simplify(map, wiring->start, wiring->end);
    vm_map_unlock(map);
    return KERN_SUCCESS;
}

/* ---- wiring ---- */

static bool vm_map_wire_mine(const struct vm_map_entry *entry)
{
    return entry->in_transition && entry->wirer == current_thread();
}

/* Puts what is to be wired in transition. Map locked, range cut. */
static void vm_map_wire_mark(const struct vm_map_wiring *wiring)
{
    struct vm_map_entry *entry = vm_map_lookup_from(wiring->map, wiring->start);

    for (; entry != NULL && entry->start < wiring->end; entry = vm_map_next_entry(wiring->map, entry)) {
        vm_prot_t access = vm_map_wire_access(wiring, entry);
        if (access == VM_PROT_NONE)
            continue;
        entry->wired_access |= access;
        if (entry->wired_count > 0)
            continue;
        entry->wired_count = 1;
        entry->user_wired_count = 1;
        entry->in_transition = true;
        entry->wirer = current_thread();
        wiring->map->wired_size += entry->end - entry->start;
    }
}

/*
 * Finds the first of this thread's entries in the range that ends above *at, which moves up to its start if it is below;
 * *stop is its end.
 */
static bool vm_map_wire_next(const struct vm_map_wiring *wiring, uintptr_t *at, uintptr_t *stop, vm_prot_t *access)
{
    bool found = false;

    vm_map_lock(wiring->map);
    struct vm_map_entry *entry = vm_map_lookup_from(wiring->map, *at);
    while (entry != NULL && entry->start < wiring->end && !found) {
        found = vm_map_wire_mine(entry);
        if (found) {
            *at = MAX(*at, entry->start);
            *stop = entry->end;
            *access = entry->wired_access;
        } else {
            entry = vm_map_next_entry(wiring->map, entry);
        }
    }
    vm_map_unlock(wiring->map);
    return found;
}

/* Wires the pages of all entries that were marked; *at is where an error came. No locks held. */
static kern_return_t vm_map_wire_pages(const struct vm_map_wiring *wiring, uintptr_t *at)
{
    uintptr_t stop;
    vm_prot_t access;

    *at = wiring->start;
    while (*at < wiring->end && vm_map_wire_next(wiring, at, &stop, &access)) {
        for (; *at < stop; *at += PAGE_SIZE) {
            kern_return_t kr = vm_fault_wire(wiring->map, *at, access);
            if (kr != KERN_SUCCESS)
                return kr;
            preempt_point();
        }
    }
    *at = wiring->end;
    return KERN_SUCCESS;
}

/* Ends the transition. After an error, of which at is the place, the wiring too. */
static void vm_map_wire_finish(const struct vm_map_wiring *wiring, uintptr_t at, bool undo)
{
    struct vm_map *map = wiring->map;

    vm_map_lock(map);
    struct vm_map_entry *entry = vm_map_lookup_from(map, wiring->start);
    for (; entry != NULL && entry->start < wiring->end; entry = vm_map_next_entry(map, entry)) {
        if (!vm_map_wire_mine(entry))
            continue;
        if (undo) {
            uintptr_t reached = MAX(entry->start, MIN(entry->end, at));
            if (reached > entry->start)
                pmap_remove(map->pmap, entry->start, reached);
            vm_map_unwire_entry(map, entry, entry->start, reached);
            map->wired_size -= entry->end - reached;
            vm_map_wire_forget(entry);
        }
        entry->wirer = NULL;
        vm_map_transition_done(map, entry);
    }
    vm_map_simplify(map, wiring->start, wiring->end);
    vm_map_unlock(map);
}

static kern_return_t vm_map_wire_range(const struct vm_map_wiring *wiring)
{
    uintptr_t at;

    if (wiring->start >= wiring->end)
        return KERN_SUCCESS;
    if (wiring->prot == VM_PROT_NONE)
        return vm_map_unwire_range(wiring);
    kern_return_t kr = vm_map_wire_begin(wiring);
    if (kr != KERN_SUCCESS)
        return kr;
    vm_map_wire_mark(wiring);
    vm_map_unlock(wiring->map);
    kr = vm_map_wire_pages(wiring, &at);
    vm_map_wire_finish(wiring, at, kr != KERN_SUCCESS);
    return kr;
}

kern_return_t vm_map_wire(struct vm_map *map, uintptr_t start, uintptr_t end, vm_prot_t prot)
{
    if (start < end && (start < map->min || end > map->max))
        return KERN_NO_SPACE;
    struct vm_map_wiring wiring = {.map = map, .start = start, .end = end, .prot = prot & VM_PROT_ALL};
    return vm_map_wire_range(&wiring);
}

kern_return_t vm_map_wire_all(struct vm_map *map, vm_prot_t prot)
{
    struct vm_map_wiring wiring = {
        .map = map, .start = map->min, .end = map->max, .prot = prot & VM_PROT_ALL, .sparse = true};
    return vm_map_wire_range(&wiring);
}
