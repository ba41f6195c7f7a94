/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-table.h"

#include "run-below.h"
#include "run-metrics.h"
#include "run-profile.h"
#include "run-smu.h"
#include "run-syscalls.h"
#include "run-unknown.h"

#include <math.h>
#include <string.h>

/* Widths in columns: what stands left of the numbers; a policy's value and its ratio in the totals; the whole. */
enum { LABEL = 16, VM_LABEL = 14, VALUE = 10, RATIO = 8, WIDTH = 110, OTHERS_PER_BLOCK = 4 };

#define BOLD "1"
#define DIM "2"
#define RED "31"
#define GREEN "32"
#define YELLOW "33"

typedef struct {
    GString *text;
    bool colour;
} table;

/* ---- pieces --------------------------------------------------------------------------------------------------- */

/* Appends text, in a colour on terminals; padded to `width` (right-aligned when positive, left-aligned when negative). */
static void put(table *t, const char *style, int width, const char *text)
{
    int length = (int)g_utf8_strlen(text, -1), pad = MAX(ABS(width) - length, 0);
    if (width > 0)
        g_string_append_printf(t->text, "%*s", pad, "");
    if (t->colour && style)
        g_string_append_printf(t->text, "\033[%sm%s\033[0m", style, text);
    else
        g_string_append(t->text, text);
    if (width < 0)
        g_string_append_printf(t->text, "%*s", pad, "");
}

static void end_line(table *t)
{
    while (t->text->len && t->text->str[t->text->len - 1] == ' ')
        g_string_truncate(t->text, t->text->len - 1);
    g_string_append_c(t->text, '\n');
}

static void heading(table *t, const char *text)
{
    g_string_append_c(t->text, '\n');
    put(t, BOLD, 0, text);
    end_line(t);
}

/* Three digits that count: 0.07, 5.19, 15.9, 159, 1590. */
static void format_decimal(char *out, size_t size, double value)
{
    if (value > 0 && value < 0.005)
        g_strlcpy(out, "<0.01", size);
    else
        g_snprintf(out, (gulong)size, value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value);
}

/* 99999, 412k, 1.23M, 45.6G */
static void format_count(char *out, size_t size, uint64_t n)
{
    static const char suffixes[] = "kMGTP";
    double value = (double)n;
    unsigned s = 0;
    if (n < 100000) {
        g_snprintf(out, (gulong)size, "%" G_GUINT64_FORMAT, n);
        return;
    }
    for (value /= 1000; value >= 999.5; s++)
        value /= 1000;
    char number[32];
    format_decimal(number, sizeof number, value);
    g_snprintf(out, (gulong)size, "%s%c", number, suffixes[s]);
}

/* 850us, 12.3ms */
static void format_time(char *out, size_t size, sim_ps ps)
{
    static const struct { sim_ps unit; const char *name; } units[] = {
        {SIM_PS_PER_S, "s"}, {SIM_PS_PER_MS, "ms"}, {SIM_PS_PER_US, "us"}, {SIM_PS_PER_NS, "ns"}, {1, "ps"}};
    unsigned u = 0;
    while (u + 1 < G_N_ELEMENTS(units) && ps < units[u].unit)
        u++;
    char number[32];
    if (ps % units[u].unit == 0)
        g_snprintf(number, sizeof number, "%" G_GUINT64_FORMAT, ps / units[u].unit);
    else
        format_decimal(number, sizeof number, (double)ps / (double)units[u].unit);
    g_snprintf(out, (gulong)size, "%s%s", number, ps ? units[u].name : "");
}

/* ---- metrics as they are shown -------------------------------------------------------------------------------- */

typedef enum { SHOW_COUNT, SHOW_DECIMAL, SHOW_INDEX, SHOW_TIME, SHOW_MS, SHOW_US } show;
/* Whether more of it is better (+1), worse (-1), or just different (0). */
typedef struct {
    run_metric metric;
    const char *name;
    show show;
    int better;
    int width;          /* of a VM's column */
    const char *hint;
} column;

static void format_value(char *out, size_t size, show how, run_metric_value v)
{
    if (!v.known) {
        g_strlcpy(out, "-", size);
        return;
    }
    switch (how) {
    case SHOW_COUNT: format_count(out, size, v.count); break;
    case SHOW_DECIMAL: format_decimal(out, size, v.value); break;
    case SHOW_INDEX: g_snprintf(out, (gulong)size, "%.3f", v.value); break;
    case SHOW_TIME: format_time(out, size, v.count); break;
    case SHOW_MS: format_decimal(out, size, v.value / (double)SIM_PS_PER_MS); break;
    case SHOW_US: format_decimal(out, size, v.value / (double)SIM_PS_PER_US); break;
    }
}

