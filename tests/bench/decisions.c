/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduling decisions per second, on the scripted machine: decisions [POLICY...]. For each policy and 4 to 256 vCPUs on 4 pCPUs the processor time that the
 * host takes for a decision, everything included: policy, VMM, event queue, accounts, the scripted machine. Half of the vCPUs never stop, the others
 * run 300 us and sleep 700 us; quanta of 1 ms. */
#include "vmm-mock.h"
#include "vmm-registry.h"

#include <stdio.h>
#include <time.h>

static const unsigned sizes[] = {4, 16, 64, 256};
enum { PCPUS = 4, ROUNDS = 3 };
#define SPAN (2 * SIM_PS_PER_S)

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Nanoseconds for a decision. */
static double cost(const char *policy, unsigned n)
{
    static const mock_step nap[] = {{300 * SIM_PS_PER_US, {.kind = VMM_STOP_SLEEP, .span = 700 * SIM_PS_PER_US}}};
    const vmm_vm_config config = {.weight = 256};
    g_autoptr(mock) m = mock_new(PCPUS, 4, policy);
    m->config.keep_schedule = false;
    for (unsigned i = 0; i < n; i++)
        mock_add(m, &config, i % 2 ? nap : NULL, i % 2);
    double begin = seconds();
    mock_run(m, SPAN);
    double span = seconds() - begin;
    uint64_t decisions = 0;
    for (unsigned i = 0; i < n; i++)
        decisions += vmm_stats(m->v, i)->dispatches + vmm_stats(m->v, i)->quanta_full;
    return span / (double)decisions * 1e9;
}

static void row(const char *policy)
{
    double best[G_N_ELEMENTS(sizes)];
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        best[i] = cost(policy, sizes[i]);
        for (int r = 1; r < ROUNDS; r++)
            best[i] = MIN(best[i], cost(policy, sizes[i]));
    }
    printf("%-14s", policy);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++)
        printf(" %8.0f", best[i]);
    printf(" %8.2f %10.0f\n", best[G_N_ELEMENTS(sizes) - 1] / best[0], 1e9 / best[G_N_ELEMENTS(sizes) - 1]);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    unsigned n;
    const struct vmm_policy_ops *const *policies = vmm_policies(&n);
    printf("%-14s %8s %8s %8s %8s %8s %10s\n", "ns a decision", "4 vCPUs", "16", "64", "256", "256 : 4", "a second");
    for (int i = 1; i < argc; i++)
        row(argv[i]);
    for (unsigned i = 0; i < n && argc == 1; i++)
        row(policies[i]->name);
    return 0;
}
