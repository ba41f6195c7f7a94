/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that wait in VMs: arrivals, order, markers, moves, sleeping and waking, the end. */
#include "support.h"

#include "cpu-code.h"
#include "wl-synthetic.h"
#include "wl-tasks.h"

#define US UINT64_C(1000000)

static const uint32_t both[] = { 0, 1 }, second[] = { 1 };

static wl_task_group group(const char *name, uint32_t kind, uint32_t count)
{
    return (wl_task_group){ .name = name, .kind = kind, .synthetic = "loop insns=1000", .count = count, .vms = both, .n_vms = 2, .arrive = WL_TASKS_IN_TURN };
}

typedef struct {
    insn_code *code;
    wl_task_pool *pool;
    insn_source *vms[2];
} world;

static world make(const wl_task_group *groups, unsigned n, unsigned n_vms)
{
    world w = { .code = cpu_code_new(), .pool = wl_tasks_new(groups, n, 2, 1) };
    for (unsigned i = 0; i < n_vms; i++) {
        w.vms[i] = wl_tasks_open(w.pool, i, i ? "b" : "a", w.code, NULL);
        ck_assert_ptr_nonnull(w.vms[i]);
    }
    return w;
}

static void done(world *w)
{
    insn_source_free(w->vms[0]);
    insn_source_free(w->vms[1]);
    wl_tasks_free(w->pool);
    cpu_code_free(w->code);
}

/* The next event, with the instructions before it. */
static insn_event next(world *w, unsigned vm, uint64_t now, uint64_t *insns)
{
    insn_batch batch;
    uint64_t sum = 0;
    do {
        insn_source_fill(w->vms[vm], now, 8192, &batch);
        for (uint32_t i = 0; i < batch.n_blocks; i++)
            sum += w->code->facts(w->code, batch.blocks[i])->n_insns;
    } while (batch.event.kind == INSN_EVENT_NONE);
    if (insns)
        *insns = sum;
    return batch.event;
}

static void one_task(world *w, unsigned vm, uint64_t now, uint32_t kind, uint64_t id)
{
    uint64_t insns;
    insn_event e = next(w, vm, now, NULL);
    ck_assert_int_eq(e.kind, INSN_EVENT_TASK_BEGIN);
    ck_assert_uint_eq(e.nr, kind);
    ck_assert_uint_eq(e.arg0, id);
    e = next(w, vm, now, &insns);
    ck_assert_int_eq(e.kind, INSN_EVENT_TASK_END);
    ck_assert_uint_eq(e.nr, kind);
    ck_assert_uint_eq(e.arg0, id);
    ck_assert_uint_ge(insns, 1000);
    ck_assert_uint_le(insns, 1127);
}

START_TEST(they_arrive_in_turn_and_run_in_order)
{
    const wl_task_group g = group("q", 7, 5);
    world w = make(&g, 1, 2);
    ck_assert_uint_eq(wl_tasks_waiting(w.pool, 0, 7, 0), 3);
    ck_assert_uint_eq(wl_tasks_waiting(w.pool, 1, 7, 0), 2);
    ck_assert_uint_eq(wl_tasks_waiting(w.pool, 1, 8, 0), 0);
    one_task(&w, 0, 10 * US, 7, 0);
    one_task(&w, 0, 20 * US, 7, 2);
    ck_assert_uint_eq(wl_tasks_waiting(w.pool, 0, 7, 20 * US), 1);
    one_task(&w, 0, 30 * US, 7, 4);
    wl_task_account a;
    ck_assert_int_eq(next(&w, 0, 40 * US, NULL).kind, INSN_EVENT_SLEEP_UNTIL); /* one might be moved here yet */
    ck_assert(wl_tasks_account(w.pool, 0, 0, 40 * US, &a));
    ck_assert_uint_eq(a.response->len, 3);
    ck_assert_uint_eq(g_array_index(a.response, uint64_t, 2), 40 * US); /* from arrival to end, which the next fill tells */
    one_task(&w, 1, 10 * US, 7, 1);
    one_task(&w, 1, 20 * US, 7, 3);
    ck_assert_int_eq(next(&w, 1, 50 * US, NULL).kind, INSN_EVENT_END);
    ck_assert_int_eq(next(&w, 0, 50 * US, NULL).kind, INSN_EVENT_END);
    ck_assert_int_eq(next(&w, 0, 50 * US, NULL).kind, INSN_EVENT_END);
    wl_report report;
    wl_source_report(w.vms[0], &report);
    ck_assert_uint_ge(report.insns, 3000);
    done(&w);
}
END_TEST

START_TEST(a_task_that_waits_moves)
{
    const wl_task_group g[] = { group("q", 7, 4),
                                { .name = "own", .kind = 9, .synthetic = "loop insns=1000", .count = 1, .vms = second, .n_vms = 1, .arrive = 1 } };
    world w = make(g, 2, 2);
    const char *why;
    ck_assert(!wl_tasks_move(w.pool, 1, 0, 9, 0, &why));
    ck_assert_str_eq(why, "the VM cannot run tasks of this kind");
    ck_assert(!wl_tasks_move(w.pool, 0, 1, 8, 0, &why));
    ck_assert_str_eq(why, "no task of the kind waits there");
    one_task(&w, 0, 10 * US, 7, 0);
    ck_assert_int_eq(next(&w, 0, 20 * US, NULL).kind, INSN_EVENT_TASK_BEGIN); /* the other one of this VM has begun: it stays */
    ck_assert(!wl_tasks_move(w.pool, 0, 1, 7, 20 * US, &why));
    ck_assert(wl_tasks_move(w.pool, 1, 0, 7, 20 * US, &why));
    ck_assert_uint_eq(wl_tasks_waiting(w.pool, 0, 7, 20 * US), 1);
    ck_assert_int_eq(next(&w, 0, 30 * US, NULL).kind, INSN_EVENT_TASK_END);
    one_task(&w, 0, 40 * US, 7, 1);
    one_task(&w, 1, 40 * US, 7, 3);
    wl_task_account a;
    ck_assert(wl_tasks_account(w.pool, 0, 0, 50 * US, &a));
    ck_assert_uint_eq(a.moved_in, 1);
    ck_assert(wl_tasks_account(w.pool, 1, 0, 50 * US, &a));
    ck_assert_uint_eq(a.moved_out, 1);
    ck_assert_uint_eq(a.arrived, 2);
    done(&w);
}
END_TEST

