#include "jit/strength.h"

static bool goes_round(const struct jit_loop *loop, uint32_t block)
{
    uint32_t at = loop->starts[block];
    while (!jit_ends_block((uint8_t)loop->body->words[at]))
        at += jit_length(loop->program, loop->body->words[at]);
    for (uint32_t i = jit_target_count(loop->body->words + at); i--;)
        if (jit_target(loop->body->words + at, i) == loop->first)
            return true;
    return false;
}

/* Whether each round goes through the block: it is the first one, or the only one that goes to that. */
static bool is_in_each_round(const struct jit_loop *loop, uint32_t block)
{
    if (block == loop->first)
        return true;
    for (uint32_t other = loop->first; other < loop->end; other++)
        if (other != block && goes_round(loop, other))
            return false;
    return goes_round(loop, block);
}

/* Where a register is written: in how many places, and the last of them. */
static uint32_t count_writes(const struct jit_loop *loop, uint8_t number, uint32_t *block, uint32_t *at)
{
    uint32_t count = 0;
    for (uint32_t i = loop->first; i < loop->end; i++) {
        for (uint32_t j = loop->starts[i]; j < loop->starts[i + 1]; j += jit_length(loop->program, loop->body->words[j])) {
            if (jit_written(loop->program, loop->body->words + j) != number)
                continue;
            count++;
            *block = i;
            *at = j;
        }
    }
    return count;
}

/* Whether the only change of a register is that each round adds a constant; that one, 0 without a change. */
static bool find_change(const struct jit_loop *loop, uint8_t number, uint32_t *step)
{
    uint32_t block, at, count = count_writes(loop, number, &block, &at);
    struct jit_sum sum;
    *step = 0;
    if (count == 0)
        return true;
    const jit_word *words = loop->body->words + at;
    if (count > 1 || jit_access_size((uint8_t)words[0]) || !jit_find_sum(words, &sum) || sum.a != 1 || sum.b != 0 ||
        jit_slot(words[0], 1) != number || !is_in_each_round(loop, block))
        return false;
    *step = sum.number;
    return true;
}

bool jit_find_step(const struct jit_loop *loop, uint32_t block, uint32_t at, uint32_t *step)
{
    const jit_word *words = loop->body->words + at;
    uint8_t d = jit_slot(words[0], 0), a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    struct jit_sum sum;
    uint32_t step_a = 0, step_b = 0;
    if (jit_access_size((uint8_t)words[0]) || !jit_find_sum(words, &sum) || !is_in_each_round(loop, block) ||
        count_writes(loop, d, &block, &at) != 1 ||
        (sum.a && !find_change(loop, a, &step_a)) || (sum.b && !find_change(loop, b, &step_b)))
        return false;
    *step = sum.a * step_a + sum.b * step_b;
    return true;
}
