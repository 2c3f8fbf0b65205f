/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipc/ipc_space.h"

#include "ipc/ipc_port.h"
#include "ipc/ipc_right.h"
#include "kernel/panic.h"
#include "vm/vm_account.h"

static struct kmem_cache ipc_space_cache;
struct kmem_cache ipc_entry_cache;

static struct ipc_space ipc_space_kernel_space, ipc_space_reply_space;
struct ipc_space *ipc_space_kernel = &ipc_space_kernel_space;
struct ipc_space *ipc_space_reply = &ipc_space_reply_space;

static void ipc_space_setup(struct ipc_space *space)
{
    spinlock_init(&space->lock, LOCK_RANK_SPACE);
    space->active = true;
    space->refs = 1;
    space->nr_entries = 0;
    space->spare = NULL;
    space->pager_account = NULL;
    ipc_table_init(&space->table);
    rbtree_init(&space->by_port);
}

void ipc_space_init(void)
{
    kmem_cache_init(&ipc_space_cache, "ipc_space", sizeof(struct ipc_space), 0);
    kmem_cache_init(&ipc_entry_cache, "ipc_entry", sizeof(struct ipc_entry), 0);
    ipc_space_setup(ipc_space_kernel);
    ipc_space_setup(ipc_space_reply);
}

kern_return_t ipc_space_create(struct ipc_space **space)
{
    struct ipc_space *fresh = kmem_cache_alloc(&ipc_space_cache, ALLOC_SLEEP);

    if (fresh == NULL)
        return KERN_RESOURCE_SHORTAGE;
    ipc_space_setup(fresh);
    *space = fresh;
    return KERN_SUCCESS;
}

void ipc_space_ref(struct ipc_space *space)
{
    __atomic_add_fetch(&space->refs, 1, __ATOMIC_RELAXED);
}

void ipc_space_unref(struct ipc_space *space)
{
    if (__atomic_sub_fetch(&space->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        assert(space->nr_entries == 0 && space->table.root == NULL);
        if (space->spare != NULL)
            ipc_entry_destroy(space->spare);
        kmem_cache_free(&ipc_space_cache, space);
    }
}

void ipc_space_destroy(struct ipc_space *space)
{
    struct ipc_entry *entry;
    uint32_t name = 0;

    ipc_space_lock(space);
    bool was_active = space->active;
    space->active = false;
    /* Nobody adds names any more, so one pass meets all of them. */
    while (was_active && (entry = ipc_table_next(&space->table, &name)) != NULL) {
        ipc_right_destroy(space, entry); /* unlocks */
        ipc_space_lock(space);
    }
    ipc_space_unlock(space);
    if (was_active)
        vm_account_space_ended(space);
}

/* ---- entries ---- */

static void ipc_entry_clear(struct ipc_entry *entry)
{
    entry->type = MACH_PORT_TYPE_NONE;
    entry->urefs = 0;
    entry->port = NULL;
    entry->dnrequest = NULL;
    entry->marequest = NULL;
}

struct ipc_entry *ipc_space_take_entry(struct ipc_space *space)
{
    struct ipc_entry *entry = space->spare;

    assert(spinlock_held(&space->lock));
    if (unlikely(entry == NULL))
        return ipc_entry_create(ALLOC_THREAD | ALLOC_NOSLEEP);
    space->spare = NULL;
    ipc_entry_clear(entry);
    return entry;
}

void ipc_space_put_entry(struct ipc_space *space, struct ipc_entry *entry)
{
    assert(spinlock_held(&space->lock));
    if (space->spare == NULL)
        space->spare = entry;
    else
        ipc_entry_destroy(entry);
}

struct ipc_entry *ipc_entry_create(enum alloc how)
{
    struct ipc_entry *entry = kmem_cache_alloc(&ipc_entry_cache, how);

    if (entry != NULL)
        ipc_entry_clear(entry);
    return entry;
}

void ipc_entry_destroy(struct ipc_entry *entry)
{
    kmem_cache_free(&ipc_entry_cache, entry);
}

kern_return_t ipc_space_insert_at(struct ipc_space *space, struct ipc_entry *entry, mach_port_name_t name)
{
    assert(spinlock_held(&space->lock) && space->active && MACH_PORT_VALID(name));
    if (ipc_table_lookup(&space->table, name) != NULL)
        return KERN_NAME_EXISTS;
    kern_return_t kr = ipc_table_insert(&space->table, name, entry, ALLOC_ORDINARY | ALLOC_NOSLEEP);
    if (kr != KERN_SUCCESS)
        return kr;
    entry->name = name;
    space->nr_entries++;
    return KERN_SUCCESS;
}

kern_return_t ipc_space_insert(struct ipc_space *space, struct ipc_entry *entry)
{
    mach_port_name_t name = ipc_table_lowest_free(&space->table);

    return MACH_PORT_VALID(name) ? ipc_space_insert_at(space, entry, name) : KERN_NO_SPACE;
}

void ipc_space_remove(struct ipc_space *space, struct ipc_entry *entry)
{
    assert(spinlock_held(&space->lock));
    void *removed = ipc_table_remove(&space->table, entry->name);
    assert(removed == entry);
    (void)removed;
    space->nr_entries--;
}

/* ---- names by port ---- */

struct ipc_entry *ipc_space_reverse(struct ipc_space *space, struct ipc_port *port)
{
    struct rbtree_node *node = space->by_port.root;

    assert(spinlock_held(&space->lock));
    while (node != NULL) {
        struct ipc_entry *entry = rbtree_entry(node, struct ipc_entry, by_port);
        if (entry->port == port)
            return entry;
        node = node->child[(uintptr_t)port > (uintptr_t)entry->port];
    }
    return NULL;
}

void ipc_space_reverse_insert(struct ipc_space *space, struct ipc_entry *entry)
{
    struct rbtree_node *parent = NULL, *node = space->by_port.root;
    int side = 0;

    while (node != NULL) {
        struct ipc_entry *other = rbtree_entry(node, struct ipc_entry, by_port);
        assert(other->port != entry->port);
        side = (uintptr_t)entry->port > (uintptr_t)other->port;
        parent = node;
        node = node->child[side];
    }
    rbtree_link(&space->by_port, &entry->by_port, parent, side, NULL);
}

void ipc_space_reverse_remove(struct ipc_space *space, struct ipc_entry *entry)
{
    rbtree_remove(&space->by_port, &entry->by_port, NULL);
}

/* ---- for the kernel itself ---- */

kern_return_t ipc_space_insert_send(struct ipc_space *space, struct ipc_port *port, mach_port_name_t *name)
{
    if (!IP_VALID(port)) {
        *name = port == IP_NULL ? MACH_PORT_NULL : MACH_PORT_DEAD;
        return KERN_SUCCESS;
    }
    return ipc_right_copyout_any(space, port, MACH_MSG_TYPE_PORT_SEND, name);
}

kern_return_t ipc_space_copyin_send(struct ipc_space *space, mach_port_name_t name, struct ipc_port **port)
{
    return ipc_right_copyin_any(space, name, MACH_MSG_TYPE_COPY_SEND, port);
}
