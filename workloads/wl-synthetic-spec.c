/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wl-synthetic-spec.h"

#include "insn-source.h"
#include "sim-config.h"
#include "sim-error.h"

#include <string.h>

typedef enum { COUNT, SIZE, BYTES, SHARE, OP } value_kind; /* BYTES: a size, whose unit may be left out */

/* A parameter: where it goes, its kind, default and range. */
typedef struct {
    const char *key;
    value_kind kind;
    size_t offset;
    uint64_t fallback, min, max;
} param;

#define AT(member) G_STRUCT_OFFSET(wl_syn_phase, member)
#define KIB UINT64_C(1024)
#define INSNS { "insns", COUNT, AT(insns), 1000000, 1, UINT64_C(1) << 50 }
#define WS(fallback, max) { "ws", SIZE, AT(ws), fallback, 4096, max }
#define STORES(fallback) { "stores", SHARE, AT(stores), fallback, 0, 1000 }
enum { MAX_PARAMS = 6 };

static const struct {
    const char *name;
    param params[MAX_PARAMS + 1];
} kinds[WL_SYN_KINDS] = {
    [WL_SYN_LOOP] = { "loop", { INSNS, { "body", COUNT, AT(body), 16, 2, 128 }, { "ilp", COUNT, AT(ilp), 4, 1, 12 },
                                { "op", OP, AT(op), INSN_OP_INT, 0, 0 } } },
    [WL_SYN_STREAM] = { "stream", { INSNS, WS(8192 * KIB, WL_SYN_WS_MAX), { "stride", BYTES, AT(stride), 64, 1, 1 << 20 }, STORES(0) } },
    [WL_SYN_CHASE] = { "chase", { INSNS, WS(4096 * KIB, WL_SYN_WS_MAX) } },
    [WL_SYN_RANDOM] = { "random", { INSNS, WS(4096 * KIB, WL_SYN_WS_MAX), STORES(0) } },
    [WL_SYN_BRANCH] = { "branch", { INSNS, { "entropy", SHARE, AT(entropy), 1000, 0, 1000 }, { "taken", SHARE, AT(taken), 500, 0, 1000 },
                                    { "pattern", COUNT, AT(pattern), 8, 1, 64 }, { "body", COUNT, AT(body), 6, 2, 128 },
                                    { "indirect", COUNT, AT(targets), 0, 0, 256 } } },
    [WL_SYN_CODE] = { "code", { INSNS, WS(256 * KIB, WL_SYN_CODE_MAX) } },
    [WL_SYN_SLEEP] = { "sleep", { { NULL, COUNT, 0, 0, 0, 0 } } },
    [WL_SYN_IO] = { "io", { { NULL, COUNT, 0, 0, 0, 0 } } },
    [WL_SYN_YIELD] = { "yield", { { NULL, COUNT, 0, 0, 0, 0 } } },
};

static const struct {
    const char *name;
    insn_op op;
} op_names[] = { { "int", INSN_OP_INT }, { "mul", INSN_OP_MUL }, { "div", INSN_OP_DIV }, { "fp-add", INSN_OP_FP_ADD }, { "fp-mul", INSN_OP_FP_MUL },
                 { "fp-div", INSN_OP_FP_DIV }, { "vec", INSN_OP_VEC } };

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s", text);
    return false;
}

/* ---- values ---------------------------------------------------------------------------------------------------------- */

/* "25%", or a decimal from 0 to 1: per mille. */
static bool parse_share(const char *key, const char *text, uint64_t *out, GError **error)
{
    char *end;
    double share = g_ascii_strtod(text, &end);
    if (end != text && strcmp(end, "%") == 0)
        share /= 100;
    else if (end == text || *end)
        return fail(error, "%s: '%s' is not a share, such as 25%% or 0.25", key, text);
    if (!(share >= 0 && share <= 1))
        return fail(error, "%s: '%s' is not between 0 and 100%%", key, text);
    *out = (uint64_t)(share * 1000 + 0.5);
    return true;
}

static bool parse_op(const char *text, uint64_t *out, GError **error)
{
    const char *names[G_N_ELEMENTS(op_names) + 1] = { NULL };
    for (unsigned i = 0; i < G_N_ELEMENTS(op_names); i++) {
        names[i] = op_names[i].name;
        if (strcmp(text, names[i]) == 0) {
            *out = op_names[i].op;
            return true;
        }
    }
    g_autofree char *hint = sim_suggest(text, names);
    return fail(error, "there is no operation '%s'%s", text, hint);
}

