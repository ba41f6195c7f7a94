/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was written comes back; what is damaged is told, and the rest can be saved. */
#include "support.h"

#include "cpu-machine.h"
#include "tr-filter.h"
#include "tr-reader.h"
#include "tr-writer.h"

#include <glib/gstdio.h>
#include <string.h>

enum { BATCHES = 150, BLOCKS = 3 };

/* mov rax,[rbx]; add [rcx],rax; jmp -- add rax,rbx; jmp -- rep movsb */
static const uint8_t code_load[] = { 0x48, 0x8b, 0x03, 0x48, 0x01, 0x01, 0xeb, 0x10 };
static const uint8_t code_add[] = { 0x48, 0x01, 0xd8, 0xeb, 0xe0 };
static const uint8_t code_rep[] = { 0xf3, 0xa4 };

typedef struct {
    insn_code *code;
    const insn_block_facts *facts[BLOCKS];
    uint32_t blocks[64];
    uint64_t addrs[256];
    uint64_t insns;
    insn_batch batch;
} stream;

static void stream_init(stream *s)
{
    static const insn_access none_seen[1];
    *s = (stream){ .code = cpu_code_new() };
    s->facts[0] = s->code->define(s->code, 0x1000, code_load, sizeof code_load, 0, NULL, 0);
    s->facts[1] = s->code->define(s->code, 0x1018, code_add, sizeof code_add, 0, NULL, 0);
    s->facts[2] = s->code->define(s->code, 0x2000, code_rep, sizeof code_rep, 0, none_seen, 0); /* a rep count of zero */
}

static void stream_next(stream *s, unsigned number)
{
    unsigned n_addrs = 0, n = 1 + number * 7 % 60;
    for (unsigned i = 0; i < n; i++) {
        const insn_block_facts *f = s->facts[(i + number) % 5 == 0 ? 2 : i % 2];
        s->blocks[i] = f->id;
        s->insns += f->n_insns;
        for (unsigned k = 0; k < f->n_slots; k++)
            s->addrs[n_addrs++] = 0x7000 + number * 64 + i * 8 + k * 0x100000 + (i % 11 == 3 ? number * number * 4096 : 0);
    }
    s->batch = (insn_batch){ .blocks = s->blocks, .addrs = s->addrs, .n_blocks = n, .n_addrs = n_addrs };
    if (number % 10 == 9)
        s->batch.event = (insn_event){ .kind = INSN_EVENT_SYSCALL, .nr = number };
    if (number == 40 || number == 90)
        s->batch.event = (insn_event){ .kind = number == 40 ? INSN_EVENT_ROI_BEGIN : INSN_EVENT_ROI_END };
    if (number == BATCHES - 1)
        s->batch.event = (insn_event){ .kind = INSN_EVENT_END, .arg0 = 7, .text = "over" };
}

static tr_progress progress_of(const stream *s, unsigned number)
{
    return (tr_progress){ .insns = s->insns, .out_len = number + 1, .touched = 4096 * (number / 3), .reads_time = number > 100,
                          .n_missing = number / 50, .last_missing = number / 50 };
}

static void make(const char *path)
{
    stream s;
    tr_meta meta = { .name = (char *)"guest", .origin = (char *)"recorded", .argv = (char *[]){ (char *)"a", (char *)"b;c", NULL }, .seed = 5 };
    stream_init(&s);
    tr_writer *w = tr_writer_new(path, s.code, &meta, NULL);
    ck_assert_ptr_nonnull(w);
    for (unsigned i = 0; i < BATCHES; i++) {
        stream_next(&s, i);
        tr_progress now = progress_of(&s, i);
        ck_assert(tr_writer_output(w, 1, "x", 1, NULL) && tr_writer_append(w, &s.batch, &now, NULL));
    }
    ck_assert(tr_writer_finish(w, TR_ENDED_GUEST, NULL));
    tr_writer_free(w);
    cpu_code_free(s.code);
}

