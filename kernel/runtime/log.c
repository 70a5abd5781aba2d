/* log: x = 2^k * m, and log m = 2 artanh s with s = (m - 1) / (m + 1), carried in two doubles. */
#include "binary64.h"
#include "include/math.h"
#include "ln2.h"

#define SQRT_2 0x1.6a09e667f3bcdp+0
#define SUBNORMAL_SCALE 54
#define UPPER_HALF_MASK 0xFFFFFFFFF8000000u /* leaves 26 significant bits: a product of two such numbers is exact */

/* (2 artanh s - 2 s) / s^3 as terms of s^2. The first one left out is s^24/25 of s: below 2^-65 for m in
 * [sqrt(1/2), sqrt 2]. */
static const double artanh_terms[] = {
    2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23,
};

static double upper_half(double value)
{
    return double_of(bits_of(value) & UPPER_HALF_MASK);
}

/* x is finite and positive. */
static double log_of_positive(double x)
{
    int k = 0;
    if (biased_exponent(x) == 0) {
        x *= power_of_two(SUBNORMAL_SCALE);
        k = -SUBNORMAL_SCALE;
    }
    k += biased_exponent(x) - EXPONENT_BIAS;
    double m = double_of((bits_of(x) & FRACTION_MASK) | (uint64_t)EXPONENT_BIAS << FRACTION_BITS);
    if (m > SQRT_2) {
        m *= 0.5;
        k++;
    }

    double numerator = m - 1.0; /* exact */
    double denominator = m + 1.0;
    double denominator_low = m - (denominator - 1.0); /* denominator + denominator_low == m + 1 */
    double s = numerator / denominator;
    /* The rest of the long division: s_high * d_high is exact, and so is its difference from the numerator. */
    double s_high = upper_half(s), d_high = upper_half(denominator);
    double d_low = denominator - d_high + denominator_low;
    double s_low = (numerator - s_high * d_high - s_high * d_low) / denominator;

    double square = s * s;
    double series = s * square * polynomial(square, artanh_terms, sizeof artanh_terms / sizeof *artanh_terms);
    double large = k * LN2_HIGH, small = 2.0 * s_high; /* both exact; the larger is large, or 0 */
    double sum = large + small;
    double rounding = large == 0.0 ? 0.0 : small - (sum - large);
    return sum + (rounding + (2.0 * s_low + series + k * LN2_LOW));
}

double log(double x)
{
    if (x != x || x == INFINITY)
        return x + x;
    if (x < 0.0)
        return NAN;
    if (x == 0.0)
        return -INFINITY;
    return log_of_positive(x);
}

float logf(float x)
{
    return (float)log(x);
}
