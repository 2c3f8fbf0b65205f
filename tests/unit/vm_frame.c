/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator of frames on memories of many sizes: blocks do not overlap, come from the right zones and join again;
 * levels stop where they should; threads (of the building machine, one running at a time) wait their turn.
 * unit: -includeunit_context.h -pthread vm/vm_frame.c kernel/lock.c
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/machine.h"
#include "kernel/thread.h"
#include "vm/vm_frame.h"

#include "tap.h"

#define MIB (1u << 20 >> PAGE_SHIFT)

/* ---- the rest of the kernel ---- */

static unsigned int zeroed, shortages, inject_in;

void *machine_phys_to_virt(phys_t address)
{
    return (void *)(uintptr_t)(address + 0x100000000ull);
}

phys_t machine_virt_to_phys(const void *address)
{
    return (phys_t)(uintptr_t)address;
}

void pmap_frame_zero(struct vm_frame *frame)
{
    (void)frame;
    zeroed++;
}

unsigned long machine_interrupts_disable(void)
{
    return 1;
}

void machine_interrupts_restore(unsigned long flags)
{
    (void)flags;
}

bool alloc_inject(enum alloc how)
{
    return (how & ALLOC_NOSLEEP) && inject_in > 0 && --inject_in == 0;
}

static void shortage(void)
{
    shortages++;
}

/* ---- threads: whoever has the baton runs ---- */

#define THREADS 12

struct runner {
    struct thread thread;
    pthread_t id;
    const void *event;
    bool interrupted;           /* by the test, like thread_abort or the thread's end */
    void (*work)(struct runner *self);
    enum alloc level, thread_level;
    struct vm_frame *frame;
    unsigned int served;        /* when this runner got its frame: 1 first */
    bool done;
};

static pthread_mutex_t baton = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct runner runners[THREADS];
static struct thread main_thread;
static __thread struct runner *self_runner;
static unsigned int nr_served;
struct thread *current_thread_pointer = &main_thread;

static void resume(void)
{
    current_thread_pointer = self_runner != NULL ? &self_runner->thread : &main_thread;
}

/* Lets the others run for a while. */
static void pass_baton(void)
{
    struct timespec moment = {.tv_nsec = 20000};

    pthread_mutex_unlock(&baton);
    nanosleep(&moment, NULL);
    pthread_mutex_lock(&baton);
    resume();
}

void thread_assert_wait(const void *event, enum wait_kind kind)
{
    if (self_runner == NULL)
        panic("the test itself would wait");
    if (kind == WAIT_UNINTERRUPTIBLE || !self_runner->interrupted)
        self_runner->event = event;
}

void thread_assert_wait_timeout(const void *event, enum wait_kind kind, uint32_t milliseconds)
{
    (void)milliseconds;
    thread_assert_wait(event, kind);
}

enum wait_result thread_block(void)
{
    bool interrupted = self_runner->event == NULL;
    struct timespec until;

    lock_assert_none_held();
    while (self_runner->event != NULL) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 5000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        /* Those that were interrupted wait with a time-out. */
        if (pthread_cond_timedwait(&changed, &baton, &until) != 0 && self_runner->interrupted)
            self_runner->event = NULL;
    }
    resume();
    return interrupted ? WAIT_INTERRUPTED : WAIT_AWAKENED;
}

unsigned int thread_wakeup(const void *event)
{
    unsigned int woken = 0;

    for (unsigned int i = 0; i < THREADS; i++) {
        if (runners[i].event == event) {
            runners[i].event = NULL;
            woken++;
        }
    }
    pthread_cond_broadcast(&changed);
    return woken;
}

bool thread_wakeup_one(const void *event)
{
    return thread_wakeup(event) != 0;
}

bool thread_should_end(void)
{
    return current_thread()->terminating;
}

/* The level of a runner that asks as a thread is what the test has set meanwhile. */
enum alloc thread_alloc_level_of(const struct thread *thread)
{
    return container_of(thread, struct runner, thread)->thread_level;
}

enum alloc alloc_resolve(enum alloc how)
{
    return how & ALLOC_THREAD ? (how & ~(unsigned int)ALLOC_THREAD) | thread_alloc_level_of(current_thread()) : how;
}

