/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim-config.h"

#include "sim-error.h"

#include <stdarg.h>
#include <string.h>

enum { MAX_INCLUDE_DEPTH = 8 };

/* Where a value of sim_config_set comes from, in messages. */
#define FROM_SET "--set"

struct sim_config {
    GKeyFile *file;
    char *path;
    GHashTable *origin; /* "group\nkey" -> path of an included file that said it, or FROM_SET */
    GHashTable *known;  /* "group\nkey" that a getter asked for */
    GPtrArray *known_order; /* the same, in order */
    GHashTable *accepted;   /* groups */
};

static char *name_of(const char *group, const char *key)
{
    return g_strconcat(group, "\n", key, NULL);
}

static void mark_known(sim_config *c, const char *group, const char *key)
{
    char *name = name_of(group, key);
    if (g_hash_table_contains(c->known, name)) {
        g_free(name);
        return;
    }
    g_hash_table_add(c->known, name);
    g_ptr_array_add(c->known_order, name);
}

bool sim_config_fail(const sim_config *c, GError **error, const char *group, const char *key, const char *format,
                     ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_auto(GStrv) keys = sim_config_keys(c, group);
    g_autofree char *name = name_of(group, *key || !keys[0] ? key : keys[0]);
    const char *path = g_hash_table_lookup(c->origin, name);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: [%s]%s%s: %s", path ? path : c->path, group,
                *key ? " " : "", key, text);
    return false;
}

/* GKeyFile merges groups and lets the last key win, silently; and does not say where a line is. So look first. */
static bool check_lines(const char *text, const char *path, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GHashTable) groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *group = NULL;
    for (unsigned i = 0; lines[i]; i++) {
        char *line = g_strstrip(lines[i]);
        const char *problem = NULL;
        if (*line == '\0' || *line == '#')
            continue;
        if (*line == '[') {
            char *end = strchr(line, ']');
            g_free(group);
            group = end && end[1] == '\0' ? g_strndup(line + 1, (gsize)(end - line - 1)) : NULL;
            if (!group || !*group)
                problem = "a group is written [name]";
            else if (!g_hash_table_add(groups, g_strdup(group)))
                problem = "this group stands earlier in the file already";
        } else {
            char *equals = strchr(line, '=');
            if (!equals || equals == line)
                problem = "neither a [group], nor key = value, nor a # comment";
            else if (!group)
                problem = "a key before the first [group]";
            else {
                g_autofree char *key = g_strstrip(g_strndup(line, (gsize)(equals - line)));
                if (!g_hash_table_add(keys, name_of(group, key)))
                    problem = "this key stands earlier in its group already";
            }
        }
        if (problem) {
            g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s:%u: '%.80s': %s", path, i + 1, line, problem);
            return false;
        }
    }
    return true;
}

static sim_config *parse(const char *text, gsize length, const char *origin, unsigned depth, GError **error);

static sim_config *load(const char *path, unsigned depth, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;
    g_autoptr(GError) local = NULL;
    if (!g_file_get_contents(path, &text, &length, &local)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "cannot read '%s': %s", path,
                    g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT)   ? "no such file"
                    : g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_ISDIR) ? "it is a folder"
                    : g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_ACCES) ? "permission denied"
                                                                               : local->message);
        return NULL;
    }
    return parse(text, length, path, depth, error);
}

/* Adds what an included file says and this one does not. */
static void merge(sim_config *c, const sim_config *included)
{
    g_auto(GStrv) groups = g_key_file_get_groups(included->file, NULL);
    for (char **g = groups; *g; g++) {
        g_auto(GStrv) keys = g_key_file_get_keys(included->file, *g, NULL, NULL);
        for (char **k = keys; k && *k; k++) {
            if (g_key_file_has_key(c->file, *g, *k, NULL) || strcmp(*k, "include") == 0)
                continue;
            g_autofree char *value = g_key_file_get_value(included->file, *g, *k, NULL);
            g_key_file_set_value(c->file, *g, *k, value);
            g_autofree char *name = name_of(*g, *k);
            const char *from = g_hash_table_lookup(included->origin, name);
            g_hash_table_insert(c->origin, g_steal_pointer(&name), g_strdup(from ? from : included->path));
        }
    }
}

