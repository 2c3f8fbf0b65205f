/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black trees whose nodes are embedded in what they order: object pages by offset, map entries by address, names.
 *
 * A user walks down by itself (the comparison is inlined at the place that knows the keys) and links the new node at
 * the empty place it found: rbtree_link() rebalances. An augmented tree keeps in each node a summary of its subtree
 * (maps keep the widest gap); its update function recomputes one node from its two children and itself, returning
 * whether anything changed, and is called bottom up after each change of shape.
 * Locking: the tree's user's. Nothing here allocates or sleeps.
 */
#ifndef KERNEL_RBTREE_H
#define KERNEL_RBTREE_H

#include "kernel/types.h"

struct rbtree_node {
    uintptr_t parent_color; /* the parent, its lowest bit set when this node is black */
    struct rbtree_node *child[2];
};

typedef bool (*rbtree_update_fn)(struct rbtree_node *node);

struct rbtree {
    struct rbtree_node *root;
};

static inline void rbtree_init(struct rbtree *tree)
{
    tree->root = NULL;
}

static inline bool rbtree_empty(const struct rbtree *tree)
{
    return tree->root == NULL;
}

/*
 * Links node below parent on the given side (0 left, 1 right), where parent->child[side] is NULL; parent NULL makes it
 * the root of an empty tree. update may be NULL.
 */
void rbtree_link(struct rbtree *tree, struct rbtree_node *node, struct rbtree_node *parent, int side,
                 rbtree_update_fn update);

/* Removes node, which is in the tree. */
void rbtree_remove(struct rbtree *tree, struct rbtree_node *node, rbtree_update_fn update);

/* Recomputes the summaries from node up to the root, after node's own key or size changed. */
void rbtree_update_path(struct rbtree_node *node, rbtree_update_fn update);

/* In order: the first, last, next, previous node, or NULL. */
struct rbtree_node *rbtree_first(const struct rbtree *tree);
struct rbtree_node *rbtree_last(const struct rbtree *tree);
struct rbtree_node *rbtree_next(const struct rbtree_node *node);
struct rbtree_node *rbtree_prev(const struct rbtree_node *node);

#define rbtree_entry(node, type, member) container_of(node, type, member)

#endif
