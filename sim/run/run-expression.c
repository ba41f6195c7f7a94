/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recursive-descent parser makes a tree, then names are resolved, then dimensions are checked: a time is not compared with a number. */
#include "run-expression-tree.h"

#include "sim-error.h"

#include <math.h>
#include <string.h>

/* A text is at most so long, and so deep: each level is a call of the parser. */
enum { MOST_TEXT = 1000, MOST_DEPTH = 32, MOST_ARGUMENTS = 16 };

static const relation mirrored[] = {REL_GE, REL_GT, REL_LE, REL_LT, REL_EQ, REL_NE};

typedef struct {
    const char *text;
    gsize at;
    unsigned depth;
    const run_names *names;
    GError **error;
} parser;

static void node_free(node *n)
{
    while (n) {
        node *next = n->next;
        node_free(n->child);
        g_free(n->figure);
        g_free(n->run);
        g_free(n);
        n = next;
    }
}

void run_expectation_free(run_expectation *e)
{
    if (!e)
        return;
    node_free(e->measured);
    node_free(e->bound);
    g_free(e->text);
    g_free(e);
}

/* ---- errors --------------------------------------------------------------------------------------------------------- */

/* "column 5: MESSAGE", the text below it, and a caret below that. NULL, for `return`. */
static node *fail(const parser *p, gsize column, const char *format, ...) G_GNUC_PRINTF(3, 4);
static node *fail(const parser *p, gsize column, const char *format, ...)
{
    va_list args;
    if (*p->error)
        return NULL;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    glong letters = g_utf8_strlen(p->text, (gssize)column);
    g_set_error(p->error, SIM_ERROR, SIM_ERROR_INPUT, "column %ld: %s\n    %s\n    %*s^", letters + 1, message, p->text, (int)letters, "");
    return NULL;
}

/* ---- words ---------------------------------------------------------------------------------------------------------- */

static void skip_blanks(parser *p)
{
    while (p->text[p->at] == ' ' || p->text[p->at] == '\t')
        p->at++;
}

/* '-' and '/' are letters of names: round-robin, uncore_imc/data_reads. */
static bool is_letter(char c)
{
    return g_ascii_isalnum(c) || (c && strchr("_.-/", c));
}

static char *take_name(parser *p)
{
    gsize start = p->at;
    while (is_letter(p->text[p->at]))
        p->at++;
    return g_strndup(p->text + start, p->at - start);
}

static bool take(parser *p, const char *word)
{
    skip_blanks(p);
    if (!g_str_has_prefix(p->text + p->at, word))
        return false;
    p->at += strlen(word);
    return true;
}

static node *new_node(node_kind kind, gsize column)
{
    node *n = g_new0(node, 1);
    n->kind = kind;
    n->column = (unsigned)column;
    return n;
}

/* ---- numbers -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    double factor;
    int time;
} units[] = {{"ps", 1, 1}, {"ns", 1e3, 1}, {"us", 1e6, 1}, {"ms", 1e9, 1}, {"s", 1e12, 1}, {"k", 1e3, 0}, {"M", 1e6, 0}, {"G", 1e9, 0}};

/* The unit behind a number, if there is one. */
static bool take_unit(parser *p, node *n)
{
    gsize start = p->at;
    if (p->text[p->at] == '%') {
        p->at++;
        n->number /= 100;
        return true;
    }
    g_autofree char *word = take_name(p);
    for (unsigned i = 0; i < G_N_ELEMENTS(units); i++)
        if (strcmp(word, units[i].name) == 0) {
            n->number *= units[i].factor;
            n->time = units[i].time;
            return true;
        }
    if (!*word)
        return true;
    fail(p, start, "'%s' is no unit; valid: ps, ns, us, ms, s, %%, k, M, G", word);
    return false;
}

/* Decimal digits with at most one point, and an exponent only if digits follow. */
static node *parse_number(parser *p)
{
    gsize start = p->at, digits = 0, points = 0;
    while (g_ascii_isdigit(p->text[p->at]) || p->text[p->at] == '.') {
        digits += p->text[p->at] != '.';
        points += p->text[p->at++] == '.';
    }
    gsize exponent = p->at;
    if (p->text[exponent] == 'e' || p->text[exponent] == 'E') {
        exponent += 1 + (p->text[exponent + 1] == '-' || p->text[exponent + 1] == '+');
        while (g_ascii_isdigit(p->text[exponent]))
            p->at = ++exponent;
    }
    g_autofree char *text = g_strndup(p->text + start, p->at - start);
    double value = digits && points <= 1 ? g_ascii_strtod(text, NULL) : NAN;
    if (!isfinite(value))
        return fail(p, start, "'%s' is no number", text);
    node *n = new_node(NODE_NUMBER, start);
    n->number = value;
    if (take_unit(p, n))
        return n;
    node_free(n);
    return NULL;
}

/* ---- names ---------------------------------------------------------------------------------------------------------- */

static bool is_run(const parser *p, const char *name)
{
    return g_strv_contains(p->names->runs, name);
}

