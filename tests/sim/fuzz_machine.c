/* SPDX-License-Identifier: BSD-2-Clause */
/* One input on the booted machine, on the scenario's kernel thread. */
#include "fuzz.h"

#include <unistd.h>

#include "kernel/gnumach_calls.h"
#include "kernel/ipc_kobject.h"
#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/task_life.h"
#include "kernel/thread.h"
#include "mig/gnumach_server.h"
#include "scenario.h"

#define FUZZ_TASKS_MAX 64u
/* Of the machine's time: for a script to come to its end by itself; for all tasks to end; how often to look. */
#define FUZZ_SCRIPT_MS 2000u
#define FUZZ_END_MS 60000u
#define FUZZ_LOOK_MS 50u
/* Of the host's, for one input. */
#define FUZZ_TIME_LIMIT 60u

static const uint8_t *fuzz_script;
static size_t fuzz_script_size, fuzz_script_at;

bool fuzz_more(void)
{
    return fuzz_script_at < fuzz_script_size;
}

uint8_t fuzz_byte(void)
{
    return fuzz_more() ? fuzz_script[fuzz_script_at++] : 0;
}

uint32_t fuzz_word(void)
{
    uint32_t word = fuzz_byte();

    word |= (uint32_t)fuzz_byte() << 8;
    word |= (uint32_t)fuzz_byte() << 16;
    return word | (uint32_t)fuzz_byte() << 24;
}

void fuzz_called(uint32_t call, enum fuzz_result result)
{
    if (call < FUZZ_NR_CALLS && result != FUZZ_FAILURE)
        fuzz_shared->results[call] = (uint8_t)result;
}

/* Ends every task but the kernel's; whether there was none. */
static bool fuzz_end_tasks(void)
{
    struct task *tasks[FUZZ_TASKS_MAX];
    unsigned int nr_tasks = MIN(task_collect(tasks, FUZZ_TASKS_MAX), FUZZ_TASKS_MAX), others = 0;

    for (unsigned int i = 0; i < nr_tasks; i++) {
        if (tasks[i] != kernel_task) {
            (void)task_end(tasks[i]);
            others++;
        }
        task_unref(tasks[i]);
    }
    return others == 0;
}

/* From 0xe8 on allocations, sends or waits fail, one in 4 to one in 512. */
static void fuzz_set_faults(uint8_t how)
{
    for (unsigned int kind = 0; kind < SIM_NR_FAULTS; kind++)
        sim_run.fault_rates[kind] = 0;
    if (how >= 0xe8)
        sim_run.fault_rates[(how - 0xe8u) / 8 % SIM_NR_FAULTS] = 4u << (how & 7u);
    sim_run.faults = true;
}

void fuzz_run(const uint8_t *data, size_t size)
{
    static const uint32_t preempts[] = {0, 20, 100, 1000};
    struct sim_stock before;
    uint8_t seed, faults;

    (void)alarm(FUZZ_TIME_LIMIT);
    fuzz_script = data;
    fuzz_script_size = size;
    fuzz_script_at = 0;
    seed = fuzz_byte();
    sim_choose_init(seed);
    sim_run.preempt = preempts[seed % ARRAY_LENGTH(preempts)];
    faults = fuzz_byte();
    sim_stock_take(&before);
    struct task *task = sim_task_start(fuzz_program, 0);
    fuzz_set_faults(faults);
    for (uint32_t waited = 0; waited < FUZZ_SCRIPT_MS && task->active; waited += FUZZ_LOOK_MS)
        thread_delay(FUZZ_LOOK_MS);
    sim_faults_end();
    for (uint32_t waited = 0; !fuzz_end_tasks(); waited += FUZZ_LOOK_MS) {
        sim_check(waited < FUZZ_END_MS);
        thread_delay(FUZZ_LOOK_MS);
    }
    sim_task_wait(task);
    /* The one port that the kernel keeps for good, if a program gave it: it makes room when it is dead. */
    (void)register_new_task_notification(host_self, NULL);
    sim_stock_check(&before);
    sim_check_all();
}
