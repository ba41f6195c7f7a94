/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What x86-64 instructions become on Ivy Bridge, Haswell and Skylake. Expected breakdowns: uops.info (Abel and Reineke, ASPLOS 2019) and Agner Fog's
 * instruction tables. */
#include "cpu-fixture.h"
#include "cpu-uarch-intel.h"
#include "cpu-uarch.h"

#include "sim-error.h"

#include <elf.h>
#include <string.h>

enum { IVB, HSW, SKL, N };
static const char *const names[N] = {"ivybridge", "haswell", "skylake"};
static cpu_machine *machines[N];
static fixture_stream s;

static void setup(void)
{
    fixture_stream_init(&s);
    for (unsigned g = 0; g < N; g++) {
        machines[g] = cpu_machine_load(names[g], NULL, NULL);
        ck_assert_ptr_nonnull(machines[g]);
    }
}

static void teardown(void)
{
    for (unsigned g = 0; g < N; g++)
        cpu_machine_free(machines[g]);
    fixture_stream_clear(&s);
}

static cpu_xblock *expand(unsigned g, const char *hex)
{
    return cpu_uarch_expand(&machines[g]->kinds[0], fixture_block(&s, 0x1000, hex));
}

/* Micro-ops as text: ports in hexadecimal digits with "L" before a load's, "A" before a store address's, "D" before a store data's, "-" for one without a
 * port, "m" before a move that may be eliminated; "+" before one that is fused with the one before, "~" fused up to the queue; "*N" for the divider. */
static char *text_of(const cpu_xblock *x)
{
    static const char kinds[] = {[CPU_XK_EXEC] = 'x', [CPU_XK_LOAD] = 'L', [CPU_XK_STORE_ADDRESS] = 'A', [CPU_XK_STORE_DATA] = 'D'};
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < x->n_uops; i++) {
        const cpu_xuop *u = &x->uops[i];
        g_string_append(text, u->flags & CPU_XU_FUSED ? "+" : u->flags & CPU_XU_LAMINATED ? "~" : i ? " " : "");
        if (u->kind != CPU_XK_EXEC)
            g_string_append_c(text, kinds[u->kind]);
        if (u->flags & CPU_XU_MOVE)
            g_string_append_c(text, 'm');
        if (u->flags & CPU_XU_IDLE)
            g_string_append_c(text, '-');
        for (unsigned p = 0; p < CPU_MAX_PORTS; p++)
            if (u->ports >> p & 1)
                g_string_append_printf(text, "%x", p);
        if (u->kind == CPU_XK_EXEC && u->busy)
            g_string_append_printf(text, "*%u", u->busy);
    }
    return g_string_free(text, FALSE);
}

/* Cycles from register `in` to register `out` (CPU_XR_*) through a block, loads taking their latency; -1: no way. */
static int latency(const cpu_xblock *x, unsigned in, unsigned out)
{
    int when[CPU_XR_COUNT];
    for (unsigned r = 0; r < CPU_XR_COUNT; r++)
        when[r] = r == in ? 0 : -1;
    for (unsigned i = 0; i < x->n_uops; i++) {
        const cpu_xuop *u = &x->uops[i];
        int at = -1;
        for (unsigned r = 0; r < CPU_XR_COUNT; r++)
            if (u->reads >> r & 1)
                at = MAX(at, when[r]);
        for (unsigned r = 0; r < CPU_XR_COUNT; r++)
            if (u->writes >> r & 1)
                when[r] = at < 0 ? -1 : at + u->latency;
    }
    return when[out];
}

/* ---- breakdowns ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *hex;
    const char *uops[N]; /* NULL: as on the generation before */
} rows[] = {
#include "uarch-rows.h"
};

