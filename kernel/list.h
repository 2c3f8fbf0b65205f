/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doubly linked lists whose nodes are embedded in what they link. A head is a node that links to itself when the list
 * is empty. A node that is on no list is linked to itself too (list_node_init), so that it can be asked.
 */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include "kernel/types.h"

struct list_node {
    struct list_node *next;
    struct list_node *prev;
};

struct list {
    struct list_node head;
};

#define LIST_INIT(list) {{&(list).head, &(list).head}}

static inline void list_node_init(struct list_node *node)
{
    node->next = node;
    node->prev = node;
}

static inline bool list_node_linked(const struct list_node *node)
{
    return node->next != node;
}

static inline void list_init(struct list *list)
{
    list_node_init(&list->head);
}

static inline bool list_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

static inline void list_insert_between(struct list_node *node, struct list_node *prev, struct list_node *next)
{
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}

static inline void list_insert_head(struct list *list, struct list_node *node)
{
    list_insert_between(node, &list->head, list->head.next);
}

static inline void list_insert_tail(struct list *list, struct list_node *node)
{
    list_insert_between(node, list->head.prev, &list->head);
}

static inline void list_insert_before(struct list_node *node, struct list_node *next)
{
    list_insert_between(node, next->prev, next);
}

static inline void list_insert_after(struct list_node *node, struct list_node *prev)
{
    list_insert_between(node, prev, prev->next);
}

/* Unlinks; the node is then on no list. Harmless on a node that is on none. */
static inline void list_remove(struct list_node *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_node_init(node);
}

/* Moves all of from behind the last of to, in O(1); from is then empty. */
static inline void list_splice_tail(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->head.next->prev = to->head.prev;
    to->head.prev->next = from->head.next;
    from->head.prev->next = &to->head;
    to->head.prev = from->head.prev;
    list_init(from);
}

#define list_entry(node, type, member) container_of(node, type, member)

/* The first or last entry, or NULL when the list is empty. */
#define list_first(list, type, member) (list_empty(list) ? NULL : list_entry((list)->head.next, type, member))
#define list_last(list, type, member) (list_empty(list) ? NULL : list_entry((list)->head.prev, type, member))

#define list_for_each(list, entry, member) \
    for ((entry) = list_entry((list)->head.next, typeof(*(entry)), member); &(entry)->member != &(list)->head; \
         (entry) = list_entry((entry)->member.next, typeof(*(entry)), member))

/* As list_for_each, where the body may remove entry (and only it). */
#define list_for_each_safe(list, entry, after, member) \
    for ((entry) = list_entry((list)->head.next, typeof(*(entry)), member), \
        (after) = list_entry((entry)->member.next, typeof(*(entry)), member); \
         &(entry)->member != &(list)->head; \
         (entry) = (after), (after) = list_entry((entry)->member.next, typeof(*(entry)), member))

#endif
