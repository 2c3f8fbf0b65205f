/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream is remembered as the range of its last request. A fault just behind its end goes on forward, one just before its
 * first page backward, and either asks for twice as many pages as last time: 2, 4, ... A fault elsewhere begins a
 * stream with one page, in place of the stream that was begun first. "Just" is within the length of that request, because
 * pages that are resident already are stepped over without a fault.
 *
 * A behavior that the manager has stated is taken at its word: full length from the first fault on.
 *
 * Rejected: one stream an object (two readers of one file, or a compiler's several passes, make every request the first of
 * its stream); a stream a map entry (a reader that maps piece by piece begins anew each time).
 */
#include "vm/vm_cluster.h"

void vm_cluster_init(struct vm_cluster *cluster)
{
    vm_cluster_set(cluster, 1, VM_BEHAVIOR_DEFAULT);
}

void vm_cluster_set(struct vm_cluster *cluster, unsigned int most, vm_behavior_t behavior)
{
    *cluster = (struct vm_cluster){.most = (uint8_t)most, .behavior = (uint8_t)behavior};
}

/* length pages from index on. Offsets end long before their numbers do. */
static struct vm_cluster_range vm_cluster_forward(uint32_t index, unsigned int length)
{
    return (struct vm_cluster_range){index, index + length};
}

/* length pages up to index, or as many as there are. */
static struct vm_cluster_range vm_cluster_backward(uint32_t index, unsigned int length)
{
    return (struct vm_cluster_range){index - MIN(index, (uint32_t)length - 1), index + 1};
}

static uint32_t vm_cluster_length(const struct vm_cluster_range *stream)
{
    return stream->end - stream->first;
}

static bool vm_cluster_follows(const struct vm_cluster_range *stream, uint32_t index)
{
    return index >= stream->end && index - stream->end < vm_cluster_length(stream);
}

static bool vm_cluster_precedes(const struct vm_cluster_range *stream, uint32_t index)
{
    return index < stream->first && stream->first - index <= vm_cluster_length(stream);
}

/* The stream that index goes on with, or VM_CLUSTER_STREAMS. */
static unsigned int vm_cluster_find(const struct vm_cluster *cluster, uint32_t index)
{
    unsigned int i = 0;

    while (i < VM_CLUSTER_STREAMS && !vm_cluster_follows(&cluster->streams[i], index) &&
           !vm_cluster_precedes(&cluster->streams[i], index))
        i++;
    return i;
}

struct vm_cluster_range vm_cluster_choose(const struct vm_cluster *cluster, uint32_t index, unsigned int most)
{
    unsigned int i;

    most = MIN(most, (unsigned int)cluster->most);
    switch (cluster->behavior) {
    case VM_BEHAVIOR_RANDOM:
        return vm_cluster_forward(index, 1);
    case VM_BEHAVIOR_SEQUENTIAL:
        return vm_cluster_forward(index, most);
    case VM_BEHAVIOR_RSEQNTL:
        return vm_cluster_backward(index, most);
    }
    i = vm_cluster_find(cluster, index);
    if (i == VM_CLUSTER_STREAMS)
        return vm_cluster_forward(index, 1);
    most = MIN(most, 2 * vm_cluster_length(&cluster->streams[i]));
    return vm_cluster_follows(&cluster->streams[i], index) ? vm_cluster_forward(index, most)
                                                           : vm_cluster_backward(index, most);
}

void vm_cluster_asked(struct vm_cluster *cluster, uint32_t index, struct vm_cluster_range asked)
{
    unsigned int i = vm_cluster_find(cluster, index);

    if (i == VM_CLUSTER_STREAMS) {
        i = cluster->turn;
        cluster->turn = (uint8_t)((i + 1) % VM_CLUSTER_STREAMS);
    }
    cluster->streams[i] = asked;
}
