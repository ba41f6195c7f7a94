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

static void weights(conform_run *r)
{
    mock_step *s = conform_steps(r, 1);
    s[0] = sleeps(MS(2), MS(1));
    for (unsigned i = 0; i < r->of->n; i++) {
        vmm_vm_config c = plain();
        c.weight = i % 3 == 0 ? 1 : i % 3 == 1 ? 65535 : 256;
        c.priority = (int32_t)(i % 4) - 2;
        conform_add(r, c, i % 2 ? s : NULL, i % 2);
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
        c.start = conform_random(r) % 2 ? 0 : US(1) * (conform_random(r) % 20000);
        c.stop = conform_random(r) % 4 ? 0 : US(1) * (20001 + conform_random(r) % 30000);
        c.io_latency = US(80);
        conform_add(r, c, s, steps);
    }
}

#define CASE(name_, text_, pcpus_, n_, quantum_, span_, flags_, build_) \
    {{name_, text_}, pcpus_, n_, quantum_, span_, flags_, build_}

const conform_case conform_cases[] = {
    CASE("one-vcpu", "1 vCPU on 1 pCPU", 1, 1, MS(1), MS(30), 0, spinners),
    CASE("two-on-one", "2 vCPUs on 1 pCPU, for 3 s", 1, 2, MS(1), MS(3000), 0, spinners),
    CASE("four-on-two", "4 vCPUs on 2 pCPUs", 2, 4, MS(1), MS(3000), 0, spinners),
    CASE("sixteen-on-eight", "16 vCPUs on 8 pCPUs", 8, 16, MS(1), MS(3000), 0, spinners),
    CASE("sixty-four-on-eight", "64 vCPUs on 8 pCPUs", 8, 64, MS(1), MS(3000), 0, spinners),
    CASE("few-on-many", "3 vCPUs on 64 pCPUs", 64, 3, MS(1), MS(100), 0, spinners),
    CASE("256-on-64", "256 vCPUs on 64 pCPUs", 64, 256, MS(1), MS(300), 0, spinners),
    CASE("256-on-two", "256 vCPUs on 2 pCPUs", 2, 256, MS(1), MS(3000), 0, spinners),
    CASE("short-quanta", "quanta of 10 us", 2, 6, US(10), MS(20), 0, spinners),
    CASE("long-quanta", "quanta of 1 s", 2, 6, SIM_PS_PER_S, MS(8000), 0, spinners),
    CASE("wake-storm", "100 vCPUs that wake every 40 to 70 us beside those that never stop", 2, 100, MS(1), MS(20), 0, wake_storm),
    CASE("wake-storm-on-many", "the same, 200 on 64 pCPUs", 64, 200, MS(1), MS(10), 0, wake_storm),
    CASE("herd", "64 vCPUs that all wake at the same instants", 4, 64, MS(1), MS(130), 0, herd),
    CASE("herd-on-many", "200 on 64 pCPUs", 64, 200, MS(1), MS(130), 0, herd),
    CASE("all-blocked", "all sleep, and the machine idles", 4, 16, MS(1), MS(300), 0, all_blocked),
    CASE("hot-plug", "VMs come while others run, and end", 4, 40, MS(1), MS(120), 0, hot_plug),
    CASE("removal", "VMs are removed while they run, wait, sleep or halt their pCPU", 4, 50, MS(1), MS(40), 0, removal),
    CASE("faults", "guests fault while others go on", 2, 20, MS(1), MS(60), 0, faults),
    CASE("one-processor", "all are bound to one of 8 pCPUs", 8, 12, MS(1), MS(100), 0, one_processor),
    CASE("affinities", "groups of pCPUs that do and do not overlap", 8, 30, MS(1), MS(200), 0, affinities),
    CASE("yields", "vCPUs that yield every 2 us beside some that do not", 2, 8, MS(1), MS(20), 0, yields),
    CASE("exits", "hypercalls, disk requests, flushes, tasks", 2, 8, MS(1), MS(60), 0, exits),
    CASE("counters", "counters and state views that set off every trigger", 4, 12, MS(1), MS(200), 0, counters),
    CASE("weights", "weights from 1 to 65535, four priorities", 2, 12, MS(1), MS(500), MAY_STARVE, weights),
    CASE("gangs", "gangs, and some that are in none", 4, 12, MS(1), MS(100), 0, gangs),
    CASE("random-1", "by chance, 1 pCPU", 1, 1, MS(1), MS(60), 0, chance),
    CASE("random-2", "by chance, 2 pCPUs", 2, 2, MS(1), MS(60), 0, chance),
    CASE("random-3", "by chance, 3 pCPUs", 3, 3, US(300), MS(60), 0, chance),
    CASE("random-4", "by chance, 4 pCPUs", 4, 4, MS(1), MS(60), 0, chance),
    CASE("random-5", "by chance, 6 pCPUs", 6, 5, MS(2), MS(60), 0, chance),
    CASE("random-6", "by chance, 12 pCPUs", 12, 6, MS(1), MS(60), 0, chance),
    CASE("random-7", "by chance, 24 pCPUs", 24, 7, US(100), MS(60), 0, chance),
    CASE("random-8", "by chance, 64 pCPUs", 64, 8, MS(1), MS(60), 0, chance),
};
const unsigned conform_n_cases = G_N_ELEMENTS(conform_cases);
