/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A running machine: cores behind the VMM's pCPU port, and the loop that advances logical processors and
 * events in the order of simulated time. */
#pragma once

#include "cpu-core.h"
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
/* Guests that are added from now on are no VM's: nobody is told of their progress and switches. */
void run_machine_end_vms(run_machine *machine);
/* Instructions that the guest added last exits at (vmm_controls.insns): vmm_guest_trapped is called. */
void run_machine_trap(run_machine *machine, uint32_t insns);
/* Called whenever guest `vcpu` has executed `insns` in all, at each multiple of `step` (about) of simulated time while it
 * runs, and when it stops for good: the progress curve for STP and ANTT. NULL: none. */
typedef void (*run_progress_fn)(void *user, uint32_t vcpu, sim_ps at, uint64_t insns);
void run_machine_on_progress(run_machine *machine, sim_ps step, run_progress_fn fn, void *user);
/* Called with a time that all running processors have passed, at the first return of the loop from `period` on, and so on after each multiple of it.
 * Nothing changes for it, and it may change nothing. NULL: none. */
typedef void (*run_look_fn)(void *user, sim_ps at);
void run_machine_on_look(run_machine *machine, sim_ps period, run_look_fn fn, void *user);
/* Called when guest `vcpu` has been put on a pCPU, before its first instruction there, and when it is about to leave it (not while it is halted). NULL:
 * none. */
typedef void (*run_switch_fn)(void *user, uint32_t vcpu, unsigned pcpu, bool on);
void run_machine_on_switch(run_machine *machine, run_switch_fn fn, void *user);
/* In a copy of the process, which goes on with nothing else: every other pCPU stands still, and the guest on this one executes batches until it has retired
 * `insns` instructions or stops by itself. Those it did retire, and the time that they took. */
uint64_t run_machine_solo(run_machine *machine, unsigned pcpu, uint64_t insns, sim_ps *spent);
/* Runs until every VM has ended, `until`, or a strict policy failure; returns the time of the end (`until` when reached).
 * `cancel`, when not NULL, is looked at now and then: non-zero ends the run early. */
sim_ps run_machine_run(run_machine *machine, vmm *v, sim_ps until, const volatile int *cancel);
/* Counts executions of blocks from now on, for run_unknown_collect. */
void run_machine_count_blocks(run_machine *machine);
/* False: there is no such guest. Both stay the machine's and its source's. */
bool run_machine_weights(const run_machine *machine, uint32_t guest, const cpu_weights **weights, const insn_code **code);
/* Truth counters of a pCPU, for reports. */
void run_machine_truth(run_machine *machine, unsigned pcpu, uint64_t counts[SIM_EV_COUNT]);
/* A pCPU's local time; which VM's guest is on it, or VMM_VCPU_NONE. */
sim_ps run_machine_now(const run_machine *machine, unsigned pcpu);
uint32_t run_machine_guest(const run_machine *machine, unsigned pcpu);
/* Lines that an owner has in the machine's caches. */
cpu_occupancy run_machine_occupancy(const run_machine *machine, vmm_owner owner);
/* Bytes of a cache line. */
uint32_t run_machine_line(const run_machine *machine);
/* Events fed to the VMM and instructions retired, for benchmarks. */
uint64_t run_machine_insns(const run_machine *machine);
