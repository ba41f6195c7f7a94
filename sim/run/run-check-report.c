/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a check found, for people and for machines: a table, TAP version 13, JUnit's XML, JSON. */
#include "run-check.h"

#include "run-diff.h"
#include "run-json.h"

#include <math.h>
#include <string.h>

#define BOLD "\033[1m"
#define RED "\033[31m"
#define PLAIN "\033[0m"
enum { POLICY = 16, TEXT = 44, VALUE = 13, LARGEST = 5 /* figures that are told of a run that failed */ };

static const char *text_of(const run_check_result *r)
{
    return r->item->expectation ? run_expectation_text(r->item->expectation) : "digest";
}

/* For the table: the label in the place of what is too long for it. */
static const char *short_text_of(const run_check_result *r)
{
    const char *text = text_of(r), *label = strchr(r->item->key, '.');
    return strlen(text) > TEXT && label && r->item->expectation ? label + 1 : text;
}

/* "case/policy: expectation"; newly allocated. */
static char *name_of(const run_check_result *r)
{
    return g_strdup_printf("%s%s%s: %s", r->of->name, r->policy ? "/" : "", r->policy ? r->policy : "", text_of(r));
}

static char *margin_of(const run_check_result *r)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE + 320];
    if (!r->outcome.known || !r->item->expectation)
        return g_strdup("");
    double percent = r->outcome.margin * 100;
    if (r->outcome.bound == 0)
        return g_strdup(g_ascii_formatd(text, sizeof text, "%+.3g", r->outcome.margin));
    const char *format = fabs(percent) >= 1000 ? "%+.0f" : fabs(percent) < 0.05 && percent != 0 ? "%+.1e" : "%+.1f";
    return g_strconcat(g_ascii_formatd(text, sizeof text, format, percent), "%", NULL);
}

/* Why it failed, in a sentence; newly allocated. */
static char *reason_of(const run_check_result *r)
{
    if (r->outcome.why)
        return g_strdup(r->outcome.why);
    g_autofree char *margin = margin_of(r);
    return g_strdup_printf("measured %s, expected %s (margin %s)", r->measured ? r->measured : "nothing", r->expected ? r->expected : "", margin);
}

/* What changed in the run against its record, as text with `indent`; newly allocated. */
static char *change_of(const run_check_report *report, const run_check_result *r, unsigned indent, bool colour)
{
    JsonObject *d = r->policy ? run_check_change(report, r->of, r->policy, LARGEST) : NULL;
    char *text;
    if (!r->policy || r->failed_run)
        text = g_strdup("");
    else if (!d)
        text = g_strdup_printf("%*snothing is recorded of this run; 'quanta check --update' records it\n", (int)indent, "");
    else if (run_diff_same(d))
        text = g_strdup_printf("%*sthe run is the recorded one\n", (int)indent, "");
    else {
        g_autofree char *diff = run_diff_text(d, indent, colour);
        text = g_strdup_printf("%*sA is recorded, B is now\n%s", (int)indent, "", diff);
    }
    if (d)
        json_object_unref(d);
    return text;
}

/* ---- table -------------------------------------------------------------------------------------------------------------- */

static void put_case_title(GString *out, const run_check_case *k, bool colour)
{
    g_autofree char *policies = g_strjoinv(", ", k->runs);
    g_string_append_printf(out, "\n%s%s%s: %s, %s", colour ? BOLD : "", k->name, colour ? PLAIN : "", k->scenario->name, policies);
    if (k->n_seeds > 1)
        g_string_append_printf(out, "; means of %u seeds", k->n_seeds);
    g_string_append_c(out, '\n');
}

static void put_row(GString *out, const run_check_result *r, bool colour)
{
    g_autofree char *margin = margin_of(r);
    bool good = r->outcome.passed;
    g_string_append_printf(out, "  %-*s %-*s %*s %*s %*s  %s%s%s\n", POLICY, r->policy ? r->policy : "-", TEXT, short_text_of(r), VALUE,
                           r->measured ? r->measured : "-", VALUE + 2,
                           r->expected ? r->expected : "-", 9, margin, !good && colour ? RED : "", good ? "pass" : r->failed_run ? "ERROR" : "FAIL",
                           !good && colour ? PLAIN : "");
}