START_TEST(breakdowns)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
        for (unsigned g = 0; g < N; g++) {
            unsigned k = g;
            while (!rows[i].uops[k])
                k--;
            cpu_xblock *x = expand(g, rows[i].hex);
            g_autofree char *text = text_of(x);
            ck_assert_msg(strcmp(text, rows[i].uops[k]) == 0, "%s on %s: '%s', not '%s'", rows[i].name, names[g], text, rows[i].uops[k]);
            cpu_xblock_free(x);
        }
}
END_TEST

START_TEST(latencies)
{
    enum { RAX = CPU_XR_GPR, RCX, RDX, RBX, RSP, RBP, RSI, RDI, XMM0 = CPU_XR_VEC, XMM1 };
    static const struct {
        const char *name, *hex;
        unsigned in, out;
        int cycles[N];
    } ways[] = {
        {"add rax,rbx", "4801d8", RBX, RAX, {1, 1, 1}},
        {"adc rax,rbx", "4811d8", RBX, RAX, {2, 2, 1}},
        {"adc rax,rbx", "4811d8", CPU_XR_CF, CPU_XR_CF, {1, 1, 1}},
        {"imul rax,rbx", "480fafc3", RBX, RAX, {3, 3, 3}},
        {"mul rbx: low half", "48f7e3", RBX, RAX, {3, 3, 3}},
        {"mul rbx: high half", "48f7e3", RBX, RDX, {4, 4, 4}},
        {"lea rax,[rbx+rcx+8]", "488d440b08", RBX, RAX, {3, 3, 3}},
        {"lea rax,[rbx+rcx]", "488d040b", RBX, RAX, {1, 1, 1}},
        {"shl rax,cl", "48d3e0", RAX, RAX, {1, 1, 1}},
        {"cmovz rax,rbx", "480f44c3", CPU_XR_FLAGS, RAX, {2, 2, 1}},
        {"cmovz rax,rbx: old value", "480f44c3", RAX, RAX, {1, 1, 1}},
        {"popcnt rax,rbx", "f3480fb8c3", RBX, RAX, {3, 3, 3}},
        {"tzcnt rax,rbx: old value", "f3480fbcc3", RAX, RAX, {3, 3, -1}},
        {"bswap rax", "480fc8", RAX, RAX, {2, 2, 2}},
        {"mov rax,[rbx]", "488b03", RBX, RAX, {5, 5, 5}},
        {"movaps xmm0,[rbx]", "0f2803", RBX, XMM0, {6, 6, 6}},
        {"vmovaps ymm0,[rbx]", "c5fc2803", RBX, XMM0, {7, 7, 7}},
        {"add rax,[rbx]", "480303", RBX, RAX, {6, 6, 6}},
        {"addps xmm0,xmm1", "0f58c1", XMM1, XMM0, {3, 3, 4}},
        {"mulps xmm0,xmm1", "0f59c1", XMM1, XMM0, {5, 5, 4}},
        {"vfmadd231ps xmm0,xmm1,xmm2", "c4e271b8c2", XMM1, XMM0, {5, 5, 4}},
        {"pmullw xmm0,xmm1", "660fd5c1", XMM1, XMM0, {5, 5, 5}},
        {"pmulld xmm0,xmm1", "660f3840c1", XMM1, XMM0, {5, 10, 10}},
        {"pxor xmm0,xmm0", "660fefc0", XMM0, XMM0, {-1, -1, -1}},
        {"pcmpeqd xmm0,xmm0", "660f76c0", XMM0, XMM0, {-1, -1, -1}},
        {"xor eax,eax", "31c0", RAX, RAX, {-1, -1, -1}},
        {"xor al,al", "30c0", RAX, RAX, {1, 1, 1}},
        {"mov al,bl: the rest of rax", "88d8", RAX, RAX, {1, 1, 1}},
        {"sqrtss xmm0,xmm1: the rest of xmm0", "f30f51c1", XMM0, XMM0, {13, 12, 12}},
        {"cvtsi2sd xmm0,rax: the rest of xmm0", "f2480f2ac0", XMM0, XMM0, {3, 3, 4}},
        {"push rax", "50", RSP, RSP, {0, 0, 0}},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++)
        for (unsigned g = 0; g < N; g++) {
            cpu_xblock *x = expand(g, ways[i].hex);
            int cycles = latency(x, ways[i].in, ways[i].out);
            ck_assert_msg(cycles == ways[i].cycles[g], "%s on %s: %d cycles, not %d", ways[i].name, names[g], cycles, ways[i].cycles[g]);
            cpu_xblock_free(x);
        }
}
END_TEST

