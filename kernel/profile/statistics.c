/* Long numbers are arrays of 32-bit words, the least significant first. */
#include "profile/statistics.h"

#include <stdbool.h>

#define WIDE_WORDS (SQUARE_WORDS + 1) /* 160 bits: a sum of squares times a 32-bit count */

/* Adds a * b to the number that ends before `end`; what does not fit is lost. */
static void add_product(uint32_t *number, const uint32_t *end, uint32_t a, uint32_t b)
{
    uint64_t carry = (uint64_t)a * b;
    for (; carry && number < end; number++) {
        uint64_t low = (uint64_t)*number + (uint32_t)carry;
        *number = (uint32_t)low;
        carry = (carry >> 32) + (low >> 32);
    }
}

static void add_square(uint32_t number[SQUARE_WORDS], uint64_t value)
{
    const uint32_t *end = number + SQUARE_WORDS;
    uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);
    add_product(number, end, low, low);
    add_product(number + 1, end, low, high);
    add_product(number + 1, end, low, high);
    add_product(number + 2, end, high, high);
}

/* number -= subtrahend; false when that is less than 0. */
static bool subtract(uint32_t number[WIDE_WORDS], const uint32_t subtrahend[WIDE_WORDS])
{
    bool borrow = false;
    for (unsigned i = 0; i < WIDE_WORDS; i++) {
        uint64_t taken = (uint64_t)subtrahend[i] + borrow;
        borrow = number[i] < taken;
        number[i] -= (uint32_t)taken;
    }
    return !borrow;
}

static void divide(uint32_t number[WIDE_WORDS], uint32_t divisor)
{
    uint64_t rest = 0;
    for (unsigned i = WIDE_WORDS; i--;) {
        uint64_t part = rest << 32 | number[i];
        number[i] = (uint32_t)(part / divisor);
        rest = part % divisor;
    }
}

void statistics_add(struct statistics *statistics, uint64_t value)
{
    if (!statistics->count || value < statistics->minimum)
        statistics->minimum = value;
    if (value > statistics->maximum)
        statistics->maximum = value;
    statistics->count++;
    statistics->total += value;
    add_square(statistics->squares, value);
}

uint64_t statistics_average(const struct statistics *statistics)
{
    return statistics->count ? statistics->total / statistics->count : 0;
}

/* (count * squares - total^2) / count^2 */
uint64_t statistics_variance(const struct statistics *statistics)
{
    uint32_t wide[WIDE_WORDS] = {0}, total_squared[WIDE_WORDS] = {0};
    if (!statistics->count)
        return 0;
    for (unsigned i = 0; i < SQUARE_WORDS; i++)
        add_product(wide + i, wide + WIDE_WORDS, statistics->squares[i], statistics->count);
    add_square(total_squared, statistics->total);
    if (!subtract(wide, total_squared))
        return UINT64_MAX; /* no sums of real values */
    divide(wide, statistics->count);
    divide(wide, statistics->count);
    return wide[2] | wide[3] | wide[4] ? UINT64_MAX : (uint64_t)wide[1] << 32 | wide[0];
}
