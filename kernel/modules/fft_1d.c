/*
 * Fast Fourier transform: complex, in place, radix 2, decimation in time.
 *
 * n is the transform length: rounded down to a power of two, at least 2, at most LONGEST.
 * FRAMES signals of integer samples (-128..127, real and imaginary part) are generated and transformed.
 * The answer is a checksum of all spectra, each part rounded to the nearest 1/16. Rounding errors of the transform
 * stay below 1e-8, so any correct transform, also a direct sum, gives the same answer.
 */
#include "module.h"

enum { LONGEST = 256, FRAMES = 4, UNITS_PER_ONE = 16 };

struct complex {
    double re, im;
};

/* exp(-2 pi i / 2^k) for k = 1..8, the first twiddle factor of a stage; the others are its powers. */
static const struct complex stage_root[] = {
    {-1.0, 0.0},
    {0.0, -1.0},
    {0.70710678118654757, -0.70710678118654757},
    {0.92387953251128674, -0.38268343236508978},
    {0.98078528040323043, -0.19509032201612825},
    {0.99518472667219693, -0.098017140329560604},
    {0.99879545620517241, -0.049067674327418015},
    {0.99969881869620425, -0.024541228522912288},
};

static struct complex signal[LONGEST];

static struct complex multiply(struct complex a, struct complex b)
{
    struct complex product = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};

    return product;
}

static void generate(uint32_t length, uint32_t *random)
{
    for (uint32_t i = 0; i < length; i++) {
        uint32_t sample = next_random(random);

        signal[i].re = (double)((int32_t)(sample >> 16) - 128);
        signal[i].im = (double)((int32_t)(sample >> 8 & 0xFF) - 128);
    }
}

/* Moves every element to the index with its bits reversed, where the first stage expects it. */
static void reverse_bits(uint32_t length)
{
    uint32_t reversed = 0;

    for (uint32_t i = 0; i < length; i++) {
        if (i < reversed) {
            struct complex other = signal[i];

            signal[i] = signal[reversed];
            signal[reversed] = other;
        }
        /* Count up in reversed bit order: the carry runs from the top bit downwards. */
        uint32_t bit = length >> 1;

        while (reversed & bit) {
            reversed ^= bit;
            bit >>= 1;
        }
        reversed |= bit;
    }
}

static void transform(uint32_t length)
{
    uint32_t stage = 0;

    reverse_bits(length);
    for (uint32_t half = 1; half < length; half *= 2, stage++) {
        struct complex twiddle = {1.0, 0.0};

        for (uint32_t offset = 0; offset < half; offset++) {
            for (uint32_t top = offset; top < length; top += 2 * half) {
                struct complex a = signal[top];
                struct complex b = multiply(signal[top + half], twiddle);

                signal[top].re = a.re + b.re;
                signal[top].im = a.im + b.im;
                signal[top + half].re = a.re - b.re;
                signal[top + half].im = a.im - b.im;
            }
            twiddle = multiply(twiddle, stage_root[stage]);
        }
    }
}

static uint32_t quantise(double value)
{
    double scaled = value * UNITS_PER_ONE;

    return (uint32_t)(int32_t)(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
}

uint32_t fft_1d_main(uint32_t n)
{
    uint32_t random = n;
    uint32_t checksum = 0;
    uint32_t length = 2;

    while (length < LONGEST && length * 2 <= n)
        length *= 2;

    for (int frame = 0; frame < FRAMES; frame++) {
        generate(length, &random);
        transform(length);
        for (uint32_t i = 0; i < length; i++) {
            checksum = mix(checksum, quantise(signal[i].re));
            checksum = mix(checksum, quantise(signal[i].im));
        }
    }
    return checksum;
}
