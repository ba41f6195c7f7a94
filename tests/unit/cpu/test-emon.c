/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EMON registers: programming, overflow found from outside, thresholds. The figures are those of cpu-fixture.h. */
#include "cpu-fixture.h"

#include "sim-emon-code.h"
#include "sim-error.h"

static const char *const LOAD = "488b08";                             /* mov rcx,[rax] */
static const char *const ADDS = "4883c001 4883c301 4883c101 4883c201"; /* four independent additions: a cycle */

static cpu_machine machine;
static cpu_complex *complex_;
static fixture_stream s;
static cpu_space *space;
static cpu_lp *lp;

static void setup(void)
{
    machine = fixture_machine(1, 1);
    complex_ = cpu_complex_new(&machine);
    fixture_stream_init(&s);
    space = cpu_space_new(s.code, 1);
    lp = cpu_complex_lp(complex_, 0);
    fixture_exec(&s, 0x1000, ADDS, 0, NULL); /* the code is warm from here on */
    fixture_run(lp, space, &s);
    g_array_set_size(s.blocks, 0);
}

static void teardown(void)
{
    cpu_space_free(space);
    cpu_complex_free(complex_);
    fixture_stream_clear(&s);
}

static void program(unsigned counter, sim_emon_config config)
{
    g_autoptr(GError) error = NULL;
    ck_assert_msg(cpu_lp_emon_program(lp, counter, &config, &error), "%s", error ? error->message : "");
}

static void feed(void)
{
    insn_batch batch = {.blocks = (const uint32_t *)(const void *)s.blocks->data, .n_blocks = s.blocks->len,
                        .addrs = (const uint64_t *)(const void *)s.addrs->data, .n_addrs = s.addrs->len};
    cpu_lp_start(lp, space);
    cpu_lp_feed(lp, &batch, 0, 0);
}

static void adds(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fixture_exec(&s, 0x1000, ADDS, 0, NULL);
}

static uint64_t truth(enum sim_emon_event event)
{
    uint64_t counts[SIM_EV_COUNT];
    cpu_lp_counts(lp, counts);
    return counts[event];
}

START_TEST(counters_wrap_at_48_bits_and_say_so)
{
    program(0, (sim_emon_config){.event = SIM_EV_INSTRUCTIONS, .period = 100});
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 0), SIM_EMON_MASK + 1 - 100);
    adds(24);
    feed();
    ck_assert(cpu_lp_run(lp, UINT64_MAX));
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 0), SIM_EMON_MASK + 1 - 4);
    ck_assert_uint_eq(cpu_lp_emon_status(lp), 0);
    feed();
    cpu_lp_run(lp, UINT64_MAX);
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 0), 92);
    ck_assert_uint_eq(cpu_lp_emon_status(lp), sim_emon_bit(0));
    cpu_lp_emon_acknowledge(lp, sim_emon_bit(0));
    ck_assert_uint_eq(cpu_lp_emon_status(lp), 0); /* the next one is 2^48 away */
    ck_assert(!cpu_lp_emon_due(lp));              /* nobody asked for an interrupt */
}
END_TEST

START_TEST(a_counter_that_is_off_holds_its_value)
{
    program(1, (sim_emon_config){.event = SIM_EV_UOPS, .off = true, .period = 50});
    adds(100);
    feed();
    cpu_lp_run(lp, UINT64_MAX);
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 1), SIM_EMON_MASK + 1 - 50);
    ck_assert_uint_eq(cpu_lp_emon_status(lp), 0);
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 2), 0); /* never programmed */
}
END_TEST

