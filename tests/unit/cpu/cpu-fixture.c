/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu-fixture.h"

cpu_machine fixture_machine(unsigned cores, unsigned threads)
{
    cpu_machine m = {.n_kinds = 1, .n_packages = 1, .n_cores = cores, .n_lps = cores * threads, .mem_latency_ns = 100,
                     .mem_bandwidth = UINT64_C(64000000000), .l3 = {1 << 20, 64, 16, 40}};
    m.kinds[0] = (cpu_core_desc){
        .name = (char *)"test", .pipeline = CPU_PIPELINE_OOO, .hz = 1000000000, .threads = threads, .dispatch_width = 4, .rob = 64,
        .mshrs = 10, .mispredict = 20, .btb_miss = 5, .units = {4, 2, 2, 1, 2, 2, 3, 1, 1, 2, 1, 2},
        .latency = {1, 1, 1, 3, 4, 4, 1, 1, 20, 4, 1, 1}, .div_busy = 10, .l1i = {8192, 64, 4, 4}, .l1d = {8192, 64, 4, 4},
        .l2 = {65536, 64, 8, 14}, .itlb = {64, 4}, .dtlb = {64, 4}, .stlb = {512, 4}, .page_walk = 30, .stlb_hit = 7, .btb = {512, 4},
        .ras = 8, .gshare_bits = 12, .gshare_history = 8, .emon_counters = 4};
    m.kinds[0].pipe = (cpu_pipe_desc){.predecode_width = 4, .insn_queue = 20, .decoders = 4, .fusible_last = true, .uop_cache_width = 4,
                                      .uop_cache_branch_edge = true,
                                      .uop_queue = 28,
                                      .retire_width = 4, .scheduler = 32, .load_buffer = 24, .store_buffer = 16, .issue_delay = 1, .forward = 4,
                                      .move_pipeline = 2};
    return m;
}

void fixture_stream_init(fixture_stream *s)
{
    s->code = cpu_code_new();
    s->blocks = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    s->addrs = g_array_new(FALSE, FALSE, sizeof(uint64_t));
}

void fixture_stream_clear(fixture_stream *s)
{
    cpu_code_free(s->code);
    g_array_free(s->blocks, TRUE);
    g_array_free(s->addrs, TRUE);
}

static const insn_block_facts *define(fixture_stream *s, uint64_t addr, const char *hex)
{
    uint8_t bytes[256];
    uint16_t n = 0;
    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        bytes[n++] = (uint8_t)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
        hex++;
    }
    return s->code->define(s->code, addr, bytes, n, 0, NULL, 0);
}

const cpu_block *fixture_block(fixture_stream *s, uint64_t addr, const char *hex)
{
    return cpu_code_block(s->code, define(s, addr, hex)->id);
}

uint32_t fixture_cost(const cpu_core_desc *core, const cpu_block *pred, const cpu_block *block)
{
    cpu_sched_code *code = cpu_sched_compile(core, block), *before = pred && pred != block ? cpu_sched_compile(core, pred) : NULL;
    uint32_t cost = cpu_sched_cost(before ? before : pred ? code : NULL, code);
    cpu_sched_free(before);
    cpu_sched_free(code);
    return cost;
}

void fixture_exec(fixture_stream *s, uint64_t addr, const char *hex, unsigned n, const uint64_t *accesses)
{
    const insn_block_facts *f = define(s, addr, hex);
    ck_assert_uint_eq(f->n_slots, n);
    g_array_append_val(s->blocks, f->id);
    g_array_append_vals(s->addrs, accesses, n);
}

uint64_t fixture_run(cpu_lp *lp, cpu_space *space, const fixture_stream *s)
{
    uint64_t begin = cpu_lp_clock(lp);
    insn_batch batch = {.blocks = (const uint32_t *)(const void *)s->blocks->data, .n_blocks = s->blocks->len,
                        .addrs = (const uint64_t *)(const void *)s->addrs->data, .n_addrs = s->addrs->len};
    cpu_lp_start(lp, space);
    cpu_lp_feed(lp, &batch, 0, 0);
    ck_assert(cpu_lp_run(lp, UINT64_MAX));
    cpu_lp_stop(lp);
    return (cpu_lp_clock(lp) - begin) / CPU_SUB;
}

int fixture_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
