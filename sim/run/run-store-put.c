/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs go into the store. */
#include "run-store.h"

#include "run-figures.h"
#include "run-result-json.h"
#include "run-series.h"
#include "sim-error.h"

#include <sqlite3.h>

typedef struct {
    run_store *store;
    const run_result *result;
    int64_t run;
    GHashTable *kinds; /* run_figure_kind: id */
    bool failed;
    GError **error;
} putting;

static bool one_number(run_store *s, const char *sql, const char *text, int64_t *value, bool *found, GError **error)
{
    sqlite3_stmt *statement = run_store_statement(s, sql, error);
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, text, -1, SQLITE_TRANSIENT);
    int code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    if (*found)
        *value = sqlite3_column_int64(statement, 0);
    bool good = code == SQLITE_ROW || code == SQLITE_DONE || run_store_fail(s, error);
    sqlite3_reset(statement);
    return good;
}

static bool scenario_id(run_store *s, const run_scenario *scenario, int64_t *id, GError **error)
{
    bool found;
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, scenario->text, -1);
    return run_store_insert(s, "INSERT OR IGNORE INTO scenarios(digest, name, path, text) VALUES(?, ?, ?, ?)", error, "ssss", digest, scenario->name,
                            scenario->path,
                            scenario->text) &&
        one_number(s, "SELECT id FROM scenarios WHERE digest = ?", digest, id, &found, error);
}

/* ---- figures ------------------------------------------------------------------------------------------------------- */

static bool kind_id(putting *p, const run_figure_kind *kind, int64_t *id)
{
    static const char *const units[] = {[RUN_UNIT_RATIO] = "ratio", [RUN_UNIT_COUNT] = "count", [RUN_UNIT_PS] = "ps"};
    static const char *const better[] = {[RUN_BETTER_NEITHER] = "neither", [RUN_BETTER_HIGHER] = "higher", [RUN_BETTER_LOWER] = "lower"};
    bool found;
    gpointer known = g_hash_table_lookup(p->kinds, kind);
    *id = GPOINTER_TO_INT(known);
    if (known)
        return true;
    if (!run_store_insert(p->store, "INSERT OR IGNORE INTO kinds(name, unit, better, help) VALUES(?, ?, ?, ?)", p->error, "ssss", kind->name, units[kind->unit],
                          better[kind->better], kind->help) ||
        !one_number(p->store, "SELECT id FROM kinds WHERE name = ?", kind->name, id, &found, p->error))
        return false;
    g_hash_table_insert(p->kinds, (gpointer)(uintptr_t)kind, GINT_TO_POINTER((int)*id));
    return true;
}

/* The number of the VM that a figure's name is about; -1: the whole run. */
static int64_t vm_of(const run_result *r, const char *name, const run_figure_kind *kind)
{
    for (guint i = 0; g_str_has_prefix(name, "vm.") && i < r->vms->len; i++) {
        g_autofree char *of_vm = g_strdup_printf("vm.%s.%s", ((const run_vm_result *)g_ptr_array_index(r->vms, i))->name, kind->name);
        if (g_str_equal(of_vm, name))
            return i;
    }
    return -1;
}

/* Events that never came are left out. */
static void put_figure(void *user, const char *name, const run_figure_kind *kind, double value)
{
    putting *p = user;
    int64_t id;
    if (p->failed || (value == 0 && kind->unit == RUN_UNIT_COUNT && kind->better == RUN_BETTER_NEITHER))
        return;
    p->failed = !kind_id(p, kind, &id) || !run_store_insert(p->store, "INSERT INTO figures(kind, vm, run, value) VALUES(?, ?, ?, ?)", p->error, "iiid", id,
                                                            vm_of(p->result, name, kind), p->run, value);
}

/* ---- the rest ------------------------------------------------------------------------------------------------------ */

