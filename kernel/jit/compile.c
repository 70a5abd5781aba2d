/* The passes of level 0: frame, templates block by block, addresses of SWITCH. */
#include "jit/internal.h"
#include "lib/string.h"

#define BREAKPOINT 0xcc
#define JCC_SHORT 0x70 /* + condition */
#define WORK_ALIGNMENT 8
#define WORK_BYTES 0x20000 /* for the passes of higher levels */

void with_packed_slot(struct compiler *c, uint32_t opcode_and_reg, uint32_t number_and_offset)
{
    uint32_t slot = (uint32_t)c->slot[(uint8_t)number_and_offset] + (number_and_offset >> 8);
    x86_memory(&c->x, opcode_and_reg >> 3, opcode_and_reg & 7, EBP, slot);
}

void load32(struct compiler *c, unsigned reg, uint8_t number)
{
    with_slot(c, X86_LOAD, reg, number, 0);
}

void store32(struct compiler *c, unsigned reg, uint8_t number)
{
    with_slot(c, X86_STORE, reg, number, 0);
}

void load64(struct compiler *c, unsigned xmm, uint8_t number)
{
    with_slot(c, X86_MOVSD, xmm, number, 0);
}

void store64(struct compiler *c, unsigned xmm, uint8_t number)
{
    with_slot(c, X86_MOVSD + X86_MOVE_OUT, xmm, number, 0);
}

void store_constant(struct compiler *c, uint8_t number, uint32_t offset, uint32_t value)
{
    with_slot(c, X86_STORE_IMMEDIATE, 0, number, offset);
    x86_word(&c->x, value);
}

void trap(struct compiler *c)
{
    x86_byte(&c->x, BREAKPOINT);
}

void trap_unless(struct compiler *c, unsigned condition)
{
    x86_byte(&c->x, JCC_SHORT + condition);
    x86_byte(&c->x, 1);
    trap(c);
}

static void emit_constant(struct compiler *c, uint8_t op, const jit_word *words)
{
    uint8_t d = jit_slot(words[0], 0);
    int32_t number = (int16_t)(words[0] >> 16);
    bool is_short = op == BF_OP_CONST_I32_16 || op == BF_OP_CONST_I64_16;
    store_constant(c, d, 0, is_short ? (uint32_t)number : words[1]);
    if (jit_register_size(c, d) == 8)
        store_constant(c, d, 4, is_short ? (uint32_t)(number >> 31) : words[2]);
}

/* The template of an operation: the numbers of operations of one kind follow one another. */
void compiler_emit(struct compiler *c, const jit_word *words)
{
    uint8_t op = (uint8_t)words[0];
    switch (op) {
    case BF_OP_MOVE_F32:
    case BF_OP_F32_BITS:
    case BF_OP_F32_FROM_BITS:
    case BF_OP_LOW_I64:
        op = BF_OP_MOVE_I32;
        break;
    case BF_OP_MOVE_F64:
    case BF_OP_F64_BITS:
    case BF_OP_F64_FROM_BITS:
        op = BF_OP_MOVE_I64;
        break;
    default:
        break;
    }
    if (op >= BF_OP_CONST_I32_16 && op <= BF_OP_CONST_F64)
        emit_constant(c, op, words);
    else if (op == BF_OP_MOVE_I64 || (op >= BF_OP_ADD_I64 && op <= BF_OP_EXTEND_S32 && op != BF_OP_HIGH_I64))
        emit_wide(c, op, words);
    else if (op <= BF_OP_HIGH_I64)
        emit_integer(c, op, words);
    else if (op < BF_OP_SET_I32)
        emit_float(c, op, words);
    else if (op < BF_OP_ADDRESS)
        emit_condition(c, op, words);
    else if (op >= BF_OP_CALL || op == BF_OP_COPY || op == BF_OP_FILL)
        emit_call(c, op, words);
    else if (op >= BF_OP_JUMP)
        emit_control(c, op, words);
    else
        emit_memory(c, op, words);
}

void compiler_begin(struct compiler *c, const struct jit_program *program,
                    const struct jit_environment *environment, const struct jit_body *body, uint32_t *blocks,
                    const struct jit_unit *unit)
{
    *c = (struct compiler){
        .x = {.start = unit->code, .capacity = unit->capacity},
        .program = program,
        .environment = environment,
        .body = body,
        .function = &program->functions[body->function],
        .signature = &program->signatures[program->functions[body->function].signature],
        .blocks = blocks,
        .switches = unit->switches,
        .switches_at = unit->switches_at,
    };
    frame_begin(c);
}

bool jit_compile(const struct jit_program *program, const struct jit_environment *environment,
                 const struct jit_body *body, unsigned level, struct jit_work *work, struct jit_unit *unit)
{
    (void)level;
    struct compiler c;
    uint32_t *blocks = jit_take(work, body->block_count * sizeof *blocks);
    if (!blocks)
        return false;
    compiler_begin(&c, program, environment, body, blocks, unit);
    const jit_word *words = body->words;
    for (; c.block < body->block_count; c.block++) {
        control_begin_block(&c);
        uint8_t op;
        do {
            op = (uint8_t)words[0];
            compiler_emit(&c, words);
            words += jit_length(program, words[0]);
        } while (!jit_ends_block(op));
    }
    unit->size = c.x.size;
    for (uint32_t *word = unit->switches; word != c.switches; word++)
        *word = c.blocks[*word];
    return true;
}

uint32_t jit_work_bytes(const struct jit_program *program, uint32_t function, unsigned level)
{
    if (level > 0)
        return WORK_BYTES;
    return program->functions[function].block_count * (uint32_t)sizeof(uint32_t) + WORK_ALIGNMENT;
}

uint32_t jit_switch_words(const struct jit_program *program, const struct jit_body *body)
{
    const jit_word *words = body->words, *end = words + body->word_count;
    uint32_t count = 0;
    for (; words < end; words += jit_length(program, words[0])) {
        if ((uint8_t)words[0] == BF_OP_SWITCH)
            count += jit_wide(words[0]);
    }
    return count;
}
