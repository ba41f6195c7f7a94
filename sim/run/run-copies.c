/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run-copies.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where a copy writes its result. In the original: -1. */
static int tell_fd = -1;

typedef struct {
    pid_t pid;       /* 0: has ended */
    int fd;
    void *result;    /* once it has ended well */
} copy;

struct run_copies {
    unsigned most, living;
    size_t size;
    GPtrArray *copies; /* of copy; NULL: fetched */
    unsigned oldest;   /* number of the first that may be alive */
};

static void free_copy(gpointer data)
{
    copy *p = data;
    if (p)
        g_free(p->result);
    g_free(p);
}

run_copies *run_copies_new(unsigned most, size_t size)
{
    run_copies *c = g_new0(run_copies, 1);
    g_assert(most && size <= 65536);
    c->most = most;
    c->size = size;
    c->copies = g_ptr_array_new_with_free_func(free_copy);
    return c;
}

/* Waits until the copy is gone, and keeps its result if it gave all of it. */
static void gather(run_copies *c, copy *p)
{
    size_t got = 0;
    p->result = g_malloc(c->size);
    for (ssize_t n; got < c->size; got += (size_t)n) {
        n = read(p->fd, (char *)p->result + got, c->size - got);
        if (n < 0 && errno == EINTR)
            n = 0;
        else if (n <= 0)
            break;
    }
    close(p->fd);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    p->pid = 0;
    c->living--;
    if (got < c->size)
        g_clear_pointer(&p->result, g_free);
}

void run_copies_free(run_copies *c)
{
    if (!c)
        return;
    for (unsigned i = c->oldest; i < c->copies->len; i++) {
        copy *p = g_ptr_array_index(c->copies, i);
        if (!p || !p->pid)
            continue;
        kill(p->pid, SIGKILL);
        gather(c, p);
    }
    g_ptr_array_free(c->copies, TRUE);
    g_free(c);
}

/* The other copies are the original's. */
static void forget_others(run_copies *c)
{
    for (unsigned i = c->oldest; i < c->copies->len; i++) {
        copy *p = g_ptr_array_index(c->copies, i);
        if (p && p->pid) {
            close(p->fd);
            p->pid = 0;
        }
    }
    c->living = 0;
}

static void become_copy(const int ends[2], pid_t original)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != original)
        _exit(1);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    close(ends[0]);
    if (tell_fd >= 0)
        close(tell_fd);
    tell_fd = ends[1];
}

static void gather_oldest(run_copies *c)
{
    for (;; c->oldest++) {
        copy *p = g_ptr_array_index(c->copies, c->oldest);
        if (p && p->pid) {
            gather(c, p);
            return;
        }
    }
}

int run_copies_make(run_copies *c)
{
    int ends[2];
    if (c->living == c->most)
        gather_oldest(c);
    if (pipe(ends) != 0)
        return RUN_COPY_FAILED;
    pid_t original = getpid(), pid = fork();
    if (pid == 0) {
        become_copy(ends, original);
        forget_others(c);
        return RUN_COPY_ITSELF;
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return RUN_COPY_FAILED;
    }
    copy *p = g_new0(copy, 1);
    p->pid = pid;
    p->fd = ends[0];
    c->living++;
    g_ptr_array_add(c->copies, p);
    return (int)c->copies->len - 1;
}

bool run_copies_inside(void)
{
    return tell_fd >= 0;
}

void run_copies_tell(const void *result, size_t size)
{
    for (size_t put = 0; put < size;) {
        ssize_t n = write(tell_fd, (const char *)result + put, size - put);
        if (n < 0 && errno != EINTR)
            _exit(1);
        put += n > 0 ? (size_t)n : 0;
    }
    _exit(0);
}

bool run_copies_fetch(run_copies *c, int number, void *result)
{
    if (number < 0)
        return false;
    copy *p = g_ptr_array_index(c->copies, (guint)number);
    g_assert(p);
    if (p->pid)
        gather(c, p);
    bool good = p->result != NULL;
    if (good)
        memcpy(result, p->result, c->size);
    free_copy(p);
    c->copies->pdata[number] = NULL;
    return good;
}
