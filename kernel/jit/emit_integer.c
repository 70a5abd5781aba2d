/* Templates of i32 operations, of moves and constants. */
#include "jit/flow.h"
#include "jit/internal.h"

#define IMUL_BYTE 0x6b
#define IMUL_WORD 0x69
#define BSWAP 0xc8 /* + register, behind 0F */
#define BITS_MASK 31
#define LEA_SHIFTS 3 /* an address holds an index shifted by 1 to 3 */

/* How an operation is made; `number` is what tells it from the others of its kind. */
enum kind {
    OTHER, ALU, ALU_NUMBER, SHIFT, SHIFT_NUMBER, PRODUCT, PRODUCT_NUMBER, HIGH_PRODUCT, QUOTIENT, REMAINDER,
    WIDEN, MOVE
};

struct template {
    uint8_t op, kind, number;
};

/* Groups of operations that follow one another in the numbers. */
static const struct template templates[] = {
    {BF_OP_ADD_I32, ALU, GROUP_ADD},
    {BF_OP_SUB_I32, ALU, GROUP_SUB},
    {BF_OP_AND_I32, ALU, GROUP_AND},
    {BF_OP_OR_I32, ALU, GROUP_OR},
    {BF_OP_XOR_I32, ALU, GROUP_XOR},
    {BF_OP_SHL_I32, SHIFT, SHIFT_SHL},
    {BF_OP_SHR_I32, SHIFT, SHIFT_SHR},
    {BF_OP_SAR_I32, SHIFT, SHIFT_SAR},
    {BF_OP_ROTL_I32, SHIFT, SHIFT_ROL},
    {BF_OP_ROTR_I32, SHIFT, SHIFT_ROR},
    {BF_OP_MULH_U32, HIGH_PRODUCT, UNARY_MUL},
    {BF_OP_MULH_S32, HIGH_PRODUCT, UNARY_IMUL},
    {BF_OP_DIV_U32, QUOTIENT, UNARY_DIV},
    {BF_OP_DIV_S32, QUOTIENT, UNARY_IDIV},
    {BF_OP_REM_U32, REMAINDER, UNARY_DIV},
    {BF_OP_REM_S32, REMAINDER, UNARY_IDIV},
    {BF_OP_ADD_I32_IMM8, ALU_NUMBER, GROUP_ADD},
    {BF_OP_AND_I32_IMM8, ALU_NUMBER, GROUP_AND},
    {BF_OP_OR_I32_IMM8, ALU_NUMBER, GROUP_OR},
    {BF_OP_XOR_I32_IMM8, ALU_NUMBER, GROUP_XOR},
    {BF_OP_SHL_I32_IMM8, SHIFT_NUMBER, SHIFT_SHL},
    {BF_OP_SHR_I32_IMM8, SHIFT_NUMBER, SHIFT_SHR},
    {BF_OP_SAR_I32_IMM8, SHIFT_NUMBER, SHIFT_SAR},
    {BF_OP_ROTL_I32_IMM8, SHIFT_NUMBER, SHIFT_ROL},
    {BF_OP_ADD_I32_IMM32, ALU_NUMBER, GROUP_ADD},
    {BF_OP_AND_I32_IMM32, ALU_NUMBER, GROUP_AND},
    {BF_OP_OR_I32_IMM32, ALU_NUMBER, GROUP_OR},
    {BF_OP_XOR_I32_IMM32, ALU_NUMBER, GROUP_XOR},
    {BF_OP_MUL_I32, PRODUCT, 0},
    {BF_OP_MUL_I32_IMM8, PRODUCT_NUMBER, 0},
    {BF_OP_MUL_I32_IMM32, PRODUCT_NUMBER, 0},
    {BF_OP_MOVE_I32, MOVE, 0},
    {BF_OP_NEG_I32, MOVE, 0},
    {BF_OP_BSWAP_I32, MOVE, 0},
    {BF_OP_LOW_I64, MOVE, 0},
    {BF_OP_F32_BITS, MOVE, 0},
    {BF_OP_F32_FROM_BITS, MOVE, 0},
    {BF_OP_EXTEND_U8, WIDEN, X86_MOVZX_BYTE & 0xff},
    {BF_OP_EXTEND_U16, WIDEN, X86_MOVZX_WORD & 0xff},
    {BF_OP_EXTEND_S8, WIDEN, X86_MOVSX_BYTE & 0xff},
    {BF_OP_EXTEND_S16, WIDEN, X86_MOVSX_WORD & 0xff},
};

static const struct template *find_template(uint8_t op)
{
    static const struct template other = {0, OTHER, 0};
    for (unsigned i = 0; i < sizeof templates / sizeof *templates; i++) {
        if (templates[i].op == op)
            return &templates[i];
    }
    return &other;
}

