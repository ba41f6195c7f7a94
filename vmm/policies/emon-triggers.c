/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emon-triggers.h"

#include <glib.h>

const int emon_trigger_events[EMON_N_EVENTS] = {
    [EMON_L1D_MISSES] = SIM_EV_L1D_LOAD_MISSES,
    [EMON_L1I_MISSES] = SIM_EV_L1I_MISSES,
    [EMON_L1D_WRITEBACKS] = SIM_EV_L1D_WRITEBACKS,
    [EMON_L1D_ACCESSES] = SIM_EV_L1D_LOADS,
};

/* Lines that were written back in the interval: by the EMON register, or where that was not its turn by the view (which
 * counts the sibling logical processors' too). */
static uint64_t written_back(const vmm_smu_sample *s)
{
    return s->fresh >> EMON_L1D_WRITEBACKS & 1 ? s->count[EMON_L1D_WRITEBACKS] : s->writebacks;
}

/* A flush writes lines back without filling others; an eviction fills a line for each that it writes back. WBINVD is
 * reported by itself, since the guest may have refilled the cache before the sample. */
static bool is_flushed(const vmm_smu_sample *s, const emon_thresholds *limits)
{
    if (s->flushes)
        return true;
    uint64_t before = s->dirty_before, after = s->view.l1d.mine_dirty;
    if (before * 1000 < (uint64_t)limits->flush_dirty_permille * s->view.l1d.lines ||
        after * 1000 > before * limits->flush_left_permille)
        return false;
    uint64_t gone = before - after;
    return written_back(s) * 10 >= gone * 8 && s->fills * 2 <= gone;
}

static void update(emon_state *state, const emon_thresholds *limits, bool strict, bool lax)
{
    if (state->on) {
        state->on = lax;
        state->streak = 0;
    } else {
        state->streak = strict ? state->streak + 1 : 0;
        state->on = state->streak >= limits->confirm;
    }
}

/* At most `limit`, raised by `slack` thousandths. */
static bool at_most(uint64_t value, uint64_t limit, uint32_t slack)
{
    return value != UINT64_MAX && value <= limit + limit * slack / 1000;
}

/* At least `limit`, lowered by `slack` thousandths. */
static bool at_least(uint64_t value, uint64_t limit, uint32_t slack)
{
    return value >= limit - limit * MIN(slack, 1000) / 1000;
}

/* Loops that are nested take turns in the detector: what counts is that the same branch is seen again and again. */
static bool goes_on(const emon_tracker *t, const emon_thresholds *limits)
{
    return t->branch && (t->samples >= limits->loop_samples || t->iterations >= limits->loop_iterations);
}

static bool is_long(const emon_tracker *t, const emon_thresholds *limits)
{
    return t->branch && (t->solid >= limits->loop_samples || t->iterations >= limits->loop_iterations);
}

static uint32_t btb_misses(const vmm_smu_sample *s)
{
    return s->view.btb_hit_permille < 1000 ? 1000 - s->view.btb_hit_permille : 0;
}

static uint32_t btb_misses_allowed(const emon_thresholds *limits)
{
    return 1000 - MIN(limits->loop_btb_permille, 1000);
}

/* The BTB hit rate's slack is taken of the misses allowed: 990 of 1000 with a slack of 200 of 1000 becomes 988. */
static bool is_tight(const emon_tracker *t, const vmm_smu_sample *s, const emon_thresholds *limits, uint32_t slack)
{
    return goes_on(t, limits) && at_most(s->view.loop_body_insns, limits->loop_body, slack) &&
           at_most(btb_misses(s), btb_misses_allowed(limits), slack) &&
           at_most(s->rate[EMON_L1I_MISSES], limits->loop_l1i_rate, slack) &&
           at_most(s->rate[EMON_L1D_MISSES], limits->loop_l1d_rate, slack);
}

/* Full of the VM's lines; few misses; loads enough to have gone through all of them; and the code goes round: in one
 * loop, or, where loops are nested, by branches that the BTB knows. */
static bool is_traversed(const vmm_smu_sample *s, const emon_thresholds *limits, uint32_t slack)
{
    uint64_t loads = s->rate[EMON_L1D_ACCESSES];
    return (s->view.in_loop || at_most(btb_misses(s), btb_misses_allowed(limits), slack)) && s->view.l1d.lines &&
           at_least((uint64_t)s->view.l1d.mine * 1000 / s->view.l1d.lines, limits->full_permille, slack) &&
           at_most(s->rate[EMON_L1D_MISSES], limits->full_l1d_rate, slack) && loads != UINT64_MAX &&
           (unsigned __int128)loads * s->insns >= (unsigned __int128)s->view.l1d.mine * 1000000;
}

/* Of all cycles, those in which the pipeline waited for data beyond L2 or for their translation. */
static uint32_t memory_share(const vmm_view *v)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < SIM_CPI_COUNT; i++)
        all += v->cpi_stack[i];
    uint64_t waits = v->cpi_stack[SIM_CPI_LLC] + v->cpi_stack[SIM_CPI_MEMORY] + v->cpi_stack[SIM_CPI_TLB];
    return all ? (uint32_t)(waits * 1000 / all) : 0;
}

