/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the VMs' weights entitle them to, and how they fared by that. */
#include "run-metrics.h"

void run_metrics_entitle(const uint32_t *weights, unsigned n, unsigned n_lps, double *entitled)
{
    double left = n_lps;
    unsigned capped;
    for (unsigned i = 0; i < n; i++)
        entitled[i] = 0;
    do { /* a VM gets more as others are capped, so that those capped stay so */
        double sum = 0, share = 0;
        capped = 0;
        for (unsigned i = 0; i < n; i++)
            sum += entitled[i] < 1 ? weights[i] : 0;
        for (unsigned i = 0; i < n; i++) {
            if (entitled[i] >= 1 || weights[i] == 0)
                continue;
            entitled[i] = MIN(left * weights[i] / sum, 1);
            if (entitled[i] >= 1) {
                capped++;
                share++;
            }
        }
        left -= share;
    } while (capped && left > 0);
}

static bool counts(const run_vm_result *vm)
{
    return vm->entitlement > 0 && vm->ratios.progress > 0;
}

void run_metrics_entitled(run_result *result)
{
    guint n_vms = result->vms->len, n = 0;
    g_autofree uint32_t *weights = g_new0(uint32_t, n_vms);
    g_autofree double *entitled = g_new0(double, n_vms);
    double sum = 0, squares = 0, least = 0, most = 0;
    for (guint i = 0; i < n_vms; i++) {
        const run_vm_result *vm = g_ptr_array_index(result->vms, i);
        weights[i] = vm->started ? vm->weight : 0;
    }
    run_metrics_entitle(weights, n_vms, result->lps->len, entitled);
    for (guint i = 0; i < n_vms; i++) {
        run_vm_result *vm = g_ptr_array_index(result->vms, i);
        vm->entitlement = entitled[i];
        if (!counts(vm))
            continue;
        double fared = vm->ratios.progress / vm->entitlement;
        vm->ratios.entitled_slowdown = 1 / fared;
        sum += fared;
        squares += fared * fared;
        least = n == 0 ? fared : MIN(least, fared);
        most = MAX(most, fared);
        n++;
    }
    result->totals.entitled_jain = n ? sum * sum / (n * squares) : 0;
    result->totals.entitled_min_max = n ? least / most : 0;
}
