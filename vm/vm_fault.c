/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults.
 *
 * 1. Tries. A fault is a loop of tries. A try locks the map, finds the entry, locks its object (the *first*), and either
 *    comes to an end or says what it must wait for: a page, memory, or nothing (a lock was taken elsewhere). Nothing inside
 *    a try sleeps, so nothing that it has seen changes under it and no page is ever made busy here. The wait is with
 *    all locks dropped, and the next try begins at the map again, because anything may have changed. What a try has
 *    achieved is kept in the objects (a page put in, a manager asked, a shadow made), so each try gets further.
 * 2. The walk. The page is looked for in the first object, then in what it shadows, and so on, hand over hand: the first
 *    object stays locked, of the others one at a time. An object with a manager that does not have the page resident is
 *    asked (ops->request): a place-holder, busy and absent, goes in, is waited for, and the next try finds what came. A
 *    place-holder that is absent but not busy is a *hole*: the manager said that it has nothing, so the walk goes on.
 * 3. The end of the walk. Where no object has the page there are zeroes. They go into the hole of the last object, if there
 *    is one, where others find them too and whence they can be evicted; otherwise into the first object.
 * 4. Copy on write. A page found behind the first object is only read there. For a write its bytes are copied into a page
 *    of the first object. Where the page behind it is still mapped for users of the first, this mapping goes, so that
 *    they find the new page. An entry with needs_copy gets an object of its own (a shadow) before the first write.
 *    Afterwards the chain is shortened, if it looks as if it could be, with no lock held.
 * 5. Before a page of the first object is written: its old bytes go to the delayed copy that still needs them
 *    (vm_object_push_page), also when the page was put in by this fault, for the copy has seen through to the same bytes;
 *    and a frame that a run holds too is exchanged for one of its own. Then the page is dirty.
 * 6. How it is mapped. Writable when it was written; or when a later write would have nothing to do: page of the first
 *    object, no needs_copy, nothing to push, frame its own, not forbidden by the manager, and dirty already or never
 *    returned to anybody. So clean pages of managers are mapped read-only and their first write is seen.
 * 7. A manager's locks. If lock_prot forbids the access the manager is asked (ops->unlock), and the page waited for; who
 *    changes the lock wakes. The question is put once, unlock_asked remembers it.
 * 8. Wiring. The page that is wired is always one of the first object, in a frame of its own, prepared for writing if the
 *    entry may write: so no copy, push or collapse ever has to move a wired mapping, which it could not. A page that is
 *    wired is not dirty for that; it is mapped writable, and the hardware's bit tells. The price is a private copy of
 *    read-only pages that are wired through a copy; the original can be evicted instead.
 * 9. Memory. Pages of objects with a manager are allocated at the ordinary level whatever credit the thread has (the
 *    credit of a manager with runs out is not for caching), except for privileged threads; anonymous pages, copies and
 *    page tables at the thread's level. Nor is a manager asked for a page while its level is short of frames: the answer's
 *    frame would be had by the manager's credit, one for each fault, until none is left to free its runs with.
 *    Everything is asked for without sleeping, at the moment it is needed; after a shortage the thread waits for its level
 *    with no lock held. A shortage can be of something that frames do not cure at once (the zone of kernel memory): one
 *    that comes back again and again is waited for by the clock.
 * 10. Bytes. vm_fault_read and its like do the same as a fault, but move bytes with the object locked instead of entering
 *     a mapping. Readers that meet no data take zeroes without making a page.
 * 11. Around. Where the manager lets itself be asked for several pages at a time, what came with the page is mapped with it,
 *     read-only, and as pages that nobody has used, so that the policy still sees whether anybody does.
 */
#include "vm/vm_fault.h"

#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"

/*
 * Shortages in a row after which waiting for frames is doubted. Losing the frames that one was woken for to a faster
 * thread is ordinary, eight times is not; a wrong doubt costs a tick.
 */
#define VM_FAULT_PATIENCE 8u

/* What became of a try, or of a part of one. */
enum vm_fault_step {
    VM_FAULT_GO_ON,             /* of a part: no obstacle */
    VM_FAULT_OVER,              /* fault->result is the result */
    VM_FAULT_AGAIN,             /* a lock was busy, or a wait is over */
    VM_FAULT_WAIT_PAGE,         /* for fault->page, in fault->object */
    VM_FAULT_WAIT_MEMORY,       /* at fault->short_level */
};

