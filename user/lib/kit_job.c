/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pager kit's jobs: records, order, workers.
 *
 * Order. An object's jobs stand in one list by age. A new job counts the older ones that it conflicts with; a job that is
 * done takes itself off the counts of the younger ones. What counts to 0 is ready. So each costs a walk over the jobs of its
 * object, of which there are as many as runs are out at this manager and threads wait for pages: tens, not thousands.
 *
 * Workers. Reads need memory, and memory may become free only by writes: so there are two queues, writes go first, and one
 * worker never reads. Whoever of the others finds no memory for a page waits, and the writes go on.
 *
 * One lock guards a kit. It is held for walks over short lists and for calls of the kernel that do not wait. Threads to be
 * woken are collected and woken when it is released, so that they do not run into it.
 */
#include <mach/mig_support.h>
#include <pager.h>

#include "kit_job.h"
#include "mig/mach_user.h"

#define KIT_GROW_SIZE (4 * KIT_PAGE_SIZE)
/* How long a record is waited for: writes that are under way give theirs back. */
#define KIT_RECORD_POLL_MS 10u

void kit_lock(struct kit *kit)
{
    uthread_lock_take(&kit->lock);
}

void kit_unlock(struct kit *kit)
{
    struct kit_sleeper *sleeper = kit->to_wake;

    kit->to_wake = NULL;
    uthread_lock_release(&kit->lock);
    while (sleeper != NULL) {
        struct kit_sleeper *next = sleeper->next; /* it is on the stack of the thread, which may go on at once */

        uthread_wake(sleeper->port);
        sleeper = next;
    }
}

static void kit_wake_locked(struct kit *kit, struct kit_sleeper *sleeper)
{
    sleeper->next = kit->to_wake;
    kit->to_wake = sleeper;
}

/* ---- records ---- */

static bool kit_record_grow(struct kit *kit)
{
    vm_address_t start = 0;

    if (vm_allocate(uthread_task(), &start, KIT_GROW_SIZE, TRUE) != KERN_SUCCESS)
        return false;
    if (kit->host_priv != MACH_PORT_NULL && pager_wire(kit->host_priv, start, KIT_GROW_SIZE) != KERN_SUCCESS) {
        (void)vm_deallocate(uthread_task(), start, KIT_GROW_SIZE);
        return false;
    }
    union kit_record *records = (union kit_record *)start;
    kit_lock(kit);
    for (unsigned int i = 0; i < KIT_GROW_SIZE / sizeof(*records); i++)
        kit_record_free_locked(kit, &records[i]);
    kit_unlock(kit);
    return true;
}

void kit_record_free_locked(struct kit *kit, union kit_record *record)
{
    record->next_free = kit->free;
    kit->free = record;
}

union kit_record *kit_record_try(struct kit *kit)
{
    union kit_record *record;

    do {
        kit_lock(kit);
        record = kit->free;
        if (record != NULL)
            kit->free = record->next_free;
        kit_unlock(kit);
    } while (record == NULL && kit_record_grow(kit));
    if (record != NULL)
        memset(record, 0, sizeof(*record));
    return record;
}

struct kit_job *kit_job_new(struct kit_object *object, enum kit_job_kind kind, mach_port_t control, vm_offset_t offset,
                            vm_size_t size)
{
    union kit_record *record;

    while ((record = kit_record_try(object->kit)) == NULL)
        uthread_sleep(KIT_RECORD_POLL_MS);
    struct kit_job *job = &record->job;
    job->object = object;
    job->kind = kind;
    job->control = control;
    job->offset = offset;
    job->size = size;
    return job;
}

/* ---- order ---- */

static bool kit_job_looks(const struct kit_job *job)
{
    return job->kind == KIT_JOB_READ || job->kind == KIT_JOB_SYNC || job->kind == KIT_JOB_MSYNC;
}

static bool kit_job_conflicts(const struct kit_job *a, const struct kit_job *b)
{
    return (!kit_job_looks(a) || !kit_job_looks(b)) && a->offset < (uint64_t)b->offset + b->size &&
           b->offset < (uint64_t)a->offset + a->size;
}

