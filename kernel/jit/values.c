/* Registers of a program where they live: in machine registers, in slots, or for one operation in the arena. */
#include "jit/internal.h"

void with_packed(struct compiler *c, uint32_t opcode_and_reg, uint32_t number_and_offset)
{
    uint8_t number = (uint8_t)number_and_offset;
    if (c->pending.is_on && c->pending.number == number) {
        c->pending.is_on = false;
        with_arena(c, opcode_and_reg >> 3, opcode_and_reg & 7, &c->pending.address);
        return;
    }
    if (!is_in_slot(c, number))
        x86_registers(&c->x, opcode_and_reg >> 3, opcode_and_reg & 7, home(c, number));
    else
        with_own_slot(c, opcode_and_reg >> 3, opcode_and_reg & 7, number, number_and_offset >> 8);
}

void with_own_slot(struct compiler *c, uint32_t opcode, unsigned reg, uint8_t number, uint32_t offset)
{
    x86_memory(&c->x, opcode, reg, ESP, (uint32_t)c->slot[number] + c->pushed + offset);
}

void group_with(struct compiler *c, enum x86_group group, uint8_t number, uint32_t value)
{
    if (c->pending.is_on && c->pending.number == number) {
        bool is_byte = c->pending.size == 1, is_short = value + 0x80 < 0x100;
        with(c, is_byte ? X86_GROUP_BYTE : is_short ? X86_GROUP_SHORT : X86_GROUP_WORD, group, number);
        (is_byte || is_short ? x86_byte : x86_word)(&c->x, value);
    } else if (!is_in_slot(c, number))
        x86_group(&c->x, group, home(c, number), value);
    else
        x86_group_memory(&c->x, group, ESP, (uint32_t)c->slot[number] + c->pushed, value);
}

/* xmm registers are moved as a whole: 0F 28 depends on nothing that was there. */
static void move_vector(struct compiler *c, unsigned to, unsigned from)
{
    if (to != from)
        x86_registers(&c->x, X86_MOVAPS, to, from);
}

static uint32_t vector_move(const struct compiler *c, uint8_t number)
{
    return jit_register_size(c, number) == 8 ? X86_MOVSD : X86_MOVSS;
}

void load_vector(struct compiler *c, unsigned xmm, uint8_t number)
{
    if (is_in_slot(c, number))
        with(c, vector_move(c, number), xmm, number);
    else
        move_vector(c, xmm, home(c, number));
}

void store_vector(struct compiler *c, unsigned xmm, uint8_t number)
{
    if (is_in_slot(c, number))
        with(c, vector_move(c, number) + X86_MOVE_OUT, xmm, number);
    else
        move_vector(c, home(c, number), xmm);
}

void load32(struct compiler *c, unsigned reg, uint8_t number)
{
    if (!is_in_slot(c, number) && is_vector(c, number))
        x86_registers(&c->x, X86_MOVD_OUT, home(c, number), reg);
    else if (home(c, number) != reg)
        with(c, X86_LOAD, reg, number);
}

void store32(struct compiler *c, unsigned reg, uint8_t number)
{
    if (!is_in_slot(c, number) && is_vector(c, number))
        x86_registers(&c->x, X86_MOVD, home(c, number), reg);
    else if (home(c, number) != reg)
        with(c, X86_STORE, reg, number);
}

/* A slot is reached as if the register lived there. */
static void move_home(struct compiler *c, uint8_t number, bool out)
{
    unsigned reg = home(c, number);
    bool vector = is_vector(c, number);
    c->places->home[number] = NO_HOME;
    if (out)
        (vector ? store_vector : store32)(c, reg, number);
    else
        (vector ? load_vector : load32)(c, reg, number);
    c->places->home[number] = (uint8_t)reg;
}

void spill(struct compiler *c, uint8_t number)
{
    move_home(c, number, true);
}

void fill(struct compiler *c, uint8_t number)
{
    move_home(c, number, false);
}

static void store_half(struct compiler *c, uint8_t number, uint32_t offset, uint32_t value)
{
    with_half(c, X86_STORE_IMMEDIATE, 0, number, offset);
    x86_word(&c->x, value);
}

void emit_constant(struct compiler *c, uint8_t op, const jit_word *words)
{
    uint8_t d = jit_slot(words[0], 0);
    int32_t number = (int16_t)(words[0] >> 16);
    bool is_short = op == BF_OP_CONST_I32_16 || op == BF_OP_CONST_I64_16, wide = jit_register_size(c, d) == 8;
    uint32_t low = is_short ? (uint32_t)number : words[1];
    uint32_t high = !wide ? 0 : is_short ? (uint32_t)(number >> 31) : words[2];
    unsigned reg = home(c, d);
    if (reg != NO_HOME && !is_vector(c, d)) {
        x86_constant(&c->x, reg, low);
        return;
    }
    if (reg != NO_HOME && (low | high) == 0) {
        x86_registers(&c->x, X86_XORPS, reg, reg);
        return;
    }
    c->places->home[d] = NO_HOME;
    store_half(c, d, 0, low);
    if (wide)
        store_half(c, d, 4, high);
    c->places->home[d] = (uint8_t)reg;
    if (reg != NO_HOME)
        fill(c, d);
}
