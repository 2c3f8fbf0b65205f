/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many runs, each in a process of its own, and TAP.
 *
 * A worker forks a child for each of its runs, so one that dies, or overwrites what it must not, harms no other. The child
 * writes to a file of its worker's, which is shown when it failed. What is counted is in memory that all share.
 *
 * With --fail-each a run without faults says how often one could be; then each of them is made, in a run of its own.
 */
#include "drive.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenario.h"

/* Seconds of the host's. A run takes well below one; the emulated processor on a busy host takes a few. */
#define SIM_TIME_LIMIT 120u
/* Nobody reads a hundred failures. */
#define SIM_FAILURES_MAX 5u

/* Shared by the driver and its workers. */
struct sim_worker {
    struct sim_counts counts;   /* of its present run */
    uint32_t runs, failures, least_places;
    uint64_t points, places, switches, faults, messages, made[SIM_NR_FAULTS];
};
static struct sim_worker *sim_workers;

/* What a set of runs is. */
struct sim_set {
    const struct sim_scenario *scenario;
    uint32_t first, last;       /* seeds; or, of those that may fail in a run of seed, in steps */
    uint32_t seed, step;
};

static void sim_copy(FILE *from, FILE *to)
{
    char piece[4096];
    size_t size;

    rewind(from);
    while ((size = fread(piece, 1, sizeof(piece), from)) > 0)
        (void)fwrite(piece, 1, size, to);
    fflush(to);
}

void sim_show(FILE *file)
{
    sim_copy(file, stdout);
}

/* What a failing run said, in a file of its own. */
static void sim_keep(const struct sim_scenario *scenario, uint32_t seed, FILE *file)
{
    char name[512];
    FILE *kept;

    if (sim_options.keep == NULL)
        return;
    (void)snprintf(name, sizeof(name), "%s/%s-%u", sim_options.keep, scenario->name, seed);
    kept = fopen(name, "w");
    if (kept == NULL) {
        printf("# %s: cannot be written\n", name);
        return;
    }
    sim_copy(file, kept);
    (void)fclose(kept);
}

