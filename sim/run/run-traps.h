/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions within blocks that a VM's controls make exit: CPUID, RDTSC, PAUSE. A batch is given to the core in parts that end with a block which holds
 * such; the VM-exits come when that block is done. A guest without such controls never gets here. */
#pragma once

#include "insn-source.h"
#include "vmm-controls.h"

typedef struct {
    uint32_t mask;     /* of vmm_insn: those within blocks only */
    GByteArray *known; /* by block: 0 not looked at, 1 without, 2 with such an instruction; or NULL */
    uint32_t at;       /* the batch's part ends behind block at - 1, which has one; 0: with the batch */
} run_traps;

/* `insns` as in vmm_controls. */
void run_traps_init(run_traps *traps, uint32_t insns);
void run_traps_clear(run_traps *traps);
/* What of the batch comes next, from block `from` on: up to traps->at, if that was not dealt with yet. */
insn_batch run_traps_part(run_traps *traps, insn_code *code, const insn_batch *batch, uint32_t from);
/* How often `insn` stands in a block. */
unsigned run_traps_count(insn_code *code, uint32_t block, vmm_insn insn);
/* How often the guest's kernel executes `insn` for an event: it writes the MSR of its timer before it sleeps for a time (Linux: lapic_next_deadline, TSC
 * deadline mode), and that of FS when a program sets it (do_arch_prctl_64); it reads the time stamp counter when a system call asks for the time. */
unsigned run_traps_of_event(const insn_event *event, vmm_insn insn);
