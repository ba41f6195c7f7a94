/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-tasks.h"

#include "run-metrics.h"
#include "run-workload.h"
#include "sim-error.h"
#include "wl-synthetic.h"

#include <string.h>

#define PREFIX "tasks "

struct run_tasks {
    GArray *groups;     /* of wl_task_group */
    GPtrArray *strings; /* that they point to, and their lists of VMs */
};

void run_tasks_free(run_tasks *t)
{
    if (!t)
        return;
    g_array_unref(t->groups);
    g_ptr_array_unref(t->strings);
    g_free(t);
}

/* ---- scenario ----------------------------------------------------------------------------------------------------- */

static const char *keep(run_tasks *t, char *text)
{
    g_ptr_array_add(t->strings, text);
    return text;
}

static bool read_body(sim_config *c, const char *group, run_tasks *t, wl_task_group *g, GError **error)
{
    g_autofree char *body = sim_config_string(c, group, "body", NULL, error);
    g_autoptr(GError) local = NULL;
    if (*error)
        return false;
    if (!body)
        return sim_config_fail(c, error, group, "body", "is missing; for example: body = synthetic:stream ws=64KiB insns=200k");
    if (g_str_has_prefix(body, "trace:") && body[strlen("trace:")]) {
        char *path = run_workload_trace(c, group, "body", body + strlen("trace:"), g->salvage, error);
        g->trace = path ? keep(t, path) : NULL;
        return path != NULL;
    }
    if (!g_str_has_prefix(body, "synthetic:"))
        return sim_config_fail(c, error, group, "body", "'%s' is of no known kind; valid: synthetic:SPEC, trace:FILE", body);
    g->synthetic = keep(t, g_strdup(body + strlen("synthetic:")));
    if (!wl_synthetic_check(g->synthetic, &local))
        return sim_config_fail(c, error, group, "body", "%s", local->message);
    if (!wl_synthetic_phases(g->synthetic))
        return sim_config_fail(c, error, group, "body", "never ends; a task has an end (no 'repeat forever')");
    return true;
}

static bool lists(const run_vm *vm, const char *name)
{
    g_auto(GStrv) names = vm->tasks ? g_strsplit(vm->tasks, ",", -1) : NULL;
    for (char **n = names; n && *n; n++)
        if (strcmp(g_strstrip(*n), name) == 0)
            return true;
    return false;
}

/* The VMs that list the group, and the one where its tasks arrive. */
static bool find_vms(sim_config *c, const char *group, const run_scenario *s, run_tasks *t, wl_task_group *g, GError **error)
{
    g_autofree char *arrive = sim_config_string(c, group, "arrive", NULL, error);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    if (*error)
        return false;
    uint32_t *vms = g_new0(uint32_t, s->vms->len + 1);
    keep(t, (char *)vms);
    g->vms = vms;
    g->arrive = WL_TASKS_IN_TURN;
    for (guint i = 0; i < s->vms->len; i++) {
        const run_vm *vm = g_ptr_array_index(s->vms, i);
        if (!lists(vm, g->name))
            continue;
        vms[g->n_vms++] = i;
        g_ptr_array_add(names, vm->name);
        if (arrive && strcmp(arrive, vm->name) == 0)
            g->arrive = i;
    }
    g_ptr_array_add(names, NULL);
    if (!g->n_vms)
        return sim_config_fail(c, error, group, "", "no VM can run them; add 'workload = tasks:%s' to a [vm NAME]", g->name);
    if (!arrive || g->arrive != WL_TASKS_IN_TURN)
        return true;
    g_autofree char *hint = sim_suggest(arrive, (const char *const *)names->pdata);
    return sim_config_fail(c, error, group, "arrive", "'%s' is no VM that can run them%s", arrive, hint);
}