/* Batches that can be read; *end what the last call returned. */
static unsigned count(const char *path, bool salvage, int *end, char **message)
{
    g_autoptr(GError) error = NULL;
    unsigned n = 0;
    insn_batch batch;
    tr_progress now;
    *message = NULL;
    g_autoptr(tr_reader) r = tr_reader_open(path, &error);
    if (!r) {
        *end = -1;
        *message = g_strdup(error->message);
        return 0;
    }
    insn_code *code = cpu_code_new();
    tr_reader_start(r, code, salvage);
    while ((*end = tr_reader_next(r, &batch, &now, &error)) > 0)
        n++;
    if (*end < 0) {
        *message = g_strdup(error->message);
        g_clear_error(&error);
        ck_assert_int_eq(tr_reader_next(r, &batch, &now, &error), -1); /* and stays so */
    } else if (!tr_reader_info(r)->indexed) {
        *message = g_strdup("index");
    }
    tr_reader_free(g_steal_pointer(&r));
    cpu_code_free(code);
    return n;
}

START_TEST(what_was_written_comes_back)
{
    g_autofree char *path = test_path("whole.qtr");
    make(path);
    stream s;
    stream_init(&s);
    g_autoptr(tr_reader) r = tr_reader_open(path, NULL);
    const tr_info *info = tr_reader_info(r);
    ck_assert(info->complete && info->indexed && info->end.segments == BATCHES && info->end.time_dependent);
    ck_assert_str_eq(info->meta.argv[1], "b;c");
    ck_assert_uint_eq(info->meta.seed, 5);
    insn_code *code = cpu_code_new();
    tr_reader_start(r, code, false);
    for (unsigned i = 0; i < BATCHES; i++) {
        insn_batch b;
        tr_progress now;
        ck_assert_int_eq(tr_reader_next(r, &b, &now, NULL), 1);
        stream_next(&s, i);
        tr_progress expected = progress_of(&s, i);
        ck_assert_mem_eq(&now, &expected, sizeof now);
        ck_assert_uint_eq(b.n_blocks, s.batch.n_blocks);
        ck_assert_mem_eq(b.addrs, s.addrs, sizeof *b.addrs * s.batch.n_addrs);
        for (unsigned k = 0; k < b.n_blocks; k++) {
            const insn_block_facts *got = code->facts(code, b.blocks[k]), *want = s.code->facts(s.code, s.blocks[k]);
            ck_assert(got->addr == want->addr && got->n_slots == want->n_slots && got->variant == want->variant && got->bytes == want->bytes);
        }
        ck_assert(b.event.kind == s.batch.event.kind && b.event.nr == s.batch.event.nr && b.event.arg0 == s.batch.event.arg0);
    }
    insn_batch b;
    tr_progress now;
    size_t out;
    ck_assert_int_eq(tr_reader_next(r, &b, &now, NULL), 0);
    tr_reader_output(r, 1, &out);
    ck_assert_uint_eq(out, BATCHES);
    tr_reader_free(g_steal_pointer(&r));
    cpu_code_free(code);
    cpu_code_free(s.code);
}
END_TEST

START_TEST(a_seek_finds_the_chunk)
{
    g_autofree char *path = test_path("seek.qtr");
    make(path);
    g_autoptr(tr_reader) r = tr_reader_open(path, NULL);
    insn_code *code = cpu_code_new();
    insn_batch b;
    tr_progress now;
    tr_reader_start(r, code, false);
    uint64_t whole = tr_reader_info(r)->end.insns;
    ck_assert(tr_reader_seek(r, whole - 1, NULL));
    ck_assert_int_eq(tr_reader_next(r, &b, &now, NULL), 1);
    ck_assert_uint_gt(now.insns, whole / 2);
    ck_assert(tr_reader_seek(r, 0, NULL)); /* and back */
    ck_assert_int_eq(tr_reader_next(r, &b, &now, NULL), 1);
    ck_assert_uint_lt(now.insns, 20);
    tr_reader_free(g_steal_pointer(&r));
    cpu_code_free(code);
}
END_TEST

/* Bytes in turn, the headers' all: no damage goes unnoticed, and salvage never makes up more than there was. */
START_TEST(every_flipped_byte_is_noticed)
{
    g_autofree char *whole = test_path("flip-whole.qtr"), *path = test_path("flip.qtr"), *data = NULL;
    gsize size;
    make(whole);
    ck_assert(g_file_get_contents(whole, &data, &size, NULL));
    for (gsize i = 0; i < size; i += i < 500 || i + 700 > size ? 1 : 13) {
        g_autofree char *message = NULL, *saved = NULL;
        int end;
        data[i] = (char)(data[i] ^ (1 << i % 8));
        ck_assert(g_file_set_contents(path, data, (gssize)size, NULL));
        unsigned n = count(path, false, &end, &message);
        ck_assert_msg(message, "byte %zu of %zu", i, size);
        ck_assert_msg(strstr(message, "flip.qtr") || strcmp(message, "index") == 0, "%s", message);
        ck_assert_uint_le(n, BATCHES);
        n = count(path, true, &end, &saved);
        ck_assert_uint_le(n, BATCHES);
        data[i] = (char)(data[i] ^ (1 << i % 8));
    }
}
END_TEST

