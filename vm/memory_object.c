/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: life and death of a conversation, and what faults ask for.
 *
 * 1. References. The record and its vm_object live and die together: the vm_object's own count is of its users (maps,
 *    copies, shadows); when it falls to 0 the conversation is cached or ended, not freed. The record's count has one
 *    for the conversation (given up when it is over and the ports no longer point here) and one for each run, call and
 *    piece of work. The kobjects of the three ports are found with the port locked, so references are under a lock of their
 *    own ranked after ports.
 * 2. Requests. A fault's place-holder is in the object, busy and absent, from the moment data is asked for. Until the
 *    manager is ready, or when there is no memory for the message, it waits in pager->unasked.
 * 3. The end. When the last user goes, what is dirty or precious is returned, in runs, as windows open; then terminate goes
 *    out with the ports. The object port keeps pointing here until then, so that a new vm_map of it waits for the end.
 */
#include "vm/memory_object.h"

#include "ipc/ipc_port.h"
#include "ipc/ipc_space.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "vm/memory_object_lock.h"
#include "vm/memory_object_message.h"
#include "vm/memory_object_sync.h"
#include "vm/vm_account.h"
#include "vm/vm_fault.h"
#include "vm/vm_frame.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_pageout.h"
#include "vm/vm_run.h"

/* Of the frames above the low watermark, one in so many may be asked for by one request in advance. */
#define MEMORY_OBJECT_AHEAD 4u
#define MEMORY_OBJECT_PAGES 0x100000u /* 4 GiB: the manager's to say where its object ends */

static struct kmem_cache memory_object_cache;
static struct spinlock memory_object_refs = SPINLOCK_INIT(LOCK_RANK_MEMORY_OBJECT, "memory object references");
static struct spinlock memory_object_work_lock = SPINLOCK_INIT(LOCK_RANK_ACCOUNT, "memory object work");
static struct list memory_object_cached = LIST_INIT(memory_object_cached); /* [R] */
static struct list memory_object_work_queue = LIST_INIT(memory_object_work_queue); /* [W] */
unsigned int memory_object_count;

void memory_object_init_module(void)
{
    kmem_cache_init(&memory_object_cache, "memory_object", sizeof(struct memory_object), 0);
}

/* ---- references ---- */

void memory_object_ref(struct memory_object *pager)
{
    spinlock_lock(&memory_object_refs);
    assert(pager->refs > 0);
    pager->refs++;
    spinlock_unlock(&memory_object_refs);
}

static void memory_object_free(struct reaper_item *item)
{
    struct memory_object *pager = container_of(item, struct memory_object, reap);

    assert(list_empty(&pager->runs) && list_empty(&pager->unasked) && list_empty(&pager->locks));
    vm_object_lock(pager->object);
    pager->object->pager = NULL;
    vm_object_free_pages(pager->object);
    vm_object_unlock(pager->object);
    vm_object_free(pager->object);
    kmem_cache_free(&memory_object_cache, pager);
    memory_object_count--;
}

void memory_object_unref(struct memory_object *pager)
{
    spinlock_lock(&memory_object_refs);
    assert(pager->refs > 0);
    bool last = --pager->refs == 0;
    spinlock_unlock(&memory_object_refs);
    if (last) { /* the caller may hold the object's lock: freed later */
        pager->reap.function = memory_object_free;
        reaper_queue(&pager->reap);
    }
}

/* ---- the cache ---- */

static void memory_object_set_cached(struct memory_object *pager, bool cached)
{
    assert(spinlock_held(&pager->object->lock));
    if (pager->cached == cached)
        return;
    pager->cached = cached;
    spinlock_lock(&memory_object_refs);
    if (cached)
        list_insert_tail(&memory_object_cached, &pager->cache_node);
    else
        list_remove(&pager->cache_node);
    spinlock_unlock(&memory_object_refs);
}

/*
 * Of those that have been cached longest, the first without pages; a reference, or NULL. The look at the object is without
 * its lock, which comes before ours: the caller looks again.
 */
#define MEMORY_OBJECT_TRIM_LOOKS 64u
static struct memory_object *memory_object_oldest_empty(void)
{
    struct memory_object *pager, *found = NULL;
    unsigned int looks = 0;

