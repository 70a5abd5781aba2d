/*
 * SHA-256 (FIPS 180-4) of a generated message.
 *
 * n is the length of the message in bytes; it is generated and hashed in pieces of PIECE_LENGTH.
 * The answer is the first word of the digest, read as a big-endian number: the first eight digits of its usual
 * hexadecimal form.
 */
#include "module.h"

/* No multiple of the 64-byte block, so that partly filled blocks are continued. */
enum { BLOCK_LENGTH = 64, PIECE_LENGTH = 100 };

struct sha256 {
    uint32_t state[8];
    uint8_t block[BLOCK_LENGTH]; /* the first `length % BLOCK_LENGTH` bytes are waiting */
    uint64_t length;             /* of the message so far, in bytes */
};

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right(uint32_t value, unsigned count)
{
    return rotate_left(value, 32 - count);
}

/* The message schedule W of FIPS 180-4, 6.2.2, step 1. */
static void expand(const uint8_t *block, uint32_t *schedule)
{
    for (int t = 0; t < 16; t++, block += 4)
        schedule[t] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];

    for (int t = 16; t < 64; t++) {
        uint32_t w15 = schedule[t - 15];
        uint32_t w2 = schedule[t - 2];
        uint32_t sigma0 = rotate_right(w15, 7) ^ rotate_right(w15, 18) ^ (w15 >> 3);
        uint32_t sigma1 = rotate_right(w2, 17) ^ rotate_right(w2, 19) ^ (w2 >> 10);

        schedule[t] = sigma1 + schedule[t - 7] + sigma0 + schedule[t - 16];
    }
}

/* Steps 2 to 4 of FIPS 180-4, 6.2.2; the names are the standard's. */
static void compress(uint32_t *state, const uint8_t *block)
{
    uint32_t schedule[64];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

    expand(block, schedule);
    for (int t = 0; t < 64; t++) {
        uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t choose = (e & f) ^ (~e & g);
        uint32_t t1 = h + sum1 + choose + round_constant[t] + schedule[t];
        uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t majority = (a & b) ^ (a & c) ^ (b & c);

        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + sum0 + majority;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

/* The initial hash value: fractional parts of the square roots of the first 8 primes (FIPS 180-4, 5.3.3). */
static void start(struct sha256 *hash)
{
    static const uint32_t initial[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };

    for (int i = 0; i < 8; i++)
        hash->state[i] = initial[i];
    hash->length = 0;
}

static void add_byte(struct sha256 *hash, uint8_t byte)
{
    hash->block[hash->length++ % BLOCK_LENGTH] = byte;
    if (hash->length % BLOCK_LENGTH == 0)
        compress(hash->state, hash->block);
}

static void add_bytes(struct sha256 *hash, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_byte(hash, bytes[i]);
}

/* Pads (FIPS 180-4, 5.1.1): a one bit, zeros, the length in bits as 64-bit big-endian number. */
static void finish(struct sha256 *hash)
{
    uint64_t bits = hash->length * 8;

    add_byte(hash, 0x80);
    while (hash->length % BLOCK_LENGTH != BLOCK_LENGTH - 8)
        add_byte(hash, 0);
    for (int shift = 56; shift >= 0; shift -= 8)
        add_byte(hash, (uint8_t)(bits >> shift));
}

uint32_t sha256_main(uint32_t n)
{
    struct sha256 hash;
    uint8_t piece[PIECE_LENGTH];
    uint32_t random = n;

    start(&hash);
    while (n > 0) {
        uint32_t length = n < PIECE_LENGTH ? n : PIECE_LENGTH;

        for (uint32_t i = 0; i < length; i++)
            piece[i] = (uint8_t)next_random(&random);
        add_bytes(&hash, piece, length);
        n -= length;
    }
    finish(&hash);
    return hash.state[0];
}
