/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-mock.h"

#include "sim-error.h"
#include "vmm-registry.h"

#include <stdlib.h>
#include <string.h>

#define PS_PER_INSN 1000

static void broken(const mock *m, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void broken(const mock *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    if (m->broken)
        m->broken(m->user, text);
    g_printerr("scripted machine: %s\n", text);
    abort();
}

#define require(m, truth, ...) ((truth) ? (void)0 : broken(m, __VA_ARGS__))

static mock_pcpu *of(vmm_pcpu *p)
{
    return (mock_pcpu *)(void *)p;
}

/* When the pCPU goes on; SIM_PS_NEVER: it executes nothing. */
static sim_ps goes_on(const mock_pcpu *c)
{
    return c->guest && !c->halted ? c->now : SIM_PS_NEVER;
}

static uint32_t further_behind(const mock *m, uint32_t a, uint32_t b)
{
    return goes_on(&m->cpus[b]) < goes_on(&m->cpus[a]) ? b : a;
}

/* The pCPU's time has changed, or what it executes. */
static void changed(mock_pcpu *c)
{
    mock *m = c->mock;
    for (unsigned i = (m->leaves + c->port.id) / 2; i; i /= 2)
        m->winners[i] = further_behind(m, m->winners[2 * i], m->winners[2 * i + 1]);
}

static void load_step(mock_guest *g)
{
    g->left = g->n_steps ? g->steps[g->at].run : SIM_PS_NEVER;
}

static void op_start(vmm_pcpu *p, uint32_t vcpu, vmm_owner owner)
{
    mock_pcpu *c = of(p);
    require(c->mock, !c->guest, "a vCPU is put on pCPU %u, where another one is", p->id);
    require(c->mock, owner == vcpu + 1, "vCPU %u is put on for owner %u", vcpu, owner);
    mock_guest *g = g_ptr_array_index(c->mock->guests, vcpu);
    require(c->mock, !g->on, "vCPU %u is put on pCPU %u while it is on pCPU %u", vcpu, p->id, g->on->port.id);
    c->guest = g;
    c->vcpu = vcpu;
    c->stay = 0;
    g->on = c;
    changed(c);
}

static void op_stop(vmm_pcpu *p)
{
    mock_pcpu *c = of(p);
    require(c->mock, c->guest, "nobody is on pCPU %u to be taken off", p->id);
    if (c->mock->config.keep_schedule)
        g_array_append_val(c->stays, c->stay);
    c->guest->on = NULL;
    c->guest = NULL;
    c->halted = false;
    changed(c);
}

static sim_ps op_now(vmm_pcpu *p)
{
    mock_pcpu *c = of(p);
    sim_ps present = sim_engine_now(c->mock->engine);
    if ((!c->guest || c->halted) && c->now < present)
        c->now = present; /* it executes nothing: no change */
    require(c->mock, c->now >= present, "pCPU %u is behind the present", p->id);
    return c->now;
}

static void op_work(vmm_pcpu *p, const vmm_work *work)
{
    mock_pcpu *c = of(p);
    op_now(p);
    c->now += (sim_ps)work->cycles * PS_PER_INSN;
    c->count[SIM_EV_CYCLES] += work->cycles;
    c->works++;
    changed(c);
}

static void op_flush_tlb(vmm_pcpu *p)
{
    of(p)->tlb_flushes++;
}

static void op_halt(vmm_pcpu *p, bool halted)
{
    mock_pcpu *c = of(p);
    require(c->mock, c->guest, "nobody is on pCPU %u to halt", p->id);
    op_now(p);
    c->halted = halted;
    changed(c);
}

static void op_select(vmm_pcpu *p, unsigned counter, enum sim_emon_event event)
{
    of(p)->selected[counter] = event;
    of(p)->base[counter] = of(p)->count[event];
}

static bool op_program(vmm_pcpu *p, unsigned counter, const sim_emon_config *config, GError **error)
{
    mock_pcpu *c = of(p);
    unsigned place = counter == SIM_EMON_FIXED_INSNS ? MOCK_FIXED : counter;
    if (place != MOCK_FIXED && counter >= p->emon_counters) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "there is no counter %u", counter);
        return false;
    }
    op_select(p, place, config->event);
    c->base[place] += config->period;
    c->period[place] = config->interrupt ? config->period : 0;
    c->overflow_at[place] = c->count[config->event] + config->period;
    c->status &= ~sim_emon_bit(counter);
    return true;
}

