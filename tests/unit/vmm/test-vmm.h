/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <check.h>

TCase *vmm_tests_sched(void);
TCase *vmm_tests_decision(void);
TCase *vmm_tests_priority(void);
TCase *vmm_tests_emon(void);
TCase *vmm_tests_emon_history(void);
TCase *vmm_tests_counters(void);
TCase *vmm_tests_params(void);
TCase *vmm_tests_smu(void);
TCase *vmm_tests_sampling(void);
TCase *vmm_tests_profile(void);
TCase *vmm_tests_credit(void);
TCase *vmm_tests_rtds(void);
TCase *vmm_tests_gang(void);
TCase *vmm_tests_symbiosis(void);
TCase *vmm_tests_eevdf(void);
TCase *vmm_tests_host_os(void);
TCase *vmm_tests_credit2(void);
TCase *vmm_tests_vm_params(void);
TCase *vmm_tests_policies(void);
TCase *vmm_tests_transitions(void);
TCase *vmm_tests_runqueue(void);
TCase *vmm_tests_below(void);

#define MS(n) ((sim_ps)((n) * 1000000000.0))
#define US(n) ((sim_ps)((n) * 1000000.0))
