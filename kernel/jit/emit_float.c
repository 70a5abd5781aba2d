/* Templates of f32 and f64 operations and of conversions. */
#include "jit/internal.h"

#define SIGN_BIT 0x80000000u
#define ADDSD (X86_F2 | 0x58)
#define SUBSD (X86_F2 | 0x5c)
#define UCOMISD (X86_66 | 0x2e)
#define CVTSI2SS (X86_F3 | 0x2a)
#define CVTSI2SD (X86_F2 | 0x2a)
#define CVTTSS2SI (X86_F3 | 0x2c)
#define CVTTSD2SI (X86_F2 | 0x2c)
#define CVTSD2SS (X86_F2 | 0x5a)
#define CVTSS2SD (X86_F3 | 0x5a)
#define JA_SHORT 0x77
#define SUBSD_SIZE 4
#define MOV_CONSTANT_SIZE 5

static uint32_t address_of(const void *constant)
{
    return (uint32_t)(uintptr_t)constant;
}

static void load_float(struct compiler *c, bool is_double, unsigned xmm, uint8_t number)
{
    with_slot(c, is_double ? X86_MOVSD : X86_MOVSS, xmm, number, 0);
}

static void store_float(struct compiler *c, bool is_double, uint8_t number)
{
    with_slot(c, (is_double ? X86_MOVSD : X86_MOVSS) + X86_MOVE_OUT, 0, number, 0);
}

/* The sign stands in the upper word of an f64, in the only one of an f32. */
static void emit_sign(struct compiler *c, uint8_t d, uint8_t a, bool is_double, bool negate)
{
    uint32_t upper = is_double ? 4 : 0;
    with_slot(c, X86_LOAD, EAX, a, upper);
    if (is_double)
        load32(c, ECX, a);
    x86_group(&c->x, negate ? GROUP_XOR : GROUP_AND, EAX, negate ? SIGN_BIT : ~SIGN_BIT);
    with_slot(c, X86_STORE, EAX, d, upper);
    if (is_double)
        store32(c, ECX, d);
}

/* a - 2^31 is signed; both the conversion and the sum are exact. */
static void emit_from_unsigned(struct compiler *c, uint8_t a)
{
    struct x86 *x = &c->x;
    load32(c, EAX, a);
    x86_group(x, GROUP_XOR, EAX, SIGN_BIT);
    x86_registers(x, CVTSI2SD, 0, EAX);
    x86_memory(x, ADDSD, 0, NO_BASE, address_of(&jit_constants.two_31));
}

/* Signed when 2^31 is above a, not when a is a NaN. */
static void emit_to_unsigned(struct compiler *c, uint8_t a)
{
    struct x86 *x = &c->x;
    load_float(c, true, 0, a);
    x86_memory(x, X86_MOVSD, 1, NO_BASE, address_of(&jit_constants.two_31));
    x86_registers(x, X86_XOR, ECX, ECX);
    x86_registers(x, UCOMISD, 1, 0);
    x86_byte(x, JA_SHORT);
    x86_byte(x, SUBSD_SIZE + MOV_CONSTANT_SIZE);
    x86_registers(x, SUBSD, 0, 1);
    x86_constant(x, ECX, SIGN_BIT);
    x86_registers(x, CVTTSD2SI, EAX, 0);
    x86_registers(x, X86_XOR, EAX, ECX);
}

static void emit_conversion(struct compiler *c, uint8_t op, uint8_t d, uint8_t a)
{
    switch (op) {
    case BF_OP_F64_FROM_U32:
        emit_from_unsigned(c, a);
        store_float(c, true, d);
        break;
    case BF_OP_U32_FROM_F64:
        emit_to_unsigned(c, a);
        store32(c, EAX, d);
        break;
    case BF_OP_I32_FROM_F32:
    case BF_OP_I32_FROM_F64:
        with_slot(c, op == BF_OP_I32_FROM_F32 ? CVTTSS2SI : CVTTSD2SI, EAX, a, 0);
        store32(c, EAX, d);
        break;
    case BF_OP_F32_FROM_I32:
    case BF_OP_F32_FROM_F64:
        with_slot(c, op == BF_OP_F32_FROM_I32 ? CVTSI2SS : CVTSD2SS, 0, a, 0);
        store_float(c, false, d);
        break;
    default: /* F64_FROM_I32, F64_FROM_F32 */
        with_slot(c, op == BF_OP_F64_FROM_I32 ? CVTSI2SD : CVTSS2SD, 0, a, 0);
        store_float(c, true, d);
    }
}

void emit_float(struct compiler *c, uint8_t op, const jit_word *words)
{
    /* Last bytes of the opcodes, in the order of the operations. */
    static const uint8_t opcodes[] = {0x58, 0x5c, 0x59, 0x5e, 0x5d, 0x5f, 0x51};
    uint8_t d = jit_slot(words[0], 0), a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    if (op >= BF_OP_F32_FROM_I32) {
        emit_conversion(c, op, d, a);
        return;
    }
    bool is_double = op >= BF_OP_ADD_F64;
    unsigned place = op - (is_double ? BF_OP_ADD_F64 : BF_OP_ADD_F32);
    if (place >= sizeof opcodes) {
        emit_sign(c, d, a, is_double, place == sizeof opcodes);
        return;
    }
    if (op == BF_OP_SQRT_F32 || op == BF_OP_SQRT_F64)
        b = a;
    else
        load_float(c, is_double, 0, a);
    with_slot(c, (is_double ? X86_F2 : X86_F3) | opcodes[place], 0, b, 0);
    store_float(c, is_double, d);
}
