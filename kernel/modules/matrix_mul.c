/*
 * Multiplication of two square integer matrices, the three plain loops.
 *
 * n is the number of rows and columns; above LARGEST it counts as LARGEST.
 * The answer is a checksum of the product, row by row. All arithmetic is modulo 2^32.
 */
#include "module.h"

enum { LARGEST = 32 };

static uint32_t left[LARGEST][LARGEST];
static uint32_t right[LARGEST][LARGEST];
static uint32_t product[LARGEST][LARGEST];

static void generate(uint32_t matrix[LARGEST][LARGEST], uint32_t size, uint32_t *random)
{
    for (uint32_t row = 0; row < size; row++)
        for (uint32_t column = 0; column < size; column++)
            matrix[row][column] = next_random(random);
}

static void multiply(uint32_t size)
{
    for (uint32_t row = 0; row < size; row++) {
        for (uint32_t column = 0; column < size; column++) {
            uint32_t sum = 0;

            for (uint32_t k = 0; k < size; k++)
                sum += left[row][k] * right[k][column];
            product[row][column] = sum;
        }
    }
}

uint32_t matrix_mul_main(uint32_t n)
{
    uint32_t size = n < LARGEST ? n : LARGEST;
    uint32_t random = n;
    uint32_t checksum = 0;

    generate(left, size, &random);
    generate(right, size, &random);
    multiply(size);
    for (uint32_t row = 0; row < size; row++)
        for (uint32_t column = 0; column < size; column++)
            checksum = mix(checksum, product[row][column]);
    return checksum;
}