/* "1.03x", or "=" where the ratio rounds to 1.00. */
static void put_ratio(table *t, int width, run_metric_value value, run_metric_value reference, int better)
{
    double ratio;
    char out[32];
    if (!run_metric_ratio(value, reference, &ratio)) {
        put(t, DIM, width, value.known && value.value > 0 ? "new" : "-");
        return;
    }
    if (fabs(ratio - 1) < 0.005) {
        put(t, DIM, width, "=");
        return;
    }
    g_snprintf(out, sizeof out, ratio < 0.005 ? "<.01x" : ratio < 9.995 ? "%.2fx" : ratio < 99.95 ? "%.1fx"
               : ratio < 9999.5 ? "%.0fx" : ">9999x", ratio);
    put(t, better == 0 ? YELLOW : (ratio > 1) == (better > 0) ? GREEN : RED, width, out);
}

/* ---- totals: a row per metric, a column per policy -------------------------------------------------------------- */

static const column total_rows[] = {
    {RUN_STP, "STP", SHOW_INDEX, +1, 0, "sum of normalised progress; more is better"},
    {RUN_ANTT, "ANTT", SHOW_INDEX, -1, 0, "mean normalised turnaround; less is better"},
    {RUN_HARMONIC, "harmonic", SHOW_INDEX, +1, 0, "harmonic mean of progress; more is better"},
    {RUN_JAIN, "Jain fairness", SHOW_INDEX, +1, 0, "1: all VMs progress alike"},
    {RUN_MIN_MAX, "min/max", SHOW_INDEX, +1, 0, "least by greatest progress; 1 is fair"},
    {RUN_INSTRUCTIONS, "instructions", SHOW_COUNT, +1, 0, "by all VMs"},
    {RUN_CYCLES, "cycles", SHOW_COUNT, 0, 0, ""},
    {RUN_IPC, "IPC", SHOW_INDEX, +1, 0, "instructions per cycle"},
    {RUN_L1D_MPKI, "L1D MPKI", SHOW_INDEX, -1, 0, "misses per 1,000 instructions"},
    {RUN_L2_MPKI, "L2 MPKI", SHOW_INDEX, -1, 0, ""},
    {RUN_LLC_MPKI, "LLC MPKI", SHOW_INDEX, -1, 0, ""},
    {RUN_BRANCH_MPKI, "branch MPKI", SHOW_INDEX, -1, 0, ""},
    {RUN_RUNNING, "running", SHOW_TIME, 0, 0, "sum over VMs"},
    {RUN_RUNNABLE, "steal", SHOW_TIME, -1, 0, "runnable, but without a processor"},
    {RUN_BLOCKED, "blocked", SHOW_TIME, 0, 0, "asleep or waiting for the disk"},
    {RUN_WAKE_P50, "wake p50", SHOW_TIME, -1, 0, "from wake-up to the first instruction"},
    {RUN_WAKE_P99, "wake p99", SHOW_TIME, -1, 0, ""},
    {RUN_SWITCHES, "switches", SHOW_COUNT, -1, 0, "VMs put on a processor"},
    {RUN_QUANTA_CHANGED, "quanta changed", SHOW_COUNT, 0, 0, "extended or ended early"},
};

static const run_result *run_at(GPtrArray *runs, guint i)
{
    return g_ptr_array_index(runs, i);
}

static void put_total_row(table *t, GPtrArray *runs, guint first, guint n, const column *row)
{
    run_metric_value base = run_metric_of_run(run_at(runs, 0), row->metric);
    char out[64];
    if (!base.known)
        return;
    g_string_append(t->text, "  ");
    put(t, NULL, -LABEL, row->name);
    format_value(out, sizeof out, row->show, base);
    put(t, NULL, VALUE, out);
    for (guint i = first; i < first + n; i++) {
        run_metric_value v = run_metric_of_run(run_at(runs, i), row->metric);
        format_value(out, sizeof out, row->show, v);
        put(t, NULL, VALUE, out);
        put_ratio(t, RATIO, v, base, row->better);
    }
    if (n <= 2 && *row->hint) {
        g_string_append(t->text, "   ");
        put(t, DIM, 0, row->hint);
    }
    end_line(t);
}

