/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command, and one run: what a seed decides, the boot, and what is said of a failure. Many runs are in drive.c.
 */
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/mach_msg.h"
#include "kernel/ipc_kobject.h"
#include "kernel/kmem.h"
#include "kernel/reaper.h"
#include "kernel/sched.h"
#include "kernel/task.h"
#include "kernel/thread.h"
#include "drive.h"
#include "scenario.h"
#include "sim.h"
#include "vm/vm_frame.h"
#include "vm/vm_map.h"
#include "vm/vm_object.h"
#include "vm/vm_page.h"
#include "vm/vm_pageout.h"

/* What ./check promises of a run: points where the processor could have gone to another thread. */
#define SIM_PLACES_LEAST 500u
/* Far more than any run takes that ends. */
#define SIM_POINTS_MOST 5000000u

struct sim_run sim_run;
static struct sim_counts sim_own_counts;
struct sim_counts *sim_counts = &sim_own_counts;
struct sim_options sim_options = {.first = 1, .last = 100, .jobs = 1};
static struct sim_choices *sim_record; /* with --record */

const char *const sim_fault_names[SIM_NR_FAULTS] = {
    [SIM_FAULT_ALLOC] = "alloc", [SIM_FAULT_SEND] = "send", [SIM_FAULT_WAIT] = "wait",
};

/* ---- one run ---- */

/* However the run ended. */
static void sim_end_run(void)
{
    sim_counts->hash = sim_trace_hash();
    if (sim_record != NULL && !sim_choices_write(sim_record, sim_options.record))
        printf("# %s: cannot be written\n", sim_options.record);
}

static void sim_say_command(void)
{
    printf("# again: %s --scenario %s --seed %u", sim_options.program, sim_run.scenario->name, sim_run.seed);
    if (sim_options.replay != NULL)
        printf(" --replay %s", sim_options.replay);
    if (sim_run.fail_each)
        printf(" --fail %s:%u", sim_fault_names[sim_run.fail_kind], sim_run.fail_nth);
    printf("\n");
}

/* From the sanitizers, after their own report, and from sim_fail(). */
static void sim_say_run(void)
{
    static bool said;

    if (said)
        return;
    said = true;
    sim_end_run();
    printf("# scenario %s, seed %u: %u frames and %u beyond, %u ns a point; time %llu ms, %u points\n",
           sim_run.scenario->name, sim_run.seed, sim_run.nr_direct, sim_run.nr_high, sim_run.ns_per_point,
           (unsigned long long)(machine_time_ns() / 1000000), sim_counts->points);
    printf("# last events:\n");
    sim_trace_tail();
    printf("# threads:\n");
    sim_threads_show();
    printf("# console:\n");
    sim_console_write();
    sim_say_command();
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
    if (!sim_run.told && !sim_run.fail_each && sim_counts->places < SIM_PLACES_LEAST)
        sim_fail("only %u points where the processor could switch", sim_counts->places);
    sim_end_run();
    fflush(stdout);
    _exit(0);
}

