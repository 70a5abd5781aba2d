/*
 * Ranges do not depend on the place: a register's is that of whatever is written to it anywhere, and of the 0 at entry.
 * Starting from 0, they grow until nothing changes; what grows for too long may hold anything.
 */
#include "jit/ranges.h"

#define ANYTHING UINT32_MAX
#define ROUNDS 4 /* after them, a range that grows becomes ANYTHING */

static uint32_t at_most(uint64_t value)
{
    return value < ANYTHING ? (uint32_t)value : ANYTHING;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

uint32_t jit_range_if(unsigned condition, uint32_t a, uint32_t b)
{
    bool is_bounded =
        condition == BF_CONDITION_ULT || condition == BF_CONDITION_ULE || condition == BF_CONDITION_EQ;
    return is_bounded ? smaller(a, b) : a;
}

/* Of the operand that is taken if the condition of a SELECT holds, or if it does not. */
static uint32_t selected(const uint32_t *ranges, const jit_word *words, unsigned place, bool holds)
{
    uint32_t tail = words[1];
    uint8_t number = jit_slot(words[0], place);
    bool by_number = jit_ops[(uint8_t)words[0]].tail == BF_TAIL_COMPARE_IMMEDIATE;
    uint32_t other = by_number ? (uint32_t)(int8_t)(tail >> 16) : ranges[(uint8_t)(tail >> 16)];
    if (number != (uint8_t)(tail >> 8))
        return ranges[number];
    return jit_range_if((uint8_t)tail ^ !holds, ranges[number], other);
}

/* Of what the operation writes. */
static uint32_t range_of(const struct jit_program *program, const struct jit_body *body, const uint32_t *ranges,
                         const jit_word *words)
{
    uint32_t first = words[0], number = jit_number(words);
    uint8_t op = (uint8_t)first;
    uint32_t a = ranges[jit_slot(first, 1)], b = ranges[jit_slot(first, 2)];
    struct jit_sum sum;
    if (op >= BF_OP_SET_I32 && op <= BF_OP_SET_F64)
        return 1;
    if (!jit_access_size(op) && jit_find_sum(words, &sum)) {
        uint64_t value = at_most((uint64_t)sum.a * a) + (uint64_t)at_most((uint64_t)sum.b * b);
        return sum.a + sum.b && sum.number > INT32_MAX ? ANYTHING : at_most(value + sum.number);
    }
    switch (op) {
    case BF_OP_FRAME:
        return program->header->arena_size - program->functions[body->function].frame_bytes + jit_wide(first);
    case BF_OP_AND_I32:
        return smaller(a, b);
    case BF_OP_AND_I32_IMM8:
    case BF_OP_AND_I32_IMM32:
        return smaller(a, number);
    case BF_OP_SHR_I32_IMM8:
        return a >> (number & 31);
    case BF_OP_SHR_I32:
    case BF_OP_DIV_U32:
        return a;
    case BF_OP_REM_U32:
        return smaller(a, b ? b - 1 : 0);
    case BF_OP_EXTEND_U8:
        return smaller(a, UINT8_MAX);
    case BF_OP_EXTEND_U16:
        return smaller(a, UINT16_MAX);
    case BF_OP_LOAD_U8:
    case BF_OP_LOAD_U8_AT:
        return UINT8_MAX;
    case BF_OP_LOAD_U16:
    case BF_OP_LOAD_U16_AT:
        return UINT16_MAX;
    case BF_OP_SELECT_I32:
    case BF_OP_SELECT_I32_COMPARE:
        return larger(selected(ranges, words, 1, true), selected(ranges, words, 2, false));
    }
    return ANYTHING;
}

uint32_t *jit_ranges(const struct jit_program *program, struct jit_work *work, const struct jit_body *body)
{
    uint32_t *ranges = jit_take(work, (BF_MAX_REGISTERS + 1) * sizeof *ranges);
    if (!ranges)
        return 0;
    const struct bf_program_signature *signature =
        &program->signatures[program->functions[body->function].signature];
    uint32_t parameters = 0;
    for (unsigned i = 0; i < signature->parameter_count; i++)
        parameters += jit_parameter_type(signature, i) == BF_VALUE_TYPE_I32;
    for (uint32_t i = 0; i < parameters; i++)
        ranges[i] = ANYTHING;
    bool changed = true;
    for (uint32_t round = 0; changed; round++) {
        changed = false;
        for (uint32_t at = 0; at < body->word_count; at += jit_length(program, body->words[at])) {
            const jit_word *words = body->words + at;
            uint8_t d = jit_written(program, words);
            if (jit_register_type(&body->registers, d) != BF_VALUE_TYPE_I32)
                continue;
            uint32_t range = range_of(program, body, ranges, words);
            if (range <= ranges[d])
                continue;
            ranges[d] = round < ROUNDS ? range : ANYTHING;
            changed = true;
        }
    }
    return ranges;
}
