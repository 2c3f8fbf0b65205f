/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator of frames: binary buddies in each zone, levels of reserve above them, and those who wait.
 *
 * Buddies. A free block of 2^k frames begins at a multiple of 2^k; its first record has `order' k and is in the zone's
 * list of that order, all other records have VM_FRAME_INSIDE. A mask a zone tells which orders have blocks. Freeing
 * joins a block with its buddy as long as that is free, whole and of the same zone. Single frames, nearly all requests,
 * cost one list operation when order 0 has one. Rejected: caches of single frames above the buddies, which are for many
 * processors; and bitmaps for the buddies, since the records are there anyway.
 *
 * What a request may use is its need: frames of the direct map (kernel memory) or any (pages of objects). Objects get
 * HIGH frames first and would in the end take all of the direct map as well; kernel memory could then only wait for
 * evictions that free HIGH frames. So where there is a HIGH zone, vm_frame_kept directly mapped frames are out of reach
 * of objects; vm_frame_nr_free() leaves them out, so that the daemon starts in time.
 *
 * Those who wait stand in a queue for each level and need, each with its own event. A wake-up goes to the head of a
 * queue that can be served. It leaves the queue only when it runs and is served, under the same hold of the lock in
 * which it takes its frame; then it wakes the next. So newcomers that may sleep stand behind, no wake-up is lost with a
 * thread that turns out to want nothing, and one frame does not wake a crowd. Requests that may not sleep do not queue:
 * they take what is there for their level, since who waits with vm_frame_wait() comes back with such a request.
 *
 * A thread's level can rise while it waits: a memory manager that waits at the ordinary level is sent a run, and the frames
 * that would serve it come free only when it goes on and frees that run. So it moves to the queue of its new level then.
 */
#include "vm/vm_frame.h"

#include "kernel/lock.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/thread.h"

#define VM_FRAME_NR_ORDERS (VM_FRAME_ORDER_MAX + 1)
#define VM_FRAME_INSIDE 0xff /* order of a frame that begins no free block */
#define VM_FRAME_DMA_END (16u << 20 >> PAGE_SHIFT) /* what the ISA bus can address */
#define VM_FRAME_NR_LEVELS 3

/* What a request can be served from. */
enum vm_frame_need {
    VM_FRAME_NEED_ANY,          /* any zone, but for what is kept */
    VM_FRAME_NEED_DIRECT,       /* the zones of the direct map */
    VM_FRAME_NEED_EACH,         /* both of the above: of those who wait without saying what for */
    VM_FRAME_NR_NEEDS,
};

struct vm_frame_zone {
    struct list free[VM_FRAME_NR_ORDERS];
    uint32_t orders;            /* bit k: free[k] has blocks */
    unsigned int nr_free;       /* frames */
};

/* On the stack of the thread that waits; its address is the event. */
struct vm_frame_waiter {
    struct list_node node;
    struct thread *thread;
    bool rises;                 /* it waits at the thread's level, whatever that becomes */
    bool aborted;               /* the wait was broken off once, and would be at once every time */
};

/* All of what follows is under vm_frame_lock, but for what never changes after vm_frame_seal(). */
static struct spinlock vm_frame_lock = SPINLOCK_INIT(LOCK_RANK_FRAMES, "frames");
static struct vm_frame_zone vm_frame_zones[VM_NR_ZONES];
static unsigned int vm_frame_counts[VM_FRAME_NR_STATES];
static struct list vm_frame_queues[VM_FRAME_NR_LEVELS][VM_FRAME_NR_NEEDS];
static unsigned int vm_frame_waiting;
static unsigned int vm_frame_kept;
static bool vm_frame_shortage_armed = true;

struct vm_frame *vm_frames;
unsigned int vm_nr_frames;
struct vm_frame_marks vm_frame_marks;
void (*vm_frame_shortage)(void);

_Static_assert(VM_FRAME_NR_ORDERS <= 32, "the orders fit in a mask");
_Static_assert(ALLOC_DAEMON < VM_FRAME_NR_LEVELS, "every level has its queues");

/* ---- free blocks ---- */

static void vm_frame_block_insert(struct vm_frame_zone *zone, struct vm_frame *frame, unsigned int order)
{
    frame->order = (uint8_t)order;
    list_insert_head(&zone->free[order], &frame->node);
    zone->orders |= 1u << order;
}

static void vm_frame_block_remove(struct vm_frame_zone *zone, struct vm_frame *frame)
{
    unsigned int order = frame->order;

    list_remove(&frame->node);
    frame->order = VM_FRAME_INSIDE;
    if (list_empty(&zone->free[order]))
        zone->orders &= ~(1u << order);
}

/* The free block of the same order that would make one of the next order together with number, or NULL. */
static struct vm_frame *vm_frame_buddy(unsigned int number, unsigned int order)
{
    unsigned int other = number ^ (1u << order);

    if (other >= vm_nr_frames)
        return NULL;
    struct vm_frame *buddy = &vm_frames[other];
    /* Only the first frame of a free block has an order, so a match is a whole free block. */
    return buddy->order == order && buddy->zone == vm_frames[number].zone ? buddy : NULL;
}

static void vm_frame_set_state(struct vm_frame *frame, unsigned int order, enum vm_frame_state state)
{
    unsigned int count = 1u << order;

    vm_frame_counts[frame->state] -= count;
    vm_frame_counts[state] += count;
    for (unsigned int i = 0; i < count; i++)
        frame[i].state = (uint8_t)state;
}

/* The frames, whatever their state, become a free block and join what is free around them. */
static void vm_frame_release(struct vm_frame *frame, unsigned int order)
{
    struct vm_frame_zone *zone = &vm_frame_zones[frame->zone];
    struct vm_frame *buddy;
    unsigned int number = vm_frame_number(frame);

    vm_frame_set_state(frame, order, VM_FRAME_FREE);
    zone->nr_free += 1u << order;
    while (order < VM_FRAME_ORDER_MAX && (buddy = vm_frame_buddy(number, order)) != NULL) {
        vm_frame_block_remove(zone, buddy);
        number &= ~(1u << order);
        order++;
    }
    vm_frame_block_insert(zone, &vm_frames[number], order);
}

/* Takes a block out of a zone, splitting the smallest that is large enough; NULL when there is none. */
static struct vm_frame *vm_frame_take_block(struct vm_frame_zone *zone, unsigned int order)
{
    uint32_t orders = zone->orders >> order << order;

    if (orders == 0)
        return NULL;
    unsigned int found = (unsigned int)__builtin_ctz(orders);
    struct vm_frame *frame = list_first(&zone->free[found], struct vm_frame, node);
    vm_frame_block_remove(zone, frame);
    while (found > order) {
        found--;
        vm_frame_block_insert(zone, frame + (1u << found), found);
    }
    zone->nr_free -= 1u << order;
    return frame;
}

/* ---- levels ---- */

static inline unsigned int vm_frame_nr_direct(void)
{
    return vm_frame_zones[VM_ZONE_DMA].nr_free + vm_frame_zones[VM_ZONE_DIRECT].nr_free;
}

/* Free frames within reach of pages of objects. */
static inline unsigned int vm_frame_nr_any(void)
{
    unsigned int direct = vm_frame_nr_direct();

    return vm_frame_zones[VM_ZONE_HIGH].nr_free + (direct > vm_frame_kept ? direct - vm_frame_kept : 0);
}

static unsigned int vm_frame_nr_free_locked(void)
{
    unsigned int direct = vm_frame_nr_direct(), any = vm_frame_nr_any();

    return direct < vm_frame_marks.high ? MIN(direct, any) : any;
}

/* Whether level may take count frames of what need reaches. */
static bool vm_frame_served(unsigned int level, enum vm_frame_need need, unsigned int count)
{
    unsigned int min;

    switch (level) {
    case ALLOC_ORDINARY:
        min = vm_frame_marks.min;
        break;
    case ALLOC_PRIVILEGED:
        min = vm_frame_marks.privileged_min;
        break;
    default:
        min = vm_frame_marks.daemon_min;
    }
    if (need != VM_FRAME_NEED_ANY && vm_frame_nr_direct() < min + count)
        return false;
    return need == VM_FRAME_NEED_DIRECT || vm_frame_nr_any() >= min + count;
}

static inline enum vm_frame_need vm_frame_need_of(enum vm_zone highest)
{
    return highest == VM_ZONE_HIGH ? VM_FRAME_NEED_ANY : VM_FRAME_NEED_DIRECT;
}

/* Takes a block if the level is served, from the highest zone that has one. The frames' state is still FREE. */
static struct vm_frame *vm_frame_take(unsigned int order, enum vm_zone highest, unsigned int level)
{
    if (unlikely(!vm_frame_served(level, vm_frame_need_of(highest), 1u << order)))
        return NULL;
    for (int zone = (int)highest; zone >= 0; zone--) {
        struct vm_frame *frame = vm_frame_take_block(&vm_frame_zones[zone], order);

        if (frame != NULL)
            return frame;
    }
    return NULL;
}

static void vm_frame_tell_shortage(void)
{
    if (likely(!vm_frame_shortage_armed || vm_frame_nr_free_locked() >= vm_frame_marks.low) || vm_frame_shortage == NULL)
        return;
    vm_frame_shortage_armed = false;
    vm_frame_shortage();
}

/* ---- waiting ---- */

/* Wakes the head of each queue that can be served; more privileged levels first. */
static void vm_frame_wake(void)
{
    if (likely(vm_frame_waiting == 0))
        return;
    for (int level = VM_FRAME_NR_LEVELS - 1; level >= 0; level--) {
        for (unsigned int need = 0; need < VM_FRAME_NR_NEEDS; need++) {
            struct list *queue = &vm_frame_queues[level][need];

            if (!list_empty(queue) && vm_frame_served((unsigned int)level, need, 1))
                (void)thread_wakeup(list_first(queue, struct vm_frame_waiter, node));
        }
    }
}

/*
 * Sleeps once, dropping the lock meanwhile. A thread that thread_abort() was called on would be sent away at once again
 * and again, but memory is waited for all the same; so it waits uninterruptibly from then on and looks now and then
 * whether it is being ended, which can then take that long.
 */
#define VM_FRAME_LOOK_MS 100
static void vm_frame_sleep(struct vm_frame_waiter *waiter)
{
    if (waiter->aborted)
        thread_assert_wait_timeout(waiter, WAIT_UNINTERRUPTIBLE, VM_FRAME_LOOK_MS);
    else
        thread_assert_wait(waiter, WAIT_INTERRUPTIBLE);
    spinlock_unlock(&vm_frame_lock);
    enum wait_result result = thread_block();
    spinlock_lock(&vm_frame_lock);
    if (result == WAIT_INTERRUPTED)
        waiter->aborted = true;
}

/*
 * Waits for the turn in the queue of *level and need, and of better levels when the thread's rises and rises says so;
 * *level is the last then. Returns true with the lock still held since the level was found served: the caller takes its
 * frame, if it wants one, and calls vm_frame_wake(). False: the thread is being ended.
 */
static bool vm_frame_turn(unsigned int *level, bool rises, enum vm_frame_need need)
{
    unsigned int risen;
    struct vm_frame_waiter waiter = {.thread = current_thread(), .rises = rises};
    bool served = false;

    if (waiter.thread == NULL)
        return false;
    list_insert_tail(&vm_frame_queues[*level][need], &waiter.node);
    vm_frame_waiting++;
    vm_frame_tell_shortage();
    while (!thread_should_end()) {
        risen = rises ? alloc_resolve(ALLOC_THREAD) & ALLOC_LEVEL_MASK : *level;
        if (risen > *level) {
            *level = risen;
            list_remove(&waiter.node);
            list_insert_tail(&vm_frame_queues[risen][need], &waiter.node);
        }
        served = vm_frame_queues[*level][need].head.next == &waiter.node && vm_frame_served(*level, need, 1);
        if (served)
            break;
        vm_frame_sleep(&waiter);
    }
    list_remove(&waiter.node);
    vm_frame_waiting--;
    return served;
}

void vm_frame_levels_rose(void)
{
    struct vm_frame_waiter *waiter;

    spinlock_lock(&vm_frame_lock);
    for (unsigned int need = 0; vm_frame_waiting > 0 && need < VM_FRAME_NR_NEEDS; need++) {
        list_for_each(&vm_frame_queues[ALLOC_ORDINARY][need], waiter, node) {
            if (waiter->rises && (thread_alloc_level_of(waiter->thread) & ALLOC_LEVEL_MASK) != ALLOC_ORDINARY)
                (void)thread_wakeup(waiter);
        }
    }
    spinlock_unlock(&vm_frame_lock);
}

bool vm_frame_plenty(enum alloc level)
{
    spinlock_lock(&vm_frame_lock);
    bool served = vm_frame_served(alloc_resolve(level) & ALLOC_LEVEL_MASK, VM_FRAME_NEED_EACH, 1);
    spinlock_unlock(&vm_frame_lock);
    return served;
}

bool vm_frame_wait(enum alloc level)
{
    unsigned int wanted = alloc_resolve(level) & ALLOC_LEVEL_MASK;

    lock_assert_none_held();
    if (thread_should_end())
        return false;
    spinlock_lock(&vm_frame_lock);
    bool served = vm_frame_served(wanted, VM_FRAME_NEED_EACH, 1);
    if (!served) {
        served = vm_frame_turn(&wanted, (level & ALLOC_THREAD) != 0, VM_FRAME_NEED_EACH);
        vm_frame_wake();
    }
    spinlock_unlock(&vm_frame_lock);
    return served;
}

/* ---- allocation ---- */

/* A single frame for a request that may sleep; rises: it was asked for at the thread's level. */
static struct vm_frame *vm_frame_take_sleeping(enum vm_zone highest, unsigned int level, bool rises)
{
    enum vm_frame_need need = vm_frame_need_of(highest);
    struct vm_frame *frame = NULL;

    if (list_empty(&vm_frame_queues[level][need]))
        frame = vm_frame_take(0, highest, level);
    if (likely(frame != NULL))
        return frame;
    if (!vm_frame_turn(&level, rises, need))
        level = MAX(level, (unsigned int)ALLOC_PRIVILEGED);
    frame = vm_frame_take(0, highest, level);
    vm_frame_wake();
    return frame;
}

static void vm_frame_prepare(struct vm_frame *frame, unsigned int order, enum vm_frame_state state)
{
    vm_frame_set_state(frame, order, state);
    for (unsigned int i = 0; i < 1u << order; i++) {
        frame[i].pmap_bits = 0;
        frame[i].nr_holders = 0;
        frame[i].wired_maps = 0;
        frame[i].pv_pmap = NULL;
        frame[i].pv_va = 0;
        frame[i].pv_more = NULL;
    }
}

struct vm_frame *vm_frame_alloc(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how)
{
    bool rises = (how & ALLOC_THREAD) != 0;

    how = alloc_resolve(how);
    unsigned int level = how & ALLOC_LEVEL_MASK;
    bool may_sleep = !(how & ALLOC_NOSLEEP) && order == 0 && highest != VM_ZONE_DMA;
    struct vm_frame *frame;

    assert(order <= VM_FRAME_ORDER_MAX && level < VM_FRAME_NR_LEVELS && highest < VM_NR_ZONES);
    assert(state == VM_FRAME_KERNEL || state == VM_FRAME_OBJECT);
    if (may_sleep)
        lock_assert_none_held();
    if (unlikely(alloc_inject(may_sleep ? how : how | ALLOC_NOSLEEP)))
        return NULL;
    spinlock_lock(&vm_frame_lock);
    frame = may_sleep ? vm_frame_take_sleeping(highest, level, rises) : vm_frame_take(order, highest, level);
    if (likely(frame != NULL))
        vm_frame_prepare(frame, order, state);
    vm_frame_tell_shortage();
    spinlock_unlock(&vm_frame_lock);
    if (frame != NULL && (how & ALLOC_ZEROED)) {
        for (unsigned int i = 0; i < 1u << order; i++)
            pmap_frame_zero(&frame[i]);
    }
    return frame;
}

static void vm_frame_free_locked(struct vm_frame *frame, unsigned int order)
{
    assert(order <= VM_FRAME_ORDER_MAX && (vm_frame_number(frame) & ((1u << order) - 1)) == 0);
    assert(frame->state == VM_FRAME_KERNEL || frame->state == VM_FRAME_OBJECT);
    assert(frame->state == frame[(1u << order) - 1].state);
    assert(frame->state == VM_FRAME_KERNEL || (frame->pv_pmap == NULL && frame->pv_more == NULL));
    vm_frame_release(frame, order);
}

void vm_frame_free(struct vm_frame *frame, unsigned int order)
{
    spinlock_lock(&vm_frame_lock);
    vm_frame_free_locked(frame, order);
    vm_frame_wake();
    spinlock_unlock(&vm_frame_lock);
}

void vm_frame_free_list(struct list *list, unsigned int count)
{
    struct vm_frame *frame;

    spinlock_lock(&vm_frame_lock);
    while ((frame = list_first(list, struct vm_frame, node)) != NULL) {
        list_remove(&frame->node);
        vm_frame_free_locked(frame, 0);
        count--;
    }
    assert(count == 0);
    vm_frame_wake();
    spinlock_unlock(&vm_frame_lock);
}

void *vm_frame_alloc_kernel(unsigned int order, enum alloc how)
{
    struct vm_frame *frame = vm_frame_alloc(order, VM_ZONE_DIRECT, VM_FRAME_KERNEL, how);

    return frame != NULL ? machine_phys_to_virt(vm_frame_phys(frame)) : NULL;
}

void vm_frame_free_kernel(void *memory, unsigned int order)
{
    assert(memory != NULL);
    vm_frame_free(vm_frame_of_phys(machine_virt_to_phys(memory)), order);
}

/* ---- counts ---- */

unsigned int vm_frame_nr_free(void)
{
    return vm_frame_nr_free_locked(); /* nothing runs in between; no interrupt handler allocates */
}

unsigned int vm_frame_count(enum vm_frame_state state)
{
    assert(state < VM_FRAME_NR_STATES);
    return vm_frame_counts[state];
}

unsigned int vm_frame_nr_waiting(void)
{
    return vm_frame_waiting;
}

void vm_frame_shortage_rearm(void)
{
    spinlock_lock(&vm_frame_lock);
    vm_frame_shortage_armed = true;
    spinlock_unlock(&vm_frame_lock);
}

/* ---- set-up ---- */

void vm_frame_init(struct vm_frame *records, unsigned int nr_frames, phys_t direct_end)
{
    vm_frames = records;
    vm_nr_frames = nr_frames;
    for (unsigned int zone = 0; zone < VM_NR_ZONES; zone++) {
        vm_frame_zones[zone].orders = 0;
        vm_frame_zones[zone].nr_free = 0;
        for (unsigned int order = 0; order < VM_FRAME_NR_ORDERS; order++)
            list_init(&vm_frame_zones[zone].free[order]);
    }
    for (unsigned int level = 0; level < VM_FRAME_NR_LEVELS; level++) {
        for (unsigned int need = 0; need < VM_FRAME_NR_NEEDS; need++)
            list_init(&vm_frame_queues[level][need]);
    }
    for (unsigned int i = 0; i < nr_frames; i++) {
        records[i].state = VM_FRAME_RESERVED;
        records[i].order = VM_FRAME_INSIDE;
        if (i >= direct_end >> PAGE_SHIFT)
            records[i].zone = VM_ZONE_HIGH;
        else
            records[i].zone = i < VM_FRAME_DMA_END ? VM_ZONE_DMA : VM_ZONE_DIRECT;
        list_node_init(&records[i].node);
    }
    for (unsigned int state = 0; state < VM_FRAME_NR_STATES; state++)
        vm_frame_counts[state] = 0;
    vm_frame_counts[VM_FRAME_RESERVED] = nr_frames;
    vm_frame_marks = (struct vm_frame_marks){0};
    vm_frame_kept = 0;
}

void vm_frame_add(phys_t start, phys_t end)
{
    /* The end of the last page there can be is 0. */
    unsigned int number = start >> PAGE_SHIFT, behind = ((end - 1) >> PAGE_SHIFT) + 1;

    assert(page_aligned(start) && page_aligned(end));
    assert(start != end && behind > number && behind <= vm_nr_frames);
    spinlock_lock(&vm_frame_lock);
    while (number < behind) {
        unsigned int order = 0;

        /* The largest block that begins here, ends in time and is in one zone. */
        while (order < VM_FRAME_ORDER_MAX && (number & (1u << order)) == 0 && number + (2u << order) <= behind &&
               vm_frames[number].zone == vm_frames[number + (2u << order) - 1].zone)
            order++;
        assert(vm_frames[number].state == VM_FRAME_RESERVED);
        vm_frame_release(&vm_frames[number], order);
        number += 1u << order;
    }
    vm_frame_wake();
    spinlock_unlock(&vm_frame_lock);
}

static unsigned int vm_frame_clamp(unsigned int value, unsigned int least, unsigned int most)
{
    return MIN(MAX(value, least), most);
}

/*
 * The watermarks, from the bottom up; n is the number of frames that were free at boot.
 *
 * daemon_min is 0: what the pageout path allocates leads to more being freed.
 *
 * privileged_min is what the pageout path needs at once before any frame can come back: to get one run to a manager it
 * may want one fresh slab for each of the kinds of object on the way (page, object, map entry, run, account, message,
 * name, reverse mapping), and page tables for the run in the manager's map, which spans at most two: 10. With as much
 * again for a second manager, because the first can be slow, 20. When it is crossed privileged threads wait too.
 *
 * min - privileged_min is for privileged threads, the managers that give memory back: each may need a page of stack, one
 * of data and a page table to handle a run, and they are few: n / 256, at least 16 (five managers in 4 MiB), at most 1024.
 *
 * low - min is what ordinary threads may take while the daemon wakes and works: n / 128, at least 16. Filling zeroes, the
 * quickest way to take frames, is about 2 us a page on the slower machines; the most that this uses, 4096, is 8 ms then,
 * about the tick in which a daemon of better priority certainly runs. Small machines have less, and wait earlier.
 *
 * high - low is how much one round of the daemon frees at least: half a run (32 pages), so that it is not woken for
 * single pages; n / 128 where that is more, at most 4096.
 *
 * So with 4 MiB (about 700 frames) high is 84 frames, 12%; with 128 MiB 2%; with 4 GiB 0.9%.
 */
void vm_frame_seal(void)
{
    unsigned int direct = vm_frame_nr_direct(), high = vm_frame_zones[VM_ZONE_HIGH].nr_free, n = direct + high;

    vm_frame_marks.daemon_min = 0;
    vm_frame_marks.privileged_min = 20;
    vm_frame_marks.min = vm_frame_marks.privileged_min + vm_frame_clamp(n / 256, 16, 1024);
    vm_frame_marks.low = vm_frame_marks.min + vm_frame_clamp(n / 128, 16, 4096);
    vm_frame_marks.high = vm_frame_marks.low + vm_frame_clamp(n / 128, 32, 4096);
    /*
     * The kernel keeps records of each page (some 64 bytes), its mappings and tables: a 32nd of the page, and twice that
     * with all else. At least the high mark, so that objects alone never bring the direct map below it; at most a
     * quarter of it.
     */
    if (high > 0)
        vm_frame_kept = MIN(MAX(high / 16, vm_frame_marks.high), direct / 4);
}

/* ---- checks ---- */

static unsigned int vm_frame_check_zone(unsigned int index)
{
    struct vm_frame_zone *zone = &vm_frame_zones[index];
    unsigned int total = 0;

    for (unsigned int order = 0; order < VM_FRAME_NR_ORDERS; order++) {
        struct vm_frame *frame;

        if (list_empty(&zone->free[order]) != !(zone->orders & 1u << order))
            panic("frames: the mask of zone %u is wrong at order %u", index, order);
        list_for_each(&zone->free[order], frame, node) {
            unsigned int number = vm_frame_number(frame);

            if (frame->order != order || (number & ((1u << order) - 1)) != 0 || number + (1u << order) > vm_nr_frames)
                panic("frames: block %u of order %u is in the list of %u", number, frame->order, order);
            if (order < VM_FRAME_ORDER_MAX && vm_frame_buddy(number, order) != NULL)
                panic("frames: block %u of order %u is not joined with its buddy", number, order);
            for (unsigned int i = 0; i < 1u << order; i++) {
                if (frame[i].state != VM_FRAME_FREE || frame[i].zone != index ||
                    (i != 0 && frame[i].order != VM_FRAME_INSIDE))
                    panic("frames: frame %u is not as in a free block of order %u", number + i, order);
            }
            total += 1u << order;
        }
    }
    if (total != zone->nr_free)
        panic("frames: zone %u has %u free frames and counts %u", index, total, zone->nr_free);
    return total;
}

void vm_frame_check(void)
{
    unsigned int counts[VM_FRAME_NR_STATES] = {0}, nr_free = 0;

    spinlock_lock(&vm_frame_lock);
    for (unsigned int i = 0; i < vm_nr_frames; i++) {
        if (vm_frames[i].state >= VM_FRAME_NR_STATES)
            panic("frames: frame %u has state %u", i, vm_frames[i].state);
        counts[vm_frames[i].state]++;
    }
    for (unsigned int state = 0; state < VM_FRAME_NR_STATES; state++) {
        if (counts[state] != vm_frame_counts[state])
            panic("frames: %u frames have state %u, %u are counted", counts[state], state, vm_frame_counts[state]);
    }
    for (unsigned int zone = 0; zone < VM_NR_ZONES; zone++)
        nr_free += vm_frame_check_zone(zone);
    if (nr_free != counts[VM_FRAME_FREE])
        panic("frames: %u are free, %u are in lists", counts[VM_FRAME_FREE], nr_free);
    spinlock_unlock(&vm_frame_lock);
}
