/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-json.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { LINE = 110, INDENT = 2 };

static void emit_string(GString *out, const char *text)
{
    g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), text);
    g_autofree char *quoted = json_to_string(node, FALSE);
    g_string_append(out, quoted);
}

static void emit_decimal(GString *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE + 320];
    g_assert(isfinite(value));
    g_string_append(out, g_ascii_formatd(text, sizeof text, "%.6f", value));
}

static void emit_scalar(GString *out, JsonNode *node)
{
    GType type = JSON_NODE_HOLDS_NULL(node) ? G_TYPE_INVALID : json_node_get_value_type(node);
    if (type == G_TYPE_INVALID)
        g_string_append(out, "null");
    else if (type == G_TYPE_STRING)
        emit_string(out, json_node_get_string(node));
    else if (type == G_TYPE_BOOLEAN)
        g_string_append(out, json_node_get_boolean(node) ? "true" : "false");
    else if (type == G_TYPE_DOUBLE)
        emit_decimal(out, json_node_get_double(node));
    else
        g_string_append_printf(out, "%" G_GINT64_FORMAT, json_node_get_int(node));
}

static bool is_container(JsonNode *node)
{
    return JSON_NODE_HOLDS_OBJECT(node) || JSON_NODE_HOLDS_ARRAY(node);
}

static void emit(GString *out, JsonNode *node, unsigned indent, bool one_line);

static void emit_separator(GString *out, bool first, unsigned indent, bool one_line)
{
    if (!first)
        g_string_append_c(out, ',');
    if (one_line)
        g_string_append(out, first ? "" : " ");
    else
        g_string_append_printf(out, "\n%*s", (int)indent, "");
}

static void emit_object(GString *out, JsonObject *object, unsigned indent, bool one_line)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *member;
    bool first = true;
    g_string_append_c(out, '{');
    json_object_iter_init_ordered(&iter, object);
    while (json_object_iter_next_ordered(&iter, &name, &member)) {
        emit_separator(out, first, indent + INDENT, one_line);
        emit_string(out, name);
        g_string_append(out, ": ");
        emit(out, member, indent + INDENT, one_line);
        first = false;
    }
    if (!one_line && !first)
        g_string_append_printf(out, "\n%*s", (int)indent, "");
    g_string_append_c(out, '}');
}

static void emit_array(GString *out, JsonArray *array, unsigned indent, bool one_line)
{
    g_string_append_c(out, '[');
    for (guint i = 0; i < json_array_get_length(array); i++) {
        emit_separator(out, i == 0, indent + INDENT, one_line);
        emit(out, json_array_get_element(array, i), indent + INDENT, one_line);
    }
    if (!one_line && json_array_get_length(array))
        g_string_append_printf(out, "\n%*s", (int)indent, "");
    g_string_append_c(out, ']');
}

/* How many levels of containers the node is; 0: a scalar. At most 3 are looked at. */
static unsigned depth(JsonNode *node, unsigned limit)
{
    unsigned deepest = 0;
    if (!is_container(node))
        return 0;
    if (limit == 0)
        return 1;
    if (JSON_NODE_HOLDS_ARRAY(node)) {
        JsonArray *array = json_node_get_array(node);
        for (guint i = 0; i < json_array_get_length(array); i++)
            deepest = MAX(deepest, depth(json_array_get_element(array, i), limit - 1));
    } else {
        JsonObjectIter iter;
        const char *name; /* json-glib 1.6 wants it */
        JsonNode *member;
        json_object_iter_init_ordered(&iter, json_node_get_object(node));
        while (json_object_iter_next_ordered(&iter, &name, &member))
            deepest = MAX(deepest, depth(member, limit - 1));
    }
    return deepest + 1;
}

static void emit(GString *out, JsonNode *node, unsigned indent, bool one_line)
{
    if (!is_container(node)) {
        emit_scalar(out, node);
        return;
    }
    if (!one_line && depth(node, 2) <= 2) {
        gsize start = out->len;
        emit(out, node, indent, true);
        if (out->len - start + indent <= LINE)
            return;
        g_string_truncate(out, start);
    }
    if (JSON_NODE_HOLDS_OBJECT(node))
        emit_object(out, json_node_get_object(node), indent, one_line);
    else
        emit_array(out, json_node_get_array(node), indent, one_line);
}

char *run_json_text(JsonNode *root)
{
    GString *out = g_string_new(NULL);
    emit(out, root, 0, false);
    g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}

char *run_json_utf8(const char *bytes, gsize length)
{
    g_autofree char *copy = length ? g_memdup2(bytes, length) : NULL;
    for (gsize i = 0; i < length; i++)
        if (copy[i] == '\0')
            copy[i] = '\xff';
    return length ? g_utf8_make_valid(copy, (gssize)length) : g_strdup("");
}
