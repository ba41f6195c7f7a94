/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gang scheduling: the vCPUs of a gang run at the same time, on different pCPUs. After Ousterhout, "Scheduling Techniques for Concurrent Systems", ICDCS 1982
 * (the matrix algorithm): a matrix with a row for each time slot and a column for each pCPU; a gang gets the first row in which it fits, side by side with
 * others; slots take their turn on all pCPUs at once. Where the vCPU of a cell cannot run, one of another row that may run on that pCPU takes its place
 * (alternate selection). A gang that is larger than the machine, or than what affinities allow, is split over several rows.
 *
 * Cells are given at power-on, members with the fewest pCPUs to choose from first; rows in which nobody can run are passed over. */
#include "policies.h"
#include "vmm-runqueue.h"

#include <glib.h>
#include <string.h>

enum { P_SLOT, N_PARAMS };
/* Whoever's slot is shorter than a switch takes would never have it. */
#define LEAST_SLOT (10 * VMM_QUANTUM_MIN)

static const vmm_param params[N_PARAMS] = {
    [P_SLOT] = { .name = "slot", .type = VMM_PARAM_TIME, .def.u = 0, .min.u = 0, .max.u = VMM_QUANTUM_MAX,
                 .help = "length of a time slot; 0: the pre-assigned quantum of the first VM, 100us at least" },
};

#define NO_ROW UINT32_MAX

typedef struct {
    uint32_t *cells;        /* [pCPU]: vCPU, or VMM_VCPU_NONE */
    uint32_t awake;         /* members that run or could */
    uint32_t previous, next; /* among rows with such members, in a ring */
} row;

typedef struct {
    vmm_host *h;
    const vmm_services *services;
    uint32_t n_pcpus, n_vcpus, n_rows;
    row *rows;
    uint32_t *row_of, *column_of; /* [vCPU] */
    bool *awake;                  /* [vCPU] */
    vmm_runqueue *ready;          /* all that wait, for alternate selection */
    uint32_t *passed;             /* [pCPU]: scratch of alternate() */
    sim_ps slot;
    uint64_t now_slot;            /* number of the slot that `current` is for */
    uint32_t current;             /* row, or NO_ROW: nobody is awake */
} gang_policy;

static const vmm_vcpu_facts *facts(const gang_policy *g, uint32_t vcpu)
{
    return g->services->vcpu(g->h, vcpu);
}

/* ---- the matrix ------------------------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t vcpu, gang, width; /* pCPUs that it may run on */
} member;

static int narrow_first(gconstpointer a, gconstpointer b)
{
    const member *x = a, *y = b;
    if (x->gang != y->gang)
        return x->gang < y->gang ? -1 : 1;
    if (x->width != y->width)
        return x->width < y->width ? -1 : 1;
    return x->vcpu < y->vcpu ? -1 : 1;
}

static uint32_t free_column(const gang_policy *g, const uint32_t *cells, uint32_t vcpu)
{
    const vmm_vcpu_facts *f = facts(g, vcpu);
    for (uint32_t c = 0; c < g->n_pcpus; c++)
        if (cells[c] == VMM_VCPU_NONE && vmm_mask_has(f->affinity, c))
            return c;
    return VMM_PCPU_NONE;
}

/* Puts as many of the members as fit into the cells; all or none with `whole`. How many. */
static uint32_t fill(gang_policy *g, uint32_t *cells, const member *m, uint32_t n, bool whole)
{
    g_autofree uint32_t *before = g_memdup2(cells, g->n_pcpus * sizeof *cells);
    uint32_t placed = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t column = g->row_of[m[i].vcpu] == NO_ROW ? free_column(g, cells, m[i].vcpu) : VMM_PCPU_NONE;
        if (column == VMM_PCPU_NONE)
            continue;
        cells[column] = m[i].vcpu;
        placed++;
    }
    if (whole && placed < n) {
        memcpy(cells, before, g->n_pcpus * sizeof *cells);
        return 0;
    }
    return placed;
}

static void note_row(gang_policy *g, uint32_t r)
{
    for (uint32_t c = 0; c < g->n_pcpus; c++)
        if (g->rows[r].cells[c] != VMM_VCPU_NONE) {
            g->row_of[g->rows[r].cells[c]] = r;
            g->column_of[g->rows[r].cells[c]] = c;
        }
}

static uint32_t add_row(gang_policy *g)
{
    row *r = &g->rows[g->n_rows];
    r->cells = g_new(uint32_t, g->n_pcpus);
    for (uint32_t c = 0; c < g->n_pcpus; c++)
        r->cells[c] = VMM_VCPU_NONE;
    return g->n_rows++;
}

