/* Which registers are needed behind each block. */
#pragma once
#include "jit/flow.h"

struct jit_liveness {
    const uint32_t *starts; /* see jit_block_starts */
    struct jit_set *in;  /* of each block: needed where it begins, and where it ends */
    struct jit_set *out;
    uint32_t *operations; /* room for the operations of one block: see jit_operations */
};

/* False when memory is short. */
bool jit_find_liveness(const struct jit_program *program, const struct jit_body *body, struct jit_work *work,
                       struct jit_liveness *liveness);

/* Sets liveness->operations to the words of the block's operations; how many there are. */
uint32_t jit_operations(const struct jit_program *program, const struct jit_body *body,
                        struct jit_liveness *liveness, uint32_t block);

/* What is needed in front of an operation, of what is needed behind it. */
void jit_step_back(const struct jit_program *program, const jit_word *words, struct jit_set *live);