/* ---- rules ------------------------------------------------------------------------------------------------------------ */

static void check_all(const char *hex, const char *ivb, const char *hsw, const char *skl)
{
    const char *want[N] = {ivb, hsw ? hsw : ivb, skl ? skl : hsw ? hsw : ivb};
    for (unsigned g = 0; g < N; g++) {
        cpu_xblock *x = expand(g, hex);
        g_autofree char *text = text_of(x);
        ck_assert_msg(strcmp(text, want[g]) == 0, "%s on %s: '%s', not '%s'", hex, names[g], text, want[g]);
        cpu_xblock_free(x);
    }
}

START_TEST(macro_fusion)
{
    check_all("4839d8 75fb", "5", "06", NULL);                     /* cmp rax,rbx; jne */
    check_all("483b03 75fb", "L23+5", "L23+06", NULL);             /* cmp rax,[rbx]; jne */
    check_all("48833800 75fb", "L23+015 5", "L23+0156 06", NULL);  /* cmp [rax],0; jne: memory and immediate */
    check_all("4839d8 78fb", "015 5", "0156 06", NULL);            /* cmp; js */
    check_all("4885c0 78fb", "5", "06", NULL);                     /* test; js */
    check_all("48ffc8 75fb", "5", "06", NULL);                     /* dec; jne */
    check_all("48ffc8 72fb", "015 5", "0156 06", NULL);            /* dec; jb: it leaves the carry alone */
    check_all("48d1e0 75fb", "05 5", "06 06", NULL);               /* shl; jne */
    check_all("480103 75fb", "L23+015 A23+D4 5", "L23+0156 A237+D4 06", NULL); /* add [rbx],rax; jne */
    cpu_xblock *x = expand(SKL, "4839d8 75fb");
    ck_assert_uint_eq(x->n_insns, 2);
    ck_assert_uint_eq(x->insns[0].n_uops, 1);
    ck_assert_uint_eq(x->insns[1].n_uops, 0);
    ck_assert(x->insns[1].flags & CPU_XI_FUSED && x->insns[1].flags & CPU_XI_BRANCH && x->insns[0].flags & CPU_XI_FUSIBLE);
    cpu_xblock_free(x);
    x = cpu_uarch_expand(&machines[SKL]->kinds[0], fixture_block(&s, 0x103d, "4839d8 75fb")); /* the branch begins a line */
    ck_assert_uint_eq(x->insns[1].n_uops, 1);
    cpu_xblock_free(x);
}
END_TEST

START_TEST(un_lamination)
{
    check_all("480304cb", "L23~015", "L23+0156", NULL);      /* add rax,[rbx+rcx*8]: two operands, the first overwritten */
    check_all("c5f85804cb", "L23~1", "L23~1", "L23~01");     /* vaddps xmm0,xmm0,[rbx+rcx*8]: three operands */
    check_all("660f381c04cb", "L23~15", "L23~15", "L23~01"); /* pabsb xmm0,[rbx+rcx*8]: the first only written */
    check_all("488904cb", "A23~D4", "A23+D4", NULL);         /* mov [rbx+rcx*8],rax: no port 7 with an index */
    check_all("480f4404cb", "L23~05 015", "L23~06 0156", "L23~06"); /* cmovz rax,[rbx+rcx*8]: flags are an operand */
    check_all("480303", "L23+015", "L23+0156", NULL);
    cpu_xblock *x = expand(SKL, "c5f85804cb");
    ck_assert_uint_eq(x->insns[0].n_decode, 1); /* parted behind the decoders */
    ck_assert_uint_eq(x->n_slots_used, 2);
    cpu_xblock_free(x);
    check_all("833d0000000005", "L23 015", "L23 0156", NULL); /* cmp dword [rip],5: address and immediate do not fit into one */
}
END_TEST

