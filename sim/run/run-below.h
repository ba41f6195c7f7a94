/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a scenario puts below its VMM (vmm-below.h): groups [host] and [host NAME], or [outer] and [outer NAME]. */
#pragma once

#include "run-machine.h"
#include "run-result.h"
#include "run-scenario.h"
#include "sim-config.h"

#include <json-glib/json-glib.h>

/* A thread of the host, or another VM of the outer VMM. */
typedef struct {
    char *name;      /* as results call it: "backup", "load.0" */
    run_vm *work;    /* what it executes; named as its group, "host backup" */
    uint32_t weight;
    sim_ps start, stop;
    sim_ps burst, period;
} run_below_thread;

struct run_below {
    vmm_below_kind kind;
    uint32_t weight;
    sim_ps slice, tick;
    uint32_t accesses, switch_cycles;
    double load;           /* of each logical processor that has it */
    GPtrArray *threads;    /* run_below_thread */
};

extern const char *const run_below_names[]; /* by vmm_below_kind: "host", "outer" */

/* Reads them into s->below, after the VMs; NULL: there are none. */
bool run_below_read(sim_config *c, run_scenario *s, GError **error);
void run_below_free(run_below *below); /* accepts NULL */

/* What feeds its threads: of run_feed, as run_feed_new; none where nothing is below. */
GPtrArray *run_below_feeds(const run_scenario *s, uint64_t shared_memory, bool threads, GError **error);
/* A source from each feed, from the beginning: of insn_source. */
GPtrArray *run_below_open(const GPtrArray *feeds, GError **error);

/* Puts the VMM on it: after all VMs were added. */
void run_below_add(const run_scenario *s, vmm *v, run_machine *machine, insn_source *const *sources);

/* ---- results ---- */

typedef struct {
    char *name, *workload;
    uint32_t weight;
    sim_ps burst, period;
    sim_ps ran, waited;
    uint64_t dispatches, migrations, insns;
    bool ended, faulted;
    char *fault_text; /* or NULL */
} run_below_thread_result;

typedef struct run_below_result {
    vmm_below_kind kind;
    uint32_t weight;
    double load;
    sim_ps slice, tick;
    unsigned n_lps;
    vmm_below_pcpu_stats *lps;
    GPtrArray *threads; /* run_below_thread_result */
    uint64_t exits[VMM_N_OUTER_EXITS];
    sim_ps exit_time[VMM_N_OUTER_EXITS];
} run_below_result;

/* Into r->below; nothing where the VMM had the bare machine. */
void run_below_collect(const run_scenario *s, const vmm *v, run_result *r);
void run_below_result_free(run_below_result *below); /* accepts NULL */
void run_below_digest(const run_result *r, GChecksum *sum);
/* Members of a run, of one of its VMs and LPs. */
void run_below_json(JsonObject *run, const run_result *r);
void run_below_json_vm(JsonObject *o, const run_result *r, const run_vm_result *vm);
void run_below_json_lp(JsonObject *o, const run_result *r, unsigned lp);
/* Where the processors' time went, by policy; nothing where there was nothing below. */
void run_below_table(GString *text, GPtrArray *runs);
