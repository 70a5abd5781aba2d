/* Templates of comparisons: what makes the flags, SET and SELECT. */
#include "jit/internal.h"

#define UCOMISS (X86_0F | 0x2e)
#define CMP_WITH 0x39 /* the first operand is the one that may be memory */
#define CMPSS_EQUAL (X86_F3 | 0xc2) /* and 0 behind it; all bits set when equal, none for a NaN */
#define CMPSD_EQUAL (X86_F2 | 0xc2)

unsigned compare_integers(struct compiler *c, unsigned condition, uint8_t a, uint8_t b)
{
    if (is_in_slot(c, a) && !is_in_slot(c, b)) {
        with(c, CMP_WITH, home(c, b), a);
        return condition;
    }
    unsigned reg = is_in_slot(c, a) ? EAX : home(c, a);
    load32(c, reg, a);
    with(c, X86_CMP, reg, b);
    return condition;
}

unsigned compare_number(struct compiler *c, unsigned condition, uint8_t a, uint32_t number)
{
    bool is_known = number == 0 && c->flags_of == a && c->flags_at == c->x.size;
    if (is_known && (condition & ~1u) == BF_CONDITION_EQ)
        return condition;
    if (number == 0 && !is_in_slot(c, a))
        x86_registers(&c->x, X86_TEST, home(c, a), home(c, a));
    else
        group_with(c, GROUP_CMP, a, number);
    return condition;
}

/* The borrow of a - b tells of < and >=; <= and > are those with the operands exchanged. */
unsigned compare_wide(struct compiler *c, unsigned condition, uint8_t a, uint8_t b)
{
    struct x86 *x = &c->x;
    if ((condition & ~1u) == BF_CONDITION_EQ) {
        load32(c, EAX, a);
        with_half(c, X86_LOAD, EDX, a, 4);
        with(c, X86_XOR, EAX, b);
        with_half(c, X86_XOR, EDX, b, 4);
        x86_registers(x, X86_OR, EAX, EDX);
        return condition;
    }
    static const uint8_t exchanged[] = {
        [BF_CONDITION_ULE] = BF_CONDITION_UGE, [BF_CONDITION_UGT] = BF_CONDITION_ULT,
        [BF_CONDITION_SLE] = BF_CONDITION_SGE, [BF_CONDITION_SGT] = BF_CONDITION_SLT,
    };
    if (exchanged[condition]) {
        exchange(&a, &b);
        condition = exchanged[condition];
    }
    load32(c, EAX, a);
    with_half(c, X86_LOAD, EDX, a, 4);
    with(c, X86_CMP, EAX, b);
    with_half(c, X86_SBB, EDX, b, 4);
    return condition;
}

unsigned compare_floats(struct compiler *c, unsigned condition, uint8_t a, uint8_t b)
{
    struct x86 *x = &c->x;
    bool is_double = jit_register_size(c, a) == 8;
    if (condition > BF_FLOAT_CONDITION_UNE) {
        unsigned xmm = is_in_slot(c, a) ? 0 : home(c, a);
        load_vector(c, xmm, a);
        with(c, is_double ? X86_UCOMISD : UCOMISS, xmm, b);
        return condition;
    }
    load_vector(c, 0, a);
    with(c, is_double ? CMPSD_EQUAL : CMPSS_EQUAL, 0, b);
    x86_byte(x, 0);
    x86_registers(x, X86_MOVD_OUT, 0, EAX);
    x86_registers(x, X86_TEST, EAX, EAX);
    return condition == BF_FLOAT_CONDITION_OEQ ? CONDITION_NE : CONDITION_E;
}

static void emit_set(struct compiler *c, uint8_t op, const jit_word *words)
{
    uint8_t d = jit_slot(words[0], 0), a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    unsigned condition = words[1], reg = target(c, d);
    if (op == BF_OP_SET_I32)
        condition = compare_integers(c, condition, a, b);
    else if (op == BF_OP_SET_I32_IMM8)
        condition = compare_number(c, condition, a, (uint32_t)(int8_t)b);
    else if (op == BF_OP_SET_I64)
        condition = compare_wide(c, condition, a, b);
    else
        condition = compare_floats(c, condition, a, b);
    x86_registers(&c->x, X86_SETCC + condition, 0, EAX);
    x86_registers(&c->x, X86_MOVZX_BYTE, reg, EAX);
    store32(c, reg, d);
}

/* d = a when the flags tell of the condition, else b; mov leaves flags alone. */
static void select_integer(struct compiler *c, unsigned condition, uint8_t d, uint8_t a, uint8_t b)
{
    unsigned reg = target(c, d);
    if (reg == home(c, a)) {
        with(c, X86_CMOV + (condition ^ 1), reg, b);
        return;
    }
    load32(c, reg, b);
    with(c, X86_CMOV + condition, reg, a);
    store32(c, reg, d);
}

static void select_vector(struct compiler *c, unsigned condition, uint8_t d, uint8_t a, uint8_t b)
{
    unsigned xmm = target(c, d);
    if (xmm == home(c, a)) {
        exchange(&a, &b);
        condition ^= 1;
    }
    load_vector(c, xmm, b);
    uint32_t skip = skip_if(c, condition ^ 1);
    load_vector(c, xmm, a);
    skip_to_here(c, skip);
    store_vector(c, xmm, d);
}

static void emit_select(struct compiler *c, const jit_word *words)
{
    uint8_t d = jit_slot(words[0], 0), a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    unsigned condition = (uint8_t)words[1];
    uint8_t compared = (uint8_t)(words[1] >> 8), other = (uint8_t)(words[1] >> 16);
    if ((uint8_t)words[0] == BF_OP_SELECT_I32_COMPARE)
        compare_integers(c, condition, compared, other);
    else
        compare_number(c, condition, compared, (uint32_t)(int8_t)other);
    (is_vector(c, d) ? select_vector : select_integer)(c, condition, d, a, b);
}

void emit_condition(struct compiler *c, uint8_t op, const jit_word *words)
{
    if (op >= BF_OP_SELECT_I32_COMPARE)
        emit_select(c, words);
    else
        emit_set(c, op, words);
}
