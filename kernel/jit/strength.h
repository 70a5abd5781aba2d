/* What operations of a loop come to when its first round is over. */
#pragma once
#include "jit/flow.h"

/* A stretch of blocks that is entered at the first one only. */
struct jit_loop {
    const struct jit_program *program;
    const struct jit_body *body;
    const uint32_t *starts; /* of the body's blocks */
    uint32_t first, end;    /* blocks */
};

/* Whether what an operation of the loop writes is, in each round but the first, what it wrote the round before and a
 * constant; that one, 0 when the value stays. */
bool jit_find_step(const struct jit_loop *loop, uint32_t block, uint32_t at, uint32_t *step);
