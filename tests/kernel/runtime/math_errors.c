/*
 * Largest errors of the runtime's mathematics against the host's libm in long double, in units in the last place of the
 * result. The runtime is compiled with its names prefixed by bf_. Reads doubles to try in addition, as raw bytes, from
 * standard input; prints "NAME ERROR ARGUMENT" for each function.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define POINTS 300000       /* of each kind */
#define FLOAT_STRIDE 3001   /* of the bit patterns of all floats */
#define MAX_EXTRA 30000
#define PI_2 1.57079632679489661923L

double bf_sin(double), bf_cos(double), bf_exp(double), bf_log(double), bf_sqrt(double);
float bf_sinf(float), bf_cosf(float), bf_expf(float), bf_logf(float), bf_sqrtf(float);

struct function {
    const char *name;
    double (*tested)(double);
    float (*tested_single)(float);
    long double (*exact)(long double);
    double low, high; /* where the results are neither infinite nor constant */
};

static const struct function functions[] = {
    {"sin", bf_sin, bf_sinf, sinl, -30.0, 30.0},
    {"cos", bf_cos, bf_cosf, cosl, -30.0, 30.0},
    {"exp", bf_exp, bf_expf, expl, -746.0, 710.0},
    {"log", bf_log, bf_logf, logl, 0.0, 4.0},
    {"sqrt", bf_sqrt, bf_sqrtf, sqrtl, 0.0, 4.0},
};

static uint64_t state = 88172645463325252u;

static uint64_t random_bits(void) /* xorshift: the same points on every run */
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Of a result near `exact`, with this many significant bits and this least exponent. */
static double error_in_units(double result, long double exact, int bits, int least_exponent)
{
    if (isnan(exact))
        return isnan(result) ? 0.0 : INFINITY;
    int exponent;
    frexpl(exact, &exponent);
    if (exponent < least_exponent)
        exponent = least_exponent;
    long double end = ldexpl(1.0L, bits == 53 ? 1024 : 128); /* what an infinite result counts as */
    if (fabsl(exact) >= end)
        return isinf(result) && (result < 0) == (exact < 0) ? 0.0 : INFINITY;
    if (isinf(result))
        return (double)((end - fabsl(exact)) / ldexpl(1.0L, exponent - bits));
    return (double)(fabsl((long double)result - exact) / ldexpl(1.0L, exponent - bits));
}

struct worst {
    double error, argument;
};

static void note(struct worst *worst, double error, double argument)
{
    if (!(error <= worst->error))
        *worst = (struct worst){error, argument};
}

static void try_double(const struct function *function, double x, struct worst *worst)
{
    note(worst, error_in_units(function->tested(x), function->exact(x), 53, -1021), x);
}

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int main(void)
{
    static double extra[MAX_EXTRA];
    size_t extras = fread(extra, sizeof *extra, MAX_EXTRA, stdin);
    for (const struct function *each = functions; each < functions + sizeof functions / sizeof *functions; each++) {
        struct worst worst = {0}, worst_single = {0};
        for (int i = 0; i < POINTS; i++) {
            try_double(each, from_bits(random_bits()), &worst); /* all magnitudes, NaNs, subnormals */
            try_double(each, each->low + (each->high - each->low) * (double)(random_bits() >> 11) * 0x1p-53, &worst);
            try_double(each, 1.0 + ((double)(random_bits() >> 11) * 0x1p-53 - 0.5) * ldexp(1.0, -(i % 52)), &worst);
            try_double(each, from_bits(random_bits() >> 12), &worst); /* subnormals */
            double multiple = (double)((long double)(random_bits() >> (11 + i % 53)) * PI_2);
            try_double(each, multiple, &worst);
            try_double(each, nextafter(multiple, INFINITY), &worst);
        }
        for (size_t i = 0; i < extras; i++)
            for (int step = -1; step <= 1; step++) {
                double x = step ? nextafter(extra[i], step * (double)INFINITY) : extra[i];
                try_double(each, x, &worst);
                try_double(each, -x, &worst);
            }
        for (uint64_t bits = 0; bits <= UINT32_MAX; bits += FLOAT_STRIDE) {
            uint32_t pattern = (uint32_t)bits;
            float x;
            memcpy(&x, &pattern, sizeof x);
            note(&worst_single, error_in_units(each->tested_single(x), each->exact(x), 24, -125), x);
        }
        printf("%s %.4f %a\n%sf %.4f %a\n", each->name, worst.error, worst.argument, each->name, worst_single.error,
               worst_single.argument);
    }
    return 0;
}
