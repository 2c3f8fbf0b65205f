/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver: runs seeds, each in a process of its own, and prints TAP.
 *
 * A worker forks a child for each of its seeds, so a run that dies, or overwrites what it must not, harms no other. The
 * child writes to a file of its worker's, which is shown when it failed. What is counted is in memory that all share.
 */
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/mach_msg.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/reaper.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "scenario.h"
#include "sim.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_pageout.h"

#define SIM_JOBS_MAX 64u
/* Seconds of the host's. A run takes well below one; the emulated processor on a busy host takes a few. */
#define SIM_TIME_LIMIT 120u

struct sim_run sim_run;
struct sim_counts *sim_counts;

struct sim_options {
    uint32_t first, last;
    unsigned int jobs;
    const char *trace;
    const char *scenario;       /* NULL: all */
    const char *program;        /* argv[0] */
    bool hashes;                /* prints the hash of each seed's trace */
};
static struct sim_options sim_options = {.first = 1, .last = 100, .jobs = 1};

/* ---- one run ---- */

/* From the sanitizers, after their own report, and from sim_fail(). */
static void sim_say_run(void)
{
    static bool said;

    if (said)
        return;
    said = true;
    printf("# scenario %s, seed %u: %u frames and %u beyond, %u ns a point; time %llu ms, %llu points\n",
           sim_run.scenario->name, sim_run.seed, sim_run.nr_direct, sim_run.nr_high, sim_run.ns_per_point,
           (unsigned long long)(machine_time_ns() / 1000000), (unsigned long long)sim_counts->points);
    printf("# last events:\n");
    sim_trace_tail();
    printf("# threads:\n");
    sim_threads_show();
    printf("# console:\n");
    sim_console_write();
    printf("# again: %s --scenario %s --seed %u\n", sim_options.program, sim_run.scenario->name, sim_run.seed);
    fflush(stdout);
}

void sim_fail(const char *format, ...)
{
    va_list arguments;

    printf("# FAILED: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n# thread %u\n", sim_self());
    fflush(stdout);
    __sanitizer_print_stack_trace();
    sim_say_run();
    _exit(1);
}

void sim_done(void)
{
    sim_counts->hash = sim_trace_hash();
    fflush(stdout);
    _exit(0);
}

static void sim_out_of_time(int signal)
{
    (void)signal;
    sim_fail("out of time: %u s of the host's", SIM_TIME_LIMIT);
}

/* Everything that a seed decides before anything runs. */
static void sim_choose_run(void)
{
    static const uint32_t paces[] = {300, 3000, 30000, 300000};
    static const uint32_t preempts[] = {0, 20, 100, 1000};

    sim_choose_init(sim_run.seed);
    sim_run.nr_direct = sim_run.scenario->nr_frames + sim_choose(sim_run.scenario->nr_frames);
    sim_run.nr_high = sim_chance(3) ? 1 + sim_choose(sim_run.scenario->nr_frames) : 0;
    sim_run.ns_per_point = paces[sim_choose(4)];
    sim_run.preempt = preempts[sim_choose(4)];
    sim_run.yield = 2 + sim_choose(20);
    sim_run.refuse = 0;
}

static void sim_main(void *argument)
{
    (void)argument;
    sim_run.scenario->run();
    sim_done();
}

/* As kernel_main(), with the scenario in place of user programs. */
static void sim_boot(void)
{
    sim_memory_init();
    kmem_init();
    vm_page_init();
    vm_object_init();
    vm_map_init();
    ipc_init();
    ipc_kobject_init();
    sched_init();
    thread_init();
    task_init();
    ipc_host_init();
    reaper_init();
    vm_pageout_init();
    (void)kernel_thread_create("scenario", sim_main, NULL, THREAD_PRIORITY_USER);
    sched_start();
}

