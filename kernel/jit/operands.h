/* Which registers an operation reads and writes. */
#pragma once
#include "jit/program.h"

/* Registers that an operation reads, each as often as it does. */
struct jit_reads {
    uint8_t count;
    uint8_t registers[BF_MAX_PARAMETERS + 4];
    uint8_t bytes[BF_MAX_PARAMETERS + 4]; /* where the operation has them */
};
void jit_reads(const struct jit_program *program, const jit_word *words, struct jit_reads *reads);

/* The register that it writes, or NO_REGISTER. */
#define NO_REGISTER 0xff
uint8_t jit_written(const struct jit_program *program, const jit_word *words);

/* Gives registers other numbers: those that an operation reads, and the one that it writes. */
void jit_rename(const struct jit_program *program, jit_word *words, const uint8_t *reads, const uint8_t *written);

/* 4 or 8: bytes of a value, and of its place in frames and argument lists. */
static inline uint32_t jit_type_size(uint8_t type)
{
    return type == BF_VALUE_TYPE_I64 || type == BF_VALUE_TYPE_F64 ? 8 : 4;
}

/* A set of registers. */
#define SET_BITS 32
#define SET_WORDS ((BF_MAX_REGISTERS + SET_BITS) / SET_BITS)
struct jit_set {
    uint32_t words[SET_WORDS];
};

static inline void set_add(struct jit_set *set, uint8_t number)
{
    set->words[number / SET_BITS] |= 1u << number % SET_BITS;
}

static inline void set_remove(struct jit_set *set, uint8_t number)
{
    set->words[number / SET_BITS] &= ~(1u << number % SET_BITS);
}

static inline bool set_has(const struct jit_set *set, uint8_t number)
{
    return set->words[number / SET_BITS] >> number % SET_BITS & 1;
}
