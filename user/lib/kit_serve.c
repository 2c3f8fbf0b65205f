/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pager kit's receiving thread: takes messages apart and makes jobs of them.
 *
 * It alone receives, so the jobs of an object stand in the order of its messages, and it alone takes objects out of the
 * table, so that it never has an object in its hand that is gone. It runs nothing of the author's, and it waits for nothing
 * but messages, short locks, and memory for records.
 *
 * Whoever can map an object has a send right to its port, and can send it anything. Messages count only if they name the
 * control port of the kernel that mapped the object first; the rest is given up. Each message brings one more reference to
 * the control port's send right: the kernel stops counting at its limit, and termination ends them all, so none is given
 * back one by one.
 */
#include <mach/mig_support.h>
#include <mach/vm_behavior.h>
#include <pager.h>

#include "kit_job.h"
#include "mig/kit_memory_object_server.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "mig/machair_user.h"

/* MIG declares it nowhere. */
pager_server_t kit_memory_object_server;

/* The whole object: a page less than 4 GiB. */
#define KIT_ALL ((vm_size_t)-KIT_PAGE_SIZE)

/* The object of this port, or NULL. */
static struct kit_object *kit_serve_lookup(mach_port_t port)
{
    struct kit *kit = uthread_self()->argument;
    struct kit_object *object;

    kit_lock(kit);
    for (object = kit->buckets[port % KIT_BUCKETS]; object != NULL && object->port != port;)
        object = object->next;
    kit_unlock(kit);
    return object;
}

/* The object, when the message is its kernel's and its range is of pages; otherwise the right to control is given up. */
static struct kit_object *kit_serve_checked(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_size_t size)
{
    struct kit_object *object = kit_serve_lookup(port);

    if (object != NULL && control == object->control && MACH_PORT_VALID(control)) {
        if (offset % KIT_PAGE_SIZE == 0 && size % KIT_PAGE_SIZE == 0 && size > 0 && size <= KIT_ALL - offset)
            return object;
        return NULL;
    }
    if (MACH_PORT_VALID(control))
        (void)mach_port_deallocate(uthread_task(), control);
    return NULL;
}

/* ---- the conversation's beginning and end ---- */

kern_return_t kit_memory_object_init(mach_port_t port, mach_port_seqno_t seqno, mach_port_t control, mach_port_t name,
                                     vm_size_t page_size)
{
    struct kit_object *object = kit_serve_lookup(port);

    if (object == NULL || object->control != MACH_PORT_NULL || page_size != KIT_PAGE_SIZE) {
        if (MACH_PORT_VALID(control))
            (void)mach_port_deallocate(uthread_task(), control);
        if (MACH_PORT_VALID(name))
            (void)mach_port_deallocate(uthread_task(), name);
        return KERN_SUCCESS;
    }
    const struct kit_attributes *attributes = &object->attributes;
    kit_lock(object->kit);
    object->control = control;
    object->name = name;
    kit_unlock(object->kit);
    /* A kernel that does not know these calls asks for single pages, and its vm_msync() waits for no manager. */
    if (attributes->request_size != 0)
        (void)machair_memory_object_set_paging(control, attributes->request_size, attributes->behavior);
    if (attributes->synchronize)
        (void)machair_memory_object_set_synchronize(control, TRUE);
    return memory_object_ready(control, attributes->may_cache, attributes->copy_strategy);
}

void kit_serve_answered_locked(struct kit_object *object)
{
    struct kit_waiter *waiter = object->waiters;

    if (waiter != NULL && waiter->begun && !waiter->answered) {
        waiter->answered = true;
        kit_job_add_locked(&waiter->job);
    }
}

/* The rights that come are the receive rights of the object's own control and name port, or somebody made them up. */
kern_return_t kit_memory_object_terminate(mach_port_t port, mach_port_seqno_t seqno, mach_port_t control, mach_port_t name)
{
    struct kit_object *object = kit_serve_lookup(port);

    if (object == NULL || control != object->control || !MACH_PORT_VALID(control)) {
        if (MACH_PORT_VALID(control))
            (void)mach_port_destroy(uthread_task(), control);
        if (MACH_PORT_VALID(name))
            (void)mach_port_destroy(uthread_task(), name);
        return KERN_SUCCESS;
    }
    struct kit_job *job = kit_job_new(object, KIT_JOB_TERMINATE, control, 0, KIT_ALL);
    job->name = name;
    kit_lock(object->kit);
    object->control = object->name = MACH_PORT_NULL;
    kit_job_add_locked(job);
    kit_serve_answered_locked(object);
    kit_unlock(object->kit);
    return KERN_SUCCESS;
}

/* ---- data ---- */

kern_return_t kit_memory_object_data_request(mach_port_t port, mach_port_seqno_t seqno, mach_port_t control,
                                             vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    struct kit_object *object = kit_serve_checked(port, control, offset, length);

    if (object != NULL) {
        struct kit_job *job = kit_job_new(object, KIT_JOB_READ, control, offset, length);

        job->access = access;
        kit_job_add(job);
    }
    return KERN_SUCCESS;
}

