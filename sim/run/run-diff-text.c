/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-diff.h"

#include "run-explain.h"

#include <math.h>
#include <string.h>

#define BOLD "\033[1m"
#define PLAIN "\033[0m"
enum { VALUE = 60 /* letters of a text that are shown */ };

typedef struct {
    GString *out;
    unsigned indent;
    bool colour;
} writer;

static void line(const writer *w, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void line(const writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append_printf(w->out, "%*s", (int)w->indent, "");
    g_string_append_vprintf(w->out, format, args);
    g_string_append_c(w->out, '\n');
    va_end(args);
}

static void title(const writer *w, const char *text, const char *rest)
{
    line(w, "%s%s%s%s", w->colour ? BOLD : "", text, w->colour ? PLAIN : "", rest);
}

static const char *string_of(JsonObject *o, const char *key)
{
    const char *text = run_read_string(o, key);
    return text ? text : "-";
}

/* One line of it. */
static char *shorten(const char *text)
{
    g_autofree char *flat = g_strdup(text);
    g_strdelimit(flat, "\n\r\t", ' ');
    if (g_utf8_strlen(flat, -1) <= VALUE)
        return g_steal_pointer(&flat);
    g_autofree char *begin = g_utf8_substring(flat, 0, VALUE - 3);
    return g_strconcat(begin, "...", NULL);
}

/* Letters, not bytes. */
static int pad(const char *text, int width)
{
    return MAX(width - (int)g_utf8_strlen(text, -1), 0);
}

static void put_texts(const writer *w, const char *name, JsonArray *list)
{
    if (run_read_length(list))
        title(w, name, "");
    for (guint i = 0; i < run_read_length(list); i++) {
        JsonObject *o = run_read_element(list, i);
        g_autofree char *a = shorten(string_of(o, "a")), *b = shorten(string_of(o, "b"));
        const char *what = string_of(o, "what");
        line(w, "  %s%*s  %s%*s  %s", what, pad(what, 32), "", a, pad(a, 18), "", b);
    }
}

/* ---- decisions --------------------------------------------------------------------------------------------------------- */

static void append_facts(GString *text, const char *name, JsonObject *facts)
{
    JsonObjectIter iter;
    const char *key;
    JsonNode *node;
    bool first = true;
    if (!facts)
        return;
    json_object_iter_init_ordered(&iter, facts);
    while (json_object_iter_next_ordered(&iter, &key, &node)) {
        g_autofree char *called = run_explain_name(key), *value = run_explain_figure(key, run_read_number(facts, key));
        g_string_append_printf(text, "%s%s %s", first ? name : ", ", called, value);
        first = false;
    }
}

static void put_decision(const writer *w, const char *side, JsonObject *d)
{
    g_autoptr(GString) facts = g_string_new(NULL);
    if (!d) {
        line(w, "  %s  made none any more", side);
        return;
    }
    g_autofree char *at = run_diff_value("_ps", run_read_number(d, "at_ps"), true), *before = run_diff_value("_ps", run_read_number(d, "before_ps"), true);
    g_autofree char *after = run_diff_value("_ps", run_read_number(d, "after_ps"), true);
    append_facts(facts, "because: ", run_read_object(d, "evidence"));
    append_facts(facts, facts->len ? "; then: " : "then: ", run_read_object(d, "outcome"));
    line(w, "  %s  at %s on LP %.0f, VM %s: %s, %s, quantum %s to %s", side, at, run_read_number(d, "lp"), string_of(d, "vm"), string_of(d, "action"),
         string_of(d, "reason"), before, after);
    if (facts->len)
        line(w, "     %s", facts->str);
}

static void put_decisions(const writer *w, JsonObject *d)
{
    JsonArray *differs = run_read_array(d, "differs");
    double a = run_read_number(d, "a"), b = run_read_number(d, "b"), same = run_read_number(d, "same");
    g_autoptr(GString) members = g_string_new(NULL);
    if (!d || (!differs && a == b))
        return;
    g_autofree char *counts = g_strdup_printf(" (A made %.0f, B %.0f)", a, b);
    g_autofree char *head = differs ? g_strdup_printf("decisions: number %.0f is the first that differs", same + 1)
        : g_strdup_printf("decisions: the %.0f that are kept are the same", same);
    title(w, head, counts);
    if (!differs)
        return;
    for (guint i = 0; i < run_read_length(differs); i++)
        g_string_append_printf(members, "%s%s", i ? ", " : "", json_array_get_string_element(differs, i));
    put_decision(w, "A", run_read_object(d, "first_a"));
    put_decision(w, "B", run_read_object(d, "first_b"));
    if (members->len)
        line(w, "     differs in: %s", members->str);
}

/* ---- figures -------------------------------------------------------------------------------------------------------------- */

static char *percent(JsonObject *o)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    double change = run_read_number(o, "change") * 100;
    if (!json_object_has_member(o, "change"))
        return g_strdup("new");
    const char *format = fabs(change) >= 100 ? "%+.0f" : fabs(change) >= 10 ? "%+.1f" : fabs(change) >= 0.01 ? "%+.2f" : "%+.1e";
    return g_strconcat(g_ascii_formatd(text, sizeof text, format, change), "%", NULL);
}

