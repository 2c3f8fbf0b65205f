/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The search: breadth first, so the path to a failure is one of the shortest.
 *
 * It runs on a stack of its own. A step restores a state, gives the thread that had stopped in it the action, and lets it
 * run until some thread stops; what that is then is checked, hashed, and kept if it is new. States wait in a queue as
 * differences (core_memory.c); of one that was expanded only its father and its action stay, which make the path.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "../laws.h"
#include "core.h"
#include "kernel/machine.h"
#include "kernel/thread.h"

#define CORE_STATES_MAX (24u << 20)
#define CORE_TABLE_BITS 26u
#define CORE_STACK_SIZE (256u << 10)
#define CORE_PATH_MAX 4096u
/* All of tests/sim/laws*.c is looked at in one new state of so many: it takes as long as some twenty steps. */
#define CORE_LAWS_EACH 64u
/* Seconds that a step may take. */
#define CORE_STEP_SECONDS 20u

void sim_switch_stacks(void **save, void *load);

struct core_node {
    uint32_t father, action;
};

/* None of it is state. */
struct core_search {
    void *sp;                   /* of this stack, while the machine runs */
    struct core_node *nodes;
    uint32_t *sizes;            /* of their differences */
    uint32_t difference[CORE_DIFFERENCE_MAX / 4]; /* of the one that is being expanded */
    uint64_t *table;
    uint32_t nr_nodes, current; /* nodes; the one that is being expanded */
    uint32_t action;            /* that is being tried */
    uint32_t depth, level_end;
    uint64_t nr_transitions, bytes, most_actions;
    struct timeval begun;
    bool full;                  /* the host has no more memory */
};
static struct core_search *core_search;

static uint32_t core_seconds(void)
{
    struct timeval now;

    (void)gettimeofday(&now, NULL);
    return (uint32_t)(now.tv_sec - core_search->begun.tv_sec);
}

/* ---- states ---- */

/* Whether hash was not there. */
static bool core_insert(uint64_t hash)
{
    uint32_t mask = (1u << CORE_TABLE_BITS) - 1, i = (uint32_t)(hash >> 20) & mask;

    hash |= hash == 0;
    for (; core_search->table[i] != 0; i = (i + 1) & mask) {
        if (core_search->table[i] == hash)
            return false;
    }
    core_search->table[i] = hash;
    return true;
}

static void core_keep(uint32_t father, uint32_t action)
{
    uint32_t size = core_memory_save();

    core_search->full |= size == 0;
    core_search->sizes[core_search->nr_nodes] = size;
    core_search->bytes += size;
    core_search->nodes[core_search->nr_nodes++] = (struct core_node){.father = father, .action = action};
}

/* Lets the machine do action; returns at the next decision. */
static void core_step(uint32_t action)
{
    (void)alarm(CORE_STEP_SECONDS);
    core_search->action = action;
    core_live.action = action;
    sim_switch_stacks(&core_search->sp, core_live.sp);
    core_memory_clean_stack(core_live.sp);
}

void core_decide_stopped(void *stopped)
{
    for (uint32_t i = 0; i < core_live.nr_threads; i++) {
        if (core_live.threads[i] != core_live.stopping)
            continue;
        core_live.stopped[i] = stopped;
        if (core_live.base[i] == NULL)
            core_live.base[i] = core_memory_stack_top(stopped);
    }
    if (core_live.exploring)
        sim_switch_stacks(&core_live.sp, core_search->sp);
}

/* ---- the search ---- */

static void core_expand(uint32_t node)
{
    uint32_t actions[CORE_ACTIONS_MAX], nr;

    core_search->current = node;
    core_queue_get(core_search->difference, core_search->sizes[node]);
    core_memory_restore(core_search->difference);
    nr = core_enabled(actions);
    core_search->most_actions = MAX(core_search->most_actions, nr);
    for (uint32_t i = 0; i < nr; i++) {
        if (i != 0)
            core_memory_restore(core_search->difference);
        core_step(actions[i]);
        core_search->nr_transitions++;
        core_laws_check();
        bool fresh = core_insert(core_state_hash());
        core_memory_look();
        if (!fresh)
            continue;
        core_keep(node, actions[i]);
        if (core_search->nr_nodes % CORE_LAWS_EACH == 0) {
            sim_laws_check(SIM_LAWS_SWITCH);
            core_memory_look();
        }
    }
}

static bool core_limit(void)
{
    return core_search->full || core_search->nr_nodes >= MIN(core_options.states_max, CORE_STATES_MAX - CORE_ACTIONS_MAX) ||
           core_search->nr_transitions >= core_options.transitions_max ||
           (core_options.seconds_max != 0 && core_seconds() >= core_options.seconds_max);
}

