/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-below.h"

#include "run-feed.h"
#include "run-vm.h"
#include "sim-error.h"
#include "sim-random.h"

#include <string.h>

const char *const run_below_names[] = { "host", "outer", NULL };

enum { MAX_THREADS = 256, MAX_NAME = 64, SHARES = 10000 /* a load is kept to a hundredth of a per cent */ };

/* What a load does while it runs: the code and the data of a small daemon. Estimate. */
#define LOAD_WORK "synthetic:code ws=16KiB insns=20k; random ws=64KiB stores=25% insns=60k; repeat forever"
/* Linux: sysctl_sched_base_slice since 6.15, scaled by SCHED_TUNABLESCALING_LOG, and HZ=250, as Debian's and Ubuntu's kernels have it. */
#define BASE_SLICE (700 * SIM_PS_PER_US)
#define HOST_TICK (4 * SIM_PS_PER_MS)
/* Xen: CSCHED_DEFAULT_TSLICE_MS of the credit scheduler (xen/common/sched/credit.c, 4.17). */
#define OUTER_QUANTUM (30 * SIM_PS_PER_MS)
#define LOAD_PERIOD (10 * SIM_PS_PER_MS)
/* Estimates: what is left of an inner VMM's accesses where the processor shadows control structures (Intel since Haswell), and the merging of two control
 * structures into one, some hundred fields. */
enum { OUTER_ACCESSES = 3, OUTER_SWITCH_CYCLES = 4000 };

static void free_thread(gpointer data)
{
    run_below_thread *t = data;
    run_vm_free(t->work);
    g_free(t->name);
    g_free(t);
}

void run_below_free(run_below *b)
{
    if (!b)
        return;
    g_ptr_array_unref(b->threads);
    g_free(b);
}

/* ---- keys ----------------------------------------------------------------------------------------------------- */

/* "20%" or "0.2", in SHARES. */
static bool read_share(sim_config *c, const char *group, const char *key, unsigned *share, GError **error)
{
    g_autofree char *text = sim_config_string(c, group, key, NULL, error);
    char *end = NULL;
    *share = 0;
    if (!text || *error)
        return !*error;
    double value = g_ascii_strtod(text, &end);
    bool percent = *end == '%';
    if (end == text || end[percent] || !(value >= 0))
        return sim_config_fail(c, error, group, key, "'%s' is not a share; valid: 0%% to 100%%, or 0 to 1", text);
    value /= percent ? 100 : 1;
    if (value > 1)
        return sim_config_fail(c, error, group, key, "'%s' is more than a logical processor has; valid: 0%% to 100%%", text);
    *share = (unsigned)(value * SHARES + 0.5);
    return true;
}

static bool read_period(sim_config *c, const char *group, sim_ps *period, GError **error)
{
    *period = sim_config_time(c, group, "period", LOAD_PERIOD, error);
    if (*error)
        return false;
    return (*period >= 100 * SIM_PS_PER_US && *period <= 10 * SIM_PS_PER_S) || sim_config_fail(c, error, group, "period", "is outside 100us to 10s");
}

static sim_ps share_of(sim_ps period, unsigned share)
{
    return (sim_ps)((unsigned __int128)period * share / SHARES);
}

/* Work of [host] and [host NAME] is as it stands: --traces is for VMs. */
static run_vm *read_work(sim_config *c, const char *group, const run_scenario *s, const char *fallback, const char *name, GError **error)
{
    run_scenario own = *s;
    run_vm *work = g_new0(run_vm, 1);
    own.traces = NULL;
    work->below = true;
    work->name = g_strdup(name);
    if (run_vm_read_work(c, group, &own, fallback, work, error) && work->kind == RUN_WORK_TASKS)
        sim_config_fail(c, error, group, "workload", "'%s': tasks are for VMs; valid: elf:PATH, trace:FILE, synthetic:SPEC", work->workload);
    if (!*error && (work->folder_writable || work->stdout_file))
        sim_config_fail(c, error, group, work->stdout_file ? "stdout" : "folder-writable", "is for VMs: what [%s] writes is in no result", name);
    if (!*error)
        return work;
    run_vm_free(work);
    return NULL;
}

static bool has_room(sim_config *c, const char *group, const run_below *b, GError **error)
{
    return b->threads->len < MAX_THREADS || sim_config_fail(c, error, group, "", "more than %d threads in all", MAX_THREADS);
}