static bool read_group(sim_config *c, const char *group, run_scenario *s, GError **error)
{
    run_tasks *t = s->tasks;
    wl_task_group g = { .name = keep(t, g_strdup(group + strlen(PREFIX))) };
    g.salvage = sim_config_bool(c, group, "salvage", false, error) || s->salvage;
    g.kind = (uint32_t)sim_config_uint(c, group, "kind", t->groups->len + 1, 0, UINT32_MAX, error);
    g.count = (uint32_t)sim_config_uint(c, group, "count", 100, 1, WL_TASKS_MAX, error);
    g.start_ps = sim_config_time(c, group, "start", 0, error);
    g.period_ps = sim_config_time(c, group, "period", 0, error);
    g.jitter_ps = sim_config_time(c, group, "arrival-jitter", 0, error);
    if (*error)
        return false;
    if (!*g.name || strchr(g.name, ','))
        return sim_config_fail(c, error, group, "", "a group of tasks has a name without commas");
    if (t->groups->len == WL_TASKS_GROUPS_MAX)
        return sim_config_fail(c, error, group, "", "more than %d groups of tasks", WL_TASKS_GROUPS_MAX);
    if (g.period_ps > 3600 * SIM_PS_PER_S)
        return sim_config_fail(c, error, group, "period", "is more than 3600s");
    if (g.jitter_ps > 3600 * SIM_PS_PER_S)
        return sim_config_fail(c, error, group, "arrival-jitter", "is more than 3600s");
    if (!read_body(c, group, t, &g, error) || !find_vms(c, group, s, t, &g, error))
        return false;
    g_array_append_val(t->groups, g);
    return true;
}

/* What the VM lists is there, and is not too much for one address space. */
static bool check_vm(const run_scenario *s, const run_vm *vm, GError **error)
{
    g_auto(GStrv) names = g_strsplit(vm->tasks, ",", -1);
    g_autoptr(GPtrArray) valid = g_ptr_array_new();
    unsigned phases = 0;
    for (guint i = 0; i < s->tasks->groups->len; i++)
        g_ptr_array_add(valid, (gpointer)g_array_index(s->tasks->groups, wl_task_group, i).name);
    g_ptr_array_add(valid, NULL);
    for (char **n = names; *n; n++) {
        guint i = 0;
        while (i + 1 < valid->len && strcmp(g_strstrip(*n), g_ptr_array_index(valid, i)) != 0)
            i++;
        if (i + 1 == valid->len) {
            g_autofree char *hint = sim_suggest(*n, (const char *const *)valid->pdata);
            g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: [vm %s] workload: there is no group [tasks %s]%s", s->path, vm->name, *n, hint);
            return false;
        }
        const wl_task_group *g = &g_array_index(s->tasks->groups, wl_task_group, i);
        phases += g->synthetic ? wl_synthetic_phases(g->synthetic) : 0;
    }
    if (phases <= 256)
        return true;
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: [vm %s] workload: its tasks have %u phases together; valid: up to 256", s->path, vm->name, phases);
    return false;
}

bool run_tasks_read(sim_config *c, run_scenario *s, GError **error)
{
    g_auto(GStrv) groups = sim_config_groups(c);
    s->tasks = g_new0(run_tasks, 1);
    s->tasks->groups = g_array_new(FALSE, TRUE, sizeof(wl_task_group));
    s->tasks->strings = g_ptr_array_new_with_free_func(g_free);
    uint64_t all = 0;
    for (char **g = groups; *g; g++) {
        if (!g_str_has_prefix(*g, PREFIX))
            continue;
        if (s->traces) /* all VMs' work comes from traces */
            sim_config_accept_group(c, *g);
        else if (!read_group(c, *g, s, error))
            return false;
    }
    for (guint i = 0; i < s->tasks->groups->len; i++)
        all += g_array_index(s->tasks->groups, wl_task_group, i).count;
    if (all > WL_TASKS_MAX) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %" G_GUINT64_FORMAT " tasks in all; valid: up to %d", s->path, all, WL_TASKS_MAX);
        return false;
    }
    for (guint i = 0; i < s->vms->len; i++) {
        const run_vm *vm = g_ptr_array_index(s->vms, i);
        if (vm->tasks && !check_vm(s, vm, error))
            return false;
    }
    return true;
}

wl_task_pool *run_tasks_pool(const run_scenario *s)
{
    const GArray *g = s->tasks ? s->tasks->groups : NULL;
    if (!g || !g->len)
        return NULL;
    return wl_tasks_new((const wl_task_group *)(const void *)g->data, g->len, s->vms->len, s->seed);
}

/* ---- the VMM's port ------------------------------------------------------------------------------------------------- */

static uint32_t port_waiting(void *user, uint32_t vm, uint32_t kind, sim_ps now)
{
    const run_tasks_port *p = user;
    return wl_tasks_waiting(p->pool, p->vm_of[vm], kind, now);
}

static bool port_move(void *user, uint32_t from, uint32_t to, uint32_t kind, sim_ps now, const char **why)
{
    const run_tasks_port *p = user;
    return wl_tasks_move(p->pool, p->vm_of[from], p->vm_of[to], kind, now, why);
}

