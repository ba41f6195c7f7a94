/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-emon.h"

#include "cpu-lp.h"
#include "sim-error.h"

/* ---- counts ----------------------------------------------------------------------------------------------------- */

/* Not halted, 1/64 cycles. */
static uint64_t busy(const cpu_lp *lp)
{
    return lp->busy + (lp->space ? lp->clock - lp->started : 0);
}

static uint64_t fetch_stalls(const cpu_lp *lp)
{
    const uint64_t *ev = lp->ev;
    return ev[SIM_EV_STALLS_FRONTEND] + ev[SIM_EV_STALLS_ICACHE] + ev[SIM_EV_STALLS_ITLB] + ev[SIM_EV_STALLS_BTB];
}

static uint64_t data_stalls(const cpu_lp *lp, enum sim_emon_event from)
{
    const uint64_t *ev = lp->ev;
    return (from == SIM_EV_STALLS_L2 ? ev[SIM_EV_STALLS_L2] : 0) + (from != SIM_EV_STALLS_MEM ? ev[SIM_EV_STALLS_LLC] : 0) + ev[SIM_EV_STALLS_MEM];
}

/* All of the CPI stack but the pipeline's, 1/64 cycles. */
static uint64_t stalls(const cpu_lp *lp)
{
    const uint64_t *ev = lp->ev;
    return fetch_stalls(lp) + data_stalls(lp, SIM_EV_STALLS_L2) + ev[SIM_EV_STALLS_BRANCH] + ev[SIM_EV_STALLS_TLB] + ev[SIM_EV_STALLS_SMT]
           + ev[SIM_EV_STALLS_SYSTEM];
}

/* What is left of the cycles, 1/64 cycles. */
static uint64_t pipeline(const cpu_lp *lp)
{
    uint64_t all = busy(lp), lost = stalls(lp);
    return all - MIN(lost, all);
}

/* Of these, what the micro-ops need at full width. */
static uint64_t base(const cpu_lp *lp)
{
    return MIN(pipeline(lp), (lp->counted[1] << CPU_SUB_BITS) / lp->core->desc->dispatch_width);
}

static uint64_t ref_cycles(const cpu_lp *lp)
{
    return (uint64_t)((unsigned __int128)busy(lp) * lp->emon.ref_hz / lp->hz_sub);
}

static uint64_t count_of(const cpu_lp *lp, enum sim_emon_event event)
{
    const uint64_t *ev = lp->ev;
    switch (event) {
    case SIM_EV_INSTRUCTIONS:
        return lp->counted[0];
    case SIM_EV_UOPS:
        return lp->counted[1];
    case SIM_EV_UOPS_ISSUED: /* those of wrong paths are counted one by one */
        return lp->counted[1] + ev[SIM_EV_UOPS_ISSUED];
    case SIM_EV_L1D_LOADS:
        return lp->counted[2];
    case SIM_EV_L1D_STORES:
        return lp->counted[3];
    case SIM_EV_DTLB_LOADS:
        return lp->counted[2] + lp->counted[3];
    case SIM_EV_CYCLES:
        return busy(lp) >> CPU_SUB_BITS;
    case SIM_EV_REF_CYCLES:
        return ref_cycles(lp);
    case SIM_EV_BRANCHES:
        return ev[SIM_EV_BRANCHES] + ev[SIM_EV_COND_BRANCHES];
    case SIM_EV_NOT_TAKEN_BRANCHES:
        return ev[SIM_EV_BRANCHES] + ev[SIM_EV_COND_BRANCHES] - ev[SIM_EV_TAKEN_BRANCHES];
    case SIM_EV_BTB_LOOKUPS:
        return ev[SIM_EV_TAKEN_BRANCHES];
    case SIM_EV_L1D_FILLS: /* others than of misses are counted one by one */
        return ev[SIM_EV_L1D_FILLS] + ev[SIM_EV_L1D_LOAD_MISSES] + ev[SIM_EV_L1D_STORE_MISSES];
    case SIM_EV_L2_LOAD_HITS:
        return ev[SIM_EV_L1D_LOAD_MISSES] - ev[SIM_EV_LLC_LOADS];
    case SIM_EV_LLC_LOAD_HITS:
        return ev[SIM_EV_LLC_LOADS] - ev[SIM_EV_LLC_LOAD_MISSES];
    case SIM_EV_SLOTS_FRONTEND:
        return fetch_stalls(lp) * lp->core->desc->dispatch_width >> CPU_SUB_BITS;
    case SIM_EV_STALLS_FRONTEND:
        return fetch_stalls(lp) >> CPU_SUB_BITS;
    case SIM_EV_STALLS_L1D_MISS:
        return data_stalls(lp, SIM_EV_STALLS_L2) >> CPU_SUB_BITS;
    case SIM_EV_STALLS_L2_MISS:
        return data_stalls(lp, SIM_EV_STALLS_LLC) >> CPU_SUB_BITS;
    case SIM_EV_STALLS_L3_MISS:
        return data_stalls(lp, SIM_EV_STALLS_MEM) >> CPU_SUB_BITS;
    case SIM_EV_CPI_PIPELINE:
        return pipeline(lp) >> CPU_SUB_BITS;
    case SIM_EV_CPI_BASE:
        return base(lp) >> CPU_SUB_BITS;
    default:
        return sim_emon_events[event].unit == SIM_UNIT_CYCLES ? ev[event] >> CPU_SUB_BITS : ev[event];
    }
}

