/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads profile files. Nothing in them is trusted: every member is looked for, its type and bounds are checked, and nothing is taken of a file in
 * which one is wrong. */
#include "run-profile.h"

#include "run-profile-fields.h"
#include "sim-error.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* A profile of 1,024 VMs has about 40 MB; json-glib 1.6 goes as deep as a text does. */
enum { MAX_BYTES = 256 << 20, MAX_DEPTH = 16 };
/* Sums of runs without end stay far below. */
#define MAX_COUNT (UINT64_C(1) << 62)

typedef struct {
    const char *path;
    vmm_profile *profile;
    GError **error;
} reader;

void run_profile_free(run_profile *p)
{
    if (!p)
        return;
    vmm_profile_free(p->profile);
    g_free(p->digest);
    g_ptr_array_unref(p->fallbacks);
    g_free(p);
}

static bool fail(const reader *r, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(const reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    if (!*r->error)
        g_set_error(r->error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", r->path, text);
    return false;
}

/* ---- members ---------------------------------------------------------------------------------------------------------------- */

static JsonNode *member(const reader *r, JsonObject *o, const char *where, const char *key)
{
    JsonNode *node = json_object_get_member(o, key);
    if (!node)
        fail(r, "%s lacks '%s'", where, key);
    return node;
}

static JsonObject *get_object(const reader *r, JsonObject *o, const char *where, const char *key)
{
    JsonNode *node = member(r, o, where, key);
    if (node && !JSON_NODE_HOLDS_OBJECT(node))
        fail(r, "%s: '%s' is not an object", where, key);
    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static JsonArray *get_array(const reader *r, JsonObject *o, const char *where, const char *key)
{
    JsonNode *node = member(r, o, where, key);
    if (node && !JSON_NODE_HOLDS_ARRAY(node))
        fail(r, "%s: '%s' is not an array", where, key);
    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static bool is_of(JsonNode *node, GType type)
{
    return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type;
}

static const char *get_string(const reader *r, JsonObject *o, const char *where, const char *key)
{
    JsonNode *node = member(r, o, where, key);
    if (node && !is_of(node, G_TYPE_STRING))
        fail(r, "%s: '%s' is not a text", where, key);
    return node && is_of(node, G_TYPE_STRING) ? json_node_get_string(node) : NULL;
}

static bool number_of(const reader *r, JsonNode *node, const char *where, const char *key, uint64_t max, uint64_t *out)
{
    gint64 value = is_of(node, G_TYPE_INT64) ? json_node_get_int(node) : -1;
    if (value < 0 || (uint64_t)value > max)
        return fail(r, "%s: '%s' is not a whole number from 0 to %" G_GUINT64_FORMAT, where, key, max);
    *out = (uint64_t)value;
    return true;
}

static bool get_number(const reader *r, JsonObject *o, const char *where, const char *key, uint64_t max, uint64_t *out)
{
    JsonNode *node = member(r, o, where, key);
    return node && number_of(r, node, where, key, max, out);
}

static bool get_field(const reader *r, JsonObject *o, const char *where, const run_profile_field *f, void *structure)
{
    char *at = (char *)structure + f->offset;
    uint64_t value;
    if (f->type == RUN_FIELD_BOOL) {
        JsonNode *node = member(r, o, where, f->name);
        if (node && is_of(node, G_TYPE_BOOLEAN))
            *(bool *)at = json_node_get_boolean(node);
        return node && (is_of(node, G_TYPE_BOOLEAN) || fail(r, "%s: '%s' is neither true nor false", where, f->name));
    }
    uint64_t max = f->type == RUN_FIELD_U64 ? G_MAXINT64 : f->type == RUN_FIELD_U32 ? UINT32_MAX : 1000;
    if (!get_number(r, o, where, f->name, max, &value))
        return false;
    uint32_t small = (uint32_t)value;
    memcpy(at, f->type == RUN_FIELD_U64 ? (const void *)&value : &small, f->type == RUN_FIELD_U64 ? sizeof value : sizeof small);
    return true;
}

static bool get_fields(const reader *r, JsonObject *o, const char *where, const run_profile_field *fields, void *structure)
{
    for (const run_profile_field *f = fields; f->name; f++)
        if (!get_field(r, o, where, f, structure))
            return false;
    return true;
}

/* As many as there are events; null is UINT64_MAX. */
static bool get_by_event(const reader *r, JsonObject *o, const char *where, const char *key, uint64_t *values)
{
    JsonArray *list = get_array(r, o, where, key);
    if (!list)
        return false;
    if (json_array_get_length(list) != r->profile->n_events)
        return fail(r, "%s: '%s' has not as many values as there are events", where, key);
    for (unsigned i = 0; i < r->profile->n_events; i++) {
        JsonNode *node = json_array_get_element(list, i);
        values[i] = UINT64_MAX;
        if (!JSON_NODE_HOLDS_NULL(node) && !number_of(r, node, where, key, MAX_COUNT, &values[i]))
            return false;
    }
    return true;
}

static JsonObject *object_at(const reader *r, JsonArray *list, guint i, const char *where)
{
    JsonNode *node = json_array_get_element(list, i);
    if (!JSON_NODE_HOLDS_OBJECT(node))
        fail(r, "%s is not an object", where);
    return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

/* ---- profiles ------------------------------------------------------------------------------------------------------------------ */

static bool read_sample(const reader *r, JsonObject *o, const char *where, vmm_smu_sample *s)
{
    JsonObject *view = get_object(r, o, where, "view");
    if (!view || !get_fields(r, o, where, run_profile_sample_fields, s) || !get_fields(r, view, where, run_profile_view_fields, &s->view) ||
        !get_by_event(r, o, where, "counts", s->count) || !get_by_event(r, o, where, "rates", s->rate))
        return false;
    for (unsigned i = 0; i < r->profile->n_events; i++) {
        if (s->count[i] != UINT64_MAX)
            s->fresh |= 1u << i;
        else
            s->count[i] = 0;
    }
    return true;
}

static bool read_recent(const reader *r, JsonObject *o, const char *where, vmm_smu_profile *p)
{
    JsonArray *recent = get_array(r, o, where, "recent");
    uint64_t n = MIN(p->n, (uint64_t)VMM_SMU_RING);
    if (!recent)
        return false;
    if (json_array_get_length(recent) != n)
        return fail(r, "%s: 'recent' has %u samples; of %" G_GUINT64_FORMAT " it has to have the last %" G_GUINT64_FORMAT, where,
                    json_array_get_length(recent), p->n, n);
    for (guint i = 0; i < n; i++) {
        g_autofree char *which = g_strdup_printf("%s: recent sample %u", where, i);
        JsonObject *sample = object_at(r, recent, i, which);
        if (!sample || !read_sample(r, sample, which, &p->ring[(p->n - n + i) % VMM_SMU_RING]))
            return false;
    }
    return true;
}

static bool read_smu(const reader *r, JsonObject *o, const char *where, vmm_smu_profile *p)
{
    if (!get_number(r, o, where, "samples", MAX_COUNT, &p->n) || !get_number(r, o, where, "instructions", MAX_COUNT, &p->insns) ||
        !get_number(r, o, where, "cycles", MAX_COUNT, &p->cycles))
        return false;
    JsonObject *mean = get_object(r, o, where, "mean");
    return mean && get_number(r, mean, where, "ipc_permille", UINT32_MAX, &p->mean_ipc_permille) &&
        get_number(r, mean, where, "btb_hit_permille", 1000, &p->mean_btb_permille) && get_by_event(r, mean, where, "rates", p->mean_rate) &&
        read_recent(r, o, where, p);
}

static bool read_tasks(const reader *r, JsonObject *o, const char *where, GPtrArray *tasks)
{
    JsonArray *list = get_array(r, o, where, "tasks");
    if (!list)
        return false;
    if (json_array_get_length(list) > VMM_TASK_KINDS)
        return fail(r, "%s: there are more than %u kinds of tasks", where, VMM_TASK_KINDS);
    for (guint i = 0; i < json_array_get_length(list); i++) {
        g_autofree char *which = g_strdup_printf("%s: tasks %u", where, i);
        JsonObject *one = object_at(r, list, i, which);
        uint64_t kind;
        if (!one || !get_number(r, one, which, "kind", UINT32_MAX, &kind))
            return false;
        if (vmm_profile_task(tasks, (uint32_t)kind, false))
            return fail(r, "%s: kind %" G_GUINT64_FORMAT " stands twice", where, kind);
        vmm_task_profile *p = vmm_profile_task(tasks, (uint32_t)kind, true);
        if (!get_fields(r, one, which, run_profile_task_fields, p))
            return false;
        if (p->n == 0 || p->total < p->last || p->total > MAX_COUNT || p->n > MAX_COUNT || p->insns > MAX_COUNT)
            return fail(r, "%s: 'count' is 0, or sums are out of bounds", which);
    }
    return true;
}

static bool read_events(const reader *r, JsonObject *root)
{
    JsonArray *list = get_array(r, root, "the profile", "events");
    if (!list)
        return false;
    if (json_array_get_length(list) > VMM_SMU_EVENTS)
        return fail(r, "there are more than %d events", VMM_SMU_EVENTS);
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonNode *node = json_array_get_element(list, i);
        const char *name = is_of(node, G_TYPE_STRING) ? json_node_get_string(node) : "";
        int event = sim_emon_by_name(name);
        if (event < 0)
            return fail(r, "there is no event '%s'", name);
        r->profile->events[r->profile->n_events++] = event;
    }
    return true;
}

/* ---- what it is of ----------------------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *key;
    uint64_t value;
} fact;

static bool check_lp(const reader *r, JsonObject *o, unsigned i, uint32_t core, const cpu_machine *m)
{
    const cpu_core_desc *k = &m->kinds[m->core_kind[core]];
    const uint64_t llc = m->l3.size ? m->l3.size : k->l2.size;
    const fact facts[] = {
        {"core", core}, {"package", m->core_package[core]}, {"hz", k->hz}, {"l1i_lines", k->l1i.size / k->l1i.line},
        {"l1d_lines", k->l1d.size / k->l1d.line}, {"l2_lines", k->l2.size / k->l2.line}, {"llc_lines", llc / k->l2.line}};
    g_autofree char *where = g_strdup_printf("logical processor %u", i);
    const char *kind = get_string(r, o, where, "kind");
    if (!kind)
        return false;
    if (strcmp(kind, k->name) != 0)
        return fail(r, "it is of another machine: logical processor %u is a '%s', and the scenario's a '%s'", i, kind, k->name);
    for (unsigned f = 0; f < G_N_ELEMENTS(facts); f++) {
        uint64_t theirs;
        if (!get_number(r, o, where, facts[f].key, G_MAXINT64, &theirs))
            return false;
        if (theirs != facts[f].value)
            return fail(r, "it is of another machine: '%s' of logical processor %u is %" G_GUINT64_FORMAT ", and the scenario's %" G_GUINT64_FORMAT,
                        facts[f].key, i, theirs, facts[f].value);
    }
    JsonObject *profile = get_object(r, o, where, "profile");
    return profile && read_smu(r, profile, where, &r->profile->pcpus[i]);
}

static bool read_machine(const reader *r, JsonObject *root, const cpu_machine *m)
{
    const char *name = get_string(r, root, "the profile", "machine");
    JsonArray *lps = name ? get_array(r, root, "the profile", "lps") : NULL;
    if (!lps)
        return false;
    if (strcmp(name, m->name) != 0)
        return fail(r, "it is of the machine '%s', and the scenario's is '%s'", name, m->name);
    if (json_array_get_length(lps) != m->n_lps)
        return fail(r, "it is of another machine: %u logical processors, and the scenario's has %u", json_array_get_length(lps), m->n_lps);
    uint32_t core = 0, thread = 0;
    for (guint i = 0; i < m->n_lps; i++, thread++) {
        g_autofree char *where = g_strdup_printf("logical processor %u", i);
        JsonObject *o = object_at(r, lps, i, where);
        if (thread == m->kinds[m->core_kind[core]].threads) {
            core++;
            thread = 0;
        }
        if (!o || !check_lp(r, o, i, core, m))
            return false;
    }
    return true;
}

/* Whether the VM of the file is the scenario's: the same program, or, where a workload has no program file, the same words for it. */
static bool same_work(const reader *r, JsonObject *o, const char *where, const run_vm *vm, bool *same)
{
    const char *workload = get_string(r, o, where, "workload"), *sha = NULL;
    if (!workload || (json_object_has_member(o, "program_sha256") && !(sha = get_string(r, o, where, "program_sha256"))))
        return false;
    *same = sha || vm->sha256 ? g_strcmp0(sha, vm->sha256) == 0 : strcmp(workload, vm->workload) == 0;
    return true;
}

static bool read_vm(const reader *r, JsonObject *o, const run_vm *vm, vmm_vm_profile *p, bool *same)
{
    g_autofree char *where = g_strdup_printf("VM '%s'", vm->name);
    if (!same_work(r, o, where, vm, same))
        return false;
    JsonArray *vcpus = get_array(r, o, where, "vcpus");
    if (!vcpus)
        return false;
    if (json_array_get_length(vcpus) != 1)
        return fail(r, "%s: 'vcpus' has to have one profile", where);
    JsonObject *vcpu = object_at(r, vcpus, 0, where);
    if (!vcpu || !*same)
        return vcpu != NULL;
    p->known = true;
    return read_smu(r, vcpu, where, &p->smu) && read_tasks(r, o, where, p->tasks);
}

static void fall_back(run_profile *p, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void fall_back(run_profile *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_ptr_array_add(p->fallbacks, g_strdup_vprintf(format, args));
    va_end(args);
}

static bool read_known_vms(const reader *r, JsonObject *vms, const run_scenario *s, run_profile *p)
{
    for (guint i = 0; i < s->vms->len; i++) {
        const run_vm *vm = g_ptr_array_index(s->vms, i);
        JsonNode *node = json_object_get_member(vms, vm->name);
        bool same = false;
        if (!node) {
            fall_back(p, "VM '%s': not in the profile; it begins with nothing", vm->name);
            continue;
        }
        if (!JSON_NODE_HOLDS_OBJECT(node))
            return fail(r, "VM '%s' is not an object", vm->name);
        if (!read_vm(r, json_node_get_object(node), vm, &p->profile->vms[i], &same))
            return false;
        p->known += same;
        if (!same)
            fall_back(p, "VM '%s': the profile's runs another program; it begins with nothing", vm->name);
    }
    return true;
}

static bool is_a_vm(const run_scenario *s, const char *name)
{
    for (guint i = 0; i < s->vms->len; i++)
        if (strcmp(((const run_vm *)g_ptr_array_index(s->vms, i))->name, name) == 0)
            return true;
    return false;
}

static bool read_vms(const reader *r, JsonObject *root, const run_scenario *s, run_profile *p)
{
    JsonObject *vms = get_object(r, root, "the profile", "vms");
    if (!vms || !read_known_vms(r, vms, s, p))
        return false;
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    json_object_iter_init_ordered(&iter, vms);
    while (json_object_iter_next_ordered(&iter, &name, &node))
        if (!is_a_vm(s, name))
            fall_back(p, "VM '%s' of the profile: not in the scenario", name);
    return p->known || fail(r, "none of the scenario's VMs is in it with the same program");
}

/* ---- the file ------------------------------------------------------------------------------------------------------------------------ */

/* Containers within containers, outside of texts. */
static bool is_deep(const char *text, gsize length)
{
    unsigned depth = 0;
    bool quoted = false;
    for (gsize i = 0; i < length; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == '{' || text[i] == '[') && ++depth > MAX_DEPTH)
            return true;
        else if (!quoted && (text[i] == '}' || text[i] == ']') && depth)
            depth--;
    }
    return false;
}

static JsonObject *parse(const reader *r, JsonParser *parser, const char *text, gsize length)
{
    g_autoptr(GError) why = NULL;
    if (length > MAX_BYTES || !g_utf8_validate(text, (gssize)length, NULL) || is_deep(text, length)) {
        fail(r, "not a profile");
        return NULL;
    }
    if (!json_parser_load_from_data(parser, text, (gssize)length, &why)) {
        fail(r, "not a profile: %s", why->message);
        return NULL;
    }
    JsonNode *root = json_parser_get_root(parser);
    JsonObject *o = root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
    JsonNode *schema = o ? json_object_get_member(o, "schema") : NULL;
    if (!schema || !is_of(schema, G_TYPE_STRING)) {
        fail(r, "not a profile");
        return NULL;
    }
    const char *name = json_node_get_string(schema);
    if (strcmp(name, RUN_PROFILE_SCHEMA) == 0)
        return o;
    if (g_str_has_prefix(name, "quanta-profile/"))
        fail(r, "it is a '%s'; this program reads '%s'", name, RUN_PROFILE_SCHEMA);
    else
        fail(r, "it is a '%s', not a profile (as --profile-out makes them)", name);
    return NULL;
}

run_profile *run_profile_load(const char *path, const run_scenario *s, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;
    GError *local = NULL;
    if (!g_file_get_contents(path, &text, &length, &local)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "%s", local->message);
        g_error_free(local);
        return NULL;
    }
    run_profile *p = g_new0(run_profile, 1);
    p->profile = vmm_profile_new(s->machine->n_lps, s->vms->len);
    p->digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, length);
    p->fallbacks = g_ptr_array_new_with_free_func(g_free);
    reader r = { path, p->profile, &local };
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonObject *root = parse(&r, parser, text, length);
    if (root && read_events(&r, root) && read_machine(&r, root, s->machine) && read_vms(&r, root, s, p))
        return p;
    g_propagate_error(error, local);
    run_profile_free(p);
    return NULL;
}
