/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Law 5, isolation: who may take frames from the reserve, and for what.
 *
 * Three questions, asked where frames are handed out (hooks_memory.c) and where a fault has entered a page (user.c): whether
 * the level that a thread is given is its due, by what is out at its task's account as the runs say; whether as many
 * frames were left as are kept for better levels; and whether a fault made a page of a manager's object of a frame that its
 * thread got by a credit alone.
 */
#include "ipc/ipc_space.h"
#include "kernel/kmem.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "laws_private.h"
#include "vm/vm_account.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_map_private.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_run.h"

#define LAWS_FRAMES_MAX 8192u

enum alloc __real_thread_alloc_level(void);
enum alloc __wrap_thread_alloc_level(void);

/* Of each frame, when it was last had by a credit: a count of such frames, and the thread. */
static struct laws_credit {
    uint32_t count, thread;
} laws_credits[LAWS_FRAMES_MAX];
static uint32_t laws_nr_credits;

/* ---- levels ---- */

static enum alloc laws_level_due(const struct thread *thread)
{
    const struct vm_account *account = thread->task->space != NULL ? thread->task->space->pager_account : NULL;
    const struct vm_run *run;
    uint32_t nr_out = 0;

    if (thread->kernel_daemon)
        return ALLOC_DAEMON;
    if (thread->wired_privileged)
        return ALLOC_PRIVILEGED;
    if (account == NULL)
        return ALLOC_ORDINARY;
    list_for_each(&account->runs, run, account_node)
        nr_out += run->nr_out;
    return nr_out != 0 ? ALLOC_PRIVILEGED : ALLOC_ORDINARY;
}

enum alloc __wrap_thread_alloc_level(void)
{
    enum alloc how = __real_thread_alloc_level(), due = laws_level_due(current_thread());

    laws_check((how & ALLOC_LEVEL_MASK) == due, "isolation", "the running thread's level is %u, and %u is its due",
               (unsigned int)(how & ALLOC_LEVEL_MASK), (unsigned int)due);
    return how;
}

/* ---- frames ---- */

/* The level rises while a thread waits, when it gets a credit or is being ended. */
static enum alloc laws_level_now(enum alloc level)
{
    const struct thread *self = current_thread();

    if (self == NULL)
        return level;
    if (thread_should_end())
        return MAX(level, (enum alloc)ALLOC_PRIVILEGED);
    return MAX(level, laws_level_due(self));
}

void sim_laws_frame_taken(const struct vm_frame *frame, enum alloc how)
{
    enum alloc level = laws_level_now(how & ALLOC_LEVEL_MASK);
    const unsigned int least[] = {
        [ALLOC_ORDINARY] = vm_frame_marks.min, [ALLOC_PRIVILEGED] = vm_frame_marks.privileged_min,
        [ALLOC_DAEMON] = vm_frame_marks.daemon_min};
    const struct thread *self = current_thread();
    struct laws_credit *credit = &laws_credits[vm_frame_number(frame)];

    sim_check(vm_frame_number(frame) < LAWS_FRAMES_MAX);
    /* With frames beyond the direct map there are two counts, and which one is kept depends on the request. */
    laws_check(sim_run.nr_high != 0 || vm_frame_count(VM_FRAME_FREE) >= least[level], "isolation",
               "%u frames are left, of %u that are kept from level %u", vm_frame_count(VM_FRAME_FREE), least[level],
               (unsigned int)level);
    *credit = (struct laws_credit){.count = 0};
    if (self != NULL && (how & ALLOC_LEVEL_MASK) != ALLOC_ORDINARY && !self->kernel_daemon && !self->wired_privileged)
        *credit = (struct laws_credit){.count = ++laws_nr_credits, .thread = sim_self()};
}

uint32_t sim_laws_fault_begin(void)
{
    return laws_nr_credits;
}

void sim_laws_fault_end(uint32_t begun, uintptr_t address)
{
    struct vm_map *map = current_map();
    const struct vm_frame *frame = pmap_extract(map->pmap, page_trunc(address));
    const struct laws_credit *credit = frame != NULL ? &laws_credits[vm_frame_number(frame)] : NULL;
    const struct vm_map_entry *entry;

    if (credit == NULL || credit->count <= begun || credit->thread != sim_self())
        return;
    list_for_each(&map->entries, entry, link) {
        if (entry->start > address || entry->end <= address || entry->object == NULL || entry->object->pager == NULL)
            continue;
        const struct vm_page *page = laws_page_at(entry->object, vm_map_entry_index(entry, address));
        laws_check(page == NULL || page->frame != frame, "isolation",
                   "a fault made page %u of a manager's object by a credit",
                   page->index);
    }
}
