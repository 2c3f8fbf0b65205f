/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caches of objects in slabs, after Bonwick's design but without constructors and without layers for many processors.
 *
 * A slab is a block of frames of the direct map, aligned to its size, so that the slab of an object is found by masking
 * its address. It begins with its head; free objects are linked through their first word. A cache takes from the first
 * slab that has room, and slabs that become full or get room again change lists, so both operations are a few
 * instructions. Of slabs with nothing handed out one a cache is kept, last in the list, against going back and forth at the
 * border; others go back at once, so what kmem_reap() can give back is little: a slab a cache.
 *
 * Odd sizes come from caches of 16 to 512 bytes by power of two, and from the sizes of which two, three and four fill a
 * frame beside the head; caches of 1024 and 2048 bytes would waste a quarter and half of each frame, or need slabs of
 * several frames, which are hard to get. From there on requests get whole pages: a block of the next power of two whose
 * tail goes back, and where memory is too scattered for that, pages mapped one by one.
 *
 * Debug builds fill free objects and look at the fill when they are handed out again, so writes after free are found;
 * a second free finds the object in its slab's list.
 */
#include "kernel/kmem.h"

#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include "vm/vm_frame.h"

/* Locking: all but cache under cache->lock. */
struct kmem_slab {
    struct list_node node;      /* in cache->partial or cache->full */
    struct kmem_cache *cache;
    void *free;                 /* the first free object, NULL when full */
    uint32_t nr_used;
};

/* The free objects' link. */
#define KMEM_NEXT(object) (*(void **)(object))

#define KMEM_HEAD ((uint32_t)(sizeof(struct kmem_slab) + 15) & ~15u)
/* Slabs of more frames than this are not made: a larger block is hard to get when memory is scattered. */
#define KMEM_SLAB_FRAMES_MAX 8u
/* A slab is large enough when at least this part of it, in eighths, is objects. */
#define KMEM_SLAB_USED 6u

/* The sizes of kmem_alloc(): powers of two, then what fills a frame with four, three and two. */
#define KMEM_NR_SIZES 9
#define KMEM_POWER_MAX 512u
#define KMEM_PART(n) (((PAGE_SIZE - KMEM_HEAD) / (n)) & ~15u)
static struct kmem_cache kmem_sizes[KMEM_NR_SIZES];

/* Caches are added only, at boot and by whoever first uses one, never under an interrupt: no lock. */
static struct list kmem_caches = LIST_INIT(kmem_caches);

/* How many more allocations go well before one fails, and itself; 0: all go well. */
static unsigned int kmem_inject_left;

static inline struct kmem_slab *kmem_slab_of(const struct kmem_cache *cache, const void *object)
{
    return (struct kmem_slab *)((uintptr_t)object & ~((uintptr_t)cache->slab_frames * PAGE_SIZE - 1));
}

static inline unsigned int kmem_order(unsigned int nr_frames)
{
    return nr_frames <= 1 ? 0 : 32 - (unsigned int)__builtin_clz(nr_frames - 1);
}

enum alloc alloc_resolve(enum alloc how)
{
    return how & ALLOC_THREAD ? (how & ~(unsigned int)ALLOC_THREAD) | thread_alloc_level() : how;
}

/* ---- checks ---- */

#ifdef MACHAIR_DEBUG

#define KMEM_FREE_BYTE 0xdb /* as an address: not in the user's part, and not mapped */
#define KMEM_NEW_BYTE 0xa5

static inline void kmem_debug_fill_free(const struct kmem_cache *cache, void *object)
{
    memset((char *)object + sizeof(void *), KMEM_FREE_BYTE, cache->size - sizeof(void *));
}

/* Where the fill of a free object is not as it was left: the offset, or the object's size when it is all there. */
static uint32_t kmem_debug_damage(const struct kmem_cache *cache, const void *object)
{
    const unsigned char *bytes = object;
    uint32_t offset = sizeof(void *);

    while (offset < cache->size && bytes[offset] == KMEM_FREE_BYTE)
        offset++;
    return offset;
}

static void kmem_debug_place(const struct kmem_cache *cache, const struct kmem_slab *slab, const void *object,
                             const char *what)
{
    uintptr_t offset = (uintptr_t)object - (uintptr_t)slab;

    if (slab->cache != cache)
        panic("%s: %s %p is not of this cache", cache->name, what, object);
    if (offset < cache->head || (offset - cache->head) % cache->size != 0 ||
        (offset - cache->head) / cache->size >= cache->nr_per_slab)
        panic("%s: %s %p is not at the start of an object", cache->name, what, object);
}

