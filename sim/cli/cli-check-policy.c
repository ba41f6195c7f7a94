/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"
#include "run-file.h"
#include "run-json.h"
#include "vmm-conform.h"
#include "vmm-plugin.h"
#include "vmm-registry.h"

#include <stdio.h>
#include <string.h>

/* After so many cases that hung the rest is not run: each takes as long as is waited for it. */
enum { DEFAULT_SECONDS = 10, MOST_HUNG = 3 };

typedef struct {
    char *json, **params, **only, *seed_text;
    gboolean tap, list, quiet;
    int seconds;
    vmm_conform_config config;
    char **pairs;
    GString *text; /* what people read */
    JsonArray *cases;
    unsigned n, failed, hung, skipped;
} suite;

static void list_cases(void)
{
    unsigned n;
    const vmm_conform_case *cases = vmm_conform_cases(&n);
    printf("Cases\n");
    for (unsigned i = 0; i < n; i++)
        printf("  %-22s %s\n", cases[i].name, cases[i].text);
    const vmm_conform_invariant *invariants = vmm_conform_invariants(&n);
    printf("\nInvariants\n");
    for (unsigned i = 0; i < n; i++)
        printf("  %-22s %s\n", invariants[i].name, invariants[i].text);
}

static const struct vmm_policy_ops *find_policy(const char *name, GError **error)
{
    return vmm_plugin_is_path(name) ? vmm_plugin_load(name, error) : vmm_policy_find(name, error);
}

/* "NAME=VALUE", ... to name, value, ..., NULL. */
static bool split_params(suite *s, const char *command, int *status)
{
    GPtrArray *pairs = g_ptr_array_new();
    bool good = true;
    for (char **p = s->params; good && p && *p; p++) {
        char *eq = strchr(*p, '=');
        good = eq && eq != *p;
        if (!good) {
            *status = cli_usage(command, "--param: '%s' is not NAME=VALUE", *p);
            break;
        }
        g_ptr_array_add(pairs, g_strndup(*p, (gsize)(eq - *p)));
        g_ptr_array_add(pairs, g_strdup(eq + 1));
    }
    g_ptr_array_add(pairs, NULL);
    s->pairs = (char **)g_ptr_array_free(pairs, FALSE);
    s->config.params = (const char *const *)s->pairs;
    return good;
}

static void add_json(suite *s, const vmm_conform_outcome *o)
{
    JsonObject *one = json_object_new();
    json_object_set_string_member(one, "case", o->of->name);
    json_object_set_boolean_member(one, "passed", !o->invariant);
    json_object_set_int_member(one, "decisions", (gint64)o->decisions);
    if (o->invariant) {
        g_autofree char *detail = run_json_utf8(o->detail, strlen(o->detail));
        json_object_set_string_member(one, "invariant", o->invariant);
        json_object_set_string_member(one, "detail", detail);
        json_object_set_int_member(one, "at_ps", (gint64)o->at);
    }
    if (o->invariant && o->pcpu != VMM_PCPU_NONE)
        json_object_set_int_member(one, "pcpu", o->pcpu);
    if (o->invariant && o->vcpu != VMM_VCPU_NONE)
        json_object_set_int_member(one, "vcpu", o->vcpu);
    json_array_add_object_element(s->cases, one);
}

static void show(suite *s, const vmm_conform_outcome *o)
{
    const char *red = cli_colour() && !s->tap ? "\033[31m" : "", *plain = *red ? "\033[0m" : "";
    g_autofree char *detail = o->detail ? g_strdelimit(g_strdup(o->detail), "\n", ' ') : NULL;
    if (s->tap && o->invariant)
        printf("not ok %u - %s: %s: %s\n", s->n, o->of->name, o->invariant, detail);
    else if (s->tap)
        printf("ok %u - %s\n", s->n, o->of->name);
    else if (o->invariant)
        printf("  %-22s %sFAILED%s  %s: %s\n", o->of->name, red, plain, o->invariant, detail);
    else
        printf("  %-22s ok      %" G_GUINT64_FORMAT " decisions\n", o->of->name, o->decisions);
    fflush(stdout);
}

static void show_skipped(const suite *s, const char *name)
{
    if (s->tap)
        printf("not ok %u - %s: not run, as %d cases hung\n", s->n + s->skipped, name, MOST_HUNG);
    else
        printf("  %-22s not run, as %d cases hung\n", name, MOST_HUNG);
}

static bool is_wanted(const suite *s, const char *name)
{
    return !s->only || g_strv_contains((const char *const *)s->only, name);
}

static unsigned number_wanted(const suite *s, const vmm_conform_case *cases, unsigned n)
{
    unsigned wanted = 0;
    for (unsigned i = 0; i < n; i++)
        wanted += is_wanted(s, cases[i].name);
    return wanted;
}

static bool run_cases(suite *s, GError **error)
{
    unsigned n;
    const vmm_conform_case *cases = vmm_conform_cases(&n);
    bool shown = g_strcmp0(s->json, "-") != 0 && !s->quiet;
    if (s->tap && shown)
        printf("1..%u\n", number_wanted(s, cases, n));
    for (unsigned i = 0; i < n; i++) {
        vmm_conform_outcome o;
        if (!is_wanted(s, cases[i].name))
            continue;
        if (s->hung == MOST_HUNG) {
            s->skipped++;
            if (shown)
                show_skipped(s, cases[i].name);
            continue;
        }
        fflush(stdout);
        if (!vmm_conform_run(&s->config, i, &o, error))
            return false;
        s->n++;
        s->failed += o.invariant != NULL;
        s->hung += o.hung;
        add_json(s, &o);
        if (shown)
            show(s, &o);
        vmm_conform_outcome_clear(&o);
    }
    return true;
}

