#include "jit/body.h"

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

struct jit_body jit_body(const struct jit_program *program, uint32_t function)
{
    const struct bf_program_function *record = &program->functions[function];
    return (struct jit_body){
        .function = function,
        .words = jit_words(program, record),
        .word_count = record->code_words,
        .depths = jit_loop_depths(program, record),
        .block_count = record->block_count,
        .registers = jit_registers(record),
    };
}
