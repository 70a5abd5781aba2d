/* The code of one function in the pools. */
#pragma once
#include "jit/compile.h"

struct jit_code {
    uint8_t *code;      /* in the code pool */
    uint32_t size;      /* bytes */
    unsigned level;     /* that it was compiled at */
    uint32_t *switches; /* in the data pool, 0 without SWITCH */
    uint32_t entry_block; /* where a frame of worse code goes on that is at the head of a loop, or JIT_NO_BLOCK */
    uint32_t entry_at;    /* offset of the code for it */
};

/* Compiles a function, for `entry_block` see jit_body. Returns 0, or why not; then nothing is taken. */
const char *jit_code_make(const struct jit_program *program, const struct jit_environment *environment,
                          uint32_t function, unsigned level, uint32_t entry_block, struct jit_code *made);

/* The same for the code that calls the entry. */
const char *jit_code_make_entry(const struct jit_program *program, const struct jit_environment *environment,
                                struct jit_code *made);

void jit_code_free(struct jit_code *code);

/* The operation that this offset in the code of place->function belongs to. False when memory is short. */
bool jit_code_locate(const struct jit_program *program, const struct jit_environment *environment,
                     const struct jit_code *code, uint32_t offset, struct jit_place *place);
