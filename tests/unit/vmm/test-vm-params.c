/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of policies for one VM, and the timer of a pCPU. */
#include "test-vmm.h"

#include "policy-case.h"

#include "sim-error.h"
#include "vmm-params.h"
#include "vmm-registry.h"

#include <string.h>

/* A policy that lets nobody run before its timer has fired on the pCPU, and notes when it did. */
typedef struct {
    vmm_host *h;
    const vmm_services *services;
    bool open;
    unsigned fired;
    sim_ps at[8];
} alarm_policy;

static alarm_policy *the_alarm;

static void *alarm_init(vmm_host *h, const vmm_services *services, G_GNUC_UNUSED const vmm_param_value *values)
{
    the_alarm = g_new0(alarm_policy, 1);
    the_alarm->h = h;
    the_alarm->services = services;
    services->set_timer(h, 0, MS(9));
    services->set_timer(h, 0, MS(5)); /* instead of the one before */
    services->set_timer(h, 1, MS(7));
    services->set_timer(h, 1, SIM_PS_NEVER);
    return the_alarm;
}

static void alarm_exit(void *self)
{
    g_free(self);
}

static void alarm_vcpu(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t vcpu)
{
}

static void alarm_saved(G_GNUC_UNUSED void *self, G_GNUC_UNUSED uint32_t pcpu, G_GNUC_UNUSED uint32_t vcpu, G_GNUC_UNUSED vmm_off_reason why)
{
}

static vmm_choice alarm_schedule(void *self, uint32_t pcpu, G_GNUC_UNUSED sim_ps now)
{
    alarm_policy *a = self;
    return (vmm_choice){ .vcpu = a->open && pcpu == 0 ? 0 : VMM_VCPU_NONE, .quantum = MS(100) };
}

static void alarm_timer(void *self, uint32_t pcpu, sim_ps now)
{
    alarm_policy *a = self;
    ck_assert_uint_eq(pcpu, 0);
    a->at[a->fired++ % 8] = now;
    if (!a->open)
        a->services->resched(a->h, 0);
    a->open = true;
    if (a->fired < 3)
        a->services->set_timer(a->h, 0, now + MS(10));
}

static const vmm_param alarm_params[] = {
    { .name = "both", .type = VMM_PARAM_UINT, .def.u = 3, .max.u = 10, .help = "of the policy and its VMs" },
    { .name = "other", .type = VMM_PARAM_UINT, .def.u = 4, .max.u = 10, .help = "of another type for VMs" },
};

static const vmm_param alarm_vm_params[] = {
    { .name = "other", .type = VMM_PARAM_TIME, .def.u = 5, .max.u = 10, .help = "a time" },
    { .name = "both", .type = VMM_PARAM_UINT, .def.u = 6, .max.u = 10, .help = "default: the policy's" },
    { .name = "own", .type = VMM_PARAM_BOOL, .def.b = true, .help = "only of VMs" },
};

static const struct vmm_policy_ops alarm_ops = {
    .abi_version = VMM_POLICY_ABI, .struct_size = sizeof(struct vmm_policy_ops), .name = "alarm", .summary = "waits for its timer",
    .flags = VMM_POLICY_MAY_IDLE, .params = alarm_params, .n_params = 2, .vm_params = alarm_vm_params, .n_vm_params = 3,
    .init = alarm_init, .exit = alarm_exit, .wake = alarm_vcpu, .sleep = alarm_vcpu, .context_saved = alarm_saved,
    .schedule = alarm_schedule, .timer = alarm_timer,
};

START_TEST(timers_fire_while_the_pcpu_idles_and_while_it_runs)
{
    g_autoptr(mock) m = mock_new(2, 4, NULL);
    m->config.policy = &alarm_ops;
    mock_guest *g = mock_add(m, NULL, NULL, 0);
    mock_run(m, MS(40));
    case_sane(m);
    ck_assert_uint_eq(the_alarm->fired, 3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_ge(the_alarm->at[i], MS(5 + 10 * i));
        ck_assert_uint_le(the_alarm->at[i], MS(5 + 10 * i) + US(10));
    }
    ck_assert_uint_ge(g->ran, MS(34.9));
    /* it leaves its guest for a timer, and goes on in the same quantum */
    ck_assert_uint_eq(vmm_stats(m->v, 0)->exits[VMM_EXIT_EXTERNAL], 2);
    ck_assert_uint_eq(vmm_stats(m->v, 0)->dispatches, 1);
}
END_TEST

