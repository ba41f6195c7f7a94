/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random schedules under all policies: pCPUs, VMs, weights, affinities, starts, removals, sleeps, yields, disk requests, ends,
 * parameters; each twice. No bad answer, no time lost, nobody left behind at the end, and the same twice. */
#include "test-vmm.h"

#include "policy-case.h"

#include <string.h>

static const char *const policies[] = { "credit", "credit2", "eevdf", "host-os", "rtds", "null", "gang", "dio", "symbiosis", "round-robin",
                                        "priority", "emon-quantum" };

enum { MAX_VMS = 48, MAX_STEPS = 8 };

static uint32_t next_random(uint32_t *x)
{
    *x = *x * 1664525 + 1013904223;
    return *x >> 8;
}

static mock_step random_step(uint32_t *x)
{
    static const vmm_stop_kind kinds[] = { VMM_STOP_SLEEP, VMM_STOP_SLEEP, VMM_STOP_SLEEP, VMM_STOP_YIELD, VMM_STOP_YIELD, VMM_STOP_IO,
                                           VMM_STOP_HYPERCALL, VMM_STOP_END };
    unsigned k = next_random(x) % 64;
    mock_step s = { .run = SIM_PS_PER_US * (1 + next_random(x) % (next_random(x) % 4 ? 300 : 5000)) };
    s.stop.kind = k == 63 ? VMM_STOP_END : kinds[k % 7];
    s.stop.span = SIM_PS_PER_US * (1 + next_random(x) % 3000);
    s.stop.bytes = 4096;
    return s;
}

static const char *const *random_params(const char *policy, uint32_t *x)
{
    static const char *const cap[] = { "cap", "30", NULL }, *const strict[] = { "extratime", "false", "budget", "1ms", NULL },
                      *const slice[] = { "custom-slice", "300us", NULL };
    if (next_random(x) % 3)
        return NULL;
    return g_str_has_prefix(policy, "credit") ? cap : !strcmp(policy, "rtds") ? strict : !strcmp(policy, "eevdf") ? slice : NULL;
}

static void add_random(mock *m, const char *policy, mock_step *steps, uint32_t *x)
{
    uint64_t affinity[VMM_MASK_WORDS] = { next_random(x) % 3 ? ~UINT64_C(0) : (uint64_t)next_random(x) << 8 | UINT64_C(1) << next_random(x) % m->n };
    const vmm_vm_config config = { .weight = 1 + next_random(x) % (next_random(x) % 8 ? 1000 : 65535), .affinity = affinity,
                                   .start = SIM_PS_PER_US * (next_random(x) % 2 ? 0 : next_random(x) % 20000), .io_latency = SIM_PS_PER_US * 80,
                                   .stop = next_random(x) % 4 ? 0 : SIM_PS_PER_US * (20001 + next_random(x) % 30000),
                                   .policy_params = random_params(policy, x) };
    unsigned n = next_random(x) % MAX_STEPS;
    for (unsigned i = 0; i < n; i++)
        steps[i] = random_step(x);
    mock_add(m, &config, steps, n);
}

static char *random_run(const char *policy, uint32_t seed)
{
    uint32_t x = seed * 2654435761u + 1;
    g_autofree mock_step *steps = g_new0(mock_step, MAX_VMS * MAX_STEPS);
    g_autoptr(mock) m = mock_new(1 + next_random(&x) % (seed % 3 ? 6 : 24), 4, policy);
    unsigned n = 1 + next_random(&x) % MAX_VMS;
    m->block = next_random(&x) % 2 ? next_random(&x) % 900000 : 0;
    for (unsigned i = 0; i < n; i++)
        add_random(m, policy, &steps[i * MAX_STEPS], &x);
    mock_run(m, MS(60));
    const char *first = NULL;
    ck_assert_msg(vmm_bad_answers(m->v, &first) == 0, "seed %u: %s", seed, first);
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    vmm_digest(m->v, sum);
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(mock_total(m, i), MS(60));
        g_checksum_update(sum, (const guchar *)vmm_stats(m->v, i)->in_state, sizeof vmm_stats(m->v, i)->in_state);
    }
    char *digest = g_strdup(g_checksum_get_string(sum));
    g_checksum_free(sum);
    return digest;
}

START_TEST(random_schedules)
{
    const char *policy = policies[_i];
    for (uint32_t seed = 0; seed < 10; seed++) {
        g_autofree char *a = random_run(policy, seed), *b = random_run(policy, seed);
        ck_assert_str_eq(a, b);
    }
}
END_TEST

/* The watchdog runs somebody whom the policy would not: it has to take that. */
START_TEST(the_watchdog_interferes)
{
    const char *policy = policies[_i];
    static const mock_step steps[] = { { MS(0.3), { .kind = VMM_STOP_SLEEP, .span = MS(0.4) } } };
    g_autoptr(mock) m = mock_new(2, 4, policy);
    m->config.quantum = MS(1);
    static const char *const tiny[] = { "cap", "1", NULL }, *const late[] = { "period", "10s", "budget", "10us", "extratime", "false", NULL };
    const vmm_vm_config least = { .weight = 1, .policy_params = g_str_has_prefix(policy, "credit") ? tiny : !strcmp(policy, "rtds") ? late : NULL };
    const vmm_vm_config most = { .weight = 65535 };
    for (unsigned i = 0; i < 6; i++)
        mock_add(m, i % 2 ? &most : &least, i > 3 ? steps : NULL, i > 3);
    mock_run(m, MS(4500));
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    if (!strcmp(policy, "credit") || !strcmp(policy, "rtds"))
        ck_assert_uint_gt(vmm_starvations(m->v, NULL), 0);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(mock_total(m, i), MS(4500));
        ck_assert_uint_gt(((mock_guest *)g_ptr_array_index(m->guests, i))->ran, 0);
    }
}
END_TEST

TCase *vmm_tests_policies(void)
{
    TCase *t = tcase_create("policies");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, random_schedules, 0, G_N_ELEMENTS(policies));
    tcase_add_loop_test(t, the_watchdog_interferes, 0, G_N_ELEMENTS(policies));
    return t;
}
