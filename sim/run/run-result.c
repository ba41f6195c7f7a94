/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-result.h"

#include "run-below.h"
#include "run-series.h"

#include <string.h>

static void free_vm(gpointer data)
{
    run_vm_result *r = data;
    g_free(r->name);
    g_free(r->workload);
    g_free(r->program_sha256);
    g_free(r->salvage_note);
    g_strfreev(r->argv);
    g_strfreev(r->params);
    g_free(r->fault_text);
    g_clear_pointer(&r->wake_latency, g_array_unref);
    g_clear_pointer(&r->reasons, g_array_unref);
    g_clear_pointer(&r->figures, g_array_unref);
    g_clear_pointer(&r->task_kinds, g_array_unref);
    g_clear_pointer(&r->missing, g_array_unref);
    g_free(r->out);
    g_free(r->err);
    g_free(r);
}

static void free_lp(gpointer data)
{
    run_lp_result *r = data;
    g_free(r->kind);
    g_free(r);
}

run_result *run_result_new(void)
{
    run_result *r = g_new0(run_result, 1);
    r->vms = g_ptr_array_new_with_free_func(free_vm);
    r->lps = g_ptr_array_new_with_free_func(free_lp);
    r->decisions = g_array_new(FALSE, FALSE, sizeof(vmm_decision));
    r->facts = g_array_new(FALSE, FALSE, sizeof(vmm_fact));
    r->reasons = g_array_new(FALSE, FALSE, sizeof(run_reason));
    return r;
}

void run_result_free(run_result *r)
{
    if (!r)
        return;
    if (r->curves)
        for (GArray **c = r->curves; *c; c++)
            g_array_unref(*c);
    g_free(r->curves);
    g_free(r->scenario);
    g_free(r->machine);
    g_free(r->machine_description);
    g_free(r->policy);
    g_free(r->plugin_sha256);
    g_free(r->policy_used);
    vmm_profile_free(r->profile);
    g_free(r->profile_digest);
    g_clear_pointer(&r->profile_fallbacks, g_ptr_array_unref);
    g_strfreev(r->params);
    g_ptr_array_unref(r->vms);
    g_ptr_array_unref(r->lps);
    g_array_unref(r->decisions);
    g_array_unref(r->facts);
    g_array_unref(r->reasons);
    g_clear_pointer(&r->unknown, g_array_unref);
    run_below_result_free(r->below);
    run_series_free(r->series);
    g_free(r->bad_answer);
    g_free(r->starvation);
    g_free(r->failure);
    g_free(r->digest);
    g_free(r);
}

void run_comparison_free(run_comparison *c)
{
    if (!c)
        return;
    g_ptr_array_unref(c->runs);
    g_ptr_array_unref(c->guests);
    g_free(c->digest);
    g_free(c);
}

/* ---- the digest ------------------------------------------------------------------------------------------------- */

static void feed(GChecksum *sum, const uint64_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t word = GUINT64_TO_LE(words[i]);
        g_checksum_update(sum, (const guchar *)&word, sizeof word);
    }
}

static void feed_text(GChecksum *sum, const char *text)
{
    text = text ? text : "";
    g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text) + 1);
}

static void feed_vm(GChecksum *sum, const run_vm_result *vm)
{
    const uint64_t facts[] = {
        vm->started, vm->ended, vm->faulted, vm->state, (uint64_t)(int64_t)vm->exit_status, vm->fault_address,
        vm->fault_ip, vm->started_at, vm->ended_at, vm->work_time, vm->dispatches, vm->preemptions, vm->voluntary,
        vm->migrations, vm->quanta_extended, vm->quanta_ended_early, vm->quanta_full, vm->wakes, vm->wake_p50,
        vm->wake_p99, vm->wake_max, vm->tasks, vm->task_p50, vm->task_p99, vm->task_sum, vm->out_total, vm->err_total};
    feed_text(sum, vm->name);
    feed(sum, facts, G_N_ELEMENTS(facts));
    feed(sum, vm->in_state, VMM_N_STATES);
    feed(sum, vm->exits, VMM_N_EXITS);
    feed(sum, vm->exit_time, VMM_N_EXITS);
    feed(sum, vm->switched_off, VMM_N_OFF_REASONS);
    feed(sum, (const uint64_t[]){vm->stopped, vm->dispatch_time, vm->halted}, 3);
    feed(sum, vm->ev, SIM_EV_COUNT);
    g_checksum_update(sum, (const guchar *)vm->out, (gssize)MIN(vm->out_len, (gsize)RUN_OUTPUT_KEPT));
    g_checksum_update(sum, (const guchar *)vm->err, (gssize)MIN(vm->err_len, (gsize)RUN_OUTPUT_KEPT));
}

char *run_result_digest(const run_result *r, const vmm *v)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    feed_text(sum, r->policy_used);
    feed(sum, &r->simulated, 1);
    vmm_digest(v, sum);
    for (guint i = 0; i < r->lps->len; i++)
        feed(sum, ((const run_lp_result *)g_ptr_array_index(r->lps, i))->ev, SIM_EV_COUNT);
    for (guint i = 0; i < r->vms->len; i++)
        feed_vm(sum, g_ptr_array_index(r->vms, i));
    run_below_digest(r, sum);
    return g_strdup(g_checksum_get_string(sum));
}
