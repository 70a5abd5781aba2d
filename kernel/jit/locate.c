/* Compiles a function again, to see which operation the code at an offset comes from. */
#include "jit/count.h"

static uint32_t trap_of(uint8_t op)
{
    switch (op) {
    case BF_OP_TRAP:
        return BF_TRAP_CODE;
    case BF_OP_CALL_INDIRECT:
        return BF_TRAP_INDIRECT_CALL;
    case BF_OP_CALL_HELPER:
    case BF_OP_DIV_U32:
    case BF_OP_DIV_S32:
    case BF_OP_REM_U32:
    case BF_OP_REM_S32:
        return BF_TRAP_DIVIDE;
    default:
        return BF_TRAP_MEMORY;
    }
}

/* Where an operation of the body stood in the program. */
static void trace_back(const struct jit_program *program, const struct jit_body *body, uint32_t word,
                       struct jit_place *place)
{
    struct jit_origin origin = {body->function, word};
    if (body->origins)
        origin = body->origins[word];
    const jit_word *words = jit_words(program, &program->functions[origin.function]);
    *place = (struct jit_place){.function = origin.function, .word = origin.word};
    for (uint32_t at = 0; at < origin.word; at += jit_length(program, words[at])) {
        bool ends = jit_ends_block((uint8_t)words[at]);
        place->block += ends;
        place->operation = ends ? 0 : place->operation + 1;
    }
}

/* The first word of a block of the program. */
static uint32_t block_start(const struct jit_program *program, uint32_t function, uint32_t block)
{
    const jit_word *words = jit_words(program, &program->functions[function]);
    uint32_t at = 0;
    while (block) {
        block -= jit_ends_block((uint8_t)words[at]);
        at += jit_length(program, words[at]);
    }
    return at;
}

bool jit_locate(const struct jit_program *program, const struct jit_environment *environment, unsigned level,
                uint32_t entry_block, uint32_t offset, struct jit_work *work, const struct jit_unit *unit,
                struct jit_place *place)
{
    struct compiler c;
    struct jit_unit again = *unit;
    struct jit_body body = jit_body(program, place->function, entry_block);
    again.switches = 0;
    if (!jit_transform(program, environment, level, work, &body) ||
        !compiler_begin(&c, program, environment, &body, level, work, &again))
        return false;
    bool in_prologue = c.x.size > offset, begins = true;
    const jit_word *words = body.words;
    while (c.block < body.block_count) {
        if (begins)
            control_begin_block(&c);
        compiler_emit(&c, words);
        if (c.x.size > offset)
            break;
        begins = jit_ends_block((uint8_t)words[0]);
        c.block += begins;
        words += jit_length(program, words[0]);
    }
    if (c.x.size <= offset) {
        *place = (struct jit_place){.function = body.function, .block = count_end(&c, offset)};
        place->word = block_start(program, place->function, place->block);
        return true;
    }
    trace_back(program, &body, c.word, place);
    place->trap = in_prologue ? BF_TRAP_CALL_DEPTH : trap_of((uint8_t)body.words[c.word]);
    return true;
}