START_TEST(idioms_and_moves)
{
    check_all("31c0", "-", NULL, NULL);
    check_all("4829c0", "-", NULL, NULL);
    check_all("660fefc0", "-", NULL, NULL);
    check_all("c5f857c0", "-", NULL, NULL);           /* vxorps xmm0,xmm0,xmm0 */
    check_all("c5f857c1", "5", "5", "015");           /* vxorps xmm0,xmm0,xmm1 */
    check_all("660f76c0", "15", "15", "01");          /* pcmpeqd xmm0,xmm0: all ones, on a port */
    check_all("30c0", "015", "0156", NULL);           /* xor al,al */
    check_all("4889d8", "m015", "m0156", NULL);
    check_all("6689d8", "015", "0156", NULL);         /* mov ax,bx */
    check_all("0fb6c1", "m015", "m0156", NULL);       /* movzx eax,cl */
    check_all("0fb6c7", "015", "0156", NULL);         /* movzx eax,bh */
    check_all("0f28c1", "m5", "m5", "m015");
    check_all("90", "-", NULL, NULL);
    check_all("d9c9", "-", NULL, NULL);               /* fxch: renamed */
}
END_TEST

START_TEST(stack_engine)
{
    check_all("50 5b", "A23+D4 L23", "A237+D4 L23", NULL);
    check_all("50 4883ec08", "A23+D4 015 015", "A237+D4 0156 0156", NULL);                  /* push; sub rsp,8: brought up to date first */
    check_all("4883ec08 50", "015 015 A23+D4", "0156 0156 A237+D4", NULL);                  /* a loop: the push comes before the sub */
    check_all("4883ec08 4883c408", "015 015", "0156 0156", NULL);
    check_all("50 488b0424 488b4c2408", "A23+D4 015 L23 L23", "A237+D4 0156 L23 L23", NULL); /* once */
    cpu_xblock *x = expand(SKL, "50 4883ec08");
    ck_assert_uint_eq(x->insns[1].n_decode, 1); /* not from the decoders */
    ck_assert_uint_eq(x->insns[1].n_uops, 2);
    cpu_xblock_free(x);
    x = expand(SKL, "50 55 5d"); /* push rax; push rbp; pop rbp: where was pushed is popped */
    ck_assert_uint_eq(x->uops[2].expression, x->uops[4].expression);
    ck_assert_uint_ne(x->uops[0].expression, x->uops[4].expression);
    cpu_xblock_free(x);
}
END_TEST

START_TEST(operands_by_place)
{
    cpu_xblock *x = expand(SKL, "8b03 8b4b04 668b5302 890b"); /* mov eax,[rbx]; mov ecx,[rbx+4]; mov dx,[rbx+2]; mov [rbx],ecx */
    const cpu_xuop *first = &x->uops[0], *next = &x->uops[1], *half = &x->uops[2], *store = &x->uops[4];
    ck_assert_uint_eq(store->kind, CPU_XK_STORE_ADDRESS);
    ck_assert_uint_eq(first->expression, store->expression);
    ck_assert_uint_eq(x->operands[first->expression - 1].family, x->operands[next->expression - 1].family);
    ck_assert_int_eq(x->operands[next->expression - 1].disp - x->operands[first->expression - 1].disp, 4);
    ck_assert_int_eq(x->operands[half->expression - 1].disp - x->operands[first->expression - 1].disp, 2);
    ck_assert_uint_eq(half->size, 2);
    ck_assert(first->flags & CPU_XU_SIMPLE && first->flags & CPU_XU_POINTER && !(half->flags & CPU_XU_POINTER));
    cpu_xblock_free(x);
}
END_TEST

