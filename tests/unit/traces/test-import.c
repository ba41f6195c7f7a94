/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traces of other tools come out as what those tools executed, in order; bad input is named. */
#include "import-fixture.h"

#include "tr-import-champsim.h"

#include <string.h>

#define ck_assert_part(text, part) ck_assert_msg(strstr(text, part), "'%s' lacks '%s'", text, part)

static void expect(const char *path, const tr_import_options *options, const char *wanted)
{
    g_autofree char *got = fixture_import(path, options, NULL);
    ck_assert_str_eq(got, wanted);
}

static void expect_error(const char *path, const tr_import_options *options, const char *first, const char *second)
{
    g_autofree char *message = fixture_import_error(path, options);
    ck_assert_part(message, first);
    ck_assert_part(message, second);
}

/* ---- lackey ------------------------------------------------------------------------------------------------------------------ */

/* mov ecx, 3; lea rdi, [rip]; lea rsi, [rip]; rep movsb; call +6 (f); inc qword [rip]; ret; f: push [rip]; pop rax; ret; xor ecx, ecx; rep stosb */
static const uint8_t program[] = {
    0xb9, 3, 0, 0, 0, 0x48, 0x8d, 0x3d, 0, 0, 0, 0, 0x48, 0x8d, 0x35, 0, 0, 0, 0, 0xf3, 0xa4, 0xe8, 8, 0, 0, 0, 0x48, 0xff, 5, 0, 0, 0, 0, 0xc3,
    0xff, 0x35, 0, 0, 0, 0, 0x58, 0xc3, 0x31, 0xc9, 0xf3, 0xaa,
};

#define LACKEY_RUN \
    "==7== Lackey, an example Valgrind tool\n" \
    "I  00401000,5\nI  00401005,7\nI  0040100c,7\n" \
    "I  00401013,2\n L 00402040,1\n S 00402000,1\nI  00401013,2\n L 00402041,1\n S 00402001,1\nI  00401013,2\n L 00402042,1\n S 00402002,1\n" \
    "I  00401013,2\n" \
    "I  00401015,5\n S 1fff000718,8\n" \
    "I  00401022,6\n L 00402000,8\n S 1fff000710,8\nI  00401028,1\n L 1fff000710,8\nI  00401029,1\n L 1fff000718,8\n" \
    "I  0040101a,7\n M 00402000,8\nI  00401021,1\n L 1fff000720,8\n" \
    "I  0040102a,2\nI  0040102c,2\n" \
    "==7== \n"

START_TEST(lackey_with_code)
{
    g_autofree char *elf = fixture_elf("program", 0x401000, false, program, sizeof program);
    g_autofree char *path = fixture_text("with-code.lackey", LACKEY_RUN);
    const char *const elfs[] = { elf, NULL };
    const tr_import_options o = { .elfs = elfs };
    expect(path, &o,
           "401000r4 L402040,1 S402000,1\n401013r+0 L402041,1 S402001,1\n401013r+0 L402042,1 S402002,1\n"
           "401015r1 S1fff000718,8\n401022r3 L402000,8 S1fff000710,8 L1fff000710,8 L1fff000718,8\n"
           "40101ar2 M402000,8 L1fff000720,8\n40102ar2\n");
}
END_TEST

START_TEST(lackey_without_code)
{
    g_autofree char *path = fixture_text("without-code.lackey", LACKEY_RUN);
    tr_import_report report;
    g_autofree char *got = fixture_import(path, NULL, &report);
    ck_assert_str_eq(got,
                     "401000a4 L402040,1 S402000,1\n401013a1 L402041,1 S402001,1\n401013a1 L402042,1 S402002,1\n"
                     "401013a2 S1fff000718,8\n401022a3 L402000,8 S1fff000710,8 L1fff000710,8 L1fff000718,8\n"
                     "40101aa2 M402000,8 L1fff000720,8\n40102aa2\n");
    ck_assert_str_eq(report.format, "lackey");
    ck_assert_uint_eq(report.insns, 15);
    ck_assert_uint_eq(report.without_code, 15);
    ck_assert_uint_eq(report.accesses, 13);
}
END_TEST

