/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-blank.h"

run_result *run_blank_result(const run_scenario *s)
{
    run_result *r = run_result_new();
    for (guint i = 0; i < s->vms->len; i++) {
        run_vm_result *vm = g_new0(run_vm_result, 1);
        vm->name = g_strdup(((const run_vm *)g_ptr_array_index(s->vms, i))->name);
        g_ptr_array_add(r->vms, vm);
    }
    return r;
}
