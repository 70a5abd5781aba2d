/*
 * Tiled matrix multiplication C = A * B in double precision, the loop order of numerical libraries.
 *
 * n is the edge of a tile, 1 to EDGE; outside it counts as the nearer limit. The work is the same for every n,
 * only its order changes.
 * The answer is a checksum of C, row by row. The elements of A and B are integers from -128 to 127: every sum is
 * exact, so every tile size gives the same answer.
 */
#include "module.h"

/* 24 leaves room for three matrices in 16 KiB and is no multiple of most tile sizes: edges get partial tiles. */
enum { EDGE = 24 };

static double a[EDGE][EDGE];
static double b[EDGE][EDGE];
static double c[EDGE][EDGE];

static void generate(double matrix[EDGE][EDGE], uint32_t *random)
{
    for (uint32_t row = 0; row < EDGE; row++)
        for (uint32_t column = 0; column < EDGE; column++)
            matrix[row][column] = (double)((int32_t)(next_random(random) >> 16) - 128);
}

static uint32_t tile_end(uint32_t start, uint32_t tile)
{
    return start + tile < EDGE ? start + tile : EDGE;
}

/* Adds the product of one tile of A and one tile of B to one tile of C. */
static void multiply_tile(uint32_t row_start, uint32_t column_start, uint32_t k_start, uint32_t tile)
{
    uint32_t row_end = tile_end(row_start, tile);
    uint32_t column_end = tile_end(column_start, tile);
    uint32_t k_end = tile_end(k_start, tile);

    for (uint32_t row = row_start; row < row_end; row++) {
        for (uint32_t k = k_start; k < k_end; k++) {
            double factor = a[row][k];

            for (uint32_t column = column_start; column < column_end; column++)
                c[row][column] += factor * b[k][column];
        }
    }
}

uint32_t gemm_tile_main(uint32_t n)
{
    uint32_t tile = n < 1 ? 1 : n > EDGE ? EDGE : n;
    uint32_t random = EDGE; /* not n: the input must be the same for every tile size */
    uint32_t checksum = 0;

    generate(a, &random);
    generate(b, &random);
    for (uint32_t row = 0; row < EDGE; row++)
        for (uint32_t column = 0; column < EDGE; column++)
            c[row][column] = 0.0;

    for (uint32_t row = 0; row < EDGE; row += tile)
        for (uint32_t k = 0; k < EDGE; k += tile)
            for (uint32_t column = 0; column < EDGE; column += tile)
                multiply_tile(row, column, k, tile);

    for (uint32_t row = 0; row < EDGE; row++)
        for (uint32_t column = 0; column < EDGE; column++)
            checksum = mix(checksum, (uint32_t)(int32_t)c[row][column]);
    return checksum;
}
