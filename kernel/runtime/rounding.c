/* fabs, floor, ceil and fmod: exact, from the bits of the number. */
#include "binary64.h"
#include "include/math.h"

double fabs(double x)
{
    return double_of(bits_of(x) & ~SIGN_MASK);
}

/* Towards zero; the sign stays, also that of a zero. */
static double truncated(double x)
{
    int exponent = biased_exponent(x) - EXPONENT_BIAS;
    if (exponent >= FRACTION_BITS) /* an integer, infinity or NaN */
        return x;
    if (exponent < 0)
        return double_of(bits_of(x) & SIGN_MASK);
    return double_of(bits_of(x) & ~(FRACTION_MASK >> exponent));
}

double floor(double x)
{
    double whole = truncated(x);
    return whole > x ? whole - 1.0 : whole;
}

double ceil(double x)
{
    double whole = truncated(x);
    return whole < x ? whole + 1.0 : whole;
}

/* magnitude == integer * 2^(exponent - constant); the integer has its top bit at IMPLICIT_BIT. */
static uint64_t normalised_integer(uint64_t magnitude, int *exponent)
{
    uint64_t integer = magnitude & FRACTION_MASK;
    *exponent = (int)(magnitude >> FRACTION_BITS);
    if (*exponent != 0)
        return integer | IMPLICIT_BIT;
    for (*exponent = 1; integer < IMPLICIT_BIT; (*exponent)--)
        integer <<= 1;
    return integer;
}

/* Long division that keeps the remainder only. */
double fmod(double x, double y)
{
    uint64_t sign = bits_of(x) & SIGN_MASK, dividend = bits_of(x) & ~SIGN_MASK, divisor = bits_of(y) & ~SIGN_MASK;
    if (y != y || divisor == 0 || biased_exponent(x) == EXPONENT_MAX)
        return x * y / (x * y); /* NaN */
    if (dividend < divisor)
        return x;

    int exponent, divisor_exponent;
    uint64_t rest = normalised_integer(dividend, &exponent);
    uint64_t step = normalised_integer(divisor, &divisor_exponent);
    for (;; exponent--, rest <<= 1) {
        if (rest >= step)
            rest -= step;
        if (exponent == divisor_exponent)
            break;
    }
    if (rest == 0)
        return double_of(sign);
    for (; rest < IMPLICIT_BIT && exponent > 1; exponent--)
        rest <<= 1;
    /* A subnormal result keeps the exponent field 0, and loses no bit: x and y are multiples of the same unit. */
    for (; exponent < 1; exponent++)
        rest >>= 1;
    if (rest >= IMPLICIT_BIT)
        rest += (uint64_t)(exponent - 1) << FRACTION_BITS; /* the implicit bit adds the last 1 */
    return double_of(sign | rest);
}

float fabsf(float x)
{
    return (float)fabs(x);
}

float floorf(float x)
{
    return (float)floor(x);
}

float ceilf(float x)
{
    return (float)ceil(x);
}

float fmodf(float x, float y)
{
    return (float)fmod(x, y);
}
