/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario: what a scenario file says, checked, with every path resolved. See docs/formats.md. */
#pragma once

#include "cpu-machine.h"
#include "vmm-policy.h"

/* JSON has no larger integers that everybody reads. */
#define RUN_MAX_SEED ((UINT64_C(1) << 63) - 1)

typedef enum { RUN_WORK_ELF, RUN_WORK_TRACE, RUN_WORK_SYNTHETIC } run_work;

/* One VM. Strings are owned. */
typedef struct {
    char *name;
    char *workload;      /* as written: "elf:guests/sort" */
    run_work kind;
    char *elf;           /* host path, or NULL */
    char *trace;         /* host path, or NULL */
    char *synthetic;     /* specification, or NULL */
    bool salvage;        /* use what is whole of a damaged trace */
    uint32_t repeat;     /* how often a trace is played; 0: for ever */
    bool trace_time_dependent;
    char **recorded_argv; /* of the trace's guest, or NULL */
    char *sha256;        /* of the program file, NULL where none is known */
    char **argv;         /* argv[0] is the program's base name */
    char **envp;         /* or NULL: minimal */
    char *folder;        /* host path, or NULL */
    bool folder_writable;
    char *stdout_file;   /* host path that the guest's output goes to, or NULL: into the result only */
    uint64_t memory, disk_limit;
    uint32_t weight;
    int32_t priority;
    sim_ps start, quantum; /* quantum 0: the policy's */
    uint64_t affinity[VMM_MASK_WORDS];
    bool has_affinity;
    sim_ps io_latency;
    uint64_t io_bytes_per_s;
} run_vm;

/* A policy with its parameters. */
typedef struct {
    const struct vmm_policy_ops *ops;
    char **params;       /* name, value, ..., NULL */
    char *origin;        /* for messages: "file: [policy emon-quantum]" */
} run_policy;

typedef struct {
    char *path, *name;
    char *traces;        /* folder of traces that the VMs' work comes from, or NULL */
    bool salvage;        /* of every VM's trace */
    cpu_machine *machine;
    sim_ps duration;     /* the run ends here at the latest */
    uint64_t seed;
    char *policy_name;   /* [policy] name */
    sim_ps quantum;
    bool strict;
    bool count_unknown;     /* results tell which instructions the tables lack */
    GPtrArray *vms;      /* run_vm */
    GPtrArray *policies; /* run_policy for every policy of the registry, in its order */
} run_scenario;

/* What the command line says over a scenario. */
typedef struct {
    const char *const *sets; /* "group.key=value" overrides, NULL-terminated, or NULL */
    const uint64_t *seed;    /* the seed that wins, or NULL */
    const char *traces;      /* every VM's work comes from FOLDER/NAME.qtr; or NULL */
    bool salvage;
} run_overrides;

run_scenario *run_scenario_load(const char *path, const run_overrides *overrides, GError **error);
/* The same from a text, which messages call `name`; paths in it are relative to the present folder. */
run_scenario *run_scenario_parse(const char *text, const char *name, GError **error);
void run_scenario_free(run_scenario *scenario);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_scenario, run_scenario_free)
/* The policy of a name; NULL and error set (with the nearest) when there is none. */
const run_policy *run_scenario_policy(const run_scenario *scenario, const char *name, GError **error);
