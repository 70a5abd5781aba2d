/* Finds loops that count, and what goes up in them. */
#include "jit/unroll.h"

#define MOST_STEP 0x8000 /* a power of two; that of all rounds together is far from 2^31 */

/* What changes a register in a loop: how many operations, and the last of them. */
static uint32_t count_writes(const struct blocks *b, const struct loop *loop, uint8_t number, uint32_t *place)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < loop->count; i++) {
        if (jit_written(b->program, b->body->words + loop->operations[i]) == number) {
            *place = i;
            count++;
        }
    }
    return count;
}

/* The number that the operation adds to a register in place, or 0. */
static int32_t step_of(const jit_word *words)
{
    uint8_t op = (uint8_t)words[0];
    if (jit_slot(words[0], 0) != jit_slot(words[0], 1))
        return 0;
    return op == BF_OP_ADD_I32_IMM8 ? (int8_t)jit_slot(words[0], 2) : op == BF_OP_ADD_I32_IMM32 ? (int32_t)words[1] : 0;
}

int32_t loop_step(const struct blocks *b, const struct loop *loop, uint8_t number, uint32_t *place)
{
    if (count_writes(b, loop, number, place) != 1)
        return 0;
    return step_of(b->body->words + loop->operations[*place]);
}

/* The branch compares a register that goes up with a bound that stays. */
static bool find_counter(const struct blocks *b, struct loop *loop)
{
    const jit_word *words = b->body->words + loop->branch;
    bool by_number = (uint8_t)words[0] != BF_OP_BRANCH_I32;
    uint32_t place;
    for (unsigned i = 1; i <= 2 - (unsigned)by_number; i++) {
        loop->counter = jit_slot(words[0], i);
        loop->bound = by_number ? NO_REGISTER : jit_slot(words[0], 3 - i);
        loop->number = (uint8_t)words[0] == BF_OP_BRANCH_I32_IMM8 ? (uint32_t)(int8_t)jit_slot(words[0], 2) : words[1];
        loop->step = loop_step(b, loop, loop->counter, &place);
        if (loop->step > 0 && (loop->step & (loop->step - 1)) == 0 && loop->step <= MOST_STEP && place < loop->leaves_at &&
            (by_number || count_writes(b, loop, loop->bound, &place) == 0))
            return true;
    }
    return false;
}

bool loop_has(const struct loop *loop, uint32_t block)
{
    for (uint32_t i = 0; i < loop->block_count; i++) {
        if (loop->blocks[i] == block)
            return true;
    }
    return false;
}

/* Takes the operations of a block; the word of its last one, or 0 when the loop becomes too long. */
static uint32_t take_block(const struct blocks *b, struct loop *loop, uint32_t block)
{
    uint32_t at = b->starts[block];
    if (loop->block_count == MOST_BLOCKS)
        return 0;
    loop->blocks[loop->block_count++] = block;
    for (; !jit_ends_block((uint8_t)b->body->words[at]); at += jit_length(b->program, b->body->words[at])) {
        if (loop->count == MOST_OPERATIONS)
            return 0;
        loop->operations[loop->count++] = at;
    }
    return at;
}

/* Follows the only way round from a block. */
bool loop_find(const struct blocks *b, uint32_t head, struct loop *loop)
{
    bool has_branch = false;
    uint32_t block = head;
    loop->block_count = loop->count = 0;
    do {
        uint32_t at = take_block(b, loop, block);
        const jit_word *end = b->body->words + at;
        uint8_t op = (uint8_t)end[0], condition = jit_slot(end[0], 0);
        if (at && op == BF_OP_JUMP) {
            block = jit_target(end, 0);
            continue;
        }
        bool is_test = op == BF_OP_BRANCH_I32 || op == BF_OP_BRANCH_I32_IMM8 || op == BF_OP_BRANCH_I32_IMM32;
        if (!at || !is_test || has_branch || (condition & ~1u) != BF_CONDITION_EQ)
            return false;
        has_branch = true;
        loop->branch = at;
        loop->leaves_at = loop->count;
        loop->exit = jit_target(end, condition != BF_CONDITION_EQ);
        loop->next = block = jit_target(end, condition == BF_CONDITION_EQ);
    } while (block != head && !loop_has(loop, block));
    return block == head && has_branch && !loop_has(loop, loop->exit) && find_counter(b, loop);
}
