#include "jit/edit.h"

#include "lib/string.h"

#define BYTES_PER_BLOCK 8 /* of starts, depths and blocks */

bool edit_begin(struct jit_edit *edit, const struct jit_program *program, struct jit_work *work,
                const struct jit_body *from, uint32_t word_room, uint32_t block_room)
{
    uint32_t bytes = word_room * (sizeof *edit->words + sizeof *edit->origins) + block_room * BYTES_PER_BLOCK;
    if (!jit_is_affordable(work, bytes))
        return false;
    *edit = (struct jit_edit){
        .program = program,
        .from = from,
        .starts = jit_block_starts(program, work, from),
        .words = jit_take(work, word_room * sizeof *edit->words),
        .origins = jit_take(work, word_room * sizeof *edit->origins),
        .depths = jit_take(work, block_room),
        .blocks = jit_take(work, block_room * sizeof *edit->blocks),
        .word_room = word_room,
        .block_room = block_room,
    };
    return edit->starts && edit->words && edit->origins && edit->depths && edit->blocks;
}

jit_word *edit_put(struct jit_edit *edit, const jit_word *words, uint32_t at)
{
    uint32_t length = jit_length(edit->program, words[0]);
    if (length > edit->word_room - edit->word_count) {
        edit->is_full = true;
        edit->word_count = 0;
    }
    jit_word *put = edit->words + edit->word_count;
    memcpy(put, words, length * sizeof *put);
    for (; length; length--) {
        struct jit_origin origin = {edit->from->function, at};
        edit->origins[edit->word_count++] = edit->from->origins ? edit->from->origins[at] : origin;
    }
    return put;
}

void edit_end_block(struct jit_edit *edit, uint32_t block, uint32_t depth)
{
    if (edit->block_count == edit->block_room) {
        edit->is_full = true;
        edit->block_count = 0;
    }
    edit->blocks[edit->block_count] = (uint16_t)jit_block_of(edit->from, block);
    edit->depths[edit->block_count++] = (uint8_t)depth;
}

bool edit_end(const struct jit_edit *edit, struct jit_work *work, const uint16_t *blocks, struct jit_body *body)
{
    uint32_t count = edit->program->functions[body->function].block_count;
    uint16_t *entries = jit_take(work, count * sizeof *entries);
    if (!entries || edit->is_full)
        return false;
    for (uint32_t i = 0; i < count; i++)
        entries[i] = blocks[jit_entry_for(edit->from, i)];
    body->words = edit->words;
    body->word_count = edit->word_count;
    body->depths = edit->depths;
    body->block_count = edit->block_count;
    body->origins = edit->origins;
    body->entries = entries;
    body->blocks = edit->blocks;
    body->facts = 0;
    return true;
}

void edit_set_target(jit_word *words, uint32_t place, uint32_t block)
{
    uint8_t op = (uint8_t)words[0];
    uint32_t half = 2;
    if (op == BF_OP_JUMP)
        half = 1;
    else if (jit_ops[op].tail == BF_TAIL_WORD_TARGETS)
        half = 4;
    ((jit_entry *)words)[half + place] = (uint16_t)block;
}
