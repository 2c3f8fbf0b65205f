/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A proxy is a kernel port and the view that it gives. A proxy of a proxy is made from that one's view, so none leads to
 * another. It asks for the no-senders notification of its own port, which ends it.
 */
#include "vm/memory_object_proxy.h"

#include <mach/mach_types.h>

#include "ipc/ipc_notify.h"
#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/reaper.h"
#include "kernel/task.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"

#include "mig/mach4_server.h"

/* An object of 4 GiB, as offsets go. */
#define MEMORY_OBJECT_VIEW_WHOLE (1ull << 32)

struct memory_object_proxy {
    struct ipc_port *port;      /* the kernel's receive right */
    struct memory_object_view view;
    struct reaper_item reap;
};

static struct kmem_cache memory_object_proxy_cache;

void memory_object_proxy_init(void)
{
    kmem_cache_init(&memory_object_proxy_cache, "memory_object_proxy", sizeof(struct memory_object_proxy), 0);
}

/* ---- views ---- */

/* The same once more, with rights of its own. */
static void memory_object_view_copy(struct memory_object_view *to, const struct memory_object_view *from)
{
    *to = *from;
    if (to->port != NULL)
        to->port = ipc_port_copy_send(from->port);
    else
        vm_object_ref(to->object);
}

void memory_object_view_release(struct memory_object_view *view)
{
    if (view->port != NULL)
        ipc_port_release_send(view->port);
    else
        vm_object_unref(view->object);
}

kern_return_t memory_object_view(struct ipc_port *port, struct memory_object_view *view)
{
    bool proxy = false;

    if (!IP_VALID(port))
        return KERN_INVALID_ARGUMENT;
    *view = (struct memory_object_view){.size = MEMORY_OBJECT_VIEW_WHOLE, .max_protection = VM_PROT_ALL};
    ipc_port_lock(port);
    if (ipc_port_active(port) && port->kobject_type == IKOT_PAGER_PROXY) {
        /* The caller's right keeps the proxy. Its view's port is another, and locked only after ours is unlocked. */
        *view = ((const struct memory_object_proxy *)port->kobject)->view;
        proxy = true;
    }
    ipc_port_unlock(port);
    if (proxy)
        memory_object_view_copy(view, view);
    else
        view->port = ipc_port_copy_send(port);
    return view->port == IP_DEAD ? KERN_INVALID_ARGUMENT : KERN_SUCCESS;
}

/* ---- proxies ---- */

static void memory_object_proxy_free(struct reaper_item *item)
{
    struct memory_object_proxy *proxy = container_of(item, struct memory_object_proxy, reap);

    ipc_port_dealloc_kernel(proxy->port);
    memory_object_view_release(&proxy->view);
    kmem_cache_free(&memory_object_proxy_cache, proxy);
}

void memory_object_proxy_no_senders(struct ipc_port *port)
{
    struct memory_object_proxy *proxy = NULL;

    ipc_port_lock(port);
    if (ipc_port_active(port) && port->kobject_type == IKOT_PAGER_PROXY) {
        proxy = port->kobject;
        port->kobject = NULL;
        port->kobject_type = IKOT_NONE;
    }
    ipc_port_unlock(port);
    if (proxy == NULL)
        return;
    proxy->reap.function = memory_object_proxy_free;
    reaper_queue(&proxy->reap);
}

/* A port that shows view, which becomes its own if it succeeds; *port gets a send right. */
static kern_return_t memory_object_proxy_create(const struct memory_object_view *view, struct ipc_port **port)
{
    struct memory_object_proxy *proxy = kmem_cache_alloc(&memory_object_proxy_cache, ALLOC_THREAD);
    struct ipc_request *request = NULL;

    if (proxy == NULL)
        return KERN_RESOURCE_SHORTAGE;
    *proxy = (struct memory_object_proxy){.port = ipc_port_alloc_kernel(), .view = *view};
    if (proxy->port != NULL)
        request = ipc_request_create(ipc_port_make_sonce(proxy->port), ALLOC_THREAD);
    if (request == NULL) {
        if (proxy->port != NULL)
            ipc_port_dealloc_kernel(proxy->port);
        kmem_cache_free(&memory_object_proxy_cache, proxy);
        return KERN_RESOURCE_SHORTAGE;
    }
    *port = ipc_port_make_send(proxy->port);
    ipc_port_lock(proxy->port);
    proxy->port->nsrequest = request;
    ipc_port_unlock(proxy->port);
    ipc_kobject_set(proxy->port, proxy, IKOT_PAGER_PROXY);
    return KERN_SUCCESS;
}

/* Narrows view to [start, start + size) of it; false: it does not show all of that. */
static bool memory_object_view_narrow(struct memory_object_view *view, vm_offset_t start, uint64_t size, vm_prot_t prot)
{
    if (start > view->size || size > view->size - start)
        return false;
    view->first += start >> PAGE_SHIFT;
    view->size = size;
    view->max_protection &= prot;
    return true;
}

kern_return_t memory_object_create_proxy(ipc_space_t space, vm_prot_t max_protection, const memory_object_array_t object,
                                         mach_msg_type_number_t objectCnt, const vm_offset_array_t offset,
                                         mach_msg_type_number_t offsetCnt, const vm_offset_array_t start,
                                         mach_msg_type_number_t startCnt, const vm_size_array_t len,
                                         mach_msg_type_number_t lenCnt, ipc_port_t *proxy)
{
    struct memory_object_view view;

    if (space == NULL)
        return KERN_INVALID_TASK;
    if (objectCnt != 1 || offsetCnt != 1 || startCnt != 1 || lenCnt != 1)
        return KERN_INVALID_ARGUMENT; /* one object, and at the proxy's start: as on GNU Mach */
    if (!IP_VALID((struct ipc_port *)(uintptr_t)object[0]))
        return KERN_INVALID_NAME;
    if (offset[0] != 0 || !page_aligned(start[0]) || (max_protection & ~VM_PROT_ALL) != 0)
        return KERN_INVALID_ARGUMENT;
    kern_return_t kr = memory_object_view((struct ipc_port *)(uintptr_t)object[0], &view);
    if (kr != KERN_SUCCESS)
        return kr;
    kr = KERN_INVALID_ARGUMENT;
    if (memory_object_view_narrow(&view, start[0], len[0], max_protection))
        kr = memory_object_proxy_create(&view, proxy);
    if (kr != KERN_SUCCESS)
        memory_object_view_release(&view);
    else
        ipc_port_release_send((struct ipc_port *)(uintptr_t)object[0]);
    return kr;
}

kern_return_t vm_region_create_proxy(task_t task, vm_address_t address, vm_prot_t max_protection, vm_size_t len,
                                     ipc_port_t *proxy)
{
    uintptr_t start = page_trunc((uintptr_t)address), end = page_round((uintptr_t)address + len);
    struct vm_map_region region;

    if (task == NULL || (max_protection & ~VM_PROT_ALL) != 0 || len == 0 || end <= start)
        return KERN_INVALID_ARGUMENT;
    kern_return_t kr = vm_map_share(task->map, start, end, &region);
    if (kr != KERN_SUCCESS)
        return kr;
    struct memory_object_view view = {
        .object = region.object,
        .first = region.index,
        .size = end - start,
        .max_protection = max_protection & region.max_protection,
    };
    kr = memory_object_proxy_create(&view, proxy);
    if (kr != KERN_SUCCESS)
        memory_object_view_release(&view);
    return kr;
}
