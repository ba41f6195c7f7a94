/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cpu-machine.h"
#include "pcpu.h"

/* Fills in what transitions cost on a kind of core. */
void run_machine_costs(const cpu_core_desc *kind, vmm_pcpu *port);
