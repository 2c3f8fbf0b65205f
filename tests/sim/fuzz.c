/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fuzzers' driver: a scenario that never boots again. Each input runs in a fork()ed child of a machine that is booted, so
 * inputs cannot harm each other, nor what they set in the kernel (its time, its default manager), and each fails again alone.
 *
 * libFuzzer for i386 links but does not run to an end under qemu-i386, so the loop is ours: it mutates by seed and keeps an
 * input for the run when it reaches what none did before. The compiler counts what is reached (-fsanitize-coverage=
 * inline-8bit-counters); a child leaves its counters in memory that is shared.
 *
 * In the environment: FUZZ_CORPUS, a folder; FUZZ_SECONDS; FUZZ_FAILURES, a folder for inputs that fail; FUZZ_ONE, a file that
 * is run in this process, for a debugger; FUZZ_MERGE, a folder for what reached something new; FUZZ_SEED, the mutations'. The
 * machine's own seed is to be the same always, so that an input does the same wherever it is run.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/machine.h"
#include "kernel/task.h"
#include "kernel/task_life.h"
#include "kernel/thread.h"
#include "scenario.h"

#define FUZZ_INPUT_MAX 1024u
#define FUZZ_INPUTS_MAX 4096u
#define FUZZ_COUNTERS_MAX 131072u
#define FUZZ_TASKS_MAX 64u
/* Of the machine's time, for a script to come to its end by itself. */
#define FUZZ_SCRIPT_MS 2000u
#define FUZZ_LOOK_MS 50u
/* Of the host's, for one input. */
#define FUZZ_TIME_LIMIT 60u

struct fuzz_input {
    size_t size;
    uint8_t bytes[FUZZ_INPUT_MAX];
};

static struct fuzz_input *fuzz_inputs[FUZZ_INPUTS_MAX];
static unsigned int fuzz_nr_inputs, fuzz_nr_corpus;
static uint8_t fuzz_seen[FUZZ_COUNTERS_MAX], *fuzz_shared;
static unsigned int fuzz_nr_seen;
static uint64_t fuzz_random_state;
static uint32_t fuzz_seed;

static const uint8_t *fuzz_script;
static size_t fuzz_script_size, fuzz_script_at;

/* ---- one input ---- */

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

void fuzz_run(sim_program_function *program, const uint8_t *data, size_t size)
{
    static const uint32_t preempts[] = {0, 20, 100, 1000};
    struct sim_stock before;
    uint8_t seed, refuse;

    fuzz_script = data;
    fuzz_script_size = size;
    fuzz_script_at = 0;
    seed = fuzz_byte();
    sim_choose_init(seed);
    sim_run.preempt = preempts[seed % ARRAY_LENGTH(preempts)];
    refuse = fuzz_byte();
    sim_stock_take(&before);
    struct task *task = sim_task_start(program, 0);
    sim_run.fault_rates[SIM_FAULT_ALLOC] = refuse >= 0xf0 ? 4u << (refuse & 7u) : 0;
    sim_run.faults = true;
    for (uint32_t waited = 0; waited < FUZZ_SCRIPT_MS && task->active; waited += FUZZ_LOOK_MS)
        thread_delay(FUZZ_LOOK_MS);
    sim_faults_end();
    for (uint32_t waited = 0; !fuzz_end_tasks(); waited += FUZZ_LOOK_MS) {
        sim_check(waited < 60000);
        thread_delay(FUZZ_LOOK_MS);
    }
    sim_task_wait(task);
    sim_stock_check(&before);
    sim_check_all();
}

/* ---- what is reached ---- */

extern uint8_t fuzz_counters[] __asm__("__start___sancov_cntrs");
extern uint8_t fuzz_counters_end[] __asm__("__stop___sancov_cntrs");
void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *end);

/* Called by each file's constructor; the linker's symbols say the same of all. */
void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *end)
{
    (void)start;
    (void)end;
}

static size_t fuzz_nr_counters(void)
{
    return MIN((size_t)(fuzz_counters_end - fuzz_counters), FUZZ_COUNTERS_MAX);
}