START_TEST(fixed_counters_count_from_power_on_until_they_are_programmed)
{
    ck_assert_uint_eq(cpu_lp_emon_fixed(lp, 0), 4);
    ck_assert_uint_eq(cpu_lp_emon_read(lp, SIM_EMON_FIXED_INSNS), 4);
    program(SIM_EMON_FIXED_INSNS, (sim_emon_config){.event = SIM_EV_INSTRUCTIONS, .period = 8, .interrupt = true});
    adds(10);
    feed();
    ck_assert(!cpu_lp_emon_run(lp, UINT64_MAX));
    ck_assert_uint_eq(truth(SIM_EV_INSTRUCTIONS), 4 + 8);
    ck_assert_uint_eq(cpu_lp_emon_take(lp), sim_emon_bit(SIM_EMON_FIXED_INSNS));
    ck_assert_uint_eq(cpu_lp_emon_status(lp), UINT64_C(1) << 32);
    ck_assert_uint_eq(cpu_lp_emon_fixed(lp, 0), 0);
}
END_TEST

/* Runs to the end; how often it was interrupted. Checks that each interrupt comes with the block that crosses the next multiple of `period`. */
static unsigned interrupts(enum sim_emon_event event, uint64_t period, uint64_t per_block, unsigned *steps)
{
    unsigned n = 0;
    sim_emon_config config = {.event = event, .period = period, .interrupt = true};
    program(3, config);
    feed();
    uint64_t base = truth(event);
    *steps = 0;
    for (;;) {
        uint64_t limit = cpu_lp_emon_limit(lp), clock = cpu_lp_clock(lp);
        ck_assert_uint_gt(limit, clock);
        bool dry = cpu_lp_emon_run(lp, limit); /* as far as is safe */
        ++*steps;
        uint64_t count = truth(event) - base;
        if (cpu_lp_emon_due(lp)) {
            ck_assert_uint_eq(cpu_lp_emon_take(lp), sim_emon_bit(3));
            ck_assert_msg(count >= period && count < period + per_block, "%" G_GUINT64_FORMAT " after %" G_GUINT64_FORMAT, count, period);
            n++;
            program(3, config);
            base = truth(event);
        } else {
            ck_assert_msg(count < period, "%" G_GUINT64_FORMAT " without an interrupt at %" G_GUINT64_FORMAT, count, period);
        }
        if (dry) {
            cpu_lp_stop(lp);
            return n;
        }
    }
}

START_TEST(overflows_are_found_at_the_block_that_brings_them)
{
    unsigned steps;
    adds(10000);
    ck_assert_uint_eq(interrupts(SIM_EV_INSTRUCTIONS, 1000, 4, &steps), 40);
    ck_assert_uint_le(steps, 40 * 25); /* from 1,000 to 1 by three quarters each: 24 */
    ck_assert_uint_eq(interrupts(SIM_EV_INSTRUCTIONS, 999, 4, &steps), 40);
    ck_assert_uint_eq(interrupts(SIM_EV_CYCLES, 500, 2, &steps), 20);
    ck_assert_uint_le(steps, 20 * 3); /* cycles come at a known rate */
}
END_TEST

START_TEST(rare_events)
{
    /* A new line every 100 blocks. */
    unsigned steps;
    for (uint64_t i = 0; i < 300; i++) {
        adds(99);
        fixture_exec(&s, 0x1010, LOAD, 1, &(uint64_t){0x1000000 + i * 64});
    }
    ck_assert_uint_eq(interrupts(SIM_EV_L1D_LOAD_MISSES, 50, 1, &steps), 6);
}
END_TEST