/* The reference and `n` others from `first` on. */
static void put_totals_block(table *t, GPtrArray *runs, guint first, guint n)
{
    g_string_append_printf(t->text, "  %*s", LABEL, "");
    put(t, BOLD, VALUE, run_at(runs, 0)->policy);
    for (guint i = first; i < first + n; i++)
        put(t, BOLD, VALUE + RATIO, run_at(runs, i)->policy);
    end_line(t);
    for (guint k = 0; k < G_N_ELEMENTS(total_rows); k++)
        put_total_row(t, runs, first, n, &total_rows[k]);
}

static void put_totals(table *t, GPtrArray *runs)
{
    guint first = 1;
    do {
        guint n = MIN(runs->len - first, (guint)OTHERS_PER_BLOCK);
        g_string_append_c(t->text, '\n');
        put_totals_block(t, runs, first, n);
        first += n;
    } while (first < runs->len);
}

/* ---- VMs: a block each, a line per policy ------------------------------------------------------------------------ */

static const column vm_columns[] = {
    {RUN_SLOWDOWN, "slowdown", SHOW_DECIMAL, -1, 9, NULL},
    {RUN_INSTRUCTIONS, "instr", SHOW_COUNT, +1, 7, NULL},
    {RUN_IPC, "IPC", SHOW_DECIMAL, +1, 6, NULL},
    {RUN_L1D_MPKI, "L1D", SHOW_DECIMAL, -1, 6, NULL},
    {RUN_L2_MPKI, "L2", SHOW_DECIMAL, -1, 6, NULL},
    {RUN_LLC_MPKI, "LLC", SHOW_DECIMAL, -1, 6, NULL},
    {RUN_BRANCH_MPKI, "branch", SHOW_DECIMAL, -1, 7, NULL},
    {RUN_RUNNING, "running", SHOW_MS, 0, 8, NULL},
    {RUN_RUNNABLE, "steal", SHOW_MS, -1, 7, NULL},
    {RUN_BLOCKED, "blocked", SHOW_MS, 0, 8, NULL},
    {RUN_WAKE_P50, "p50", SHOW_US, -1, 6, NULL},
    {RUN_WAKE_P99, "p99", SHOW_US, -1, 6, NULL},
    {RUN_SWITCHES, "switch", SHOW_COUNT, -1, 7, NULL},
    {RUN_QUANTA_CHANGED, "quanta", SHOW_COUNT, 0, 7, NULL},
};

static bool column_is_shown(GPtrArray *runs, const column *c)
{
    for (guint v = 0; v < run_at(runs, 0)->vms->len; v++)
        if (run_metric_of_vm(g_ptr_array_index(run_at(runs, 0)->vms, v), c->metric).known)
            return true;
    return false;
}

/* Which columns of the VMs' table a group of them covers, for the upper line of the heading. */
static int group_width(run_metric first, run_metric last)
{
    int width = 0;
    for (guint k = 0; k < G_N_ELEMENTS(vm_columns); k++)
        if (vm_columns[k].metric >= first && vm_columns[k].metric <= last)
            width += vm_columns[k].width;
    return width;
}

static void put_group(table *t, int width, const char *name)
{
    int dashes = width - 1 - (int)strlen(name) - 2;
    g_autofree char *left = g_strnfill((gsize)(dashes / 2), '-');
    g_autofree char *right = g_strnfill((gsize)(dashes - dashes / 2), '-');
    g_autofree char *text = g_strdup_printf(" %s %s %s", left, name, right);
    put(t, DIM, width, text);
}

static void put_vm_heading(table *t, GPtrArray *runs)
{
    bool slowdown = column_is_shown(runs, &vm_columns[0]);
    int left = VM_LABEL - 2 + vm_columns[1].width + vm_columns[2].width;
    g_string_append_printf(t->text, "\n  %*s", slowdown ? left + vm_columns[0].width : left, "");
    put_group(t, group_width(RUN_L1D_MPKI, RUN_BRANCH_MPKI), "MPKI");
    put_group(t, group_width(RUN_RUNNING, RUN_BLOCKED), "ms");
    put_group(t, group_width(RUN_WAKE_P50, RUN_WAKE_P99), "wake us");
    end_line(t);
    put(t, BOLD, -VM_LABEL, "VMs");
    for (guint k = 0; k < G_N_ELEMENTS(vm_columns); k++)
        if (k || slowdown)
            put(t, DIM, vm_columns[k].width, vm_columns[k].name);
    end_line(t);
}

