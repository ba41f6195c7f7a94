/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-source.h"

void wl_source_report(const insn_source *source, wl_report *report)
{
    ((const wl_source *)(const void *)source)->report(source, report);
}

void wl_source_progress(const insn_source *source, tr_progress *progress)
{
    const wl_source *s = (const wl_source *)(const void *)source;
    wl_report r;
    if (s->progress) {
        s->progress(source, progress);
        return;
    }
    s->report(source, &r);
    *progress = (tr_progress){ .out_len = r.out_len, .err_len = r.err_len, .insns = r.insns, .touched = r.touched_bytes, .reads_time = r.reads_time };
}

void wl_note_missing(GArray *missing, uint32_t nr)
{
    unsigned i = 0;
    while (i < missing->len && g_array_index(missing, struct wl_missing, i).nr < nr)
        i++;
    if (i < missing->len && g_array_index(missing, struct wl_missing, i).nr == nr) {
        g_array_index(missing, struct wl_missing, i).count++;
    } else if (missing->len < 1024) {
        struct wl_missing entry = { nr, 1 };
        g_array_insert_val(missing, i, entry);
    }
}

unsigned wl_source_skipped(const insn_source *source, const char **first)
{
    const wl_source *s = (const wl_source *)(const void *)source;
    *first = NULL;
    return s->skipped ? s->skipped(source, first) : 0;
}

wl_guest_config *wl_config_copy(const wl_guest_config *config)
{
    wl_guest_config *copy = g_memdup2(config, sizeof *config);
    copy->name = g_strdup(config->name);
    copy->elf = g_strdup(config->elf);
    copy->argv = (const char *const *)g_strdupv((char **)config->argv);
    copy->envp = (const char *const *)g_strdupv((char **)config->envp);
    copy->folder = g_strdup(config->folder);
    return copy;
}

void wl_config_free(wl_guest_config *config)
{
    if (!config)
        return;
    g_free((char *)config->name);
    g_free((char *)config->elf);
    g_strfreev((char **)config->argv);
    g_strfreev((char **)config->envp);
    g_free((char *)config->folder);
    g_free(config);
}
