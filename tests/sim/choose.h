/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choices as things: kept, told, written and read. What makes choices is in sim.h.
 */
#ifndef SIM_CHOOSE_H
#define SIM_CHOOSE_H

#include "sim.h"

/* More than any run of a scenario makes of one stream; what is beyond is not kept. */
#define SIM_CHOICES_MAX (1u << 20)

struct sim_choices {
    uint32_t count[SIM_NR_STREAMS];
    uint32_t value[SIM_NR_STREAMS][SIM_CHOICES_MAX];
};

/* All zero; ends the process when the host has no memory. */
struct sim_choices *sim_choices_create(void);
/* How many are not 0. */
uint32_t sim_choices_nr(const struct sim_choices *choices);
/* A line "STREAM INDEX VALUE" for each that is not 0. False: the file cannot be written, or read, or is none of ours. */
bool sim_choices_write(const struct sim_choices *choices, const char *name);
bool sim_choices_read(struct sim_choices *choices, const char *name);

/* From now on choices are taken from here; NULL: from the seed. */
void sim_choose_tell(const struct sim_choices *choices);
/* From now on choices are noted there too. */
void sim_choose_keep(struct sim_choices *record);

#endif