START_TEST(elf_bases)
{
    g_autofree char *elf = fixture_elf("pie", 0x1000, true, program, sizeof program);
    g_autofree char *at = g_strconcat(elf, "@400000", NULL);
    g_autofree char *path = fixture_text("bases.lackey", "I  00401000,5\nI  00401005,7\nI  7fff0000,3\n");
    const char *const right[] = { at, NULL }, *const without[] = { elf, NULL }, *const missing[] = { "/nonexistent", NULL };
    const char *const text[] = { path, NULL };
    tr_import_options o = { .elfs = right };
    expect(path, &o, "401000r2\n7fff0000a1\n");
    o.elfs = without;
    expect_error(path, &o, "pie", "FILE@BASE");
    o.elfs = missing;
    expect_error(path, &o, "/nonexistent", "No such file");
    o.elfs = text;
    expect_error(path, &o, "bases.lackey", "not an ELF");
}
END_TEST

/* xchg [rdi], eax: Valgrind loads, then compares and swaps. Without code it stays what the file says. */
START_TEST(atomic_operations)
{
    static const uint8_t code[] = { 0x87, 0x07, 0xc3 };
    g_autofree char *elf = fixture_elf("atomic", 0x1000, false, code, sizeof code);
    g_autofree char *path = fixture_text("atomic.lackey", "I  00001000,2\n L 00005000,4\n M 00005000,4\nI  00001002,1\n L 00006000,8\n");
    const tr_import_options o = { .elfs = (const char *const[]){ elf, NULL } };
    expect(path, &o, "1000r2 M5000,4 L6000,8\n");
    expect(path, NULL, "1000a2 L5000,4 M5000,4 L6000,8\n");
}
END_TEST

START_TEST(code_of_another_program)
{
    g_autofree char *elf = fixture_elf("other", 0x401000, false, program, sizeof program);
    g_autofree char *path = fixture_text("other.lackey", "I  00401001,5\nI  00401006,9\n==1== \n");
    const char *const elfs[] = { elf, NULL };
    const tr_import_options o = { .elfs = elfs };
    expect_error(path, &o, "other.lackey", "0x401001");
}
END_TEST

START_TEST(lackey_bad_lines)
{
    static const char *const bad[] = {
        "I  xyz,3", "I  00401000", "I  00401000,0", "I  00401000,16", " L 10,99999999999", " L 1ffffffffffffffff,8", "hello", " Q 10,4", "I  401000,3 x",
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *text = g_strdup_printf("I  00401000,3\n L 00001000,8\n%s\n", bad[i]);
        g_autofree char *path = fixture_text("bad.lackey", text);
        expect_error(path, NULL, "bad.lackey: line 3", bad[i]);
    }
}
END_TEST

/* ---- dinero -------------------------------------------------------------------------------------------------------------------- */

START_TEST(dinero)
{
    g_autofree char *path = fixture_text("a.din", "1 20\n2 1000 fetch\n0 0x2000\n1 2000 8\n2 1004\n3 0\n4 0\n2 1000\n0 ffff800000000000 1\n");
    tr_import_report report;
    g_autofree char *got = fixture_import(path, NULL, &report);
    ck_assert_str_eq(got, "0a1 S20,4\n1000a2 L2000,4 S2000,8\n1000a1 Lffff800000000000,1\n");
    ck_assert_uint_eq(report.ignored, 2);
    ck_assert_str_eq(report.format, "dinero");
}
END_TEST

/* However many accesses one instruction makes, in whatever order. */
START_TEST(many_accesses)
{
    g_autoptr(GString) text = g_string_new("2 1000\n");
    g_autofree char *flat = NULL;
    for (unsigned i = 0; i < 3000; i++)
        g_string_append_printf(text, "%u %x\n", i % 3 == 0, 0x5000 + i * 12);
    g_autofree char *path = fixture_text("many.din", text->str);
    tr_import_report report;
    g_autofree char *got = fixture_import(path, NULL, &report);
    ck_assert_uint_eq(report.insns, 1);
    ck_assert_uint_eq(report.accesses, 3000);
    const char *at = got;
    for (unsigned i = 0; i < 3000; i++) {
        g_autofree char *wanted = g_strdup_printf(" %c%x,4", i % 3 == 0 ? 'S' : 'L', 0x5000 + i * 12);
        const char *found = strchr(at, ' ');
        ck_assert_msg(found && g_str_has_prefix(found, wanted), "access %u is not%s", i, wanted);
        at = found + 1;
    }
    ck_assert_ptr_null(strchr(at, ' '));
}
END_TEST

