/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The schedules that policies are driven through. Two pCPUs share a core, eight a package. */
#include "vmm-conform-private.h"

static vmm_vm_config plain(void)
{
    return (vmm_vm_config){.weight = 256};
}

static mock_step sleeps(sim_ps run, sim_ps sleep)
{
    return (mock_step){run, {.kind = VMM_STOP_SLEEP, .span = sleep}};
}

static mock_step stops(sim_ps run, vmm_stop_kind kind)
{
    return (mock_step){run, {.kind = kind, .bytes = 4096}};
}

/* n vCPUs that never stop. */
static void spinners(conform_run *r)
{
    for (unsigned i = 0; i < r->of->n; i++)
        conform_add(r, plain(), NULL, 0);
}

/* Half of them never stop, half run and sleep; every eighth one runs hardly at all. */
static void mixture(conform_run *r)
{
    mock_step *naps = conform_steps(r, 1), *blinks = conform_steps(r, 1);
    naps[0] = sleeps(US(300), US(700));
    blinks[0] = sleeps(US(1), MS(1.9));
    for (unsigned i = 0; i < r->of->n; i++)
        conform_add(r, plain(), i % 8 == 7 ? blinks : i % 2 ? naps : NULL, i % 2);
}

/* Little work for long: whoever is forgotten once stays away. */
static void sleepers(conform_run *r)
{
    for (unsigned i = 0; i < r->of->n; i++) {
        mock_step *s = conform_steps(r, 2);
        s[0] = sleeps(US(200 + 13 * i), MS(3) + US(777) * i);
        s[1] = sleeps(US(900), MS(11));
        conform_add(r, plain(), s, 2);
    }
}

/* Everything that happens does so at multiples of the quantum: wake-ups, starts, removals, ends. */
static void coincidences(conform_run *r)
{
    enum { BEATS = 16 };
    mock_step *s = conform_steps(r, BEATS), *end = conform_steps(r, 1);
    for (unsigned i = 0; i < BEATS; i++)
        s[i] = (mock_step){MS(1) - US(1) * (i % 2), {.kind = VMM_STOP_SLEEP, .until = MS(1) * 2 * (i + 1)}};
    end[0] = stops(MS(2), VMM_STOP_END);
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.start = MS(1) * (i % 4);
        c.stop = i % 3 == 2 ? MS(1) * (8 + i % 5) : 0;
        conform_add(r, c, i % 4 == 0 ? end : i % 4 == 3 ? NULL : s, i % 4 == 0 ? 1 : i % 4 == 3 ? 0 : BEATS);
    }
}

/* Sleeps that are over before the pCPU has found somebody else. */
static void blinks(conform_run *r)
{
    mock_step *s = conform_steps(r, 1);
    s[0] = sleeps(US(5), 1);
    for (unsigned i = 0; i < r->of->n; i++)
        conform_add(r, plain(), i % 3 ? s : NULL, i % 3 != 0);
}

/* Guests whose HLT does not exit keep their pCPU while they sleep, until their quantum is over. */
static void halts(conform_run *r)
{
    static const vmm_controls own = {.entry = 0, .exit = 0, .insns = 0};
    mock_step *s = conform_steps(r, 2);
    s[0] = sleeps(US(200), MS(2.7));
    s[1] = sleeps(US(100), US(80));
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.controls = i % 4 ? &own : NULL;
        c.stop = i % 6 == 5 ? MS(7) + US(411) * i : 0;
        conform_add(r, c, i % 4 == 2 ? NULL : s, i % 4 == 2 ? 0 : 2);
    }
}

/* One that never stops on each pCPU, and n that wake for two microseconds every forty to seventy. */
static void wake_storm(conform_run *r)
{
    for (unsigned i = 0; i < r->of->pcpus; i++)
        conform_add(r, plain(), NULL, 0);
    for (unsigned i = 0; i < r->of->n; i++) {
        mock_step *s = conform_steps(r, 1);
        s[0] = sleeps(US(2), US(40 + i % 31));
        conform_add(r, plain(), s, 1);
    }
}

