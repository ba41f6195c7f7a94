/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ChampSim gets the instructions that a trace holds, with the kinds of their branches; what goes round comes back. */
#include "import-fixture.h"

#include "cpu-machine.h"
#include "tr-import-champsim.h"

#include <string.h>

static tr_champsim_record *records;
static size_t n_records;

static bool export_to(const char *trace, const char *to, uint64_t limit, uint64_t *insns, GError **error)
{
    g_autoptr(tr_reader) r = tr_reader_open(trace, error);
    ck_assert_ptr_nonnull(r);
    insn_code *code = cpu_code_new();
    tr_reader_start(r, code, false);
    bool ok = tr_export_champsim(r, code, to, limit, NULL, insns, error);
    cpu_code_free(code);
    return ok;
}

/* Exports a trace and reads the records back into `records`. */
static void export_records(const char *trace, uint64_t limit)
{
    GError *error = NULL;
    uint64_t insns;
    gsize n;
    g_autofree char *to = test_path("out.champsim");
    g_clear_pointer(&records, g_free);
    ck_assert_msg(export_to(trace, to, limit, &insns, &error), "%s", error ? error->message : "");
    ck_assert(g_file_get_contents(to, (char **)&records, &n, NULL));
    ck_assert_uint_eq(n % sizeof *records, 0);
    n_records = n / sizeof *records;
    if (limit)
        ck_assert_uint_eq(insns, limit);
}

/* ---- ChampSim, here, ChampSim ------------------------------------------------------------------------------------------------ */

static uint64_t state;

static unsigned chance(unsigned n)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(state >> 40) % n;
}

/* Each kind as Pin tells it: destinations, sources. */
static const struct {
    uint8_t dst[2], src[4];
    bool unconditional;
} branches[] = {
    { { 26 }, { 26, 25 }, false }, { { 26, 9 }, { 26, 9 }, false }, { { 26 }, { 26 }, true }, { { 26, 6 }, { 6, 26 }, true },
    { { 26, 6 }, { 6 }, true }, { { 26 }, { 10 }, true }, { { 26, 6 }, { 6, 26, 3 }, true },
};

static tr_champsim_record random_record(uint64_t ip, bool branch)
{
    tr_champsim_record r = { .ip = ip };
    if (branch) {
        unsigned k = chance(G_N_ELEMENTS(branches));
        memcpy(r.dst_regs, branches[k].dst, 2);
        memcpy(r.src_regs, branches[k].src, 4);
        r.is_branch = 1;
        r.branch_taken = branches[k].unconditional || chance(2);
    } else {
        static const uint8_t regs[] = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 18, 25, 99, 100, 115 };
        for (unsigned i = 0, n = chance(3); i < n; i++)
            r.dst_regs[i] = regs[(chance(4) + 4 * i) % G_N_ELEMENTS(regs)];
        for (unsigned i = 0, n = chance(5); i < n; i++)
            r.src_regs[i] = regs[(chance(3) + 3 * i) % G_N_ELEMENTS(regs)];
    }
    for (unsigned i = 0, n = chance(5); i < n; i++)
        r.src_mem[i] = 0x10000 + 8 * chance(1000) + 8000 * i;
    for (unsigned i = 0, n = chance(3); i < n; i++)
        r.dst_mem[i] = chance(2) && r.src_mem[i] ? r.src_mem[i] : 0x80000 + 8 * chance(1000) + 8000 * i;
    return r;
}

/* A program of straight pieces that end in branches; every ip has the same size whenever it is executed. */
static GArray *random_trace(unsigned n)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(tr_champsim_record));
    uint64_t ip = 0x400000;
    while (list->len < n) {
        uint8_t size = (uint8_t)(2 + ip % 5);
        tr_champsim_record r = random_record(ip, ip % 7 == 3);
        g_array_append_val(list, r);
        ip = r.branch_taken ? 0x400000 + 64 * (uint64_t)chance(50) + 1024 : ip + size;
        if (chance(200) == 0 && (!r.is_branch || r.branch_taken))
            g_array_insert_val(list, list->len - 1, r); /* an iteration of a rep instruction, or a branch to itself */
    }
    return list;
}