static char *format_limit(const param *p, uint64_t limit)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB" };
    bool size = p->kind == SIZE || p->kind == BYTES;
    unsigned unit = 0;
    for (; size && unit + 1 < G_N_ELEMENTS(units) && limit % KIB == 0; unit++)
        limit /= KIB;
    return g_strdup_printf("%" G_GUINT64_FORMAT "%s", limit, size ? units[unit] : "");
}

static bool parse_value(const param *p, const char *text, uint64_t *out, GError **error)
{
    g_autoptr(GError) local = NULL;
    bool ok = p->kind == COUNT   ? sim_parse_count(text, out, &local)
              : p->kind == BYTES ? sim_parse_count(text, out, NULL) || sim_parse_size(text, out, &local)
              : p->kind == SIZE  ? sim_parse_size(text, out, &local)
              : p->kind == SHARE ? parse_share(p->key, text, out, error)
                                 : parse_op(text, out, error);
    if (local)
        return fail(error, "%s: %s", p->key, local->message);
    if (!ok)
        return false;
    if (p->kind == OP || (*out >= p->min && *out <= p->max))
        return true;
    g_autofree char *min = format_limit(p, p->min), *max = format_limit(p, p->max);
    return fail(error, "%s=%s is outside %s to %s", p->key, text, min, max);
}

/* ---- phases ----------------------------------------------------------------------------------------------------------- */

static bool parse_param(wl_syn_phase *phase, const char *word, unsigned *given, GError **error)
{
    const param *all = kinds[phase->kind].params;
    const char *equals = strchr(word, '=');
    g_autofree char *key = equals ? g_strndup(word, (gsize)(equals - word)) : g_strdup(word);
    const char *names[MAX_PARAMS + 1] = { NULL };
    for (unsigned i = 0; all[i].key; i++) {
        names[i] = all[i].key;
        if (!equals || strcmp(key, all[i].key) != 0)
            continue;
        if (*given & 1u << i)
            return fail(error, "%s is given twice", key);
        *given |= 1u << i;
        return parse_value(&all[i], equals + 1, &G_STRUCT_MEMBER(uint64_t, phase, all[i].offset), error);
    }
    if (!all[0].key)
        return fail(error, "'%s' has no parameters", kinds[phase->kind].name);
    if (!equals)
        return fail(error, "'%s': a parameter is written key=value", word);
    g_autofree char *hint = sim_suggest(key, names);
    return fail(error, "'%s' has no parameter '%s'%s", kinds[phase->kind].name, key, hint);
}

enum { SLEEP_MAX_S = 3600 };
#define JITTER "jitter="

static bool parse_sleep(wl_syn_phase *phase, char **words, GError **error)
{
    g_autoptr(GError) local = NULL;
    sim_ps span, jitter = 0;
    if (!words[1] || (words[2] && (!g_str_has_prefix(words[2], JITTER) || words[3])))
        return fail(error, "a sleep is written 'sleep 1ms' or 'sleep 1ms " JITTER "200us'");
    if (!sim_parse_time(words[1], &span, &local))
        return fail(error, "sleep: %s", local->message);
    if (words[2] && !sim_parse_time(words[2] + strlen(JITTER), &jitter, &local))
        return fail(error, "sleep: jitter: %s", local->message);
    if (span > SLEEP_MAX_S * SIM_PS_PER_S || jitter > SLEEP_MAX_S * SIM_PS_PER_S)
        return fail(error, "sleep: %s is more than %ds", span > SLEEP_MAX_S * SIM_PS_PER_S ? words[1] : words[2], SLEEP_MAX_S);
    phase->amount = MAX(span / SIM_PS_PER_NS, 1);
    phase->jitter = jitter / SIM_PS_PER_NS;
    return true;
}

static bool parse_io(wl_syn_phase *phase, char **words, GError **error)
{
    g_autoptr(GError) local = NULL;
    if (!words[1] || (words[2] && (strcmp(words[2], "write") != 0 || words[3])))
        return fail(error, "a disk request is written 'io 64KiB' or 'io 64KiB write'");
    if (!sim_parse_size(words[1], &phase->amount, &local))
        return fail(error, "io: %s", local->message);
    if (phase->amount == 0 || phase->amount > UINT64_C(1) << 40)
        return fail(error, "io: %s is outside 1B to 1024GiB", words[1]);
    phase->write = words[2] != NULL;
    return true;
}