void cpu_lp_counts(const cpu_lp *lp, uint64_t counts[SIM_EV_COUNT])
{
    for (int e = 0; e < SIM_EV_COUNT; e++)
        counts[e] = count_of(lp, (enum sim_emon_event)e);
}

uint64_t cpu_lp_retired(const cpu_lp *lp)
{
    return count_of(lp, SIM_EV_INSTRUCTIONS);
}

/* ---- counters --------------------------------------------------------------------------------------------------- */

static const enum sim_emon_event fixed_events[SIM_EMON_N_FIXED] = {SIM_EV_INSTRUCTIONS, SIM_EV_CYCLES, SIM_EV_REF_CYCLES};

/* Its place among the core's counters, or -1. */
static int place_of(const cpu_lp *lp, unsigned counter)
{
    if (counter & SIM_EMON_FIXED) {
        unsigned fixed = counter & ~(unsigned)SIM_EMON_FIXED;
        return fixed < SIM_EMON_N_FIXED ? (int)(SIM_EMON_MAX_PROGRAMMABLE + fixed) : -1;
    }
    return counter < lp->core->desc->emon_counters ? (int)counter : -1;
}

static uint64_t bit_of(unsigned place)
{
    return sim_emon_bit(place < SIM_EMON_MAX_PROGRAMMABLE ? place : SIM_EMON_FIXED | (place - SIM_EMON_MAX_PROGRAMMABLE));
}

static bool has_threshold(const sim_emon_config *c)
{
    return c->threshold || c->edge;
}

/* What it counts, since ever. */
static uint64_t reading(const cpu_lp *lp, const cpu_emon_counter *c)
{
    if (has_threshold(&c->config))
        return c->counted;
    return lp->emon.held ? c->seen : count_of(lp, c->config.event);
}

static uint64_t value_of(const cpu_lp *lp, const cpu_emon_counter *c)
{
    return (c->config.off ? c->preset : c->preset + (reading(lp, c) - c->base)) & SIM_EMON_MASK;
}

void cpu_lp_emon_init(cpu_lp *lp, uint64_t ref_hz)
{
    lp->emon.ref_hz = ref_hz;
    for (unsigned i = 0; i < CPU_EMON_COUNTERS; i++) {
        cpu_emon_counter *c = &lp->emon.counters[i];
        if (i >= SIM_EMON_MAX_PROGRAMMABLE)
            c->config.event = fixed_events[i - SIM_EMON_MAX_PROGRAMMABLE];
        else
            c->config.off = true;
        c->limit = SIM_EMON_MASK + 1;
    }
}

static void look_at(const cpu_lp *lp, cpu_emon_counter *c);

static void program(cpu_lp *lp, unsigned place, const sim_emon_config *config)
{
    cpu_emon *e = &lp->emon;
    cpu_emon_counter *c = &e->counters[place];
    uint32_t bit = 1u << place;
    *c = (cpu_emon_counter){.config = *config, .preset = config->period ? SIM_EMON_MASK + 1 - config->period : 0};
    c->seen = count_of(lp, config->event);
    c->cycles = busy(lp) >> CPU_SUB_BITS;
    c->unstalled = pipeline(lp) >> CPU_SUB_BITS;
    c->base = reading(lp, c);
    c->limit = c->base + (SIM_EMON_MASK + 1 - c->preset);
    e->armed = config->interrupt && config->period && !config->off ? e->armed | bit : e->armed & ~bit;
    e->stepped = has_threshold(config) && !config->off ? e->stepped | bit : e->stepped & ~bit;
    e->status &= ~bit_of(place);
    e->untaken &= ~bit_of(place);
}

