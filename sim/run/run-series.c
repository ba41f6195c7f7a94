/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-series.h"

#include "run-copies.h"
#include "vmm-observe.h"

#include <string.h>

/* ---- what is kept ------------------------------------------------------------------------------------------- */

run_series *run_series_new(sim_ps period, uint32_t n_lps, uint32_t n_vms)
{
    run_series *s = g_new0(run_series, 1);
    s->asked = s->period = period;
    s->joined = s->weight = 1;
    s->n_lps = n_lps;
    s->n_vms = n_vms;
    s->lps = g_array_new(FALSE, FALSE, sizeof(run_lp_point));
    s->vms = g_array_new(FALSE, FALSE, sizeof(run_vm_point));
    s->slices = g_array_new(FALSE, FALSE, sizeof(run_slice));
    return s;
}

void run_series_free(run_series *s)
{
    if (!s)
        return;
    g_array_unref(s->lps);
    g_array_unref(s->vms);
    g_array_unref(s->slices);
    g_free(s);
}

void run_series_add_slice(run_series *s, const run_slice *slice)
{
    s->n_slices++;
    if (s->slices->len < RUN_SLICES_KEPT)
        g_array_append_vals(s->slices, slice, 1);
}

guint run_series_length(const run_series *s)
{
    return s->n_lps ? s->lps->len / s->n_lps : 0;
}

/* The second of two points that follow each other, with what both counted. */
static run_lp_point both_lps(const run_lp_point *a, run_lp_point b)
{
    b.instructions += a->instructions;
    b.cycles += a->cycles;
    b.l1d_misses += a->l1d_misses;
    b.llc_misses += a->llc_misses;
    b.branch_misses += a->branch_misses;
    b.bus_bytes += a->bus_bytes;
    return b;
}

static run_vm_point both_vms(const run_vm_point *a, run_vm_point b)
{
    b.running += a->running;
    b.runnable += a->runnable;
    b.blocked += a->blocked;
    return b;
}

/* Half as many samples; the last one of an odd number stays by itself. */
static void halve(run_series *s)
{
    guint n = run_series_length(s), half = n / 2;
    run_lp_point *lps = (run_lp_point *)(void *)s->lps->data;
    run_vm_point *vms = (run_vm_point *)(void *)s->vms->data;
    for (guint i = 0; i < half; i++) {
        for (guint k = 0; k < s->n_lps; k++)
            lps[i * s->n_lps + k] = both_lps(&lps[2 * i * s->n_lps + k], lps[(2 * i + 1) * s->n_lps + k]);
        for (guint k = 0; k < s->n_vms; k++)
            vms[i * s->n_vms + k] = both_vms(&vms[2 * i * s->n_vms + k], vms[(2 * i + 1) * s->n_vms + k]);
    }
    s->joined = n % 2 ? s->joined : s->joined + s->weight;
    s->weight *= 2;
    if (n % 2) {
        memmove(&lps[half * s->n_lps], &lps[(n - 1) * s->n_lps], s->n_lps * sizeof *lps);
        memmove(&vms[half * s->n_vms], &vms[(n - 1) * s->n_vms], s->n_vms * sizeof *vms);
        half++;
    }
    g_array_set_size(s->lps, half * s->n_lps);
    g_array_set_size(s->vms, half * s->n_vms);
    s->period *= 2;
}

void run_series_add(run_series *s, const run_lp_point *lps, const run_vm_point *vms)
{
    guint most = CLAMP((guint)RUN_SERIES_POINTS / (s->n_lps + s->n_vms), (guint)RUN_SERIES_FEWEST, (guint)RUN_SERIES_SAMPLES);
    bool again = s->vms->len && g_array_index(s->vms, run_vm_point, s->vms->len - s->n_vms).at == vms->at;
    if (!again && s->joined == s->weight && run_series_length(s) >= most)
        halve(s);
    if (!again && s->joined == s->weight) {
        g_array_append_vals(s->lps, lps, s->n_lps);
        g_array_append_vals(s->vms, vms, s->n_vms);
        s->joined = 1;
        return;
    }
    s->joined += !again;
    for (guint k = 0; k < s->n_lps; k++) {
        run_lp_point *last = &g_array_index(s->lps, run_lp_point, s->lps->len - s->n_lps + k);
        *last = both_lps(last, lps[k]);
    }
    for (guint k = 0; k < s->n_vms; k++) {
        run_vm_point *last = &g_array_index(s->vms, run_vm_point, s->vms->len - s->n_vms + k);
        *last = both_vms(last, vms[k]);
    }
}

/* ---- taking samples ----------------------------------------------------------------------------------------- */

enum { TAKERS = 2 };

