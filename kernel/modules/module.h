/*
 * What the 12 module programs share: input data and checksums.
 *
 * A module is one freestanding C file that exports one function,
 *
 *     uint32_t <name>_main(uint32_t n);
 *
 * n is the work size, the return value a checksum of the whole result (modules.toml holds the known answers).
 * The contract: no library calls, the same answer on every call and on every machine, at most 16 KiB of static
 * data, at most 4 KiB of stack. Floating point is `double` only; compile with -ffp-contract=off, so that a
 * multiply and an add stay two roundings, and with -fno-math-errno, so that a square root is one instruction.
 */
#ifndef MODULE_H
#define MODULE_H

#include <stddef.h>
#include <stdint.h>

/* The programs invent their input at run time: the compiler cannot know it, so it cannot precompute the answer.
 * A linear congruential generator modulo 2^32; its low bits have short periods, so only the upper 24 are used. */
static inline uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* count must be 1 to 31. */
static inline uint32_t rotate_left(uint32_t value, unsigned count)
{
    return (value << count) | (value >> (32 - count));
}

/* Adds one value to a checksum that starts at 0. The order counts, and every bit of every value does: for a given
 * checksum, different values give different results. */
static inline uint32_t mix(uint32_t checksum, uint32_t value)
{
    return (rotate_left(checksum, 5) ^ value) * 0x9E3779B1u;
}

#endif