/* An object that is handed out: its fill and its link are as they were when it was freed. */
static void kmem_debug_take(const struct kmem_cache *cache, const struct kmem_slab *slab, void *object)
{
    uint32_t offset = kmem_debug_damage(cache, object);
    void *next = KMEM_NEXT(object);

    if (offset < cache->size)
        panic("%s: object %p was written to after it was freed, at byte %u", cache->name, object, offset);
    if (next != NULL) {
        if (kmem_slab_of(cache, next) != slab)
            panic("%s: object %p was written to after it was freed, at byte 0", cache->name, object);
        kmem_debug_place(cache, slab, next, "the next free object");
    }
    memset(object, KMEM_NEW_BYTE, cache->size);
}

static void kmem_debug_free(const struct kmem_cache *cache, const struct kmem_slab *slab, void *object)
{
    kmem_debug_place(cache, slab, object, "a freed object");
    /* One that looks as if it were free already is looked for among those that are. */
    if (kmem_debug_damage(cache, object) == cache->size) {
        for (const void *other = slab->free; other != NULL; other = KMEM_NEXT(other)) {
            if (other == object)
                panic("%s: object %p is freed a second time", cache->name, object);
        }
    }
    kmem_debug_fill_free(cache, object);
}

static void kmem_debug_pages_free(void *memory, size_t size)
{
    memset(memory, KMEM_FREE_BYTE, size);
}

#else

static inline void kmem_debug_fill_free(const struct kmem_cache *cache, void *object)
{
    (void)cache;
    (void)object;
}

static inline void kmem_debug_take(const struct kmem_cache *cache, const struct kmem_slab *slab, void *object)
{
    (void)cache;
    (void)slab;
    (void)object;
}

static inline void kmem_debug_free(const struct kmem_cache *cache, const struct kmem_slab *slab, void *object)
{
    (void)cache;
    (void)slab;
    (void)object;
}

static inline void kmem_debug_pages_free(void *memory, size_t size)
{
    (void)memory;
    (void)size;
}

#endif

void alloc_inject_after(unsigned int nth)
{
    kmem_inject_left = nth;
}

bool alloc_inject(enum alloc how)
{
    if (likely(kmem_inject_left == 0) || !(how & ALLOC_NOSLEEP))
        return false;
    return --kmem_inject_left == 0;
}

/* ---- caches ---- */

void kmem_cache_init(struct kmem_cache *cache, const char *name, size_t size, size_t align)
{
    uint32_t room;

    if (align == 0)
        align = sizeof(void *);
    assert(size > 0 && size <= KMEM_OBJECT_MAX && align <= 256 && (align & (align - 1)) == 0);
    align = MAX(align, sizeof(void *));
    spinlock_init_named(&cache->lock, LOCK_RANK_KMEM, name);
    cache->name = name;
    cache->align = (uint32_t)align;
    cache->size = (uint32_t)((size + align - 1) & ~(align - 1));
    cache->head = (uint32_t)((sizeof(struct kmem_slab) + align - 1) & ~(align - 1));
    cache->slab_frames = 1;
    for (;; cache->slab_frames *= 2) {
        room = cache->slab_frames * PAGE_SIZE;
        cache->nr_per_slab = (room - cache->head) / cache->size;
        if (cache->slab_frames == KMEM_SLAB_FRAMES_MAX || cache->nr_per_slab * cache->size >= room / 8 * KMEM_SLAB_USED)
            break;
    }
    assert(cache->nr_per_slab > 0);
    cache->nr_objects = 0;
    cache->nr_slabs = 0;
    cache->empty = NULL;
    list_init(&cache->partial);
    list_init(&cache->full);
    list_insert_tail(&kmem_caches, &cache->node);
}

/*
 * Memory for a slab. A block of several frames cannot be waited for as such; so who may sleep waits for single frames,
 * gives back what caches keep empty, and tries again: frames come free all the time then, and blocks with them.
 */
#define KMEM_RETRY_MS 10 /* a tick: no sooner has the daemon run */
static void *kmem_slab_memory(const struct kmem_cache *cache, enum alloc how)
{
    unsigned int order = kmem_order(cache->slab_frames);
    void *memory;

    how &= ~(unsigned int)ALLOC_ZEROED;
    for (;;) {
        memory = vm_frame_alloc_kernel(order, how);
        if (memory != NULL || order == 0 || (alloc_resolve(how) & ALLOC_NOSLEEP))
            return memory;
        if (current_thread() == NULL || !vm_frame_wait(how))
            return NULL;
        if (kmem_reap() == 0)
            thread_delay(KMEM_RETRY_MS);
    }
}

