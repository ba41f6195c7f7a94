/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The out-of-order pipeline, a mechanism at a time: blocks made by hand, cycles that follow from the mechanism. */
#include "cpu-fixture.h"
#include "cpu-pipe-run.h"
#include "cpu-throughput.h"

#include <string.h>

enum { R0 = CPU_XR_GPR, R1, R2, R3, R4, R5, R6, R7, NONE = 99 };
enum { ALU = 0x63, P0 = 1, P1 = 2, P5 = 0x20, LOADS = 0x0c, STA = 0x8c, STD = 0x10 };

#define MAX_UOPS 160
typedef struct {
    cpu_xuop uops[MAX_UOPS];
    cpu_xinsn insns[MAX_UOPS];
    cpu_xoperand operands[3]; /* expressions 1 to 3: the same, 64 and 4 bytes further on */
    cpu_xblock block;
} program;

static cpu_machine *machine;
static cpu_core_desc core; /* a copy of Skylake's that a test may change */

static void set_up(void)
{
    machine = cpu_machine_load("skylake", NULL, NULL);
    ck_assert_ptr_nonnull(machine);
    core = machine->kinds[0];
}

static void tear_down(void)
{
    cpu_machine_free(machine);
}

static uint64_t bit(int reg)
{
    return reg == NONE ? 0 : UINT64_C(1) << reg;
}

static cpu_xinsn *insn(program *p, unsigned length)
{
    cpu_xinsn *x = &p->insns[p->block.n_insns++];
    *x = (cpu_xinsn){.length = (uint8_t)length};
    p->block.bytes = (uint16_t)(p->block.bytes + length);
    p->block.insns = p->insns;
    p->block.uops = p->uops;
    p->operands[1].disp = 64;
    p->operands[2].disp = 4;
    p->block.operands = p->operands;
    p->block.n_operands = 3;
    return x;
}

/* A micro-op of the last instruction. */
static cpu_xuop *uop(program *p, unsigned ports, unsigned latency, int to, int from, unsigned flags)
{
    cpu_xuop *u = &p->uops[p->block.n_uops++];
    cpu_xinsn *x = &p->insns[p->block.n_insns - 1];
    *u = (cpu_xuop){.reads = bit(from), .writes = bit(to), .ports = (uint16_t)ports, .latency = (uint8_t)latency, .flags = (uint8_t)flags,
                    .insn = (uint8_t)(p->block.n_insns - 1), .slot = -1};
    x->n_uops++;
    x->n_decode += !(flags & (CPU_XU_FUSED | CPU_XU_LAMINATED));
    p->block.n_slots_used += !(flags & CPU_XU_FUSED);
    if (x->n_decode > 1)
        x->flags |= CPU_XI_COMPLEX;
    return u;
}

static void op(program *p, unsigned length, unsigned ports, unsigned latency, int to, int from)
{
    insn(p, length);
    uop(p, ports, latency, to, from, 0);
}

static void load(program *p, unsigned length, int to, int base, unsigned expression)
{
    insn(p, length);
    cpu_xuop *u = uop(p, LOADS, 5, to, base, 0);
    u->kind = CPU_XK_LOAD;
    u->expression = (uint16_t)expression;
    u->size = 8;
    u->slot = 0;
}

static void store(program *p, unsigned length, int data, int base, unsigned expression)
{
    insn(p, length);
    cpu_xuop *u = uop(p, STA, 1, NONE, base, 0);
    u->kind = CPU_XK_STORE_ADDRESS;
    u->expression = (uint16_t)expression;
    u->size = 8;
    u->slot = 0;
    u = uop(p, STD, 1, NONE, data, CPU_XU_FUSED);
    u->kind = CPU_XK_STORE_DATA;
    u->slot = 0;
}

static cpu_throughput measure(program *p, cpu_repeat repeat)
{
    cpu_throughput t;
    cpu_throughput_measure(&core, &p->block, repeat, &t, NULL);
    return t;
}

#define assert_cycles(p, repeat, expected, tolerance) ck_assert_double_eq_tol(measure(p, repeat).cycles, expected, tolerance)

