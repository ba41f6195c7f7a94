/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-unknown.h"

#include "cpu-uarch.h"

#include <string.h>

/* The table's rows; JSON has all. */
enum { SHOWN = 30 };

static void clear(gpointer data)
{
    run_unknown *u = data;
    g_free(u->kind);
    g_free(u->form);
}

static void add(GArray *all, const char *kind, const cpu_unknown *u)
{
    for (guint i = 0; i < all->len; i++) {
        run_unknown *known = &g_array_index(all, run_unknown, i);
        if (strcmp(known->kind, kind) == 0 && strcmp(known->form, u->form) == 0) {
            known->executions += u->executions;
            known->blocks += u->blocks;
            return;
        }
    }
    run_unknown one = {g_strdup(kind), g_strdup(u->form), u->executions, u->blocks};
    g_array_append_val(all, one);
}

static int by_weight(gconstpointer a, gconstpointer b)
{
    const run_unknown *x = a, *y = b;
    if (x->executions != y->executions)
        return x->executions < y->executions ? 1 : -1;
    int order = strcmp(x->form, y->form);
    return order ? order : strcmp(x->kind, y->kind);
}

GArray *run_unknown_collect(const run_machine *machine, const cpu_machine *desc)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(run_unknown));
    const cpu_weights *weights;
    const insn_code *code;
    g_array_set_clear_func(all, clear);
    for (uint32_t g = 0; run_machine_weights(machine, g, &weights, &code); g++)
        for (unsigned k = 0; k < desc->n_kinds; k++) {
            g_autoptr(GArray) found = cpu_uarch_unknown(&desc->kinds[k], code, weights);
            for (guint i = 0; i < found->len; i++)
                if (g_array_index(found, cpu_unknown, i).executions)
                    add(all, desc->kinds[k].name, &g_array_index(found, cpu_unknown, i));
        }
    g_array_sort(all, by_weight);
    return all;
}

void run_unknown_table(GString *text, const run_result *r)
{
    if (!r->unknown)
        return;
    g_string_append_printf(text, "\nInstructions that the tables lack: costs of their class\n");
    if (!r->unknown->len)
        g_string_append(text, "  none was executed\n");
    else
        g_string_append(text, "    executions  of all  blocks  core          instruction\n");
    for (guint i = 0; i < MIN(r->unknown->len, (guint)SHOWN); i++) {
        const run_unknown *u = &g_array_index(r->unknown, run_unknown, i);
        double share = r->totals.instructions ? 100.0 * (double)u->executions / (double)r->totals.instructions : 0;
        g_string_append_printf(text, "  %12" G_GUINT64_FORMAT "  %5.2f%%  %6" G_GUINT64_FORMAT "  %-12s  %s\n", u->executions, share, u->blocks,
                               u->kind, u->form);
    }
    if (r->unknown->len > SHOWN)
        g_string_append_printf(text, "  and %u more, in the JSON result\n", r->unknown->len - SHOWN);
}
