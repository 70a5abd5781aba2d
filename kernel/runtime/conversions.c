/*
 * Conversions between 64-bit integers and floating point, which i686 has no SSE2 instructions for. Compilers call these
 * by name (libgcc's names and meaning). To an integer they cut towards zero; what does not fit gives any value.
 */
#include "binary64.h"

#include <stdbool.h>

uint64_t __fixunsdfdi(double value);
int64_t __fixdfdi(double value);
uint64_t __fixunssfdi(float value);
int64_t __fixsfdi(float value);
double __floatundidf(uint64_t value);
double __floatdidf(int64_t value);
float __floatundisf(uint64_t value);
float __floatdisf(int64_t value);

#define TWO_32 4294967296.0
#define EXACT_BITS 53 /* integers of so many bits are exact in a double */
#define EXCESS_BITS (64 - EXACT_BITS)
#define EXCESS_MASK ((1u << EXCESS_BITS) - 1)

static uint64_t magnitude_cut(double value)
{
    int exponent = biased_exponent(value) - EXPONENT_BIAS;
    uint64_t integer = (bits_of(value) & FRACTION_MASK) | IMPLICIT_BIT;
    if (exponent < 0 || exponent > 63)
        return 0;
    return exponent > FRACTION_BITS ? integer << (exponent - FRACTION_BITS) : integer >> (FRACTION_BITS - exponent);
}

uint64_t __fixunsdfdi(double value)
{
    return magnitude_cut(value);
}

int64_t __fixdfdi(double value)
{
    uint64_t magnitude = magnitude_cut(value);
    return (int64_t)(value < 0.0 ? -magnitude : magnitude);
}

uint64_t __fixunssfdi(float value)
{
    return __fixunsdfdi(value);
}

int64_t __fixsfdi(float value)
{
    return __fixdfdi(value);
}

/* Both halves are exact, so only the sum rounds. */
double __floatundidf(uint64_t value)
{
    return (double)(uint32_t)(value >> 32) * TWO_32 + (double)(uint32_t)value;
}

double __floatdidf(int64_t value)
{
    return (double)(int32_t)(value >> 32) * TWO_32 + (double)(uint32_t)value;
}

/* Makes the integer exact in a double and keeps what decides how a float rounds: whether anything was cut off stands in
 * the last bit left (rounding to odd). */
static uint64_t fit_for_rounding_twice(uint64_t magnitude)
{
    if (magnitude >> EXACT_BITS == 0 || (magnitude & EXCESS_MASK) == 0)
        return magnitude;
    return (magnitude & ~(uint64_t)EXCESS_MASK) | (EXCESS_MASK + 1);
}

float __floatundisf(uint64_t value)
{
    return (float)__floatundidf(fit_for_rounding_twice(value));
}

float __floatdisf(int64_t value)
{
    bool is_negative = value < 0;
    float result = __floatundisf(is_negative ? -(uint64_t)value : (uint64_t)value);
    return is_negative ? -result : result;
}