START_TEST(one_that_arrives_wakes)
{
    const wl_task_group g[] = { group("q", 7, 2) };
    wl_task_group late = g[0];
    late.start_ps = 100 * US;
    world w = make(&late, 1, 2);
    ck_assert_uint_eq(wl_tasks_waiting(w.pool, 0, 7, 99 * US), 0);
    ck_assert_uint_eq(wl_tasks_wake(w.pool, 1, 0), UINT64_MAX); /* it does not sleep */
    insn_event e = next(&w, 1, 0, NULL);
    ck_assert_int_eq(e.kind, INSN_EVENT_SLEEP_UNTIL);
    ck_assert_uint_eq(e.arg0, 100000);
    ck_assert_uint_eq(wl_tasks_wake(w.pool, 1, 50 * US), UINT64_MAX);
    const char *why;
    ck_assert(!wl_tasks_move(w.pool, 0, 1, 7, 50 * US, &why)); /* it has not arrived */
    ck_assert_uint_eq(wl_tasks_wake(w.pool, 1, 100 * US), 100 * US);
    one_task(&w, 1, 100 * US, 7, 1);
    ck_assert_uint_eq(wl_tasks_wake(w.pool, 1, 100 * US), UINT64_MAX);
    done(&w);
}
END_TEST

START_TEST(a_vm_that_takes_no_part_gets_nothing)
{
    const wl_task_group g = group("q", 7, 4);
    world w = make(&g, 1, 1);
    const char *why;
    ck_assert(!wl_tasks_move(w.pool, 0, 1, 7, 0, &why));
    ck_assert_str_eq(why, "the VM takes no part in the run");
    one_task(&w, 0, 0, 7, 0);
    one_task(&w, 0, 0, 7, 2);
    ck_assert_int_eq(next(&w, 0, 0, NULL).kind, INSN_EVENT_END); /* what waits in a VM that is not there never comes */
    done(&w);
}
END_TEST

START_TEST(arrivals_depend_on_the_seed_alone)
{
    wl_task_group g = group("q", 7, 200);
    g.period_ps = 50 * US;
    wl_task_pool *a = wl_tasks_new(&g, 1, 2, 5), *b = wl_tasks_new(&g, 1, 2, 5), *c = wl_tasks_new(&g, 1, 2, 6);
    bool differs = false;
    for (uint64_t t = 0; t < 15000 * US; t += 10 * US) {
        ck_assert_uint_eq(wl_tasks_waiting(a, 0, 7, t), wl_tasks_waiting(b, 0, 7, t));
        differs |= wl_tasks_waiting(a, 0, 7, t) != wl_tasks_waiting(c, 0, 7, t);
    }
    ck_assert(differs);
    wl_tasks_free(a);
    /* 200 arrivals, 50 us apart in the mean */
    a = wl_tasks_new(&g, 1, 2, 5);
    ck_assert_uint_le(wl_tasks_waiting(a, 0, 7, 4000 * US) + wl_tasks_waiting(a, 1, 7, 4000 * US), 100);
    ck_assert_uint_ge(wl_tasks_waiting(a, 0, 7, 12500 * US) + wl_tasks_waiting(a, 1, 7, 12500 * US), 190);
    wl_tasks_free(a);
    wl_tasks_free(b);
    wl_tasks_free(c);
}
END_TEST

START_TEST(kinds_have_places_of_their_own)
{
    wl_task_group g[] = { group("q", 1, 2), group("r", 2, 2) };
    g[0].synthetic = g[1].synthetic = "stream ws=4KiB insns=4k";
    world w = make(g, 2, 1);
    uint64_t first[2];
    for (unsigned i = 0; i < 2; i++) {
        insn_batch batch;
        ck_assert_int_eq(next(&w, 0, 0, NULL).kind, INSN_EVENT_TASK_BEGIN);
        insn_source_fill(w.vms[0], 0, 8192, &batch);
        first[i] = batch.addrs[0];
        ck_assert_int_eq(batch.event.kind, INSN_EVENT_TASK_END);
    }
    ck_assert_uint_ge(MAX(first[0], first[1]) - MIN(first[0], first[1]), 1 << 20);
    ck_assert_uint_eq(wl_synthetic_phases("loop; stream; repeat 3"), 2);
    ck_assert_uint_eq(wl_synthetic_phases("loop; repeat forever"), 0);
    ck_assert_uint_eq(wl_synthetic_phases("lop"), 0);
    done(&w);
}
END_TEST

TCase *tasks_tests(void)
{
    TCase *t = tcase_create("tasks");
    tcase_add_test(t, they_arrive_in_turn_and_run_in_order);
    tcase_add_test(t, a_task_that_waits_moves);
    tcase_add_test(t, one_that_arrives_wakes);
    tcase_add_test(t, a_vm_that_takes_no_part_gets_nothing);
    tcase_add_test(t, arrivals_depend_on_the_seed_alone);
    tcase_add_test(t, kinds_have_places_of_their_own);
    return t;
}
