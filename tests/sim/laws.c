/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the laws are checked.
 *
 * At a switch and at a point in user mode no thread is inside a critical section: all of them stand where the kernel may
 * switch, so all that is under spinlocks is whole. What threads hold in their hands there (references, pages that are in
 * no object, a map under its mutex) is what the laws leave room for.
 *
 * A check costs as much as some hundred points; so most runs have one in so many points that it is about a quarter of
 * their time, and one run in sixteen has it often, to see states that do not last. What the seed says is taken from the
 * seed directly, so that the checks change nothing of what happens.
 */
#include "laws.h"

#include <stdarg.h>
#include <stdio.h>

#include "kernel/machine.h"
#include "laws_private.h"
#include "vm/vm_frame.h"

#define LAWS_OFTEN 40u
#define LAWS_SELDOM 400u

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

void sim_laws_check(void)
{
    sim_laws_checking = true;
    laws_census();
    laws_pages();
    laws_maps();
    laws_mmu();
    laws_accounts();
    laws_frames();
    vm_frame_check();
    sim_tlb_check();
    sim_laws_checking = false;
}

void sim_laws_point(void)
{
    static uint64_t next;
    uint32_t mixed = (sim_run.seed * 2654435761u) >> 16;

    if (sim_counts->points < next)
        return;
    if (next != 0)
        sim_laws_check();
    next = sim_counts->points + (mixed % 16 == 0 ? LAWS_OFTEN : LAWS_SELDOM + mixed % LAWS_SELDOM);
}
