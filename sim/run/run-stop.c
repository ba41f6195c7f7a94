/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-stop.h"

bool run_stop_of(const insn_event *e, sim_ps now, vmm_stop *s)
{
    *s = (vmm_stop){.nr = e->nr, .arg = e->arg0, .ip = e->ip, .text = e->text};
    switch (e->kind) {
    case INSN_EVENT_SLEEP:
        s->kind = VMM_STOP_SLEEP;
        s->span = MAX(e->arg0, 1) <= SIM_PS_NEVER / 4 / SIM_PS_PER_NS ? MAX(e->arg0, 1) * SIM_PS_PER_NS : SIM_PS_NEVER / 4;
        return true;
    case INSN_EVENT_SLEEP_UNTIL:
        s->kind = VMM_STOP_SLEEP;
        s->until = e->arg0 <= SIM_PS_NEVER / 4 / SIM_PS_PER_NS ? e->arg0 * SIM_PS_PER_NS : SIM_PS_NEVER / 4;
        return s->until > now;
    case INSN_EVENT_IO:
        s->kind = VMM_STOP_IO;
        s->bytes = e->arg0;
        s->write = e->arg1 != 0;
        return true;
    case INSN_EVENT_YIELD:
        s->kind = VMM_STOP_YIELD;
        return true;
    case INSN_EVENT_HYPERCALL:
        s->kind = VMM_STOP_HYPERCALL;
        return true;
    case INSN_EVENT_WBINVD:
        s->kind = VMM_STOP_WBINVD;
        return true;
    case INSN_EVENT_ROI_BEGIN:
    case INSN_EVENT_ROI_END:
        s->kind = VMM_STOP_ROI;
        s->nr = e->kind == INSN_EVENT_ROI_BEGIN;
        return true;
    case INSN_EVENT_TASK_BEGIN:
        s->kind = VMM_STOP_TASK_BEGIN;
        return true;
    case INSN_EVENT_TASK_END:
        s->kind = VMM_STOP_TASK_END;
        return true;
    case INSN_EVENT_END:
        s->kind = VMM_STOP_END;
        s->status = (int)e->arg0;
        return true;
    case INSN_EVENT_CUT:
        s->kind = VMM_STOP_END;
        s->status = 0;
        return true;
    case INSN_EVENT_FAULT:
    case INSN_EVENT_ERROR:
        s->kind = VMM_STOP_FAULT;
        return true;
    default:
        return false;
    }
}
