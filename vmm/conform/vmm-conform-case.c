/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A case in its process: twice the same schedule, with the policy made and ended each time. */
#include "vmm-conform-private.h"

#include "vmm-params.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* What a policy may take at the most: a machine of 256 vCPUs needs a few megabytes. */
#define MOST_MEMORY (UINT64_C(1) << 31)
/* What the second run may leave behind: what malloc and GLib keep for later use (64 KiB seen). */
enum { MOST_LEFT = 1 << 20 };

static int tell_fd = -1;

static void tell(const char *text)
{
    for (size_t put = 0, n = strlen(text); put < n;) {
        ssize_t w = write(tell_fd, text + put, n - put);
        if (w < 0 && errno != EINTR)
            break;
        put += w > 0 ? (size_t)w : 0;
    }
}

void conform_broke(const char *invariant, sim_ps at, uint32_t pcpu, uint32_t vcpu, const char *format, ...)
{
    char text[CONFORM_TEXT];
    va_list args;
    int n = g_snprintf(text, sizeof text, "%s\n%" G_GUINT64_FORMAT " %u %u\n", invariant, at, pcpu, vcpu);
    va_start(args, format);
    g_vsnprintf(text + n, sizeof text - (gulong)n, format, args);
    va_end(args);
    tell(text);
    _exit(1);
}

static void machine_broke(void *user, const char *what)
{
    const conform_run *r = user;
    conform_broke("one-place", sim_engine_now(r->m->engine), VMM_PCPU_NONE, VMM_VCPU_NONE, "%s", what);
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

static void no_line(G_GNUC_UNUSED void *user, G_GNUC_UNUSED const char *text)
{
}

static void make(conform_run *r, const conform_case *of, const vmm_conform_config *config, const struct vmm_policy_ops *policy)
{
    *r = (conform_run){.of = of, .config = config, .random = (uint32_t)(config->seed * 2654435761u + of->n + 1)};
    r->may_idle = policy->flags & VMM_POLICY_MAY_IDLE;
    r->m = mock_new(of->pcpus, 4, NULL);
    r->m->config.policy = policy;
    r->m->config.policy_params = config->params;
    r->m->config.quantum = of->quantum;
    r->m->config.keep_schedule = false;
    r->m->watch = conform_watch;
    r->m->broken = machine_broke;
    r->m->user = r;
    r->steps = g_ptr_array_new_with_free_func(g_free);
    r->names = g_ptr_array_new_with_free_func(g_free);
    of->build(r);
    conform_watch_begin(r);
}

static void unmake(conform_run *r)
{
    mock_free(r->m);
    g_ptr_array_unref(r->steps);
    g_ptr_array_unref(r->names);
    conform_watch_free(r);
}

/* The schedule's checksum. */
static void run_once(const conform_case *of, const vmm_conform_config *config, const struct vmm_policy_ops *policy, uint8_t digest[32])
{
    conform_run r;
    gsize size = 32;
    make(&r, of, config, policy);
    mock_run(r.m, of->span);
    conform_watch_end(&r);
    vmm_dump_policy(r.m->v, no_line, NULL);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    vmm_digest(r.m->v, sum);
    g_checksum_get_digest(sum, digest, &size);
    unmake(&r);
}

static uint64_t memory_in_use(void)
{
    struct mallinfo2 m = mallinfo2(); /* zeros where another allocator has taken malloc's place */
    return m.uordblks + m.hblkhd;
}

/* Powers the policy on and off so often that what malloc keeps back does not matter; what a round leaves behind, in bytes. */
static uint64_t left_by_init(const conform_case *of, const vmm_conform_config *config, const struct vmm_policy_ops *policy)
{
    enum { WARM = 256, MEASURED = 4096, KEPT_BACK = 32768 };
    uint64_t before = 0;
    for (unsigned i = 0; i < WARM + MEASURED; i++) {
        conform_run r;
        if (i == WARM)
            before = memory_in_use();
        make(&r, of, config, policy);
        vmm_start(r.m->v);
        unmake(&r);
    }
    uint64_t after = memory_in_use();
    return after > before + KEPT_BACK ? (after - before) / MEASURED : 0;
}

static void check_params(const vmm_conform_config *config, const struct vmm_policy_ops *policy)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *origin = g_strdup_printf("policy '%s'", policy->name);
    g_autofree vmm_param_value *values = vmm_params_parse(policy, config->params, origin, &error);
    if (values)
        return;
    g_autofree char *text = g_strdup_printf(CONFORM_BAD_PARAMS "\n\n%s", error->message);
    tell(text);
    _exit(2);
}

/* The process is the policy's: what it prints goes to standard error, it leaves no core, and its memory is bounded (under AddressSanitizer, which reserves
 * more than any bound, it is not). */
static void confine(int fd)
{
    const struct rlimit none = {0, 0};
    tell_fd = fd;
    dup2(STDERR_FILENO, STDOUT_FILENO);
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit memory = {MOST_MEMORY, MOST_MEMORY};
    setrlimit(RLIMIT_AS, &memory);
#endif
}

static void leaves_nothing(const conform_case *of, const vmm_conform_config *config, const struct vmm_policy_ops *policy, uint64_t before, uint64_t after)
{
    if (after > before + MOST_LEFT)
        conform_broke("clean-exit", of->span, VMM_PCPU_NONE, VMM_VCPU_NONE, "%" G_GUINT64_FORMAT " bytes of memory are left behind after 'exit'",
                      after - before);
    uint64_t left = of->flags & ON_AND_OFF ? left_by_init(of, config, policy) : 0;
    if (left)
        conform_broke("clean-exit", 0, VMM_PCPU_NONE, VMM_VCPU_NONE, "'init' and 'exit' leave %" G_GUINT64_FORMAT " bytes of memory behind each time",
                      left);
}

void conform_be_the_case(const conform_case *of, const vmm_conform_config *config, conform_trail *trail, int fd)
{
    uint8_t first[32], second[32];
    confine(fd);
    const struct vmm_policy_ops *policy = conform_wrap(config->policy, trail);
    check_params(config, policy);
    run_once(of, config, policy, first);
    uint64_t decisions = trail->decisions, before = memory_in_use();
    run_once(of, config, policy, second);
    uint64_t after = memory_in_use();
    trail->decisions = decisions;
    if (memcmp(first, second, sizeof first) != 0)
        conform_broke("deterministic", of->span, VMM_PCPU_NONE, VMM_VCPU_NONE,
                      "the case gave another schedule when it was run again in the same process");
    leaves_nothing(of, config, policy, before, after);
    tell("ok");
    _exit(0);
}
