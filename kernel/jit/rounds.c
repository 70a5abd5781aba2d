/*
 * Rounds of a loop, one behind the other. Moves of all rounds but the last one only change what is known to hold a value;
 * what a round adds to a register is added once for all rounds, and to displacements until then.
 */
#include "jit/unroll.h"

#define DISPLACEMENT_BITS 28
#define MOVES(op) ((op) >= BF_OP_MOVE_I32 && (op) <= BF_OP_MOVE_F64)

static uint8_t take_fresh(struct rounds *r, uint8_t like)
{
    uint8_t type = jit_register_type(&r->edit->from->registers, like);
    if (r->fresh[type] == r->fresh_end[type]) {
        r->failed = true;
        return like;
    }
    return r->fresh[type]++;
}

static void put_move(struct rounds *r, uint8_t d, uint8_t a, uint32_t at)
{
    uint8_t type = jit_register_type(&r->edit->from->registers, d);
    jit_word move = (uint32_t)(BF_OP_MOVE_I32 + type - BF_VALUE_TYPE_I32) | (uint32_t)d << 8 | (uint32_t)a << 16;
    edit_put(r->edit, &move, at);
}

static void put_sum(struct rounds *r, uint8_t d, uint8_t a, uint32_t number, uint32_t at)
{
    jit_word sum[2] = {BF_OP_ADD_I32_IMM32 | (uint32_t)d << 8 | (uint32_t)a << 16, number};
    if (number + 0x80 < 0x100)
        sum[0] = BF_OP_ADD_I32_IMM8 | (uint32_t)d << 8 | (uint32_t)a << 16 | number << 24;
    edit_put(r->edit, sum, at);
}

static bool fits(int32_t displacement)
{
    return displacement >= -(1 << (DISPLACEMENT_BITS - 1)) && displacement < 1 << (DISPLACEMENT_BITS - 1);
}

/* A load or store, whose address has registers with something still to be added: that goes to the displacement. False when
 * there is no room for it. */
static bool fold(struct rounds *r, jit_word *words)
{
    uint8_t op = (uint8_t)words[0], base = jit_slot(words[0], 1), index = jit_slot(words[0], 2);
    uint32_t size = jit_access_size(op), delta;
    if (jit_ops[op].tail != BF_TAIL_ADDRESS) {
        int32_t displacement = (int8_t)index * (int32_t)size;
        bool is_load = op < BF_OP_STORE_I8;
        words[0] = (words[0] & 0xffff00) + op +
                   (is_load ? BF_OP_LOAD_U8_AT - BF_OP_LOAD_U8 : BF_OP_STORE_I8_AT - BF_OP_STORE_I8);
        words[1] = BF_ADDRESS_BASE | (uint32_t)displacement << BF_ADDRESS_DISPLACEMENT_SHIFT;
    }
    int32_t displacement = (int32_t)words[1] >> BF_ADDRESS_DISPLACEMENT_SHIFT;
    delta = words[1] & BF_ADDRESS_BASE ? r->delta[base] : 0;
    if (words[1] & BF_ADDRESS_INDEX)
        delta += r->delta[index] << (words[1] >> BF_ADDRESS_SCALE_SHIFT & 3);
    displacement += (int32_t)delta;
    words[1] = (words[1] & ((1u << BF_ADDRESS_DISPLACEMENT_SHIFT) - 1)) |
               (uint32_t)displacement << BF_ADDRESS_DISPLACEMENT_SHIFT;
    return fits(displacement) && fits((int32_t)delta);
}

/* The register with the value that `number` has in the program. */
static uint8_t value_of(struct rounds *r, uint8_t number, uint32_t at)
{
    if (r->delta[number] == 0)
        return r->map[number];
    if (r->sum[number] == NO_REGISTER) {
        r->sum[number] = take_fresh(r, number);
        put_sum(r, r->sum[number], number, r->delta[number], at);
    }
    return r->sum[number];
}

static bool is_held_for_others(const struct rounds *r, uint8_t number)
{
    for (unsigned other = 0; other < jit_register_count(r->edit->from); other++) {
        if (other != number && r->map[other] == number)
            return true;
    }
    return false;
}

/* Before a register is written: what others have in it is kept. */
static void keep(struct rounds *r, uint8_t number, uint32_t at)
{
    if (!is_held_for_others(r, number))
        return;
    uint8_t kept = take_fresh(r, number);
    put_move(r, kept, number, at);
    for (unsigned other = 0; other < jit_register_count(r->edit->from); other++) {
        if (other != number && r->map[other] == number)
            r->map[other] = kept;
    }
}

static void put_operation(struct rounds *r, uint32_t at, bool is_last)
{
    const jit_word *words = r->edit->from->words + at;
    uint8_t op = (uint8_t)words[0], d = jit_written(r->edit->program, words);
    if (d != NO_REGISTER && r->step[d]) {
        r->delta[d] += (uint32_t)r->step[d];
        r->sum[d] = NO_REGISTER;
        if (is_last) {
            keep(r, d, at);
            put_sum(r, d, d, r->delta[d], at);
            r->delta[d] = 0;
        }
        return;
    }
    if (MOVES(op) && !is_last) {
        r->map[d] = value_of(r, jit_slot(words[0], 1), at);
        return;
    }
    struct jit_reads reads;
    jit_word changed[JIT_LONGEST];
    uint32_t length = jit_length(r->edit->program, words[0]);
    for (uint32_t i = 0; i < length; i++)
        changed[i] = words[i];
    bool is_folded = false;
    jit_reads(r->edit->program, words, &reads);
    for (unsigned i = 0; i < reads.count && (jit_access_size(op) || op == BF_OP_ADDRESS); i++)
        is_folded |= r->delta[reads.registers[i]] != 0 && (reads.bytes[i] > 1);
    if (is_folded && !fold(r, changed))
        r->failed = true;
    jit_reads(r->edit->program, changed, &reads);
    for (unsigned i = 0; i < reads.count; i++) {
        uint8_t number = reads.registers[i];
        bool in_address = is_folded && reads.bytes[i] > 1;
        ((uint8_t *)changed)[reads.bytes[i]] = in_address ? r->map[number] : value_of(r, number, at);
    }
    if (d != NO_REGISTER) {
        uint8_t to = d;
        if (is_last)
            keep(r, d, at);
        else if (is_held_for_others(r, d))
            to = take_fresh(r, d);
        ((uint8_t *)changed)[1] = to;
        r->map[d] = to;
    }
    edit_put(r->edit, changed, at);
}

void rounds_put(struct rounds *r, uint32_t round, uint32_t from, uint32_t end)
{
    for (uint32_t i = from; i < end; i++)
        put_operation(r, r->loop->operations[i], round == COPIES - 1);
}

void rounds_settle(struct rounds *r)
{
    unsigned count = jit_register_count(r->edit->from);
    uint32_t at = r->loop->branch;
    for (unsigned number = 0; number < count; number++) {
        if (r->map[number] == number)
            continue;
        keep(r, (uint8_t)number, at);
        put_move(r, (uint8_t)number, r->map[number], at);
        r->map[number] = (uint8_t)number;
    }
    for (unsigned number = 0; number < count; number++) {
        if (r->delta[number])
            put_sum(r, (uint8_t)number, (uint8_t)number, r->delta[number], at);
    }
}
