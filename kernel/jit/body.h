/*
 * The code of one function on its way through the passes: words as in a program, and what passes found out about them.
 * A pass makes a new body of the one before, out of memory that lasts until the function is compiled.
 */
#pragma once
#include "jit/program.h"

/* Memory of one compilation. What is taken is given back all at once. */
struct jit_work {
    uint8_t *start;
    uint32_t size, used; /* bytes */
};

/* So many bytes of zeros, aligned to 8; 0 when there is no room. */
void *jit_take(struct jit_work *work, uint32_t bytes);

/* Whether so many bytes are at most half of what is left: a pass that can do without does not take more. */
static inline bool jit_is_affordable(const struct jit_work *work, uint32_t bytes)
{
    return bytes <= (work->size - work->used) / 2;
}

/* Where an operation stood in the program. */
struct jit_origin {
    uint32_t function; /* number */
    uint32_t word;     /* of that function, the first of the operation */
};

/* What is known of an operation, by its first word. */
#define JIT_PROVEN 1 /* what it accesses is in the arena, or so near that a page there is not mapped */

struct jit_body {
    uint32_t function; /* number */
    const jit_word *words;
    uint32_t word_count;
    const uint8_t *depths; /* of loops around each block */
    uint32_t block_count;
    struct jit_registers registers;
    const struct jit_origin *origins; /* by word; 0 when all stand where they stood */
    const uint8_t *facts;             /* by word, JIT_PROVEN; 0 for none */
    const uint8_t *numbers;  /* of the program's registers, by number there; 0 when they have kept theirs */
    const uint16_t *entries; /* by block of the program: where to go on for that block; 0 when it is the same */
    const uint16_t *blocks;  /* by block: the one of the program that it stands for; 0 when it is the same */
    uint32_t entry_block;    /* of the program, where a frame of worse code goes on; JIT_NO_BLOCK for none */
};

/* Registers of all types. */
static inline unsigned jit_register_count(const struct jit_body *body)
{
    return body->registers.first[BF_VALUE_TYPE_F64 + 1];
}

/* Gives a body so many more registers of each type, by BF_VALUE_TYPE_*, behind those of the type. False when memory is
 * short. */
bool jit_add_registers(const struct jit_program *program, struct jit_work *work, const uint8_t *more,
                       struct jit_body *body);
#define JIT_NO_BLOCK UINT32_MAX

/* The block that stands for one of the program, and the other way round. */
static inline uint32_t jit_entry_for(const struct jit_body *body, uint32_t block)
{
    return body->entries ? body->entries[block] : block;
}
static inline uint32_t jit_block_of(const struct jit_body *body, uint32_t block)
{
    return body->blocks ? body->blocks[block] : block;
}

/* The function as it stands in the program. */
struct jit_body jit_body(const struct jit_program *program, uint32_t function, uint32_t entry_block);