START_TEST(a_cut_off_file_keeps_its_beginning)
{
    g_autofree char *whole = test_path("cut-whole.qtr"), *path = test_path("cut.qtr"), *data = NULL;
    gsize size;
    unsigned before = 0;
    make(whole);
    ck_assert(g_file_get_contents(whole, &data, &size, NULL));
    for (gsize i = 0; i < size; i += 1 + i % 97) {
        g_autofree char *message = NULL, *saved = NULL;
        int end;
        ck_assert(g_file_set_contents(path, data, (gssize)i, NULL));
        count(path, false, &end, &message);
        ck_assert_msg(message, "%zu of %zu bytes", i, size);
        unsigned n = count(path, true, &end, &saved);
        ck_assert_msg(n >= before, "%zu bytes: %u batches, with fewer bytes %u", i, n, before);
        before = n;
    }
    ck_assert_uint_eq(before, BATCHES);
}
END_TEST

/* A damaged chunk in the middle is left out, and the next ones count on from where they are. */
START_TEST(salvage_leaves_one_chunk_out)
{
    g_autofree char *path = test_path("hole.qtr"), *data = NULL, *message = NULL;
    gsize size;
    int end;
    make(path);
    g_autoptr(tr_reader) r = tr_reader_open(path, NULL);
    const tr_info *info = tr_reader_info(r);
    const tr_index_entry *hole = NULL;
    unsigned segments = 0, datas = 0;
    for (unsigned i = 0; i < info->n_chunks; i++)
        if (info->chunks[i].kind == TR_CHUNK_DATA && ++datas == 2)
            hole = &info->chunks[i];
    ck_assert_ptr_nonnull(hole);
    segments = hole->count;
    ck_assert(g_file_get_contents(path, &data, &size, NULL));
    data[hole->offset + sizeof(tr_chunk_header) + 3] ^= 1;
    ck_assert(g_file_set_contents(path, data, (gssize)size, NULL));
    ck_assert_uint_eq(count(path, true, &end, &message), BATCHES - segments);
    ck_assert_int_eq(end, 0);
    g_free(g_steal_pointer(&message));
    count(path, false, &end, &message);
    ck_assert_msg(strstr(message, "(DATA, at byte") && strstr(message, "checksum"), "%s", message);
}
END_TEST

static const struct {
    const char *bytes;
    size_t size;
    const char *says;
} foreign[] = {
    { "", 0, "it is empty" },
    { "\xfd" "7zXZ\0 and more", 16, "xz file" },
    { "\x7f" "ELF\2\1\1", 7, "program" },
    { "hello, world, this is not a trace of anything at all, is it? no, it is not.", 70, "no quanta trace" },
    { "\x89QTR\n\x1a\n", 7, "line ends" },
    { "\x89QTR\r\n\x1a\n1234", 12, "cut off within its header" },
};

START_TEST(foreign_files_are_named)
{
    g_autofree char *path = test_path("foreign.qtr"), *message = NULL;
    int end;
    ck_assert(g_file_set_contents(path, foreign[_i].bytes, (gssize)foreign[_i].size, NULL));
    count(path, false, &end, &message);
    ck_assert_msg(message && strstr(message, foreign[_i].says), "%s", message);
}
END_TEST

