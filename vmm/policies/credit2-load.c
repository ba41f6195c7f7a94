/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "credit2-load.h"

#include <glib.h>
#include <stdlib.h>

void credit2_load_update(credit2_load *l, int change, sim_ps window, sim_ps now)
{
    sim_ps span = now > l->at ? MIN(now - l->at, window) : 0;
    __int128 step = ((__int128)l->n * CREDIT2_LOAD_ONE - l->average) * (__int128)span;
    l->average += (int64_t)(step / (__int128)window);
    l->n += change;
    l->at = MAX(l->at, now);
}

static int by_load(const void *a, const void *b)
{
    const credit2_candidate *x = a, *y = b;
    if (x->load != y->load)
        return x->load < y->load ? -1 : 1;
    return x->vcpu < y->vcpu ? -1 : x->vcpu > y->vcpu;
}

/* The first of the sorted array with at least `load`; n when there is none. */
static unsigned at_least(const credit2_candidate *c, unsigned n, int64_t load)
{
    unsigned low = 0, high = n;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (c[middle].load < load)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

typedef struct {
    int64_t least;
    credit2_swap best;
} search;

static void consider(search *s, const credit2_candidate *push, const credit2_candidate *pull, int64_t difference)
{
    int64_t left = ABS(difference - 2 * (push ? push->load : 0) + 2 * (pull ? pull->load : 0));
    if (left >= s->least)
        return;
    s->least = left;
    s->best = (credit2_swap){ push ? push->vcpu : VMM_VCPU_NONE, pull ? pull->vcpu : VMM_VCPU_NONE };
}

/* The best partners of `push` (or of none) are the neighbours of the load that would leave no difference. */
static void consider_push(search *s, const credit2_candidate *push, const credit2_candidate *pull, unsigned n, int64_t difference)
{
    unsigned at = at_least(pull, n, (push ? push->load : 0) - difference / 2);
    consider(s, push, NULL, difference);
    if (at < n)
        consider(s, push, &pull[at], difference);
    if (at > 0)
        consider(s, push, &pull[at - 1], difference);
}

credit2_swap credit2_best_swap(credit2_candidate *push, unsigned n_push, credit2_candidate *pull, unsigned n_pull, int64_t difference)
{
    search s = { ABS(difference), { VMM_VCPU_NONE, VMM_VCPU_NONE } };
    qsort(push, n_push, sizeof *push, by_load);
    qsort(pull, n_pull, sizeof *pull, by_load);
    for (unsigned i = 0; i < n_push; i++)
        consider_push(&s, &push[i], pull, n_pull, difference);
    consider_push(&s, NULL, pull, n_pull, difference);
    return s.best;
}