/* ---- loops that are remembered ------------------------------------------------------------------------------- */

/* The loop's place; `make`: takes the one that was not used for longest, if it has none. */
static emon_loop *loop_of(emon_tracker *t, uint64_t branch, bool make)
{
    emon_loop *oldest = &t->loops[0];
    for (unsigned i = 0; i < EMON_LOOPS; i++) {
        if (t->loops[i].branch == branch)
            return &t->loops[i];
        if (t->loops[i].used < oldest->used)
            oldest = &t->loops[i];
    }
    if (!make)
        return NULL;
    *oldest = (emon_loop){ .branch = branch };
    return oldest;
}

static uint64_t decayed(uint64_t mean, uint64_t value, uint32_t n)
{
    return n ? mean - mean / 4 + value / 4 : value;
}

static void remember_end(emon_tracker *t, uint64_t branch, uint64_t iterations)
{
    emon_loop *l = loop_of(t, branch, true);
    l->iterations = decayed(l->iterations, iterations, l->ends);
    l->ends += l->ends < UINT32_MAX;
    l->used = t->n;
}

/* The sample is of what came after a loop. */
static void remember_next(emon_tracker *t, const vmm_smu_sample *s)
{
    uint64_t rate = s->rate[EMON_L1D_MISSES];
    if (t->after && rate != UINT64_MAX) {
        emon_loop *l = &t->loops[t->after - 1];
        l->next_rate = decayed(l->next_rate, rate, l->nexts);
        l->nexts += l->nexts < UINT32_MAX;
    }
    t->after = 0;
}

/* What the history of the loop that ended says of what comes now. */
static void foretell_next(emon_tracker *t, const emon_thresholds *limits, emon_findings *f)
{
    const emon_loop *l = loop_of(t, f->ended_branch, false);
    if (!l)
        return;
    t->after = 1 + (uint32_t)(l - t->loops);
    f->next_rate = l->next_rate;
    f->nexts = l->nexts;
    f->cold_next = l->nexts >= 2 && l->next_rate >= limits->cold_l1d_rate;
}

/* When the loop that goes on is to end, as it did before. */
static void foretell_end(emon_tracker *t, const vmm_smu_sample *s, emon_findings *f)
{
    const vmm_view *v = &s->view;
    emon_loop *l = v->in_loop ? loop_of(t, v->loop_branch, false) : NULL;
    f->remaining_cycles = UINT64_MAX;
    if (!l || l->ends < 2 || l->iterations <= v->loop_iterations || !s->insns || !s->cycles)
        return;
    l->used = t->n;
    f->ends = l->ends;
    f->expected_iterations = l->iterations;
    f->remaining_iterations = l->iterations - v->loop_iterations;
    unsigned __int128 cycles = (unsigned __int128)f->remaining_iterations * v->loop_body_insns * s->cycles / s->insns;
    f->remaining_cycles = cycles < UINT64_MAX ? (uint64_t)cycles : UINT64_MAX;
}

/* Follows the loop that the sample is in; true when a long one ended. */
static bool follow_loop(emon_tracker *t, const vmm_smu_sample *s, const emon_thresholds *limits, emon_findings *f)
{
    const vmm_view *v = &s->view;
    bool same = t->branch && v->loop_branch == t->branch;
    bool ended = !same && is_long(t, limits) && s->loop_exits > 0;
    bool again = same && v->in_loop && v->loop_iterations < t->iterations && s->loop_exits > 0;
    if (ended) {
        f->ended_branch = t->branch;
        f->ended_iterations = MAX(t->iterations, v->last_loop_iterations);
    }
    if (ended || again)
        remember_end(t, t->branch, MAX(t->iterations, v->last_loop_iterations));
    t->samples = (same ? t->samples : 0) + 1;
    t->solid = v->in_loop ? (same ? t->solid : 0) + 1 : 0;
    t->branch = v->loop_branch;
    t->iterations = v->in_loop ? v->loop_iterations : 0;
    return ended;
}

void emon_tracker_begin(emon_tracker *t)
{
    t->tight.streak = t->traversed.streak = t->stalled.streak = 0;
    t->after = 0;
}

emon_findings emon_triggers_evaluate(emon_tracker *t, const vmm_smu_sample *s, const emon_thresholds *limits)
{
    emon_findings f = { .flushed = is_flushed(s, limits), .memory_permille = memory_share(&s->view) };
    t->n++;
    remember_next(t, s);
    f.loop_end = follow_loop(t, s, limits, &f);
    if (f.loop_end)
        foretell_next(t, limits, &f);
    foretell_end(t, s, &f);
    update(&t->tight, limits, is_tight(t, s, limits, 0), is_tight(t, s, limits, limits->slack_permille));
    update(&t->traversed, limits, is_traversed(s, limits, 0), is_traversed(s, limits, limits->slack_permille));
    update(&t->stalled, limits, at_least(f.memory_permille, limits->stall_permille, 0),
           at_least(f.memory_permille, limits->stall_permille, limits->slack_permille));
    f.stalled = t->stalled.on;
    f.tight = t->tight.on;
    f.traversed = t->traversed.on;
    return f;
}
