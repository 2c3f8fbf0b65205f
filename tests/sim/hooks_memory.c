/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's allocations, by the linker's --wrap as in hooks.c: points, refusals, and what the address sanitizer knows.
 *
 * One that may sleep may switch; one that may not may be refused, by seed.
 *
 * To the sanitizer all kernel memory is poisoned but frames and objects that are handed out, to the byte where the size is
 * known. kernel/kmem.c, which reads and fills what is free, is compiled without the sanitizer, and gets its memory and its
 * memset from here (tests/sim/Makefrag.am).
 */
#include <sanitizer/asan_interface.h>

#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "laws.h"
#include "sim.h"
#include "vm/vm_frame.h"

/* One line a function: what the linker calls it, and what is behind it. */
void *__real_kmem_cache_alloc(struct kmem_cache *cache, enum alloc how);
void *__wrap_kmem_cache_alloc(struct kmem_cache *cache, enum alloc how);
void __real_kmem_cache_free(struct kmem_cache *cache, void *object);
void __wrap_kmem_cache_free(struct kmem_cache *cache, void *object);
void *__real_kmem_alloc(size_t size, enum alloc how);
void *__wrap_kmem_alloc(size_t size, enum alloc how);
void __real_kmem_free(void *memory, size_t size);
void __wrap_kmem_free(void *memory, size_t size);
struct vm_frame *__real_vm_frame_alloc(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how);
struct vm_frame *__wrap_vm_frame_alloc(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how);
void __real_vm_frame_free(struct vm_frame *frame, unsigned int order);
void __wrap_vm_frame_free(struct vm_frame *frame, unsigned int order);
void __real_vm_frame_free_list(struct list *list, unsigned int count);
void __wrap_vm_frame_free_list(struct list *list, unsigned int count);
void *__real_vm_frame_alloc_kernel(unsigned int order, enum alloc how);
void *__wrap_vm_frame_alloc_kernel(unsigned int order, enum alloc how);
void __real_vm_frame_free_kernel(void *memory, unsigned int order);
void __wrap_vm_frame_free_kernel(void *memory, unsigned int order);
bool __real_alloc_inject(enum alloc how);
bool __wrap_alloc_inject(enum alloc how);

/* kmem.c's own names for these. */
void *sim_kmem_frames(unsigned int order, enum alloc how);
void *sim_kmem_memset(void *at, int byte, size_t size);

/* ---- points and refusals ---- */

/* Whether one that may not sleep, or need not, fails. */
static bool sim_refuse(void)
{
    return sim_fault(SIM_FAULT_ALLOC);
}

/* A point of an allocation; whether it fails. A dying thread waits for nothing, and may get nothing. */
static bool sim_allocation(enum alloc how)
{
    sim_point(SIM_KERNEL);
    how = alloc_resolve(how);
    if ((how & ALLOC_NOSLEEP) || thread_should_end())
        return sim_refuse();
    sim_switch_point();
    return false;
}

/* As vm_frame.c asks it, for the allocations that come there directly. */
bool __wrap_alloc_inject(enum alloc how)
{
    return __real_alloc_inject(how) || ((how & ALLOC_NOSLEEP) != 0 && sim_refuse());
}

/* ---- objects ---- */

void *__wrap_kmem_cache_alloc(struct kmem_cache *cache, enum alloc how)
{
    void *object = sim_allocation(how) ? NULL : __real_kmem_cache_alloc(cache, how);

    if (object != NULL)
        ASAN_UNPOISON_MEMORY_REGION(object, cache->size);
    return object;
}

void __wrap_kmem_cache_free(struct kmem_cache *cache, void *object)
{
    ASAN_POISON_MEMORY_REGION(object, cache->size);
    __real_kmem_cache_free(cache, object);
}

void *__wrap_kmem_alloc(size_t size, enum alloc how)
{
    /* More than a page need not be had by one that may sleep either. */
    bool large = size > PAGE_SIZE && sim_refuse();
    void *memory = large || sim_allocation(how) ? NULL : __real_kmem_alloc(size, how);

    if (memory != NULL)
        ASAN_UNPOISON_MEMORY_REGION(memory, size);
    return memory;
}

void __wrap_kmem_free(void *memory, size_t size)
{
    ASAN_POISON_MEMORY_REGION(memory, size);
    __real_kmem_free(memory, size);
}

/* ---- frames ---- */

static void sim_frames_poison(const struct vm_frame *frame, unsigned int order)
{
    ASAN_POISON_MEMORY_REGION(sim_frame_bytes(frame), PAGE_SIZE << order);
}

struct vm_frame *__wrap_vm_frame_alloc(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how)
{
    enum alloc asked = alloc_resolve(how);
    struct vm_frame *frame = sim_allocation(how) ? NULL : __real_vm_frame_alloc(order, highest, state, how);

    if (frame == NULL)
        return NULL;
    ASAN_UNPOISON_MEMORY_REGION(sim_frame_bytes(frame), PAGE_SIZE << order);
    sim_laws_frame_taken(frame, asked);
    return frame;
}

void __wrap_vm_frame_free(struct vm_frame *frame, unsigned int order)
{
    sim_frames_poison(frame, order);
    __real_vm_frame_free(frame, order);
    sim_drought_freed();
}

void __wrap_vm_frame_free_list(struct list *list, unsigned int count)
{
    struct vm_frame *frame;

    list_for_each(list, frame, node)
        sim_frames_poison(frame, 0);
    __real_vm_frame_free_list(list, count);
    sim_drought_freed();
}

/* One of the kernel's. */
static void *sim_frame_kernel(unsigned int order, enum alloc how)
{
    enum alloc asked = alloc_resolve(how);
    void *memory = sim_allocation(how) ? NULL : __real_vm_frame_alloc_kernel(order, how);

    if (memory != NULL)
        sim_laws_frame_taken(vm_frame_of_phys(machine_virt_to_phys(memory)), asked);
    return memory;
}

void *__wrap_vm_frame_alloc_kernel(unsigned int order, enum alloc how)
{
    void *memory = sim_frame_kernel(order, how);

    if (memory != NULL)
        ASAN_UNPOISON_MEMORY_REGION(memory, PAGE_SIZE << order);
    return memory;
}

void __wrap_vm_frame_free_kernel(void *memory, unsigned int order)
{
    ASAN_POISON_MEMORY_REGION(memory, PAGE_SIZE << order);
    __real_vm_frame_free_kernel(memory, order);
    sim_drought_freed();
}

/* ---- for kmem.c ---- */

/* Stays poisoned: what kmem.c hands out of it is not, from then on. */
void *sim_kmem_frames(unsigned int order, enum alloc how)
{
    return sim_frame_kernel(order, how);
}

void *sim_kmem_memset(void *at, int byte, size_t size)
{
    void *to = at;

    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
    return at;
}
