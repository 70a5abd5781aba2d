/* Sums over measured values, exact in integers: nothing is rounded before the division at the end. */
#pragma once
#include <stdint.h>

#define SQUARE_WORDS 4 /* 128 bits: the squares of values whose sum has 64 bits cannot have more */

/* All zero: nothing measured yet. The sum of all values must stay below 2^64. */
struct statistics {
    uint32_t count;
    uint64_t total, minimum, maximum;
    uint32_t squares[SQUARE_WORDS]; /* sum of the squares, least significant word first */
};

void statistics_add(struct statistics *statistics, uint64_t value);

/* Rounded down; 0 when nothing was added. */
uint64_t statistics_average(const struct statistics *statistics);

/* Of the population, rounded down; 0 when nothing was added, UINT64_MAX when it has more than 64 bits. */
uint64_t statistics_variance(const struct statistics *statistics);