struct vm_fault;

/* What is to be done with the page. Called with all of a try's locks held. */
struct vm_fault_ops {
    bool enters;                /* a mapping, over what is mapped there */
    enum vm_fault_step (*deliver)(struct vm_fault *fault);
    void (*deliver_zeroes)(struct vm_fault *fault); /* NULL: zeroes need a page */
};

struct vm_fault {
    /* The question. */
    const struct vm_fault_ops *ops;
    struct vm_map *map;         /* NULL: first is given, with the caller's reference */
    uintptr_t address;          /* of the page */
    vm_prot_t access;           /* READ, or READ and WRITE */
    bool wire;
    unsigned int offset;        /* of the bytes, in the page */
    size_t size;
    void *to;
    const void *from;
    struct vm_frame *frame;
    bool found;
    /* The try. */
    struct vm_map_entry *entry;
    struct vm_object *first, *object; /* both locked; the same, or object is behind first */
    uint32_t first_index, index;
    struct vm_page *page;       /* in object at index; NULL: not found */
    struct vm_page *hole, *first_hole; /* in object; in first */
    struct vm_object *collapse; /* a reference, taken when its chain looks as if it could be shortened */
    enum alloc level;           /* the thread's */
    enum alloc short_level;     /* what was not served */
    unsigned int nr_short;      /* shortages in a row */
    kern_return_t result;
};

struct vm_fault_counters vm_fault_counters;

/* Counts for the system and for the task whose thread is at it. */
static void vm_fault_count(uint64_t *all, uint32_t *own)
{
    ++*all;
    ++*own;
}

static enum vm_fault_step vm_fault_over(struct vm_fault *fault, kern_return_t result)
{
    fault->result = result;
    return VM_FAULT_OVER;
}

static enum vm_fault_step vm_fault_short(struct vm_fault *fault, enum alloc level)
{
    fault->short_level = level;
    return VM_FAULT_WAIT_MEMORY;
}

/* The level at which a page of object is allocated; see 9. */
static enum alloc vm_fault_page_level(const struct vm_fault *fault, const struct vm_object *object)
{
    if (object->pager == NULL || current_thread()->wired_privileged || current_thread()->kernel_daemon)
        return fault->level;
    return ALLOC_ORDINARY;
}

/* ---- the entry ---- */

/* Finds the entry and gives it an object to work with. The map is locked, and stays so whatever is returned. */
static enum vm_fault_step vm_fault_find(struct vm_fault *fault)
{
    struct vm_map_entry *entry = vm_map_lookup_entry(fault->map, fault->address);

    if (entry == NULL)
        return vm_fault_over(fault, KERN_INVALID_ADDRESS);
    /* This machine cannot tell executing from reading. */
    vm_prot_t allowed = entry->protection;
    if (allowed & VM_PROT_EXECUTE)
        allowed |= VM_PROT_READ;
    if (fault->access & ~allowed)
        return vm_fault_over(fault, KERN_PROTECTION_FAILURE);
    if (fault->wire)
        fault->access = VM_PROT_READ | (allowed & VM_PROT_WRITE);
    fault->entry = entry;

    if (entry->object == NULL) {
        if (fault->ops->deliver_zeroes != NULL) {
            fault->ops->deliver_zeroes(fault);
            return vm_fault_over(fault, KERN_SUCCESS);
        }
        entry->object = vm_object_create(vm_map_entry_pages(entry), fault->level | ALLOC_NOSLEEP);
        if (entry->object == NULL)
            return vm_fault_short(fault, fault->level);
        entry->index = 0;
        entry->needs_copy = false;
    } else if (entry->needs_copy && ((fault->access & VM_PROT_WRITE) || fault->wire)) {
        if (vm_object_shadow(&entry->object, &entry->index, vm_map_entry_pages(entry), fault->level | ALLOC_NOSLEEP) !=
            KERN_SUCCESS)
            return vm_fault_short(fault, fault->level);
        entry->needs_copy = false;
    }
    fault->first = entry->object;
    fault->first_index = vm_map_entry_index(entry, fault->address);
    return VM_FAULT_GO_ON;
}

/* ---- the walk ---- */

