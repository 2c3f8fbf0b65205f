/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kinds of managers: honest, slow, and hostile in one way each.
 */
#include "mig/mach_port_user.h"
#include "mig/mach_user.h"
#include "scenario_storm.h"

const struct storm_kind storm_kinds[] = {
    {.name = "honest", .pages_max = STORM_OBJECT_PAGES, .request = storm_request_honest, .keep = storm_keep_honest},
};
const unsigned int storm_nr_kinds = sizeof(storm_kinds) / sizeof(storm_kinds[0]);
