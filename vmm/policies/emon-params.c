/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emon-quantum.h"

#include <glib.h>

#define SPAN(n, d, lo, hi, h) { .name = n, .type = VMM_PARAM_TIME, .def.u = (d), .min.u = (lo), .max.u = (hi), .help = h }
#define COUNT(n, d, lo, hi, h) { .name = n, .type = VMM_PARAM_UINT, .def.u = (d), .min.u = (lo), .max.u = (hi), .help = h }
#define SHARE(n, d, lo, hi, h) { .name = n, .type = VMM_PARAM_PERMILLE, .def.u = (d), .min.u = (lo), .max.u = (hi), .help = h }
#define RATE(n, value, h) { .name = n, .type = VMM_PARAM_DOUBLE, .def.d = (value), .min.d = 0, .max.d = 1000, .help = h }
#define SWITCH(n, on, h) { .name = n, .type = VMM_PARAM_BOOL, .def.b = on, .help = h }

/* Bounds of a quantum: [0061]. All other figures are choices; what is measured of them is in docs/policies/emon-quantum.md. */
const vmm_param emon_params[EMON_N_PARAMS] = {
    [P_MIN] = SHARE("min", 500, 10, 1000, "shortest quantum, of the pre-assigned one"),
    [P_MAX] = SHARE("max", 1500, 1000, 10000, "longest quantum, of the pre-assigned one"),
    [P_CACHE_FLUSHED] = SWITCH("cache-flushed", true, "end the quantum early once the data cache was flushed"),
    [P_TIGHT_LOOP] = SWITCH("tight-loop", false, "lengthen the quantum of a tight loop"),
    [P_LOOP_END] = SWITCH("loop-end", true, "pay time back when a long loop ends"),
    [P_L1_TRAVERSED] = SWITCH("l1-traversed", false, "lengthen the quantum while a full L1D is traversed"),
    [P_STALLED] = SWITCH("pipeline-stalled", false, "end the quantum early while nearly all cycles go into waiting for memory and one waits that computes"),
    [P_PREDICTION] = SWITCH("prediction", false, "lengthen to the foreseen end of a loop; end before a phase that used to miss"),
    [P_PROFILE] = SWITCH("profile", false, "lengthen the quanta of a VM that loses much by getting warm"),
    [P_TASK_HISTORY] = SWITCH("task-history", true, "favour the VM that does tasks of a kind better"),
    [P_DONATION] = SWITCH("donation", false, "grant the rest of a quantum that ends early to one VM, not to the next in turn"),
    [P_REPAY] = SWITCH("repay", false, "lengthen the quantum of a VM to which half of max-debt is owed"),
    [P_LASTING] = SWITCH("lasting", true, "profile, task-time: change the VM's pre-assigned quantum; false: one quantum at each event"),
    [P_TASK_MOVE] = SWITCH("task-move", true, "task-history: move tasks that wait"),
    [P_TASK_TIME] = SWITCH("task-time", false, "task-history: give more time to the VM that is better"),
    [P_MAX_DEBT] = SPAN("max-debt", 5 * SIM_PS_PER_MS, 0, SIM_PS_PER_S, "most time that a vCPU may take, or give away, beyond what is paid back"),
    [P_MIN_GAIN] = SPAN("min-gain", 50 * SIM_PS_PER_US, VMM_QUANTUM_MIN, SIM_PS_PER_S, "least change of a quantum"),
    [P_CONFIRM] = COUNT("confirm", 2, 1, 100, "samples in a row before a state counts"),
    [P_SLACK] = SHARE("slack", 200, 0, 1000, "how much laxer thresholds are once a state counts"),
    [P_HOLD] = COUNT("hold", 2, 0, 1000, "quanta of a VM before a change in the other direction"),
    [P_FLUSH_DIRTY] = SHARE("flush-dirty", 250, 1, 1000, "cache-flushed: dirty lines before, of L1D, at least"),
    [P_FLUSH_LEFT] = SHARE("flush-left", 50, 0, 1000, "cache-flushed: of those, dirty lines left at most"),
    [P_LOOP_SAMPLES] = COUNT("loop-samples", 3, 1, 1000, "a loop is long after so many samples in a row, or ..."),
    [P_LOOP_ITERATIONS] = COUNT("loop-iterations", 10000, 64, 1000000000000, "... so many iterations"),
    [P_LOOP_BODY] = COUNT("loop-body", 256, 1, 1000000, "tight-loop: instructions per iteration at most"),
    [P_LOOP_BTB] = SHARE("loop-btb", 990, 0, 1000, "tight-loop: hits of the BTB at least"),
    [P_LOOP_L1I] = RATE("loop-l1i-mpki", 0.5, "tight-loop: L1I misses per 1000 instructions at most"),
    [P_LOOP_L1D] = RATE("loop-l1d-mpki", 20, "tight-loop: L1D load misses per 1000 instructions at most"),
    [P_L1_FULL] = SHARE("l1-full", 800, 1, 1000, "l1-traversed: share of L1D that is the VM's at least"),
    [P_L1_MPKI] = RATE("l1-mpki", 5, "l1-traversed: L1D load misses per 1000 instructions at most"),
    [P_STALL_SHARE] = SHARE("stall-share", 900, 1, 1000, "pipeline-stalled: cycles that wait for memory, of all, at least"),
    [P_COMPUTE_SHARE] = SHARE("compute-share", 300, 0, 1000, "pipeline-stalled, donation: the same of the one that computes, at most"),
    [P_COLD_MPKI] = RATE("cold-mpki", 30, "prediction: L1D load misses per 1000 instructions of a cold phase at least"),
    [P_PREDICT_WARM] = SHARE("predict-warm", 500, 0, 1000, "prediction: warmth of the branch predictor at least"),
    [P_PROFILE_QUANTA] = COUNT("profile-quanta", 16, 1, 10000, "profile, task-time: quanta between two changes"),
    [P_PROFILE_LOSS] = SHARE("profile-loss", 20, 1, 1000, "profile: time lost by getting warm, of the quantum, at least"),
    [P_PROFILE_STEP] = SHARE("profile-step", 250, 1, 1000, "profile, task-time: a change, of the quantum at power-on"),
    [P_TASK_SAMPLES] = COUNT("task-samples", 3, 1, 10000, "task-history: tasks of the kind that each VM must have ended"),
    [P_TASK_MARGIN] = SHARE("task-margin", 200, 0, 1000, "task-history: how much longer they take in the worse VM at least"),
};

