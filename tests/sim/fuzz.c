/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fuzzers' process: libFuzzer, which mutates, keeps what reaches something new, merges and shrinks. It runs no input
 * itself: each runs in a child of a machine that is booted, so inputs cannot harm each other, nor what they set in the
 * kernel (its time, its default manager), and each fails again alone.
 *
 * The first input starts the machine's process, by the driver's own main() with this file's scenario. That process waits at
 * a pipe for "run what is in the shared memory", and forks. It stays as small as it was, and fork() as fast, however much
 * libFuzzer remembers. The child leaves its counters (-fsanitize-coverage=inline-8bit-counters) in the shared memory, and
 * they are copied over those of libFuzzer's process. A child that fails aborts that process, after its words were shown.
 *
 * In the environment: FUZZ_SIM, options for the machine (--trace FILE --verbose). FUZZ_CALLS: at the end every call that the
 * kernel serves must have succeeded once, or the status is 1.
 */
#include "fuzz.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUZZ_OPTIONS_MAX 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

/* The linker calls main() by these names: libFuzzer's process begins here, the machine's in sim.c. */
int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);

struct fuzz_shared *fuzz_shared;

static FILE *fuzz_output;                       /* what the machine's process and its children say */
static int fuzz_request, fuzz_answer;           /* pipes to and from the machine's process; -1: there is none */
static bool fuzz_started;

/* ---- counters ---- */

extern uint8_t fuzz_counters[] __asm__("__start___sancov_cntrs");
extern uint8_t fuzz_counters_end[] __asm__("__stop___sancov_cntrs");

static size_t fuzz_nr_counters(void)
{
    size_t count = (size_t)(fuzz_counters_end - fuzz_counters);

    if (count > FUZZ_COUNTERS_MAX)
        abort();
    return count;
}

/* ---- the machine's process ---- */

/* From FUZZ_SIM, behind what runs this scenario. */
static void fuzz_boot(void)
{
    char seed[] = "--seed", one[] = "1", *arguments[FUZZ_OPTIONS_MAX + 4] = {(char *)(uintptr_t)fuzz_target, seed, one}, *at;
    const char *given = getenv("FUZZ_SIM");
    int count = 3;

    at = strdup(given != NULL ? given : "");
    for (char *word = strtok(at, " "); word != NULL && count < (int)FUZZ_OPTIONS_MAX + 3; word = strtok(NULL, " "))
        arguments[count++] = word;
    exit(__real_main(count, arguments));
}

static void fuzz_start(void)
{
    static const int signals[] = {SIGABRT, SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXFSZ};
    int request[2], answer[2];
    pid_t child;

    fuzz_started = true;
    fuzz_output = tmpfile();
    if (fuzz_output == NULL || pipe(request) != 0 || pipe(answer) != 0)
        abort();
    child = fork();
    if (child != 0) {
        (void)close(request[0]);
        (void)close(answer[1]);
        fuzz_request = request[1];
        fuzz_answer = answer[0];
        return;
    }
    /* libFuzzer's handlers would save an input that is not this process'. */
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)signal(signals[i], SIG_DFL);
    (void)dup2(fileno(fuzz_output), 1);
    (void)dup2(fileno(fuzz_output), 2);
    (void)close(request[1]);
    (void)close(answer[0]);
    fuzz_request = request[0];
    fuzz_answer = answer[1];
    fuzz_boot();
}

static void fuzz_child(void)
{
    memset(fuzz_counters, 0, fuzz_nr_counters());
    fuzz_run(fuzz_shared->input, fuzz_shared->size);
    memcpy(fuzz_shared->counters, fuzz_counters, fuzz_nr_counters());
    fflush(NULL);
    _exit(0);
}

/* The scenario: for ever, until libFuzzer's process ends and closes the pipe. */
static void fuzz_serve(void)
{
    char request;

    (void)alarm(0);
    while (read(fuzz_request, &request, 1) == 1) {
        int status = -1;
        pid_t child = fork();

        if (child == 0)
            fuzz_child();
        if (child < 0 || waitpid(child, &status, 0) != child)
            status = -1;
        if (write(fuzz_answer, &status, sizeof(status)) != (ssize_t)sizeof(status))
            break;
    }
    _exit(0);
}

/* ---- an input ---- */

static void fuzz_show(int status)
{
    char piece[4096];
    size_t size;

    fprintf(stderr, "# %s: status %#x\n", fuzz_target, (unsigned int)status);
    rewind(fuzz_output);
    while ((size = fread(piece, 1, sizeof(piece), fuzz_output)) > 0)
        (void)fwrite(piece, 1, size, stderr);
    fflush(stderr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int status = -1;

    if (!fuzz_started)
        fuzz_start();
    fuzz_shared->size = (uint32_t)MIN(size, (size_t)FUZZ_INPUT_MAX);
    memcpy(fuzz_shared->input, data, fuzz_shared->size);
    if (write(fuzz_request, "", 1) != 1 || read(fuzz_answer, &status, sizeof(status)) != (ssize_t)sizeof(status) ||
        status != 0) {
        fuzz_show(status);
        abort();
    }
    memcpy(fuzz_counters, fuzz_shared->counters, fuzz_nr_counters());
    return 0;
}

/* ---- the command ---- */

static const char *fuzz_why_hopeless(uint32_t call)
{
    for (const struct fuzz_hopeless *hopeless = fuzz_hopeless; hopeless->call != 0; hopeless++) {
        if (hopeless->call == call)
            return hopeless->why;
    }
    return NULL;
}

/* At exit, when all inputs were well. */
static void fuzz_check_calls(void)
{
    unsigned int served = 0, succeeded = 0, wrong = 0;

    for (uint32_t call = 0; call < FUZZ_NR_CALLS; call++) {
        bool hopeless = fuzz_why_hopeless(call) != NULL || fuzz_shared->results[call] == FUZZ_UNKNOWN;

        if (!fuzz_is_served(call))
            continue;
        served++;
        succeeded += fuzz_shared->results[call] == FUZZ_SUCCESS;
        if ((fuzz_shared->results[call] == FUZZ_SUCCESS) == hopeless) {
            wrong++;
            printf("# call %u %s\n", call, hopeless ? "succeeds after all" : "never succeeds");
        }
    }
    printf("# %s: %u calls in the kernel's tables, %u succeed\n", fuzz_target, served, succeeded);
    fflush(stdout);
    if (wrong != 0 || served == 0)
        _exit(1);
}

int __wrap_main(int argc, char **argv)
{
    /* tests/sim/run asks whether this machine can run us. */
    if (argc > 1 && strcmp(argv[1], "--probe") == 0)
        return 0;
    fuzz_shared = mmap(NULL, sizeof(*fuzz_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (fuzz_shared == MAP_FAILED)
        return 1;
    if (getenv("FUZZ_CALLS") != NULL)
        (void)atexit(fuzz_check_calls);
    return LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput);
}

static const struct sim_scenario fuzz_scenario = {.name = "fuzz", .run = fuzz_serve, .nr_frames = 448, .weight = 1};
const struct sim_scenario *const sim_scenarios[] = {&fuzz_scenario, NULL};
