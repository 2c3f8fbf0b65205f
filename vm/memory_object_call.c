/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What managers say: ready, attributes, data, no data, errors, destroy.
 *
 * A supply fills pages that were asked for, or puts pages in before anybody asked. It is refused from the first page that is
 * there already, or whose return is queued and not yet received: such data is older than what the manager is about to get.
 * Frames of the supplied memory move into the object where nobody else has them; otherwise bytes are copied.
 */
#include "vm/memory_object_call.h"

#include "ipc/ipc_kmsg.h"
#include "ipc/ipc_port.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/memory_object_message.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

static bool memory_object_strategy_valid(memory_object_copy_strategy_t strategy)
{
    return strategy == MEMORY_OBJECT_COPY_NONE || strategy == MEMORY_OBJECT_COPY_CALL ||
           strategy == MEMORY_OBJECT_COPY_DELAY || strategy == MEMORY_OBJECT_COPY_TEMPORARY;
}

/* The object's conversation, if it goes on; the object is locked then. */
static struct memory_object *memory_object_lock_live(struct vm_object *object)
{
    if (object == NULL)
        return NULL;
    vm_object_lock(object);
    struct memory_object *pager = object->pager;
    if (pager != NULL && !pager->over && !pager->dead)
        return pager;
    vm_object_unlock(object);
    return NULL;
}

/* ready and change_attributes; the object is locked. */
static void memory_object_set_attributes(struct memory_object *pager, bool may_cache,
                                         memory_object_copy_strategy_t strategy)
{
    struct vm_object *object = pager->object;

    if (strategy == MEMORY_OBJECT_COPY_TEMPORARY) {
        object->temporary = true;
        strategy = MEMORY_OBJECT_COPY_DELAY;
    }
    object->copy_strategy = strategy;
    object->can_persist = may_cache;
    pager->may_cache = may_cache;
    if (!pager->ready) {
        pager->ready = true;
        if (!memory_object_ask_all(pager))
            memory_object_work_later(pager);
    }
    if (pager->cached && !may_cache)
        memory_object_begin_end(pager);
}

kern_return_t memory_object_ready(vm_object_t object, boolean_t may_cache, memory_object_copy_strategy_t strategy)
{
    if (!memory_object_strategy_valid(strategy))
        return KERN_INVALID_ARGUMENT;
    struct memory_object *pager = memory_object_lock_live(object);
    if (pager == NULL)
        return KERN_INVALID_ARGUMENT;
    memory_object_set_attributes(pager, may_cache != FALSE, strategy);
    vm_object_unlock(object);
    return KERN_SUCCESS;
}

kern_return_t memory_object_change_attributes(vm_object_t object, boolean_t may_cache,
                                              memory_object_copy_strategy_t strategy, ipc_port_t reply_to,
                                              mach_msg_type_name_t reply_type)
{
    struct ipc_kmsg *reply;

    if (!memory_object_strategy_valid(strategy) || !memory_object_reply_valid(reply_type))
        return KERN_INVALID_ARGUMENT;
    if (!memory_object_reply_alloc(reply_to, &reply))
        return KERN_RESOURCE_SHORTAGE;
    struct memory_object *pager = memory_object_lock_live(object);
    if (pager == NULL) {
        if (reply != NULL)
            ipc_kmsg_free(reply);
        return KERN_INVALID_ARGUMENT;
    }
    memory_object_send_change_completed(reply, reply_to, reply_type, may_cache != FALSE, strategy);
    memory_object_set_attributes(pager, may_cache != FALSE, strategy);
    vm_object_unlock(object);
    return KERN_SUCCESS;
}

kern_return_t memory_object_get_attributes(vm_object_t object, boolean_t *ready, boolean_t *may_cache,
                                           memory_object_copy_strategy_t *strategy)
{
    if (object == NULL)
        return KERN_INVALID_ARGUMENT;
    vm_object_lock(object);
    *ready = object->pager != NULL && object->pager->ready;
    *may_cache = object->can_persist;
    *strategy = object->copy_strategy;
    vm_object_unlock(object);
    return KERN_SUCCESS;
}

kern_return_t machair_memory_object_set_paging(vm_object_t object, vm_size_t size, vm_behavior_t behavior)
{
    if (size == 0 || !page_aligned(size) || size > VM_CLUSTER_MOST * PAGE_SIZE || behavior < VM_BEHAVIOR_DEFAULT ||
        behavior > VM_BEHAVIOR_RSEQNTL)
        return KERN_INVALID_ARGUMENT;
    struct memory_object *pager = memory_object_lock_live(object);
    if (pager == NULL)
        return KERN_INVALID_ARGUMENT;
    vm_cluster_set(&pager->cluster, size >> PAGE_SHIFT, behavior);
    vm_object_unlock(object);
    return KERN_SUCCESS;
}