START_TEST(rename_width)
{
    program p = {0};
    for (int i = 0; i < 8; i++)
        op(&p, 2, ALU, 1, R0 + i, NONE);
    assert_cycles(&p, CPU_REPEAT_UNROLL, 2, 0.02);
    ck_assert_int_eq(measure(&p, CPU_REPEAT_UNROLL).bound, CPU_BOUND_WIDTH);
}
END_TEST

START_TEST(dependence_chain)
{
    program p = {0};
    op(&p, 3, P1, 3, R0, R0);
    op(&p, 3, ALU, 1, R0, R0);
    assert_cycles(&p, CPU_REPEAT_UNROLL, 4, 0.001);
    ck_assert_int_eq(measure(&p, CPU_REPEAT_UNROLL).bound, CPU_BOUND_LATENCY);
}
END_TEST

START_TEST(one_port)
{
    program p = {0};
    op(&p, 3, P5, 1, R0, NONE);
    op(&p, 3, P5, 1, R1, NONE);
    op(&p, 3, ALU, 1, R2, NONE); /* binding keeps it away from the busy port */
    cpu_throughput t = measure(&p, CPU_REPEAT_UNROLL);
    ck_assert_double_eq_tol(t.cycles, 2, 0.05);
    ck_assert_int_eq(t.bound, CPU_BOUND_PORT);
    ck_assert_uint_eq(t.bound_port, 5);
    ck_assert_double_eq_tol(t.ports[5], 2, 0.1);
}
END_TEST

START_TEST(divider_is_not_pipelined)
{
    program p = {0};
    op(&p, 3, P0, 20, R0, NONE);
    p.uops[0].busy = 6;
    op(&p, 3, P0, 1, R1, NONE); /* the port itself is free meanwhile */
    cpu_throughput t = measure(&p, CPU_REPEAT_UNROLL);
    ck_assert_double_eq_tol(t.cycles, 6, 0.001);
    ck_assert_int_eq(t.bound, CPU_BOUND_DIVIDER);
}
END_TEST

START_TEST(predecoder)
{
    program p = {0};
    for (int i = 0; i < 4; i++)
        op(&p, 8, ALU, 1, R0 + i, NONE);
    cpu_throughput t = measure(&p, CPU_REPEAT_UNROLL); /* 32 bytes */
    ck_assert_double_eq_tol(t.cycles, 2, 0.001);
    ck_assert_int_eq(t.bound, CPU_BOUND_PREDECODE);

    program prefix = {0};
    for (int i = 0; i < 4; i++) {
        op(&prefix, 4, ALU, 1, R0 + i, NONE);
        prefix.insns[i].flags |= CPU_XI_LCP;
    }
    assert_cycles(&prefix, CPU_REPEAT_UNROLL, 13, 0.3); /* 3 for each in the 16 bytes, and one for these */
}
END_TEST

START_TEST(one_complex_decoder)
{
    program p = {0};
    for (int i = 0; i < 4; i++) {
        insn(&p, 3);
        uop(&p, ALU, 1, R0 + i, NONE, 0);
        uop(&p, ALU, 1, R4, NONE, 0);
    }
    cpu_throughput t = measure(&p, CPU_REPEAT_UNROLL);
    ck_assert_double_eq_tol(t.cycles, 4, 0.001);
    ck_assert_int_eq(t.bound, CPU_BOUND_DECODE);
    assert_cycles(&p, CPU_REPEAT_LOOP, 2, 0.1); /* from the micro-op cache: four a cycle */
}
END_TEST

START_TEST(micro_fusion)
{
    program fused = {0}, laminated = {0};
    for (int i = 0; i < 4; i++) {
        insn(&fused, 3);
        uop(&fused, LOADS, 5, CPU_XR_TEMP, R7, 0)->kind = CPU_XK_LOAD;
        uop(&fused, ALU, 1, R0 + i, CPU_XR_TEMP, CPU_XU_FUSED);
        insn(&laminated, 3);
        uop(&laminated, LOADS, 5, CPU_XR_TEMP, R7, 0)->kind = CPU_XK_LOAD;
        uop(&laminated, ALU, 1, R0 + i, CPU_XR_TEMP, CPU_XU_LAMINATED);
    }
    for (int i = 0; i < 4; i++) { /* fill the width: loads alone would take two cycles */
        op(&fused, 3, ALU, 1, R4 + i % 2, NONE);
        op(&laminated, 3, ALU, 1, R4 + i % 2, NONE);
    }
    assert_cycles(&fused, CPU_REPEAT_LOOP, 2, 0.1);
    assert_cycles(&laminated, CPU_REPEAT_LOOP, 3, 0.1);
}
END_TEST

