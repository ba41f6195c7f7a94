/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees of expectations: what the parser makes and the evaluation walks. */
#pragma once

#include "run-expression.h"

typedef enum { NODE_NUMBER, NODE_FIGURE, NODE_NEGATE, NODE_ADD, NODE_SUBTRACT, NODE_MULTIPLY, NODE_DIVIDE, NODE_MIN, NODE_MAX, NODE_ABS } node_kind;

typedef struct node node;
struct node {
    node_kind kind;
    int time;           /* dimension: power of time */
    double number;
    char *figure, *run; /* NULL figure: that of the expectation; NULL run: the one that is checked */
    unsigned column;    /* from 0 */
    node *child, *next; /* operands are a list */
};

typedef enum { REL_LE, REL_LT, REL_GE, REL_GT, REL_EQ, REL_NE } relation;
extern const char *const run_expression_relations[]; /* "<=" */

struct run_expectation {
    char *text;
    node *measured, *bound;
    relation relation;
};

/* Whether the nodes of a list, or those below them, name a figure of the run that is checked; of that run. */
bool run_expression_names_checked(const node *list);
bool run_expression_names(const node *list, const char *run);
