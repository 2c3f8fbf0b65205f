/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls on address spaces that the host has a say in: wiring, limits, numbers, and writing back.
 *
 * Writing back waits, when it is asked to, until the manager has received what was modified in the range: until then the
 * data is the kernel's to lose. It looks again every few ticks rather than being woken: the pageout path has no
 * business with who waits for it, and such calls are as slow as disks.
 */
#include "ipc/ipc_port.h"
#include "kernel/kmem.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/memory_object_call.h"
#include "vm/memory_object_sync.h"
#include "vm/vm_account.h"
#include "vm/vm_fault.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_pageout.h"
#include "vm/vm_policy.h"
#include "vm/vm_run.h"
#include "vm/vm_user.h"

/* What a task may wire without the privileged host: keys and the like, not its data. */
#define VM_USER_WIRE_FREE (16 * PAGE_SIZE)

/* IKOT_HOST or IKOT_HOST_PRIV; IKOT_NONE: host is the port of no host. */
static enum ipc_kobject_type vm_user_host_type(ipc_port_t host)
{
    enum ipc_kobject_type type = IKOT_NONE;

    if (!IP_VALID(host))
        return IKOT_NONE;
    ipc_port_lock(host);
    if (ipc_port_active(host))
        type = (enum ipc_kobject_type)host->kobject_type;
    ipc_port_unlock(host);
    return type == IKOT_HOST || type == IKOT_HOST_PRIV ? type : IKOT_NONE;
}

/* ---- wiring ---- */

kern_return_t vm_wire(ipc_port_t host, vm_map_t map, vm_address_t address, vm_size_t size, vm_prot_t access)
{
    enum ipc_kobject_type type = vm_user_host_type(host);
    uintptr_t start = page_trunc((uintptr_t)address), last = address + size;

    if (type == IKOT_NONE)
        return KERN_INVALID_HOST;
    if (map == NULL)
        return KERN_INVALID_TASK;
    if ((access & ~VM_PROT_ALL) != 0)
        return KERN_INVALID_ARGUMENT;
    if (last < address || last > page_trunc(UINTPTR_MAX))
        return KERN_INVALID_ADDRESS;
    uintptr_t end = page_round(last);
    if (type != IKOT_HOST_PRIV && access != VM_PROT_NONE) {
        mutex_lock(&map->lock);
        bool allowed = end - start <= VM_USER_WIRE_FREE && map->wired_size <= VM_USER_WIRE_FREE - (end - start);
        mutex_unlock(&map->lock);
        if (!allowed)
            return KERN_NO_ACCESS;
    }
    return vm_map_wire(map, start, end, access);
}

kern_return_t vm_wire_all(ipc_port_t host, vm_map_t map, vm_wire_t flags)
{
    kern_return_t kr = KERN_SUCCESS;

    if (vm_user_host_type(host) != IKOT_HOST_PRIV)
        return KERN_INVALID_HOST;
    if (map == NULL)
        return KERN_INVALID_TASK;
    if ((flags & ~VM_WIRE_ALL) != 0)
        return KERN_INVALID_ARGUMENT;
    /* The future first, so that nothing is entered between the two. */
    if (flags == VM_WIRE_NONE || (flags & VM_WIRE_FUTURE) != 0)
        vm_map_set_wire_future(map, flags != VM_WIRE_NONE);
    if (flags == VM_WIRE_NONE || (flags & VM_WIRE_CURRENT) != 0)
        kr = vm_map_wire_all(map, flags == VM_WIRE_NONE ? VM_PROT_NONE : VM_PROT_ALL);
    return kr;
}

/* ---- limits ---- */

kern_return_t vm_set_size_limit(ipc_port_t host, vm_map_t map, vm_size_t current, vm_size_t max)
{
    enum ipc_kobject_type type = vm_user_host_type(host);
    kern_return_t kr = KERN_SUCCESS;

    if (current > max || map == NULL)
        return KERN_INVALID_ARGUMENT;
    if (type == IKOT_NONE)
        return KERN_INVALID_HOST;
    mutex_lock(&map->lock);
    if (max > map->size_max && type != IKOT_HOST_PRIV) {
        kr = KERN_NO_ACCESS;
    } else {
        map->size_limit = current;
        map->size_max = max;
    }
    mutex_unlock(&map->lock);
    return kr;
}

kern_return_t vm_get_size_limit(vm_map_t map, vm_size_t *current, vm_size_t *max)
{
    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    mutex_lock(&map->lock);
    *current = map->size_limit;
    *max = map->size_max;
    mutex_unlock(&map->lock);
    return KERN_SUCCESS;
}

/* ---- numbers ---- */

