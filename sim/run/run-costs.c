/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-costs.h"

/* Bytes that elements are kept in: an entry of a list of MSRs takes 16 (Intel SDM vol. 3C, "VM-exit controls for MSRs"); chipset and devices as much as the
 * registers of a local APIC, 64 of 16 bytes each with 4 used ones. */
enum { MSR_BYTES = 16, DEVICE_BYTES = 256 };

static uint16_t lines(uint32_t bytes, uint32_t line)
{
    return (uint16_t)((bytes + line - 1) / line);
}

void run_machine_costs(const cpu_core_desc *k, vmm_pcpu *port)
{
    const cpu_state_desc *s = &k->state;
    port->vm_exit_cycles = k->vm_exit;
    port->vm_entry_cycles = k->vm_entry;
    port->vmcs_switch_cycles = s->vmcs_switch;
    port->tlb_tagged = k->tlb_tagged;
    port->state[VMM_STATE_GENERAL] = (vmm_state_cost){s->general, 0};
    port->state[VMM_STATE_FP] = (vmm_state_cost){s->fp, lines(s->fp_bytes, k->l1d.line)};
    port->state[VMM_STATE_CONTROL] = (vmm_state_cost){s->control, 0};
    port->state[VMM_STATE_MSR] = (vmm_state_cost){s->msr * s->msrs, lines(s->msrs * MSR_BYTES, k->l1d.line)};
    port->state[VMM_STATE_INTERNAL] = (vmm_state_cost){s->internal, 0};
    port->state[VMM_STATE_TLB] = (vmm_state_cost){s->tlb_flush, 0};
    port->state[VMM_STATE_DEVICES] = (vmm_state_cost){s->devices, lines(DEVICE_BYTES, k->l1d.line)};
}