    spinlock_lock(&memory_object_refs);
    list_for_each(&memory_object_cached, pager, cache_node) {
        if (pager->object->nr_resident == 0) {
            pager->refs++;
            found = pager;
            break;
        }
        if (++looks == MEMORY_OBJECT_TRIM_LOOKS)
            break;
    }
    spinlock_unlock(&memory_object_refs);
    return found;
}

void memory_object_trim_cached(void)
{
    struct memory_object *pager;

    while ((pager = memory_object_oldest_empty()) != NULL) {
        vm_object_lock(pager->object);
        if (pager->cached && pager->object->nr_resident == 0)
            memory_object_begin_end(pager);
        vm_object_unlock(pager->object);
        memory_object_unref(pager);
        preempt_point();
    }
}

/* What port stands for, with a reference; NULL when it is not of this type. */
static struct memory_object *memory_object_of_port(struct ipc_port *port, enum ipc_kobject_type type)
{
    struct memory_object *pager = NULL;

    if (!IP_VALID(port))
        return NULL;
    ipc_port_lock(port);
    if (ipc_port_active(port) && port->kobject_type == type) {
        pager = port->kobject;
        memory_object_ref(pager);
    }
    ipc_port_unlock(port);
    return pager;
}

static struct vm_object *memory_object_user(struct ipc_port *port, enum ipc_kobject_type type)
{
    struct memory_object *pager = memory_object_of_port(port, type);

    if (pager == NULL)
        return NULL;
    struct vm_object *object = pager->object;
    vm_object_lock(object);
    bool alive = object->alive;
    if (alive)
        object->refs++;
    vm_object_unlock(object);
    memory_object_unref(pager);
    return alive ? object : NULL;
}

struct vm_object *memory_object_of_control(struct ipc_port *port)
{
    return memory_object_user(port, IKOT_PAGING_REQUEST);
}

struct vm_object *memory_object_of_name(struct ipc_port *port)
{
    return memory_object_user(port, IKOT_PAGING_NAME);
}

struct ipc_port *memory_object_name_of(struct vm_object *object)
{
    struct ipc_port *name = NULL;

    vm_object_lock(object);
    if (object->pager != NULL && object->pager->name != NULL)
        name = ipc_port_make_send(object->pager->name);
    vm_object_unlock(object);
    return name;
}

struct vm_account *memory_object_account(struct memory_object *pager)
{
    assert(spinlock_held(&pager->object->lock));
    if (!IP_VALID(pager->port))
        return NULL;
    ipc_port_lock(pager->port);
    struct ipc_space *space = ipc_port_receiver(pager->port);
    struct vm_account *account = space != NULL ? vm_account_lookup(space) : NULL;
    bool fresh = space != NULL && account == NULL;
    if (fresh)
        ipc_space_ref(space);
    ipc_port_unlock(pager->port);
    /* The receive right has come to a space that manages nothing else. */
    if (fresh) {
        account = vm_account_create(space, ALLOC_DAEMON | ALLOC_NOSLEEP);
        ipc_space_unref(space);
    }
    return account;
}

/* ---- beginning ---- */

/* A record with its object and ports, known to nobody; NULL when out of memory. */
static struct memory_object *memory_object_create(void)
{
    struct memory_object *pager = kmem_cache_alloc(&memory_object_cache, ALLOC_NOSLEEP);
    if (pager == NULL)
        return NULL;
    *pager = (struct memory_object){.refs = 1};
    list_init(&pager->runs);
    list_init(&pager->unasked);
    list_init(&pager->locks);
    list_init(&pager->syncs);
    list_node_init(&pager->work_node);
    list_node_init(&pager->cache_node);
    vm_cluster_init(&pager->cluster);
    pager->object = vm_object_create(MEMORY_OBJECT_PAGES, ALLOC_NOSLEEP);
    pager->control = ipc_port_alloc_kernel();
    pager->name = ipc_port_alloc_kernel();
    if (pager->object == NULL || pager->control == NULL || pager->name == NULL) {
        if (pager->object != NULL)
            vm_object_unref(pager->object);
        if (pager->control != NULL)
            ipc_port_dealloc_kernel(pager->control);
        if (pager->name != NULL)
            ipc_port_dealloc_kernel(pager->name);
        kmem_cache_free(&memory_object_cache, pager);
        return NULL;
    }
    pager->object->pager = pager;
    pager->object->ops = &vm_object_pager_ops;
    pager->object->internal = false;
    pager->object->temporary = false; /* until the manager says so */
    pager->object->copy_strategy = MEMORY_OBJECT_COPY_NONE;
    ipc_kobject_set(pager->control, pager, IKOT_PAGING_REQUEST);
    ipc_kobject_set(pager->name, pager, IKOT_PAGING_NAME);
    memory_object_count++;
    return pager;
}

