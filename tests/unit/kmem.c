/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel memory over the real allocator of frames: objects do not overlap and keep what is written to them, empty slabs go
 * back, failures are passed on and leave nothing behind, and the checks of debug builds find what they are for.
 * unit: -includeunit_context.h kernel/kmem.c vm/vm_frame.c kernel/lock.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "vm/vm_frame.h"

#include "tap.h"

#define ARENA (32u << 20)
#define OBJECTS 4000

/* ---- the rest of the kernel ---- */

static char *arena;
static size_t kva_used;
static bool kva_fails;
static struct thread this_thread;
struct thread *current_thread_pointer = &this_thread;

void *machine_phys_to_virt(phys_t address)
{
    return arena + address;
}

phys_t machine_virt_to_phys(const void *address)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)arena;

    return offset < ARENA ? (phys_t)offset : PAGE_SIZE; /* pages mapped one by one may have direct frames too */
}

bool machine_phys_direct(phys_t start, size_t size)
{
    return start < ARENA && size <= ARENA - start;
}

void pmap_frame_zero(struct vm_frame *frame)
{
    memset(machine_phys_to_virt(vm_frame_phys(frame)), 0, PAGE_SIZE);
}

void *kva_alloc(size_t size, unsigned int how)
{
    (void)how;
    if (kva_fails)
        return NULL;
    kva_used += size;
    return aligned_alloc(PAGE_SIZE, size);
}

void kva_free(void *memory, size_t size)
{
    kva_used -= size;
    free(memory);
}

unsigned long machine_interrupts_disable(void)
{
    return 1;
}

void machine_interrupts_restore(unsigned long flags)
{
    (void)flags;
}

void thread_assert_wait(const void *event, enum wait_kind kind)
{
    (void)event;
    (void)kind;
}

void thread_assert_wait_timeout(const void *event, enum wait_kind kind, uint32_t milliseconds)
{
    (void)event;
    (void)kind;
    (void)milliseconds;
}

/* Who would wait is being ended: so nothing waits for ever here. */
enum wait_result thread_block(void)
{
    this_thread.terminating = true;
    return WAIT_INTERRUPTED;
}

unsigned int thread_wakeup(const void *event)
{
    (void)event;
    return 0;
}

bool thread_wakeup_one(const void *event)
{
    (void)event;
    return false;
}

bool thread_should_end(void)
{
    return this_thread.terminating;
}

enum alloc thread_alloc_level_of(const struct thread *thread)
{
    (void)thread;
    return thread_alloc_level();
}

enum alloc thread_alloc_level(void)
{
    return this_thread.terminating ? ALLOC_NOSLEEP : ALLOC_SLEEP;
}

static unsigned int delays;
void thread_delay(uint32_t milliseconds)
{
    delays += milliseconds;
    if (delays > 100)
        this_thread.terminating = true;
}

/* ---- tests ---- */

static struct kmem_cache cache, large_cache, aligned_cache;
static unsigned int nr_initial;

struct held {
    unsigned char *memory;
    size_t size;
    unsigned char fill;
};
static struct held held[OBJECTS];

static bool intact(const struct held *one)
{
    /* Not all of the largest, which would take long. */
    for (size_t i = 0; i < one->size; i += one->size > 10000 ? 509 : 1) {
        if (one->memory[i] != one->fill)
            return false;
    }
    return one->memory[one->size - 1] == one->fill;
}

static bool nothing_left(void)
{
    kmem_reap();
    vm_frame_check();
    return vm_frame_count(VM_FRAME_FREE) == nr_initial && kva_used == 0;
}

static void count_slabs(const struct kmem_cache *each, void *context)
{
    *(unsigned int *)context += each->nr_slabs + each->nr_objects;
}

/* Random allocations from a cache, or of random sizes up to size when there is none. */
static void test_random(struct kmem_cache *from, size_t size, unsigned int most, const char *what)
{
    bool good = true;

    for (unsigned int step = 0; step < 20000 && good; step++) {
        struct held *one = &held[tap_random(most)];
        enum alloc how = ALLOC_NOSLEEP | (tap_random(2) ? ALLOC_ZEROED : 0);

        if (one->memory != NULL) {
            good = intact(one);
            if (from != NULL)
                kmem_cache_free(from, one->memory);
            else
                kmem_free(one->memory, one->size);
            one->memory = NULL;
            continue;
        }
        one->size = from != NULL ? size : 1 + tap_random(tap_random(2) ? 3000 : size);
        one->fill = 0;
        one->memory = from != NULL ? kmem_cache_alloc(from, how) : kmem_alloc(one->size, how);
        if (one->memory == NULL)
            continue;
        good = (uintptr_t)one->memory % (from != NULL ? from->align : 16) == 0 && (!(how & ALLOC_ZEROED) || intact(one));
        one->fill = (unsigned char)tap_random(256);
        memset(one->memory, one->fill, one->size);
    }
    for (unsigned int i = 0; i < most; i++) {
        if (held[i].memory == NULL)
            continue;
        good = good && intact(&held[i]);
        if (from != NULL)
            kmem_cache_free(from, held[i].memory);
        else
            kmem_free(held[i].memory, held[i].size);
        held[i].memory = NULL;
    }
    good = good && (from == NULL || (from->nr_objects == 0 && from->nr_slabs == 1 && list_empty(&from->full)));
    tap_ok(good && nothing_left(), what);
}

