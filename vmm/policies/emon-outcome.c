/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emon-outcome.h"

#include <glib.h>

#define NONE UINT64_MAX

enum {
    L1D_MISSES = 0,   /* the first event that emon-quantum watches */
    DEBTS = 64,       /* decisions of a vCPU whose time is still owed: the oldest are not told of beyond that */
    MOVES = 16,       /* tasks on their way through a VM that are told of */
    LASTING_STAYS = 8 /* stays over which a lasting change is measured */
};

/* Sums over samples. Misses are counted in some of them only, where events take turns. */
typedef struct {
    uint64_t insns, cycles, misses, miss_insns;
} meter;

typedef struct {
    uint64_t decision;
    sim_ps span;
} debt;

typedef struct {
    uint64_t decision;
    uint32_t kind, ahead;
} move;

typedef struct {
    meter before, after;    /* of this stay: up to a decision, and from it on */
    uint64_t extended, cut; /* decisions about it */
    uint64_t was_cut;       /* decision that cut the last stay: this one tells what it resumed with */
    meter lasting;
    uint64_t changed;
    uint32_t stays;         /* since */
    debt debts[DEBTS];
    unsigned n_debts;
    move moves[MOVES];
    unsigned n_moves;
} state;

struct emon_outcomes {
    vmm_host *h;
    const vmm_services *services;
    state *vcpus;
    uint64_t *heirs; /* [pCPU]: decision that cut the stay before the present one there */
};

emon_outcomes *emon_outcomes_new(vmm_host *h, const vmm_services *services)
{
    emon_outcomes *o = g_new0(emon_outcomes, 1);
    uint32_t n_vcpus = services->n_vcpus(h), n_pcpus = services->n_pcpus(h);
    o->h = h;
    o->services = services;
    o->vcpus = g_new0(state, n_vcpus + 1);
    o->heirs = g_new(uint64_t, n_pcpus);
    for (uint32_t i = 0; i < n_vcpus; i++)
        o->vcpus[i].extended = o->vcpus[i].cut = o->vcpus[i].was_cut = o->vcpus[i].changed = NONE;
    for (uint32_t i = 0; i < n_pcpus; i++)
        o->heirs[i] = NONE;
    return o;
}

void emon_outcomes_free(emon_outcomes *o)
{
    if (!o)
        return;
    g_free(o->vcpus);
    g_free(o->heirs);
    g_free(o);
}

/* ---- meters --------------------------------------------------------------------------------------------------- */

static void add_sample(meter *m, const vmm_smu_sample *s)
{
    m->insns += s->insns;
    m->cycles += s->cycles;
    if (s->fresh >> L1D_MISSES & 1) {
        m->misses += s->count[L1D_MISSES];
        m->miss_insns += s->insns;
    }
}

static void add(meter *m, const meter *other)
{
    m->insns += other->insns;
    m->cycles += other->cycles;
    m->misses += other->misses;
    m->miss_insns += other->miss_insns;
}

static void tell(emon_outcomes *o, uint64_t decision, const char *name, uint64_t value)
{
    o->services->outcome(o->h, decision, name, (int64_t)value);
}

static void tell_ipc(emon_outcomes *o, uint64_t decision, const char *name, const meter *m)
{
    if (m->cycles)
        tell(o, decision, name, m->insns * 1000 / m->cycles);
}

static void tell_misses(emon_outcomes *o, uint64_t decision, const char *name, const meter *m)
{
    if (m->miss_insns)
        tell(o, decision, name, (uint64_t)((unsigned __int128)m->misses * 1000000 / m->miss_insns));
}

void emon_outcomes_sample(emon_outcomes *o, uint32_t vcpu, const vmm_smu_sample *sample)
{
    state *s = &o->vcpus[vcpu];
    add_sample(s->extended != NONE || s->cut != NONE ? &s->after : &s->before, sample);
}

/* ---- stays ---------------------------------------------------------------------------------------------------- */

void emon_outcomes_extended(emon_outcomes *o, uint32_t vcpu, uint64_t decision)
{
    o->vcpus[vcpu].extended = decision;
}

void emon_outcomes_cut(emon_outcomes *o, uint32_t vcpu, uint64_t decision)
{
    o->vcpus[vcpu].cut = decision;
}

