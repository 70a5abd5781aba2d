/* sin and cos: Taylor series on [-pi/4, pi/4] behind an exact argument reduction. */
#include "angle.h"
#include "binary64.h"
#include "include/math.h"

/* Below it sin x rounds to x, with its sign, also where x^3 is no longer a normal number. */
#define SIN_IS_X 0x1p-27

/* (sin x - x) / x^3 as terms of x^2. The first one left out is x^18/19! of x: below 2^-62 on the interval. */
static const double sin_terms[] = {
    -1.0 / 6,          1.0 / 120,          -1.0 / 5040,          1.0 / 362880,
    -1.0 / 39916800.0, 1.0 / 6227020800.0, -1.0 / 1307674368000, 1.0 / 355687428096000,
};

/* (cos x - 1 + x^2/2) / x^4 as terms of x^2. The first one left out is x^18/18!: below 2^-58 on the interval. */
static const double cos_terms[] = {
    1.0 / 24,        -1.0 / 720,         1.0 / 40320,          -1.0 / 3628800,
    1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000,
};

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* sin(high + low), by sin high + low * cos high. */
static double sine(const struct angle *angle)
{
    double x = angle->high, square = x * x;
    return x + (angle->low * (1.0 - 0.5 * square) + x * square * polynomial(square, sin_terms, COUNT(sin_terms)));
}

/* cos(high + low), by cos high - low * sin high. What rounding takes from 1 - x^2/2 is given back. */
static double cosine(const struct angle *angle)
{
    double x = angle->high, square = x * x, half = 0.5 * square, near = 1.0 - half;
    double rounding = (1.0 - near) - half;
    return near + (rounding + (square * square * polynomial(square, cos_terms, COUNT(cos_terms)) - x * angle->low));
}

/* sin(x + quadrants * pi/2) */
static double sine_ahead(double x, unsigned quadrants)
{
    if (biased_exponent(x) == EXPONENT_MAX)
        return x - x; /* NaN for an infinity */
    struct angle angle;
    bf_reduce_angle(x, &angle);
    quadrants += angle.quadrant;
    double value = quadrants & 1 ? cosine(&angle) : sine(&angle);
    return quadrants & 2 ? -value : value;
}

double sin(double x)
{
    if (x < SIN_IS_X && x > -SIN_IS_X)
        return x;
    return sine_ahead(x, 0);
}

double cos(double x)
{
    return sine_ahead(x, 1);
}

float sinf(float x)
{
    return (float)sin(x);
}

float cosf(float x)
{
    return (float)cos(x);
}