/* A thread for each logical processor, each with a phase of its own. */
static bool read_load(sim_config *c, const char *group, run_scenario *s, run_below *b, GError **error)
{
    unsigned share;
    sim_ps period;
    if (!read_share(c, group, "load", &share, error) || !read_period(c, group, &period, error))
        return false;
    uint32_t weight = (uint32_t)sim_config_uint(c, group, "load-weight", 256, 1, 65535, error);
    b->load = (double)share / SHARES;
    g_autofree char *stream = g_strdup_printf("%s.load", group);
    sim_random phases;
    sim_random_init(&phases, s->seed, stream);
    for (unsigned lp = 0; lp < s->machine->n_lps; lp++) {
        g_autofree char *title = g_strdup_printf("%s load.%u", group, lp);
        run_vm *work = *error ? NULL : read_work(c, group, s, LOAD_WORK, title, error);
        if (!work)
            return false;
        bool here = !work->has_affinity || vmm_mask_has(work->affinity, lp);
        if (!share || !here) {
            run_vm_free(work);
            continue;
        }
        memset(work->affinity, 0, sizeof work->affinity);
        work->has_affinity = true;
        work->affinity[lp / 64] = UINT64_C(1) << lp % 64;
        run_below_thread *t = g_new0(run_below_thread, 1);
        *t = (run_below_thread){ .name = g_strdup_printf("load.%u", lp), .work = work, .weight = weight, .burst = share_of(period, share), .period = period,
                                 .start = sim_random_below(&phases, period) };
        g_ptr_array_add(b->threads, t);
    }
    return !*error;
}

static bool read_host(sim_config *c, const char *group, const run_scenario *s, run_below *b, GError **error)
{
    unsigned n = MIN(s->machine->n_lps, 8), scale = 1;
    while (n >>= 1)
        scale++;
    b->slice = sim_config_time(c, group, "slice", BASE_SLICE * scale, error);
    b->tick = sim_config_time(c, group, "tick", HOST_TICK, error);
    if (*error)
        return false;
    if (b->slice < 100 * SIM_PS_PER_US || b->slice > 100 * SIM_PS_PER_MS)
        return sim_config_fail(c, error, group, "slice", "is outside 100us to 100ms");
    return (b->tick >= 100 * SIM_PS_PER_US && b->tick <= 100 * SIM_PS_PER_MS) || sim_config_fail(c, error, group, "tick", "is outside 100us to 100ms");
}

static bool read_outer(sim_config *c, const char *group, run_below *b, GError **error)
{
    b->slice = sim_config_time(c, group, "quantum", OUTER_QUANTUM, error);
    b->accesses = (uint32_t)sim_config_uint(c, group, "exits-per-exit", OUTER_ACCESSES, 0, 1000, error);
    b->switch_cycles = (uint32_t)sim_config_uint(c, group, "switch-cycles", OUTER_SWITCH_CYCLES, 0, 1000000, error);
    if (*error)
        return false;
    return (b->slice >= VMM_QUANTUM_MIN && b->slice <= VMM_QUANTUM_MAX) ||
           sim_config_fail(c, error, group, "quantum", "is outside 10us to 1s: the outer VMM could not take turns");
}

static bool name_is_good(const char *name)
{
    if (!*name || strlen(name) > MAX_NAME || strcmp(name, "load") == 0)
        return false;
    for (const char *p = name; *p; p++)
        if (!g_ascii_isalnum(*p) && !strchr("-_", *p))
            return false;
    return true;
}

static bool read_thread(sim_config *c, const char *group, const char *kind, const run_scenario *s, run_below *b, GError **error)
{
    const char *name = group + strlen(kind) + 1;
    unsigned share, count = (unsigned)sim_config_uint(c, group, "count", 1, 1, MAX_THREADS, error);
    sim_ps period = 0, start = sim_config_time(c, group, "start", 0, error), stop = sim_config_time(c, group, "stop", 0, error);
    uint32_t weight = (uint32_t)sim_config_uint(c, group, "weight", 256, 1, 65535, error);
    if (*error || !read_share(c, group, "load", &share, error))
        return false;
    if (!name_is_good(name))
        return sim_config_fail(c, error, group, "", "a name consists of 1 to %d letters, digits, '-' and '_', and is not 'load'", MAX_NAME);
    if (sim_config_has(c, group, "stop") && stop <= start)
        return sim_config_fail(c, error, group, "stop", "is not after its start");
    if (sim_config_has(c, group, "load") && !share)
        return sim_config_fail(c, error, group, "load", "is nothing; leave the group out, or give it more than 0%%");
    if (share && !read_period(c, group, &period, error))
        return false;
    for (unsigned i = 1; i <= count; i++) {
        g_autofree char *own = sim_config_has(c, group, "count") ? g_strdup_printf("%s.%u", name, i) : g_strdup(name);
        g_autofree char *title = g_strdup_printf("%s %s", kind, own);
        run_vm *work = has_room(c, group, b, error) ? read_work(c, group, s, NULL, title, error) : NULL;
        if (!work)
            return false;
        run_below_thread *t = g_new0(run_below_thread, 1);
        *t = (run_below_thread){ .name = g_steal_pointer(&own), .work = work, .weight = weight, .start = start, .stop = stop,
                                 .burst = share_of(period, share), .period = period };
        g_ptr_array_add(b->threads, t);
    }
    return true;
}

