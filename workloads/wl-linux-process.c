/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls about the process itself: identity, limits, signals, end. */
#include "wl-linux-internal.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#define PID 1000
#define PARENT 1

static int64_t sys_zero(wl_linux *lx, const uint64_t *a)
{
    (void)lx, (void)a;
    return 0;
}

static int64_t sys_pid(wl_linux *lx, const uint64_t *a)
{
    (void)lx, (void)a;
    return PID;
}

static int64_t sys_getppid(wl_linux *lx, const uint64_t *a)
{
    (void)lx, (void)a;
    return PARENT;
}

static int64_t sys_exit(wl_linux *lx, const uint64_t *a)
{
    wl_linux_end(lx, (int)(a[0] & 0xff));
    return 0;
}

static int64_t sys_arch_prctl(wl_linux *lx, const uint64_t *a)
{
    switch ((int)a[0]) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (a[1] >= WL_USER_END)
            return -EPERM;
        *((int)a[0] == ARCH_SET_FS ? &lx->fs_base : &lx->gs_base) = a[1];
        return 0;
    case ARCH_GET_FS: return wl_memory_put(lx->memory, a[1], &lx->fs_base, 8);
    case ARCH_GET_GS: return wl_memory_put(lx->memory, a[1], &lx->gs_base, 8);
    default: return -EINVAL;
    }
}

static int64_t sys_uname(wl_linux *lx, const uint64_t *a)
{
    struct utsname u;
    memset(&u, 0, sizeof u);
    strcpy(u.sysname, "Linux");
    strcpy(u.nodename, "guest");
    strcpy(u.release, "6.1.0");
    strcpy(u.version, "#1 quanta");
    strcpy(u.machine, "x86_64");
    return wl_memory_put(lx->memory, a[0], &u, sizeof u);
}

/* glibc's qsort and sysconf ask for the amount of memory here. The uptime stays 0: telling it would make every such
 * guest depend on the time. */
static int64_t sys_sysinfo(wl_linux *lx, const uint64_t *a)
{
    struct sysinfo s = {
        .totalram = wl_memory_limit(lx->memory), .procs = 1, .mem_unit = 1,
        .freeram = wl_memory_limit(lx->memory) - wl_memory_mapped(lx->memory),
    };
    return wl_memory_put(lx->memory, a[0], &s, sizeof s);
}

static struct rlimit limit_of(const wl_linux *lx, uint64_t resource)
{
    uint64_t value = RLIM_INFINITY;
    switch (resource) {
    case RLIMIT_STACK: value = UINT64_C(8) << 20; break;
    case RLIMIT_NOFILE: value = WL_MAX_FDS; break;
    case RLIMIT_NPROC: value = 1; break;
    case RLIMIT_AS: case RLIMIT_DATA: value = wl_memory_limit(lx->memory); break;
    case RLIMIT_FSIZE: value = lx->config->disk_limit; break;
    case RLIMIT_CORE: value = 0; break;
    default: break;
    }
    return (struct rlimit){ value, value };
}

static int64_t sys_getrlimit(wl_linux *lx, const uint64_t *a)
{
    struct rlimit l = limit_of(lx, a[0]);
    return a[0] < RLIM_NLIMITS ? wl_memory_put(lx->memory, a[1], &l, sizeof l) : -EINVAL;
}

/* Limits can be asked for; setting them is accepted and changes nothing. */
static int64_t sys_prlimit(wl_linux *lx, const uint64_t *a)
{
    struct rlimit l = limit_of(lx, a[1]);
    if (a[0] != 0 && a[0] != PID)
        return -ESRCH;
    if (a[1] >= RLIM_NLIMITS)
        return -EINVAL;
    return a[3] ? wl_memory_put(lx->memory, a[3], &l, sizeof l) : 0;
}

static int64_t sys_getrandom(wl_linux *lx, const uint64_t *a)
{
    uint64_t size = MIN(a[1], UINT64_C(33554431)), done = 0; /* at most 2^25 - 1 bytes at once, getrandom(2) */
    if (a[2] & ~UINT64_C(7))
        return -EINVAL;
    while (done < size) {
        uint64_t word = sim_random_next(&lx->random), n = MIN(size - done, sizeof word);
        if (wl_memory_put(lx->memory, a[0] + done, &word, n) < 0)
            return -EFAULT;
        done += n;
    }
    return (int64_t)size;
}

static int64_t sys_getaffinity(wl_linux *lx, const uint64_t *a)
{
    uint64_t mask = 1;
    if (a[0] != 0 && a[0] != PID)
        return -ESRCH;
    if (a[1] < sizeof mask)
        return -EINVAL;
    return wl_memory_put(lx->memory, a[2], &mask, sizeof mask) < 0 ? -EFAULT : (int64_t)sizeof mask;
}

static int64_t sys_getcpu(wl_linux *lx, const uint64_t *a)
{
    uint32_t zero = 0;
    for (unsigned i = 0; i < 2; i++)
        if (a[i] && wl_memory_put(lx->memory, a[i], &zero, sizeof zero) < 0)
            return -EFAULT;
    return 0;
}

static int64_t sys_prctl(wl_linux *lx, const uint64_t *a)
{
    char name[16] = "guest";
    switch ((int)a[0]) {
    case PR_SET_NAME: case PR_SET_PDEATHSIG: case PR_SET_DUMPABLE: case PR_SET_NO_NEW_PRIVS: case PR_SET_VMA: return 0;
    case PR_GET_NAME: return wl_memory_put(lx->memory, a[1], name, sizeof name);
    default: return -EINVAL;
    }
}

/* ---- signals: dispositions are recorded, handlers are not run ---------------------------------------------- */

static uint64_t signal_bit(unsigned sig)
{
    return UINT64_C(1) << (sig - 1);
}

