/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-machine.h"

#include "cpu-core.h"
#include "run-costs.h"
#include "run-stop.h"
#include "run-traps.h"
#include "run-view.h"

#include <string.h>

/* Blocks asked of a source at a time: small enough that eight guests' batches stay in the host's caches. */
enum { FILL_BLOCKS = 8192, NO_GUEST = UINT32_MAX };

/* How far one pCPU may run past the next, in 1/64 cycles: see docs/adr/0002-skew.md. */
enum { SKEW = 128 * CPU_SUB };

/* A guest's place in its own stream. */
typedef struct {
    insn_source *source;
    cpu_space *space;
    insn_batch batch;
    uint32_t block, addr; /* how much of the batch has been consumed */
    insn_batch part;      /* of the batch, which the core has */
    uint32_t insns_trapped; /* vmm_controls.insns */
    run_traps traps;
    bool event_pending;   /* the batch's event has yet to be handled */
    uint64_t insns;       /* retired */
    sim_ps next_report;
    run_view_life life;
    cpu_weights weights;  /* of its blocks, if the machine counts them */
} guest;

/* A pCPU: the VMM's port at the front. */
typedef struct {
    vmm_pcpu port;
    run_machine *machine;
    cpu_lp *lp;
    uint32_t guest;       /* NO_GUEST when idle */
    uint32_t heap_index;  /* 1-based; 0: idle */
    uint64_t insns_at_start;
    uint64_t insns_before;  /* guest's insns when it was put on */
    uint64_t viewed[SIM_EV_COUNT]; /* at the start of the guest's stay, or at the last view */
    bool watched;           /* cpu_lp_emon_watched */
    bool halted;            /* with its guest on it */
} pcpu;

/* A running pCPU among the others: see key_of. */
typedef struct {
    uint64_t key;
    pcpu *pcpu;
} place_in_heap;

struct run_machine {
    const cpu_machine *desc;
    sim_engine *engine;
    cpu_complex *complex;
    pcpu *pcpus;
    vmm_pcpu **ports;
    GPtrArray *guests;
    uint32_t n_vms;       /* the first of them, which are VMs' */
    place_in_heap *heap;  /* running pCPUs, the one furthest behind first (1-based) */
    unsigned n_heap;
    bool counts_blocks;
    bool one_clock;       /* all cores have one frequency: local clocks compare directly */
    sim_ps last;          /* local time of the guest that was handled last */
    sim_ps progress_step;
    run_progress_fn progress;
    void *progress_user;
    run_switch_fn on_switch;
    void *switch_user;
    sim_ps look_period, next_look; /* SIM_PS_NEVER: nobody looks */
    run_look_fn look;
    void *look_user;
};

/* ---- running pCPUs in the order of local time ----------------------------------------------------------------- */

/* Local time and, for ties, id in one number: 56 bits of 1/64 cycles are days, of picoseconds 20 hours. */
static inline uint64_t key_of(const run_machine *m, const pcpu *p)
{
    return (m->one_clock ? cpu_lp_clock(p->lp) : cpu_lp_now(p->lp)) << 8 | p->port.id;
}

static inline void place(run_machine *m, unsigned i, place_in_heap x)
{
    m->heap[i] = x;
    x.pcpu->heap_index = i;
}

static inline void sift_down(run_machine *m, unsigned i)
{
    place_in_heap x = m->heap[i];
    for (unsigned child; (child = 2 * i) <= m->n_heap; i = child) {
        if (child < m->n_heap && m->heap[child + 1].key < m->heap[child].key)
            child++;
        if (m->heap[child].key > x.key)
            break;
        place(m, i, m->heap[child]);
    }
    place(m, i, x);
}

static void sift_up(run_machine *m, unsigned i)
{
    place_in_heap x = m->heap[i];
    for (; i > 1 && x.key < m->heap[i / 2].key; i /= 2)
        place(m, i, m->heap[i / 2]);
    place(m, i, x);
}

static void heap_insert(run_machine *m, pcpu *p)
{
    m->heap[++m->n_heap] = (place_in_heap){key_of(m, p), p};
    sift_up(m, m->n_heap);
}

