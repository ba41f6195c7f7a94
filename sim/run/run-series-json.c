/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-series-json.h"

static JsonArray *table_new(JsonObject *series, const char *name, const char *const *columns)
{
    JsonObject *table = json_object_new();
    JsonArray *names = json_array_new(), *points = json_array_new();
    for (; *columns; columns++)
        json_array_add_string_element(names, *columns);
    json_object_set_array_member(table, "columns", names);
    json_object_set_array_member(table, "points", points);
    json_object_set_object_member(series, name, table);
    return points;
}

static JsonArray *add_row(JsonArray *points, const uint64_t *values, unsigned n)
{
    JsonArray *row = json_array_sized_new(n);
    for (unsigned i = 0; i < n; i++)
        if (values[i] == UINT64_MAX)
            json_array_add_null_element(row);
        else
            json_array_add_int_element(row, (gint64)MIN(values[i], (uint64_t)G_MAXINT64));
    json_array_add_array_element(points, row);
    return row;
}

static void put_lps(JsonObject *series, const run_series *s)
{
    static const char *const columns[] = {"at_ps", "lp", "vm", "instructions", "cycles", "l1d_misses", "llc_misses", "branch_misses", "bus_bytes", NULL};
    JsonArray *points = table_new(series, "lps", columns);
    for (guint i = 0; i < s->lps->len; i++) {
        const run_lp_point *p = &g_array_index(s->lps, run_lp_point, i);
        add_row(points, (const uint64_t[]){p->at, p->lp, p->vcpu == VMM_VCPU_NONE ? UINT64_MAX : p->vcpu, p->instructions, p->cycles, p->l1d_misses,
                                           p->llc_misses, p->branch_misses, p->bus_bytes}, G_N_ELEMENTS(columns) - 1);
    }
}

static void put_vms(JsonObject *series, const run_series *s)
{
    static const char *const columns[] = {"at_ps", "vm", "quantum_ps", "l1d_lines", "l2_lines", "llc_lines", "running_ps", "runnable_ps", "blocked_ps", NULL};
    JsonArray *points = table_new(series, "vms", columns);
    for (guint i = 0; i < s->vms->len; i++) {
        const run_vm_point *p = &g_array_index(s->vms, run_vm_point, i);
        add_row(points, (const uint64_t[]){p->at, p->vm, p->quantum, p->l1d_lines, p->l2_lines, p->llc_lines, p->running, p->runnable, p->blocked},
                G_N_ELEMENTS(columns) - 1);
    }
}

static void put_slices(JsonObject *series, const run_series *s)
{
    static const char *const columns[] = {"from_ps", "to_ps", "lp", "vm", "quantum_ps", "end", NULL};
    JsonArray *points = table_new(series, "slices", columns);
    for (guint i = 0; i < s->slices->len; i++) {
        const run_slice *p = &g_array_index(s->slices, run_slice, i);
        JsonArray *row = add_row(points, (const uint64_t[]){p->from, p->to, p->lp, p->vm, p->quantum}, G_N_ELEMENTS(columns) - 2);
        json_array_add_string_element(row, p->end);
    }
    json_object_set_int_member(json_object_get_object_member(series, "slices"), "count", (gint64)s->n_slices);
}

void run_series_json(JsonObject *o, const run_series *s)
{
    JsonObject *series = json_object_new();
    json_object_set_int_member(series, "asked_ps", (gint64)s->asked);
    json_object_set_int_member(series, "period_ps", (gint64)s->period);
    put_lps(series, s);
    put_vms(series, s);
    put_slices(series, s);
    json_object_set_object_member(o, "series", series);
}