/* What the entry maps of fault->object: nothing beyond is of use. Without a map, the page alone. */
static struct vm_cluster_range vm_fault_within(const struct vm_fault *fault)
{
    const struct vm_map_entry *entry = fault->entry;
    struct vm_cluster_range range = {fault->index, fault->index + 1};

    if (fault->map != NULL) {
        range.first = fault->index - (uint32_t)((fault->address - entry->start) >> PAGE_SHIFT);
        range.end = range.first + vm_map_entry_pages(entry);
    }
    return range;
}

/* Asks the manager of fault->object, where nothing is resident at fault->index. */
static enum vm_fault_step vm_fault_request(struct vm_fault *fault)
{
    struct vm_object *object = fault->object;
    enum alloc level = vm_fault_page_level(fault, object);
    vm_prot_t prot = object == fault->first ? fault->access : VM_PROT_READ;

    if (unlikely(!vm_frame_plenty(level))) /* the frame of the answer would be had by the manager's credit */
        return vm_fault_short(fault, level);
    struct vm_page *placeholder = vm_page_create_placeholder(level | ALLOC_NOSLEEP);
    if (placeholder == NULL)
        return vm_fault_short(fault, level);
    enum vm_object_answer answer = object->ops->request(object, fault->index, vm_fault_within(fault), prot, placeholder);
    if (answer == VM_OBJECT_ASKED) { /* the place-holder is the object's now */
        vm_fault_count(&vm_fault_counters.pageins, &current_task()->pageins);
        fault->page = placeholder;
        return VM_FAULT_WAIT_PAGE;
    }
    vm_page_destroy(placeholder);
    if (answer == VM_OBJECT_SHORTAGE)
        return vm_fault_short(fault, level);
    return answer == VM_OBJECT_ERROR ? vm_fault_over(fault, KERN_MEMORY_FAILURE) : VM_FAULT_GO_ON;
}

/* Looks into fault->object alone; GO_ON with page NULL: it has nothing. */
static enum vm_fault_step vm_fault_look(struct vm_fault *fault)
{
    struct vm_object *object = fault->object;
    struct vm_page *page = vm_page_lookup(object, fault->index);

    fault->page = page;
    fault->hole = NULL;
    if (page == NULL)
        return object->pager != NULL ? vm_fault_request(fault) : VM_FAULT_GO_ON;
    if (page->busy)
        return VM_FAULT_WAIT_PAGE;
    if (page->error) { /* the manager's word, or what its death made of those who waited; the next access asks again */
        bool dead = object->pager != NULL && object->pager->dead;
        vm_page_free(page);
        return vm_fault_over(fault, dead ? KERN_MEMORY_FAILURE : KERN_MEMORY_ERROR);
    }
    if (page->absent) {
        fault->page = NULL;
        fault->hole = page;
    }
    return VM_FAULT_GO_ON;
}

/* From the first object, which is locked, to the page or the end of the chain. */
static enum vm_fault_step vm_fault_walk(struct vm_fault *fault)
{
    fault->object = fault->first;
    fault->index = fault->first_index;
    for (;;) {
        enum vm_fault_step step = vm_fault_look(fault);
        struct vm_object *object = fault->object, *behind = object->shadow;

        if (object == fault->first)
            fault->first_hole = fault->hole;
        if (step != VM_FAULT_GO_ON || fault->page != NULL || behind == NULL)
            return step;
        spinlock_lock_nested(&behind->lock);
        fault->index += object->shadow_index;
        fault->object = behind;
        if (object != fault->first)
            vm_object_unlock(object);
    }
}

/* The manager may forbid the access to a resident page. */
static enum vm_fault_step vm_fault_check_lock(struct vm_fault *fault)
{
    struct vm_object *object = fault->object;
    vm_prot_t access = object == fault->first ? fault->access : VM_PROT_READ;

    if (likely((fault->page->lock_prot & access) == 0) || object->ops->unlock == NULL)
        return VM_FAULT_GO_ON; /* only the kind with managers locks */
    enum vm_object_answer answer = object->ops->unlock(object, fault->page, access);
    if (answer == VM_OBJECT_ASKED)
        return VM_FAULT_WAIT_PAGE;
    if (answer == VM_OBJECT_SHORTAGE)
        return vm_fault_short(fault, vm_fault_page_level(fault, object));
    return vm_fault_over(fault, KERN_MEMORY_FAILURE);
}

