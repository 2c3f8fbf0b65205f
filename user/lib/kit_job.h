/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the pager kit: jobs and their order. <kit.h> is the manual for users of the kit.
 *
 * A *job* is what one message asks for: a run to be read or written, or an event to be told. It belongs to an object and has
 * a range. Two jobs of an object *conflict* when their ranges meet, unless both only look (reads, and the ends of syncs).
 * A job is *ready*, and waits for a worker, when no older job that is not done conflicts with it.
 */
#ifndef USER_KIT_JOB_H
#define USER_KIT_JOB_H

#include <kit.h>
#include <stdint.h>
#include <uthread.h>

enum kit_job_kind {
    KIT_JOB_READ,
    KIT_JOB_SYNC,       /* all that a kit_object_sync() waits for has been done: the job is part of a kit_waiter */
    KIT_JOB_MSYNC,      /* a client's vm_msync(), which is to be told when what was returned is written */
    KIT_JOB_UNLOCK,
    KIT_JOB_WRITE,
    KIT_JOB_TERMINATE,  /* these two are about the whole object */
    KIT_JOB_DESTROY,
};

/* Locking: K the kit's lock; I immutable once added; W only the worker that runs the job. */
struct kit_job {
    struct kit_job *next;           /* [K] of the object's jobs by age; then of its failed writes */
    struct kit_job *next_ready;     /* [K] */
    struct kit_object *object;      /* [I] */
    enum kit_job_kind kind;         /* [I] */
    unsigned int nr_before;         /* [K] older jobs that conflict */
    vm_offset_t offset;             /* [I] */
    vm_size_t size;                 /* [I] bytes; a write's at most KIT_RUN_MAX */
    mach_port_t control;            /* [I] of the conversation that the message was part of */
    mach_port_t name;               /* [I] of a termination */
    vm_prot_t access;               /* [I] of a read, an unlock */
    vm_address_t data;              /* [I] of a write: the memory that came */
    bool dirty, kernel_copy;        /* [I] of a write */
    kern_return_t error;            /* [W] of a write: the operation's; [K] when it is done */
    uint64_t bad;                   /* [K] of a write that failed: a bit for each page that was not written since */
};

/* A thread that waits. Each is woken once for each time that it is put somewhere. */
struct kit_sleeper {
    struct kit_sleeper *next;       /* [K] of those idle or to be woken */
    mach_port_t port;               /* [I] */
};

/* Who calls kit_object_sync(): on its stack, and in its object's line. Only the first has asked the kernel. */
struct kit_waiter {
    struct kit_job job;             /* of kind KIT_JOB_SYNC */
    struct kit_waiter *next;        /* [K] */
    struct kit_sleeper sleeper;     /* [K] */
    bool begun, answered;           /* [K] the kernel was asked; has answered, or never will: the job is added */
    memory_object_return_t what;    /* [I] what the kernel is asked: memory_object_lock_request()'s arguments */
    bool flush;
    vm_prot_t lock;
    kern_return_t error;            /* [K] the result */
};

/* Locking: K the kit's lock; R written by the receiving thread under the kit's lock, which may read it without. */
struct kit_object {
    struct kit *kit;                            /* [I] */
    const struct kit_operations *operations;    /* [I] */
    void *context;                              /* [I] */
    struct kit_attributes attributes;           /* [I] */
    mach_port_t port;                           /* [I] a receive and a send right */
    struct kit_object *next;                    /* [K] in its bucket */
    struct kit_object *next_doomed;             /* [K] */
    mach_port_t control, name;                  /* [R] MACH_PORT_NULL while nobody maps the object */
    bool destroyed;                             /* [R] the port is gone */
    struct kit_job *jobs, **last_job;           /* [K] by age, those that run too */
    struct kit_job *failed;                     /* [K] writes, each with bad pages */
    struct kit_waiter *waiters;                 /* [K] */
};

/* Jobs and objects come from one store of records, which grows and never shrinks. */
union kit_record {
    union kit_record *next_free;
    struct kit_job job;
    struct kit_object object;
};

#define KIT_BUCKETS 256u
struct kit_queue {
    struct kit_job *first, **last;
};

struct kit {
    struct uthread_lock lock;
    mach_port_t host_priv;                      /* [I] */
    mach_port_t set;                            /* [I] the objects' ports, and port */
    mach_port_t port;                           /* [I] pokes the receiving thread */
    unsigned int nr_workers;                    /* [I] at least 1 */
    unsigned int nr_reading;                    /* [K] workers that run reads */
    struct kit_queue reads, others;             /* [K] ready jobs; others go first */
    struct kit_sleeper *idle, *to_wake;         /* [K] workers without a job; threads that kit_unlock() wakes */
    union kit_record *free;                     /* [K] */
    struct kit_object *doomed;                  /* [K] whose ports the receiving thread is to destroy */
    struct kit_object *buckets[KIT_BUCKETS];    /* [K] by port name */
};

void kit_lock(struct kit *kit);
void kit_unlock(struct kit *kit);

/* A zeroed record, or NULL when there is no memory. */
union kit_record *kit_record_try(struct kit *kit);
void kit_record_free_locked(struct kit *kit, union kit_record *record);

/* A record for a job; waits until there is one. Only the receiving thread asks; workers need none to give theirs back. */
struct kit_job *kit_job_new(struct kit_object *object, enum kit_job_kind kind, mach_port_t control, vm_offset_t offset,
                            vm_size_t size);
/* Behind all jobs of its object. The kit owns it now. */
void kit_job_add(struct kit_job *job);
void kit_job_add_locked(struct kit_job *job);

/* What a worker does: takes jobs and runs them, for ever. argument is the kit. */
void kit_worker(void *argument);

/* Runs the job's operation and answers the kernel. */
void kit_run(struct kit_job *job);
/* The first byte of [offset, end) that a failed write left bad, with the write's error; or end. */
uint64_t kit_run_bad_locked(const struct kit_object *object, uint64_t offset, uint64_t end, kern_return_t *error);
/* What is done of the job, which is a write, changes what is known to be bad. The record is taken over. */
void kit_run_write_done_locked(struct kit_job *job);

/* The thread that receives. argument is the kit. */
void kit_serve(void *argument);
/* The kernel will not answer the object's first waiter, or has: its job is added, unless it was before. */
void kit_serve_answered_locked(struct kit_object *object);

#endif
