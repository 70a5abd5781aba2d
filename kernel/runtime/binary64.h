/* The parts of a double, which is IEEE 754 binary64 here. */
#pragma once
#include <stdint.h>

#define FRACTION_BITS 52
#define EXPONENT_BIAS 1023
#define EXPONENT_MAX 0x7FF /* biased, of infinities and NaNs */
#define SIGN_MASK 0x8000000000000000u
#define FRACTION_MASK 0x000FFFFFFFFFFFFFu
#define IMPLICIT_BIT 0x0010000000000000u

static inline uint64_t bits_of(double value)
{
    union {
        double value;
        uint64_t bits;
    } both = {.value = value};
    return both.bits;
}

static inline double double_of(uint64_t bits)
{
    union {
        uint64_t bits;
        double value;
    } both = {.bits = bits};
    return both.value;
}

/* 0 for zero and subnormal numbers. */
static inline int biased_exponent(double value)
{
    return (int)(bits_of(value) >> FRACTION_BITS) & EXPONENT_MAX;
}

/* `exponent` is -1022 to 1023. */
static inline double power_of_two(int exponent)
{
    return double_of((uint64_t)(exponent + EXPONENT_BIAS) << FRACTION_BITS);
}

/* `value` is in the range of int. Ties go away from zero. */
static inline int nearest_integer(double value)
{
    return (int)(value < 0.0 ? value - 0.5 : value + 0.5);
}

/* terms[0] + terms[1] * x + terms[2] * x^2 + ... (Horner). */
static inline double polynomial(double x, const double *terms, int count)
{
    double sum = terms[count - 1];
    for (int i = count - 2; i >= 0; i--)
        sum = sum * x + terms[i];
    return sum;
}
