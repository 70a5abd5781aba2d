/* How the code of a body is divided, and where control goes. */
#pragma once
#include "jit/body.h"
#include "jit/operands.h"

/* Word of each block's first operation, and at [block_count] the words in all. 0 when memory is short. */
const uint32_t *jit_block_starts(const struct jit_program *program, struct jit_work *work,
                                 const struct jit_body *body);

/* How many blocks an operation that ends a block may go to, and the block of that place. */
uint32_t jit_target_count(const jit_word *words);
uint32_t jit_target(const jit_word *words, uint32_t place);

/* Bytes that a load or store accesses, 0 for other operations. */
uint32_t jit_access_size(uint8_t op);

/* The number in an operation on registers and a number. */
uint32_t jit_number(const jit_word *words);

/* a times the register in the second slot + b times that in the third + number, modulo 2^32. */
struct jit_sum {
    uint32_t a, b, number;
};

/* The address that a load or store accesses, and what another operation on i32 registers writes. False when that is no
 * such sum. */
bool jit_find_sum(const jit_word *words, struct jit_sum *sum);
