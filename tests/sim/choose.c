/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one source of randomness: splitmix64, whose every seed gives a stream of its own from the first number on, which a
 * generator with a state of many words does only after a while.
 */
#include "sim.h"

static uint64_t sim_choose_state;

void sim_choose_init(uint32_t seed)
{
    sim_choose_state = (uint64_t)seed * 0x9e3779b97f4a7c15u;
}

static uint32_t sim_choose_next(void)
{
    uint64_t z = sim_choose_state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

/* The bias of scaling is below 2^-12 for any bound that is used: runs are to differ, not to be fair. */
uint32_t sim_choose(uint32_t bound)
{
    return (uint32_t)(((uint64_t)sim_choose_next() * bound) >> 32);
}

bool sim_chance(uint32_t one_in)
{
    return one_in != 0 && sim_choose(one_in) == 0;
}