static void kit_job_ready_locked(struct kit_job *job)
{
    struct kit *kit = job->object->kit;
    struct kit_queue *queue = job->kind == KIT_JOB_READ ? &kit->reads : &kit->others;

    job->next_ready = NULL;
    *queue->last = job;
    queue->last = &job->next_ready;
    if (kit->idle != NULL) {
        struct kit_sleeper *worker = kit->idle;

        kit->idle = worker->next;
        kit_wake_locked(kit, worker);
    }
}

void kit_job_add_locked(struct kit_job *job)
{
    struct kit_object *object = job->object;

    job->nr_before = 0;
    for (const struct kit_job *older = object->jobs; older != NULL; older = older->next)
        job->nr_before += kit_job_conflicts(older, job);
    job->next = NULL;
    *object->last_job = job;
    object->last_job = &job->next;
    if (job->nr_before == 0)
        kit_job_ready_locked(job);
}

void kit_job_add(struct kit_job *job)
{
    struct kit *kit = job->object->kit;

    kit_lock(kit);
    kit_job_add_locked(job);
    kit_unlock(kit);
}

static void kit_job_remove_locked(struct kit_job *job)
{
    struct kit_object *object = job->object;
    struct kit_job **link = &object->jobs;

    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    if (object->last_job == &job->next)
        object->last_job = link;
    for (struct kit_job *younger = *link; younger != NULL; younger = younger->next)
        if (kit_job_conflicts(job, younger) && --younger->nr_before == 0)
            kit_job_ready_locked(younger);
}

/* The first waiter is answered, and leaves; the next one is woken too, to ask the kernel for itself. */
static void kit_job_sync_done_locked(struct kit_object *object)
{
    struct kit_waiter *waiter = object->waiters;
    uint64_t end = (uint64_t)waiter->job.offset + waiter->job.size;

    waiter->error = KERN_SUCCESS;
    (void)kit_run_bad_locked(object, waiter->job.offset, end, &waiter->error);
    object->waiters = waiter->next;
    kit_wake_locked(object->kit, &waiter->sleeper);
    if (object->waiters != NULL)
        kit_wake_locked(object->kit, &object->waiters->sleeper);
}

static void kit_job_done_locked(struct kit_job *job)
{
    struct kit_object *object = job->object;
    struct kit *kit = object->kit;

    kit_job_remove_locked(job);
    switch (job->kind) {
    case KIT_JOB_SYNC:
        kit_job_sync_done_locked(object);
        return;
    case KIT_JOB_WRITE:
        kit_run_write_done_locked(job);
        return;
    case KIT_JOB_DESTROY:
        while (object->failed != NULL) {
            struct kit_job *failed = object->failed;

            object->failed = failed->next;
            kit_record_free_locked(kit, (union kit_record *)failed);
        }
        kit_record_free_locked(kit, (union kit_record *)object);
        break;
    case KIT_JOB_READ:
        kit->nr_reading--;
        break;
    default:
        break;
    }
    kit_record_free_locked(kit, (union kit_record *)job);
}

/* ---- workers ---- */

static struct kit_job *kit_queue_take(struct kit_queue *queue)
{
    struct kit_job *job = queue->first;

    if (job != NULL) {
        queue->first = job->next_ready;
        if (queue->first == NULL)
            queue->last = &queue->first;
    }
    return job;
}

static struct kit_job *kit_job_take_locked(struct kit *kit)
{
    struct kit_job *job = kit_queue_take(&kit->others);

    if (job == NULL && (kit->nr_reading + 1 < kit->nr_workers || kit->nr_reading == 0)) {
        job = kit_queue_take(&kit->reads);
        kit->nr_reading += job != NULL;
    }
    return job;
}

void kit_worker(void *argument)
{
    struct kit *kit = argument;
    struct kit_sleeper self = {.port = uthread_wake_port()};

    kit_lock(kit);
    for (;;) {
        struct kit_job *job = kit_job_take_locked(kit);

        if (job == NULL) {
            self.next = kit->idle;
            kit->idle = &self;
            kit_unlock(kit);
            uthread_wait();
            kit_lock(kit);
            continue;
        }
        kit_unlock(kit);
        kit_run(job);
        kit_lock(kit);
        kit_job_done_locked(job);
    }
}