static bool put_pairs(putting *p, const char *sql, const char *const *pairs)
{
    for (const char *const *t = pairs; t && t[0]; t += 2)
        if (!run_store_insert(p->store, sql, p->error, "iss", p->run, t[0], t[1]))
            return false;
    return true;
}

static bool put_vms(putting *p)
{
    for (guint i = 0; i < p->result->vms->len; i++) {
        const run_vm_result *vm = g_ptr_array_index(p->result->vms, i);
        bool exited = vm->ended && !vm->faulted && !vm->stopped && !vm->cut;
        if (!run_store_insert(p->store, "INSERT INTO vms(run, number, name, workload, program_sha256, weight, state, exit_status) VALUES(?, ?, ?, ?, ?, ?, "
        "?, ?)", p->error,
                              exited ? "iisssisi" : "iisssisn", p->run, (int64_t)i, vm->name, vm->workload, vm->program_sha256, (int64_t)vm->weight,
                              run_result_vm_state(vm), (int64_t)vm->exit_status))
            return false;
    }
    return true;
}

#define EVIDENCE "INSERT OR IGNORE INTO evidence(run, decision, outcome, name, value) VALUES(?, ?, ?, ?, ?)"

static bool put_decisions(putting *p)
{
    for (guint i = 0; i < p->result->decisions->len; i++) {
        const vmm_decision *d = &g_array_index(p->result->decisions, vmm_decision, i);
        if (!run_store_insert(p->store, "INSERT INTO decisions(run, number, at_ps, lp, vm, action, reason, before_ps, after_ps) VALUES(?, ?, ?, ?, ?, ?, ?, "
        "?, ?)",
                              p->error, "iiiiissii", p->run, (int64_t)i, (int64_t)d->at, (int64_t)d->pcpu, (int64_t)d->vm, d->action, d->reason,
                                  (int64_t)d->before,
                              (int64_t)d->after))
            return false;
        for (unsigned e = 0; e < VMM_N_EVIDENCE && d->evidence[e]; e++)
            if (!run_store_insert(p->store, EVIDENCE, p->error, "iiisi", p->run, (int64_t)i, (int64_t)0, d->evidence[e], d->value[e]))
                return false;
    }
    for (guint i = 0; i < p->result->facts->len; i++) {
        const vmm_fact *f = &g_array_index(p->result->facts, vmm_fact, i);
        if (!run_store_insert(p->store, EVIDENCE, p->error, "iiisi", p->run, (int64_t)f->decision, (int64_t)f->outcome, f->name, f->value))
            return false;
    }
    return true;
}

static bool put_series(putting *p)
{
    const run_series *s = p->result->series;
    for (guint i = 0; s && i < s->lps->len; i++) {
        const run_lp_point *l = &g_array_index(s->lps, run_lp_point, i);
        bool idle = l->vcpu == VMM_VCPU_NONE;
        if (!run_store_insert(p->store, "INSERT INTO series_lps(run, at_ps, lp, instructions, cycles, l1d_misses, llc_misses, branch_misses, bus_bytes, vm)"
                              " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", p->error, idle ? "iiiiiiiiin" : "iiiiiiiiii", p->run, (int64_t)l->at, (int64_t)l->lp,
                              (int64_t)l->instructions, (int64_t)l->cycles, (int64_t)l->l1d_misses, (int64_t)l->llc_misses, (int64_t)l->branch_misses,
                              (int64_t)l->bus_bytes, (int64_t)l->vcpu))
            return false;
    }
    for (guint i = 0; s && i < s->vms->len; i++) {
        const run_vm_point *v = &g_array_index(s->vms, run_vm_point, i);
        if (!run_store_insert(p->store, "INSERT INTO series_vms(run, at_ps, vm, quantum_ps, l1d_lines, l2_lines, llc_lines, running_ps, runnable_ps, "
        "blocked_ps)"
                              " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", p->error, "iiiiiiiiii", p->run, (int64_t)v->at, (int64_t)v->vm, (int64_t)v->quantum,
                              (int64_t)v->l1d_lines, (int64_t)v->l2_lines, (int64_t)v->llc_lines, (int64_t)v->running, (int64_t)v->runnable,
                                  (int64_t)v->blocked))
            return false;
    }
    return true;
}