static void sim_run_seed(const struct sim_scenario *scenario, uint32_t seed)
{
    struct sigaction action = {.sa_handler = sim_out_of_time};

    sim_run.scenario = scenario;
    sim_run.seed = seed;
    __sanitizer_set_death_callback(sim_say_run);
    (void)sigaction(SIGALRM, &action, NULL);
    (void)alarm(SIM_TIME_LIMIT);
    if (sim_options.trace != NULL && !sim_trace_open(sim_options.trace))
        sim_fail("%s: cannot be written", sim_options.trace);
    sim_choose_run();
    sim_boot();
}

/* ---- many runs ---- */

/* Shared by the driver and its workers. */
struct sim_worker {
    struct sim_counts counts;
    uint32_t runs, failures, first_failure;
};
static struct sim_worker *sim_workers;

static void sim_show(int file)
{
    char piece[4096];
    ssize_t size;

    (void)lseek(file, 0, SEEK_SET);
    while ((size = read(file, piece, sizeof(piece))) > 0)
        (void)fwrite(piece, 1, (size_t)size, stdout);
    fflush(stdout);
}

/* Whether seed ran well. Its words are shown when it did not. */
static bool sim_try(const struct sim_scenario *scenario, uint32_t seed, int file)
{
    int status = 0;
    pid_t child;

    (void)ftruncate(file, 0);
    (void)lseek(file, 0, SEEK_SET);
    child = fork();
    if (child == 0) {
        (void)dup2(file, 1);
        (void)dup2(file, 2);
        sim_run_seed(scenario, seed);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        printf("# seed %u: status %#x\n", seed, (unsigned int)status);
        sim_show(file);
        return false;
    }
    return true;
}

static void sim_work(const struct sim_scenario *scenario, unsigned int index)
{
    struct sim_worker *worker = &sim_workers[index];
    FILE *file = tmpfile();

    sim_counts = &worker->counts;
    if (file == NULL)
        exit(1);
    for (uint32_t seed = sim_options.first + index; seed <= sim_options.last && seed >= sim_options.first;
         seed += sim_options.jobs) {
        worker->runs++;
        if (!sim_try(scenario, seed, fileno(file)) && worker->failures++ == 0)
            worker->first_failure = seed;
        if (sim_options.hashes)
            printf("# %s %u %016llx\n", scenario->name, seed, (unsigned long long)worker->counts.hash);
        /* Nobody reads a hundred failures. */
        if (worker->failures == 5)
            break;
    }
    fflush(stdout);
    _exit(0);
}

/* All seeds of a scenario; whether all went well. */
static bool sim_scenario(const struct sim_scenario *scenario, unsigned int number)
{
    struct sim_worker sum = {.runs = 0};

    memset(sim_workers, 0, SIM_JOBS_MAX * sizeof(*sim_workers));
    fflush(stdout);
    for (unsigned int i = 0; i < sim_options.jobs; i++) {
        if (fork() == 0)
            sim_work(scenario, i);
    }
    while (wait(NULL) > 0)
        continue;
    for (unsigned int i = 0; i < sim_options.jobs; i++) {
        sum.runs += sim_workers[i].runs;
        sum.failures += sim_workers[i].failures;
        sum.counts.points += sim_workers[i].counts.points;
        sum.counts.switches += sim_workers[i].counts.switches;
        sum.counts.faults += sim_workers[i].counts.faults;
        sum.counts.messages += sim_workers[i].counts.messages;
        sum.counts.refusals += sim_workers[i].counts.refusals;
    }
    printf("# a run, on average: %llu points, %llu switches, %llu faults, %llu messages, %llu allocations refused\n",
           (unsigned long long)(sum.counts.points / MAX(sum.runs, 1u)),
           (unsigned long long)(sum.counts.switches / MAX(sum.runs, 1u)),
           (unsigned long long)(sum.counts.faults / MAX(sum.runs, 1u)),
           (unsigned long long)(sum.counts.messages / MAX(sum.runs, 1u)),
           (unsigned long long)(sum.counts.refusals / MAX(sum.runs, 1u)));
    /* A worker that died has run none of what is left. */
    bool good = sum.failures == 0 && sum.runs == sim_options.last - sim_options.first + 1;
    printf("%s %u - %s: seeds %u to %u\n", good ? "ok" : "not ok", number, scenario->name, sim_options.first,
           sim_options.last);
    return good;
}

