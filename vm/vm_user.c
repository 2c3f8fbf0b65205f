/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls on address spaces: what users ask for, checked and handed to the map.
 *
 * Every range goes through vm_user_range, which widens it to pages and refuses what would wrap around, so that no sum of a
 * user's numbers can turn a large range into a small one that succeeds.
 */
#include "vm/vm_user.h"

#include "kernel/machine.h"
#include "vm/memory_object.h"
#include "vm/memory_object_proxy.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"

/* The last page that an object can have, and one. */
#define VM_USER_OBJECT_PAGES 0x100000u

/* The pages of a user's range; false: it reaches beyond the last address. An empty one is at its address. */
static bool vm_user_range(vm_address_t address, vm_size_t size, uintptr_t *start, uintptr_t *end)
{
    uintptr_t last = address + size;

    if (last < address || last > page_trunc(UINTPTR_MAX))
        return false;
    *start = page_trunc((uintptr_t)address);
    *end = size == 0 ? *start : page_round(last);
    return true;
}

static bool vm_user_inheritance_valid(vm_inherit_t inheritance)
{
    return inheritance == VM_INHERIT_SHARE || inheritance == VM_INHERIT_COPY || inheritance == VM_INHERIT_NONE;
}

/* ---- making and removing ---- */

kern_return_t vm_allocate(vm_map_t map, vm_address_t *address, vm_size_t size, boolean_t anywhere)
{
    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    if (size == 0) {
        *address = 0;
        return KERN_SUCCESS;
    }
    struct vm_map_request request = {
        .address = anywhere ? map->min : page_trunc((uintptr_t)*address),
        .size = page_round((uintptr_t)size), /* wraps to 0, which is refused */
        .anywhere = anywhere != FALSE,
        .protection = VM_PROT_DEFAULT,
        .max_protection = VM_PROT_ALL,
        .inheritance = VM_INHERIT_DEFAULT,
    };
    kern_return_t kr = vm_map_enter(map, &request);
    if (kr == KERN_SUCCESS)
        *address = request.address;
    return kr;
}

kern_return_t vm_deallocate(vm_map_t map, vm_address_t address, vm_size_t size)
{
    uintptr_t start, end;

    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    if (size == 0)
        return KERN_SUCCESS;
    if (!vm_user_range(address, size, &start, &end))
        return KERN_INVALID_ADDRESS;
    return vm_map_remove(map, start, end);
}

/* The object of a view, with a reference. */
static kern_return_t vm_user_view_object(const struct memory_object_view *view, struct vm_object **object)
{
    if (view->port != NULL)
        return memory_object_enter(view->port, object);
    vm_object_ref(view->object);
    *object = view->object;
    return KERN_SUCCESS;
}

/* What vm_map maps: request->object gets a reference, or is NULL for zeroes; index and maximum protection are narrowed. */
static kern_return_t vm_user_object(ipc_port_t memory_object, bool copy, struct vm_map_request *request)
{
    uint32_t nr_pages = (uint32_t)(request->size >> PAGE_SHIFT), copied_index;
    struct memory_object_view view;
    struct vm_object *original, *copied;

    if (memory_object == IP_NULL)
        return KERN_SUCCESS;
    if (nr_pages > VM_USER_OBJECT_PAGES - request->index)
        return KERN_INVALID_ARGUMENT;
    kern_return_t kr = memory_object_view(memory_object, &view);
    if (kr != KERN_SUCCESS)
        return kr;
    if (((uint64_t)request->index + nr_pages) << PAGE_SHIFT > view.size)
        kr = KERN_INVALID_ARGUMENT;
    else
        kr = vm_user_view_object(&view, &original);
    memory_object_view_release(&view);
    if (kr != KERN_SUCCESS)
        return kr;
    request->index += view.first;
    request->max_protection &= view.max_protection;
    request->protection &= view.max_protection; /* as on GNU Mach: no error, but rights that are not there */
    if (!copy) {
        request->object = original;
        return KERN_SUCCESS;
    }
    kr = vm_object_copy(original, request->index, nr_pages, &copied, &copied_index);
    vm_object_unref(original);
    if (kr != KERN_SUCCESS)
        return kr;
    request->object = copied;
    request->index = copied_index;
    return KERN_SUCCESS;
}