static void test_sizes(void)
{
    bool good = true;

    for (size_t size = 1; size <= 5000; size++) {
        void *memory = kmem_alloc(size, ALLOC_SLEEP), *other = kmem_alloc(size, ALLOC_SLEEP | ALLOC_ZEROED);

        memset(memory, 1, size);
        for (size_t i = 0; i < size; i++)
            good = good && ((char *)other)[i] == 0;
        memset(other, 2, size);
        kmem_free(memory, size);
        kmem_free(other, size);
    }
    tap_ok(good && nothing_left(), "every size up to 5000");
    good = true;
    for (size_t size = PAGE_SIZE; size <= KMEM_ALLOC_MAX; size += PAGE_SIZE) {
        unsigned int before = vm_frame_count(VM_FRAME_KERNEL);
        void *memory = kmem_alloc(size - 5, ALLOC_NOSLEEP);

        good = good && memory != NULL && vm_frame_count(VM_FRAME_KERNEL) == before + size / PAGE_SIZE;
        kmem_free(memory, size - 5);
        good = good && vm_frame_count(VM_FRAME_KERNEL) == before;
    }
    tap_ok(good && nothing_left(), "every number of pages takes as many frames");
    tap_ok(kmem_alloc(0, ALLOC_SLEEP) == NULL && kmem_alloc(KMEM_ALLOC_MAX + 1, ALLOC_SLEEP) == NULL &&
               kmem_alloc(SIZE_MAX, ALLOC_NOSLEEP) == NULL,
           "sizes out of the range");
}

/* All memory is taken in single frames, and half of it is given back scattered. */
static void test_scattered(void)
{
    static struct vm_frame *frames[ARENA / PAGE_SIZE];
    unsigned int nr = 0;

    while ((frames[nr] = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_KERNEL, ALLOC_NOSLEEP | ALLOC_DAEMON)) != NULL)
        nr++;
    for (unsigned int i = 0; i < nr; i++) {
        if (vm_frame_number(frames[i]) % 2 == 0)
            vm_frame_free(frames[i], 0);
    }
    char *memory = kmem_alloc(3 * PAGE_SIZE - 1, ALLOC_NOSLEEP | ALLOC_ZEROED);
    tap_ok(memory != NULL && kva_used == 3 * PAGE_SIZE && memory[0] == 0 && memory[3 * PAGE_SIZE - 2] == 0,
           "pages are mapped one by one where memory is scattered");
    kmem_free(memory, 3 * PAGE_SIZE - 1);
    kva_fails = true;
    tap_ok(kva_used == 0 && kmem_alloc(2 * PAGE_SIZE, ALLOC_SLEEP) == NULL, "and refused when that fails");
    kva_fails = false;
    tap_ok(kmem_cache_alloc(&large_cache, ALLOC_NOSLEEP) == NULL, "a slab of several frames is refused");
    tap_ok(kmem_cache_alloc(&large_cache, ALLOC_SLEEP) == NULL && delays > 100, "or tried again until the thread is ended");
    this_thread.terminating = false;
    for (unsigned int i = 0; i < nr; i++) {
        if (vm_frame_number(frames[i]) % 2 != 0)
            vm_frame_free(frames[i], 0);
    }
    tap_ok(nothing_left(), "and nothing is left behind");
}

static void test_failure(void)
{
    bool good = true;

    alloc_inject_after(3);
    good = !alloc_inject(ALLOC_SLEEP) && !alloc_inject(ALLOC_NOSLEEP) && !alloc_inject(ALLOC_NOSLEEP) &&
           !alloc_inject(ALLOC_SLEEP) && alloc_inject(ALLOC_NOSLEEP) && !alloc_inject(ALLOC_NOSLEEP);
    tap_ok(good, "the nth that may fail does");
    /* The first request is the cache's, the second its slab's. */
    for (unsigned int nth = 1; nth <= 2; nth++) {
        alloc_inject_after(nth);
        good = good && kmem_cache_alloc(&cache, ALLOC_NOSLEEP) == NULL && nothing_left() && cache.nr_slabs == 0;
    }
    alloc_inject_after(1);
    good = good && kmem_alloc(100000, ALLOC_SLEEP) == NULL;
    alloc_inject_after(2);
    void *memory = kmem_alloc(100000, ALLOC_SLEEP);
    good = good && memory != NULL && kva_used == 102400;
    kmem_free(memory, 100000);
    tap_ok(good && nothing_left(), "injected failures are passed on");
}