START_TEST(parameters_of_a_vm)
{
    static const char *const own[] = { "both", "8", NULL }, *const pairs[] = { "own", "false", "both", "9", NULL };
    g_autoptr(mock) m = mock_new(2, 4, NULL);
    m->config.policy = &alarm_ops;
    m->config.policy_params = own;
    const vmm_vm_config config = { .policy_params = pairs };
    mock_add(m, NULL, NULL, 0);
    mock_add(m, &config, NULL, 0);
    mock_run(m, MS(1));
    const vmm_services *s = the_alarm->services;
    ck_assert_uint_eq(s->vm_param(the_alarm->h, 0, 0).u, 5); /* the policy's is of another type */
    ck_assert_uint_eq(s->vm_param(the_alarm->h, 0, 1).u, 8); /* as the policy has it */
    ck_assert(s->vm_param(the_alarm->h, 0, 2).b);
    ck_assert_uint_eq(s->vm_param(the_alarm->h, 1, 1).u, 9);
    ck_assert(!s->vm_param(the_alarm->h, 1, 2).b);
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    s->vm_param(the_alarm->h, 0, 3);
    s->vm_param(the_alarm->h, 2, 0);
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 2);
}
END_TEST

static void refused(const char *const *pairs, const char *message)
{
    g_autoptr(mock) m = mock_new(1, 4, "rtds");
    const vmm_vm_config config = { .name = "a", .policy_params = pairs, .policy_origin = "x.conf: [vm a]" };
    g_autoptr(GError) error = NULL;
    mock_make(m);
    ck_assert(!vmm_check_vm(m->v, &config, &error));
    ck_assert(g_error_matches(error, SIM_ERROR, SIM_ERROR_INPUT));
    ck_assert_str_eq(error->message, message);
}

START_TEST(bad_ones_are_named)
{
    refused((const char *const[]){ "buget", "1ms", NULL },
            "x.conf: [vm a]: policy 'rtds' has no parameter of a VM 'buget'; did you mean 'budget'?");
    refused((const char *const[]){ "budget", "1", NULL },
            "x.conf: [vm a]: parameter of a VM 'budget' of policy 'rtds': '1' is not a time: a number and one of the units ps, ns, us, ms, s, "
            "for example 1.5ms");
    refused((const char *const[]){ "extratime", "maybe", NULL },
            "x.conf: [vm a]: parameter of a VM 'extratime' of policy 'rtds': 'maybe' is not true or false");
    refused((const char *const[]){ "period", "1us", NULL },
            "x.conf: [vm a]: parameter of a VM 'period' of policy 'rtds': 1us is out of bounds: 10us to 10s");
    refused((const char *const[]){ "period", "3ms", NULL }, "x.conf: [vm a]: policy 'rtds': parameter 'budget' has to be at most 'period'");
}
END_TEST

/* A policy that was compiled before there were such parameters. */
START_TEST(older_structures_have_none)
{
    struct vmm_policy_ops old = alarm_ops;
    old.struct_size = offsetof(struct vmm_policy_ops, vm_params);
    const vmm_param *params;
    ck_assert_uint_eq(vmm_vm_params(&old, &params), 0);
    ck_assert_uint_eq(vmm_vm_params(&alarm_ops, &params), 3);
    g_autoptr(GError) error = NULL;
    struct vmm_policy_ops wrong = alarm_ops;
    wrong.vm_params = NULL;
    ck_assert(!vmm_policy_check(&wrong, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "vm_params"));
}
END_TEST

TCase *vmm_tests_vm_params(void)
{
    TCase *t = tcase_create("vm-params");
    tcase_add_test(t, timers_fire_while_the_pcpu_idles_and_while_it_runs);
    tcase_add_test(t, parameters_of_a_vm);
    tcase_add_test(t, bad_ones_are_named);
    tcase_add_test(t, older_structures_have_none);
    return t;
}
