/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's state as bytes: the program's data, the simulated memory and the threads' stacks, each at one address for
 * the whole run.
 *
 * A state is kept as its difference to one of them, the root, by words: a few kilobytes where a copy would take half a
 * megabyte. Finding the difference is a comparison of everything with the root's copy; restoring takes the chunks back that
 * differ, and puts the other difference on top. What free frames contain is no state: who takes one must not look.
 *
 * What the checker itself remembers must not go back with the state: it is in memory of its own, which constant pointers
 * lead to. Kernel virtual memory is left out: there are only the kernel's stacks, which the simulated machine does not use,
 * and that is checked.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core.h"
#include "kernel/machine.h"
#include "vm/vm_frame.h"

#define CORE_STACKS 32u
#define CORE_CHUNK 4096u
#define CORE_CHUNKS_MAX 4096u
#define CORE_HEAP_SIZE (16u << 10)
#define CORE_DIRECT_START 0x80000000u /* tests/sim/memory.c */
#define CORE_KVA_START 0xa0000000u
#define CORE_KVA_END 0xb0000000u

extern char __data_start[], _end[], __start_core_apart[], __stop_core_apart[]; /* the linker's */

/* For calloc() in tests/sim, and for stacks. */
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset);
void *__real_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset);

struct core_chunk {
    uint32_t *words;
    uint32_t nr_words;
    uint32_t *root;
    const struct vm_frame *frame; /* whose bytes it is, or NULL */
    enum {
        CORE_SAME,
        CORE_DIFFERENT,
        CORE_FREE,              /* a free frame's: nobody knows, and it does not count */
    } now;                      /* as against the root */
};

struct core_memory {
    uint32_t nr_chunks, nr_data; /* the program's data comes first */
    struct core_chunk chunks[CORE_CHUNKS_MAX];
    uint32_t scratch[CORE_DIFFERENCE_MAX / 4];
};
static struct core_memory *core_memory;

static char core_heap[CORE_HEAP_SIZE] __attribute__((aligned(64)));
static size_t core_heap_used;
static char *core_stacks;
static size_t core_stack_size;
static unsigned int core_nr_stacks;

void *core_memory_own(size_t size)
{
    void *memory = __real_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        sim_fail("the host has no memory for the search");
    return memory;
}

void *__wrap_calloc(size_t nr, size_t size)
{
    char *memory = core_heap + core_heap_used;

    core_heap_used += (nr * size + 63) & ~(size_t)63;
    sim_check(core_heap_used <= CORE_HEAP_SIZE);
    return memory;
}

/* Stacks are what is mapped anywhere. */
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    if (address != NULL)
        return __real_mmap(address, size, protection, flags, file, offset);
    if (core_stacks == NULL) {
        core_stack_size = size;
        core_stacks = core_memory_own(CORE_STACKS * size);
    }
    sim_check(size == core_stack_size && core_nr_stacks < CORE_STACKS);
    return core_stacks + core_nr_stacks++ * size;
}

/* ---- stacks ---- */

static char *core_memory_stack(void *sp)
{
    uint32_t index = (uint32_t)((char *)sp - core_stacks) / core_stack_size;

    sim_check((char *)sp >= core_stacks && index < core_nr_stacks);
    return core_stacks + index * core_stack_size;
}

void core_memory_clean_stack(void *sp)
{
    char *bottom = core_memory_stack(sp) + CORE_CHUNK;

    memset(bottom, 0, (size_t)((char *)sp - bottom));
}

void *core_memory_stack_top(void *sp)
{
    return core_memory_stack(sp) + core_stack_size;
}

/* ---- the root ---- */

bool core_memory_dynamic(uint32_t word)
{
    return word - CORE_DIRECT_START < (sim_run.nr_direct + 1) * CORE_CHUNK ||
        word - CORE_KVA_START < CORE_KVA_END - CORE_KVA_START ||
           word - (uint32_t)(uintptr_t)core_heap < CORE_HEAP_SIZE;
}

static void core_memory_add(void *start, size_t size, const struct vm_frame *frames)
{
    sim_check((uintptr_t)start % 4 == 0 && size % 4 == 0);
    for (size_t at = 0; at < size; at += CORE_CHUNK) {
        sim_check(core_memory->nr_chunks < CORE_CHUNKS_MAX);
        struct core_chunk *chunk = &core_memory->chunks[core_memory->nr_chunks++];

        chunk->words = (uint32_t *)((uintptr_t)start + at);
        chunk->nr_words = (uint32_t)MIN(size - at, CORE_CHUNK) / 4;
        chunk->frame = frames == NULL ? NULL : frames + at / CORE_CHUNK;
    }
}

void core_memory_init(void)
{
    core_memory = core_memory_own(sizeof(*core_memory));
}

