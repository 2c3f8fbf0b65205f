/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel stops for the checker, by the linker's --wrap, and what stands for the machine's chance and time.
 *
 * 1. machine_switch(): whoever the scheduler chose goes back into its queue, and the checker chooses again.
 * 2. preempt_point(), and with the feature points mutexes and allocations that may sleep: the running thread goes into its
 *    queue, as if its turn were over.
 * 3. Choices of the replacement policy are the checker's: vm_policy_next() gives the page that an action names. So neither
 *    the order of the policy's lists nor referenced bits are state.
 * 4. Time stands still. The daemon's wake-ups are actions, so those that the kernel makes are not needed; a timed wait ends
 *    by an action, before whatever else and after.
 *
 * No interrupt comes: the machine has none but the clock's.
 */
#include <stdarg.h>
#include <stdio.h>

#include "../laws.h"
#include "core.h"
#include "kernel/kmem.h"
#include "kernel/lock.h"
#include "kernel/machine.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "vm/memory_object.h"
#include "vm/vm_frame.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_pageout.h"
#include "vm/vm_policy.h"

struct thread *__real_machine_switch(struct thread *from, struct thread *next);
struct thread *__wrap_machine_switch(struct thread *from, struct thread *next);
void __wrap_preempt_point(void);
void __real_mutex_lock(struct mutex *mutex);
void __wrap_mutex_lock(struct mutex *mutex);
void *__real_kmem_cache_alloc(struct kmem_cache *cache, enum alloc how);
void *__wrap_kmem_cache_alloc(struct kmem_cache *cache, enum alloc how);
void __real_kmem_cache_free(struct kmem_cache *cache, void *object);
void __wrap_kmem_cache_free(struct kmem_cache *cache, void *object);
void *__real_kmem_alloc(size_t size, enum alloc how);
void *__wrap_kmem_alloc(size_t size, enum alloc how);
struct vm_frame *__real_vm_frame_alloc(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how);
struct vm_frame *__wrap_vm_frame_alloc(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how);
struct vm_page *__wrap_vm_policy_next(void);
enum vm_policy_verdict __wrap_vm_policy_judge(struct vm_page *page, struct pmap_batch *batch);
bool __wrap_vm_policy_cold(const struct vm_page *page);
void __real_vm_pageout_wakeup(void);
void __wrap_vm_pageout_wakeup(void);
void __wrap_sim_laws_point(enum sim_laws_at at);

/* The marks that send the daemon on its way; see core_carry_out. */
#define CORE_MARK 0x10000000u

struct core_live core_live;

/*
 * Stops here: the registers that the caller expects back are pushed, so that all that counts of the thread is at and
 * above the address that core_decide_stopped() gets.
 */
void core_decide(void);
__asm__(".text\n"
        ".globl core_decide\n"
        ".type core_decide, @function\n"
        "core_decide:\n"
        "    pushl %ebp\n"
        "    pushl %ebx\n"
        "    pushl %esi\n"
        "    pushl %edi\n"
        "    movl %esp, %eax\n"
        "    subl $8, %esp\n"
        "    pushl %eax\n"
        "    call core_decide_stopped\n"
        "    addl $12, %esp\n"
        "    popl %edi\n"
        "    popl %esi\n"
        "    popl %ebx\n"
        "    popl %ebp\n"
        "    ret\n"
        ".size core_decide, . - core_decide\n");

/* ---- who runs ---- */

struct thread *core_idle;

static void core_enqueue(struct thread *thread)
{
    spinlock_lock(&sched_lock);
    sched_enqueue(thread);
    spinlock_unlock(&sched_lock);
}

/*
 * from stands in its queue, waits, or has ended; interrupts are off. The processor seems idle while the choice is made.
 * next runs where there is none yet.
 */
static void core_choose(struct thread *from, struct thread *next)
{
    bool exploring = core_live.exploring;

    core_live.stopping = from;
    core_decide();
    if (exploring) {
        next = core_carry_out(core_live.action);
        spinlock_lock(&sched_lock);
        sched_dequeue(next);
        spinlock_unlock(&sched_lock);
        sched_preempt_wanted = false;
        core_idle->ast = false;
        current_thread_pointer = next;
    }
    if (next != from)
        (void)__real_machine_switch(from, next);
}

struct thread *__wrap_machine_switch(struct thread *from, struct thread *next)
{
    if (core_live.exploring) {
        current_thread_pointer = core_idle;
        if (!sched_thread_is_idle(next))
            core_enqueue(next);
    }
    core_choose(from, next);
    return from;
}

/* A place where the running thread may lose the processor. */
static void core_point(void)
{
    struct thread *self = current_thread();
    unsigned long flags;

    if (!core_live.exploring || !machine_interrupts_enabled() || sched_thread_is_idle(self))
        return;
    lock_assert_none_held();
    sim_check(self->run_state == THREAD_RUNNABLE);
    flags = machine_interrupts_disable();
    current_thread_pointer = core_idle;
    core_enqueue(self);
    core_choose(self, NULL);
    sched_switched();
    machine_interrupts_restore(flags);
}

uint32_t core_menu(uint64_t choices)
{
    uint32_t index = 0;

    while (core_live.threads[index] != current_thread())
        index++;
    core_live.menus[index] = choices;
    while (core_live.menus[index] != 0) {
        if (core_live.exploring)
            core_point();
        else
            (void)thread_yield();
    }
    return core_live.choices[index];
}

struct thread *core_carry_out(uint32_t action)
{
    uint32_t index = CORE_ACTION_THREAD(action), option = CORE_ACTION_OPTION(action);
    struct thread *thread = core_live.threads[index];

