/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the parts of the Linux personality (wl-linux*.c) only. */
#pragma once

#include "sim-random.h"
#include "wl-folder.h"
#include "wl-linux.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define WL_MAX_FDS 64
#define WL_MAX_RW UINT64_C(0x7ffff000) /* MAX_RW_COUNT of Linux */

/* A file or directory of the folder as the guest's kernel knows it: its number, and which of its pages are cached. */
typedef struct {
    uint64_t ino; /* in order of first sight; the host's never reaches the guest */
    uint64_t host_dev, host_ino;
    int refs;
    uint8_t *cached; /* bit per 4 KiB page */
    uint64_t cached_bytes;
    uint64_t dirty; /* bytes written and not yet handed out as disk I/O */
} wl_inode;

typedef struct {
    GByteArray *bytes;
    int readers, writers;
    int refs;
} wl_pipe;

typedef enum { WL_STDIN, WL_STDOUT, WL_STDERR, WL_FILE, WL_DIR, WL_PIPE_READ, WL_PIPE_WRITE } wl_open_kind;

/* An open file description, shared by dup. */
typedef struct {
    wl_open_kind kind;
    int refs;
    int host_fd; /* -1 unless WL_FILE or WL_DIR */
    int flags;   /* O_ACCMODE, O_APPEND, O_NONBLOCK */
    uint64_t offset;
    char *path; /* guest's, absolute */
    wl_inode *inode;
    GPtrArray *entries; /* of a WL_DIR once read: names, sorted */
    wl_pipe *pipe;
} wl_open;

struct wl_linux {
    const wl_guest_config *config;
    wl_memory *memory;
    wl_folder *folder; /* NULL: none */
    char *cwd;
    char *exe; /* what /proc/self/exe says */
    uint64_t entry, stack, stack_low, fs_base, gs_base;
    uint64_t brk_start, brk, brk_max;
    sim_random random;
    GString *out, *err;
    uint64_t disk_left;
    wl_open *fds[WL_MAX_FDS];
    bool cloexec[WL_MAX_FDS];
    GHashTable *inodes; /* of wl_inode, by host device and number; iterated nowhere */
    uint64_t next_ino;
    GArray *missing; /* of struct wl_missing, ascending */
    uint64_t n_missing_calls;
    uint32_t last_missing;
    uint64_t handlers[65]; /* rt_sigaction: handler address, 0 default, 1 ignored */
    uint64_t signal_mask, signals_pending;
    uint64_t alt_stack[3];
    bool reads_time;
    wl_call pending; /* waits for the time */
    insn_event *event; /* of the call being served */
    bool ended;
    int status;
};

typedef int64_t (*wl_sys)(wl_linux *lx, const uint64_t a[6]);

/* Each returns the handler of a number, or NULL when the number is none of its. */
wl_sys wl_linux_file_call(uint64_t nr);
wl_sys wl_linux_path_call(uint64_t nr);
wl_sys wl_linux_memory_call(uint64_t nr);
wl_sys wl_linux_process_call(uint64_t nr);
wl_sys wl_linux_time_call(uint64_t nr);
/* The second half of a call that waited for the time; `ns` since power-on. */
int64_t wl_linux_time_finish(wl_linux *lx, const wl_call *call, uint64_t ns);

/* Ends the guest; hands out what is still to be written. */
void wl_linux_end(wl_linux *lx, int status);
/* The event of a call whose result depends on the time; returns 0, which is replaced later. */
int64_t wl_linux_time_read(wl_linux *lx);
void wl_linux_sleep(wl_linux *lx, uint64_t ns);
/* Adds to the disk I/O of the call being served. */
void wl_linux_io(wl_linux *lx, uint64_t bytes, bool write);

/* wl-linux-fd.c */
void wl_linux_open_standard(wl_linux *lx);
void wl_linux_close_all(wl_linux *lx);
wl_open *wl_linux_open(wl_linux *lx, uint64_t fd); /* NULL: not open */
int wl_linux_free_fd(const wl_linux *lx, uint64_t from); /* -EMFILE when there is none */
void wl_linux_install(wl_linux *lx, int fd, wl_open *open, bool cloexec); /* takes the reference */
wl_open *wl_open_new(wl_open_kind kind, int flags);
int64_t wl_linux_close(wl_linux *lx, uint64_t fd);
wl_inode *wl_linux_inode(wl_linux *lx, const struct stat *host);
void wl_linux_forget_inode(wl_linux *lx, const struct stat *host);
void wl_linux_guest_stat(wl_linux *lx, const struct stat *host, struct stat *guest);
/* Takes bytes off what the guest may still write; false when it may not. */
bool wl_linux_charge(wl_linux *lx, uint64_t bytes);
/* Page-cache model: pages of [offset, offset + n) that were not cached are disk reads. */
void wl_linux_cache_read(wl_linux *lx, wl_inode *inode, uint64_t offset, uint64_t n);
void wl_linux_cache_write(wl_linux *lx, wl_inode *inode, uint64_t offset, uint64_t n);
void wl_linux_cache_flush(wl_linux *lx, wl_inode *inode);
void wl_inode_unref(wl_inode *inode);

/* wl-linux-path.c: the guest's absolute path of (dirfd, path in guest memory). 0 or a negative errno; newly allocated. */
int wl_linux_path(wl_linux *lx, uint64_t dirfd, uint64_t addr, char **path);
