/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cycles of the in-order pipelines, each worked out by hand. */
#include "cpu-fixture.h"

#include "cpu-inorder-run.h"

#include <string.h>

enum { R0 = CPU_XR_GPR, R1, R2, R3, R4, R5, R6, R7, X0 = CPU_XR_VEC, X1, FLAGS = CPU_XR_FLAGS, TEMP = CPU_XR_TEMP, NONE = 99 };

/* Two wide: port 0 has loads, stores, multiplication and division; ALUs are ports 0 and 1; branches port 1. */
static cpu_core_desc dual(void)
{
    cpu_core_desc k = {.pipeline = CPU_PIPELINE_INORDER, .dispatch_width = 2, .inorder = {.store_buffer = 2}};
    return k;
}

/* Itanium 2's ports: M0 to M3 (loads on the first two, stores on the others), I0 and I1, F0 and F1, B0 to B2; two bundles. */
static cpu_core_desc epic(void)
{
    cpu_core_desc k = {.pipeline = CPU_PIPELINE_EPIC, .dispatch_width = 6,
                       .inorder = {.store_buffer = 8, .load_early = 1, .bundles = 2, .kind_ports = {0xf, 0x30, 0xc0, 0x700}, .bundle_slots = {2, 2, 1, 3}}};
    return k;
}

enum { E_ALU = 0x3f, E_LOAD = 3, E_STORE = 0xc, E_SHIFT = 0x10, E_FP = 0xc0, E_BRANCH = 0x700 };
enum { ALU = 3, MEM = 1, BRANCH = 2 };

#define MAX_UOPS 32
typedef struct {
    cpu_xuop uops[MAX_UOPS];
    cpu_xinsn insns[1];
    cpu_xblock block;
} program;

static uint64_t bit(int reg)
{
    return reg == NONE ? 0 : UINT64_C(1) << reg;
}

static cpu_xuop *add(program *p, unsigned ports, unsigned latency, int to, int from, int also)
{
    cpu_xuop *u = &p->uops[p->block.n_uops];
    *u = (cpu_xuop){.reads = bit(from) | bit(also), .writes = bit(to), .ports = (uint16_t)ports, .latency = (uint8_t)latency, .insn = (uint8_t)p->block.n_uops,
                    .slot = -1};
    p->block.n_uops++;
    p->block.n_insns++;
    p->block.bytes += 4;
    p->block.uops = p->uops;
    p->block.insns = p->insns;
    return u;
}

static void add_load(program *p, unsigned ports, unsigned latency, int to, int base)
{
    cpu_xuop *u = add(p, ports, latency, to, base, NONE);
    u->kind = CPU_XK_LOAD;
    u->slot = 0;
}

static void add_store(program *p, unsigned ports, int data)
{
    cpu_xuop *u = add(p, ports, 1, NONE, data, NONE);
    u->kind = CPU_XK_STORE_DATA;
    u->slot = 1;
}

static uint64_t missing; /* cycles that loads miss, and stores */
static uint64_t store_missing;
static inline uint64_t hook(void *data, int slot, bool is_store, uint64_t cycle)
{
    uint64_t *calls = data;
    calls[is_store]++;
    ck_assert_int_eq(slot, is_store ? 1 : 0);
    ck_assert_uint_lt(cycle, 100000);
    return is_store ? store_missing : missing;
}

/* Runs the program once from cycle 0 on: the cycle of the last issue. */
static cpu_inorder_times once(const cpu_core_desc *core, const program *p)
{
    static uint64_t calls[2];
    cpu_inorder *lp = cpu_inorder_new(core);
    cpu_inorder_shared *shared = g_new(cpu_inorder_shared, 1);
    cpu_inorder_shared_init(shared);
    cpu_inorder_code *code = cpu_inorder_compile(core, &p->block);
    cpu_inorder_times t = cpu_inorder_block(lp, shared, code, 0, 0, hook, calls);
    cpu_inorder_code_free(code);
    g_free(shared);
    cpu_inorder_free(lp);
    return t;
}

/* The steady state of a loop of it, in cycles and 64ths. */
static uint32_t cost(const cpu_core_desc *core, const program *p)
{
    cpu_inorder_code *code = cpu_inorder_compile(core, &p->block);
    uint32_t c = cpu_inorder_cost(core, code, code);
    cpu_inorder_code_free(code);
    return c;
}

static void setup(void)
{
    missing = store_missing = 0;
}

/* ---- scoreboard ------------------------------------------------------------------------------------------------------- */