static void put_failures(GString *out, const run_check_report *report, bool colour)
{
    const run_check_result *last = NULL;
    for (guint i = 0; i < report->results->len; i++) {
        const run_check_result *r = g_ptr_array_index(report->results, i);
        if (r->outcome.passed)
            continue;
        g_autofree char *name = name_of(r), *reason = reason_of(r);
        bool told = last && last->of == r->of && g_strcmp0(last->policy, r->policy) == 0;
        g_autofree char *change = told ? g_strdup("") : change_of(report, r, 4, colour);
        g_string_append_printf(out, "\n%s\n    %s\n%s", name, reason, change);
        last = r;
    }
}

char *run_check_table(const run_check_report *report, bool colour)
{
    GString *out = g_string_new(NULL);
    const run_check_case *last = NULL;
    g_string_append_printf(out, "%s\n", report->suite->name);
    for (guint i = 0; i < report->results->len; i++) {
        const run_check_result *r = g_ptr_array_index(report->results, i);
        if (r->of != last) {
            put_case_title(out, r->of, colour);
            g_string_append_printf(out, "  %-*s %-*s %*s %*s %*s\n", POLICY, "policy", TEXT, "expectation", VALUE, "measured", VALUE + 2, "expected", 9,
                "margin");
        }
        last = r->of;
        put_row(out, r, colour);
    }
    put_failures(out, report, colour);
    g_string_append_printf(out, "\n%u of %u as expected\n", report->results->len - report->failed, report->results->len);
    return g_string_free(out, FALSE);
}

/* ---- TAP ---------------------------------------------------------------------------------------------------------------- */

/* Every line of the text behind '#'. */
static void put_comment(GString *out, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++)
        if (**l)
            g_string_append_printf(out, "#   %s\n", *l);
}

char *run_check_tap(const run_check_report *report)
{
    GString *out = g_string_new("TAP version 13\n");
    g_string_append_printf(out, "1..%u\n", report->results->len);
    for (guint i = 0; i < report->results->len; i++) {
        const run_check_result *r = g_ptr_array_index(report->results, i);
        g_autofree char *name = name_of(r), *reason = reason_of(r);
        g_string_append_printf(out, "%s %u - %s\n", r->outcome.passed ? "ok" : "not ok", i + 1, name);
        if (r->outcome.passed)
            continue;
        g_autofree char *change = change_of(report, r, 0, false);
        put_comment(out, reason);
        put_comment(out, change);
    }
    return g_string_free(out, FALSE);
}

/* ---- JUnit ---------------------------------------------------------------------------------------------------------------- */

/* What XML 1.0 can hold of a text. */
static char *escape(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (char *c = valid; *c; c++)
        if ((guchar)*c < ' ' && *c != '\n' && *c != '\t')
            *c = '?';
    return g_markup_escape_text(valid, -1);
}

static void put_testcase(GString *out, const run_check_report *report, const run_check_result *r)
{
    g_autofree char *class_name = g_strdup_printf("%s.%s%s%s", report->suite->name, r->of->name, r->policy ? "." : "", r->policy ? r->policy : "");
    g_autofree char *class_text = escape(class_name), *name = escape(text_of(r));
    g_string_append_printf(out, "    <testcase classname=\"%s\" name=\"%s\"", class_text, name);
    if (r->outcome.passed) {
        g_string_append(out, "/>\n");
        return;
    }
    g_autofree char *reason = reason_of(r), *change = change_of(report, r, 0, false), *message = escape(reason), *text = escape(change);
    const char *kind = r->failed_run ? "error" : "failure";
    g_string_append_printf(out, ">\n      <%s message=\"%s\" type=\"%s\">%s</%s>\n    </testcase>\n", kind, message, r->item->expectation ? "expectation"
        : "digest", text, kind);
}

