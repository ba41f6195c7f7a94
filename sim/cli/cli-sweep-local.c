/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cells as processes of this host. Each writes its runs into the store itself, all of its cell or none. */
#include "cli-sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE = 1000, BAR = 30, LOOK_US = 20000 };

/* A process to be started: a cell, or one policy of a cell whose process died. */
typedef struct {
    unsigned cell, tries;
    char *policy; /* or NULL */
} errand;

typedef struct {
    errand e;
    pid_t pid; /* 0: free */
    int said;  /* a temporary file: its standard error */
} slot;

typedef struct {
    cli_sweep_job *job;
    GQueue errands;  /* of errand * */
    slot *slots;
    unsigned running, done;
    bool *bad;       /* [cells] */
    gint64 begin, shown;
} pool;

static errand *errand_new(unsigned cell, const char *policy)
{
    errand *e = g_new0(errand, 1);
    *e = (errand){.cell = cell, .policy = g_strdup(policy)};
    return e;
}

static void errand_free(gpointer data)
{
    errand *e = data;
    g_free(e->policy);
    g_free(e);
}

/* ---- progress ------------------------------------------------------------------------------------------------------- */

static void show(pool *p, bool now)
{
    gint64 t = g_get_monotonic_time();
    if (!p->job->show || (!now && t - p->shown < 200000))
        return;
    unsigned all = p->job->todo->len, done = MIN(p->done, all);
    double share = all ? (double)done / all : 1, spent = (double)(t - p->begin) / 1e6;
    char bar[BAR + 1];
    memset(bar, '-', BAR);
    memset(bar, '#', (size_t)(share * BAR));
    bar[BAR] = '\0';
    fprintf(stderr, "\r[%s] %3.0f%%  %u of %u cells", bar, share * 100, done, all);
    if (done && done < all)
        fprintf(stderr, "  %.0f s left", spent / done * (all - done));
    fprintf(stderr, "\033[K");
    fflush(stderr);
    p->shown = t;
}

/* ---- processes ------------------------------------------------------------------------------------------------------- */

G_NORETURN static void become_cell(char **argv, int said, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    execv(argv[0], argv);
    _exit(127);
}

static bool start(pool *p, slot *s, errand *e, GError **error)
{
    g_autofree char *name = NULL;
    g_auto(GStrv) argv = cli_sweep_argv(p->job, e->cell, e->policy, p->job->store);
    s->said = g_file_open_tmp("quanta-sweep-XXXXXX", &name, error);
    if (s->said < 0)
        return false;
    g_unlink(name);
    fcntl(s->said, F_SETFD, FD_CLOEXEC);
    pid_t parent = getpid();
    fflush(stderr);
    s->pid = fork();
    if (s->pid == 0)
        become_cell(argv, s->said, parent);
    if (s->pid < 0) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "sweep: cannot make a process: %s", g_strerror(errno));
        close(s->said);
        s->pid = 0;
        return false;
    }
    s->e = *e;
    g_free(e);
    p->running++;
    return true;
}

/* What the process said last, without the program's name. */
static char *message_of(int fd)
{
    char text[MESSAGE + 1];
    off_t size = lseek(fd, 0, SEEK_END);
    ssize_t n = pread(fd, text, MESSAGE, size > MESSAGE ? size - MESSAGE : 0);
    text[MAX(n, 0)] = '\0';
    g_strchomp(text);
    const char *line = strrchr(text, '\n'), *from = line ? line + 1 : text;
    return g_strdup(g_str_has_prefix(from, "quanta: ") ? from + strlen("quanta: ") : from);
}

/* A process died: tries it again, or each of its policies by itself, so that only the one at fault is lost. */
static void try_again(pool *p, const slot *s, const char *why)
{
    char **policies = p->job->sweep->policies;
    if (s->e.tries < p->job->retries) {
        errand *e = errand_new(s->e.cell, s->e.policy);
        e->tries = s->e.tries + 1;
        g_queue_push_tail(&p->errands, e);
    } else if (!s->e.policy && g_strv_length(policies) > 1) {
        for (char **name = policies; *name; name++)
            g_queue_push_tail(&p->errands, errand_new(s->e.cell, *name));
    } else {
        cli_sweep_tell(p->job, s->e.cell, s->e.policy, why);
        p->bad[s->e.cell] = true;
    }
}

static void over(pool *p, slot *s, int status)
{
    g_autofree char *said = message_of(s->said);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    close(s->said);
    s->pid = 0;
    p->running--;
    if (code == CLI_EXIT_INTERRUPTED || p->job->stop) {
        ;
    } else if (code == SIM_EXIT_GUEST_FAILED) {
        cli_sweep_tell(p->job, s->e.cell, s->e.policy, *said ? said : "a guest or the policy failed; the result says more");
        p->job->ill++;
    } else if (code < 0) {
        g_autofree char *why = g_strdup_printf("its process died: %s", strsignal(WTERMSIG(status)));
        try_again(p, s, why);
    } else if (code != SIM_EXIT_OK) {
        cli_sweep_tell(p->job, s->e.cell, s->e.policy, *said ? said : "its process failed");
        p->bad[s->e.cell] = true;
    }
    p->done += !s->e.policy;
    g_free(s->e.policy);
}

static slot *free_slot(pool *p)
{
    for (unsigned i = 0; i < p->job->jobs; i++)
        if (!p->slots[i].pid)
            return &p->slots[i];
    return NULL;
}

/* Waits until a process has ended. */
static void wait_for_one(pool *p)
{
    for (;;) {
        for (unsigned i = 0; i < p->job->jobs; i++) {
            slot *s = &p->slots[i];
            int status;
            if (!s->pid || waitpid(s->pid, &status, WNOHANG) != s->pid)
                continue;
            over(p, s, status);
            return;
        }
        for (unsigned i = 0; p->job->stop && i < p->job->jobs; i++)
            if (p->slots[i].pid)
                kill(p->slots[i].pid, SIGTERM);
        show(p, false);
        g_usleep(LOOK_US / 20);
    }
}

static bool run_pool(pool *p, GError **error)
{
    bool good = true;
    while (good && !p->job->stop && (!g_queue_is_empty(&p->errands) || p->running)) {
        slot *s = g_queue_is_empty(&p->errands) ? NULL : free_slot(p);
        if (s)
            good = start(p, s, g_queue_pop_head(&p->errands), error);
        else
            wait_for_one(p);
        show(p, false);
    }
    p->job->stop |= !good;
    while (p->running)
        wait_for_one(p);
    p->job->stop = good ? p->job->stop : 0;
    return good;
}

bool cli_sweep_local(cli_sweep_job *j, GError **error)
{
    pool p = {.job = j, .errands = G_QUEUE_INIT, .begin = g_get_monotonic_time()};
    p.slots = g_new0(slot, j->jobs);
    p.bad = g_new0(bool, cli_sweep_cells(j));
    for (guint i = 0; i < j->todo->len; i++)
        g_queue_push_tail(&p.errands, errand_new(g_array_index(j->todo, unsigned, i), NULL));
    show(&p, true);
    bool good = run_pool(&p, error);
    for (unsigned i = 0; i < cli_sweep_cells(j); i++)
        j->failed += p.bad[i];
    if (j->show)
        fprintf(stderr, "\r\033[K");
    g_queue_clear_full(&p.errands, errand_free);
    g_free(p.slots);
    g_free(p.bad);
    return good;
}