/* ---- the command ---- */

static void sim_usage(void) __attribute__((noreturn));
static void sim_usage(void)
{
    printf("Usage: sim [--seed N | --seeds FROM-TO] [--scenario NAME] [--jobs N] [--trace FILE] [--verbose] [--hashes]\n"
           "  --seed N      runs one seed in this process; with --trace, writes its events to FILE\n"
           "  --hashes      prints a hash of each seed's trace\n"
           "scenarios:");
    for (unsigned int i = 0; sim_scenarios[i] != NULL; i++)
        printf(" %s", sim_scenarios[i]->name);
    printf("\n");
    exit(2);
}

static bool sim_wanted(const struct sim_scenario *scenario)
{
    return sim_options.scenario == NULL || strcmp(sim_options.scenario, scenario->name) == 0;
}

static void sim_parse(int argc, char **argv)
{
    sim_options.program = argv[0];
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        /* tests/sim/run asks whether this machine can run us. */
        if (strcmp(argv[i], "--probe") == 0)
            exit(0);
        if (strcmp(argv[i], "--verbose") == 0) {
            sim_run.verbose = true;
            continue;
        }
        if (strcmp(argv[i], "--hashes") == 0) {
            sim_options.hashes = true;
            continue;
        }
        if (value == NULL)
            sim_usage();
        i++;
        if (strcmp(argv[i - 1], "--seed") == 0) {
            sim_options.first = sim_options.last = (uint32_t)strtoul(value, NULL, 10);
            sim_options.jobs = 0;
        } else if (strcmp(argv[i - 1], "--seeds") == 0) {
            if (sscanf(value, "%u-%u", &sim_options.first, &sim_options.last) != 2)
                sim_usage();
        } else if (strcmp(argv[i - 1], "--jobs") == 0) {
            sim_options.jobs = MIN(MAX((unsigned int)strtoul(value, NULL, 10), 1u), SIM_JOBS_MAX);
        } else if (strcmp(argv[i - 1], "--trace") == 0) {
            sim_options.trace = value;
        } else if (strcmp(argv[i - 1], "--scenario") == 0) {
            sim_options.scenario = value;
        } else {
            sim_usage();
        }
    }
}

int main(int argc, char **argv)
{
    unsigned int number = 0, wanted = 0;
    bool good = true;

    sim_parse(argc, argv);
    for (unsigned int i = 0; sim_scenarios[i] != NULL; i++)
        wanted += sim_wanted(sim_scenarios[i]);
    if (wanted == 0 || sim_options.first > sim_options.last)
        sim_usage();
    sim_workers = mmap(NULL, SIM_JOBS_MAX * sizeof(*sim_workers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sim_workers == MAP_FAILED)
        return 1;
    sim_counts = &sim_workers[0].counts;
    if (sim_options.jobs == 0) {
        for (unsigned int i = 0; sim_scenarios[i] != NULL; i++) {
            if (sim_wanted(sim_scenarios[i]))
                sim_run_seed(sim_scenarios[i], sim_options.first);
        }
    }
    printf("1..%u\n", wanted);
    for (unsigned int i = 0; sim_scenarios[i] != NULL; i++) {
        if (sim_wanted(sim_scenarios[i]))
            good = sim_scenario(sim_scenarios[i], ++number) && good;
    }
    return good ? 0 : 1;
}

/* What the environment would have to say otherwise. No leak check: what is alive at the end of a run is the kernel's. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=0:allocator_may_return_null=1";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "print_stacktrace=1";
}