/* ---- the groups ----------------------------------------------------------------------------------------------- */

/* The kind that a group is of, or -1. */
static int kind_of(const char *group)
{
    for (int k = 0; run_below_names[k]; k++) {
        size_t n = strlen(run_below_names[k]);
        if (strncmp(group, run_below_names[k], n) == 0 && (!group[n] || group[n] == ' '))
            return k;
    }
    return -1;
}

static bool find_kind(sim_config *c, char **groups, int *kind, GError **error)
{
    *kind = -1;
    for (char **g = groups; *g; g++) {
        int k = kind_of(*g);
        if (k < 0)
            continue;
        if (*kind >= 0 && k != *kind)
            return sim_config_fail(c, error, *g, "", "the VMM runs in a host OS or within an outer VMM, not both: there is a group [%s] already",
                                   run_below_names[*kind]);
        *kind = k;
    }
    return true;
}

bool run_below_read(sim_config *c, run_scenario *s, GError **error)
{
    int kind;
    g_auto(GStrv) groups = sim_config_groups(c);
    if (!find_kind(c, groups, &kind, error) || kind < 0)
        return !*error;
    const char *group = run_below_names[kind];
    run_below *b = s->below = g_new0(run_below, 1);
    b->kind = (vmm_below_kind)kind;
    b->threads = g_ptr_array_new_with_free_func(free_thread);
    b->weight = (uint32_t)sim_config_uint(c, group, "weight", 256, 1, 65535, error);
    if (*error || !(kind == VMM_BELOW_HOST ? read_host(c, group, s, b, error) : read_outer(c, group, b, error)) || !read_load(c, group, s, b, error))
        return false;
    for (char **g = groups; *g; g++)
        if (kind_of(*g) == kind && strchr(*g, ' ') && !read_thread(c, *g, group, s, b, error))
            return false;
    return true;
}

/* ---- running -------------------------------------------------------------------------------------------------- */

static void free_feed(gpointer feed)
{
    run_feed_free(feed);
}

static void free_source(gpointer source)
{
    insn_source_free(source);
}

GPtrArray *run_below_feeds(const run_scenario *s, uint64_t shared_memory, bool threads, GError **error)
{
    g_autoptr(GPtrArray) feeds = g_ptr_array_new_with_free_func(free_feed);
    guint n = s->below ? s->below->threads->len : 0;
    for (guint i = 0; i < n; i++) {
        const run_below_thread *t = g_ptr_array_index(s->below->threads, i);
        run_feed *feed = run_feed_new(s, t->work, shared_memory ? MAX(shared_memory / n, 1) : 0, threads, error);
        if (!feed)
            return NULL;
        g_ptr_array_add(feeds, feed);
    }
    return g_steal_pointer(&feeds);
}

GPtrArray *run_below_open(const GPtrArray *feeds, GError **error)
{
    g_autoptr(GPtrArray) sources = g_ptr_array_new_full(feeds->len + 1, free_source); /* its data is not NULL without any, too */
    for (guint i = 0; i < feeds->len; i++) {
        insn_source *source = run_feed_open(g_ptr_array_index(feeds, i), NULL, error);
        if (!source)
            return NULL;
        g_ptr_array_add(sources, source);
    }
    return g_steal_pointer(&sources);
}

void run_below_add(const run_scenario *s, vmm *v, run_machine *machine, insn_source *const *sources)
{
    const run_below *b = s->below;
    g_autofree vmm_below_thread_config *threads = g_new0(vmm_below_thread_config, b->threads->len + 1);
    run_machine_end_vms(machine);
    for (guint i = 0; i < b->threads->len; i++) {
        const run_below_thread *t = g_ptr_array_index(b->threads, i);
        threads[i] = (vmm_below_thread_config){ .name = t->name, .weight = t->weight, .affinity = t->work->has_affinity ? t->work->affinity : NULL,
                                                .start = t->start, .stop = t->stop, .burst = t->burst, .period = t->period,
                                                .io_latency = t->work->io_latency, .io_bytes_per_s = t->work->io_bytes_per_s };
        run_machine_add_guest(machine, sources[i]);
    }
    const vmm_below_config config = { .kind = b->kind, .weight = b->weight, .slice = b->slice, .tick = b->tick, .accesses = b->accesses,
                                      .switch_cycles = b->switch_cycles, .threads = threads, .n_threads = b->threads->len };
    vmm_add_below(v, &config);
}
