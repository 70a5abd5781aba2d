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

const bool *jit_entered(const struct jit_program *program, struct jit_work *work, const struct jit_body *body)
{
    const struct jit_body before = jit_body(program, body->function);
    bool *entered = jit_take(work, body->block_count * sizeof *entered);
    uint32_t block = 0;
    if (!entered)
        return 0;
    entered[0] = true;
    for (uint32_t at = 0; at < before.word_count; at += jit_length(program, before.words[at])) {
        for (uint32_t i = jit_target_count(before.words + at); i--;) {
            uint32_t target = jit_target(before.words + at, i);
            if (target <= block)
                entered[body->entries ? body->entries[target] : target] = true;
        }
        block += jit_ends_block((uint8_t)before.words[at]);
    }
    return entered;
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
