/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DynamoRIO's offline drmemtrace after raw2trace: packed little-endian records of 12 bytes (type u16, size u16, address u64), as
 * clients/drcachesim/common/trace_entry.h describes them (versions 1 to 7). */
#include "tr-import-formats.h"
#include "tr-import-map.h"

#include "sim-error.h"

enum { RECORD = 12, MAX_INSN = 15, OLDEST = 1, NEWEST = 7, MAX_ENCODINGS = 4 << 20 };

/* trace_type_t. */
enum {
    T_READ = 0, T_WRITE = 1, T_INSTR = 10, T_DIRECT_JUMP, T_INDIRECT_JUMP, T_CONDITIONAL_JUMP, T_DIRECT_CALL, T_INDIRECT_CALL, T_RETURN,
    T_BUNDLE = 17, T_THREAD = 22, T_THREAD_EXIT = 23, T_PID = 24, T_HEADER = 25, T_FOOTER = 26, T_MARKER = 28, T_NO_FETCH = 29,
    T_MAYBE_FETCH = 30, T_SYSENTER = 31, T_ENCODING = 47, T_TAKEN_JUMP = 48, T_UNTAKEN_JUMP = 49, T_LAST = 49,
};

enum { MARKER_FILETYPE = 9 };

/* offline_file_type_t. */
enum {
    F_FILTERED = 0x1, F_OTHER_ISA = 0x8 | 0x10 | 0x20, F_X86_64 = 0x40, F_INSTR_FILTERED = 0x80, F_DATA_FILTERED = 0x100, F_REGDEPS = 0x20000,
};

typedef struct {
    uint16_t type, size;
    uint64_t addr;
    uint8_t bytes[8];    /* the same eight, as they lie in the file */
} entry;

typedef struct {
    uint64_t number;     /* of records read */
    uint64_t thread, first_thread, next_pc, last_pc;
    bool has_thread, has_first, foreign, in_insn, footer;
    unsigned encoding_size;
    uint8_t encoding[MAX_INSN + 1];
    tr_map encoding_of;  /* address: index in `encodings`, + 1 */
    GArray *encodings;   /* of uint8_t[16]: the bytes, then their number */
} state;

static entry read_entry(const uint8_t *bytes)
{
    entry e;
    memcpy(&e.type, bytes, 2);
    memcpy(&e.size, bytes + 2, 2);
    memcpy(&e.addr, bytes + 4, 8);
    memcpy(e.bytes, bytes + 4, 8);
    return e;
}

static bool recognise(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < 3 && (i + 1) * RECORD <= n; i++) {
        entry e = read_entry(bytes + i * RECORD);
        if (i == 0 && (e.type != T_HEADER || e.size != 0 || e.addr > 255))
            return false;
        if (e.type > 255)
            return false;
    }
    return n >= RECORD;
}

static bool fail(tr_import_run *run, const state *s, GError **error, const char *format, ...) G_GNUC_PRINTF(4, 5);

static bool fail(tr_import_run *run, const state *s, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: record %" G_GUINT64_FORMAT ": %s", tr_input_name(run->input), s->number - 1, what);
    return false;
}

/* ---- instructions ---------------------------------------------------------------------------------------------------------- */

static uint8_t op_of(unsigned type)
{
    switch (type) {
    case T_DIRECT_JUMP: return INSN_OP_JUMP;
    case T_INDIRECT_JUMP: return INSN_OP_IJUMP;
    case T_CONDITIONAL_JUMP: case T_TAKEN_JUMP: case T_UNTAKEN_JUMP: return INSN_OP_COND;
    case T_DIRECT_CALL: return INSN_OP_CALL;
    case T_INDIRECT_CALL: return INSN_OP_ICALL;
    case T_RETURN: return INSN_OP_RET;
    default: return INSN_OP_INT;
    }
}

static bool is_insn(unsigned type)
{
    return (type >= T_INSTR && type <= T_RETURN) || (type >= T_NO_FETCH && type <= T_SYSENTER) || type == T_TAKEN_JUMP || type == T_UNTAKEN_JUMP;
}

/* The code bytes of the instruction at `pc`: those that came just before it, or those of an earlier time. */
static bool find_code(tr_import_run *run, state *s, uint64_t pc, unsigned size, const uint8_t **code, GError **error)
{
    uint32_t known = tr_map_get(&s->encoding_of, pc);
    *code = NULL;
    if (s->encoding_size && !s->foreign) {
        uint8_t bytes[16] = { 0 };
        if (s->encoding_size != size)
            return fail(run, s, error, "an instruction of %u bytes has %u bytes of code", size, s->encoding_size);
        memcpy(bytes, s->encoding, size);
        bytes[15] = (uint8_t)size;
        if (!known) {
            if (s->encodings->len >= MAX_ENCODINGS)
                return fail(run, s, error, "code at more than %u addresses", (unsigned)MAX_ENCODINGS);
            g_array_set_size(s->encodings, s->encodings->len + 1);
            known = s->encodings->len;
            tr_map_put(&s->encoding_of, pc, known);
        }
        memcpy(s->encodings->data + (known - 1) * (gsize)16, bytes, 16);
    }
    s->encoding_size = 0;
    const uint8_t *found = known ? (const uint8_t *)s->encodings->data + (known - 1) * (gsize)16 : NULL;
    if (found && found[15] == size && !s->foreign)
        *code = found;
    return true;
}

