/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guidance for tuning [0056]: what in the figures of a run asks for other quanta, parameters, placements, weights, or surroundings of a guest. The
 * bounds are judgements, not results; each piece of advice says which figure it was made of. */
#include "run-explain.h"

#include <math.h>
#include <string.h>

typedef struct {
    JsonArray *list;
    JsonObject *run, *against, *policy;
    const char *vm; /* that alone, or NULL */
} adviser;

static void advise(adviser *a, const char *about, char *advice, char *because)
{
    JsonObject *one = json_object_new();
    json_object_set_string_member(one, "about", about);
    json_object_set_string_member(one, "advice", advice);
    json_object_set_string_member(one, "because", because);
    json_array_add_object_element(a->list, one);
    g_free(advice);
    g_free(because);
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static bool has_parameter(const adviser *a, const char *name)
{
    return run_read_string(run_read_object(a->policy, "parameters"), name) != NULL;
}

/* ---- of one VM --------------------------------------------------------------------------------------------------------- */

/* A trigger that fired and gained nothing; an extension that was not used. */
static void judge_reason(adviser *a, const char *vm, JsonObject *reason)
{
    const char *name = run_read_string(reason, "reason");
    double count = run_read_number(reason, "count"), used;
    g_autofree char *why = NULL;
    const char *judged = name && count >= 3 ? run_explain_judge(reason, &why) : NULL;
    double extension = run_read_number(reason, "mean_after_ps") - run_read_number(reason, "mean_before_ps");
    JsonObject *outcome = run_read_object(reason, "outcome");
    if (judged && strcmp(judged, "gained") != 0)
        advise(a, vm, has_parameter(a, run_explain_parameter(name))
                   ? g_strdup_printf("try policy.%s = false, or stricter thresholds of it", run_explain_parameter(name))
                   : g_strdup_printf("the changes for '%s' do not pay here", name),
               g_strdup_printf("%s changed its quantum %.0f times: %s (%s)", name, count, why, judged));
    if (name && count >= 3 && extension > 0 && run_explain_mean(outcome, "used-ps", &used) && used < extension / 4) {
        g_autofree char *u = run_explain_figure("-ps", used), *e = run_explain_figure("-ps", extension);
        advise(a, vm, g_strdup_printf("it blocks before it can use a longer quantum: give it a shorter one ([vm %s] quantum), or raise policy.min-gain", vm),
               g_strdup_printf("of %s by which '%s' lengthened its quantum it used %s", e, name, u));
    }
}

/* Neighbouring changes of a VM's quantum in opposite directions. */
static void judge_oscillation(adviser *a, const char *vm)
{
    JsonArray *first = run_read_array(run_read_object(a->run, "decisions"), "first");
    guint n = 0, flips = 0;
    int last = 0;
    for (guint i = 0; i < run_read_length(first); i++) {
        JsonObject *d = run_read_element(first, i);
        const char *of = run_read_string(d, "vm"), *reason = run_read_string(d, "reason");
        double change = run_read_number(d, "after_ps") - run_read_number(d, "before_ps");
        if (!of || strcmp(of, vm) != 0 || !reason || strcmp(reason, "paid-back") == 0 || strcmp(reason, "loop-end") == 0 || change == 0)
            continue;
        int direction = change > 0 ? 1 : -1;
        flips += last && direction != last;
        last = direction;
        n++;
    }
    if (n >= 8 && flips * 2 >= n)
        advise(a, vm, g_strdup("its quanta oscillate: raise policy.hold or policy.confirm, or switch one of the two triggers off"),
               g_strdup_printf("%u of %u changes reversed the one before", flips, n));
}

static void judge_stays(adviser *a, const char *name, JsonObject *vm)
{
    double running = run_read_number(vm, "running_ps"), own = run_read_number(vm, "vmm_ps");
    JsonObject *switches = run_read_object(vm, "switches");
    double dispatches = run_read_number(switches, "dispatches"), migrations = run_read_number(switches, "migrations");
    double preemptions = run_read_number(switches, "preemptions");
    g_autofree char *stay = run_explain_figure("-ps", ratio(running, dispatches));
    if (dispatches >= 8 && ratio(own, running) > 0.05)
        advise(a, name, preemptions > dispatches / 2
                   ? g_strdup_printf("its quantum is short for what a switch costs: raise policy.quantum or [vm %s] quantum", name)
                   : g_strdup("it enters and leaves often by itself: fewer, larger requests of its guest would help"),
               g_strdup_printf("%.1f%% of its running time is the VMM's work on its behalf, at %s a stay", ratio(own, running) * 100, stay));
    if (migrations >= 8 && migrations > dispatches / 2 && run_read_number(vm, "l2_mpki") >= 1)
        advise(a, name, g_strdup_printf("bind it to the logical processors of one core ([vm %s] affinity)", name),
               g_strdup_printf("%.0f of its %.0f dispatches were on another processor than the last, and L2 misses %.1f times per 1000 instructions",
                               migrations, dispatches, run_read_number(vm, "l2_mpki")));
}

static void judge_warm_up(adviser *a, const char *name, JsonObject *vm)
{
    JsonArray *reasons = run_read_array(vm, "quanta_changed");
    for (guint i = 0; i < run_read_length(reasons); i++) {
        JsonObject *r = run_read_element(reasons, i);
        const char *reason = run_read_string(r, "reason");
        double loss, share;
        if (!reason || strcmp(reason, "profile-warm-up") != 0 || !run_explain_mean(run_read_object(r, "evidence"), "loss-ps", &loss) ||
            !run_explain_mean(run_read_object(r, "evidence"), "loss-permille", &share) || share < 50)
            continue;
        g_autofree char *text = run_explain_figure("-ps", loss);
        advise(a, name, g_strdup_printf("its quantum is too short for what getting warm costs: raise [vm %s] quantum, or policy.max", name),
               g_strdup_printf("a switch costs it %s, %.1f%% of its quantum", text, share / 10));
    }
}

static void judge_latency(adviser *a, const char *name, JsonObject *vm)
{
    JsonObject *wake = run_read_object(vm, "wake_latency_ps");
    double p99 = run_read_number(wake, "p99"), quantum = run_read_number(a->policy, "quantum_ps"), blocked = run_read_number(vm, "blocked_ps");
    if (run_read_number(wake, "count") < 10 || p99 < quantum || blocked < run_read_number(vm, "running_ps"))
        return;
    g_autofree char *text = run_explain_figure("-ps", p99), *q = run_explain_figure("-ps", quantum);
    advise(a, name, g_strdup_printf("it sleeps mostly, and waits long when it wakes: a policy that favours those who wake (credit, credit2, eevdf), "
                                    "[vm %s] priority with the policy 'priority', or shorter quanta of the others", name),
           g_strdup_printf("one of 100 of its wake-ups waited longer than %s; a quantum is %s", text, q));
}

/* What the guest's surroundings could do. */
static void judge_guest(adviser *a, const char *name, JsonObject *vm)
{
    double cycles = run_read_number(vm, "cycles"), tlb = run_read_number(run_read_object(vm, "cpi_stack"), "tlb");
    double flushes = run_read_number(run_read_object(vm, "events"), "cache.flushes"), branch = run_read_number(vm, "branch_mpki");
    if (ratio(tlb, cycles) > 0.1)
        advise(a, name, g_strdup("larger pages would help its guest (machine.page-size = 2MiB)"),
               g_strdup_printf("%.1f%% of its cycles go into translation", ratio(tlb, cycles) * 100));
    if (flushes >= 10)
        advise(a, name, g_strdup("its guest flushes all caches again and again: flush single lines, or hand over to devices in larger portions"),
               g_strdup_printf("%.0f write-backs of all caches (WBINVD)", flushes));
    if (branch > 20)
        advise(a, name, g_strdup("its quanta hardly profit from a warm predictor: lengthening them for loops will not pay"),
               g_strdup_printf("%.1f mispredictions per 1000 instructions", branch));
}

static void judge_debt(adviser *a, const char *name, JsonObject *vm)
{
    double debt = run_read_number(run_read_object(vm, "policy_figures"), "debt-ps"), quantum = run_read_number(a->policy, "quantum_ps");
    g_autofree char *text = run_explain_figure("-ps", fabs(debt));
    if (fabs(debt) < quantum * 2)
        return;
    advise(a, name, debt > 0 ? g_strdup("it was favoured, and has not paid back: lower policy.max-debt, or switch policy.repay on")
                             : g_strdup("it was kept waiting, and has not been paid back: lower policy.max-debt, or switch policy.repay on"),
           g_strdup_printf("at the end it %s %s", debt > 0 ? "owed" : "was owed", text));
}

static void judge_vm(adviser *a, const char *name, JsonObject *vm)
{
    JsonArray *reasons = run_read_array(vm, "quanta_changed");
    for (guint i = 0; i < run_read_length(reasons); i++)
        judge_reason(a, name, run_read_element(reasons, i));
    judge_oscillation(a, name);
    judge_stays(a, name, vm);
    judge_warm_up(a, name, vm);
    judge_latency(a, name, vm);
    judge_guest(a, name, vm);
    judge_debt(a, name, vm);
}

/* ---- of the run ---------------------------------------------------------------------------------------------------------- */

static double memory_share(JsonObject *vm)
{
    JsonObject *stack = run_read_object(vm, "cpi_stack");
    return ratio(run_read_number(stack, "memory") + run_read_number(stack, "llc"), run_read_number(vm, "cycles"));
}

/* VMs that wait for memory, and VMs that compute, where logical processors share cores. */
static void judge_pairs(adviser *a, JsonObject *vms)
{
    JsonObject *machine = run_read_object(a->run, "machine");
    g_autoptr(GString) bound = g_string_new(NULL), computes = g_string_new(NULL);
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    guint n = 0, others = 0;
    if (run_read_number(machine, "cores") < 2 || run_read_number(machine, "logical_processors") <= run_read_number(machine, "cores"))
        return;
    json_object_iter_init_ordered(&iter, vms);
    while (json_object_iter_next_ordered(&iter, &name, &node)) {
        double share = memory_share(JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL);
        GString *to = share >= 0.5 ? bound : share <= 0.1 ? computes : NULL;
        n += to == bound;
        others += to == computes;
        if (to)
            g_string_append_printf(to, "%s%s", to->len ? ", " : "", name);
    }
    if (n >= 2 && others)
        advise(a, "policy", g_strdup_printf("do not let VMs that wait for memory share a core: bind each beside one that computes (affinity; %s), "
                                            "or use the policy 'dio' or 'symbiosis'", computes->str),
               g_strdup_printf("%s wait for memory in more than half of their cycles", bound->str));
}

static void judge_sampling(adviser *a)
{
    JsonObject *smu = run_read_object(a->run, "smu");
    double time = run_read_number(smu, "time_ps"), running = run_read_number(run_read_object(a->run, "metrics"), "running_ps");
    double decisions = run_read_number(run_read_object(a->run, "decisions"), "count"), samples = run_read_number(smu, "samples");
    if (ratio(time, running) > 0.01)
        advise(a, "policy", g_strdup("sampling costs more than most triggers bring: raise policy.smu-period, or use policy.smu = hybrid or hardware"),
               g_strdup_printf("%.0f samples took %.1f%% of the running time", samples, ratio(time, running) * 100));
    if (samples >= 100 && decisions == 0)
        advise(a, "policy", g_strdup("nothing that the triggers look for was seen: round-robin does the same at less cost, unless thresholds are lowered"),
               g_strdup_printf("%.0f samples, no decision", samples));
}

static void judge_troubles(adviser *a)
{
    const char *bad = run_read_string(a->policy, "first_bad_answer"), *starved = run_read_string(a->policy, "first_starvation");
    if (bad)
        advise(a, "policy", g_strdup("the policy is at fault: correct it before its figures are believed"), g_strdup_printf("bad answers, the first: %s", bad));
    if (starved)
        advise(a, "policy", g_strdup("VMs starve: raise their weight or priority, or widen their affinity"), g_strdup_printf("the first: %s", starved));
}

static void judge_against(adviser *a)
{
    JsonObject *metrics = run_read_object(a->run, "metrics"), *reference = run_read_object(a->against, "metrics");
    double stp = run_read_number(metrics, "stp"), base = run_read_number(reference, "stp");
    if (!a->against || base <= 0 || stp >= base * 0.995)
        return;
    advise(a, "policy", g_strdup("on this work the reference does better: use it, or switch off what the advice on VMs names"),
           g_strdup_printf("system throughput (STP) %.3f, of the reference %.3f: %+.1f%%", stp, base, (stp / base - 1) * 100));
}

static void judge_loser(adviser *a, const char *name, JsonObject *vm)
{
    JsonObject *base = run_read_object(run_read_object(a->against, "vms"), name);
    double here = run_read_number(vm, "normalised_progress"), there = run_read_number(base, "normalised_progress");
    if (there > 0 && here > 0 && here < there * 0.95)
        advise(a, name, g_strdup_printf("it pays for the others: raise its share ([vm %s] quantum, or weight where the policy knows weights)", name),
               g_strdup_printf("its progress is %.3f, under the reference %.3f: %+.1f%%", here, there, (here / there - 1) * 100));
}

JsonArray *run_explain_advice(JsonObject *run, JsonObject *against, const char *only)
{
    adviser a = {json_array_new(), run, against, run_read_object(run, "policy"), only};
    JsonObject *vms = run_read_object(run, "vms");
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    if (!only) {
        judge_troubles(&a);
        judge_against(&a);
        judge_sampling(&a);
        judge_pairs(&a, vms);
    }
    json_object_iter_init_ordered(&iter, vms);
    while (json_object_iter_next_ordered(&iter, &name, &node)) {
        if (!JSON_NODE_HOLDS_OBJECT(node) || (only && strcmp(only, name) != 0))
            continue;
        judge_vm(&a, name, json_node_get_object(node));
        if (against)
            judge_loser(&a, name, json_node_get_object(node));
    }
    return a.list;
}
