/* Templates of i64 operations: in xmm registers where SSE2 has them, else in edx:eax. */
#include "jit/internal.h"

#define CDQ 0x99
#define PADDQ (X86_66 | 0xd4)
#define PSUBQ (X86_66 | 0xfb)
#define PAND (X86_66 | 0xdb)
#define POR (X86_66 | 0xeb)
#define PXOR (X86_66 | 0xef)
#define PSLLQ (X86_66 | 0xf3)
#define PSRLQ (X86_66 | 0xd3)
#define SHIFT_NUMBER (X86_66 | 0x73) /* /2 right, /6 left */
#define MOVDQA (X86_66 | 0x6f)
#define RIGHT 2
#define LEFT 6
#define BITS_MASK 63

static void store_pair(struct compiler *c, uint8_t d)
{
    store32(c, EAX, d);
    with_slot(c, X86_STORE, EDX, d, 4);
}

static void emit_product(struct compiler *c, uint8_t a, uint8_t b)
{
    struct x86 *x = &c->x;
    with_slot(c, X86_LOAD, ECX, a, 4);
    with_slot(c, X86_IMUL, ECX, b, 0);
    with_slot(c, X86_LOAD, EAX, b, 4);
    with_slot(c, X86_IMUL, EAX, a, 0);
    x86_registers(x, X86_ADD, ECX, EAX);
    load32(c, EAX, a);
    with_slot(c, X86_UNARY, 4, b, 0);
    x86_registers(x, X86_ADD, EDX, ECX);
}

static void emit_sum_with(struct compiler *c, uint8_t d, uint8_t a, uint32_t number)
{
    struct x86 *x = &c->x;
    uint32_t slot = (uint32_t)c->slot[d], high = (uint32_t)((int32_t)number >> 31);
    if (d == a) {
        x86_group_memory(x, GROUP_ADD, EBP, slot, number);
        x86_group_memory(x, GROUP_ADC, EBP, slot + 4, high);
        return;
    }
    load32(c, EAX, a);
    with_slot(c, X86_LOAD, EDX, a, 4);
    x86_group(x, GROUP_ADD, EAX, number);
    x86_group(x, GROUP_ADC, EDX, high);
    store_pair(c, d);
}

static void shift_number(struct compiler *c, unsigned xmm, unsigned direction, uint32_t count)
{
    x86_registers(&c->x, SHIFT_NUMBER, direction, xmm);
    x86_byte(&c->x, count & BITS_MASK);
}

/* xmm0 shifted by xmm1, or by the number if the operation has one. */
static void shift(struct compiler *c, unsigned xmm, unsigned direction, bool by_number, uint32_t count)
{
    if (by_number)
        shift_number(c, xmm, direction, count);
    else
        x86_registers(&c->x, direction == LEFT ? PSLLQ : PSRLQ, xmm, 1);
}

static void emit_shift(struct compiler *c, uint8_t op, uint8_t a, uint8_t b)
{
    struct x86 *x = &c->x;
    bool by_number = op >= BF_OP_SHL_I64_IMM8;
    if (!by_number) {
        load32(c, ECX, b);
        x86_group(x, GROUP_AND, ECX, BITS_MASK);
        x86_registers(x, X86_MOVD, 1, ECX);
    }
    load64(c, 0, a);
    if (op == BF_OP_SHL_I64 || op == BF_OP_SHL_I64_IMM8) {
        shift(c, 0, LEFT, by_number, b);
        return;
    }
    if (op == BF_OP_SHR_I64 || op == BF_OP_SHR_I64_IMM8) {
        shift(c, 0, RIGHT, by_number, b);
        return;
    }
    if (op == BF_OP_ROTL_I64_IMM8) {
        /* A shift by 64 gives 0. */
        x86_registers(x, MOVDQA, 1, 0);
        shift_number(c, 0, LEFT, b);
        x86_registers(x, SHIFT_NUMBER, RIGHT, 1);
        x86_byte(x, 64 - (b & BITS_MASK));
        x86_registers(x, POR, 0, 1);
        return;
    }
    /* Arithmetic: ((a ^ sign) >> b) - (sign >> b). */
    x86_memory(x, X86_MOVSD, 2, NO_BASE, (uint32_t)(uintptr_t)&jit_constants.sign);
    x86_registers(x, PXOR, 0, 2);
    shift(c, 0, RIGHT, by_number, b);
    shift(c, 2, RIGHT, by_number, b);
    x86_registers(x, PSUBQ, 0, 2);
}

/* The operation in xmm registers of two i64, or 0. */
static uint32_t vector_opcode(uint8_t op)
{
    switch (op) {
    case BF_OP_ADD_I64:
        return PADDQ;
    case BF_OP_SUB_I64:
        return PSUBQ;
    case BF_OP_AND_I64:
        return PAND;
    case BF_OP_OR_I64:
        return POR;
    case BF_OP_XOR_I64:
        return PXOR;
    default:
        return 0;
    }
}

void emit_wide(struct compiler *c, uint8_t op, const jit_word *words)
{
    struct x86 *x = &c->x;
    uint8_t d = jit_slot(words[0], 0), a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    uint32_t opcode = vector_opcode(op);
    if (opcode) {
        load64(c, 0, a);
        load64(c, 1, b);
        x86_registers(x, opcode, 0, 1);
        store64(c, 0, d);
        return;
    }
    switch (op) {
    case BF_OP_MUL_I64:
        emit_product(c, a, b);
        break;
    case BF_OP_MUL_U32_WIDE:
    case BF_OP_MUL_S32_WIDE:
        load32(c, EAX, a);
        with_slot(c, X86_UNARY, op == BF_OP_MUL_U32_WIDE ? 4 : 5, b, 0);
        break;
    case BF_OP_PACK_I64:
        load32(c, EAX, a);
        load32(c, EDX, b);
        break;
    case BF_OP_EXTEND_U32:
        load32(c, EAX, a);
        x86_registers(x, X86_XOR, EDX, EDX);
        break;
    case BF_OP_EXTEND_S32:
        load32(c, EAX, a);
        x86_byte(x, CDQ);
        break;
    case BF_OP_ADD_I64_IMM8:
        emit_sum_with(c, d, a, (uint32_t)(int8_t)b);
        return;
    case BF_OP_MOVE_I64: /* of any eight bytes */
        load64(c, 0, a);
        store64(c, 0, d);
        return;
    default:
        emit_shift(c, op, a, b);
        store64(c, 0, d);
        return;
    }
    store_pair(c, d);
}