static uint64_t op_status(vmm_pcpu *p)
{
    return of(p)->status;
}

static void op_acknowledge(vmm_pcpu *p, uint64_t status)
{
    of(p)->status &= ~status;
}

static uint64_t op_read(vmm_pcpu *p, unsigned counter)
{
    of(p)->reads++;
    return (of(p)->count[of(p)->selected[counter]] - of(p)->base[counter]) & SIM_EMON_MASK;
}

static uint64_t op_read_fixed(vmm_pcpu *p, unsigned fixed)
{
    of(p)->reads++;
    return (fixed == 0 ? of(p)->count[SIM_EV_INSTRUCTIONS] - of(p)->base[MOCK_FIXED] : of(p)->count[SIM_EV_CYCLES]) & SIM_EMON_MASK;
}

static void op_truth(vmm_pcpu *p, uint64_t counts[SIM_EV_COUNT])
{
    memcpy(counts, of(p)->count, sizeof of(p)->count);
}

static void op_view(vmm_pcpu *p, vmm_owner owner, vmm_view *view)
{
    mock_guest *g = g_ptr_array_index(of(p)->mock->guests, owner - 1);
    memset(view, 0, sizeof *view);
    view->l1d.lines = 512;
    if (g->view)
        g->view(g, view);
}

static bool op_way_mask(vmm_pcpu *p, vmm_owner owner, vmm_cache_level level, uint64_t mask)
{
    of(p)->masks[level][owner] = mask;
    return mask & 0xffff;
}

static const vmm_pcpu_ops ops = {
    .start = op_start, .stop = op_stop, .now = op_now, .work = op_work, .flush_tlb = op_flush_tlb, .halt = op_halt,
    .emon_select = op_select, .emon_read = op_read, .emon_read_fixed = op_read_fixed, .emon_program = op_program, .emon_status = op_status,
    .emon_acknowledge = op_acknowledge, .truth = op_truth, .view = op_view, .way_mask = op_way_mask,
};

mock *mock_new(unsigned n_pcpus, unsigned counters, const char *policy)
{
    mock *m = g_new0(mock, 1);
    m->engine = sim_engine_new();
    m->n = n_pcpus;
    m->cpus = g_new0(mock_pcpu, n_pcpus);
    m->ports = g_new0(vmm_pcpu *, n_pcpus);
    m->guests = g_ptr_array_new_with_free_func(g_free);
    for (m->leaves = 2; m->leaves < n_pcpus; m->leaves *= 2)
        ;
    m->winners = g_new0(uint32_t, 2 * m->leaves);
    for (unsigned i = 0; i < m->leaves; i++)
        m->winners[m->leaves + i] = MIN(i, n_pcpus - 1);
    for (unsigned i = 0; i < n_pcpus; i++) {
        mock_pcpu *c = &m->cpus[i];
        c->mock = m;
        c->stays = g_array_new(FALSE, FALSE, sizeof(sim_ps));
        c->port = (vmm_pcpu){
            .ops = &ops, .id = i, .core = i / 2, .package = i / 8, .hz = 1000000000, .emon_counters = counters,
            .emon_read_cycles = 30, .vm_exit_cycles = 500, .vm_entry_cycles = 500, .l1d_lines = 512, .kind = "mock",
        };
        m->ports[i] = &c->port;
    }
    for (unsigned i = m->leaves; --i;)
        m->winners[i] = further_behind(m, m->winners[2 * i], m->winners[2 * i + 1]);
    if (policy) {
        m->config.policy = vmm_policy_find(policy, NULL);
        require(m, m->config.policy, "there is no policy '%s'", policy);
    }
    m->config.keep_schedule = true;
    m->config.seed = 1;
    return m;
}

void mock_free(mock *m)
{
    vmm_free(m->v);
    sim_engine_free(m->engine);
    for (unsigned i = 0; i < m->n; i++)
        g_array_free(m->cpus[i].stays, TRUE);
    g_ptr_array_free(m->guests, TRUE);
    g_free(m->cpus);
    g_free(m->ports);
    g_free(m->winners);
    g_free(m);
}

void mock_make(mock *m)
{
    g_autoptr(GError) error = NULL;
    m->v = vmm_new(&m->config, m->engine, m->ports, m->n, &error);
    require(m, m->v, "%s", error ? error->message : "");
}

