/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm-conform-private.h"

#include "sim-error.h"
#include "vmm-params.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_TEXT = 2000 };

/* In the process of a case. */
static int tell_fd = -1;

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
        {"work-conserving", "no pCPU idles for a millisecond beside a runnable vCPU that may run on it (but with VMM_POLICY_MAY_IDLE)"},
        {"no-starvation", "the watchdog has nothing to do (but with VMM_POLICY_MAY_IDLE)"},
        {"one-place", "a vCPU runs on one pCPU at a time, where its affinity lets it"},
        {"quantum-bounds", "no quantum is longer than a second"},
        {"accounts", "the times in a vCPU's states add up to the run's"},
        {"deterministic", "the same case again gives the same schedule: nothing is left in static variables"},
        {"no-crash", "no hook crashes"},
        {"ends", "every hook returns"},
    };
    *n = G_N_ELEMENTS(all);
    return all;
}

static void tell(const char *text)
{
    for (size_t put = 0, n = strlen(text); put < n;) {
        ssize_t w = write(tell_fd, text + put, n - put);
        if (w < 0 && errno != EINTR)
            break;
        put += w > 0 ? (size_t)w : 0;
    }
}

void conform_broke(const char *invariant, const char *format, ...)
{
    char text[MOST_TEXT];
    va_list args;
    int n = g_snprintf(text, sizeof text, "%s\n", invariant);
    va_start(args, format);
    g_vsnprintf(text + n, sizeof text - (gulong)n, format, args);
    va_end(args);
    tell(text);
    _exit(1);
}

static void machine_broke(G_GNUC_UNUSED void *user, const char *what)
{
    conform_broke("one-place", "%s", what);
}

uint32_t conform_random(conform_run *r)
{
    r->random = r->random * 1664525 + 1013904223;
    return r->random >> 8;
}

mock_step *conform_steps(conform_run *r, unsigned n)
{
    mock_step *steps = g_new0(mock_step, MAX(n, 1));
    g_ptr_array_add(r->steps, steps);
    return steps;
}

mock_guest *conform_add(conform_run *r, vmm_vm_config config, const mock_step *steps, unsigned n)
{
    char *name = g_strdup_printf("v%u", r->names->len);
    g_ptr_array_add(r->names, name);
    config.name = name;
    config.weight = config.weight ? config.weight : 256;
    config.policy_origin = name;
    return mock_add(r->m, &config, steps, n);
}

/* ---- in the process of the case ------------------------------------------------------------------------------------- */

static char *run_once(const conform_case *of, const vmm_conform_config *config, const struct vmm_policy_ops *policy)
{
    conform_run r = {.of = of, .config = config, .random = (uint32_t)(config->seed * 2654435761u + of->n + 1), .may_idle = policy->flags & VMM_POLICY_MAY_IDLE};
    r.m = mock_new(of->pcpus, 4, NULL);
    r.m->config.policy = policy;
    r.m->config.policy_params = config->params;
    r.m->config.quantum = of->quantum;
    r.m->watch = conform_watch;
    r.m->broken = machine_broke;
    r.m->user = &r;
    r.steps = g_ptr_array_new_with_free_func(g_free);
    r.names = g_ptr_array_new_with_free_func(g_free);
    r.idle_since = g_new(sim_ps, of->pcpus);
    for (unsigned i = 0; i < of->pcpus; i++)
        r.idle_since[i] = SIM_PS_NEVER;
    of->build(&r);
    mock_run(r.m, of->span);
    conform_watch_end(&r);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    vmm_digest(r.m->v, sum);
    mock_free(r.m);
    g_ptr_array_unref(r.steps);
    g_ptr_array_unref(r.names);
    g_free(r.idle_since);
    return g_strdup(g_checksum_get_string(sum));
}

G_NORETURN static void be_the_case(const conform_case *of, const vmm_conform_config *config, conform_trail *trail)
{
    const struct vmm_policy_ops *policy = conform_wrap(config->policy, trail);
    g_autofree char *first = run_once(of, config, policy);
    uint64_t decisions = trail->decisions;
    g_autofree char *second = run_once(of, config, policy);
    trail->decisions = decisions;
    if (strcmp(first, second) != 0)
        conform_broke("deterministic", "the case gave another schedule when it was run again in the same process");
    tell("ok");
    _exit(0);
}

/* ---- outside ---------------------------------------------------------------------------------------------------------- */

static gint64 now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

/* What the process says until it ends or its time is over. False: it was over, and the process is no more. */
static bool listen_to(int fd, pid_t pid, unsigned seconds, char *text, size_t room)
{
    size_t n = 0;
    gint64 until = now_ms() + (gint64)seconds * 1000;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        gint64 left = until - now_ms();
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
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

static void judge(vmm_conform_outcome *o, const conform_trail *trail, char *said, bool in_time, int status, unsigned seconds)
{
    g_autofree char *place = where(trail);
    char *end = strchr(said, '\n');
    o->decisions = trail->decisions;
    if (strcmp(said, "ok") == 0)
        return;
    if (end) {
        o->invariant = g_strndup(said, (gsize)(end - said));
        o->detail = g_strdup(end + 1);
    } else if (!in_time) {
        o->invariant = g_strdup("ends");
        o->detail = g_strdup_printf("it still ran after %u seconds, %s", seconds, place);
    } else {
        o->invariant = g_strdup("no-crash");
        o->detail = WIFSIGNALED(status) ? g_strdup_printf("%s, %s", strsignal(WTERMSIG(status)), place) : g_strdup_printf("the process ended, %s", place);
    }
}

static bool check_params(const vmm_conform_config *config, GError **error)
{
    g_autofree char *origin = g_strdup_printf("policy '%s'", config->policy->name);
    g_autofree vmm_param_value *values = vmm_params_parse(config->policy, config->params, origin, error);
    return values != NULL;
}

bool vmm_conform_run(const vmm_conform_config *config, unsigned number, vmm_conform_outcome *o, GError **error)
{
    int ends[2] = {-1, -1};
    g_assert(number < conform_n_cases);
    *o = (vmm_conform_outcome){.of = &conform_cases[number].shown};
    if (!check_params(config, error))
        return false;
    conform_trail *trail = mmap(NULL, sizeof *trail, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = trail != MAP_FAILED && pipe(ends) == 0 ? fork() : -1;
    if (pid == 0) {
        close(ends[0]);
        tell_fd = ends[1];
        be_the_case(&conform_cases[number], config, trail);
    }
    if (pid < 0) {
        g_set_error(error, SIM_ERROR, SIM_ERROR_IO, "cannot make a process for the case: %s", g_strerror(errno));
        return false;
    }
    char said[MOST_TEXT + 100];
    int status = 0;
    close(ends[1]);
    bool in_time = listen_to(ends[0], pid, config->seconds, said, sizeof said);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(ends[0]);
    judge(o, trail, said, in_time, status, config->seconds);
    munmap(trail, sizeof *trail);
    return true;
}

void vmm_conform_outcome_clear(vmm_conform_outcome *o)
{
    g_clear_pointer(&o->invariant, g_free);
    g_clear_pointer(&o->detail, g_free);
}
