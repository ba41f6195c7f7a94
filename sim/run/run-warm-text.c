/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-warm-text.h"

void run_warm_json(JsonObject *parent, const run_warm_up *w)
{
    JsonObject *o = json_object_new();
    json_object_set_int_member(o, "switches", (gint64)w->switches);
    json_object_set_int_member(o, "instructions", (gint64)w->insns);
    json_object_set_int_member(o, "p50_ps", w->p50);
    json_object_set_int_member(o, "p90_ps", w->p90);
    json_object_set_int_member(o, "p99_ps", w->p99);
    json_object_set_int_member(o, "max_ps", w->max);
    json_object_set_int_member(o, "sum_ps", w->sum);
    json_object_set_object_member(parent, "warm_up", o);
}

static void line(GString *text, const char *left, const run_warm_up *w, sim_ps running)
{
    const double us = SIM_PS_PER_US;
    double mean = w->switches ? (double)w->sum / (double)w->switches / us : 0;
    g_string_append_printf(text, "  %-20s %9" G_GUINT64_FORMAT " %10.2f %10.2f %10.2f %10.2f %9.2f%%\n", left, w->switches, mean, (double)w->p50 / us,
                           (double)w->p90 / us, (double)w->max / us, running ? 100 * (double)w->sum / (double)running : 0.0);
}

char *run_warm_table(char *table, GPtrArray *runs)
{
    const run_result *first = g_ptr_array_index(runs, 0);
    if (!first->warm_up_insns)
        return table;
    GString *text = g_string_new(table);
    g_free(table);
    g_string_append_printf(text, "\n%-22s %9s %10s %10s %10s %10s %10s\n",
                           "warm-up of switches", "switches", "mean us", "p50 us", "p90 us", "max us", "of running");
    for (guint v = 0; v < first->vms->len; v++) {
        g_string_append_printf(text, "%s\n", ((const run_vm_result *)g_ptr_array_index(first->vms, v))->name);
        for (guint i = 0; i < runs->len; i++) {
            const run_result *r = g_ptr_array_index(runs, i);
            const run_vm_result *vm = g_ptr_array_index(r->vms, v);
            line(text, r->policy, &vm->warm_up, vm->in_state[VMM_RUNNING]);
        }
    }
    g_string_append_printf(text, "all\n");
    for (guint i = 0; i < runs->len; i++) {
        const run_result *r = g_ptr_array_index(runs, i);
        line(text, r->policy, &r->warm_up, r->totals.running);
    }
    return g_string_free(text, FALSE);
}