START_TEST(move_elimination)
{
    program p = {0};
    insn(&p, 3);
    uop(&p, ALU, 1, R1, R0, CPU_XU_MOVE);
    op(&p, 3, ALU, 1, R0, R1);
    assert_cycles(&p, CPU_REPEAT_UNROLL, 1, 0.01);
    core.pipe.move_gpr = 0;
    assert_cycles(&p, CPU_REPEAT_UNROLL, 2, 0.01);
}
END_TEST

START_TEST(move_elimination_slots)
{
    /* Each slot is in use until all its registers have been overwritten: too few for all of these moves. */
    program p = {0};
    for (int i = 0; i < 4; i++) {
        insn(&p, 3);
        uop(&p, ALU, 1, R4 + i, R0 + i, CPU_XU_MOVE);
    }
    ck_assert_double_eq_tol(measure(&p, CPU_REPEAT_UNROLL).uops, 4, 0.001); /* the sources live for ever */
    for (int i = 0; i < 4; i++)
        op(&p, 3, ALU, 1, R0 + i, NONE);
    cpu_throughput t = measure(&p, CPU_REPEAT_UNROLL);
    ck_assert_double_gt(t.uops, 4.5);
    ck_assert_double_lt(t.uops, 7.5);
}
END_TEST

START_TEST(fast_pointer_chase)
{
    program p = {0};
    load(&p, 3, R0, R0, 1);
    assert_cycles(&p, CPU_REPEAT_UNROLL, 5, 0.001);
    p.uops[0].flags = CPU_XU_SIMPLE | CPU_XU_POINTER;
    assert_cycles(&p, CPU_REPEAT_UNROLL, 4, 0.001);
}
END_TEST

START_TEST(forwarding_by_expression)
{
    program p = {0};
    load(&p, 3, R0, R7, 1);
    op(&p, 3, ALU, 1, R0, R0);
    store(&p, 3, R0, R7, 1);
    /* Load to use from the store's data: 4 after it is ready, which is one after it issues; then the addition. */
    double cycles = measure(&p, CPU_REPEAT_UNROLL).cycles;
    ck_assert_double_ge(cycles, 5);
    ck_assert_double_le(cycles, 7);
    p.uops[2].expression = 2; /* another place */
    assert_cycles(&p, CPU_REPEAT_UNROLL, 1, 0.2);
    p.uops[2].expression = 3; /* a part of it */
    ck_assert_double_gt(measure(&p, CPU_REPEAT_UNROLL).cycles, 12);
    p.uops[2].expression = 1;
    op(&p, 3, ALU, 1, R7, R7); /* the same expression, but another address each time */
    ck_assert_double_le(measure(&p, CPU_REPEAT_UNROLL).cycles, 2);
}
END_TEST

/* ---- the engine, block by block ------------------------------------------------------------------------------------- */

/* Runs `n` copies; the pipe, to be freed. */
static cpu_pipe *run_times(const program *p, unsigned n)
{
    cpu_pipe *pipe = cpu_pipe_new(&core);
    cpu_pipe_code *code = cpu_pipe_compile(&core, &p->block);
    pipe->legacy_only = true;
    for (unsigned i = 0; i < n; i++)
        cpu_pipe_block(pipe, code, i * code->bytes);
    cpu_pipe_code_free(code);
    return pipe;
}

START_TEST(reorder_buffer_bounds_overlap)
{
    program p = {0};
    load(&p, 3, R0, R7, 0);
    p.uops[0].latency = 250;
    for (int i = 0; i < 15; i++)
        op(&p, 1, ALU, 1, R1, NONE);
    cpu_pipe *pipe = run_times(&p, 56); /* 896 micro-ops: four reorder buffers full */
    ck_assert_uint_gt(pipe->retired_at, 4 * 250);
    ck_assert_uint_lt(pipe->retired_at, 5 * 250 + 100);
    ck_assert_uint_gt(pipe->lost[CPU_PIPE_LOST_ROB], 3 * 100 * 4);
    cpu_pipe_free(pipe);
}
END_TEST