START_TEST(champsim_round_trip)
{
    state = (uint64_t)_i * 77 + 5;
    g_autoptr(GArray) list = random_trace(20000);
    g_autofree char *path = fixture_write("round.champsim", list->data, list->len * sizeof(tr_champsim_record));
    g_autofree char *told = fixture_import(path, NULL, NULL);
    export_records(fixture_trace(), 0);
    ck_assert_uint_eq(n_records, list->len);
    for (guint i = 0; i < list->len; i++) {
        tr_champsim_record wanted = g_array_index(list, tr_champsim_record, i);
        const tr_champsim_record *got = &records[i];
        if (i + 1 == list->len && wanted.is_branch && tr_champsim_branch(wanted.dst_regs, 2, wanted.src_regs, 4) == INSN_OP_COND)
            wanted.branch_taken = 0; /* nothing tells where it goes */
        ck_assert_msg(got->ip == wanted.ip && got->is_branch == wanted.is_branch && got->branch_taken == wanted.branch_taken
                      && memcmp(got->src_mem, wanted.src_mem, sizeof got->src_mem) == 0 && memcmp(got->dst_mem, wanted.dst_mem, sizeof got->dst_mem) == 0,
                      "record %u: ip, branch or addresses differ", i);
        ck_assert_msg(tr_champsim_branch(got->dst_regs, 2, got->src_regs, 4) == tr_champsim_branch(wanted.dst_regs, 2, wanted.src_regs, 4),
                      "record %u: another kind of branch", i);
        if (!wanted.is_branch) {
            tr_champsim_record once = wanted; /* each register once */
            memset(once.src_regs, 0, 4);
            for (unsigned k = 0, m = 0; k < 4; k++)
                if (wanted.src_regs[k] && !memchr(once.src_regs, wanted.src_regs[k], 4))
                    once.src_regs[m++] = wanted.src_regs[k];
            if (once.dst_regs[0] == once.dst_regs[1])
                once.dst_regs[1] = 0;
            ck_assert_mem_eq(got, &once, sizeof once);
        } else {
            ck_assert_mem_eq(got->dst_regs, wanted.dst_regs, 2);
            ck_assert_mem_eq(got->src_regs, wanted.src_regs, 4);
        }
    }
    g_autofree char *again = test_path("out.champsim");
    g_autofree char *told_again = fixture_import(again, NULL, NULL);
    ck_assert_str_eq(told_again, told);
}
END_TEST

/* ---- real code ------------------------------------------------------------------------------------------------------------------ */

/* At 401000: call 401010; jmp rax (to 401020); 401010: jne 401014 (not taken); push rbx; ret; 401020: jmp 401030;
 * 401030: call [rip]; (401040:) jne 401050, taken; 401050: add [rdi], rax; rep movsb (3 times); addsd xmm1, [rsi]; fxsave-like: none */
static const struct {
    uint16_t at;
    uint8_t size, code[8];
    const char *accesses;
    insn_op op;
    bool taken;
} steps[] = {
    { 0x000, 5, { 0xe8, 0x0b }, " S 7ff8,8\n", INSN_OP_CALL, true },
    { 0x010, 2, { 0x75, 0x02 }, "", INSN_OP_COND, false },
    { 0x012, 1, { 0x53 }, " S 7ff0,8\n", INSN_OP_MOVE, false },
    { 0x013, 1, { 0xc3 }, " L 7ff0,8\n", INSN_OP_RET, true },
    { 0x005, 2, { 0xff, 0xe0 }, "", INSN_OP_IJUMP, true },
    { 0x020, 2, { 0xeb, 0x0e }, "", INSN_OP_JUMP, true },
    { 0x030, 6, { 0xff, 0x15, 0, 0, 0, 0 }, " L 401036,8\n S 7ff0,8\n", INSN_OP_ICALL, true },
    { 0x040, 2, { 0x75, 0x0e }, "", INSN_OP_COND, true },
    { 0x050, 3, { 0x48, 0x01, 0x07 }, " M 9000,8\n", INSN_OP_MOVE, false },
    { 0x053, 2, { 0xf3, 0xa4 }, " L a000,1\n S b000,1\n", INSN_OP_MOVE, false },
    { 0x053, 2, { 0xf3, 0xa4 }, " L a001,1\n S b001,1\n", INSN_OP_MOVE, false },
    { 0x055, 4, { 0xf2, 0x0f, 0x58, 0x0e }, " L c000,8\n", INSN_OP_MOVE, false },
};

static void make_real_trace(void)
{
    uint8_t code[0x60];
    g_autoptr(GString) text = g_string_new(NULL);
    memset(code, 0x90, sizeof code);
    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        memcpy(code + steps[i].at, steps[i].code, steps[i].size);
        g_string_append_printf(text, "I  %08x,%u\n%s", 0x401000 + steps[i].at, steps[i].size, steps[i].accesses);
    }
    g_autofree char *elf = fixture_elf("real", 0x401000, false, code, sizeof code);
    g_autofree char *path = fixture_text("real.lackey", text->str);
    const tr_import_options o = { .elfs = (const char *const[]){ elf, NULL } };
    tr_import_report report;
    g_autofree char *told = fixture_import(path, &o, &report);
    ck_assert_uint_eq(report.without_code, 0);
}

static bool has(const uint8_t *regs, unsigned n, uint8_t reg)
{
    return memchr(regs, reg, n) != NULL;
}

