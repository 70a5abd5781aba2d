/* Templates of f32 and f64 operations, of conversions, and of moves of whole xmm registers. */
#include "jit/internal.h"

#define SIGN_BIT 0x80000000u
#define ADDSD (X86_F2 | 0x58)
#define SUBSD (X86_F2 | 0x5c)
#define CVTSI2SS (X86_F3 | 0x2a)
#define CVTSI2SD (X86_F2 | 0x2a)
#define CVTTSS2SI (X86_F3 | 0x2c)
#define CVTTSD2SI (X86_F2 | 0x2c)
#define CVTSD2SS (X86_F2 | 0x5a)
#define CVTSS2SD (X86_F3 | 0x5a)
#define MULTIPLY 0x59
#define SQUARE_ROOT 0x51

static uint32_t address_of(const void *constant)
{
    return (uint32_t)(uintptr_t)constant;
}

static void emit_sign(struct compiler *c, uint8_t d, uint8_t a, bool is_double, bool negate)
{
    const struct jit_constants *k = &jit_constants;
    const uint64_t *mask = negate ? is_double ? k->sign : k->sign_f32 : is_double ? k->magnitude : k->magnitude_f32;
    unsigned xmm = target(c, d);
    load_vector(c, xmm, a);
    x86_memory(&c->x, negate ? X86_XORPS : X86_ANDPS, xmm, NO_BASE, address_of(mask));
    store_vector(c, xmm, d);
}

/* a - 2^31 is signed; both the conversion and the sum are exact. */
static void emit_from_unsigned(struct compiler *c, uint8_t d, uint8_t a)
{
    struct x86 *x = &c->x;
    unsigned xmm = target(c, d);
    load32(c, EAX, a);
    x86_group(x, GROUP_XOR, EAX, SIGN_BIT);
    x86_registers(x, CVTSI2SD, xmm, EAX);
    x86_memory(x, ADDSD, xmm, NO_BASE, address_of(&jit_constants.two_31));
    store_vector(c, xmm, d);
}

/* Signed when 2^31 is above a, not when a is a NaN. */
static void emit_to_unsigned(struct compiler *c, uint8_t d, uint8_t a)
{
    struct x86 *x = &c->x;
    load_vector(c, 0, a);
    x86_memory(x, X86_MOVSD, 1, NO_BASE, address_of(&jit_constants.two_31));
    x86_registers(x, X86_XOR, ECX, ECX);
    x86_registers(x, X86_UCOMISD, 1, 0);
    uint32_t skip = skip_if(c, CONDITION_A);
    x86_registers(x, SUBSD, 0, 1);
    x86_constant(x, ECX, SIGN_BIT);
    skip_to_here(c, skip);
    x86_registers(x, CVTTSD2SI, EAX, 0);
    x86_registers(x, X86_XOR, EAX, ECX);
    store32(c, EAX, d);
}

static void emit_conversion(struct compiler *c, uint8_t op, uint8_t d, uint8_t a)
{
    static const uint32_t opcodes[] = {
        [BF_OP_F32_FROM_I32 - BF_OP_F32_FROM_I32] = CVTSI2SS, [BF_OP_F64_FROM_I32 - BF_OP_F32_FROM_I32] = CVTSI2SD,
        [BF_OP_I32_FROM_F32 - BF_OP_F32_FROM_I32] = CVTTSS2SI, [BF_OP_I32_FROM_F64 - BF_OP_F32_FROM_I32] = CVTTSD2SI,
        [BF_OP_F32_FROM_F64 - BF_OP_F32_FROM_I32] = CVTSD2SS, [BF_OP_F64_FROM_F32 - BF_OP_F32_FROM_I32] = CVTSS2SD,
    };
    unsigned reg = target(c, d);
    with(c, opcodes[op - BF_OP_F32_FROM_I32], reg, a);
    if (op == BF_OP_I32_FROM_F32 || op == BF_OP_I32_FROM_F64)
        store32(c, reg, d);
    else
        store_vector(c, reg, d);
}

/* d = a op b; sums and products may have their operands exchanged. */
static void emit_arithmetic(struct compiler *c, uint32_t opcode, uint8_t d, uint8_t a, uint8_t b)
{
    bool swaps = (uint8_t)opcode == (uint8_t)ADDSD || (uint8_t)opcode == MULTIPLY;
    if (swaps && target(c, d) != home(c, a) && target(c, d) == home(c, b)) {
        uint8_t other = a;
        a = b;
        b = other;
    }
    unsigned xmm = target(c, d);
    if (xmm == home(c, b) && xmm != home(c, a))
        xmm = 0;
    load_vector(c, xmm, a);
    with(c, opcode, xmm, b);
    store_vector(c, xmm, d);
}

static void emit_move(struct compiler *c, uint8_t d, uint8_t a)
{
    unsigned xmm = is_in_slot(c, d) && !is_in_slot(c, a) ? home(c, a) : target(c, d);
    load_vector(c, xmm, a);
    store_vector(c, xmm, d);
}

void emit_float(struct compiler *c, uint8_t op, const jit_word *words)
{
    /* Last bytes of the opcodes, in the order of the operations. */
    static const uint8_t opcodes[] = {0x58, 0x5c, MULTIPLY, 0x5e, 0x5d, 0x5f, SQUARE_ROOT};
    uint8_t d = jit_slot(words[0], 0), a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    bool is_double = op >= BF_OP_ADD_F64;
    unsigned place = op - (is_double ? BF_OP_ADD_F64 : BF_OP_ADD_F32);
    if (op < BF_OP_ADD_F32 || op == BF_OP_F64_FROM_BITS || op == BF_OP_F64_BITS) {
        emit_move(c, d, a);
    } else if (op == BF_OP_F64_FROM_U32) {
        emit_from_unsigned(c, d, a);
    } else if (op == BF_OP_U32_FROM_F64) {
        emit_to_unsigned(c, d, a);
    } else if (op >= BF_OP_F32_FROM_I32) {
        emit_conversion(c, op, d, a);
    } else if (place >= sizeof opcodes) {
        emit_sign(c, d, a, is_double, place == sizeof opcodes);
    } else if (opcodes[place] == SQUARE_ROOT) {
        unsigned xmm = target(c, d);
        with(c, (is_double ? X86_F2 : X86_F3) | SQUARE_ROOT, xmm, a);
        store_vector(c, xmm, d);
    } else {
        emit_arithmetic(c, (is_double ? X86_F2 : X86_F3) | opcodes[place], d, a, b);
    }
}