bool emon_params_check(const vmm_param_value *v, char *message, size_t size)
{
    if (v[P_MAX_DEBT].u && v[P_MAX_DEBT].u < v[P_MIN_GAIN].u) {
        g_snprintf(message, size, "parameter 'max-debt' has to be 0 or at least 'min-gain'");
        return false;
    }
    if (v[P_COMPUTE_SHARE].u >= v[P_STALL_SHARE].u) {
        g_snprintf(message, size, "parameter 'compute-share' has to be below 'stall-share'");
        return false;
    }
    return true;
}

static uint64_t per_million(double per_thousand)
{
    return (uint64_t)(per_thousand * 1000 + 0.5);
}

emon_thresholds emon_params_thresholds(const vmm_param_value *p)
{
    return (emon_thresholds){
        .flush_dirty_permille = (uint32_t)p[P_FLUSH_DIRTY].u,
        .flush_left_permille = (uint32_t)p[P_FLUSH_LEFT].u,
        .loop_samples = (uint32_t)p[P_LOOP_SAMPLES].u,
        .loop_iterations = p[P_LOOP_ITERATIONS].u,
        .loop_body = (uint32_t)p[P_LOOP_BODY].u,
        .loop_btb_permille = (uint32_t)p[P_LOOP_BTB].u,
        .loop_l1i_rate = per_million(p[P_LOOP_L1I].d),
        .loop_l1d_rate = per_million(p[P_LOOP_L1D].d),
        .full_permille = (uint32_t)p[P_L1_FULL].u,
        .full_l1d_rate = per_million(p[P_L1_MPKI].d),
        .stall_permille = (uint32_t)p[P_STALL_SHARE].u,
        .cold_l1d_rate = per_million(p[P_COLD_MPKI].d),
        .confirm = (uint32_t)p[P_CONFIRM].u,
        .slack_permille = (uint32_t)p[P_SLACK].u,
    };
}