/* Bit counts in fields of 2, 4, then 8 bits of eax, which a product adds up. */
static void emit_popcount(struct compiler *c)
{
    struct x86 *x = &c->x;
    static const struct {
        uint32_t mask;
        uint8_t shift;
    } steps[] = {{0x55555555, 1}, {0x33333333, 2}, {0x0f0f0f0f, 4}};
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        x86_registers(x, X86_LOAD, ECX, EAX);
        x86_registers(x, X86_SHIFT_NUMBER, SHIFT_SHR, ECX);
        x86_byte(x, steps[i].shift);
        x86_group(x, GROUP_AND, EAX, steps[i].mask);
        x86_group(x, GROUP_AND, ECX, steps[i].mask);
        x86_registers(x, X86_ADD, EAX, ECX);
    }
    x86_registers(x, IMUL_WORD, EAX, EAX);
    x86_word(x, 0x01010101);
    x86_registers(x, X86_SHIFT_NUMBER, SHIFT_SHR, EAX);
    x86_byte(x, 24);
}

/* bsf and bsr leave ZF set, and nothing of use, when there is no bit. */
static void emit_scan(struct compiler *c, uint32_t opcode, uint8_t number, uint32_t when_zero)
{
    with(c, opcode, EAX, number);
    uint32_t skip = skip_if(c, CONDITION_NE);
    x86_constant(&c->x, EAX, when_zero);
    skip_to_here(c, skip);
}

/* d = a * value */
static void emit_product_with(struct compiler *c, uint8_t d, uint8_t a, uint32_t value, bool is_byte)
{
    unsigned reg = target(c, d);
    with(c, is_byte ? IMUL_BYTE : IMUL_WORD, reg, a);
    (is_byte ? x86_byte : x86_word)(&c->x, value);
    store32(c, reg, d);
}

/* d = a op b for the opcode that has its first operand in a register; `swaps` when a and b may be exchanged. */
static void emit_two(struct compiler *c, uint32_t opcode, bool swaps, uint8_t d, uint8_t a, uint8_t b)
{
    if (swaps && d != a && (d == b || target(c, d) == home(c, b)))
        exchange(&a, &b);
    unsigned reg = target(c, d);
    if (reg != EAX && reg == home(c, b) && reg != home(c, a))
        reg = EAX;
    load32(c, reg, a);
    with(c, opcode, reg, b);
    store32(c, reg, d);
}

/* Returns whether flags tell of the result. */
static bool emit_alu(struct compiler *c, enum x86_group group, uint8_t d, uint8_t a, uint8_t b)
{
    struct x86 *x = &c->x;
    bool swaps = group != GROUP_SUB;
    uint8_t other = d == a ? b : a;
    if (is_in_slot(c, d) && (d == a || (swaps && d == b))) {
        unsigned reg = is_in_slot(c, other) ? EAX : home(c, other);
        load32(c, reg, other);
        with(c, 8u * group + X86_GROUP_STORE, reg, d);
        return true;
    }
    bool in_homes = !is_in_slot(c, d) && !is_in_slot(c, a) && !is_in_slot(c, b);
    if (group == GROUP_ADD && in_homes && home(c, d) != home(c, a) && home(c, d) != home(c, b)) {
        x86_indexed(x, X86_LEA, home(c, d), home(c, a), home(c, b), 0, 0);
        return false;
    }
    emit_two(c, 8u * group + X86_GROUP_LOAD, swaps, d, a, b);
    return true;
}

static bool emit_alu_number(struct compiler *c, enum x86_group group, uint8_t d, uint8_t a, uint32_t number)
{
    if (d == a) {
        group_with(c, group, d, number);
        return true;
    }
    unsigned reg = target(c, d);
    bool is_address = group == GROUP_ADD && !is_in_slot(c, a) && reg != home(c, a);
    if (is_address) {
        x86_memory(&c->x, X86_LEA, reg, home(c, a), number);
    } else {
        load32(c, reg, a);
        x86_group(&c->x, group, reg, number);
    }
    store32(c, reg, d);
    return !is_address;
}

/* d shifted in its place, or by way of a register; the count is in cl when there is no number. */
static void emit_shift(struct compiler *c, unsigned kind, uint8_t d, uint8_t a, uint8_t b, bool by_number)
{
    struct x86 *x = &c->x;
    unsigned reg = target(c, d);
    if (!by_number)
        load32(c, ECX, b);
    if (d == a) {
        with(c, by_number ? X86_SHIFT_NUMBER : X86_SHIFT_BY_CL, kind, d);
    } else if (by_number && kind == SHIFT_SHL && b - 1u < LEA_SHIFTS && !is_in_slot(c, a) && reg != home(c, a)) {
        x86_indexed(x, X86_LEA, reg, NO_BASE, home(c, a), b, 0);
        store32(c, reg, d);
        return;
    } else {
        load32(c, reg, a);
        x86_registers(x, by_number ? X86_SHIFT_NUMBER : X86_SHIFT_BY_CL, kind, reg);
    }
    if (by_number)
        x86_byte(x, b & BITS_MASK);
    if (d != a)
        store32(c, reg, d);
}