START_TEST(chain_of_additions)
{
    cpu_core_desc k = dual();
    program p = {0};
    for (int i = 0; i < 8; i++)
        add(&p, ALU, 1, R0, R0, NONE);
    ck_assert_uint_eq(once(&k, &p).issued, 7); /* one a cycle */
    ck_assert_uint_eq(cost(&k, &p), 8 * 64);
}
END_TEST

START_TEST(independent_additions_pair)
{
    cpu_core_desc k = dual();
    program p = {0};
    for (int i = 0; i < 8; i++)
        add(&p, ALU, 1, R0 + i, R0 + i, NONE);
    ck_assert_uint_eq(once(&k, &p).issued, 3); /* cycles 0 to 3, two each */
    ck_assert_uint_eq(cost(&k, &p), 4 * 64);
    k.dispatch_width = 1;
    ck_assert_uint_eq(cost(&k, &p), 8 * 64);
}
END_TEST

/* An addition moves to port 1 when a load comes that needs port 0; two loads cannot pair. */
START_TEST(ports_decide_pairing)
{
    cpu_core_desc k = dual();
    program p = {0};
    add(&p, ALU, 1, R0, R0, NONE);
    add_load(&p, MEM, 3, R1, R2);
    ck_assert_uint_eq(once(&k, &p).issued, 0);
    add_load(&p, MEM, 3, R3, R2);
    add_load(&p, MEM, 3, R4, R2);
    ck_assert_uint_eq(once(&k, &p).issued, 2);
}
END_TEST

/* Use of a load three cycles later: load 0, use 3; two independent micro-ops hide two of them only if they stand in between. */
START_TEST(load_to_use)
{
    cpu_core_desc k = dual();
    program p = {0};
    add_load(&p, MEM, 3, R0, R1);
    add(&p, ALU, 1, R2, R0, NONE);
    add(&p, ALU, 1, R3, R3, NONE); /* behind the stalled one: waits with it */
    ck_assert_uint_eq(once(&k, &p).issued, 3);
    program q = {0};
    add_load(&q, MEM, 3, R0, R1);
    add(&q, ALU, 1, R3, R3, NONE);
    add(&q, ALU, 1, R4, R4, NONE);
    add(&q, ALU, 1, R2, R0, NONE);
    ck_assert_uint_eq(once(&k, &q).issued, 3); /* the two in between cost nothing */
}
END_TEST

/* A miss stalls its first user, not what is behind the load. */
START_TEST(stall_on_use_not_on_miss)
{
    cpu_core_desc k = dual();
    program p = {0};
    missing = 100;
    add_load(&p, MEM, 3, R0, R1);
    for (int i = 0; i < 5; i++)
        add(&p, ALU, 1, R3, R3, NONE);
    cpu_inorder_times t = once(&k, &p);
    ck_assert_uint_eq(t.issued, 4); /* the first addition pairs with the load */
    ck_assert_uint_eq(t.retired, 103);
    add(&p, ALU, 1, R2, R0, NONE);
    ck_assert_uint_eq(once(&k, &p).issued, 103);
}
END_TEST

/* Two results for one register come in order, for status flags they need not. */
START_TEST(results_in_order)
{
    cpu_core_desc k = dual();
    program p = {0};
    add(&p, MEM, 10, R0, R1, NONE);
    add(&p, ALU, 1, R0, R2, NONE);
    ck_assert_uint_eq(once(&k, &p).issued, 9); /* done at 10, with the older one's result */
    program q = {0};
    add(&q, MEM, 10, FLAGS, R1, NONE);
    add(&q, ALU, 1, FLAGS, R2, NONE);
    ck_assert_uint_eq(once(&k, &q).issued, 0);
}
END_TEST

START_TEST(divider)
{
    cpu_core_desc k = dual();
    program p = {0};
    for (int i = 0; i < 3; i++)
        add(&p, MEM, 20, R0 + i, R3, NONE)->busy = 12;
    add(&p, ALU, 1, R5, R5, NONE);
    add_load(&p, MEM, 3, R6, R7); /* the divider is kept, not its port */
    cpu_inorder_times t = once(&k, &p);
    ck_assert_uint_eq(t.issued, 25); /* divisions at 0, 12, 24; addition at 24; load at 25 */
    ck_assert_uint_eq(t.retired, 44);
    ck_assert_uint_eq(cost(&k, &p), 36 * 64);
}
END_TEST

