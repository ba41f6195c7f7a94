/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suite from outside: a process for each case, and what became of it. */
#include "vmm-conform-private.h"

#include "sim-error.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A case ends after so many times the time that one hook may take: it may make progress and come to no end. */
enum { WHOLE = 12, LOOK_MS = 100 };

const vmm_conform_case *vmm_conform_cases(unsigned *n)
{
    static vmm_conform_case shown[128];
    *n = conform_n_cases;
    g_assert(conform_n_cases <= G_N_ELEMENTS(shown));
    for (unsigned i = 0; i < conform_n_cases; i++)
        shown[i] = conform_cases[i].shown;
    return shown;
}

const vmm_conform_invariant *vmm_conform_invariants(unsigned *n)
{
    static const vmm_conform_invariant all[] = {
        {"good-answers", "every answer can be carried out: vCPU, pCPU, quantum, verdict, services"},
        {"work-conserving", "no pCPU idles beside a runnable vCPU that may run on it (but with VMM_POLICY_MAY_IDLE)"},
        {"none-lost", "what is runnable is chosen some day (with VMM_POLICY_MAY_IDLE: in 500 ms where a pCPU idles, if it was chosen before)"},
        {"no-starvation", "nobody waits longer than ten rounds of all vCPUs, by weight, and the watchdog has nothing to do (but with VMM_POLICY_MAY_IDLE)"},
        {"one-place", "a vCPU runs on one pCPU at a time, where its affinity lets it"},
        {"quantum-bounds", "no quantum is longer than a second"},
        {"accounts", "the times in a vCPU's states add up to the run's, and pCPUs are busy for as long as vCPUs run"},
        {"deterministic", "the same case again gives the same schedule: nothing is left in static variables"},
        {"clean-exit", "the policy can be made again after 'exit', which leaves no memory behind"},
        {"no-crash", "no hook crashes"},
        {"ends", "every hook returns, and time goes on"},
    };
    *n = G_N_ELEMENTS(all);
    return all;
}

static gint64 now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

/* What the process says until it ends, or hangs: no hook has been called for `seconds` though one is being called, or it goes on without end. False: it did,
 * and the process is no more. The host's clock decides this and nothing else. */
static bool listen_to(int fd, pid_t pid, const conform_trail *trail, unsigned seconds, char *text, size_t room)
{
    size_t n = 0;
    uint64_t calls = 0;
    gint64 limit = (gint64)seconds * 1000, began = now_ms(), progress = began;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, LOOK_MS);
        gint64 now = now_ms();
        if (trail->calls != calls)
            progress = now;
        calls = trail->calls;
        if (ready < 0 && errno != EINTR)
            return true;
        if (ready <= 0 && now - progress < limit && now - began < limit * WHOLE)
            continue;
        if (ready <= 0) {
            kill(pid, SIGKILL);
            text[n] = '\0';
            return false;
        }
        ssize_t got = read(fd, text + n, room - 1 - n);
        if (got <= 0 || n + (size_t)got >= room - 1) {
            text[n + (got > 0 ? (size_t)got : 0)] = '\0';
            return true;
        }
        n += (size_t)got;
    }
}

static char *where(const conform_trail *trail)
{
    g_autofree char *hook = trail->hook ? g_strdup_printf("in the hook '%s'", trail->hook) : g_strdup("outside of the policy");
    return g_strdup_printf("%s, after %.6f ms of the machine's time and %" G_GUINT64_FORMAT " decisions", hook,
                           (double)trail->at / (double)SIM_PS_PER_MS, trail->decisions);
}

/* Takes apart what conform_broke said. False: it did not. */
static bool read_broken(vmm_conform_outcome *o, const char *said)
{
    g_auto(GStrv) part = g_strsplit(said, "\n", 3);
    if (g_strv_length(part) < 3 || sscanf(part[1], "%" G_GUINT64_FORMAT " %u %u", &o->at, &o->pcpu, &o->vcpu) != 3)
        return false;
    o->invariant = g_strdup(part[0]);
    o->detail = g_strdup(part[2]);
    return true;
}

static void judge(vmm_conform_outcome *o, const conform_trail *trail, const char *said, bool in_time, int status, unsigned seconds)
{
    o->decisions = trail->decisions;
    if (strcmp(said, "ok") == 0 || read_broken(o, said))
        return;
    g_autofree char *place = where(trail);
    o->at = trail->at;
    if (trail->suspected) {
        o->pcpu = trail->pcpu;
        o->vcpu = trail->vcpu;
        o->invariant = g_strdup(trail->suspected);
        o->detail = g_strdup_printf("schedule let pCPU %u idle though vCPU %u was runnable, and did not return when it was asked again, %s", o->pcpu,
                                    o->vcpu, place);
    } else if (!in_time) {
        o->hung = true;
        o->invariant = g_strdup("ends");
        o->detail = g_strdup_printf("it came to no end in %u seconds, %s", seconds, place);
    } else {
        o->invariant = g_strdup("no-crash");
        o->detail = WIFSIGNALED(status) ? g_strdup_printf("%s, %s", strsignal(WTERMSIG(status)), place) : g_strdup_printf("the process ended, %s", place);
    }
}

/* Begins the case; the end of the pipe to read from, or -1. */
static int begin(const vmm_conform_config *config, const conform_case *of, conform_trail *trail, pid_t *pid)
{
    int ends[2];
    if (trail == MAP_FAILED || pipe(ends) != 0)
        return -1;
    *pid = fork();
    if (*pid == 0) {
        close(ends[0]);
        conform_be_the_case(of, config, trail, ends[1]);
    }
    close(ends[1]);
    if (*pid > 0)
        return ends[0];
    close(ends[0]);
    return -1;
}

bool vmm_conform_run(const vmm_conform_config *config, unsigned number, vmm_conform_outcome *o, GError **error)
{
    char said[CONFORM_TEXT + 100];
    pid_t pid = -1;
    int status = 0;
    g_assert(number < conform_n_cases);
    const conform_case *of = &conform_cases[number];
    *o = (vmm_conform_outcome){.of = &of->shown, .pcpu = VMM_PCPU_NONE, .vcpu = VMM_VCPU_NONE};
    conform_trail *trail = mmap(NULL, sizeof *trail, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = begin(config, of, trail, &pid);
    if (fd < 0) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "cannot make a process for the case: %s", g_strerror(errno));
        if (trail != MAP_FAILED)
            munmap(trail, sizeof *trail);
        return false;
    }
    bool in_time = listen_to(fd, pid, trail, config->seconds, said, sizeof said);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(fd);
    bool good = !g_str_has_prefix(said, CONFORM_BAD_PARAMS "\n\n");
    if (good)
        judge(o, trail, said, in_time, status, config->seconds);
    else
        g_set_error(error, SIM_ERROR, SIM_ERROR_INPUT, "%s", said + strlen(CONFORM_BAD_PARAMS "\n\n"));
    munmap(trail, sizeof *trail);
    return good;
}

void vmm_conform_outcome_clear(vmm_conform_outcome *o)
{
    g_clear_pointer(&o->invariant, g_free);
    g_clear_pointer(&o->detail, g_free);
}
