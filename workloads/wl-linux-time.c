/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that read the clock or wait. A call that reads the clock has two halves: the first gives the event
 * INSN_EVENT_TIME_READ, the second runs when the timing model has said what time it is. */
#include "wl-linux-internal.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define TICKS_PER_S 100 /* USER_HZ */

static bool known_clock(uint64_t id)
{
    return id <= CLOCK_BOOTTIME || id == CLOCK_TAI;
}

static bool real_clock(uint64_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI;
}

static int64_t sys_clock_gettime(wl_linux *lx, const uint64_t *a)
{
    return known_clock(a[0]) ? wl_linux_time_read(lx) : -EINVAL;
}

static int64_t sys_time_read(wl_linux *lx, const uint64_t *a)
{
    (void)a;
    return wl_linux_time_read(lx);
}

static int64_t sys_getrusage(wl_linux *lx, const uint64_t *a)
{
    int who = (int)a[0];
    return who == RUSAGE_SELF || who == RUSAGE_CHILDREN || who == RUSAGE_THREAD ? wl_linux_time_read(lx) : -EINVAL;
}

static int64_t sys_clock_getres(wl_linux *lx, const uint64_t *a)
{
    struct timespec res = { .tv_nsec = 1 };
    if (!known_clock(a[0]))
        return -EINVAL;
    return a[1] ? wl_memory_put(lx->memory, a[1], &res, sizeof res) : 0;
}

static int64_t put_timespec(wl_linux *lx, uint64_t addr, uint64_t ns, bool real)
{
    struct timespec t = {
        .tv_sec = (time_t)(ns / NS_PER_S) + (real ? WL_EPOCH_S : 0), .tv_nsec = (long)(ns % NS_PER_S),
    };
    return wl_memory_put(lx->memory, addr, &t, sizeof t);
}

static int64_t finish_gettimeofday(wl_linux *lx, const uint64_t *a, uint64_t ns)
{
    struct timeval t = { .tv_sec = (time_t)(ns / NS_PER_S) + WL_EPOCH_S, .tv_usec = (suseconds_t)(ns % NS_PER_S / 1000) };
    struct timezone { int minutes_west, dst; } utc = { 0, 0 };
    if (a[0] && wl_memory_put(lx->memory, a[0], &t, sizeof t) < 0)
        return -EFAULT;
    return a[1] ? wl_memory_put(lx->memory, a[1], &utc, sizeof utc) : 0;
}

static int64_t finish_times(wl_linux *lx, const uint64_t *a, uint64_t ns)
{
    struct tms t = { .tms_utime = (clock_t)(ns / (NS_PER_S / TICKS_PER_S)) };
    if (a[0] && wl_memory_put(lx->memory, a[0], &t, sizeof t) < 0)
        return -EFAULT;
    return t.tms_utime;
}

static int64_t finish_getrusage(wl_linux *lx, const uint64_t *a, uint64_t ns)
{
    struct rusage u = { .ru_maxrss = (long)(wl_memory_mapped(lx->memory) / 1024) };
    if ((int)a[0] != RUSAGE_CHILDREN) {
        u.ru_utime.tv_sec = (time_t)(ns / NS_PER_S);
        u.ru_utime.tv_usec = (suseconds_t)(ns % NS_PER_S / 1000);
    }
    return wl_memory_put(lx->memory, a[1], &u, sizeof u);
}