/* Two entries: the third store issues when the first has been written: it asks for its line at 1, which takes 9 cycles. The fourth follows the
 * second, which asked a cycle later. */
START_TEST(store_buffer)
{
    cpu_core_desc k = dual();
    program p = {0};
    store_missing = 9;
    for (int i = 0; i < 3; i++)
        add_store(&p, MEM, R0);
    ck_assert_uint_eq(once(&k, &p).issued, 10);
    add_store(&p, MEM, R0);
    ck_assert_uint_eq(once(&k, &p).issued, 11);
    store_missing = 0;
    ck_assert_uint_eq(once(&k, &p).issued, 3);
}
END_TEST

/* Addresses are needed two stages before execution, and loads come as much sooner to it. */
START_TEST(address_generation_ahead)
{
    cpu_core_desc k = dual();
    k.inorder.address_early = k.inorder.load_early = 2;
    program chase = {0};
    add_load(&chase, MEM, 3, R0, R0);
    ck_assert_uint_eq(cost(&k, &chase), 3 * 64);
    program p = {0};
    add_load(&p, MEM, 3, R0, R1);
    add(&p, ALU, 1, R2, R0, NONE);  /* load to use: 1 */
    add_load(&p, MEM, 3, R3, R2);   /* addition to address: 1 + 2 */
    ck_assert_uint_eq(once(&k, &p).issued, 4);
    /* An operation on memory is one: its load's result comes as it passes. */
    program q = {0};
    add_load(&q, MEM, 3, TEMP, R1);
    add(&q, ALU, 1, R0, R0, TEMP)->insn = 0;
    q.block.n_insns = 1;
    ck_assert_uint_eq(cost(&k, &q), 64);
}
END_TEST

/* A taken branch ends the cycle: three micro-ops take two cycles a turn, two blocks in a row one and a half each. */
START_TEST(taken_branches_end_a_cycle)
{
    cpu_core_desc k = dual();
    program p = {0};
    for (int i = 0; i < 3; i++)
        add(&p, ALU, 1, R0 + i, R0 + i, NONE);
    ck_assert_uint_eq(cost(&k, &p), 2 * 64);
    program q = p;
    q.block.addr = p.block.bytes;
    q.block.uops = q.uops;
    cpu_inorder_code *first = cpu_inorder_compile(&k, &p.block), *second = cpu_inorder_compile(&k, &q.block);
    uint32_t a = cpu_inorder_cost(&k, second, first), b = cpu_inorder_cost(&k, first, second);
    ck_assert_uint_eq(a + b, 3 * 64);
    cpu_inorder_code_free(first);
    cpu_inorder_code_free(second);
}
END_TEST

/* Two logical processors with a chain each fill each other's slots; two with pairs share them. */
START_TEST(siblings_share_cycles)
{
    cpu_core_desc k = dual();
    program chain = {0}, pairs = {0};
    for (int i = 0; i < 8; i++) {
        add(&chain, ALU, 1, R0, R0, NONE);
        add(&pairs, ALU, 1, R0 + i, R0 + i, NONE);
    }
    const program *programs[] = {&chain, &pairs};
    for (unsigned n = 0; n < 2; n++) {
        cpu_inorder_code *code = cpu_inorder_compile(&k, &programs[n]->block);
        cpu_inorder_shared *shared = g_new(cpu_inorder_shared, 1);
        cpu_inorder_shared_init(shared);
        cpu_inorder *lp[2] = {cpu_inorder_new(&k), cpu_inorder_new(&k)};
        for (unsigned round = 0; round < 200; round++) {
            unsigned who = lp[1]->cycle < lp[0]->cycle;
            cpu_inorder_block(lp[who], shared, code, 0, 0, NULL, NULL);
        }
        uint64_t end = MAX(lp[0]->cycle, lp[1]->cycle);
        /* 1,600 micro-ops: two cycles of the core for each pair in either case. */
        ck_assert_uint_ge(end, 790);
        ck_assert_uint_le(end, 830);
        cpu_inorder_free(lp[0]);
        cpu_inorder_free(lp[1]);
        g_free(shared);
        cpu_inorder_code_free(code);
    }
}
END_TEST