static void heap_remove(run_machine *m, pcpu *p)
{
    unsigned i = p->heap_index;
    p->heap_index = 0;
    place_in_heap last = m->heap[m->n_heap--];
    if (last.pcpu == p)
        return;
    place(m, i, last);
    sift_down(m, i);
    sift_up(m, last.pcpu->heap_index);
}

/* A pCPU's local time has moved on. */
static inline void heap_update(run_machine *m, pcpu *p)
{
    if (p->heap_index) {
        m->heap[p->heap_index].key = key_of(m, p);
        sift_down(m, p->heap_index);
    }
}

/* ---- the port ------------------------------------------------------------------------------------------------- */

static pcpu *of(vmm_pcpu *p)
{
    return (pcpu *)p;
}

static void catch_up(pcpu *p)
{
    if (p->guest == NO_GUEST || p->halted)
        cpu_lp_advance(p->lp, cpu_lp_clock_at(p->lp, sim_engine_now(p->machine->engine)));
}

static uint64_t retired(const pcpu *p)
{
    return cpu_lp_retired(p->lp);
}

/* Gives the core the batch from where the guest is. */
static void feed(pcpu *p, guest *g)
{
    g->part = run_traps_part(&g->traps, g->source->code, &g->batch, g->block);
    cpu_lp_feed(p->lp, &g->part, g->block, g->addr);
}

static void go(pcpu *p, guest *g)
{
    cpu_lp_start(p->lp, g->space);
    feed(p, g);
    p->insns_at_start = retired(p);
    p->insns_before = g->insns;
    heap_insert(p->machine, p);
}

static void port_start(vmm_pcpu *port, uint32_t vcpu, vmm_owner owner)
{
    pcpu *p = of(port);
    guest *g = g_ptr_array_index(p->machine->guests, vcpu);
    g_assert(p->guest == NO_GUEST);
    catch_up(p);
    if (!g->space)
        g->space = cpu_space_new(g->source->code, owner);
    p->guest = vcpu;
    p->halted = false;
    go(p, g);
    cpu_lp_counts(p->lp, p->viewed);
    if (G_UNLIKELY(p->machine->on_switch) && vcpu < p->machine->n_vms)
        p->machine->on_switch(p->machine->switch_user, vcpu, port->id, true);
}

static void update_insns(pcpu *p, guest *g)
{
    g->insns = p->insns_before + (retired(p) - p->insns_at_start);
}

/* The guest executes nothing from now on. */
static void rest(pcpu *p, guest *g)
{
    cpu_lp_position(p->lp, &g->block, &g->addr);
    update_insns(p, g);
    heap_remove(p->machine, p);
    cpu_lp_stop(p->lp);
}

static void port_stop(vmm_pcpu *port)
{
    pcpu *p = of(port);
    guest *g = g_ptr_array_index(p->machine->guests, p->guest);
    cpu_view v;
    if (G_UNLIKELY(p->machine->on_switch) && !p->halted && p->guest < p->machine->n_vms)
        p->machine->on_switch(p->machine->switch_user, p->guest, port->id, false);
    cpu_lp_counts(p->lp, v.counts);
    run_view_fill(&v, p->viewed, &g->life, NULL);
    if (!p->halted)
        rest(p, g);
    p->guest = NO_GUEST;
    p->halted = false;
}

static void port_halt(vmm_pcpu *port, bool halted)
{
    pcpu *p = of(port);
    guest *g = g_ptr_array_index(p->machine->guests, p->guest);
    if (halted == p->halted)
        return;
    if (halted) {
        rest(p, g);
        p->halted = true;
    } else {
        catch_up(p);
        p->halted = false;
        go(p, g);
    }
}

static sim_ps port_now(vmm_pcpu *port)
{
    pcpu *p = of(port);
    catch_up(p);
    return cpu_lp_now(p->lp);
}

static void port_work(vmm_pcpu *port, const vmm_work *work)
{
    pcpu *p = of(port);
    catch_up(p);
    cpu_lp_system(p->lp, VMM_OWNER_VMM, work->cycles, work->first, work->code_lines, work->data_lines);
    heap_update(p->machine, p);
}

