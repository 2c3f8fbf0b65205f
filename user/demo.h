/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The demonstration: what its two halves share. See demo.c.
 */
#ifndef USER_DEMO_H
#define USER_DEMO_H

#include <mach/kern_return.h>
#include <mach/port.h>
#include <program.h>
#include <stdbool.h>
#include <stdint.h>

#define DEMO_WORDS (PROGRAM_PAGE_SIZE / sizeof(uint32_t))
#define DEMO_PAGES_A_MIB 256u
/* How often each page is written. */
#define DEMO_PASSES 2u

enum demo_phase {
    DEMO_STARTING,
    DEMO_WRITING,
    DEMO_REWRITING,
    DEMO_READING,
    DEMO_ENDING,                /* unmapped; the last pages go to the manager */
    DEMO_FINISHED,              /* and every one was there */
};

/* What a round has done: written by its task, read by the supervisor, in memory that both share. */
struct demo_progress {
    volatile uint32_t phase;            /* enum demo_phase */
    volatile uint32_t pages_done;       /* of this phase */
    volatile uint32_t errors;           /* atomic: of all rounds and the supervisor */
    volatile uint32_t returns, returned_pages, largest;     /* memory_object_data_return messages of the round */
    volatile uint32_t requests, supplied_pages, unavailable_pages;
};

/* Set before the first round, and inherited by each round's task. */
struct demo_options {
    mach_port_t host_priv;
    uint32_t size;              /* MiB of the object */
    uint32_t rounds;
    bool random;
    enum program_shutdown end;
    struct demo_progress *progress;
};
extern struct demo_options demo_options;

/* Counts an error, and says so unless there were many already. */
void demo_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whether a call worked; it is an error when it did not. */
bool demo_check(const char *call, kern_return_t result);

/* A round: what its task's first thread runs. */
void demo_round(void *argument);

#endif