static void *runner_main(void *argument)
{
    pthread_mutex_lock(&baton);
    self_runner = argument;
    resume();
    self_runner->work(self_runner);
    self_runner->done = true;
    pthread_mutex_unlock(&baton);
    return NULL;
}

/* Starts a thread and lets it run until it waits or is done. */
static void start(unsigned int i, void (*work)(struct runner *self), enum alloc level)
{
    runners[i] = (struct runner){.work = work, .level = level};
    pthread_create(&runners[i].id, NULL, runner_main, &runners[i]);
    while (runners[i].event == NULL && !runners[i].done)
        pass_baton();
}

static void join(unsigned int nr)
{
    pthread_mutex_unlock(&baton);
    for (unsigned int i = 0; i < nr; i++)
        pthread_join(runners[i].id, NULL);
    pthread_mutex_lock(&baton);
    resume();
}

/* Lets all that can run do so. */
static void settle(void)
{
    for (unsigned int i = 0; i < 50; i++)
        pass_baton();
}

static void interrupt(struct runner *runner, bool end)
{
    runner->interrupted = true;
    runner->thread.terminating = end;
    runner->event = NULL;
    pthread_cond_broadcast(&changed);
}

/* ---- memory ---- */

struct piece {
    struct vm_frame *frame;
    unsigned int order;
};

static uint8_t *owners;         /* one for each frame: taken */
static struct piece *pieces;
static unsigned int nr_pieces, nr_initial;

/* A memory of nr_mib, with frames missing at its start, and holes. */
static void make_memory(unsigned int nr_mib, unsigned int direct_mib, bool holes)
{
    unsigned int nr_frames = nr_mib * MIB, step = holes ? 3 * MIB + 17 : nr_frames;

    free(vm_frames);
    free(owners);
    free(pieces);
    vm_frame_init(calloc(nr_frames, sizeof(struct vm_frame)), nr_frames, (phys_t)MIN(nr_mib, direct_mib) << 20);
    owners = calloc(nr_frames, 1);
    pieces = calloc(nr_frames, sizeof *pieces);
    nr_pieces = 0;
    nr_initial = 0;
    for (unsigned int start_frame = 1; start_frame < nr_frames; start_frame += step) {
        unsigned int end = MIN(nr_frames, start_frame + step - (holes ? 5 : 1));

        if (!holes)
            end = nr_frames;
        if (end <= start_frame)
            break;
        vm_frame_add((phys_t)start_frame << PAGE_SHIFT, (phys_t)end << PAGE_SHIFT);
        nr_initial += end - start_frame;
    }
    vm_frame_seal();
    vm_frame_shortage = shortage;
    vm_frame_check();
}

static bool take(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how)
{
    struct vm_frame *frame = vm_frame_alloc(order, highest, state, how | ALLOC_NOSLEEP);

    if (frame == NULL)
        return false;
    for (unsigned int i = 0; i < 1u << order; i++) {
        unsigned int number = vm_frame_number(frame) + i;

        if (owners[number]++ != 0 || number >= vm_nr_frames || vm_frames[number].zone > highest ||
            vm_frames[number].state != state || number == 0)
            panic("frame %u is taken twice or wrong", number);
    }
    if ((vm_frame_number(frame) & ((1u << order) - 1)) != 0)
        panic("a block of order %u begins at %u", order, vm_frame_number(frame));
    pieces[nr_pieces++] = (struct piece){frame, order};
    return true;
}

static void give_back(unsigned int which)
{
    struct piece piece = pieces[which];

    pieces[which] = pieces[--nr_pieces];
    for (unsigned int i = 0; i < 1u << piece.order; i++)
        owners[vm_frame_number(piece.frame) + i]--;
    vm_frame_free(piece.frame, piece.order);
}

static void give_all_back(void)
{
    while (nr_pieces > 0)
        give_back(tap_random(nr_pieces));
}

/* How many blocks of the largest order there are: as many after everything came back as before. */
static unsigned int count_blocks(void)
{
    unsigned int count = 0;

    while (take(VM_FRAME_ORDER_MAX, VM_ZONE_HIGH, VM_FRAME_KERNEL, ALLOC_DAEMON))
        count++;
    give_all_back();
    return count;
}