kern_return_t machair_memory_object_get_paging(vm_object_t object, vm_size_t *size, vm_behavior_t *behavior)
{
    struct memory_object *pager = memory_object_lock_live(object);

    if (pager == NULL)
        return KERN_INVALID_ARGUMENT;
    *size = (vm_size_t)pager->cluster.most << PAGE_SHIFT;
    *behavior = pager->cluster.behavior;
    vm_object_unlock(object);
    return KERN_SUCCESS;
}

/* ---- data ---- */

/*
 * Whether data that nobody waits for may become pages of an object now: not while the ordinary level is short, since the
 * manager made them of its credit, which is for giving frames back.
 */
static bool memory_object_supply_affordable(void)
{
    const struct thread *self = current_thread();

    return self->wired_privileged || self->kernel_daemon || vm_frame_plenty(ALLOC_ORDINARY);
}

/* Whether the manager may put data at index now; *there is the place-holder that waits for it, or NULL. Locked. */
static kern_return_t memory_object_supply_wanted(struct memory_object *pager, uint32_t index, struct vm_page **there)
{
    *there = vm_page_lookup(pager->object, index);
    if ((*there != NULL && !(*there)->absent) || index >= pager->object->nr_pages || vm_run_covers(pager, index))
        return KERN_MEMORY_PRESENT;
    return *there != NULL || memory_object_supply_affordable() ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

/* A page, in no object, with the data at offset of copy: its own, moved, or a copy of the bytes. NULL: *kr says why. */
static struct vm_page *memory_object_supply_take(struct vm_map_copy *copy, uint32_t offset, kern_return_t *kr)
{
    struct vm_page *page = vm_map_copy_steal_page(copy, offset);

    if (page != NULL)
        return page;
    page = vm_page_create(ALLOC_THREAD);
    if (page == NULL) {
        *kr = KERN_RESOURCE_SHORTAGE;
        return NULL;
    }
    *kr = vm_map_copy_read_frame(copy, offset, page->frame);
    if (*kr != KERN_SUCCESS) {
        vm_page_destroy(page);
        return NULL;
    }
    return page;
}

/* Puts page, with its data, at index; there is the place-holder or NULL. The object is locked. */
static void memory_object_supply_put(struct memory_object *pager, uint32_t index, struct vm_page *page,
                                     struct vm_page *there, vm_prot_t lock_value, bool precious)
{
    if (there != NULL) {
        list_remove(&there->queue_node); /* if its request was still to be sent */
        there->frame = page->frame;
        page->frame = NULL;
        vm_page_destroy(page);
        page = there;
    } else {
        vm_page_insert(page, pager->object, index);
    }
    page->absent = false;
    page->error = false;
    page->dirty = false;
    page->precious = precious;
    page->unlock_asked = 0;
    page->lock_prot = lock_value == VM_PROT_NO_CHANGE ? VM_PROT_NONE : (uint8_t)lock_value;
    page->frame->pmap_bits &= (uint8_t)~(PMAP_MODIFIED | PMAP_REFERENCED); /* from its life in the manager's memory */
    bool wanted = page->wanted;
    vm_page_done(page);
    if (wanted)
        vm_page_activate(page);
    else
        vm_page_deactivate(page); /* nobody waits for it: it has yet to show that it is of use */
}

static kern_return_t memory_object_supply_page(struct vm_object *object, uint32_t index, struct vm_map_copy *copy,
                                               uint32_t offset, vm_prot_t lock_value, bool precious)
{
    struct vm_page *there, *page;

    struct memory_object *pager = memory_object_lock_live(object);
    if (pager == NULL)
        return KERN_INVALID_ARGUMENT;
    kern_return_t kr = memory_object_supply_wanted(pager, index, &there);
    vm_object_unlock(object);
    if (kr != KERN_SUCCESS)
        return kr;
    page = memory_object_supply_take(copy, offset, &kr);
    if (page == NULL)
        return kr;
    /* The object was unlocked: look again. */
    pager = memory_object_lock_live(object);
    if (pager == NULL) {
        vm_page_destroy(page);
        return KERN_INVALID_ARGUMENT;
    }
    kr = memory_object_supply_wanted(pager, index, &there);
    if (kr == KERN_SUCCESS)
        memory_object_supply_put(pager, index, page, there, lock_value, precious);
    vm_object_unlock(object);
    if (kr != KERN_SUCCESS)
        vm_page_destroy(page);
    return kr;
}

kern_return_t memory_object_data_supply(vm_object_t object, vm_offset_t offset, vm_offset_t data,
                                        mach_msg_type_number_t size, vm_prot_t lock_value, boolean_t precious,
                                        ipc_port_t reply_to, mach_msg_type_name_t reply_type)
{
    struct vm_map_copy *copy = (struct vm_map_copy *)data;
    kern_return_t kr = KERN_SUCCESS, page_kr;
    struct ipc_kmsg *reply;
    uint32_t done, failed = 0;

    if (object == NULL || object->pager == NULL || !memory_object_reply_valid(reply_type))
        return KERN_INVALID_ARGUMENT;
    if (lock_value != VM_PROT_NO_CHANGE && (lock_value & ~VM_PROT_ALL) != 0)
        return KERN_INVALID_ARGUMENT;
    if (!page_aligned(offset) || (size != 0 && offset + (size - 1) < offset)) /* an object may end at 4 GiB */
        return KERN_INVALID_ARGUMENT;
    if (!memory_object_reply_alloc(reply_to, &reply))
        return KERN_RESOURCE_SHORTAGE;

    /* What is passed over for shortage is waited for by nobody; somebody may wait for what is behind it. */
    for (done = 0; done < size; done += MIN(PAGE_SIZE, size - done)) {
        page_kr = memory_object_supply_page(object, (uint32_t)((offset + done) >> PAGE_SHIFT), copy, done, lock_value,
                                            precious != FALSE);
        if (page_kr != KERN_SUCCESS && kr == KERN_SUCCESS) {
            kr = page_kr;
            failed = done;
        }
        if (page_kr != KERN_SUCCESS && page_kr != KERN_RESOURCE_SHORTAGE)
            break;
    }
    vm_map_copy_destroy(copy);

    vm_object_lock(object);
    struct memory_object *pager = object->pager;
    bool over = pager == NULL || pager->over;
    if (!over)
        memory_object_send_supply_completed(reply, reply_to, reply_type, pager, offset, size, kr,
                                            kr == KERN_SUCCESS ? 0 : offset + failed);
    vm_object_unlock(object);
    if (over) {
        memory_object_drop_reply(reply_to, reply_type);
        if (reply != NULL)
            ipc_kmsg_free(reply);
    }
    return KERN_SUCCESS; /* the data and the right are gone: a failure is told in the reply */
}

/*
 * Answers every request in the range with no data (error 0: zeroes, or the shadow's) or an error. But for pages whose return
 * is queued and not received yet: the manager said it without knowing of that, and will see the request behind the return.
 */
static kern_return_t memory_object_no_data(struct vm_object *object, vm_offset_t offset, vm_size_t size, bool error)
{
    uint32_t index = (uint32_t)(offset >> PAGE_SHIFT);
    uint32_t end = (uint32_t)(((uint64_t)offset + size + PAGE_MASK) >> PAGE_SHIFT);
    struct vm_page *page;

    struct memory_object *pager = memory_object_lock_live(object);
    if (pager == NULL)
        return KERN_INVALID_ARGUMENT;
    while ((page = vm_page_lookup_from(object, index)) != NULL && page->index < end) {
        index = page->index + 1;
        if (!page->absent || !page->busy || vm_run_covers(pager, page->index))
            continue;
        list_remove(&page->queue_node);
        if (error) {
            page->absent = false;
            page->error = true;
        }
        vm_page_done(page); /* absent and not busy: the fault fills it */
    }
    vm_object_unlock(object);
    return KERN_SUCCESS;
}

kern_return_t memory_object_data_unavailable(vm_object_t object, vm_offset_t offset, vm_size_t size)
{
    return memory_object_no_data(object, offset, size, false);
}

kern_return_t memory_object_data_error(vm_object_t object, vm_offset_t offset, vm_size_t size, kern_return_t error)
{
    (void)error; /* as on GNU Mach, every error is a memory failure to who touches the page */
    return memory_object_no_data(object, offset, size, true);
}

kern_return_t memory_object_destroy(vm_object_t object, kern_return_t reason)
{
    (void)reason;
    struct memory_object *pager = memory_object_lock_live(object);
    if (pager == NULL)
        return KERN_INVALID_ARGUMENT;
    memory_object_die(pager, true);
    if (!pager->ending && !memory_object_finish(pager))
        memory_object_work_later(pager); /* the worker ends it with the last user */
    vm_object_unlock(object);
    return KERN_SUCCESS;
}
