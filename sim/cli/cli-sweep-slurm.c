/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cells as tasks of a Slurm job array. Each task writes a store of its own on its node and renames it into a folder beside the sweep's store: only this process
 * writes that one, since SQLite over network file systems is not safe (sqlite.org/faq.html, question 5; sqlite.org/wal.html). */
#include "cli-sweep.h"

#include "run-file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Slurm's default MaxArraySize is 1001 (slurm.conf(5)): more cells than that share the tasks. */
enum { MOST_TASKS = 1000, POLL_MS = 1000, LOG_TAIL = 400 };

typedef struct {
    cli_sweep_job *job;
    char *folder;  /* STORE.slurm */
    run_store *store;
    GArray *cells; /* of unsigned, of this array */
} array_job;

/* Runs a command of Slurm; its output, or NULL and error set. */
static char *command(char *const *argv, const char *what, GError **error)
{
    g_autofree char *out = NULL, *err = NULL;
    g_autoptr(GError) local = NULL;
    int status;
    if (!g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err, &status, &local)) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "--engine slurm: %s (%s): are Slurm's commands installed, and in PATH?", what, local->message);
        return NULL;
    }
    if (!g_spawn_check_wait_status(status, NULL)) {
        g_strchomp(err);
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "--engine slurm: %s: %s", what, *err ? err : "it failed and said nothing");
        return NULL;
    }
    return g_steal_pointer(&out);
}

static char *file_of(const array_job *a, unsigned cell, const char *suffix)
{
    return g_strdup_printf("%s/%u.%s", a->folder, cell, suffix);
}

/* ---- the job --------------------------------------------------------------------------------------------------------- */

static char *script(const array_job *a, unsigned tasks)
{
    GString *text = g_string_new("#!/bin/sh\n# A task of a quanta sweep: the cells of every so many lines of the list.\n");
    g_autofree char *self = g_shell_quote(a->job->self), *folder = g_shell_quote(a->folder);
    g_string_append_printf(text, "folder=%s\nwork=$(mktemp -d) || exit 1\ntrap 'rm -rf \"$work\"' EXIT\nline=$((SLURM_ARRAY_TASK_ID + 1))\nworst=0\n", folder);
    g_string_append(text, "while cell=$(sed -n \"${line}p\" \"$folder/cells\") && [ -n \"$cell\" ]; do\n");
    g_string_append_printf(text, "    %s sweep --no-progress --cell \"$cell\" --store \"$work/$cell.db\"", self);
    for (char **arg = a->job->again; *arg; arg++) {
        g_autofree char *quoted = g_shell_quote(*arg);
        g_string_append_printf(text, " %s", quoted);
    }
    g_string_append_printf(text, " 2>\"$work/said\"\n    status=$?\n    cp \"$work/said\" \"$folder/$cell.said\"\n"
                           "    if [ $status -eq 0 ] || [ $status -eq 3 ]; then\n"
                           "        cp \"$work/$cell.db\" \"$folder/$cell.part\" && mv \"$folder/$cell.part\" \"$folder/$cell.db\"\n    fi\n"
                           "    echo $status >\"$folder/$cell.part\" && mv \"$folder/$cell.part\" \"$folder/$cell.status\"\n"
                           "    [ $status -gt $worst ] && worst=$status\n    line=$((line + %u))\ndone\nexit $worst\n", tasks);
    return g_string_free(text, FALSE);
}

static bool write_files(const array_job *a, unsigned tasks, GError **error)
{
    g_autofree char *job = script(a, tasks), *job_path = g_build_filename(a->folder, "job.sh", NULL), *list_path = g_build_filename(a->folder, "cells", NULL);
    GString *list = g_string_new(NULL);
    for (guint i = 0; i < a->cells->len; i++)
        g_string_append_printf(list, "%u\n", g_array_index(a->cells, unsigned, i));
    bool good = run_file_write(job_path, job, strlen(job), error) && run_file_write(list_path, list->str, list->len, error);
    g_string_free(list, TRUE);
    return good;
}

/* Number of the job, newly allocated. */
static char *submit(const array_job *a, GError **error)
{
    unsigned tasks = MIN(a->cells->len, MOST_TASKS);
    if (!write_files(a, tasks, error))
        return NULL;
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(argv, g_strdup("sbatch"));
    g_ptr_array_add(argv, g_strdup("--parsable"));
    g_ptr_array_add(argv, g_strdup("--job-name=quanta-sweep"));
    g_ptr_array_add(argv, g_strdup_printf("--array=0-%u%%%u", tasks - 1, a->job->jobs));
    g_ptr_array_add(argv, g_strdup_printf("--output=%s/task-%%a.out", a->folder));
    if (a->job->partition)
        g_ptr_array_add(argv, g_strdup_printf("--partition=%s", a->job->partition));
    if (a->job->time)
        g_ptr_array_add(argv, g_strdup_printf("--time=%s", a->job->time));
    if (a->job->mem)
        g_ptr_array_add(argv, g_strdup_printf("--mem=%s", a->job->mem));
    g_ptr_array_add(argv, g_build_filename(a->folder, "job.sh", NULL));
    g_ptr_array_add(argv, NULL);
    char *out = command((char *const *)argv->pdata, "sbatch did not take the job", error);
    g_ptr_array_unref(argv);
    if (out)
        g_strdelimit(g_strchomp(out), ";", '\0');
    return out;
}

