/*
 * The sieve of Eratosthenes.
 *
 * n is the upper end, inclusive; above LARGEST it counts as LARGEST.
 * The answer is a checksum of all primes up to n in ascending order, followed by how many there are.
 */
#include "module.h"

enum { LARGEST = 16000 };

static uint8_t is_composite[LARGEST + 1];

uint32_t primes_main(uint32_t n)
{
    uint32_t last = n < LARGEST ? n : LARGEST;
    uint32_t count = 0;
    uint32_t checksum = 0;

    for (uint32_t i = 0; i <= last; i++)
        is_composite[i] = 0;

    for (uint32_t candidate = 2; candidate <= last; candidate++) {
        if (is_composite[candidate])
            continue;
        count++;
        checksum = mix(checksum, candidate);
        /* Smaller multiples have a smaller prime factor: they are marked already. */
        for (uint32_t multiple = candidate * candidate; multiple <= last; multiple += candidate)
            is_composite[multiple] = 1;
    }
    return mix(checksum, count);
}