/* Takes back a record that no port leads to any more. */
static void memory_object_abandon(struct memory_object *pager)
{
    ipc_kobject_set(pager->control, NULL, IKOT_NONE);
    ipc_kobject_set(pager->name, NULL, IKOT_NONE);
    ipc_port_dealloc_kernel(pager->control);
    ipc_port_dealloc_kernel(pager->name);
    if (IP_VALID(pager->port))
        ipc_port_release_send(pager->port);
    pager->object->alive = false;
    pager->object->refs = 0; /* nobody else has seen it */
    memory_object_unref(pager);
}

/* A manager needs what one run takes before its first object can be mapped. The port's receiver may change meanwhile. */
static kern_return_t memory_object_set_aside(struct ipc_port *port)
{
    ipc_port_lock(port);
    bool may = ipc_port_active(port) && (port->kobject_type == IKOT_NONE || port->kobject_type == IKOT_PAGER);
    struct ipc_space *space = ipc_port_receiver(port);
    if (may && space != NULL)
        ipc_space_ref(space);
    ipc_port_unlock(port);
    if (!may)
        return KERN_INVALID_ARGUMENT;
    if (space == NULL)
        return KERN_SUCCESS; /* in transit: whoever receives it next gets an account when a run is to be sent */
    struct vm_account *account = vm_account_create(space, ALLOC_NOSLEEP);
    ipc_space_unref(space);
    if (account == NULL)
        return KERN_RESOURCE_SHORTAGE;
    vm_account_unref(account);
    return KERN_SUCCESS;
}

/* Tries to use the conversation that is on the port already; false: it is ending, and the wait for its end is over. */
static bool memory_object_join(struct memory_object *pager, struct vm_object **object, kern_return_t *kr)
{
    *kr = KERN_SUCCESS;
    vm_object_lock(pager->object);
    if (!pager->ending && !pager->over) {
        memory_object_set_cached(pager, false);
        pager->object->refs++;
        *object = pager->object;
        vm_object_unlock(pager->object);
        return true;
    }
    if (pager->over) { /* the port has stopped leading here since it was asked */
        vm_object_unlock(pager->object);
        return false;
    }
    if (thread_sleep(&pager->ending_event, &pager->object->lock, WAIT_INTERRUPTIBLE) == WAIT_INTERRUPTED)
        *kr = KERN_ABORTED;
    return *kr != KERN_SUCCESS;
}

/* Makes fresh the conversation of port and sends init; false if another thread was faster. */
static bool memory_object_establish(struct memory_object *fresh, struct ipc_port *port, kern_return_t *kr)
{
    bool done = false;

    if (fresh->port == NULL)
        fresh->port = ipc_port_copy_send(port);
    vm_object_lock(fresh->object);
    ipc_port_lock(port);
    if (!ipc_port_active(port)) {
        *kr = KERN_INVALID_ARGUMENT;
    } else if (port->kobject_type == IKOT_NONE) {
        port->kobject = fresh;
        port->kobject_type = IKOT_PAGER;
        done = true;
    }
    ipc_port_unlock(port);
    if (done && memory_object_send_init(fresh) != KERN_SUCCESS) {
        ipc_port_lock(port);
        port->kobject = NULL;
        port->kobject_type = IKOT_NONE;
        ipc_port_unlock(port);
        *kr = KERN_RESOURCE_SHORTAGE;
        done = false;
    }
    vm_object_unlock(fresh->object);
    return done;
}

