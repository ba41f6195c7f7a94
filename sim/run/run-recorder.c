/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-recorder.h"

#include "run-copies.h"

struct run_recorder {
    const run_writer *writers;
    unsigned n_writers;
    const sim_engine *engine;
    GArray *early; /* vmm_sight past the machine's present, in the order of time */
};

run_recorder *run_recorder_new(const run_writer *writers, unsigned n, const sim_engine *engine)
{
    run_recorder *r = g_new0(run_recorder, 1);
    r->writers = writers;
    r->n_writers = n;
    r->engine = engine;
    r->early = g_array_new(FALSE, FALSE, sizeof(vmm_sight));
    return r;
}

void run_recorder_free(run_recorder *r)
{
    if (!r)
        return;
    g_array_unref(r->early);
    g_free(r);
}

static void tell(run_recorder *r, const vmm_sight *sight)
{
    for (unsigned i = 0; i < r->n_writers; i++)
        r->writers[i].ops->sight(r->writers[i].self, sight);
}

/* Nothing that is yet to be seen comes before `upto`. */
static void tell_upto(run_recorder *r, sim_ps upto)
{
    guint n = 0;
    for (; n < r->early->len && g_array_index(r->early, vmm_sight, n).at <= upto; n++)
        tell(r, &g_array_index(r->early, vmm_sight, n));
    if (n)
        g_array_remove_range(r->early, 0, n);
}

void run_recorder_see(void *user, const vmm_sight *sight)
{
    run_recorder *r = user;
    if (run_copies_inside())
        return;
    if (sight->kind == VMM_SEEN_DECIDED) {
        tell(r, sight);
        return;
    }
    tell_upto(r, sim_engine_now(r->engine));
    guint place = r->early->len;
    while (place && g_array_index(r->early, vmm_sight, place - 1).at > sight->at)
        place--;
    g_array_insert_vals(r->early, place, sight, 1);
}

void run_recorder_begin(run_recorder *r, const run_cast *cast)
{
    for (unsigned i = 0; i < r->n_writers; i++)
        r->writers[i].ops->begin(r->writers[i].self, cast);
}

void run_recorder_end(run_recorder *r, sim_ps at)
{
    tell_upto(r, at);
    for (unsigned i = 0; i < r->n_writers; i++)
        r->writers[i].ops->end(r->writers[i].self, at);
}