static const char *failure_of(const run_result *r)
{
    for (guint i = 0; !r->failure && i < r->vms->len; i++)
        if (((const run_vm_result *)g_ptr_array_index(r->vms, i))->faulted)
            return "a guest faulted";
    return r->failure;
}

static bool put_row(run_store *s, int64_t scenario, const char *key, const run_result *r, bool alone, GError **error)
{
    return run_store_insert(s, "INSERT INTO runs(key, scenario, policy, policy_used, machine, seed, quantum_ps, duration_ps, simulated_ps, all_ended, "
    "alone, bad_answers,"
                            " starvations, decisions, failure, plugin_sha256, digest, version) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                error,
                            "sisssiiiiiiiiissss", key, scenario, r->policy, r->policy_used, r->machine, (int64_t)r->seed, (int64_t)r->quantum,
                                (int64_t)r->duration,
                            (int64_t)r->simulated, (int64_t)r->finished, (int64_t)alone, (int64_t)r->bad_answers, (int64_t)r->starvations,
                                (int64_t)r->n_decisions,
                            failure_of(r), r->plugin_sha256, r->digest, QUANTA_VERSION);
}

/* Whether the run is there with this digest; one with another digest is taken out. */
static bool is_there(run_store *s, const char *key, const char *digest, bool *there, GError **error)
{
    int64_t id, same;
    if (!one_number(s, "SELECT id FROM runs WHERE key = ?", key, &id, there, error))
        return false;
    if (!*there)
        return true;
    sqlite3_stmt *statement = run_store_statement(s, "SELECT digest = ?1 FROM runs WHERE key = ?2", error);
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, digest, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_TRANSIENT);
    same = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    *there = same;
    return same || run_store_insert(s, "DELETE FROM runs WHERE key = ?", error, "s", key);
}

static bool put_run(run_store *s, const run_scenario *scenario, int64_t scenario_number, const run_result *r, bool alone, const char *const *axes,
                    GError **error)
{
    bool there;
    g_autofree char *key = run_store_key(scenario, r->policy, alone, error);
    if (!key || !is_there(s, key, r->digest, &there, error))
        return false;
    if (there)
        return true;
    if (!put_row(s, scenario_number, key, r, alone, error))
        return false;
    putting p = {.store = s, .result = r, .run = sqlite3_last_insert_rowid(run_store_database(s)), .error = error};
    bool good = put_pairs(&p, "INSERT INTO parameters(run, name, value) VALUES(?, ?, ?)", (const char *const *)r->params) &&
        put_pairs(&p, "INSERT INTO axes(run, name, value) VALUES(?, ?, ?)", axes) && put_vms(&p) && put_decisions(&p) && put_series(&p);
    p.kinds = g_hash_table_new(g_direct_hash, g_direct_equal);
    if (good)
        run_figures_each(r, put_figure, &p);
    g_hash_table_unref(p.kinds);
    return good && !p.failed;
}

static bool end(run_store *s, bool good, GError **error)
{
    if (good && run_store_do(s, "COMMIT", error))
        return true;
    sqlite3_exec(run_store_database(s), "ROLLBACK", NULL, NULL, NULL);
    return false;
}

bool run_store_put(run_store *s, const run_scenario *scenario, GPtrArray *runs, bool alone, const char *const *axes, GError **error)
{
    int64_t number;
    if (!run_store_do(s, "BEGIN IMMEDIATE", error))
        return false;
    bool good = scenario_id(s, scenario, &number, error);
    for (guint i = 0; good && i < runs->len; i++)
        good = put_run(s, scenario, number, g_ptr_array_index(runs, i), alone, axes, error);
    return end(s, good, error);
}

