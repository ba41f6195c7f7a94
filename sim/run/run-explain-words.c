/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons, evidence and outcomes in words. */
#include "run-explain.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *reason, *means;
} reasons[] = {
    {"cache-flushed", "its data cache was flushed; what it would fetch into it now it might not use before its quantum ends"},
    {"tight-loop", "it was in a tight loop, with BTB and instruction cache warm, that would have to be warmed again after a switch"},
    {"loop-end", "a long loop had ended and it owed time; the VM to which most is owed ran next, for so much longer"},
    {"l1-traversed", "L1D was full of its data, which it went through again and again"},
    {"loop-end-near", "by its history its loop was about to end, within what the quantum could be lengthened by"},
    {"cold-phase-next", "a loop had ended, and what comes after it used to find nothing in the caches"},
    {"pipeline-stalled", "nearly all its cycles went into waiting for memory, while a VM waited that computes"},
    {"profile-warm-up", "by its profile a good part of each quantum goes into getting warm"},
    {"task-history", "another VM does tasks of the kind better"},
    {"paid-back", "time that it had been kept waiting before was paid back"},
};

const char *run_explain_reason(const char *reason)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (strcmp(reasons[i].reason, reason) == 0)
            return reasons[i].means;
    return NULL;
}

static bool ends_with(const char *name, const char *end)
{
    return g_str_has_suffix(name, end);
}

/* The kind of a figure stands in its name, perhaps with words behind it: ipc-permille-before. */
static bool has_unit(const char *name, const char *unit)
{
    return strstr(name, unit) != NULL;
}

static char *format_time(double ps)
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e12, "s"}, {1e9, "ms"}, {1e6, "us"}, {1e3, "ns"}, {1, "ps"}};
    unsigned i = 0;
    while (i + 1 < G_N_ELEMENTS(units) && fabs(ps) < units[i].unit)
        i++;
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    return g_strconcat(g_ascii_formatd(text, sizeof text, "%.3g", ps / units[i].unit), units[i].name, NULL);
}

char *run_explain_figure(const char *name, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (ends_with(name, "-ps"))
        return format_time(value);
    if (has_unit(name, "ipc-permille"))
        return g_strdup(g_ascii_formatd(text, sizeof text, "%.3f", value / 1000));
    if (has_unit(name, "-permille"))
        return g_strconcat(g_ascii_formatd(text, sizeof text, "%.1f", value / 10), "%", NULL);
    if (has_unit(name, "-per-million"))
        return g_strconcat(g_ascii_formatd(text, sizeof text, "%.2f", value / 1000), " MPKI", NULL);
    if (ends_with(name, "-branch"))
        return g_strdup_printf("0x%" G_GINT64_MODIFIER "x", (guint64)value);
    return g_strdup(g_ascii_formatd(text, sizeof text, "%.0f", value));
}

char *run_explain_name(const char *name)
{
    static const char *const units[] = {"-permille", "-per-million", "-ps"};
    g_autofree char *rest = g_strdup(name);
    for (unsigned i = 0; i < G_N_ELEMENTS(units); i++) {
        char *at = strstr(rest, units[i]);
        if (at)
            memmove(at, at + strlen(units[i]), strlen(at + strlen(units[i])) + 1);
    }
    g_strdelimit(rest, "-", ' ');
    for (unsigned i = 0; rest[0] && i < 4; i++) { /* the names of things are capitals */
        static const char *const capitals[] = {"ipc", "l1d", "l1i", "btb"};
        char *at = strstr(rest, capitals[i]);
        for (unsigned k = 0; at && k < 3; k++)
            at[k] = g_ascii_toupper(at[k]);
    }
    return g_steal_pointer(&rest);
}

const char *run_explain_parameter(const char *reason)
{
    static const char *const switches[][2] = {{"loop-end-near", "prediction"}, {"cold-phase-next", "prediction"}, {"profile-warm-up", "profile"},
                                              {"paid-back", "repay"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(switches); i++)
        if (strcmp(switches[i][0], reason) == 0)
            return switches[i][1];
    return reason;
}

/* ---- what came of it --------------------------------------------------------------------------------------------------- */

static const char *compare(double before, double after, double margin)
{
    return after > before * (1 + margin) ? "gained" : after < before * (1 - margin) ? "lost" : "no difference";
}

static char *two(const char *what, const char *name, double before, const char *then, double after)
{
    g_autofree char *a = run_explain_figure(name, before), *b = run_explain_figure(name, after);
    return g_strdup_printf("%s %s, %s %s", what, a, then, b);
}

/* A difference below 1% is none: sampling itself costs about as much. */
#define MARGIN 0.01

const char *run_explain_judge(JsonObject *reason, char **why)
{
    JsonObject *e = run_read_object(reason, "evidence"), *o = run_read_object(reason, "outcome");
    double a, b;
    *why = NULL;
    if (run_explain_mean(o, "ipc-permille-before", &a) && run_explain_mean(o, "ipc-permille-in-it", &b)) {
        *why = two("IPC before", "ipc-permille", a, "in the extension", b);
        return compare(a, b, MARGIN);
    }
    if (run_explain_mean(o, "ipc-permille-before", &a) && run_explain_mean(o, "ipc-permille-own-next", &b)) {
        *why = two("IPC in the quantum that was ended", "ipc-permille", a, "in its next one", b);
        return compare(a, b, MARGIN);
    }
    if (run_explain_mean(e, "ipc-permille-mean", &a) && run_explain_mean(o, "ipc-permille-after", &b)) {
        *why = two("IPC before", "ipc-permille", a, "after", b);
        return compare(a, b, MARGIN);
    }
    if (run_explain_mean(e, "mean-ps", &a) && run_explain_mean(o, "took-ps", &b)) {
        *why = two("where they were, tasks took", "-ps", a, "those moved took", b);
        return compare(b, a, MARGIN);
    }
    return NULL;
}
