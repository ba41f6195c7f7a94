/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "cpu-machine.h"
#include "tr-chunk.h"
#include "tr-reader.h"

#include <stdio.h>
#include <string.h>

typedef enum { WHAT_INSNS, WHAT_BLOCKS, WHAT_ACCESSES, WHAT_EVENTS } what_to_print;

static const char *const what_names[] = {"insns", "blocks", "accesses", "events", NULL};

typedef struct {
    what_to_print what;
    insn_code *code;
    uint64_t from, to;    /* instructions [from, to) */
    uint64_t at;          /* instructions before what comes next */
    GHashTable *texts;    /* instructions of a block, by its id: insn_instruction[n_insns + 1] */
} printer;

/* Described once a block. */
static const insn_instruction *instructions(printer *p, const insn_block_facts *f)
{
    insn_instruction *all = g_hash_table_lookup(p->texts, GUINT_TO_POINTER(f->id));
    if (all)
        return all;
    unsigned n = 0;
    all = g_new0(insn_instruction, 1);
    while (p->code->instruction(p->code, f->id, n, &all[n])) {
        all = g_renew(insn_instruction, all, ++n + 1);
        all[n] = (insn_instruction){0};
    }
    g_hash_table_insert(p->texts, GUINT_TO_POINTER(f->id), all);
    return all;
}

static void print_access(const insn_access *a, uint64_t addr)
{
    static const char *const kinds[] = {"?", "R", "W", "RW"};
    printf(" %s %016" G_GINT64_MODIFIER "x %u", kinds[a->flags & 3], addr, a->size);
}

static void print_insns(printer *p, const insn_block_facts *f, const uint64_t *addrs)
{
    uint64_t at = p->at;
    for (const insn_instruction *i = instructions(p, f); i->size; i++) {
        bool again = f->flags & INSN_BLOCK_REP_AGAIN;
        if (at >= p->from && at < p->to) {
            printf("%12" G_GUINT64_FORMAT " %016" G_GINT64_MODIFIER "x  %-40s", at, i->addr, i->text);
            for (unsigned k = 0; k < i->n_slots; k++)
                print_access(&f->slots[i->first_slot + k], addrs[i->first_slot + k]);
            printf("%s\n", again ? " again" : "");
        }
        at += !again;
    }
}

static void print_block(printer *p, const insn_block_facts *f, const uint64_t *addrs)
{
    if (p->what == WHAT_INSNS) {
        print_insns(p, f, addrs);
    } else if (p->what == WHAT_BLOCKS && p->at >= p->from) {
        printf("%12" G_GUINT64_FORMAT " %016" G_GINT64_MODIFIER "x %u bytes, %u instructions%s\n", p->at, f->addr, f->bytes, f->n_insns,
               f->flags & INSN_BLOCK_REP_AGAIN ? ", again" : "");
    } else if (p->what == WHAT_ACCESSES && p->at >= p->from) {
        for (unsigned k = 0; k < f->n_slots; k++) {
            printf("%12" G_GUINT64_FORMAT, p->at + MIN(f->slots[k].insn, f->n_insns));
            print_access(&f->slots[k], addrs[k]);
            printf("\n");
        }
    }
}

static void print_event(const printer *p, const insn_event *e)
{
    if (e->kind == INSN_EVENT_NONE || p->at < p->from || p->what == WHAT_ACCESSES)
        return;
    printf("%12" G_GUINT64_FORMAT " %-16s  %s", p->at, "event", tr_event_name(e->kind));
    if (e->nr)
        printf(" nr=%u", e->nr);
    if (e->arg0 || e->kind == INSN_EVENT_END)
        printf(" arg0=%" G_GUINT64_FORMAT, e->arg0);
    if (e->arg1)
        printf(" arg1=%" G_GUINT64_FORMAT, e->arg1);
    if (e->ip)
        printf(" ip=%016" G_GINT64_MODIFIER "x", e->ip);
    g_autofree char *text = e->text ? g_strescape(e->text, NULL) : NULL;
    if (text)
        printf(" \"%s\"", text);
    printf("\n");
}

static void print_batch(printer *p, const insn_batch *b)
{
    const uint64_t *addrs = b->addrs;
    for (uint32_t i = 0; i < b->n_blocks && p->at < p->to; i++) {
        const insn_block_facts *f = p->code->facts(p->code, b->blocks[i]);
        if (p->at + f->n_insns >= p->from)
            print_block(p, f, addrs);
        p->at += f->n_insns;
        addrs += f->n_slots;
    }
    if (p->at <= p->to)
        print_event(p, &b->event);
}

static int print_trace(const char *path, printer *p, bool salvage)
{
    GError *error = NULL;
    insn_batch batch;
    tr_progress now = {0};
    g_autoptr(tr_reader) r = tr_reader_open(path, &error);
    if (!r)
        return cli_fail(error);
    tr_reader_start(r, p->code, salvage);
    if (!tr_reader_seek(r, p->from, &error))
        return cli_fail(error);
    int got = 1;
    while (p->at < p->to && !ferror(stdout) && (got = tr_reader_next(r, &batch, &now, &error)) > 0) {
        uint64_t insns = 0;
        for (uint32_t i = 0; i < batch.n_blocks; i++)
            insns += p->code->facts(p->code, batch.blocks[i])->n_insns;
        p->at = now.insns - insns; /* right after a seek and after a gap, too */
        print_batch(p, &batch);
    }
    return got < 0 ? cli_fail(error) : SIM_EXIT_OK;
}

int cli_trace_cat(const char *command, int argc, char **argv)
{
    g_autofree char *what = NULL, *from_text = NULL, *for_text = NULL;
    gboolean salvage = FALSE;
    const GOptionEntry entries[] = {
        {"what", 'w', 0, G_OPTION_ARG_FILENAME, &what, "insns (default), blocks, accesses or events", "WHAT"},
        {"from", 0, 0, G_OPTION_ARG_FILENAME, &from_text, "begin with instruction N, counted from 0 (k, M, G may follow)", "N"},
        {"for", 0, 0, G_OPTION_ARG_FILENAME, &for_text, "print N instructions", "N"},
        {"salvage", 0, 0, G_OPTION_ARG_NONE, &salvage, "use what is whole of a damaged or unfinished trace", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    uint64_t from, count;
    printer p = {.what = WHAT_INSNS};
    if (!cli_options_parse(command, entries, &argc, &argv, &status))
        return status;
    if (argc != 2)
        return argc < 2 ? cli_usage(command, "which trace?") : cli_usage(command, "unexpected argument '%s'", argv[2]);
    if (!cli_options_count(command, "--from", from_text, &from, &status) || !cli_options_count(command, "--for", for_text, &count, &status))
        return status;
    while (what && what_names[p.what] && strcmp(what_names[p.what], what) != 0)
        p.what++;
    if (!what_names[p.what]) {
        g_autofree char *hint = sim_suggest(what, what_names);
        return cli_usage(command, "--what: '%s' cannot be printed%s", what, hint);
    }
    p.from = from;
    p.to = for_text && count <= UINT64_MAX - from ? from + count : UINT64_MAX;
    p.code = cpu_code_new();
    p.texts = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    status = print_trace(argv[1], &p, salvage);
    g_hash_table_unref(p.texts);
    cpu_code_free(p.code);
    return status;
}