bool sim_try(const struct sim_scenario *scenario, uint32_t seed, FILE *file)
{
    int status = 0;
    pid_t child;

    (void)ftruncate(fileno(file), 0);
    rewind(file);
    memset(sim_counts, 0, sizeof(*sim_counts));
    fflush(stdout);
    child = fork();
    if (child == 0) {
        (void)dup2(fileno(file), 1);
        (void)dup2(fileno(file), 2);
        (void)alarm(SIM_TIME_LIMIT);
        sim_run_seed(scenario, seed);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- workers ---- */

static void sim_add_counts(struct sim_worker *worker)
{
    const struct sim_counts *counts = &worker->counts;

    worker->points += counts->points;
    worker->places += counts->places;
    worker->switches += counts->switches;
    worker->faults += counts->faults;
    worker->messages += counts->messages;
    worker->least_places = worker->runs == 0 ? counts->places : MIN(worker->least_places, counts->places);
    for (unsigned int i = 0; i < SIM_NR_FAULTS; i++)
        worker->made[i] += counts->faults_made[i];
    worker->runs++;
}

static void sim_work(const struct sim_set *set, unsigned int index)
{
    struct sim_worker *worker = &sim_workers[index];
    FILE *file = tmpfile();

    sim_counts = &worker->counts;
    if (file == NULL)
        exit(1);
    for (uint32_t i = set->first + index * set->step; i <= set->last && i >= set->first; i += sim_options.jobs * set->step) {
        if (sim_options.fail_each)
            sim_run.fail_nth = i;
        if (!sim_try(set->scenario, sim_options.fail_each ? set->seed : i, file)) {
            worker->failures++;
            printf("# seed %u failed\n", sim_options.fail_each ? set->seed : i);
            sim_show(file);
            sim_keep(set->scenario, i, file);
        }
        sim_add_counts(worker);
        if (sim_options.hashes)
            printf("# %s %u %016llx\n", set->scenario->name, i, (unsigned long long)worker->counts.hash);
        if (worker->failures == SIM_FAILURES_MAX)
            break;
    }
    fflush(stdout);
    _exit(0);
}

static void sim_add_worker(struct sim_worker *sum, const struct sim_worker *worker)
{
    if (worker->runs == 0)
        return;
    sum->least_places = sum->runs == 0 ? worker->least_places : MIN(sum->least_places, worker->least_places);
    sum->runs += worker->runs;
    sum->failures += worker->failures;
    sum->points += worker->points;
    sum->places += worker->places;
    sum->switches += worker->switches;
    sum->faults += worker->faults;
    sum->messages += worker->messages;
    for (unsigned int i = 0; i < SIM_NR_FAULTS; i++)
        sum->made[i] += worker->made[i];
}

/* Runs a set by all workers, and adds up. Whether all went well: a worker that died has run none of what is left. */
static bool sim_run_set(const struct sim_set *set, struct sim_worker *sum)
{
    uint32_t runs = sum->runs, failures = sum->failures;

    memset(sim_workers, 0, SIM_JOBS_MAX * sizeof(*sim_workers));
    fflush(stdout);
    for (unsigned int i = 0; i < sim_options.jobs; i++) {
        if (fork() == 0)
            sim_work(set, i);
    }
    while (wait(NULL) > 0)
        continue;
    for (unsigned int i = 0; i < sim_options.jobs; i++)
        sim_add_worker(sum, &sim_workers[i]);
    return sum->failures == failures && sum->runs - runs == (set->last - set->first) / set->step + 1;
}

/* ---- scenarios ---- */

static double sim_host_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void sim_print_sum(const struct sim_worker *sum, double seconds)
{
    uint32_t runs = MAX(sum->runs, 1u);

    printf("# %u runs in %.0f s, %.0f a second; a run, on average: %llu points, %llu where it could switch (at least %u),"
           " %llu switches, %llu faults, %llu messages; made to fail: %.1f allocations, %.1f sends, %.1f waits\n",
           sum->runs, seconds, (double)sum->runs / MAX(seconds, 0.001), (unsigned long long)(sum->points / runs),
           (unsigned long long)(sum->places / runs), sum->least_places, (unsigned long long)(sum->switches / runs),
           (unsigned long long)(sum->faults / runs), (unsigned long long)(sum->messages / runs),
           (double)sum->made[SIM_FAULT_ALLOC] / (double)runs, (double)sum->made[SIM_FAULT_SEND] / (double)runs,
           (double)sum->made[SIM_FAULT_WAIT] / (double)runs);
}

/* How often a run of seed asks whether what --fail-each names is to fail. False: the run itself failed. */
static bool sim_count_asked(const struct sim_scenario *scenario, uint32_t seed, uint32_t *asked)
{
    FILE *file = tmpfile();
    bool good;

    if (file == NULL)
        return false;
    sim_counts = &sim_workers[0].counts;
    sim_run.fail_nth = 0;
    good = sim_try(scenario, seed, file);
    if (!good)
        sim_show(file);
    *asked = sim_counts->asked[sim_run.fail_kind];
    (void)fclose(file);
    return good;
}

static bool sim_fail_each(const struct sim_scenario *scenario, struct sim_worker *sum)
{
    for (uint32_t seed = sim_options.first; seed <= sim_options.last; seed++) {
        struct sim_set set = {.scenario = scenario, .first = 1, .seed = seed, .step = 1};

        if (!sim_count_asked(scenario, seed, &set.last))
            return false;
        if (sim_options.fail_most != 0)
            set.step = (set.last + sim_options.fail_most - 1) / sim_options.fail_most + (set.last == 0);
        printf("# %s, seed %u: %u may fail, one in %u does\n", scenario->name, seed, set.last, set.step);
        if (set.last != 0 && !sim_run_set(&set, sum))
            return false;
    }
    return true;
}

/* All runs of a scenario; whether all went well. */
static bool sim_scenario(const struct sim_scenario *scenario, unsigned int number, uint32_t weights)
{
    struct sim_set set = {.scenario = scenario, .first = sim_options.first, .last = sim_options.last, .step = 1};
    struct sim_worker sum = {.runs = 0};
    double start = sim_host_seconds();
    bool good;

    if (sim_options.total != 0) {
        set.first = 1;
        set.last = (uint32_t)((uint64_t)sim_options.total * scenario->weight / weights) + 1;
    }
    if (sim_options.plan) {
        printf("%s %u\n", scenario->name, set.last);
        return true;
    }
    good = sim_options.fail_each ? sim_fail_each(scenario, &sum) : sim_run_set(&set, &sum);
    sim_print_sum(&sum, sim_host_seconds() - start);
    printf("%s %u - %s: seeds %u to %u", good ? "ok" : "not ok", number, scenario->name, set.first, set.last);
    if (sim_options.fail_each)
        printf(", %s fails, one in each run", sim_fault_names[sim_run.fail_kind]);
    printf("\n");
    return good;
}

int sim_drive(void)
{
    unsigned int number = 0, wanted = 0;
    uint32_t weights = 0;
    bool good = true;

    sim_workers = mmap(NULL, SIM_JOBS_MAX * sizeof(*sim_workers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sim_workers == MAP_FAILED)
        return 1;
    for (unsigned int i = 0; sim_scenarios[i] != NULL; i++) {
        if (sim_wanted(sim_scenarios[i])) {
            wanted++;
            weights += sim_scenarios[i]->weight;
        }
    }
    if (!sim_options.plan)
        printf("1..%u\n", wanted);
    for (unsigned int i = 0; sim_scenarios[i] != NULL; i++) {
        if (sim_wanted(sim_scenarios[i]))
            good = sim_scenario(sim_scenarios[i], ++number, weights) && good;
    }
    return good ? 0 : 1;
}