static bool include(sim_config *c, const char *group, unsigned depth, GError **error)
{
    mark_known(c, group, "include");
    g_auto(GStrv) files = g_key_file_get_string_list(c->file, group, "include", NULL, NULL);
    for (char **f = files; f && *f; f++) {
        if (depth + 1 > MAX_INCLUDE_DEPTH)
            return sim_config_fail(c, error, group, "include",
                                   "files include one another more than %d deep; do they include themselves?",
                                   MAX_INCLUDE_DEPTH);
        g_autofree char *path = sim_config_resolve(c, g_strstrip(*f));
        g_autoptr(sim_config) included = load(path, depth + 1, error);
        if (!included) {
            g_prefix_error(error, "%s: [%s] include: ", c->path, group);
            return false;
        }
        merge(c, included);
    }
    return true;
}

static sim_config *parse(const char *text, gsize length, const char *origin, unsigned depth, GError **error)
{
    if (memchr(text, '\0', length) || !g_utf8_validate(text, (gssize)length, NULL)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "'%s' is not a text file (UTF-8)", origin);
        return NULL;
    }
    if (!check_lines(text, origin, error))
        return NULL;
    g_autoptr(sim_config) c = g_new0(sim_config, 1);
    c->file = g_key_file_new();
    c->path = g_strdup(origin);
    c->origin = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    c->known = g_hash_table_new(g_str_hash, g_str_equal);
    c->known_order = g_ptr_array_new_with_free_func(g_free);
    c->accepted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GError) local = NULL;
    if (length && !g_key_file_load_from_data(c->file, text, length, G_KEY_FILE_NONE, &local) &&
        !g_error_matches(local, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_GROUP_NOT_FOUND)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s: %s", origin, local->message);
        return NULL;
    }
    if (!include(c, "scenario", depth, error) || !include(c, "machine", depth, error))
        return NULL;
    return g_steal_pointer(&c);
}

sim_config *sim_config_load(const char *path, GError **error)
{
    return load(path, 0, error);
}

sim_config *sim_config_parse(const char *text, const char *origin, GError **error)
{
    return parse(text, strlen(text), origin, 0, error);
}

void sim_config_free(sim_config *c)
{
    if (!c)
        return;
    g_key_file_free(c->file);
    g_free(c->path);
    g_hash_table_unref(c->origin);
    g_hash_table_unref(c->known);
    g_ptr_array_unref(c->known_order);
    g_hash_table_unref(c->accepted);
    g_free(c);
}

const char *sim_config_path(const sim_config *c)
{
    return c->path;
}

static char *resolve(const char *path, const char *relative)
{
    if (g_path_is_absolute(relative))
        return g_strdup(relative);
    g_autofree char *folder = g_path_get_dirname(path);
    return strcmp(folder, ".") == 0 ? g_strdup(relative) : g_build_filename(folder, relative, NULL);
}

char *sim_config_resolve(const sim_config *c, const char *relative)
{
    return resolve(c->path, relative);
}

char *sim_config_resolve_for(const sim_config *c, const char *group, const char *key, const char *relative)
{
    g_autofree char *name = name_of(group, key);
    const char *origin = g_hash_table_lookup(c->origin, name);
    return resolve(origin && strcmp(origin, FROM_SET) != 0 ? origin : c->path, relative);
}

/* The group that the text from `begin` to `end` names: one of that name, or [vm NAME] and the like; or NULL. */
static char *named_group(const sim_config *c, const char *begin, const char *end)
{
    g_autofree char *name = g_strstrip(g_strndup(begin, (gsize)(end - begin)));
    if (g_key_file_has_group(c->file, name))
        return g_steal_pointer(&name);
    g_auto(GStrv) groups = g_key_file_get_groups(c->file, NULL);
    for (char **g = groups; *g; g++) {
        const char *space = strchr(*g, ' ');
        if (space && strcmp(space + 1, name) == 0)
            return g_strdup(*g);
    }
    return NULL;
}

