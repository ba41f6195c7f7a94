/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-report.h"

#include "run-report-data.h"
#include "run-report-store.h"
#include "run-report-sweep.h"
#include "run-store.h"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

/* Made of report/report.gresource.xml in the build. */
GResource *run_report_resources_get_resource(void);

static void append_resource(GString *page, const char *name)
{
    g_autofree char *path = g_strconcat("/quanta/report/", name, NULL);
    g_autoptr(GBytes) bytes = g_resource_lookup_data(run_report_resources_get_resource(), path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    g_assert(bytes);
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    g_string_append_len(page, data, (gssize)size);
}

/* JSON that no name in it can end: neither a tag nor a comment can begin there, and no line separator of JavaScript is in it. */
static void append_data(GString *page, JsonObject *data)
{
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), data);
    g_autofree char *text = json_to_string(node, FALSE);
    for (const char *c = text; *c; c++) {
        if (*c == '<' || *c == '>' || *c == '&' || (unsigned char)*c == 0x7f) {
            g_string_append_printf(page, "\\u%04x", (unsigned char)*c);
        } else if (strncmp(c, "\xe2\x80\xa8", 3) == 0 || strncmp(c, "\xe2\x80\xa9", 3) == 0) {
            g_string_append(page, c[2] == '\xa8' ? "\\u2028" : "\\u2029");
            c += 2;
        } else {
            g_string_append_c(page, *c);
        }
    }
}

static char *page_of(JsonObject *data, const char *title)
{
    GString *page = g_string_new("<!doctype html>\n<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                                 "<meta name=\"generator\" content=\"quanta " QUANTA_VERSION "\">\n"
                                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline';"
                                 " script-src 'unsafe-inline';"
                                 " img-src data:; base-uri 'none'; form-action 'none'\">\n"
                                 "<link rel=\"icon\" href=\"data:,\">\n<title>");
    g_autofree char *escaped = g_markup_escape_text(title, -1);
    g_string_append_printf(page, "%s - quanta report</title>\n<style>\n", escaped);
    append_resource(page, "report.css");
    g_string_append(page, "</style>\n</head>\n<body>\n");
    append_resource(page, "report.html");
    g_string_append(page, "<script type=\"application/json\" id=\"data\">");
    append_data(page, data);
    g_string_append(page, "</script>\n<script>\n(() => {\n\"use strict\";\n");
    append_resource(page, "report.js");
    append_resource(page, "result.js");
    append_resource(page, "sweep.js");
    append_resource(page, "begin.js");
    g_string_append(page, "})();\n</script>\n</body>\n</html>\n");
    return g_string_free(page, FALSE);
}

/* Whether the file begins with the text, or has it near its beginning. */
static bool begins_with(const char *path, const char *text, size_t within)
{
    char head[256];
    FILE *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "re");
    size_t n = f ? fread(head, 1, sizeof head, f) : 0;
    if (f)
        fclose(f);
    return memmem(head, MIN(n, within + strlen(text)), text, strlen(text)) != NULL;
}

static JsonObject *result_data(const char *path, GError **error)
{
    g_autoptr(run_read_input) input = run_read_load(path, error);
    return input ? run_report_data(input, error) : NULL;
}

static JsonObject *data_of(const char *path, GError **error)
{
    if (run_store_is_one(path))
        return run_report_store(path, error);
    return begins_with(path, "\"quanta-seeds/1\"", 128) ? run_report_seeds(path, error) : result_data(path, error);
}

char *run_report_html(const char *path, GError **error)
{
    JsonObject *data = data_of(path, error);
    if (!data)
        return NULL;
    g_autofree char *source = strcmp(path, "-") == 0 ? g_strdup("standard input") : g_path_get_basename(path);
    g_autofree char *name = g_utf8_make_valid(source, -1);
    const char *scenario = run_read_string(run_read_object(data, "scenario"), "name");
    json_object_set_string_member(data, "source", name);
    json_object_set_string_member(data, "generator", "quanta " QUANTA_VERSION);
    char *page = page_of(data, scenario ? scenario : name);
    json_object_unref(data);
    return page;
}