START_TEST(restart_and_reset)
{
    cpu_core_desc k = dual();
    program p = {0};
    add(&p, ALU, 1, R0, R0, NONE);
    cpu_inorder_code *code = cpu_inorder_compile(&k, &p.block);
    cpu_inorder_shared *shared = g_new(cpu_inorder_shared, 1);
    cpu_inorder_shared_init(shared);
    cpu_inorder *lp = cpu_inorder_new(&k);
    ck_assert_uint_eq(cpu_inorder_block(lp, shared, code, 0, 7, NULL, NULL).issued, 7);
    cpu_inorder_restart(lp, 30);
    ck_assert_uint_eq(cpu_inorder_block(lp, shared, code, 4, 7, NULL, NULL).issued, 30);
    cpu_inorder_restart(lp, 3);
    ck_assert_uint_eq(cpu_inorder_block(lp, shared, code, 8, 0, NULL, NULL).issued, 31);
    ck_assert_uint_eq(cpu_inorder_drained(lp), 32);
    cpu_inorder_reset(lp, 500);
    ck_assert_uint_eq(cpu_inorder_block(lp, shared, code, 0, 0, NULL, NULL).issued, 500);
    cpu_inorder_free(lp);
    g_free(shared);
    cpu_inorder_code_free(code);
}
END_TEST

/* ---- issue groups ------------------------------------------------------------------------------------------------------ */

/* The issues of a program as text: '|' before an explicit stop, ';' before a split, the micro-ops' numbers. */
static char *issues(const cpu_core_desc *core, const program *p)
{
    cpu_inorder_code *code = cpu_inorder_compile(core, &p->block);
    GString *s = g_string_new(NULL);
    unsigned n = 0;
    for (unsigned i = 0; i < code->n_issues; i++) {
        g_string_append_c(s, code->issues[i].stop ? '|' : ';');
        for (unsigned k = 0; k < code->issues[i].n_uops; k++)
            g_string_append_printf(s, "%u", n++ % 10);
    }
    cpu_inorder_code_free(code);
    return g_string_free(s, FALSE);
}

static void assert_issues(const cpu_core_desc *core, const program *p, const char *expected)
{
    g_autofree char *got = issues(core, p);
    ck_assert_str_eq(got, expected);
}

START_TEST(a_dependence_is_a_stop)
{
    cpu_core_desc k = epic();
    program p = {0};
    add(&p, E_ALU, 1, R0, R1, NONE);
    add(&p, E_ALU, 1, R2, R3, NONE);
    add(&p, E_ALU, 1, R4, R0, NONE); /* needs the first */
    add(&p, E_ALU, 1, R1, R3, NONE); /* writes what the first read: no stop */
    assert_issues(&k, &p, "|01|23");
    ck_assert_uint_eq(once(&k, &p).issued, 1);
    ck_assert_uint_eq(cost(&k, &p), 2 * 64);
}
END_TEST

/* Six additions fit the four M and two I slots; a seventh does not: split, not stopped. */
START_TEST(slots_of_two_bundles)
{
    cpu_core_desc k = epic();
    program p = {0};
    for (int i = 0; i < 7; i++)
        add(&p, E_ALU, 1, R0 + i, R0 + i, NONE);
    assert_issues(&k, &p, "|012345;6");
    ck_assert_uint_eq(cost(&k, &p), 2 * 64);
    k.inorder.bundles = 1;
    k.dispatch_width = 3;
    assert_issues(&k, &p, "|012;345;6");
    k.inorder.bundle_slots[CPU_SLOT_I] = 1; /* now two M and one I slot: still three */
    assert_issues(&k, &p, "|012;345;6");
    k.inorder.bundle_slots[CPU_SLOT_M] = 1;
    assert_issues(&k, &p, "|01;23;45;6");
}
END_TEST

/* Loads have two ports, floating point two, shifts one; additions give way to whom needs their port. */
START_TEST(unit_mix)
{
    cpu_core_desc k = epic();
    program p = {0};
    for (int i = 0; i < 4; i++)
        add(&p, E_ALU, 1, R0 + i, R0 + i, NONE);
    add_load(&p, E_LOAD, 2, R4, R5);
    add(&p, E_SHIFT, 1, R6, R6, NONE);
    assert_issues(&k, &p, "|012345");
    program q = {0};
    for (int i = 0; i < 3; i++)
        add_load(&q, E_LOAD, 2, R0 + i, R5);
    add(&q, E_FP, 4, X0, X0, NONE);
    add(&q, E_FP, 4, X1, X1, NONE);
    add(&q, E_FP, 4, X1 + 1, X1 + 1, NONE);
    assert_issues(&k, &q, "|01;234;5");
}
END_TEST