START_TEST(load_and_store_buffers)
{
    program loads = {0}, stores = {0};
    load(&loads, 3, R0, R7, 0);
    loads.uops[0].latency = 200;
    cpu_pipe *pipe = run_times(&loads, 300);
    ck_assert_uint_gt(pipe->lost[CPU_PIPE_LOST_LOADS], 3 * 100 * 4);
    cpu_pipe_free(pipe);
    load(&stores, 3, R0, R7, 0);
    stores.uops[0].latency = 200;
    for (int i = 0; i < 60; i++) /* more than there are entries, behind a load that holds retirement */
        store(&stores, 3, R1, R7, 0);
    pipe = run_times(&stores, 4);
    ck_assert_uint_gt(pipe->lost[CPU_PIPE_LOST_STORES], 100 * 4);
    cpu_pipe_free(pipe);
}
END_TEST

START_TEST(a_long_wait_needs_no_long_search)
{
    program p = {0};
    load(&p, 3, R0, R0, 0); /* a chain that runs far ahead of rename, beyond what the rings reach */
    p.uops[0].latency = 250;
    cpu_pipe *pipe = run_times(&p, 2000);
    ck_assert_uint_ge(pipe->retired_at, 2000 * 250);
    cpu_pipe_free(pipe);
}
END_TEST

START_TEST(a_scratch_pipe_follows_its_machine)
{
    /* The same place, another machine: what a thread keeps must not be taken for it. */
    program p = {0};
    op(&p, 2, ALU, 1, R0, NONE);
    op(&p, 2, ALU, 1, R1, NONE);
    ck_assert_double_eq_tol(measure(&p, CPU_REPEAT_LOOP).cycles, 1, 0.01); /* a taken branch a cycle */
    core.dispatch_width = 1;
    ck_assert_double_eq_tol(measure(&p, CPU_REPEAT_LOOP).cycles, 2, 0.01);
}
END_TEST

START_TEST(costs_of_pairs)
{
    program a = {0}, b = {0};
    op(&a, 3, P1, 3, R0, R0);
    insn(&a, 2)->flags = CPU_XI_BRANCH;
    uop(&a, 0x41, 1, NONE, NONE, 0);
    op(&b, 3, P1, 3, R1, R1);
    a.block.branch = CPU_BR_JUMP;
    b.block.addr = 0x1000;
    cpu_pipe_code *x = cpu_pipe_compile(&core, &a.block), *y = cpu_pipe_compile(&core, &b.block);
    ck_assert_uint_eq(cpu_pipe_cost(&core, x, x), 3 * 64);
    uint32_t both = cpu_pipe_cost(&core, x, y) + cpu_pipe_cost(&core, y, x);
    ck_assert_uint_ge(both, 3 * 64 - 1); /* two independent chains side by side */
    ck_assert_uint_le(both, 3 * 64 + 8);
    ck_assert_uint_eq(cpu_pipe_cost(&core, NULL, x), 2 * 64 / 4);
    ck_assert_uint_eq(cpu_pipe_cost(&core, x, y), cpu_pipe_cost(&core, x, y));
    cpu_pipe_code_free(x);
    cpu_pipe_code_free(y);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pipe");
    TCase *t = tcase_create("throughput");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, rename_width);
    tcase_add_test(t, dependence_chain);
    tcase_add_test(t, one_port);
    tcase_add_test(t, divider_is_not_pipelined);
    tcase_add_test(t, predecoder);
    tcase_add_test(t, one_complex_decoder);
    tcase_add_test(t, micro_fusion);
    tcase_add_test(t, move_elimination);
    tcase_add_test(t, move_elimination_slots);
    tcase_add_test(t, fast_pointer_chase);
    tcase_add_test(t, forwarding_by_expression);
    suite_add_tcase(s, t);
    t = tcase_create("engine");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, reorder_buffer_bounds_overlap);
    tcase_add_test(t, load_and_store_buffers);
    tcase_add_test(t, a_long_wait_needs_no_long_search);
    tcase_add_test(t, a_scratch_pipe_follows_its_machine);
    tcase_add_test(t, costs_of_pairs);
    suite_add_tcase(s, t);
    return fixture_main(s);
}
