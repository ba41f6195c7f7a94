/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small machine whose figures the tests can reason about, and hand-made code on it. */
#pragma once

#include "cpu-core.h"

#include <check.h>

/* One `ooo` core kind: 4-wide, 64-entry reorder buffer, 10 MSHRs, L1 8 KiB/4 (4 cycles), L2 64 KiB/8 (14), L3 1 MiB/16 (40), memory 100 ns,
 * 1 GHz (a cycle is a nanosecond), 2 LPs per core. `cores` of it in one package. */
cpu_machine fixture_machine(unsigned cores, unsigned threads);

typedef struct {
    insn_code *code;
    GArray *blocks; /* uint32_t */
    GArray *addrs;  /* uint64_t */
} fixture_stream;

void fixture_stream_init(fixture_stream *s);
void fixture_stream_clear(fixture_stream *s);
/* Appends an execution of the block of `bytes` at `addr` with `n` accesses. */
void fixture_exec(fixture_stream *s, uint64_t addr, const char *hex, unsigned n, const uint64_t *accesses);
/* Runs the stream to its end on an LP; the cycles that it took. */
uint64_t fixture_run(cpu_lp *lp, cpu_space *space, const fixture_stream *s);
const cpu_block *fixture_block(fixture_stream *s, uint64_t addr, const char *hex);
/* cpu_sched_cost of decoded blocks. */
uint32_t fixture_cost(const cpu_core_desc *core, const cpu_block *pred, const cpu_block *block);
int fixture_main(Suite *suite);
