/* The verifier's pass over the code of one function: bfimg/pattern/verify_code.py, check by check. */
#include "jit/verify.h"

#define BIT(name) (1u << BF_##name)
#define CONDITIONS \
    (BIT(CONDITION_ULT) | BIT(CONDITION_UGE) | BIT(CONDITION_EQ) | BIT(CONDITION_NE) | BIT(CONDITION_ULE) | \
     BIT(CONDITION_UGT) | BIT(CONDITION_SLT) | BIT(CONDITION_SGE) | BIT(CONDITION_SLE) | BIT(CONDITION_SGT))
#define FLOAT_CONDITIONS \
    (BIT(FLOAT_CONDITION_OEQ) | BIT(FLOAT_CONDITION_UNE) | BIT(FLOAT_CONDITION_ULT) | BIT(FLOAT_CONDITION_OGE) | \
     BIT(FLOAT_CONDITION_UEQ) | BIT(FLOAT_CONDITION_ONE) | BIT(FLOAT_CONDITION_ULE) | BIT(FLOAT_CONDITION_OGT) | \
     BIT(FLOAT_CONDITION_UNO) | BIT(FLOAT_CONDITION_ORD))

#define TYPE_OF_SLOT 0xf /* the bits of a BF_SLOT_READ_ or _WRITE_ that are its type */
#define SHIFT_OF_ADDRESS (3u << BF_ADDRESS_SCALE_SHIFT)

struct code {
    const struct jit_program *program;
    const struct bf_program_function *function;
    uint8_t result; /* type of the function's result */
    struct jit_registers registers;
};

static const char *check_register(const struct code *code, uint8_t number, uint8_t type)
{
    if (type == BF_VALUE_TYPE_NONE)
        return number == 0 ? 0 : "an operand that must be zero is not";
    bool is_one = number >= code->registers.first[type] && number < code->registers.first[type + 1];
    return is_one ? 0 : "no register of that number and type";
}

static const char *check_condition(uint32_t value, uint32_t legal)
{
    return value < 32 && (legal >> value & 1) ? 0 : "no such condition";
}

static const char *check_block(const struct code *code, uint32_t number)
{
    return number < code->function->block_count ? 0 : "no such block";
}

static const char *check_blocks(const struct code *code, uint32_t word)
{
    const char *flaw = check_block(code, word & 0xffff);
    return flaw ? flaw : check_block(code, word >> 16);
}

static const char *check_slot(const struct code *code, uint32_t first, unsigned place)
{
    const struct bf_program_header *header = code->program->header;
    uint8_t slot = jit_ops[(uint8_t)first].slots[place];
    uint8_t field = jit_slot(first, place);
    if (slot < BF_SLOT_SIGNED8)
        return check_register(code, field, slot & TYPE_OF_SLOT);
    switch (slot) {
    case BF_SLOT_CONDITION:
        return check_condition(field, CONDITIONS);
    case BF_SLOT_FLOAT_CONDITION:
        return check_condition(field, FLOAT_CONDITIONS);
    case BF_SLOT_BLOCK:
        return check_block(code, jit_wide(first));
    case BF_SLOT_VALUE:
        return code->result ? check_register(code, field, code->result) : "the function has no result";
    case BF_SLOT_FUNCTION:
        return jit_wide(first) < header->function_count ? 0 : "no such function";
    case BF_SLOT_TABLE:
        return field < header->table_count ? 0 : "no such table";
    case BF_SLOT_IMPORT:
        return field < header->import_count ? 0 : "no such import";
    }
    return 0; /* numbers; what needs the tail to be judged */
}

static const char *check_address(const struct code *code, uint32_t first, uint32_t word)
{
    const char *flaw =
        check_register(code, jit_slot(first, 1), word & BF_ADDRESS_BASE ? BF_VALUE_TYPE_I32 : BF_VALUE_TYPE_NONE);
    if (flaw)
        return flaw;
    if (word & BF_ADDRESS_INDEX)
        return check_register(code, jit_slot(first, 2), BF_VALUE_TYPE_I32);
    return word & SHIFT_OF_ADDRESS ? "a scale without index" : check_register(code, jit_slot(first, 2), 0);
}

static const char *check_compare(const struct code *code, uint32_t word, bool second_is_register)
{
    const char *flaw = check_condition((uint8_t)word, CONDITIONS);
    if (!flaw)
        flaw = check_register(code, jit_slot(word, 0), BF_VALUE_TYPE_I32);
    if (!flaw && second_is_register)
        flaw = check_register(code, jit_slot(word, 1), BF_VALUE_TYPE_I32);
    return flaw || !jit_slot(word, 2) ? flaw : "the highest byte of the comparison is not zero";
}

