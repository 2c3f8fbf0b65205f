/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults: allocations that are refused, sends that fail, waits that are broken off or last longer.
 *
 * Whoever may fail by its contract asks sim_fault(). At random each kind has a rate of its own, by seed; or the nth that
 * asks fails and no other (--fail-each), for which those that ask are counted. Nothing fails outside what a scenario has put
 * between sim_faults_begin() and sim_faults_end(): its set-up and its checks are not what is tried.
 */
#include "sim.h"

void sim_faults_begin(void)
{
    sim_run.faults = true;
    if (sim_run.fail_each)
        return;
    /* Half of the runs have none of a kind, so that what they do is not hidden by what others break. */
    for (unsigned int i = 0; i < SIM_NR_FAULTS; i++)
        sim_run.fault_rates[i] = sim_choose(2) ? 4 + sim_choose(100) : 0;
    sim_run.late = sim_choose(2) ? 4 + sim_choose(100) : 0;
    sim_run.aborts = sim_choose(2) ? 100 + sim_choose(2000) : 0;
}

void sim_faults_end(void)
{
    sim_run.faults = false;
    sim_run.late = sim_run.aborts = 0;
}

bool sim_fault(enum sim_fault kind)
{
    uint32_t asked;

    if (!sim_run.faults)
        return false;
    asked = ++sim_counts->asked[kind];
    if (sim_run.fail_each ? kind != sim_run.fail_kind || asked != sim_run.fail_nth
                          : !sim_chance_of(SIM_OF_FAULTS, sim_run.fault_rates[kind]))
        return false;
    sim_counts->faults_made[kind]++;
    sim_trace(SIM_FAIL, kind, asked);
    return true;
}
