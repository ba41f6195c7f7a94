/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Valgrind's `--tool=lackey --trace-mem=yes`: one line for an instruction ("I  00401000,5") and one for each of its accesses (" L ",
 * " S ", " M " for a read-modify-write), address hexadecimal, size decimal. The format is described in Valgrind's lackey/lk_main.c. */
#include "tr-import-formats.h"
#include "tr-import-text.h"

#include "sim-error.h"

enum { MAX_INSN = 15, MAX_ACCESS = 65535 };

typedef enum { LINE_BAD, LINE_SKIP, LINE_OTHER, LINE_INSN, LINE_ACCESS } line_kind;

typedef struct {
    line_kind kind;
    uint64_t addr;
    uint32_t size;
    unsigned flags;
} parsed;

/* "==12345== ..." and "--12345-- ...": Valgrind's own messages. */
static bool is_message(const char *p)
{
    char mark = *p;
    if ((mark != '=' && mark != '-') || p[1] != mark)
        return false;
    for (p += 2; g_ascii_isdigit(*p); p++)
        ;
    return p[0] == mark && p[1] == mark;
}

static parsed parse(const char *line)
{
    parsed r = { .kind = LINE_BAD };
    const char *p = tr_text_blanks(line);
    char letter = *p++;
    switch (letter) {
    case 'I':
        r.kind = LINE_INSN;
        break;
    case 'L':
        r.flags = INSN_ACCESS_LOAD;
        break;
    case 'S':
        if (*p == 'B' && p[1] == ' ') /* --trace-superblocks=yes */
            return (parsed){ .kind = LINE_OTHER };
        r.flags = INSN_ACCESS_STORE;
        break;
    case 'M':
        r.flags = INSN_ACCESS_LOAD | INSN_ACCESS_STORE;
        break;
    case 0:
        return (parsed){ .kind = LINE_SKIP };
    default:
        return (parsed){ .kind = is_message(line) ? LINE_SKIP : LINE_BAD };
    }
    if (*p != ' ')
        return (parsed){ .kind = LINE_BAD };
    p = tr_text_blanks(p);
    if (!tr_text_hex(&p, &r.addr) || *p++ != ',' || !tr_text_decimal(&p, &r.size) || *tr_text_blanks(p))
        return (parsed){ .kind = LINE_BAD };
    if (r.size == 0 || r.size > (r.kind == LINE_INSN ? (uint32_t)MAX_INSN : (uint32_t)MAX_ACCESS))
        return (parsed){ .kind = LINE_BAD };
    if (r.flags)
        r.kind = LINE_ACCESS;
    return r;
}

static bool recognise(const uint8_t *bytes, size_t n)
{
    g_autofree char *text = g_strndup((const char *)bytes, n);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 64);
    unsigned good = 0;
    if (memchr(bytes, 0, n))
        return false;
    for (unsigned i = 0; lines[i] && i < 63 && (lines[i + 1] || n < TR_INPUT_WINDOW); i++) {
        parsed r = parse(g_strchomp(lines[i]));
        if (r.kind == LINE_INSN || r.kind == LINE_ACCESS)
            good++;
        else if (r.kind == LINE_BAD && good == 0)
            return false;
    }
    return good > 0;
}

static bool bad_line(tr_import_run *run, uint64_t number, const char *text, GError **error)
{
    g_autofree char *shown = g_strndup(text, 60);
    g_autofree char *plain = g_strescape(shown, NULL);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: line %" G_GUINT64_FORMAT ": \"%s\" is no line of lackey's --trace-mem=yes (\"I  ADDRESS,SIZE\", "
                "\" L ...\", \" S ...\", \" M ...\", \"==PID== ...\"); --log-file=FILE keeps a program's own output apart",
                tr_input_name(run->input), number, plain);
    return false;
}

static bool read_lackey(tr_import_run *run, GError **error)
{
    tr_import_insn in = tr_import_bare(0, 0, TR_IMPORT_OP_UNKNOWN);
    uint64_t number = 0;
    char *text;
    size_t n;
    int got;
    while ((got = tr_input_line(run->input, &number, &text, &n, error)) > 0) {
        parsed r = parse(text);
        bool ok = true;
        if (r.kind == LINE_BAD)
            return bad_line(run, number, text, error);
        if (r.kind == LINE_INSN) {
            if (tr_blocks_full(run->blocks))
                return true;
            in.addr = r.addr;
            in.size = (uint8_t)r.size;
            in.code = tr_elfs_code(run->elfs, r.addr, r.size);
            ok = tr_blocks_insn(run->blocks, &in, error);
        } else if (r.kind == LINE_ACCESS && tr_blocks_begun(run->blocks)) {
            ok = tr_blocks_access(run->blocks, r.addr, r.size, r.flags, error);
        } else {
            run->ignored += r.kind != LINE_SKIP;
        }
        if (!ok)
            return false;
    }
    return got == 0;
}

const tr_import_format tr_import_lackey = {
    .name = "lackey",
    .notes = "Instructions without code bytes have no registers: they wait for nothing but memory.\n"
             "Kinds of branches are guessed there from sizes, accesses and where execution goes on.\n"
             "System calls are not in such a trace.",
    .takes_elfs = true, .recognise = recognise, .read = read_lackey,
};