kern_return_t vm_statistics(vm_map_t map, vm_statistics_data_t *statistics)
{
    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    const struct vm_policy_counts *policy = &vm_policy_counts;
    const struct vm_fault_counters *faults = &vm_fault_counters;
    unsigned int in_objects = vm_frame_count(VM_FRAME_OBJECT);
    unsigned int queued = policy->active + policy->inactive + policy->unevictable;
    uint64_t pageouts = 0;

    for (unsigned int cause = 0; cause < VM_RUN_NR_CAUSES; cause++)
        pageouts += vm_pageout_counters.pages[cause];
    *statistics = (struct vm_statistics){
        .pagesize = PAGE_SIZE,
        .free_count = (integer_t)vm_frame_nr_free(),
        .active_count = (integer_t)(policy->active + policy->unevictable),
        .inactive_count = (integer_t)policy->inactive,
        /* The kernel's own, and what objects hold on no queue. A page that a run shares is counted once in both. */
        .wire_count = (integer_t)(vm_frame_count(VM_FRAME_KERNEL) + (in_objects > queued ? in_objects - queued : 0)),
        .zero_fill_count = (integer_t)faults->zero_fills,
        .reactivations = (integer_t)faults->reactivations,
        .pageins = (integer_t)faults->pageins,
        .pageouts = (integer_t)pageouts,
        .faults = (integer_t)faults->faults,
        .cow_faults = (integer_t)faults->cow_faults,
        .lookups = (integer_t)faults->lookups,
        .hits = (integer_t)faults->hits,
    };
    return KERN_SUCCESS;
}

struct vm_user_slabs {
    uint32_t frames, free;      /* in slabs, and of those what a tight packing would leave over */
};

static void vm_user_count_cache(const struct kmem_cache *cache, void *context)
{
    struct vm_user_slabs *slabs = context;
    uint32_t needed = cache->nr_per_slab == 0 ? 0 : (cache->nr_objects + cache->nr_per_slab - 1) / cache->nr_per_slab;

    slabs->frames += cache->nr_slabs * cache->slab_frames;
    if (cache->nr_slabs > needed)
        slabs->free += (cache->nr_slabs - needed) * cache->slab_frames;
}

kern_return_t vm_cache_statistics(vm_map_t map, vm_cache_statistics_data_t *statistics)
{
    struct vm_user_slabs slabs = {0, 0};

    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    kmem_for_each_cache(vm_user_count_cache, &slabs);
    /* As in GNU Mach the cache is the objects that have managers. How many pages are dirty is not counted anywhere. */
    *statistics = (struct vm_cache_statistics){
        .cache_object_count = (integer_t)memory_object_count,
        .cache_count = (integer_t)(vm_policy_counts.active + vm_policy_counts.inactive),
        .active_tmp_count = (integer_t)vm_policy_counts.unevictable,
        .active_perm_count = (integer_t)vm_policy_counts.active,
        .inactive_perm_count = (integer_t)vm_policy_counts.inactive,
        .laundry_count = (integer_t)vm_account_total_out(),
        .writeback_count = (integer_t)vm_account_total_out(),
        .slab_count = (integer_t)slabs.frames,
        .slab_reclaim_count = (integer_t)slabs.free,
    };
    return KERN_SUCCESS;
}

/* ---- writing back ---- */

kern_return_t vm_object_sync(vm_object_t object, vm_offset_t offset, vm_size_t size, boolean_t should_flush,
                             boolean_t should_return, boolean_t should_iosync)
{
    if (object == NULL)
        return KERN_INVALID_ARGUMENT;
    if (size == 0)
        return KERN_SUCCESS;
    vm_sync_t flags = should_flush ? VM_SYNC_INVALIDATE : 0;
    if (should_return)
        flags |= should_iosync ? VM_SYNC_SYNCHRONOUS : VM_SYNC_ASYNCHRONOUS;
    return memory_object_sync(object, offset, size, flags);
}

kern_return_t vm_msync(vm_map_t map, vm_address_t address, vm_size_t size, vm_sync_t flags)
{
    const vm_sync_t both = VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS;
    uintptr_t at = page_trunc((uintptr_t)address), last = address + size;

    if (map == NULL || (flags & both) == both)
        return KERN_INVALID_ARGUMENT;
    if (last < address || last > page_trunc(UINTPTR_MAX))
        return KERN_INVALID_ADDRESS;
    uintptr_t end = size == 0 ? at : page_round(last);
    while (at < end) {
        struct vm_map_region region;
        kern_return_t kr = vm_map_region(map, at, &region);
        if (kr != KERN_SUCCESS || region.start > at) {
            if (kr == KERN_SUCCESS && region.object != NULL)
                vm_object_unref(region.object);
            return KERN_INVALID_ADDRESS;
        }
        uintptr_t to = MIN(end, region.start + region.size);
        if (region.object != NULL) { /* anonymous memory, private copies too, has no manager to be told */
            vm_offset_t offset = ((vm_offset_t)region.index << PAGE_SHIFT) + (at - region.start);
            kr = memory_object_sync(region.object, offset, to - at, flags);
            vm_object_unref(region.object);
        }
        if (kr != KERN_SUCCESS)
            return kr;
        at = to;
    }
    return KERN_SUCCESS;
}
