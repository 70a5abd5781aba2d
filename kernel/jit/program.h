/*
 * A pattern program as the JIT sees it: pointers into its image, and how to walk its code. Images of any alignment will
 * do. Everything here but jit_verify is for programs that jit_verify let pass, and checks nothing.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "bf_formats.h"

/* Words and entries where they stand in an image. */
typedef uint32_t jit_word __attribute__((aligned(1), may_alias));
typedef uint16_t jit_entry __attribute__((aligned(1), may_alias));

struct jit_program {
    const struct bf_program_header *header;
    const struct bf_program_signature *signatures;
    const struct bf_program_import *imports;
    const struct bf_program_table *tables;
    const jit_entry *entries; /* function numbers, of all tables */
    const struct bf_program_function *functions;
    const uint8_t *code; /* of all functions */
    const uint8_t *data; /* data_size bytes for BF_ARENA_START, the rest up to data_end is zero */
    const char *names;
};

/* Where a check fails; function, block and word are JIT_NOWHERE where there is none. */
#define JIT_NOWHERE UINT32_MAX

struct jit_problem {
    const char *text;
    uint32_t offset;   /* from the start of the image */
    uint32_t function; /* its number */
    uint32_t block;    /* of that function */
    uint32_t word;     /* of that function, the first of the instruction */
};

/* Whether the `size` bytes at `image` are a program; sets *program if so, else *problem, to the first one. One linear
 * pass, which trusts nothing and needs no memory of its own. */
bool jit_verify(const void *image, uint32_t size, struct jit_program *program, struct jit_problem *problem);

/* What an operation is made of: BF_SLOT_* and BF_TAIL_*. */
struct jit_op {
    uint8_t slots[3];
    uint8_t tail;
};

#define JIT_OPS (BF_OP_CALL_HELPER + 1)
extern const struct jit_op jit_ops[JIT_OPS]; /* [0] is none */

/* A block ends in one of these, and nowhere else. */
static inline bool jit_ends_block(uint8_t op)
{
    return op >= BF_OP_JUMP && op <= BF_OP_TRAP;
}

/* The fields of an instruction's first word: its slots, or the two upper ones together. */
static inline uint8_t jit_slot(uint32_t first, unsigned place)
{
    return (uint8_t)(first >> (8 * place + 8));
}

static inline uint16_t jit_wide(uint32_t first)
{
    return (uint16_t)(first >> 16);
}

static inline uint32_t jit_padded(uint32_t bytes)
{
    return (bytes + 3) & ~3u;
}

/* Numbers of the first register of each type, and at [type + 1] the one behind the last; [BF_VALUE_TYPE_NONE] is 0. */
struct jit_registers {
    uint8_t first[BF_VALUE_TYPE_F64 + 2];
};

static inline struct jit_registers jit_registers(const struct bf_program_function *function)
{
    struct jit_registers found = {{0}};
    const uint8_t *counts = &function->i32_count;
    for (unsigned type = BF_VALUE_TYPE_I32; type <= BF_VALUE_TYPE_F64; type++)
        found.first[type + 1] = (uint8_t)(found.first[type] + counts[type - BF_VALUE_TYPE_I32]);
    return found;
}

/* BF_VALUE_TYPE_NONE for a register that there is not. */
static inline uint8_t jit_register_type(const struct jit_registers *registers, uint8_t number)
{
    uint8_t type = BF_VALUE_TYPE_I32;
    while (type <= BF_VALUE_TYPE_F64 && number >= registers->first[type + 1])
        type++;
    return type <= BF_VALUE_TYPE_F64 ? type : BF_VALUE_TYPE_NONE;
}

static inline uint8_t jit_parameter_type(const struct bf_program_signature *signature, unsigned place)
{
    return (uint8_t)((signature->parameters >> (2 * place) & 3) + BF_VALUE_TYPE_I32);
}

/* Of each block; the function's code_words words stand behind them. */
static inline const uint8_t *jit_loop_depths(const struct jit_program *program,
                                             const struct bf_program_function *function)
{
    return program->code + function->code;
}

static inline const jit_word *jit_words(const struct jit_program *program, const struct bf_program_function *function)
{
    return (const jit_word *)(program->code + function->code + jit_padded(function->block_count));
}

/* "" for a function that has none. */
const char *jit_function_name(const struct jit_program *program, uint32_t function);

/* The signature of what a BF_OP_CALL, _CALL_INDIRECT or _CALL_HELPER calls, from its first word. */
const struct bf_program_signature *jit_callee(const struct jit_program *program, uint32_t first);

/* How many words the instruction has whose first word this is: 1 or more. The next one, or block, follows. */
uint32_t jit_length(const struct jit_program *program, uint32_t first);
