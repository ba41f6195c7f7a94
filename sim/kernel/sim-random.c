/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim-random.h"

#include <xxhash.h>

#include <string.h>

static uint64_t splitmix64(uint64_t *x)
{
    uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void sim_random_init(sim_random *random, uint64_t seed, const char *name)
{
    uint64_t x = XXH64(name, strlen(name), seed);
    for (int i = 0; i < 4; i++)
        random->s[i] = splitmix64(&x);
}

static inline uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t sim_random_next(sim_random *random)
{
    uint64_t *s = random->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t sim_random_below(sim_random *random, uint64_t bound)
{
    /* Lemire, "Fast random integer generation in an interval", 2019 */
    unsigned __int128 m = (unsigned __int128)sim_random_next(random) * bound;
    if ((uint64_t)m < bound) {
        uint64_t threshold = -bound % bound;
        while ((uint64_t)m < threshold)
            m = (unsigned __int128)sim_random_next(random) * bound;
    }
    return (uint64_t)(m >> 64);
}
