/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What expectations name, and what they come to. */
#include "run-expression-tree.h"

#include <math.h>
#include <string.h>

const char *const run_expression_relations[] = {"<=", "<", ">=", ">", "==", "!="};

const char *run_expectation_text(const run_expectation *e)
{
    return e->text;
}

const char *run_expectation_relation(const run_expectation *e)
{
    return run_expression_relations[e->relation];
}

bool run_expression_names_checked(const node *n)
{
    for (; n; n = n->next)
        if ((n->kind == NODE_FIGURE && !n->run) || run_expression_names_checked(n->child))
            return true;
    return false;
}

bool run_expression_names(const node *n, const char *run)
{
    for (; n; n = n->next)
        if ((n->run && strcmp(n->run, run) == 0) || run_expression_names(n->child, run))
            return true;
    return false;
}

bool run_expectation_uses(const run_expectation *e, const char *run)
{
    return run_expression_names(e->measured, run) || run_expression_names(e->bound, run);
}

bool run_expectation_is_of_checked(const run_expectation *e)
{
    return run_expression_names_checked(e->measured) || run_expression_names_checked(e->bound) || run_expectation_uses(e, "recorded");
}

/* ---- values --------------------------------------------------------------------------------------------------------------- */

typedef struct {
    run_value_fn value;
    void *user;
    char *why; /* the first reason for which there is no value */
} evaluation;

static double evaluate(evaluation *x, const node *n);

static double evaluate_figure(evaluation *x, const node *n)
{
    double value = 0;
    char *why = NULL;
    if (x->value(x->user, n->figure, n->run, &value, &why))
        return value;
    if (!x->why)
        x->why = why;
    else
        g_free(why);
    return 0;
}

static double divide(evaluation *x, const node *n, double a, double b)
{
    const node *divisor = n->child->next;
    if (b != 0)
        return a / b;
    if (!x->why && divisor->kind == NODE_FIGURE)
        x->why = g_strdup_printf("divides by %s%s%s, which is 0", divisor->figure, divisor->run ? " of " : "", divisor->run ? divisor->run : "");
    else if (!x->why)
        x->why = g_strdup_printf("divides by 0 at column %u", n->column + 1);
    return 0;
}

static double evaluate(evaluation *x, const node *n)
{
    if (n->kind == NODE_NUMBER)
        return n->number;
    if (n->kind == NODE_FIGURE)
        return evaluate_figure(x, n);
    double a = evaluate(x, n->child);
    if (n->kind == NODE_NEGATE || n->kind == NODE_ABS)
        return n->kind == NODE_NEGATE ? -a : fabs(a);
    for (const node *c = n->child->next; c; c = c->next) {
        double b = evaluate(x, c);
        switch (n->kind) {
        case NODE_ADD: a += b; break;
        case NODE_SUBTRACT: a -= b; break;
        case NODE_MULTIPLY: a *= b; break;
        case NODE_DIVIDE: a = divide(x, n, a, b); break;
        case NODE_MIN: a = MIN(a, b); break;
        default: a = MAX(a, b); break;
        }
    }
    return a;
}

static bool holds(relation r, double a, double b)
{
    switch (r) {
    case REL_LE: return a <= b;
    case REL_LT: return a < b;
    case REL_GE: return a >= b;
    case REL_GT: return a > b;
    case REL_EQ: return a == b;
    default: return a != b;
    }
}

static double margin(relation r, double measured, double bound)
{
    double left = r == REL_LE || r == REL_LT ? bound - measured : r == REL_GE || r == REL_GT ? measured - bound : -fabs(measured - bound);
    if (r == REL_NE)
        left = -left;
    return bound != 0 ? left / fabs(bound) : left;
}

run_outcome run_expectation_evaluate(const run_expectation *e, run_value_fn value, void *user)
{
    evaluation x = {value, user, NULL};
    run_outcome o = {.measured = evaluate(&x, e->measured), .is_time = e->measured->time == 1};
    o.bound = evaluate(&x, e->bound);
    if (!x.why && (!isfinite(o.measured) || !isfinite(o.bound)))
        x.why = g_strdup("is beyond all numbers");
    o.why = x.why;
    o.known = !x.why;
    o.passed = o.known && holds(e->relation, o.measured, o.bound);
    o.margin = o.known ? margin(e->relation, o.measured, o.bound) : 0;
    return o;
}

void run_outcome_clear(run_outcome *o)
{
    g_clear_pointer(&o->why, g_free);
}