kern_return_t memory_object_enter(struct ipc_port *port, struct vm_object **object)
{
    struct memory_object *fresh = NULL;
    kern_return_t kr = KERN_SUCCESS;

    if (!IP_VALID(port))
        return KERN_INVALID_ARGUMENT;
    kr = memory_object_set_aside(port);
    vm_fault_counters.lookups += kr == KERN_SUCCESS;
    while (kr == KERN_SUCCESS) {
        struct memory_object *pager = memory_object_of_port(port, IKOT_PAGER);
        if (pager != NULL) {
            bool over = memory_object_join(pager, object, &kr);
            memory_object_unref(pager);
            vm_fault_counters.hits += over && kr == KERN_SUCCESS;
            if (over)
                break;
            continue;
        }
        ipc_port_lock(port);
        if (!ipc_port_active(port) || port->kobject_type != IKOT_NONE)
            kr = port->kobject_type == IKOT_PAGER && ipc_port_active(port) ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
        ipc_port_unlock(port);
        if (kr != KERN_SUCCESS)
            break;
        if (fresh == NULL) {
            fresh = memory_object_create();
            if (fresh == NULL) {
                kr = KERN_RESOURCE_SHORTAGE;
                break;
            }
        }
        if (memory_object_establish(fresh, port, &kr)) {
            *object = fresh->object; /* the reference that it was created with */
            return KERN_SUCCESS;
        }
    }
    if (fresh != NULL)
        memory_object_abandon(fresh);
    return kr;
}

/* ---- requests ---- */

/* How many pages may be asked for without taking memory from who needs it: none but the one when it is short. */
static unsigned int memory_object_request_most(void)
{
    unsigned int nr_free = vm_frame_nr_free(), low = vm_frame_marks.low;

    return nr_free > low ? 1 + (nr_free - low) / MEMORY_OBJECT_AHEAD : 1;
}

static void memory_object_hold_place(struct vm_object *object, uint32_t index, struct vm_page *placeholder)
{
    placeholder->busy = true;
    placeholder->absent = true;
    vm_page_insert(placeholder, object, index);
}

/* Holds the place of the page at index for a request of others; false when something is there, or memory is short. */
static bool memory_object_hold_empty(struct vm_object *object, uint32_t index)
{
    struct vm_page *placeholder;

    if (vm_page_lookup(object, index) != NULL)
        return false;
    placeholder = vm_page_create_placeholder(ALLOC_ORDINARY | ALLOC_NOSLEEP);
    if (placeholder != NULL)
        memory_object_hold_place(object, index, placeholder);
    return placeholder != NULL;
}

/* Holds places around index, where one is held already; returns what it came to. */
static struct vm_cluster_range memory_object_hold_range(struct memory_object *pager, uint32_t index,
                                                        struct vm_cluster_range within)
{
    struct vm_object *object = pager->object;
    struct vm_cluster_range held = {index, index + 1};

    if (likely(pager->cluster.most == 1))
        return held;
    struct vm_cluster_range want = vm_cluster_choose(&pager->cluster, index, memory_object_request_most());
    want.first = MAX(want.first, within.first);
    want.end = MIN(want.end, within.end);
    want.end = MIN(want.end, object->nr_pages);
    while (held.end < want.end && memory_object_hold_empty(object, held.end))
        held.end++;
    while (held.first > want.first && memory_object_hold_empty(object, held.first - 1))
        held.first--;
    return held;
}

/* Gives up the places of range, which nobody has seen. */
static void memory_object_let_go(struct vm_object *object, struct vm_cluster_range range, struct vm_page *but)
{
    for (uint32_t index = range.first; index < range.end; index++) {
        struct vm_page *page = vm_page_lookup(object, index);

        vm_page_remove(page);
        if (page != but)
            vm_page_destroy(page);
    }
}

static enum vm_object_answer memory_object_request(struct vm_object *object, uint32_t index, struct vm_cluster_range within,
                                                   vm_prot_t prot, struct vm_page *placeholder)
{
    struct memory_object *pager = object->pager;

    assert(spinlock_held(&object->lock));
    /* What a queued run carries comes home yet, or is received after all, and then the place-holder is failed. */
    if (pager->dead && !vm_run_covers(pager, index))
        return VM_OBJECT_ERROR;
    memory_object_hold_place(object, index, placeholder);
    if (pager->dead)
        return VM_OBJECT_ASKED;
    if (pager->ready) {
        struct vm_cluster_range held = memory_object_hold_range(pager, index, within);
        if (memory_object_send_data_request(pager, held.first, held.end - held.first, prot) != KERN_SUCCESS) {
            memory_object_let_go(object, held, placeholder);
            placeholder->busy = placeholder->absent = false;
            return VM_OBJECT_SHORTAGE;
        }
        if (unlikely(pager->cluster.most > 1))
            vm_cluster_asked(&pager->cluster, index, held);
    }
    if (!pager->ready) {
        placeholder->unlock_asked = (uint8_t)prot; /* until it is asked for: the access */
        list_insert_tail(&pager->unasked, &placeholder->queue_node);
    }
    return VM_OBJECT_ASKED;
}