/* A slab with all its objects free, in address order; it is in no list yet. */
static struct kmem_slab *kmem_slab_create(struct kmem_cache *cache, enum alloc how)
{
    struct kmem_slab *slab = kmem_slab_memory(cache, how);

    if (slab == NULL)
        return NULL;
    assert(kmem_slab_of(cache, slab) == slab);
    char *object = (char *)slab + cache->head;
    list_node_init(&slab->node);
    slab->cache = cache;
    slab->nr_used = 0;
    slab->free = object;
    for (uint32_t i = 1; i < cache->nr_per_slab; i++, object += cache->size) {
        kmem_debug_fill_free(cache, object);
        KMEM_NEXT(object) = object + cache->size;
    }
    kmem_debug_fill_free(cache, object);
    KMEM_NEXT(object) = NULL;
    return slab;
}

static inline void kmem_slab_destroy(const struct kmem_cache *cache, struct kmem_slab *slab)
{
    slab->cache = NULL; /* what is freed a second time after this is not of any cache */
    vm_frame_free_kernel(slab, kmem_order(cache->slab_frames));
}

/* An object of a slab that has room; the cache is locked. */
static inline void *kmem_slab_take(struct kmem_cache *cache, struct kmem_slab *slab)
{
    void *object = slab->free, *next = KMEM_NEXT(object);

    kmem_debug_take(cache, slab, object);
    slab->free = next;
    slab->nr_used++;
    cache->nr_objects++;
    if (unlikely(slab == cache->empty))
        cache->empty = NULL;
    if (unlikely(slab->free == NULL)) {
        list_remove(&slab->node);
        list_insert_head(&cache->full, &slab->node);
    }
    return object;
}

void *kmem_cache_alloc(struct kmem_cache *cache, enum alloc how)
{
    struct kmem_slab *slab;
    void *object;

    if (!(how & ALLOC_NOSLEEP))
        lock_assert_none_held();
    if (unlikely(alloc_inject(how)))
        return NULL;
    spinlock_lock(&cache->lock);
    slab = list_first(&cache->partial, struct kmem_slab, node);
    if (unlikely(slab == NULL)) {
        spinlock_unlock(&cache->lock);
        slab = kmem_slab_create(cache, how);
        if (slab == NULL)
            return NULL;
        /* Others may have got here meanwhile; then there are two slabs with room, each with something handed out. */
        spinlock_lock(&cache->lock);
        list_insert_head(&cache->partial, &slab->node);
        cache->nr_slabs++;
    }
    object = kmem_slab_take(cache, slab);
    spinlock_unlock(&cache->lock);
    if (how & ALLOC_ZEROED)
        memset(object, 0, cache->size);
    return object;
}

/* Nothing of slab is handed out any more: it is kept, or returned for the caller to destroy without the lock. */
static struct kmem_slab *kmem_slab_emptied(struct kmem_cache *cache, struct kmem_slab *slab)
{
    list_remove(&slab->node);
    if (cache->empty == NULL) {
        cache->empty = slab;
        list_insert_tail(&cache->partial, &slab->node);
        return NULL;
    }
    cache->nr_slabs--;
    return slab;
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
    struct kmem_slab *slab = kmem_slab_of(cache, object), *surplus = NULL;

    assert(object != NULL);
    spinlock_lock(&cache->lock);
    kmem_debug_free(cache, slab, object);
    if (unlikely(slab->free == NULL)) {
        list_remove(&slab->node);
        list_insert_head(&cache->partial, &slab->node);
    }
    KMEM_NEXT(object) = slab->free;
    slab->free = object;
    cache->nr_objects--;
    if (unlikely(--slab->nr_used == 0))
        surplus = kmem_slab_emptied(cache, slab);
    spinlock_unlock(&cache->lock);
    if (unlikely(surplus != NULL))
        kmem_slab_destroy(cache, surplus);
}

unsigned int kmem_reap(void)
{
    struct kmem_cache *cache;
    unsigned int nr_frames = 0;

    list_for_each(&kmem_caches, cache, node) {
        spinlock_lock(&cache->lock);
        struct kmem_slab *slab = cache->empty;
        if (slab != NULL) {
            cache->empty = NULL;
            cache->nr_slabs--;
            list_remove(&slab->node);
        }
        spinlock_unlock(&cache->lock);
        if (slab != NULL) {
            kmem_slab_destroy(cache, slab);
            nr_frames += cache->slab_frames;
        }
    }
    return nr_frames;
}

