/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may be below the VMM: a host OS with threads of its own, or an outer VMM with other VMs ([0034], [0039], [0067]). Both take the pCPU away from
 * the VMM for a time, whatever it does then, and neither tells it: it sees its timers come late and its clock jump. Each of the VMM's pCPUs is a thread
 * of the host (a virtual processor of the outer VMM) and competes with the others for its processor; it sleeps while the VMM has nothing to run there.
 *
 * Accounts. While the pCPU is away from a VM that runs as far as the VMM knows, the VM is accounted as runnable (steal time): vmm_vm_stats.taken is that
 * part. The time of each pCPU is the VMM's, the threads', the layer's own work, or nobody's. See docs/placement.md. */
#pragma once

#include "sim-types.h"

#include <glib.h>
#include <stdbool.h>

typedef struct vmm vmm;

typedef enum { VMM_BELOW_HOST, VMM_BELOW_OUTER } vmm_below_kind;

/* A thread of the host, or another VM of the outer VMM, with work of its own. */
typedef struct {
    const char *name;
    uint32_t weight;          /* 256 is the norm */
    const uint64_t *affinity; /* as in vmm_vm_config */
    sim_ps start, stop;       /* stop 0: when its work ends */
    sim_ps burst, period;     /* runs for `burst` in each period and sleeps for the rest; period 0: as its work says */
    sim_ps io_latency;
    uint64_t io_bytes_per_s;
} vmm_below_thread_config;

typedef struct {
    vmm_below_kind kind;
    uint32_t weight;          /* of the VMM on each pCPU */
    sim_ps slice;             /* host: base slice; outer: quantum of weight 256 */
    sim_ps tick;              /* host: period of its timer interrupt */
    uint32_t accesses;        /* outer: exits that the VMM makes while it deals with one of its guest's */
    uint32_t switch_cycles;   /* outer: its work at each switch between the VMM and a guest of it */
    const vmm_below_thread_config *threads;
    unsigned n_threads;
} vmm_below_config;

/* Exits to the outer VMM. */
typedef enum {
    VMM_OUTER_REFLECTED, /* a guest of the inner VMM exits: it comes to the outer VMM first, which passes it on */
    VMM_OUTER_ACCESS,    /* the inner VMM reads or writes its guest's control structure */
    VMM_OUTER_RESUME,    /* the inner VMM enters its guest */
    VMM_OUTER_TIMER,     /* the inner VMM sets its timer */
    VMM_OUTER_IO,        /* the inner VMM passes a disk request on */
    VMM_OUTER_HLT,       /* the inner VMM has nothing to run */
    VMM_OUTER_QUANTUM,   /* the outer quantum is over */
    VMM_N_OUTER_EXITS
} vmm_outer_exit;
extern const char *const vmm_outer_exit_names[VMM_N_OUTER_EXITS];

/* Of a pCPU. The four times are the whole run. */
typedef struct {
    sim_ps vmm;     /* the VMM's: its guests and its own work */
    sim_ps threads; /* others' */
    sim_ps work;    /* the layer's own: ticks, switches, outer exits */
    sim_ps idle;
    uint64_t taken; /* times that the VMM lost the pCPU while it wanted it */
    uint64_t ticks;
} vmm_below_pcpu_stats;

typedef struct {
    const char *name;
    sim_ps ran, waited;
    uint64_t dispatches, migrations, insns;
    bool ended, faulted;
    char *fault_text; /* or NULL */
} vmm_below_thread_stats;

typedef struct {
    vmm_below_kind kind;
    sim_ps slice, tick;
    const vmm_below_pcpu_stats *pcpus;
    const vmm_below_thread_stats *const *threads;
    unsigned n_threads;
    uint64_t exits[VMM_N_OUTER_EXITS];
    sim_ps exit_time[VMM_N_OUTER_EXITS];
} vmm_below_stats;

/* Puts the VMM on such a layer; after all VMs were added, before vmm_start. Copied. Thread number i's guest is, for vmm_pcpu_ops.start, number
 * (number of VMs + i), and its owner is the one after. */
void vmm_add_below(vmm *v, const vmm_below_config *config);
/* NULL: there is nothing below. After vmm_finish. */
const vmm_below_stats *vmm_below_report(const vmm *v);