/* ---- making pages ---- */

/* From here on the try works in the first object. */
static void vm_fault_return_to_first(struct vm_fault *fault)
{
    if (fault->object != fault->first)
        vm_object_unlock(fault->object);
    fault->object = fault->first;
    fault->index = fault->first_index;
    fault->hole = fault->first_hole;
}

/*
 * Puts fresh, with its data, into fault->object: into the hole there, or where nothing is. It is fault->page then. It is
 * queued at once: the rest of the fault may be about a copy of it, or be left to a next try that never comes.
 */
static void vm_fault_put(struct vm_fault *fault, struct vm_page *fresh)
{
    struct vm_page *hole = fault->hole;

    if (hole == NULL) {
        vm_page_insert(fresh, fault->object, fault->index);
        fault->page = fresh;
    } else {
        hole->frame = fresh->frame;
        hole->dirty = fresh->dirty;
        hole->absent = false;
        fresh->frame = NULL;
        vm_page_destroy(fresh);
        fault->page = hole;
    }
    vm_page_activate(fault->page);
}

static enum vm_fault_step vm_fault_zero_fill(struct vm_fault *fault)
{
    if (fault->hole == NULL)
        vm_fault_return_to_first(fault);
    enum alloc level = vm_fault_page_level(fault, fault->object);
    struct vm_page *fresh = vm_page_create(level | ALLOC_NOSLEEP);
    if (fresh == NULL)
        return vm_fault_short(fault, level);
    pmap_frame_zero(fresh->frame);
    vm_fault_put(fault, fresh);
    vm_fault_count(&vm_fault_counters.zero_fills, &current_task()->zero_fills);
    return VM_FAULT_GO_ON;
}

/* fault->page is behind the first object: its bytes go into a page there. */
static enum vm_fault_step vm_fault_copy_up(struct vm_fault *fault)
{
    enum alloc level = vm_fault_page_level(fault, fault->first);
    struct vm_page *fresh = vm_page_create(level | ALLOC_NOSLEEP);
    struct vm_frame *old = fault->page->frame;
    struct pmap_batch batch;

    if (fresh == NULL)
        return vm_fault_short(fault, level);
    pmap_frame_copy(old, fresh->frame);
    fresh->dirty = true;
    /* The sole user's own mapping is replaced by this fault, and shows the same bytes until then. */
    if ((!fault->ops->enters || !vm_object_sole_user(fault->first)) && pmap_frame_mapped(old)) {
        pmap_batch_init(&batch);
        pmap_frame_unmap(old, &batch);
        pmap_batch_flush(&batch);
    }
    vm_fault_return_to_first(fault);
    vm_fault_put(fault, fresh);
    vm_fault_count(&vm_fault_counters.cow_faults, &current_task()->cow_faults);
    return VM_FAULT_GO_ON;
}

/* fault->page is the first object's, and will be written or wired; see 5 and 8. */
static enum vm_fault_step vm_fault_prepare(struct vm_fault *fault)
{
    struct vm_object *first = fault->first;
    enum alloc level = vm_fault_page_level(fault, first);
    bool write = (fault->access & VM_PROT_WRITE) != 0;

    if (write && first->copy != NULL) {
        switch (vm_object_push_page(first, fault->page, fault->level)) {
        case KERN_SUCCESS:
            break;
        case KERN_ABORTED:
            return VM_FAULT_AGAIN;
        default:
            return vm_fault_short(fault, fault->level);
        }
    }
    if (vm_page_frame_shared(fault->page) && !vm_page_frame_unshare(fault->page, level))
        return vm_fault_short(fault, level);
    if (write && !fault->wire)
        fault->page->dirty = true;
    return VM_FAULT_GO_ON;
}

/*
 * Whether vm_object_collapse is worth a call for the first object. The locks of those behind it are not held: a wrong answer
 * costs a call, or leaves a chain to the next copy.
 */
static bool vm_fault_collapsible(const struct vm_object *first)
{
    const struct vm_object *behind = first->shadow;

    if (behind == NULL || first->pager != NULL)
        return false;
    if (first->nr_resident == first->nr_pages)
        return true;
    return behind->refs == 1 && behind->internal && behind->pager == NULL && behind->run == NULL &&
           (behind->shadow == NULL || behind->shadow->copy != behind);
}

