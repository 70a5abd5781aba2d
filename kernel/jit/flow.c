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

uint32_t jit_target_count(const jit_word *words)
{
    uint8_t op = (uint8_t)words[0];
    if (op == BF_OP_JUMP)
        return 1;
    if (op == BF_OP_SWITCH)
        return jit_wide(words[0]) + 1u;
    return op > BF_OP_JUMP && op < BF_OP_SWITCH ? 2 : 0;
}

uint32_t jit_target(const jit_word *words, uint32_t place)
{
    uint8_t op = (uint8_t)words[0];
    if (op == BF_OP_JUMP)
        return jit_wide(words[0]);
    const jit_word *targets = words + 1 + (jit_ops[op].tail == BF_TAIL_WORD_TARGETS) + place / BF_TARGETS_PER_WORD;
    return *targets >> 16 * (place % BF_TARGETS_PER_WORD) & 0xffff;
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

uint32_t jit_number(const jit_word *words)
{
    uint8_t op = (uint8_t)words[0];
    return jit_ops[op].tail == BF_TAIL_WORD ? words[1] : (uint32_t)(int8_t)jit_slot(words[0], 2);
}

bool jit_find_sum(const jit_word *words, struct jit_sum *sum)
{
    uint8_t op = (uint8_t)words[0];
    uint32_t number = jit_number(words);
    *sum = (struct jit_sum){1, 0, 0};
    if (jit_ops[op].tail == BF_TAIL_ADDRESS) {
        uint32_t tail = words[1];
        *sum = (struct jit_sum){
            .a = tail & BF_ADDRESS_BASE ? 1 : 0,
            .b = tail & BF_ADDRESS_INDEX ? 1u << (tail >> BF_ADDRESS_SCALE_SHIFT & 3) : 0,
            .number = (uint32_t)((int32_t)tail >> BF_ADDRESS_DISPLACEMENT_SHIFT),
        };
        return true;
    }
    if (jit_access_size(op)) {
        sum->number = number * jit_access_size(op);
        return true;
    }
    switch (op) {
    case BF_OP_CONST_I32_16:
        number = (uint32_t)(int16_t)jit_wide(words[0]);
        /* fall through */
    case BF_OP_CONST_I32:
        sum->a = 0;
        /* fall through */
    case BF_OP_ADD_I32_IMM8:
    case BF_OP_ADD_I32_IMM32:
        sum->number = number;
        /* fall through */
    case BF_OP_MOVE_I32:
        return true;
    case BF_OP_ADD_I32:
    case BF_OP_SUB_I32:
        sum->b = op == BF_OP_ADD_I32 ? 1 : UINT32_MAX;
        return true;
    case BF_OP_SHL_I32_IMM8:
        number = 1u << (number & 31);
        /* fall through */
    case BF_OP_MUL_I32_IMM8:
    case BF_OP_MUL_I32_IMM32:
        sum->a = number;
        return true;
    }
    return false;
}