/* How often is told apart by powers of two, so a loop is new a few times, not 255. */
static bool fuzz_is_new(void)
{
    bool new = false;

    for (size_t i = 0; i < fuzz_nr_counters(); i++) {
        uint8_t count = fuzz_shared[i], level = count == 0 ? 0 : (uint8_t)(1u << (31 - __builtin_clz(count)));

        if ((level & ~fuzz_seen[i]) == 0)
            continue;
        if (fuzz_seen[i] == 0)
            fuzz_nr_seen++;
        fuzz_seen[i] |= level;
        new = true;
    }
    return new;
}

/* ---- files ---- */

static void fuzz_save(const char *folder, const char *kind, const struct fuzz_input *input)
{
    static unsigned int number;
    char name[512];
    FILE *file;

    if (folder == NULL)
        return;
    (void)snprintf(name, sizeof(name), "%s/%s-%s-%u-%u", folder, fuzz_target, kind, fuzz_seed, ++number);
    file = fopen(name, "wb");
    if (file == NULL || fwrite(input->bytes, 1, input->size, file) != input->size || fclose(file) != 0) {
        printf("# %s: cannot be written\n", name);
        _exit(1);
    }
    printf("# saved: %s\n", name);
}

static bool fuzz_read(const char *name, struct fuzz_input *input)
{
    FILE *file = fopen(name, "rb");

    if (file == NULL)
        return false;
    input->size = fread(input->bytes, 1, sizeof(input->bytes), file);
    fclose(file);
    return true;
}

static void fuzz_add(const struct fuzz_input *input)
{
    struct fuzz_input *copy = malloc(sizeof(*copy));

    if (copy == NULL || fuzz_nr_inputs == FUZZ_INPUTS_MAX) {
        free(copy);
        return;
    }
    *copy = *input;
    fuzz_inputs[fuzz_nr_inputs++] = copy;
}

static int fuzz_compare(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void fuzz_read_corpus(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, fuzz_compare);
    struct fuzz_input input;
    char name[512];

    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && fuzz_read(name, &input))
            fuzz_add(&input);
    }
    fuzz_nr_corpus = fuzz_nr_inputs;
}

/* ---- the loop ---- */

/* Whether the input ran well; its output is shown when it did not. */
static bool fuzz_try(const struct fuzz_input *input)
{
    static FILE *output;
    int status = 0;
    char line[512];
    pid_t child;

    if (output == NULL)
        output = tmpfile();
    sim_check(output != NULL);
    rewind(output);
    (void)ftruncate(fileno(output), 0);
    memset(fuzz_shared, 0, FUZZ_COUNTERS_MAX);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        (void)dup2(fileno(output), 1);
        (void)dup2(fileno(output), 2);
        (void)alarm(FUZZ_TIME_LIMIT);
        memset(fuzz_counters, 0, fuzz_nr_counters());
        (void)LLVMFuzzerTestOneInput(input->bytes, input->size);
        memcpy(fuzz_shared, fuzz_counters, fuzz_nr_counters());
        fflush(stdout);
        _exit(0);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
        return true;
    printf("# status %#x\n", (unsigned int)status);
    rewind(output);
    while (fgets(line, sizeof(line), output) != NULL)
        printf("# %s%s", line, strchr(line, '\n') != NULL ? "" : "\n");
    return false;
}

/* The mutations are not the run's choices: a child sets those anew. */
static uint32_t fuzz_random(uint32_t bound)
{
    fuzz_random_state = fuzz_random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((fuzz_random_state >> 32) * bound) >> 32);
}

/* A word that routines may take for something. */
static uint32_t fuzz_some_word(void)
{
    static const uint32_t words[] = {0, 1, 2, 4, 8, 0x1000, 0x2000, 0xfff, 0x7fffffff, 0x80000000, 0xfffff000, ~0u, 0xbffff000};

    switch (fuzz_random(4)) {
    case 0: return 0xf00d0000u | fuzz_random(24);
    case 1: return 0xf00a0000u | fuzz_random(65536);
    case 2: return words[fuzz_random(ARRAY_LENGTH(words))];
    default: return fuzz_random(64);
    }
}