/* All of a try between locking the first object and unlocking. */
static enum vm_fault_step vm_fault_resolve(struct vm_fault *fault)
{
    enum vm_fault_step step = vm_fault_walk(fault);
    bool write = (fault->access & VM_PROT_WRITE) != 0;

    if (step != VM_FAULT_GO_ON)
        return step;
    if (fault->page != NULL) {
        step = vm_fault_check_lock(fault);
    } else if (fault->ops->deliver_zeroes != NULL) {
        fault->ops->deliver_zeroes(fault);
        return vm_fault_over(fault, KERN_SUCCESS);
    } else {
        step = vm_fault_zero_fill(fault);
    }
    if (step == VM_FAULT_GO_ON && fault->object != fault->first && (write || fault->wire)) {
        step = vm_fault_copy_up(fault);
        if (step == VM_FAULT_GO_ON && vm_fault_collapsible(fault->first)) {
            fault->first->refs++;
            fault->collapse = fault->first;
        }
    }
    if (step == VM_FAULT_GO_ON && (write || fault->wire))
        step = vm_fault_prepare(fault);
    return step == VM_FAULT_GO_ON ? fault->ops->deliver(fault) : step;
}

/* ---- tries and waits ---- */

/* Drops all locks, and waits for a page if that is what the try came to. */
static enum vm_fault_step vm_fault_leave(struct vm_fault *fault, enum vm_fault_step step)
{
    if (fault->object != fault->first)
        vm_object_unlock(fault->first);
    if (fault->map != NULL)
        vm_map_unlock(fault->map);
    if (step != VM_FAULT_WAIT_PAGE) {
        vm_object_unlock(fault->object);
        return step;
    }
    /* The page's object is locked until the wait has begun, so whoever ends the page or the object wakes us. */
    if (vm_page_sleep(fault->page, true) == WAIT_INTERRUPTED)
        return vm_fault_over(fault, KERN_ABORTED);
    fault->nr_short = 0;
    return VM_FAULT_AGAIN;
}

static enum vm_fault_step vm_fault_try(struct vm_fault *fault)
{
    fault->level = thread_alloc_level() & ALLOC_LEVEL_MASK;
    if (fault->map != NULL) {
        vm_map_lock(fault->map);
        enum vm_fault_step step = vm_fault_find(fault);
        if (step != VM_FAULT_GO_ON) {
            vm_map_unlock(fault->map);
            return step;
        }
    }
    vm_object_lock(fault->first);
    return vm_fault_leave(fault, vm_fault_resolve(fault));
}

/* False: the thread is ending. */
static bool vm_fault_wait_memory(struct vm_fault *fault)
{
    enum alloc level = fault->short_level == fault->level ? ALLOC_THREAD : fault->short_level;

    if (thread_should_end() || !vm_frame_wait(level))
        return false;
    if (++fault->nr_short > VM_FAULT_PATIENCE)
        thread_delay(1);
    return true;
}

static kern_return_t vm_fault_run(struct vm_fault *fault)
{
    for (;;) {
        enum vm_fault_step step = vm_fault_try(fault);

        if (unlikely(fault->collapse != NULL)) {
            vm_object_collapse(fault->collapse);
            vm_object_unref(fault->collapse);
            fault->collapse = NULL;
        }
        if (likely(step == VM_FAULT_OVER))
            return fault->result;
        if (step == VM_FAULT_WAIT_MEMORY && !vm_fault_wait_memory(fault))
            return KERN_ABORTED;
        preempt_point();
    }
}

/* ---- mappings ---- */

/* See 6. */
static bool vm_fault_writable(const struct vm_fault *fault)
{
    struct vm_object *first = fault->first;
    const struct vm_page *page = fault->page;

    if (fault->access & VM_PROT_WRITE)
        return true; /* prepared */
    if (fault->object != first || (fault->entry->protection & VM_PROT_WRITE) == 0 || fault->entry->needs_copy)
        return false;
    if ((first->pager != NULL && !page->dirty) || (page->lock_prot & VM_PROT_WRITE) || vm_page_frame_shared(page))
        return false;
    return first->copy == NULL || vm_object_copy_pushed(first, fault->first_index);
}

