/* SPDX-License-Identifier: BSD-2-Clause */
#include "scenario.h"

const struct sim_scenario *const sim_scenarios[] = {
    &sim_scenario_boot,
    &sim_scenario_death,
    &sim_scenario_drought,
    &sim_scenario_pager,
    &sim_scenario_storm,
    NULL,
};