kern_return_t kit_memory_object_data_unlock(mach_port_t port, mach_port_seqno_t seqno, mach_port_t control,
                                            vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
    struct kit_object *object = kit_serve_checked(port, control, offset, length);

    if (object != NULL) {
        struct kit_job *job = kit_job_new(object, KIT_JOB_UNLOCK, control, offset, length);

        job->access = access;
        kit_job_add(job);
    }
    return KERN_SUCCESS;
}

/* A longer run than a job may have becomes several jobs, each with its part of the memory. */
kern_return_t kit_memory_object_data_return(mach_port_t port, mach_port_seqno_t seqno, mach_port_t control,
                                            vm_offset_t offset, vm_offset_t data, mach_msg_type_number_t length,
                                            boolean_t dirty, boolean_t kernel_copy)
{
    struct kit_object *object = kit_serve_checked(port, control, offset, length);

    if (object == NULL)
        return length == 0 ? KERN_SUCCESS : vm_deallocate(uthread_task(), data, length);
    for (vm_size_t done = 0, part; done < length; done += part) {
        part = length - done < KIT_RUN_MAX ? length - done : KIT_RUN_MAX;
        struct kit_job *job = kit_job_new(object, KIT_JOB_WRITE, control, offset + done, part);

        job->data = data + done;
        job->dirty = dirty;
        job->kernel_copy = kernel_copy;
        kit_job_add(job);
    }
    return KERN_SUCCESS;
}

/* ---- completions, and what the kit does not ask for ---- */

kern_return_t kit_memory_object_lock_completed(mach_port_t port, mach_port_seqno_t seqno, mach_port_t control,
                                               vm_offset_t offset, vm_size_t length)
{
    struct kit_object *object = kit_serve_checked(port, control, offset, length);

    if (object != NULL) {
        kit_lock(object->kit);
        const struct kit_waiter *waiter = object->waiters;
        if (waiter != NULL && waiter->job.control == control && waiter->job.offset == offset && waiter->job.size == length)
            kit_serve_answered_locked(object);
        kit_unlock(object->kit);
    }
    return KERN_SUCCESS;
}

kern_return_t kit_memory_object_copy(mach_port_t port, mach_port_seqno_t seqno, mach_port_t control, vm_offset_t offset,
                                     vm_size_t length, mach_port_t new_object)
{
    return MACH_PORT_VALID(new_object) ? mach_port_destroy(uthread_task(), new_object) : KERN_SUCCESS;
}

kern_return_t kit_memory_object_supply_completed(mach_port_t port, mach_port_seqno_t seqno, mach_port_t control,
                                                 vm_offset_t offset, vm_size_t length, kern_return_t result,
                                                 vm_offset_t error_offset)
{
    return KERN_SUCCESS;
}

kern_return_t kit_memory_object_change_completed(mach_port_t port, mach_port_seqno_t seqno, boolean_t may_cache,
                                                 memory_object_copy_strategy_t strategy)
{
    return KERN_SUCCESS;
}

kern_return_t kit_memory_object_synchronize(mach_port_t port, mach_port_seqno_t seqno, mach_port_t control,
                                            vm_offset_t offset, vm_size_t length, vm_sync_t flags)
{
    struct kit_object *object = kit_serve_checked(port, control, offset, length);

    if (object != NULL)
        kit_job_add(kit_job_new(object, KIT_JOB_MSYNC, control, offset, length));
    return KERN_SUCCESS;
}

/* ---- the thread ---- */

/* The port dies, and with it what is still queued there; then the object's last job is added. */
static void kit_serve_doom(struct kit *kit, struct kit_object *object)
{
    struct kit_job *job = kit_job_new(object, KIT_JOB_DESTROY, object->control, 0, KIT_ALL);

    job->name = object->name;
    kit_lock(kit);
    struct kit_object **link = &kit->buckets[object->port % KIT_BUCKETS];
    while (*link != object)
        link = &(*link)->next;
    *link = object->next;
    object->destroyed = true;
    kit_unlock(kit);
    (void)mach_port_destroy(uthread_task(), object->port);
    kit_job_add(job);
}

static boolean_t kit_serve_message(mach_msg_header_t *in, mach_msg_header_t *out)
{
    struct kit *kit = uthread_self()->argument;

    if (in->msgh_local_port != kit->port)
        return kit_memory_object_server(in, out);
    kit_lock(kit);
    struct kit_object *doomed = kit->doomed;
    kit->doomed = NULL;
    kit_unlock(kit);
    while (doomed != NULL) {
        struct kit_object *next = doomed->next_doomed;

        kit_serve_doom(kit, doomed);
        doomed = next;
    }
    return FALSE; /* the message is given up */
}

void kit_serve(void *argument)
{
    struct kit *kit = argument;
    const volatile bool stop = false;

    (void)pager_serve(kit->set, kit_serve_message, &stop);
}