static void port_flush_tlb(vmm_pcpu *port)
{
    cpu_lp_flush_tlb(of(port)->lp);
}

static void port_emon_select(vmm_pcpu *port, unsigned counter, enum sim_emon_event event)
{
    pcpu *p = of(port);
    cpu_lp_emon_select(p->lp, counter, event);
    p->watched = cpu_lp_emon_watched(p->lp);
}

static bool port_emon_program(vmm_pcpu *port, unsigned counter, const sim_emon_config *config, GError **error)
{
    pcpu *p = of(port);
    bool done = cpu_lp_emon_program(p->lp, counter, config, error);
    p->watched = cpu_lp_emon_watched(p->lp);
    return done;
}

static uint64_t port_emon_status(vmm_pcpu *port)
{
    return cpu_lp_emon_status(of(port)->lp);
}

static void port_emon_acknowledge(vmm_pcpu *port, uint64_t status)
{
    cpu_lp_emon_acknowledge(of(port)->lp, status);
}

static uint64_t port_emon_read(vmm_pcpu *port, unsigned counter)
{
    return cpu_lp_emon_read(of(port)->lp, counter);
}

static uint64_t port_emon_read_fixed(vmm_pcpu *port, unsigned fixed)
{
    return cpu_lp_emon_fixed(of(port)->lp, fixed);
}

static void port_emon_hold(vmm_pcpu *port, bool held)
{
    pcpu *p = of(port);
    cpu_lp_emon_hold(p->lp, held);
    p->watched = cpu_lp_emon_watched(p->lp);
}

static void port_truth(vmm_pcpu *port, uint64_t counts[SIM_EV_COUNT])
{
    cpu_lp_counts(of(port)->lp, counts);
}

static void port_view(vmm_pcpu *port, vmm_owner owner, vmm_view *out)
{
    pcpu *p = of(port);
    cpu_view v;
    run_view_life nobody = {0}, *life = p->guest == NO_GUEST ? &nobody : &((guest *)g_ptr_array_index(p->machine->guests, p->guest))->life;
    cpu_lp_view(p->lp, owner, &v);
    run_view_fill(&v, p->viewed, life, out);
    memcpy(p->viewed, v.counts, sizeof p->viewed);
}

static bool port_way_mask(vmm_pcpu *port, vmm_owner owner, vmm_cache_level level, uint64_t mask)
{
    return cpu_lp_way_mask(of(port)->lp, level == VMM_CACHE_LLC, owner, mask);
}

static const vmm_pcpu_ops port_ops = {
    .start = port_start,
    .stop = port_stop,
    .now = port_now,
    .work = port_work,
    .flush_tlb = port_flush_tlb,
    .halt = port_halt,
    .emon_select = port_emon_select,
    .emon_read = port_emon_read,
    .emon_read_fixed = port_emon_read_fixed,
    .emon_program = port_emon_program,
    .emon_status = port_emon_status,
    .emon_acknowledge = port_emon_acknowledge,
    .emon_hold = port_emon_hold,
    .truth = port_truth,
    .view = port_view,
    .way_mask = port_way_mask,
};

/* ---- building ------------------------------------------------------------------------------------------------- */

static void free_guest(gpointer data)
{
    guest *g = data;
    cpu_space_free(g->space);
    cpu_weights_clear(&g->weights);
    run_traps_clear(&g->traps);
    g_free(g);
}

static void init_pcpu(run_machine *m, unsigned id)
{
    pcpu *p = &m->pcpus[id];
    p->machine = m;
    p->lp = cpu_complex_lp(m->complex, id);
    p->guest = NO_GUEST;
    const cpu_core_desc *k = cpu_lp_kind(p->lp);
    uint32_t core = cpu_lp_core(p->lp);
    uint64_t llc = m->desc->l3.size ? m->desc->l3.size : k->l2.size;
    p->port = (vmm_pcpu){.ops = &port_ops, .id = id, .core = core, .package = m->desc->core_package[core], .hz = k->hz,
                         .emon_counters = k->emon_counters, .emon_read_cycles = k->emon_read,
                         .l1d_lines = (uint32_t)(k->l1d.size / k->l1d.line),
                         .l1i_lines = (uint32_t)(k->l1i.size / k->l1i.line), .l2_lines = (uint32_t)(k->l2.size / k->l2.line),
                         .llc_lines = (uint32_t)(llc / k->l2.line),
                         .l2_ways = k->l2.ways, .llc_ways = m->desc->l3.size ? m->desc->l3.ways : k->l2.ways, .kind = k->name};
    run_machine_costs(k, &p->port);
    m->ports[id] = &p->port;
    if (k->hz != m->desc->kinds[m->desc->core_kind[0]].hz)
        m->one_clock = false;
}

