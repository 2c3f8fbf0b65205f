/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the driver share: sim.c (the command and one run), drive.c (many runs), shrink.c.
 */
#ifndef SIM_DRIVE_H
#define SIM_DRIVE_H

#include <stdio.h>

#include "choose.h"
#include "sim.h"

#define SIM_JOBS_MAX 64u

struct sim_options {
    uint32_t first, last;       /* seeds */
    uint32_t total;             /* seeds of all scenarios together, by weight; 0: first to last of each */
    uint32_t fail_most;         /* with fail_each: so many of a seed, evenly spread; 0: all */
    unsigned int jobs;          /* 0: one seed in this process */
    bool hashes;                /* prints the hash of each seed's trace */
    bool plan;                  /* prints how many seeds of each scenario would be run, and runs none */
    bool fail_each;             /* makes each sim_run.fail_kind of a run fail, one a run */
    const char *trace, *record, *replay, *shrink; /* files */
    const char *keep;           /* a folder for what failing runs said, or NULL */
    const char *scenario;       /* NULL: all */
    const char *program;        /* argv[0] */
};
extern struct sim_options sim_options;

/* ---- sim.c ---- */

bool sim_wanted(const struct sim_scenario *scenario);
/* Runs it in this process, which ends. */
void sim_run_seed(const struct sim_scenario *scenario, uint32_t seed) __attribute__((noreturn));
/* The words after --fail, by enum sim_fault. */
extern const char *const sim_fault_names[SIM_NR_FAULTS];

/* ---- drive.c ---- */

/* Runs it in a child. What that says goes to file, from its start; *sim_counts is the run's. Whether it ran well. */
bool sim_try(const struct sim_scenario *scenario, uint32_t seed, FILE *file);
void sim_show(FILE *file);
/* All that is wanted, as TAP. Returns the status of the process. */
int sim_drive(void);

/* ---- shrink.c ---- */

/* Looks for a shorter run that fails as this one does, and writes its choices to sim_options.shrink. As sim_drive(). */
int sim_shrink(const struct sim_scenario *scenario, uint32_t seed);

#endif
