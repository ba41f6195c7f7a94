/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario: what a scenario file says, checked, with every path resolved. See docs/formats.md. */
#pragma once

#include "cpu-machine.h"
#include "vmm-controls.h"
#include "vmm-policy.h"
#include "vmm-smu.h"

/* JSON has no larger integers that everybody reads. */
#define RUN_MAX_SEED ((UINT64_C(1) << 63) - 1)

typedef enum { RUN_WORK_ELF, RUN_WORK_TRACE, RUN_WORK_SYNTHETIC, RUN_WORK_TASKS } run_work;

/* One VM. Strings are owned. */
typedef struct {
    char *name;
    char *workload;      /* as written: "elf:guests/sort" */
    run_work kind;
    uint32_t number;     /* in the scenario, from 0 */
    char *elf;           /* host path, or NULL */
    char *trace;         /* host path, or NULL */
    char *synthetic;     /* specification, or NULL */
    char *tasks;         /* names of groups of tasks, or NULL */
    bool salvage;        /* use what is whole of a damaged trace */
    uint32_t repeat;     /* how often a trace is played; 0: for ever */
    bool trace_time_dependent;
    char **recorded_argv; /* of the trace's guest, or NULL */
    char *sha256;        /* of the program file, NULL where none is known */
    char *gang;          /* name of the gang that it is one of, or NULL */
    char **argv;         /* argv[0] is the program's base name */
    char **envp;         /* or NULL: minimal */
    char *folder;        /* host path, or NULL */
    bool folder_writable;
    char *stdout_file;   /* host path that the guest's output goes to, or NULL: into the result only */
    uint64_t memory, disk_limit;
    uint32_t weight;
    int32_t priority;
    sim_ps start, quantum; /* quantum 0: the policy's */
    sim_ps stop;         /* 0: none */
    vmm_controls controls;
    uint64_t affinity[VMM_MASK_WORDS];
    bool has_affinity;
    sim_ps io_latency;
    uint64_t io_bytes_per_s;
    char **params;       /* of policies for this VM: policy, name, value, ..., NULL (run-vm-params.h) */
    char *params_origin; /* for messages: "file: [vm a]" */
    bool below;          /* no VM, but work of the layer below the VMM (run-below.h): its name is that of its group */
} run_vm;

/* A policy with its parameters, or a variant of one. */
typedef struct {
    const struct vmm_policy_ops *ops;
    char *label;         /* its name in this scenario and in results: ops->name, but for variants */
    vmm_smu_config smu;  /* rates are owned */
    char **params;       /* name, value, ..., NULL */
    char *origin;        /* for messages: "file: [policy emon-quantum]" */
} run_policy;

typedef struct run_profile run_profile;
typedef struct run_below run_below;

typedef struct {
    char *path, *name;
    char *text;          /* what holds, included files and overrides in (sim_config_text) */
    char *machine_sha256; /* of the machine's file */
    char *traces;        /* folder of traces that the VMs' work comes from, or NULL */
    bool salvage;        /* of every VM's trace */
    cpu_machine *machine;
    sim_ps duration;     /* the run ends here at the latest */
    uint64_t seed;
    char *policy_name;   /* [policy] name */
    sim_ps quantum;
    bool strict;
    uint64_t warm_up;       /* instructions over which results tell what switches cost (run-warm.h); 0: they do not */
    bool count_unknown;     /* results tell which instructions the tables lack */
    GPtrArray *vms;      /* run_vm */
    struct run_profile *profile; /* that runs begin with (run-profile.h), or NULL */
    bool keep_profile;   /* results have the profiles that runs left */
    const struct run_pictures *pictures; /* that runs draw (run-pictures.h), or NULL; not owned */
    sim_ps series_period; /* results have time series (run_request.series_period); 0: none */
    struct run_tasks *tasks; /* groups [tasks NAME] */
    struct run_below *below; /* groups [host], [outer]: run-below.h; NULL: the VMM has the bare machine */
    GPtrArray *policies; /* run_policy for every policy of the registry, in its order, then the variants */
} run_scenario;

/* What the command line says over a scenario. */
typedef struct {
    const char *const *sets; /* "group.key=value" overrides, NULL-terminated, or NULL */
    const uint64_t *seed;    /* the seed that wins, or NULL */
    const char *traces;      /* every VM's work comes from FOLDER/NAME.qtr; or NULL */
    bool salvage;
    const char *profile; /* file of a profile that runs begin with, or NULL */
} run_overrides;

run_scenario *run_scenario_load(const char *path, const run_overrides *overrides, GError **error);
/* The same from a text, which messages call `name`; paths in it are relative to the present folder. */
run_scenario *run_scenario_parse(const char *text, const char *name, GError **error);
void run_scenario_free(run_scenario *scenario);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_scenario, run_scenario_free)
/* The policy or variant of a name; NULL and error set (with the nearest) when there is none. */
const run_policy *run_scenario_policy(const run_scenario *scenario, const char *name, GError **error);