static bool parse_phase(wl_syn_spec *spec, char **words, GError **error)
{
    const char *names[WL_SYN_KINDS + 2] = { NULL };
    wl_syn_phase phase = { .kind = 0 };
    for (unsigned i = 0; i < WL_SYN_KINDS; i++)
        names[i] = kinds[i].name;
    names[WL_SYN_KINDS] = "repeat";
    while (phase.kind < WL_SYN_KINDS && strcmp(words[0], kinds[phase.kind].name) != 0)
        phase.kind++;
    if (phase.kind == WL_SYN_KINDS) {
        g_autofree char *hint = sim_suggest(words[0], names);
        return fail(error, "there is no phase '%s'%s", words[0], hint);
    }
    const param *all = kinds[phase.kind].params;
    for (unsigned i = 0; all[i].key; i++)
        G_STRUCT_MEMBER(uint64_t, &phase, all[i].offset) = all[i].fallback;
    if (phase.kind == WL_SYN_SLEEP || phase.kind == WL_SYN_IO) {
        if (!(phase.kind == WL_SYN_SLEEP ? parse_sleep : parse_io)(&phase, words, error))
            return false;
    } else {
        unsigned given = 0;
        for (char **w = words + 1; *w; w++)
            if (!parse_param(&phase, *w, &given, error))
                return false;
        if (phase.ws && phase.stride > phase.ws)
            return fail(error, "stride is larger than ws");
    }
    g_array_append_val(spec->phases, phase);
    return true;
}

static bool parse_repeat(wl_syn_spec *spec, char **words, bool last, GError **error)
{
    if (!last || !words[1] || words[2])
        return fail(error, "'repeat N' or 'repeat forever' stands at the end");
    if (strcmp(words[1], "forever") == 0) {
        spec->repeat = 0;
        return true;
    }
    if (!sim_parse_count(words[1], &spec->repeat, NULL) || spec->repeat == 0)
        return fail(error, "repeat: '%s' is neither a number from 1 on nor 'forever'", words[1]);
    return true;
}

/* Words between blanks. */
static char **split(const char *text)
{
    GPtrArray *words = g_ptr_array_new();
    g_auto(GStrv) all = g_strsplit_set(text, " \t", -1);
    for (char **w = all; *w; w++)
        if (**w)
            g_ptr_array_add(words, g_strdup(*w));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

static bool parse_part(wl_syn_spec *spec, const char *part, bool last, GError **error)
{
    g_auto(GStrv) words = split(part);
    if (!words[0])
        return fail(error, "is empty; valid: loop, stream, chase, random, branch, code, sleep, io, yield");
    return strcmp(words[0], "repeat") == 0 ? parse_repeat(spec, words, last, error) : parse_phase(spec, words, error);
}

/* What all phases together have to fulfil. */
static bool check_all(const wl_syn_spec *spec, GError **error)
{
    uint64_t code = 0;
    bool executes = false;
    for (unsigned i = 0; i < spec->phases->len; i++) {
        const wl_syn_phase *p = &g_array_index(spec->phases, wl_syn_phase, i);
        executes |= p->kind < WL_SYN_SLEEP;
        code += p->kind == WL_SYN_CODE ? p->ws : 0;
    }
    if (!executes)
        return fail(error, "no phase of it executes instructions; add one, for example 'loop insns=1M'");
    return code <= WL_SYN_CODE_MAX ||
           fail(error, "the phases of code walk through %" G_GUINT64_FORMAT "KiB in all; at most %" G_GUINT64_FORMAT "KiB", code / KIB, WL_SYN_CODE_MAX / KIB);
}

bool wl_syn_parse(wl_syn_spec *spec, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ";", -1);
    unsigned n = g_strv_length(parts);
    spec->phases = g_array_new(FALSE, FALSE, sizeof(wl_syn_phase));
    spec->repeat = 1;
    if (n > 1 && !*g_strstrip(parts[n - 1]))
        n--; /* a semicolon may end it */
    bool ok = n <= WL_SYN_PHASES_MAX || fail(error, "more than %d phases", WL_SYN_PHASES_MAX);
    for (unsigned i = 0; ok && i < MAX(n, 1); i++) {
        ok = parse_part(spec, n ? parts[i] : "", i + 1 == n, error);
        if (!ok && n > 1)
            g_prefix_error(error, "phase %u: ", i + 1);
    }
    ok = ok && check_all(spec, error);
    if (!ok)
        g_prefix_error(error, "synthetic: ");
    return ok;
}

void wl_syn_clear(wl_syn_spec *spec)
{
    g_clear_pointer(&spec->phases, g_array_unref);
}
