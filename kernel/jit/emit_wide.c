/* Templates of i64 operations: in xmm registers where SSE2 has them, else in edx:eax. */
#include "jit/internal.h"

#define PADDQ (X86_66 | 0xd4)
#define PSUBQ (X86_66 | 0xfb)
#define PAND (X86_66 | 0xdb)
#define POR (X86_66 | 0xeb)
#define PXOR (X86_66 | 0xef)
#define PSLLQ (X86_66 | 0xf3)
#define PSRLQ (X86_66 | 0xd3)
#define PSRAD_NUMBER (X86_66 | 0x72) /* /4 */
#define PUNPCKLDQ (X86_66 | 0x62)
#define SHIFT_NUMBER (X86_66 | 0x73) /* /2 right, /6 left */
#define RIGHT 2
#define LEFT 6
#define BITS_MASK 63
#define SIGN_SHIFT 31

/* All operands in slots: see is_by_halves. */
static void emit_product(struct compiler *c, uint8_t d, uint8_t a, uint8_t b)
{
    struct x86 *x = &c->x;
    with_half(c, X86_LOAD, ECX, a, 4);
    with(c, X86_IMUL, ECX, b);
    with_half(c, X86_LOAD, EAX, b, 4);
    with(c, X86_IMUL, EAX, a);
    x86_registers(x, X86_ADD, ECX, EAX);
    with(c, X86_LOAD, EAX, a);
    with(c, X86_UNARY, UNARY_MUL, b);
    x86_registers(x, X86_ADD, EDX, ECX);
    with(c, X86_STORE, EAX, d);
    with_half(c, X86_STORE, EDX, d, 4);
}

/* d = both halves; the upper one may be a register that is no home, or EAX again. */
static void store_halves(struct compiler *c, uint8_t d, unsigned low, unsigned high)
{
    if (is_in_slot(c, d)) {
        with(c, X86_STORE, low, d);
        with_half(c, X86_STORE, high, d, 4);
        return;
    }
    x86_registers(&c->x, X86_MOVD, home(c, d), low);
    x86_registers(&c->x, X86_MOVD, 1, high);
    x86_registers(&c->x, PUNPCKLDQ, home(c, d), 1);
}

/* mul and imul leave the product in edx:eax. */
static void emit_wide_product(struct compiler *c, bool is_signed, uint8_t d, uint8_t a, uint8_t b)
{
    load32(c, EAX, a);
    with(c, X86_UNARY, is_signed ? UNARY_IMUL : UNARY_MUL, b);
    store_halves(c, d, EAX, EDX);
}

static void emit_pack(struct compiler *c, uint8_t d, uint8_t a, uint8_t b)
{
    unsigned low = is_in_slot(c, a) ? EAX : home(c, a), high = is_in_slot(c, b) ? ECX : home(c, b);
    load32(c, low, a);
    load32(c, high, b);
    store_halves(c, d, low, high);
}

static void emit_extend(struct compiler *c, bool is_signed, uint8_t d, uint8_t a)
{
    struct x86 *x = &c->x;
    if (!is_in_slot(c, d)) {
        with(c, X86_MOVD, home(c, d), a);
        if (is_signed) {
            x86_registers(x, X86_MOVAPS, 1, home(c, d));
            x86_registers(x, PSRAD_NUMBER, 4, 1);
            x86_byte(x, SIGN_SHIFT);
            x86_registers(x, PUNPCKLDQ, home(c, d), 1);
        }
        return;
    }
    load32(c, EAX, a);
    with(c, X86_STORE, EAX, d);
    if (is_signed) {
        x86_registers(x, X86_SHIFT_NUMBER, SHIFT_SAR, EAX);
        x86_byte(x, SIGN_SHIFT);
        with_half(c, X86_STORE, EAX, d, 4);
    } else {
        with_half(c, X86_STORE_IMMEDIATE, 0, d, 4);
        x86_word(x, 0);
    }
}

/* The upper half of a, which has a home in an xmm register, or a slot. */
static void emit_high(struct compiler *c, uint8_t d, uint8_t a)
{
    unsigned reg = target(c, d);
    if (is_in_slot(c, a)) {
        with_half(c, X86_LOAD, reg, a, 4);
    } else {
        load_vector(c, 0, a);
        x86_registers(&c->x, SHIFT_NUMBER, RIGHT, 0);
        x86_byte(&c->x, 32);
        x86_registers(&c->x, X86_MOVD_OUT, 0, reg);
    }
    store32(c, reg, d);
}

/* By pieces of 32 bits in a slot; else by a number in xmm1, whose upper half is zero: a negative one is subtracted. */
static void emit_sum_with(struct compiler *c, uint8_t d, uint8_t a, uint32_t number)
{
    struct x86 *x = &c->x;
    bool negative = number >> SIGN_SHIFT;
    if (d == a && is_in_slot(c, d)) {
        uint32_t slot = (uint32_t)c->slot[d] + c->pushed;
        x86_group_memory(x, GROUP_ADD, ESP, slot, number);
        x86_group_memory(x, GROUP_ADC, ESP, slot + 4, negative ? UINT32_MAX : 0);
        return;
    }
    unsigned reg = target(c, d);
    x86_constant(x, EAX, negative ? -number : number);
    x86_registers(x, X86_MOVD, 1, EAX);
    load_vector(c, reg, a);
    x86_registers(x, negative ? PSUBQ : PADDQ, reg, 1);
    store_vector(c, reg, d);
}

