/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps: the address spaces of tasks. Entries in a balanced tree by address; each maps a range of one object.
 *
 * Copies (vm_map_copy) are memory on its way between maps: inside messages, and as arguments of kernel calls. A copy
 * of entries holds object references with copy-on-write arranged; a buffer holds small data in kernel memory; an
 * object copy is one object's range moved without copying (what the pageout path sends).
 *
 * The map's lock is a mutex; it is never held across a wait for a manager or for memory.
 */
#ifndef VM_VM_MAP_H
#define VM_VM_MAP_H

#include <mach/kern_return.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include "kernel/kmem.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/rbtree.h"
#include "kernel/reaper.h"
#include "kernel/types.h"

struct pmap;
struct thread;
struct vm_frame;
struct vm_object;
struct vm_page;

/* Locking: M map->lock. */
struct vm_map_entry {
    struct rbtree_node node;    /* [M] by start */
    struct list_node link;      /* [M] in map->entries, by start */
    uintptr_t start, end;       /* [M] page-aligned, not empty */
    uintptr_t gap;              /* [M] free bytes between the previous entry's end and start */
    uintptr_t max_gap;          /* [M] the largest gap in this node's subtree */
    struct vm_object *object;   /* [M] a reference; NULL: zeroes, never touched */
    uint32_t index;             /* [M] page of object at start */
    vm_prot_t protection, max_protection; /* [M] */
    uint16_t wired_count;       /* [M] */
    uint16_t user_wired_count;  /* [M] */
    vm_prot_t wired_access;     /* [M] what vm_wire asked for */
    uint8_t inheritance;        /* [M] */
    bool needs_copy : 1;        /* [M] shadow the object before the first write */
    bool is_shared : 1;         /* [M] in several maps by inheritance */
    bool in_transition : 1;     /* [M] being wired or unwired with the map unlocked; wait on the entry's map */
    bool needs_wakeup : 1;      /* [M] */
    struct thread *wirer;       /* [M] while in_transition: who made it so; compared only */
};

struct vm_map {
    struct mutex lock;
    struct pmap *pmap;
    struct rbtree tree;         /* [M] */
    struct list entries;        /* [M] */
    struct vm_map_entry *hint;  /* [M] entry found last, or NULL */
    uint32_t nr_entries;        /* [M] */
    uintptr_t min, max;         /* [M] bounds */
    uintptr_t size;             /* [M] bytes mapped */
    uintptr_t size_none;        /* [M] of them, with no maximum protection: not limited */
    uintptr_t size_limit, size_max; /* [M] vm_set_size_limit; ~0: none */
    uintptr_t wired_size;       /* [M] by users */
    bool wire_future;           /* [M] vm_wire_all */
    uint32_t refs;              /* atomic */
};

typedef struct vm_map *vm_map_t;            /* MIG's name for it */
typedef struct vm_map_copy *vm_map_copy_t;

extern unsigned int vm_map_entry_count;     /* entries that exist, in all maps */
extern struct vm_map *kernel_map;           /* the kernel task's: an ordinary one, for threads that act like users */

/* An empty map. pmap is its own from now on, and stays the caller's if this fails. NULL: no memory. */
struct vm_map *vm_map_create(struct pmap *pmap, uintptr_t min, uintptr_t max);
void vm_map_ref(struct vm_map *map);
/* The last reference removes everything. Never fails; needs no memory. */
void vm_map_unref(struct vm_map *map);
void vm_map_lock(struct vm_map *map);
void vm_map_unlock(struct vm_map *map);

/* The child's map for task_create, by the inheritance of each entry. NULL: no memory. */
struct vm_map *vm_map_fork(struct vm_map *parent);

/* A request to map; see vm_map_enter. */
struct vm_map_request {
    uintptr_t address;          /* where, or where to start looking; then where it is */
    uintptr_t size;             /* bytes; rounded up to pages by the caller */
    uintptr_t mask;             /* address bits that must be 0 */
    bool anywhere;
    struct vm_object *object;   /* a reference, consumed on success; NULL: zeroes */
    uint32_t index;
    bool needs_copy;
    vm_prot_t protection, max_protection;
    vm_inherit_t inheritance;
};
/* KERN_SUCCESS, KERN_INVALID_ADDRESS, KERN_NO_SPACE, KERN_RESOURCE_SHORTAGE. Coalesces anonymous neighbours. */
kern_return_t vm_map_enter(struct vm_map *map, struct vm_map_request *request);
/* Removes what is mapped in [start, end), wired or not. Cannot fail except for the memory of a split entry. */
kern_return_t vm_map_remove(struct vm_map *map, uintptr_t start, uintptr_t end);
kern_return_t vm_map_protect(struct vm_map *map, uintptr_t start, uintptr_t end, vm_prot_t prot, bool set_maximum);
kern_return_t vm_map_inherit(struct vm_map *map, uintptr_t start, uintptr_t end, vm_inherit_t inheritance);
/*
 * Makes what is mapped in [start, end) resident and keeps it so, for access prot; NONE: no longer. Not counted: wiring
 * what is wired changes nothing, unwiring it once ends it. KERN_NO_SPACE: there is a hole; KERN_PROTECTION_FAILURE;
 * errors of faults. After an error nothing more is wired than before. May sleep; map not locked.
 */
