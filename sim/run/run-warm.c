/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-warm.h"

#include "run-copies.h"
#include "sim-error.h"

typedef struct {
    uint64_t insns;
    sim_ps spent;
} stretch;

typedef struct {
    uint32_t vcpu;
    int warm, cold; /* numbers of copies */
} pair;

struct run_warm {
    run_machine *machine;
    uint64_t insns;
    run_copies *copies;
    GArray *left;  /* of int, by vCPU: the copy that goes on with it, or -1 */
    GArray *pairs; /* of pair */
    bool failed;
};

/* A copy that goes on with the guest; does not return there. */
static int try_on(run_warm *w, unsigned pcpu)
{
    int number = run_copies_make(w->copies);
    w->failed |= number == RUN_COPY_FAILED;
    if (number != RUN_COPY_ITSELF)
        return number;
    stretch s;
    s.insns = run_machine_solo(w->machine, pcpu, w->insns, &s.spent);
    run_copies_tell(&s, sizeof s);
}

static void on_switch(void *user, uint32_t vcpu, unsigned pcpu, bool on)
{
    run_warm *w = user;
    const int none = -1;
    if (w->failed || run_copies_inside())
        return;
    while (w->left->len <= vcpu)
        g_array_append_val(w->left, none);
    int *left = &g_array_index(w->left, int, vcpu);
    if (!on) {
        *left = try_on(w, pcpu);
    } else if (*left >= 0) {
        pair p = {vcpu, *left, try_on(w, pcpu)};
        g_array_append_val(w->pairs, p);
        *left = -1;
    }
}

run_warm *run_warm_new(run_machine *machine, uint64_t insns, unsigned most)
{
    run_warm *w = g_new0(run_warm, 1);
    w->machine = machine;
    w->insns = insns;
    w->copies = run_copies_new(most, sizeof(stretch));
    w->left = g_array_new(FALSE, FALSE, sizeof(int));
    w->pairs = g_array_new(FALSE, FALSE, sizeof(pair));
    run_machine_on_switch(machine, on_switch, w);
    return w;
}

void run_warm_free(run_warm *w)
{
    if (!w)
        return;
    run_copies_free(w->copies);
    g_array_free(w->left, TRUE);
    g_array_free(w->pairs, TRUE);
    g_free(w);
}

static gint compare(gconstpointer a, gconstpointer b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Nearest rank. */
static int64_t percentile(const GArray *sorted, unsigned percent)
{
    return g_array_index(sorted, int64_t, (sorted->len * percent + 99) / 100 - 1);
}

static void summarise(GArray *costs, uint64_t insns, run_warm_up *out)
{
    *out = (run_warm_up){.switches = costs->len, .insns = insns};
    if (!costs->len)
        return;
    g_array_sort(costs, compare);
    out->p50 = percentile(costs, 50);
    out->p90 = percentile(costs, 90);
    out->p99 = percentile(costs, 99);
    out->max = percentile(costs, 100);
    for (guint i = 0; i < costs->len; i++)
        out->sum += g_array_index(costs, int64_t, i);
}

static void free_costs(gpointer costs)
{
    g_array_free(costs, TRUE);
}

/* Costs of each VM, and behind them those of all. */
static GPtrArray *fetch(run_warm *w, unsigned n, uint64_t *insns, uint64_t *different)
{
    GPtrArray *costs = g_ptr_array_new_with_free_func(free_costs);
    for (unsigned i = 0; i <= n; i++)
        g_ptr_array_add(costs, g_array_new(FALSE, FALSE, sizeof(int64_t)));
    for (guint i = 0; i < w->pairs->len && !w->failed; i++) {
        const pair *p = &g_array_index(w->pairs, pair, i);
        stretch cold, warm;
        w->failed = !run_copies_fetch(w->copies, p->warm, &warm) || !run_copies_fetch(w->copies, p->cold, &cold);
        if (w->failed || cold.insns != warm.insns) {
            ++*different;
            continue;
        }
        int64_t cost = (int64_t)cold.spent - (int64_t)warm.spent;
        g_array_append_val((GArray *)g_ptr_array_index(costs, p->vcpu), cost);
        g_array_append_val((GArray *)g_ptr_array_index(costs, n), cost);
        insns[p->vcpu] += warm.insns;
        insns[n] += warm.insns;
    }
    return costs;
}

bool run_warm_report(run_warm *w, run_result *r, GError **error)
{
    unsigned n = r->vms->len;
    g_autofree uint64_t *insns = g_new0(uint64_t, n + 1);
    g_autoptr(GPtrArray) costs = fetch(w, n, insns, &r->warm_up_different);
    r->warm_up_insns = w->insns;
    for (unsigned i = 0; i < n; i++)
        summarise(g_ptr_array_index(costs, i), insns[i], &((run_vm_result *)g_ptr_array_index(r->vms, i))->warm_up);
    summarise(g_ptr_array_index(costs, n), insns[n], &r->warm_up);
    if (w->failed)
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "the warm-up cost of switches: a copy of the simulation could not be made, or died");
    return !w->failed;
}
