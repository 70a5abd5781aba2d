/* exp: x = k * ln 2 + r, the Taylor series of e^r, and 2^k put into the exponent. */
#include "binary64.h"
#include "include/math.h"
#include "ln2.h"

#define OVERFLOW_LIMIT 0x1.62e42fefa39efp+9   /* the largest x with a finite result */
#define UNDERFLOW_LIMIT -0x1.74910d52d3052p+9 /* e^x is less than half the smallest subnormal number */
#define ONE_OVER_LN2 0x1.71547652b82fep+0

/* (e^r - 1 - r) / r^2. The first one left out is r^15/15!: below 2^-63 for |r| up to ln(2)/2. */
static const double exp_terms[] = {
    1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,        1.0 / 5040,        1.0 / 40320,
    1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200,
};

double exp(double x)
{
    if (x != x)
        return x + x;
    if (x > OVERFLOW_LIMIT)
        return INFINITY;
    if (x < UNDERFLOW_LIMIT)
        return 0.0;

    int k = nearest_integer(x * ONE_OVER_LN2);
    double high = x - k * LN2_HIGH; /* exact */
    double low = k * LN2_LOW;
    double r = high - low;
    double tail = r * r * polynomial(r, exp_terms, sizeof exp_terms / sizeof *exp_terms) - low;
    /* e^r = 1 + high + tail. What rounding takes from the first sum is given back. */
    double sum = 1.0 + high;
    double result = sum + (high - (sum - 1.0) + tail);
    /* In two steps: 2^k alone can be too large or too small for a double. */
    return result * power_of_two(k / 2) * power_of_two(k - k / 2);
}

float expf(float x)
{
    return (float)exp(x);
}