/* Only four registers have a lowest byte to be named by. */
static void emit_widen(struct compiler *c, uint32_t opcode, uint8_t d, uint8_t a)
{
    unsigned reg = target(c, d);
    bool is_byte = !(opcode & 1);
    if (is_byte && !is_in_slot(c, a) && home(c, a) >= ESP) {
        load32(c, EAX, a);
        x86_registers(&c->x, opcode, reg, EAX);
    } else {
        with(c, opcode, reg, a);
    }
    store32(c, reg, d);
}

static void emit_pair(struct compiler *c, uint8_t d, uint8_t a, uint8_t b, unsigned number, unsigned result)
{
    load32(c, EAX, a);
    if (number == UNARY_IDIV)
        x86_byte(&c->x, X86_CDQ);
    else if (number == UNARY_DIV)
        x86_registers(&c->x, X86_XOR, EDX, EDX);
    with(c, X86_UNARY, number, b);
    store32(c, result, d);
}

/* Through eax. */
static void emit_other(struct compiler *c, uint8_t op, const jit_word *words, uint8_t d, uint8_t a)
{
    struct x86 *x = &c->x;
    switch (op) {
    case BF_OP_FRAME:
        with_state(c, X86_LOAD, EAX, stack);
        if (jit_wide(words[0]))
            x86_group(x, GROUP_ADD, EAX, jit_wide(words[0]));
        break;
    case BF_OP_CLZ_I32:
        emit_scan(c, X86_BSR, a, 2 * BITS_MASK + 1);
        x86_group(x, GROUP_XOR, EAX, BITS_MASK);
        break;
    case BF_OP_CTZ_I32:
        emit_scan(c, X86_BSF, a, BITS_MASK + 1);
        break;
    default: /* POPCOUNT_I32 */
        load32(c, EAX, a);
        emit_popcount(c);
    }
    store32(c, EAX, d);
}

/* d = a, then one instruction on it. */
static void emit_unary(struct compiler *c, uint8_t op, uint8_t d, uint8_t a)
{
    unsigned reg = !is_in_slot(c, d) && !is_vector(c, d) ? home(c, d)
                   : !is_in_slot(c, a) && !is_vector(c, a) && op != BF_OP_NEG_I32 && op != BF_OP_BSWAP_I32 ? home(c, a)
                                                                                                          : EAX;
    load32(c, reg, a);
    if (op == BF_OP_NEG_I32) {
        x86_registers(&c->x, X86_UNARY, UNARY_NEG, reg);
    } else if (op == BF_OP_BSWAP_I32) {
        x86_byte(&c->x, 0x0f);
        x86_byte(&c->x, BSWAP + reg);
    }
    store32(c, reg, d);
}

void emit_integer(struct compiler *c, uint8_t op, const jit_word *words)
{
    uint32_t first = words[0];
    uint8_t d = jit_slot(first, 0), a = jit_slot(first, 1), b = jit_slot(first, 2);
    const struct template *template = find_template(op);
    uint32_t number = jit_number(words);
    bool flags = false;
    switch (template->kind) {
    case ALU:
        flags = emit_alu(c, template->number, d, a, b);
        break;
    case ALU_NUMBER:
        flags = emit_alu_number(c, template->number, d, a, number);
        break;
    case SHIFT:
    case SHIFT_NUMBER:
        emit_shift(c, template->number, d, a, b, template->kind == SHIFT_NUMBER);
        break;
    case HIGH_PRODUCT:
    case QUOTIENT:
    case REMAINDER:
        emit_pair(c, d, a, b, template->number, template->kind == QUOTIENT ? EAX : EDX);
        break;
    case WIDEN:
        emit_widen(c, X86_0F | template->number, d, a);
        break;
    case PRODUCT:
        emit_two(c, X86_IMUL, true, d, a, b);
        break;
    case PRODUCT_NUMBER:
        emit_product_with(c, d, a, number, op == BF_OP_MUL_I32_IMM8);
        break;
    case MOVE:
        emit_unary(c, op, d, a);
        break;
    default:
        emit_other(c, op, words, d, a);
    }
    if (flags) {
        c->flags_at = c->x.size;
        c->flags_of = d;
    }
}