START_TEST(real_code)
{
    make_real_trace();
    export_records(fixture_trace(), 0);
    ck_assert_uint_eq(n_records, G_N_ELEMENTS(steps));
    for (unsigned i = 0; i < n_records; i++) {
        const tr_champsim_record *r = &records[i];
        ck_assert_uint_eq(r->ip, 0x401000u + steps[i].at);
        ck_assert_msg(tr_champsim_branch(r->dst_regs, 2, r->src_regs, 4) == steps[i].op, "step %u: another kind of branch", i);
        ck_assert_uint_eq(r->is_branch, steps[i].op != INSN_OP_MOVE);
        ck_assert_uint_eq(r->branch_taken, steps[i].taken);
    }
    ck_assert(records[6].src_mem[0] == 0x401036 && records[6].dst_mem[0] == 0x7ff0);
    ck_assert(records[8].src_mem[0] == 0x9000 && records[8].dst_mem[0] == 0x9000);
    ck_assert(has(records[8].src_regs, 4, 3) && has(records[8].src_regs, 4, 10) && has(records[8].dst_regs, 2, TR_CHAMPSIM_FLAGS)); /* rdi, rax */
    ck_assert(records[10].src_mem[0] == 0xa001 && records[10].dst_mem[0] == 0xb001);
    ck_assert(has(records[11].src_regs, 4, 4) && has(records[11].dst_regs, 2, 101)); /* rsi, xmm1 */
    ck_assert(has(records[2].src_regs, 4, TR_CHAMPSIM_SP) && has(records[2].src_regs, 4, 7) && records[2].dst_mem[0] == 0x7ff0); /* rsp, rbx */
}
END_TEST

START_TEST(packed_output)
{
    static const char *const names[] = { "out.xz", "out.gz", "out.zst" };
    uint64_t insns;
    make_real_trace();
    export_records(fixture_trace(), 0);
    g_autofree char *plain = test_path("out.champsim"), *packed = test_path(names[_i]);
    g_autofree char *trace = g_strdup(fixture_trace());
    g_autofree char *wanted = fixture_import(plain, NULL, NULL);
    ck_assert(export_to(trace, packed, 0, &insns, NULL));
    g_autofree char *bytes = NULL;
    gsize n;
    ck_assert(g_file_get_contents(packed, &bytes, &n, NULL));
    ck_assert_uint_ne(n, n_records * sizeof *records);
    g_autofree char *got = fixture_import(packed, NULL, NULL);
    ck_assert_str_eq(got, wanted);
}
END_TEST

/* What does not fit into one record follows at the same ip; nothing is lost, and the order stays. */
START_TEST(further_records)
{
    static const uint64_t loads[] = { 0x100, 0x200, 0x300, 0x400, 0x500, 0x600 };
    g_autofree char *path = fixture_text("further.din", "2 1000\n0 100\n0 200\n0 300\n0 400\n0 500\n0 600\n2 1004\n1 100\n1 200\n1 300\n");
    g_autofree char *told = fixture_import(path, NULL, NULL);
    export_records(fixture_trace(), 0);
    ck_assert_uint_eq(n_records, 4);
    ck_assert(records[0].ip == 0x1000 && records[1].ip == 0x1000 && records[2].ip == 0x1004 && records[3].ip == 0x1004);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_uint_eq(records[i / 4].src_mem[i % 4], loads[i]);
    ck_assert(records[2].dst_mem[0] == 0x100 && records[2].dst_mem[1] == 0x200 && records[3].dst_mem[0] == 0x300);
}
END_TEST

START_TEST(part_of_a_trace)
{
    make_real_trace();
    export_records(fixture_trace(), 4);
    ck_assert_uint_eq(n_records, 4);
}
END_TEST

START_TEST(nowhere_to_write)
{
    GError *error = NULL;
    uint64_t insns;
    make_real_trace();
    g_autofree char *to = g_build_filename(test_folder(), "no", "such", "folder", NULL);
    ck_assert(!export_to(fixture_trace(), to, 0, &insns, &error));
    ck_assert_ptr_nonnull(strstr(error->message, to));
    g_clear_error(&error);
    ck_assert(!export_to(fixture_trace(), test_folder(), 0, &insns, &error));
    ck_assert_ptr_nonnull(strstr(error->message, test_folder()));
    g_clear_error(&error);
}
END_TEST

TCase *export_tests(void)
{
    TCase *t = tcase_create("export");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, champsim_round_trip, 0, 4);
    tcase_add_test(t, real_code);
    tcase_add_loop_test(t, packed_output, 0, 3);
    tcase_add_test(t, further_records);
    tcase_add_test(t, part_of_a_trace);
    tcase_add_test(t, nowhere_to_write);
    return t;
}
