/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-exits.h"

static JsonObject *add_object(JsonObject *o, const char *key)
{
    JsonObject *child = json_object_new();
    json_object_set_object_member(o, key, child);
    return child;
}

static void add(JsonObject *o, const char *key, uint64_t value)
{
    json_object_set_int_member(o, key, (gint64)MIN(value, (uint64_t)G_MAXINT64));
}

static void add_controls(JsonObject *o, const vmm_controls *c)
{
    g_autofree char *entry = vmm_controls_format(VMM_CONTROLS_ENTRY, c->entry);
    g_autofree char *exit = vmm_controls_format(VMM_CONTROLS_EXIT, c->exit);
    g_autofree char *insns = vmm_controls_format(VMM_CONTROLS_INSNS, c->insns);
    JsonObject *controls = add_object(o, "controls");
    json_object_set_string_member(controls, "entry", entry);
    json_object_set_string_member(controls, "exit", exit);
    json_object_set_string_member(controls, "instruction_exits", insns);
}

static void add_switches(JsonObject *o, const run_vm_result *vm)
{
    JsonObject *s = add_object(o, "switches");
    add(s, "dispatches", vm->dispatches);
    add(s, "preemptions", vm->preemptions);
    add(s, "voluntary", vm->voluntary);
    add(s, "migrations", vm->migrations);
    add(s, "quantum", vm->switched_off[VMM_OFF_QUANTUM]);
    add(s, "ended_early", vm->switched_off[VMM_OFF_ENDED]);
    add(s, "preempted", vm->switched_off[VMM_OFF_PREEMPTED]);
    add(s, "yielded", vm->switched_off[VMM_OFF_YIELDED]);
    add(s, "blocked", vm->voluntary - vm->switched_off[VMM_OFF_YIELDED]);
}

void run_exits_json(JsonObject *o, const run_vm_result *vm)
{
    add_switches(o, vm);
    JsonObject *exits = add_object(o, "exits"), *times = add_object(o, "exit_ps");
    for (int i = 0; i < VMM_N_EXITS; i++) {
        add(exits, vmm_exit_names[i], vm->exits[i]);
        add(times, vmm_exit_names[i], vm->exit_time[i]);
    }
    add(o, "dispatch_ps", vm->dispatch_time);
    add(o, "halted_ps", vm->halted);
    add_controls(o, &vm->controls);
}

static void line(GString *text, const char *left, const char *name, uint64_t count, sim_ps time, const run_vm_result *vm)
{
    double us = (double)time / (double)SIM_PS_PER_US, running = (double)vm->in_state[VMM_RUNNING];
    g_string_append_printf(text, "  %-20s %-10s %9" G_GUINT64_FORMAT " %12.1f %10.0f %9.2f%%\n", left, name, count, us,
                           count ? (double)time / (double)SIM_PS_PER_NS / (double)count : 0.0, running > 0 ? 100 * (double)time / running : 0.0);
}

static void put_vm(GString *text, const run_result *r, const run_vm_result *vm)
{
    const char *left = r->policy;
    for (int i = 0; i < VMM_N_EXITS; i++) {
        if (!vm->exits[i])
            continue;
        line(text, left, vmm_exit_names[i], vm->exits[i], vm->exit_time[i], vm);
        left = "";
    }
    line(text, left, "dispatch", vm->dispatches, vm->dispatch_time, vm);
}

char *run_exits_table(char *table, GPtrArray *runs)
{
    GString *text = g_string_new(table);
    g_free(table);
    const run_result *first = g_ptr_array_index(runs, 0);
    g_string_append_printf(text, "\n%-22s %-10s %9s %12s %10s %10s\n", "VM-exits", "reason", "count", "time us", "ns each", "of running");
    for (guint v = 0; v < first->vms->len; v++) {
        g_string_append_printf(text, "%s\n", ((const run_vm_result *)g_ptr_array_index(first->vms, v))->name);
        for (guint i = 0; i < runs->len; i++) {
            const run_result *r = g_ptr_array_index(runs, i);
            put_vm(text, r, g_ptr_array_index(r->vms, v));
        }
    }
    return g_string_free(text, FALSE);
}
