/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state view: what a VMM and its policies can see of a processor's insides beside the EMON registers. docs/metrics.md, "State view", says
 * what each is good for. Part of the policies' ABI: fields are added at the end alone. */
#pragma once

#include "sim-emon.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint32_t lines;      /* capacity */
    uint32_t valid;      /* lines held by any owner */
    uint32_t mine;       /* lines held by the owner asked for */
    uint32_t mine_dirty; /* dirty ones of them */
    uint64_t fills;      /* since power-on, all owners */
    uint64_t writebacks; /* since power-on, all owners */
    uint64_t flushes;    /* full flushes (WBINVD) since power-on ... */
    uint64_t flushed;    /* ... and the lines that were in it then, all owners */
    uint64_t mine_writebacks; /* dirty lines of the owner asked for that left downwards, since power-on: many between two views are a burst */
} vmm_cache_view;

typedef struct {
    uint32_t entries;    /* capacity */
    uint32_t mine;       /* translations of the owner asked for */
} vmm_tlb_view;

/* Caches whose ways can be given to owners. */
typedef enum { VMM_CACHE_L2, VMM_CACHE_LLC } vmm_cache_level;

/* For the owner asked for. Ratios are in 1/1000; "recent" means since the vCPU was put on the pCPU or since the
 * last view of it, whichever is later. */
typedef struct {
    uint32_t btb_hit_permille;    /* taken branches that the BTB held, recent; 0 when there was none */
    bool in_loop;                 /* the loop detector follows a loop: the same taken backward branch, again and again */
    uint64_t loop_branch;         /* address of that branch */
    uint64_t loop_iterations;     /* so far in this loop */
    uint32_t loop_body_insns;     /* instructions per iteration, mean */
    uint64_t loop_exits;          /* loops of at least 64 iterations that ended, since power-on */
    uint64_t last_loop_iterations; /* of the loop that ended last */
    vmm_cache_view l1d, l2, llc;
    uint64_t flushes;             /* full flushes (WBINVD) seen by this core's L1D, since power-on */
    uint32_t rob_permille;        /* reorder-buffer fill, or issue queue for in-order cores */
    uint32_t drain_cycles;        /* cycles until all that is in flight has retired: what taking the guest off costs first of all */
    vmm_cache_view l1i;
    vmm_tlb_view itlb, dtlb, stlb; /* entries 0: there is none */
    uint64_t cpi_stack[SIM_CPI_COUNT]; /* recent cycles by what they went into (sim_cpi_names); the VMM's own are under `system` */
    uint64_t insns;               /* recent instructions */
    uint32_t branch_miss_permille; /* recent mispredictions of all recent branches; 0 when there was none */
    /* How warm the predictor is for this vCPU: its misprediction ratio of all its life over the recent one, 1000 at most. 1000: it predicts as well
     * as ever; 250: it mispredicts four times as often. 1000 while there have been too few branches to tell (256, of each). */
    uint32_t predictor_warmth_permille;
    uint32_t line_miss_permille;  /* recent changes of code line that the line predictor did not foresee; 0 where there is none */
    uint64_t loop_ended_iterations; /* of all loops of loop_exits, since power-on: divided by these, what a loop that has just begun is likely to take */
} vmm_view;
