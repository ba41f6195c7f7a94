/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-timeline.h"

#include "run-stream.h"

#include <string.h>

/* Numbers of tracks ("threads") in a run's process: logical processors from 1, VMs from here. */
enum { VM_TRACK = 1001 };
G_STATIC_ASSERT(VMM_MAX_PCPUS < VM_TRACK);

enum { PS_DIGITS = 6 }; /* picoseconds in a microsecond, the form's unit */

/* What a VM does, as far as it has been seen. */
typedef struct {
    char *name;
    vmm_vcpu_state state;
    sim_ps since;
    sim_ps woke;             /* SIM_PS_NEVER: it did not wake since it ran */
    bool waited;             /* for a processor, since then */
    uint64_t counts[4];      /* the counters as they are drawn now */
    bool counted;
    sim_ps sampled;
} drawn_vm;

typedef struct {
    uint32_t vcpu;           /* that runs, or VMM_VCPU_NONE */
    sim_ps since, quantum;
    uint64_t counts[5];
    bool counted;
    sim_ps sampled;
} drawn_lp;

/* One run. */
typedef struct {
    run_stream *out;
    bool mine;               /* the stream is a part */
    bool first;              /* no event was written yet */
    unsigned number;
    uint64_t n_flows;
    unsigned n_lps, n_vms;
    drawn_lp *lps;
    drawn_vm *vms;
} drawn_run;

struct run_timeline {
    run_stream *out;
    unsigned n_runs;
    drawn_run *runs;
};

sim_ps run_timeline_period(sim_ps duration)
{
    return MAX(duration / 2000, 100 * SIM_PS_PER_US);
}

/* ---- events --------------------------------------------------------------------------------------------------- */

static void key_uint(drawn_run *d, const char *key, uint64_t value)
{
    run_stream_text(d->out, key);
    run_stream_uint(d->out, value);
}

static void key_time(drawn_run *d, const char *key, sim_ps at)
{
    run_stream_text(d->out, key);
    run_stream_decimal(d->out, at, PS_DIGITS);
}

/* {"ph":"?","pid":N */
static void open_event(drawn_run *d, const char *phase)
{
    run_stream_text(d->out, d->first ? "{\"ph\":\"" : ",\n{\"ph\":\"");
    d->first = false;
    run_stream_text(d->out, phase);
    key_uint(d, "\",\"pid\":", d->number + 1);
}

static void open_at(drawn_run *d, const char *phase, uint32_t track, sim_ps at)
{
    open_event(d, phase);
    key_uint(d, ",\"tid\":", track);
    key_time(d, ",\"ts\":", at);
}

static void metadata(drawn_run *d, const char *what, uint32_t track, const char *name, uint32_t order)
{
    for (unsigned i = 0; i < 2; i++) {
        open_event(d, "M");
        key_uint(d, ",\"tid\":", track);
        run_stream_text(d->out, ",\"name\":\"");
        run_stream_text(d->out, what);
        run_stream_text(d->out, i == 0 ? "_name\",\"args\":{\"name\":" : "_sort_index\",\"args\":{\"sort_index\":");
        if (i == 0)
            run_stream_quoted(d->out, name);
        else
            run_stream_uint(d->out, order);
        run_stream_text(d->out, "}}");
    }
}

static void begin(void *self, const run_cast *cast)
{
    drawn_run *d = self;
    d->n_lps = cast->n_pcpus;
    d->n_vms = cast->n_vms;
    d->lps = g_new0(drawn_lp, d->n_lps);
    d->vms = g_new0(drawn_vm, MAX(d->n_vms, 1));
    g_autofree char *process = g_strdup_printf("%s: %s", cast->scenario, cast->policy);
    metadata(d, "process", 0, process, d->number);
    for (unsigned i = 0; i < d->n_lps; i++) {
        const vmm_pcpu *p = cast->pcpus[i];
        g_autofree char *name = g_strdup_printf("LP %u (core %u, package %u, %s)", i, p->core, p->package, p->kind);
        d->lps[i].vcpu = VMM_VCPU_NONE;
        metadata(d, "thread", i + 1, name, i + 1);
    }
    for (unsigned i = 0; i < d->n_vms; i++) {
        g_autofree char *name = g_strconcat("VM ", cast->vms[i], NULL);
        d->vms[i].state = VMM_OFFLINE;
        d->vms[i].woke = SIM_PS_NEVER;
        d->vms[i].name = g_strdup(cast->vms[i]);
        metadata(d, "thread", VM_TRACK + i, name, VM_TRACK + i);
    }
}

