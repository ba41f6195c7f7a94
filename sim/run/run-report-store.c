/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store of runs (run-store.h) as a report's data. */
#include "run-report-store.h"

#include "run-report-sweep.h"
#include "run-store.h"
#include "sim-error.h"

#include <sqlite3.h>
#include <string.h>

/* In an order that does not depend on who wrote first. Runs that failed tell nothing. Scenarios of one name that nothing but their texts tells apart, the
 * seed neither, are versions of it. */
static const char runs_sql[] = "WITH plain AS (SELECT r.id AS id, s.name AS name FROM runs r JOIN scenarios s ON s.id = r.scenario WHERE r.failure IS NULL"
                               " AND NOT EXISTS (SELECT 1 FROM axes a WHERE a.run = r.id)), versions AS (SELECT DISTINCT p.name AS name FROM plain p"
                               " JOIN runs r ON r.id = p.id GROUP BY p.name, r.machine, r.policy, r.seed HAVING count(DISTINCT r.scenario) > 1)"
                               " SELECT r.id, r.seed, s.name, r.machine, r.policy, substr(s.digest, 1, 8),"
                               " s.name IN (SELECT name FROM versions) AND r.id IN (SELECT id FROM plain)"
                               " FROM runs r JOIN scenarios s ON s.id = r.scenario WHERE r.failure IS NULL"
                               " ORDER BY s.name, r.machine, r.policy <> 'round-robin', r.policy, r.seed, r.key";
static const char axes_sql[] = "SELECT name, value FROM axes WHERE run = ? ORDER BY name";
static const char figures_sql[] = "SELECT k.name, f.value FROM kinds k CROSS JOIN figures f ON f.kind = k.id AND f.vm = -1 AND f.run = ?"
                                  " WHERE k.name = ?";

static const char *text_of(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

/* Axes that every run has by itself. */
static bool is_known(const char *axis)
{
    return g_strv_contains((const char *const[]){"scenario", "machine", "policy", "seed", NULL}, axis);
}

static bool tell_axes(run_store *store, run_report_sweep *s, sqlite3_int64 run, GError **error)
{
    sqlite3_stmt *axes = run_store_statement(store, axes_sql, error);
    if (!axes)
        return false;
    int code;
    sqlite3_bind_int64(axes, 1, run);
    while ((code = sqlite3_step(axes)) == SQLITE_ROW)
        if (!is_known(text_of(axes, 0)))
            run_report_sweep_place(s, text_of(axes, 0), text_of(axes, 1));
    bool good = code == SQLITE_DONE || run_store_fail(store, error);
    sqlite3_reset(axes);
    return good;
}

static bool tell_figures(run_store *store, run_report_sweep *s, sqlite3_int64 run, GError **error)
{
    sqlite3_stmt *figures = run_store_statement(store, figures_sql, error);
    bool good = figures != NULL;
    for (unsigned i = 0; good && i < RUN_REPORT_FIGURES + RUN_REPORT_STACK; i++) {
        const char *name = i < RUN_REPORT_FIGURES ? run_report_sweep_figures[i] : run_report_sweep_stack[i - RUN_REPORT_FIGURES];
        sqlite3_bind_int64(figures, 1, run);
        sqlite3_bind_text(figures, 2, name, -1, SQLITE_STATIC);
        int code = sqlite3_step(figures);
        if (code == SQLITE_ROW)
            run_report_sweep_figure(s, text_of(figures, 0), sqlite3_column_double(figures, 1));
        good = code == SQLITE_ROW || code == SQLITE_DONE || run_store_fail(store, error);
        sqlite3_reset(figures);
    }
    return good;
}

static bool tell_runs(run_store *store, run_report_sweep *s, GError **error)
{
    sqlite3_stmt *runs = run_store_statement(store, runs_sql, error);
    bool good = runs != NULL;
    int code = SQLITE_DONE;
    while (good && (code = sqlite3_step(runs)) == SQLITE_ROW) {
        run_report_sweep_run(s, (uint64_t)sqlite3_column_int64(runs, 1));
        run_report_sweep_place(s, "scenario", text_of(runs, 2));
        run_report_sweep_place(s, "machine", text_of(runs, 3));
        run_report_sweep_place(s, "policy", text_of(runs, 4));
        if (sqlite3_column_int(runs, 6))
            run_report_sweep_place(s, "version of the scenario", text_of(runs, 5));
        sqlite3_int64 run = sqlite3_column_int64(runs, 0);
        good = tell_axes(store, s, run, error) && tell_figures(store, s, run, error);
    }
    if (good && code != SQLITE_DONE)
        good = run_store_fail(store, error);
    if (runs)
        sqlite3_reset(runs);
    return good;
}

JsonObject *run_report_store(const char *path, GError **error)
{
    g_autoptr(run_store) store = run_store_open(path, false, error);
    g_autoptr(run_report_sweep) s = run_report_sweep_new();
    /* One state of the store, whoever writes to it meanwhile. */
    bool good = store && run_store_do(store, "BEGIN", error);
    if (!good)
        return NULL;
    good = tell_runs(store, s, error);
    return run_store_do(store, "COMMIT", good ? error : NULL) && good ? run_report_sweep_data(s) : NULL;
}