static char *json_text(const suite *s)
{
    g_autoptr(JsonNode) node = json_node_alloc();
    JsonObject *o = json_object_new();
    json_object_set_string_member(o, "schema", "quanta-check-policy/1");
    json_object_set_string_member(o, "policy", s->config.policy->name);
    json_object_set_int_member(o, "seed", (gint64)s->config.seed);
    json_object_set_int_member(o, "passed", s->n - s->failed);
    json_object_set_int_member(o, "failed", s->failed);
    json_object_set_int_member(o, "not_run", s->skipped);
    json_object_set_array_member(o, "cases", json_array_ref(s->cases));
    json_node_init_object(node, o);
    json_object_unref(o);
    return run_json_text(node);
}

static bool case_exists(const char *name)
{
    unsigned n;
    const vmm_conform_case *cases = vmm_conform_cases(&n);
    for (unsigned i = 0; i < n; i++)
        if (strcmp(cases[i].name, name) == 0)
            return true;
    return false;
}

static int no_case(const char *command, const char *name)
{
    unsigned n;
    const vmm_conform_case *cases = vmm_conform_cases(&n);
    g_autofree const char **names = g_new0(const char *, n + 1);
    for (unsigned i = 0; i < n; i++)
        names[i] = cases[i].name;
    g_autofree char *hint = sim_suggest(name, names);
    return cli_usage(command, "--case: there is no case '%s'%s", name, hint);
}

static int check(suite *s)
{
    GError *error = NULL;
    if (s->json && !run_file_check(s->json, &error)) {
        g_prefix_error(&error, "--json: ");
        return cli_fail(error);
    }
    s->cases = json_array_new();
    bool to_people = !s->tap && !s->quiet && g_strcmp0(s->json, "-") != 0;
    if (to_people)
        printf("%s\n", s->config.policy->name);
    bool ran = run_cases(s, &error);
    g_autofree char *json = ran && s->json ? json_text(s) : NULL;
    json_array_unref(s->cases);
    if (!ran || (json && !run_file_write(s->json, json, strlen(json), &error)))
        return cli_fail(error);
    if (to_people)
        printf("%u passed, %u failed%s\n", s->n - s->failed, s->failed, s->skipped ? ", the rest was not run" : "");
    return s->failed ? SIM_EXIT_CHECK_FAILED : SIM_EXIT_OK;
}

static int start(const char *command, suite *s, int argc, char **argv)
{
    GError *error = NULL;
    cli_options seed = {.seed_text = s->seed_text};
    int status = SIM_EXIT_OK;
    if (s->list) {
        list_cases();
        return status;
    }
    if (argc != 2)
        return argc < 2 ? cli_usage(command, "the policy is missing: a name (quanta list policies) or the path of a shared object (./mine.so)")
                        : cli_usage(command, "unexpected argument '%s'", argv[2]);
    for (char **name = s->only; name && *name; name++)
        if (!case_exists(*name))
            return no_case(command, *name);
    if (s->seconds < 1 || s->seconds > 3600)
        return cli_usage(command, "--timeout: %d is not a number of seconds from 1 to 3600", s->seconds);
    if (!cli_options_seed(command, &seed, &status) || !split_params(s, command, &status))
        return status;
    s->config.seed = seed.has_seed ? seed.seed : 1;
    s->config.seconds = (unsigned)s->seconds;
    s->config.policy = find_policy(argv[1], &error);
    return s->config.policy ? check(s) : cli_fail(error);
}

int cli_check_policy(const char *command, int argc, char **argv)
{
    suite s = {.seconds = DEFAULT_SECONDS};
    const GOptionEntry entries[] = {
        {"param", 'P', 0, G_OPTION_ARG_FILENAME_ARRAY, &s.params, "a parameter of the policy; may be repeated", "NAME=VALUE"},
        {"case", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &s.only, "that case alone; may be repeated", "NAME"},
        {"list", 0, 0, G_OPTION_ARG_NONE, &s.list, "list the cases and the invariants", NULL},
        {"seed", 0, 0, G_OPTION_ARG_FILENAME, &s.seed_text, "of the random schedules (default: 1)", "N"},
        {"timeout", 0, 0, G_OPTION_ARG_INT, &s.seconds, "seconds in which a hook has to return, else its case is taken for hung (default: 10)", "N"},
        {"tap", 0, 0, G_OPTION_ARG_NONE, &s.tap, "print TAP", NULL},
        {"json", 0, 0, G_OPTION_ARG_FILENAME, &s.json, "write the outcome as JSON (schema quanta-check-policy/1); - is standard output", "FILE"},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &s.quiet, "print nothing but errors (and JSON)", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status = SIM_EXIT_OK;
    if (cli_options_parse(command, entries, &argc, &argv, &status))
        status = start(command, &s, argc, argv);
    g_free(s.json);
    g_strfreev(s.only);
    g_free(s.seed_text);
    g_strfreev(s.params);
    g_strfreev(s.pairs);
    return status;
}