START_TEST(dinero_bad_lines)
{
    static const char *const bad[] = { "7 1000", "x 1000", "2", "2 ghi", "2 10000000000000000" };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        const tr_import_options o = { .format = "dinero" };
        g_autofree char *text = g_strdup_printf("2 1000\n\n%s\n", bad[i]);
        g_autofree char *path = fixture_text("bad.din", text);
        expect_error(path, &o, "bad.din: line 3", bad[i]);
    }
}
END_TEST

/* ---- champsim ------------------------------------------------------------------------------------------------------------------ */

static const tr_champsim_record champsim[] = {
    { .ip = 0x1000, .dst_regs = { 10 }, .src_regs = { 7 }, .src_mem = { 0x5000 } },
    { .ip = 0x1003, .dst_regs = { 25 }, .src_regs = { 10, 7 }, .src_mem = { 0x5008 }, .dst_mem = { 0x5008, 0x6000 } },
    { .ip = 0x1006, .is_branch = 1, .dst_regs = { 26 }, .src_regs = { 26, 25 } },
    { .ip = 0x1008, .is_branch = 1, .branch_taken = 1, .dst_regs = { 26 }, .src_regs = { 26, 25 } },
    { .ip = 0x1000, .dst_regs = { 10 }, .src_regs = { 7 }, .src_mem = { 0x5010 } },
};

START_TEST(champsim_records)
{
    g_autofree char *path = fixture_write("a.champsim", champsim, sizeof champsim);
    expect(path, NULL, "1000a3 L5000,8 M5008,8 S6000,8\n1008a1\n1000a1 L5010,8\n");
}
END_TEST

START_TEST(cloudsuite_records)
{
    tr_cloudsuite_record r[3] = {
        { .ip = 0x1000, .dst_regs = { 10 }, .src_regs = { 7 }, .src_mem = { 0x5000 }, .dst_mem = { 0x6000, 0x6008, 0x6010, 0x6018 }, .asid = { 1, 2 } },
        { .ip = 0x1004, .src_mem = { 1, 2, 3, 4 }, .asid = { 1, 2 } },
        { .ip = 0x1008, .asid = { 1, 2 } },
    };
    g_autofree char *path = fixture_write("a.cloudsuite", r, sizeof r);
    tr_import_report report;
    g_autofree char *got = fixture_import(path, NULL, &report);
    ck_assert_str_eq(got, "1000a3 L5000,8 S6000,8 S6008,8 S6010,8 S6018,8 L1,8 L2,8 L3,8 L4,8\n");
    ck_assert_str_eq(report.format, "champsim-cloudsuite");
}
END_TEST

START_TEST(champsim_bad_records)
{
    tr_champsim_record r[G_N_ELEMENTS(champsim)];
    const tr_import_options o = { .format = "champsim" };
    memcpy(r, champsim, sizeof r);
    g_autofree char *cut = fixture_write("cut.champsim", r, sizeof r - 10);
    expect_error(cut, NULL, "record 4", "54 of 64 bytes");
    r[3].is_branch = 9;
    g_autofree char *bad = fixture_write("bad.champsim", r, sizeof r);
    expect_error(bad, &o, "record 3", "is_branch");
}
END_TEST

/* ---- drmemtrace ---------------------------------------------------------------------------------------------------------------- */

typedef struct {
    uint16_t type, size;
    uint64_t addr;
} __attribute__((packed)) dr_entry;

/* mov ecx, 2; rep movsb; inc dword [rax]; jne; ret: with code; the same instruction again without; another thread that only exits. */
static const dr_entry drmemtrace[] = {
    { 25, 0, 7 }, { 28, 9, 0x240 }, { 22, 0, 100 }, { 24, 0, 1 }, { 28, 2, 99 },
    { 47, 5, UINT64_C(0x00000002b9) }, { 10, 5, 0x401000 }, { 47, 2, 0xa4f3 }, { 10, 2, 0x401005 }, { 0, 1, 0x5000 }, { 1, 1, 0x6000 },
    { 29, 2, 0x401005 }, { 0, 1, 0x5001 }, { 1, 1, 0x6001 },
    { 47, 2, 0x00ff }, { 10, 2, 0x401007 }, { 0, 4, 0x7000 }, { 1, 4, 0x7000 }, { 47, 2, 0xf775 }, { 48, 2, 0x401009 },
    { 10, 5, 0x401000 }, { 10, 2, 0x401005 },
    { 17, 2, 0x0202 }, { 0, 4, 0x7004 }, { 2, 8, 0x9000 }, { 16, 1, 0x500000 }, { 0, 8, 0x8000 },
    { 22, 0, 101 }, { 23, 0, 101 }, { 26, 0, 0 },
};

