/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-ftrace.h"

#include "run-stream.h"

#include <string.h>

/* TASK_COMM_LEN of include/linux/sched.h, 1 for the end included; nice 0 (include/linux/sched/prio.h). */
enum { COMM = 16, PRIO = 120, FIRST_PID = 1000, BELOW_PID = 2 };

/* The task of a processor that the layer below has taken away. */
#define BELOW (VMM_VCPU_NONE - 1)

typedef struct {
    char name[COMM];
    uint32_t on;         /* pCPU whose present task it is, or VMM_PCPU_NONE */
} traced_task;

typedef struct {
    uint32_t task;       /* present one: a vCPU, or VMM_VCPU_NONE for swapper */
    const char *state;   /* in which it left */
} traced_cpu;

struct run_ftrace {
    run_stream *out;
    uint64_t counts_at;  /* place of the header's line of counts */
    uint64_t n_events;
    unsigned n_cpus, n_tasks;
    traced_cpu *cpus;
    traced_task *tasks;
};

/* ---- names ---------------------------------------------------------------------------------------------------- */

/* What the kernel allows in a name and readers of such text do not: blanks, `=`, whatever is not ASCII. */
static void make_name(char out[COMM], const char *name)
{
    unsigned n = 0;
    for (const char *c = name; *c && n < COMM - 1; c++)
        out[n++] = g_ascii_isgraph(*c) && *c != '=' ? *c : '_';
    out[n] = '\0';
}

static uint32_t pid_of(uint32_t task)
{
    return task == VMM_VCPU_NONE ? 0 : task == BELOW ? BELOW_PID : FIRST_PID + task;
}

/* `idle`: the name of nobody. */
static const char *name_of(const run_ftrace *t, uint32_t task, const char *idle)
{
    return task == VMM_VCPU_NONE ? idle : task == BELOW ? "below" : t->tasks[task].name;
}