/* Maps page, which is next to a page that was faulted on, for reading, unless it is not to be had for nothing. */
static bool vm_fault_enter_neighbour(const struct vm_fault *fault, const struct vm_page *page)
{
    uintptr_t first = fault->address - ((uintptr_t)fault->first_index << PAGE_SHIFT); /* where index 0 would be; may wrap */
    uintptr_t address = first + ((uintptr_t)page->index << PAGE_SHIFT);

    if (page->busy || page->absent || page->error || (page->lock_prot & VM_PROT_READ) || page->frame == NULL ||
        pmap_extract(fault->map->pmap, address) != NULL)
        return false;
    return pmap_enter(fault->map->pmap, address, page->frame, VM_PROT_READ, 0) == KERN_SUCCESS;
}

/*
 * See 11. The page's neighbours as far as they are resident without a gap and not mapped: what came with it. They are
 * mapped as pages that nobody has used.
 */
static void vm_fault_enter_around(const struct vm_fault *fault)
{
    struct vm_cluster_range within = vm_fault_within(fault);
    uint32_t most = fault->first->pager->cluster.most;
    struct vm_page *page = fault->page;

    if (fault->object != fault->first || fault->wire || fault->entry->wired_count > 0)
        return;
    for (uint32_t at = fault->index + 1; at < within.end && at - fault->index < most; at++) {
        page = vm_page_next(page);
        if (page == NULL || page->index != at || !vm_fault_enter_neighbour(fault, page))
            break;
    }
    page = fault->page;
    for (uint32_t at = fault->index; at > within.first && fault->index - at < most - 1; at--) {
        page = vm_page_prev(page);
        if (page == NULL || page->index != at - 1 || !vm_fault_enter_neighbour(fault, page))
            break;
    }
}

static enum vm_fault_step vm_fault_enter(struct vm_fault *fault)
{
    struct vm_page *page = fault->page;
    const struct vm_map_entry *entry = fault->entry;
    vm_prot_t prot = vm_fault_writable(fault) ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ;
    unsigned int flags = PMAP_USED; /* or the daemon could take it away before the access is tried again */

    if (fault->wire && page->wire_count == UINT16_MAX)
        return vm_fault_over(fault, KERN_RESOURCE_SHORTAGE);
    /* A page of a wired entry that lost rights is entered as it was. While wiring goes on, vm_fault_wire sees to it. */
    if (fault->wire || (entry->wired_count > 0 && !entry->in_transition))
        flags |= PMAP_WIRED;
    if (fault->level == ALLOC_PRIVILEGED)
        flags |= PMAP_PRIVILEGED;
    else if (fault->level == ALLOC_DAEMON)
        flags |= PMAP_NOSLEEP_DAEMON;
    if (pmap_enter(fault->map->pmap, fault->address, page->frame, prot, flags) != KERN_SUCCESS)
        return vm_fault_short(fault, fault->level);
    if (page->queue == VM_PAGE_INACTIVE)
        vm_fault_count(&vm_fault_counters.reactivations, &current_task()->reactivations);
    if (fault->wire)
        vm_page_wire(page);
    else
        vm_page_activate(page);
    if (fault->first->pager != NULL && fault->first->pager->cluster.most > 1)
        vm_fault_enter_around(fault);
    return vm_fault_over(fault, KERN_SUCCESS);
}

static const struct vm_fault_ops vm_fault_enter_ops = {.enters = true, .deliver = vm_fault_enter};

kern_return_t vm_fault(struct vm_map *map, uintptr_t address, vm_prot_t prot)
{
    struct vm_fault fault = {
        .ops = &vm_fault_enter_ops, .map = map, .address = page_trunc(address), .access = prot | VM_PROT_READ};

    vm_fault_count(&vm_fault_counters.faults, &current_task()->faults);
    return vm_fault_run(&fault);
}

kern_return_t vm_fault_wire(struct vm_map *map, uintptr_t address, vm_prot_t prot)
{
    struct vm_fault fault = {.ops = &vm_fault_enter_ops,
                             .map = map,
                             .address = page_trunc(address),
                             .access = prot & (VM_PROT_READ | VM_PROT_WRITE),
                             .wire = true};

    if (prot & VM_PROT_EXECUTE)
        fault.access |= VM_PROT_READ;
    return vm_fault_run(&fault);
}

/*
 * A page that is wired is writable and clean until the hardware says otherwise, also where it was cleaned meanwhile; other
 * mappings of it may stay. Now the page is dirty, or its first write is to be seen again.
 */
