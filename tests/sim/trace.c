/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace: lines "POINT EVENT thread a b". Threads are named by their numbers, pages by user addresses, so two builds of
 * the same sources write the same bytes for the same seed. POINT is what --until wants.
 *
 * The hash is over the numbers of a line, which determine it: making the text of every line would take longer than all
 * the rest. The last lines are kept as numbers too, for a failure.
 */
#include <stdio.h>

#include "sim.h"

#define SIM_TRACE_TAIL 96u

struct sim_trace_line {
    uint32_t point, event, thread, a, b;
};

static struct sim_trace_line sim_trace_lines[SIM_TRACE_TAIL];
static uint32_t sim_trace_count;
static uint64_t sim_trace_sum = 0xcbf29ce484222325u;
static FILE *sim_trace_file;

static const char *const sim_trace_names[SIM_NR_EVENTS] = {
    [SIM_SWITCH] = "switch", [SIM_INTERRUPT] = "interrupt", [SIM_PREEMPT] = "preempt", [SIM_YIELD] = "yield",
    [SIM_FAULT] = "fault", [SIM_TRAP] = "trap", [SIM_TRAP_DONE] = "trap-done", [SIM_SEND] = "send",
    [SIM_RECEIVE] = "receive", [SIM_FAIL] = "fail", [SIM_ABORT] = "abort", [SIM_LATE] = "late",
    [SIM_PROGRAM] = "program",
};

static void sim_trace_print(FILE *file, const struct sim_trace_line *line)
{
    fprintf(file, "%u %s %u %#x %#x\n", line->point, sim_trace_names[line->event], line->thread, line->a, line->b);
}

static void sim_trace_add(uint32_t word)
{
    sim_trace_sum = (sim_trace_sum ^ word) * 0x100000001b3u;
}

void sim_trace(enum sim_event event, uint32_t a, uint32_t b)
{
    struct sim_trace_line *line = &sim_trace_lines[sim_trace_count++ % SIM_TRACE_TAIL];

    *line = (struct sim_trace_line){
        .point = sim_counts->points, .event = event, .thread = sim_self(), .a = a, .b = b};
    sim_counts->events++;
    sim_trace_add(line->point);
    sim_trace_add(event);
    sim_trace_add(line->thread);
    sim_trace_add(a);
    sim_trace_add(b);
    if (sim_trace_file != NULL)
        sim_trace_print(sim_trace_file, line);
}

bool sim_trace_open(const char *name)
{
    sim_trace_file = fopen(name, "w");
    return sim_trace_file != NULL;
}

uint64_t sim_trace_hash(void)
{
    if (sim_trace_file != NULL)
        fflush(sim_trace_file);
    return sim_trace_sum;
}

void sim_trace_tail(void)
{
    uint32_t first = sim_trace_count > SIM_TRACE_TAIL ? sim_trace_count - SIM_TRACE_TAIL : 0;

    for (uint32_t i = first; i < sim_trace_count; i++) {
        printf("#   ");
        sim_trace_print(stdout, &sim_trace_lines[i % SIM_TRACE_TAIL]);
    }
    if (sim_trace_file != NULL)
        fflush(sim_trace_file);
}
