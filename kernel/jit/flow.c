#include "jit/flow.h"

const uint32_t *jit_block_starts(const struct jit_program *program, struct jit_work *work,
                                 const struct jit_body *body)
{
    uint32_t *starts = jit_take(work, (body->block_count + 1) * sizeof *starts), block = 0;
    for (uint32_t at = 0; starts && at < body->word_count; at += jit_length(program, body->words[at])) {
        if (jit_ends_block((uint8_t)body->words[at]))
            starts[++block] = at + jit_length(program, body->words[at]);
    }
    return starts;
}

uint32_t jit_access_size(uint8_t op)
{
    static const uint8_t loads[] = {1, 1, 2, 2, 4, 8, 4, 8}, stores[] = {1, 2, 4, 8, 4, 8};
    if (op >= BF_OP_LOAD_U8 && op < BF_OP_STORE_I8)
        return loads[(op - BF_OP_LOAD_U8) % sizeof loads];
    if (op >= BF_OP_STORE_I8 && op < BF_OP_COPY)
        return stores[(op - BF_OP_STORE_I8) % sizeof stores];
    return 0;
}
