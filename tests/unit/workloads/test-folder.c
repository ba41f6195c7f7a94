/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing leads out of the folder, with openat2 and without. */
#include "support.h"

#include "wl-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static char *top;
static wl_folder *folder;

static void link_to(const char *target, const char *name)
{
    g_autofree char *path = g_build_filename(top, name, NULL);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void file_with(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(top, name, NULL);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void make(bool writable, bool own_walk)
{
    g_autofree char *sub = NULL, *fifo = NULL, *secret = NULL, *up = NULL;
    top = g_build_filename(test_folder(), "inside-XXXXXX", NULL);
    ck_assert_ptr_nonnull(g_mkdtemp(top));
    sub = g_build_filename(top, "sub", NULL);
    fifo = g_build_filename(top, "fifo", NULL);
    ck_assert_int_eq(g_mkdir(sub, 0755), 0);
    ck_assert_int_eq(mkfifo(fifo, 0644), 0);
    file_with("data", "hello");
    file_with("sub/deep", "deep");
    test_write("secret", "secret", 6); /* beside the folder */
    secret = g_build_filename(test_folder(), "secret", NULL);
    link_to(secret, "absolute");
    link_to("../secret", "relative");
    link_to("/", "root");
    link_to("..", "above");
    link_to("data", "good");
    link_to("/sub/deep", "good-absolute");
    link_to("/data", "sub/top");
    link_to("../good", "sub/up");
    link_to("loop", "loop");
    link_to("/proc/self/root/etc", "magic");
    folder = wl_folder_open(top, writable, NULL);
    ck_assert_ptr_nonnull(folder);
    if (own_walk)
        wl_folder_without_openat2(folder);
}

static void done(void)
{
    wl_folder_free(folder);
    g_clear_pointer(&top, g_free);
}

static int open_read(const char *path)
{
    int fd = wl_folder_openat(folder, path, O_RDONLY, 0, NULL);
    if (fd >= 0)
        close(fd);
    return fd;
}

static bool reads(const char *path, const char *text)
{
    char buffer[64] = "";
    int fd = wl_folder_openat(folder, path, O_RDONLY, 0, NULL);
    ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof buffer - 1);
    if (fd >= 0)
        close(fd);
    return n >= 0 && !strcmp(buffer, text);
}

START_TEST(nothing_leads_out)
{
    make(true, _i);
    static const char *const outside[] = {
        "/../secret", "/../../../../etc/passwd", "/sub/../../secret", "/absolute", "/relative", "/above/secret",
        "/root/etc/passwd", "/magic/passwd", "/sub/../above/secret", "/etc/passwd", "/./.././secret", "//..//secret",
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(outside); i++) {
        int fd = open_read(outside[i]);
        ck_assert_msg(fd == -ENOENT || fd == -ELOOP, "%s gives %d", outside[i], fd);
        struct stat st;
        ck_assert_int_lt(wl_folder_stat(folder, outside[i], true, &st), 0);
        fd = wl_folder_openat(folder, outside[i], O_WRONLY | O_TRUNC, 0, NULL);
        ck_assert_int_lt(fd, 0);
    }
    g_autofree char *secret = g_build_filename(test_folder(), "secret", NULL), *text = NULL;
    /* Creating through such a path makes the file inside. */
    int fd = wl_folder_openat(folder, "/../new", O_CREAT | O_WRONLY, 0644, NULL);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert(reads("/new", ""));
    wl_folder_unlink(folder, "/../secret", false);
    wl_folder_rename(folder, "/data", "/../secret");
    ck_assert(g_file_get_contents(secret, &text, NULL, NULL));
    ck_assert_str_eq(text, "secret");
    ck_assert(reads("/secret", "hello"));
    done();
}
END_TEST

START_TEST(what_is_inside_works)
{
    make(false, _i);
    ck_assert(reads("/data", "hello"));
    ck_assert(reads("/good", "hello"));
    ck_assert(reads("/good-absolute", "deep"));
    ck_assert(reads("/sub/top", "hello"));
    ck_assert(reads("/sub/up", "hello"));
    ck_assert(reads("/sub/../sub/./deep", "deep"));
    ck_assert(reads("/root/root/sub/deep", "deep"));
    ck_assert(reads("/../data", "hello")); /* ".." of the top is the top */
    ck_assert_int_eq(open_read("/none"), -ENOENT);
    ck_assert_int_eq(open_read("/data/x"), -ENOTDIR);
    ck_assert_int_eq(open_read("/data/"), -ENOTDIR);
    ck_assert_int_eq(open_read("/loop"), -ELOOP);
    ck_assert_int_eq(wl_folder_openat(folder, "/good", O_RDONLY | O_NOFOLLOW, 0, NULL), -ELOOP);
    char target[64];
    ck_assert_int_eq(wl_folder_readlink(folder, "/good", target, sizeof target), 4);
    ck_assert_int_eq(wl_folder_readlink(folder, "/data", target, sizeof target), -EINVAL);
    g_autofree char *canonical = NULL;
    ck_assert_int_eq(wl_folder_canonical(folder, "/root/sub/../sub/.", &canonical), 0);
    ck_assert_str_eq(canonical, "/sub");
    done();
}
END_TEST

START_TEST(only_files_and_directories)
{
    make(true, _i);
    ck_assert_int_eq(open_read("/fifo"), -EACCES); /* and does not block */
    ck_assert_int_eq(wl_folder_openat(folder, "/fifo", O_RDWR, 0, NULL), -EACCES);
    ck_assert_int_ge(open_read("/sub"), 0);
    ck_assert_int_eq(wl_folder_openat(folder, "/sub", O_RDWR, 0, NULL), -EISDIR);
    done();
}
END_TEST

START_TEST(read_only_is_kept)
{
    make(false, _i);
    static const int flags[] = { O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC, O_WRONLY | O_APPEND, O_RDWR | O_CREAT };
    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++)
        ck_assert_int_eq(wl_folder_openat(folder, "/data", flags[i], 0644, NULL), -EROFS);
    ck_assert_int_eq(wl_folder_openat(folder, "/new", O_CREAT | O_RDONLY, 0644, NULL), -EROFS);
    ck_assert_int_eq(wl_folder_unlink(folder, "/data", false), -EROFS);
    ck_assert_int_eq(wl_folder_mkdir(folder, "/dir"), -EROFS);
    ck_assert_int_eq(wl_folder_rename(folder, "/data", "/other"), -EROFS);
    ck_assert(reads("/data", "hello"));
    done();
}
END_TEST

