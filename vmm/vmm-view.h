/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state view: what a VMM and its policies can see of a processor's insides beside the EMON registers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* For the owner asked for. Ratios are in 1/1000; "recent" means since the vCPU was put on the pCPU or since the
 * last view of it, whichever is later. */
typedef struct {
    uint32_t btb_hit_permille;    /* taken branches that the BTB held, recent */
    bool in_loop;                 /* the loop detector follows a loop: the same taken backward branch, again and again */
    uint64_t loop_branch;         /* address of that branch */
    uint64_t loop_iterations;     /* so far in this loop */
    uint32_t loop_body_insns;     /* instructions per iteration, mean */
    uint64_t loop_exits;          /* loops of at least 64 iterations that ended, since power-on */
    uint64_t last_loop_iterations; /* of the loop that ended last */
    struct {
        uint32_t lines;           /* capacity */
        uint32_t valid;           /* lines held by any owner */
        uint32_t mine;            /* lines held by the owner asked for */
        uint32_t mine_dirty;      /* dirty ones of them */
        uint64_t fills;           /* since power-on, all owners */
        uint64_t writebacks;      /* since power-on, all owners */
    } l1d, l2, llc;
    uint64_t flushes;             /* full flushes (WBINVD) seen by this core's L1D, since power-on */
    uint32_t rob_permille;        /* reorder-buffer fill, or issue queue for in-order cores */
    uint32_t drain_cycles;        /* cycles until all that is in flight has retired */
} vmm_view;