static void sim_out_of_time(int signal)
{
    (void)signal;
    sim_fail("out of the host's time");
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
    sim_run.shuffle = sim_choose(2) ? 1 + sim_choose(20) : 0;
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

void sim_run_seed(const struct sim_scenario *scenario, uint32_t seed)
{
    struct sigaction action = {.sa_handler = sim_out_of_time};

    sim_run.scenario = scenario;
    sim_run.seed = seed;
    if (sim_run.points_most == 0)
        sim_run.points_most = SIM_POINTS_MOST;
    __sanitizer_set_death_callback(sim_say_run);
    (void)sigaction(SIGALRM, &action, NULL);
    (void)sigaction(SIGXCPU, &action, NULL); /* who runs us may set a limit: tests/sim/mutants */
    if (sim_options.trace != NULL && !sim_trace_open(sim_options.trace))
        sim_fail("%s: cannot be written", sim_options.trace);
    sim_choose_run();
    sim_boot();
    __builtin_unreachable(); /* the boot's thread is the idle one */
}

/* ---- the command ---- */

static void sim_usage(void) __attribute__((noreturn));
static void sim_usage(void)
{
    printf("Usage: sim [--scenario NAME] [--seeds FROM-TO | --total N] [--jobs N] [--hashes | --plan]\n"
           "           [--fail-each KIND [--fail-most N]] [--keep FOLDER]\n"
           "       sim --scenario NAME --seed N [--verbose] [--trace FILE] [--until POINT] [--fail KIND:N]\n"
           "           [--record FILE] [--replay FILE] [--shrink FILE]\n"
           "  --total N         N seeds of all scenarios together\n"
           "  --hashes          prints a hash of each seed's trace\n"
           "  --plan            prints how many seeds of each scenario it would run, and runs none\n"
           "  --fail-each KIND  makes each alloc, send or wait of a seed fail, one in each run\n"
           "  --fail-most N     about N of them, evenly spread\n"
           "  --keep FOLDER     writes what a failing run says to FOLDER/SCENARIO-SEED\n"
           "  --seed N          runs one seed in this process\n"
           "  --trace FILE      writes its events there\n"
           "  --until POINT     stops there by SIGTRAP, for a debugger\n"
           "  --fail KIND:N     makes the Nth fail\n"
           "  --record FILE     writes its choices there\n"
           "  --replay FILE     takes choices from there, and 0 behind their end\n"
           "  --shrink FILE     writes choices there that make a shorter run fail in the same way\n"
           "scenarios:");
    for (unsigned int i = 0; sim_scenarios[i] != NULL; i++)
        printf(" %s", sim_scenarios[i]->name);
    printf("\n");
    exit(2);
}

bool sim_wanted(const struct sim_scenario *scenario)
{
    return sim_options.scenario == NULL || strcmp(sim_options.scenario, scenario->name) == 0;
}

static uint32_t sim_number(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0')
        sim_usage();
    return (uint32_t)number;
}

static void sim_parse_kind(const char *name, size_t length)
{
    unsigned int kind = 0;

    while (kind < SIM_NR_FAULTS &&
           (strlen(sim_fault_names[kind]) != length || strncmp(sim_fault_names[kind], name, length) != 0))
        kind++;
    if (kind == SIM_NR_FAULTS)
        sim_usage();
    sim_run.fail_each = true;
    sim_run.fail_kind = kind;
}

/* An option with a value; false: there is none of this name. */
static bool sim_parse_value(const char *option, const char *value)
{
    if (strcmp(option, "--seed") == 0) {
        sim_options.first = sim_options.last = sim_number(value);
        sim_options.jobs = 0;
    } else if (strcmp(option, "--seeds") == 0) {
        if (sscanf(value, "%u-%u", &sim_options.first, &sim_options.last) != 2)
            sim_usage();
    } else if (strcmp(option, "--total") == 0) {
        sim_options.total = sim_number(value);
    } else if (strcmp(option, "--jobs") == 0) {
        sim_options.jobs = MIN(MAX(sim_number(value), 1u), SIM_JOBS_MAX);
    } else if (strcmp(option, "--scenario") == 0) {
        sim_options.scenario = value;
    } else if (strcmp(option, "--until") == 0) {
        sim_run.until = sim_number(value);
    } else if (strcmp(option, "--fail-each") == 0) {
        sim_options.fail_each = true;
        sim_parse_kind(value, strlen(value));
    } else if (strcmp(option, "--fail-most") == 0) {
        sim_options.fail_most = sim_number(value);
    } else if (strcmp(option, "--fail") == 0) {
        sim_parse_kind(value, strcspn(value, ":"));
        sim_run.fail_nth = sim_number(value + strcspn(value, ":") + (strchr(value, ':') != NULL));
    } else {
        return false;
    }
    return true;
}

static bool sim_parse_file(const char *option, const char *name)
{
    static const struct {
        const char *option, **file;
    } files[] = {
        {"--trace", &sim_options.trace}, {"--record", &sim_options.record}, {"--replay", &sim_options.replay},
        {"--shrink", &sim_options.shrink}, {"--keep", &sim_options.keep},
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(files); i++) {
        if (strcmp(option, files[i].option) == 0) {
            *files[i].file = name;
            return true;
        }
    }
    return false;
}

static void sim_parse(int argc, char **argv)
{
    sim_options.program = argv[0];
    for (int i = 1; i < argc; i++) {
        /* tests/sim/run asks whether this machine can run us. */
        if (strcmp(argv[i], "--probe") == 0)
            exit(0);
        else if (strcmp(argv[i], "--verbose") == 0)
            sim_run.verbose = true;
        else if (strcmp(argv[i], "--hashes") == 0)
            sim_options.hashes = true;
        else if (strcmp(argv[i], "--plan") == 0)
            sim_options.plan = true;
        else if (i + 1 == argc || (!sim_parse_value(argv[i], argv[i + 1]) && !sim_parse_file(argv[i], argv[i + 1])))
            sim_usage();
        else
            i++;
    }
}

/* The scenario of a single run: the one that is named, or the only one that there is. */
static const struct sim_scenario *sim_single(void)
{
    const struct sim_scenario *found = NULL;

    for (unsigned int i = 0; sim_scenarios[i] != NULL; i++) {
        if (sim_wanted(sim_scenarios[i])) {
            if (found != NULL)
                sim_usage();
            found = sim_scenarios[i];
        }
    }
    if (found == NULL)
        sim_usage();
    return found;
}

static int sim_one(void)
{
    const struct sim_scenario *scenario = sim_single();

    if (sim_options.replay != NULL) {
        struct sim_choices *choices = sim_choices_create();

        if (!sim_choices_read(choices, sim_options.replay)) {
            printf("sim: %s holds no choices\n", sim_options.replay);
            return 2;
        }
        sim_run.told = true;
        sim_choose_tell(choices);
    }
    if (sim_options.shrink != NULL)
        return sim_shrink(scenario, sim_options.first);
    if (sim_options.record != NULL) {
        sim_record = sim_choices_create();
        sim_choose_keep(sim_record);
    }
    sim_run_seed(scenario, sim_options.first);
}

int main(int argc, char **argv)
{
    unsigned int wanted = 0;

    sim_parse(argc, argv);
    for (unsigned int i = 0; sim_scenarios[i] != NULL; i++)
        wanted += sim_wanted(sim_scenarios[i]);
    if (wanted == 0 || sim_options.first > sim_options.last)
        sim_usage();
    return sim_options.jobs == 0 ? sim_one() : sim_drive();
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