#define DR_TEXT "401000r2 L5000,1 S6000,1\n401005r+0 L5001,1 S6001,1\n401007r2 M7000,4\n401000r2\n401007r2 L7004,4\n500000a1 L8000,8\n"

START_TEST(drmemtrace_records)
{
    g_autofree char *path = fixture_write("a.trace", drmemtrace, sizeof drmemtrace);
    tr_import_report report;
    g_autofree char *got = fixture_import(path, NULL, &report);
    ck_assert_str_eq(got, DR_TEXT);
    ck_assert_str_eq(report.format, "drmemtrace");
    ck_assert_uint_eq(report.without_code, 1);
    ck_assert_uint_eq(report.ignored, 3);
}
END_TEST

START_TEST(drmemtrace_bad_records)
{
    static const struct {
        unsigned index;
        dr_entry entry;
        const char *where, *what;
    } bad[] = {
        { 0, { 25, 0, 99 }, "record 0", "version 99" }, { 1, { 28, 9, 0x80 }, "record 1", "filtered" },
        { 4, { 99, 0, 0 }, "record 4", "type 99" }, { 5, { 47, 9, 0 }, "record 5", "code" }, { 6, { 10, 4, 0x401000 }, "record 6", "4 bytes has 5" },
        { 8, { 10, 16, 0x401005 }, "record 8", "16 bytes" }, { 19, { 22, 0, 5 }, "record 20", "thread" }, { 22, { 17, 9, 0 }, "record 22", "bundle" },
        { 29, { 23, 0, 101 }, "record 30", "footer" },
    };
    const tr_import_options o = { .format = "drmemtrace" };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        dr_entry e[G_N_ELEMENTS(drmemtrace)];
        memcpy(e, drmemtrace, sizeof e);
        e[bad[i].index] = bad[i].entry;
        g_autofree char *path = fixture_write("bad.trace", e, sizeof e);
        expect_error(path, &o, bad[i].where, bad[i].what);
    }
    g_autofree char *cut = fixture_write("cut.trace", drmemtrace, sizeof drmemtrace - 5);
    expect_error(cut, NULL, "record 29", "7 of 12");
}
END_TEST

/* ---- all of them -------------------------------------------------------------------------------------------------------------- */

START_TEST(packed_input)
{
    static const char *const packings[] = { "gzip", "xz", "zstd", "lz4", "bzip2", "zip" };
    g_autofree char *path = fixture_packed("packed", packings[_i], drmemtrace, sizeof drmemtrace);
    g_autofree char *bytes = NULL;
    gsize n;
    expect(path, NULL, DR_TEXT);
    ck_assert(g_file_get_contents(path, &bytes, &n, NULL));
    g_autofree char *cut = fixture_write("packed-cut", bytes, n / 2);
    g_autofree char *message = fixture_import_error(cut, NULL);
    ck_assert_part(message, "packed-cut");
}
END_TEST

START_TEST(gzip_members)
{
    g_autofree char *one = fixture_packed("one.gz", "gzip", "I  1000,4\n", 10), *two = fixture_packed("two.gz", "gzip", " L 2000,4\n", 10);
    g_autofree char *a = NULL, *b = NULL;
    gsize na, nb;
    ck_assert(g_file_get_contents(one, &a, &na, NULL) && g_file_get_contents(two, &b, &nb, NULL));
    g_autoptr(GByteArray) both = g_byte_array_new();
    g_byte_array_append(both, (const guint8 *)a, (guint)na);
    g_byte_array_append(both, (const guint8 *)b, (guint)nb);
    g_autofree char *path = fixture_write("both.gz", both->data, both->len);
    expect(path, NULL, "1000a1 L2000,4\n");
}
END_TEST

