/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages to ask a manager for when a fault needs one: by the pattern of what was asked before.
 *
 * Plain arithmetic: no locks (the object's is held), no pages, no messages, so that it runs on the host.
 */
#ifndef VM_VM_CLUSTER_H
#define VM_VM_CLUSTER_H

#include <mach/vm_behavior.h>

#include "kernel/types.h"

/* The longest request, pages; as the longest run that goes out. */
#define VM_CLUSTER_MOST 64u
/* Readers of one object that are told apart. */
#define VM_CLUSTER_STREAMS 4u

struct vm_cluster_range {
    uint32_t first, end;        /* pages [first, end) */
};

struct vm_cluster {
    uint8_t most;               /* pages a request, at most; 1: as today's managers expect */
    uint8_t behavior;           /* VM_BEHAVIOR_* */
    uint8_t turn;               /* the stream that is replaced next */
    struct vm_cluster_range streams[VM_CLUSTER_STREAMS]; /* the last request of each; empty: none */
};

/* One page a request, whatever happens. */
void vm_cluster_init(struct vm_cluster *cluster);
/* most is from 1 to VM_CLUSTER_MOST. What was seen is forgotten. */
void vm_cluster_set(struct vm_cluster *cluster, unsigned int most, vm_behavior_t behavior);

/*
 * The fault needs the page at index, and at most most pages (at least 1) may be asked for now. Returns a range of them that
 * contains index; it may reach beyond the object. vm_cluster_asked() says which part of it was asked for in the end.
 */
struct vm_cluster_range vm_cluster_choose(const struct vm_cluster *cluster, uint32_t index, unsigned int most);
void vm_cluster_asked(struct vm_cluster *cluster, uint32_t index, struct vm_cluster_range asked);

#endif