/* Another input from its place on, at places of both. */
static void fuzz_splice(struct fuzz_input *input)
{
    const struct fuzz_input *other = fuzz_inputs[fuzz_random(fuzz_nr_inputs)];
    size_t from = fuzz_random((uint32_t)other->size + 1), at = fuzz_random((uint32_t)input->size + 1);

    if (fuzz_random(2) != 0) { /* all of its script after all of this */
        from = MIN((size_t)2, other->size);
        at = input->size;
    }
    size_t size = MIN(other->size - from, FUZZ_INPUT_MAX - at);
    memcpy(input->bytes + at, other->bytes + from, size);
    input->size = at + size;
}

static void fuzz_mutate(struct fuzz_input *input)
{
    uint32_t at = fuzz_random((uint32_t)input->size), word = fuzz_some_word();

    switch (fuzz_random(6)) {
    case 0: input->bytes[at] ^= (uint8_t)(1u << fuzz_random(8)); break;
    case 1: input->bytes[at] = (uint8_t)fuzz_random(256); break;
    case 2: fuzz_splice(input); break;
    case 3: input->size = at + 1; break;
    default: /* arguments are words: most mutations are words */
        if (at + sizeof(word) <= input->size)
            memcpy(input->bytes + at, &word, sizeof(word));
        break;
    }
}

/* Runs an input, and keeps it if it reached something, or failed. */
static bool fuzz_step(const struct fuzz_input *input, bool mutated)
{
    bool good = fuzz_try(input);

    if (!good)
        fuzz_save(getenv("FUZZ_FAILURES"), "failure", input);
    else if (fuzz_is_new() && mutated) {
        fuzz_add(input);
        fuzz_save(getenv("FUZZ_MERGE"), "new", input);
    }
    return good;
}

static unsigned int fuzz_fuzz(time_t seconds)
{
    time_t end = time(NULL) + seconds;
    unsigned int runs = 0, failures = 0;
    struct fuzz_input input;

    for (; time(NULL) < end && failures < 5; runs++) {
        input = *fuzz_inputs[fuzz_random(fuzz_nr_inputs)];
        for (uint32_t i = 1 + fuzz_random(5); i > 0; i--)
            fuzz_mutate(&input);
        failures += !fuzz_step(&input, true);
    }
    printf("# %u runs, %u of %u places reached, %u inputs kept\n", runs, fuzz_nr_seen, (unsigned int)fuzz_nr_counters(),
           fuzz_nr_inputs - fuzz_nr_corpus);
    return failures;
}

static void fuzz_main(void)
{
    const char *corpus = getenv("FUZZ_CORPUS"), *seconds = getenv("FUZZ_SECONDS"), *one = getenv("FUZZ_ONE"),
               *seed = getenv("FUZZ_SEED");
    struct fuzz_input first = {.size = 3};
    unsigned int failures = 0;

    (void)alarm(0);
    fuzz_shared = mmap(NULL, FUZZ_COUNTERS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sim_check(fuzz_shared != MAP_FAILED);
    fuzz_random_state = fuzz_seed = seed != NULL ? (uint32_t)strtoul(seed, NULL, 10) : 1;
    if (one != NULL) {
        sim_check(fuzz_read(one, &first));
        (void)LLVMFuzzerTestOneInput(first.bytes, first.size);
        return;
    }
    if (corpus != NULL)
        fuzz_read_corpus(corpus);
    printf("1..2\n");
    for (unsigned int i = 0; i < fuzz_nr_corpus; i++)
        failures += !fuzz_step(fuzz_inputs[i], false);
    printf("%sok 1 - %s: %u inputs of the corpus reach %u places\n", failures == 0 && fuzz_nr_corpus != 0 ? "" : "not ",
           fuzz_target, fuzz_nr_corpus, fuzz_nr_seen);
    fuzz_add(&first);
    unsigned int found = fuzz_fuzz(seconds != NULL ? (time_t)strtoul(seconds, NULL, 10) : 10);
    printf("%sok 2 - %s: mutations with seed %u\n", found == 0 ? "" : "not ", fuzz_target, fuzz_seed);
    fflush(stdout);
    if (failures != 0 || found != 0 || fuzz_nr_corpus == 0)
        _exit(1);
}

static const struct sim_scenario fuzz_scenario = {.name = "fuzz", .run = fuzz_main, .nr_frames = 448, .weight = 1};
const struct sim_scenario *const sim_scenarios[] = {&fuzz_scenario, NULL};