START_TEST(high_bytes)
{
    check_all("b401 89c3", "015 015 m015", "0156 15 m0156", NULL);  /* mov ah,1; mov ebx,eax: merged */
    check_all("b401 88c3", "015 015", "0156 0156", NULL);           /* mov ah,1; mov bl,al: apart */
    cpu_xblock *x = expand(SKL, "b401 88e3");                       /* mov ah,1; mov bl,ah */
    ck_assert_uint_eq(x->uops[0].writes, UINT64_C(1) << CPU_XR_HIGH8);
    ck_assert(x->uops[1].reads >> CPU_XR_HIGH8 & 1);
    cpu_xblock_free(x);
}
END_TEST

START_TEST(x87_stack)
{
    cpu_xblock *x = expand(SKL, "d900 d94004 dec1"); /* fld [rax]; fld [rax+4]; faddp st1,st0 */
    ck_assert_uint_eq(x->n_uops, 3);
    uint64_t x87 = UINT64_C(0xff) << CPU_XR_X87, first = x->uops[0].writes & x87, second = x->uops[1].writes & x87;
    ck_assert_uint_ne(first, second);
    ck_assert_uint_eq(x->uops[2].reads & x87, first | second);
    ck_assert_uint_eq(x->uops[2].writes & x87, first);
    cpu_xblock_free(x);
}
END_TEST

START_TEST(front_end)
{
    static const struct {
        const char *hex;
        uint8_t opcode_at, set, clear;
    } insns[] = {{"6681c03412", 1, CPU_XI_LCP, 0}, {"6683c012", 1, 0, CPU_XI_LCP}, {"480fafc3", 2, 0, CPU_XI_COMPLEX}, {"48f7f3", 1, CPU_XI_MICROCODE, 0},
                 {"480103", 1, CPU_XI_COMPLEX, CPU_XI_MICROCODE}, {"c5f85803", 2, 0, CPU_XI_COMPLEX}, {"e800000000", 0, CPU_XI_BRANCH | CPU_XI_COMPLEX, 0},
                 {"0fa2", 1, CPU_XI_MICROCODE, 0}};
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        cpu_xblock *x = expand(SKL, insns[i].hex);
        ck_assert_msg(x->insns[0].opcode_at == insns[i].opcode_at, "%s: opcode at %u", insns[i].hex, x->insns[0].opcode_at);
        unsigned flags = x->insns[0].flags;
        ck_assert_msg((flags & insns[i].set) == insns[i].set && !(flags & insns[i].clear), "%s: flags %x", insns[i].hex, flags);
        cpu_xblock_free(x);
    }
}
END_TEST

START_TEST(wide_accesses_of_ivy_bridge)
{
    for (unsigned g = 0; g < N; g++) {
        cpu_xblock *x = expand(g, "c5fc2803 c5fc2903"); /* vmovaps ymm0,[rbx]; vmovaps [rbx],ymm0 */
        ck_assert_uint_eq(x->uops[0].busy, g == IVB ? 2 : 0);
        ck_assert_uint_eq(x->uops[2].busy, g == IVB ? 2 : 0);
        cpu_xblock_free(x);
    }
}
END_TEST

/* ---- other cores, other blocks ---------------------------------------------------------------------------------------- */