bool cpu_lp_emon_program(cpu_lp *lp, unsigned counter, const sim_emon_config *config, GError **error)
{
    int place = place_of(lp, counter);
    unsigned fixed = counter & ~(unsigned)SIM_EMON_FIXED;
    if (place < 0)
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "there is no %s EMON counter %u; valid: 0 to %u", counter & SIM_EMON_FIXED ? "fixed" : "programmable",
                    fixed, counter & SIM_EMON_FIXED ? SIM_EMON_N_FIXED - 1u : lp->core->desc->emon_counters - 1);
    else if ((unsigned)config->event >= SIM_EV_COUNT)
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "there is no EMON event number %u; valid: 0 to %u", (unsigned)config->event, SIM_EV_COUNT - 1u);
    else if (config->period > SIM_EMON_MASK)
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "EMON counters have 48 bits: a period of %" G_GUINT64_FORMAT " is too long", config->period);
    else if (config->interrupt && !config->period)
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "an EMON counter that is to interrupt needs a period");
    else if (counter & SIM_EMON_FIXED && (config->event != fixed_events[fixed] || has_threshold(config)))
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "fixed EMON counter %u counts %s, and nothing else", fixed, sim_emon_events[fixed_events[fixed]].name);
    else {
        program(lp, (unsigned)place, config);
        return true;
    }
    return false;
}

void cpu_lp_emon_select(cpu_lp *lp, unsigned counter, enum sim_emon_event event)
{
    int place = place_of(lp, counter);
    if (place >= 0 && (unsigned)event < SIM_EV_COUNT)
        program(lp, (unsigned)place, &(sim_emon_config){.event = event});
}

uint64_t cpu_lp_emon_read(cpu_lp *lp, unsigned counter)
{
    int place = place_of(lp, counter);
    if (place < 0)
        return 0;
    cpu_emon_counter *c = &lp->emon.counters[place];
    if (has_threshold(&c->config))
        look_at(lp, c);
    return value_of(lp, c);
}

uint64_t cpu_lp_emon_fixed(const cpu_lp *lp, unsigned fixed)
{
    return fixed < SIM_EMON_N_FIXED ? value_of(lp, &lp->emon.counters[SIM_EMON_MAX_PROGRAMMABLE + fixed]) : 0;
}

/* ---- thresholds ------------------------------------------------------------------------------------------------- */

/* What a look found: in how many of `cycles` the condition (at least `threshold` in a cycle) held, how often it began to hold, and whether
 * it holds at the end. */
typedef struct {
    uint64_t cycles, held, begins;
    bool holds;
} spell;

/* An event that counts at most one per cycle: there without a gap, and then not. */
static spell spell_of_cycles(const cpu_emon_counter *c, uint64_t n, uint64_t cycles)
{
    bool counts = c->config.threshold <= 1 && n > 0;
    return (spell){.cycles = cycles, .held = counts ? MIN(n, cycles) : 0, .begins = counts && !c->held, .holds = counts && n >= cycles};
}

/* `n` occurrences, evenly over the last `active` of `cycles`. */
static spell spell_of_occurrences(const cpu_emon_counter *c, uint64_t n, uint64_t active, uint64_t cycles)
{
    uint64_t each = n / active, more = n % active, threshold = MAX(c->config.threshold, 1);
    spell s = {.cycles = cycles, .held = threshold <= each ? active : threshold == each + 1 ? more : 0};
    bool before = c->held && active == cycles;
    if (s.held == active) {
        s.holds = true;
        s.begins = !before;
    } else {
        s.begins = MIN(s.held, active - s.held); /* single ones, or single gaps */
    }
    return s;
}

static void count_spell(cpu_emon_counter *c, const spell *s)
{
    const sim_emon_config *config = &c->config;
    bool invert = config->invert && config->threshold; /* ignored without a counter mask, as in hardware */
    uint64_t ends = s->begins + c->held - s->holds;
    if (config->edge)
        c->counted += invert ? ends : s->begins;
    else
        c->counted += invert ? s->cycles - s->held : s->held;
    c->held = s->holds;
}

static void look_at(const cpu_lp *lp, cpu_emon_counter *c)
{
    if (lp->emon.held)
        return;
    uint64_t seen = count_of(lp, c->config.event), cycles = busy(lp) >> CPU_SUB_BITS, unstalled = pipeline(lp) >> CPU_SUB_BITS;
    uint64_t passed = cycles - c->cycles, active = MIN(unstalled - c->unstalled, passed);
    c->waiting += seen - c->seen;
    c->seen = seen;
    if (c->config.off || passed == 0)
        return;
    bool of_cycles = sim_emon_events[c->config.event].unit == SIM_UNIT_CYCLES;
    spell s = {.cycles = passed};
    if (of_cycles)
        s = spell_of_cycles(c, c->waiting, passed);
    else if (active)
        s = spell_of_occurrences(c, c->waiting, active, passed);
    count_spell(c, &s);
    if (of_cycles || active)
        c->waiting = 0;
    c->cycles = cycles;
    c->unstalled = unstalled;
}