/* All sleep until the same instants, and then want to run at once. */
static void herd(conform_run *r)
{
    enum { BEATS = 40 };
    mock_step *s = conform_steps(r, BEATS);
    for (unsigned i = 0; i < BEATS; i++)
        s[i] = (mock_step){US(10), {.kind = VMM_STOP_SLEEP, .until = MS(3) * (i + 1)}};
    for (unsigned i = 0; i < r->of->n; i++)
        conform_add(r, plain(), s, BEATS);
}

/* All run a little and sleep long: the machine idles, and comes back. */
static void all_blocked(conform_run *r)
{
    mock_step *s = conform_steps(r, 1);
    s[0] = sleeps(US(100), MS(40));
    for (unsigned i = 0; i < r->of->n; i++)
        conform_add(r, plain(), s, 1);
}

/* VMs come while others run; every third one ends soon. */
static void hot_plug(conform_run *r)
{
    mock_step *end = conform_steps(r, 1), *naps = conform_steps(r, 1);
    end[0] = stops(MS(2.3), VMM_STOP_END);
    naps[0] = sleeps(US(700), US(350));
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.start = US(1373) * i;
        conform_add(r, c, i % 3 == 0 ? end : i % 3 == 1 ? naps : NULL, i % 3 < 2);
    }
}

/* VMs are removed while they run, wait, sleep, wait for the disk, or halt their pCPU. */
static void removal(conform_run *r)
{
    static const vmm_controls own = {.entry = 0, .exit = 0, .insns = 0};
    mock_step *naps = conform_steps(r, 1), *disk = conform_steps(r, 1);
    naps[0] = sleeps(US(500), MS(5));
    disk[0] = stops(US(300), VMM_STOP_IO);
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.stop = MS(2) + US(377) * i;
        c.io_latency = MS(4);
        c.controls = i % 5 == 4 ? &own : NULL;
        conform_add(r, c, i % 5 == 0 ? NULL : i % 5 == 2 ? disk : naps, i % 5 != 0);
    }
}

/* Guests fault while others go on. */
static void faults(conform_run *r)
{
    for (unsigned i = 0; i < r->of->n; i++) {
        mock_step *s = conform_steps(r, 2);
        s[0] = sleeps(US(400), US(100));
        s[1] = stops(US(217) * (i + 1), i % 2 ? VMM_STOP_FAULT : VMM_STOP_YIELD);
        conform_add(r, plain(), s, 2);
    }
}

/* All are bound to the same pCPU of several. */
static void one_processor(conform_run *r)
{
    static const uint64_t first[VMM_MASK_WORDS] = {1};
    mock_step *s = conform_steps(r, 1);
    s[0] = sleeps(US(300), US(900));
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.affinity = first;
        conform_add(r, c, i % 2 ? s : NULL, i % 2);
    }
}

/* Pairs of pCPUs, each with VMs of its own. */
static void disjoint(conform_run *r)
{
    mock_step *s = conform_steps(r, 1);
    s[0] = sleeps(US(600), US(500));
    for (unsigned i = 0; i < r->of->n; i++) {
        const uint64_t pair[VMM_MASK_WORDS] = {UINT64_C(3) << 2 * (i % 4)};
        vmm_vm_config c = plain();
        c.affinity = pair;
        conform_add(r, c, i % 3 ? s : NULL, i % 3 != 0);
    }
}

/* Groups that share no pCPU, one that overlaps two of them, and some that are free. */
static void affinities(conform_run *r)
{
    static const uint64_t masks[][VMM_MASK_WORDS] = {{0x3}, {0xc}, {0xf0}, {0x6}, {0xff}};
    mock_step *s = conform_steps(r, 1);
    s[0] = sleeps(MS(1.1), US(450));
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.affinity = masks[i % G_N_ELEMENTS(masks)];
        conform_add(r, c, i % 3 ? s : NULL, i % 3 != 0);
    }
}

