/* Compiles a function again, to see which operation the code at an offset comes from. */
#include "jit/internal.h"

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

void jit_locate(const struct jit_program *program, const struct jit_environment *environment, uint32_t offset,
                uint32_t *scratch, const struct jit_unit *unit, struct jit_place *place)
{
    struct compiler c;
    struct jit_unit again = *unit;
    again.switches = 0;
    compiler_begin(&c, program, environment, place->function, scratch, &again);
    bool in_prologue = c.x.size > offset;
    const jit_word *start = jit_words(program, c.function), *words = start;
    place->block = place->operation = 0;
    for (;;) {
        place->word = (uint32_t)(words - start);
        if (place->operation == 0) {
            c.block = place->block;
            control_begin_block(&c);
        }
        compiler_emit(&c, words);
        bool ends = jit_ends_block((uint8_t)words[0]);
        if (c.x.size > offset || (ends && place->block + 1 == c.function->block_count))
            break;
        words += jit_length(program, words[0]);
        place->block += ends;
        place->operation = ends ? 0 : place->operation + 1;
    }
    place->trap = in_prologue ? BF_TRAP_CALL_DEPTH : trap_of((uint8_t)start[place->word]);
}
