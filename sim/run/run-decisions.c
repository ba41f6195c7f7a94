/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-decisions.h"

#include <string.h>

/* ---- collecting --------------------------------------------------------------------------------------------------- */

static run_reason *reason_of(GArray *reasons, const vmm_decision *d)
{
    const char *text = d->reason ? d->reason : "";
    for (guint i = 0; i < reasons->len; i++) {
        run_reason *known = &g_array_index(reasons, run_reason, i);
        if (strcmp(known->action, d->action) == 0 && strcmp(known->reason, text) == 0)
            return known;
    }
    run_reason fresh = {.action = d->action, .reason = text};
    g_array_append_val(reasons, fresh);
    return &g_array_index(reasons, run_reason, reasons->len - 1);
}

static void add_fact(run_reason *r, const char *name, int64_t value, bool outcome)
{
    unsigned i = 0;
    while (i < r->n_facts && (r->facts[i].outcome != outcome || strcmp(r->facts[i].name, name) != 0))
        i++;
    if (i == RUN_REASON_FACTS)
        return;
    run_reason_fact *f = &r->facts[i];
    if (i == r->n_facts) {
        *f = (run_reason_fact){.name = name, .outcome = outcome, .min = value, .max = value};
        r->n_facts++;
    }
    f->count++;
    f->sum += value;
    f->min = MIN(f->min, value);
    f->max = MAX(f->max, value);
}

static void count_decision(GArray *reasons, const vmm_decision *d)
{
    run_reason *r = reason_of(reasons, d);
    r->count++;
    r->before += d->before;
    r->after += d->after;
    for (unsigned i = 0; i < VMM_N_EVIDENCE && d->evidence[i]; i++)
        add_fact(r, d->evidence[i], d->value[i], false);
}

static int compare_reasons(gconstpointer a, gconstpointer b)
{
    const run_reason *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    int order = strcmp(x->reason, y->reason);
    return order ? order : strcmp(x->action, y->action);
}

static void collect_figures(const vmm *v, unsigned number, run_vm_result *vm)
{
    unsigned n;
    const vmm_figure *f = vmm_figures(v, number, &n);
    vm->figures = g_array_new(FALSE, FALSE, sizeof(vmm_figure));
    g_array_append_vals(vm->figures, f, n);
}

