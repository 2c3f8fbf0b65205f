/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pager kit's operations: what a worker does with a job.
 *
 * Memory for a read is allocated for the occasion and moves into the object with the supply, so that no byte is copied and
 * nothing is kept between reads. A write's memory is the kernel's run, which the manager's window stays shut for until it is
 * freed.
 *
 * A write that failed leaves its record with its object, with a bit for each page. The record is the one that the write had,
 * so a failure needs no memory. A later write of the same pages, whatever becomes of it, takes the bits away.
 */
#include <mach/mig_support.h>
#include <mach/vm_prot.h>

#include "kit_job.h"
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"

_Static_assert(KIT_RUN_MAX / KIT_PAGE_SIZE <= 64, "a bit for each page of a run");

/* ---- writes that failed ---- */

uint64_t kit_run_bad_locked(const struct kit_object *object, uint64_t offset, uint64_t end, kern_return_t *error)
{
    uint64_t first = end;

    for (const struct kit_job *failed = object->failed; failed != NULL; failed = failed->next) {
        for (unsigned int i = 0; i < failed->size / KIT_PAGE_SIZE; i++) {
            uint64_t at = (uint64_t)failed->offset + i * KIT_PAGE_SIZE;

            if (failed->bad >> i & 1 && at >= offset && at < first) {
                first = at;
                *error = failed->error;
            }
        }
    }
    return first;
}

void kit_run_write_done_locked(struct kit_job *job)
{
    struct kit_object *object = job->object;
    struct kit_job **link = &object->failed;

    while (*link != NULL) {
        struct kit_job *failed = *link;

        for (unsigned int i = 0; i < failed->size / KIT_PAGE_SIZE; i++) {
            uint64_t at = (uint64_t)failed->offset + i * KIT_PAGE_SIZE;

            if (at >= job->offset && at < (uint64_t)job->offset + job->size)
                failed->bad &= ~(1ull << i);
        }
        if (failed->bad != 0) {
            link = &failed->next;
            continue;
        }
        *link = failed->next;
        kit_record_free_locked(object->kit, (union kit_record *)failed);
    }
    if (job->error == KERN_SUCCESS) {
        kit_record_free_locked(object->kit, (union kit_record *)job);
        return;
    }
    job->bad = ~0ull >> (64 - job->size / KIT_PAGE_SIZE);
    job->next = object->failed;
    object->failed = job;
}

/* ---- reads ---- */

/* The object's own data for the beginning of read's range, in memory that belongs to the caller if the result is success. */
static kern_return_t kit_run_operation(const struct kit_object *object, struct kit_read *read)
{
    vm_size_t room = read->size;

    if (object->operations->read == NULL)
        return KIT_NO_DATA;
    kern_return_t result = vm_allocate(uthread_task(), &read->data, room, TRUE);
    if (result != KERN_SUCCESS) {
        read->data = 0;
        return result;
    }
    vm_address_t own = read->data;
    result = object->operations->read(object->context, read);
    if (read->size == 0 || read->size > room || read->size % KIT_PAGE_SIZE != 0) {
        read->size = room;
        result = result == KERN_SUCCESS ? KERN_INVALID_VALUE : result;
    }
    if (result != KERN_SUCCESS || read->data != own)
        (void)vm_deallocate(uthread_task(), own, room);
    else if (read->size < room)
        (void)vm_deallocate(uthread_task(), own + read->size, room - read->size);
    return result;
}

/* Answers for the beginning of [offset, end); returns how much that was. */
static vm_size_t kit_run_read_part(const struct kit_job *job, uint64_t offset, uint64_t end)
{
    struct kit_object *object = job->object;
    struct kit_read read = {.offset = (vm_offset_t)offset, .access = job->access, .lock = VM_PROT_NONE};
    kern_return_t result = KERN_SUCCESS;

    kit_lock(object->kit);
    uint64_t bad = kit_run_bad_locked(object, offset, end, &result);
    kit_unlock(object->kit);
    if (bad == offset) {
        read.size = KIT_PAGE_SIZE;
    } else {
        read.size = (vm_size_t)(bad - offset < KIT_RUN_MAX ? bad - offset : KIT_RUN_MAX);
        result = kit_run_operation(object, &read);
    }
    if (result == KIT_NO_DATA)
        (void)memory_object_data_unavailable(job->control, read.offset, read.size);
    else if (result != KERN_SUCCESS)
        (void)memory_object_data_error(job->control, read.offset, read.size, result);
    else if (memory_object_data_supply(job->control, read.offset, read.data, read.size, TRUE, read.lock, read.precious,
                                       MACH_PORT_NULL) != KERN_SUCCESS)
        (void)vm_deallocate(uthread_task(), read.data, read.size); /* the kernel's end of the object is gone */
    return read.size;
}

static void kit_run_read(const struct kit_job *job)
{
    uint64_t offset = job->offset, end = offset + job->size;

    while (offset < end && !job->object->destroyed)
        offset += kit_run_read_part(job, offset, end);
}

/* ---- the others ---- */

static void kit_run_write(struct kit_job *job)
{
    const struct kit_operations *operations = job->object->operations;
    struct kit_write write = {
        .offset = job->offset,
        .size = job->size,
        .data = job->data,
        .dirty = job->dirty,
        .kernel_copy = job->kernel_copy,
    };

    job->error = operations->write == NULL ? KERN_SUCCESS : operations->write(job->object->context, &write);
    (void)vm_deallocate(uthread_task(), job->data, job->size);
}

/* When it is refused the pages go, so that the access that waits asks for them by a request. */
static void kit_run_unlock(const struct kit_job *job)
{
    const struct kit_operations *operations = job->object->operations;
    bool granted = operations->unlock == NULL ||
                   operations->unlock(job->object->context, job->offset, job->size, job->access) == KERN_SUCCESS;

    if (granted)
        (void)memory_object_lock_request(job->control, job->offset, job->size, MEMORY_OBJECT_RETURN_NONE, FALSE,
                                         VM_PROT_NONE, MACH_PORT_NULL);
    else
        (void)memory_object_lock_request(job->control, job->offset, job->size, MEMORY_OBJECT_RETURN_ALL, TRUE,
                                         VM_PROT_NO_CHANGE, MACH_PORT_NULL);
}

static void kit_run_terminated(const struct kit_job *job, enum kit_end end)
{
    const struct kit_operations *operations = job->object->operations;

    if (job->control != MACH_PORT_NULL)
        (void)mach_port_destroy(uthread_task(), job->control);
    if (job->name != MACH_PORT_NULL)
        (void)mach_port_destroy(uthread_task(), job->name);
    if (operations->terminated != NULL)
        operations->terminated(job->object->context, end);
}

void kit_run(struct kit_job *job)
{
    switch (job->kind) {
    case KIT_JOB_READ:
        kit_run_read(job);
        break;
    case KIT_JOB_WRITE:
        kit_run_write(job);
        break;
    case KIT_JOB_MSYNC:
        (void)memory_object_synchronize_completed(job->control, job->offset, job->size);
        break;
    case KIT_JOB_UNLOCK:
        kit_run_unlock(job);
        break;
    case KIT_JOB_TERMINATE:
        kit_run_terminated(job, KIT_END_UNMAPPED);
        break;
    case KIT_JOB_DESTROY:
        kit_run_terminated(job, KIT_END_DESTROYED);
        break;
    case KIT_JOB_SYNC:
        break; /* that it may run is all there is to it */
    }
}
