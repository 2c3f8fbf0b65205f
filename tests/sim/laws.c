/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the laws are checked.
 *
 * At a switch and at a point in user mode no thread is inside a critical section: all of them stand where the kernel may
 * switch, so all that is under spinlocks is whole. What threads hold in their hands there (references, pages that are in
 * no object, a map under its mutex) is what the laws leave room for.
 *
 * A check costs as much as some hundred points; so most runs have one in so many points that all of them are about a
 * quarter of the time, and one run in sixteen has it often, to see states that do not last. What the seed says is taken
 * from the seed directly, so that the checks change nothing of what happens.
 */
#include "laws.h"

#include <stdarg.h>
#include <stdio.h>

#include "kernel/lock.h"
#include "kernel/machine.h"
#include "laws_private.h"
#include "vm/vm_frame.h"

#define LAWS_OFTEN 40u
#define LAWS_SELDOM 300u

bool sim_laws_checking;

void laws_fail(const char *law, const char *format, ...)
{
    char words[400];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    sim_fail("law of %s: %s", law, words);
}

void sim_laws_check(enum sim_laws_at at)
{
    sim_laws_checking = true;
    laws_census();
    laws_pages();
    laws_maps(at);
    laws_accounts();
    laws_ipc();
    laws_mmu();
    laws_refs(laws_quiet(at));
    laws_progress();
    laws_frames();
    vm_frame_check();
    sim_tlb_check();
    sim_laws_checking = false;
}

void sim_laws_point(enum sim_laws_at at)
{
    static uint64_t next;
    uint32_t mixed = (sim_run.seed * 2654435761u) >> 16;

    lock_assert_none_held();
    if (sim_counts->points < next)
        return;
    if (next != 0)
        sim_laws_check(at);
    next = sim_counts->points + (mixed % 16 == 0 ? LAWS_OFTEN : LAWS_SELDOM + mixed % LAWS_SELDOM);
}