static void put_vm_values(table *t, GPtrArray *runs, guint i, guint v)
{
    const run_vm_result *vm = g_ptr_array_index(run_at(runs, i)->vms, v);
    const run_vm_result *base = g_ptr_array_index(run_at(runs, 0)->vms, v);
    char out[64];
    g_string_append(t->text, "  ");
    put(t, NULL, -(VM_LABEL - 2), run_at(runs, i)->policy);
    for (guint k = 0; k < G_N_ELEMENTS(vm_columns); k++) {
        if (!column_is_shown(runs, &vm_columns[k]))
            continue;
        format_value(out, sizeof out, vm_columns[k].show, run_metric_of_vm(vm, vm_columns[k].metric));
        put(t, NULL, vm_columns[k].width, out);
    }
    end_line(t);
    if (i == 0)
        return;
    g_string_append_printf(t->text, "%*s", VM_LABEL, "");
    for (guint k = 0; k < G_N_ELEMENTS(vm_columns); k++)
        if (column_is_shown(runs, &vm_columns[k]))
            put_ratio(t, vm_columns[k].width, run_metric_of_vm(vm, vm_columns[k].metric),
                      run_metric_of_vm(base, vm_columns[k].metric), vm_columns[k].better);
    end_line(t);
}

/* The last line that the guest printed, or its beginning, without what a terminal would take for commands. */
static char *last_line(const run_vm_result *vm, int room)
{
    gsize end = vm->out_len;
    while (end && g_ascii_isspace(vm->out[end - 1]))
        end--;
    gsize begin = end;
    while (begin && vm->out[begin - 1] != '\n')
        begin--;
    char *text = g_strndup(vm->out + begin, MIN(end - begin, (gsize)room));
    for (char *p = text; *p; p++)
        if (!g_ascii_isprint(*p))
            *p = '?';
    return text;
}

static void put_vm_title(table *t, const run_vm_result *vm)
{
    static const char *const states[VMM_N_STATES] = {"still running", "still running", "blocked at the end",
                                                     "off line"};
    g_autofree char *args = vm->argv && vm->argv[0] ? g_strjoinv(" ", vm->argv + 1) : g_strdup("");
    g_autofree char *end = vm->faulted                        ? g_strdup("FAULT")
                           : vm->stopped                      ? g_strdup("stopped")
                           : vm->ended && vm->cut             ? g_strdup("end of its trace")
                           : vm->ended && vm->exit_status     ? g_strdup_printf("exit status %d", vm->exit_status)
                           : vm->ended                        ? g_strdup("")
                           : !vm->started                     ? g_strdup("not started")
                                                              : g_strdup(states[vm->state]);
    GString *rest = g_string_new(NULL);
    g_string_append_printf(rest, "%s%s%s", vm->workload, *args ? " " : "", args);
    if (g_utf8_strlen(rest->str, -1) > 50) {
        g_string_truncate(rest, 47);
        g_string_append(rest, "...");
    }
    g_autofree char *valid = g_utf8_make_valid(rest->str, -1);
    g_string_free(rest, TRUE);
    put(t, BOLD, 0, vm->name);
    g_string_append_printf(t->text, "  %s", valid);
    int used = (int)(strlen(vm->name) + (gsize)g_utf8_strlen(valid, -1) + strlen(end)) + 8;
    g_autofree char *line = last_line(vm, MAX(WIDTH - used, 0));
    if (*line) {
        g_string_append(t->text, "  ");
        put(t, DIM, 0, line);
    }
    if (*end) {
        g_string_append(t->text, "  ");
        put(t, vm->faulted ? RED : YELLOW, 0, end);
    }
    end_line(t);
}

static void put_vms(table *t, GPtrArray *runs)
{
    put_vm_heading(t, runs);
    for (guint v = 0; v < run_at(runs, 0)->vms->len; v++) {
        put_vm_title(t, g_ptr_array_index(run_at(runs, 0)->vms, v));
        for (guint i = 0; i < runs->len; i++)
            put_vm_values(t, runs, i, v);
    }
}

/* ---- where the cycles went: a block per VM, a line per policy ----------------------------------------------------- */

