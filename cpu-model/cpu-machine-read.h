/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a machine file, a part per file: cpu-machine-core.c (pipeline), cpu-machine-inorder.c (ports and the in-order pipelines), cpu-machine-pipe.c
 * (the out-of-order one), cpu-machine-predict.c (branch prediction), cpu-machine-memory.c (caches, TLBs, memory), cpu-machine-prefetch.c, cpu-machine.c (the
 * machine as a whole). Not for others. */
#pragma once

#include "cpu-machine.h"

/* All of them: false with `error` set, which names the file, group, key and what would be valid. */
bool cpu_read_core(sim_config *c, const char *group, uint32_t line, cpu_core_desc *k, GError **error);
/* `ports`, which also sets units; the keys of in-order and EPIC pipelines, where the core is one. */
bool cpu_read_ports(sim_config *c, const char *group, cpu_core_desc *k, GError **error);
bool cpu_read_inorder(sim_config *c, const char *group, cpu_core_desc *k, GError **error);
bool cpu_read_pipe(sim_config *c, const char *group, cpu_core_desc *k, GError **error); /* cpu-machine-pipe.c */
bool cpu_read_state(sim_config *c, const char *group, cpu_core_desc *k, GError **error);
bool cpu_read_predictors(sim_config *c, const char *group, cpu_core_desc *k, GError **error);
bool cpu_read_core_memory(sim_config *c, const char *group, uint32_t line, cpu_core_desc *k, GError **error);
bool cpu_read_prefetchers(sim_config *c, const char *group, cpu_core_desc *k, GError **error);
bool cpu_read_memory(sim_config *c, uint32_t line, cpu_machine *m, GError **error);
bool cpu_read_cache(sim_config *c, const char *group, const char *level, uint32_t line, bool required, cpu_cache_desc *d, GError **error);
bool cpu_read_tlb(sim_config *c, const char *group, const char *name, uint32_t entries, uint32_t ways, cpu_tlb_desc *d, GError **error);

/* "alu:VALUE branch:VALUE ...": calls `take` for each with the number of the class; false when it has set the error. */
typedef bool (*cpu_take_class)(sim_config *c, const char *group, const char *key, unsigned class, const char *value, void *data, GError **error);
bool cpu_read_classes(sim_config *c, const char *group, const char *key, cpu_take_class take, void *data, GError **error);
extern const char *const cpu_class_names[CPU_N_RES + 1];

/* Keys (NULL-terminated) that mean nothing to this core, but may stand there: those of another kind of pipeline, when an override changed it. */
void cpu_accept_keys(sim_config *c, const char *group, const char *const *keys);

static inline uint32_t cpu_read_uint(sim_config *c, const char *group, const char *key, uint32_t fallback, uint32_t min, uint32_t max, GError **error)
{
    return (uint32_t)sim_config_uint(c, group, key, fallback, min, max, error);
}
