/* SPDX-License-Identifier: GPL-2.0-or-later */
/* btree [keys] [look-ups]: inserts random keys into a B-tree of order 32, looks them up, scans ranges. */
#include "guest.h"

enum { ORDER = 32 };

struct node {
    int n;
    int leaf;
    uint64_t keys[ORDER - 1];
    struct node *children[ORDER];
};

static struct node *new_node(int leaf)
{
    struct node *x = guest_alloc(sizeof *x);
    x->n = 0;
    x->leaf = leaf;
    return x;
}

static int place(const struct node *x, uint64_t key)
{
    int low = 0, high = x->n;
    while (low < high) {
        int middle = (low + high) / 2;
        if (x->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void split(struct node *x, int i)
{
    struct node *y = x->children[i], *z = new_node(y->leaf);
    int middle = (ORDER - 1) / 2;
    z->n = y->n - middle - 1;
    memcpy(z->keys, y->keys + middle + 1, (size_t)z->n * sizeof *z->keys);
    if (!y->leaf)
        memcpy(z->children, y->children + middle + 1, (size_t)(z->n + 1) * sizeof *z->children);
    y->n = middle;
    memmove(x->keys + i + 1, x->keys + i, (size_t)(x->n - i) * sizeof *x->keys);
    memmove(x->children + i + 2, x->children + i + 1, (size_t)(x->n - i) * sizeof *x->children);
    x->keys[i] = y->keys[middle];
    x->children[i + 1] = z;
    x->n++;
}

static struct node *insert(struct node *root, uint64_t key)
{
    if (root->n == ORDER - 1) {
        struct node *top = new_node(0);
        top->children[0] = root;
        split(top, 0);
        root = top;
    }
    struct node *x = root;
    for (;;) {
        int i = place(x, key);
        if (i < x->n && x->keys[i] == key)
            return root;
        if (x->leaf) {
            memmove(x->keys + i + 1, x->keys + i, (size_t)(x->n - i) * sizeof *x->keys);
            x->keys[i] = key;
            x->n++;
            return root;
        }
        if (x->children[i]->n == ORDER - 1) {
            split(x, i);
            if (x->keys[i] == key)
                return root;
            i += x->keys[i] < key;
        }
        x = x->children[i];
    }
}

static int find(const struct node *x, uint64_t key)
{
    for (;;) {
        int i = place(x, key);
        if (i < x->n && x->keys[i] == key)
            return 1;
        if (x->leaf)
            return 0;
        x = x->children[i];
    }
}

static uint64_t scan(const struct node *x, uint64_t low, uint64_t high, uint64_t sum)
{
    for (int i = place(x, low);; i++) {
        if (!x->leaf)
            sum = scan(x->children[i], low, high, sum);
        if (i == x->n || x->keys[i] > high)
            return sum;
        sum = guest_mix(sum, x->keys[i]);
    }
}

int main(int argc, char **argv)
{
    uint64_t keys = guest_arg(argc, argv, 1, "number of keys", 60000, 1, 50000000);
    uint64_t looks = guest_arg(argc, argv, 2, "number of look-ups", 150000, 1, UINT64_MAX);
    struct node *root = new_node(1);
    uint64_t seed = 23, sum = 0, found = 0;
    quanta_roi_begin();
    quanta_task_begin(TASK_BTREE, 0);
    for (uint64_t i = 0; i < keys; i++)
        root = insert(root, guest_random(&seed) % (keys * 4));
    quanta_task_end(TASK_BTREE, 0);
    for (uint64_t done = 0, id = 1; done < looks; id++) {
        quanta_task_begin(TASK_BTREE, id);
        for (int i = 0; i < 10000 && done < looks; i++, done++)
            found += (uint64_t)find(root, guest_random(&seed) % (keys * 4));
        uint64_t low = guest_random(&seed) % (keys * 4);
        sum = scan(root, low, low + 400, sum);
        quanta_task_end(TASK_BTREE, id);
    }
    quanta_roi_end();
    return guest_done("btree", guest_mix(sum, found));
}
