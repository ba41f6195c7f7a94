/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "cli-list.h"
#include "run-file.h"
#include "run-guests.h"
#include "run-json.h"
#include "run-workload.h"
#include "sim-emon.h"
#include "vmm-params.h"
#include "vmm-registry.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *what;
    bool (*print)(bool colour, GError **error);
    void (*json)(JsonArray *out);
} listing;

/* ---- policies ------------------------------------------------------------------------------------------------- */

/* `prefix`: "", or the policy's name and a dot. */
static void print_params(const char *prefix, const vmm_param *params, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const vmm_param *p = &params[i];
        g_autofree char *value = vmm_param_format(p, p->def), *name = g_strconcat(prefix, p->name, NULL);
        printf("    %-18s %-9s %-8s %s\n", name, vmm_param_type_names[p->type], value, p->help);
    }
}

static bool print_policies(bool colour, GError **error)
{
    (void)error;
    unsigned n;
    const struct vmm_policy_ops *const *all = vmm_policies(&n);
    for (unsigned i = 0; i < n; i++) {
        printf("%s%s%s  %s\n", colour ? "\033[1m" : "", all[i]->name, colour ? "\033[0m" : "", all[i]->summary);
        const vmm_param *params;
        unsigned n_vm = vmm_vm_params(all[i], &params);
        g_autofree char *prefix = g_strconcat(all[i]->name, ".", NULL);
        print_params("", all[i]->params, all[i]->n_params);
        if (n_vm)
            puts("  of each VM, in its group:");
        print_params(prefix, params, n_vm);
    }
    return true;
}

static void set_value(JsonObject *o, const char *key, const vmm_param *p, vmm_param_value value)
{
    if (p->type == VMM_PARAM_BOOL)
        json_object_set_boolean_member(o, key, value.b);
    else if (p->type == VMM_PARAM_DOUBLE)
        json_object_set_double_member(o, key, value.d);
    else
        json_object_set_int_member(o, key, (gint64)MIN(value.u, (uint64_t)G_MAXINT64));
}

static JsonArray *json_params(const vmm_param *list, unsigned n)
{
    JsonArray *params = json_array_new();
    for (unsigned k = 0; k < n; k++) {
        const vmm_param *p = &list[k];
        JsonObject *param = json_object_new();
        json_object_set_string_member(param, "name", p->name);
        json_object_set_string_member(param, "type", vmm_param_type_names[p->type]);
        set_value(param, "default", p, p->def);
        if (p->type != VMM_PARAM_BOOL) {
            set_value(param, "min", p, p->min);
            set_value(param, "max", p, p->max);
        }
        json_object_set_string_member(param, "help", p->help);
        json_array_add_object_element(params, param);
    }
    return params;
}

static void json_policies(JsonArray *out)
{
    unsigned n;
    const struct vmm_policy_ops *const *all = vmm_policies(&n);
    for (unsigned i = 0; i < n; i++) {
        JsonObject *o = json_object_new();
        const vmm_param *vm_params;
        unsigned n_vm = vmm_vm_params(all[i], &vm_params);
        json_object_set_string_member(o, "name", all[i]->name);
        json_object_set_string_member(o, "summary", all[i]->summary);
        json_object_set_array_member(o, "parameters", json_params(all[i]->params, all[i]->n_params));
        json_object_set_array_member(o, "vm_parameters", json_params(vm_params, n_vm));
        json_array_add_object_element(out, o);
    }
}

/* ---- events ---------------------------------------------------------------------------------------------------- */

static bool print_events(bool colour, GError **error)
{
    (void)error;
    for (unsigned i = 0; i < SIM_EV_COUNT; i++) {
        const sim_emon_desc *e = &sim_emon_events[i];
        char raw[16] = "-";
        if (e->raw)
            g_snprintf(raw, sizeof raw, "r%04x", e->raw);
        printf("%s%-32s%s %-9s %-12s %s\n", colour ? "\033[1m" : "", e->name, colour ? "\033[0m" : "", raw, sim_emon_unit_names[e->unit],
               e->text);
    }
    return true;
}