/* A cache whose slabs are all full but one keeps that; of two empty ones one goes back. */
static void test_slabs(void)
{
    unsigned int nr = 3 * cache.nr_per_slab, total = 0;
    void *objects[600];

    for (unsigned int i = 0; i < nr; i++)
        objects[i] = kmem_cache_alloc(&cache, ALLOC_SLEEP);
    bool full = cache.nr_slabs == 3 && list_empty(&cache.partial) && cache.nr_objects == nr;
    kmem_for_each_cache(count_slabs, &total);
    for (unsigned int i = 0; i < nr; i++)
        kmem_cache_free(&cache, objects[i]);
    tap_ok(full && total >= 3 + nr && cache.nr_slabs == 1 && cache.nr_objects == 0, "one empty slab is kept");
    objects[0] = kmem_cache_alloc(&cache, ALLOC_SLEEP);
    bool used = cache.nr_slabs == 1 && kmem_reap() == 0;
    kmem_cache_free(&cache, objects[0]);
    tap_ok(used && kmem_reap() == cache.slab_frames && cache.nr_slabs == 0 && nothing_left(), "and given back when asked");
}

static bool finds(const char *text)
{
    bool found = strstr(tap_panic_text, text) != NULL;

    if (!found)
        printf("# %s\n", tap_panic_text);
    return found;
}

/* Each leaves its cache locked and damaged. */
static void test_checks(void)
{
    static struct kmem_cache checked[6], other;
    unsigned char *object, *neighbour;

    for (unsigned int i = 0; i < ARRAY_LENGTH(checked); i++)
        kmem_cache_init(&checked[i], "checked", 40, 0);
    kmem_cache_init(&other, "other", 40, 0);

    object = kmem_cache_alloc(&other, ALLOC_NOSLEEP);
    tap_ok(tap_panics(kmem_cache_free(&checked[0], object)) && finds("not of this cache"), "free to another cache");
    spinlock_unlock(&checked[0].lock);
    object = kmem_cache_alloc(&checked[1], ALLOC_NOSLEEP);
    neighbour = kmem_cache_alloc(&checked[1], ALLOC_NOSLEEP);
    kmem_cache_free(&checked[1], object);
    kmem_cache_free(&checked[1], neighbour);
    neighbour = kmem_cache_alloc(&checked[1], ALLOC_NOSLEEP);
    tap_ok(tap_panics(kmem_cache_free(&checked[1], object)) && finds("second time"), "a second free");
    spinlock_unlock(&checked[1].lock);
    object = kmem_cache_alloc(&checked[2], ALLOC_NOSLEEP);
    kmem_cache_free(&checked[2], object);
    object[20] = 0;
    tap_ok(tap_panics(kmem_cache_alloc(&checked[2], ALLOC_NOSLEEP)) && finds("at byte 20"), "a write after free");
    spinlock_unlock(&checked[2].lock);
    object = kmem_cache_alloc(&checked[3], ALLOC_NOSLEEP);
    kmem_cache_free(&checked[3], object);
    memset(object, 1, sizeof(void *));
    tap_ok(tap_panics(kmem_cache_alloc(&checked[3], ALLOC_NOSLEEP)) && finds("at byte 0"), "to the link too");
    spinlock_unlock(&checked[3].lock);
    object = kmem_cache_alloc(&checked[4], ALLOC_NOSLEEP);
    tap_ok(tap_panics(kmem_cache_free(&checked[4], object + 8)) && finds("not at the start"), "a pointer into an object");
    spinlock_unlock(&checked[4].lock);
}

int main(void)
{
    unsigned int nr_frames = ARENA / PAGE_SIZE;

    arena = aligned_alloc(4u << 20, ARENA);
    vm_frame_init(calloc(nr_frames, sizeof(struct vm_frame)), nr_frames, ARENA);
    vm_frame_add(PAGE_SIZE, ARENA);
    vm_frame_seal();
    nr_initial = vm_frame_count(VM_FRAME_FREE);
    kmem_init();
    kmem_cache_init(&cache, "test", 40, 0);
    kmem_cache_init(&large_cache, "large", 5000, 0);
    kmem_cache_init(&aligned_cache, "aligned", 72, 64);

    test_slabs();
    test_random(&cache, 40, OBJECTS, "small objects");
    test_random(&cache, 40, 5, "a few small objects");
    test_random(&large_cache, 5000, 500, "objects larger than a frame");
    test_random(&aligned_cache, 72, 1000, "aligned objects");
    tap_ok(aligned_cache.size == 128, "a size is rounded up to its alignment");
    test_random(NULL, 3000, 2000, "objects of any size");
    test_random(NULL, KMEM_ALLOC_MAX, 60, "and large ones, until there is no memory");
    test_sizes();
    test_scattered();
    test_failure();
    test_checks();
    return tap_done();
}
