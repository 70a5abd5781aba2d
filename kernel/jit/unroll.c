/*
 * Loops that count up to a bound run several rounds between two looks at the counter. In front of such a loop stands a block
 * that finds out for how many rounds that goes; the loop as it was does the rest. Behind the rounds stands a block that
 * either leaves or goes on there.
 */
#include "jit/passes.h"
#include "jit/unroll.h"

#include "lib/string.h"

#define MOST_LOOPS 16
#define NEW_BLOCKS 5 /* of a loop, at most */
/* Memory for editing, and for the passes that follow, in bytes. */
#define BYTES_PER_WORD 28
#define BYTES_PER_BLOCK 416
#define BYTES_ANYWAY 0x8000
#define MOST_FRESH_I32 40
#define MOST_FRESH 12
#define OVERHEAD 64 /* words in front of the rounds and behind them, but for moves */
#define WORDS_OF_SUM 2

struct unroll {
    struct blocks in;
    struct loop loops[MOST_LOOPS];
    uint32_t loop_count;
    uint32_t words; /* that all loops take */
};

/* Those that there is memory for. */
static void find_loops(struct unroll *u, uint32_t memory)
{
    u->loop_count = u->words = 0;
    for (uint32_t block = 0; block < u->in.body->block_count && u->loop_count < MOST_LOOPS; block++) {
        struct loop *loop = &u->loops[u->loop_count];
        if (!loop_find(&u->in, block, loop))
            continue;
        uint32_t words = OVERHEAD + WORDS_OF_SUM * jit_register_count(u->in.body);
        for (uint32_t i = 0; i < loop->count; i++)
            words += COPIES * (jit_length(u->in.program, u->in.body->words[loop->operations[i]]) + WORDS_OF_SUM + 1);
        uint32_t all_words = u->in.body->word_count + u->words + words;
        uint32_t all_blocks = u->in.body->block_count + NEW_BLOCKS * (u->loop_count + 1);
        if (all_words * BYTES_PER_WORD + all_blocks * BYTES_PER_BLOCK + BYTES_ANYWAY > memory)
            continue;
        u->words += words;
        u->loop_count++;
    }
}

static void put(struct rounds *r, uint32_t first, uint32_t second, uint32_t third)
{
    jit_word words[3] = {first, second, third};
    edit_put(r->edit, words, r->loop->branch);
    if (jit_ends_block((uint8_t)first))
        edit_end_block(r->edit, r->loop->blocks[0], r->depth);
}

static uint32_t three(uint8_t op, unsigned d, unsigned a, unsigned b)
{
    return op | d << 8 | a << 16 | b << 24;
}

/* A branch when the counter is where it is to stop. */
static void put_branch_at_bound(struct rounds *r, uint32_t yes, uint32_t no)
{
    const struct loop *loop = r->loop;
    if (loop->bound == NO_REGISTER)
        put(r, three(BF_OP_BRANCH_I32_IMM32, BF_CONDITION_EQ, loop->counter, 0), loop->number, yes | no << 16);
    else
        put(r, three(BF_OP_BRANCH_I32, BF_CONDITION_EQ, loop->counter, loop->bound), yes | no << 16, 0);
}

/* The two blocks in front of the rounds. How far the counter goes in whole turns of all rounds comes to `stop`. */
static void put_guard(struct rounds *r, uint8_t stop)
{
    const struct loop *loop = r->loop;
    uint32_t turn = COPIES * (uint32_t)loop->step, block = r->edit->block_count;
    if (loop->bound == NO_REGISTER)
        put(r, three(BF_OP_CONST_I32, stop, 0, 0), loop->number, 0);
    put(r, three(BF_OP_SUB_I32, stop, loop->bound == NO_REGISTER ? stop : loop->bound, loop->counter), 0, 0);
    put(r, three(BF_OP_BRANCH_I32_IMM32, BF_CONDITION_ULT, stop, 0), turn, loop->blocks[0] | (block + 1) << 16);
    put(r, three(BF_OP_AND_I32_IMM32, stop, stop, 0), -turn, 0);
    put(r, three(BF_OP_ADD_I32, stop, stop, loop->counter), 0, 0);
    put(r, BF_OP_JUMP | (block + 2) << 16, 0, 0);
}

static void put_rounds(struct rounds *r, uint8_t stop, uint32_t registers, uint8_t *map_there, uint32_t *delta_there)
{
    const struct loop *loop = r->loop;
    uint32_t block = r->edit->block_count, after = loop->leaves_at < loop->count;
    for (uint32_t round = 0; round < COPIES; round++)
        rounds_put(r, round, 0, round + 1 < COPIES ? loop->count : loop->leaves_at);
    put(r, three(BF_OP_BRANCH_I32, BF_CONDITION_EQ, loop->counter, stop),
        (block + 1 + after) | (after ? block + 1 : block) << 16, 0);
    memcpy(map_there, r->map, registers);
    memcpy(delta_there, r->delta, registers * sizeof *delta_there);
    if (after) {
        rounds_put(r, COPIES - 1, loop->leaves_at, loop->count);
        put(r, BF_OP_JUMP | block << 16, 0, 0);
    }
}

/* By register: what is known at the start of the rounds. False when memory is short. */
static bool begin(const struct unroll *u, struct jit_work *work, struct rounds *r)
{
    unsigned count = jit_register_count(u->in.body);
    uint32_t place;
    r->map = jit_take(work, count);
    r->delta = jit_take(work, count * sizeof *r->delta);
    r->step = jit_take(work, count * sizeof *r->step);
    r->sum = jit_take(work, count);
    if (!r->map || !r->delta || !r->step || !r->sum)
        return false;
    memset(r->sum, NO_REGISTER, count);
    for (unsigned number = 0; number < count; number++) {
        r->map[number] = (uint8_t)number;
        r->step[number] = loop_step(&u->in, r->loop, (uint8_t)number, &place);
    }
    return true;
}