static bool check_run(const parser *p, const char *name, gsize column)
{
    if (is_run(p, name))
        return true;
    g_autofree char *list = g_strjoinv(", ", (char **)p->names->runs), *hint = sim_suggest(name, p->names->runs);
    if (!*name)
        fail(p, column, "a policy has to follow '@'; valid: %s", list);
    else if (p->names->others && g_strv_contains(p->names->others, name))
        fail(p, column, "the policy '%s' is not run here; add it to 'policies' or 'against'; run are: %s", name, list);
    else
        fail(p, column, "there is no run of a policy '%s'%s", name, hint);
    return false;
}

static char *blanks_hint(const char *name)
{
    return g_strdup(strpbrk(name, "-/") ? " ('-' and '/' belong to names: write blanks around them to subtract or divide)" : "");
}

/* FIGURE, FIGURE@RUN or RUN, which is that run's figure of the expectation. */
static node *parse_reference(parser *p)
{
    gsize start = p->at;
    g_autoptr(GError) wrong = NULL;
    g_autofree char *name = take_name(p), *run = NULL, *hint = blanks_hint(name);
    bool is_time = false, at = p->text[p->at] == '@';
    gsize where = at ? ++p->at : start;
    if (at)
        run = take_name(p);
    if (at && !check_run(p, run, where))
        return NULL;
    bool figure = p->names->figure(p->names->user, name, &is_time, &wrong);
    bool of_run = !figure && !at && is_run(p, name);
    if (!figure && !of_run && !at && p->names->others && g_strv_contains(p->names->others, name)) {
        check_run(p, name, start);
        return NULL;
    }
    if (!figure && !of_run)
        return fail(p, start, "%s%s", wrong->message, hint);
    node *n = new_node(NODE_FIGURE, start);
    n->figure = figure ? g_strdup(name) : NULL;
    n->run = g_strdup(of_run ? name : run);
    n->time = is_time;
    return n;
}

/* ---- the grammar ------------------------------------------------------------------------------------------------------ */

static node *parse_sum(parser *p);

static node *parse_function(parser *p, node_kind kind, gsize start)
{
    node *n = new_node(kind, start), **end = &n->child;
    unsigned count = 0;
    do {
        if (count++ == MOST_ARGUMENTS) {
            fail(p, p->at, "more than %d values", MOST_ARGUMENTS);
            break;
        }
        *end = parse_sum(p);
        if (!*end)
            break;
        end = &(*end)->next;
    } while (take(p, ","));
    if (!*p->error && !take(p, ")"))
        fail(p, p->at, "',' or ')' is missing");
    if (!*p->error && kind == NODE_ABS && count != 1)
        fail(p, start, "abs takes one value");
    if (!*p->error)
        return n;
    node_free(n);
    return NULL;
}

static node *parse_primary(parser *p)
{
    static const struct {
        const char *name;
        node_kind kind;
    } functions[] = {{"min(", NODE_MIN}, {"max(", NODE_MAX}, {"abs(", NODE_ABS}};
    skip_blanks(p);
    gsize start = p->at;
    char c = p->text[start];
    for (unsigned i = 0; i < G_N_ELEMENTS(functions); i++)
        if (take(p, functions[i].name))
            return parse_function(p, functions[i].kind, start);
    if (g_ascii_isdigit(c) || c == '.')
        return parse_number(p);
    if (g_ascii_isalpha(c) || c == '_')
        return parse_reference(p);
    if (!take(p, "("))
        return c ? fail(p, start, "a number, a figure or a policy is missing before '%.*s'", (int)(g_utf8_next_char(p->text + start) - (p->text + start)),
            p->text + start)
                 : fail(p, start, "a number, a figure or a policy is missing at the end");
    node *n = parse_sum(p);
    if (n && take(p, ")"))
        return n;
    if (n)
        fail(p, p->at, "')' is missing");
    node_free(n);
    return NULL;
}

static node *parse_unary(parser *p)
{
    node *inner;
    skip_blanks(p);
    gsize start = p->at;
    if (p->depth == MOST_DEPTH)
        return fail(p, start, "nested more than %d deep", MOST_DEPTH);
    p->depth++;
    bool negative = take(p, "-");
    inner = negative ? parse_unary(p) : parse_primary(p);
    p->depth--;
    if (!negative || !inner)
        return inner;
    node *n = new_node(NODE_NEGATE, start);
    n->child = inner;
    return n;
}

/* Operands of one rank, taken from the left. */
static node *parse_chain(parser *p, node *(*operand)(parser *), const char *const words[2], const node_kind kinds[2])
{
    node *left = operand(p);
    while (left) {
        skip_blanks(p);
        gsize column = p->at;
        bool first = take(p, words[0]), second = !first && take(p, words[1]);
        if (!first && !second)
            break;
        node *n = new_node(kinds[second], column);
        n->child = left;
        left->next = operand(p);
        left = n;
        if (!n->child->next) {
            node_free(n);
            left = NULL;
        }
    }
    return left;
}

static node *parse_product(parser *p)
{
    return parse_chain(p, parse_unary, (const char *const[]){"*", "/"}, (const node_kind[]){NODE_MULTIPLY, NODE_DIVIDE});
}

