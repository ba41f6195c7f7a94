/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduling decisions per second, on the scripted machine: decisions [POLICY...]. For each policy, 4 to 256 vCPUs and 4 and 64 pCPUs, the processor time that
 * the host takes for a decision, everything included: policy, VMM, event queue, accounts, the scripted machine. Half of the vCPUs never stop, the
 * others run 300 us and sleep 700 us; quanta of 1 ms. A decision is a call of the scheduler, whether it finds a vCPU or lets the pCPU idle.
 *
 * Ends with 1 where a policy's cost grows faster than the logarithm of the number of vCPUs: more than fourfold from 4 to 256, on 4 pCPUs. On 64 there is no
 * such bound, as 4 and 256 vCPUs are different work there: 4 have nobody to choose from. */
#include "vmm-mock.h"
#include "vmm-registry.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static const unsigned sizes[] = {4, 16, 64, 256};
enum { N_SIZES = G_N_ELEMENTS(sizes), ROUNDS = 5, DOUBLINGS = 6 };
#define LOGARITHM 4.0 /* log 256 / log 4 */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void count(void *user, const vmm_sight *s)
{
    *(uint64_t *)user += s->kind == VMM_SEEN_BEGIN || s->kind == VMM_SEEN_IDLE;
}

/* Nanoseconds for a decision. */
static double cost(const char *policy, unsigned pcpus, unsigned n)
{
    static const mock_step nap[] = {{300 * SIM_PS_PER_US, {.kind = VMM_STOP_SLEEP, .span = 700 * SIM_PS_PER_US}}};
    const vmm_vm_config config = {.weight = 256};
    uint64_t decisions = 0;
    g_autoptr(mock) m = mock_new(pcpus, 4, policy);
    m->config.keep_schedule = false;
    m->config.observe = count;
    m->config.observe_user = &decisions;
    for (unsigned i = 0; i < n; i++)
        mock_add(m, &config, i % 2 ? nap : NULL, i % 2);
    double begin = seconds();
    mock_run(m, 4 * SIM_PS_PER_S / pcpus);
    return (seconds() - begin) / (double)decisions * 1e9;
}

/* False: it grows too fast. */
static bool row(const char *policy, unsigned pcpus)
{
    double best[N_SIZES];
    for (unsigned i = 0; i < N_SIZES; i++) {
        best[i] = cost(policy, pcpus, sizes[i]);
        for (int r = 1; r < ROUNDS; r++)
            best[i] = MIN(best[i], cost(policy, pcpus, sizes[i]));
    }
    double growth = best[N_SIZES - 1] / best[0];
    printf("%-14s", policy);
    for (unsigned i = 0; i < N_SIZES; i++)
        printf(" %8.0f", best[i]);
    printf(" %8.2f %8.2f %10.0f\n", growth, pow(growth, 1.0 / DOUBLINGS), 1e9 / best[N_SIZES - 1]);
    fflush(stdout);
    return growth <= LOGARITHM || pcpus > sizes[0];
}

static bool table(unsigned pcpus, int argc, char **argv)
{
    unsigned n;
    bool good = true;
    const struct vmm_policy_ops *const *policies = vmm_policies(&n);
    printf("ns a decision on %u pCPUs\n%-14s %8s %8s %8s %8s %8s %8s %10s\n", pcpus, "", "4 vCPUs", "16", "64", "256", "256 : 4", "doubling", "a second");
    for (int i = 1; i < argc; i++)
        good &= row(argv[i], pcpus);
    for (unsigned i = 0; i < n && argc == 1; i++)
        good &= row(policies[i]->name, pcpus);
    return good;
}

int main(int argc, char **argv)
{
    bool good = table(4, argc, argv);
    good &= table(64, argc, argv);
    if (!good)
        printf("A policy's cost grows faster than the logarithm of the number of vCPUs.\n");
    return !good;
}
