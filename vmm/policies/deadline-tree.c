/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "deadline-tree.h"

#include <glib.h>

#define NONE VMM_VCPU_NONE

typedef struct {
    int64_t deadline, vruntime, least; /* least: of vruntime, of the node and all below */
    uint32_t left, right, priority;
} node;

struct deadline_tree {
    node *nodes; /* [vCPU] */
};

/* Finalizer of MurmurHash3 (Appleby, public domain). */
static uint32_t hash(uint32_t x)
{
    x ^= x >> 16;
    x *= UINT32_C(0x85ebca6b);
    x ^= x >> 13;
    x *= UINT32_C(0xc2b2ae35);
    return x ^ x >> 16;
}

deadline_tree *deadline_tree_new(uint32_t n_vcpus)
{
    deadline_tree *t = g_new0(deadline_tree, 1);
    t->nodes = g_new0(node, n_vcpus);
    for (uint32_t i = 0; i < n_vcpus; i++)
        t->nodes[i].priority = hash(i + 1);
    return t;
}

void deadline_tree_free(deadline_tree *t)
{
    if (t)
        g_free(t->nodes);
    g_free(t);
}

static bool before(const deadline_tree *t, uint32_t a, uint32_t b)
{
    const node *x = &t->nodes[a], *y = &t->nodes[b];
    return x->deadline != y->deadline ? x->deadline < y->deadline : a < b;
}

static void update(deadline_tree *t, uint32_t i)
{
    node *n = &t->nodes[i];
    n->least = n->vruntime;
    if (n->left != NONE)
        n->least = MIN(n->least, t->nodes[n->left].least);
    if (n->right != NONE)
        n->least = MIN(n->least, t->nodes[n->right].least);
}

/* What comes before `pivot` and what comes after it. */
static void split(deadline_tree *t, uint32_t root, uint32_t pivot, uint32_t *left, uint32_t *right)
{
    if (root == NONE) {
        *left = *right = NONE;
        return;
    }
    if (before(t, root, pivot)) {
        split(t, t->nodes[root].right, pivot, &t->nodes[root].right, right);
        *left = root;
    } else {
        split(t, t->nodes[root].left, pivot, left, &t->nodes[root].left);
        *right = root;
    }
    update(t, root);
}

/* All of `left` comes before all of `right`. */
static uint32_t join(deadline_tree *t, uint32_t left, uint32_t right)
{
    if (left == NONE || right == NONE)
        return left == NONE ? right : left;
    uint32_t top = t->nodes[left].priority >= t->nodes[right].priority ? left : right;
    if (top == left)
        t->nodes[left].right = join(t, t->nodes[left].right, right);
    else
        t->nodes[right].left = join(t, left, t->nodes[right].left);
    update(t, top);
    return top;
}

static uint32_t add(deadline_tree *t, uint32_t root, uint32_t vcpu)
{
    node *n = &t->nodes[vcpu];
    if (root == NONE || n->priority > t->nodes[root].priority) {
        split(t, root, vcpu, &n->left, &n->right);
        update(t, vcpu);
        return vcpu;
    }
    node *top = &t->nodes[root];
    if (before(t, vcpu, root))
        top->left = add(t, top->left, vcpu);
    else
        top->right = add(t, top->right, vcpu);
    update(t, root);
    return root;
}

void deadline_tree_insert(deadline_tree *t, uint32_t *root, uint32_t vcpu, int64_t deadline, int64_t vruntime)
{
    node *n = &t->nodes[vcpu];
    n->deadline = deadline;
    n->vruntime = vruntime;
    n->left = n->right = NONE;
    *root = add(t, *root, vcpu);
}

static uint32_t take(deadline_tree *t, uint32_t root, uint32_t vcpu)
{
    g_assert(root != NONE);
    node *top = &t->nodes[root];
    if (root == vcpu)
        return join(t, top->left, top->right);
    if (before(t, vcpu, root))
        top->left = take(t, top->left, vcpu);
    else
        top->right = take(t, top->right, vcpu);
    update(t, root);
    return root;
}

void deadline_tree_remove(deadline_tree *t, uint32_t *root, uint32_t vcpu)
{
    *root = take(t, *root, vcpu);
}

uint32_t deadline_tree_first(const deadline_tree *t, uint32_t root, int64_t limit)
{
    for (uint32_t i = root; i != NONE;) {
        const node *n = &t->nodes[i];
        if (n->left != NONE && t->nodes[n->left].least <= limit)
            i = n->left;
        else if (n->vruntime <= limit)
            return i;
        else
            i = n->right;
    }
    return NONE;
}
