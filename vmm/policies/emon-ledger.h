/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who owes time to whom: an account per vCPU, in picoseconds. A vCPU that ran longer than its quantum owes (a positive
 * balance) what the one that waited for it has to its credit (a negative one); a quantum ended early is the reverse.
 * Time only moves between accounts, so that the balances always sum to zero. */
#pragma once

#include "vmm-policy.h"

typedef struct emon_ledger emon_ledger;

/* No balance ever passes `limit` on either side by a transfer. */
emon_ledger *emon_ledger_new(unsigned n_vcpus, sim_ps limit);
void emon_ledger_free(emon_ledger *l); /* accepts NULL */

void emon_ledger_open(emon_ledger *l, uint32_t vcpu);
/* The vCPU is gone: its debt is forgiven by those with credit, its credit lapses for those with debt, in proportion. */
void emon_ledger_close(emon_ledger *l, uint32_t vcpu);

/* The most that `taker` may take of `giver`'s time, up to `wanted`; 0 when either account is closed. */
sim_ps emon_ledger_room(const emon_ledger *l, uint32_t taker, uint32_t giver, sim_ps wanted);
/* `taker` had `span` of `giver`'s time. Returns how much was booked: `span`, or what room there is. */
sim_ps emon_ledger_take(emon_ledger *l, uint32_t taker, uint32_t giver, sim_ps span);

/* What the vCPU owes; negative: is owed. */
int64_t emon_ledger_balance(const emon_ledger *l, uint32_t vcpu);
/* Always 0. */
int64_t emon_ledger_sum(const emon_ledger *l);
