#include "jit/body.h"

#include "jit/operands.h"
#include "lib/string.h"

#define ALIGNMENT 8u

void *jit_take(struct jit_work *work, uint32_t bytes)
{
    uint32_t size = (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (size < bytes || size > work->size - work->used)
        return 0;
    uint8_t *taken = work->start + work->used;
    work->used += size;
    memset(taken, 0, size);
    return taken;
}

struct jit_body jit_body(const struct jit_program *program, uint32_t function, uint32_t entry_block)
{
    const struct bf_program_function *record = &program->functions[function];
    return (struct jit_body){
        .function = function,
        .words = jit_words(program, record),
        .word_count = record->code_words,
        .depths = jit_loop_depths(program, record),
        .block_count = record->block_count,
        .registers = jit_registers(record),
        .entry_block = entry_block,
    };
}

bool jit_add_registers(const struct jit_program *program, struct jit_work *work, const uint8_t *more,
                       struct jit_body *body)
{
    unsigned count = jit_register_count(body), kept = jit_registers(&program->functions[body->function])
                                                          .first[BF_VALUE_TYPE_F64 + 1];
    uint8_t *map = jit_take(work, count + 1), *numbers = jit_take(work, kept + 1);
    jit_word *words = jit_take(work, body->word_count * sizeof *words);
    if (!map || !numbers || !words)
        return false;
    uint8_t shift = 0;
    for (unsigned type = BF_VALUE_TYPE_I32; type <= BF_VALUE_TYPE_F64; type++) {
        for (unsigned number = body->registers.first[type]; number < body->registers.first[type + 1]; number++)
            map[number] = (uint8_t)(number + shift);
        shift = (uint8_t)(shift + more[type]);
    }
    for (unsigned number = 0; number < kept; number++)
        numbers[number] = map[body->numbers ? body->numbers[number] : number];
    memcpy(words, body->words, body->word_count * sizeof *words);
    for (uint32_t at = 0; at < body->word_count; at += jit_length(program, words[at]))
        jit_rename(program, words + at, map, map);
    shift = 0;
    for (unsigned type = BF_VALUE_TYPE_I32; type <= BF_VALUE_TYPE_F64; type++) {
        shift = (uint8_t)(shift + more[type]);
        body->registers.first[type + 1] = (uint8_t)(body->registers.first[type + 1] + shift);
    }
    body->words = words;
    body->numbers = numbers;
    return true;
}