/* A floating-point load takes L2's time in any case: what L1D's miss adds to that is only what is beyond. */
START_TEST(fp_loads_bypass)
{
    cpu_core_desc k = epic();
    k.inorder.fp_load = 6;
    program p = {0};
    add_load(&p, E_LOAD, 2, X0, R1);
    add(&p, E_FP, 4, X1, X0, NONE);
    ck_assert_uint_eq(once(&k, &p).issued, 6);
    missing = 4;
    ck_assert_uint_eq(once(&k, &p).issued, 6);
    missing = 50;
    ck_assert_uint_eq(once(&k, &p).issued, 52);
}
END_TEST

/* What a block takes longer because its loads miss, when it uses them. */
START_TEST(delay_by_misses)
{
    cpu_core_desc k = dual();
    program p = {0};
    add_load(&p, MEM, 3, R0, R1);
    add(&p, ALU, 1, R3, R3, NONE);
    add(&p, ALU, 1, R2, R0, NONE);
    cpu_inorder_code *code = cpu_inorder_compile(&k, &p.block);
    uint32_t extra[CPU_INORDER_SLOTS] = {0};
    ck_assert_uint_eq(code->alone, 3);
    ck_assert_uint_eq(cpu_inorder_delay(&k, code, extra), 0);
    extra[0] = 10;
    ck_assert_uint_eq(cpu_inorder_delay(&k, code, extra), 10);
    ck_assert_uint_eq(cpu_inorder_delay(&k, code, extra), 10);
    cpu_inorder_code_free(code);
    program unused = {0};
    add_load(&unused, MEM, 3, R0, R1);
    add(&unused, ALU, 1, R3, R3, NONE);
    code = cpu_inorder_compile(&k, &unused.block);
    ck_assert_uint_eq(cpu_inorder_delay(&k, code, extra), 0);
    cpu_inorder_code_free(code);
}
END_TEST

/* The group waits as a whole: the independent addition in it issues with the one that waits. */
START_TEST(a_group_waits_as_a_whole)
{
    cpu_core_desc k = epic();
    program p = {0};
    missing = 50;
    add_load(&p, E_LOAD, 2, R0, R1);
    add(&p, E_ALU, 1, R2, R0, NONE);
    add(&p, E_ALU, 1, R3, R3, NONE);
    assert_issues(&k, &p, "|0|12");
    cpu_inorder_times t = once(&k, &p);
    ck_assert_uint_eq(t.issued, 51); /* load to use 2 - 1, and the miss */
    program q = {0};
    add_load(&q, E_LOAD, 2, R0, R0);
    missing = 0;
    ck_assert_uint_eq(cost(&k, &q), 2 * 64); /* load to address 2 */
}
END_TEST

/* A comparison and its branch share a group. */
START_TEST(branch_with_its_comparison)
{
    cpu_core_desc k = epic();
    program p = {0};
    add(&p, E_ALU, 1, R0, R0, NONE);
    add(&p, E_ALU, 1, FLAGS, R1, R2);
    add(&p, E_BRANCH, 1, NONE, FLAGS, NONE);
    p.block.branch = CPU_BR_COND;
    assert_issues(&k, &p, "|012");
    ck_assert_uint_eq(once(&k, &p).resolved, 1);
    p.uops[2].reads = bit(R0); /* of a register that the group makes: no */
    assert_issues(&k, &p, "|01|2");
}
END_TEST

START_TEST(zero_idioms_cost_nothing)
{
    cpu_core_desc k = epic();
    program p = {0};
    add(&p, 0, 0, R0, NONE, NONE)->flags = CPU_XU_IDLE;
    add(&p, E_ALU, 1, R1, R0, NONE);
    assert_issues(&k, &p, "|01");
    ck_assert_uint_eq(cost(&k, &p), 64);
}
END_TEST

/* Divisions: one per `busy` cycles, and never two in an issue. */
START_TEST(epic_divider)
{
    cpu_core_desc k = epic();
    program p = {0};
    add(&p, E_FP, 30, R0, R1, NONE)->busy = 10;
    add(&p, E_FP, 30, R2, R3, NONE)->busy = 10;
    assert_issues(&k, &p, "|0;1");
    ck_assert_uint_eq(once(&k, &p).issued, 10);
    ck_assert_uint_eq(cost(&k, &p), 20 * 64);
}
END_TEST