/* ---- slices --------------------------------------------------------------------------------------------------- */

static void slice(drawn_run *d, uint32_t track, sim_ps from, sim_ps to)
{
    open_at(d, "X", track, from);
    key_time(d, ",\"dur\":", to - from);
}

/* The VM's own track shows what it waits for; where it runs is on the processors' tracks. */
static void set_state(drawn_run *d, uint32_t vm, vmm_vcpu_state state, sim_ps at)
{
    drawn_vm *m = &d->vms[vm];
    if ((m->state == VMM_RUNNABLE || m->state == VMM_BLOCKED) && at > m->since) {
        slice(d, VM_TRACK + vm, m->since, at);
        run_stream_text(d->out, m->state == VMM_RUNNABLE ? ",\"cat\":\"state\",\"name\":\"runnable\"}" : ",\"cat\":\"state\",\"name\":\"blocked\"}");
    }
    m->state = state;
    m->since = at;
}

/* NULL: it goes on beyond the end of the run. */
static void close_slice(drawn_run *d, uint32_t lp, sim_ps at, const char *why)
{
    drawn_lp *l = &d->lps[lp];
    if (l->vcpu == VMM_VCPU_NONE)
        return;
    if (at > l->since) {
        slice(d, lp + 1, l->since, at);
        run_stream_text(d->out, ",\"cat\":\"slice\",\"name\":");
        run_stream_quoted(d->out, d->vms[l->vcpu].name);
        key_time(d, ",\"args\":{\"quantum_us\":", l->quantum);
        run_stream_text(d->out, ",\"end\":\"");
        run_stream_text(d->out, why ? why : "end-of-run");
        run_stream_text(d->out, "\"}}");
    }
    l->vcpu = VMM_VCPU_NONE;
}

static void flow(drawn_run *d, const char *phase, uint32_t track, sim_ps at)
{
    open_at(d, phase, track, at);
    key_uint(d, ",\"id\":", (uint64_t)d->number << 32 | d->n_flows);
    run_stream_text(d->out, *phase == 'f' ? ",\"bp\":\"e\",\"cat\":\"wake\",\"name\":\"wake\"}" : ",\"cat\":\"wake\",\"name\":\"wake\"}");
}

/* From where the VM woke to its first instruction. A flow begins in a slice: that of the VM's waiting, or, where it had not to wait, that of its running,
 * which begins at the same time and is written later: readers who keep the file's order at equal times want the flow a nanosecond after it. */
static void ran(drawn_run *d, const vmm_sight *s)
{
    drawn_vm *m = &d->vms[s->vcpu];
    if (m->woke == SIM_PS_NEVER)
        return;
    d->n_flows++;
    if (m->waited)
        flow(d, "s", VM_TRACK + s->vcpu, m->woke);
    else
        flow(d, "s", s->pcpu + 1, MIN(m->woke + SIM_PS_PER_NS, s->at));
    flow(d, "f", s->pcpu + 1, s->at);
    m->woke = SIM_PS_NEVER;
}

/* ---- decisions ------------------------------------------------------------------------------------------------ */

static void pair(drawn_run *d, const char *name, int64_t value, bool first)
{
    if (!first)
        run_stream_bytes(d->out, ",", 1);
    run_stream_quoted(d->out, name);
    run_stream_bytes(d->out, ":", 1);
    run_stream_int(d->out, value);
}

static void decided(drawn_run *d, const vmm_sight *s)
{
    const vmm_decision *c = s->decision;
    g_autofree char *name = g_strdup_printf("%s: %s", c->action, c->reason ? c->reason : "unsaid");
    bool first = true;
    open_at(d, "i", c->pcpu + 1, c->at);
    run_stream_text(d->out, ",\"s\":\"t\",\"cat\":\"decision\",\"name\":");
    run_stream_quoted(d->out, name);
    key_uint(d, ",\"args\":{\"number\":", s->number);
    run_stream_text(d->out, ",\"vm\":");
    run_stream_quoted(d->out, d->vms[c->vm].name);
    key_time(d, ",\"before_us\":", c->before);
    key_time(d, ",\"after_us\":", c->after);
    run_stream_text(d->out, ",\"evidence\":{");
    for (unsigned i = 0; i < VMM_N_EVIDENCE && c->evidence[i]; i++, first = false)
        pair(d, c->evidence[i], c->value[i], first);
    for (unsigned i = 0; i < s->n_more; i++, first = false)
        pair(d, s->more[i].name, s->more[i].value, first);
    run_stream_text(d->out, "}}}");
}

