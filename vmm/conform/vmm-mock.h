/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine without processors, for tests, benchmarks and the conformance suite of policies: pCPUs whose guests follow a script, on the real event engine.
 * Guests execute one instruction per nanosecond; a pCPU's clock is 1 GHz. */
#pragma once

#include "sim-engine.h"
#include "vmm.h"

#include <glib.h>

/* Runs for `run`, then stops; then the next step. After the last step the script begins anew, unless it ended. */
typedef struct {
    sim_ps run;
    vmm_stop stop;
} mock_step;

typedef struct mock_guest mock_guest;
struct mock_guest {
    struct mock_pcpu *on;   /* or NULL */
    const mock_step *steps; /* n_steps 0: runs for ever */
    unsigned n_steps, at;
    sim_ps left;            /* of the present step */
    sim_ps ran;             /* in all */
    uint64_t rate[SIM_EV_COUNT]; /* events per million instructions */
    /* Called for a view of this guest (after zeroing); NULL: nothing to see. */
    void (*view)(mock_guest *g, vmm_view *view);
    void *user;
};

enum { MOCK_FIXED = 8 };

typedef struct mock_pcpu {
    vmm_pcpu port;
    struct mock *mock;
    sim_ps now;
    mock_guest *guest;   /* NULL: idle */
    uint32_t vcpu;
    sim_ps stay;         /* run by the present guest since start */
    GArray *stays;       /* of sim_ps: lengths of the stays that ended, in time executed */
    uint64_t count[SIM_EV_COUNT];
    uint64_t rest[SIM_EV_COUNT]; /* millionths of an event */
    /* By counter; the fixed one of instructions is number MOCK_FIXED. */
    enum sim_emon_event selected[MOCK_FIXED + 1];
    uint64_t base[MOCK_FIXED + 1];        /* count of the event selected at which the counter reads 0 */
    uint64_t period[MOCK_FIXED + 1];      /* of counters that interrupt; 0: not, or it has */
    uint64_t overflow_at[MOCK_FIXED + 1]; /* count at which they do */
    uint64_t status;
    uint64_t masks[2][16];   /* by level and owner */
    uint64_t reads, works, tlb_flushes;
    bool halted;
} mock_pcpu;

typedef struct mock {
    sim_engine *engine;
    vmm *v;
    unsigned n;
    mock_pcpu *cpus;
    unsigned leaves;     /* a power of two, n at the least */
    uint32_t *winners;   /* [2 * leaves]: pCPUs, the one furthest behind of those below each place of a binary tree; 1 is its root */
    vmm_pcpu **ports;
    GPtrArray *guests; /* of mock_guest, by vCPU */
    vmm_config config;
    sim_ps end;
    /* After each event and each stop of a guest; or NULL. */
    void (*watch)(void *user);
    /* The VMM did to the machine what cannot be done: says what. NULL, and where it returns: abort. */
    void (*broken)(void *user, const char *what);
    void *user;
    /* Before and after each call of the VMM; or NULL. */
    void (*around)(void *user, bool before);
    uint32_t block;    /* ps by which a running pCPU may overshoot an event (as real cores do by a block); 0: exact */
} mock;

/* `policy`: built in, by name, or NULL and the caller sets mock->config.policy before mock_start. */
mock *mock_new(unsigned n_pcpus, unsigned counters, const char *policy);
void mock_free(mock *m);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(mock, mock_free)

/* Makes the VMM, which has to be possible. */
void mock_make(mock *m);
/* Adds a VM with a scripted guest. config may be NULL. */
mock_guest *mock_add(mock *m, const vmm_vm_config *config, const mock_step *steps, unsigned n_steps);
/* Powers on, runs to `until` (or until all ended), closes the accounts. */
void mock_run(mock *m, sim_ps until);
/* The sum of all states' times, which has to be the whole. */
sim_ps mock_total(const mock *m, unsigned vm);
