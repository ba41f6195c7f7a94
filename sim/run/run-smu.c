/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-smu.h"

void run_smu_table(GString *text, GPtrArray *runs)
{
    bool any = false;
    for (guint i = 0; i < runs->len; i++) {
        const run_result *r = g_ptr_array_index(runs, i);
        const vmm_smu_stats *s = &r->smu;
        if (!s->watched)
            continue;
        if (!any)
            g_string_append_printf(text, "\n%-22s %-8s  period us   samples   registers  VM-exits    time us  of running\n", "State management unit", "kind");
        any = true;
        double share = r->totals.running ? 100.0 * (double)s->time / (double)r->totals.running : 0;
        g_string_append_printf(text, "  %-20s %-8s %10.0f %9" G_GUINT64_FORMAT " %11" G_GUINT64_FORMAT " %9" G_GUINT64_FORMAT " %10.1f %10.2f%%\n", r->policy,
                               vmm_smu_names[s->kind], (double)s->period / (double)SIM_PS_PER_US, s->samples, s->accesses, s->exits,
                               (double)s->time / (double)SIM_PS_PER_US, share);
    }
}