static void place_gang(gang_policy *g, const member *m, uint32_t n)
{
    for (uint32_t r = 0; r < g->n_rows; r++)
        if (fill(g, g->rows[r].cells, m, n, true)) {
            note_row(g, r);
            return;
        }
    for (uint32_t placed = 0; placed < n;) {
        uint32_t r = add_row(g);
        placed += fill(g, g->rows[r].cells, m, n, false);
        note_row(g, r);
    }
}

static void make_matrix(gang_policy *g)
{
    g_autofree member *all = g_new(member, g->n_vcpus + 1);
    for (uint32_t i = 0; i < g->n_vcpus; i++) {
        const vmm_vcpu_facts *f = facts(g, i);
        all[i] = (member){ .vcpu = i, .gang = f->gang };
        for (uint32_t c = 0; c < g->n_pcpus; c++)
            all[i].width += vmm_mask_has(f->affinity, c);
    }
    qsort(all, g->n_vcpus, sizeof *all, narrow_first);
    for (uint32_t first = 0, next; first < g->n_vcpus; first = next) {
        for (next = first + 1; next < g->n_vcpus && all[next].gang == all[first].gang;)
            next++;
        place_gang(g, all + first, next - first);
    }
}

/* ---- rows that have somebody to run ------------------------------------------------------------------------------------ */

static void row_wakes(gang_policy *g, uint32_t r)
{
    row *x = &g->rows[r];
    if (x->awake++)
        return;
    if (g->current == NO_ROW) {
        g->current = x->previous = x->next = r;
        return;
    }
    row *current = &g->rows[g->current]; /* the last one to have its turn */
    x->next = g->current;
    x->previous = current->previous;
    g->rows[x->previous].next = r;
    current->previous = r;
}

static void row_sleeps(gang_policy *g, uint32_t r)
{
    row *x = &g->rows[r];
    if (--x->awake)
        return;
    g->rows[x->previous].next = x->next;
    g->rows[x->next].previous = x->previous;
    if (g->current == r)
        g->current = x->next == r ? NO_ROW : x->next;
}

/* The row of slot `slot`; pCPUs that idle are woken if it has somebody for them. */
static void advance(gang_policy *g, uint64_t slot)
{
    if (slot <= g->now_slot || g->current == NO_ROW)
        return;
    g->now_slot = slot;
    g->current = g->rows[g->current].next;
    const uint64_t *idle = g->services->idle_mask(g->h);
    for (uint32_t c = 0; c < g->n_pcpus; c++) {
        uint32_t vcpu = g->rows[g->current].cells[c];
        if (vmm_mask_has(idle, c) && vcpu != VMM_VCPU_NONE && facts(g, vcpu)->state == VMM_RUNNABLE)
            g->services->resched(g->h, c);
    }
}

/* ---- hooks -------------------------------------------------------------------------------------------------------------- */

static void *gang_init(vmm_host *h, const vmm_services *services, const vmm_param_value *values)
{
    gang_policy *g = g_new0(gang_policy, 1);
    g->h = h;
    g->services = services;
    g->n_pcpus = services->n_pcpus(h);
    g->n_vcpus = services->n_vcpus(h);
    g->rows = g_new0(row, g->n_vcpus + 1);
    g->row_of = g_new(uint32_t, g->n_vcpus + 1);
    g->column_of = g_new0(uint32_t, g->n_vcpus + 1);
    g->awake = g_new0(bool, g->n_vcpus + 1);
    g->passed = g_new(uint32_t, g->n_pcpus);
    g->ready = vmm_runqueue_new(g->n_vcpus, g->n_pcpus);
    g->current = NO_ROW;
    for (uint32_t i = 0; i < g->n_vcpus; i++) {
        g->row_of[i] = NO_ROW;
        vmm_runqueue_admit(g->ready, i, facts(g, i)->affinity);
    }
    g->slot = values[P_SLOT].u ? values[P_SLOT].u : g->n_vcpus ? MAX(facts(g, 0)->quantum, LEAST_SLOT) : SIM_PS_PER_MS;
    make_matrix(g);
    return g;
}

static void gang_exit(void *self)
{
    gang_policy *g = self;
    for (uint32_t r = 0; r < g->n_rows; r++)
        g_free(g->rows[r].cells);
    vmm_runqueue_free(g->ready);
    g_free(g->rows);
    g_free(g->row_of);
    g_free(g->column_of);
    g_free(g->awake);
    g_free(g->passed);
    g_free(g);
}

static bool gang_check(const vmm_param_value *v, char *message, size_t size)
{
    if (v[P_SLOT].u == 0 || v[P_SLOT].u >= LEAST_SLOT)
        return true;
    g_snprintf(message, size, "parameter 'slot' has to be 0 or at least 100us");
    return false;
}

