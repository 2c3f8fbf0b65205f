/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shrinker: delta debugging over a run's choices.
 *
 * The failing run's choices are kept; then runs are told fewer, or smaller ones, and what still fails in the same way is
 * kept in place of what it was made from. In turn: the end of a stream is cut off; blocks of it, first all, then by halves
 * down to few choices, are set to 0, or taken out, so that what follows moves up; what is left is lowered. All over again
 * until nothing gets less, or the time is over.
 *
 * The same way is the same first line that says what failed, numbers apart. A run that was told its choices keeps what it
 * really used, which cuts off what it did not come to.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "drive.h"

/* Seconds of the host's. */
#define SIM_SHRINK_TIME 120
#define SIM_KIND_SIZE 200u
/* The smallest blocks: these parts of a stream. */
#define SIM_SHRINK_PARTS 1024u
#define SIM_SHRINK_TIME_PARTS 32u

static struct {
    const struct sim_scenario *scenario;
    uint32_t seed;
    struct sim_choices *best;       /* the shortest so far that fails so */
    struct sim_choices *trial;      /* what the next run is told */
    struct sim_choices *used;       /* what it used; shared with the run's process */
    char kind[SIM_KIND_SIZE];       /* how the run fails */
    FILE *file;
    uint32_t runs, events;          /* events: of the best run */
    time_t end;
} sim_shrinking;

/* ---- one trial ---- */

/* But for the zeros at the end, which say nothing. */
static void sim_choices_copy(struct sim_choices *to, const struct sim_choices *from)
{
    for (uint32_t i = 0; i < SIM_NR_STREAMS; i++) {
        uint32_t count = from->count[i];

        while (count > 0 && from->value[i][count - 1] == 0)
            count--;
        to->count[i] = count;
        memcpy(to->value[i], from->value[i], from->count[i] * sizeof(to->value[i][0]));
    }
}

/* The length of the number that text begins with. */
static size_t sim_shrink_number(const char *text)
{
    if (text[0] == '0' && text[1] == 'x')
        return 2 + strspn(text + 2, "0123456789abcdef");
    return strspn(text, "0123456789");
}

/* Takes the numbers out of a line, but those of lines in files, which name the check. */
static void sim_shrink_clean(char *line)
{
    char *to = line, *from = line;

    while (*from != '\0' && *from != '\n') {
        size_t size = sim_shrink_number(from);
        bool place = to - line >= 3 && memcmp(to - 3, ".c:", 3) == 0;

        if (size == 0 || place) {
            size = MAX(size, (size_t)1);
            memmove(to, from, size);
            to += size;
        } else {
            *to++ = '#';
        }
        from += size;
    }
    *to = '\0';
}

/* How the run failed that wrote the file; empty: it says nothing of it. */
static void sim_shrink_kind(FILE *file, char *kind)
{
    static const char *const marks[] = {"FAILED: ", "ERROR: AddressSanitizer: ", "runtime error: "};
    char line[SIM_KIND_SIZE];

    *kind = '\0';
    rewind(file);
    while (*kind == '\0' && fgets(line, sizeof(line), file) != NULL) {
        for (unsigned int i = 0; i < ARRAY_LENGTH(marks); i++) {
            const char *found = strstr(line, marks[i]);

            if (found == NULL)
                continue;
            strcpy(kind, found);
            sim_shrink_clean(kind);
            break;
        }
    }
}

/* Runs with the trial's choices; when it fails in the same way, what it used is the best. */
static bool sim_shrink_try(void)
{
    char kind[SIM_KIND_SIZE];

    sim_shrinking.runs++;
    sim_choose_tell(sim_shrinking.trial);
    sim_choose_keep(sim_shrinking.used);
    if (sim_try(sim_shrinking.scenario, sim_shrinking.seed, sim_shrinking.file))
        return false;
    sim_shrink_kind(sim_shrinking.file, kind);
    if (strcmp(kind, sim_shrinking.kind) != 0)
        return false;
    sim_choices_copy(sim_shrinking.best, sim_shrinking.used);
    sim_shrinking.events = sim_counts->events;
    return true;
}

static bool sim_shrink_over(void)
{
    return time(NULL) >= sim_shrinking.end;
}

/* ---- ways to make it less ---- */

static bool sim_shrink_cut(uint32_t stream, uint32_t count)
{
    if (count >= sim_shrinking.best->count[stream] || sim_shrink_over())
        return false;
    sim_choices_copy(sim_shrinking.trial, sim_shrinking.best);
    sim_shrinking.trial->count[stream] = count;
    return sim_shrink_try();
}

/* Cuts the stream's end off, more and more of it. */
static void sim_shrink_end(uint32_t stream)
{
    uint32_t low = 0;

    if (sim_shrink_cut(stream, 0))
        return;
    while (low + 1 < sim_shrinking.best->count[stream]) {
        uint32_t middle = low + (sim_shrinking.best->count[stream] - low) / 2;

        if (!sim_shrink_cut(stream, middle))
            low = middle;
        if (sim_shrink_over())
            return;
    }
}

static bool sim_shrink_all_zero(uint32_t stream, uint32_t at, uint32_t size)
{
    const struct sim_choices *best = sim_shrinking.best;

    for (uint32_t i = at; i < at + size; i++) {
        if (best->value[stream][i] != 0)
            return false;
    }
    return true;
}

static bool sim_shrink_zero(uint32_t stream, uint32_t at, uint32_t size)
{
    if (sim_shrink_all_zero(stream, at, size))
        return false;
    sim_choices_copy(sim_shrinking.trial, sim_shrinking.best);
    memset(&sim_shrinking.trial->value[stream][at], 0, size * sizeof(uint32_t));
    return sim_shrink_try();
}

