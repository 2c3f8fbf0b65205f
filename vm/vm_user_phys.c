/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory whose physical addresses matter, for drivers outside the kernel: where pages are, and wired memory that is
 * contiguous.
 *
 * A contiguous range is a block of the frame allocator, the smallest that holds it and is aligned as asked; what is too
 * much at its end is given back. The block's frames become pages of an ordinary anonymous object, wired through the
 * map: from then on they are freed one by one, like any others. The zones are tried from the highest one: scarce low
 * memory is used only when the limit asks for it.
 */
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_user.h"

kern_return_t vm_pages_phys(host_t host, vm_map_t map, vm_address_t address, vm_size_t size,
                            rpc_phys_addr_array_t *pages, mach_msg_type_number_t *count)
{
    mach_msg_type_number_t nr_pages = (mach_msg_type_number_t)(size >> PAGE_SHIFT);
    uint32_t bytes = nr_pages * (uint32_t)sizeof(rpc_phys_addr_t); /* at most 8 MiB */
    rpc_phys_addr_t *addresses = *pages;
    struct vm_map_copy *copy = NULL;

    if (host == NULL)
        return KERN_INVALID_HOST;
    if (map == NULL)
        return KERN_INVALID_TASK;
    if (!page_aligned(address) || !page_aligned(size) || address + size < address)
        return KERN_INVALID_ARGUMENT;
    if (nr_pages > *count) {
        addresses = kmem_alloc(bytes, ALLOC_THREAD);
        if (addresses == NULL)
            return KERN_RESOURCE_SHORTAGE;
        kern_return_t kr = vm_map_copyin_kernel(addresses, bytes, &copy);
        if (kr != KERN_SUCCESS) {
            kmem_free(addresses, bytes);
            return kr;
        }
        *pages = (rpc_phys_addr_array_t)copy;
    }
    *count = nr_pages;
    for (mach_msg_type_number_t i = 0; i < nr_pages; i++) {
        uintptr_t va = address + ((uintptr_t)i << PAGE_SHIFT);
        mutex_lock(&map->lock);
        struct vm_frame *frame = va < MACHINE_USER_END ? pmap_extract(map->pmap, va) : NULL;
        addresses[i] = frame != NULL ? vm_frame_phys(frame) : 0;
        mutex_unlock(&map->lock);
        preempt_point();
    }
    return KERN_SUCCESS;
}

/* ---- contiguous memory ---- */

/* What physical memory is wanted. */
struct vm_user_contiguous {
    uint32_t nr_pages;
    unsigned int order;         /* of the block: it is as large, and as aligned, as is wanted */
    rpc_phys_addr_t min, max;   /* it lies in [min, max) */
};

static void vm_user_free_frames(struct vm_frame *frame, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        vm_frame_free(&frame[i], 0);
}

/* The first frame of the range, or NULL. */
static struct vm_frame *vm_user_find_contiguous(const struct vm_user_contiguous *wanted)
{
    enum alloc how = (thread_alloc_level() & ALLOC_LEVEL_MASK) | ALLOC_NOSLEEP;

    for (int zone = VM_ZONE_HIGH; zone >= VM_ZONE_DMA; zone--) {
        struct vm_frame *frame = vm_frame_alloc(wanted->order, (enum vm_zone)zone, VM_FRAME_OBJECT, how);
        if (frame == NULL)
            continue;
        rpc_phys_addr_t start = vm_frame_phys(frame), size = (rpc_phys_addr_t)wanted->nr_pages << PAGE_SHIFT;
        if (start >= wanted->min && start + size <= wanted->max) {
            vm_user_free_frames(frame + wanted->nr_pages, (1u << wanted->order) - wanted->nr_pages);
            return frame;
        }
        vm_frame_free(frame, wanted->order);
    }
    return NULL;
}

/* An object of the frames, cleared; NULL, with the frames freed: no memory. */
static struct vm_object *vm_user_object_of_frames(struct vm_frame *frame, uint32_t nr_pages)
{
    struct vm_object *object = vm_object_create(nr_pages, ALLOC_THREAD);

    for (uint32_t i = 0; i < nr_pages; i++) {
        struct vm_page *page = object != NULL ? vm_page_create_placeholder(ALLOC_THREAD) : NULL;
        if (page == NULL) {
            vm_user_free_frames(frame + i, nr_pages - i);
            if (object != NULL)
                vm_object_unref(object);
            return NULL;
        }
        page->frame = frame + i;
        page->frame->nr_holders = 1;
        page->frame->pmap_bits &= (uint8_t)~(PMAP_REFERENCED | PMAP_MODIFIED); /* of its life before */
        page->dirty = true;
        pmap_frame_zero(page->frame);
        vm_object_lock(object);
        vm_page_insert(page, object, i);
        vm_page_activate(page);
        vm_object_unlock(object);
        preempt_point();
    }
    return object;
}

static kern_return_t vm_user_map_wired(struct vm_map *map, struct vm_object *object, uint32_t nr_pages,
                                       vm_address_t *address)
{
    struct vm_map_request request = {
        .address = map->min,
        .size = (uintptr_t)nr_pages << PAGE_SHIFT,
        .anywhere = true,
        .object = object,
        .protection = VM_PROT_DEFAULT,
        .max_protection = VM_PROT_ALL,
        .inheritance = VM_INHERIT_DEFAULT,
    };
    kern_return_t kr = vm_map_enter(map, &request);

    if (kr != KERN_SUCCESS) {
        vm_object_unref(object);
        return kr;
    }
    kr = vm_map_wire(map, request.address, request.address + request.size, VM_PROT_DEFAULT);
    if (kr != KERN_SUCCESS)
        vm_map_remove(map, request.address, request.address + request.size);
    else
        *address = request.address;
    return kr;
}

kern_return_t vm_allocate_contiguous(host_t host, vm_map_t map, vm_address_t *address, rpc_phys_addr_t *physical,
                                     vm_size_t size, rpc_phys_addr_t pmin, rpc_phys_addr_t pmax, rpc_phys_addr_t palign)
{
    struct vm_user_contiguous wanted = {.nr_pages = (uint32_t)(page_round(size) >> PAGE_SHIFT), .min = pmin, .max = pmax};

    if (host == NULL)
        return KERN_INVALID_HOST;
    if (map == NULL)
        return KERN_INVALID_TASK;
    if (wanted.nr_pages == 0 || (palign & (palign - 1)) != 0 || pmax <= pmin)
        return KERN_INVALID_ARGUMENT;
    /* A block begins at a multiple of its size. */
    while (wanted.order <= VM_FRAME_ORDER_MAX &&
           ((1u << wanted.order) < wanted.nr_pages || ((rpc_phys_addr_t)PAGE_SIZE << wanted.order) < palign))
        wanted.order++;
    if (wanted.order > VM_FRAME_ORDER_MAX)
        return KERN_RESOURCE_SHORTAGE;
    struct vm_frame *frame = vm_user_find_contiguous(&wanted);
    if (frame == NULL)
        return KERN_RESOURCE_SHORTAGE;
    rpc_phys_addr_t start = vm_frame_phys(frame);
    struct vm_object *object = vm_user_object_of_frames(frame, wanted.nr_pages);
    if (object == NULL)
        return KERN_RESOURCE_SHORTAGE;
    kern_return_t kr = vm_user_map_wired(map, object, wanted.nr_pages, address);
    if (kr == KERN_SUCCESS)
        *physical = start;
    return kr;
}