static void test_random(unsigned int nr_mib, unsigned int direct_mib, bool holes, unsigned int steps)
{
    char what[100];
    bool good = true;

    make_memory(nr_mib, direct_mib, holes);
    unsigned int blocks = count_blocks();
    for (unsigned int step = 0; step < steps; step++) {
        if (nr_pieces == 0 || tap_random(100) < (step / 2000 % 2 != 0 ? 60 : 40))
            take(tap_random(4) != 0 ? 0 : tap_random(VM_FRAME_ORDER_MAX + 1), tap_random(VM_NR_ZONES),
                 tap_random(2) ? VM_FRAME_OBJECT : VM_FRAME_KERNEL, tap_random(3));
        else
            give_back(tap_random(nr_pieces));
        if (step % (steps / 20) == 0)
            vm_frame_check();
    }
    good = vm_frame_count(VM_FRAME_FREE) + vm_frame_count(VM_FRAME_KERNEL) + vm_frame_count(VM_FRAME_OBJECT) == nr_initial;
    give_all_back();
    vm_frame_check();
    good = good && vm_frame_count(VM_FRAME_FREE) == nr_initial && count_blocks() == blocks;
    snprintf(what, sizeof what, "%u MiB, %u of them direct%s: blocks are apart, and join again", nr_mib, direct_mib,
             holes ? ", holes" : "");
    tap_ok(good, what);
}

static void test_levels(unsigned int nr_mib, unsigned int direct_mib)
{
    char what[100];
    const struct vm_frame_marks *marks = &vm_frame_marks;

    make_memory(nr_mib, direct_mib, false);
    snprintf(what, sizeof what, "%u MiB: the marks are in order and small", nr_mib);
    tap_ok(marks->daemon_min == 0 && marks->privileged_min > 0 && marks->min > marks->privileged_min &&
               marks->low > marks->min && marks->high > marks->low && marks->high < nr_initial / 6,
           what);
    shortages = 0;
    vm_frame_shortage_rearm();
    while (vm_frame_nr_free() >= marks->low && take(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_ORDINARY))
        continue;
    bool once = shortages == 1 && vm_frame_nr_free() == marks->low - 1;
    take(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_ORDINARY);
    once = once && shortages == 1;
    vm_frame_shortage_rearm();
    take(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_ORDINARY);
    tap_ok(once && shortages == 2, "a shortage is told once below low, and again after it was armed");
    while (take(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_ORDINARY))
        continue;
    tap_ok(vm_frame_nr_free() == marks->min, "ordinary requests stop at min");
    unsigned int left = vm_frame_count(VM_FRAME_FREE);
    tap_ok(nr_mib <= direct_mib ? left == marks->min : take(0, VM_ZONE_DIRECT, VM_FRAME_KERNEL, ALLOC_ORDINARY),
           "kernel memory is left where there is a HIGH zone");
    while (take(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_PRIVILEGED))
        continue;
    while (take(0, VM_ZONE_DIRECT, VM_FRAME_KERNEL, ALLOC_PRIVILEGED))
        continue;
    tap_ok(vm_frame_nr_free() <= marks->privileged_min && vm_frame_count(VM_FRAME_FREE) >= marks->privileged_min,
           "privileged ones at theirs");
    while (take(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_DAEMON) || take(0, VM_ZONE_DIRECT, VM_FRAME_KERNEL, ALLOC_DAEMON))
        continue;
    tap_ok(vm_frame_count(VM_FRAME_FREE) == 0, "the pageout path takes the last");
    vm_frame_check();
    give_all_back();
    vm_frame_check();
}

