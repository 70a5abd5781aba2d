#include "jit/program.h"

#define OP(name, number, a, b, c, tail) [number] = {{a, b, c}, tail},
const struct jit_op jit_ops[JIT_OPS] = {BF_PATTERN_OPS(OP)};

const char *jit_function_name(const struct jit_program *program, uint32_t function)
{
    uint16_t name = program->functions[function].name;
    return name == BF_NO_NAME ? "" : program->names + name;
}

const struct bf_program_signature *jit_callee(const struct jit_program *program, uint32_t first)
{
    uint32_t number;
    switch ((uint8_t)first) {
    case BF_OP_CALL:
        number = program->functions[jit_wide(first)].signature;
        break;
    case BF_OP_CALL_INDIRECT:
        number = program->tables[jit_slot(first, 1)].signature;
        break;
    default:
        number = program->imports[jit_slot(first, 1)].signature;
    }
    return &program->signatures[number];
}

/* Words that hold so many things, so many in each. */
static uint32_t words_for(uint32_t things, uint32_t per_word)
{
    return (things + per_word - 1) / per_word;
}

uint32_t jit_length(const struct jit_program *program, uint32_t first)
{
    switch (jit_ops[(uint8_t)first].tail) {
    case BF_TAIL_NONE:
        return 1;
    case BF_TAIL_LONG:
    case BF_TAIL_WORD_TARGETS:
        return 3;
    case BF_TAIL_SWITCH:
        return 1 + words_for(1 + jit_wide(first), BF_TARGETS_PER_WORD);
    case BF_TAIL_ARGUMENTS:
        return 1 + words_for(jit_callee(program, first)->parameter_count, BF_ARGUMENTS_PER_WORD);
    default:
        return 2;
    }
}