static bool put_insn(tr_import_run *run, state *s, uint64_t pc, unsigned size, uint8_t op, bool again, GError **error)
{
    tr_import_insn in = tr_import_bare(pc, (uint8_t)size, op);
    if (size == 0 || size > MAX_INSN)
        return fail(run, s, error, "an instruction of %u bytes", size);
    if (!s->has_first) {
        s->has_first = true;
        s->first_thread = s->thread;
    } else if (s->thread != s->first_thread) {
        return fail(run, s, error, "instructions of more than one thread (%" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT "): import the file of each thread "
                    "on its own", s->first_thread, s->thread);
    }
    if (!find_code(run, s, pc, size, &in.code, error))
        return false;
    in.again = again;
    s->next_pc = pc + size;
    s->last_pc = pc;
    s->in_insn = true;
    return tr_blocks_insn(run->blocks, &in, error);
}

static bool put_bundle(tr_import_run *run, state *s, const entry *e, GError **error)
{
    if (!s->in_insn || e->size > sizeof e->bytes)
        return fail(run, s, error, "a bundle of %u instructions%s", e->size, s->in_insn ? "" : " without one before it");
    for (unsigned i = 0; i < e->size && !tr_blocks_full(run->blocks); i++)
        if (!put_insn(run, s, s->next_pc, e->bytes[i], INSN_OP_INT, false, error))
            return false;
    return true;
}

/* ---- records ---------------------------------------------------------------------------------------------------------------- */

static bool put_marker(tr_import_run *run, state *s, const entry *e, GError **error)
{
    run->ignored++;
    if (e->size != MARKER_FILETYPE)
        return true;
    if (e->addr & (F_FILTERED | F_INSTR_FILTERED | F_DATA_FILTERED))
        return fail(run, s, error, "a filtered trace, which lacks instructions or accesses: make one without -L0_filter and the like");
    s->foreign = (e->addr & (F_OTHER_ISA | F_REGDEPS)) != 0;
    return true;
}

static bool put_encoding(tr_import_run *run, state *s, const entry *e, GError **error)
{
    if (e->size > sizeof e->bytes || s->encoding_size + e->size > MAX_INSN) {
        if (s->foreign)
            return true;
        return fail(run, s, error, "more than %d bytes of code of one instruction", MAX_INSN);
    }
    memcpy(s->encoding + s->encoding_size, e->bytes, e->size);
    s->encoding_size += e->size;
    return true;
}

static bool put_header(tr_import_run *run, state *s, const entry *e, GError **error)
{
    if (e->addr < OLDEST || e->addr > NEWEST)
        return fail(run, s, error, "drmemtrace version %" G_GUINT64_FORMAT "; versions %d to %d can be read", e->addr, OLDEST, NEWEST);
    return true;
}

static bool put_entry(tr_import_run *run, state *s, const entry *e, GError **error)
{
    if (is_insn(e->type)) {
        if (e->size == 0)
            return fail(run, s, error, "an instruction that was filtered out: make a trace without -L0_filter and the like");
        bool again = e->type == T_NO_FETCH || (e->type == T_MAYBE_FETCH && s->in_insn && s->last_pc == e->addr);
        return put_insn(run, s, e->addr, e->size, op_of(e->type), again, error);
    }
    switch (e->type) {
    case T_READ:
    case T_WRITE:
        if (!s->in_insn || !e->size) {
            run->ignored++;
            return true;
        }
        return tr_blocks_access(run->blocks, e->addr, e->size, e->type == T_READ ? INSN_ACCESS_LOAD : INSN_ACCESS_STORE, error);
    case T_BUNDLE:
        return put_bundle(run, s, e, error);
    case T_THREAD:
        s->thread = e->addr;
        return true;
    case T_HEADER:
        return put_header(run, s, e, error);
    case T_MARKER:
        return put_marker(run, s, e, error);
    case T_ENCODING:
        return put_encoding(run, s, e, error);
    case T_THREAD_EXIT:
    case T_PID:
    case T_FOOTER:
        return true;
    default: /* prefetches, flushes */
        run->ignored++;
        return e->type <= T_LAST || fail(run, s, error, "there is no record of type %u", e->type);
    }
}

static bool read_entries(tr_import_run *run, state *s, GError **error)
{
    const uint8_t *bytes;
    unsigned last = 0;
    int got;
    while ((got = tr_input_record(run->input, RECORD, "record", &s->number, &bytes, error)) > 0) {
        entry e = read_entry(bytes);
        if (s->number == 1 && e.type != T_HEADER)
            return fail(run, s, error, "a drmemtrace begins with its version (record type %d), not with type %u", T_HEADER, e.type);
        if ((is_insn(e.type) || e.type == T_BUNDLE) && tr_blocks_full(run->blocks))
            return true;
        if (!put_entry(run, s, &e, error))
            return false;
        last = e.type;
    }
    if (got == 0 && last != T_FOOTER) {
        s->number++;
        return fail(run, s, error, "the file ends without a footer: it is cut off");
    }
    return got == 0;
}

static bool read_drmemtrace(tr_import_run *run, GError **error)
{
    state s = { 0 };
    tr_map_init(&s.encoding_of);
    s.encodings = g_array_new(FALSE, FALSE, 16);
    bool ok = read_entries(run, &s, error);
    tr_map_clear(&s.encoding_of);
    g_array_unref(s.encodings);
    return ok;
}

const tr_import_format tr_import_drmemtrace = {
    .name = "drmemtrace",
    .notes = "Instructions without code bytes have no registers: they wait for nothing but memory.\n"
             "A load and a store of one instruction at one place are one read-modify-write.\n"
             "System calls, signals and times are not taken over.",
    .merge = true, .recognise = recognise, .read = read_drmemtrace,
};