START_TEST(by_class)
{
    cpu_machine m = fixture_machine(1, 1);
    cpu_core_desc *k = &m.kinds[0];
    uint16_t ports[CPU_N_RES];
    cpu_core_ports(k, ports);
    cpu_xblock *x = cpu_uarch_expand(k, fixture_block(&s, 0, "480303 480fafc3 48890b")); /* add rax,[rbx]; imul rax,rbx; mov [rbx],rcx */
    ck_assert_uint_eq(x->n_insns, 3);
    ck_assert_uint_eq(x->n_uops, 5);
    ck_assert_uint_eq(x->uops[0].ports, ports[CPU_RES_LOAD]);
    ck_assert_uint_eq(x->uops[0].latency, 4);
    ck_assert_uint_eq(x->uops[1].ports, ports[CPU_RES_ALU]);
    ck_assert_uint_eq(x->uops[2].ports, ports[CPU_RES_MUL]);
    ck_assert_uint_eq(x->uops[2].latency, 3);
    ck_assert_uint_eq(x->uops[3].kind, CPU_XK_STORE_ADDRESS);
    ck_assert_uint_eq(x->uops[4].kind, CPU_XK_STORE_DATA);
    ck_assert_int_eq(x->uops[3].slot, 1);
    ck_assert_uint_eq(x->uops[4].insn, 2);
    ck_assert_uint_eq(x->insns[0].length, 3);
    ck_assert_uint_eq(x->insns[1].length, 4);
    cpu_xblock_free(x);
    x = cpu_uarch_expand(k, fixture_block(&s, 0, "48f7f3"));
    ck_assert_uint_ge(x->uops[0].busy, k->div_busy);
    cpu_xblock_free(x);
}
END_TEST

START_TEST(abstract_blocks_on_a_core_with_tables)
{
    insn_abstract a = {.size = 4, .op = INSN_OP_INT, .n_accesses = 1, .access = {INSN_ACCESS_LOAD | 3 << 2}};
    memset(a.src, INSN_REG_NONE, sizeof a.src);
    memset(a.dst, INSN_REG_NONE, sizeof a.dst);
    memset(a.addr, INSN_REG_NONE, sizeof a.addr);
    a.dst[0] = 1;
    const insn_block_facts *f = s.code->define(s.code, 0, (const uint8_t *)&a, sizeof a, INSN_BLOCK_ABSTRACT, NULL, 0);
    cpu_xblock *x = cpu_uarch_expand(&machines[SKL]->kinds[0], cpu_code_block(s.code, f->id));
    ck_assert_uint_eq(x->n_uops, 2);
    ck_assert_uint_eq(x->uops[0].kind, CPU_XK_LOAD);
    ck_assert_int_eq(x->uops[0].slot, 0);
    ck_assert_uint_eq(x->insns[0].length, 4);
    cpu_xblock_free(x);
}
END_TEST

START_TEST(accesses_that_differ)
{
    /* mov rax,[rbx]; mov rcx,[rdx]; mov [rsi],rax, of which only the second load and the store were seen, and a load more in the last. */
    static const uint8_t code[] = {0x48, 0x8b, 0x03, 0x48, 0x8b, 0x0a, 0x48, 0x89, 0x06};
    static const insn_access seen[] = {{8, INSN_ACCESS_LOAD, 1}, {8, INSN_ACCESS_STORE, 2}, {4, INSN_ACCESS_LOAD, 2}};
    const insn_block_facts *f = s.code->define(s.code, 0, code, sizeof code, 0, seen, G_N_ELEMENTS(seen));
    const cpu_block *b = cpu_code_block(s.code, f->id);
    ck_assert_int_eq(b->uops[0].slot, -1);
    ck_assert_int_eq(b->uops[1].slot, 0);
    ck_assert_int_eq(b->uops[2].slot, 1);
    ck_assert_uint_eq(f->slots[0].insn, 1);
    ck_assert_uint_eq(b->addr_deps[0].regs, 1u << 2); /* RDX: what the second load's address hangs on, not RBX */
    cpu_xblock *x = cpu_uarch_expand(&machines[SKL]->kinds[0], b);
    g_autofree char *text = text_of(x);
    ck_assert_str_eq(text, "L23 L23 A237+D4 L23");
    ck_assert_int_eq(x->uops[0].slot, -1);
    ck_assert_int_eq(x->uops[1].slot, 0);
    ck_assert_int_eq(x->uops[2].slot, 1);
    ck_assert_int_eq(x->uops[4].slot, 2);
    cpu_xblock_free(x);
    static const insn_access other[] = {{8, INSN_ACCESS_LOAD, 0}, {8, INSN_ACCESS_STORE, 2}, {4, INSN_ACCESS_LOAD, 2}};
    ck_assert_uint_ne(s.code->define(s.code, 0, code, sizeof code, 0, other, G_N_ELEMENTS(other))->id, f->id);
}
END_TEST

