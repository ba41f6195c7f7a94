/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A block's steady-state cost through the pipeline. */
#include "cpu-pipe-run.h"
#include "cpu-sched.h"

/* The alternation is played until the reorder buffer has been filled, then measured over as many micro-ops. */
enum { WARM_UOPS = 300, MEASURE_UOPS = 500, MIN_ROUNDS = 4, MAX_ROUNDS = 24 };

/* The time of `block` in the alternation, summed over `measure` rounds; `first`: it begins with `block`. */
static uint64_t play(const cpu_core_desc *core, const cpu_pipe_code *pred, const cpu_pipe_code *block, bool first, unsigned warm, unsigned measure)
{
    cpu_pipe *p = cpu_pipe_scratch(core);
    uint64_t sum = 0, last = first ? cpu_pipe_block(p, block, block->addr) : 0;
    for (unsigned r = 0; r < warm + measure; r++) {
        if (pred != block)
            last = cpu_pipe_block(p, pred, pred->addr);
        uint64_t end = cpu_pipe_block(p, block, block->addr);
        sum += r >= warm ? end - last : 0;
        last = end;
    }
    return sum;
}

uint32_t cpu_pipe_cost(const cpu_core_desc *core, const cpu_pipe_code *pred, const cpu_pipe_code *block)
{
    if (block->n_slots == 0 || !pred)
        return (block->n_slots * CPU_SUB + core->dispatch_width - 1) / core->dispatch_width;
    bool self = pred == block;
    unsigned per_round = MAX(block->n_uops + (self ? 0u : pred->n_uops), 1);
    unsigned warm = CLAMP(WARM_UOPS / per_round, MIN_ROUNDS, MAX_ROUNDS), measure = CLAMP(MEASURE_UOPS / per_round, MIN_ROUNDS, MAX_ROUNDS);
    uint64_t sum = play(core, pred, block, false, warm, measure);
    /* Which of two blocks that run side by side retires with the other depends on which came first: half of each, so that the costs of both pairs
     * of an alternation are its period. */
    if (!self)
        sum = (sum + play(core, pred, block, true, warm, measure)) / 2;
    return (uint32_t)MIN((sum * CPU_SUB + measure / 2) / measure, 1u << 20);
}