int64_t wl_linux_time_finish(wl_linux *lx, const wl_call *call, uint64_t ns)
{
    const uint64_t *a = call->args;
    switch (call->nr) {
    case SYS_clock_gettime: return put_timespec(lx, a[1], ns, real_clock(a[0]));
    case SYS_gettimeofday: return finish_gettimeofday(lx, a, ns);
    case SYS_times: return finish_times(lx, a, ns);
    case SYS_getrusage: return finish_getrusage(lx, a, ns);
    default: break;
    }
    int64_t seconds = (int64_t)(ns / NS_PER_S) + WL_EPOCH_S; /* SYS_time */
    if (a[0] && wl_memory_put(lx->memory, a[0], &seconds, sizeof seconds) < 0)
        return -EFAULT;
    return seconds;
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

static uint64_t span_ns(int64_t seconds, uint64_t ns)
{
    return (uint64_t)seconds >= WL_MAX_SLEEP_NS / NS_PER_S ? WL_MAX_SLEEP_NS : (uint64_t)seconds * NS_PER_S + ns;
}

static int64_t get_timespec(wl_linux *lx, uint64_t addr, struct timespec *t)
{
    if (wl_memory_get(lx->memory, addr, t, sizeof *t) < 0)
        return -EFAULT;
    return t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= (long)NS_PER_S ? -EINVAL : 0;
}

static int64_t sleep_for(wl_linux *lx, uint64_t addr)
{
    struct timespec t;
    int64_t r = get_timespec(lx, addr, &t);
    if (r == 0)
        wl_linux_sleep(lx, span_ns(t.tv_sec, (uint64_t)t.tv_nsec));
    return r;
}

static int64_t sys_nanosleep(wl_linux *lx, const uint64_t *a)
{
    return sleep_for(lx, a[0]);
}

static int64_t sleep_until(wl_linux *lx, const struct timespec *t, bool real)
{
    int64_t seconds = t->tv_sec - (real ? WL_EPOCH_S : 0);
    lx->event->kind = INSN_EVENT_SLEEP_UNTIL;
    lx->event->arg0 = seconds < 0 ? 0 : span_ns(seconds, (uint64_t)t->tv_nsec);
    lx->reads_time = true;
    return 0;
}

static int64_t sys_clock_nanosleep(wl_linux *lx, const uint64_t *a)
{
    struct timespec t;
    if (!known_clock(a[0]) || a[0] == CLOCK_THREAD_CPUTIME_ID)
        return -EINVAL;
    if (!(a[1] & TIMER_ABSTIME))
        return sleep_for(lx, a[2]);
    int64_t r = get_timespec(lx, a[2], &t);
    return r < 0 ? r : sleep_until(lx, &t, real_clock(a[0]));
}

#define FUTEX_COMMAND(op) ((op) & 127)
enum { FUTEX_OP_WAIT = 0, FUTEX_OP_WAKE = 1, FUTEX_OP_WAIT_BITSET = 9, FUTEX_OP_WAKE_BITSET = 10, FUTEX_REALTIME = 256 };

/* One thread: nobody can wake a waiter, so a wait ends by its timeout, and without one as if by a lost race. */
static int64_t sys_futex(wl_linux *lx, const uint64_t *a)
{
    uint32_t value;
    struct timespec t;
    unsigned command = FUTEX_COMMAND(a[1]);
    if (command == FUTEX_OP_WAKE || command == FUTEX_OP_WAKE_BITSET)
        return 0;
    if (command != FUTEX_OP_WAIT && command != FUTEX_OP_WAIT_BITSET)
        return -ENOSYS;
    if (wl_memory_get(lx->memory, a[0], &value, sizeof value) < 0)
        return -EFAULT;
    if (value != (uint32_t)a[2] || !a[3])
        return -EAGAIN;
    int64_t r = get_timespec(lx, a[3], &t);
    if (r < 0)
        return r;
    if (command == FUTEX_OP_WAIT)
        wl_linux_sleep(lx, span_ns(t.tv_sec, (uint64_t)t.tv_nsec));
    else
        sleep_until(lx, &t, a[1] & FUTEX_REALTIME);
    return -ETIMEDOUT;
}

/* Regular files, captured streams and the empty stdin are always ready, so only calls without them wait. */
static int64_t poll_ready(wl_linux *lx, uint64_t addr, uint64_t n)
{
    int64_t ready = 0;
    if (n > WL_MAX_FDS * 4)
        return -EINVAL;
    for (uint64_t i = 0; i < n; i++) {
        struct pollfd p;
        if (wl_memory_get(lx->memory, addr + i * sizeof p, &p, sizeof p) < 0)
            return -EFAULT;
        p.revents = 0;
        if (p.fd >= 0)
            p.revents = wl_linux_open(lx, (uint64_t)p.fd) ? (short)(p.events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)) : POLLNVAL;
        ready += p.revents != 0;
        if (wl_memory_put(lx->memory, addr + i * sizeof p, &p, sizeof p) < 0)
            return -EFAULT;
    }
    return ready;
}

