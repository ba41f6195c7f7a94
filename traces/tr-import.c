/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tr-import.h"

#include "sim-error.h"
#include "tr-import-formats.h"

static const tr_import_format *const formats[] = {
    &tr_import_champsim, &tr_import_cloudsuite, &tr_import_lackey, &tr_import_dinero, &tr_import_drmemtrace,
};

const char *const tr_import_formats[] = { "champsim", "champsim-cloudsuite", "lackey", "dinero", "drmemtrace", NULL };

/* What stands in the name of a file of each format, for when the content fits several. */
static const char *const hints[] = { "champsim", "cloudsuite", "lackey", ".din", "drmemtrace" };

G_STATIC_ASSERT(G_N_ELEMENTS(formats) + 1 == G_N_ELEMENTS(tr_import_formats));
G_STATIC_ASSERT(G_N_ELEMENTS(formats) == G_N_ELEMENTS(hints));

static const tr_import_format *by_name(const char *name, GError **error)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(formats); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    g_autofree char *hint = sim_suggest(name, tr_import_formats);
    g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "there is no trace format '%s'%s", name, hint);
    return NULL;
}

static const tr_import_format *unclear(const char *name, unsigned found, GError **error)
{
    g_autofree char *all = g_strjoinv(", ", (char **)tr_import_formats);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, found ? "%s: could be of several formats; say which with --format: %s"
                : "%s: of no format that can be imported, by its beginning; --format takes: %s", name, all);
    return NULL;
}

static const tr_import_format *by_content(tr_input *input, const char *path, GError **error)
{
    size_t n;
    const uint8_t *bytes = tr_input_peek(input, TR_INPUT_WINDOW, &n, error);
    const tr_import_format *found = NULL, *named = NULL;
    unsigned n_found = 0, n_named = 0;
    g_autofree char *base = g_path_get_basename(path);
    for (unsigned i = 0; bytes && n && i < G_N_ELEMENTS(formats); i++) {
        if (!formats[i]->recognise(bytes, n))
            continue;
        found = formats[i];
        n_found++;
        if (strstr(base, hints[i])) {
            named = formats[i];
            n_named++;
        }
    }
    if (!bytes)
        return NULL;
    if (n_found == 1 || n_named == 1)
        return n_found == 1 ? found : named;
    return unclear(tr_input_name(input), n_found, error);
}

static bool check_input(tr_input *input, GError **error)
{
    size_t n;
    if (!tr_input_peek(input, 1, &n, error))
        return false;
    if (n == 0)
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: is empty", tr_input_name(input));
    return n > 0;
}

static tr_writer *begin(const char *from, const char *to, insn_code *code, const tr_import_format *format, GError **error)
{
    g_auto(tr_meta) meta = { 0 };
    g_autofree char *base = g_path_get_basename(from);
    char *dot = strchr(base + 1, '.');
    meta.workload = g_strdup(strcmp(from, "-") == 0 ? "standard input" : base);
    meta.name = strcmp(from, "-") == 0 ? g_strdup(format->name) : g_strndup(base, dot ? (gsize)(dot - base) : strlen(base));
    meta.origin = g_strdup(strcmp(format->name, "champsim-cloudsuite") == 0 ? "champsim" : format->name);
    meta.writer = g_strdup("quanta " QUANTA_VERSION);
    meta.notes = g_strdup(format->notes);
    return tr_writer_new(to, code, &meta, error);
}

static bool convert(tr_import_run *run, const tr_import_format *format, tr_writer *writer, tr_import_report *report, GError **error)
{
    if (!format->read(run, error) || !tr_blocks_finish(run->blocks, report, error))
        return false;
    report->ignored = run->ignored;
    if (!tr_blocks_begun(run->blocks) && tr_blocks_ended(run->blocks) == TR_ENDED_IMPORT) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: holds no instruction", tr_input_name(run->input));
        return false;
    }
    return tr_writer_finish(writer, tr_blocks_ended(run->blocks), error);
}

bool tr_import(const char *from, const char *to, insn_code *code, const tr_import_options *options, tr_import_report *report, GError **error)
{
    g_autoptr(tr_elfs) elfs = NULL;
    const tr_import_format *format = options->format ? by_name(options->format, error) : NULL;
    *report = (tr_import_report){ 0 };
    if (options->format && !format)
        return false;
    g_autoptr(tr_input) input = tr_input_open(from, error);
    if (!input || !check_input(input, error) || (!format && !(format = by_content(input, from, error))))
        return false;
    report->format = format->name;
    if (options->elfs && *options->elfs) {
        if (!format->takes_elfs) {
            g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE, "--elf: the code of ELF files is for lackey's traces, not for format '%s'", format->name);
            return false;
        }
        if (!(elfs = tr_elfs_open(options->elfs, error)))
            return false;
    }
    g_autoptr(tr_writer) writer = begin(from, to, code, format, error);
    if (!writer)
        return false;
    tr_blocks_options how = { .name = tr_input_name(input), .merge = format->merge, .limit = options->limit, .cancel = options->cancel };
    g_autoptr(tr_blocks) blocks = tr_blocks_new(code, writer, &how);
    tr_import_run run = { .input = input, .blocks = blocks, .elfs = elfs };
    if (convert(&run, format, writer, report, error))
        return true;
    tr_writer_discard(writer);
    return false;
}