static void gang_wake(void *self, uint32_t vcpu)
{
    gang_policy *g = self;
    uint32_t r = g->row_of[vcpu], column = g->column_of[vcpu];
    vmm_runqueue_insert(g->ready, vcpu, 0);
    if (!g->awake[vcpu]) {
        g->awake[vcpu] = true;
        row_wakes(g, r);
    }
    uint32_t there = g->services->pcpu(g->h, column)->vcpu;
    if (r == g->current && there != VMM_VCPU_NONE && g->row_of[there] != r)
        g->services->resched(g->h, column); /* an alternate has its cell */
}

static void falls_asleep(gang_policy *g, uint32_t vcpu)
{
    vmm_runqueue_remove(g->ready, vcpu);
    if (g->awake[vcpu])
        row_sleeps(g, g->row_of[vcpu]);
    g->awake[vcpu] = false;
}

static void gang_sleep(void *self, uint32_t vcpu)
{
    gang_policy *g = self;
    if (facts(g, vcpu)->state == VMM_RUNNABLE) /* the VMM chose it */
        vmm_runqueue_remove(g->ready, vcpu);
    else
        falls_asleep(g, vcpu);
}

static void gang_remove(void *self, uint32_t vcpu)
{
    falls_asleep(self, vcpu);
}

static void gang_context_saved(void *self, G_GNUC_UNUSED uint32_t pcpu, uint32_t vcpu, G_GNUC_UNUSED vmm_off_reason why)
{
    vmm_runqueue_insert(((gang_policy *)self)->ready, vcpu, 0);
}

/* Its cell's pCPU in its slot, else one that idles, where it may be an alternate. */
static uint32_t gang_pick_pcpu(void *self, uint32_t vcpu)
{
    const gang_policy *g = self;
    const uint64_t *idle = g->services->idle_mask(g->h);
    uint32_t column = g->column_of[vcpu];
    if (g->row_of[vcpu] == g->current || vmm_mask_has(idle, column))
        return column;
    for (unsigned w = 0; w < VMM_MASK_WORDS; w++)
        if (idle[w] & facts(g, vcpu)->affinity[w])
            return w * 64 + (uint32_t)__builtin_ctzll(idle[w] & facts(g, vcpu)->affinity[w]);
    return column;
}

/* The first that waits for the pCPU and has no cell of its own in this slot. */
static uint32_t alternate(gang_policy *g, uint32_t pcpu)
{
    uint32_t n = 0, found;
    while ((found = vmm_runqueue_first(g->ready, pcpu)) != VMM_VCPU_NONE && g->row_of[found] == g->current && g->column_of[found] != pcpu) {
        vmm_runqueue_remove(g->ready, found);
        g->passed[n++] = found;
    }
    while (n)
        vmm_runqueue_put_back(g->ready, g->passed[--n]);
    return found;
}

static vmm_choice gang_schedule(void *self, uint32_t pcpu, sim_ps now)
{
    gang_policy *g = self;
    uint64_t slot = now / g->slot;
    if ((slot + 1) * g->slot - now < VMM_QUANTUM_MIN) /* too short for a quantum */
        slot++;
    advance(g, slot);
    uint32_t vcpu = g->current == NO_ROW ? VMM_VCPU_NONE : g->rows[g->current].cells[pcpu];
    bool own = vcpu != VMM_VCPU_NONE && vmm_runqueue_contains(g->ready, vcpu);
    if (!own)
        vcpu = alternate(g, pcpu);
    if (vcpu == VMM_VCPU_NONE)
        return (vmm_choice){ .vcpu = VMM_VCPU_NONE };
    vmm_runqueue_remove(g->ready, vcpu);
    return (vmm_choice){ .vcpu = vcpu, .quantum = (slot + 1) * g->slot - now, .reason = own ? "its slot" : "alternate" };
}

const struct vmm_policy_ops vmm_policy_gang = {
    .abi_version = VMM_POLICY_ABI,
    .struct_size = sizeof(struct vmm_policy_ops),
    .name = "gang",
    .summary = "the vCPUs of a gang run at the same time (Ousterhout's matrix)",
    .params = params,
    .n_params = N_PARAMS,
    .flags = VMM_POLICY_MAY_IDLE,
    .check = gang_check,
    .init = gang_init,
    .exit = gang_exit,
    .vcpu_remove = gang_remove,
    .wake = gang_wake,
    .sleep = gang_sleep,
    .context_saved = gang_context_saved,
    .pick_pcpu = gang_pick_pcpu,
    .schedule = gang_schedule,
};
