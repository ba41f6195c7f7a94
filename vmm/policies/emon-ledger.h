/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who owes time to whom: an account per vCPU, in picoseconds. A vCPU that ran longer than its quantum owes (a positive
 * balance) what those that waited for it have to their credit (negative ones), each an equal part, since each was delayed alike; a
 * quantum that ended early is the reverse. Time only moves between accounts, so that the balances always sum to zero.
 *
 * Who waits is known by affinity mask: a share for all that wait for a pCPU costs a step for each distinct mask, not for each vCPU. The parts
 * are added up by mask, and settled with a vCPU when it no longer waits (or when somebody asks for its balance). */
#pragma once

#include "vmm-policy.h"

typedef struct emon_ledger emon_ledger;

/* No vCPU gets into debt, or gives time away, beyond `limit` by what it does itself; as one of many that wait it may be owed, or owe, more. */
emon_ledger *emon_ledger_new(unsigned n_vcpus, sim_ps limit);
void emon_ledger_free(emon_ledger *l); /* accepts NULL */

/* Tells the affinity of a vCPU, once, before anything else about it. */
void emon_ledger_admit(emon_ledger *l, uint32_t vcpu, const uint64_t affinity[VMM_MASK_WORDS]);
void emon_ledger_open(emon_ledger *l, uint32_t vcpu);
/* The vCPU is gone: its debt is forgiven by those with credit, its credit lapses for those with debt, in proportion. O(vCPUs): once in a
 * VM's life. */
void emon_ledger_close(emon_ledger *l, uint32_t vcpu);

/* The vCPU waits from now on; does no more. Nothing happens when that is so already. */
void emon_ledger_wait(emon_ledger *l, uint32_t vcpu);
void emon_ledger_leave(emon_ledger *l, uint32_t vcpu);
/* vCPUs that wait for the pCPU, an open account each. */
unsigned emon_ledger_waiting(const emon_ledger *l, uint32_t pcpu);

/* How much the vCPU may still run longer, or end sooner, at its own account's cost, up to `wanted`. */
sim_ps emon_ledger_room_to_run(const emon_ledger *l, uint32_t vcpu, sim_ps wanted);
sim_ps emon_ledger_room_to_end(const emon_ledger *l, uint32_t vcpu, sim_ps wanted);
/* The vCPU, which does not wait, had `span` that those who wait for `pcpu` would have had; or ended so much sooner. Returns what was booked: as
 * much as there is room for, rounded down to equal parts in whole picoseconds; 0 when nobody waits. */
sim_ps emon_ledger_ran_longer(emon_ledger *l, uint32_t vcpu, uint32_t pcpu, sim_ps span);
sim_ps emon_ledger_ended_sooner(emon_ledger *l, uint32_t vcpu, uint32_t pcpu, sim_ps span);

/* Between two: the most that `taker` may take of `giver`'s time, up to `wanted`; 0 when either account is closed. */
sim_ps emon_ledger_room(const emon_ledger *l, uint32_t taker, uint32_t giver, sim_ps wanted);
/* `taker` had `span` of `giver`'s time. Returns how much was booked: `span`, or what room there is. */
sim_ps emon_ledger_take(emon_ledger *l, uint32_t taker, uint32_t giver, sim_ps span);

/* What the vCPU owes; negative: is owed. */
int64_t emon_ledger_balance(const emon_ledger *l, uint32_t vcpu);
/* Always 0. */
int64_t emon_ledger_sum(const emon_ledger *l);
