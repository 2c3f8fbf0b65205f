/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pager kit: a memory manager as a table of operations.
 *
 * A *kit* is a set of threads: one that receives the kernel's messages, and *workers*, which run operations. An *object* of
 * a kit is a memory object: a port, which clients map with vm_map(), and the operations and the context that its author
 * gave. The kit holds the conversation with the kernel; the author reads and writes.
 *
 *     static kern_return_t read_it(void *context, struct kit_read *read)
 *     {
 *         memcpy((void *)read->data, (char *)context + read->offset, read->size);
 *         return KERN_SUCCESS;
 *     }
 *     static kern_return_t write_it(void *context, const struct kit_write *write)
 *     {
 *         memcpy((char *)context + write->offset, (void *)write->data, write->size);
 *         return KERN_SUCCESS;
 *     }
 *     static const struct kit_operations operations = { .read = read_it, .write = write_it };
 *
 *     struct kit *kit = kit_create(4, host_priv);
 *     struct kit_object *object = kit_object_create(kit, &operations, bytes, NULL);
 *     vm_map(task, &address, size, 0, TRUE, kit_object_port(object), 0, FALSE, ...);
 *
 * Offsets and sizes are in bytes and multiples of KIT_PAGE_SIZE. A *run* is a range of pages that an operation is about, at
 * most KIT_RUN_MAX bytes.
 *
 * What the kit sees to:
 * - Order. Operations on pages in common run one after the other, in the order in which the kernel sent its messages (two
 *   reads may run at once). So a read finds what was written last, and writes of a page never overtake each other.
 *   Operations on different pages run at the same time, as many as there are workers.
 * - Answers. Every page that the kernel asks for gets data, zeroes or an error.
 * - Failed writes. What write could not keep cannot be read back as something older: reads of these pages fail with write's
 *   error until a later write of them succeeds.
 * - Memory. The program, the stacks and the records of the kit are wired when the kit has the privileged host port: it does
 *   not wait for a pager. The pages that come to write are in memory already, and what write does not take is freed.
 * - It never waits for itself: the thread that receives runs no operation, and takes whatever comes.
 *
 * What the author sees to:
 * - An operation touches no memory that is an object of the same kit, or waits for one: the workers could all end up
 *   waiting for a worker. A pager on top of another has a kit of its own, and goes one way only: the lower never needs the
 *   upper.
 * - Operations run in several threads at once; data that they share is for the author to guard.
 * - The kit's thread takes messages of <mach/memory_object.defs> by functions named kit_memory_object_*. A program may still
 *   define memory_object_* and seqnos_memory_object_* for managers of its own.
 */
#ifndef USER_KIT_H
#define USER_KIT_H

#include <mach/kern_return.h>
#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/port.h>
#include <mach/vm_prot.h>
#include <program.h>
#include <stdbool.h>

#define KIT_PAGE_SIZE PROGRAM_PAGE_SIZE
#define KIT_RUN_MAX (64u * KIT_PAGE_SIZE)
/* Result of read: there is no data here, the pages are zeroes. No error of Mach has this number. */
#define KIT_NO_DATA ((kern_return_t)0x4b49)

struct kit;
struct kit_object;

/* A page-in. Set by the kit, but what is said to be the author's to set. */
struct kit_read {
    vm_offset_t offset;     /* in the object */
    vm_size_t size;         /* may be made smaller, to a multiple of the page size that is not 0: the result, whatever it is,
                               is about so much, and the rest is asked for by another call */
    vm_prot_t access;       /* what is to be done with the pages: VM_PROT_READ, VM_PROT_WRITE or both */
    vm_address_t data;      /* size bytes of zeroes on pages of their own, for the data. May be set to other pages of this
                               task, as vm_allocate() and vm_read() give them; with success they become the kit's */
    vm_prot_t lock;         /* the author's, VM_PROT_NONE at first: accesses for which unlock must be asked */
    bool precious;          /* the author's, false at first: the pages are to come back although they were not modified */
};

/* A page-out. */
struct kit_write {
    vm_offset_t offset;     /* in the object */
    vm_size_t size;
    vm_address_t data;      /* to be read; freed when write returns */
    bool dirty;             /* the pages were modified since read, or since write had them last; else they are precious */
    bool kernel_copy;       /* the kernel keeps the pages too. False: this is the only copy */
};

enum kit_end {
    KIT_END_UNMAPPED,       /* nobody maps the object any more, and all has been written; it may be mapped again */
    KIT_END_DESTROYED,      /* of kit_object_destroy(): no operation follows, and the object's record is freed */
};

