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

/* A type is the slot that reads a register of it; no type is the slot that must be zero. */
#define TYPE_OF_SLOT 0xf
_Static_assert(BF_SLOT_READ_I32 == BF_VALUE_TYPE_I32 && BF_SLOT_READ_F64 == BF_VALUE_TYPE_F64, "types are slots");
_Static_assert(BF_SLOT_NONE == BF_VALUE_TYPE_NONE, "types are slots");

#define SHIFT_OF_ADDRESS (3u << BF_ADDRESS_SCALE_SHIFT)

struct code {
    const struct jit_program *program;
    const struct bf_program_function *function;
    uint8_t result; /* type of the function's result */
    struct jit_registers registers;
    const char *flaw; /* the first one of the instruction, 0 for none */
};

static const char *find_flaw(const struct code *code, uint8_t slot, uint32_t value)
{
    const struct bf_program_header *header = code->program->header;
    uint32_t conditions = CONDITIONS;
    switch (slot) {
    case BF_SLOT_NONE:
        return value == 0 ? 0 : "an operand that must be zero is not";
    case BF_SLOT_FLOAT_CONDITION:
        conditions = FLOAT_CONDITIONS;
        /* fall through */
    case BF_SLOT_CONDITION:
        return value < 32 && (conditions >> value & 1) ? 0 : "no such condition";
    case BF_SLOT_BLOCK:
        return value < code->function->block_count ? 0 : "no such block";
    case BF_SLOT_FUNCTION:
        return value < header->function_count ? 0 : "no such function";
    case BF_SLOT_TABLE:
        return value < header->table_count ? 0 : "no such table";
    case BF_SLOT_IMPORT:
        return value < header->import_count ? 0 : "no such import";
    }
    if (slot >= BF_SLOT_SIGNED8)
        return 0; /* a number, or what needs the tail to be judged */
    const uint8_t *first = &code->registers.first[slot & TYPE_OF_SLOT];
    return value >= first[0] && value < first[1] ? 0 : "no register of that number and type";
}

/* Whether `value` may stand in this slot. */
static void check(struct code *code, uint8_t slot, uint32_t value)
{
    if (!code->flaw)
        code->flaw = find_flaw(code, slot, value);
}

/* `count` slots, of which the first stands in the lowest bits. */
static void check_slots(struct code *code, const uint8_t *slots, unsigned count, uint32_t word)
{
    for (; count; count--, slots++, word >>= 8) {
        bool is_wide = *slots == BF_SLOT_BLOCK || *slots == BF_SLOT_FUNCTION;
        check(code, *slots == BF_SLOT_VALUE ? code->result : *slots, is_wide ? (uint16_t)word : (uint8_t)word);
    }
}

/* What a base or index register is checked for. */
static uint8_t slot_if(uint32_t is_used)
{
    return is_used ? BF_SLOT_READ_I32 : BF_SLOT_NONE;
}

static void check_address(struct code *code, uint32_t first, uint32_t word)
{
    check(code, slot_if(word & BF_ADDRESS_BASE), jit_slot(first, 1));
    check(code, slot_if(word & BF_ADDRESS_INDEX), jit_slot(first, 2));
    if (!(word & BF_ADDRESS_INDEX))
        check(code, BF_SLOT_NONE, word & SHIFT_OF_ADDRESS);
}

/* `count` blocks, and zero behind them in the last word. */
static void check_targets(struct code *code, const jit_word *words, uint32_t count)
{
    for (uint32_t i = 0; i < count || i % BF_TARGETS_PER_WORD; i++) {
        uint16_t half = (uint16_t)(words[i / BF_TARGETS_PER_WORD] >> (i % BF_TARGETS_PER_WORD * 16));
        check(code, i < count ? BF_SLOT_BLOCK : BF_SLOT_NONE, half);
    }
}

/* Registers of the types of the callee's parameters, and zero behind them in the last word. */
static void check_call(struct code *code, uint32_t first, const jit_word *words)
{
    const struct bf_program_signature *callee = jit_callee(code->program, first);
    unsigned count = callee->parameter_count;
    check(code, callee->result, jit_slot(first, 0));
    for (unsigned i = 0; i < count || i % BF_ARGUMENTS_PER_WORD; i++) {
        uint8_t byte = (uint8_t)(words[i / BF_ARGUMENTS_PER_WORD] >> (i % BF_ARGUMENTS_PER_WORD * 8));
        check(code, i < count ? jit_parameter_type(callee, i) : BF_SLOT_NONE, byte);
    }
}

/* The bytes of tails that are one word of slots. */
static const uint8_t tail_slots[][sizeof(jit_word)] = {
    [BF_TAIL_CONDITION - BF_TAIL_CONDITION] = {BF_SLOT_CONDITION},
    [BF_TAIL_FLOAT_CONDITION - BF_TAIL_CONDITION] = {BF_SLOT_FLOAT_CONDITION},
    [BF_TAIL_COMPARE - BF_TAIL_CONDITION] = {BF_SLOT_CONDITION, BF_SLOT_READ_I32, BF_SLOT_READ_I32},
    [BF_TAIL_COMPARE_IMMEDIATE - BF_TAIL_CONDITION] = {BF_SLOT_CONDITION, BF_SLOT_READ_I32, BF_SLOT_SIGNED8},
};

/* `words` are all of the instruction, `length` in number. */
static void check_tail(struct code *code, const jit_word *words, uint32_t length)
{
    uint32_t first = words[0], last = words[length - 1];
    uint8_t tail = jit_ops[(uint8_t)first].tail;
    switch (tail) {
    case BF_TAIL_ADDRESS:
        check_address(code, first, last);
        break;
    case BF_TAIL_CONDITION:
    case BF_TAIL_FLOAT_CONDITION:
    case BF_TAIL_COMPARE:
    case BF_TAIL_COMPARE_IMMEDIATE:
        check_slots(code, tail_slots[tail - BF_TAIL_CONDITION], sizeof last, last);
        break;
    case BF_TAIL_TARGETS:
    case BF_TAIL_WORD_TARGETS:
        check_targets(code, &words[length - 1], 2);
        break;
    case BF_TAIL_SWITCH:
        check_targets(code, words + 1, jit_wide(first) + 1);
        break;
    case BF_TAIL_ARGUMENTS:
        check_call(code, first, words + 1);
        break;
    }
}

/* Sets *length to the words of the instruction at `words`, of which `left` are there, unless that is not known. */
static const char *check_instruction(struct code *code, const jit_word *words, uint32_t left, uint32_t *length)
{
    uint32_t first = words[0];
    uint8_t op = (uint8_t)first;
    if (op == 0 || op >= JIT_OPS)
        return "no such operation";
    if (op == (code->result ? BF_OP_RETURN : BF_OP_RETURN_VALUE))
        return "returns a value from a function without result, or none from one with";
    check_slots(code, jit_ops[op].slots, sizeof jit_ops->slots, first >> 8);
    if (code->flaw)
        return code->flaw;
    *length = jit_length(code->program, first);
    if (*length > left)
        return "an instruction is cut off";
    check_tail(code, words, *length);
    return code->flaw;
}

const char *jit_check_code(const struct jit_program *program, uint32_t function, struct jit_problem *place)
{
    const struct bf_program_function *record = &program->functions[function];
    struct code code = {
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