static void sight(void *self, const vmm_sight *s)
{
    drawn_run *d = self;
    switch (s->kind) {
    case VMM_SEEN_ON:
        set_state(d, s->vcpu, VMM_RUNNABLE, s->at);
        return;
    case VMM_SEEN_WAKE:
        d->vms[s->vcpu].woke = s->at;
        d->vms[s->vcpu].waited = false;
        if (s->other != VMM_PCPU_NONE)
            set_state(d, s->vcpu, VMM_RUNNABLE, s->at);
        return;
    case VMM_SEEN_BEGIN:
        d->vms[s->vcpu].waited = s->at > d->vms[s->vcpu].woke;
        set_state(d, s->vcpu, VMM_RUNNING, s->at);
        close_slice(d, s->pcpu, s->at, NULL);
        d->lps[s->pcpu].vcpu = s->vcpu;
        d->lps[s->pcpu].since = s->at;
        d->lps[s->pcpu].quantum = s->span;
        return;
    case VMM_SEEN_END:
        close_slice(d, s->pcpu, s->at, vmm_slice_end_names[s->why]);
        set_state(d, s->vcpu, s->why == VMM_SLICE_BLOCKED ? VMM_BLOCKED : s->why == VMM_SLICE_OFF ? VMM_OFFLINE : VMM_RUNNABLE, s->at);
        return;
    case VMM_SEEN_RAN:
        ran(d, s);
        return;
    case VMM_SEEN_OFF:
        set_state(d, s->vcpu, VMM_OFFLINE, s->at);
        return;
    case VMM_SEEN_DECIDED:
        decided(d, s);
        return;
    case VMM_SEEN_IDLE:
    case VMM_SEEN_KINDS:
        return;
    }
}

/* ---- counters --------------------------------------------------------------------------------------------------- */

static void open_counter(drawn_run *d, sim_ps at, const char *prefix, const char *whose, const char *suffix)
{
    open_event(d, "C");
    key_time(d, ",\"ts\":", at);
    run_stream_text(d->out, ",\"name\":");
    g_autofree char *name = g_strconcat(prefix, whose, suffix, NULL);
    run_stream_quoted(d->out, name);
    run_stream_text(d->out, ",\"args\":{");
}

static void series(drawn_run *d, const char *name, uint64_t value, unsigned digits, bool last)
{
    run_stream_text(d->out, "\"");
    run_stream_text(d->out, name);
    run_stream_text(d->out, "\":");
    run_stream_decimal(d->out, value, digits);
    run_stream_text(d->out, last ? "}}" : ",");
}

/* value * scale / base, rounded down; 0 without a base. */
static uint64_t ratio(uint64_t value, uint64_t scale, uint64_t base)
{
    return base ? (uint64_t)((unsigned __int128)value * scale / base) : 0;
}

/* Values in thousandths (of MB/s, too). What a point counts holds from the point before on. */
static void draw_lp(drawn_run *d, const run_lp_point *p)
{
    drawn_lp *l = &d->lps[p->lp];
    const uint64_t counts[G_N_ELEMENTS(l->counts)] = {
        ratio(p->instructions, 1000, p->cycles), ratio(p->l1d_misses, 1000000, p->instructions), ratio(p->llc_misses, 1000000, p->instructions),
        ratio(p->branch_misses, 1000000, p->instructions), ratio(p->bus_bytes, SIM_PS_PER_S / 1000, p->at - l->sampled)};
    sim_ps from = l->sampled;
    char number[12];
    if (p->at <= from)
        return;
    g_snprintf(number, sizeof number, "%u", p->lp);
    if (!l->counted || counts[0] != l->counts[0]) {
        open_counter(d, from, "LP ", number, " IPC");
        series(d, "ipc", counts[0], 3, true);
    }
    if (!l->counted || memcmp(counts + 1, l->counts + 1, 3 * sizeof *counts) != 0) {
        open_counter(d, from, "LP ", number, " MPKI");
        series(d, "l1d", counts[1], 3, false);
        series(d, "llc", counts[2], 3, false);
        series(d, "branch", counts[3], 3, true);
    }
    if (!l->counted || counts[4] != l->counts[4]) {
        open_counter(d, from, "LP ", number, " bus MB/s");
        series(d, "bus", counts[4], 3, true);
    }
    memcpy(l->counts, counts, sizeof counts);
    l->counted = true;
    l->sampled = p->at;
}

