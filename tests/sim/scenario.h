/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scenarios, as the driver and the kernel's side of them see them; what runs in user mode is in prog.h.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "sim.h"

extern const struct sim_scenario *const sim_scenarios[]; /* NULL at the end */
extern const struct sim_scenario sim_scenario_boot, sim_scenario_death, sim_scenario_drought, sim_scenario_pager,
    sim_scenario_storm;

/* ---- on the scenario's kernel thread: check.c ---- */

/* The first memory of a program's first thread: a page for messages and arguments that ends here. */
#define SIM_TASK_STACK 0x20000u

/* A task with one thread that begins program with argument, and holds the privileged host port under the name *host. */
struct task *sim_task_start(sim_program_function *program, uint32_t argument);
/* Waits until the task is gone, wherever it is ended from, and gives the reference up. */
void sim_task_wait(struct task *task);

/* Objects and frames in use, for what a scenario must give back. */
struct sim_stock {
    unsigned int nr_caches;
    struct {
        const char *name;
        uint32_t nr_objects;
    } caches[64];
    unsigned int nr_frames;     /* not free, less those of slabs */
};
void sim_stock_take(struct sim_stock *stock);
/* Waits until all is back as it was; fails when it is not after a while. */
void sim_stock_check(const struct sim_stock *before);
/* ---- droughts: drought.c ---- */

/* No frame is free, and none will be until this is FALSE again. */
extern bool sim_drought_on;
/*
 * Makes droughts, most at most, until *over. None begins while *busy: the manager does what may need memory. In each, runs
 * must be received and freed, and others go out. Returns how many there were.
 */
uint32_t sim_droughts(uint32_t most, const bool *busy, const bool *over);

/* The kernel's own checks of what it can check as a whole. */
void sim_check_all(void);

#endif