/* `count` target words; an unused half is zero. */
static const char *check_switch(const struct code *code, uint32_t first, const jit_word *targets, uint32_t count)
{
    const char *flaw = 0;
    for (uint32_t i = 0; i < count && !flaw; i++)
        flaw = check_blocks(code, targets[i]);
    bool is_half_used = jit_wide(first) % BF_TARGETS_PER_WORD == 0; /* the default is one more */
    return !flaw && is_half_used && targets[count - 1] >> 16 ? "an unused half is not zero" : flaw;
}

static const char *check_call(const struct code *code, uint32_t first, const jit_word *arguments)
{
    const struct bf_program_signature *callee = jit_callee(code->program, first);
    const char *flaw = check_register(code, jit_slot(first, 0), callee->result);
    for (unsigned i = 0; i < jit_padded(callee->parameter_count) && !flaw; i++) {
        uint8_t number = (uint8_t)(arguments[i / BF_ARGUMENTS_PER_WORD] >> (8 * (i % BF_ARGUMENTS_PER_WORD)));
        bool is_used = i < callee->parameter_count;
        flaw = check_register(code, number, is_used ? jit_parameter_type(callee, i) : BF_VALUE_TYPE_NONE);
    }
    return flaw;
}
_Static_assert(BF_ARGUMENTS_PER_WORD == 4, "jit_padded rounds up to whole argument words");

/* `words` are all of the instruction, `length` in number. */
static const char *check_tail(const struct code *code, const jit_word *words, uint32_t length)
{
    uint8_t tail = jit_ops[(uint8_t)words[0]].tail;
    switch (tail) {
    case BF_TAIL_ADDRESS:
        return check_address(code, words[0], words[1]);
    case BF_TAIL_CONDITION:
        return check_condition(words[1], CONDITIONS);
    case BF_TAIL_FLOAT_CONDITION:
        return check_condition(words[1], FLOAT_CONDITIONS);
    case BF_TAIL_COMPARE:
    case BF_TAIL_COMPARE_IMMEDIATE:
        return check_compare(code, words[1], tail == BF_TAIL_COMPARE);
    case BF_TAIL_TARGETS:
        return check_blocks(code, words[1]);
    case BF_TAIL_WORD_TARGETS:
        return check_blocks(code, words[2]);
    case BF_TAIL_SWITCH:
        return check_switch(code, words[0], words + 1, length - 1);
    case BF_TAIL_ARGUMENTS:
        return check_call(code, words[0], words + 1);
    }
    return 0; /* none, or numbers */
}

/* Sets *length to the words of the instruction at `words`, of which `left` are there. */
static const char *check_instruction(const struct code *code, const jit_word *words, uint32_t left, uint32_t *length)
{
    uint32_t first = words[0];
    uint8_t op = (uint8_t)first;
    if (op == 0 || op >= JIT_OPS)
        return "no such operation";
    for (unsigned place = 0; place < 3; place++) {
        const char *flaw = check_slot(code, first, place);
        if (flaw)
            return flaw;
    }
    *length = jit_length(code->program, first);
    if (*length > left)
        return "an instruction is cut off";
    if (op == BF_OP_RETURN && code->result)
        return "the function has a result";
    return check_tail(code, words, *length);
}

const char *jit_check_code(const struct jit_program *program, uint32_t function, struct jit_problem *place)
{
    const struct bf_program_function *record = &program->functions[function];
    const struct code code = {
        .program = program,
        .function = record,
        .result = program->signatures[record->signature].result,
        .registers = jit_registers(record),
    };
    const jit_word *words = jit_words(program, record);
    uint32_t next = 0, count = record->code_words;
    bool ended = true;
    place->block = 0;
    while (next < count) {
        uint32_t length;
        place->word = next;
        if (ended && place->block == record->block_count)
            return "words behind the last block";
        const char *flaw = check_instruction(&code, words + next, count - next, &length);
        if (flaw)
            return flaw;
        ended = jit_ends_block((uint8_t)words[next]);
        place->block += ended;
        next += length;
    }
    place->word = count - 1;
    if (!ended)
        return "the last block does not end";
    return place->block == record->block_count ? 0 : "blocks are missing";
}
