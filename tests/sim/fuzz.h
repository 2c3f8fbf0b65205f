/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzing on the simulated machine: what the two targets, fuzz_message.c and fuzz_trap.c, share.
 *
 * An input is bytes. The first is the seed of the run; the second, when it is 0xf0 or more, has allocations refused. The
 * rest is a script that the target's program reads from fuzz_byte() and fuzz_word(), which give 0 at its end.
 */
#ifndef SIM_FUZZ_H
#define SIM_FUZZ_H

#include <stddef.h>

#include "sim.h"

/* The entry point, as libFuzzer has it. Runs one input on a booted machine; a failure ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the kernel's side: fuzz.c ---- */

/* Runs program with the input as its script, ends all tasks and checks that all is as before. */
void fuzz_run(sim_program_function *program, const uint8_t *data, size_t size);
/* Name of the target, for its messages. */
extern const char fuzz_target[];

bool fuzz_more(void);
uint8_t fuzz_byte(void);
uint32_t fuzz_word(void);

/* ---- in user mode: fuzz_names.c ---- */

/* Makes the program's rights and memory; every thread of a task calls it first, and the first one does it. */
void fuzz_prepare(void);
/* One of them, by any number. */
uint32_t fuzz_name(uint32_t number);
/* An address in or at the edge of the program's memory, by any number. */
uint32_t fuzz_address(uint32_t number);
/* A word of the script, with marks replaced: 0xf00d00NN is fuzz_name(NN), 0xf00aNNNN is fuzz_address(NNNN). */
uint32_t fuzz_marked_word(void);
/* A name that came in a message takes a place among them. */
void fuzz_learn(uint32_t name);

#endif
