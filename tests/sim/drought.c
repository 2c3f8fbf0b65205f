/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Droughts: all free frames are taken away for a while, and what becomes free meanwhile too, at once or at the next tick.
 * The pageout path must go on all the same (law 3): what was queued is received and freed, and more pages leave.
 *
 * Only what the path promises without memory is asked for: the manager must not be waiting for memory itself when a drought
 * begins, and answers no request in it (sim_drought_on).
 */
#include "kernel/machine.h"
#include "kernel/thread.h"
#include "scenario.h"
#include "vm/vm_account.h"
#include "vm/vm_frame.h"
#include "vm/vm_pageout.h"
#include "vm/vm_policy.h"

#define SIM_TICK_MS (1000u / MACHINE_HZ)
/* The machine's time in which something must have moved: the path waits for nothing but the manager's turn. */
#define SIM_DROUGHT_MOST_MS 20000u
/* More than the scenario's memory is. */
#define SIM_DROUGHT_FRAMES 1024u

bool sim_drought_on;

static struct {
    struct vm_frame *frames[SIM_DROUGHT_FRAMES]; /* not linked: a list would look like one of free frames */
    unsigned int nr_frames;
    uint64_t runs;              /* evicted when it began */
    uint32_t credited;
    bool strict;                /* no frame is free for a moment */
} sim_drought;

static void sim_drought_take_zone(enum vm_zone highest)
{
    struct vm_frame *frame;

    while ((frame = vm_frame_alloc(0, highest, VM_FRAME_KERNEL, ALLOC_DAEMON | ALLOC_NOSLEEP)) != NULL) {
        sim_check(sim_drought.nr_frames < SIM_DROUGHT_FRAMES);
        sim_drought.frames[sim_drought.nr_frames++] = frame;
    }
}

/* What is kept for the kernel too. */
static void sim_drought_take(void)
{
    bool faults = sim_run.faults;

    sim_run.faults = false;
    sim_drought_take_zone(VM_ZONE_HIGH);
    sim_drought_take_zone(VM_ZONE_DIRECT);
    sim_run.faults = faults;
    sim_check(vm_frame_count(VM_FRAME_FREE) == 0);
}

void sim_drought_freed(void)
{
    if (sim_drought_on && sim_drought.strict)
        sim_drought_take();
}

/* Frames came back, and a run went out or there is no page left to go. */
static bool sim_drought_moved(void)
{
    return sim_nr_credited() != sim_drought.credited && (vm_pageout_counters.runs[VM_RUN_EVICTION] != sim_drought.runs ||
                                                         vm_policy_counts.active + vm_policy_counts.inactive == 0);
}

static void sim_drought_make(uint32_t milliseconds)
{
    uint32_t waited;

    sim_drought.credited = sim_nr_credited();
    sim_drought.runs = vm_pageout_counters.runs[VM_RUN_EVICTION];
    sim_drought.strict = sim_choose(2) != 0;
    sim_drought_on = true;
    sim_drought_take();
    for (waited = 0; waited < milliseconds || !sim_drought_moved(); waited += SIM_TICK_MS) {
        if (waited >= SIM_DROUGHT_MOST_MS)
            sim_fail("law 3: without a free frame nothing moved: %u frames came back, %u runs went out, %u pages wait",
                     sim_nr_credited() - sim_drought.credited,
                     (unsigned int)(vm_pageout_counters.runs[VM_RUN_EVICTION] - sim_drought.runs),
                     vm_policy_counts.active + vm_policy_counts.inactive);
        thread_delay(SIM_TICK_MS);
        sim_drought_take();
    }
    sim_drought_on = false;
    while (sim_drought.nr_frames != 0)
        vm_frame_free(sim_drought.frames[--sim_drought.nr_frames], 0);
}

/* Some of what the manager has out is to come back, and there is more to go. */
static bool sim_drought_fits(void)
{
    return vm_account_total_out() != 0 && vm_pageout_counters.runs[VM_RUN_EVICTION] > 1;
}

uint32_t sim_droughts(uint32_t most, const bool *busy, const bool *over)
{
    uint32_t made = 0;

    while (made < most && !*over) {
        thread_delay(SIM_TICK_MS);
        if (*busy || *over || !sim_drought_fits())
            continue;
        sim_drought_make(SIM_TICK_MS * sim_choose(30));
        made++;
    }
    return made;
}