void kmem_for_each_cache(void (*visit)(const struct kmem_cache *cache, void *context), void *context)
{
    struct kmem_cache *cache;

    list_for_each(&kmem_caches, cache, node)
        visit(cache, context);
}

/* ---- whole pages ---- */

/* Frees frames [first, end) of a block, as aligned pieces; the block is aligned to a power of two that is at least end. */
static void kmem_pages_free(char *block, unsigned int first, unsigned int end)
{
    while (first < end) {
        unsigned int order = first == 0 ? 31 - (unsigned int)__builtin_clz(end) : (unsigned int)__builtin_ctz(first);

        while (first + (1u << order) > end)
            order--;
        vm_frame_free_kernel(block + (size_t)first * PAGE_SIZE, order);
        first += 1u << order;
    }
}

static void *kmem_pages_alloc(size_t size, enum alloc how)
{
    unsigned int nr_pages = (unsigned int)((size + PAGE_MASK) >> PAGE_SHIFT), order = kmem_order(nr_pages);
    enum alloc plain;
    char *memory;

    how = alloc_resolve(how);
    plain = how & ~(unsigned int)ALLOC_ZEROED;
    if (order == 0)
        return vm_frame_alloc_kernel(0, how);
    /* Every caller must expect to be refused here, so those that may sleep are part of the tests of failure. */
    if (unlikely(alloc_inject(how | ALLOC_NOSLEEP)))
        return NULL;
    memory = vm_frame_alloc_kernel(order, plain);
    if (memory != NULL)
        kmem_pages_free(memory, nr_pages, 1u << order);
    else
        memory = kva_alloc((size_t)nr_pages * PAGE_SIZE, plain);
    if (memory != NULL && (how & ALLOC_ZEROED))
        memset(memory, 0, (size_t)nr_pages * PAGE_SIZE);
    return memory;
}

/* Whether memory is in the direct map: then it is where its frame is seen there, otherwise pages were mapped for it. */
static bool kmem_is_direct(const void *memory)
{
    phys_t address = machine_virt_to_phys(memory);

    return machine_phys_direct(address, 1) && machine_phys_to_virt(address) == memory;
}

/* ---- any size ---- */

static struct kmem_cache *kmem_size_cache(size_t size)
{
    if (size <= KMEM_POWER_MAX)
        return &kmem_sizes[size <= 16 ? 0 : 28 - __builtin_clz((unsigned int)size - 1)];
    for (unsigned int i = KMEM_NR_SIZES - 3; i < KMEM_NR_SIZES; i++) {
        if (size <= kmem_sizes[i].size)
            return &kmem_sizes[i];
    }
    return NULL;
}

void *kmem_alloc(size_t size, enum alloc how)
{
    struct kmem_cache *cache = kmem_size_cache(size);

    assert(kmem_sizes[0].size != 0);
    if (unlikely(size == 0 || size > KMEM_ALLOC_MAX))
        return NULL;
    return cache != NULL ? kmem_cache_alloc(cache, how) : kmem_pages_alloc(size, how);
}

void kmem_free(void *memory, size_t size)
{
    struct kmem_cache *cache = kmem_size_cache(size);

    assert(memory != NULL && size > 0 && size <= KMEM_ALLOC_MAX);
    if (cache != NULL) {
        kmem_cache_free(cache, memory);
        return;
    }
    size = page_round(size);
    kmem_debug_pages_free(memory, size);
    if (kmem_is_direct(memory))
        kmem_pages_free(memory, 0, (unsigned int)(size >> PAGE_SHIFT));
    else
        kva_free(memory, size);
}

void kmem_init(void)
{
    static const char *const names[KMEM_NR_SIZES] = {
        "kmem_16", "kmem_32", "kmem_64", "kmem_128", "kmem_256", "kmem_512", "kmem_fourth", "kmem_third", "kmem_half",
    };
    static const uint32_t sizes[KMEM_NR_SIZES] = {
        16, 32, 64, 128, 256, KMEM_POWER_MAX, KMEM_PART(4), KMEM_PART(3), KMEM_PART(2),
    };

    for (unsigned int i = 0; i < KMEM_NR_SIZES; i++)
        kmem_cache_init(&kmem_sizes[i], names[i], sizes[i], 16);
}