static void put_testsuite(GString *out, const run_check_report *report, const run_check_case *k)
{
    g_autoptr(GString) cases = g_string_new(NULL);
    unsigned n = 0, failures = 0, errors = 0;
    for (guint i = 0; i < report->results->len; i++) {
        const run_check_result *r = g_ptr_array_index(report->results, i);
        if (r->of != k)
            continue;
        n++;
        failures += !r->outcome.passed && !r->failed_run;
        errors += !r->outcome.passed && r->failed_run;
        put_testcase(cases, report, r);
    }
    g_autofree char *name = escape(k->name);
    g_string_append_printf(out, "  <testsuite name=\"%s\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"0\">\n%s  </testsuite>\n", name, n, failures,
        errors, cases->str);
}

char *run_check_junit(const run_check_report *report)
{
    GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    g_autofree char *name = escape(report->suite->name);
    unsigned errors = 0;
    for (guint i = 0; i < report->results->len; i++) {
        const run_check_result *r = g_ptr_array_index(report->results, i);
        errors += !r->outcome.passed && r->failed_run;
    }
    g_string_append_printf(out, "<testsuites name=\"%s\" tests=\"%u\" failures=\"%u\" errors=\"%u\">\n", name, report->results->len,
        report->failed - errors, errors);
    for (guint i = 0; i < report->suite->cases->len; i++)
        put_testsuite(out, report, g_ptr_array_index(report->suite->cases, i));
    g_string_append(out, "</testsuites>\n");
    return g_string_free(out, FALSE);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------------- */

static JsonObject *result_object(const run_check_report *report, const run_check_result *r)
{
    JsonObject *o = json_object_new(), *change = NULL;
    json_object_set_string_member(o, "case", r->of->name);
    if (r->policy)
        json_object_set_string_member(o, "policy", r->policy);
    json_object_set_string_member(o, "expectation", text_of(r));
    json_object_set_string_member(o, "outcome", r->outcome.passed ? "pass" : r->failed_run ? "error" : "fail");
    if (r->item->expectation && r->outcome.known) {
        const char *const keys[] = {r->outcome.is_time ? "measured_ps" : "measured", r->outcome.is_time ? "bound_ps" : "bound", "margin"};
        const double values[] = {r->outcome.measured, r->outcome.bound, r->outcome.margin};
        for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
            json_object_set_double_member(o, keys[i], values[i]);
    } else if (!r->item->expectation && r->measured) {
        json_object_set_string_member(o, "measured", r->measured);
        json_object_set_string_member(o, "bound", r->expected);
    }
    if (r->outcome.passed)
        return o;
    g_autofree char *reason = reason_of(r);
    json_object_set_string_member(o, "reason", reason);
    if (r->policy && !r->failed_run)
        change = run_check_change(report, r->of, r->policy, LARGEST);
    if (change)
        json_object_set_object_member(o, "change", change);
    return o;
}

static JsonArray *run_list(const run_check_report *report)
{
    JsonArray *list = json_array_new();
    for (guint c = 0; c < report->runs->len; c++) {
        const run_check_case *k = g_ptr_array_index(report->suite->cases, c);
        GPtrArray *runs = g_ptr_array_index(report->runs, c);
        for (guint i = 0; i < runs->len; i++) {
            const run_check_run *run = g_ptr_array_index(runs, i);
            JsonObject *o = json_object_new();
            json_object_set_string_member(o, "case", k->name);
            json_object_set_string_member(o, "policy", run->policy);
            json_object_set_int_member(o, "seeds", k->n_seeds);
            json_object_set_string_member(o, "digest", run->digest);
            if (run->failure)
                json_object_set_string_member(o, "failure", run->failure);
            json_array_add_object_element(list, o);
        }
    }
    return list;
}

char *run_check_json(const run_check_report *report)
{
    JsonObject *o = json_object_new();
    JsonArray *results = json_array_new();
    json_object_set_string_member(o, "schema", "quanta-check/1");
    json_object_set_string_member(o, "suite", report->suite->name);
    json_object_set_int_member(o, "expectations", report->results->len);
    json_object_set_int_member(o, "failed", report->failed);
    for (guint i = 0; i < report->results->len; i++)
        json_array_add_object_element(results, result_object(report, g_ptr_array_index(report->results, i)));
    json_object_set_array_member(o, "results", results);
    json_object_set_array_member(o, "runs", run_list(report));
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), o);
    json_object_unref(o);
    return run_json_text(node);
}
