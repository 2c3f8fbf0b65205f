/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pager kit: kits and objects, and calls about them from threads that are not the kit's.
 *
 * A sync asks the kernel by memory_object_lock_request(). Its answer comes to the object's port behind all returns that it
 * caused, and becomes a job that conflicts with writes: so it is done when they are. An answer does not say which request it
 * is for, so there is one at a time. When the object's conversation ends meanwhile, or there is none, the job is added
 * without an answer; the kit's lock is held while the kernel is asked, so that the conversation cannot end in between.
 */
#include <mach/mig_support.h>
#include <mach/vm_prot.h>
#include <pager.h>

#include "kit_job.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"

#define KIT_MIN_WORKERS 2u

_Static_assert(sizeof(union kit_record) <= 128, "a page of records serves many runs");

/* ---- kits ---- */

static bool kit_ports(struct kit *kit)
{
    mach_port_t task = uthread_task();

    return mach_port_allocate(task, MACH_PORT_RIGHT_PORT_SET, &kit->set) == KERN_SUCCESS &&
           mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &kit->port) == KERN_SUCCESS &&
           mach_port_move_member(task, kit->port, kit->set) == KERN_SUCCESS;
}

/* Starts a thread of the kit, wired and with its port to be woken at. */
static bool kit_thread(struct kit *kit, void (*function)(void *argument))
{
    struct uthread *thread = uthread_prepare(function, kit);

    if (thread == NULL)
        return false;
    thread->wake_port = mach_reply_port();
    if (thread->wake_port != MACH_PORT_NULL &&
        (kit->host_priv == MACH_PORT_NULL || uthread_wire(kit->host_priv, thread) == KERN_SUCCESS) &&
        uthread_start(uthread_task(), thread) == KERN_SUCCESS)
        return true;
    uthread_free(thread);
    return false;
}

static bool kit_wire(const struct kit *kit)
{
    return kit->host_priv == MACH_PORT_NULL ||
           (pager_wire_program(kit->host_priv) == KERN_SUCCESS &&
            pager_wire(kit->host_priv, (vm_address_t)kit, sizeof(*kit)) == KERN_SUCCESS);
}

struct kit *kit_create(unsigned int nr_workers, mach_port_t host_priv)
{
    vm_address_t start = 0;

    if (vm_allocate(uthread_task(), &start, sizeof(struct kit), TRUE) != KERN_SUCCESS)
        return NULL;
    struct kit *kit = (struct kit *)start;
    kit->host_priv = host_priv;
    kit->reads.last = &kit->reads.first;
    kit->others.last = &kit->others.first;
    /* The first worker starts last of all: what can fail has been done, and there is nothing to do for any yet. */
    if (kit_wire(kit) && kit_ports(kit) && kit_thread(kit, kit_worker)) {
        kit->nr_workers = 1;
        while (kit->nr_workers < KIT_MIN_WORKERS || kit->nr_workers < nr_workers) {
            if (!kit_thread(kit, kit_worker))
                break;
            kit->nr_workers++;
        }
        if (kit_thread(kit, kit_serve))
            return kit;
    }
    return NULL;
}

/* ---- objects ---- */

static kern_return_t kit_object_check(const struct kit_attributes *attributes)
{
    bool strategy = attributes->copy_strategy == MEMORY_OBJECT_COPY_NONE ||
                    attributes->copy_strategy == MEMORY_OBJECT_COPY_DELAY;

    return strategy && attributes->request_size % KIT_PAGE_SIZE == 0 && attributes->request_size <= KIT_RUN_MAX
               ? KERN_SUCCESS
               : KERN_INVALID_ARGUMENT;
}