static void yields(conform_run *r)
{
    mock_step *s = conform_steps(r, 1);
    s[0] = stops(US(2), VMM_STOP_YIELD);
    for (unsigned i = 0; i < r->of->n; i++)
        conform_add(r, plain(), i % 4 ? s : NULL, i % 4 != 0);
}

/* Hypercalls, disk requests, flushes, markers of tasks. */
static void exits(conform_run *r)
{
    static const vmm_stop_kind kinds[] = {VMM_STOP_HYPERCALL, VMM_STOP_IO, VMM_STOP_WBINVD, VMM_STOP_TASK_BEGIN, VMM_STOP_HYPERCALL, VMM_STOP_TASK_END};
    mock_step *s = conform_steps(r, G_N_ELEMENTS(kinds));
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
        s[i] = stops(US(40) + US(31) * i, kinds[i]);
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.io_latency = US(120);
        c.io_bytes_per_s = 100000000;
        conform_add(r, c, s, G_N_ELEMENTS(kinds));
    }
}

/* A state view in which everything happens: loops that begin and end, caches that are flushed, full, traversed. */
static void lively_view(mock_guest *g, vmm_view *view)
{
    uint64_t phase = g->ran / MS(1);
    view->in_loop = phase % 3 == 0;
    view->loop_iterations = phase % 3 == 0 ? 1000 * phase : 0;
    view->btb_hit_permille = phase % 2 ? 990 : 400;
    view->l1d.valid = phase % 4 ? view->l1d.lines : 3;
    view->l1d.mine = view->l1d.valid;
    view->l1d.flushes = phase / 5;
    view->insns = 100000;
}

/* Counters that run fast and slowly, so that thresholds are passed and overflows interrupt. */
static void counters(conform_run *r)
{
    mock_step *s = conform_steps(r, 2);
    s[0] = sleeps(MS(1.7), US(230));
    s[1] = stops(MS(0.9), VMM_STOP_YIELD);
    for (unsigned i = 0; i < r->of->n; i++) {
        mock_guest *g = conform_add(r, plain(), i % 2 ? s : NULL, i % 2 ? 2 : 0);
        for (unsigned e = SIM_EV_CYCLES + 1; e < SIM_EV_COUNT; e++)
            g->rate[e] = (e * 7919 + i * 104729) % 500000;
        g->view = lively_view;
    }
}

/* The same under the other two kinds of state management unit. */
static void counters_beside(conform_run *r)
{
    r->m->config.smu.kind = VMM_SMU_HARDWARE;
    counters(r);
}

static void counters_armed(conform_run *r)
{
    r->m->config.smu.kind = VMM_SMU_HYBRID;
    counters(r);
}

static void weights(conform_run *r)
{
    mock_step *s = conform_steps(r, 1);
    s[0] = sleeps(MS(2), MS(1));
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.weight = i % 3 == 0 ? 1 : i % 3 == 1 ? 65535 : 256;
        if (r->of->flags & MAY_STARVE)
            c.priority = (int32_t)(i % 4) - 2;
        conform_add(r, c, i % 2 ? s : NULL, i % 2);
    }
}

static void unlike(conform_run *r)
{
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.weight = 128u << i % 4;
        conform_add(r, c, NULL, 0);
    }
}

static void gangs(conform_run *r)
{
    static const char *const names[] = {"red", "green", "blue"};
    mock_step *s = conform_steps(r, 1);
    s[0] = sleeps(MS(1.2), US(300));
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.gang = i % 4 < 3 ? names[i % 4] : NULL;
        conform_add(r, c, i % 2 ? s : NULL, i % 2);
    }
}