run_machine *run_machine_new(const cpu_machine *desc, sim_engine *engine)
{
    run_machine *m = g_new0(run_machine, 1);
    m->desc = desc;
    m->engine = engine;
    m->complex = cpu_complex_new(desc);
    m->pcpus = g_new0(pcpu, desc->n_lps);
    m->ports = g_new0(vmm_pcpu *, desc->n_lps);
    m->heap = g_new0(place_in_heap, desc->n_lps + 1);
    m->guests = g_ptr_array_new_with_free_func(free_guest);
    m->one_clock = true;
    m->next_look = SIM_PS_NEVER;
    m->n_vms = UINT32_MAX;
    for (unsigned i = 0; i < desc->n_lps; i++)
        init_pcpu(m, i);
    return m;
}

void run_machine_free(run_machine *m)
{
    if (!m)
        return;
    cpu_complex_free(m->complex);
    g_ptr_array_unref(m->guests);
    g_free(m->pcpus);
    g_free(m->ports);
    g_free(m->heap);
    g_free(m);
}

vmm_pcpu *const *run_machine_pcpus(run_machine *m, unsigned *n)
{
    *n = m->desc->n_lps;
    return m->ports;
}

void run_machine_add_guest(run_machine *m, insn_source *source)
{
    guest *g = g_new0(guest, 1);
    g->source = source;
    g_ptr_array_add(m->guests, g);
}

void run_machine_end_vms(run_machine *m)
{
    m->n_vms = m->guests->len;
}

void run_machine_trap(run_machine *m, uint32_t insns)
{
    guest *g = g_ptr_array_index(m->guests, m->guests->len - 1);
    g->insns_trapped = insns;
    run_traps_init(&g->traps, insns);
}

void run_machine_count_blocks(run_machine *m)
{
    m->counts_blocks = true;
}

bool run_machine_weights(const run_machine *m, uint32_t id, const cpu_weights **weights, const insn_code **code)
{
    if (id >= m->guests->len)
        return false;
    const guest *g = g_ptr_array_index(m->guests, id);
    *weights = &g->weights;
    *code = g->source->code;
    return true;
}

void run_machine_on_progress(run_machine *m, sim_ps step, run_progress_fn fn, void *user)
{
    m->progress_step = step;
    m->progress = fn;
    m->progress_user = user;
}

void run_machine_on_switch(run_machine *m, run_switch_fn fn, void *user)
{
    m->on_switch = fn;
    m->switch_user = user;
}

void run_machine_on_look(run_machine *m, sim_ps period, run_look_fn fn, void *user)
{
    m->look_period = period;
    m->next_look = fn ? period : SIM_PS_NEVER;
    m->look = fn;
    m->look_user = user;
}

void run_machine_truth(run_machine *m, unsigned id, uint64_t counts[SIM_EV_COUNT])
{
    cpu_lp_counts(m->pcpus[id].lp, counts);
}

sim_ps run_machine_now(const run_machine *m, unsigned id)
{
    return cpu_lp_now(m->pcpus[id].lp);
}

uint32_t run_machine_guest(const run_machine *m, unsigned id)
{
    return m->pcpus[id].guest < m->n_vms ? m->pcpus[id].guest : VMM_VCPU_NONE;
}

cpu_occupancy run_machine_occupancy(const run_machine *m, vmm_owner owner)
{
    return cpu_complex_occupancy(m->complex, owner);
}

