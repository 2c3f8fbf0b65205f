/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Radix tree of names.
 *
 * A node's `full` bit of a slot says that no key below it is free, so the lowest free key is found by one walk that takes
 * the lowest clear bit of each node. The bits above a change are recomputed on the way up, which ends as soon as one
 * does not change. Key 0 counts as used: the bottom node of the lowest keys is made with that bit set.
 */
#include "ipc/ipc_table.h"

#include "kernel/panic.h"
#include "kernel/string.h"

#define IPC_TABLE_HEIGHT_MAX 6u /* 6 * 6 bits hold 32 */
#define IPC_TABLE_ALL (~(uint64_t)0)

static struct kmem_cache ipc_table_cache;

void ipc_table_init_module(void)
{
    kmem_cache_init(&ipc_table_cache, "ipc_table_node", sizeof(struct ipc_table_node), 0);
}

void ipc_table_init(struct ipc_table *table)
{
    table->root = NULL;
    table->lowest = NULL;
    table->height = 0;
}

void *ipc_table_lookup_far(const struct ipc_table *table, uint32_t key)
{
    unsigned int shift = table->height * IPC_TABLE_BITS;
    void *node = table->root;

    if (shift < 32 && key >> shift != 0)
        return NULL;
    while (shift > 0 && node != NULL) {
        shift -= IPC_TABLE_BITS;
        node = ((struct ipc_table_node *)node)->slots[key >> shift & (IPC_TABLE_SLOTS - 1)];
    }
    return node;
}

static unsigned int ipc_table_slot(uint32_t key, unsigned int level)
{
    return key >> (level * IPC_TABLE_BITS) & (IPC_TABLE_SLOTS - 1);
}

/* The height at which key has a place. */
static unsigned int ipc_table_height(uint32_t key)
{
    unsigned int height = 1;

    while (height < IPC_TABLE_HEIGHT_MAX && key >> (height * IPC_TABLE_BITS) != 0)
        height++;
    return height;
}

/* A node whose lowest slot is the way to key 0 has that key taken. Slots beyond 32 bits do not exist. */
static struct ipc_table_node *ipc_table_node_create(struct ipc_table *table, unsigned int level, bool lowest,
                                                    enum alloc how)
{
    struct ipc_table_node *node = kmem_cache_alloc(&ipc_table_cache, how);

    if (node == NULL)
        return NULL;
    memset(node, 0, sizeof(*node));
    if (level == 0 && lowest) {
        node->full = 1;
        table->lowest = node;
    }
    if (level == IPC_TABLE_HEIGHT_MAX - 1)
        node->full = IPC_TABLE_ALL << (1u << (32 - level * IPC_TABLE_BITS));
    return node;
}

static kern_return_t ipc_table_grow(struct ipc_table *table, unsigned int height, enum alloc how)
{
    if (table->root == NULL) {
        table->root = ipc_table_node_create(table, height - 1, true, how);
        table->height = table->root == NULL ? 0 : height;
        return table->root == NULL ? KERN_RESOURCE_SHORTAGE : KERN_SUCCESS;
    }
    while (table->height < height) {
        struct ipc_table_node *root = ipc_table_node_create(table, table->height, true, how);
        if (root == NULL)
            return KERN_RESOURCE_SHORTAGE;
        root->slots[0] = table->root;
        root->nr_used = 1;
        root->full |= table->root->full == IPC_TABLE_ALL;
        table->root = root;
        table->height++;
    }
    return KERN_SUCCESS;
}

/* Takes empty nodes off the way to key, from level up, and then roots that are no longer needed. */
static void ipc_table_prune(struct ipc_table *table, struct ipc_table_node **path, uint32_t key, unsigned int level)
{
    for (; path[level]->nr_used == 0; level++) {
        if (path[level] == table->lowest)
            table->lowest = NULL;
        kmem_cache_free(&ipc_table_cache, path[level]);
        if (level + 1 == table->height) {
            table->root = NULL;
            table->height = 0;
            return;
        }
        struct ipc_table_node *parent = path[level + 1];
        parent->slots[ipc_table_slot(key, level + 1)] = NULL;
        parent->nr_used--;
        parent->full &= ~((uint64_t)1 << ipc_table_slot(key, level + 1));
    }
    while (table->height > 1 && table->root->nr_used == 1 && table->root->slots[0] != NULL) {
        struct ipc_table_node *root = table->root;
        table->root = root->slots[0];
        table->height--;
        kmem_cache_free(&ipc_table_cache, root);
    }
}