/*
 * What an object does. Each may be NULL, and each may block, except for the object itself and others of its kit.
 *
 * read: fill read->data. KERN_SUCCESS; KIT_NO_DATA: zeroes; any other result is an error: who touches the pages gets
 *     EXC_BAD_ACCESS with KERN_MEMORY_ERROR, and the next access asks again. NULL: no data, ever.
 * write: keep write->data. Any result but KERN_SUCCESS is an error, which reads of these pages and kit_object_sync() get
 *     from then on, until they are written again. NULL: nothing is kept.
 * unlock: somebody wants access to pages that read had locked against it; with KERN_SUCCESS all locks go. With another
 *     result the pages go, through write if they are modified, and read is asked for them with this access; it must refuse
 *     it with an error, or there is no end of it. NULL: granted.
 * terminated: see enum kit_end.
 */
struct kit_operations {
    kern_return_t (*read)(void *context, struct kit_read *read);
    kern_return_t (*write)(void *context, const struct kit_write *write);
    kern_return_t (*unlock)(void *context, vm_offset_t offset, vm_size_t size, vm_prot_t access);
    void (*terminated)(void *context, enum kit_end end);
};

/* What the kernel is told of an object each time that it is mapped first. */
struct kit_attributes {
    bool may_cache;                                 /* keep the pages for a while after the last mapping has gone */
    memory_object_copy_strategy_t copy_strategy;    /* MEMORY_OBJECT_COPY_NONE or _DELAY: only clients change the data */
    vm_size_t request_size;     /* how much may be asked for at once: 0 for one page, else at most KIT_RUN_MAX. On other
                                   kernels than Machair it is one page in any case */
    bool synchronize;           /* vm_msync() of a client waits until what it returned is written; Machair only */
    int behavior;               /* for request_size: VM_BEHAVIOR_* of <mach/vm_behavior.h>, about the order of accesses */
};

/*
 * A kit with nr_workers workers, at least two: one of them never reads, so that writes, which free memory, go on while
 * reads wait for some. There are fewer, but at least one, when there is no memory for more. host_priv is the privileged
 * host port, used now and later, or MACH_PORT_NULL, with which nothing is wired. A kit lasts as long as the task. NULL when
 * it cannot be made; what it had taken by then is not given back.
 */
struct kit *kit_create(unsigned int nr_workers, mach_port_t host_priv);

/*
 * A new object. operations stay the author's and must not change or go; context is handed to them. attributes are copied;
 * NULL stands for zeroes. NULL when there is no memory or no port.
 */
struct kit_object *kit_object_create(struct kit *kit, const struct kit_operations *operations, void *context,
                                     const struct kit_attributes *attributes);

/* The name of the object's port in this task, with a send right that belongs to the object: send copies of it. */
mach_port_t kit_object_port(const struct kit_object *object);

/*
 * Ends the object. Its port dies at once or soon: mapped pages that are in memory stay usable, others give
 * KERN_MEMORY_FAILURE. What the kernel had returned before is written; then terminated is called with KIT_END_DESTROYED. May
 * be called by an operation. No other call about the object may be under way, nor be made afterwards.
 */
void kit_object_destroy(struct kit_object *object);

enum kit_sync {
    KIT_CLEAN,      /* modified and precious pages are written; the kernel keeps them all, clean */
    KIT_FLUSH,      /* the same, and the kernel keeps none */
    KIT_DISCARD,    /* the kernel keeps none, and nothing is written: modifications are lost */
};

/*
 * Makes the kernel do that with [offset, offset + size) and waits until it has, and until all writes that came of it, and
 * those before, have ended. Concurrent calls about an object are served one after the other. When the object is not mapped,
 * only for writes. Wired pages stay.
 *
 * KERN_SUCCESS; the error of a write whose pages in the range have not been written since; KERN_INVALID_ARGUMENT when the
 * range is not of pages; KERN_FAILURE for an operation of the same kit, which would wait for itself;
 * KERN_RESOURCE_SHORTAGE when there is no port to wait at.
 */
kern_return_t kit_object_sync(struct kit_object *object, vm_offset_t offset, vm_size_t size, enum kit_sync how);

/* The same, but sets locks on the pages that are in memory, as kit_read's lock does, instead of writing. */
kern_return_t kit_object_lock(struct kit_object *object, vm_offset_t offset, vm_size_t size, vm_prot_t lock);

#endif
