/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "cpu-machine.h"
#include "tr-index.h"
#include "tr-reader.h"

#include <stdio.h>

/* Of one trace. */
enum { SHOWN = 50 };

typedef struct {
    const char *path;
    unsigned problems;
} verifier;

static void on_damage(void *user, const char *what)
{
    verifier *v = user;
    if (v->problems++ < SHOWN)
        printf("%s\n", what);
}

/* Counts what the segments really hold, against what chunk headers and the END chunk say. */
static bool decode_all(verifier *v, tr_reader *r, insn_code *code, GError **error)
{
    insn_batch batch;
    tr_progress now = {0};
    uint64_t insns = 0, blocks = 0, addrs = 0;
    int got;
    while ((got = tr_reader_next(r, &batch, &now, error)) > 0) {
        for (uint32_t i = 0; i < batch.n_blocks; i++)
            insns += code->facts(code, batch.blocks[i])->n_insns;
        blocks += batch.n_blocks;
        addrs += batch.n_addrs;
    }
    const tr_info *info = tr_reader_info(r);
    if (got == 0 && !v->problems && (insns != info->end.insns || blocks != info->end.blocks || addrs != info->end.addrs)) {
        g_autofree char *text = g_strdup_printf("%s: it holds %" G_GUINT64_FORMAT " instructions in %" G_GUINT64_FORMAT " blocks, and its END chunk says "
                                                "%" G_GUINT64_FORMAT " in %" G_GUINT64_FORMAT, v->path, insns, blocks, info->end.insns, info->end.blocks);
        on_damage(v, text);
    }
    return got == 0;
}

static int verify(const char *path, bool quiet)
{
    GError *error = NULL;
    verifier v = {.path = path};
    g_autoptr(tr_reader) r = tr_reader_open(path, &error);
    if (!r)
        return cli_fail(error);
    insn_code *code = cpu_code_new();
    tr_reader_on_damage(r, on_damage, &v);
    tr_reader_start(r, code, true);
    bool ok = decode_all(&v, r, code, &error);
    const tr_info *info = tr_reader_info(r);
    if (ok && !v.problems && !info->indexed) {
        v.problems++;
        printf("%s: its index or trailer is damaged; the chunks themselves are whole\n", path);
    }
    if (ok && !v.problems && !quiet)
        printf("%s: whole: %u chunks, %" G_GUINT64_FORMAT " instructions\n", path, info->n_chunks, info->end.insns);
    if (v.problems > SHOWN)
        printf("%s: %u more\n", path, v.problems - SHOWN);
    cpu_code_free(code);
    return !ok ? cli_fail(error) : v.problems ? SIM_EXIT_CHECK_FAILED : SIM_EXIT_OK;
}

int cli_trace_verify(const char *command, int argc, char **argv)
{
    gboolean quiet = FALSE;
    const GOptionEntry entries[] = {
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "print nothing about whole traces", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (!cli_options_parse(command, entries, &argc, &argv, &status))
        return status;
    if (argc < 2)
        return cli_usage(command, "which trace?");
    for (int i = 1; i < argc; i++) {
        int one = verify(argv[i], quiet);
        status = MAX(status, one);
    }
    return status;
}