START_TEST(writable_can_be_written)
{
    make(true, _i);
    bool created;
    int fd = wl_folder_openat(folder, "/sub/new", O_CREAT | O_EXCL | O_WRONLY, 0644, &created);
    ck_assert_int_ge(fd, 0);
    ck_assert(created);
    close(fd);
    ck_assert_int_eq(wl_folder_openat(folder, "/sub/new", O_CREAT | O_EXCL | O_WRONLY, 0644, NULL), -EEXIST);
    ck_assert_int_eq(wl_folder_mkdir(folder, "/dir"), 0);
    ck_assert_int_eq(wl_folder_mkdir(folder, "/"), -EEXIST);
    ck_assert_int_eq(wl_folder_rename(folder, "/sub/new", "/dir/old"), 0);
    ck_assert_int_eq(wl_folder_unlink(folder, "/dir/old", false), 0);
    ck_assert_int_eq(wl_folder_unlink(folder, "/dir", true), 0);
    ck_assert_int_eq(wl_folder_unlink(folder, "/..", true), -EBUSY);
    done();
}
END_TEST

TCase *folder_tests(void)
{
    TCase *t = tcase_create("folder");
    tcase_add_loop_test(t, nothing_leads_out, 0, 2);
    tcase_add_loop_test(t, what_is_inside_works, 0, 2);
    tcase_add_loop_test(t, only_files_and_directories, 0, 2);
    tcase_add_loop_test(t, read_only_is_kept, 0, 2);
    tcase_add_loop_test(t, writable_can_be_written, 0, 2);
    return t;
}