uint32_t run_machine_line(const run_machine *m)
{
    return m->desc->kinds[m->desc->core_kind[0]].l1d.line;
}

uint64_t run_machine_insns(const run_machine *m)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < m->desc->n_lps; i++)
        sum += retired(&m->pcpus[i]);
    return sum;
}

/* ---- running -------------------------------------------------------------------------------------------------- */

static void report_progress(run_machine *m, pcpu *p, guest *g, bool last)
{
    if (!m->progress || p->guest >= m->n_vms)
        return;
    sim_ps now = cpu_lp_now(p->lp);
    if (!last && now < g->next_report)
        return;
    update_insns(p, g);
    g->next_report = now + m->progress_step;
    m->progress(m->progress_user, p->guest, now, g->insns);
}

/* The footprint of the guest's kernel in one system call: 16 code and 8 data lines, at a place that depends on the call. Estimate. */
enum { KERNEL_CODE_LINES = 16, KERNEL_DATA_LINES = 8 };

/* The guest on `p` has come to the end of a block with instructions that exit. */
static void trapped(vmm *v, pcpu *p, guest *g)
{
    uint32_t block = g->batch.blocks[g->traps.at - 1];
    g->traps.at = 0;
    cpu_lp_position(p->lp, &g->block, &g->addr);
    for (unsigned i = 0; i < VMM_N_INSN_BITS; i++)
        if (g->traps.mask >> i & 1)
            vmm_guest_trapped(v, p->port.id, (vmm_insn)i, run_traps_count(g->source->code, block, (vmm_insn)i));
    feed(p, g);
}

static void fill(const run_machine *m, pcpu *p, guest *g)
{
    insn_source_fill(g->source, cpu_lp_now(p->lp), FILL_BLOCKS, &g->batch);
    if (m->counts_blocks)
        cpu_weights_add(&g->weights, &g->batch);
    g->block = g->addr = 0;
    g->event_pending = g->batch.event.kind != INSN_EVENT_NONE;
    feed(p, g);
}

uint64_t run_machine_solo(run_machine *m, unsigned id, uint64_t insns, sim_ps *spent)
{
    pcpu *p = &m->pcpus[id];
    guest *g = g_ptr_array_index(m->guests, p->guest);
    for (unsigned i = 0; i < m->desc->n_lps; i++)
        if (i != id && m->pcpus[i].guest != NO_GUEST && !m->pcpus[i].halted)
            cpu_lp_stop(m->pcpus[i].lp);
    uint64_t before = retired(p);
    sim_ps begin = cpu_lp_now(p->lp);
    while (!cpu_lp_run(p->lp, UINT64_MAX) || g->traps.at || (!g->event_pending && retired(p) - before < insns)) {
        if (g->traps.at) {
            g->traps.at = 0;
            cpu_lp_position(p->lp, &g->block, &g->addr);
            feed(p, g);
        } else if (!g->event_pending) {
            fill(m, p, g);
        }
    }
    *spent = cpu_lp_now(p->lp) - begin;
    return retired(p) - before;
}

/* The guest on `p` has used up its batch: handles the event that ended it, or gets the next. */
static void next_batch(run_machine *m, vmm *v, pcpu *p)
{
    guest *g = g_ptr_array_index(m->guests, p->guest);
    if (g->traps.at) {
        trapped(v, p, g);
        return;
    }
    if (!g->event_pending) {
        fill(m, p, g);
        return;
    }
    const insn_event *e = &g->batch.event;
    g->event_pending = false;
    /* The next fill starts from nothing, wherever the guest goes on. */
    cpu_lp_position(p->lp, &g->block, &g->addr);
    vmm_stop stop;
    cpu_lp_system(p->lp, (vmm_owner)(p->guest + 1), cpu_lp_kind(p->lp)->syscall, (e->nr & 0x1ff) * KERNEL_CODE_LINES, KERNEL_CODE_LINES,
                  KERNEL_DATA_LINES);
    if (e->kind == INSN_EVENT_WBINVD)
        cpu_lp_flush_caches(p->lp);
    heap_update(m, p);
    for (unsigned i = 0; g->insns_trapped && i < VMM_N_INSN_BITS; i++)
        if (g->insns_trapped >> i & 1)
            vmm_guest_trapped(v, p->port.id, (vmm_insn)i, run_traps_of_event(e, (vmm_insn)i));
    if (!run_stop_of(e, cpu_lp_now(p->lp), &stop))
        return;
    if (stop.kind == VMM_STOP_END || stop.kind == VMM_STOP_FAULT)
        report_progress(m, p, g, true);
    vmm_guest_stopped(v, p->port.id, &stop);
}

