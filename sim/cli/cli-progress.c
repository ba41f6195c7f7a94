/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 40, REDRAW_US = 100000 };

struct cli_progress {
    run_status *status;
    sim_ps duration;
    bool visible, done;
    gint64 begin;
    GThread *thread;
    GMutex lock;
    GCond wake;
};

/* For the signal handler, which can be told nothing else. */
static volatile int *flag_to_set;
static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    signalled = number;
    if (flag_to_set)
        *flag_to_set = 1;
}

void cli_catch_signals(volatile int *flag)
{
    flag_to_set = flag;
    /* A second signal finds the default action: it kills. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void draw(const cli_progress *p)
{
    const run_status *s = p->status;
    gint done = g_atomic_int_get(&s->runs_done);
    double sum = done;
    for (gint i = 0; i < s->runs_all; i++) {
        double part = (double)s->simulated[i] / (double)p->duration;
        sum += s->finished[i] ? 0 : MIN(part, 1);
    }
    double share = s->runs_all ? MIN(sum / s->runs_all, 1) : 0;
    int full = (int)(share * BAR);
    char bar[BAR + 1];
    memset(bar, '-', BAR);
    memset(bar, '#', (size_t)full);
    bar[BAR] = '\0';
    double seconds = (double)(g_get_monotonic_time() - p->begin) / 1e6;
    fprintf(stderr, "\r[%s] %3.0f%%  %d of %d runs  %.0f s\033[K", bar, share * 100, done, s->runs_all, seconds);
    fflush(stderr);
}

static gpointer draw_loop(gpointer user)
{
    cli_progress *p = user;
    g_mutex_lock(&p->lock);
    while (!p->done) {
        draw(p);
        gint64 until = g_get_monotonic_time() + REDRAW_US;
        while (!p->done && g_cond_wait_until(&p->wake, &p->lock, until))
            ;
    }
    g_mutex_unlock(&p->lock);
    fprintf(stderr, "\r\033[K");
    fflush(stderr);
    return NULL;
}

cli_progress *cli_progress_start(run_status *status, sim_ps duration, bool force, bool hide)
{
    cli_progress *p = g_new0(cli_progress, 1);
    p->status = status;
    p->duration = MAX(duration, 1);
    p->begin = g_get_monotonic_time();
    p->visible = !hide && (force || isatty(STDERR_FILENO));
    g_mutex_init(&p->lock);
    g_cond_init(&p->wake);
    cli_catch_signals(&status->cancel);
    if (p->visible)
        p->thread = g_thread_new("progress", draw_loop, p);
    return p;
}

double cli_progress_stop(cli_progress *p, bool *interrupted)
{
    double seconds = (double)(g_get_monotonic_time() - p->begin) / 1e6;
    if (p->thread) {
        g_mutex_lock(&p->lock);
        p->done = true;
        g_cond_signal(&p->wake);
        g_mutex_unlock(&p->lock);
        g_thread_join(p->thread);
    }
    flag_to_set = NULL;
    *interrupted = signalled != 0;
    g_mutex_clear(&p->lock);
    g_cond_clear(&p->wake);
    g_free(p);
    return seconds;
}