static int64_t sys_poll(wl_linux *lx, const uint64_t *a)
{
    int64_t ready = poll_ready(lx, a[0], a[1]);
    int timeout = (int)a[2]; /* milliseconds; negative: forever */
    if (ready == 0 && timeout)
        wl_linux_sleep(lx, timeout < 0 ? WL_MAX_SLEEP_NS : (uint64_t)timeout * 1000000);
    return ready;
}

static int64_t sys_ppoll(wl_linux *lx, const uint64_t *a)
{
    int64_t ready = poll_ready(lx, a[0], a[1]);
    if (ready)
        return ready;
    if (a[2])
        return sleep_for(lx, a[2]);
    wl_linux_sleep(lx, WL_MAX_SLEEP_NS);
    return 0;
}

/* Clears the bits of descriptors that are not ready; their number, or -EFAULT or -EBADF. */
static int64_t select_set(wl_linux *lx, uint64_t addr, unsigned n, bool ready)
{
    uint8_t bits[WL_MAX_FDS / 8];
    int64_t count = 0;
    unsigned bytes = (MIN(n, WL_MAX_FDS) + 7) / 8;
    if (!addr)
        return 0;
    if (wl_memory_get(lx->memory, addr, bits, bytes) < 0)
        return -EFAULT;
    for (unsigned fd = 0; fd < bytes * 8; fd++) {
        if (!(bits[fd / 8] >> (fd % 8) & 1))
            continue;
        if (fd < n && !lx->fds[fd])
            return -EBADF;
        if (fd < n && ready)
            count++;
        else
            bits[fd / 8] &= (uint8_t)~(1u << (fd % 8));
    }
    return wl_memory_put(lx->memory, addr, bits, bytes) < 0 ? -EFAULT : count;
}

static int64_t select_ready(wl_linux *lx, const uint64_t *a)
{
    int64_t count = 0;
    for (unsigned i = 0; i < 3; i++) {
        int64_t r = select_set(lx, a[1 + i], (unsigned)a[0], i < 2);
        if (r < 0)
            return r;
        count += r;
    }
    return count;
}

static int64_t sys_select(wl_linux *lx, const uint64_t *a)
{
    struct timeval t;
    int64_t ready = select_ready(lx, a);
    if (ready)
        return ready;
    if (a[4] && wl_memory_get(lx->memory, a[4], &t, sizeof t) < 0)
        return -EFAULT;
    if (a[4] && (t.tv_sec < 0 || t.tv_usec < 0))
        return -EINVAL;
    wl_linux_sleep(lx, a[4] ? span_ns(t.tv_sec, MIN((uint64_t)t.tv_usec, NS_PER_S) * 1000) : WL_MAX_SLEEP_NS);
    return 0;
}

static int64_t sys_pselect(wl_linux *lx, const uint64_t *a)
{
    int64_t ready = select_ready(lx, a);
    if (ready)
        return ready;
    if (a[4])
        return sleep_for(lx, a[4]);
    wl_linux_sleep(lx, WL_MAX_SLEEP_NS);
    return 0;
}

static int64_t sys_sched_yield(wl_linux *lx, const uint64_t *a)
{
    (void)a;
    lx->event->kind = INSN_EVENT_YIELD;
    return 0;
}

wl_sys wl_linux_time_call(uint64_t nr)
{
    switch (nr) {
    case SYS_clock_gettime: return sys_clock_gettime;
    case SYS_gettimeofday: case SYS_time: case SYS_times: return sys_time_read;
    case SYS_getrusage: return sys_getrusage;
    case SYS_clock_getres: return sys_clock_getres;
    case SYS_nanosleep: return sys_nanosleep;
    case SYS_clock_nanosleep: return sys_clock_nanosleep;
    case SYS_futex: return sys_futex;
    case SYS_poll: return sys_poll;
    case SYS_ppoll: return sys_ppoll;
    case SYS_select: return sys_select;
    case SYS_pselect6: return sys_pselect;
    case SYS_sched_yield: return sys_sched_yield;
    default: return NULL;
    }
}
