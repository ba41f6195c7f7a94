/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time series and schedules for a report: fewer points, in whole numbers. Times in nanoseconds, ratios in thousandths. */
#include "run-report-data.h"

#include "sim-types.h"
#include "vmm-observe.h"

#include <string.h>

enum { LP_COLUMNS = 9, VM_COLUMNS = 9, SLICE_COLUMNS = 6 };
enum { LP_AT, LP_ID, LP_VM, LP_INSNS, LP_CYCLES, LP_L1D, LP_LLC, LP_BRANCH, LP_BUS };
enum { VM_AT, VM_ID, VM_QUANTUM, VM_L1D, VM_L2, VM_LLC };
enum { SLICE_FROM, SLICE_TO, SLICE_LP, SLICE_VM };

/* The rows of a table of whole numbers; NULL: there is none, or one that is not of so many columns. Texts and nulls are -1. */
static gint64 *rows_of(JsonObject *series, const char *name, unsigned columns, guint *n)
{
    JsonArray *points = run_read_array(run_read_object(series, name), "points");
    *n = run_read_length(points);
    if (!*n)
        return NULL;
    gint64 *rows = g_new(gint64, (gsize)*n * columns);
    for (guint i = 0; i < *n; i++) {
        JsonNode *row = json_array_get_element(points, i);
        JsonArray *cells = JSON_NODE_HOLDS_ARRAY(row) ? json_node_get_array(row) : NULL;
        if (!cells || json_array_get_length(cells) != columns) {
            g_free(rows);
            return NULL;
        }
        for (unsigned c = 0; c < columns; c++) {
            JsonNode *cell = json_array_get_element(cells, c);
            bool whole = JSON_NODE_HOLDS_VALUE(cell) && json_node_get_value_type(cell) == G_TYPE_INT64;
            rows[(gsize)i * columns + c] = whole ? MAX(json_node_get_int(cell), 0) : -1;
        }
    }
    return rows;
}

/* part * scale / whole, 0 without a whole; bounded, whatever the file says. */
static gint64 ratio(gint64 part, gint64 scale, gint64 whole)
{
    if (whole <= 0 || part <= 0)
        return 0;
    __int128 r = (__int128)part * scale / whole;
    return r > G_MAXINT32 ? G_MAXINT32 : (gint64)r;
}

static gint64 plus(gint64 a, gint64 b)
{
    return a > G_MAXINT64 - MAX(b, 0) ? G_MAXINT64 : a + MAX(b, 0);
}

/* ---- counters --------------------------------------------------------------------------------------------------- */

typedef struct {
    const gint64 *rows;
    guint n, step, wide; /* samples, samples that become one, rows of a sample */
    unsigned columns;
} samples;

static gint64 cell(const samples *s, guint sample, guint row, unsigned column)
{
    return s->rows[((gsize)sample * s->wide + row) * s->columns + column];
}

static gint64 sum(const samples *s, guint first, guint row, unsigned column)
{
    gint64 total = 0;
    for (guint i = first; i < MIN(first + s->step, s->n); i++)
        total = plus(total, cell(s, i, row, column));
    return total;
}

static guint last_of(const samples *s, guint first)
{
    return MIN(first + s->step, s->n) - 1;
}

static gint64 span(const samples *s, guint first, guint row)
{
    return cell(s, last_of(s, first), row, LP_AT) - (first ? cell(s, first - 1, row, LP_AT) : 0);
}

typedef struct {
    const char *name;
    unsigned part, whole; /* columns */
    gint64 scale;
} drawn_ratio;
static const drawn_ratio lp_ratios[] = {
    {"ipc", LP_INSNS, LP_CYCLES, 1000}, {"l1d", LP_L1D, LP_INSNS, 1000000}, {"llc", LP_LLC, LP_INSNS, 1000000}, {"branch", LP_BRANCH, LP_INSNS, 1000000},
};

static JsonObject *lp_lines(const samples *s, guint lp)
{
    JsonObject *o = json_object_new();
    for (unsigned k = 0; k <= G_N_ELEMENTS(lp_ratios); k++) {
        JsonArray *line = json_array_new();
        for (guint i = 0; i < s->n; i += s->step)
            json_array_add_int_element(line, k < G_N_ELEMENTS(lp_ratios)
                ? ratio(sum(s, i, lp, lp_ratios[k].part), lp_ratios[k].scale, sum(s, i, lp, lp_ratios[k].whole))
                : ratio(sum(s, i, lp, LP_BUS), SIM_PS_PER_US, span(s, i, lp))); /* MB/s: thousandths of GB/s */
        json_object_set_array_member(o, k < G_N_ELEMENTS(lp_ratios) ? lp_ratios[k].name : "bus", line);
    }
    return o;
}

