/* Templates of what ends a block, and jumps to blocks. A jump ahead keeps the place of the one before it until the block is
 * emitted. */
#include "jit/count.h"
#include "jit/flow.h"

#define SHORT_SIZE 2
#define SHORT_REACH 0x80
#define ALWAYS 0x10
#define SWITCH_WORD 4

static void emit_jump(struct compiler *c, unsigned condition, uint32_t block)
{
    struct x86 *x = &c->x;
    if (block <= c->block) {
        uint32_t distance = c->blocks[block] - x->size - SHORT_SIZE;
        if (distance + SHORT_REACH < 2 * SHORT_REACH) {
            x86_byte(x, condition == ALWAYS ? X86_JMP_SHORT : X86_JCC_SHORT + condition);
            x86_byte(x, distance);
            return;
        }
    }
    if (condition == ALWAYS) {
        x86_byte(x, X86_JMP);
    } else {
        x86_byte(x, 0x0f);
        x86_byte(x, X86_JCC + condition);
    }
    if (block <= c->block) {
        x86_word(x, c->blocks[block] - x->size - 4);
        return;
    }
    uint32_t before = c->blocks[block];
    c->blocks[block] = x->size;
    x86_word(x, before);
}

void control_begin_block(struct compiler *c)
{
    c->flags_at = NO_FLAGS;
    struct x86 *x = &c->x;
    uint32_t jumps_back = count_jumps_back(c), at = c->blocks[c->block];
    while (at && x86_fits(x)) {
        uint32_t before = x86_word_at(x, at);
        x86_patch(x, at, x->size - at - 4);
        at = before;
    }
    c->blocks[c->block] = jumps_back ? jumps_back : x->size;
}

static void jump_unless_next(struct compiler *c, uint32_t block)
{
    if (block != c->block + 1)
        emit_jump(c, ALWAYS, block);
}

static void emit_branch(struct compiler *c, unsigned condition, uint32_t targets)
{
    uint32_t yes = targets & 0xffff, no = targets >> 16;
    if (yes == c->block + 1) {
        emit_jump(c, condition ^ 1, no);
        return;
    }
    if (no != c->block + 1 && no <= c->block) { /* one jump for another round of a loop, two to leave it */
        emit_jump(c, condition ^ 1, no);
        emit_jump(c, ALWAYS, yes);
        return;
    }
    emit_jump(c, condition, yes);
    jump_unless_next(c, no);
}

static void emit_switch(struct compiler *c, const jit_word *words)
{
    uint32_t count = jit_wide(words[0]);
    uint8_t number = jit_slot(words[0], 0);
    unsigned reg = is_in_slot(c, number) ? EAX : home(c, number);
    load32(c, reg, number);
    x86_group(&c->x, GROUP_CMP, reg, count);
    emit_jump(c, CONDITION_AE, jit_target(words, 0));
    x86_indexed(&c->x, X86_INDIRECT, 4, NO_BASE, reg, 2, c->switches_at);
    c->switches_at += SWITCH_WORD * count;
    for (uint32_t i = 1; i <= count && c->switches; i++)
        *c->switches++ = jit_target(words, i);
}

static void emit_return(struct compiler *c, uint8_t value)
{
    switch (c->signature->result) {
    case BF_VALUE_TYPE_I64:
        if (!is_in_slot(c, value))
            spill(c, value);
        with_own_slot(c, X86_LOAD, EAX, value, 0);
        with_own_slot(c, X86_LOAD, EDX, value, 4);
        break;
    case BF_VALUE_TYPE_I32:
        load32(c, EAX, value);
        break;
    default:
        load_vector(c, 0, value);
    }
    frame_end(c);
}

void emit_control(struct compiler *c, uint8_t op, const jit_word *words)
{
    unsigned condition = jit_slot(words[0], 0);
    uint8_t a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    switch (op) {
    case BF_OP_JUMP:
        jump_unless_next(c, jit_wide(words[0]));
        break;
    case BF_OP_BRANCH_I32:
        emit_branch(c, compare_integers(c, condition, a, b), words[1]);
        break;
    case BF_OP_BRANCH_I32_IMM8:
        emit_branch(c, compare_number(c, condition, a, (uint32_t)(int8_t)b), words[1]);
        break;
    case BF_OP_BRANCH_I32_IMM32:
        emit_branch(c, compare_number(c, condition, a, words[1]), words[2]);
        break;
    case BF_OP_BRANCH_I64:
        emit_branch(c, compare_wide(c, condition, a, b), words[1]);
        break;
    case BF_OP_SWITCH:
        emit_switch(c, words);
        break;
    case BF_OP_RETURN:
        frame_end(c);
        break;
    case BF_OP_RETURN_VALUE:
        emit_return(c, jit_slot(words[0], 0));
        break;
    case BF_OP_TRAP:
        trap(c);
        break;
    default: /* BRANCH_F32, BRANCH_F64 */
        emit_branch(c, compare_floats(c, condition, a, b), words[1]);
    }
}
