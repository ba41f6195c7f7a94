/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the JSON of results back: files that `quanta run` and `quanta compare` wrote. */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>

/* A result file: its runs, one of `run`, several of `compare`. The objects belong to `root`. */
typedef struct {
    JsonNode *root;
    char *path;
    char *schema;
    GPtrArray *names; /* of the runs: policies */
    GPtrArray *runs;  /* JsonObject of each, a quanta-run/1 */
} run_read_input;

/* NULL and error set: cannot be read, no JSON, no result, of another schema, or without what every result has. "-" is standard input. */
run_read_input *run_read_load(const char *path, GError **error);
void run_read_free(run_read_input *input); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_read_input, run_read_free)

/* Any JSON file, within bounds of size and depth. NULL and error set. */
JsonNode *run_read_json(const char *path, GError **error);
/* A copy whose objects can be changed without changing the original's. */
JsonNode *run_read_copy(JsonNode *node);

/* Members of any object, whatever it holds: 0 or NULL where there is none of the kind. */
double run_read_number(JsonObject *o, const char *key);
const char *run_read_string(JsonObject *o, const char *key);
JsonObject *run_read_object(JsonObject *o, const char *key);
JsonArray *run_read_array(JsonObject *o, const char *key);
/* Element `i` of an array, where that is an object; NULL arrays are empty. */
JsonObject *run_read_element(JsonArray *a, guint i);
guint run_read_length(JsonArray *a);
