/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of scheduling policies have in common: VMs in numbers, shares of time, and that nothing went wrong. */
#pragma once

#include "vmm-mock.h"

/* Parameters of the policy: pairs of name and value, NULL at the end. */
mock *case_new(unsigned n_pcpus, const char *policy, const char *const *params);
/* A VM of a weight that runs for ever; one on a single pCPU; one with a parameter of the policy for it. */
mock_guest *case_spin(mock *m, uint32_t weight);
mock_guest *case_spin_on(mock *m, uint32_t weight, uint32_t pcpu);
mock_guest *case_spin_with(mock *m, const char *const *params);
/* What the guest ran, in thousandths of `of`. */
unsigned case_permille(const mock_guest *g, sim_ps of);
/* No bad answer, nobody starved, and every VM's states add up to the whole time. */
void case_sane(const mock *m);
/* The longest wake-up latency of a VM but for its first `skip`, and how many it had. */
sim_ps case_latency(const mock *m, unsigned vm, unsigned skip, unsigned *n);
/* The time that pCPUs idled while somebody was runnable: at most what states say. Sum of what all guests ran. */
sim_ps case_ran(const mock *m);
/* Many VMs: `spin` that run for ever and `io` that run 50 us and sleep 450 us, all of weight 256. Runs them for `span`. */
void case_crowd(const char *policy, unsigned n_pcpus, unsigned spin, unsigned io, sim_ps span);
/* VMs that all wake at the same instants; runs, and returns the worst latency. */
sim_ps case_storm(const char *policy, unsigned n_pcpus, unsigned n, sim_ps span);
