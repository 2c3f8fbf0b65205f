/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black trees: the rules are that the root is black, a red node has no red child, and every way from a node down to a
 * missing child meets the same number of black nodes. A missing child is black.
 *
 * Both sides of each case are one piece of code: `side` is the child's index and !side the other. Colour and parent
 * share a word, because nodes are in every page and every map entry.
 *
 * Summaries (augmented trees): a summary depends on what is in the subtree and not on its shape. So an insertion first
 * brings the way up to the root up to date, and each rotation afterwards only recomputes the two nodes that it turns,
 * the lower one first: above them nothing has changed. A removal recomputes the whole way from the lowest node that lost
 * a child before it rebalances, because a node that moved up brings the summary of its old place with it.
 */
#include "kernel/rbtree.h"

#include "kernel/panic.h"

#define RBTREE_BLACK ((uintptr_t)1)

static inline struct rbtree_node *rbtree_parent(const struct rbtree_node *node)
{
    return (struct rbtree_node *)(node->parent_color & ~RBTREE_BLACK);
}

static inline bool rbtree_is_red(const struct rbtree_node *node)
{
    return node != NULL && !(node->parent_color & RBTREE_BLACK);
}

static inline void rbtree_set_parent(struct rbtree_node *node, struct rbtree_node *parent)
{
    node->parent_color = (uintptr_t)parent | (node->parent_color & RBTREE_BLACK);
}

static inline void rbtree_set_red(struct rbtree_node *node)
{
    node->parent_color &= ~RBTREE_BLACK;
}

static inline void rbtree_set_black(struct rbtree_node *node)
{
    node->parent_color |= RBTREE_BLACK;
}

static inline int rbtree_side(const struct rbtree_node *parent, const struct rbtree_node *node)
{
    return parent->child[1] == node;
}

/* Puts new (or nothing) where old hangs below parent; new's own parent is the caller's business. */
static inline void rbtree_replace_child(struct rbtree *tree, struct rbtree_node *parent, const struct rbtree_node *old,
                                        struct rbtree_node *new)
{
    if (parent == NULL)
        tree->root = new;
    else
        parent->child[rbtree_side(parent, old)] = new;
}

/* Turns node down to the given side; its child on the other side takes its place. Colours stay with the nodes. */
static void rbtree_rotate(struct rbtree *tree, struct rbtree_node *node, int side, rbtree_update_fn update)
{
    struct rbtree_node *parent = rbtree_parent(node), *up = node->child[!side], *middle = up->child[side];

    node->child[!side] = middle;
    if (middle != NULL)
        rbtree_set_parent(middle, node);
    rbtree_replace_child(tree, parent, node, up);
    rbtree_set_parent(up, parent);
    up->child[side] = node;
    rbtree_set_parent(node, up);
    if (update != NULL) {
        (void)update(node);
        (void)update(up);
    }
}

void rbtree_update_path(struct rbtree_node *node, rbtree_update_fn update)
{
    /* Where a summary stays as it is, those above it do too. */
    while (node != NULL && update(node))
        node = rbtree_parent(node);
}

/* node is red, and so may its parent be: the one rule that is broken. */
static void rbtree_link_rebalance(struct rbtree *tree, struct rbtree_node *node, rbtree_update_fn update)
{
    struct rbtree_node *parent;

    while (rbtree_is_red(parent = rbtree_parent(node))) {
        struct rbtree_node *grandparent = rbtree_parent(parent); /* there is one: the root is black */
        int side = rbtree_side(grandparent, parent);
        struct rbtree_node *uncle = grandparent->child[!side];

        if (rbtree_is_red(uncle)) {
            rbtree_set_black(parent);
            rbtree_set_black(uncle);
            rbtree_set_red(grandparent);
            node = grandparent;
            continue;
        }
        if (parent->child[!side] == node) {
            rbtree_rotate(tree, parent, side, update);
            parent = node;
        }
        rbtree_set_black(parent);
        rbtree_set_red(grandparent);
        rbtree_rotate(tree, grandparent, !side, update);
        break;
    }
    rbtree_set_black(tree->root);
}

void rbtree_link(struct rbtree *tree, struct rbtree_node *node, struct rbtree_node *parent, int side,
                 rbtree_update_fn update)
{
    assert(((uintptr_t)node & RBTREE_BLACK) == 0 && (side == 0 || side == 1));
    assert(parent == NULL ? tree->root == NULL : parent->child[side] == NULL);

    node->parent_color = (uintptr_t)parent;
    node->child[0] = NULL;
    node->child[1] = NULL;
    if (parent == NULL)
        tree->root = node;
    else
        parent->child[side] = node;
    if (update != NULL) {
        (void)update(node); /* what its memory held before says nothing about a change */
        rbtree_update_path(parent, update);
    }
    rbtree_link_rebalance(tree, node, update);
}

