/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The out-of-order pipeline in a machine file: buffers, front end, rename. Without a key, what bounds nothing that the file's other figures do not bound. */
#include "cpu-machine-read.h"
#include "cpu-pipe.h"

static bool read_front(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    cpu_pipe_desc *d = &k->pipe;
    d->predecode_bytes = cpu_read_uint(c, group, "predecode-bytes", 0, 0, 64, error);
    d->predecode_width = cpu_read_uint(c, group, "predecode-width", MAX(k->dispatch_width, 4), 1, 16, error);
    d->insn_queue = cpu_read_uint(c, group, "instruction-queue", 20, 1, CPU_PIPE_INSNS - 1, error);
    d->decoders = cpu_read_uint(c, group, "decoders", k->dispatch_width, 1, 16, error);
    d->fusible_last = sim_config_bool(c, group, "fusible-last", true, error);
    d->uop_cache = cpu_read_uint(c, group, "uop-cache", 0, 0, 1 << 14, error);
    d->uop_cache_width = cpu_read_uint(c, group, "uop-cache-width", k->dispatch_width, 1, 16, error);
    d->uop_cache_branch_edge = sim_config_bool(c, group, "uop-cache-branch-edge", true, error);
    d->uop_queue = cpu_read_uint(c, group, "uop-queue", 28, 4, CPU_PIPE_QUEUE - 1, error);
    d->loop_buffer = cpu_read_uint(c, group, "loop-buffer", 0, 0, CPU_PIPE_QUEUE - 1, error);
    if (*error)
        return false;
    if (d->predecode_bytes & (d->predecode_bytes - 1) || (d->predecode_bytes && d->predecode_bytes < 8))
        return sim_config_fail(c, error, group, "predecode-bytes", "%u; valid are 0 (no predecoder), 8, 16, 32 and 64", d->predecode_bytes);
    if (d->insn_queue <= d->predecode_width)
        return sim_config_fail(c, error, group, "instruction-queue", "%u instructions; more than predecode-width (%u) are needed", d->insn_queue,
                               d->predecode_width);
    if (d->uop_queue <= d->uop_cache_width || d->uop_queue < k->dispatch_width)
        return sim_config_fail(c, error, group, "uop-queue", "%u micro-ops; more than uop-cache-width (%u) and no fewer than width (%u) are needed",
                               d->uop_queue, d->uop_cache_width, k->dispatch_width);
    return true;
}

bool cpu_read_pipe(sim_config *c, const char *group, cpu_core_desc *k, GError **error)
{
    static const char *const bindings[] = {"least", "intel6", "intel8", NULL};
    static const char *const keys[] = {"predecode-bytes", "predecode-width", "instruction-queue", "decoders", "fusible-last", "uop-cache", "uop-cache-width",
                                       "uop-cache-branch-edge", "uop-queue", "loop-buffer", "retire-width", "scheduler", "load-buffer", "store-buffer",
                                       "issue-delay", "store-forward", "move-elimination", "move-elimination-vector", "move-elimination-pipeline",
                                       "move-elimination-any-alias", "port-binding", "port-binding-window", NULL};
    if (k->pipeline != CPU_PIPELINE_OOO) {
        cpu_accept_keys(c, group, keys);
        return true;
    }
    cpu_pipe_desc *d = &k->pipe;
    if (k->rob > CPU_PIPE_ROB || k->rob < 2 * k->dispatch_width)
        return sim_config_fail(c, error, group, "rob", "%u entries; an out-of-order core has twice its width (%u) to %d", k->rob, 2 * k->dispatch_width,
                               CPU_PIPE_ROB);
    if (!read_front(c, group, k, error))
        return false;
    d->retire_width = cpu_read_uint(c, group, "retire-width", k->dispatch_width, 1, 16, error);
    d->scheduler = cpu_read_uint(c, group, "scheduler", CLAMP(k->rob / 2, 2 * k->dispatch_width, 240), 1, 240, error);
    d->load_buffer = cpu_read_uint(c, group, "load-buffer", MAX(k->rob / 3, 8), 1, CPU_PIPE_LOADS, error);
    d->store_buffer = cpu_read_uint(c, group, "store-buffer", MAX(k->rob / 4, 8), 1, CPU_PIPE_STORES / 2, error);
    d->issue_delay = cpu_read_uint(c, group, "issue-delay", 1, 0, 30, error);
    d->forward = cpu_read_uint(c, group, "store-forward", 4, 0, 100, error);
    d->move_gpr = cpu_read_uint(c, group, "move-elimination", 0, 0, 8, error);
    d->move_vec = cpu_read_uint(c, group, "move-elimination-vector", d->move_gpr, 0, 8, error);
    d->move_pipeline = cpu_read_uint(c, group, "move-elimination-pipeline", 2, 1, 3, error);
    d->move_any_alias = sim_config_bool(c, group, "move-elimination-any-alias", false, error);
    d->binding = (cpu_binding)sim_config_choice(c, group, "port-binding", CPU_BIND_LEAST, bindings, error);
    d->binding_window = sim_config_bool(c, group, "port-binding-window", false, error) ? d->binding : CPU_BIND_LEAST;
    if (*error)
        return false;
    if (d->scheduler < 2 * k->dispatch_width)
        return sim_config_fail(c, error, group, "scheduler", "%u entries; twice width (%u) at least", d->scheduler, 2 * k->dispatch_width);
    return true;
}
