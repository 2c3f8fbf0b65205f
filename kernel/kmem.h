/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel memory for small objects, and the words in which anybody asks for memory.
 *
 * A cache hands out objects of one size from frames of the directly mapped zone; kmem_alloc() serves odd sizes from
 * caches by power of two, and whole pages above. Every request says how it may be served (enum alloc): which level of
 * the reserve it may use and whether it may sleep until there is memory. Freed objects are poisoned in debug builds.
 * Failure can be injected in one place, alloc_inject().
 *
 * An allocation that may sleep is never made with a spinlock held. ALLOC_NOSLEEP may be used, and anything freed, under
 * locks ranked below LOCK_RANK_KMEM.
 */
#ifndef KERNEL_KMEM_H
#define KERNEL_KMEM_H

#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/types.h"

/*
 * Levels: ORDINARY may not go below the low watermark; PRIVILEGED is for threads that the host's owner made
 * privileged; DAEMON is for the pageout path alone. An allocation that may sleep waits until its level is served;
 * one that may not returns NULL.
 */
enum alloc {
    ALLOC_ORDINARY = 0,
    ALLOC_PRIVILEGED = 1,
    ALLOC_DAEMON = 2,
    ALLOC_LEVEL_MASK = 3,
    ALLOC_SLEEP = 0,
    ALLOC_NOSLEEP = 4,
    ALLOC_ZEROED = 8,           /* the memory is cleared */
    ALLOC_THREAD = 16,          /* as thread_alloc_level() says for the running thread, asked only if it comes to that */
};

struct kmem_slab;

/* Locking: K lock; the others never change after kmem_cache_init. */
/* how with ALLOC_THREAD replaced by what it stands for now. For the allocators themselves. */
enum alloc alloc_resolve(enum alloc how);

struct kmem_cache {
    struct list_node node;      /* in the list of all caches; see kmem.c */
    struct spinlock lock;
    const char *name;
    uint32_t size;              /* of an object, bytes */
    uint32_t align;
    uint32_t nr_per_slab;
    uint32_t nr_objects;        /* [K] handed out now */
    uint32_t nr_slabs;          /* [K] */
    struct list partial;        /* [K] slabs with room */
    struct list full;           /* [K] */
    struct kmem_slab *empty;    /* [K] the slab of partial with nothing handed out, or NULL: at most one is kept */
    uint32_t slab_frames;       /* frames a slab, a power of two */
    uint32_t head;              /* bytes of a slab before the first object */
};

/*
 * Prepares a cache; cannot fail and allocates nothing. name is kept. align 0 means that of a pointer; others are powers
 * of two up to 256. size is at most KMEM_OBJECT_MAX.
 */
#define KMEM_OBJECT_MAX (2 * PAGE_SIZE)
void kmem_cache_init(struct kmem_cache *cache, const char *name, size_t size, size_t align);

/*
 * Returns an object, or NULL when how forbids to wait. One that may sleep returns NULL only to a thread that is being
 * ended (see vm_frame_alloc). The contents are undefined unless how has ALLOC_ZEROED.
 */
void *kmem_cache_alloc(struct kmem_cache *cache, enum alloc how);
void kmem_cache_free(struct kmem_cache *cache, void *object);

/*
 * Any size from 1 byte to KMEM_ALLOC_MAX, at a multiple of 16; NULL when it cannot be had (of more than a page also when
 * how allows to sleep), and for sizes outside the range. kmem_free gets the size that was asked for.
 */
#define KMEM_ALLOC_MAX (1u << 20)
void *kmem_alloc(size_t size, enum alloc how);
void kmem_free(void *memory, size_t size);

/* Calls visit for every cache, for host_slab_info and leak checks. */
void kmem_for_each_cache(void (*visit)(const struct kmem_cache *cache, void *context), void *context);

/* Gives frames of empty slabs back; called in a shortage. Returns how many. */
unsigned int kmem_reap(void);

void kmem_init(void); /* after vm_frame_seal(), before kmem_alloc(); caches may be used before */

/*
 * Tests: makes allocations fail. nth counts down over all allocations with ALLOC_NOSLEEP or an error path (all but
 * those that may sleep for ever); 0 turns it off. alloc_inject() is asked by the allocators themselves.
 */
void alloc_inject_after(unsigned int nth);
bool alloc_inject(enum alloc how);

#endif
