/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Named, seeded random streams: the only source of chance in a run. Two streams with different names are
 * independent; a stream's values depend on (seed, name) and on how many were drawn, and on nothing else. */
#pragma once

#include <stdint.h>

typedef struct {
    uint64_t s[4]; /* xoshiro256** state (Blackman and Vigna, 2018) */
} sim_random;

void sim_random_init(sim_random *random, uint64_t seed, const char *name);
uint64_t sim_random_next(sim_random *random);
/* Uniform in [0, bound), bound > 0, without modulo bias. */
uint64_t sim_random_below(sim_random *random, uint64_t bound);
