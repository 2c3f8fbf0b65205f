/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of differences: longer than 32 bits of addresses are good for, so it is a file in the host's memory, given back
 * from the front in pieces.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core.h"

#define CORE_QUEUE_PIECE (16u << 20)

/* No part of the state. */
static struct core_queue {
    int file;
    off_t first, end, given_back;
} *core_queue;

void core_queue_init(void)
{
    core_queue = core_memory_own(sizeof(*core_queue));
    core_queue->file = memfd_create("states", 0);
    sim_check(core_queue->file >= 0);
}

bool core_queue_put(const void *from, uint32_t size)
{
    bool done = pwrite(core_queue->file, from, size, core_queue->end) == (ssize_t)size;

    core_queue->end += size;
    return done;
}

void core_queue_get(void *to, uint32_t size)
{
    sim_check(pread(core_queue->file, to, size, core_queue->first) == (ssize_t)size);
    core_queue->first += size;
    if (core_queue->first - core_queue->given_back < CORE_QUEUE_PIECE)
        return;
    (void)fallocate(core_queue->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, core_queue->given_back, CORE_QUEUE_PIECE);
    core_queue->given_back += CORE_QUEUE_PIECE;
}
