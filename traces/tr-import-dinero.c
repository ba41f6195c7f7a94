/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dinero's "din" text (dineroIV -informat d): LABEL ADDRESS [anything], both hexadecimal. 0 reads, 1 writes, 2 fetches an instruction;
 * 3 is of unknown kind, 4 and 5 are cache operations. Dinero takes 4 bytes at each address; so is it here, unless a third field is one
 * of 1, 2, 4, 8, 16, 32, 64, as some tracers write it. */
#include "tr-import-formats.h"
#include "tr-import-text.h"

#include "sim-error.h"

enum { DIN_READ, DIN_WRITE, DIN_FETCH, DIN_LAST = 5, DEFAULT_SIZE = 4, MAX_INSN = 15 };

typedef struct {
    uint64_t label, addr;
    uint32_t size;
} din_line;

/* NULL, or what is wrong. A line without fields has label UINT64_MAX. */
static const char *parse(const char *text, din_line *d)
{
    const char *p = tr_text_blanks(text);
    uint32_t size;
    *d = (din_line){ .label = UINT64_MAX, .size = DEFAULT_SIZE };
    if (!*p)
        return NULL;
    if (!tr_text_hex(&p, &d->label) || (*p != ' ' && *p != '\t' && *p))
        return "the label is no number";
    if (d->label > DIN_LAST)
        return "there is no such label";
    p = tr_text_blanks(p);
    if (!tr_text_hex(&p, &d->addr) || (*p != ' ' && *p != '\t' && *p))
        return "the address is no hexadecimal number of at most 64 bits";
    p = tr_text_blanks(p);
    if (tr_text_decimal(&p, &size) && !*tr_text_blanks(p) && size && size <= 64 && (size & (size - 1)) == 0)
        d->size = size;
    return NULL;
}

static bool recognise(const uint8_t *bytes, size_t n)
{
    g_autofree char *text = g_strndup((const char *)bytes, n);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 64);
    unsigned good = 0;
    if (memchr(bytes, 0, n))
        return false;
    for (unsigned i = 0; lines[i] && i < 63 && (lines[i + 1] || n < TR_INPUT_WINDOW); i++) {
        din_line d;
        if (parse(g_strchomp(lines[i]), &d))
            return false;
        good += d.label != UINT64_MAX;
    }
    return good > 0;
}

/* References before the first fetch, or without any, belong to instructions at address 0, one each. */
static bool put(tr_import_run *run, const din_line *d, bool *fetched, GError **error)
{
    tr_import_insn in = tr_import_bare(0, DEFAULT_SIZE, INSN_OP_MOVE);
    if (d->label == DIN_FETCH) {
        *fetched = true;
        in.addr = d->addr;
        in.size = (uint8_t)MIN(d->size, MAX_INSN);
        in.op = TR_IMPORT_OP_UNKNOWN;
        return tr_blocks_insn(run->blocks, &in, error);
    }
    if (!*fetched && !tr_blocks_insn(run->blocks, &in, error))
        return false;
    return tr_blocks_access(run->blocks, d->addr, d->size, d->label == DIN_READ ? INSN_ACCESS_LOAD : INSN_ACCESS_STORE, error);
}

static bool read_dinero(tr_import_run *run, GError **error)
{
    uint64_t number = 0;
    bool fetched = false;
    char *text;
    size_t n;
    int got;
    while ((got = tr_input_line(run->input, &number, &text, &n, error)) > 0) {
        din_line d;
        const char *wrong = parse(text, &d);
        if (wrong) {
            g_autofree char *shown = g_strndup(text, 60);
            g_autofree char *plain = g_strescape(shown, NULL);
            g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: line %" G_GUINT64_FORMAT ": \"%s\": %s; a line of din is \"LABEL ADDRESS\", the label 0 "
                        "(read), 1 (write), 2 (instruction fetch), or 3 to 5 (ignored)", tr_input_name(run->input), number, plain, wrong);
            return false;
        }
        if (d.label > DIN_FETCH) {
            run->ignored += d.label != UINT64_MAX;
            continue;
        }
        if ((d.label == DIN_FETCH || !fetched) && tr_blocks_full(run->blocks))
            return true;
        if (!put(run, &d, &fetched, error))
            return false;
    }
    return got == 0;
}

const tr_import_format tr_import_dinero = {
    .name = "dinero",
    .notes = "Instructions have no registers: they wait for nothing but memory.\n"
             "Branches are guessed from where execution goes on.\n"
             "References before the first instruction fetch belong to instructions at address 0.",
    .recognise = recognise, .read = read_dinero,
};