/* Of real code: a store is one slot and one port, a comparison and its branch are two micro-ops, an operation on memory is a load and an operation. */
START_TEST(decoded_code)
{
    cpu_core_desc k = dual();
    static const uint16_t ports[CPU_N_RES] = {ALU, BRANCH, MEM, MEM, BRANCH, MEM, ALU, MEM, MEM, MEM, MEM, ALU};
    static const uint32_t latency[CPU_N_RES] = {1, 1, 1, 3, 4, 4, 1, 1, 20, 3, 1, 1};
    memcpy(k.ports, ports, sizeof ports);
    memcpy(k.latency, latency, sizeof latency);
    k.div_busy = 12;
    fixture_stream s;
    fixture_stream_init(&s);
    /* mov [rdi], rax; mov rcx, [rsi]; add rdx, 8; cmp rdx, rbx; jne: the load waits a cycle for the store's port, the branch for the comparison. */
    const cpu_block *b = fixture_block(&s, 0x1000, "488907 488b0e 4883c208 4839da 75f0");
    cpu_xblock *x = cpu_uarch_expand(&k, b);
    cpu_inorder_code *code = cpu_inorder_compile(&k, x);
    unsigned slots = 0, stores = 0;
    for (unsigned i = 0; i < code->n_uops; i++) {
        slots += code->uops[i].flags & CPU_INORDER_FREE ? 0 : 1;
        stores += code->uops[i].slot == 0 && code->uops[i].kind != CPU_XK_LOAD;
    }
    ck_assert_uint_eq(slots, 5);
    ck_assert_uint_eq(stores, 1);
    /* store; load, addition; comparison; branch. */
    ck_assert_uint_eq(cpu_inorder_cost(&k, code, code), 4 * 64);
    cpu_core_desc e = epic();
    static const uint16_t epic_ports[CPU_N_RES] = {E_ALU, E_BRANCH, E_SHIFT, E_FP, E_FP, E_FP, E_ALU, 0x30, E_FP, E_LOAD, E_STORE, E_ALU};
    memcpy(e.ports, epic_ports, sizeof epic_ports);
    memcpy(e.latency, latency, sizeof latency);
    cpu_xblock *xe = cpu_uarch_expand(&e, b);
    cpu_inorder_code *groups = cpu_inorder_compile(&e, xe);
    ck_assert_uint_eq(groups->n_issues, 2); /* store, load, addition | comparison, branch */
    ck_assert_uint_eq(groups->issues[0].n_slots, 3);
    ck_assert_uint_eq(groups->issues[0].n_stores, 1);
    ck_assert_uint_eq(groups->issues[1].n_slots, 2);
    ck_assert_uint_eq(cpu_inorder_cost(&e, groups, groups), 2 * 64);
    cpu_inorder_code_free(groups);
    cpu_inorder_code_free(code);
    cpu_xblock_free(xe);
    cpu_xblock_free(x);
    fixture_stream_clear(&s);
}
END_TEST

START_TEST(empty_blocks)
{
    cpu_core_desc k = dual(), e = epic();
    program p = {0};
    ck_assert_uint_eq(cost(&k, &p), 0);
    ck_assert_uint_eq(cost(&e, &p), 0);
    ck_assert_uint_eq(once(&e, &p).issued, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-inorder");
    TCase *t = tcase_create("scoreboard");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, chain_of_additions);
    tcase_add_test(t, independent_additions_pair);
    tcase_add_test(t, ports_decide_pairing);
    tcase_add_test(t, load_to_use);
    tcase_add_test(t, stall_on_use_not_on_miss);
    tcase_add_test(t, results_in_order);
    tcase_add_test(t, divider);
    tcase_add_test(t, store_buffer);
    tcase_add_test(t, address_generation_ahead);
    tcase_add_test(t, taken_branches_end_a_cycle);
    tcase_add_test(t, siblings_share_cycles);
    tcase_add_test(t, delay_by_misses);
    tcase_add_test(t, restart_and_reset);
    tcase_add_test(t, decoded_code);
    tcase_add_test(t, empty_blocks);
    suite_add_tcase(suite, t);
    TCase *e = tcase_create("epic");
    tcase_add_checked_fixture(e, setup, NULL);
    tcase_add_test(e, a_dependence_is_a_stop);
    tcase_add_test(e, slots_of_two_bundles);
    tcase_add_test(e, unit_mix);
    tcase_add_test(e, fp_loads_bypass);
    tcase_add_test(e, a_group_waits_as_a_whole);
    tcase_add_test(e, branch_with_its_comparison);
    tcase_add_test(e, zero_idioms_cost_nothing);
    tcase_add_test(e, epic_divider);
    suite_add_tcase(suite, e);
    return fixture_main(suite);
}
