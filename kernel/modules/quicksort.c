/*
 * Quicksort with median-of-three pivots; short ranges are left to insertion sort.
 *
 * n is the number of elements; above LARGEST it counts as LARGEST.
 * The answer is a checksum of the sorted elements in ascending order.
 */
#include "module.h"

/* Below INSERTION_LENGTH elements, shifting neighbours costs less than partitioning. */
enum { LARGEST = 2048, INSERTION_LENGTH = 12 };

static uint32_t elements[LARGEST];

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t other = *a;

    *a = *b;
    *b = other;
}

static void insertion_sort(uint32_t *first, uint32_t *end)
{
    for (uint32_t *next = first + 1; next < end; next++) {
        uint32_t value = *next;
        uint32_t *hole = next;

        while (hole > first && hole[-1] > value) {
            *hole = hole[-1];
            hole--;
        }
        *hole = value;
    }
}

/* Sorts first, middle and last element among themselves and returns the median's value. The outer two are then
 * sentinels: the scans in partition() cannot leave the range. */
static uint32_t median_of_three(uint32_t *first, uint32_t *middle, uint32_t *last)
{
    if (*middle < *first)
        swap(middle, first);
    if (*last < *first)
        swap(last, first);
    if (*last < *middle)
        swap(last, middle);
    return *middle;
}

/* Hoare's partition. Returns the start of the right part: no element before it is larger than any behind it.
 * Both parts are non-empty. The range holds at least 3 elements. */
static uint32_t *partition(uint32_t *first, uint32_t *end)
{
    uint32_t *low = first;
    uint32_t *high = end - 1;
    uint32_t pivot = median_of_three(low, first + (end - first) / 2, high);

    for (;;) {
        do
            low++;
        while (*low < pivot);
        do
            high--;
        while (*high > pivot);
        if (low >= high)
            return low;
        swap(low, high);
    }
}

/* Recurses into the shorter part only, so the depth stays below log2 of the length. */
static void quicksort(uint32_t *first, uint32_t *end)
{
    while (end - first >= INSERTION_LENGTH) {
        uint32_t *split = partition(first, end);

        if (split - first < end - split) {
            quicksort(first, split);
            first = split;
        } else {
            quicksort(split, end);
            end = split;
        }
    }
    insertion_sort(first, end);
}

uint32_t quicksort_main(uint32_t n)
{
    uint32_t length = n < LARGEST ? n : LARGEST;
    uint32_t random = n;
    uint32_t checksum = 0;

    for (uint32_t i = 0; i < length; i++)
        elements[i] = next_random(&random);
    quicksort(elements, elements + length);
    for (uint32_t i = 0; i < length; i++)
        checksum = mix(checksum, elements[i]);
    return checksum;
}