mock_guest *mock_add(mock *m, const vmm_vm_config *config, const mock_step *steps, unsigned n_steps)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    vmm_vm_config c = config ? *config : (vmm_vm_config){ .weight = 256 };
    if (!m->v)
        mock_make(m);
    if (!c.name)
        c.name = names[m->guests->len % 8];
    mock_guest *g = g_new0(mock_guest, 1);
    g->steps = steps;
    g->n_steps = n_steps;
    load_step(g);
    g_ptr_array_add(m->guests, g);
    g_autoptr(GError) error = NULL;
    require(m, vmm_check_vm(m->v, &c, &error), "%s", error ? error->message : "");
    unsigned number = vmm_add_vm(m->v, &c);
    require(m, number == m->guests->len - 1, "VM %u got the number %u", m->guests->len - 1, number);
    return g;
}

/* The lowest number of equals; NULL: none executes anything. */
static mock_pcpu *furthest_behind(const mock *m)
{
    mock_pcpu *c = &m->cpus[m->winners[1]];
    return goes_on(c) == SIM_PS_NEVER ? NULL : c;
}

static void count(mock_pcpu *c, sim_ps ran)
{
    uint64_t insns = ran / PS_PER_INSN;
    c->count[SIM_EV_INSTRUCTIONS] += insns;
    c->count[SIM_EV_CYCLES] += insns;
    for (unsigned i = 0; i < SIM_EV_COUNT; i++) {
        if (!c->guest->rate[i])
            continue;
        c->rest[i] += insns * c->guest->rate[i];
        c->count[i] += c->rest[i] / 1000000;
        c->rest[i] %= 1000000;
    }
}

/* The counters that have overflowed and interrupt. */
static uint64_t overflows(mock_pcpu *c)
{
    uint64_t found = 0;
    for (unsigned i = 0; i <= MOCK_FIXED; i++)
        if (c->period[i] && c->count[c->selected[i]] >= c->overflow_at[i]) {
            c->period[i] = 0;
            found |= sim_emon_bit(i == MOCK_FIXED ? (unsigned)SIM_EMON_FIXED_INSNS : i);
        }
    c->status |= found;
    return found;
}

/* At most as far as counters that interrupt may go: a step of one microsecond while there are such. */
static sim_ps until_overflow(const mock_pcpu *c, sim_ps until)
{
    for (unsigned i = 0; i <= MOCK_FIXED; i++)
        if (c->period[i])
            return MIN(until, c->now + SIM_PS_PER_US);
    return until;
}

static void around(const mock *m, bool before)
{
    if (m->around)
        m->around(m->user, before);
}

static void run_guest(mock *m, mock_pcpu *c, sim_ps until)
{
    mock_guest *g = c->guest;
    until = until_overflow(c, until);
    sim_ps span = until - c->now + m->block;
    bool stops = g->left <= span;
    span = MIN(span, g->left);
    count(c, span);
    c->now += span;
    c->stay += span;
    g->ran += span;
    changed(c);
    if (g->n_steps)
        g->left -= span;
    uint64_t overflow = overflows(c);
    if (!stops && overflow)
        vmm_emon_overflow(m->v, c->port.id, overflow);
    if (!stops)
        return;
    const vmm_stop *stop = &g->steps[g->at].stop;
    g->at = (g->at + 1) % g->n_steps;
    load_step(g);
    around(m, true);
    vmm_guest_stopped(m->v, c->port.id, stop);
    around(m, false);
}

void mock_run(mock *m, sim_ps until)
{
    vmm_start(m->v);
    while (!vmm_all_ended(m->v) && !vmm_failed(m->v, NULL)) {
        mock_pcpu *c = furthest_behind(m);
        sim_ps next = sim_engine_next(m->engine);
        if (next <= until && (!c || c->now >= next)) {
            around(m, true);
            sim_engine_step(m->engine);
            around(m, false);
        } else if (c && c->now < until)
            run_guest(m, c, MIN(next, until));
        else
            break;
        if (m->watch)
            m->watch(m->user);
    }
    m->end = until;
    vmm_finish(m->v, until);
}

sim_ps mock_total(const mock *m, unsigned vm)
{
    sim_ps sum = 0;
    for (unsigned i = 0; i < VMM_N_STATES; i++)
        sum += vmm_stats(m->v, vm)->in_state[i];
    return sum;
}