/* The dot between group and key, which may both have dots: the last one with a group that there is before it, else the last one. */
static const char *dividing_dot(const sim_config *c, const char *assignment, const char *equals)
{
    const char *last = NULL;
    for (const char *p = equals; p > assignment; p--) {
        if (p[-1] != '.')
            continue;
        g_autofree char *group = named_group(c, assignment, p - 1);
        if (group)
            return p - 1;
        last = last ? last : p - 1;
    }
    return last;
}

bool sim_config_set(sim_config *c, const char *assignment, GError **error)
{
    const char *equals = strchr(assignment, '=');
    const char *dot = equals && g_utf8_validate(assignment, -1, NULL) ? dividing_dot(c, assignment, equals) : NULL;
    g_autofree char *group = dot ? g_strstrip(g_strndup(assignment, (gsize)(dot - assignment))) : NULL;
    g_autofree char *key = dot ? g_strstrip(g_strndup(dot + 1, (gsize)(equals - dot - 1))) : NULL;
    if (!dot || !*group || !*key || strpbrk(group, "[]\n\r") || strpbrk(key, "[]\n\r") || strpbrk(equals, "\n\r")) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE,
                    "'%s' is not GROUP.KEY=VALUE, for example policy.quantum=2ms", assignment);
        return false;
    }
    char *known = named_group(c, assignment, dot);
    if (known) {
        g_free(group);
        group = known;
    }
    g_key_file_set_value(c->file, group, key, equals + 1);
    g_autofree char *name = name_of(group, key);
    g_hash_table_insert(c->origin, g_steal_pointer(&name), g_strdup(FROM_SET));
    return true;
}

char **sim_config_groups(const sim_config *c)
{
    return g_key_file_get_groups(c->file, NULL);
}

char **sim_config_keys(const sim_config *c, const char *group)
{
    char **keys = g_key_file_get_keys(c->file, group, NULL, NULL);
    return keys ? keys : g_new0(char *, 1);
}

char *sim_config_text(const sim_config *c)
{
    GString *text = g_string_new(NULL);
    g_auto(GStrv) groups = sim_config_groups(c);
    for (char **g = groups; *g; g++) {
        g_auto(GStrv) keys = sim_config_keys(c, *g);
        g_string_append_printf(text, "[%s]\n", *g);
        for (char **k = keys; *k; k++) {
            g_autofree char *value = g_key_file_get_value(c->file, *g, *k, NULL);
            if (strcmp(*k, "include") != 0)
                g_string_append_printf(text, "%s = %s\n", *k, value ? g_strstrip(value) : "");
        }
    }
    return g_string_free(text, FALSE);
}

bool sim_config_has_group(const sim_config *c, const char *group)
{
    return g_key_file_has_group(c->file, group);
}

bool sim_config_has(const sim_config *c, const char *group, const char *key)
{
    return g_key_file_has_key(c->file, group, key, NULL);
}

/* The value as text, stripped; NULL when it is missing, or an error stands already. */
static char *take(sim_config *c, const char *group, const char *key, GError **error)
{
    mark_known(c, group, key);
    if ((error && *error) || !sim_config_has(c, group, key))
        return NULL;
    return g_strstrip(g_key_file_get_value(c->file, group, key, NULL));
}

/* Moves a parser's message behind the place it is about. */
static void place_error(const sim_config *c, const char *group, const char *key, const char *text, GError *local,
                        GError **error)
{
    sim_config_fail(c, error, group, key, "%s%s", local->message,
                    strstr(text, " #") ? " (a comment has to stand on a line of its own)" : "");
    g_error_free(local);
}

char *sim_config_string(sim_config *c, const char *group, const char *key, const char *fallback, GError **error)
{
    char *text = take(c, group, key, error);
    return text ? text : g_strdup(fallback);
}

