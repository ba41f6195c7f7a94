/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cost of the VMM's own work. The cycles of the hardware's transitions come from the machine file; all else here is
 * an estimate: the software's cycles beyond its cache misses, and its cache footprint (64-byte lines), of the order of
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
};

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

void vmm_work_exit(vmm_pc *pc)
{
    work(pc, pc->port->vm_exit_cycles + EXIT_CYCLES, EXIT_LINE, EXIT_CODE, EXIT_DATA);
    vcpu_lines(pc, pc->loaded);
}

void vmm_work_entry(vmm_pc *pc, const vmm_vcpu *c)
{
    vcpu_lines(pc, c);
    work(pc, pc->port->vm_entry_cycles + ENTRY_CYCLES, ENTRY_LINE, ENTRY_CODE, ENTRY_DATA);
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