static void test_small_things(void)
{
    struct list list;
    struct vm_frame *frame;
    void *memory;

    make_memory(8, 768, false);
    zeroed = 0;
    frame = vm_frame_alloc(3, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_ZEROED | ALLOC_NOSLEEP);
    tap_ok(zeroed == 8, "frames are cleared when that is asked");
    list_init(&list);
    for (unsigned int i = 0; i < 8; i++)
        list_insert_head(&list, &frame[i].node);
    vm_frame_free_list(&list, 8);
    vm_frame_check();
    tap_ok(list_empty(&list) && vm_frame_count(VM_FRAME_FREE) == nr_initial, "a list of frames is freed");
    memory = vm_frame_alloc_kernel(0, ALLOC_SLEEP);
    tap_ok(memory == machine_phys_to_virt(machine_virt_to_phys(memory)) && vm_frame_count(VM_FRAME_KERNEL) == 1,
           "kernel memory");
    vm_frame_free_kernel(memory, 0);
    inject_in = 2;
    frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_NOSLEEP);
    tap_ok(frame != NULL && vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_NOSLEEP) == NULL, "injected failure");
    inject_in = 1;
    vm_frame_free(frame, 0);
    frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_SLEEP);
    tap_ok(frame != NULL && inject_in == 1, "none for those that sleep");
    tap_ok(vm_frame_alloc(1, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_SLEEP) == NULL && inject_in == 0,
           "blocks do not sleep, so they may fail");
    vm_frame_free(frame, 0);
    tap_ok(vm_frame_wait(ALLOC_ORDINARY), "nothing is waited for when there is memory");
}

/* ---- waiting ---- */

static void work_alloc(struct runner *self)
{
    self->frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, self->level);
    self->served = ++nr_served;
}

static void work_wait(struct runner *self)
{
    while (vm_frame_wait(self->level)) {
        self->frame = vm_frame_alloc(0, VM_ZONE_DIRECT, VM_FRAME_KERNEL, self->level | ALLOC_NOSLEEP);
        if (self->frame != NULL)
            break;
    }
    self->served = ++nr_served;
}

static void exhaust(enum alloc level)
{
    while (take(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, level))
        continue;
}

static void test_order_of_waiters(void)
{
    bool order = true;

    make_memory(4, 768, false);
    exhaust(ALLOC_ORDINARY);
    nr_served = 0;
    for (unsigned int i = 0; i < 6; i++)
        start(i, work_alloc, ALLOC_ORDINARY);
    tap_ok(vm_frame_nr_waiting() == 6 && nr_served == 0, "requests that sleep wait at min");
    for (unsigned int i = 0; i < 6; i++) {
        give_back(tap_random(nr_pieces));
        settle();
        order = order && runners[i].served == i + 1 && runners[i].frame != NULL;
    }
    join(6);
    tap_ok(order && vm_frame_nr_waiting() == 0, "and are served one by one, first come, first served");
    vm_frame_check();
    for (unsigned int i = 0; i < 6; i++)
        vm_frame_free(runners[i].frame, 0);

    exhaust(ALLOC_ORDINARY);
    exhaust(ALLOC_PRIVILEGED);
    nr_served = 0;
    start(0, work_alloc, ALLOC_ORDINARY);
    start(1, work_wait, ALLOC_ORDINARY);
    start(2, work_wait, ALLOC_PRIVILEGED);
    start(3, work_alloc, ALLOC_PRIVILEGED);
    give_back(0);
    settle();
    give_back(0);
    settle();
    tap_ok(runners[2].served != 0 && runners[3].served != 0 && runners[0].served == 0 && runners[1].served == 0,
           "better levels go first");
    give_all_back();
    settle();
    join(4);
    tap_ok(runners[0].frame != NULL && runners[1].frame != NULL, "the others when there is enough");
    for (unsigned int i = 0; i < 4; i++)
        vm_frame_free(runners[i].frame, 0);
    vm_frame_check();
}

