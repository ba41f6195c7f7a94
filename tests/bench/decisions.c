/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduling decisions per second, on the scripted machine: decisions [POLICY...]. For each policy, 4 to 256 vCPUs and 4 and 64 pCPUs, the host's time
 * for a decision: policy, VMM, event queue and accounts, without what the scripted machine takes between them. Half of the vCPUs never stop, the others run
 * 300 us and sleep 700 us; quanta of 1 ms. A decision is a call of the scheduler, whether it finds a vCPU or lets the pCPU idle; what wake-ups, ticks and
 * timers take between them is counted with it.
 *
 * Ends with 1 where a policy's cost grows faster than the logarithm of the number of vCPUs, from the first size at which there is somebody to choose from: on 4
 * pCPUs more than twofold from 16 to 256, on 64 more than fourfold from 4 to 256 (all but the last have a pCPU for each). */
#include "vmm-mock.h"
#include "vmm-registry.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const unsigned sizes[] = {4, 16, 64, 256};
enum { N_SIZES = G_N_ELEMENTS(sizes), ROUNDS = 25, DOUBLINGS = 6 };
#define NOISE 1.25 /* of a host that does other things, too */

/* Not held to the logarithm: budgets come back one by one, once in each period of a vCPU, as in Xen; that is work by vCPU and time, which decisions share. */
static bool is_by_period(const char *policy)
{
    return strcmp(policy, "rtds") == 0;
}

typedef struct {
    uint64_t decisions;
    struct timespec begin;
    double ns; /* in the VMM */
} meter;

static void around(void *user, bool before)
{
    meter *t = user;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (before)
        t->begin = now;
    else
        t->ns += (double)(now.tv_sec - t->begin.tv_sec) * 1e9 + (double)(now.tv_nsec - t->begin.tv_nsec);
}

static void count(void *user, const vmm_sight *s)
{
    ((meter *)user)->decisions += s->kind == VMM_SEEN_BEGIN || s->kind == VMM_SEEN_IDLE;
}

/* Nanoseconds for a decision. */
static double cost(const char *policy, unsigned pcpus, unsigned n)
{
    static const mock_step nap[] = {{300 * SIM_PS_PER_US, {.kind = VMM_STOP_SLEEP, .span = 700 * SIM_PS_PER_US}}};
    const vmm_vm_config config = {.weight = 256};
    meter t = {0};
    g_autoptr(mock) m = mock_new(pcpus, 4, policy);
    m->config.keep_schedule = false;
    m->config.observe = count;
    m->config.observe_user = &t;
    m->around = around;
    m->user = &t;
    for (unsigned i = 0; i < n; i++)
        mock_add(m, &config, i % 2 ? nap : NULL, i % 2);
    mock_run(m, 2 * SIM_PS_PER_S / pcpus);
    return t.ns / (double)t.decisions;
}

/* False: it grows too fast. */
static bool row(const char *policy, unsigned pcpus)
{
    double best[N_SIZES];
    for (int r = 0; r < ROUNDS; r++) {
        for (unsigned i = 0; i < N_SIZES; i++) {
            double ns = cost(policy, pcpus, sizes[i]);
            best[i] = r && best[i] < ns ? best[i] : ns;
        }
    }
    double growth = best[N_SIZES - 1] / best[0];
    printf("%-14s", policy);
    for (unsigned i = 0; i < N_SIZES; i++)
        printf(" %8.0f", best[i]);
    printf(" %8.2f %8.2f %10.0f\n", growth, pow(growth, 1.0 / DOUBLINGS), 1e9 / best[N_SIZES - 1]);
    fflush(stdout);
    double limit = pcpus == sizes[0] ? 2.0 : 4.0, from = pcpus == sizes[0] ? best[1] : best[0];
    return best[N_SIZES - 1] <= from * limit * NOISE || is_by_period(policy);
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
