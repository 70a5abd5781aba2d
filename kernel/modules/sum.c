/*
 * Reductions over a generated array: total, alternating total and maximum.
 *
 * n is the number of elements; they are generated and reduced in blocks of BLOCK_LENGTH.
 * The answer is a checksum of the three results of every block.
 *
 * The sum of 1..n is the textbook loop that a compiler replaces by n * (n + 1) / 2. Here the elements are read
 * from memory and the sign of each depends on its own lowest bit, so there is no closed form.
 */
#include "module.h"

enum { BLOCK_LENGTH = 1024 };

static int32_t block[BLOCK_LENGTH];

static void generate(uint32_t length, uint32_t *random)
{
    for (uint32_t i = 0; i < length; i++)
        block[i] = (int32_t)next_random(random) - 0x800000;
}

static uint32_t reduce(uint32_t length, uint32_t checksum)
{
    int64_t total = 0;
    int64_t alternating = 0;
    int32_t maximum = INT32_MIN;

    for (uint32_t i = 0; i < length; i++) {
        int32_t value = block[i];

        total += value;
        alternating += (value & 1) ? -value : value;
        if (value > maximum)
            maximum = value;
    }
    checksum = mix(checksum, (uint32_t)total);
    checksum = mix(checksum, (uint32_t)((uint64_t)total >> 32));
    checksum = mix(checksum, (uint32_t)alternating);
    return mix(checksum, (uint32_t)maximum);
}

uint32_t sum_main(uint32_t n)
{
    uint32_t random = n;
    uint32_t checksum = 0;

    while (n > 0) {
        uint32_t length = n < BLOCK_LENGTH ? n : BLOCK_LENGTH;

        generate(length, &random);
        checksum = reduce(length, checksum);
        n -= length;
    }
    return checksum;
}
