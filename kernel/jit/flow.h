/* How the code of a body is divided, and where control goes. */
#pragma once
#include "jit/liveness.h"

/* Word of each block's first operation, and at [block_count] the words in all. 0 when memory is short. */
const uint32_t *jit_block_starts(const struct jit_program *program, struct jit_work *work,
                                 const struct jit_body *body);

/* Bytes that a load or store accesses, 0 for other operations. */
uint32_t jit_access_size(uint8_t op);