static void put_figures(const writer *w, JsonObject *group)
{
    JsonArray *list = run_read_array(group, "largest");
    double changed = run_read_number(group, "changed");
    g_autofree char *rest = g_strdup_printf(": %.0f figure%s differ%s%s", changed, changed == 1 ? "" : "s", changed == 1 ? "s" : "",
                                            run_read_length(list) < changed ? ", the largest changes" : "");
    const char *of = string_of(group, "of");
    title(w, strcmp(of, "run") == 0 ? "whole run" : of, rest);
    for (guint i = 0; i < run_read_length(list); i++) {
        JsonObject *o = run_read_element(list, i);
        const char *name = string_of(o, "name");
        bool whole = json_node_get_value_type(json_object_get_member(o, "a")) == G_TYPE_INT64 &&
            json_node_get_value_type(json_object_get_member(o, "b")) == G_TYPE_INT64;
        g_autofree char *a = run_diff_value(name, run_read_number(o, "a"), whole), *b = run_diff_value(name, run_read_number(o, "b"), whole),
            *change = percent(o);
        line(w, "  %-40s %14s %14s %10s", name, a, b, change);
    }
}

char *run_diff_text(JsonObject *d, unsigned indent, bool colour)
{
    writer w = {g_string_new(NULL), indent, colour};
    JsonArray *groups = run_read_array(d, "figures");
    put_texts(&w, "configuration", run_read_array(d, "configuration"));
    put_decisions(&w, run_read_object(d, "decisions"));
    for (guint i = 0; i < run_read_length(groups); i++)
        put_figures(&w, run_read_element(groups, i));
    put_texts(&w, "others", run_read_array(d, "others"));
    if (run_read_number(d, "others_more") > 0)
        line(&w, "  and %.0f more", run_read_number(d, "others_more"));
    if (!w.out->len && !run_diff_same(d))
        line(&w, "the digests differ, and nothing else that the results tell");
    return g_string_free(w.out, FALSE);
}

static void put_lone(const writer *w, const char *side, JsonArray *names)
{
    for (guint i = 0; i < run_read_length(names); i++)
        line(w, "only in %s: %s", side, json_array_get_string_element(names, i));
}

char *run_diff_files_text(JsonObject *d, bool colour)
{
    writer w = {g_string_new(NULL), 0, colour};
    JsonArray *runs = run_read_array(d, "runs");
    line(&w, "A  %s\nB  %s", string_of(d, "a"), string_of(d, "b"));
    put_lone(&w, "A", run_read_array(d, "only_a"));
    put_lone(&w, "B", run_read_array(d, "only_b"));
    for (guint i = 0; i < run_read_length(runs); i++) {
        JsonObject *run = run_read_element(runs, i);
        const char *a = string_of(run, "policy_a"), *b = string_of(run, "policy_b");
        g_autofree char *names = strcmp(a, b) == 0 ? g_strdup(a) : g_strdup_printf("%s, %s", a, b), *text = run_diff_text(run, 2, colour);
        g_string_append_c(w.out, '\n');
        title(&w, names, run_diff_same(run) ? ": the same" : "");
        g_string_append(w.out, text);
    }
    return g_string_free(w.out, FALSE);
}
