/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time series of a run: what logical processors and VMs did from one sample to the next.
 *
 * Samples are read-outs, not events: the run asks at the first return of its loop after each multiple of the period, when every running
 * processor is past it. Nothing in the simulation changes for them, so that a run with samples has the digest of one without. A processor that
 * runs alone returns after some thousand blocks: samples may come later than the period, by up to some ten microseconds of simulated time, never earlier;
 * `at` says when, and the counts of a point are those up to then. */
#pragma once

#include "run-machine.h"
#include "sim-types.h"
#include "vmm.h"

/* Counts since the LP's point before. */
typedef struct {
    sim_ps at;             /* the LP's local time */
    uint32_t lp;
    uint32_t vcpu;         /* on it at `at`, or VMM_VCPU_NONE */
    uint64_t instructions; /* of whoever ran, the VMM's cycles included in ... */
    uint64_t cycles;       /* ... these: not halted */
    uint64_t l1d_misses;   /* loads and stores */
    uint64_t llc_misses;
    uint64_t branch_misses;
    uint64_t bus_bytes;    /* moved from and to memory */
} run_lp_point;

/* Times since the VM's point before: they add up to the span between the two, less its time off line. */
typedef struct {
    sim_ps at;
    uint32_t vm;
    sim_ps quantum;        /* of the present slice, or else of its latest; before the first the pre-assigned one */
    uint64_t l1d_lines, l2_lines, llc_lines; /* that it owns, over all caches of the level; the last level is L2 where there is no L3 */
    sim_ps running, runnable, blocked;
} run_vm_point;

/* A vCPU's stay on an LP, from the scheduler's work for it to that of its VM-exit: one that is chosen again at once begins another slice. */
typedef struct {
    sim_ps from, to;
    uint32_t lp, vm;
    sim_ps quantum;        /* that it was given */
    const char *end;       /* static: vmm_slice_end_names, or "end-of-run" */
} run_slice;

typedef struct run_series {
    sim_ps asked;          /* period of the request ... */
    sim_ps period;         /* ... and of what is here: a power of two times that, since points merge in pairs when they are too many */
    uint32_t n_lps, n_vms;
    GArray *lps;           /* run_lp_point: n_lps for each sample, by LP */
    GArray *vms;           /* run_vm_point: n_vms for each sample, by VM */
    GArray *slices;        /* run_slice, in the order of their ends: the first RUN_SLICES_KEPT */
    uint64_t n_slices;     /* that there were */
    uint32_t weight, joined; /* samples that a kept one stands for; that are in the last one so far */
} run_series;

/* Samples kept at the most, for n processors and VMs together: a quarter of a million points. */
enum { RUN_SERIES_SAMPLES = 4096, RUN_SERIES_POINTS = 1 << 18, RUN_SERIES_FEWEST = 64, RUN_SLICES_KEPT = 1 << 15 };
/* Least period: more often the run does not look. */
#define RUN_SERIES_MIN (10 * SIM_PS_PER_US)

run_series *run_series_new(sim_ps period, uint32_t n_lps, uint32_t n_vms);
void run_series_free(run_series *series); /* accepts NULL */
/* A sample: n_lps and n_vms points, copied. One of the same instant as the last is put into it. */
void run_series_add(run_series *series, const run_lp_point *lps, const run_vm_point *vms);
void run_series_add_slice(run_series *series, const run_slice *slice);
/* Number of samples. */
guint run_series_length(const run_series *series);

/* Takes the samples of a run and hands them on. */
typedef struct run_sampler run_sampler;
/* `lps` and `vms` live until the call returns. */
typedef void (*run_sample_fn)(void *user, const run_lp_point *lps, const run_vm_point *vms);

/* After vmm_add_vm for all VMs and before the run. Machine and VMM outlive the sampler. */
run_sampler *run_sampler_new(run_machine *machine, const vmm *v, sim_ps period);
/* Whoever wants the samples; called in the order of joining. Two at the most. */
void run_sampler_join(run_sampler *sampler, run_sample_fn fn, void *user);
/* The last sample, at the end of the run, after vmm_finish. */
void run_sampler_finish(run_sampler *sampler, sim_ps end);
void run_sampler_free(run_sampler *sampler); /* accepts NULL */
