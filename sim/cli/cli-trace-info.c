/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "run-file.h"
#include "run-json.h"
#include "tr-chunk.h"
#include "tr-reader.h"

#include <stdio.h>
#include <string.h>

enum { KINDS = TR_CHUNK_INDEX + 1 };

typedef struct {
    uint64_t insns;        /* by the END chunk, or as far as DATA chunks are known */
    unsigned chunks[KINDS]; /* by kind; 0: damaged and unknown */
} totals;

static totals total(const tr_info *info)
{
    totals t = {.insns = info->end.insns};
    for (unsigned i = 0; i < info->n_chunks; i++) {
        const tr_index_entry *e = &info->chunks[i];
        t.chunks[e->kind < KINDS ? e->kind : 0]++;
        if (e->kind == TR_CHUNK_DATA && !info->complete)
            t.insns += e->amount;
    }
    return t;
}

static char *size_text(uint64_t bytes)
{
    return g_format_size_full(bytes, G_FORMAT_SIZE_IEC_UNITS);
}

static void print_counts(const tr_info *info)
{
    const tr_end *e = &info->end;
    printf("  blocks   %" G_GUINT64_FORMAT " executed, %" G_GUINT64_FORMAT " different; %" G_GUINT64_FORMAT " accesses\n", e->blocks, e->defined, e->addrs);
    GString *events = g_string_new(NULL);
    for (unsigned i = 1; i < INSN_EVENT_COUNT; i++)
        if (e->events[i])
            g_string_append_printf(events, "%s%" G_GUINT64_FORMAT " %s", events->len ? ", " : "", e->events[i], tr_event_name(i));
    if (events->len)
        printf("  events   %s\n", events->str);
    g_string_free(events, TRUE);
    if (e->out_bytes || e->err_bytes)
        printf("  output   %" G_GUINT64_FORMAT " bytes on standard output, %" G_GUINT64_FORMAT " on standard error\n", e->out_bytes, e->err_bytes);
    if (e->time_dependent)
        printf("  time     the guest read the clock: it will do again what it did at the times of this recording\n");
}

static void print_meta(const tr_meta *m)
{
    g_autofree char *args = m->argv && m->argv[0] ? g_strjoinv(" ", m->argv + 1) : g_strdup("");
    printf("  from     %s%s%s (%s by %s", m->workload ? m->workload : "unknown", *args ? " " : "", args, m->origin ? m->origin : "made",
           m->writer ? m->writer : "unknown");
    if (m->skipped)
        printf(", from instruction %" G_GUINT64_FORMAT " on", m->skipped);
    printf("%s)\n", m->regions ? ", regions of interest only" : "");
    if (m->sha256)
        printf("  program  SHA-256 %s\n", m->sha256);
    g_auto(GStrv) notes = g_strsplit(m->notes ? m->notes : "", "\n", -1);
    for (char **n = notes; *n; n++)
        if (**n)
            printf("  note     %s\n", *n);
}

static void print_info(const char *path, const tr_info *info)
{
    totals t = total(info);
    g_autofree char *size = size_text(info->file_size);
    printf("%s: %" G_GUINT64_FORMAT " instructions, %s", path, t.insns, size);
    if (t.insns)
        printf(", %.3f bytes per instruction", (double)info->file_size / (double)t.insns);
    printf("\n");
    print_meta(&info->meta);
    if (info->complete)
        print_counts(info);
    printf("  ends     %s\n", tr_ended_text(info->end.ended));
    printf("  chunks   %u", info->n_chunks);
    for (unsigned k = 1; k < KINDS; k++)
        if (t.chunks[k])
            printf("%s %u %s", k == 1 ? ":" : ",", t.chunks[k], tr_chunk_kind_name(k));
    if (t.chunks[0])
        printf(", %u damaged or unknown", t.chunks[0]);
    printf("%s\n", info->indexed ? "" : "; no index, found by scanning");
    if (info->cut_at)
        printf("  cut off  at byte %" G_GUINT64_FORMAT ", within a chunk\n", info->cut_at);
}

static void put_u64(JsonObject *o, const char *key, uint64_t value)
{
    json_object_set_int_member(o, key, (gint64)MIN(value, (uint64_t)G_MAXINT64));
}

static void put_text(JsonObject *o, const char *key, const char *text)
{
    if (text)
        json_object_set_string_member(o, key, text);
}

static JsonObject *info_object(const char *path, const tr_info *info)
{
    totals t = total(info);
    const tr_meta *m = &info->meta;
    JsonObject *o = json_object_new(), *chunks = json_object_new(), *events = json_object_new();
    g_autofree char *name = run_json_utf8(path, strlen(path));
    put_text(o, "file", name);
    put_u64(o, "file_bytes", info->file_size);
    json_object_set_boolean_member(o, "complete", info->complete);
    json_object_set_boolean_member(o, "indexed", info->indexed);
    put_text(o, "origin", m->origin);
    put_text(o, "workload", m->workload);
    if (m->argv) {
        JsonArray *args = json_array_new();
        for (char **a = m->argv[0] ? m->argv + 1 : m->argv; *a; a++)
            json_array_add_string_element(args, *a);
        json_object_set_array_member(o, "args", args);
    }
    put_text(o, "program_sha256", m->sha256);
    put_text(o, "writer", m->writer);
    put_text(o, "notes", m->notes);
    put_u64(o, "seed", m->seed);
    put_u64(o, "skipped_instructions", m->skipped);
    json_object_set_boolean_member(o, "regions_only", m->regions);
    json_object_set_boolean_member(o, "time_dependent", info->end.time_dependent);
    put_u64(o, "instructions", t.insns);
    put_u64(o, "blocks", info->end.blocks);
    put_u64(o, "defined_blocks", info->end.defined);
    put_u64(o, "accesses", info->end.addrs);
    for (unsigned i = 1; i < INSN_EVENT_COUNT; i++)
        if (info->end.events[i])
            put_u64(events, tr_event_name(i), info->end.events[i]);
    json_object_set_object_member(o, "events", events);
    for (unsigned k = 0; k < KINDS; k++)
        if (t.chunks[k])
            put_u64(chunks, tr_chunk_kind_name(k), t.chunks[k]);
    json_object_set_object_member(o, "chunks", chunks);
    return o;
}

static int show(char **paths, const char *json)
{
    JsonArray *all = json ? json_array_new() : NULL;
    GError *error = NULL;
    for (char **p = paths; *p && !error; p++) {
        g_autoptr(tr_reader) reader = tr_reader_open(*p, &error);
        if (reader && json)
            json_array_add_object_element(all, info_object(*p, tr_reader_info(reader)));
        else if (reader)
            print_info(*p, tr_reader_info(reader));
    }
    if (json && !error) {
        JsonObject *root = json_object_new();
        json_object_set_string_member(root, "schema", "quanta-trace-info/1");
        json_object_set_array_member(root, "traces", json_array_ref(all));
        g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), root);
        json_object_unref(root);
        g_autofree char *text = run_json_text(node);
        run_file_write(json, text, strlen(text), &error);
    }
    if (all)
        json_array_unref(all);
    return error ? cli_fail(error) : SIM_EXIT_OK;
}

int cli_trace_info(const char *command, int argc, char **argv)
{
    g_autofree char *json = NULL;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_FILENAME, &json, "write it as JSON; - is standard output", "FILE"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (!cli_options_parse(command, entries, &argc, &argv, &status))
        return status;
    return argc < 2 ? cli_usage(command, "which trace?") : show(argv + 1, json);
}
