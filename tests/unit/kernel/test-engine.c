/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel-suites.h"

#include "sim-engine.h"
#include "sim-random.h"

enum { N_EVENTS = 200, N_OPS = 20000 };

/* An event, and what a naive list says of it. */
typedef struct {
    sim_event event;
    unsigned id;
    bool pending;
    sim_ps at;
    int priority;
    uint64_t seq;
} twin;

static twin twins[N_EVENTS];
static unsigned fired_last;
static unsigned n_fired;

static void on_fire(sim_event *event, void *user)
{
    const twin *t = user;
    ck_assert(!sim_event_pending(event));
    fired_last = t->id;
    n_fired++;
}

static twin *naive_first(void)
{
    twin *first = NULL;
    for (unsigned i = 0; i < N_EVENTS; i++) {
        twin *t = &twins[i];
        if (!t->pending)
            continue;
        if (!first || t->at < first->at || (t->at == first->at && t->priority < first->priority) ||
            (t->at == first->at && t->priority == first->priority && t->seq < first->seq))
            first = t;
    }
    return first;
}

START_TEST(engine_agrees_with_a_naive_list)
{
    sim_engine *engine = sim_engine_new();
    sim_random random;
    uint64_t seq = 0;
    sim_random_init(&random, 7, "engine-test");
    n_fired = 0;
    for (unsigned i = 0; i < N_EVENTS; i++) {
        twins[i] = (twin){.id = i, .priority = (int)sim_random_below(&random, 3) * 10 - 10};
        sim_event_init(&twins[i].event, on_fire, &twins[i], twins[i].priority);
    }
    for (unsigned op = 0; op < N_OPS; op++) {
        twin *t = &twins[sim_random_below(&random, N_EVENTS)];
        uint64_t kind = sim_random_below(&random, 10);
        if (kind < 5) { /* schedule or move; few different times, so that ties happen */
            t->at = sim_engine_now(engine) + sim_random_below(&random, 20);
            t->seq = seq++;
            t->pending = true;
            sim_engine_schedule(engine, &t->event, t->at);
        } else if (kind < 7) {
            t->pending = false;
            sim_engine_cancel(engine, &t->event);
        } else {
            twin *first = naive_first();
            ck_assert_uint_eq(sim_engine_next(engine), first ? first->at : SIM_PS_NEVER);
            ck_assert_int_eq(sim_engine_step(engine), first != NULL);
            if (first) {
                ck_assert_uint_eq(fired_last, first->id);
                ck_assert_uint_eq(sim_engine_now(engine), first->at);
                first->pending = false;
            }
        }
        ck_assert_int_eq(sim_event_pending(&t->event), t->pending);
    }
    ck_assert_uint_eq(sim_engine_fired(engine), n_fired);
    ck_assert_uint_gt(n_fired, N_OPS / 10);
    sim_engine_free(engine);
    for (unsigned i = 0; i < N_EVENTS; i++)
        ck_assert(!sim_event_pending(&twins[i].event));
}
END_TEST

static void fire_again(sim_event *event, void *user)
{
    sim_engine *engine = user;
    if (sim_engine_now(engine) < 50)
        sim_engine_schedule(engine, event, sim_engine_now(engine) + 10);
}

START_TEST(an_event_may_reschedule_itself)
{
    sim_engine *engine = sim_engine_new();
    sim_event event;
    sim_event_init(&event, fire_again, engine, SIM_PRIO_TICK);
    sim_engine_schedule(engine, &event, 10);
    while (sim_engine_step(engine))
        ;
    ck_assert_uint_eq(sim_engine_now(engine), 50);
    ck_assert_uint_eq(sim_engine_fired(engine), 5);
    ck_assert_uint_eq(sim_engine_next(engine), SIM_PS_NEVER);
    sim_engine_free(engine);
    sim_engine_free(NULL);
}
END_TEST

START_TEST(cycles_and_picoseconds_convert_exactly)
{
    static const uint64_t hz[] = {1, 1000000, UINT64_C(3060000000), UINT64_C(3400000000), UINT64_C(1333333333)};
    sim_random random;
    sim_random_init(&random, 1, "clock-test");
    for (unsigned i = 0; i < G_N_ELEMENTS(hz); i++)
        for (unsigned k = 0; k < 1000; k++) {
            uint64_t cycles = sim_random_below(&random, UINT64_C(1000) * hz[i]);
            sim_ps at = sim_cycles_to_ps(cycles, hz[i]);
            /* The first cycle that starts at or after a time: not after the one that starts there, and after the one before. */
            uint64_t back = sim_ps_to_cycles(at, hz[i]);
            ck_assert_uint_le(back, cycles);
            ck_assert_uint_ge(sim_cycles_to_ps(back, hz[i]) + 1, at);
            ck_assert_uint_eq(sim_ps_to_cycles(sim_cycles_to_ps(cycles + 1, hz[i]), hz[i]) > back, 1);
        }
    ck_assert_uint_eq(sim_cycles_to_ps(UINT64_C(3400000000), UINT64_C(3400000000)), SIM_PS_PER_S);
}
END_TEST

Suite *engine_suite(void)
{
    Suite *s = suite_create("engine");
    TCase *t = tcase_create("engine");
    tcase_add_test(t, engine_agrees_with_a_naive_list);
    tcase_add_test(t, an_event_may_reschedule_itself);
    tcase_add_test(t, cycles_and_picoseconds_convert_exactly);
    suite_add_tcase(s, t);
    return s;
}