START_TEST(limit)
{
    g_autofree char *elf = fixture_elf("limited", 0x401000, false, program, sizeof program);
    g_autofree char *path = fixture_text("limit.lackey", LACKEY_RUN);
    const char *const elfs[] = { elf, NULL };
    const tr_import_options o = { .elfs = elfs, .limit = 6 };
    expect(path, &o,
           "401000r4 L402040,1 S402000,1\n401013r+0 L402041,1 S402001,1\n401013r+0 L402042,1 S402002,1\n401015r1 S1fff000718,8\n"
           "401022r1 L402000,8 S1fff000710,8\n");
    GError *error = NULL;
    g_autoptr(tr_reader) r = tr_reader_open(fixture_trace(), &error);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(tr_reader_info(r)->end.ended, TR_ENDED_LIMIT);
    ck_assert_uint_eq(tr_reader_info(r)->end.insns, 6);
    ck_assert_str_eq(tr_reader_info(r)->meta.origin, "lackey");
    ck_assert_str_eq(tr_reader_info(r)->meta.name, "limit");
}
END_TEST

/* What there is when the user interrupts is a whole trace. */
START_TEST(interrupted)
{
    static volatile int cancel = 1;
    g_autofree char *path = fixture_text("interrupted.lackey", LACKEY_RUN);
    const tr_import_options o = { .cancel = &cancel };
    expect(path, &o, "");
    g_autoptr(tr_reader) r = tr_reader_open(fixture_trace(), NULL);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(tr_reader_info(r)->end.ended, TR_ENDED_INTERRUPTED);
}
END_TEST

START_TEST(no_trace)
{
    uint8_t noise[4096];
    for (unsigned i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)((i * 2654435761u) >> 13);
    const tr_import_options misspelt = { .format = "champsin" }, din_elf = { .format = "dinero", .elfs = (const char *const[]){ "x", NULL } };
    g_autofree char *garbage = fixture_write("garbage", noise, sizeof noise), *empty = fixture_write("empty", "", 0);
    g_autofree char *prose = fixture_text("prose", "It was a dark and stormy night.\n"), *missing = test_path("missing");
    g_autofree char *none = fixture_text("none.lackey", "==1== nothing\n"), *trailing = fixture_text("a-din", "2 1000\n");
    expect_error(garbage, NULL, "garbage", "champsim, champsim-cloudsuite, lackey, dinero, drmemtrace");
    expect_error(prose, NULL, "prose", "--format");
    expect_error(empty, NULL, "empty", "empty");
    expect_error(missing, NULL, "missing", "No such file");
    expect_error(none, &(tr_import_options){ .format = "lackey" }, "none.lackey", "no instruction");
    expect_error(trailing, &misspelt, "champsin", "did you mean 'champsim'");
    expect_error(trailing, &din_elf, "--elf", "dinero");
}
END_TEST

/* A line or a packing without end takes no memory to speak of. */
START_TEST(long_line)
{
    g_autofree char *text = g_malloc(1 << 20);
    memset(text, 'I', 1 << 20);
    g_autofree char *path = fixture_packed("long.gz", "gzip", text, 1 << 20);
    expect_error(path, &(tr_import_options){ .format = "lackey" }, "line 1", "longer than");
}
END_TEST

TCase *import_tests(void)
{
    TCase *t = tcase_create("import");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, lackey_with_code);
    tcase_add_test(t, lackey_without_code);
    tcase_add_test(t, elf_bases);
    tcase_add_test(t, atomic_operations);
    tcase_add_test(t, code_of_another_program);
    tcase_add_test(t, lackey_bad_lines);
    tcase_add_test(t, dinero);
    tcase_add_test(t, many_accesses);
    tcase_add_test(t, dinero_bad_lines);
    tcase_add_test(t, champsim_records);
    tcase_add_test(t, cloudsuite_records);
    tcase_add_test(t, champsim_bad_records);
    tcase_add_test(t, drmemtrace_records);
    tcase_add_test(t, drmemtrace_bad_records);
    tcase_add_loop_test(t, packed_input, 0, 6);
    tcase_add_test(t, gzip_members);
    tcase_add_test(t, limit);
    tcase_add_test(t, interrupted);
    tcase_add_test(t, no_trace);
    tcase_add_test(t, long_line);
    return t;
}