/* A manager waits, and is sent a run: the frames that come free go to it from then on, as to the privileged. */
static void test_levels_rise(void)
{
    make_memory(4, 768, false);
    tap_ok(vm_frame_plenty(ALLOC_ORDINARY), "there is plenty for the ordinary");
    exhaust(ALLOC_ORDINARY);
    tap_ok(!vm_frame_plenty(ALLOC_ORDINARY) && vm_frame_plenty(ALLOC_PRIVILEGED), "and then only for the privileged");
    nr_served = 0;
    start(0, work_alloc, ALLOC_ORDINARY);
    start(1, work_alloc, ALLOC_THREAD);
    start(2, work_wait, ALLOC_THREAD);
    start(3, work_alloc, ALLOC_THREAD);
    vm_frame_levels_rose();
    settle();
    tap_ok(nr_served == 0, "no level has risen, and nobody is served");
    runners[0].thread_level = runners[1].thread_level = runners[2].thread_level = ALLOC_PRIVILEGED;
    vm_frame_levels_rose();
    settle();
    tap_ok(runners[1].frame != NULL && runners[2].frame != NULL && nr_served == 2,
           "those whose level rose are served below min");
    tap_ok(!runners[0].done && !runners[3].done && vm_frame_nr_waiting() == 2, "and nobody else");
    give_all_back();
    settle();
    join(4);
    for (unsigned int i = 0; i < 4; i++)
        vm_frame_free(runners[i].frame, 0);
    vm_frame_check();
}

/* When the baton is free, two more frames come back. */
static void *late_give_back(void *argument)
{
    pthread_mutex_lock(&baton);
    resume();
    give_back(0);
    give_back(0);
    pthread_mutex_unlock(&baton);
    return argument;
}

/* Several frames come back at once. */
static void test_one_wake_up(void (*work)(struct runner *self), const char *what)
{
    struct list list;

    make_memory(4, 768, false);
    exhaust(ALLOC_ORDINARY);
    nr_served = 0;
    for (unsigned int i = 0; i < 4; i++)
        start(i, work, ALLOC_ORDINARY);
    list_init(&list);
    for (unsigned int i = 0; i < 4; i++) {
        struct piece piece = pieces[--nr_pieces];

        owners[vm_frame_number(piece.frame)]--;
        list_insert_tail(&list, &piece.frame->node);
    }
    vm_frame_free_list(&list, 4);
    settle();
    if (!tap_ok(nr_served == 4, what))
        give_all_back();
    join(4);
    for (unsigned int i = 0; i < 4; i++)
        vm_frame_free(runners[i].frame, 0);
}

/* Somebody else wants a frame before the one that was woken for it has run. */
static void test_newcomer(void)
{
    make_memory(4, 768, false);
    exhaust(ALLOC_ORDINARY);
    nr_served = 0;
    start(0, work_alloc, ALLOC_ORDINARY);
    start(1, work_alloc, ALLOC_ORDINARY);
    give_back(0);
    /* The first has been woken but cannot run before this one waits. */
    runners[2] = (struct runner){.work = work_alloc, .level = ALLOC_ORDINARY};
    self_runner = &runners[2];
    pthread_create(&runners[3].id, NULL, late_give_back, NULL);
    resume();
    work_alloc(self_runner);
    self_runner = NULL;
    resume();
    tap_ok(runners[0].served == 1 && runners[1].served == 2 && runners[2].served == 3, "newcomers stand behind");
    pthread_mutex_unlock(&baton);
    for (unsigned int i = 0; i < 4; i++) {
        if (i != 2)
            pthread_join(runners[i].id, NULL);
    }
    pthread_mutex_lock(&baton);
    resume();
    for (unsigned int i = 0; i < 3; i++)
        vm_frame_free(runners[i].frame, 0);
    vm_frame_check();
}

static void test_ended_waiters(void)
{
    make_memory(4, 768, false);
    exhaust(ALLOC_ORDINARY);
    nr_served = 0;
    start(0, work_alloc, ALLOC_ORDINARY);
    start(1, work_wait, ALLOC_ORDINARY);
    start(2, work_alloc, ALLOC_ORDINARY);
    start(3, work_alloc, ALLOC_ORDINARY);
    interrupt(&runners[0], true);
    interrupt(&runners[1], true);
    settle();
    tap_ok(runners[0].done && runners[0].frame != NULL, "a thread that is ended takes what privileged ones may");
    tap_ok(runners[1].done && runners[1].frame == NULL, "one that only waits goes");
    interrupt(&runners[2], false);
    settle();
    tap_ok(!runners[2].done, "one that is only interrupted waits on");
    exhaust(ALLOC_PRIVILEGED);
    runners[2].thread.terminating = true;
    struct timespec moment = {.tv_nsec = 20000000};
    pthread_mutex_unlock(&baton);
    nanosleep(&moment, NULL);
    pthread_mutex_lock(&baton);
    resume();
    settle();
    tap_ok(runners[2].done && runners[2].frame == NULL, "there is nothing when the reserve is used up too");
    tap_ok(!runners[3].done, "the others still wait");
    give_all_back();
    settle();
    join(4);
    tap_ok(runners[3].frame != NULL && vm_frame_nr_waiting() == 0, "and get their frames");
    vm_frame_free(runners[0].frame, 0);
    vm_frame_free(runners[3].frame, 0);
    vm_frame_check();
}