static enum vm_object_answer memory_object_unlock(struct vm_object *object, struct vm_page *page, vm_prot_t prot)
{
    struct memory_object *pager = object->pager;

    assert(spinlock_held(&object->lock));
    if (pager->dead)
        return VM_OBJECT_ERROR;
    if ((page->unlock_asked & prot) == prot)
        return VM_OBJECT_ASKED;
    if (memory_object_send_data_unlock(pager, page->index, prot) != KERN_SUCCESS)
        return VM_OBJECT_SHORTAGE;
    page->unlock_asked |= (uint8_t)prot;
    return VM_OBJECT_ASKED;
}

bool memory_object_ask_all(struct memory_object *pager)
{
    struct vm_page *page;

    assert(spinlock_held(&pager->object->lock));
    while ((page = list_first(&pager->unasked, struct vm_page, queue_node)) != NULL) {
        if (memory_object_send_data_request(pager, page->index, 1, page->unlock_asked) != KERN_SUCCESS)
            return false;
        list_remove(&page->queue_node);
        page->unlock_asked = 0;
    }
    return true;
}

/* ---- the end ---- */

/*
 * Everybody who waits for data in [index, index + nr_pages) gets an error instead. What a queued run carries is not
 * failed: either it comes home, to who waits for it, or it is received after all, and then this is called again.
 */
void memory_object_fail_requests(struct memory_object *pager, uint32_t index, uint32_t nr_pages)
{
    struct vm_object *object = pager->object;
    struct vm_page *page, *next;

    assert(spinlock_held(&object->lock) && pager->dead);
    for (page = vm_page_lookup_from(object, index); page != NULL && page->index - index < nr_pages; page = next) {
        next = vm_page_next(page);
        if (page->absent && !vm_run_covers(pager, page->index)) {
            list_remove(&page->queue_node);
            page->absent = false;
            page->error = true;
            vm_page_done(page);
        }
    }
}

/* The port leads here no longer; who waited for the end goes on. The conversation's reference is given up. */
static void memory_object_disconnect(struct memory_object *pager)
{
    assert(spinlock_held(&pager->object->lock) && !pager->over);
    pager->over = true;
    memory_object_sync_fail(pager); /* calls that were broken off */
    if (IP_VALID(pager->port)) {
        ipc_port_lock(pager->port);
        if (pager->port->kobject == pager && pager->port->kobject_type == IKOT_PAGER) {
            pager->port->kobject = NULL;
            pager->port->kobject_type = IKOT_NONE;
        }
        ipc_port_unlock(pager->port);
    }
    ipc_kobject_set(pager->control, NULL, IKOT_NONE);
    ipc_kobject_set(pager->name, NULL, IKOT_NONE);
    thread_wakeup(&pager->ending_event);
}

bool memory_object_finish(struct memory_object *pager)
{
    struct ipc_port *port = pager->port, *control = pager->control, *name = pager->name;

    assert(spinlock_held(&pager->object->lock));
    memory_object_disconnect(pager);
    kern_return_t kr = memory_object_send_terminate(port, control, name);
    if (kr != KERN_SUCCESS) { /* no memory for the message: stay connected and try again */
        pager->over = false;
        ipc_port_lock(port);
        if (ipc_port_active(port) && port->kobject_type == IKOT_NONE) {
            port->kobject = pager;
            port->kobject_type = IKOT_PAGER;
        }
        ipc_port_unlock(port);
        ipc_kobject_set(control, pager, IKOT_PAGING_REQUEST);
        ipc_kobject_set(name, pager, IKOT_PAGING_NAME);
        return false;
    }
    pager->port = NULL;
    pager->control = NULL;
    pager->name = NULL;
    return true;
}

