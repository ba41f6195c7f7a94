/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scheduler follows micro-ops through dispatch, issue to a free unit of their class, completion and in-order
 * retirement: in an `ooo` core a micro-op issues when its sources are ready and a unit is free; in an `inorder` core
 * additionally not before its predecessor issued. Left out: unequal ports within a class, retirement width,
 * write-back conflicts, fetch and decode limits. */
#include "cpu-sched.h"

#include <string.h>

enum { HORIZON = 4096, MAX_ROB = 4096, MIN_ROUNDS = 8, MAX_ROUNDS = 24, ROUND_UOPS = 400 };

typedef struct {
    const cpu_core_desc *core;
    uint64_t ready[CPU_REG_COUNT];
    uint8_t used[CPU_N_RES][HORIZON]; /* units in use per cycle, a ring */
    uint64_t used_at[CPU_N_RES][HORIZON]; /* the cycle that the ring's place stands for, + 1 */
    uint64_t retired[MAX_ROB]; /* ring: when the micro-op that many places ago left the buffer */
    uint64_t n, dispatch, last_issue, last_retire;
    uint32_t in_dispatch, in_issue;
} sched;

static uint64_t take_unit(sched *s, cpu_resource res, uint64_t at, uint32_t busy)
{
    uint32_t units = s->core->units[res];
    for (;;) {
        uint64_t place = at % HORIZON;
        if (s->used_at[res][place] != at + 1) {
            s->used_at[res][place] = at + 1;
            s->used[res][place] = 0;
        }
        if (s->used[res][place] < units)
            break;
        at++;
    }
    /* A unit that is not pipelined stays taken. */
    for (uint32_t k = 0; k < busy && k < HORIZON / 2; k++) {
        uint64_t place = (at + k) % HORIZON;
        if (s->used_at[res][place] != at + k + 1) {
            s->used_at[res][place] = at + k + 1;
            s->used[res][place] = 0;
        }
        s->used[res][place]++;
    }
    return at;
}

static void run_uop(sched *s, const cpu_uop *u)
{
    const cpu_core_desc *k = s->core;
    bool inorder = k->pipeline == CPU_PIPELINE_INORDER;
    uint64_t d = s->dispatch;
    if (s->in_dispatch == k->dispatch_width) {
        d++;
        s->in_dispatch = 0;
    }
    if (s->n >= k->rob && s->retired[(s->n - k->rob) % MAX_ROB] > d) {
        d = s->retired[(s->n - k->rob) % MAX_ROB];
        s->in_dispatch = 0;
    }
    if (d != s->dispatch)
        s->in_dispatch = 0;
    s->dispatch = d;
    s->in_dispatch++;

    uint64_t issue = d;
    for (uint64_t m = u->reads; m; m &= m - 1) {
        uint64_t t = s->ready[__builtin_ctzll(m)];
        /* A store's data may come late: it only has to be there to complete. Addresses count with it here. */
        issue = MAX(issue, t);
    }
    if (inorder && issue < s->last_issue)
        issue = s->last_issue;
    if (inorder && issue == s->last_issue && s->in_issue >= k->dispatch_width)
        issue++;
    issue = take_unit(s, (cpu_resource)u->res, issue, u->res == CPU_RES_DIV && u->kind == CPU_UOP_EXEC ? k->div_busy : 1);
    if (issue != s->last_issue)
        s->in_issue = 0;
    s->in_issue++;
    s->last_issue = issue;
    if (inorder && s->dispatch < issue) {
        s->dispatch = issue;
        s->in_dispatch = s->in_issue;
    }
    uint64_t done = issue + k->latency[u->res] + (uint64_t)u->extra;
    for (uint64_t m = u->writes; m; m &= m - 1)
        s->ready[__builtin_ctzll(m)] = done;
    s->last_retire = MAX(s->last_retire, done);
    s->retired[s->n % MAX_ROB] = s->last_retire;
    s->n++;
}