static void core_report(bool closed, uint32_t expanded)
{
    uint32_t seconds = core_seconds();

    printf("# %u states, %llu transitions, depth %u, %u s (%llu transitions a second); %s\n", core_search->nr_nodes,
           (unsigned long long)core_search->nr_transitions, core_search->depth, seconds,
           (unsigned long long)(core_search->nr_transitions / MAX(seconds, 1u)),
           closed ? "closed: no other state can be reached" : "not closed");
    printf("# %u states expanded, at most %llu actions in one, %llu bytes a state\n", expanded,
           (unsigned long long)core_search->most_actions, (unsigned long long)(core_search->bytes / core_search->nr_nodes));
}

static void core_run_search(void)
{
    uint32_t node = 0;

    (void)core_insert(core_state_hash());
    core_memory_look();
    core_keep(0, 0);
    core_search->level_end = 1;
    for (; node < core_search->nr_nodes && !core_limit(); node++) {
        if (node == core_search->level_end) {
            core_search->depth++;
            core_search->level_end = core_search->nr_nodes;
            if (core_options.verbose)
                printf("# depth %u: %u states, %llu transitions, %u s\n", core_search->depth, core_search->nr_nodes,
                       (unsigned long long)core_search->nr_transitions, core_seconds());
        }
        core_expand(node);
    }
    core_report(node == core_search->nr_nodes, node);
    printf("ok 1 - every state that was reached keeps the laws\n");
}

/* Goes the way that core_path_print() wrote. */
static void core_run_path(void)
{
    uint32_t actions[CORE_ACTIONS_MAX], step = 0;
    const char *at = core_options.path;

    while (*at != '\0') {
        char *end;
        uint32_t action = (uint32_t)strtoul(at, &end, 16), nr = core_enabled(actions), i = 0;

        while (i < nr && actions[i] != action)
            i++;
        if (end == at || i == nr)
            sim_fail("step %u of the path is none of the %u actions that are possible there", step + 1, nr);
        printf("# %u: ", ++step);
        core_action_print(action);
        printf("\n");
        fflush(stdout);
        at = *end == '.' ? end + 1 : end;
        core_step(action);
        core_laws_check();
        sim_laws_check(SIM_LAWS_SWITCH);
    }
    printf("ok 1 - the laws hold along the path\n");
}

static void core_main(void)
{
    core_memory_clean_stack(core_live.sp);
    core_state_root();
    sim_laws_check(SIM_LAWS_SWITCH);
    core_memory_root();
    (void)gettimeofday(&core_search->begun, NULL);
    printf("1..1\n");
    core_laws_check();
    if (core_options.path != NULL)
        core_run_path();
    else
        core_run_search();
    fflush(stdout);
    _exit(0);
}

void core_search_init(void)
{
    char *stack = core_memory_own(CORE_STACK_SIZE);
    void **top = (void **)(void *)(stack + CORE_STACK_SIZE) - 4;

    core_search = core_memory_own(sizeof(*core_search));
    core_search->nodes = core_memory_own(CORE_STATES_MAX * sizeof(*core_search->nodes));
    core_search->sizes = core_memory_own(CORE_STATES_MAX * sizeof(*core_search->sizes));
    core_queue_init();
    core_search->table = core_memory_own((size_t)sizeof(uint64_t) << CORE_TABLE_BITS);
    *--top = NULL;                              /* core_main returns to nothing */
    *--top = (void *)(uintptr_t)core_main;
    top -= 4;                                   /* registers */
    core_search->sp = top;
}

/* ---- the path ---- */

static uint32_t core_path(uint32_t *actions)
{
    uint32_t nr = 0;

    actions[nr++] = core_search->action;
    for (uint32_t node = core_search->current; node != 0 && nr < CORE_PATH_MAX; node = core_search->nodes[node].father)
        actions[nr++] = core_search->nodes[node].action;
    for (uint32_t i = 0; i < nr / 2; i++) {
        uint32_t other = actions[i];

        actions[i] = actions[nr - 1 - i];
        actions[nr - 1 - i] = other;
    }
    return nr;
}

void core_path_print(void)
{
    static uint32_t path[CORE_PATH_MAX];
    uint32_t nr;

    if (core_search == NULL || core_options.path != NULL || core_search->nr_transitions == 0)
        return;
    nr = core_path(path);
    printf("# %u actions:\n", nr);
    for (uint32_t i = 0; i < nr; i++) {
        printf("#   %u: ", i + 1);
        core_action_print(path[i]);
        printf("\n");
    }
    printf("# again: %s %s --path ", core_options.program, core_options.arguments);
    for (uint32_t i = 0; i < nr; i++)
        printf("%s%x", i == 0 ? "" : ".", path[i]);
    printf("\n");
}