/* Local clock up to which the pCPU furthest behind may run: just past the next one behind it, or `limit` (its
 * own clock at the next event). */
static inline uint64_t run_limit(const run_machine *m, const pcpu *p, uint64_t limit)
{
    if (m->n_heap < 2)
        return limit;
    uint64_t key = m->heap[2].key;
    if (m->n_heap > 2 && m->heap[3].key < key)
        key = m->heap[3].key;
    uint64_t next = m->one_clock ? key >> 8 : cpu_lp_clock_at(p->lp, key >> 8);
    return MIN(limit, next + SKEW);
}

/* cpu_lp_run, but with an eye on EMON counters that want one. True: the batch is used up, or an overflow interrupts. */
static bool run_watched(pcpu *p, uint64_t until)
{
    return cpu_lp_emon_run(p->lp, until) || cpu_lp_emon_due(p->lp);
}

/* Runs instructions and nothing else until every running pCPU has reached `event`, or one has used up its batch or is
 * interrupted by an EMON counter: that one is the result, or NULL. */
static pcpu *run_stretch(run_machine *m, sim_ps event)
{
    pcpu *p = m->heap[1].pcpu;
    uint64_t limit = cpu_lp_clock_at(p->lp, event);
    while (cpu_lp_clock(p->lp) < limit) {
        uint64_t until = run_limit(m, p, limit);
        bool dry = G_LIKELY(!p->watched) ? cpu_lp_run(p->lp, until) : run_watched(p, until);
        m->heap[1].key = key_of(m, p);
        if (dry)
            return p;
        sift_down(m, 1);
        p = m->heap[1].pcpu;
        if (!m->one_clock)
            limit = cpu_lp_clock_at(p->lp, event);
    }
    return NULL;
}

/* Whoever wants to look does, when all running pCPUs are past the time. `reached`: what comes next is not before this. */
static void look(run_machine *m, sim_ps reached)
{
    if (reached < m->next_look)
        return;
    m->next_look = (reached / m->look_period + 1) * m->look_period;
    m->look(m->look_user, reached);
}

sim_ps run_machine_run(run_machine *m, vmm *v, sim_ps until, const volatile int *cancel)
{
    while (!vmm_failed(v, NULL) && !vmm_all_ended(v)) {
        if (cancel && *cancel)
            break;
        sim_ps event = sim_engine_next(m->engine);
        pcpu *p = m->n_heap ? m->heap[1].pcpu : NULL;
        if (G_UNLIKELY(m->next_look != SIM_PS_NEVER))
            look(m, MIN(MIN(event, until), p ? cpu_lp_now(p->lp) : SIM_PS_NEVER));
        if (!p || cpu_lp_clock(p->lp) >= cpu_lp_clock_at(p->lp, MIN(event, until))) {
            if (event > until || event == SIM_PS_NEVER)
                return until;
            sim_engine_step(m->engine);
            continue;
        }
        pcpu *dry = run_stretch(m, MIN(event, until));
        if (!dry)
            continue;
        if (G_UNLIKELY(dry->watched && cpu_lp_emon_due(dry->lp))) {
            vmm_emon_overflow(v, dry->port.id, cpu_lp_emon_take(dry->lp));
            dry->watched = cpu_lp_emon_watched(dry->lp);
            continue;
        }
        guest *g = g_ptr_array_index(m->guests, dry->guest);
        report_progress(m, dry, g, false);
        next_batch(m, v, dry);
        heap_update(m, dry);
        m->last = MAX(m->last, cpu_lp_now(dry->lp));
    }
    return MIN(until, MAX(sim_engine_now(m->engine), m->last));
}