static void draw_vm(drawn_run *d, const run_vm_point *p)
{
    drawn_vm *m = &d->vms[p->vm];
    const uint64_t counts[G_N_ELEMENTS(m->counts)] = {p->l1d_lines, p->l2_lines, p->llc_lines, p->quantum};
    if (!m->counted || memcmp(counts, m->counts, 3 * sizeof *counts) != 0) {
        open_counter(d, p->at, "VM ", m->name, " occupancy (lines)");
        series(d, "l1d", counts[0], 0, false);
        series(d, "l2", counts[1], 0, false);
        series(d, "llc", counts[2], 0, true);
    }
    if (!m->counted || counts[3] != m->counts[3]) {
        open_counter(d, p->at, "VM ", m->name, " quantum (us)");
        series(d, "quantum", counts[3], PS_DIGITS, true);
    }
    memcpy(m->counts, counts, sizeof counts);
    m->counted = true;
}

static void sample(void *self, const run_lp_point *lps, const run_vm_point *vms)
{
    drawn_run *d = self;
    for (unsigned i = 0; i < d->n_lps; i++)
        draw_lp(d, &lps[i]);
    for (unsigned i = 0; i < d->n_vms; i++)
        draw_vm(d, &vms[i]);
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static void end(void *self, sim_ps at)
{
    drawn_run *d = self;
    for (unsigned i = 0; i < d->n_lps; i++)
        close_slice(d, i, at, NULL);
    for (unsigned i = 0; i < d->n_vms; i++)
        set_state(d, i, VMM_OFFLINE, at);
}

static const run_writer_ops writer = {.begin = begin, .sight = sight, .sample = sample, .end = end};

run_timeline *run_timeline_new(const char *path, unsigned n_runs, GError **error)
{
    run_timeline *t = g_new0(run_timeline, 1);
    t->n_runs = n_runs;
    t->runs = g_new0(drawn_run, n_runs);
    t->out = run_stream_new(path, error);
    bool good = t->out != NULL;
    for (unsigned i = 0; i < n_runs && good; i++) {
        drawn_run *d = &t->runs[i];
        d->number = i;
        d->first = true;
        d->mine = n_runs > 1;
        d->out = d->mine ? run_stream_new_part(path, error) : t->out;
        good = d->out != NULL;
    }
    if (!good) {
        run_timeline_free(t);
        return NULL;
    }
    run_stream_text(t->out, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"generator\":\"quanta " QUANTA_VERSION "\",\"schema\":\"quanta-timeline/1\"},\n"
                            "\"traceEvents\":[\n");
    return t;
}

run_writer run_timeline_writer(run_timeline *t, unsigned run)
{
    return (run_writer){&writer, &t->runs[run]};
}

bool run_timeline_close(run_timeline *t, GError **error)
{
    bool any = false;
    for (unsigned i = 0; i < t->n_runs; i++) {
        drawn_run *d = &t->runs[i];
        if (!d->mine || d->first)
            continue;
        if (any)
            run_stream_text(t->out, ",\n");
        any = true;
        run_stream_append(t->out, g_steal_pointer(&d->out));
    }
    run_stream_text(t->out, "\n]}\n");
    bool good = run_stream_close(g_steal_pointer(&t->out), error);
    run_timeline_free(t);
    return good;
}

void run_timeline_free(run_timeline *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < t->n_runs; i++) {
        drawn_run *d = &t->runs[i];
        if (d->mine)
            run_stream_free(d->out);
        for (unsigned k = 0; k < d->n_vms; k++)
            g_free(d->vms[k].name);
        g_free(d->vms);
        g_free(d->lps);
    }
    run_stream_free(t->out);
    g_free(t->runs);
    g_free(t);
}
