/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-pictures.h"

#include "run-file.h"

#include <string.h>

static bool check(const char *path, const char *option, GError **error)
{
    if (path && strcmp(path, "-") == 0)
        path = ""; /* standard output has the table */
    if (!path || run_file_check(path, error))
        return true;
    g_prefix_error(error, "%s: ", option);
    return false;
}

bool run_pictures_open(run_pictures *p, const char *timeline, const char *ftrace, unsigned n_runs, GError **error)
{
    *p = (run_pictures){NULL, NULL};
    if (!check(timeline, "--timeline", error) || !check(ftrace, "--ftrace", error))
        return false;
    if ((timeline && !(p->timeline = run_timeline_new(timeline, n_runs, error))) || (ftrace && !(p->ftrace = run_ftrace_new(ftrace, error)))) {
        run_pictures_clear(p);
        return false;
    }
    return true;
}

unsigned run_pictures_writers(const run_pictures *p, unsigned run, run_writer writers[RUN_WRITERS])
{
    unsigned n = 0;
    if (p && p->timeline)
        writers[n++] = run_timeline_writer(p->timeline, run);
    if (p && p->ftrace && run == 0)
        writers[n++] = run_ftrace_writer(p->ftrace);
    return n;
}

bool run_pictures_close(run_pictures *p, GError **error)
{
    bool good = !p->timeline || run_timeline_close(g_steal_pointer(&p->timeline), error);
    return good && (!p->ftrace || run_ftrace_close(g_steal_pointer(&p->ftrace), error));
}

void run_pictures_clear(run_pictures *p)
{
    run_timeline_free(g_steal_pointer(&p->timeline));
    run_ftrace_free(g_steal_pointer(&p->ftrace));
}