bool sim_config_bool(sim_config *c, const char *group, const char *key, bool fallback, GError **error)
{
    static const char *const names[] = {"false", "true", "no", "yes", "off", "on", "0", "1", NULL};
    g_autofree char *text = take(c, group, key, error);
    if (!text)
        return fallback;
    for (int i = 0; names[i]; i++)
        if (strcmp(text, names[i]) == 0)
            return i & 1;
    sim_config_fail(c, error, group, key, "'%s' is neither true nor false", text);
    return fallback;
}

uint64_t sim_config_uint(sim_config *c, const char *group, const char *key, uint64_t fallback, uint64_t min,
                         uint64_t max, GError **error)
{
    g_autofree char *text = take(c, group, key, error);
    if (!text)
        return fallback;
    g_auto(GStrv) parts = g_strsplit(text, "_", -1);
    g_autofree char *digits = g_strjoinv("", parts);
    bool hex = g_str_has_prefix(digits, "0x");
    guint64 value = 0;
    if (!g_ascii_isdigit(*text) || !g_ascii_string_to_unsigned(hex ? digits + 2 : digits, hex ? 16 : 10, min, max,
                                                               &value, NULL)) {
        sim_config_fail(c, error, group, key,
                        "'%s' is not a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT "%s", text, min, max,
                        strstr(text, " #") ? " (a comment has to stand on a line of its own)" : "");
        return fallback;
    }
    return value;
}

typedef struct {
    const char *name;
    uint64_t factor;
} unit;

/* number [space] unit -> number * factor, exactly. `what` names the kind of value, `example` shows one. */
static bool parse_scaled(const char *text, const unit *units, const char *what, const char *example,
                         const char *smallest, uint64_t *out,
                         GError **error)
{
    unsigned __int128 number = 0;
    uint64_t scale = 1;
    const char *p = text;
    unsigned digits = 0;
    bool point = false;
    for (; g_ascii_isdigit(*p) || *p == '_' || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
        } else if (*p != '_') {
            number = number * 10 + (unsigned)(*p - '0');
            scale *= point ? 10 : 1;
            if (number)
                digits++;
            if (digits > 18 || scale > UINT64_C(1000000000000000000) / 10)
                break;
        }
    }
    bool any = p != text && g_ascii_isdigit(p[-1]);
    while (*p == ' ')
        p++;
    const unit *u = units;
    while (u->name && strcmp(u->name, p) != 0)
        u++;
    if (!any || !u->name) {
        GString *names = g_string_new(NULL);
        for (const unit *v = units; v->name; v++)
            g_string_append_printf(names, "%s%s", v == units ? "" : ", ", v->name);
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT,
                    "'%s' is not a %s: a number and one of the units %s, for example %s", text, what, names->str,
                    example);
        g_string_free(names, TRUE);
        return false;
    }
    number *= u->factor;
    if (number % scale) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "'%s' is finer than %s", text, smallest);
        return false;
    }
    number /= scale;
    if (number > UINT64_MAX / 2) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "'%s' is too large", text);
        return false;
    }
    *out = (uint64_t)number;
    return true;
}

bool sim_parse_time(const char *text, sim_ps *out, GError **error)
{
    static const unit units[] = {{"ps", 1}, {"ns", SIM_PS_PER_NS}, {"us", SIM_PS_PER_US}, {"ms", SIM_PS_PER_MS},
                                 {"s", SIM_PS_PER_S}, {NULL, 0}};
    return parse_scaled(text, units, "time", "1.5ms", "a picosecond", out, error);
}

bool sim_parse_size(const char *text, uint64_t *out, GError **error)
{
    static const unit units[] = {{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1000},
                                 {"MB", 1000000}, {"GB", 1000000000}, {NULL, 0}};
    return parse_scaled(text, units, "size", "32KiB", "a byte", out, error);
}

bool sim_parse_count(const char *text, uint64_t *out, GError **error)
{
    static const unit units[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}, {NULL, 0}};
    g_autoptr(GError) local = NULL;
    if (parse_scaled(text, units, "count", "10M", "one", out, &local))
        return true;
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "'%s' is not a count: a whole number, perhaps with k, M or G, for example 10M", text);
    return false;
}

