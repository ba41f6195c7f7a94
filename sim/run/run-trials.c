/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-trials.h"

#include <string.h>

static int make(void *user, unsigned n, size_t size, void *results)
{
    run_trials *t = user;
    if (run_copies_inside() || t->failed)
        return VMM_TRIALS_NONE;
    int numbers[VMM_MAX_TRIALS];
    g_assert(n <= VMM_MAX_TRIALS);
    g_autoptr(run_copies) copies = run_copies_new(t->most, size);
    memset(results, 0, n * size);
    for (unsigned i = 0; i < n; i++) {
        numbers[i] = run_copies_make(copies);
        if (numbers[i] == RUN_COPY_ITSELF)
            return (int)i;
    }
    for (unsigned i = 0; i < n; i++)
        t->failed |= !run_copies_fetch(copies, numbers[i], (char *)results + i * size);
    t->made += n;
    return t->failed ? VMM_TRIALS_NONE : VMM_TRIALS_MADE;
}

static void tell(G_GNUC_UNUSED void *user, const void *result, size_t size)
{
    run_copies_tell(result, size);
}

void run_trials_init(run_trials *t, unsigned most)
{
    *t = (run_trials){ .port = { .user = t, .make = make, .tell = tell }, .most = most };
}