/*
 * The ways through parent->child[side], which is missing or black, have one black node too few. Each turn of the loop
 * either ends that with rotations below parent or carries it one step up.
 */
static void rbtree_remove_rebalance(struct rbtree *tree, struct rbtree_node *parent, int side, rbtree_update_fn update)
{
    for (;;) {
        struct rbtree_node *sibling = parent->child[!side]; /* there is one: its ways have a black node more */

        if (rbtree_is_red(sibling)) {
            rbtree_set_black(sibling);
            rbtree_set_red(parent);
            rbtree_rotate(tree, parent, side, update);
            sibling = parent->child[!side];
        }
        if (rbtree_is_red(sibling->child[0]) || rbtree_is_red(sibling->child[1])) {
            if (!rbtree_is_red(sibling->child[!side])) {
                rbtree_set_black(sibling->child[side]);
                rbtree_set_red(sibling);
                rbtree_rotate(tree, sibling, !side, update);
                sibling = parent->child[!side];
            }
            sibling->parent_color = (sibling->parent_color & ~RBTREE_BLACK) | (parent->parent_color & RBTREE_BLACK);
            rbtree_set_black(parent);
            rbtree_set_black(sibling->child[!side]);
            rbtree_rotate(tree, parent, side, update);
            return;
        }
        rbtree_set_red(sibling);
        if (rbtree_is_red(parent)) {
            rbtree_set_black(parent);
            return;
        }
        struct rbtree_node *short_node = parent;
        parent = rbtree_parent(parent);
        if (parent == NULL)
            return;
        side = rbtree_side(parent, short_node);
    }
}

/*
 * Takes next, node's successor and the leftmost of its right subtree, out of its place and puts it into node's, with
 * node's colour. Returns where a child is now missing or replaced: the parent and, in *side, the side.
 */
static struct rbtree_node *rbtree_exchange(struct rbtree *tree, struct rbtree_node *node, struct rbtree_node *next,
                                           int *side)
{
    struct rbtree_node *hole = rbtree_parent(next), *orphan = next->child[1];

    if (hole == node) {
        hole = next;
        *side = 1;
    } else {
        hole->child[0] = orphan;
        if (orphan != NULL)
            rbtree_set_parent(orphan, hole);
        next->child[1] = node->child[1];
        rbtree_set_parent(next->child[1], next);
        *side = 0;
    }
    next->child[0] = node->child[0];
    rbtree_set_parent(next->child[0], next);
    rbtree_replace_child(tree, rbtree_parent(node), node, next);
    next->parent_color = node->parent_color;
    return hole;
}

void rbtree_remove(struct rbtree *tree, struct rbtree_node *node, rbtree_update_fn update)
{
    struct rbtree_node *parent, *orphan;
    bool lost_black;
    int side;

    if (node->child[0] != NULL && node->child[1] != NULL) {
        struct rbtree_node *next = node->child[1];

        while (next->child[0] != NULL)
            next = next->child[0];
        orphan = next->child[1];
        lost_black = !rbtree_is_red(next);
        parent = rbtree_exchange(tree, node, next, &side);
    } else {
        orphan = node->child[node->child[0] == NULL];
        lost_black = !rbtree_is_red(node);
        parent = rbtree_parent(node);
        side = parent != NULL && rbtree_side(parent, node);
        rbtree_replace_child(tree, parent, node, orphan);
        if (orphan != NULL)
            rbtree_set_parent(orphan, parent);
    }
    if (update != NULL) {
        for (struct rbtree_node *above = parent; above != NULL; above = rbtree_parent(above))
            (void)update(above);
    }
    if (!lost_black)
        return;
    if (rbtree_is_red(orphan))
        rbtree_set_black(orphan);
    else if (parent != NULL)
        rbtree_remove_rebalance(tree, parent, side, update);
}

static struct rbtree_node *rbtree_end(struct rbtree_node *node, int side)
{
    while (node != NULL && node->child[side] != NULL)
        node = node->child[side];
    return node;
}

/* The neighbour of node on one side: the nearest of that subtree, or the first ancestor that has node on its other side. */
static struct rbtree_node *rbtree_step(const struct rbtree_node *node, int side)
{
    if (node->child[side] != NULL)
        return rbtree_end(node->child[side], !side);
    struct rbtree_node *parent = rbtree_parent(node);
    while (parent != NULL && parent->child[side] == node) {
        node = parent;
        parent = rbtree_parent(node);
    }
    return parent;
}

struct rbtree_node *rbtree_first(const struct rbtree *tree)
{
    return rbtree_end(tree->root, 0);
}

struct rbtree_node *rbtree_last(const struct rbtree *tree)
{
    return rbtree_end(tree->root, 1);
}

struct rbtree_node *rbtree_next(const struct rbtree_node *node)
{
    return rbtree_step(node, 1);
}

struct rbtree_node *rbtree_prev(const struct rbtree_node *node)
{
    return rbtree_step(node, 0);
}