START_TEST(repeated_strings)
{
    static const uint8_t code[] = {0xf3, 0x48, 0xa5}; /* rep movsq */
    for (unsigned g = 0; g < N; g++) {
        const insn_block_facts *f = s.code->define(s.code, 0, code, sizeof code, INSN_BLOCK_REP_AGAIN, NULL, 0);
        cpu_xblock *x = cpu_uarch_expand(&machines[g]->kinds[0], cpu_code_block(s.code, f->id));
        ck_assert_uint_eq(x->again, 1);
        ck_assert_uint_eq(x->n_uops, 4);
        ck_assert_uint_le(x->n_slots_used, 3);
        ck_assert_int_eq(latency(x, CPU_XR_GPR + 7, CPU_XR_GPR + 7), 1); /* the pointers do not wait for what is moved */
        ck_assert_uint_eq(x->uops[3].reads, x->uops[0].writes);
        cpu_xblock_free(x);
        x = expand(g, "f348a5");
        ck_assert(x->insns[0].flags & CPU_XI_MICROCODE);
        cpu_xblock_free(x);
    }
}
END_TEST

/* ---- what the tables lack ---------------------------------------------------------------------------------------------- */

START_TEST(unknown_instructions_by_weight)
{
    fixture_block(&s, 0x0, "4801d8");
    uint32_t seldom = fixture_block(&s, 0x10, "62f1744858c2 4801d8")->facts.id;                 /* vaddps zmm: no such core has it */
    uint32_t often = fixture_block(&s, 0x20, "62f1f508d4c2 62f1f508d4c3 c3")->facts.id;         /* vpaddq twice, EVEX */
    cpu_xblock *x = cpu_uarch_expand(&machines[SKL]->kinds[0], cpu_code_block(s.code, seldom));
    ck_assert(x->insns[0].flags & CPU_XI_UNKNOWN);
    ck_assert(!(x->insns[1].flags & CPU_XI_UNKNOWN));
    ck_assert_uint_ge(x->insns[0].n_uops, 1);
    cpu_xblock_free(x);
    cpu_weights w = {0};
    uint32_t ids[] = {seldom, often, often};
    cpu_weights_add(&w, &(insn_batch){.blocks = ids, .n_blocks = 3});
    GArray *all = cpu_uarch_unknown(&machines[SKL]->kinds[0], s.code, &w);
    ck_assert_uint_eq(all->len, 2);
    const cpu_unknown *first = &g_array_index(all, cpu_unknown, 0), *second = &g_array_index(all, cpu_unknown, 1);
    ck_assert_msg(g_str_has_prefix(first->form, "vpaddq xmm"), "%s", first->form);
    ck_assert_uint_eq(first->executions, 4);
    ck_assert_uint_eq(first->blocks, 1);
    ck_assert_msg(g_str_has_prefix(second->form, "vaddps"), "%s", second->form);
    ck_assert_uint_eq(second->executions, 1);
    g_array_unref(all);
    cpu_weights_clear(&w);
}
END_TEST

START_TEST(the_tables_names_are_known)
{
    ck_assert_uint_eq(cpu_intel_bad_names(), 0);
}
END_TEST

