/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black trees: random insertions, removals and changes against a sorted array; after each the rules of colours and the
 * summaries (the largest weight of a subtree, and the number of nodes) are checked in every node.
 * unit: kernel/rbtree.c
 */
#include "kernel/rbtree.h"
#include "kernel/types.h"

#include "tap.h"

#define NODES 300
#define STEPS 40000

struct item {
    struct rbtree_node node;
    unsigned int key, weight, heaviest, count;
    bool linked;
};

static struct rbtree tree;
static struct item items[NODES];
static struct item *sorted[NODES];
static unsigned int nr_sorted;

static struct item *item_of(struct rbtree_node *node)
{
    return node != NULL ? rbtree_entry(node, struct item, node) : NULL;
}

static void summarize(const struct item *item, unsigned int *heaviest, unsigned int *count)
{
    *heaviest = item->weight;
    *count = 1;
    for (int side = 0; side < 2; side++) {
        const struct item *child = item_of(item->node.child[side]);

        if (child != NULL) {
            *heaviest = MAX(*heaviest, child->heaviest);
            *count += child->count;
        }
    }
}

static bool update(struct rbtree_node *node)
{
    struct item *item = item_of(node);
    unsigned int heaviest, count;

    summarize(item, &heaviest, &count);
    bool changed = heaviest != item->heaviest || count != item->count;
    item->heaviest = heaviest;
    item->count = count;
    return changed;
}

/* Black nodes on the way down, which must be the same everywhere; -1 when something is wrong below node. */
static int black_height(const struct rbtree_node *node, const struct rbtree_node *parent, bool parent_red, bool summaries)
{
    if (node == NULL)
        return 0;
    bool red = !(node->parent_color & 1);
    const struct item *item = rbtree_entry(node, const struct item, node);
    unsigned int heaviest, count;
    int left = black_height(node->child[0], node, red, summaries);
    int right = black_height(node->child[1], node, red, summaries);

    summarize(item, &heaviest, &count);
    if ((node->parent_color & ~(uintptr_t)1) != (uintptr_t)parent || (red && parent_red) || left < 0 || left != right ||
        (summaries && (item->heaviest != heaviest || item->count != count)))
        return -1;
    return left + !red;
}

static bool check(bool summaries)
{
    struct rbtree_node *node = rbtree_first(&tree), *last = NULL;

    if (black_height(tree.root, NULL, true, summaries) < 0)
        return false; /* with a red root too */
    for (unsigned int i = 0; i < nr_sorted; i++, node = rbtree_next(node)) {
        if (item_of(node) != sorted[i] || rbtree_prev(node) != last)
            return false;
        last = node;
    }
    return node == NULL && rbtree_last(&tree) == last && rbtree_empty(&tree) == (nr_sorted == 0);
}

static void insert(struct item *item, rbtree_update_fn fn)
{
    struct rbtree_node *parent = NULL, **place = &tree.root;
    unsigned int i = nr_sorted++;
    int side = 0;

    while (*place != NULL) {
        parent = *place;
        side = item->key > item_of(parent)->key;
        place = &parent->child[side];
    }
    rbtree_link(&tree, &item->node, parent, side, fn);
    for (; i > 0 && sorted[i - 1]->key > item->key; i--)
        sorted[i] = sorted[i - 1];
    sorted[i] = item;
    item->linked = true;
}

static void take(struct item *item, rbtree_update_fn fn)
{
    unsigned int i = 0;

    rbtree_remove(&tree, &item->node, fn);
    while (sorted[i] != item)
        i++;
    for (nr_sorted--; i < nr_sorted; i++)
        sorted[i] = sorted[i + 1];
    item->linked = false;
}

static bool run(unsigned int nr_items, unsigned int nr_steps, rbtree_update_fn fn)
{
    bool good = true;

    rbtree_init(&tree);
    nr_sorted = 0;
    for (unsigned int i = 0; i < nr_items; i++)
        items[i] = (struct item){.key = i * 7919 % NODES};
    for (unsigned int step = 0; step < nr_steps && good; step++) {
        struct item *item = &items[tap_random(nr_items)];

        if (!item->linked) {
            item->weight = tap_random(1000);
            insert(item, fn);
        } else if (fn != NULL && tap_random(3) == 0) {
            item->weight = tap_random(1000);
            rbtree_update_path(&item->node, fn);
        } else {
            take(item, fn);
        }
        good = check(fn != NULL);
    }
    for (unsigned int i = 0; i < nr_items && good; i++) {
        if (items[i].linked)
            take(&items[i], fn);
        good = check(fn != NULL);
    }
    return good;
}

/* In order up or down, which is how pages and names come; then out again from one end. */
static bool run_in_order(bool downwards, bool from_the_start)
{
    bool good = true;

    rbtree_init(&tree);
    nr_sorted = 0;
    for (unsigned int i = 0; i < NODES && good; i++) {
        items[i] = (struct item){.key = downwards ? NODES - i : i, .weight = i};
        insert(&items[i], update);
        good = check(true);
    }
    for (; nr_sorted > 0 && good; good = check(true))
        take(sorted[from_the_start ? 0 : nr_sorted - 1], update);
    return good;
}

int main(void)
{
    bool small = true;

    for (unsigned int nr_items = 1; nr_items <= 12; nr_items++)
        small = small && run(nr_items, 3000, update);
    tap_ok(small, "small trees");
    tap_ok(run(NODES, STEPS, update), "a large tree with summaries");
    tap_ok(run(NODES, STEPS / 4, NULL), "a large tree without");
    tap_ok(run_in_order(false, true) && run_in_order(false, false), "nodes in order");
    tap_ok(run_in_order(true, true) && run_in_order(true, false), "nodes in opposite order");
    return tap_done();
}