static void json_events(JsonArray *out)
{
    for (unsigned i = 0; i < SIM_EV_COUNT; i++) {
        JsonObject *o = json_object_new();
        json_object_set_string_member(o, "name", sim_emon_events[i].name);
        if (sim_emon_events[i].raw) {
            g_autofree char *raw = g_strdup_printf("r%04x", sim_emon_events[i].raw);
            json_object_set_string_member(o, "raw", raw);
        }
        json_object_set_string_member(o, "unit", sim_emon_unit_names[sim_emon_events[i].unit]);
        json_object_set_string_member(o, "description", sim_emon_events[i].text);
        json_array_add_object_element(out, o);
    }
}

/* ---- guests ---------------------------------------------------------------------------------------------------- */

static bool print_guests(bool colour, GError **error)
{
    g_auto(GStrv) names = run_guest_names();
    if (!*names) {
        g_autofree char *folders = g_strjoinv(", ", (char **)run_guest_folders());
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "there are no guest programs in %s", folders);
        return false;
    }
    for (char **n = names; *n; n++)
        printf("%self:guests/%s%s\n", colour ? "\033[1m" : "", *n, colour ? "\033[0m" : "");
    return true;
}

static void json_guests(JsonArray *out)
{
    g_auto(GStrv) names = run_guest_names();
    for (char **n = names; *n; n++) {
        JsonObject *o = json_object_new();
        g_autofree char *workload = g_strconcat("elf:guests/", *n, NULL);
        json_object_set_string_member(o, "name", *n);
        json_object_set_string_member(o, "workload", workload);
        json_array_add_object_element(out, o);
    }
}

/* ---- traces ---------------------------------------------------------------------------------------------------- */

static bool print_traces(bool colour, GError **error)
{
    g_auto(GStrv) names = run_trace_names();
    if (!*names) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "there are no sample traces in %s", run_trace_folders()[0]);
        return false;
    }
    for (char **n = names; *n; n++)
        printf("%strace:samples/%s%s\n", colour ? "\033[1m" : "", *n, colour ? "\033[0m" : "");
    return true;
}

static void json_traces(JsonArray *out)
{
    g_auto(GStrv) names = run_trace_names();
    for (char **n = names; *n; n++) {
        JsonObject *o = json_object_new();
        g_autofree char *workload = g_strconcat("trace:samples/", *n, NULL);
        json_object_set_string_member(o, "name", *n);
        json_object_set_string_member(o, "workload", workload);
        json_array_add_object_element(out, o);
    }
}

/* ---------------------------------------------------------------------------------------------------------------- */

static const listing listings[] = {
    {"policies", print_policies, json_policies},
    {"machines", cli_list_print_machines, cli_list_json_machines},
    {"events", print_events, json_events},
    {"figures", cli_list_print_figures, cli_list_json_figures},
    {"guests", print_guests, json_guests},
    {"traces", print_traces, json_traces},
};

static const listing *find(const char *what)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(listings); i++)
        if (strcmp(listings[i].what, what) == 0)
            return &listings[i];
    return NULL;
}

static int write_json(const listing *l, const char *path)
{
    JsonObject *root = json_object_new();
    JsonArray *array = json_array_new();
    json_object_set_string_member(root, "schema", "quanta-list/1");
    l->json(array);
    json_object_set_array_member(root, l->what, array);
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), root);
    json_object_unref(root);
    g_autofree char *text = run_json_text(node);
    GError *error = NULL;
    return run_file_write(path, text, strlen(text), &error) ? SIM_EXIT_OK : cli_fail(error);
}

static int execute(const char *command, const char *json, int argc, char **argv)
{
    if (argc != 2)
        return argc < 2 ? cli_usage(command, "what to list? valid: policies, machines, events, figures, guests, traces")
                        : cli_usage(command, "unexpected argument '%s'", argv[2]);
    const listing *l = find(argv[1]);
    if (!l) {
        const char *names[G_N_ELEMENTS(listings) + 1] = {NULL};
        for (unsigned i = 0; i < G_N_ELEMENTS(listings); i++)
            names[i] = listings[i].what;
        g_autofree char *hint = sim_suggest(argv[1], names);
        return cli_usage(command, "there is no list of '%s'%s", argv[1], hint);
    }
    if (json)
        return write_json(l, json);
    GError *error = NULL;
    return l->print(cli_colour(), &error) ? SIM_EXIT_OK : cli_fail(error);
}

int cli_list(const char *command, int argc, char **argv)
{
    g_autofree char *json = NULL;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_FILENAME, &json, "write the list as JSON; - is standard output", "FILE"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    return cli_options_parse(command, entries, &argc, &argv, &status) ? execute(command, json, argc, argv) : status;
}
