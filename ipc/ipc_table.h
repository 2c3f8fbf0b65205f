/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A radix tree from 32-bit keys to pointers that also finds the lowest free key.
 *
 * Each node has 64 slots and a bit for each that says whether its subtree is full. The tree is as high as the largest
 * key wants: keys below 64 are one step away, below 4096 two. Locking: the owner's. Key 0 and ~0 are never used.
 */
#ifndef IPC_IPC_TABLE_H
#define IPC_IPC_TABLE_H

#include <mach/kern_return.h>

#include "kernel/kmem.h"
#include "kernel/types.h"

#define IPC_TABLE_BITS 6
#define IPC_TABLE_SLOTS (1u << IPC_TABLE_BITS)

struct ipc_table_node {
    uint64_t full;                  /* slots whose subtrees have no free key */
    uint32_t nr_used;               /* slots that are not NULL */
    void *slots[IPC_TABLE_SLOTS];   /* nodes, or at the bottom what was inserted */
};

struct ipc_table {
    struct ipc_table_node *root;
    struct ipc_table_node *lowest;  /* the bottom node of keys below 64, or NULL: most lookups end there */
    unsigned int height;            /* levels; 0: empty */
};

void ipc_table_init(struct ipc_table *table);
void *ipc_table_lookup_far(const struct ipc_table *table, uint32_t key);
static inline void *ipc_table_lookup(const struct ipc_table *table, uint32_t key)
{
    if (likely(key < IPC_TABLE_SLOTS && table->lowest != NULL))
        return table->lowest->slots[key];
    return ipc_table_lookup_far(table, key);
}
/* value under key, where there is none. KERN_RESOURCE_SHORTAGE changes nothing that can be seen. */
kern_return_t ipc_table_insert(struct ipc_table *table, uint32_t key, void *value, enum alloc how);
/* Takes out what is under key, giving empty nodes back. */
void *ipc_table_remove(struct ipc_table *table, uint32_t key);
/* The lowest key from 1 that is free; 0 if there is none. */
uint32_t ipc_table_lowest_free(const struct ipc_table *table);
/* The first value whose key is at least *key, which is set to it; NULL at the end. */
void *ipc_table_next(const struct ipc_table *table, uint32_t *key);

void ipc_table_init_module(void);

#endif