void run_decisions_collect(const vmm *v, run_result *r)
{
    unsigned n, n_facts;
    const vmm_decision *d = vmm_decisions(v, &n, &r->n_decisions);
    const vmm_fact *facts = vmm_facts(v, &n_facts);
    for (unsigned i = 0; i < n; i++) {
        count_decision(((run_vm_result *)g_ptr_array_index(r->vms, d[i].vm))->reasons, &d[i]);
        count_decision(r->reasons, &d[i]);
    }
    for (unsigned i = 0; i < n_facts; i++) {
        const vmm_decision *about = &d[facts[i].decision];
        run_vm_result *vm = g_ptr_array_index(r->vms, about->vm);
        add_fact(reason_of(vm->reasons, about), facts[i].name, facts[i].value, facts[i].outcome);
        add_fact(reason_of(r->reasons, about), facts[i].name, facts[i].value, facts[i].outcome);
        if (facts[i].decision < RUN_DECISIONS_KEPT)
            g_array_append_val(r->facts, facts[i]);
    }
    g_array_append_vals(r->decisions, d, MIN(n, (unsigned)RUN_DECISIONS_KEPT));
    g_array_sort(r->reasons, compare_reasons);
    for (guint i = 0; i < r->vms->len; i++) {
        run_vm_result *vm = g_ptr_array_index(r->vms, i);
        g_array_sort(vm->reasons, compare_reasons);
        collect_figures(v, i, vm);
    }
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

static void put_u64(JsonObject *o, const char *key, uint64_t value)
{
    json_object_set_int_member(o, key, (gint64)MIN(value, (uint64_t)G_MAXINT64));
}

static void put_facts(JsonObject *o, const char *key, const run_reason *r, bool outcome)
{
    JsonObject *all = NULL;
    for (unsigned i = 0; i < r->n_facts; i++) {
        const run_reason_fact *f = &r->facts[i];
        if (f->outcome != outcome)
            continue;
        JsonObject *one = json_object_new();
        put_u64(one, "count", f->count);
        json_object_set_int_member(one, "mean", (gint64)(f->sum / (__int128)f->count));
        json_object_set_int_member(one, "min", f->min);
        json_object_set_int_member(one, "max", f->max);
        if (!all)
            json_object_set_object_member(o, key, all = json_object_new());
        json_object_set_object_member(all, f->name, one);
    }
}

static void put_reasons(JsonObject *o, const char *key, const GArray *reasons)
{
    JsonArray *list = json_array_new();
    for (guint i = 0; i < reasons->len; i++) {
        const run_reason *r = &g_array_index(reasons, run_reason, i);
        JsonObject *one = json_object_new();
        json_object_set_string_member(one, "action", r->action);
        json_object_set_string_member(one, "reason", r->reason);
        put_u64(one, "count", r->count);
        put_u64(one, "mean_before_ps", r->before / r->count);
        put_u64(one, "mean_after_ps", r->after / r->count);
        put_facts(one, "evidence", r, false);
        put_facts(one, "outcome", r, true);
        json_array_add_object_element(list, one);
    }
    json_object_set_array_member(o, key, list);
}

static int compare_facts(gconstpointer a, gconstpointer b)
{
    const vmm_fact *x = a, *y = b;
    return x->decision < y->decision ? -1 : x->decision > y->decision;
}

/* `facts` point to those told of the decision, on return to those of the next. */
static JsonObject *decision_object(const run_result *r, guint number, guint *fact)
{
    const vmm_decision *d = &g_array_index(r->decisions, vmm_decision, number);
    JsonObject *one = json_object_new(), *evidence = json_object_new(), *outcome = json_object_new();
    put_u64(one, "at_ps", d->at);
    put_u64(one, "lp", d->pcpu);
    json_object_set_string_member(one, "vm", ((const run_vm_result *)g_ptr_array_index(r->vms, d->vm))->name);
    json_object_set_string_member(one, "action", d->action);
    json_object_set_string_member(one, "reason", d->reason ? d->reason : "");
    put_u64(one, "before_ps", d->before);
    put_u64(one, "after_ps", d->after);
    for (unsigned i = 0; i < VMM_N_EVIDENCE && d->evidence[i]; i++)
        json_object_set_int_member(evidence, d->evidence[i], d->value[i]);
    for (; *fact < r->facts->len && g_array_index(r->facts, vmm_fact, *fact).decision == number; ++*fact) {
        const vmm_fact *f = &g_array_index(r->facts, vmm_fact, *fact);
        json_object_set_int_member(f->outcome ? outcome : evidence, f->name, f->value);
    }
    json_object_set_object_member(one, "evidence", evidence);
    if (json_object_get_size(outcome))
        json_object_set_object_member(one, "outcome", outcome);
    else
        json_object_unref(outcome);
    return one;
}

void run_decisions_json(JsonObject *o, const run_result *r)
{
    JsonObject *decisions = json_object_new();
    JsonArray *first = json_array_new();
    guint fact = 0;
    g_array_sort(r->facts, compare_facts); /* stable: in the order in which they were told */
    put_u64(decisions, "count", r->n_decisions);
    put_reasons(decisions, "by_reason", r->reasons);
    for (guint i = 0; i < r->decisions->len; i++)
        json_array_add_object_element(first, decision_object(r, i, &fact));
    json_object_set_array_member(decisions, "first", first);
    json_object_set_object_member(o, "decisions", decisions);
}

void run_decisions_vm_json(JsonObject *o, const run_vm_result *vm)
{
    put_reasons(o, "quanta_changed", vm->reasons);
    if (!vm->figures || !vm->figures->len)
        return;
    JsonObject *figures = json_object_new();
    for (guint i = 0; i < vm->figures->len; i++)
        json_object_set_int_member(figures, g_array_index(vm->figures, vmm_figure, i).name, g_array_index(vm->figures, vmm_figure, i).value);
    json_object_set_object_member(o, "policy_figures", figures);
}
