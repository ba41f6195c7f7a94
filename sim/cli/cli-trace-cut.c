/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "cpu-machine.h"
#include "tr-filter.h"
#include "tr-reader.h"
#include "wl-replay.h"

#include <stdio.h>

typedef struct {
    const char *in, *out;
    tr_window window;
    bool salvage, quiet;
} cut_options;

static volatile int cancel;

static void describe(const cut_options *o, const tr_info *info, tr_meta *meta)
{
    tr_meta_copy(meta, &info->meta);
    g_free(meta->origin);
    g_free(meta->writer);
    meta->origin = g_strdup("cut");
    meta->writer = g_strdup("quanta " QUANTA_VERSION);
    meta->skipped += o->window.from;
    meta->regions |= o->window.regions;
}

static bool copy(tr_reader *r, tr_filter *f, GError **error)
{
    insn_batch batch;
    tr_progress now = {0};
    int got = 1;
    while (!f->done && !cancel && (got = tr_reader_next(r, &batch, &now, error)) > 0) {
        size_t out_len, err_len;
        const char *out = tr_reader_output(r, 1, &out_len), *err = tr_reader_output(r, 2, &err_len);
        now.out_len = CLAMP(now.out_len, MIN(f->last.out_len, out_len), out_len); /* chunks may be missing */
        now.err_len = CLAMP(now.err_len, MIN(f->last.err_len, err_len), err_len);
        if (!tr_filter_put(f, &batch, &now, out, err, error))
            return false;
    }
    return got >= 0;
}

static tr_ended how(const tr_filter *f, const tr_reader *r)
{
    tr_ended own = tr_filter_ended(f, cancel), whole = (tr_ended)tr_reader_info(r)->end.ended;
    if (f->done || cancel || f->window.regions)
        return own;
    return whole == TR_ENDED_UNKNOWN || whole == TR_ENDED_GUEST ? TR_ENDED_LIMIT : whole;
}

static int cut(const cut_options *o, insn_code *code)
{
    GError *error = NULL;
    g_auto(tr_meta) meta = {0};
    g_autoptr(tr_reader) r = tr_reader_open(o->in, &error);
    if (!r || !wl_replay_check(r, o->in, o->salvage, &error))
        return cli_fail(error);
    describe(o, tr_reader_info(r), &meta);
    g_autoptr(tr_writer) w = tr_writer_new(o->out, code, &meta, &error);
    if (!w)
        return cli_fail(error);
    tr_filter f;
    tr_filter_init(&f, w, code, &o->window);
    f.recount = true;
    tr_reader_start(r, code, o->salvage);
    if (!copy(r, &f, &error) || !tr_writer_finish(w, how(&f, r), &error)) {
        tr_writer_discard(w);
        return cli_fail(error);
    }
    const char *first;
    unsigned skipped = tr_reader_skipped(r, &first);
    if (skipped)
        fprintf(stderr, "quanta: left out %u damaged chunk%s: %s\n", skipped, skipped == 1 ? "" : "s", first);
    if (!o->quiet)
        printf("%s: %" G_GUINT64_FORMAT " instructions, %" G_GUINT64_FORMAT " bytes\n", o->out, f.kept, tr_writer_bytes(w));
    return cancel ? CLI_EXIT_INTERRUPTED : SIM_EXIT_OK;
}

int cli_trace_cut(const char *command, int argc, char **argv)
{
    g_autofree char *from_text = NULL, *for_text = NULL;
    gboolean regions = FALSE, salvage = FALSE, quiet = FALSE;
    const GOptionEntry entries[] = {
        {"from", 0, 0, G_OPTION_ARG_FILENAME, &from_text, "leave out the first N instructions (k, M, G may follow)", "N"},
        {"for", 0, 0, G_OPTION_ARG_FILENAME, &for_text, "keep N instructions", "N"},
        {"roi", 0, 0, G_OPTION_ARG_NONE, &regions, "keep only what lies between the markers of regions of interest", NULL},
        {"salvage", 0, 0, G_OPTION_ARG_NONE, &salvage, "use what is whole of a damaged or unfinished trace", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, "print nothing but errors", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    cut_options o = {0};
    if (!cli_options_parse(command, entries, &argc, &argv, &status))
        return status;
    if (argc != 3)
        return argc < 3 ? cli_usage(command, "a trace and the name of the part are wanted") : cli_usage(command, "unexpected argument '%s'", argv[3]);
    if (!cli_options_count(command, "--from", from_text, &o.window.from, &status)
        || !cli_options_count(command, "--for", for_text, &o.window.limit, &status))
        return status;
    if (for_text && !o.window.limit)
        return cli_usage(command, "--for: 0 instructions are no trace");
    o.in = argv[1];
    o.out = argv[2];
    o.window.regions = regions;
    o.salvage = salvage;
    o.quiet = quiet;
    cli_catch_signals(&cancel);
    insn_code *code = cpu_code_new();
    status = cut(&o, code);
    cpu_code_free(code);
    return status;
}
