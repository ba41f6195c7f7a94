/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-samples.h"

#include "run-diff.h"
#include "run-json.h"

#include <math.h>
#include <string.h>

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

const char *run_samples_verdict(const run_figure_kind *kind, run_verdict verdict)
{
    bool lower = verdict == RUN_VERDICT_LOWER;
    switch (verdict) {
    case RUN_VERDICT_TOO_FEW: return "too few pairs";
    case RUN_VERDICT_EQUAL: return "equal";
    case RUN_VERDICT_CONSTANT: return "differs, the same with every seed";
    case RUN_VERDICT_NO_DIFFERENCE: return "no difference seen";
    default: break;
    }
    if (kind->better == RUN_BETTER_NEITHER)
        return lower ? "lower" : "higher";
    return lower == (kind->better == RUN_BETTER_LOWER) ? "better" : "worse";
}

/* ---- for people ------------------------------------------------------------------------------------------------------------ */

static char *value_text(const run_figure_kind *kind, double value)
{
    bool whole = kind->unit == RUN_UNIT_COUNT && (value == floor(value) || fabs(value) >= 1000);
    return run_diff_value(kind->unit == RUN_UNIT_PS ? "_ps" : "", value, whole);
}

static char *test_text(const run_paired *t)
{
    static const char *const names[] = {"", ", paired t", ", Wilcoxon"};
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (t->test == RUN_TEST_NONE)
        return g_strdup("");
    if (t->p_adjusted < 0.001)
        return g_strdup_printf("  p < 0.001%s", names[t->test]);
    return g_strdup_printf("  p %s%s", g_ascii_formatd(text, sizeof text, t->p_adjusted < 0.1 ? "%.3f" : "%.2f", t->p_adjusted), names[t->test]);
}

static char *ratio_text(const run_paired *t)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    return t->ratio > 0 ? g_strconcat(g_ascii_formatd(text, sizeof text, "%.3f", t->ratio), "x", NULL) : g_strdup("-");
}

