/*
 * Argument reduction for sin and cos: which quadrant, and how far into it. x is an exact binary number, pi is not, and
 * the nearest multiple of pi/2 may agree with x in 61 bits more than a double holds.
 */
#include "angle.h"

#include "binary64.h"

#define PI_4 0x1.921fb54442d18p-1
#define TWO_OVER_PI 0x1.45f306dc9c883p-1
/* pi/2 in three parts. The first two have 33 bits: times an integer of 20 bits they are exact. */
#define PI_2_HIGH 0x1.921fb544p+0
#define PI_2_MIDDLE 0x1.0b4611a6p-34
#define PI_2_LOW 0x1.3198a2e037073p-69
#define SUBTRACTION_LIMIT 0x1p20 /* below it the nearest multiple has 20 bits */
/* The parts leave an error of 2^-97, which is 2^-60 of what is above this limit. */
#define CANCELLATION_LIMIT 0x1p-37

#define WINDOW_WORDS 6
#define WORD_BITS 32

/* 64 zeros, for arguments near 1, then 2/pi = 0.1010 0010 1111 1001... in binary. */
static const uint32_t two_over_pi[] = {
    0,          0,          0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041,
    0xfe5163ab, 0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e,
    0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b,
    0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d,
    0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046,
};

#define LEADING_ZEROS 64
#define PI_2_TIMES_2_63 0xc90fdaa22168c235u

/* The upper half of the product of 128 bits. */
static uint64_t multiply_high(uint64_t a, uint64_t b)
{
    uint64_t a_high = a >> 32, a_low = (uint32_t)a, b_high = b >> 32, b_low = (uint32_t)b;
    uint64_t middle = a_high * b_low + (a_low * b_low >> 32);
    uint64_t other = a_low * b_high + (uint32_t)middle;
    return a_high * b_high + (middle >> 32) + (other >> 32);
}

/*
 * x * 2/pi modulo 4, in two integer bits and 190 fraction bits, the most significant word first. x is an integer of 53
 * bits times 2^exponent. Bits of 2/pi that make multiples of 4 are left out, and those that come after the window: an
 * error below 2^53 units in the last place (Payne and Hanek, 1983).
 */
static void quarter_turns(double x, uint32_t turns[WINDOW_WORDS])
{
    uint64_t integer = (bits_of(x) & FRACTION_MASK) | IMPLICIT_BIT;
    int exponent = biased_exponent(x) - EXPONENT_BIAS - FRACTION_BITS;
    /* Bit k behind the point of 2/pi weighs 2^(exponent - k) here; the first that counts weighs 2. */
    unsigned first_bit = (unsigned)(exponent - 2 + LEADING_ZEROS);
    const uint32_t *source = two_over_pi + first_bit / WORD_BITS;
    unsigned shift = first_bit % WORD_BITS;
    uint32_t window[WINDOW_WORDS];
    for (int i = 0; i < WINDOW_WORDS; i++)
        window[i] = (uint32_t)(((uint64_t)source[i] << 32 | source[i + 1]) << shift >> 32);

    uint64_t carry = 0;
    for (int i = WINDOW_WORDS - 1; i >= 0; i--) {
        carry += window[i] * (uint64_t)(uint32_t)integer;
        turns[i] = (uint32_t)carry;
        carry >>= 32;
    }
    carry = 0;
    for (int i = WINDOW_WORDS - 2; i >= 0; i--) {
        carry += window[i + 1] * (integer >> 32) + turns[i];
        turns[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* Any finite x from pi/4 on. */
static void reduce_exactly(double x, struct angle *angle)
{
    uint32_t turns[WINDOW_WORDS];
    quarter_turns(x, turns);

    /* The nearest multiple: from half a quarter turn on it is the next one, and the rest is negative. */
    uint32_t negative = turns[0] >> 29 & 1 ? 0xffffffff : 0;
    angle->quadrant = ((turns[0] >> 30) - negative) & 3;
    turns[0] = (turns[0] ^ negative) & 0x3fffffff;
    for (int i = 1; i < WINDOW_WORDS; i++)
        turns[i] ^= negative;

    /* The first 64 significant bits. No double comes closer to a multiple than 2^-62 quarter turns. */
    int first = 0;
    while (turns[first] == 0 && first < WINDOW_WORDS - 3)
        first++;
    int zeros = __builtin_clz(turns[first] | 1);
    uint64_t rest = (uint64_t)turns[first] << 32 | turns[first + 1];
    rest = rest << zeros | (uint64_t)turns[first + 2] << zeros >> 32;

    uint64_t radians = multiply_high(rest, PI_2_TIMES_2_63);
    double unit = power_of_two(2 - first * WORD_BITS - zeros - 63);
    if (negative)
        unit = -unit;
    uint32_t low_bits = (uint32_t)radians & 0x7ff; /* what a double has no room for */
    angle->high = ((double)(uint32_t)(radians >> 32) * 0x1p32 + (double)((uint32_t)radians - low_bits)) * unit;
    angle->low = (double)low_bits * unit;
}

void bf_reduce_angle(double x, struct angle *angle)
{
    double magnitude = x < 0.0 ? -x : x;
    if (magnitude <= PI_4) {
        *angle = (struct angle){.high = x};
        return;
    }
    if (magnitude < SUBTRACTION_LIMIT) {
        int multiple = nearest_integer(x * TWO_OVER_PI);
        double start = x - multiple * PI_2_HIGH; /* exact */
        double middle = multiple * PI_2_MIDDLE;  /* exact */
        double rest = start - middle;
        double taken = start - rest;
        double rounding = (start - (rest + taken)) + (taken - middle); /* start - middle == rest + rounding */
        double low = multiple * PI_2_LOW - rounding;
        double high = rest - low;
        if (high > CANCELLATION_LIMIT || high < -CANCELLATION_LIMIT) {
            angle->high = high;
            angle->low = (rest - high) - low;
            angle->quadrant = (unsigned)multiple & 3;
            return;
        }
    }
    reduce_exactly(magnitude, angle);
    if (x < 0.0) {
        angle->high = -angle->high;
        angle->low = -angle->low;
        angle->quadrant = -angle->quadrant & 3;
    }
}
