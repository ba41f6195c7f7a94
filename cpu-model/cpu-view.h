/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state view: what a VMM may see of a core's insides beside the EMON registers. See vmm/vmm-view.h for the meaning of the fields. */
#pragma once

#include "cpu-emon.h"
#include "cpu-predict.h"

typedef struct {
    uint32_t lines, valid, mine, mine_dirty;
    uint64_t fills, writebacks, flushes, flushed, mine_writebacks;
} cpu_cache_view;

typedef struct {
    uint32_t entries, mine;
} cpu_tlb_view;

typedef struct {
    uint64_t counts[SIM_EV_COUNT]; /* since power-on */
    cpu_loop loop;
    cpu_cache_view l1i, l1d, l2, llc;
    cpu_tlb_view itlb, dtlb, stlb;
    uint32_t rob_permille, drain_cycles;
} cpu_view;

/* As `owner` sees the core of the LP. Looks through the TLBs; all else is kept up to date anyhow. */
void cpu_lp_view(const cpu_lp *lp, uint16_t owner, cpu_view *view);
