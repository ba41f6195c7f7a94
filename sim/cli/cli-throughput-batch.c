/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quanta throughput --batch: a chunk of rows at a time, shared out to threads, printed in order. */
#include "cli-throughput.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 2048, MAX_LINE = 1 << 20 };

typedef struct {
    char *hex;
    unsigned long line;
    double cycles;
    char *bound;
    char *error;
} row;

typedef struct {
    const cpu_core_desc *core;
    cpu_repeat repeat;
    row *rows;
    unsigned n;
    int next; /* row to do, atomic */
} job;

/* Field number `column` of a CSV line; quotes may surround a field. Newly allocated, or NULL when there are fewer. */
static char *field(const char *line, unsigned column)
{
    const char *s = line;
    for (unsigned i = 0;; i++) {
        GString *text = i == column ? g_string_new(NULL) : NULL;
        bool quoted = *s == '"';
        s += quoted;
        for (; *s && (quoted || *s != ','); s++) {
            if (quoted && *s == '"') {
                if (s[1] != '"') {
                    s++;
                    break;
                }
                s++;
            }
            if (text)
                g_string_append_c(text, *s);
        }
        if (text)
            return g_strstrip(g_string_free(text, FALSE));
        s += strcspn(s, ",");
        if (!*s)
            return NULL;
        s++;
    }
}

static int find_column(const char *header)
{
    for (unsigned i = 0;; i++) {
        g_autofree char *name = field(header, i);
        if (!name)
            return -1;
        if (strcmp(name, "hex") == 0)
            return (int)i;
    }
}

/* A line without its end; false at the file's end. */
static bool read_line(FILE *file, GString *line, bool *too_long)
{
    int c;
    g_string_truncate(line, 0);
    *too_long = false;
    while ((c = getc_unlocked(file)) != EOF && c != '\n') {
        if (line->len < MAX_LINE)
            g_string_append_c(line, (char)c);
        else
            *too_long = true;
    }
    if (line->len && line->str[line->len - 1] == '\r')
        g_string_truncate(line, line->len - 1);
    return c != EOF || line->len > 0;
}

static void do_row(const job *j, row *r)
{
    g_autoptr(GError) error = NULL;
    gsize size;
    cli_measured m = {0};
    g_autofree uint8_t *bytes = r->error ? NULL : cli_throughput_hex(r->hex, &size, &error);
    if (bytes && cli_throughput_measure(j->core, bytes, size, 0, j->repeat, false, &m, &error)) {
        r->cycles = m.result.cycles;
        r->bound = cpu_throughput_bound_text(&m.result);
    } else if (!r->error) {
        r->error = g_strdup(error->message);
    }
    cli_measured_clear(&m);
}

static gpointer work(gpointer data)
{
    job *j = data;
    int i;
    while ((i = g_atomic_int_add(&j->next, 1)) < (int)j->n)
        do_row(j, &j->rows[i]);
    return NULL;
}

/* Which thread does a row does not show in its result. */
static unsigned finish_chunk(job *j, const char *path)
{
    GThread *threads[64];
    unsigned n = MIN(MIN(g_get_num_processors(), G_N_ELEMENTS(threads)), (j->n + 63) / 64), bad = 0;
    j->next = 0;
    for (unsigned t = 1; t < n; t++)
        threads[t] = g_thread_new("throughput", work, j);
    work(j);
    for (unsigned t = 1; t < n; t++)
        g_thread_join(threads[t]);
    for (unsigned i = 0; i < j->n; i++) {
        row *r = &j->rows[i];
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        if (r->error) {
            fprintf(stderr, "quanta: %s:%lu: %s\n", path, r->line, r->error);
            printf("%s,,error\n", r->hex);
            bad++;
        } else {
            printf("%s,%s,%s\n", r->hex, g_ascii_formatd(text, sizeof text, "%.3f", r->cycles), r->bound);
        }
        g_free(r->hex);
        g_free(r->bound);
        g_free(r->error);
    }
    j->n = 0;
    return bad;
}

static int batch(FILE *file, const char *path, job *j)
{
    g_autoptr(GString) line = g_string_new(NULL);
    bool too_long;
    unsigned long number = 1;
    unsigned bad = 0;
    int column = read_line(file, line, &too_long) ? find_column(line->str) : -1;
    if (column < 0)
        return cli_fail(g_error_new(SIM_ERROR, SIM_ERROR_INPUT, "%s:1: the header names no column 'hex'", path));
    printf("hex,cycles,bottleneck\n");
    while (read_line(file, line, &too_long)) {
        number++;
        if (line->len == 0)
            continue;
        row *r = &j->rows[j->n++];
        *r = (row){.hex = field(line->str, (unsigned)column), .line = number};
        if (too_long)
            r->error = g_strdup_printf("the line is longer than %d bytes", MAX_LINE);
        else if (!r->hex)
            r->error = g_strdup_printf("there is no column %d ('hex')", column + 1);
        if (!r->hex || too_long) {
            g_free(r->hex);
            r->hex = g_strdup("");
        }
        if (j->n == CHUNK)
            bad += finish_chunk(j, path);
    }
    bad += finish_chunk(j, path);
    if (ferror(file))
        return cli_fail(g_error_new(SIM_ERROR, SIM_ERROR_IO, "%s: cannot be read", path));
    return bad ? SIM_EXIT_BAD_INPUT : SIM_EXIT_OK;
}

int cli_throughput_batch(const char *path, const cpu_core_desc *core, cpu_repeat repeat)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (!file)
        return cli_fail(g_error_new(SIM_ERROR, SIM_ERROR_INPUT, "--batch: cannot read '%s': %s", path, g_strerror(errno)));
    job j = {.core = core, .repeat = repeat, .rows = g_new0(row, CHUNK)};
    int status = batch(file, path, &j);
    g_free(j.rows);
    if (!standard)
        fclose(file);
    return status;
}
