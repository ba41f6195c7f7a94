/* SPDX-License-Identifier: GPL-2.0-or-later */
/* files COMMAND PATH ...: what a guest can and cannot do with files; for tests. Commands: read, list (getdents), write
 * (creates, 1000 bytes), stat, fill (writes until it may not: natively that is until the disk is full). Each prints a
 * line for each path with the result or the error number; a path may be absolute, lead out by .., or be a link. */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void read_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        printf("read %s errno=%d\n", path, errno);
        return;
    }
    char buffer[4096];
    uint64_t sum = 0, bytes = 0;
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < n; i++, bytes++)
            sum = guest_mix(sum, (uint8_t)buffer[i]);
    if (n < 0)
        printf("read %s errno=%d\n", path, errno);
    else
        printf("read %s bytes=%llu checksum=0x%016llx\n", path, (unsigned long long)bytes, (unsigned long long)sum);
    close(fd);
}

static void list(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        printf("list %s errno=%d\n", path, errno);
        return;
    }
    printf("list %s", path);
    for (struct dirent *e; (e = readdir(dir));)
        printf(" %s", e->d_name);
    putchar('\n');
    closedir(dir);
}

static void write_file(const char *path, uint64_t limit)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) {
        printf("write %s errno=%d\n", path, errno);
        return;
    }
    static char block[65536];
    memset(block, 'x', sizeof block);
    uint64_t done = 0;
    int error = 0;
    while (done < limit) {
        size_t part = limit - done < sizeof block ? (size_t)(limit - done) : sizeof block;
        ssize_t n = write(fd, block, part);
        if (n <= 0) {
            error = n < 0 ? errno : 0;
            break;
        }
        done += (uint64_t)n;
    }
    printf("write %s bytes=%llu errno=%d\n", path, (unsigned long long)done, error);
    close(fd);
}

int main(int argc, char **argv)
{
    static const char *const commands[] = {"read", "list", "write", "stat", "fill"};
    size_t known = 0;
    while (argc > 2 && known < sizeof commands / sizeof *commands && strcmp(argv[1], commands[known]))
        known++;
    if (argc < 3 || known == sizeof commands / sizeof *commands) {
        fprintf(stderr, "usage: %s read|list|write|stat|fill PATH ...\n", argv[0]);
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        struct stat s;
        if (!strcmp(argv[1], "read"))
            read_file(argv[i]);
        else if (!strcmp(argv[1], "list"))
            list(argv[i]);
        else if (!strcmp(argv[1], "write"))
            write_file(argv[i], 1000);
        else if (!strcmp(argv[1], "fill"))
            write_file(argv[i], UINT64_C(1) << 40);
        else if (!strcmp(argv[1], "stat") && stat(argv[i], &s) == 0)
            printf("stat %s size=%lld dir=%d\n", argv[i], (long long)s.st_size, S_ISDIR(s.st_mode) != 0);
        else
            printf("%s %s errno=%d\n", argv[1], argv[i], errno);
    }
    return 0;
}