void core_memory_root(void)
{
    char *copy;

    sim_check(&__start_core_apart[0] >= &__data_start[0] && &__stop_core_apart[0] <= &_end[0]);
    core_memory_add(__data_start, (size_t)(__start_core_apart - __data_start) & ~(size_t)3, NULL);
    core_memory_add(__stop_core_apart, (size_t)(_end - __stop_core_apart) & ~(size_t)3, NULL);
    core_memory->nr_data = core_memory->nr_chunks;
    core_memory_add((void *)(uintptr_t)(CORE_DIRECT_START + CORE_CHUNK), sim_run.nr_direct * CORE_CHUNK, &vm_frames[1]);
    for (unsigned int i = 0; i < core_nr_stacks; i++)
        core_memory_add(core_stacks + i * core_stack_size + CORE_CHUNK, core_stack_size - CORE_CHUNK, NULL);
    copy = core_memory_own(core_memory->nr_chunks * CORE_CHUNK);
    for (uint32_t i = 0; i < core_memory->nr_chunks; i++) {
        struct core_chunk *chunk = &core_memory->chunks[i];

        chunk->root = (uint32_t *)(void *)(copy + i * CORE_CHUNK);
        /* So that it differs little from what will be there: most is cleared when it is taken. */
        if (chunk->frame != NULL && chunk->frame->state == VM_FRAME_FREE)
            memset(chunk->words, 0, chunk->nr_words * 4);
        memcpy(chunk->root, chunk->words, chunk->nr_words * 4);
    }
}

/* ---- differences ---- */

/*
 * A difference is, for each chunk that has one, its number and how many pieces follow; a piece is the first word's number
 * and how many there are, and the words. It ends with the number CORE_CHUNKS_MAX.
 */
static uint32_t *core_memory_compare(const struct core_chunk *chunk, uint32_t *to)
{
    uint32_t *nr_pieces = to++, i = 0;

    *nr_pieces = 0;
    while (i < chunk->nr_words) {
        uint32_t *head = to, begin = i;

        if (chunk->words[i] == chunk->root[i]) {
            i++;
            continue;
        }
        to += 1;
        /* One word that is the same costs as much as the head of another piece. */
        for (; i < chunk->nr_words && (chunk->words[i] != chunk->root[i] ||
                                       (i + 1 < chunk->nr_words && chunk->words[i + 1] != chunk->root[i + 1])); i++)
            *to++ = chunk->words[i];
        *head = begin << 16 | (i - begin);
        ++*nr_pieces;
    }
    return to;
}

void core_memory_look(void)
{
    for (uint32_t i = 0; i < core_memory->nr_chunks; i++) {
        struct core_chunk *chunk = &core_memory->chunks[i];

        if (chunk->frame != NULL && chunk->frame->state == VM_FRAME_FREE)
            chunk->now = CORE_FREE;
        else if (memcmp(chunk->words, chunk->root, chunk->nr_words * 4) != 0)
            chunk->now = CORE_DIFFERENT;
        else
            chunk->now = CORE_SAME;
    }
}

uint32_t core_memory_save(void)
{
    uint32_t *to = core_memory->scratch, size;

    for (uint32_t i = 0; i < core_memory->nr_chunks; i++) {
        if (core_memory->chunks[i].now != CORE_DIFFERENT)
            continue;
        *to++ = i;
        to = core_memory_compare(&core_memory->chunks[i], to);
        sim_check(to < core_memory->scratch + ARRAY_LENGTH(core_memory->scratch) - 2 * CORE_CHUNK);
    }
    *to++ = CORE_CHUNKS_MAX;
    size = (uint32_t)((char *)to - (char *)core_memory->scratch);
    return core_queue_put(core_memory->scratch, size) ? size : 0;
}

/* A frame that is free now, and was not free then, may have any bytes, but is what the root has where nothing differs. */
static void core_memory_restore_freed(void)
{
    for (uint32_t i = 0; i < core_memory->nr_chunks; i++) {
        struct core_chunk *chunk = &core_memory->chunks[i];

        if (chunk->now == CORE_FREE && chunk->frame->state != VM_FRAME_FREE)
            memcpy(chunk->words, chunk->root, chunk->nr_words * 4);
    }
}

static const uint32_t *core_memory_restore_chunk(const uint32_t *from)
{
    struct core_chunk *chunk = &core_memory->chunks[*from++];

    chunk->now = CORE_DIFFERENT;
    for (uint32_t pieces = *from++; pieces > 0; pieces--) {
        uint32_t first = *from >> 16, nr = *from & 0xffffu;

        memcpy(chunk->words + first, from + 1, nr * 4);
        from += nr + 1;
    }
    return from;
}

/* The chunks come in order, and the frames' records, which say what is free, before the frames. */
void core_memory_restore(const void *difference)
{
    const uint32_t *from = difference;

    for (uint32_t i = 0; i < core_memory->nr_chunks; i++) {
        struct core_chunk *chunk = &core_memory->chunks[i];

        if (chunk->now == CORE_DIFFERENT)
            memcpy(chunk->words, chunk->root, chunk->nr_words * 4);
    }
    while (*from < core_memory->nr_data)
        from = core_memory_restore_chunk(from);
    core_memory_restore_freed();
    while (*from != CORE_CHUNKS_MAX)
        from = core_memory_restore_chunk(from);
}