static bool ignored_by_default(unsigned sig)
{
    return sig == SIGCHLD || sig == SIGURG || sig == SIGWINCH || sig == SIGCONT || sig == SIGTSTP || sig == SIGTTIN
           || sig == SIGTTOU;
}

/* A signal whose default action is to end the guest ends it, unless it is ignored, blocked (then it waits) or would
 * be handled (then it is lost). */
static int64_t raise_signal(wl_linux *lx, uint64_t sig)
{
    if (sig > 64)
        return -EINVAL;
    if (sig == 0 || (sig != SIGKILL && sig != SIGSTOP && (lx->handlers[sig] || ignored_by_default((unsigned)sig))))
        return 0;
    if (sig != SIGKILL && (lx->signal_mask & signal_bit((unsigned)sig))) {
        lx->signals_pending |= signal_bit((unsigned)sig);
        return 0;
    }
    wl_linux_end(lx, 128 + (int)sig);
    return 0;
}

static int64_t sys_kill(wl_linux *lx, const uint64_t *a)
{
    int pid = (int)a[0];
    return pid == PID || pid == 0 || pid == -1 ? raise_signal(lx, (uint32_t)a[1]) : -ESRCH;
}

static int64_t sys_tgkill(wl_linux *lx, const uint64_t *a)
{
    return (int)a[0] == PID && (int)a[1] == PID ? raise_signal(lx, (uint32_t)a[2]) : -ESRCH;
}

static int64_t sys_sigaction(wl_linux *lx, const uint64_t *a)
{
    uint64_t action[4] = { 0 }; /* struct kernel_sigaction: handler, flags, restorer, mask */
    if (a[0] < 1 || a[0] > 64 || a[3] != 8 || (a[1] && (a[0] == SIGKILL || a[0] == SIGSTOP)))
        return -EINVAL;
    uint64_t old[4] = { lx->handlers[a[0]] };
    if (a[1] && wl_memory_get(lx->memory, a[1], action, sizeof action) < 0)
        return -EFAULT;
    if (a[2] && wl_memory_put(lx->memory, a[2], old, sizeof old) < 0)
        return -EFAULT;
    if (a[1])
        lx->handlers[a[0]] = action[0];
    return 0;
}

static int64_t sys_sigprocmask(wl_linux *lx, const uint64_t *a)
{
    uint64_t set, old = lx->signal_mask;
    if (a[3] != 8)
        return -EINVAL;
    if (a[1]) {
        if (wl_memory_get(lx->memory, a[1], &set, sizeof set) < 0)
            return -EFAULT;
        switch ((int)a[0]) {
        case SIG_BLOCK: lx->signal_mask |= set; break;
        case SIG_UNBLOCK: lx->signal_mask &= ~set; break;
        case SIG_SETMASK: lx->signal_mask = set; break;
        default: return -EINVAL;
        }
    }
    if (a[2] && wl_memory_put(lx->memory, a[2], &old, sizeof old) < 0)
        return -EFAULT;
    for (unsigned sig = 1; sig <= 64 && !lx->ended; sig++) {
        if (lx->signals_pending & ~lx->signal_mask & signal_bit(sig)) {
            lx->signals_pending &= ~signal_bit(sig);
            raise_signal(lx, sig);
        }
    }
    return 0;
}

static int64_t sys_sigpending(wl_linux *lx, const uint64_t *a)
{
    return wl_memory_put(lx->memory, a[0], &lx->signals_pending, 8);
}

static int64_t sys_sigaltstack(wl_linux *lx, const uint64_t *a)
{
    uint64_t new[3], old[3] = { lx->alt_stack[0], lx->alt_stack[2] ? lx->alt_stack[1] : SS_DISABLE, lx->alt_stack[2] };
    if (a[0] && wl_memory_get(lx->memory, a[0], new, sizeof new) < 0)
        return -EFAULT;
    if (a[1] && wl_memory_put(lx->memory, a[1], old, sizeof old) < 0)
        return -EFAULT;
    if (a[0])
        memcpy(lx->alt_stack, new, sizeof new);
    return 0;
}

static wl_sys identity_call(uint64_t nr)
{
    switch (nr) {
    case SYS_getpid: case SYS_gettid: case SYS_set_tid_address: case SYS_getpgrp: case SYS_getpgid: case SYS_getsid:
        return sys_pid;
    case SYS_getppid: return sys_getppid;
    case SYS_getuid: case SYS_geteuid: case SYS_getgid: case SYS_getegid: case SYS_set_robust_list:
    case SYS_setuid: case SYS_setgid: case SYS_getpriority: case SYS_setpriority: case SYS_getgroups:
        return sys_zero;
    default: return NULL;
    }
}

wl_sys wl_linux_process_call(uint64_t nr)
{
    switch (nr) {
    case SYS_exit: case SYS_exit_group: return sys_exit;
    case SYS_arch_prctl: return sys_arch_prctl;
    case SYS_uname: return sys_uname;
    case SYS_sysinfo: return sys_sysinfo;
    case SYS_getrlimit: return sys_getrlimit;
    case SYS_prlimit64: return sys_prlimit;
    case SYS_getrandom: return sys_getrandom;
    case SYS_sched_getaffinity: return sys_getaffinity;
    case SYS_getcpu: return sys_getcpu;
    case SYS_prctl: return sys_prctl;
    case SYS_kill: case SYS_tkill: return sys_kill;
    case SYS_tgkill: return sys_tgkill;
    case SYS_rt_sigaction: return sys_sigaction;
    case SYS_rt_sigprocmask: return sys_sigprocmask;
    case SYS_rt_sigpending: return sys_sigpending;
    case SYS_sigaltstack: return sys_sigaltstack;
    default: return identity_call(nr);
    }
}
