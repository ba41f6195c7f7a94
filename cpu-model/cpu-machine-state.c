/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What VM transitions cost, element by element of machine state. */
#include "cpu-machine-read.h"

bool cpu_read_state(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    cpu_state_desc *s = &k->state;
    k->vm_exit = cpu_read_uint(c, group, "vm-exit", 1000, 0, 100000, error);
    k->vm_entry = cpu_read_uint(c, group, "vm-entry", 500, 0, 100000, error);
    s->general = cpu_read_uint(c, group, "state-general", 16, 0, 10000, error);
    s->control = cpu_read_uint(c, group, "state-control", 100, 0, 10000, error);
    s->internal = cpu_read_uint(c, group, "state-internal", 50, 0, 10000, error);
    s->fp = cpu_read_uint(c, group, "state-fp", 100, 0, 10000, error);
    s->fp_bytes = cpu_read_uint(c, group, "state-fp-bytes", 512, 0, 4096, error);
    s->msr = cpu_read_uint(c, group, "state-msr", 80, 0, 10000, error);
    s->msrs = cpu_read_uint(c, group, "state-msrs", 7, 0, 256, error);
    s->devices = cpu_read_uint(c, group, "state-devices", 500, 0, 100000, error);
    s->tlb_flush = cpu_read_uint(c, group, "tlb-flush", 150, 0, 10000, error);
    s->vmcs_switch = cpu_read_uint(c, group, "vmcs-switch", 150, 0, 10000, error);
    return !*error;
}