struct kit_object *kit_object_create(struct kit *kit, const struct kit_operations *operations, void *context,
                                     const struct kit_attributes *attributes)
{
    static const struct kit_attributes none;

    if (attributes == NULL)
        attributes = &none;
    if (kit_object_check(attributes) != KERN_SUCCESS)
        return NULL;
    union kit_record *record = kit_record_try(kit);
    if (record == NULL)
        return NULL;
    struct kit_object *object = &record->object;
    object->kit = kit;
    object->operations = operations;
    object->context = context;
    object->attributes = *attributes;
    object->last_job = &object->jobs;
    object->port = pager_port();
    kit_lock(kit);
    if (object->port == MACH_PORT_NULL) {
        kit_record_free_locked(kit, record);
        kit_unlock(kit);
        return NULL;
    }
    struct kit_object **bucket = &kit->buckets[object->port % KIT_BUCKETS];
    object->next = *bucket;
    *bucket = object;
    kit_unlock(kit);
    /* It is in the table before its first message can come. */
    if (mach_port_move_member(uthread_task(), object->port, kit->set) == KERN_SUCCESS)
        return object;
    kit_object_destroy(object);
    return NULL;
}

mach_port_t kit_object_port(const struct kit_object *object)
{
    return object->port;
}

void kit_object_destroy(struct kit_object *object)
{
    struct kit *kit = object->kit;

    kit_lock(kit);
    bool first = kit->doomed == NULL; /* the receiving thread takes all at once: it is poked once */
    object->next_doomed = kit->doomed;
    kit->doomed = object;
    kit_unlock(kit);
    if (first)
        uthread_wake(kit->port);
}

/* ---- asking the kernel ---- */

/* Whether this thread runs an operation of the kit. */
static bool kit_is_worker(const struct kit *kit)
{
    const struct uthread *self = uthread_self();

    return self->function == kit_worker && self->argument == kit;
}

static void kit_object_ask_locked(struct kit_object *object, struct kit_waiter *waiter)
{
    waiter->job.control = object->control;
    waiter->begun = true;
    if (object->control == MACH_PORT_NULL ||
        memory_object_lock_request(object->control, waiter->job.offset, waiter->job.size, waiter->what, waiter->flush,
                                   waiter->lock, object->port) != KERN_SUCCESS)
        kit_serve_answered_locked(object);
}

/* waiter says what is asked; the rest of it is set here. */
static kern_return_t kit_object_ask(struct kit_object *object, struct kit_waiter *waiter)
{
    struct kit *kit = object->kit;
    const struct kit_job *job = &waiter->job;

    if (job->offset % KIT_PAGE_SIZE != 0 || job->size % KIT_PAGE_SIZE != 0 || job->size > -KIT_PAGE_SIZE - job->offset)
        return KERN_INVALID_ARGUMENT;
    if (job->size == 0)
        return KERN_SUCCESS;
    if (kit_is_worker(kit))
        return KERN_FAILURE;
    waiter->job.kind = KIT_JOB_SYNC;
    waiter->job.object = object;
    waiter->sleeper.port = uthread_wake_port();
    if (waiter->sleeper.port == MACH_PORT_NULL)
        return KERN_RESOURCE_SHORTAGE;
    kit_lock(kit);
    struct kit_waiter **link = &object->waiters;
    while (*link != NULL)
        link = &(*link)->next;
    *link = waiter;
    if (object->waiters != waiter) {
        kit_unlock(kit);
        uthread_wait(); /* to be the first */
        kit_lock(kit);
    }
    kit_object_ask_locked(object, waiter);
    kit_unlock(kit);
    uthread_wait(); /* for the job */
    return waiter->error;
}

kern_return_t kit_object_sync(struct kit_object *object, vm_offset_t offset, vm_size_t size, enum kit_sync how)
{
    struct kit_waiter waiter = {
        .job = {.offset = offset, .size = size},
        .what = how == KIT_DISCARD ? MEMORY_OBJECT_RETURN_NONE : MEMORY_OBJECT_RETURN_ALL,
        .flush = how != KIT_CLEAN,
        .lock = VM_PROT_NO_CHANGE,
    };

    return kit_object_ask(object, &waiter);
}

kern_return_t kit_object_lock(struct kit_object *object, vm_offset_t offset, vm_size_t size, vm_prot_t lock)
{
    struct kit_waiter waiter = {
        .job = {.offset = offset, .size = size},
        .what = MEMORY_OBJECT_RETURN_NONE,
        .flush = false,
        .lock = lock,
    };

    return kit_object_ask(object, &waiter);
}