static void put_cpi_line(table *t, const char *policy, const uint64_t ev[SIM_EV_COUNT])
{
    uint64_t stack[SIM_CPI_COUNT], cycles = ev[SIM_EV_CYCLES];
    sim_cpi_stack(ev, stack);
    g_string_append(t->text, "  ");
    put(t, NULL, -(VM_LABEL - 2), policy);
    for (unsigned i = 0; i < SIM_CPI_COUNT; i++) {
        g_autofree char *share = g_strdup_printf("%.1f", (double)stack[i] * 100 / (double)cycles);
        put(t, stack[i] ? NULL : DIM, 9, stack[i] ? share : "-");
    }
    end_line(t);
}

static void put_cpi_stacks(table *t, GPtrArray *runs)
{
    g_string_append_c(t->text, '\n');
    put(t, BOLD, -VM_LABEL, "% of cycles");
    for (unsigned i = 0; i < SIM_CPI_COUNT; i++)
        put(t, DIM, 9, sim_cpi_names[i]);
    end_line(t);
    for (guint v = 0; v < run_at(runs, 0)->vms->len; v++) {
        put(t, BOLD, 0, ((const run_vm_result *)g_ptr_array_index(run_at(runs, 0)->vms, v))->name);
        end_line(t);
        for (guint i = 0; i < runs->len; i++) {
            const run_vm_result *vm = g_ptr_array_index(run_at(runs, i)->vms, v);
            if (vm->ev[SIM_EV_CYCLES])
                put_cpi_line(t, run_at(runs, i)->policy, vm->ev);
        }
    }
}

/* ---- why quanta changed ----------------------------------------------------------------------------------------- */

/* "sorter 88, mat 44": the VMs that a reason met, as far as they fit. */
static void put_reason_vms(table *t, const run_result *r, const run_reason *reason, int room)
{
    GString *list = g_string_new(NULL);
    for (guint v = 0; v < r->vms->len; v++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, v);
        for (guint k = 0; k < vm->reasons->len; k++) {
            const run_reason *own = &g_array_index(vm->reasons, run_reason, k);
            if (strcmp(own->reason, reason->reason) == 0 && strcmp(own->action, reason->action) == 0)
                g_string_append_printf(list, "%s%s %" G_GUINT64_FORMAT, list->len ? ", " : "", vm->name,
                                       own->count);
        }
    }
    if ((int)list->len > room) {
        const char *comma = g_strrstr_len(list->str, room - 4, ",");
        g_string_truncate(list, comma ? (gsize)(comma - list->str) + 1 : 0);
        g_string_append(list, comma ? " ..." : "...");
    }
    put(t, DIM, 0, list->str);
    g_string_free(list, TRUE);
}

static void put_reasons(table *t, GPtrArray *runs)
{
    bool any = false;
    for (guint i = 0; i < runs->len; i++) {
        const run_result *r = run_at(runs, i);
        for (guint k = 0; k < r->reasons->len; k++) {
            const run_reason *reason = &g_array_index(r->reasons, run_reason, k);
            char before[32], after[32], count[32];
            if (!any)
                heading(t, "Why quanta changed");
            any = true;
            format_count(count, sizeof count, reason->count);
            format_time(before, sizeof before, reason->before / reason->count);
            format_time(after, sizeof after, reason->after / reason->count);
            g_autofree char *change = g_strdup_printf("%s -> %s", before, after);
            g_string_append(t->text, "  ");
            put(t, NULL, -LABEL, k ? "" : r->policy);
            put(t, NULL, -18, reason->reason);
            put(t, NULL, -10, reason->action);
            put(t, NULL, 7, count);
            g_string_append(t->text, "   ");
            put(t, NULL, -20, change);
            put_reason_vms(t, r, reason, WIDTH - LABEL - 60);
            end_line(t);
        }
    }
}

/* ---- what else has to be said ------------------------------------------------------------------------------------ */

static void warn(table *t, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void warn(table *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    put(t, RED, 0, "  ! ");
    g_string_append(t->text, text);
    end_line(t);
}

static void put_policy_troubles(table *t, GPtrArray *runs)
{
    for (guint i = 0; i < runs->len; i++) {
        const run_result *r = run_at(runs, i);
        if (r->failure)
            warn(t, "%s failed, and its run was ended: %s", r->policy, r->failure);
        else if (r->bad_answers)
            warn(t, "%s gave %" G_GUINT64_FORMAT " bad answers, replaced by round-robin; the first: %s",
                 r->policy, r->bad_answers, r->bad_answer);
        if (r->starvations)
            warn(t, "%s let VMs starve %" G_GUINT64_FORMAT " times; the first: %s", r->policy, r->starvations,
                 r->starvation);
    }
}

static void put_faults(table *t, const run_result *r)
{
    for (guint v = 0; v < r->vms->len; v++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, v);
        if (vm->faulted)
            warn(t, "%s faulted: %s", vm->name, vm->fault_text ? vm->fault_text : "for no reason that it gave");
    }
}

