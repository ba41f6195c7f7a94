/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simulated time, and the exact conversion between it and the cycles of a clock domain. */
#pragma once

#include <stdint.h>

/* Simulated time or a span of it, in picoseconds; 2^64 ps are 213 days. */
typedef uint64_t sim_ps;

#define SIM_PS_NEVER UINT64_MAX
#define SIM_PS_PER_NS UINT64_C(1000)
#define SIM_PS_PER_US UINT64_C(1000000)
#define SIM_PS_PER_MS UINT64_C(1000000000)
#define SIM_PS_PER_S UINT64_C(1000000000000)

/* Start of cycle `cycles` of a clock of `hz` (1 Hz to 100 GHz): floor(cycles * 10^12 / hz). Exact. */
static inline sim_ps sim_cycles_to_ps(uint64_t cycles, uint64_t hz)
{
    return (sim_ps)((unsigned __int128)cycles * SIM_PS_PER_S / hz);
}

/* The least number of cycles whose start is not before `ps`: ceil(ps * hz / 10^12). Exact; inverse of
 * sim_cycles_to_ps in the sense that sim_ps_to_cycles(sim_cycles_to_ps(c, hz), hz) <= c. */
static inline uint64_t sim_ps_to_cycles(sim_ps ps, uint64_t hz)
{
    return (uint64_t)(((unsigned __int128)ps * hz + (SIM_PS_PER_S - 1)) / SIM_PS_PER_S);
}