static void tell_extension(emon_outcomes *o, const state *s, sim_ps used)
{
    tell(o, s->extended, "used-ps", used);
    tell_ipc(o, s->extended, "ipc-permille-before", &s->before);
    tell_ipc(o, s->extended, "ipc-permille-in-it", &s->after);
    tell_misses(o, s->extended, "l1d-misses-per-million-before", &s->before);
    tell_misses(o, s->extended, "l1d-misses-per-million-in-it", &s->after);
}

static void measure_lasting(emon_outcomes *o, state *s, const meter *stay)
{
    if (s->changed == NONE)
        return;
    add(&s->lasting, stay);
    if (++s->stays < LASTING_STAYS)
        return;
    tell_ipc(o, s->changed, "ipc-permille-after", &s->lasting);
    tell_misses(o, s->changed, "l1d-misses-per-million-after", &s->lasting);
    s->changed = NONE;
}

void emon_outcomes_stay_over(emon_outcomes *o, uint32_t pcpu, uint32_t vcpu, sim_ps span)
{
    state *s = &o->vcpus[vcpu];
    meter stay = s->before;
    add(&stay, &s->after);
    if (o->heirs[pcpu] != NONE)
        tell_ipc(o, o->heirs[pcpu], "ipc-permille-next-vcpu", &stay);
    if (s->was_cut != NONE)
        tell_ipc(o, s->was_cut, "ipc-permille-own-next", &stay);
    if (s->extended != NONE)
        tell_extension(o, s, span);
    if (s->cut != NONE) {
        tell(o, s->cut, "given-ps", span);
        tell_ipc(o, s->cut, "ipc-permille-before", &stay);
    }
    measure_lasting(o, s, &stay);
    o->heirs[pcpu] = s->was_cut = span ? s->cut : NONE;
    s->extended = s->cut = NONE;
    s->before = s->after = (meter){ 0 };
}

void emon_outcomes_lasting(emon_outcomes *o, uint32_t vcpu, uint64_t decision)
{
    state *s = &o->vcpus[vcpu];
    s->changed = decision;
    s->lasting = (meter){ 0 };
    s->stays = 0;
}

/* ---- tasks ---------------------------------------------------------------------------------------------------- */

void emon_outcomes_moved(emon_outcomes *o, uint32_t vcpu, uint32_t kind, uint64_t decision, uint32_t ahead)
{
    state *s = &o->vcpus[vcpu];
    if (s->n_moves < MOVES)
        s->moves[s->n_moves++] = (move){ .decision = decision, .kind = kind, .ahead = ahead };
}

void emon_outcomes_task_ended(emon_outcomes *o, uint32_t vcpu, uint32_t kind, sim_ps span)
{
    state *s = &o->vcpus[vcpu];
    unsigned kept = 0;
    bool told = false;
    for (unsigned i = 0; i < s->n_moves; i++) {
        move m = s->moves[i];
        if (m.kind == kind && m.ahead == 0 && !told) {
            tell(o, m.decision, "took-ps", span);
            told = true;
            continue;
        }
        m.ahead -= m.kind == kind && m.ahead > 0;
        s->moves[kept++] = m;
    }
    s->n_moves = kept;
}

/* ---- debts ---------------------------------------------------------------------------------------------------- */

static void forget_oldest(state *s)
{
    for (unsigned i = 1; i < s->n_debts; i++)
        s->debts[i - 1] = s->debts[i];
    s->n_debts--;
}

void emon_outcomes_owes(emon_outcomes *o, uint32_t vcpu, uint64_t decision, sim_ps span)
{
    state *s = &o->vcpus[vcpu];
    if (s->n_debts == DEBTS)
        forget_oldest(s);
    s->debts[s->n_debts++] = (debt){ .decision = decision, .span = span };
}

void emon_outcomes_balance(emon_outcomes *o, uint32_t vcpu, int64_t balance)
{
    state *s = &o->vcpus[vcpu];
    sim_ps owed = balance > 0 ? (sim_ps)balance : 0, all = 0;
    for (unsigned i = 0; i < s->n_debts; i++)
        all += s->debts[i].span;
    while (s->n_debts && all - s->debts[0].span >= owed) {
        tell(o, s->debts[0].decision, "paid-back-ps", s->debts[0].span);
        all -= s->debts[0].span;
        forget_oldest(s);
    }
}