static sim_ps port_wake(void *user, uint32_t vm, sim_ps now)
{
    const run_tasks_port *p = user;
    uint64_t at = wl_tasks_wake(p->pool, p->vm_of[vm], now);
    return at == UINT64_MAX ? SIM_PS_NEVER : at;
}

void run_tasks_port_init(run_tasks_port *p, wl_task_pool *pool, const uint32_t *vm_of)
{
    *p = (run_tasks_port){ .port = { .user = p, .waiting = port_waiting, .move = port_move, .wake = port_wake }, .pool = pool, .vm_of = vm_of };
}

/* ---- results -------------------------------------------------------------------------------------------------------- */

static void clear_kind(gpointer kind)
{
    g_free(((run_task_kind *)kind)->name);
}

static run_task_kind *kind_of(GArray *kinds, uint32_t kind)
{
    guint i = 0;
    while (i < kinds->len && g_array_index(kinds, run_task_kind, i).kind < kind)
        i++;
    if (i == kinds->len || g_array_index(kinds, run_task_kind, i).kind != kind) {
        run_task_kind fresh = { .kind = kind };
        g_array_insert_val(kinds, i, fresh);
    }
    return &g_array_index(kinds, run_task_kind, i);
}

/* Times from begin to end of the tasks of one kind. */
static void add_times(run_task_kind *k, const GArray *task_time)
{
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    sim_ps max;
    for (guint i = 0; i < task_time->len; i++) {
        const vmm_task_time *t = &g_array_index(task_time, vmm_task_time, i);
        if (t->kind != k->kind)
            continue;
        g_array_append_val(times, t->ps);
        k->sum += t->ps;
    }
    k->n = times->len;
    run_metrics_latencies(times, &k->p50, &k->p99, &max);
}

static void add_account(GArray *kinds, const wl_task_account *a)
{
    run_task_kind *k = kind_of(kinds, a->group->kind);
    g_autoptr(GArray) response = g_array_copy((GArray *)a->response);
    sim_ps max;
    if (!k->name)
        k->name = g_strdup(a->group->name);
    k->arrived += a->arrived;
    k->waiting += a->waiting;
    k->moved_in += a->moved_in;
    k->moved_out += a->moved_out;
    run_metrics_latencies(response, &k->response_p50, &k->response_p99, &max);
}

void run_tasks_collect(wl_task_pool *pool, uint32_t number, const GArray *task_time, sim_ps end, run_vm_result *r)
{
    wl_task_account account;
    uint32_t known = UINT32_MAX;
    r->task_kinds = g_array_new(FALSE, TRUE, sizeof(run_task_kind));
    g_array_set_clear_func(r->task_kinds, clear_kind);
    for (guint i = 0; task_time && i < task_time->len; i++) {
        uint32_t kind = g_array_index(task_time, vmm_task_time, i).kind;
        if (kind != known)
            kind_of(r->task_kinds, known = kind);
    }
    for (guint i = 0; i < r->task_kinds->len; i++)
        add_times(&g_array_index(r->task_kinds, run_task_kind, i), task_time);
    for (unsigned i = 0; pool && wl_tasks_account(pool, number, i, end, &account); i++)
        add_account(r->task_kinds, &account);
}

void run_tasks_json(JsonObject *o, const run_vm_result *vm)
{
    JsonArray *list = vm->task_kinds && vm->task_kinds->len ? json_array_new() : NULL;
    for (guint i = 0; list && i < vm->task_kinds->len; i++) {
        const run_task_kind *k = &g_array_index(vm->task_kinds, run_task_kind, i);
        const struct {
            const char *key;
            uint64_t value;
        } figures[] = {{"count", k->n}, {"p50_ps", k->p50}, {"p99_ps", k->p99}, {"sum_ps", k->sum}, {"response_p50_ps", k->response_p50},
                       {"response_p99_ps", k->response_p99}, {"arrived", k->arrived}, {"waiting", k->waiting}, {"moved_in", k->moved_in},
                       {"moved_out", k->moved_out}};
        JsonObject *one = json_object_new();
        json_object_set_int_member(one, "kind", k->kind);
        if (k->name)
            json_object_set_string_member(one, "name", k->name);
        for (guint f = 0; f < (k->name ? G_N_ELEMENTS(figures) : 4); f++)
            json_object_set_int_member(one, figures[f].key, (gint64)MIN(figures[f].value, (uint64_t)G_MAXINT64));
        json_array_add_object_element(list, one);
    }
    if (list)
        json_object_set_array_member(o, "task_kinds", list);
}