static bool sim_shrink_remove(uint32_t stream, uint32_t at, uint32_t size)
{
    struct sim_choices *trial = sim_shrinking.trial;

    sim_choices_copy(trial, sim_shrinking.best);
    trial->count[stream] -= size;
    memmove(&trial->value[stream][at], &trial->value[stream][at + size], (trial->count[stream] - at) * sizeof(uint32_t));
    return sim_shrink_try();
}

/* Blocks of the stream, from the end, because what is removed there leaves the most of the run as it was. */
static bool sim_shrink_blocks(uint32_t stream, bool (*less)(uint32_t stream, uint32_t at, uint32_t size), uint32_t size)
{
    bool any = false;

    for (uint32_t at = sim_shrinking.best->count[stream]; at > 0 && !sim_shrink_over();) {
        at = MIN(at, sim_shrinking.best->count[stream]);
        uint32_t part = MIN(size, at);
        at -= part;
        if (part > 0)
            any = less(stream, at, part) || any;
    }
    return any;
}

static bool sim_shrink_lower(uint32_t stream)
{
    bool any = false;

    for (uint32_t at = 0; at < sim_shrinking.best->count[stream] && !sim_shrink_over(); at++) {
        uint32_t value = sim_shrinking.best->value[stream][at];

        while (value > 1 && !sim_shrink_over()) {
            sim_choices_copy(sim_shrinking.trial, sim_shrinking.best);
            sim_shrinking.trial->value[stream][at] = value / 2;
            if (!sim_shrink_try() || at >= sim_shrinking.best->count[stream])
                break;
            any = true;
            value = sim_shrinking.best->value[stream][at];
        }
    }
    return any;
}

/* All streams by blocks, a stream in so many. Steps of time mean nothing by their order, and singly nothing at all. */
static bool sim_shrink_parts(uint32_t parts)
{
    bool any = false;

    for (uint32_t i = 0; i < SIM_NR_STREAMS; i++) {
        uint32_t size = (sim_shrinking.best->count[i] + parts - 1) / parts;

        if (size == 0 || (i == SIM_OF_TIME && parts > SIM_SHRINK_TIME_PARTS))
            continue;
        any = sim_shrink_blocks(i, sim_shrink_zero, size) || any;
        if (i != SIM_OF_TIME)
            any = sim_shrink_blocks(i, sim_shrink_remove, size) || any;
    }
    return any;
}

/* Large parts of all streams before small ones of any: each part that goes makes all runs after it shorter. */
static void sim_shrink_all(void)
{
    bool any = true;

    while (any && !sim_shrink_over()) {
        any = false;
        for (uint32_t parts = 1; parts <= SIM_SHRINK_PARTS && !sim_shrink_over(); parts *= 2) {
            for (uint32_t i = SIM_NR_STREAMS; i-- > 0;)
                sim_shrink_end(i);
            any = sim_shrink_parts(parts) || any;
        }
        any = sim_shrink_lower(SIM_OF_PROGRAM) || any;
    }
}

/* ---- the whole ---- */

/* The failing run as it was found: its choices, and how it fails. */
static bool sim_shrink_first(void)
{
    sim_choose_keep(sim_shrinking.used);
    if (sim_try(sim_shrinking.scenario, sim_shrinking.seed, sim_shrinking.file)) {
        printf("# seed %u runs well\n", sim_shrinking.seed);
        return false;
    }
    sim_show(sim_shrinking.file);
    sim_shrink_kind(sim_shrinking.file, sim_shrinking.kind);
    sim_run.told = true;
    sim_run.points_most = 2 * sim_counts->points + 10000;
    sim_choices_copy(sim_shrinking.trial, sim_shrinking.used);
    if (sim_shrinking.kind[0] == '\0' || !sim_shrink_try()) {
        printf("# its choices alone do not make it fail again\n");
        return false;
    }
    return true;
}

int sim_shrink(const struct sim_scenario *scenario, uint32_t seed)
{
    size_t size = sizeof(struct sim_choices) + PAGE_SIZE;
    char *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t events, choices;

    sim_shrinking.file = tmpfile();
    if (shared == MAP_FAILED || sim_shrinking.file == NULL)
        return 1;
    sim_counts = (struct sim_counts *)(void *)shared;
    sim_shrinking.used = (struct sim_choices *)(void *)(shared + PAGE_SIZE);
    sim_shrinking.best = sim_choices_create();
    sim_shrinking.trial = sim_choices_create();
    sim_shrinking.scenario = scenario;
    sim_shrinking.seed = seed;
    sim_shrinking.end = time(NULL) + SIM_SHRINK_TIME;
    if (!sim_shrink_first())
        return 1;
    events = sim_shrinking.events;
    choices = sim_choices_nr(sim_shrinking.best);
    sim_shrink_all();
    if (!sim_choices_write(sim_shrinking.best, sim_options.shrink)) {
        printf("# %s: cannot be written\n", sim_options.shrink);
        return 1;
    }
    printf("# %s\n# %u events and %u choices; shortened by %u runs to %u events and %u choices\n"
           "# again: %s --scenario %s --seed %u --replay %s\n", sim_shrinking.kind, events, choices, sim_shrinking.runs,
           sim_shrinking.events, sim_choices_nr(sim_shrinking.best), sim_options.program, scenario->name, seed,
           sim_options.shrink);
    return 0;
}
