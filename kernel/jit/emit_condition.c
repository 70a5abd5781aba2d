/* Templates of comparisons: what makes the flags, SET and SELECT. */
#include "jit/internal.h"

#define UCOMISS (X86_0F | 0x2e)
#define UCOMISD (X86_66 | 0x2e)
#define CMPSS_EQUAL (X86_F3 | 0xc2) /* and 0 behind it; all bits set when equal, none for a NaN */
#define CMPSD_EQUAL (X86_F2 | 0xc2)

unsigned compare_integers(struct compiler *c, unsigned condition, uint8_t a, uint8_t b)
{
    load32(c, EAX, a);
    with_slot(c, X86_CMP, EAX, b, 0);
    return condition;
}

unsigned compare_number(struct compiler *c, unsigned condition, uint8_t a, uint32_t number)
{
    x86_group_memory(&c->x, GROUP_CMP, EBP, (uint32_t)c->slot[a], number);
    return condition;
}

/* The borrow of a - b tells of < and >=; <= and > are those with the operands exchanged. */
unsigned compare_wide(struct compiler *c, unsigned condition, uint8_t a, uint8_t b)
{
    struct x86 *x = &c->x;
    if ((condition & ~1u) == BF_CONDITION_EQ) {
        load32(c, EAX, a);
        with_slot(c, X86_LOAD, EDX, a, 4);
        with_slot(c, X86_XOR, EAX, b, 0);
        with_slot(c, X86_XOR, EDX, b, 4);
        x86_registers(x, X86_OR, EAX, EDX);
        return condition;
    }
    static const uint8_t exchanged[] = {
        [BF_CONDITION_ULE] = BF_CONDITION_UGE, [BF_CONDITION_UGT] = BF_CONDITION_ULT,
        [BF_CONDITION_SLE] = BF_CONDITION_SGE, [BF_CONDITION_SGT] = BF_CONDITION_SLT,
    };
    if (exchanged[condition]) {
        uint8_t other = a;
        a = b;
        b = other;
        condition = exchanged[condition];
    }
    load32(c, EAX, a);
    with_slot(c, X86_LOAD, EDX, a, 4);
    with_slot(c, X86_CMP, EAX, b, 0);
    with_slot(c, X86_SBB, EDX, b, 4);
    return condition;
}

unsigned compare_floats(struct compiler *c, unsigned condition, uint8_t a, uint8_t b)
{
    struct x86 *x = &c->x;
    bool is_double = jit_register_size(c, a) == 8;
    with_slot(c, is_double ? X86_MOVSD : X86_MOVSS, 0, a, 0);
    if (condition > BF_FLOAT_CONDITION_UNE) {
        with_slot(c, is_double ? UCOMISD : UCOMISS, 0, b, 0);
        return condition;
    }
    with_slot(c, is_double ? CMPSD_EQUAL : CMPSS_EQUAL, 0, b, 0);
    x86_byte(x, 0);
    x86_registers(x, X86_MOVD_OUT, 0, EAX);
    x86_registers(x, X86_TEST, EAX, EAX);
    return condition == BF_FLOAT_CONDITION_OEQ ? CONDITION_NE : CONDITION_E;
}

static void emit_set(struct compiler *c, uint8_t op, const jit_word *words)
{
    uint8_t d = jit_slot(words[0], 0), a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    unsigned condition = words[1];
    if (op == BF_OP_SET_I32)
        condition = compare_integers(c, condition, a, b);
    else if (op == BF_OP_SET_I32_IMM8)
        condition = compare_number(c, condition, a, (uint32_t)(int8_t)b);
    else if (op == BF_OP_SET_I64)
        condition = compare_wide(c, condition, a, b);
    else
        condition = compare_floats(c, condition, a, b);
    x86_registers(&c->x, X86_SETCC + condition, 0, EAX);
    x86_registers(&c->x, X86_MOVZX_BYTE, EAX, EAX);
    store32(c, EAX, d);
}

/* Words are moved whatever they stand for; mov leaves the flags alone. */
static void emit_select(struct compiler *c, const jit_word *words)
{
    uint8_t d = jit_slot(words[0], 0), a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    unsigned condition = (uint8_t)words[1];
    uint8_t compared = (uint8_t)(words[1] >> 8), with = (uint8_t)(words[1] >> 16);
    if ((uint8_t)words[0] == BF_OP_SELECT_I32_COMPARE)
        compare_integers(c, condition, compared, with);
    else
        compare_number(c, condition, compared, (uint32_t)(int8_t)with);
    uint32_t size = jit_register_size(c, d);
    for (uint32_t offset = 0; offset < size; offset += 4) {
        with_slot(c, X86_LOAD, EAX, b, offset);
        with_slot(c, X86_CMOV + condition, EAX, a, offset);
        with_slot(c, X86_STORE, EAX, d, offset);
    }
}

void emit_condition(struct compiler *c, uint8_t op, const jit_word *words)
{
    if (op >= BF_OP_SELECT_I32_COMPARE)
        emit_select(c, words);
    else
        emit_set(c, op, words);
}