/* Everything by chance, from the seed. */
static void chance(conform_run *r)
{
    static const vmm_stop_kind kinds[] = {VMM_STOP_SLEEP, VMM_STOP_SLEEP, VMM_STOP_SLEEP, VMM_STOP_YIELD, VMM_STOP_YIELD, VMM_STOP_IO, VMM_STOP_HYPERCALL};
    static const char *const gangs[] = {NULL, NULL, NULL, NULL, NULL, NULL, "red", "green"};
    static const vmm_controls own = {.entry = 0, .exit = 0, .insns = 0};
    unsigned n = 1 + conform_random(r) % 48;
    r->m->block = conform_random(r) % 2 ? conform_random(r) % 900000 : 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned steps = conform_random(r) % 8;
        mock_step *s = conform_steps(r, steps);
        for (unsigned k = 0; k < steps; k++) {
            s[k] = stops(US(1) * (1 + conform_random(r) % (conform_random(r) % 4 ? 300 : 5000)), kinds[conform_random(r) % G_N_ELEMENTS(kinds)]);
            s[k].stop.span = US(1) * (1 + conform_random(r) % 3000);
            if (conform_random(r) % 64 == 0)
                s[k].stop.kind = conform_random(r) % 2 ? VMM_STOP_END : VMM_STOP_FAULT;
        }
        bool free = conform_random(r) % 3;
        uint64_t some = (uint64_t)conform_random(r) << 8, affinity[VMM_MASK_WORDS] = {free ? ~UINT64_C(0) : some | UINT64_C(1) << conform_random(r) % r->m->n};
        vmm_vm_config c = plain();
        c.affinity = affinity;
        c.weight = 1 + conform_random(r) % 1000;
        c.gang = gangs[conform_random(r) % G_N_ELEMENTS(gangs)];
        c.controls = conform_random(r) % 8 ? NULL : &own;
        c.start = conform_random(r) % 2 ? 0 : US(1) * (conform_random(r) % 20000);
        c.stop = conform_random(r) % 4 ? 0 : US(1) * (20001 + conform_random(r) % 30000);
        c.io_latency = US(80);
        conform_add(r, c, s, steps);
    }
}