kern_return_t vm_map_wire(struct vm_map *map, uintptr_t start, uintptr_t end, vm_prot_t prot);
/* The same for whatever is mapped anywhere, with such of the rights prot as it has; what has none is passed over. */
kern_return_t vm_map_wire_all(struct vm_map *map, vm_prot_t prot);

/* The entry that address is in, or NULL; map locked. */
struct vm_map_entry *vm_map_lookup_entry(struct vm_map *map, uintptr_t address);

/* What vm_region tells about the entry that address is in, or the first one above; map not locked. */
struct vm_map_region {
    uintptr_t start, size;
    struct vm_object *object;   /* a reference, or NULL */
    uint32_t index;
    vm_prot_t protection, max_protection;
    vm_inherit_t inheritance;
    bool is_shared;
};
kern_return_t vm_map_region(struct vm_map *map, uintptr_t address, struct vm_map_region *region); /* or KERN_NO_SPACE */
/*
 * What [start, end) maps, as something that others can map too: it is not copied on write from here on. Waits for memory.
 * KERN_INVALID_ARGUMENT: it is not all one region. KERN_RESOURCE_SHORTAGE: the thread is being ended.
 */
kern_return_t vm_map_share(struct vm_map *map, uintptr_t start, uintptr_t end, struct vm_map_region *region);

/* Wires (or no longer wires) whatever is entered from now on. */
void vm_map_set_wire_future(struct vm_map *map, bool wire);

/* Entries as such: for who must have one at hand before it is needed. NULL: no memory. */
struct vm_map_entry *vm_map_entry_create(enum alloc how);
void vm_map_entry_destroy(struct vm_map_entry *entry);

/* Kernel memory to or from mapped memory, as its user could access it. Errors of faults; may sleep; map not locked. */
kern_return_t vm_map_read(struct vm_map *map, uintptr_t address, void *to, uint32_t size);
kern_return_t vm_map_write(struct vm_map *map, uintptr_t address, const void *from, uint32_t size);

/* ---- copies ---- */

enum vm_map_copy_kind {
    VM_MAP_COPY_ENTRIES,
    VM_MAP_COPY_BUFFER,
    VM_MAP_COPY_OBJECT,
};

struct vm_map_copy {
    uint8_t kind;
    uint32_t size;              /* bytes */
    uint32_t offset;            /* of the data in the first page; 0 for a buffer */
    union {
        struct list entries;    /* vm_map_entry by link, contiguous, addresses as in the source */
        void *buffer;           /* kmem_alloc(size) */
        struct {                /* whole pages of one object, a reference */
            struct vm_object *object;
            uint32_t index;
            bool mapped;        /* enter resident pages when it is copied out: no fault a page */
        } object;
    };
    struct reaper_item reap;    /* while it waits for the reaper */
    bool preallocated;          /* part of a reserved message; not freed, its owner is told: release() */
    void (*release)(struct vm_map_copy *copy, bool received); /* preallocated: the copy has been consumed */
    struct vm_map_entry *reserved_entry; /* preallocated: the entry that copyout will use */
};

/* The memory [address, address + size) of map as of now; destroy: and unmap it there. size 0 gives *copy NULL. */
kern_return_t vm_map_copyin(struct vm_map *map, uintptr_t address, uint32_t size, bool destroy, struct vm_map_copy **copy);
/* Kernel data as a copy; memory from kmem_alloc(size) is consumed on success. */
kern_return_t vm_map_copyin_kernel(void *memory, uint32_t size, struct vm_map_copy **copy);
/* Maps copy (consumed on success) anywhere in map; data begins at *address, with the copy's offset in its page. */
kern_return_t vm_map_copyout(struct vm_map *map, uintptr_t *address, struct vm_map_copy *copy);
/* Writes copy over mapped memory at address (vm_write, vm_copy). Consumed on success. */
kern_return_t vm_map_copy_overwrite(struct vm_map *map, uintptr_t address, struct vm_map_copy *copy);
/*
 * Discards: may be called with IPC locks held; only queues work where memory must be given back (the reaper does it).
 * NULL is ignored.
 */
void vm_map_copy_discard(struct vm_map_copy *copy);
/* Discards at once; no locks held. */
void vm_map_copy_destroy(struct vm_map_copy *copy);
/* Reads bytes out of a copy into kernel memory (whatever kind); may fault and sleep. */
kern_return_t vm_map_copy_read(struct vm_map_copy *copy, uint32_t offset, void *to, uint32_t size);
/* The page of data at offset (a multiple of pages; what lies behind the copy's end is zeroes) into frame. The same. */
kern_return_t vm_map_copy_read_frame(struct vm_map_copy *copy, uint32_t offset, struct vm_frame *frame);
/*
 * The page that holds the whole page of data at offset, taken out of the copy, if nobody else can see it: in no object,
 * not mapped, its frame its own. NULL: its bytes must be copied. Never sleeps.
 */
struct vm_page *vm_map_copy_steal_page(struct vm_map_copy *copy, uint32_t offset);

void vm_map_init(void);

#endif