START_TEST(interrupts_change_no_timing)
{
    for (uint64_t i = 0; i < 2000; i++) {
        adds(3);
        fixture_exec(&s, 0x1010, LOAD, 1, &(uint64_t){0x1000000 + i % 700 * 64});
        fixture_exec(&s, 0x1020, i % 7 ? "85c0 7502" : "85c0 7402", 0, NULL);
    }
    fixture_run(lp, space, &s);
    uint64_t plain[SIM_EV_COUNT], watched[SIM_EV_COUNT];
    cpu_lp_counts(lp, plain);
    GArray *blocks = g_array_ref(s.blocks), *addrs = g_array_ref(s.addrs);
    cpu_complex_free(complex_);
    complex_ = cpu_complex_new(&machine);
    lp = cpu_complex_lp(complex_, 0);
    uint32_t first = 0;
    insn_batch warm = {.blocks = &first, .n_blocks = 1};
    cpu_lp_start(lp, space);
    cpu_lp_feed(lp, &warm, 0, 0);
    cpu_lp_run(lp, UINT64_MAX);
    cpu_lp_stop(lp);
    program(0, (sim_emon_config){.event = SIM_EV_L1D_LOADS, .period = 37, .interrupt = true});
    program(1, (sim_emon_config){.event = SIM_EV_UOPS, .threshold = 2});
    insn_batch batch = {.blocks = (const uint32_t *)(const void *)blocks->data, .n_blocks = blocks->len,
                        .addrs = (const uint64_t *)(const void *)addrs->data, .n_addrs = addrs->len};
    cpu_lp_start(lp, space);
    cpu_lp_feed(lp, &batch, 0, 0);
    while (!cpu_lp_emon_run(lp, UINT64_MAX)) {
        ck_assert(cpu_lp_emon_take(lp));
        program(0, (sim_emon_config){.event = SIM_EV_L1D_LOADS, .period = 37, .interrupt = true});
    }
    cpu_lp_stop(lp);
    cpu_lp_counts(lp, watched);
    g_array_unref(blocks);
    g_array_unref(addrs);
    for (unsigned e = 0; e < SIM_EV_COUNT; e++)
        ck_assert_msg(plain[e] == watched[e], "%s: %" G_GUINT64_FORMAT " became %" G_GUINT64_FORMAT, sim_emon_events[e].name, plain[e], watched[e]);
}
END_TEST

/* ---- thresholds ------------------------------------------------------------------------------------------------- */

static uint64_t thresholded(sim_emon_config config)
{
    program(0, config);
    feed();
    ck_assert(cpu_lp_emon_run(lp, UINT64_MAX));
    uint64_t value = cpu_lp_emon_read(lp, 0);
    cpu_lp_stop(lp);
    return value;
}

START_TEST(cycles_by_micro_ops)
{
    /* 1,000 cycles of four micro-ops each, then a chain of 300 additions at one a cycle. */
    adds(1000);
    for (unsigned i = 0; i < 100; i++)
        fixture_exec(&s, 0x1010, "4801d8 4801d8 4801d8", 0, NULL); /* add rax,rbx: each waits for the one before */
    uint64_t of_uops[6];
    for (uint8_t n = 1; n <= 5; n++)
        of_uops[n] = thresholded((sim_emon_config){.event = SIM_EV_UOPS, .threshold = n});
    ck_assert_uint_ge(of_uops[1], 1295);
    ck_assert_uint_le(of_uops[1], 1305);
    for (unsigned n = 2; n <= 4; n++) {
        ck_assert_uint_ge(of_uops[n], 995);
        ck_assert_uint_le(of_uops[n], 1005);
    }
    ck_assert_uint_le(of_uops[5], 5);
    uint64_t fewer = thresholded((sim_emon_config){.event = SIM_EV_UOPS, .threshold = 4, .invert = true});
    ck_assert_uint_ge(fewer, 295);
    ck_assert_uint_le(fewer, 305);
    /* Once from the additions to the chain. */
    ck_assert_uint_eq(thresholded((sim_emon_config){.event = SIM_EV_UOPS, .threshold = 2, .edge = true}), 1);
}
END_TEST