/* Traces tell more than live guests of what a user may have to know. */
static void put_traces(table *t, const run_result *r)
{
    GString *fixed = g_string_new(NULL);
    for (guint v = 0; v < r->vms->len; v++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, v);
        if (vm->replayed && vm->time_dependent)
            g_string_append_printf(fixed, "%s%s", fixed->len ? ", " : "", vm->name);
        if (vm->salvaged)
            warn(t, "%s: %u damaged chunk%s of its trace left out: %s", vm->name, vm->salvaged, vm->salvaged == 1 ? "" : "s", vm->salvage_note);
    }
    if (fixed->len)
        g_string_append_printf(t->text, "  read the clock when they were recorded, and do again what they did then: %s\n", fixed->str);
    g_string_free(fixed, TRUE);
}

static void put_time_dependent(table *t, const run_result *r, bool several)
{
    GString *names = g_string_new(NULL);
    for (guint v = 0; v < r->vms->len; v++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, v);
        if (vm->time_dependent && !vm->replayed)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", vm->name);
    }
    if (names->len && several)
        g_string_append_printf(t->text, "  read the clock, so that each run executed them anew: %s\n", names->str);
    g_string_free(names, TRUE);
}

static void put_missing(table *t, const run_result *r)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (guint v = 0; v < r->vms->len; v++) {
        const run_vm_result *vm = g_ptr_array_index(r->vms, v);
        for (guint k = 0; k < vm->missing->len; k++) {
            uint32_t nr = g_array_index(vm->missing, run_missing_call, k).nr;
            const char *known = run_syscall_name(nr);
            g_autofree char *name = known ? g_strdup(known) : g_strdup_printf("%u", nr);
            if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
                g_ptr_array_add(names, g_steal_pointer(&name));
        }
    }
    if (names->len == 0)
        return;
    g_ptr_array_add(names, NULL);
    g_autofree char *list = g_strjoinv(", ", (char **)names->pdata);
    g_string_append(t->text, "  ");
    put(t, DIM, 0, "system calls answered ENOSYS: ");
    put(t, DIM, 0, list);
    end_line(t);
}

static void put_notes(table *t, GPtrArray *runs)
{
    const run_result *reference = run_at(runs, 0);
    g_string_append_c(t->text, '\n');
    put_policy_troubles(t, runs);
    put_faults(t, reference);
    put_traces(t, reference);
    put_time_dependent(t, reference, runs->len > 1);
    put_missing(t, reference);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

static void put_title(table *t, const run_result *r)
{
    char time[32], quantum[32];
    format_time(time, sizeof time, r->simulated);
    format_time(quantum, sizeof quantum, r->quantum);
    put(t, BOLD, 0, r->scenario);
    g_string_append_printf(t->text, ": %u VM%s on %s (%u logical processor%s), ", r->vms->len, r->vms->len == 1 ? "" : "s",
                           r->machine, r->lps->len, r->lps->len == 1 ? "" : "s");
    g_string_append_printf(t->text, "quantum %s, seed %" G_GUINT64_FORMAT ", %s simulated%s", quantum, r->seed, time,
                           r->finished ? ", all VMs ended" : "");
    end_line(t);
}

static char *table_of(GPtrArray *runs, const char *digest, bool colour)
{
    table t = {g_string_new(NULL), colour};
    put_title(&t, run_at(runs, 0));
    put_totals(&t, runs);
    put_vms(&t, runs);
    put_cpi_stacks(&t, runs);
    put_reasons(&t, runs);
    run_smu_table(t.text, runs);
    run_below_table(t.text, runs);
    run_profile_table(t.text, run_at(runs, 0));
    put_notes(&t, runs);
    g_string_append(t.text, "  digest   ");
    g_string_append(t.text, digest);
    end_line(&t);
    return g_string_free(t.text, FALSE);
}

char *run_result_to_table(const run_result *r, bool colour)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new();
    g_ptr_array_add(runs, (gpointer)r);
    g_autofree char *text = table_of(runs, r->digest, colour);
    GString *longer = g_string_new(text);
    run_unknown_table(longer, r);
    return g_string_free(longer, FALSE);
}

char *run_comparison_to_table(const run_comparison *c, bool colour)
{
    return table_of(c->runs, c->digest, colour);
}
