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

/* A negative number would carry below 0. */
static uint32_t sum(uint32_t a, int32_t number)
{
    return number < 0 ? ANYTHING : at_most((uint64_t)a + (uint32_t)number);
}

static uint32_t address(uint32_t a, uint32_t b, uint32_t tail)
{
    uint64_t value = 0;
    if (tail & BF_ADDRESS_BASE)
        value += a;
    if (tail & BF_ADDRESS_INDEX)
        value += (uint64_t)b << (tail >> BF_ADDRESS_SCALE_SHIFT & 3);
    return sum(at_most(value), (int32_t)tail >> BF_ADDRESS_DISPLACEMENT_SHIFT);
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
    uint32_t first = words[0];
    uint32_t a = ranges[jit_slot(first, 1)], b = ranges[jit_slot(first, 2)];
    int32_t number = (int8_t)jit_slot(first, 2);
    switch ((uint8_t)first) {
    case BF_OP_MOVE_I32:
        return a;
    case BF_OP_CONST_I32_16:
        return (uint32_t)(int16_t)jit_wide(first);
    case BF_OP_CONST_I32:
        return words[1];
    case BF_OP_FRAME:
        return program->header->arena_size - program->functions[body->function].frame_bytes + jit_wide(first);
    case BF_OP_ADD_I32:
        return at_most((uint64_t)a + b);
    case BF_OP_ADD_I32_IMM8:
        return sum(a, number);
    case BF_OP_ADD_I32_IMM32:
        return sum(a, (int32_t)words[1]);
    case BF_OP_AND_I32:
        return smaller(a, b);
    case BF_OP_AND_I32_IMM8:
        return smaller(a, (uint32_t)number);
    case BF_OP_AND_I32_IMM32:
        return smaller(a, words[1]);
    case BF_OP_MUL_I32_IMM8:
        return at_most((uint64_t)a * (uint32_t)number);
    case BF_OP_MUL_I32_IMM32:
        return at_most((uint64_t)a * words[1]);
    case BF_OP_SHL_I32_IMM8:
        return at_most((uint64_t)a << (number & 31));
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
    case BF_OP_SET_I32:
    case BF_OP_SET_I32_IMM8:
    case BF_OP_SET_I64:
    case BF_OP_SET_F32:
    case BF_OP_SET_F64:
        return 1;
    case BF_OP_SELECT_I32:
    case BF_OP_SELECT_I32_COMPARE:
        return larger(selected(ranges, words, 1, true), selected(ranges, words, 2, false));
    case BF_OP_ADDRESS:
        return address(a, b, words[1]);
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