static void put_policy(GString *out, const run_samples *s, const run_sample_figure *f, unsigned p)
{
    const run_sample *x = &f->policies[p];
    g_string_append_printf(out, "  %-18s", s->policies[p]);
    if (!x->summary.n) {
        g_string_append(out, "            -  not known\n");
        return;
    }
    g_autofree char *mean = value_text(f->kind, x->summary.mean), *low = value_text(f->kind, x->summary.low), *high = value_text(f->kind, x->summary.high);
    g_autofree char *interval = x->summary.has_interval ? g_strdup_printf("%s to %s", low, high) : g_strdup("-");
    g_string_append_printf(out, " %12s  %-24s", mean, interval);
    if (p) {
        g_autofree char *ratio = ratio_text(&x->against), *test = test_text(&x->against);
        g_string_append_printf(out, " %7s  %s%s", ratio, run_samples_verdict(f->kind, x->against.verdict), test);
    }
    if (x->summary.n < s->seeds->len)
        g_string_append_printf(out, "  (known with %u seeds)", x->summary.n);
    while (out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
    g_string_append_c(out, '\n');
}

char *run_samples_table(const run_samples *s, bool colour)
{
    static const char *const wish[] = {"", ", more is better", ", less is better"};
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "%s: %u VMs on %s, %u seeds\nmean, 95%% interval, ratio to %s; verdicts paired by seed, p after Holm's correction\n",
        s->scenario, s->n_vms,
                           s->machine, s->seeds->len, s->policies[0]);
    for (guint i = 0; i < s->figures->len; i++) {
        const run_sample_figure *f = g_ptr_array_index(s->figures, i);
        bool helps = !g_str_has_prefix(f->kind->help, "..."); /* that goes on from the kind before */
        g_string_append_printf(out, "\n%s%s%s%s%s%s\n", colour ? BOLD : "", f->name, colour ? PLAIN : "", helps ? ": " : "", helps ? f->kind->help : "",
            wish[f->kind->better]);
        for (unsigned p = 0; p < s->n_policies; p++)
            put_policy(out, s, f, p);
    }
    if (s->seeds->len < RUN_STATS_PAIRS)
        g_string_append_printf(out, "\nNo claims: they take at least %d seeds.\n", RUN_STATS_PAIRS);
    else if (!s->seeds_matter)
        g_string_append(out,
            "\nThe seeds change nothing in this scenario, so that they are no sample. Give it chance: start-jitter, placement-jitter, arrival-jitter\n"
                             "(man 5 quanta-scenario), or synthetic workloads.\n");
    return g_string_free(out, FALSE);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------------------- */

static void put_number(JsonObject *o, const char *key, double value)
{
    if (isfinite(value))
        json_object_set_double_member(o, key, value);
}

static JsonObject *against_object(const run_figure_kind *kind, const run_paired *t)
{
    JsonObject *o = json_object_new();
    json_object_set_int_member(o, "pairs", t->n);
    put_number(o, "difference", t->mean);
    if (t->has_interval) {
        put_number(o, "low", t->low);
        put_number(o, "high", t->high);
    }
    if (t->ratio > 0)
        put_number(o, "ratio", t->ratio);
    json_object_set_string_member(o, "test", run_test_names[t->test]);
    if (t->test != RUN_TEST_NONE) {
        put_number(o, "p", t->p);
        put_number(o, "p_holm", t->p_adjusted);
    }
    json_object_set_string_member(o, "verdict", run_verdict_names[t->verdict]);
    if (t->verdict >= RUN_VERDICT_LOWER)
        json_object_set_string_member(o, "meaning", run_samples_verdict(kind, t->verdict));
    return o;
}

static JsonObject *sample_object(const run_figure_kind *kind, const run_sample *x, bool reference)
{
    JsonObject *o = json_object_new();
    JsonArray *values = json_array_new();
    json_object_set_int_member(o, "n", x->summary.n);
    if (x->summary.n) {
        put_number(o, "mean", x->summary.mean);
        put_number(o, "min", x->summary.min);
        put_number(o, "max", x->summary.max);
    }
    if (x->summary.has_interval) {
        put_number(o, "sd", x->summary.sd);
        put_number(o, "low", x->summary.low);
        put_number(o, "high", x->summary.high);
    }
    if (!reference)
        json_object_set_object_member(o, "against_reference", against_object(kind, &x->against));
    for (guint i = 0; i < x->values->len; i++)
        if (isnan(g_array_index(x->values, double, i)))
            json_array_add_null_element(values);
        else
            json_array_add_double_element(values, g_array_index(x->values, double, i));
    json_object_set_array_member(o, "values", values);
    return o;
}

static JsonObject *figure_object(const run_samples *s, const run_sample_figure *f)
{
    static const char *const units[] = {"ratio", "count", "ps"}, *const better[] = {"neither", "higher", "lower"};
    JsonObject *o = json_object_new(), *policies = json_object_new();
    json_object_set_string_member(o, "unit", units[f->kind->unit]);
    json_object_set_string_member(o, "better", better[f->kind->better]);
    for (unsigned p = 0; p < s->n_policies; p++)
        json_object_set_object_member(policies, s->policies[p], sample_object(f->kind, &f->policies[p], p == 0));
    json_object_set_object_member(o, "policies", policies);
    return o;
}

static JsonObject *digests_object(const run_samples *s)
{
    JsonObject *o = json_object_new();
    for (unsigned p = 0; p < s->n_policies; p++) {
        JsonArray *list = json_array_new();
        for (guint i = 0; i < s->seeds->len; i++)
            json_array_add_string_element(list, g_ptr_array_index(s->digests, i * s->n_policies + p));
        json_object_set_array_member(o, s->policies[p], list);
    }
    return o;
}

char *run_samples_json(const run_samples *s)
{
    JsonObject *o = json_object_new(), *figures = json_object_new();
    JsonArray *seeds = json_array_new();
    json_object_set_string_member(o, "schema", "quanta-seeds/1");
    json_object_set_string_member(o, "scenario", s->scenario);
    json_object_set_string_member(o, "machine", s->machine);
    json_object_set_string_member(o, "reference", s->policies[0]);
    for (guint i = 0; i < s->seeds->len; i++)
        json_array_add_int_element(seeds, (gint64)g_array_index(s->seeds, uint64_t, i));
    json_object_set_array_member(o, "seeds", seeds);
    json_object_set_boolean_member(o, "seeds_matter", s->seeds_matter);
    put_number(o, "confidence", 0.95);
    for (guint i = 0; i < s->figures->len; i++) {
        const run_sample_figure *f = g_ptr_array_index(s->figures, i);
        json_object_set_object_member(figures, f->name, figure_object(s, f));
    }
    json_object_set_object_member(o, "figures", figures);
    json_object_set_object_member(o, "digests", digests_object(s));
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), o);
    json_object_unref(o);
    return run_json_text(node);
}