#define CROWD_STEPS 400
#define CROWD_HOLD 8

/* Takes and gives back frames in every way, more than there are for all. */
static void work_crowd(struct runner *self)
{
    struct vm_frame *held[CROWD_HOLD] = {NULL};

    for (unsigned int step = 0; step < CROWD_STEPS; step++) {
        struct vm_frame **place = &held[tap_random(CROWD_HOLD)];
        enum vm_zone highest = tap_random(2) ? VM_ZONE_HIGH : VM_ZONE_DIRECT;

        if (*place != NULL) {
            vm_frame_free(*place, 0);
            *place = NULL;
        } else if (tap_random(2)) {
            /* Nobody sleeps for memory while the others wait for what it has. */
            for (unsigned int i = 0; i < CROWD_HOLD; i++) {
                if (held[i] != NULL)
                    vm_frame_free(held[i], 0);
                held[i] = NULL;
            }
            *place = vm_frame_alloc(0, highest, VM_FRAME_OBJECT, self->level);
        } else {
            *place = vm_frame_alloc(0, highest, VM_FRAME_OBJECT, self->level | ALLOC_NOSLEEP);
        }
        if (tap_random(4) == 0)
            pass_baton();
    }
    for (unsigned int i = 0; i < CROWD_HOLD; i++) {
        if (held[i] != NULL)
            vm_frame_free(held[i], 0);
    }
}

static void test_crowd(unsigned int nr_mib, unsigned int direct_mib)
{
    make_memory(nr_mib, direct_mib, false);
    exhaust(ALLOC_ORDINARY);
    for (unsigned int i = 0; i < 2 * THREADS; i++)
        give_back(tap_random(nr_pieces));
    for (unsigned int i = 0; i < THREADS; i++) {
        runners[i] = (struct runner){.work = work_crowd, .level = i % 4 == 0 ? ALLOC_PRIVILEGED : ALLOC_ORDINARY};
        pthread_create(&runners[i].id, NULL, runner_main, &runners[i]);
    }
    join(THREADS);
    vm_frame_check();
    give_all_back();
    vm_frame_check();
    tap_ok(vm_frame_count(VM_FRAME_FREE) == nr_initial && vm_frame_nr_waiting() == 0,
           "a crowd takes, waits and gives back, and nobody is forgotten");
}

static void test_checks(void)
{
    make_memory(4, 768, false);
    struct vm_frame *frame = vm_frame_alloc(0, VM_ZONE_HIGH, VM_FRAME_OBJECT, ALLOC_SLEEP);

    vm_frame_free(frame, 0);
    tap_ok(tap_panics(vm_frame_free(frame, 0)), "a second free is found");
}

int main(void)
{
    pthread_mutex_lock(&baton);
    test_small_things();
    for (unsigned int nr_mib = 1; nr_mib < 40; nr_mib += 3)
        test_random(nr_mib, 768, nr_mib % 2 == 0, 20000);
    test_random(64, 32, true, 60000);
    test_random(64, 33, false, 60000);
    test_random(1024, 768, false, 100000);
    test_random(4096, 768, false, 100000);
    test_levels(4, 768);
    test_levels(16, 768);
    test_levels(128, 768);
    test_levels(800, 768);
    test_levels(1024, 768);
    test_order_of_waiters();
    test_levels_rise();
    test_one_wake_up(work_alloc, "frames that come back together serve as many requests");
    test_one_wake_up(work_wait, "and as many of those that only wait");
    test_newcomer();
    test_ended_waiters();
    test_crowd(4, 768);
    test_crowd(64, 48);
    test_checks();
    return tap_done();
}
