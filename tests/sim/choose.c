/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one source of randomness.
 *
 * Each stream has a splitmix64 of its own, whose every seed gives other numbers from the first on. Streams are apart so
 * that a choice more or less of one kind (a turn, a fault) leaves those of the others as they were: what the programs do
 * stays the same when the shrinker takes turns away.
 *
 * A run can instead be told its choices, one list a stream; behind a list's end all are 0. So 0 must be the least that can
 * be chosen: no interrupt, no change of turns, no fault, the mean time. sim_chance_of() and machine.c see to that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choose.h"

/* One stream. */
struct sim_choose_stream {
    uint64_t state;
    uint32_t used;              /* choices made of it */
};

static struct sim_choose_stream sim_choose_streams[SIM_NR_STREAMS];
static const struct sim_choices *sim_choose_told;
static struct sim_choices *sim_choose_record;

static const char *const sim_choose_names[SIM_NR_STREAMS] = {
    [SIM_OF_PROGRAM] = "program", [SIM_OF_TIME] = "time", [SIM_OF_TURNS] = "turns", [SIM_OF_FAULTS] = "faults",
};

void sim_choose_init(uint32_t seed)
{
    for (uint32_t i = 0; i < SIM_NR_STREAMS; i++)
        sim_choose_streams[i] = (struct sim_choose_stream){.state = ((uint64_t)i << 32 | seed) * 0x9e3779b97f4a7c15u};
}

void sim_choose_tell(const struct sim_choices *choices)
{
    sim_choose_told = choices;
}

void sim_choose_keep(struct sim_choices *record)
{
    memset(record->count, 0, sizeof(record->count));
    sim_choose_record = record;
}

static uint32_t sim_choose_next(struct sim_choose_stream *stream)
{
    uint64_t z = stream->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

/* The bias of scaling is below 2^-12 for any bound that is used: runs are to differ, not to be fair. */
uint32_t sim_choose_of(enum sim_stream which, uint32_t bound)
{
    struct sim_choose_stream *stream = &sim_choose_streams[which];
    uint32_t index = stream->used++, value;

    if (sim_choose_told == NULL)
        value = (uint32_t)(((uint64_t)sim_choose_next(stream) * bound) >> 32);
    else if (index < sim_choose_told->count[which])
        value = sim_choose_told->value[which][index] % bound;
    else
        value = 0;
    if (sim_choose_record != NULL && index < SIM_CHOICES_MAX) {
        sim_choose_record->value[which][index] = value;
        sim_choose_record->count[which] = index + 1;
    }
    return value;
}

bool sim_chance_of(enum sim_stream which, uint32_t one_in)
{
    return one_in != 0 && sim_choose_of(which, one_in) == one_in - 1;
}

uint32_t sim_choose(uint32_t bound)
{
    return sim_choose_of(SIM_OF_PROGRAM, bound);
}

bool sim_chance(uint32_t one_in)
{
    return sim_chance_of(SIM_OF_PROGRAM, one_in);
}

/* ---- files ---- */

struct sim_choices *sim_choices_create(void)
{
    struct sim_choices *choices = calloc(1, sizeof(*choices));

    if (choices == NULL) {
        printf("# no memory for choices\n");
        exit(1);
    }
    return choices;
}

uint32_t sim_choices_nr(const struct sim_choices *choices)
{
    uint32_t nr = 0;

    for (uint32_t i = 0; i < SIM_NR_STREAMS; i++) {
        for (uint32_t j = 0; j < choices->count[i]; j++)
            nr += choices->value[i][j] != 0;
    }
    return nr;
}

bool sim_choices_write(const struct sim_choices *choices, const char *name)
{
    FILE *file = fopen(name, "w");

    if (file == NULL)
        return false;
    for (uint32_t i = 0; i < SIM_NR_STREAMS; i++) {
        for (uint32_t j = 0; j < choices->count[i]; j++) {
            if (choices->value[i][j] != 0)
                fprintf(file, "%s %u %u\n", sim_choose_names[i], j, choices->value[i][j]);
        }
    }
    return fclose(file) == 0;
}

static bool sim_choices_line(struct sim_choices *choices, const char *stream, uint32_t index, uint32_t value)
{
    for (uint32_t i = 0; i < SIM_NR_STREAMS; i++) {
        if (strcmp(stream, sim_choose_names[i]) != 0 || index >= SIM_CHOICES_MAX)
            continue;
        choices->value[i][index] = value;
        if (index >= choices->count[i])
            choices->count[i] = index + 1;
        return true;
    }
    return false;
}

bool sim_choices_read(struct sim_choices *choices, const char *name)
{
    FILE *file = fopen(name, "r");
    uint32_t index, value;
    char stream[16];
    bool good = file != NULL;

    while (good && fscanf(file, "%15s %u %u\n", stream, &index, &value) == 3)
        good = sim_choices_line(choices, stream, index, value);
    if (file == NULL)
        return false;
    good = good && feof(file) && !ferror(file);
    (void)fclose(file);
    return good;
}
