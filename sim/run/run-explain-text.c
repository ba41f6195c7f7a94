/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-explain.h"

#include <string.h>

#define BOLD "\033[1m"
#define PLAIN "\033[0m"
enum { WIDTH = 110 };

typedef struct {
    GString *out;
    bool colour;
} writer;

/* A paragraph, broken between words, with all lines but the first indented by `indent` + 2. */
static void paragraph(writer *w, unsigned indent, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    unsigned at = indent;
    g_string_append_printf(w->out, "%*s", (int)indent, "");
    for (char **word = words; *word; word++) {
        unsigned length = (unsigned)g_utf8_strlen(*word, -1);
        bool first = word == words;
        if (!first && at + 1 + length > WIDTH) {
            g_string_append_printf(w->out, "\n%*s", (int)indent + 2, "");
            at = indent + 2;
        } else if (!first) {
            g_string_append_c(w->out, ' ');
            at++;
        }
        g_string_append(w->out, *word);
        at += length;
    }
    g_string_append_c(w->out, '\n');
}

static const char *string_of(JsonObject *o, const char *key)
{
    const char *text = run_read_string(o, key);
    return text ? text : "";
}

static void put_facts(writer *w, const char *title, JsonArray *facts)
{
    g_autoptr(GString) text = g_string_new(title);
    for (guint i = 0; i < run_read_length(facts); i++) {
        JsonObject *f = run_read_element(facts, i);
        const char *mean = string_of(f, "mean"), *min = string_of(f, "min"), *max = string_of(f, "max");
        g_string_append_printf(text, "%s%s %s", i ? ", " : " ", string_of(f, "called"), mean);
        if (strcmp(min, max) != 0)
            g_string_append_printf(text, " (%s to %s)", min, max);
    }
    if (run_read_length(facts))
        paragraph(w, 6, text->str);
}

/* What the action does to a quantum, in words. */
static const char *in_words(const char *action)
{
    static const char *const words[][2] = {{"extend", "lengthened"}, {"end", "ended at once"}, {"decrease", "shortened"},
                                           {"increase", "made longer from its start, or for good"},
                                           {"donate", "ended, and the rest granted to another VM"}, {"transfer", "kept; a task that waited was moved away"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i][0], action) == 0)
            return words[i][1];
    return action;
}

static void put_change(writer *w, JsonObject *c)
{
    const char *action = string_of(c, "action"), *means = run_read_string(c, "means"), *verdict = run_read_string(c, "verdict");
    g_autofree char *head = g_strdup_printf("%" G_GINT64_FORMAT " x %s: its quantum was %s (mean %s to %s)%s%s", (gint64)run_read_number(c, "count"),
                                            string_of(c, "reason"), in_words(action), string_of(c, "mean_before"), string_of(c, "mean_after"),
                                            means ? ": " : "", means ? means : "");
    paragraph(w, 4, head);
    put_facts(w, "evidence:", run_read_array(c, "evidence"));
    put_facts(w, "outcome:", run_read_array(c, "outcome"));
    if (verdict) {
        g_autofree char *text = g_strdup_printf("result: %s (%s)", verdict, string_of(c, "verdict_because"));
        paragraph(w, 6, text);
    }
}

static void put_vm(writer *w, JsonObject *vm)
{
    JsonArray *changes = run_read_array(vm, "changes");
    JsonObject *figures = run_read_object(vm, "policy_figures");
    g_string_append_printf(w->out, "  %s%s%s: %.0f quanta in full, %.0f lengthened, %.0f ended early\n", w->colour ? BOLD : "", string_of(vm, "vm"),
                           w->colour ? PLAIN : "", run_read_number(vm, "full"), run_read_number(vm, "extended"), run_read_number(vm, "ended_early"));
    for (guint i = 0; i < run_read_length(changes); i++)
        put_change(w, run_read_element(changes, i));
    if (!figures)
        return;
    g_autoptr(GString) text = g_string_new("account:");
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    json_object_iter_init_ordered(&iter, figures);
    while (json_object_iter_next_ordered(&iter, &name, &node)) {
        g_autofree char *called = run_explain_name(name), *value = run_explain_figure(name, run_read_number(figures, name));
        g_string_append_printf(text, "%s %s %s", text->len > strlen("account:") ? "," : "", called, value);
    }
    paragraph(w, 4, text->str);
}

static void put_run(writer *w, JsonObject *run)
{
    JsonArray *vms = run_read_array(run, "vms"), *advice = run_read_array(run, "advice");
    g_string_append_printf(w->out, "\n%s%s%s: %.0f decisions about quanta\n", w->colour ? BOLD : "", string_of(run, "policy"), w->colour ? PLAIN : "",
                           run_read_number(run, "decisions"));
    for (guint i = 0; i < run_read_length(vms); i++)
        put_vm(w, run_read_element(vms, i));
    if (run_read_length(advice))
        g_string_append(w->out, "  Advice\n");
    for (guint i = 0; i < run_read_length(advice); i++) {
        JsonObject *a = run_read_element(advice, i);
        g_autofree char *text = g_strdup_printf("%s: %s. %s.", string_of(a, "about"), string_of(a, "advice"), string_of(a, "because"));
        paragraph(w, 4, text);
    }
}

char *run_explain_text(JsonObject *explanation, bool colour)
{
    writer w = {g_string_new(NULL), colour};
    JsonArray *runs = run_read_array(explanation, "runs");
    g_string_append_printf(w.out, "%s: why quanta changed\n", string_of(explanation, "scenario"));
    for (guint i = 0; i < run_read_length(runs); i++)
        put_run(&w, run_read_element(runs, i));
    return g_string_free(w.out, FALSE);
}
