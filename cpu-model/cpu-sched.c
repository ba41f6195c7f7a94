/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-sched.h"

static void add_demand(cpu_shares *d, unsigned share, uint32_t amount)
{
    d->share[share] = (uint16_t)MIN(d->share[share] + amount, UINT16_MAX);
}

/* Spreads micro-ops over their ports: those with the fewest ports first, each to the one that has least so far. */
static void demand_of(const cpu_core_desc *core, const cpu_xblock *x, cpu_shares *d)
{
    *d = (cpu_shares){0};
    add_demand(d, CPU_SHARE_DISPATCH, x->n_slots_used * CPU_SUB / core->dispatch_width);
    for (unsigned n_ports = 1; n_ports < CPU_SHARE_DISPATCH; n_ports++)
        for (unsigned i = 0; i < x->n_uops; i++) {
            const cpu_xuop *u = &x->uops[i];
            unsigned least = CPU_SHARE_DISPATCH, ports = u->ports & ((1u << CPU_SHARE_DISPATCH) - 1);
            if ((unsigned)__builtin_popcount(ports) != n_ports || u->flags & CPU_XU_IDLE)
                continue;
            for (unsigned m = ports; m; m &= m - 1) {
                unsigned port = (unsigned)__builtin_ctz(m);
                if (least == CPU_SHARE_DISPATCH || d->share[port] < d->share[least])
                    least = port;
            }
            add_demand(d, least, MAX(u->busy, 1u) * CPU_SUB);
        }
}

cpu_sched_code *cpu_sched_compile(const cpu_core_desc *core, const cpu_block *block)
{
    cpu_sched_code *c = g_new0(cpu_sched_code, 1);
    cpu_xblock *x = cpu_uarch_expand(core, block);
    c->core = core;
    c->n_slots = x->n_slots_used;
    demand_of(core, x, &c->demand);
    if (core->pipeline == CPU_PIPELINE_OOO)
        c->pipe = cpu_pipe_compile(core, x);
    else
        c->inorder = cpu_inorder_compile(core, x);
    if (core->pipeline == CPU_PIPELINE_OOO)
        c->ooo = cpu_ooo_compile(core, x, core->timing == CPU_TIMING_WINDOW);
    cpu_xblock_free(x);
    return c;
}

void cpu_sched_free(cpu_sched_code *c)
{
    if (!c)
        return;
    if (c->pipe)
        cpu_pipe_code_free(c->pipe);
    if (c->inorder)
        cpu_inorder_code_free(c->inorder);
    g_free(c->ooo);
    g_free(c);
}

uint32_t cpu_sched_cost(const cpu_sched_code *pred, const cpu_sched_code *block)
{
    if (block->pipe)
        return cpu_pipe_cost(block->core, pred ? pred->pipe : NULL, block->pipe);
    return cpu_inorder_cost(block->core, pred ? pred->inorder : NULL, block->inorder);
}