#define MIXTURE(n_, pcpus_) \
    CASE(#n_ "-on-" #pcpus_, #n_ " vCPUs on " #pcpus_ " pCPUs: half of them never stop, half sleep", pcpus_, n_, MS(1), MS(30), 0, mixture)
#define MIXTURES(n_) MIXTURE(n_, 1), MIXTURE(n_, 2), MIXTURE(n_, 8), MIXTURE(n_, 64)
#define CASE(name_, text_, pcpus_, n_, quantum_, span_, flags_, build_) \
    {{name_, text_}, pcpus_, n_, quantum_, span_, flags_, build_}

const conform_case conform_cases[] = {
    MIXTURES(1),
    MIXTURES(2),
    MIXTURES(4),
    MIXTURES(16),
    MIXTURES(64),
    MIXTURES(256),
    CASE("on-and-off", "powered on and off 4,000 times", 1, 2, MS(1), MS(3), ON_AND_OFF, spinners),
    CASE("two-spin-on-one", "2 vCPUs that never stop on 1 pCPU, for 3 s", 1, 2, MS(1), MS(3000), 0, spinners),
    CASE("four-spin-on-two", "4 on 2, for 3 s", 2, 4, MS(1), MS(3000), 0, spinners),
    CASE("64-spin-on-8", "64 on 8, for 3 s", 8, 64, MS(1), MS(3000), 0, spinners),
    CASE("256-spin-on-2", "256 on 2, for 3 s", 2, 256, MS(1), MS(3000), 0, spinners),
    CASE("256-spin-on-64", "256 on 64", 64, 256, MS(1), MS(200), 0, spinners),
    CASE("short-quanta", "quanta of 10 us", 2, 6, US(10), MS(20), 0, spinners),
    CASE("long-quanta", "quanta of 1 s", 2, 6, SIM_PS_PER_S, MS(8000), 0, spinners),
    CASE("wake-storm", "100 vCPUs that wake every 40 to 70 us beside those that never stop", 2, 100, MS(1), MS(20), 0, wake_storm),
    CASE("wake-storm-on-many", "the same, 200 on 64 pCPUs", 64, 200, MS(1), MS(10), 0, wake_storm),
    CASE("herd", "64 vCPUs that all wake at the same instants", 4, 64, MS(1), MS(130), 0, herd),
    CASE("herd-on-many", "200 on 64 pCPUs", 64, 200, MS(1), MS(130), 0, herd),
    CASE("all-blocked", "all sleep, and the machine idles", 4, 16, MS(1), MS(300), 0, all_blocked),
    CASE("sleepers", "little work, for 3 s", 4, 6, MS(1), MS(3000), 0, sleepers),
    CASE("blinks", "sleeps of no length", 2, 9, MS(1), MS(20), 0, blinks),
    CASE("halts", "guests that keep their pCPU while they halt", 2, 12, MS(1), MS(60), 0, halts),
    CASE("hot-plug", "VMs come while others run, and end", 4, 40, MS(1), MS(120), 0, hot_plug),
    CASE("removal", "VMs are removed while they run, wait, sleep or halt their pCPU", 4, 50, MS(1), MS(40), 0, removal),
    CASE("faults", "guests fault while others go on", 2, 20, MS(1), MS(60), 0, faults),
    CASE("coincidences", "all that happens does so at multiples of the quantum", 2, 16, MS(1), MS(60), 0, coincidences),
    CASE("one-processor", "all are bound to one of 8 pCPUs", 8, 12, MS(1), MS(100), 0, one_processor),
    CASE("disjoint", "pairs of pCPUs, each with VMs of its own", 8, 24, MS(1), MS(100), 0, disjoint),
    CASE("affinities", "groups of pCPUs that do and do not overlap", 8, 30, MS(1), MS(200), 0, affinities),
    CASE("yields", "vCPUs that yield every 2 us beside some that do not", 2, 8, MS(1), MS(20), 0, yields),
    CASE("exits", "hypercalls, disk requests, flushes, tasks", 2, 8, MS(1), MS(60), 0, exits),
    CASE("counters", "counters and state views that set off every trigger", 4, 12, MS(1), MS(200), 0, counters),
    CASE("counters-hardware", "the same, sampled by a unit beside the processor", 4, 12, MS(1), MS(60), 0, counters_beside),
    CASE("counters-hybrid", "the same, with counters that overflow and interrupt", 4, 12, MS(1), MS(200), 0, counters_armed),
    CASE("weights", "weights from 1 to 65535", 2, 12, MS(1), MS(500), 0, weights),
    CASE("unlike-weights", "weights of 128, 256, 512 and 1024, for 3 s", 2, 9, MS(1), MS(3000), 0, unlike),
    CASE("priorities", "four priorities besides", 2, 12, MS(1), MS(500), MAY_STARVE, weights),
    CASE("gangs", "gangs, and some that are in none", 4, 12, MS(1), MS(100), 0, gangs),
    CASE("random-1", "by chance, 1 pCPU", 1, 1, MS(1), MS(60), 0, chance),
    CASE("random-2", "by chance, 2 pCPUs", 2, 2, MS(1), MS(60), 0, chance),
    CASE("random-3", "by chance, 3 pCPUs", 3, 3, US(300), MS(60), 0, chance),
    CASE("random-4", "by chance, 4 pCPUs", 4, 4, MS(1), MS(60), 0, chance),
    CASE("random-5", "by chance, 6 pCPUs", 6, 5, MS(2), MS(60), 0, chance),
    CASE("random-6", "by chance, 12 pCPUs", 12, 6, MS(1), MS(60), 0, chance),
    CASE("random-7", "by chance, 24 pCPUs", 24, 7, US(100), MS(60), 0, chance),
    CASE("random-8", "by chance, 64 pCPUs", 64, 8, MS(1), MS(60), 0, chance),
    CASE("random-9", "by chance, 2 pCPUs, quanta of 10 us", 2, 9, US(10), MS(30), 0, chance),
    CASE("random-10", "by chance, 5 pCPUs, quanta of 1 s", 5, 10, SIM_PS_PER_S, MS(60), 0, chance),
};
const unsigned conform_n_cases = G_N_ELEMENTS(conform_cases);