static void put_task(run_ftrace *t, const char *prefix, uint32_t cpu, uint32_t task)
{
    char text[96], idle[COMM];
    g_snprintf(idle, sizeof idle, "swapper/%u", cpu);
    g_snprintf(text, sizeof text, "%scomm=%s %spid=%u %sprio=%d", prefix, name_of(t, task, idle), prefix, pid_of(task),
               prefix, PRIO);
    run_stream_text(t->out, text);
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

/* "            TASK-PID     [CPU] FLAGS     SECONDS: EVENT: ": interrupts are off and preemption is disabled where the scheduler works. */
static void open_line(run_ftrace *t, uint32_t cpu, sim_ps at, const char *event)
{
    uint32_t task = t->cpus[cpu].task;
    uint64_t ns = at / SIM_PS_PER_NS;
    char text[128];
    g_snprintf(text, sizeof text, "%16s-%-7u [%03u] d..2. %5" G_GUINT64_FORMAT ".%09" G_GUINT64_FORMAT ": %s: ",
               name_of(t, task, "<idle>"), pid_of(task), cpu, ns / 1000000000, ns % 1000000000, event);
    run_stream_text(t->out, text);
    t->n_events++;
}

static void put_number(run_ftrace *t, const char *format, uint32_t number)
{
    char text[32];
    g_snprintf(text, sizeof text, format, number);
    run_stream_text(t->out, text);
}

static void put_switch(run_ftrace *t, uint32_t cpu, sim_ps at, uint32_t next)
{
    traced_cpu *c = &t->cpus[cpu];
    if (c->task == next)
        return;
    open_line(t, cpu, at, "sched_switch");
    put_task(t, "prev_", cpu, c->task);
    run_stream_text(t->out, " prev_state=");
    run_stream_text(t->out, c->task == VMM_VCPU_NONE || c->task == BELOW ? "R" : c->state);
    run_stream_text(t->out, " ==> ");
    put_task(t, "next_", cpu, next);
    run_stream_bytes(t->out, "\n", 1);
    if (c->task < t->n_tasks)
        t->tasks[c->task].on = VMM_PCPU_NONE;
    if (next < t->n_tasks)
        t->tasks[next].on = cpu;
    c->task = next;
}

static void put_wake(run_ftrace *t, uint32_t cpu, const vmm_sight *s, const char *event)
{
    open_line(t, cpu, s->at, event);
    put_task(t, "", cpu, s->vcpu);
    put_number(t, " target_cpu=%03u\n", cpu);
}

/* A slice begins. The processor that it left may not have found its next one yet. */
static void put_begin(run_ftrace *t, const vmm_sight *s)
{
    uint32_t before = t->tasks[s->vcpu].on;
    if (before != VMM_PCPU_NONE && before != s->pcpu)
        put_switch(t, before, s->at, VMM_VCPU_NONE);
    if (s->other != VMM_PCPU_NONE && s->other != s->pcpu) {
        open_line(t, s->pcpu, s->at, "sched_migrate_task");
        put_task(t, "", s->pcpu, s->vcpu);
        put_number(t, " orig_cpu=%u", s->other);
        put_number(t, " dest_cpu=%u\n", s->pcpu);
    }
    put_switch(t, s->pcpu, s->at, s->vcpu);
}

static void sight(void *self, const vmm_sight *s)
{
    static const char *const states[VMM_SLICE_ENDS] = {"R+", "R+", "R+", "R", "S", "X", "R+"};
    run_ftrace *t = self;
    switch (s->kind) {
    case VMM_SEEN_ON:
        put_wake(t, s->other, s, "sched_wakeup_new");
        return;
    case VMM_SEEN_WAKE:
        if (s->other == VMM_PCPU_NONE) /* halted on its processor: to an operating system it never slept */
            return;
        put_wake(t, s->other, s, "sched_waking");
        put_wake(t, s->other, s, "sched_wakeup");
        return;
    case VMM_SEEN_BEGIN:
        put_begin(t, s);
        return;
    case VMM_SEEN_END:
        t->cpus[s->pcpu].state = states[s->why];
        if (s->why == VMM_SLICE_TAKEN)
            put_switch(t, s->pcpu, s->at, BELOW);
        return;
    case VMM_SEEN_IDLE:
        put_switch(t, s->pcpu, s->at, VMM_VCPU_NONE);
        return;
    case VMM_SEEN_RAN:
    case VMM_SEEN_OFF:
    case VMM_SEEN_DECIDED:
    case VMM_SEEN_KINDS:
        return;
    }
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

/* The line's length does not depend on the numbers, so that it can be written when they are known. */
enum { COUNTS_LINE = 96 };

static void format_counts(const run_ftrace *t, char line[COUNTS_LINE + 1])
{
    g_autofree char *text = g_strdup_printf("# entries-in-buffer/entries-written: %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT "   #P:%u", t->n_events,
                                            t->n_events, t->n_cpus);
    memset(line, ' ', COUNTS_LINE);
    memcpy(line, text, MIN(strlen(text), (size_t)COUNTS_LINE));
    line[COUNTS_LINE] = '\0';
}

static void begin(void *self, const run_cast *cast)
{
    run_ftrace *t = self;
    char counts[COUNTS_LINE + 1];
    t->n_cpus = cast->n_pcpus;
    t->n_tasks = cast->n_vms;
    t->cpus = g_new0(traced_cpu, t->n_cpus);
    t->tasks = g_new0(traced_task, MAX(t->n_tasks, 1));
    for (unsigned i = 0; i < t->n_cpus; i++)
        t->cpus[i] = (traced_cpu){.task = VMM_VCPU_NONE, .state = "R"};
    for (unsigned i = 0; i < t->n_tasks; i++) {
        t->tasks[i].on = VMM_PCPU_NONE;
        make_name(t->tasks[i].name, cast->vms[i]);
    }
    run_stream_text(t->out, "# tracer: nop\n#\n");
    t->counts_at = run_stream_length(t->out);
    format_counts(t, counts);
    run_stream_text(t->out, counts);
    run_stream_text(t->out, "\n#\n"
                            "#                                _-----=> irqs-off/BH-disabled\n"
                            "#                               / _----=> need-resched\n"
                            "#                              | / _---=> hardirq/softirq\n"
                            "#                              || / _--=> preempt-depth\n"
                            "#                              ||| / _-=> migrate-disable\n"
                            "#                              |||| /     delay\n"
                            "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
                            "#              | |         |   |||||     |         |\n");
}

static void end(void *self, G_GNUC_UNUSED sim_ps at)
{
    run_ftrace *t = self;
    char counts[COUNTS_LINE + 1];
    format_counts(t, counts);
    run_stream_patch(t->out, t->counts_at, counts, COUNTS_LINE);
}

static const run_writer_ops writer = {.begin = begin, .sight = sight, .end = end};

run_ftrace *run_ftrace_new(const char *path, GError **error)
{
    run_stream *out = run_stream_new(path, error);
    if (!out)
        return NULL;
    run_ftrace *t = g_new0(run_ftrace, 1);
    t->out = out;
    return t;
}

run_writer run_ftrace_writer(run_ftrace *t)
{
    return (run_writer){&writer, t};
}

bool run_ftrace_close(run_ftrace *t, GError **error)
{
    bool good = run_stream_close(g_steal_pointer(&t->out), error);
    run_ftrace_free(t);
    return good;
}

void run_ftrace_free(run_ftrace *t)
{
    if (!t)
        return;
    run_stream_free(t->out);
    g_free(t->cpus);
    g_free(t->tasks);
    g_free(t);
}