/* Appends the code of a loop, unless registers are short. False when memory is. */
static bool put_loop(const struct unroll *u, struct jit_work *work, struct rounds *r, struct loop *loop)
{
    unsigned count = jit_register_count(u->in.body);
    struct jit_edit *edit = r->edit;
    uint32_t word_count = edit->word_count, block_count = edit->block_count;
    uint8_t *map = jit_take(work, count), *stop = &r->fresh[BF_VALUE_TYPE_I32];
    uint32_t *delta = jit_take(work, count * sizeof *delta);
    uint32_t depth = u->in.body->depths[r->loop->blocks[0]];
    if (!map || !delta || !begin(u, work, r))
        return false;
    if (*stop == r->fresh_end[BF_VALUE_TYPE_I32])
        return true;
    uint8_t last = (*stop)++;
    r->depth = depth ? depth - 1 : 0;
    put_guard(r, last);
    r->depth = depth;
    put_rounds(r, last, count, map, delta);
    r->map = map;
    r->delta = delta;
    r->depth = depth ? depth - 1 : 0;
    rounds_settle(r);
    put_branch_at_bound(r, r->loop->exit, r->loop->next);
    if (r->failed) {
        edit->word_count = word_count;
        edit->block_count = block_count;
        return true;
    }
    loop->entry = block_count;
    loop->entry_end = edit->block_count;
    for (uint32_t i = 0; i < r->loop->block_count && depth; i++)
        edit->depths[r->loop->blocks[i]] = (uint8_t)(depth - 1); /* it does the rest only */
    return true;
}

/* What comes to a loop from elsewhere goes to its new code. */
static void redirect(const struct unroll *u, struct jit_edit *edit, uint16_t *blocks)
{
    uint32_t block = 0;
    for (uint32_t at = 0; at < edit->word_count; at += jit_length(u->in.program, edit->words[at])) {
        jit_word *words = edit->words + at;
        for (uint32_t i = jit_target_count(words); i--;) {
            for (uint32_t number = 0; number < u->loop_count; number++) {
                const struct loop *loop = &u->loops[number];
                bool is_own = loop_has(loop, block) || (block >= loop->entry && block < loop->entry_end);
                if (loop->entry && !is_own && jit_target(words, i) == loop->blocks[0])
                    edit_set_target(words, i, loop->entry);
            }
        }
        block += jit_ends_block((uint8_t)words[0]);
    }
    for (uint32_t number = 0; number < u->loop_count; number++) {
        if (u->loops[number].entry)
            blocks[u->loops[number].blocks[0]] = u->loops[number].entry;
    }
}

static bool add_fresh(const struct jit_program *program, struct jit_work *work, struct jit_body *body, uint8_t *fresh,
                      uint8_t *fresh_end)
{
    uint8_t more[BF_VALUE_TYPE_F64 + 1] = {0};
    unsigned room = BF_MAX_REGISTERS - jit_register_count(body);
    for (unsigned type = BF_VALUE_TYPE_I32; type <= BF_VALUE_TYPE_F64; type++) {
        unsigned most = type == BF_VALUE_TYPE_I32 ? MOST_FRESH_I32 : MOST_FRESH;
        if (body->registers.first[type] == body->registers.first[type + 1])
            continue;
        more[type] = (uint8_t)(most < room ? most : room);
        room -= more[type];
    }
    if (!jit_add_registers(program, work, more, body))
        return false;
    for (unsigned type = BF_VALUE_TYPE_I32; type <= BF_VALUE_TYPE_F64; type++) {
        fresh_end[type] = body->registers.first[type + 1];
        fresh[type] = (uint8_t)(fresh_end[type] - more[type]);
    }
    return true;
}

bool jit_unroll(const struct jit_program *program, const struct jit_environment *environment, struct jit_work *work,
                struct jit_body *body)
{
    (void)environment;
    struct jit_body from = *body;
    struct unroll *u = jit_take(work, sizeof *u);
    uint8_t fresh[BF_VALUE_TYPE_F64 + 1], fresh_end[BF_VALUE_TYPE_F64 + 1];
    if (!u)
        return false;
    *u = (struct unroll){.in = {program, &from, jit_block_starts(program, work, body)}};
    if (!u->in.starts)
        return false;
    uint32_t memory = work->size - work->used;
    find_loops(u, memory);
    if (!u->loop_count)
        return true;
    uint16_t *blocks = jit_take(work, from.block_count * sizeof *blocks);
    struct jit_edit edit;
    if (!blocks || !add_fresh(program, work, &from, fresh, fresh_end))
        return false;
    find_loops(u, memory); /* registers have other numbers now */
    if (!edit_begin(&edit, program, work, &from, from.word_count + u->words,
                    from.block_count + NEW_BLOCKS * u->loop_count))
        return true;
    for (uint32_t at = 0; at < from.word_count; at += jit_length(program, from.words[at])) {
        edit_put(&edit, from.words + at, at);
        if (jit_ends_block((uint8_t)from.words[at]))
            edit_end_block(&edit, edit.block_count, from.depths[edit.block_count]);
    }
    for (uint32_t i = 0; i < from.block_count; i++)
        blocks[i] = (uint16_t)i;
    for (uint32_t i = 0; i < u->loop_count; i++) {
        struct rounds r = {.edit = &edit, .loop = &u->loops[i], .fresh = fresh, .fresh_end = fresh_end};
        if (!put_loop(u, work, &r, &u->loops[i]))
            return false;
    }
    redirect(u, &edit, blocks);
    *body = from;
    return edit_end(&edit, work, blocks, body);
}