static bool parse_hz(const char *text, uint64_t *out, GError **error)
{
    static const unit units[] = {{"Hz", 1}, {"kHz", 1000}, {"MHz", 1000000}, {"GHz", 1000000000}, {NULL, 0}};
    return parse_scaled(text, units, "frequency", "3.06GHz", "a hertz", out, error);
}

static uint64_t scaled(sim_config *c, const char *group, const char *key, uint64_t fallback,
                       bool (*parser)(const char *, uint64_t *, GError **),
                       GError **error)
{
    g_autofree char *text = take(c, group, key, error);
    GError *local = NULL;
    uint64_t value = fallback;
    if (text && !parser(text, &value, &local)) {
        place_error(c, group, key, text, local, error);
        return fallback;
    }
    return value;
}

sim_ps sim_config_time(sim_config *c, const char *group, const char *key, sim_ps fallback, GError **error)
{
    return scaled(c, group, key, fallback, sim_parse_time, error);
}

uint64_t sim_config_size(sim_config *c, const char *group, const char *key, uint64_t fallback, GError **error)
{
    return scaled(c, group, key, fallback, sim_parse_size, error);
}

uint64_t sim_config_hz(sim_config *c, const char *group, const char *key, uint64_t fallback, GError **error)
{
    return scaled(c, group, key, fallback, parse_hz, error);
}

double sim_config_double(sim_config *c, const char *group, const char *key, double fallback, double min,
                         double max, GError **error)
{
    g_autofree char *text = take(c, group, key, error);
    if (!text)
        return fallback;
    char *end;
    double value = g_ascii_strtod(text, &end);
    if (end == text || *end || !(value >= min && value <= max)) {
        sim_config_fail(c, error, group, key, "'%s' is not a number from %g to %g", text, min, max);
        return fallback;
    }
    return value;
}

int sim_config_choice(sim_config *c, const char *group, const char *key, int fallback, const char *const *names,
                      GError **error)
{
    g_autofree char *text = take(c, group, key, error);
    if (!text)
        return fallback;
    for (int i = 0; names[i]; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    g_autofree char *hint = sim_suggest(text, names);
    sim_config_fail(c, error, group, key, "unknown value '%s'%s", text, hint);
    return fallback;
}

void sim_config_accept_group(sim_config *c, const char *group)
{
    g_hash_table_add(c->accepted, g_strdup(group));
}

/* Names that getters asked for: keys of `group`, or groups when that is NULL. */
static char **known_names(const sim_config *c, const char *group)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; i < c->known_order->len; i++) {
        const char *name = g_ptr_array_index(c->known_order, i);
        const char *newline = strchr(name, '\n');
        g_autofree char *its_group = g_strndup(name, (gsize)(newline - name));
        char *word = NULL;
        if (!group)
            word = g_strdup(its_group);
        else if (strcmp(its_group, group) == 0)
            word = g_strdup(newline + 1);
        /* Not g_hash_table_add alone: it would keep the second of two equal words. */
        if (word && !g_hash_table_contains(seen, word)) {
            g_hash_table_add(seen, word);
            g_ptr_array_add(names, word);
        } else {
            g_free(word);
        }
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

bool sim_config_finish(sim_config *c, GError **error)
{
    g_auto(GStrv) groups = sim_config_groups(c);
    g_auto(GStrv) known_groups = known_names(c, NULL);
    for (char **g = groups; *g; g++) {
        if (g_hash_table_contains(c->accepted, *g))
            continue;
        g_auto(GStrv) known_keys = known_names(c, *g);
        if (!known_keys[0]) {
            g_autofree char *hint = sim_suggest(*g, (const char *const *)known_groups);
            return sim_config_fail(c, error, *g, "", "unknown group%s", hint);
        }
        g_auto(GStrv) keys = g_key_file_get_keys(c->file, *g, NULL, NULL);
        for (char **k = keys; k && *k; k++) {
            if (g_strv_contains((const char *const *)known_keys, *k))
                continue;
            g_autofree char *hint = sim_suggest(*k, (const char *const *)known_keys);
            return sim_config_fail(c, error, *g, *k, "unknown key%s", hint);
        }
    }
    return true;
}