/* ---- overflow --------------------------------------------------------------------------------------------------- */

static void find_overflow(cpu_lp *lp, unsigned place)
{
    cpu_emon_counter *c = &lp->emon.counters[place];
    if (c->config.off || reading(lp, c) < c->limit)
        return;
    c->limit += SIM_EMON_MASK + 1;
    lp->emon.status |= bit_of(place);
    if (lp->emon.armed >> place & 1)
        lp->emon.untaken |= bit_of(place);
}

static void look(cpu_lp *lp)
{
    for (uint32_t m = lp->emon.stepped; m; m &= m - 1)
        look_at(lp, &lp->emon.counters[__builtin_ctz(m)]);
    for (uint32_t m = lp->emon.armed | lp->emon.stepped; m; m &= m - 1)
        find_overflow(lp, (unsigned)__builtin_ctz(m));
}

uint64_t cpu_lp_emon_status(cpu_lp *lp)
{
    look(lp);
    for (unsigned i = 0; i < CPU_EMON_COUNTERS; i++)
        find_overflow(lp, i);
    return lp->emon.status;
}

void cpu_lp_emon_acknowledge(cpu_lp *lp, uint64_t status)
{
    lp->emon.status &= ~status;
    lp->emon.untaken &= ~status;
}

/* How many of an event a cycle can bring at most. Estimate: twice the widest machine's width, which leaves room for fused instructions and
 * for accesses that straddle lines. What a block brings at once can be more, and is found at its end. */
enum { MOST_PER_CYCLE = 16 };

static uint64_t most_per_cycle(const cpu_lp *lp, enum sim_emon_event event)
{
    if (event == SIM_EV_REF_CYCLES)
        return (lp->emon.ref_hz << CPU_SUB_BITS) / lp->hz_sub + 1;
    return sim_emon_events[event].unit == SIM_UNIT_CYCLES ? 1 : MOST_PER_CYCLE;
}

uint64_t cpu_lp_emon_limit(const cpu_lp *lp)
{
    if (lp->emon.stepped || lp->emon.untaken)
        return lp->clock + 1;
    uint64_t limit = UINT64_MAX;
    for (uint32_t m = lp->emon.armed; m; m &= m - 1) {
        const cpu_emon_counter *c = &lp->emon.counters[__builtin_ctz(m)];
        uint64_t left = c->limit - MIN(reading(lp, c), c->limit);
        uint64_t cycles = left / most_per_cycle(lp, c->config.event);
        uint64_t at = cycles < (UINT64_MAX - lp->clock) >> CPU_SUB_BITS ? lp->clock + (MAX(cycles, 1) - 1) * CPU_SUB + 1 : UINT64_MAX;
        limit = MIN(limit, at);
    }
    return limit;
}

bool cpu_lp_emon_run(cpu_lp *lp, uint64_t until)
{
    bool dry = false;
    look(lp);
    while (!dry && !lp->emon.untaken && lp->clock < until) {
        dry = cpu_lp_run(lp, MIN(until, cpu_lp_emon_limit(lp)));
        look(lp);
    }
    return dry;
}

bool cpu_lp_emon_due(const cpu_lp *lp)
{
    return lp->emon.untaken != 0;
}

uint64_t cpu_lp_emon_take(cpu_lp *lp)
{
    uint64_t taken = lp->emon.untaken;
    lp->emon.untaken = 0;
    return taken;
}

static void release(cpu_lp *lp, cpu_emon_counter *c)
{
    uint64_t now = count_of(lp, c->config.event);
    if (!has_threshold(&c->config)) {
        c->base += now - c->seen;
        c->limit += now - c->seen;
    }
    c->seen = now;
    c->cycles = busy(lp) >> CPU_SUB_BITS;
    c->unstalled = pipeline(lp) >> CPU_SUB_BITS;
}

void cpu_lp_emon_hold(cpu_lp *lp, bool held)
{
    if (held)
        look(lp);
    for (unsigned i = 0; i < CPU_EMON_COUNTERS; i++) {
        cpu_emon_counter *c = &lp->emon.counters[i];
        if (!held)
            release(lp, c);
        else if (!has_threshold(&c->config))
            c->seen = count_of(lp, c->config.event);
    }
    lp->emon.held = held;
}

bool cpu_lp_emon_watched(const cpu_lp *lp)
{
    if (lp->emon.held)
        return false;
    return lp->emon.armed || lp->emon.stepped || lp->emon.untaken;
}
