/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes an input of fuzz-chunks of a trace: unpack-trace TRACE >INPUT. Payloads of 64 KiB and more are left out. */
#include "tr-chunk.h"
#include "tr-index.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
    struct stat st;
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &st) < 0) {
        fprintf(stderr, "usage: unpack-trace TRACE >INPUT\n");
        return 2;
    }
    tr_index x;
    tr_unpacker u = { 0 };
    tr_index_find(&x, fd, (uint64_t)st.st_size);
    for (guint i = 0; i < x.chunks->len; i++) {
        const tr_index_entry *e = &g_array_index(x.chunks, tr_index_entry, i);
        tr_chunk_header h;
        if (!tr_read_all(fd, e->offset, &h, sizeof h) || tr_unpacker_read(&u, fd, e->offset, &h) || h.size > 0xffff || h.count > 0xff)
            continue;
        const uint8_t head[4] = { h.kind, (uint8_t)h.size, (uint8_t)(h.size >> 8), (uint8_t)h.count };
        fwrite(head, 1, sizeof head, stdout);
        fwrite(u.data, 1, h.size, stdout);
    }
    tr_unpacker_clear(&u);
    tr_index_clear(&x);
    return 0;
}