/* Over all logical processors together. */
static JsonObject *all_lines(const samples *s)
{
    JsonObject *o = json_object_new();
    for (unsigned k = 0; k < G_N_ELEMENTS(lp_ratios); k++) {
        JsonArray *line = json_array_new();
        for (guint i = 0; i < s->n; i += s->step) {
            gint64 part = 0, whole = 0;
            for (guint lp = 0; lp < s->wide; lp++) {
                part = plus(part, sum(s, i, lp, lp_ratios[k].part));
                whole = plus(whole, sum(s, i, lp, lp_ratios[k].whole));
            }
            json_array_add_int_element(line, ratio(part, lp_ratios[k].scale, whole));
        }
        json_object_set_array_member(o, lp_ratios[k].name, line);
    }
    return o;
}

static JsonObject *vm_lines(const samples *s, guint vm)
{
    static const struct {
        const char *name;
        unsigned column;
        gint64 unit;
    } lines[] = {{"quantum", VM_QUANTUM, SIM_PS_PER_NS}, {"l1d", VM_L1D, 1}, {"l2", VM_L2, 1}, {"llc", VM_LLC, 1}};
    JsonObject *o = json_object_new();
    for (unsigned k = 0; k < G_N_ELEMENTS(lines); k++) {
        JsonArray *line = json_array_new();
        for (guint i = 0; i < s->n; i += s->step)
            json_array_add_int_element(line, MAX(cell(s, last_of(s, i), vm, lines[k].column), 0) / lines[k].unit);
        json_object_set_array_member(o, lines[k].name, line);
    }
    return o;
}

/* ---- the schedule ------------------------------------------------------------------------------------------------- */

static int end_number(const char *name)
{
    for (int i = 0; name && i < VMM_SLICE_ENDS; i++)
        if (strcmp(name, vmm_slice_end_names[i]) == 0)
            return i;
    return VMM_SLICE_ENDS;
}

static void add_slice(JsonArray *lane, gint64 from, gint64 to, gint64 vm, gint64 end)
{
    json_array_add_int_element(lane, from / (gint64)SIM_PS_PER_NS);
    json_array_add_int_element(lane, to / (gint64)SIM_PS_PER_NS);
    json_array_add_int_element(lane, vm);
    json_array_add_int_element(lane, end);
}

/* The VM that had most of a span of time, or -1. `own` are slices of one LP in the order of their ends, `had` zeros for all VMs. */
static gint64 most_of(const gint64 *const *own, guint n, gint64 from, gint64 to, gint64 *had)
{
    gint64 most = -1;
    guint used = 0;
    for (; used < n && own[used][SLICE_FROM] < to; used++)
        had[own[used][SLICE_VM]] += MAX(MIN(own[used][SLICE_TO], to) - MAX(own[used][SLICE_FROM], from), 0);
    for (guint i = 0; i < used; i++)
        if (had[own[i][SLICE_VM]] > (most < 0 ? 0 : had[most]))
            most = own[i][SLICE_VM];
    for (guint i = 0; i < used; i++)
        had[own[i][SLICE_VM]] = 0;
    return most;
}

/* Too many slices to draw each: in RUN_REPORT_STEPS steps of time, the VM that had most of each. */
static void add_steps(JsonArray *lane, const gint64 *rows, guint n, guint lp, gint64 *had, gint64 until)
{
    g_autofree const gint64 **own = g_new(const gint64 *, (gsize)n + 1);
    gint64 step = until / RUN_REPORT_STEPS + 1, begin = 0, before = -1;
    guint n_own = 0, first = 0;
    for (guint i = 0; i < n; i++)
        if (rows[(gsize)i * SLICE_COLUMNS + SLICE_LP] == lp)
            own[n_own++] = rows + (gsize)i * SLICE_COLUMNS;
    for (guint k = 0; k <= RUN_REPORT_STEPS; k++) {
        gint64 from = k * step;
        while (first < n_own && own[first][SLICE_TO] <= from)
            first++;
        gint64 most = k < RUN_REPORT_STEPS ? most_of(own + first, n_own - first, from, from + step, had) : -1;
        if (most == before)
            continue;
        if (before >= 0)
            add_slice(lane, begin, from, before, VMM_SLICE_ENDS);
        before = most;
        begin = from;
    }
}

static bool slices_are_good(const gint64 *rows, guint n, guint n_lps, guint n_vms)
{
    gint64 last = 0;
    for (guint i = 0; i < n; i++) {
        const gint64 *r = rows + (gsize)i * SLICE_COLUMNS;
        if (r[SLICE_FROM] < 0 || r[SLICE_TO] < r[SLICE_FROM] || r[SLICE_LP] < 0 || r[SLICE_LP] >= n_lps || r[SLICE_VM] < 0 || r[SLICE_VM] >= n_vms ||
            r[SLICE_TO] < last)
            return false;
        last = r[SLICE_TO];
    }
    return true;
}

