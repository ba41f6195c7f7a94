/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sha256 [KiB] [rounds] [seed]: SHA-256 (FIPS 180-4) of generated data; two known vectors are checked first. */
#include "guest.h"

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void block(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] + (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, h, sizeof s);
    /* The standard's a to h are s[-i & 7] onwards: the ring turns in place of eight moves. */
    for (int i = 0; i < 64; i++) {
        uint32_t a = s[-i & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7], e = s[(4 - i) & 7], f = s[(5 - i) & 7];
        uint32_t t = s[(7 - i) & 7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & s[(6 - i) & 7])) + K[i] + w[i];
        s[(3 - i) & 7] += t;
        s[(7 - i) & 7] = t + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    }
    for (int i = 0; i < 8; i++)
        h[i] += s[i];
}

static void sha256(const uint8_t *data, size_t n, uint32_t h[8])
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t tail[128] = {0};
    size_t whole = n / 64 * 64, rest = n - whole, padded = rest < 56 ? 64 : 128;
    memcpy(h, start, sizeof start);
    for (size_t i = 0; i < whole; i += 64)
        block(h, data + i);
    memcpy(tail, data + whole, rest);
    tail[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        tail[padded - 1 - (size_t)i] = (uint8_t)((uint64_t)n * 8 >> 8 * i);
    for (size_t i = 0; i < padded; i += 64)
        block(h, tail + i);
}

/* FIPS 180-4's examples; the second is padded to two blocks. */
static int known_vectors(void)
{
    static const struct {
        const char *text;
        uint32_t h[8];
    } vectors[] = {
        {"abc", {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad}},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         {0x248d6a61, 0xd20638b8, 0xe5c02693, 0x0c3e6039, 0xa33ce459, 0x64ff2167, 0xf6ecedd4, 0x19db06c1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t h[8];
        sha256((const uint8_t *)vectors[i].text, strlen(vectors[i].text), h);
        if (memcmp(h, vectors[i].h, sizeof h) != 0)
            return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    guest_usage(argc, argv, "[KiB] [rounds] [seed]");
    size_t n = guest_arg(argc, argv, 1, "size in KiB", 64, 1, 1048576) * 1024;
    uint64_t rounds = guest_arg(argc, argv, 2, "number of rounds", 10, 1, 1000000);
    uint32_t h[8];
    if (!known_vectors()) {
        fprintf(stderr, "sha256: a known vector is wrong\n");
        return 1;
    }
    uint8_t *data = guest_alloc(n);
    uint64_t seed = guest_seed(argc, argv, 3, 17), sum = 0;
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(guest_random(&seed) >> 56);
    quanta_roi_begin();
    for (uint64_t r = 0; r < rounds; r++) {
        quanta_task_begin(TASK_HASH, r);
        sha256(data, n, h);
        memcpy(data + (r * 32) % (n - 31), h, sizeof h);
        sum = guest_mix(sum, (uint64_t)h[0] << 32 | h[7]);
        quanta_task_end(TASK_HASH, r);
    }
    quanta_roi_end();
    return guest_done("sha256", sum);
}
