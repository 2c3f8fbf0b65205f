/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzing on the simulated machine: what the two targets, fuzz_message.c and fuzz_trap.c, share.
 *
 * An input is bytes. The first is the seed of the run; the second, when it is 0xe8 or more, makes allocations,
 * sends or waits fail. The
 * rest is a script that the target's program reads from fuzz_byte() and fuzz_word(), which give 0 at its end.
 *
 * Three processes: libFuzzer's; one that has booted the machine and stands still; and a child of that for each input.
 */
#ifndef SIM_FUZZ_H
#define SIM_FUZZ_H

#include <stddef.h>

#include "sim.h"

/* ---- the target ---- */

/* What the script's bytes are: run in user mode, with no argument. */
void fuzz_program(uint32_t argument);
extern const char fuzz_target[];
/* Whether the kernel serves a message id, or trap number, below FUZZ_NR_CALLS. */
#define FUZZ_NR_CALLS 8192u
bool fuzz_is_served(uint32_t call);
/* Those that no input can see succeed, with the reason; a call of 0 at the end. */
struct fuzz_hopeless {
    uint32_t call;
    const char *why;
};
extern const struct fuzz_hopeless fuzz_hopeless[];

/* ---- libFuzzer's process: fuzz.c ---- */

/* Of an input; what is longer is cut. */
#define FUZZ_INPUT_MAX 4096u

/* Of what is counted where the kernel was compiled to do so. */
#define FUZZ_COUNTERS_MAX 131072u

/* What the processes share. */
struct fuzz_shared {
    uint32_t size;
    uint8_t input[FUZZ_INPUT_MAX];
    uint8_t counters[FUZZ_COUNTERS_MAX];
    uint8_t results[FUZZ_NR_CALLS]; /* enum fuzz_result, of any input */
};

enum fuzz_result {
    FUZZ_FAILURE,               /* or never called */
    FUZZ_SUCCESS,
    FUZZ_UNKNOWN,               /* MIG has a stub and the kernel no routine behind it */
};
extern struct fuzz_shared *fuzz_shared;

/* ---- the kernel's side: fuzz_machine.c ---- */

/* Runs fuzz_program() with the input as its script, ends all tasks and checks that all is as before. */
void fuzz_run(const uint8_t *data, size_t size);
/* A call has come back so. */
void fuzz_called(uint32_t call, enum fuzz_result result);

bool fuzz_more(void);
uint8_t fuzz_byte(void);
uint32_t fuzz_word(void);

/* ---- in user mode: fuzz_names.c ---- */

/* Makes the program's rights and memory; every thread of a task calls it first, and the first one does it. */
void fuzz_prepare(void);
/* Another thread that runs the program: it takes what it reads from the script as the first one does. At most three. */
void fuzz_start_thread(void);
/* The end of a program, whatever has become of its rights; until it can, it sleeps. */
void fuzz_exit(void) __attribute__((noreturn));
/* One of them, by any number. */
uint32_t fuzz_name(uint32_t number);
/* An address in or at the edge of the program's memory, by any number. */
uint32_t fuzz_address(uint32_t number);
/* A word of the script, with marks replaced: 0xf00d00NN is fuzz_name(NN), 0xf00aNNNN is fuzz_address(NNNN). */
uint32_t fuzz_marked_word(void);
/* A name that came in a message takes a place among them. */
void fuzz_learn(uint32_t name);

#endif
