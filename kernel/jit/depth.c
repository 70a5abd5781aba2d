/* How deep the calls of a program can be. */
#include "jit/compile.h"

/* Every entry of a table that calls may go through is taken to be called. Whether a callee is deeper than was known. */
static bool deepen(const struct jit_program *program, const jit_word *words, uint32_t depth, uint16_t *depths)
{
    uint8_t op = (uint8_t)words[0];
    bool is_indirect = op == BF_OP_CALL_INDIRECT, changed = false;
    if (op != BF_OP_CALL && !is_indirect)
        return false;
    const struct bf_program_table *table = is_indirect ? &program->tables[jit_slot(words[0], 1)] : 0;
    for (uint32_t i = 0, count = table ? table->count : 1; i < count; i++) {
        uint32_t callee = table ? program->entries[table->first + i] : jit_wide(words[0]);
        if (depths[callee] < depth) {
            depths[callee] = (uint16_t)depth;
            changed = true;
        }
    }
    return changed;
}

bool jit_has_bounded_depth(const struct jit_program *program, uint16_t *depths)
{
    uint32_t count = program->header->function_count, limit = program->header->call_depth;
    if (limit > count)
        limit = count; /* deeper than there are functions is recursion */
    depths[program->header->entry] = 1;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t number = 0; number < count; number++) {
            const struct bf_program_function *function = &program->functions[number];
            const jit_word *words = jit_words(program, function), *end = words + function->code_words;
            if (depths[number] > limit)
                return false;
            for (; depths[number] && words < end; words += jit_length(program, words[0]))
                changed |= deepen(program, words, depths[number] + 1u, depths);
        }
    }
    return true;
}