static JsonObject *slices_data(JsonObject *series, guint n_lps, guint n_vms, guint n_runs)
{
    guint n;
    g_autofree gint64 *rows = rows_of(series, "slices", SLICE_COLUMNS, &n);
    if (n && (!rows || !slices_are_good(rows, n, n_lps, n_vms)))
        return NULL;
    JsonObject *o = json_object_new(), *table = run_read_object(series, "slices");
    JsonArray *lanes = json_array_new(), *points = run_read_array(table, "points");
    bool exact = n <= RUN_REPORT_SLICES / n_runs;
    g_autofree gint64 *had = g_new0(gint64, n_vms);
    for (guint lp = 0; lp < n_lps; lp++) {
        JsonArray *lane = json_array_new();
        if (!exact)
            add_steps(lane, rows, n, lp, had, rows[((gsize)n - 1) * SLICE_COLUMNS + SLICE_TO]);
        for (guint i = 0; exact && i < n; i++) {
            const gint64 *r = rows + (gsize)i * SLICE_COLUMNS;
            if (r[SLICE_LP] == lp)
                add_slice(lane, r[SLICE_FROM], r[SLICE_TO], r[SLICE_VM],
                          end_number(json_array_get_string_element(json_array_get_array_element(points, i), SLICE_COLUMNS - 1)));
        }
        json_array_add_array_element(lanes, lane);
    }
    json_object_set_boolean_member(o, "exact", exact);
    json_object_set_int_member(o, "buckets", RUN_REPORT_STEPS);
    json_object_set_int_member(o, "kept", n);
    json_object_set_double_member(o, "count", run_read_number(table, "count"));
    json_object_set_array_member(o, "lanes", lanes);
    return o;
}

static JsonArray *end_names(void)
{
    JsonArray *names = json_array_new();
    for (int i = 0; i < VMM_SLICE_ENDS; i++)
        json_array_add_string_element(names, vmm_slice_end_names[i]);
    json_array_add_string_element(names, "end-of-run");
    return names;
}

/* Every sample has the points of all, in order, and time goes on. */
static bool samples_are_good(const samples *s)
{
    for (guint i = 0; i < s->n; i++)
        for (guint k = 0; k < s->wide; k++)
            if (cell(s, i, k, 1) != k || cell(s, i, k, 0) < 0 || (i && cell(s, i, k, 0) < cell(s, i - 1, k, 0)))
                return false;
    return true;
}

JsonObject *run_report_series(JsonObject *series, guint n_lps, guint n_vms, guint n_runs)
{
    guint n_lp_rows, n_vm_rows;
    if (!series || !n_lps || !n_vms)
        return NULL;
    g_autofree gint64 *lps = rows_of(series, "lps", LP_COLUMNS, &n_lp_rows), *vms = rows_of(series, "vms", VM_COLUMNS, &n_vm_rows);
    guint n = n_lp_rows / n_lps, wanted = CLAMP(RUN_REPORT_SAMPLES / n_runs, 60, (guint)RUN_REPORT_MOST_SAMPLES);
    samples l = {lps, n, (n + wanted - 1) / wanted, n_lps, LP_COLUMNS}, v = {vms, n, l.step, n_vms, VM_COLUMNS};
    if (!lps || !vms || n_lp_rows % n_lps || n_vm_rows != n * n_vms || !samples_are_good(&l) || !samples_are_good(&v))
        return NULL;
    JsonObject *slices = slices_data(series, n_lps, n_vms, n_runs);
    if (!slices)
        return NULL;
    JsonObject *o = json_object_new();
    JsonArray *at = json_array_new(), *by_lp = json_array_new(), *by_vm = json_array_new();
    for (guint i = 0; i < n; i += l.step)
        json_array_add_int_element(at, cell(&v, last_of(&v, i), 0, VM_AT) / (gint64)SIM_PS_PER_NS);
    for (guint i = 0; i < n_lps; i++)
        json_array_add_object_element(by_lp, lp_lines(&l, i));
    for (guint i = 0; i < n_vms; i++)
        json_array_add_object_element(by_vm, vm_lines(&v, i));
    json_object_set_array_member(o, "at", at);
    json_object_set_array_member(o, "lps", by_lp);
    json_object_set_object_member(o, "all", all_lines(&l));
    json_object_set_array_member(o, "vms", by_vm);
    json_object_set_object_member(o, "slices", slices);
    json_object_set_array_member(o, "ends", end_names());
    return o;
}