static void shift_number(struct compiler *c, unsigned xmm, unsigned direction, uint32_t count)
{
    x86_registers(&c->x, SHIFT_NUMBER, direction, xmm);
    x86_byte(&c->x, count);
}

/* xmm shifted by xmm1, or by the number if the operation has one. */
static void shift(struct compiler *c, unsigned xmm, unsigned direction, bool by_number, uint32_t count)
{
    if (by_number)
        shift_number(c, xmm, direction, count & BITS_MASK);
    else
        x86_registers(&c->x, direction == LEFT ? PSLLQ : PSRLQ, xmm, 1);
}

static void emit_shift(struct compiler *c, uint8_t op, uint8_t d, uint8_t a, uint8_t b)
{
    struct x86 *x = &c->x;
    unsigned reg = target(c, d);
    bool by_number = op >= BF_OP_SHL_I64_IMM8;
    if (!by_number) {
        load32(c, ECX, b);
        x86_group(x, GROUP_AND, ECX, BITS_MASK);
        x86_registers(x, X86_MOVD, 1, ECX);
    }
    load_vector(c, reg, a);
    switch (op) {
    case BF_OP_SHL_I64:
    case BF_OP_SHL_I64_IMM8:
        shift(c, reg, LEFT, by_number, b);
        break;
    case BF_OP_SHR_I64:
    case BF_OP_SHR_I64_IMM8:
        shift(c, reg, RIGHT, by_number, b);
        break;
    case BF_OP_ROTL_I64_IMM8:
        /* A shift by 64 gives 0. */
        x86_registers(x, X86_MOVAPS, 1, reg);
        shift_number(c, reg, LEFT, b & BITS_MASK);
        shift_number(c, 1, RIGHT, 64 - (b & BITS_MASK));
        x86_registers(x, POR, reg, 1);
        break;
    default:
        /* Arithmetic: ((a ^ sign) >> b) - (sign >> b). */
        x86_memory(x, PXOR, reg, NO_BASE, (uint32_t)(uintptr_t)jit_constants.sign);
        shift(c, reg, RIGHT, by_number, b);
        x86_memory(x, X86_MOVSD, by_number ? 1 : SCRATCH_XMM, NO_BASE, (uint32_t)(uintptr_t)jit_constants.sign);
        shift(c, by_number ? 1 : SCRATCH_XMM, RIGHT, by_number, b);
        x86_registers(x, PSUBQ, reg, by_number ? 1 : SCRATCH_XMM);
    }
    store_vector(c, reg, d);
}

/* Operands in slots are not aligned for these: they come by way of xmm1. */
static void emit_vector(struct compiler *c, uint32_t opcode, uint8_t d, uint8_t a, uint8_t b)
{
    bool swaps = opcode != PSUBQ;
    if (swaps && d != a && (d == b || (!is_in_slot(c, d) && home(c, d) == home(c, b))))
        exchange(&a, &b);
    unsigned reg = target(c, d), second = is_in_slot(c, b) ? 1 : home(c, b);
    if (reg == second)
        reg = reg == home(c, a) ? reg : 0;
    load_vector(c, second, b);
    load_vector(c, reg, a);
    x86_registers(&c->x, opcode, reg, second);
    store_vector(c, reg, d);
}

void emit_wide(struct compiler *c, uint8_t op, const jit_word *words)
{
    static const uint32_t opcodes[] = {PADDQ, PSUBQ, PAND, POR, PXOR};
    uint8_t d = jit_slot(words[0], 0), a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    switch (op) {
    case BF_OP_ADD_I64:
    case BF_OP_SUB_I64:
    case BF_OP_AND_I64:
    case BF_OP_OR_I64:
    case BF_OP_XOR_I64:
        emit_vector(c, opcodes[op - BF_OP_ADD_I64], d, a, b);
        break;
    case BF_OP_MUL_I64:
        emit_product(c, d, a, b);
        break;
    case BF_OP_MUL_U32_WIDE:
    case BF_OP_MUL_S32_WIDE:
        emit_wide_product(c, op == BF_OP_MUL_S32_WIDE, d, a, b);
        break;
    case BF_OP_PACK_I64:
        emit_pack(c, d, a, b);
        break;
    case BF_OP_EXTEND_U32:
    case BF_OP_EXTEND_S32:
        emit_extend(c, op == BF_OP_EXTEND_S32, d, a);
        break;
    case BF_OP_ADD_I64_IMM8:
        emit_sum_with(c, d, a, (uint32_t)(int8_t)b);
        break;
    case BF_OP_HIGH_I64:
        emit_high(c, d, a);
        break;
    default:
        emit_shift(c, op, d, a, b);
    }
}
