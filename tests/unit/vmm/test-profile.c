/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles of vCPUs, pCPUs and tasks, and how one run hands them to the next. */
#include "test-vmm.h"

#include "vmm-mock.h"
#include "policies/policies.h"
#include "vmm-profile.h"

#include <string.h>

START_TEST(views_of_a_profile)
{
    vmm_smu_profile p;
    vmm_profile_init(&p);
    ck_assert_ptr_null(vmm_profile_past(&p, 0));
    for (unsigned i = 0; i < 40; i++) {
        vmm_smu_sample s = { .at = i, .insns = 1000, .cycles = 500, .fresh = i % 2 ? 1 : 2, .rate = { i * 10, i * 20 } };
        s.view.btb_hit_permille = 800;
        const vmm_smu_sample *kept = vmm_profile_add(&p, &s, 2);
        ck_assert_ptr_eq(kept, vmm_profile_past(&p, 0));
        ck_assert_uint_eq(kept->rate[0], i % 2 ? i * 10 : i == 0 ? UINT64_MAX : (i - 1) * 10); /* else the last one known */
    }
    ck_assert_uint_eq(p.n, 40);
    ck_assert_uint_eq(p.insns, 40000);
    ck_assert_uint_eq(p.mean_ipc_permille, 2000);
    ck_assert_uint_eq(p.mean_btb_permille, 800);
    ck_assert_uint_eq(vmm_profile_past(&p, 15)->at, 24);
    ck_assert_ptr_null(vmm_profile_past(&p, 16));
    /* each sample weighs an eighth: the mean of 10, 30, 50 ... lags seven samples, 140, behind the last one, 390 */
    ck_assert_uint_ge(p.mean_rate[0], 235);
    ck_assert_uint_le(p.mean_rate[0], 275);
    ck_assert_uint_eq(p.mean_rate[2], UINT64_MAX);
}
END_TEST

START_TEST(kinds_of_tasks)
{
    g_autoptr(GPtrArray) tasks = vmm_profile_tasks_new();
    static const uint32_t kinds[] = { 7, 3, UINT32_MAX, 0, 5 };
    ck_assert_ptr_null(vmm_profile_task(tasks, 7, false));
    vmm_task_profile *seven = vmm_profile_task(tasks, 7, true);
    for (unsigned i = 0; i < 5; i++)
        vmm_profile_task_add(vmm_profile_task(tasks, kinds[i], true), US(10), 100);
    ck_assert_ptr_eq(vmm_profile_task(tasks, 7, false), seven); /* it stays where it is */
    vmm_profile_task_add(seven, US(26), 50);
    ck_assert(seven->n == 2 && seven->last == US(26) && seven->total == US(36) && seven->insns == 150);
    ck_assert_uint_eq(seven->mean, US(12));
    for (unsigned i = 1; i < tasks->len; i++)
        ck_assert_uint_lt(((vmm_task_kind *)g_ptr_array_index(tasks, i - 1))->kind, ((vmm_task_kind *)g_ptr_array_index(tasks, i))->kind);
    for (uint32_t kind = 100; kind < 1000; kind++)
        vmm_profile_task(tasks, kind, true);
    ck_assert_uint_eq(tasks->len, VMM_TASK_KINDS);
}
END_TEST

/* ---- in a VMM --------------------------------------------------------------------------------------------------------- */

static const int events[] = { SIM_EV_L1D_LOADS, SIM_EV_L1D_LOAD_MISSES }, other_events[] = { SIM_EV_L1D_LOAD_MISSES, SIM_EV_BRANCHES };

static struct {
    vmm_host *h;
    const vmm_services *s;
    const int *events;
    unsigned ended;
    uint64_t n_at_end;
    sim_ps spans;
    uint64_t first_mean, first_rate, earlier;
} x;

static void *init(vmm_host *h, const vmm_services *s, const vmm_param_value *values)
{
    x.h = h;
    x.s = s;
    if (x.events) {
        ck_assert(s->smu_watch(h, x.events, 2));
        const vmm_smu_profile *p = s->vcpu_profile(h, 0);
        x.first_mean = p->mean_rate[x.events == events];
        x.earlier = p->earlier;
        x.first_rate = p->n ? vmm_profile_past(p, 0)->rate[x.events == events] : 0;
    }
    return vmm_policy_round_robin.init(h, s, values);
}

