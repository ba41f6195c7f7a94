/* SPDX-License-Identifier: GPL-2.0-or-later */
/* btree [keys] [look-ups] [deletions] [seed]: inserts random keys into a B-tree of order 32, looks them up, scans ranges,
 * deletes; then checks the order of what is left. */
#include "guest.h"

/* A node other than the root has MIN_KEYS to ORDER - 1 keys. */
enum { ORDER = 32, MIN_KEYS = ORDER / 2 - 1 };

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

static struct node *insert(struct node *root, uint64_t key, uint64_t *n)
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
            ++*n;
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

/* Child i, key i and child i + 1 become one node. */
static void merge(struct node *x, int i)
{
    struct node *y = x->children[i], *z = x->children[i + 1];
    y->keys[y->n] = x->keys[i];
    memcpy(y->keys + y->n + 1, z->keys, (size_t)z->n * sizeof *z->keys);
    if (!y->leaf)
        memcpy(y->children + y->n + 1, z->children, (size_t)(z->n + 1) * sizeof *z->children);
    y->n += z->n + 1;
    memmove(x->keys + i, x->keys + i + 1, (size_t)(x->n - i - 1) * sizeof *x->keys);
    memmove(x->children + i + 1, x->children + i + 2, (size_t)(x->n - i - 1) * sizeof *x->children);
    x->n--;
    free(z);
}

static void borrow_left(struct node *x, int i)
{
    struct node *c = x->children[i], *s = x->children[i - 1];
    memmove(c->keys + 1, c->keys, (size_t)c->n * sizeof *c->keys);
    c->keys[0] = x->keys[i - 1];
    if (!c->leaf) {
        memmove(c->children + 1, c->children, (size_t)(c->n + 1) * sizeof *c->children);
        c->children[0] = s->children[s->n];
    }
    c->n++;
    x->keys[i - 1] = s->keys[--s->n];
}

static void borrow_right(struct node *x, int i)
{
    struct node *c = x->children[i], *s = x->children[i + 1];
    c->keys[c->n] = x->keys[i];
    if (!c->leaf) {
        c->children[c->n + 1] = s->children[0];
        memmove(s->children, s->children + 1, (size_t)s->n * sizeof *s->children);
    }
    c->n++;
    x->keys[i] = s->keys[0];
    s->n--;
    memmove(s->keys, s->keys + 1, (size_t)s->n * sizeof *s->keys);
}

/* Child i, with a key to spare. */
static struct node *child_to_shrink(struct node *x, int i)
{
    if (x->children[i]->n > MIN_KEYS)
        return x->children[i];
    if (i > 0 && x->children[i - 1]->n > MIN_KEYS)
        borrow_left(x, i);
    else if (i < x->n && x->children[i + 1]->n > MIN_KEYS)
        borrow_right(x, i);
    else
        merge(x, i < x->n ? i : --i);
    return x->children[i];
}

/* Replaces key i of an inner node by its neighbour in a child that can spare one, or merges the children round it.
 * Returns the child to go on in, and in `key` what is to be deleted there. */
static struct node *push_down(struct node *x, int i, uint64_t *key)
{
    struct node *y = x->children[i], *z = x->children[i + 1], *p = y->n > MIN_KEYS ? y : z;
    if (p->n <= MIN_KEYS) {
        merge(x, i);
        return y;
    }
    while (!p->leaf)
        p = p->children[y->n > MIN_KEYS ? p->n : 0];
    *key = x->keys[i] = p->keys[y->n > MIN_KEYS ? p->n - 1 : 0];
    return y->n > MIN_KEYS ? y : z;
}

/* Deletes in one way down, as in Cormen et al., Introduction to Algorithms, 18.3. Returns 1 if the key was there. */
static int delete(struct node **root, uint64_t key)
{
    struct node *x = *root;
    int found;
    for (;;) {
        int i = place(x, key);
        found = i < x->n && x->keys[i] == key;
        if (x->leaf) {
            if (found) {
                x->n--;
                memmove(x->keys + i, x->keys + i + 1, (size_t)(x->n - i) * sizeof *x->keys);
            }
            break;
        }
        x = found ? push_down(x, i, &key) : child_to_shrink(x, i);
    }
    if ((*root)->n == 0 && !(*root)->leaf) {
        struct node *old = *root;
        *root = old->children[0];
        free(old);
    }
    return found;
}

/* Counts the keys; `last` is the one before them. Returns 0 if they are out of order. */
static int in_order(const struct node *x, uint64_t *last, uint64_t *n)
{
    for (int i = 0;; i++) {
        if (!x->leaf && !in_order(x->children[i], last, n))
            return 0;
        if (i == x->n)
            return 1;
        if (*n && x->keys[i] <= *last)
            return 0;
        *last = x->keys[i];
        ++*n;
    }
}

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[keys] [look-ups] [deletions] [seed]");
    uint64_t keys = guest_arg(argc, argv, 1, "number of keys", 60000, 1, 50000000);
    uint64_t looks = guest_arg(argc, argv, 2, "number of look-ups", 120000, 1, UINT64_MAX);
    uint64_t deletions = guest_arg(argc, argv, 3, "number of deletions", 60000, 0, UINT64_MAX);
    struct node *root = new_node(1);
    uint64_t seed = guest_seed(argc, argv, 4, 23), sum = 0, found = 0, n = 0, deleted = 0, last = 0, left = 0;
    quanta_roi_begin();
    quanta_task_begin(TASK_BTREE, 0);
    for (uint64_t i = 0; i < keys; i++)
        root = insert(root, guest_random(&seed) % (keys * 4), &n);
    quanta_task_end(TASK_BTREE, 0);
    uint64_t id = 1;
    for (uint64_t done = 0; done < looks; id++) {
        quanta_task_begin(TASK_BTREE, id);
        for (int i = 0; i < 10000 && done < looks; i++, done++)
            found += (uint64_t)find(root, guest_random(&seed) % (keys * 4));
        uint64_t low = guest_random(&seed) % (keys * 4);
        sum = scan(root, low, low + 400, sum);
        quanta_task_end(TASK_BTREE, id);
    }
    for (uint64_t done = 0; done < deletions; id++) {
        quanta_task_begin(TASK_BTREE, id);
        for (int i = 0; i < 10000 && done < deletions; i++, done++)
            deleted += (uint64_t)delete(&root, guest_random(&seed) % (keys * 4));
        quanta_task_end(TASK_BTREE, id);
    }
    quanta_roi_end();
    if (!in_order(root, &last, &left) || left != n - deleted) {
        fprintf(stderr, "btree: out of order, or %llu keys where %llu should be\n", (unsigned long long)left,
                (unsigned long long)(n - deleted));
        return 1;
    }
    return guest_done("btree", guest_mix(guest_mix(guest_mix(sum, found), deleted), last));
}
