/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A running machine: cores behind the VMM's pCPU port, and the loop that advances logical processors and
 * events in the order of simulated time. */
#pragma once

#include "cpu-machine.h"
#include "cpu-uarch.h"
#include "insn-source.h"
#include "sim-engine.h"
#include "vmm.h"

typedef struct run_machine run_machine;

/* `desc` and `engine` outlive the machine. */
run_machine *run_machine_new(const cpu_machine *desc, sim_engine *engine);
void run_machine_free(run_machine *machine);
vmm_pcpu *const *run_machine_pcpus(run_machine *machine, unsigned *n);
/* The guest that vmm_pcpu_ops.start(vcpu) means. Not owned. Call in the order of VM numbers. */
void run_machine_add_guest(run_machine *machine, insn_source *source);
/* Instructions that the guest added last exits at (vmm_controls.insns): vmm_guest_trapped is called. */
void run_machine_trap(run_machine *machine, uint32_t insns);
/* Called whenever guest `vcpu` has executed `insns` in all, at each multiple of `step` (about) of simulated time while it
 * runs, and when it stops for good: the progress curve for STP and ANTT. NULL: none. */
typedef void (*run_progress_fn)(void *user, uint32_t vcpu, sim_ps at, uint64_t insns);
void run_machine_on_progress(run_machine *machine, sim_ps step, run_progress_fn fn, void *user);
/* Runs until every VM has ended, `until`, or a strict policy failure; returns the time of the end (`until` when reached).
 * `cancel`, when not NULL, is looked at now and then: non-zero ends the run early. */
sim_ps run_machine_run(run_machine *machine, vmm *v, sim_ps until, const volatile int *cancel);
/* Counts executions of blocks from now on, for run_unknown_collect. */
void run_machine_count_blocks(run_machine *machine);
/* False: there is no such guest. Both stay the machine's and its source's. */
bool run_machine_weights(const run_machine *machine, uint32_t guest, const cpu_weights **weights, const insn_code **code);
/* Truth counters of a pCPU, and per-owner occupancy, for reports. */
void run_machine_truth(run_machine *machine, unsigned pcpu, uint64_t counts[SIM_EV_COUNT]);
/* Events fed to the VMM and instructions retired, for benchmarks. */
uint64_t run_machine_insns(const run_machine *machine);