/* ---- merging ------------------------------------------------------------------------------------------------------- */

/* New rows of runs get new numbers; `fresh` says which. */
static const char *const merge_steps[] = {
    "INSERT OR IGNORE INTO scenarios(digest, name, path, text) SELECT digest, name, path, text FROM other.scenarios ORDER BY id",
    "INSERT OR IGNORE INTO kinds(name, unit, better, help) SELECT name, unit, better, help FROM other.kinds ORDER BY id",
    "CREATE TEMP TABLE fresh AS SELECT id, key FROM other.runs o WHERE NOT EXISTS(SELECT 1 FROM main.runs m WHERE m.key = o.key)",
    "INSERT INTO runs(key, scenario, policy, policy_used, machine, seed, quantum_ps, duration_ps, simulated_ps, all_ended, alone, bad_answers, starvations, "
    "decisions,"
    " failure, plugin_sha256, digest, version) SELECT o.key, (SELECT m.id FROM main.scenarios m JOIN other.scenarios os ON os.digest = m.digest WHERE os.id "
    "= o.scenario),"
    " policy, policy_used, machine, seed, quantum_ps, duration_ps, simulated_ps, all_ended, alone, bad_answers, starvations, decisions, failure, "
    "plugin_sha256, digest,"
    " version FROM other.runs o WHERE o.id IN (SELECT id FROM fresh) ORDER BY o.id",
    "CREATE TEMP TABLE number AS SELECT f.id AS old, m.id AS new FROM fresh f JOIN main.runs m ON m.key = f.key",
    "CREATE UNIQUE INDEX temp.number_old ON number(old)",
    "INSERT INTO parameters SELECT n.new, name, value FROM other.parameters o JOIN number n ON n.old = o.run",
    "INSERT INTO axes SELECT n.new, name, value FROM other.axes o JOIN number n ON n.old = o.run",
    "INSERT INTO vms SELECT n.new, number, name, workload, program_sha256, weight, state, exit_status FROM other.vms o JOIN number n ON n.old = o.run",
    "INSERT INTO figures SELECT m.id, o.vm, n.new, o.value FROM other.figures o JOIN number n ON n.old = o.run JOIN other.kinds k ON k.id = o.kind"
    " JOIN main.kinds m ON m.name = k.name",
    "INSERT INTO decisions SELECT n.new, number, at_ps, lp, vm, action, reason, before_ps, after_ps FROM other.decisions o JOIN number n ON n.old = o.run",
    "INSERT INTO evidence SELECT n.new, decision, outcome, name, value FROM other.evidence o JOIN number n ON n.old = o.run",
    "INSERT INTO series_lps SELECT n.new, at_ps, lp, vm, instructions, cycles, l1d_misses, llc_misses, branch_misses, bus_bytes FROM other.series_lps o"
    " JOIN number n ON n.old = o.run",
    "INSERT INTO series_vms SELECT n.new, at_ps, vm, quantum_ps, l1d_lines, l2_lines, llc_lines, running_ps, runnable_ps, blocked_ps FROM other.series_vms o"
    " JOIN number n ON n.old = o.run",
    "DROP TABLE temp.number",
    "DROP TABLE temp.fresh",
};

bool run_store_merge(run_store *s, const char *path, GError **error)
{
    g_autoptr(run_store) other = run_store_open(path, false, error); /* is it one of this version? */
    if (!other)
        return false;
    g_clear_pointer(&other, run_store_close);
    if (!run_store_insert(s, "ATTACH DATABASE ? AS other", error, "s", path))
        return false;
    bool good = run_store_do(s, "BEGIN IMMEDIATE", error);
    for (unsigned i = 0; good && i < G_N_ELEMENTS(merge_steps); i++)
        good = run_store_do(s, merge_steps[i], error);
    good = end(s, good, error);
    return run_store_do(s, "DETACH DATABASE other", good ? error : NULL) && good;
}
