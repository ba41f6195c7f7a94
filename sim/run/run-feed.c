/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-feed.h"

#include "run-single.h"
#include "wl-ahead.h"
#include "wl-synthetic.h"

/* Threads that decode. */
enum { MOST_DECODERS = 8 };

struct run_feed {
    const run_scenario *scenario;
    const run_vm *vm;
    insn_code *code;
    bool ahead;              /* its trace may be decoded by a thread of its own */
    wl_recording *recording; /* or NULL */
};

run_feed *run_feed_new(const run_scenario *s, const run_vm *vm, uint64_t shared_memory, bool threads, GError **error)
{
    g_autoptr(run_feed) f = g_new0(run_feed, 1);
    f->scenario = s;
    f->vm = vm;
    f->code = cpu_code_new();
    /* A run of its own leaves the host's other processors idle; comparisons use them otherwise. */
    f->ahead = threads && !shared_memory && s->vms->len <= MOST_DECODERS && g_get_num_processors() > 1;
    if (vm->kind != RUN_WORK_ELF || !shared_memory)
        return g_steal_pointer(&f);
    wl_guest_config config = run_guest_config(s, vm);
    f->recording = wl_recording_new(&config, f->code, shared_memory, error);
    if (f->recording)
        return g_steal_pointer(&f);
    g_prefix_error(error, "%s: [%s%s] workload: ", s->path, vm->below ? "" : "vm ", vm->name);
    return NULL;
}

void run_feed_free(run_feed *f)
{
    if (!f)
        return;
    wl_recording_free(f->recording);
    cpu_code_free(f->code);
    g_free(f);
}

static insn_source *open_source(run_feed *f, wl_task_pool *pool, GError **error)
{
    const run_vm *vm = f->vm;
    if (vm->kind == RUN_WORK_TRACE) {
        const wl_replay_config config = { .path = vm->trace, .salvage = vm->salvage, .repeat = vm->repeat };
        return f->ahead && vm->repeat == 1 ? wl_ahead_new(&config, f->code, error) : wl_replay_new(&config, f->code, error);
    }
    if (vm->kind == RUN_WORK_SYNTHETIC)
        return wl_synthetic_new(vm->name, vm->synthetic, f->scenario->seed, f->code, error);
    if (vm->kind == RUN_WORK_TASKS)
        return wl_tasks_open(pool, vm->number, vm->name, f->code, error);
    wl_guest_config guest = run_guest_config(f->scenario, vm);
    return wl_guest_new(&guest, f->code, error);
}

insn_source *run_feed_open(run_feed *f, wl_task_pool *pool, GError **error)
{
    if (f->recording)
        return wl_recording_open(f->recording);
    insn_source *source = open_source(f, pool, error);
    if (!source)
        g_prefix_error(error, "%s: [%s%s] workload: ", f->scenario->path, f->vm->below ? "" : "vm ", f->vm->name);
    return source;
}

uint64_t run_feed_executed(const run_feed *f)
{
    return f->recording ? wl_recording_executed(f->recording) : 0;
}