static void vm_fault_settle(struct vm_page *page)
{
    struct pmap_batch batch;

    if (page->object->pager == NULL)
        return;
    page->dirty = vm_page_modified(page);
    if (page->dirty)
        return;
    pmap_batch_init(&batch);
    pmap_frame_write_protect(page->frame, &batch);
    pmap_batch_flush(&batch);
}

void vm_fault_unwire(struct vm_map_entry *entry, uintptr_t address)
{
    struct vm_object *object = entry->object;

    if (object == NULL)
        return;
    vm_object_lock(object);
    struct vm_page *page = vm_page_lookup(object, vm_map_entry_index(entry, address));
    if (page != NULL && page->wire_count > 0) {
        vm_page_unwire(page);
        if (page->wire_count == 0)
            vm_fault_settle(page);
    }
    vm_object_unlock(object);
}

/* ---- bytes ---- */

static enum vm_fault_step vm_fault_deliver_read(struct vm_fault *fault)
{
    pmap_frame_read(fault->page->frame, fault->offset, fault->to, fault->size);
    vm_page_activate(fault->page);
    return vm_fault_over(fault, KERN_SUCCESS);
}

static void vm_fault_deliver_zeroes(struct vm_fault *fault)
{
    memset(fault->to, 0, fault->size);
}

static const struct vm_fault_ops vm_fault_read_ops = {
    .deliver = vm_fault_deliver_read,
    .deliver_zeroes = vm_fault_deliver_zeroes,
};

static enum vm_fault_step vm_fault_deliver_write(struct vm_fault *fault)
{
    pmap_frame_write(fault->page->frame, fault->offset, fault->from, fault->size);
    vm_page_activate(fault->page);
    return vm_fault_over(fault, KERN_SUCCESS);
}

static const struct vm_fault_ops vm_fault_write_ops = {.deliver = vm_fault_deliver_write};

static enum vm_fault_step vm_fault_deliver_copy(struct vm_fault *fault)
{
    pmap_frame_copy(fault->page->frame, fault->frame);
    fault->found = true;
    vm_page_activate(fault->page);
    return vm_fault_over(fault, KERN_SUCCESS);
}

static void vm_fault_deliver_nothing(struct vm_fault *fault)
{
    fault->found = false;
}

static const struct vm_fault_ops vm_fault_copy_ops = {
    .deliver = vm_fault_deliver_copy,
    .deliver_zeroes = vm_fault_deliver_nothing,
};

kern_return_t vm_fault_read(struct vm_map *map, uintptr_t address, void *to, size_t size)
{
    struct vm_fault fault = {.ops = &vm_fault_read_ops,
                             .map = map,
                             .address = page_trunc(address),
                             .access = VM_PROT_READ,
                             .offset = address & PAGE_MASK,
                             .size = size,
                             .to = to};

    assert(fault.offset + size <= PAGE_SIZE);
    return vm_fault_run(&fault);
}

kern_return_t vm_fault_write(struct vm_map *map, uintptr_t address, const void *from, size_t size)
{
    struct vm_fault fault = {.ops = &vm_fault_write_ops,
                             .map = map,
                             .address = page_trunc(address),
                             .access = VM_PROT_READ | VM_PROT_WRITE,
                             .offset = address & PAGE_MASK,
                             .size = size,
                             .from = from};

    assert(fault.offset + size <= PAGE_SIZE);
    return vm_fault_run(&fault);
}

kern_return_t vm_fault_object_read(struct vm_object *object, uint32_t index, unsigned int offset, void *to, size_t size)
{
    struct vm_fault fault = {.ops = &vm_fault_read_ops,
                             .first = object,
                             .first_index = index,
                             .access = VM_PROT_READ,
                             .offset = offset,
                             .size = size,
                             .to = to};

    assert(offset + size <= PAGE_SIZE);
    return vm_fault_run(&fault);
}

kern_return_t vm_fault_object_copy(struct vm_object *object, uint32_t index, struct vm_frame *to, bool *found)
{
    struct vm_fault fault = {
        .ops = &vm_fault_copy_ops, .first = object, .first_index = index, .access = VM_PROT_READ, .frame = to};

    kern_return_t kr = vm_fault_run(&fault);
    *found = fault.found;
    return kr;
}
