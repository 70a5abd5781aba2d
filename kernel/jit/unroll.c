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
    const struct jit_program *program;
    const struct jit_body *body;
    const uint32_t *starts;
    struct loop loops[MOST_LOOPS];
    uint32_t loop_count;
    uint32_t words; /* that all loops take */
};

/* What changes a register in a loop: how many operations, and the last of them. */
static uint32_t count_writes(const struct unroll *u, const struct loop *loop, uint8_t number, uint32_t *place)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < loop->count; i++) {
        if (jit_written(u->program, u->body->words + loop->operations[i]) == number) {
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

/* What each round adds to a register if that is all that happens to it, or 0. */
static int32_t find_step(const struct unroll *u, const struct loop *loop, uint8_t number, uint32_t *place)
{
    if (count_writes(u, loop, number, place) != 1)
        return 0;
    return step_of(u->body->words + loop->operations[*place]);
}

/* The branch compares a register that goes up with a bound that stays. */
static bool find_counter(const struct unroll *u, struct loop *loop)
{
    const jit_word *words = u->body->words + loop->branch;
    bool by_number = (uint8_t)words[0] != BF_OP_BRANCH_I32;
    uint32_t place;
    for (unsigned i = 1; i <= 2 - (unsigned)by_number; i++) {
        loop->counter = jit_slot(words[0], i);
        loop->bound = by_number ? NO_REGISTER : jit_slot(words[0], 3 - i);
        loop->number = (uint8_t)words[0] == BF_OP_BRANCH_I32_IMM8 ? (uint32_t)(int8_t)jit_slot(words[0], 2) : words[1];
        loop->step = find_step(u, loop, loop->counter, &place);
        if (loop->step > 0 && (loop->step & (loop->step - 1)) == 0 && loop->step < 1 << 16 && place < loop->leaves_at &&
            (by_number || count_writes(u, loop, loop->bound, &place) == 0))
            return true;
    }
    return false;
}

static bool is_in(const struct loop *loop, uint32_t block)
{
    for (uint32_t i = 0; i < loop->block_count; i++) {
        if (loop->blocks[i] == block)
            return true;
    }
    return false;
}

/* Takes the operations of a block; the word of its last one, or 0 when the loop becomes too long. */
static uint32_t take_block(const struct unroll *u, struct loop *loop, uint32_t block)
{
    uint32_t at = u->starts[block];
    if (loop->block_count == MOST_BLOCKS)
        return 0;
    loop->blocks[loop->block_count++] = block;
    for (; !jit_ends_block((uint8_t)u->body->words[at]); at += jit_length(u->program, u->body->words[at])) {
        if (loop->count == MOST_OPERATIONS)
            return 0;
        loop->operations[loop->count++] = at;
    }
    return at;
}

/* Follows the only way round from a block. */
static bool find_loop(const struct unroll *u, uint32_t head, struct loop *loop)
{
    bool has_branch = false;
    uint32_t block = head;
    loop->block_count = loop->count = 0;
    do {
        uint32_t at = take_block(u, loop, block);
        const jit_word *end = u->body->words + at;
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
    } while (block != head && !is_in(loop, block));
    return block == head && has_branch && !is_in(loop, loop->exit) && find_counter(u, loop);
}

/* Those that there is memory for. */
static void find_loops(struct unroll *u, uint32_t memory)
{
    u->loop_count = u->words = 0;
    for (uint32_t block = 0; block < u->body->block_count && u->loop_count < MOST_LOOPS; block++) {
        struct loop *loop = &u->loops[u->loop_count];
        if (!find_loop(u, block, loop))
            continue;
        uint32_t words = OVERHEAD + WORDS_OF_SUM * jit_register_count(u->body);
        for (uint32_t i = 0; i < loop->count; i++)
            words += COPIES * (jit_length(u->program, u->body->words[loop->operations[i]]) + WORDS_OF_SUM + 1);
        uint32_t all_words = u->body->word_count + u->words + words;
        uint32_t all_blocks = u->body->block_count + NEW_BLOCKS * (u->loop_count + 1);
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
    unsigned count = jit_register_count(u->body);
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
        r->step[number] = find_step(u, r->loop, (uint8_t)number, &place);
    }
    return true;
}

/* Appends the code of a loop, unless registers are short. False when memory is. */
static bool put_loop(const struct unroll *u, struct jit_work *work, struct rounds *r, struct loop *loop)
{
    unsigned count = jit_register_count(u->body);
    struct jit_edit *edit = r->edit;
    uint32_t word_count = edit->word_count, block_count = edit->block_count;
    uint8_t *map = jit_take(work, count), *stop = &r->fresh[BF_VALUE_TYPE_I32];
    uint32_t *delta = jit_take(work, count * sizeof *delta);
    uint32_t depth = u->body->depths[r->loop->blocks[0]];
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
    for (uint32_t at = 0; at < edit->word_count; at += jit_length(u->program, edit->words[at])) {
        jit_word *words = edit->words + at;
        for (uint32_t i = jit_target_count(words); i--;) {
            for (uint32_t number = 0; number < u->loop_count; number++) {
                const struct loop *loop = &u->loops[number];
                bool is_own = is_in(loop, block) || (block >= loop->entry && block < loop->entry_end);
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
    *u = (struct unroll){.program = program, .body = &from, .starts = jit_block_starts(program, work, body)};
    if (!u->starts)
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
    if (!edit_begin(&edit, program, work, &from, from.word_count + u->words, from.block_count + NEW_BLOCKS * u->loop_count))
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