START_TEST(stalls_and_cycles_without_issue)
{
    /* Ten times: a load that nobody waits for but the core's end, 140 cycles. */
    uint64_t episodes = 0, cycles = 0, none = 0;
    for (uint64_t i = 0; i < 10; i++) {
        g_array_set_size(s.blocks, 0);
        g_array_set_size(s.addrs, 0);
        fixture_exec(&s, 0x1000, LOAD, 1, &(uint64_t){0x1000000 + i * 64});
        program(0, (sim_emon_config){.event = SIM_EV_STALLS_MEM, .threshold = 1, .edge = true});
        program(1, (sim_emon_config){.event = SIM_EV_STALLS_MEM, .threshold = 1});
        program(2, (sim_emon_config){.event = SIM_EV_UOPS, .threshold = 1, .invert = true});
        feed();
        ck_assert(cpu_lp_emon_run(lp, UINT64_MAX));
        cpu_lp_stop(lp);
        episodes += cpu_lp_emon_read(lp, 0);
        cycles += cpu_lp_emon_read(lp, 1);
        none += cpu_lp_emon_read(lp, 2);
    }
    ck_assert_uint_eq(episodes, 10);
    ck_assert_uint_eq(cycles, truth(SIM_EV_STALLS_MEM));
    ck_assert_uint_ge(cycles, 10 * 135);
    ck_assert_uint_le(none - cycles, 200); /* ... and those of the first page walk and of rounding */
}
END_TEST

/* ---- what cannot be had ------------------------------------------------------------------------------------------ */

static void refused(unsigned counter, sim_emon_config config, const char *word)
{
    g_autoptr(GError) error = NULL;
    ck_assert(!cpu_lp_emon_program(lp, counter, &config, &error));
    ck_assert(error->domain == SIM_ERROR && error->code == SIM_ERROR_INPUT);
    ck_assert_msg(strstr(error->message, word), "%s", error->message);
}

START_TEST(bad_programming_is_refused)
{
    refused(4, (sim_emon_config){.event = SIM_EV_CYCLES}, "0 to 3");
    refused(SIM_EMON_FIXED + 3, (sim_emon_config){.event = SIM_EV_CYCLES}, "0 to 2");
    refused(SIM_EMON_FIXED_INSNS, (sim_emon_config){.event = SIM_EV_CYCLES}, "counts instructions");
    refused(SIM_EMON_FIXED_CYCLES, (sim_emon_config){.event = SIM_EV_CYCLES, .threshold = 1}, "counts cycles");
    refused(0, (sim_emon_config){.event = SIM_EV_COUNT}, "no EMON event");
    refused(0, (sim_emon_config){.event = SIM_EV_CYCLES, .period = SIM_EMON_MASK + 1}, "48 bits");
    refused(0, (sim_emon_config){.event = SIM_EV_CYCLES, .interrupt = true}, "needs a period");
    ck_assert_uint_eq(cpu_lp_emon_limit(lp), UINT64_MAX);
    ck_assert(!cpu_lp_emon_watched(lp));
}
END_TEST

START_TEST(raw_codes)
{
    g_autoptr(GError) error = NULL;
    sim_emon_config config;
    ck_assert(sim_emon_parse("r00c5", &config, NULL));
    ck_assert_uint_eq(config.event, SIM_EV_BRANCH_MISSES);
    ck_assert_uint_eq(config.threshold, 0);
    ck_assert(sim_emon_parse("rc5", &config, NULL));
    ck_assert(sim_emon_parse("r0c000ca3", &config, NULL)); /* the counter mask is part of the vendor's event */
    ck_assert_uint_eq(config.event, SIM_EV_STALLS_L1D_MISS);
    ck_assert_uint_eq(config.threshold, 0);
    ck_assert(sim_emon_parse("r180010e", &config, NULL)); /* uops_issued.stall_cycles */
    ck_assert_uint_eq(config.event, SIM_EV_UOPS_ISSUED);
    ck_assert(config.threshold == 1 && config.invert && !config.edge);
    ck_assert(sim_emon_parse("LLC-load-misses", &config, NULL));
    ck_assert_uint_eq(config.event, SIM_EV_LLC_LOAD_MISSES);
    for (unsigned e = 0; e < SIM_EV_COUNT; e++) { /* each code leads back to an event of that code */
        if (!sim_emon_events[e].raw)
            continue;
        ck_assert(sim_emon_from_raw(sim_emon_events[e].raw, &config, NULL));
        ck_assert_uint_eq(config.event, e);
    }
    static const char *const bad[] = {"r0", "rffff", "r12345678901234567", "r2000c0", "r", "rc0x"};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        ck_assert_msg(!sim_emon_parse(bad[i], &config, &error), "%s", bad[i]);
        ck_assert_msg(strstr(error->message, i < 4 ? "valid: r00c0" : "no event 'r"), "%s: %s", bad[i], error->message);
        g_clear_error(&error);
    }
    ck_assert(!sim_emon_parse("branch-mises", &config, &error));
    ck_assert_msg(strstr(error->message, "branch-misses"), "%s", error->message);
}
END_TEST