static void task_ended(G_GNUC_UNUSED void *self, uint32_t vcpu, uint32_t kind, sim_ps span)
{
    const vmm_task_profile *p = x.s->task_profile(x.h, vcpu, kind);
    ck_assert_uint_eq(p->last, span);
    x.n_at_end = p->n;
    x.ended++;
    x.spans += span;
}

static struct vmm_policy_ops policy;

/* 300 us of a task of kind 3 in each 400 us. */
static const mock_step works[] = {
    { US(100), { .kind = VMM_STOP_TASK_BEGIN, .nr = 3, .arg = 1 } },
    { US(300), { .kind = VMM_STOP_TASK_END, .nr = 3, .arg = 1 } },
};

static mock *run(const int *watched, const vmm_profile *earlier)
{
    memset(&x, 0, sizeof x);
    x.events = watched;
    policy = vmm_policy_round_robin;
    policy.init = init;
    policy.task_ended = task_ended;
    mock *m = mock_new(1, 4, NULL);
    m->config.policy = &policy;
    mock_guest *a = mock_add(m, NULL, works, 2);
    a->rate[SIM_EV_L1D_LOADS] = 300000;
    a->rate[SIM_EV_L1D_LOAD_MISSES] = 7000;
    mock_add(m, NULL, NULL, 0);
    if (earlier)
        vmm_load_profile(m->v, earlier);
    mock_run(m, MS(40));
    ck_assert_uint_eq(vmm_bad_answers(m->v, NULL), 0);
    return m;
}

START_TEST(tasks_are_told_and_counted)
{
    g_autoptr(mock) m = run(NULL, NULL);
    ck_assert_uint_ge(x.ended, 49);
    const vmm_task_profile *p = x.s->task_profile(x.h, 0, 3);
    ck_assert_uint_eq(p->n, x.ended);
    ck_assert_uint_eq(p->total, x.spans);
    ck_assert_uint_eq(p->insns, x.ended * 300000); /* the guest's own, whoever ran in between */
    ck_assert_uint_gt(p->total, x.ended * US(320));
    ck_assert_ptr_null(x.s->task_profile(x.h, 0, 4));
    ck_assert_ptr_null(x.s->task_profile(x.h, 1, 3));
    ck_assert_ptr_null(x.s->task_profile(x.h, 9, 3));
    ck_assert_ptr_null(x.s->vcpu_profile(x.h, 0)); /* nobody watches */
}
END_TEST

START_TEST(the_next_run_begins_where_this_one_ended)
{
    g_autoptr(mock) m = run(events, NULL);
    g_autoptr(vmm_profile) left = vmm_take_profile(m->v);
    unsigned ended = x.ended;
    ck_assert_uint_eq(x.earlier, 0);
    ck_assert_uint_eq(left->n_events, 2);
    ck_assert(left->vms[0].known && left->vms[0].smu.n > 100);
    g_autoptr(mock) again = run(events, left);
    g_autoptr(vmm_profile) both = vmm_take_profile(again->v);
    ck_assert_uint_eq(x.earlier, left->vms[0].smu.n);
    ck_assert_uint_eq(x.first_mean, left->vms[0].smu.mean_rate[1]);
    ck_assert_uint_eq(both->vms[0].smu.n, 2 * left->vms[0].smu.n);
    ck_assert_uint_eq(both->pcpus[0].insns, 2 * left->pcpus[0].insns);
    ck_assert_uint_eq(x.n_at_end, 2 * ended);
    ck_assert_uint_eq(vmm_profile_task(both->vms[0].tasks, 3, false)->n, 2 * ended);
    /* a policy that watches other events: what is known of those in common */
    g_autoptr(mock) other = run(other_events, left);
    ck_assert_uint_eq(x.first_mean, left->vms[0].smu.mean_rate[1]);
    ck_assert_uint_eq(x.first_rate, vmm_profile_past(&left->vms[0].smu, 0)->rate[1]);
    /* a VM that is not in it begins with nothing */
    left->vms[0].known = false;
    g_autoptr(mock) stranger = run(events, left);
    ck_assert_uint_eq(x.earlier, 0);
    ck_assert_uint_eq(x.first_mean, UINT64_MAX);
    ck_assert_uint_eq(x.n_at_end, ended);
}
END_TEST

TCase *vmm_tests_profile(void)
{
    TCase *t = tcase_create("profile");
    tcase_add_test(t, views_of_a_profile);
    tcase_add_test(t, kinds_of_tasks);
    tcase_add_test(t, tasks_are_told_and_counted);
    tcase_add_test(t, the_next_run_begins_where_this_one_ended);
    return t;
}
