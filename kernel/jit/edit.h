/* Making a body out of another one, operation by operation. */
#pragma once
#include "jit/flow.h"

struct jit_edit {
    const struct jit_program *program;
    const struct jit_body *from;
    const uint32_t *starts; /* of its blocks */
    jit_word *words;        /* of the new body, as far as it is made */
    struct jit_origin *origins;
    uint8_t *depths;
    uint16_t *blocks;
    uint32_t word_count, block_count;
    uint32_t word_room, block_room;
    bool is_full; /* they did not suffice: the new body is of no use */
};

/* With room for so many words and blocks. False when that is not affordable. */
bool edit_begin(struct jit_edit *edit, const struct jit_program *program, struct jit_work *work,
                const struct jit_body *from, uint32_t word_room, uint32_t block_room);

/* Appends an operation. Traps in it are those of word `at` of the old body. What is appended may be changed then. */
jit_word *edit_put(struct jit_edit *edit, const jit_word *words, uint32_t at);

/* A block has been appended that stands for one of the old body. */
void edit_end_block(struct jit_edit *edit, uint32_t block, uint32_t depth);

/* The new body, with the old one's registers and where its blocks are: by number, where to go on for one of the old
 * body. False when memory is short, or the room was. */
bool edit_end(const struct jit_edit *edit, struct jit_work *work, const uint16_t *blocks, struct jit_body *body);

/* Changes where the operation that ends a block goes to. */
void edit_set_target(jit_word *words, uint32_t place, uint32_t block);