/* An unfinished writer leaves what it has written, a discarded one nothing. */
START_TEST(what_a_writer_leaves)
{
    g_autofree char *path = test_path("left.qtr"), *part = test_path("left.qtr.part"), *message = NULL;
    const tr_meta meta = { .name = (char *)"guest" };
    stream s;
    int end;
    stream_init(&s);
    for (unsigned discard = 0; discard < 2; discard++) {
        tr_writer *w = tr_writer_new(path, s.code, &meta, NULL);
        ck_assert(w && g_file_test(part, G_FILE_TEST_EXISTS));
        for (unsigned i = 0; i < 100; i++) {
            stream_next(&s, i);
            tr_progress now = progress_of(&s, i);
            ck_assert(tr_writer_append(w, &s.batch, &now, NULL));
        }
        if (discard)
            tr_writer_discard(w);
        tr_writer_free(w);
        ck_assert(!g_file_test(path, G_FILE_TEST_EXISTS));
        ck_assert_int_eq(g_file_test(part, G_FILE_TEST_EXISTS), !discard);
        if (!discard) {
            ck_assert_uint_ge(count(part, true, &end, &message), 64);
            ck_assert_int_eq(end, 0);
        }
    }
    cpu_code_free(s.code);
}
END_TEST

/* A window's instructions are those of the whole, counted anew. */
START_TEST(a_window_keeps_what_it_says)
{
    static const struct {
        tr_window window;
        bool whole_end;
    } windows[] = { { { .from = 100, .limit = 500 }, false }, { { .from = 333, .limit = 0 }, true }, { { .limit = 1 }, false }, { { .regions = true }, false },
                    { { .regions = true, .from = 50, .limit = 60 }, false } };
    const tr_window *window = &windows[_i].window;
    g_autofree char *from = test_path("window-in.qtr"), *to = test_path("window-out.qtr");
    const tr_meta meta = { .name = (char *)"guest" };
    insn_batch b;
    tr_progress now;
    tr_filter f;
    make(from);
    g_autoptr(tr_reader) r = tr_reader_open(from, NULL);
    insn_code *code = cpu_code_new();
    tr_reader_start(r, code, false);
    tr_writer *w = tr_writer_new(to, code, &meta, NULL);
    tr_filter_init(&f, w, code, window);
    uint64_t all = tr_reader_info(r)->end.insns;
    while (!f.done && tr_reader_next(r, &b, &now, NULL) > 0) {
        size_t n;
        const char *out = tr_reader_output(r, 1, &n);
        ck_assert(tr_filter_put(&f, &b, &now, out, "", NULL));
    }
    ck_assert(tr_writer_finish(w, tr_filter_ended(&f, false), NULL));
    tr_writer_free(w);
    g_autoptr(tr_reader) part = tr_reader_open(to, NULL);
    insn_code *other = cpu_code_new();
    uint64_t insns = 0;
    tr_reader_start(part, other, false);
    while (tr_reader_next(part, &b, &now, NULL) > 0)
        for (uint32_t i = 0; i < b.n_blocks; i++)
            insns += other->facts(other, b.blocks[i])->n_insns;
    const tr_info *info = tr_reader_info(part);
    ck_assert_uint_eq(insns, info->end.insns);
    ck_assert_uint_eq(insns, now.insns);
    ck_assert_int_eq(info->end.ended == TR_ENDED_GUEST, windows[_i].whole_end);
    if (window->limit) {
        ck_assert_uint_ge(insns, window->limit);
        ck_assert_uint_lt(insns, window->limit + 3); /* blocks are whole */
    } else if (!window->regions) {
        ck_assert_uint_le(insns, all - window->from);
        ck_assert_uint_gt(insns, all - window->from - 3);
    } else {
        ck_assert(insns > all / 5 && insns < all / 2);
        ck_assert(info->end.events[INSN_EVENT_ROI_BEGIN] == 1 && info->end.events[INSN_EVENT_ROI_END] == 1);
        ck_assert_uint_eq(info->end.out_bytes, 50);
    }
    tr_reader_free(g_steal_pointer(&part));
    tr_reader_free(g_steal_pointer(&r));
    cpu_code_free(code);
    cpu_code_free(other);
}
END_TEST

TCase *reader_tests(void)
{
    TCase *t = tcase_create("reader");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, what_was_written_comes_back);
    tcase_add_test(t, a_seek_finds_the_chunk);
    tcase_add_test(t, every_flipped_byte_is_noticed);
    tcase_add_test(t, a_cut_off_file_keeps_its_beginning);
    tcase_add_test(t, salvage_leaves_one_chunk_out);
    tcase_add_loop_test(t, foreign_files_are_named, 0, G_N_ELEMENTS(foreign));
    tcase_add_test(t, what_a_writer_leaves);
    tcase_add_loop_test(t, a_window_keeps_what_it_says, 0, 5);
    return t;
}
