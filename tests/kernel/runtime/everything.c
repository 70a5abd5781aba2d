/*
 * Everything of the runtime that has a result, over n random inputs, as one checksum: a module whose answer on the
 * machine has to be that of the same sources on the host.
 */
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 16
#define LARGEST_BLOCK 1000

uint32_t everything_main(uint32_t n);

static uint64_t random_state;
static uint32_t checksum;

static uint64_t random_bits(void) /* xorshift */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static void mix(uint64_t value)
{
    checksum = ((checksum << 5 | checksum >> 27) ^ (uint32_t)value) * 0x9E3779B1u;
    checksum = ((checksum << 5 | checksum >> 27) ^ (uint32_t)(value >> 32)) * 0x9E3779B1u;
}

static void mix_real(double value)
{
    uint64_t bits = UINT64_MAX; /* one for all NaNs */
    if (!isnan(value))
        memcpy(&bits, &value, sizeof bits);
    mix(bits);
}

static double random_real(void) /* of any magnitude, or below 1000 */
{
    uint64_t bits = random_bits();
    double value;
    memcpy(&value, &bits, sizeof value);
    return bits & 1 ? value : (double)(int64_t)bits * (1000.0 / 9223372036854775808.0);
}

static void try_mathematics(void)
{
    static double (*const doubles[])(double) = {sin, cos, exp, log, sqrt, fabs, floor, ceil};
    static float (*const singles[])(float) = {sinf, cosf, expf, logf, sqrtf, fabsf, floorf, ceilf};
    double x = random_real(), y = random_real();
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        mix_real(doubles[i](x));
        mix_real(singles[i]((float)x));
    }
    mix_real(fmod(x, y));
    mix_real(fmodf((float)x, (float)y));
}

/* As operations, which compilers make calls of as they see fit, and as calls. */
int64_t __muldi3(int64_t a, int64_t b), __divdi3(int64_t a, int64_t b), __moddi3(int64_t a, int64_t b);
uint64_t __udivdi3(uint64_t a, uint64_t b), __umoddi3(uint64_t a, uint64_t b);
int64_t __ashldi3(int64_t a, int b), __ashrdi3(int64_t a, int b), __lshrdi3(int64_t a, int b);
int __clzdi2(uint64_t a), __ctzdi2(uint64_t a), __ffsdi2(uint64_t a), __paritydi2(uint64_t a);
int __popcountsi2(uint32_t a), __popcountdi2(uint64_t a), __clrsbsi2(int32_t a), __clrsbdi2(int64_t a);
uint64_t __fixunsdfdi(double a), __fixunssfdi(float a);
int64_t __fixdfdi(double a), __fixsfdi(float a);
double __floatundidf(uint64_t a), __floatdidf(int64_t a);
float __floatundisf(uint64_t a), __floatdisf(int64_t a);

static void try_integers(void)
{
    uint64_t a = random_bits(), b = (random_bits() >> (random_bits() & 63)) | 1;
    int64_t signed_a = (int64_t)a, signed_b = (int64_t)(b >> 1 | 1);
    int count = (int)(random_bits() & 63);
    mix(a * b);
    mix(a / b);
    mix(a % b);
    mix((uint64_t)(signed_a / signed_b));
    mix((uint64_t)(signed_a % signed_b));
    mix(a << count);
    mix(a >> count);
    mix((uint64_t)(signed_a >> count));
    mix((uint64_t)__builtin_popcountll(a) + (uint64_t)__builtin_clzll(b) + (uint64_t)__builtin_ctzll(b));

    mix((uint64_t)__muldi3(signed_a, signed_b));
    mix((uint64_t)__divdi3(signed_a, signed_b));
    mix((uint64_t)__moddi3(signed_a, signed_b));
    mix(__udivdi3(a, b));
    mix(__umoddi3(a, b));
    mix((uint64_t)__ashldi3(signed_a, count));
    mix((uint64_t)__ashrdi3(signed_a, count));
    mix((uint64_t)__lshrdi3(signed_a, count));
    mix((uint64_t)__clzdi2(b) << 32 | (uint64_t)__ctzdi2(b));
    mix((uint64_t)__ffsdi2(b << 5) << 32 | (uint64_t)__paritydi2(a));
    mix((uint64_t)__popcountsi2((uint32_t)a) << 32 | (uint64_t)__popcountdi2(a));
    mix((uint64_t)__clrsbsi2((int32_t)b) << 32 | (uint64_t)__clrsbdi2(signed_b));
}

static void try_conversions(void)
{
    uint64_t a = random_bits() >> (random_bits() & 63);
    int64_t negative = -(int64_t)(a >> 1);
    mix_real((double)a);
    mix_real((float)a);
    mix_real((double)negative);
    mix_real((float)negative);
    mix_real(__floatundidf(a));
    mix_real(__floatdidf(negative));
    mix_real(__floatundisf(a));
    mix_real(__floatdisf(negative));

    double magnitude = (double)(a >> 1);
    mix((uint64_t)magnitude);
    mix((uint64_t)(int64_t)-magnitude);
    mix((uint64_t)(float)(a >> 2));
    mix(__fixunsdfdi(magnitude));
    mix((uint64_t)__fixdfdi(-magnitude));
    mix(__fixunssfdi((float)(a >> 2)));
    mix((uint64_t)__fixsfdi((float)negative / 4));
}

static void mix_bytes(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        mix(bytes[i]);
}

static void try_memory(void)
{
    unsigned char *blocks[BLOCKS];
    size_t sizes[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        sizes[i] = 1 + random_bits() % LARGEST_BLOCK;
        blocks[i] = i & 1 ? malloc(sizes[i]) : calloc(sizes[i], 1);
        if (!blocks[i])
            abort();
        if (i & 1)
            memset(blocks[i], i, sizes[i]);
    }
    for (int i = 0; i < BLOCKS; i += 3) {
        size_t grown = sizes[i] + random_bits() % LARGEST_BLOCK;
        blocks[i] = realloc(blocks[i], grown);
        if (!blocks[i])
            abort();
        memset(blocks[i] + sizes[i], 0xEE, grown - sizes[i]);
        memmove(blocks[i] + grown / 2, blocks[i] + grown / 3, grown / 2);
        sizes[i] = grown;
    }
    for (int i = 0; i < BLOCKS; i++) {
        mix_bytes(blocks[i], sizes[i]);
        mix((uint64_t)(memcmp(blocks[i], blocks[(i + 1) % BLOCKS], 1) > 0));
        free(blocks[i]);
    }
}

static void try_strings(void)
{
    static const char *const words[] = {"", "a", "ab", "abc", "b", "\xff"};
    const char *left = words[random_bits() % 6], *right = words[random_bits() % 6];
    mix((uint64_t)((strcmp(left, right) > 0) + 2 * (strcmp(left, right) < 0)));
    mix((uint64_t)((strncmp(left, right, 2) > 0) + 2 * (strncmp(left, right, 2) < 0)));
    mix(strlen(left) + (uint64_t)CHAR_BIT);
}

uint32_t everything_main(uint32_t n)
{
    checksum = 0;
    random_state = 88172645463325252u + n;
    for (uint32_t i = 0; i < n; i++) {
        try_mathematics();
        try_integers();
        try_conversions();
        try_strings();
        if (i % 16 == 0)
            try_memory();
    }
    return checksum;
}