struct run_sampler {
    run_machine *machine;
    const vmm *v;
    uint32_t n_lps, n_vms, line;
    sim_ps last;
    run_lp_point *lps, *lps_before; /* [n_lps]; those before hold totals */
    run_vm_point *vms, *vms_before; /* [n_vms]; likewise */
    struct {
        run_sample_fn fn;
        void *user;
    } takers[TAKERS];
    unsigned n_takers;
};

static void sample_lp(run_sampler *s, uint32_t lp, sim_ps at)
{
    uint64_t ev[SIM_EV_COUNT];
    run_lp_point *before = &s->lps_before[lp], *point = &s->lps[lp];
    run_machine_truth(s->machine, lp, ev);
    run_lp_point total = {.at = MAX(at, before->at), .lp = lp, .vcpu = run_machine_guest(s->machine, lp), .instructions = ev[SIM_EV_INSTRUCTIONS],
                          .cycles = ev[SIM_EV_CYCLES], .l1d_misses = ev[SIM_EV_L1D_LOAD_MISSES] + ev[SIM_EV_L1D_STORE_MISSES],
                          .llc_misses = ev[SIM_EV_LLC_MISSES], .branch_misses = ev[SIM_EV_BRANCH_MISSES],
                          .bus_bytes = (ev[SIM_EV_MEM_READS] + ev[SIM_EV_MEM_WRITES]) * s->line};
    *point = total;
    point->instructions -= before->instructions;
    point->cycles -= before->cycles;
    point->l1d_misses -= before->l1d_misses;
    point->llc_misses -= before->llc_misses;
    point->branch_misses -= before->branch_misses;
    point->bus_bytes -= before->bus_bytes;
    *before = total;
}

static void sample_vm(run_sampler *s, uint32_t vm, sim_ps at)
{
    sim_ps in_state[VMM_N_STATES];
    run_vm_point *before = &s->vms_before[vm], *point = &s->vms[vm];
    cpu_occupancy lines = run_machine_occupancy(s->machine, (vmm_owner)(vm + 1));
    vmm_states_at(s->v, vm, at, in_state);
    run_vm_point total = {.at = at, .vm = vm, .quantum = vmm_quantum_of(s->v, vm), .l1d_lines = lines.l1d, .l2_lines = lines.l2, .llc_lines = lines.llc,
                          .running = in_state[VMM_RUNNING], .runnable = in_state[VMM_RUNNABLE], .blocked = in_state[VMM_BLOCKED]};
    *point = total;
    point->running -= before->running;
    point->runnable -= before->runnable;
    point->blocked -= before->blocked;
    *before = total;
}

static void take(run_sampler *s)
{
    for (unsigned i = 0; i < s->n_takers; i++)
        s->takers[i].fn(s->takers[i].user, s->lps, s->vms);
}

static void look(void *user, sim_ps at)
{
    run_sampler *s = user;
    if (run_copies_inside())
        return;
    s->last = at;
    for (uint32_t i = 0; i < s->n_lps; i++)
        sample_lp(s, i, MAX(at, run_machine_now(s->machine, i)));
    for (uint32_t i = 0; i < s->n_vms; i++)
        sample_vm(s, i, at);
    take(s);
}

run_sampler *run_sampler_new(run_machine *machine, const vmm *v, sim_ps period)
{
    run_sampler *s = g_new0(run_sampler, 1);
    unsigned n_lps;
    run_machine_pcpus(machine, &n_lps);
    s->machine = machine;
    s->v = v;
    s->n_lps = n_lps;
    s->n_vms = vmm_n_vms(v);
    s->line = run_machine_line(machine);
    s->lps = g_new0(run_lp_point, s->n_lps);
    s->lps_before = g_new0(run_lp_point, s->n_lps);
    s->vms = g_new0(run_vm_point, MAX(s->n_vms, 1));
    s->vms_before = g_new0(run_vm_point, MAX(s->n_vms, 1));
    run_machine_on_look(machine, MAX(period, RUN_SERIES_MIN), look, s);
    return s;
}

void run_sampler_join(run_sampler *s, run_sample_fn fn, void *user)
{
    g_assert(s->n_takers < TAKERS);
    s->takers[s->n_takers].fn = fn;
    s->takers[s->n_takers++].user = user;
}

void run_sampler_finish(run_sampler *s, sim_ps end)
{
    look(s, MAX(s->last, end));
}

void run_sampler_free(run_sampler *s)
{
    if (!s)
        return;
    run_machine_on_look(s->machine, 0, NULL, NULL);
    g_free(s->lps);
    g_free(s->lps_before);
    g_free(s->vms);
    g_free(s->vms_before);
    g_free(s);
}