/* Runs a block; returns when its last micro-op has retired. */
static uint64_t run_block(sched *s, const cpu_block *b)
{
    unsigned insn = UINT_MAX;
    for (unsigned i = 0; i < b->n_uops; i++) {
        if (b->uops[i].insn != insn) {
            insn = b->uops[i].insn;
            memset(s->ready + CPU_REG_TEMP, 0, (CPU_REG_COUNT - CPU_REG_TEMP) * sizeof *s->ready);
        }
        run_uop(s, &b->uops[i]);
    }
    return MAX(s->last_retire, s->dispatch);
}

uint32_t cpu_sched_cost(const cpu_core_desc *core, const cpu_block *pred, const cpu_block *block)
{
    /* The scratch is large; one per thread. */
    static _Thread_local sched *scratch;
    static GPrivate owner = G_PRIVATE_INIT(g_free); /* frees it when the thread ends */
    if (!scratch) {
        scratch = g_new(sched, 1);
        g_private_set(&owner, scratch);
    }
    sched *s = scratch;
    memset(s, 0, offsetof(sched, used));
    memset(s->used_at, 0, sizeof s->used_at);
    s->n = s->dispatch = s->last_issue = s->last_retire = 0;
    s->in_dispatch = s->in_issue = 0;
    s->core = core;
    if (block->n_uops == 0)
        return 0;
    if (!pred)
        return (block->n_uops * CPU_SUB + core->dispatch_width - 1) / core->dispatch_width;

    bool self = pred == block;
    unsigned per_round = block->n_uops + (self ? 0u : pred->n_uops);
    unsigned rounds = CLAMP(ROUND_UOPS / MAX(per_round, 1), MIN_ROUNDS, MAX_ROUNDS);
    uint64_t sum = 0, counted = 0, last = 0;
    for (unsigned r = 0; r < rounds; r++) {
        if (!self)
            last = run_block(s, pred);
        uint64_t end = run_block(s, block);
        if (r >= rounds / 2) {
            sum += end - last;
            counted++;
        }
        last = end;
    }
    uint64_t cost = (sum * CPU_SUB + counted / 2) / counted;
    uint64_t floor_cost = (block->n_uops * CPU_SUB + core->dispatch_width - 1) / core->dispatch_width;
    /* Micro-ops that retire together with the predecessor's still took their dispatch slots. */
    return (uint32_t)MIN(MAX(cost, floor_cost), 1u << 20);
}

void cpu_sched_demand(const cpu_core_desc *core, const cpu_block *block, cpu_shares *out)
{
    static const uint8_t share_of[CPU_N_RES] = {
        [CPU_RES_ALU] = CPU_SHARE_ALU, [CPU_RES_BRANCH] = CPU_SHARE_BRANCH, [CPU_RES_SHIFT] = CPU_SHARE_SHIFT, [CPU_RES_LEA] = CPU_SHARE_SHIFT,
        [CPU_RES_MUL] = CPU_SHARE_MUL, [CPU_RES_DIV] = CPU_SHARE_MUL, [CPU_RES_LOAD] = CPU_SHARE_LOAD, [CPU_RES_STORE] = CPU_SHARE_STORE,
        [CPU_RES_FP_ADD] = CPU_SHARE_FP, [CPU_RES_FP_MUL] = CPU_SHARE_FP, [CPU_RES_VEC] = CPU_SHARE_FP, [CPU_RES_SHUFFLE] = CPU_SHARE_FP};
    uint32_t sum[CPU_N_RES] = {0};
    for (unsigned i = 0; i < block->n_uops; i++) {
        const cpu_uop *u = &block->uops[i];
        uint32_t busy = u->res == CPU_RES_DIV && u->kind == CPU_UOP_EXEC ? core->div_busy : 1;
        sum[u->res] += busy * CPU_SUB / core->units[u->res];
    }
    *out = (cpu_shares){.share = {[CPU_SHARE_DISPATCH] = block->n_uops * CPU_SUB / core->dispatch_width}};
    for (unsigned r = 0; r < CPU_N_RES; r++)
        out->share[share_of[r]] = MAX(out->share[share_of[r]], sum[r]);
}
