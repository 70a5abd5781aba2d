/* Sums over measured values, exact in integers: no value is rounded before the division at the end. */
#pragma once
#include <stdint.h>

struct statistics {
    uint32_t count;
    uint64_t total, minimum, maximum;
    uint64_t first;                          /* squares are of differences to it, which are small */
    int64_t differences;                     /* sum of value - first */
    uint64_t squares_high, squares_low;      /* sum of (value - first)^2, 128 bits */
};

void statistics_add(struct statistics *statistics, uint64_t value);

/* 0 when nothing was added. */
uint64_t statistics_average(const struct statistics *statistics);

/* Population variance, rounded down; UINT64_MAX when it does not fit. */
uint64_t statistics_variance(const struct statistics *statistics);
