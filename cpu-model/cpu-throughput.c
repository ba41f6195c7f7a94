/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-throughput.h"

/* Ports of each micro-op while it is traced. */
static _Thread_local uint32_t (*traced)[CPU_MAX_PORTS];
static _Thread_local const void *traced_first;
#define CPU_PIPE_ISSUED(pipe, uop, port, at, done) ((void)(traced && (traced[(uop) - (const cpu_xuop *)traced_first][port]++, 0)))
#include "cpu-pipe-run.h"
#include "cpu-inorder-run.h"

#include <string.h>

/* Iterations before measuring and while measuring: enough to fill the reorder buffer, and a multiple of 16, so that copies one behind the other have lain
 * at every place of a fetch block. */
enum { WARM_UOPS = 600, MEASURE_UOPS = 1600, PERIOD = 16, MAX_PERIODS = 64 };

static uint64_t iterations(uint64_t uops, unsigned per_iteration)
{
    uint64_t periods = uops / ((uint64_t)MAX(per_iteration, 1) * PERIOD) + 1;
    return PERIOD * MIN(periods, MAX_PERIODS);
}

static cpu_bound find_bound(const cpu_core_desc *core, const cpu_pipe *p, const uint64_t *lost_before, cpu_throughput *out, double cycles, double n)
{
    double slots = cycles * core->dispatch_width, lost[CPU_PIPE_N_LOST], front = 0, back = 0;
    for (unsigned i = 0; i < CPU_PIPE_N_LOST; i++) {
        lost[i] = (double)(p->lost[i] - lost_before[i]);
        if (i <= CPU_PIPE_LOST_UOP_CACHE)
            front += lost[i];
        else if (i != CPU_PIPE_LOST_GROUP)
            back += lost[i];
    }
    double most = 0;
    for (unsigned port = 0; port < CPU_MAX_PORTS; port++)
        if (out->ports[port] > most) {
            most = out->ports[port];
            out->bound_port = port;
        }
    if (front + back < slots / 16)
        return CPU_BOUND_WIDTH;
    if (out->divider * n >= cycles * 0.9)
        return CPU_BOUND_DIVIDER;
    if (most * n >= cycles * 0.95)
        return CPU_BOUND_PORT;
    if (front >= back) {
        if (lost[CPU_PIPE_LOST_UOP_CACHE] * 2 > front)
            return CPU_BOUND_UOP_CACHE;
        return lost[CPU_PIPE_LOST_DECODE] > lost[CPU_PIPE_LOST_PREDECODE] ? CPU_BOUND_DECODE : CPU_BOUND_PREDECODE;
    }
    if (most * n >= cycles * 0.9)
        return CPU_BOUND_PORT;
    return lost[CPU_PIPE_LOST_LOADS] + lost[CPU_PIPE_LOST_STORES] > back / 2 ? CPU_BOUND_BUFFERS : CPU_BOUND_LATENCY;
}

static void measure_ooo(const cpu_core_desc *core, const cpu_xblock *block, bool loop, cpu_throughput *out, cpu_throughput_uop *uops)
{
    cpu_pipe *p = cpu_pipe_scratch(core);
    cpu_pipe_code *code = cpu_pipe_compile(core, block);
    uint64_t warm = iterations(WARM_UOPS, block->n_uops), n = iterations(MEASURE_UOPS, block->n_uops), addr = code->addr, begin = 0;
    uint64_t issued[CPU_PIPE_PORTS + 1], lost[CPU_PIPE_N_LOST];
    p->legacy_only = !loop;
    if (uops) {
        traced = g_malloc0_n(MAX(block->n_uops, 1), sizeof *traced);
        traced_first = code->uops;
    }
    for (uint64_t i = 0; i < warm + n; i++) {
        if (i == warm) {
            begin = p->retired_at;
            memcpy(issued, p->issued, sizeof issued);
            memcpy(lost, p->lost, sizeof lost);
            if (uops)
                memset(traced, 0, block->n_uops * sizeof *traced);
        }
        cpu_pipe_block(p, code, addr);
        if (!loop)
            addr += code->bytes;
    }
    double cycles = (double)(p->retired_at - begin);
    out->cycles = cycles / (double)n;
    out->slots = code->n_slots;
    for (unsigned port = 0; port < CPU_MAX_PORTS; port++) {
        out->ports[port] = (double)(p->issued[port] - issued[port]) / (double)n;
        out->uops += out->ports[port];
    }
    out->divider = (double)(p->issued[CPU_PIPE_PORTS] - issued[CPU_PIPE_PORTS]) / (double)n;
    out->bound = find_bound(core, p, lost, out, cycles, (double)n);
    for (unsigned i = 0; uops && i < block->n_uops; i++) {
        uint64_t all = 0;
        for (unsigned port = 0; port < CPU_MAX_PORTS; port++) {
            all += traced[i][port];
            uops[i].ports[port] = (float)traced[i][port] / (float)n;
        }
        uops[i].eliminated = block->uops[i].flags & CPU_XU_MOVE && 2 * all < n;
    }
    g_clear_pointer((void **)&traced, g_free);
    cpu_pipe_code_free(code);
}