static void check_code(const char *path, const uint8_t *code, size_t size, uint64_t addr)
{
    ZydisDecoder decoder;
    cpu_decoded_insn d;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (size_t at = 0; at < size;) {
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code + at, size - at, &d.in, d.ops))) {
            at++; /* data between functions */
            continue;
        }
        /* The libc's variants for later processors, and what serves none but kernels, are not for these cores. */
        static const char *const others[] = {"AVX512", "AMX", "RTM", "CET", "SERIALIZE", "PKU", "WAITPKG", "SSE4A", "TBM", "XOP", "FMA4", "AMD3DNOW",
                                             "AVX_VNNI", "KEYLOCKER", "GFNI", "VAES", "VPCLMULQDQ", "SHA"};
        bool other = d.in.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX || d.in.meta.category == ZYDIS_CATEGORY_KMASK;
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
            other |= g_str_has_prefix(ZydisISAExtGetString(d.in.meta.isa_ext), others[i]);
        /* A row is for all generations. */
        ck_assert_msg(other || cpu_intel_recipe(&d, SKL), "%s: %s at 0x%" G_GINT64_MODIFIER "x is not in the tables", path,
                      ZydisMnemonicGetString(d.in.mnemonic), addr + at);
        at += d.in.length;
    }
}

START_TEST(guests_have_no_unknown_instructions)
{
    const char *folder = g_getenv("QUANTA_GUESTS");
    GDir *dir = folder ? g_dir_open(folder, 0, NULL) : NULL;
    if (!dir)
        return;
    unsigned n = 0;
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL), *data = NULL;
        gsize size;
        if (!g_file_get_contents(path, &data, &size, NULL) || size < sizeof(Elf64_Ehdr) || memcmp(data, ELFMAG, SELFMAG) != 0)
            continue;
        const Elf64_Ehdr *h = (const Elf64_Ehdr *)(const void *)data;
        for (unsigned i = 0; i < h->e_shnum; i++) {
            const Elf64_Shdr *section = (const Elf64_Shdr *)(const void *)(data + h->e_shoff + (size_t)i * h->e_shentsize);
            if (section->sh_type == SHT_PROGBITS && section->sh_flags & SHF_EXECINSTR)
                check_code(name, (const uint8_t *)data + section->sh_offset, section->sh_size, section->sh_addr);
        }
        n++;
    }
    g_dir_close(dir);
    ck_assert_uint_gt(n, 0);
}
END_TEST

START_TEST(bad_value_of_the_key)
{
    const char *const overrides[] = {"core core.instructions=pentium", NULL};
    GError *error = NULL;
    ck_assert_ptr_null(cpu_machine_load("skylake", overrides, &error));
    ck_assert_msg(strstr(error->message, "instructions") && strstr(error->message, "pentium"), "%s", error->message);
    g_error_free(error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu-uarch");
    TCase *t = tcase_create("uarch");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, breakdowns);
    tcase_add_test(t, latencies);
    tcase_add_test(t, macro_fusion);
    tcase_add_test(t, un_lamination);
    tcase_add_test(t, idioms_and_moves);
    tcase_add_test(t, stack_engine);
    tcase_add_test(t, operands_by_place);
    tcase_add_test(t, high_bytes);
    tcase_add_test(t, x87_stack);
    tcase_add_test(t, front_end);
    tcase_add_test(t, wide_accesses_of_ivy_bridge);
    tcase_add_test(t, by_class);
    tcase_add_test(t, abstract_blocks_on_a_core_with_tables);
    tcase_add_test(t, accesses_that_differ);
    tcase_add_test(t, repeated_strings);
    tcase_add_test(t, unknown_instructions_by_weight);
    tcase_add_test(t, the_tables_names_are_known);
    tcase_add_test(t, guests_have_no_unknown_instructions);
    tcase_add_test(t, bad_value_of_the_key);
    suite_add_tcase(suite, t);
    return fixture_main(suite);
}