kern_return_t vm_map(vm_map_t map, vm_address_t *address, vm_size_t size, vm_address_t mask, boolean_t anywhere,
                     ipc_port_t memory_object, vm_offset_t offset, boolean_t copy, vm_prot_t protection,
                     vm_prot_t max_protection, vm_inherit_t inheritance)
{
    struct vm_map_request request = {
        .address = page_trunc((uintptr_t)*address),
        .size = page_round((uintptr_t)size),
        .mask = mask,
        .anywhere = anywhere != FALSE,
        .index = (uint32_t)(offset >> PAGE_SHIFT),
        .needs_copy = copy != FALSE,
        .protection = protection,
        .max_protection = max_protection,
        .inheritance = inheritance,
    };

    if (map == NULL || (protection & ~VM_PROT_ALL) != 0 || (max_protection & ~VM_PROT_ALL) != 0 ||
        (protection & ~max_protection) != 0 || !vm_user_inheritance_valid(inheritance))
        return KERN_INVALID_ARGUMENT;
    if (request.size == 0 || !page_aligned(offset))
        return KERN_INVALID_ARGUMENT;
    kern_return_t kr = vm_user_object(memory_object, copy != FALSE, &request);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = vm_map_enter(map, &request);
    if (kr != KERN_SUCCESS) {
        if (request.object != NULL)
            vm_object_unref(request.object);
        return kr;
    }
    *address = request.address;
    ipc_port_release_send(memory_object); /* the object has rights of its own */
    return KERN_SUCCESS;
}

/* ---- changing ---- */

kern_return_t vm_protect(vm_map_t map, vm_address_t address, vm_size_t size, boolean_t set_maximum, vm_prot_t prot)
{
    uintptr_t start, end;

    if (map == NULL || (prot & ~(VM_PROT_ALL | VM_PROT_NOTIFY)) != 0)
        return KERN_INVALID_ARGUMENT;
    if (!vm_user_range(address, size, &start, &end))
        return KERN_INVALID_ADDRESS;
    return vm_map_protect(map, start, end, prot & VM_PROT_ALL, set_maximum != FALSE);
}

kern_return_t vm_inherit(vm_map_t map, vm_address_t address, vm_size_t size, vm_inherit_t inheritance)
{
    uintptr_t start, end;

    if (map == NULL || !vm_user_inheritance_valid(inheritance))
        return KERN_INVALID_ARGUMENT;
    if (!vm_user_range(address, size, &start, &end))
        return KERN_INVALID_ADDRESS;
    return vm_map_inherit(map, start, end, inheritance);
}

kern_return_t vm_machine_attribute(vm_map_t map, vm_address_t address, vm_size_t size, vm_machine_attribute_t attribute,
                                   vm_machine_attribute_val_t *value)
{
    uintptr_t start, end;

    (void)attribute, (void)value;
    if (map == NULL || !vm_user_range(address, size, &start, &end) || start < map->min || end > map->max)
        return KERN_INVALID_ARGUMENT;
    /* Caches of this machine keep themselves coherent: no range has an attribute that could be read or set. */
    return KERN_INVALID_ADDRESS;
}

/* ---- copying ---- */

kern_return_t vm_read(vm_map_t map, vm_address_t address, vm_size_t size, vm_offset_t *data,
                      mach_msg_type_number_t *count)
{
    struct vm_map_copy *copy;

    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    kern_return_t kr = vm_map_copyin(map, address, (uint32_t)size, false, &copy);
    if (kr != KERN_SUCCESS)
        return kr;
    *data = (vm_offset_t)copy;
    *count = (mach_msg_type_number_t)size;
    return KERN_SUCCESS;
}

kern_return_t vm_write(vm_map_t map, vm_address_t address, vm_offset_t data, mach_msg_type_number_t count)
{
    (void)count; /* the copy knows */
    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    return vm_map_copy_overwrite(map, address, (struct vm_map_copy *)data);
}

kern_return_t vm_copy(vm_map_t map, vm_address_t source, vm_size_t size, vm_address_t target)
{
    struct vm_map_copy *copy;

    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    kern_return_t kr = vm_map_copyin(map, source, (uint32_t)size, false, &copy);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = vm_map_copy_overwrite(map, target, copy);
    if (kr != KERN_SUCCESS)
        vm_map_copy_destroy(copy);
    return kr;
}

/* ---- looking ---- */

kern_return_t vm_region(vm_map_t map, vm_address_t *address, vm_size_t *size, vm_prot_t *protection,
                        vm_prot_t *max_protection, vm_inherit_t *inheritance, boolean_t *is_shared, ipc_port_t *name,
                        vm_offset_t *offset)
{
    struct vm_map_region region;

    if (map == NULL)
        return KERN_INVALID_ARGUMENT;
    kern_return_t kr = vm_map_region(map, *address, &region);
    if (kr != KERN_SUCCESS)
        return kr;
    *address = region.start;
    *size = region.size;
    *protection = region.protection;
    *max_protection = region.max_protection;
    *inheritance = region.inheritance;
    *is_shared = region.is_shared;
    *offset = (vm_offset_t)region.index << PAGE_SHIFT;
    *name = IP_NULL;
    if (region.object != NULL) {
        *name = memory_object_name_of(region.object);
        vm_object_unref(region.object);
    }
    return KERN_SUCCESS;
}