static void measure_inorder(const cpu_core_desc *core, const cpu_xblock *block, cpu_throughput *out)
{
    cpu_inorder_code *code = cpu_inorder_compile(core, block);
    out->cycles = cpu_inorder_cost(core, code, code) / 64.0;
    out->slots = block->n_slots_used;
    double most = 0;
    for (unsigned i = 0; i < block->n_uops; i++) {
        const cpu_xuop *u = &block->uops[i];
        unsigned n = (unsigned)__builtin_popcount(u->ports);
        for (unsigned m = u->ports; m; m &= m - 1)
            out->ports[__builtin_ctz(m)] += 1.0 / n;
        out->uops += n > 0;
        out->divider += u->kind == CPU_XK_EXEC && u->busy > 1 ? u->busy : 0;
    }
    for (unsigned port = 0; port < CPU_MAX_PORTS; port++)
        if (out->ports[port] > most) {
            most = out->ports[port];
            out->bound_port = port;
        }
    out->bound = out->divider >= out->cycles * 0.9 ? CPU_BOUND_DIVIDER : most >= out->cycles * 0.9 ? CPU_BOUND_PORT :
        out->slots >= out->cycles * core->dispatch_width * 0.95 ? CPU_BOUND_WIDTH : CPU_BOUND_LATENCY;
    cpu_inorder_code_free(code);
}

void cpu_throughput_measure(const cpu_core_desc *core, const cpu_xblock *block, cpu_repeat repeat, cpu_throughput *out, cpu_throughput_uop *uops)
{
    bool branch = block->branch != CPU_BR_NONE && block->branch != CPU_BR_REP;
    *out = (cpu_throughput){.looped = repeat == CPU_REPEAT_LOOP || (repeat == CPU_REPEAT_AUTO && branch)};
    for (unsigned i = 0; i < block->n_insns; i++)
        out->unknown += block->insns[i].flags & CPU_XI_UNKNOWN ? 1 : 0;
    if (core->pipeline == CPU_PIPELINE_OOO)
        measure_ooo(core, block, out->looped, out, uops);
    else
        measure_inorder(core, block, out);
}

char *cpu_throughput_bound_text(const cpu_throughput *t)
{
    static const char *const names[] = {
        [CPU_BOUND_PREDECODE] = "predecode", [CPU_BOUND_DECODE] = "decode", [CPU_BOUND_UOP_CACHE] = "micro-op cache", [CPU_BOUND_WIDTH] = "rename width",
        [CPU_BOUND_DIVIDER] = "divider", [CPU_BOUND_BUFFERS] = "load and store buffers", [CPU_BOUND_LATENCY] = "dependence chain"};
    return t->bound == CPU_BOUND_PORT ? g_strdup_printf("port %u", t->bound_port) : g_strdup(names[t->bound]);
}

uint16_t cpu_throughput_ports(const cpu_core_desc *core, const cpu_xblock *block)
{
    uint16_t ports = 0, of_class[CPU_N_RES];
    cpu_core_ports(core, of_class);
    if (core->instructions == CPU_INSTRUCTIONS_CLASSES)
        for (unsigned i = 0; i < CPU_N_RES; i++)
            ports |= of_class[i];
    else
        ports = core->pipe.binding == CPU_BIND_INTEL6 ? 0x3f : 0xff;
    for (unsigned i = 0; i < block->n_uops; i++)
        ports |= block->uops[i].ports;
    return ports;
}