/* vm_object.c: the last user has gone. */
static void memory_object_last_user(struct vm_object *object)
{
    struct memory_object *pager = object->pager;

    vm_object_lock(object);
    if (object->refs > 0 || pager->ending || pager->cached) { /* mapped again through the port meanwhile */
        vm_object_unlock(object);
        return;
    }
    if (pager->may_cache && pager->ready && !pager->dead) {
        memory_object_set_cached(pager, true);
        vm_object_unlock(object);
        return;
    }
    memory_object_begin_end(pager);
    vm_object_unlock(object);
}

void memory_object_begin_end(struct memory_object *pager)
{
    assert(spinlock_held(&pager->object->lock));
    memory_object_set_cached(pager, false);
    pager->ending = true;
    pager->object->alive = false;
    pager->end_cursor = 0;
    memory_object_work_later(pager);
}

void memory_object_die(struct memory_object *pager, bool discard)
{
    struct vm_object *object = pager->object;
    struct vm_page *page, *next;
    struct memory_object_lock *lock;

    assert(spinlock_held(&object->lock));
    /* Over: it ended between its port's death and the reaper's turn, and there is nothing left that could die. */
    if (pager->dead || pager->over)
        return;
    pager->dead = true;
    memory_object_set_cached(pager, false); /* a call may be its only user, and then ends it when it is over */
    memory_object_fail_requests(pager, 0, object->nr_pages);
    while ((lock = list_first(&pager->locks, struct memory_object_lock, node)) != NULL) {
        list_remove(&lock->node);
        memory_object_lock_free(lock);
    }
    memory_object_sync_fail(pager);
    for (page = vm_page_lookup_from(object, 0); page != NULL; page = next) {
        next = vm_page_next(page);
        if (page->busy)
            continue;
        page->lock_prot = VM_PROT_NONE; /* nobody could unlock it any more */
        vm_page_done(page);
        if (page->wire_count != 0)
            continue;
        if (discard)
            vm_page_free(page);
        else if (page->frame != NULL)
            vm_page_deactivate(page); /* nobody takes it: it stays, unevictable. A place-holder is no page yet. */
    }
    /* Cached, or about to end: nothing left to wait for. */
    if (object->refs == 0)
        memory_object_begin_end(pager);
}

static void memory_object_mourn(struct reaper_item *item)
{
    struct memory_object *pager = container_of(item, struct memory_object, death);

    vm_object_lock(pager->object);
    memory_object_die(pager, false);
    vm_object_unlock(pager->object);
    memory_object_unref(pager);
}

void memory_object_port_died(void *kobject)
{
    struct memory_object *pager = kobject;

    memory_object_ref(pager);
    pager->death.function = memory_object_mourn;
    reaper_queue(&pager->death);
}

const struct vm_object_ops vm_object_pager_ops = {
    .name = "pager",
    .request = memory_object_request,
    .unlock = memory_object_unlock,
    .end = memory_object_last_user,
};

/* ---- work that waits for windows ---- */

void memory_object_work_later(struct memory_object *pager)
{
    bool queued = false;

    memory_object_ref(pager);
    spinlock_lock(&memory_object_work_lock);
    if (pager->working) {
        pager->work_again = true;
    } else {
        pager->working = true;
        queued = true;
        list_insert_tail(&memory_object_work_queue, &pager->work_node);
    }
    spinlock_unlock(&memory_object_work_lock);
    if (queued)
        vm_pageout_worker_wakeup();
    else
        memory_object_unref(pager);
}

void memory_object_work_resume(struct list *list)
{
    spinlock_lock(&memory_object_work_lock);
    list_splice_tail(&memory_object_work_queue, list);
    spinlock_unlock(&memory_object_work_lock);
    vm_pageout_worker_wakeup();
}

struct memory_object *memory_object_work_next(void)
{
    spinlock_lock(&memory_object_work_lock);
    struct memory_object *pager = list_first(&memory_object_work_queue, struct memory_object, work_node);
    if (pager != NULL) {
        list_remove(&pager->work_node);
        pager->work_again = false;
    }
    spinlock_unlock(&memory_object_work_lock);
    return pager;
}

void memory_object_work_done(struct memory_object *pager)
{
    spinlock_lock(&memory_object_work_lock);
    bool again = pager->work_again;
    if (again)
        list_insert_tail(&memory_object_work_queue, &pager->work_node);
    else
        pager->working = false;
    spinlock_unlock(&memory_object_work_lock);
    if (!again)
        memory_object_unref(pager);
}