/* Whether tasks of the job wait or run. A controller that does not answer now may do so later. */
static bool goes_on(const char *id)
{
    char *argv[] = {"squeue", "--noheader", "--jobs", (char *)(uintptr_t)id, NULL};
    g_autoptr(GError) error = NULL;
    g_autofree char *out = command(argv, "squeue", &error);
    return out ? *g_strstrip(out) != '\0' : !strstr(error->message, "Invalid job id");
}

static void cancel(const char *id)
{
    char *argv[] = {"scancel", (char *)(uintptr_t)id, NULL};
    g_free(command(argv, "scancel", NULL));
}

/* ---- gathering ------------------------------------------------------------------------------------------------------- */

static void forget(const array_job *a, unsigned cell)
{
    static const char *const suffixes[] = {"db", "status", "said", "part", NULL};
    for (const char *const *s = suffixes; *s; s++) {
        g_autofree char *path = file_of(a, cell, *s);
        g_unlink(path);
    }
}

/* Takes over the results of tasks that are done. */
static bool gather(array_job *a, GError **error)
{
    for (guint i = 0; i < a->cells->len;) {
        unsigned cell = g_array_index(a->cells, unsigned, i);
        g_autofree char *db = file_of(a, cell, "db"), *status = file_of(a, cell, "status"), *text = NULL;
        if (!g_file_test(db, G_FILE_TEST_EXISTS) || !g_file_get_contents(status, &text, NULL, NULL)) {
            i++;
            continue;
        }
        if (!run_store_merge(a->store, db, error))
            return false;
        if (atoi(text) == SIM_EXIT_GUEST_FAILED) {
            cli_sweep_tell(a->job, cell, NULL, "a guest or the policy failed; the result says more");
            a->job->ill++;
        }
        forget(a, cell);
        g_array_remove_index(a->cells, i);
    }
    return true;
}

static void show(const array_job *a)
{
    unsigned all = a->job->todo->len;
    if (a->job->show)
        fprintf(stderr, "\r%u of %u cells\033[K", all - a->cells->len, all);
}

/* Until no task waits or runs. */
static bool follow(array_job *a, const char *id, GError **error)
{
    while (!a->job->stop) {
        bool more = goes_on(id);
        if (!gather(a, error))
            return false;
        show(a);
        if (!more)
            return true;
        g_usleep(POLL_MS * 1000);
    }
    cancel(id);
    return gather(a, error);
}

/* What a task that brought no result said last. */
static char *why(const array_job *a, unsigned cell)
{
    g_autofree char *path = file_of(a, cell, "said"), *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL) || !*g_strstrip(text))
        return g_strdup("its task died before it was done");
    const char *line = strrchr(text, '\n'), *from = line ? line + 1 : text;
    return g_strdup(g_str_has_prefix(from, "quanta: ") ? from + strlen("quanta: ") : from);
}

static bool run_arrays(array_job *a, GError **error)
{
    for (unsigned tries = 0; a->cells->len && tries <= a->job->retries && !a->job->stop; tries++) {
        g_autofree char *id = submit(a, error);
        if (!id || !follow(a, id, error))
            return false;
        for (guint i = 0; i < a->cells->len && !a->job->stop; i++) {
            unsigned cell = g_array_index(a->cells, unsigned, i);
            g_autofree char *text = why(a, cell), *again = g_strconcat(text, tries < a->job->retries ? "; it is run again" : "", NULL);
            cli_sweep_tell(a->job, cell, NULL, again);
        }
    }
    return true;
}

static bool clean_up(const array_job *a)
{
    g_autoptr(GDir) dir = g_dir_open(a->folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(a->folder, name, NULL);
        g_unlink(path);
    }
    return g_rmdir(a->folder) == 0;
}

bool cli_sweep_slurm(cli_sweep_job *j, GError **error)
{
    array_job a = {.job = j, .folder = g_strconcat(j->store, ".slurm", NULL)};
    a.cells = g_array_new(FALSE, FALSE, sizeof(unsigned));
    g_array_append_vals(a.cells, j->todo->data, j->todo->len);
    a.store = run_store_open(j->store, true, error);
    bool good = a.store != NULL;
    if (good && g_mkdir(a.folder, 0777) != 0 && errno != EEXIST) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "sweep: cannot make the folder '%s': %s", a.folder, g_strerror(errno));
        good = false;
    }
    /* What tasks of an earlier sweep left there may be another's cells. */
    for (guint i = 0; good && i < a.cells->len; i++)
        forget(&a, g_array_index(a.cells, unsigned, i));
    good = good && run_arrays(&a, error);
    j->failed = a.cells->len;
    if (j->show)
        fprintf(stderr, "\r\033[K");
    if (!j->failed)
        clean_up(&a);
    run_store_close(a.store);
    g_array_free(a.cells, TRUE);
    g_free(a.folder);
    return good;
}