kern_return_t ipc_table_insert(struct ipc_table *table, uint32_t key, void *value, enum alloc how)
{
    struct ipc_table_node *path[IPC_TABLE_HEIGHT_MAX], *lowest = table->lowest;
    unsigned int level;

    assert(key != 0 && value != NULL);
    /* The usual case: a small key whose node is there and does not become full. */
    if (likely(key < IPC_TABLE_SLOTS && lowest != NULL)) {
        uint64_t full = lowest->full | (uint64_t)1 << key;
        if (likely(full != IPC_TABLE_ALL)) {
            assert(lowest->slots[key] == NULL);
            lowest->full = full;
            lowest->slots[key] = value;
            lowest->nr_used++;
            return KERN_SUCCESS;
        }
    }
    if (ipc_table_grow(table, ipc_table_height(key), how) != KERN_SUCCESS)
        return KERN_RESOURCE_SHORTAGE;
    path[table->height - 1] = table->root;
    for (level = table->height - 1; level > 0; level--) {
        struct ipc_table_node *node = path[level];
        unsigned int slot = ipc_table_slot(key, level);
        if (node->slots[slot] == NULL) {
            bool leads_to_lowest = key >> (level * IPC_TABLE_BITS) == 0;
            node->slots[slot] = ipc_table_node_create(table, level - 1, leads_to_lowest, how);
            if (node->slots[slot] == NULL) {
                ipc_table_prune(table, path, key, level);
                return KERN_RESOURCE_SHORTAGE;
            }
            node->nr_used++;
        }
        path[level - 1] = node->slots[slot];
    }
    assert(path[0]->slots[ipc_table_slot(key, 0)] == NULL);
    path[0]->slots[ipc_table_slot(key, 0)] = value;
    path[0]->nr_used++;
    path[0]->full |= (uint64_t)1 << ipc_table_slot(key, 0);
    for (level = 0; level + 1 < table->height && path[level]->full == IPC_TABLE_ALL; level++)
        path[level + 1]->full |= (uint64_t)1 << ipc_table_slot(key, level + 1);
    return KERN_SUCCESS;
}

void *ipc_table_remove(struct ipc_table *table, uint32_t key)
{
    struct ipc_table_node *path[IPC_TABLE_HEIGHT_MAX], *lowest = table->lowest;
    unsigned int level;

    /* The usual case: a small key in a node that was not full and does not become empty. */
    if (likely(key < IPC_TABLE_SLOTS && lowest != NULL && lowest->nr_used > 1 && lowest->full != IPC_TABLE_ALL)) {
        void *found = lowest->slots[key];
        if (found != NULL) {
            lowest->slots[key] = NULL;
            lowest->nr_used--;
            lowest->full &= ~((uint64_t)1 << key);
        }
        return found;
    }
    if (key == 0 || ipc_table_lookup(table, key) == NULL)
        return NULL;
    path[table->height - 1] = table->root;
    for (level = table->height - 1; level > 0; level--)
        path[level - 1] = path[level]->slots[ipc_table_slot(key, level)];
    void *value = path[0]->slots[ipc_table_slot(key, 0)];
    path[0]->slots[ipc_table_slot(key, 0)] = NULL;
    path[0]->nr_used--;
    for (level = 0; level < table->height; level++) {
        bool was_full = path[level]->full == IPC_TABLE_ALL;
        path[level]->full &= ~((uint64_t)1 << ipc_table_slot(key, level));
        if (!was_full)
            break;
    }
    if (path[0]->nr_used == 0)
        ipc_table_prune(table, path, key, 0);
    return value;
}

/* The lowest clear bit; there is one. */
static unsigned int ipc_table_first_clear(uint64_t bits)
{
    uint32_t low = ~(uint32_t)bits;

    return low != 0 ? (unsigned int)__builtin_ctz(low) : 32 + (unsigned int)__builtin_ctz(~(uint32_t)(bits >> 32));
}

uint32_t ipc_table_lowest_free(const struct ipc_table *table)
{
    const struct ipc_table_node *node = table->root;
    unsigned int level = table->height;
    uint32_t key = 0;

    if (likely(table->lowest != NULL && table->lowest->full != IPC_TABLE_ALL))
        return ipc_table_first_clear(table->lowest->full);
    if (node == NULL)
        return 1;
    if (node->full == IPC_TABLE_ALL) /* the first key that wants a higher tree */
        return level == IPC_TABLE_HEIGHT_MAX ? 0 : 1u << (level * IPC_TABLE_BITS);
    while (level-- > 0) {
        unsigned int slot = ipc_table_first_clear(node->full);
        key |= slot << (level * IPC_TABLE_BITS);
        if (level == 0 || node->slots[slot] == NULL)
            break;
        node = node->slots[slot];
    }
    return key == 0 ? 1 : key; /* an empty way down to the lowest keys */
}

void *ipc_table_next(const struct ipc_table *table, uint32_t *key)
{
    uint64_t at = *key;

    while (table->height > 0 && at >> 32 == 0 && at >> (table->height * IPC_TABLE_BITS) == 0) {
        const struct ipc_table_node *node = table->root;
        unsigned int level = table->height - 1;
        while (level > 0 && node->slots[ipc_table_slot((uint32_t)at, level)] != NULL)
            node = node->slots[ipc_table_slot((uint32_t)at, level--)];
        void *value = node->slots[ipc_table_slot((uint32_t)at, level)];
        if (level == 0 && value != NULL) {
            *key = (uint32_t)at;
            return value;
        }
        at = ((at >> (level * IPC_TABLE_BITS)) + 1) << (level * IPC_TABLE_BITS);
    }
    return NULL;
}
