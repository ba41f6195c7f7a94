/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-observe.h"

#include "vmm-private.h"

#include <string.h>

const char *const vmm_slice_end_names[VMM_SLICE_ENDS] = {"quantum", "ended", "preempted", "yielded", "blocked", "off", "taken"};

void vmm_states_at(const vmm *v, unsigned vm, sim_ps at, sim_ps in_state[VMM_N_STATES])
{
    const vmm_vm *m = g_ptr_array_index(v->vms, vm);
    if (v->finished) {
        memcpy(in_state, m->stats.in_state, sizeof m->stats.in_state);
        return;
    }
    vmm_vcpu_states_at(vmm_vcpu_at(v, m->first_vcpu), at, in_state);
}

sim_ps vmm_quantum_of(const vmm *v, unsigned vm)
{
    const vmm_vcpu *c = vmm_vcpu_at(v, ((const vmm_vm *)g_ptr_array_index(v->vms, vm))->first_vcpu);
    const vmm_pcpu_facts *p = c->facts.pcpu == VMM_PCPU_NONE ? NULL : &v->pcs[c->facts.pcpu].facts;
    if (p && p->vcpu == c->facts.id)
        return p->quantum_end - p->quantum_begin;
    return c->granted ? c->granted : c->facts.quantum;
}
