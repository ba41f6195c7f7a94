/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cost of transitions and of the VMM's own work. The cycles of the hardware's transitions, and of each element of machine state that they switch, come
 * from the machine file; all else here is an estimate: the software's cycles beyond its cache misses, and its cache footprint (64-byte lines), of the order of
 * what small hypervisors have: an exit handler of 1.5 KiB of code that reads the VM control structure, a scheduler of
 * 2.5 KiB. No measurement of one hypervisor stands behind the numbers. */
#include "vmm-private.h"

/* Line numbers of the footprint's parts: code, then data. Per-pCPU and per-vCPU structures have lines of their own,
 * so that they are cold where they were not used for long. */
enum {
    EXIT_LINE = 0, EXIT_CODE = 24, EXIT_DATA = 12, EXIT_CYCLES = 150,
    SCHEDULE_LINE = 64, SCHEDULE_CODE = 40, SCHEDULE_DATA = 20, SCHEDULE_CYCLES = 400,
    ENTRY_LINE = 160, ENTRY_CODE = 10, ENTRY_DATA = 2, ENTRY_CYCLES = 100,
    TICK_LINE = 192, TICK_CODE = 30, TICK_DATA = 6, TICK_CYCLES = 200,
    REGISTER_LINE = 240,
    PCPU_LINE = 4096, PCPU_STRIDE = 16, PCPU_DATA = 6,
    VCPU_LINE = 16384, VCPU_STRIDE = 32, VCPU_DATA = 16,
    /* Where a vCPU's elements of state are kept that its control structure has no room for. */
    STATE_LINE = 1 << 20, STATE_STRIDE = 256, STATE_ELEMENT = 64,
};

#define BIT(n) (1u << (n))
/* Elements in the cycles of vm-exit and vm-entry, and in the lines of the control structure. */
#define USUAL (BIT(VMM_STATE_GENERAL) | BIT(VMM_STATE_CONTROL) | BIT(VMM_STATE_INTERNAL))
#define BEYOND (BIT(VMM_STATE_FP) | BIT(VMM_STATE_MSR) | BIT(VMM_STATE_DEVICES))

static void work(vmm_pc *pc, uint32_t cycles, uint32_t first, uint16_t code_lines, uint16_t data_lines)
{
    vmm_work w = { .cycles = cycles, .first = first, .code_lines = code_lines, .data_lines = data_lines };
    pc->port->ops->work(pc->port, &w);
}

static void vcpu_lines(vmm_pc *pc, const vmm_vcpu *c)
{
    work(pc, 0, VCPU_LINE + c->facts.id * VCPU_STRIDE, 0, VCPU_DATA);
}

static void pcpu_lines(vmm_pc *pc)
{
    work(pc, 0, PCPU_LINE + pc->facts.id * PCPU_STRIDE, 0, PCPU_DATA);
}

/* Saves or loads elements (bits) of the vCPU's state. */
static void move_state(vmm_pc *pc, const vmm_vcpu *c, uint32_t elements)
{
    for (; elements; elements &= elements - 1) {
        unsigned e = (unsigned)__builtin_ctz(elements), slot = e == VMM_STATE_FP ? 0 : e == VMM_STATE_MSR ? 1 : e == VMM_STATE_DEVICES ? 2 : 3;
        const vmm_state_cost *cost = &pc->port->state[e];
        work(pc, cost->cycles, STATE_LINE + c->facts.id * STATE_STRIDE + slot * STATE_ELEMENT, 0, cost->lines);
    }
}

/* Cycles of a transition that switches these elements only. */
static uint32_t cycles_of(const vmm_pc *pc, uint32_t usual_cycles, uint32_t elements)
{
    uint32_t less = 0;
    for (uint32_t missing = USUAL & ~elements; missing; missing &= missing - 1)
        less += pc->port->state[__builtin_ctz(missing)].cycles;
    return usual_cycles - MIN(usual_cycles, less);
}

void vmm_work_exit(vmm_pc *pc)
{
    const vmm_vcpu *c = pc->loaded;
    uint32_t saved = vmm_controls_saved(&c->vm->controls);
    if (!pc->port->tlb_tagged)
        pc->port->ops->flush_tlb(pc->port);
    work(pc, cycles_of(pc, pc->port->vm_exit_cycles, saved) + EXIT_CYCLES, EXIT_LINE, EXIT_CODE, EXIT_DATA);
    vcpu_lines(pc, c);
    move_state(pc, c, saved & BEYOND);
}

static void save_rest(vmm_pc *pc, vmm_vcpu *c)
{
    move_state(pc, c, (USUAL | BEYOND) & ~vmm_controls_saved(&c->vm->controls));
    c->held_by->holds = NULL;
    c->held_by = NULL;
}

/* The vCPU's state comes to the pCPU's registers, but for what the VM-entry is about to load; that of whom it displaces is saved, and what another pCPU
 * still has of it is fetched from there (at the cost of saving it). */
static void switch_state(vmm_pc *pc, vmm_vcpu *c)
{
    if (pc->holds)
        save_rest(pc, pc->holds);
    if (c->held_by)
        save_rest(pc, c);
    work(pc, pc->port->vmcs_switch_cycles, 0, 0, 0);
    move_state(pc, c, (USUAL | BEYOND) & ~c->vm->controls.entry);
    pc->holds = c;
    c->held_by = pc;
}

void vmm_work_entry(vmm_pc *pc, vmm_vcpu *c)
{
    uint32_t loaded = c->vm->controls.entry;
    bool flushes = loaded & BIT(VMM_STATE_TLB);
    if (pc->holds != c)
        switch_state(pc, c);
    move_state(pc, c, loaded & (BEYOND | BIT(VMM_STATE_TLB)));
    vcpu_lines(pc, c);
    work(pc, cycles_of(pc, pc->port->vm_entry_cycles, loaded) + ENTRY_CYCLES, ENTRY_LINE, ENTRY_CODE, ENTRY_DATA);
    if (flushes || !pc->port->tlb_tagged)
        pc->port->ops->flush_tlb(pc->port);
}

void vmm_work_schedule(vmm_pc *pc)
{
    work(pc, SCHEDULE_CYCLES, SCHEDULE_LINE, SCHEDULE_CODE, SCHEDULE_DATA);
    pcpu_lines(pc);
}

void vmm_work_tick(vmm_pc *pc)
{
    work(pc, TICK_CYCLES, TICK_LINE, TICK_CODE, TICK_DATA);
    pcpu_lines(pc);
}

void vmm_work_registers(vmm_pc *pc, unsigned reads)
{
    work(pc, reads * pc->port->emon_read_cycles, REGISTER_LINE, 0, 0);
}

/* The vCPU's context is still being saved by another pCPU: this one spins, as schedulers do. */
void vmm_work_wait(vmm_pc *pc, sim_ps until)
{
    for (sim_ps now; (now = vmm_now(pc)) < until;) {
        uint64_t cycles = sim_ps_to_cycles(until - now, pc->port->hz);
        work(pc, (uint32_t)MIN(MAX(cycles, 1), UINT32_MAX), REGISTER_LINE, 0, 0);
    }
}