static node *parse_sum(parser *p)
{
    return parse_chain(p, parse_product, (const char *const[]){"+", "-"}, (const node_kind[]){NODE_ADD, NODE_SUBTRACT});
}

static bool parse_relation(parser *p, relation *out)
{
    skip_blanks(p);
    for (relation r = REL_LE; r <= REL_NE; r++)
        if (take(p, run_expression_relations[r])) {
            *out = r;
            return true;
        }
    fail(p, p->at, p->text[p->at] ? "an operator or one of <=, <, >=, >, ==, != is missing here"
        : "one of <=, <, >=, >, ==, != is missing, and what it compares with");
    return false;
}

/* ---- resolving ---------------------------------------------------------------------------------------------------------- */

/* The figure of the expectation: the only one that is named without a run, else the only one that is named. `several`: there are more. */
static const node *find_figure(const node *n, bool plain, const node *found, bool *several)
{
    for (; n; n = n->next) {
        if (n->kind == NODE_FIGURE && n->figure && (!plain || !n->run)) {
            *several |= found && strcmp(found->figure, n->figure) != 0;
            found = found ? found : n;
        }
        found = find_figure(n->child, plain, found, several);
    }
    return found;
}

static const node *figure_of(const run_expectation *e, bool *several)
{
    for (int plain = 1; plain >= 0; plain--) {
        *several = false;
        const node *n = find_figure(e->bound, plain, find_figure(e->measured, plain, NULL, several), several);
        if (n)
            return n;
    }
    return NULL;
}

static bool resolve(const parser *p, node *n, const node *figure, bool several)
{
    for (; n; n = n->next) {
        if (n->kind == NODE_FIGURE && !n->figure && several)
            return fail(p, n->column, "which figure of '%s'? More than one is named; write FIGURE@%s", n->run, n->run);
        if (n->kind == NODE_FIGURE && !n->figure) {
            n->figure = g_strdup(figure->figure);
            n->time = figure->time;
        }
        if (!resolve(p, n->child, figure, several))
            return false;
    }
    return true;
}

/* Sums and comparisons want one dimension. */
static bool same_dimension(const parser *p, const node *a, const node *b, unsigned column)
{
    if (a->time == b->time)
        return true;
    bool number = (a->time == 0 && a->kind == NODE_NUMBER) || (b->time == 0 && b->kind == NODE_NUMBER);
    fail(p, column, a->time && b->time ? "two different powers of time" : number ? "a time and a number: give the number a unit, for example 2ms"
        : "a time and a number without a unit");
    return false;
}

static bool dimension(const parser *p, node *n)
{
    for (node *c = n->child; c; c = c->next)
        if (!dimension(p, c))
            return false;
    const node *a = n->child, *b = a ? a->next : NULL;
    if (n->kind == NODE_MULTIPLY || n->kind == NODE_DIVIDE)
        n->time = a->time + (n->kind == NODE_MULTIPLY ? b->time : -b->time);
    else if (a)
        n->time = a->time;
    if (n->kind != NODE_MULTIPLY && n->kind != NODE_DIVIDE)
        for (; b; b = b->next)
            if (!same_dimension(p, a, b, n->column))
                return false;
    return true;
}

static bool resolve_all(const parser *p, run_expectation *e, gsize relation_at)
{
    bool several;
    const node *figure = figure_of(e, &several);
    if (!figure) {
        fail(p, 0, "names no figure");
        return false;
    }
    if (!resolve(p, e->measured, figure, several) || !resolve(p, e->bound, figure, several) || !dimension(p, e->measured) || !dimension(p, e->bound))
        return false;
    return same_dimension(p, e->measured, e->bound, (unsigned)relation_at);
}

/* "2ms >= wake_p99" says what "wake_p99 <= 2ms" says. */
static void turn(run_expectation *e)
{
    if (run_expression_names_checked(e->measured) || !run_expression_names_checked(e->bound))
        return;
    node *left = e->measured;
    e->measured = e->bound;
    e->bound = left;
    e->relation = mirrored[e->relation];
}

run_expectation *run_expectation_parse(const char *text, const run_names *names, GError **error)
{
    GError *wrong = NULL;
    g_autofree char *stripped = g_strstrip(g_strdup(text));
    parser p = {.text = stripped, .names = names, .error = &wrong};
    g_autoptr(run_expectation) e = g_new0(run_expectation, 1);
    e->text = g_strdup(stripped);
    gsize relation_at = 0;
    if (strlen(stripped) > MOST_TEXT || !g_utf8_validate(stripped, -1, NULL)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "an expectation is valid UTF-8 of at most %d bytes", MOST_TEXT);
        return NULL;
    }
    e->measured = parse_sum(&p);
    skip_blanks(&p);
    relation_at = p.at;
    if (e->measured && parse_relation(&p, &e->relation))
        e->bound = parse_sum(&p);
    skip_blanks(&p);
    if (e->bound && stripped[p.at])
        fail(&p, p.at, "the expectation should end here; put ';' between two");
    if (!wrong)
        resolve_all(&p, e, relation_at);
    if (wrong) {
        g_propagate_error(error, wrong);
        return NULL;
    }
    turn(e);
    return g_steal_pointer(&e);
}
