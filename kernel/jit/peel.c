/*
 * The first round of innermost loops gets code of its own, in front of the loop. There accesses are checked; in the loop
 * much is known of them already, and what operations write there, of what they wrote the round before. A loop is a stretch
 * of blocks that is entered at its first block only.
 */
#include "jit/edit.h"
#include "jit/passes.h"
#include "jit/strength.h"

#define MOST_WORDS 160 /* of a loop */
#define MOST_GROWTH 2  /* of the function's words */
#define MOST_LONGER 2  /* operations that are replaced become so many times longer */

struct peel {
    const struct jit_program *program;
    const struct jit_body *body;
    const uint32_t *starts;
    uint16_t *last; /* by block: if a loop begins with it, that loop's last one; else 0 */
    uint16_t *loop; /* by block: 1 + the first block of the loop that is to be peeled and has it; else 0 */
    uint16_t *first_round; /* by block: its number in the new body, in front of the loop */
    uint16_t *others;      /* by block: its number there, in the loop and everywhere else */
};

static const jit_word *end_of(const struct peel *p, uint32_t block)
{
    uint32_t at = p->starts[block];
    while (!jit_ends_block((uint8_t)p->body->words[at]))
        at += jit_length(p->program, p->body->words[at]);
    return p->body->words + at;
}

static void find_loops(struct peel *p)
{
    for (uint32_t block = 0; block < p->body->block_count; block++) {
        const jit_word *end = end_of(p, block);
        for (uint32_t i = jit_target_count(end); i--;)
            if (jit_target(end, i) <= block)
                p->last[jit_target(end, i)] = (uint16_t)(block + 1);
    }
}

static bool has_accesses(const struct peel *p, uint32_t at, uint32_t end)
{
    while (at < end && !jit_access_size((uint8_t)p->body->words[at]))
        at += jit_length(p->program, p->body->words[at]);
    return at < end;
}

/* Whether nothing jumps into the middle of these blocks, or back there. */
static bool is_simple(const struct peel *p, uint32_t first, uint32_t end)
{
    for (uint32_t block = 0; block < p->body->block_count; block++) {
        const jit_word *words = end_of(p, block);
        bool is_inside = block >= first && block < end;
        for (uint32_t i = jit_target_count(words); i--;) {
            uint32_t target = jit_target(words, i);
            if (target > first && target < end && (!is_inside || target <= block))
                return false;
        }
    }
    return true;
}

/* Marks the loops that are to be peeled; how many words they have. */
static uint32_t choose(struct peel *p)
{
    uint32_t words = 0;
    for (uint32_t first = 0; first < p->body->block_count; first++) {
        uint32_t end = p->last[first], from = p->starts[first];
        if (!end)
            continue;
        uint32_t size = p->starts[end] - from;
        if (size > MOST_WORDS || words + size > (MOST_GROWTH - 1) * p->body->word_count ||
            !has_accesses(p, from, from + size) || !is_simple(p, first, end))
            continue;
        words += size;
        for (uint32_t block = first; block < end; block++)
            p->loop[block] = (uint16_t)(first + 1);
    }
    return words;
}

/* Blocks of a loop get numbers for the first round in front of those for the others. */
static uint32_t number_blocks(struct peel *p)
{
    uint32_t number = 0;
    for (uint32_t block = 0; block < p->body->block_count; block++) {
        uint16_t loop = p->loop[block];
        if (loop && block + 1 == loop)
            for (uint32_t i = block; i < p->body->block_count && p->loop[i] == loop; i++)
                p->first_round[i] = (uint16_t)number++;
        if (!loop)
            p->first_round[block] = (uint16_t)number;
        p->others[block] = (uint16_t)number++;
    }
    return number;
}

/* In a loop whose first round is over: what does not change is left out, what moves by a constant is moved. */
static bool is_replaced(const struct peel *p, struct jit_edit *edit, uint32_t block, uint32_t at)
{
    uint32_t first = p->loop[block] - 1u, step;
    const struct jit_loop loop = {p->program, p->body, p->starts, first, p->last[first]};
    uint32_t word = p->body->words[at], d = jit_slot(word, 0);
    uint8_t op = (uint8_t)word;
    bool is_multiple = op == BF_OP_SHL_I32_IMM8 || op == BF_OP_MUL_I32_IMM8 || op == BF_OP_MUL_I32_IMM32;
    if (!jit_find_step(&loop, block, at, &step) || (step && !is_multiple))
        return false;
    jit_word sum[] = {BF_OP_ADD_I32_IMM32 | d << 8 | d << 16, step};
    if (step)
        edit_put(edit, sum, at);
    return true;
}

static void put_block(struct peel *p, struct jit_edit *edit, uint32_t block, bool is_first_round)
{
    uint32_t depth = p->body->depths[block], loop = p->loop[block];
    for (uint32_t at = p->starts[block], length; at < p->starts[block + 1]; at += length) {
        length = jit_length(p->program, p->body->words[at]);
        if (loop && !is_first_round && is_replaced(p, edit, block, at))
            continue;
        jit_word *put = edit_put(edit, p->body->words + at, at);
        if (!jit_ends_block((uint8_t)put[0]))
            continue;
        for (uint32_t i = jit_target_count(put); i--;) {
            uint32_t target = jit_target(put, i);
            bool goes_round = loop && target + 1 == loop;
            bool stays = loop && p->loop[target] == loop && !goes_round;
            bool to_first = stays ? is_first_round : !goes_round;
            edit_set_target(put, i, (to_first ? p->first_round : p->others)[target]);
        }
    }
    edit_end_block(edit, block, is_first_round && depth ? depth - 1 : depth);
}

bool jit_peel(const struct jit_program *program, const struct jit_environment *environment, struct jit_work *work,
              struct jit_body *body)
{
    (void)environment;
    struct jit_body from = *body;
    uint32_t bytes = from.block_count * sizeof(uint16_t);
    struct peel p = {
        .program = program,
        .body = &from,
        .starts = jit_block_starts(program, work, body),
        .last = jit_take(work, 4 * bytes), /* and the other three arrays of blocks */
    };
    if (!p.starts || !p.last)
        return false;
    p.loop = p.last + from.block_count;
    p.first_round = p.loop + from.block_count;
    p.others = p.first_round + from.block_count;
    find_loops(&p);
    uint32_t more = choose(&p), blocks = number_blocks(&p);
    struct jit_edit edit;
    if (!more || blocks > UINT16_MAX ||
        !edit_begin(&edit, program, work, &from, from.word_count + MOST_LONGER * more, blocks))
        return true;
    for (uint32_t block = 0; block < from.block_count; block++) {
        uint16_t loop = p.loop[block];
        for (uint32_t i = block; loop == block + 1 && i < from.block_count && p.loop[i] == loop; i++)
            put_block(&p, &edit, i, true);
        put_block(&p, &edit, block, false);
    }
    return edit_end(&edit, work, p.first_round, body);
}
