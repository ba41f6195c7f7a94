/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "insn-source.h"
#include "pcpu.h"

/* What a guest's event is to the VMM; false where it is the guest kernel's own business. */
bool run_stop_of(const insn_event *event, sim_ps now, vmm_stop *stop);
