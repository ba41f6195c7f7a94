/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A comparison over seeds (run-samples.h) as a report's data. */
#include "run-report-sweep.h"
#include "run-result-read.h"
#include "sim-error.h"

/* The value of a figure under a policy with seed number `i`; false: not known. */
static bool value_of(JsonObject *figure, const char *policy, guint i, double *value)
{
    JsonArray *values = run_read_array(run_read_object(run_read_object(figure, "policies"), policy), "values");
    JsonNode *node = i < run_read_length(values) ? json_array_get_element(values, i) : NULL;
    if (!node || !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) == G_TYPE_STRING)
        return false;
    *value = json_node_get_double(node);
    return true;
}

static void tell_policy(run_report_sweep *s, JsonObject *root, const char *policy, const GList *figures)
{
    JsonArray *seeds = run_read_array(root, "seeds");
    const char *scenario = run_read_string(root, "scenario"), *machine = run_read_string(root, "machine");
    for (guint i = 0; i < run_read_length(seeds); i++) {
        JsonNode *seed = json_array_get_element(seeds, i);
        run_report_sweep_run(s, JSON_NODE_HOLDS_VALUE(seed) ? (uint64_t)json_node_get_int(seed) : i);
        run_report_sweep_place(s, "scenario", scenario ? scenario : "");
        run_report_sweep_place(s, "machine", machine ? machine : "");
        run_report_sweep_place(s, "policy", policy);
        for (const GList *f = figures; f; f = f->next) {
            double value;
            if (value_of(run_read_object(run_read_object(root, "figures"), f->data), policy, i, &value))
                run_report_sweep_figure(s, f->data, value);
        }
    }
}

JsonObject *run_report_seeds(const char *path, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) wrong = NULL;
    if (!json_parser_load_from_file(parser, path, &wrong) || !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser))) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", path, wrong ? wrong->message : "is no object of JSON");
        return NULL;
    }
    JsonObject *root = json_node_get_object(json_parser_get_root(parser));
    JsonObject *figures = run_read_object(root, "figures"), *digests = run_read_object(root, "digests");
    if (!figures || !digests) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: is no whole result: it has no 'figures' or no 'digests'", path);
        return NULL;
    }
    g_autoptr(run_report_sweep) s = run_report_sweep_new();
    g_autoptr(GList) names = json_object_get_members(figures), policies = json_object_get_members(digests);
    for (GList *p = policies; p; p = p->next)
        tell_policy(s, root, p->data, names);
    return run_report_sweep_data(s);
}