    switch (CORE_ACTION_KIND(action)) {
    case CORE_RUN:
        core_live.menus[index] = 0;
        core_live.choices[index] = option;
        break;
    case CORE_EVICT: {
        struct vm_object *object = core_conversation(option / core_options.nr_pages)->object;

        thread = core_live.threads[CORE_DAEMON];
        vm_object_lock(object);
        core_live.victim = vm_page_lookup(object, option % core_options.nr_pages);
        vm_object_unlock(object);
        core_live.alone = index != 0;
        vm_frame_marks.low = vm_frame_marks.high = CORE_MARK;
        __real_vm_pageout_wakeup();
        break;
    }
    case CORE_TIME_OUT:
        (void)thread_wake(thread, WAIT_TIMED_OUT);
        break;
    }
    return thread;
}

/* ---- points ---- */

static void core_sleep_point(enum alloc how)
{
    if (core_with(CORE_POINTS) && !(alloc_resolve(how) & ALLOC_NOSLEEP))
        core_point();
}

void __wrap_preempt_point(void)
{
    core_point();
}

void __wrap_mutex_lock(struct mutex *mutex)
{
    if (core_with(CORE_POINTS))
        core_point();
    __real_mutex_lock(mutex);
}

void *__wrap_kmem_cache_alloc(struct kmem_cache *cache, enum alloc how)
{
    if (!(how & ALLOC_THREAD))
        core_sleep_point(how);
    return __real_kmem_cache_alloc(cache, how);
}

/* The accounts are looked at without a reference. */
void __wrap_kmem_cache_free(struct kmem_cache *cache, void *object)
{
    for (uint32_t i = 0; i < CORE_OBJECTS_MAX; i++) {
        if (object == core_live.accounts[i])
            core_live.accounts[i] = NULL;
    }
    __real_kmem_cache_free(cache, object);
}

void *__wrap_kmem_alloc(size_t size, enum alloc how)
{
    if (!(how & ALLOC_THREAD))
        core_sleep_point(how);
    return __real_kmem_alloc(size, how);
}

struct vm_frame *__wrap_vm_frame_alloc(unsigned int order, enum vm_zone highest, enum vm_frame_state state, enum alloc how)
{
    core_sleep_point(how);
    return __real_vm_frame_alloc(order, highest, state, how);
}

/* ---- the policy and the daemon ---- */

/* One look for each eviction: afterwards there are frames enough. */
struct vm_page *__wrap_vm_policy_next(void)
{
    struct vm_page *page = core_live.victim;

    core_live.victim = NULL;
    vm_frame_marks.low = vm_frame_marks.high = 0;
    return page;
}

enum vm_policy_verdict __wrap_vm_policy_judge(struct vm_page *page, struct pmap_batch *batch)
{
    (void)page;
    (void)batch;
    return VM_POLICY_EVICT;
}

bool __wrap_vm_policy_cold(const struct vm_page *page)
{
    return !core_live.alone && (page->queue == VM_PAGE_ACTIVE || page->queue == VM_PAGE_INACTIVE);
}

void __wrap_vm_pageout_wakeup(void)
{
}

/* ---- chance, and the trace of the simulated machine ---- */

void sim_choose_init(uint32_t seed)
{
    (void)seed;
}

/* No time passes at a point: half of what is asked for is the mean's complement (sim_step() in machine.c). */
uint32_t sim_choose_of(enum sim_stream which, uint32_t bound)
{
    return which == SIM_OF_TIME ? bound / 2 : 0;
}

bool sim_chance_of(enum sim_stream which, uint32_t one_in)
{
    (void)which;
    (void)one_in;
    return false;
}

uint32_t sim_choose(uint32_t bound)
{
    (void)bound;
    return 0;
}

bool sim_chance(uint32_t one_in)
{
    (void)one_in;
    return false;
}

/* Nothing fails that can fail. */
bool sim_fault(enum sim_fault kind)
{
    (void)kind;
    return false;
}

/* The laws are checked when the machine stands still. */
void __wrap_sim_laws_point(enum sim_laws_at at)
{
    (void)at;
}

void sim_trace(enum sim_event event, uint32_t a, uint32_t b)
{
    static const char *const names[SIM_NR_EVENTS] = {
        [SIM_SWITCH] = "switch", [SIM_FAULT] = "fault", [SIM_TRAP] = "trap", [SIM_TRAP_DONE] = "trap-done",
        [SIM_SEND] = "send", [SIM_RECEIVE] = "receive", [SIM_PROGRAM] = "program",
    };

    if (core_options.verbose && names[event] != NULL)
        printf("#     %s %u %#x %#x\n", names[event], sim_self(), a, b);
}

/* Memory is never short here, so there is no use of a credit to be held against the law: tests/sim/hooks_levels.c. */
uint32_t sim_laws_fault_begin(void)
{
    return 0;
}

void sim_laws_fault_end(uint32_t begun, uintptr_t address)
{
    (void)begun;
    (void)address;
}

/* What tests/sim/laws_census.c asks of an object at the first multiple of 8: whether it is free. kmem.c's fill tells. */
int __asan_address_is_poisoned(const volatile void *address) __attribute__((weak));
int __asan_address_is_poisoned(const volatile void *address)
{
    return ((const volatile uint32_t *)address)[1] == 0xdbdbdbdbu;
}

/* Without the address sanitizer there is nobody to tell of switches of stacks. */
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size) __attribute__((weak));
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size)
{
    (void)save;
    (void)bottom;
    (void)size;
}

void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *size) __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *size)
{
    (void)save;
    *bottom = NULL;
    *size = 0;
}

void __sanitizer_symbolize_pc(void *pc, const char *format, char *place, size_t size) __attribute__((weak));
void __sanitizer_symbolize_pc(void *pc, const char *format, char *place, size_t size)
{
    (void)format;
    (void)snprintf(place, size, "%p", pc);
}
