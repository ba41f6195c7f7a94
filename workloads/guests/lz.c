/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lz [KiB] [rounds] [seed]: an LZ77 compressor (hash chains of one, byte-aligned tokens) over generated text, and back. */
#include "guest.h"

enum { HASH_BITS = 13, MIN_MATCH = 4, MAX_MATCH = 255 + MIN_MATCH, WINDOW = 65535 };

static size_t make_text(uint8_t *out, size_t n, uint64_t *seed)
{
    static const char *const words[] = {
        "the ", "processor ", "state ", "of ", "a ", "virtual ", "machine ", "is ", "monitored ", "and ", "its ",
        "quantum ", "extended ", "or ", "ended ", "early ", "by ", "scheduler ", "cache ", "loop ", "branch ", "\n",
    };
    size_t k = 0;
    while (k < n) {
        uint64_t r = guest_random(seed);
        const char *w = words[(r >> 8) % (sizeof words / sizeof *words)];
        while (*w && k < n)
            out[k++] = (uint8_t)*w++;
        if ((r & 15) == 0 && k < n)
            out[k++] = (uint8_t)('0' + (r >> 40) % 10);
    }
    return k;
}

/* Token: literal run length, literals, match length - MIN_MATCH, offset (2 bytes; 0: no match, end). */
static size_t compress(const uint8_t *in, size_t n, uint8_t *out)
{
    static uint32_t last[1 << HASH_BITS];
    memset(last, 0, sizeof last);
    size_t at = 0, literals = 0, k = 0;
    while (at < n) {
        size_t match = 0, offset = 0;
        if (at + MIN_MATCH <= n) {
            uint32_t four;
            memcpy(&four, in + at, 4);
            uint32_t h = four * 2654435761u >> (32 - HASH_BITS);
            size_t candidate = last[h];
            last[h] = (uint32_t)at + 1;
            if (candidate && at + 1 - candidate <= WINDOW && at + 1 > candidate) {
                candidate--;
                while (match < MAX_MATCH && at + match < n && in[candidate + match] == in[at + match])
                    match++;
                offset = at - candidate;
            }
        }
        if (match < MIN_MATCH) {
            literals++;
            at++;
            if (literals < 255 && at < n)
                continue;
            match = offset = 0;
        }
        out[k++] = (uint8_t)literals;
        memcpy(out + k, in + at - literals, literals);
        k += literals;
        literals = 0;
        out[k++] = (uint8_t)(match ? match - MIN_MATCH : 0);
        out[k++] = (uint8_t)offset;
        out[k++] = (uint8_t)(offset >> 8);
        at += match;
    }
    return k;
}

static size_t decompress(const uint8_t *in, size_t n, uint8_t *out)
{
    size_t at = 0, k = 0;
    while (at < n) {
        size_t literals = in[at++];
        memcpy(out + k, in + at, literals);
        k += literals;
        at += literals;
        size_t match = in[at] + (size_t)MIN_MATCH, offset = in[at + 1] | (size_t)in[at + 2] << 8;
        at += 3;
        if (offset)
            for (size_t i = 0; i < match; i++, k++)
                out[k] = out[k - offset];
    }
    return k;
}

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[KiB] [rounds] [seed]");
    size_t n = guest_arg(argc, argv, 1, "size in KiB", 256, 1, 65536) * 1024;
    uint64_t rounds = guest_arg(argc, argv, 2, "number of rounds", 5, 1, 1000000);
    uint8_t *text = guest_alloc(n), *packed = guest_alloc(n * 2 + 64), *back = guest_alloc(n + 512);
    uint64_t seed = guest_seed(argc, argv, 3, 11), sum = 0;
    quanta_roi_begin();
    for (uint64_t r = 0; r < rounds; r++) {
        quanta_task_begin(TASK_COMPRESS, r);
        make_text(text, n, &seed);
        size_t size = compress(text, n, packed);
        size_t length = decompress(packed, size, back);
        if (length != n || memcmp(text, back, n) != 0) {
            fprintf(stderr, "lz: the round trip failed (%zu bytes of %zu)\n", length, n);
            return 1;
        }
        sum = guest_mix(sum, size);
        for (size_t i = 0; i + 8 <= size; i += 8) {
            uint64_t eight;
            memcpy(&eight, packed + i, 8);
            sum = guest_mix(sum, eight);
        }
        quanta_task_end(TASK_COMPRESS, r);
    }
    quanta_roi_end();
    return guest_done("lz", sum);
}