/* While somebody else has the processor, counters stand still, overflow nowhere and interrupt nobody; then they go on as if nothing had been. */
START_TEST(held_counters_stand_still)
{
    program(0, (sim_emon_config){.event = SIM_EV_INSTRUCTIONS, .period = 100, .interrupt = true});
    program(1, (sim_emon_config){.event = SIM_EV_UOPS, .threshold = 4});
    adds(10);
    feed();
    ck_assert(cpu_lp_emon_run(lp, UINT64_MAX));
    cpu_lp_stop(lp);
    uint64_t insns = cpu_lp_emon_read(lp, 0), full = cpu_lp_emon_read(lp, 1), fixed = cpu_lp_emon_fixed(lp, 0);
    ck_assert_uint_eq(insns, SIM_EMON_MASK + 1 - 60);
    cpu_lp_emon_hold(lp, true);
    ck_assert(!cpu_lp_emon_watched(lp));
    g_array_set_size(s.blocks, 0);
    adds(100);
    feed();
    ck_assert(cpu_lp_run(lp, UINT64_MAX));
    cpu_lp_stop(lp);
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 0), insns);
    ck_assert_uint_eq(cpu_lp_emon_status(lp), 0);
    program(2, (sim_emon_config){.event = SIM_EV_INSTRUCTIONS}); /* begins with what comes after */
    cpu_lp_emon_hold(lp, false);
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 0), insns);
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 1), full);
    ck_assert_uint_eq(cpu_lp_emon_fixed(lp, 0), fixed);
    ck_assert(cpu_lp_emon_watched(lp));
    g_array_set_size(s.blocks, 0);
    adds(14);
    feed();
    ck_assert(cpu_lp_emon_run(lp, UINT64_MAX));
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 0), SIM_EMON_MASK + 1 - 4);
    ck_assert(!cpu_lp_emon_due(lp));
    cpu_lp_stop(lp);
    g_array_set_size(s.blocks, 0);
    adds(1);
    feed();
    cpu_lp_emon_run(lp, UINT64_MAX);
    ck_assert(cpu_lp_emon_due(lp));
    ck_assert_uint_eq(cpu_lp_emon_read(lp, 2), 60);
    ck_assert_uint_eq(cpu_lp_emon_fixed(lp, 0) - fixed, 60);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-emon");
    TCase *t = tcase_create("emon");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, counters_wrap_at_48_bits_and_say_so);
    tcase_add_test(t, a_counter_that_is_off_holds_its_value);
    tcase_add_test(t, fixed_counters_count_from_power_on_until_they_are_programmed);
    tcase_add_test(t, overflows_are_found_at_the_block_that_brings_them);
    tcase_add_test(t, rare_events);
    tcase_add_test(t, interrupts_change_no_timing);
    tcase_add_test(t, cycles_by_micro_ops);
    tcase_add_test(t, stalls_and_cycles_without_issue);
    tcase_add_test(t, bad_programming_is_refused);
    tcase_add_test(t, raw_codes);
    tcase_add_test(t, held_counters_stand_still);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
