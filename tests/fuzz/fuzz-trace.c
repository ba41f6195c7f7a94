/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "tr-chunk.h"

#include <string.h>
#include <xxhash.h>

static void put_header(GByteArray *file)
{
    tr_header h = { .magic = TR_MAGIC, .version_major = TR_VERSION_MAJOR, .isa = TR_ISA_X86_64, .header_bytes = sizeof h };
    h.hash = XXH64(&h, offsetof(tr_header, hash), 0);
    g_byte_array_append(file, (const guint8 *)&h, sizeof h);
}

GByteArray *fuzz_trace(const uint8_t *data, size_t size)
{
    GByteArray *file = g_byte_array_new();
    tr_packer *packer = tr_packer_new();
    uint32_t defined = 0, number = 0;
    put_header(file);
    while (size >= 4) {
        size_t n = MIN((size_t)(data[1] | data[2] << 8), size - 4);
        tr_chunk_header h = { .kind = data[0] & 7, .count = data[3], .number = number++ };
        h.first = h.kind == TR_CHUNK_CODE ? defined : 0;
        defined += h.kind == TR_CHUNK_CODE ? h.count : 0;
        size_t stored;
        const uint8_t *chunk = tr_packer_pack(packer, &h, data + 4, n, &stored);
        g_byte_array_append(file, chunk, (guint)stored);
        data += 4 + n;
        size -= 4 + n;
    }
    tr_packer_free(packer);
    return file;
}
