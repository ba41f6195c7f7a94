/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy-case.h"

#include <check.h>

mock *case_new(unsigned n_pcpus, const char *policy, const char *const *params)
{
    mock *m = mock_new(n_pcpus, 4, policy);
    m->config.policy_params = params;
    return m;
}

mock_guest *case_spin(mock *m, uint32_t weight)
{
    const vmm_vm_config config = { .weight = weight };
    return mock_add(m, &config, NULL, 0);
}

mock_guest *case_spin_on(mock *m, uint32_t weight, uint32_t pcpu)
{
    uint64_t affinity[VMM_MASK_WORDS] = { 0 };
    affinity[pcpu / 64] = UINT64_C(1) << pcpu % 64;
    const vmm_vm_config config = { .weight = weight, .affinity = affinity };
    return mock_add(m, &config, NULL, 0);
}

mock_guest *case_spin_with(mock *m, const char *const *params)
{
    const vmm_vm_config config = { .weight = 256, .policy_params = params };
    return mock_add(m, &config, NULL, 0);
}

unsigned case_permille(const mock_guest *g, sim_ps of)
{
    return (unsigned)(((unsigned __int128)g->ran * 1000 + of / 2) / of);
}

void case_sane(const mock *m)
{
    const char *first = NULL;
    ck_assert_msg(vmm_bad_answers(m->v, &first) == 0, "%s", first);
    ck_assert_msg(vmm_starvations(m->v, &first) == 0, "%s", first);
    for (unsigned i = 0; i < vmm_n_vms(m->v); i++)
        ck_assert_uint_eq(mock_total(m, i), m->end);
}

sim_ps case_latency(const mock *m, unsigned vm, unsigned skip, unsigned *n)
{
    const GArray *all = vmm_stats(m->v, vm)->wake_latency;
    sim_ps worst = 0;
    for (unsigned i = skip; i < all->len; i++)
        worst = MAX(worst, g_array_index(all, uint64_t, i));
    if (n)
        *n = all->len;
    return worst;
}

sim_ps case_ran(const mock *m)
{
    sim_ps sum = 0;
    for (unsigned i = 0; i < m->guests->len; i++)
        sum += ((mock_guest *)g_ptr_array_index(m->guests, i))->ran;
    return sum;
}

void case_crowd(const char *policy, unsigned n_pcpus, unsigned spin, unsigned io, sim_ps span)
{
    static const mock_step steps[] = { { SIM_PS_PER_US * 50, { .kind = VMM_STOP_SLEEP, .span = SIM_PS_PER_US * 450 } } };
    g_autoptr(mock) m = mock_new(n_pcpus, 4, policy);
    for (unsigned i = 0; i < spin; i++)
        mock_add(m, NULL, NULL, 0);
    for (unsigned i = 0; i < io; i++)
        mock_add(m, NULL, steps, 1);
    mock_run(m, span);
    case_sane(m);
    /* pCPUs do not idle while somebody could run, but for some milliseconds and the VMM's own work */
    if (spin >= n_pcpus)
        ck_assert_uint_ge(case_ran(m), span / 10 * 9 * n_pcpus);
}

sim_ps case_storm(const char *policy, unsigned n_pcpus, unsigned n, sim_ps span)
{
    static const mock_step steps[] = { { SIM_PS_PER_US * 20, { .kind = VMM_STOP_SLEEP } } };
    g_autofree mock_step *each = g_new(mock_step, n);
    g_autoptr(mock) m = mock_new(n_pcpus, 4, policy);
    sim_ps worst = 0;
    for (unsigned i = 0; i < n; i++) {
        each[i] = steps[0];
        each[i].stop.span = SIM_PS_PER_MS * 2;
        mock_add(m, NULL, &each[i], 1);
    }
    mock_run(m, span);
    case_sane(m);
    for (unsigned i = 0; i < n; i++)
        worst = MAX(worst, case_latency(m, i, 0, NULL));
    return worst;
}
