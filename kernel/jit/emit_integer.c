/* Templates of i32 operations, of moves and constants. */
#include "jit/internal.h"

#define SHIFT_BY_CL 0xd3
#define SHIFT_BY_NUMBER 0xc1
#define IMUL_BYTE 0x6b
#define IMUL_WORD 0x69
#define CDQ 0x99
#define BSWAP_EAX 0xc8 /* behind 0F */
#define JNZ_SHORT 0x75
#define MOV_CONSTANT_SIZE 5
#define BITS_MASK 31

/* How an operation is made; `number` is what tells it from the others of its kind. */
enum kind {
    OTHER, ALU, ALU_NUMBER, SHIFT, SHIFT_NUMBER, HIGH_PRODUCT, QUOTIENT, REMAINDER, WIDEN
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
    {BF_OP_SHL_I32, SHIFT, 4},
    {BF_OP_SHR_I32, SHIFT, 5},
    {BF_OP_SAR_I32, SHIFT, 7},
    {BF_OP_ROTL_I32, SHIFT, 0},
    {BF_OP_ROTR_I32, SHIFT, 1},
    {BF_OP_MULH_U32, HIGH_PRODUCT, 4},
    {BF_OP_MULH_S32, HIGH_PRODUCT, 5},
    {BF_OP_DIV_U32, QUOTIENT, 6},
    {BF_OP_DIV_S32, QUOTIENT, 7},
    {BF_OP_REM_U32, REMAINDER, 6},
    {BF_OP_REM_S32, REMAINDER, 7},
    {BF_OP_ADD_I32_IMM8, ALU_NUMBER, GROUP_ADD},
    {BF_OP_AND_I32_IMM8, ALU_NUMBER, GROUP_AND},
    {BF_OP_OR_I32_IMM8, ALU_NUMBER, GROUP_OR},
    {BF_OP_XOR_I32_IMM8, ALU_NUMBER, GROUP_XOR},
    {BF_OP_SHL_I32_IMM8, SHIFT_NUMBER, 4},
    {BF_OP_SHR_I32_IMM8, SHIFT_NUMBER, 5},
    {BF_OP_SAR_I32_IMM8, SHIFT_NUMBER, 7},
    {BF_OP_ROTL_I32_IMM8, SHIFT_NUMBER, 0},
    {BF_OP_ADD_I32_IMM32, ALU_NUMBER, GROUP_ADD},
    {BF_OP_AND_I32_IMM32, ALU_NUMBER, GROUP_AND},
    {BF_OP_OR_I32_IMM32, ALU_NUMBER, GROUP_OR},
    {BF_OP_XOR_I32_IMM32, ALU_NUMBER, GROUP_XOR},
    {BF_OP_EXTEND_U8, WIDEN, 0xb6},
    {BF_OP_EXTEND_U16, WIDEN, 0xb7},
    {BF_OP_EXTEND_S8, WIDEN, 0xbe},
    {BF_OP_EXTEND_S16, WIDEN, 0xbf},
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

/* Bit counts in fields of 2, 4, then 8 bits, which a product adds up. */
static void emit_popcount(struct compiler *c)
{
    struct x86 *x = &c->x;
    static const struct {
        uint32_t mask;
        uint8_t shift;
    } steps[] = {{0x55555555, 1}, {0x33333333, 2}, {0x0f0f0f0f, 4}};
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        x86_registers(x, X86_LOAD, ECX, EAX);
        x86_registers(x, SHIFT_BY_NUMBER, 5, ECX);
        x86_byte(x, steps[i].shift);
        x86_group(x, GROUP_AND, EAX, steps[i].mask);
        x86_group(x, GROUP_AND, ECX, steps[i].mask);
        x86_registers(x, X86_ADD, EAX, ECX);
    }
    x86_registers(x, IMUL_WORD, EAX, EAX);
    x86_word(x, 0x01010101);
    x86_registers(x, SHIFT_BY_NUMBER, 5, EAX);
    x86_byte(x, 24);
}

/* bsf and bsr leave ZF set, and nothing of use, when there is no bit. */
static void emit_scan(struct compiler *c, uint32_t opcode, uint8_t number, uint32_t when_zero)
{
    with_slot(c, opcode, EAX, number, 0);
    x86_byte(&c->x, JNZ_SHORT);
    x86_byte(&c->x, MOV_CONSTANT_SIZE);
    x86_constant(&c->x, EAX, when_zero);
}

static void emit_product_with(struct compiler *c, uint8_t number, uint32_t value, bool is_byte)
{
    with_slot(c, is_byte ? IMUL_BYTE : IMUL_WORD, EAX, number, 0);
    if (is_byte)
        x86_byte(&c->x, value);
    else
        x86_word(&c->x, value);
}

/* The result is in eax. */
static void emit_other(struct compiler *c, uint8_t op, const jit_word *words, uint8_t a, uint8_t b)
{
    struct x86 *x = &c->x;
    switch (op) {
    case BF_OP_FRAME:
        with_state(c, X86_LOAD, EAX, stack);
        if (jit_wide(words[0]))
            x86_group(x, GROUP_ADD, EAX, jit_wide(words[0]));
        break;
    case BF_OP_MUL_I32:
        load32(c, EAX, a);
        with_slot(c, X86_IMUL, EAX, b, 0);
        break;
    case BF_OP_MUL_I32_IMM8:
        emit_product_with(c, a, b, true);
        break;
    case BF_OP_MUL_I32_IMM32:
        emit_product_with(c, a, words[1], false);
        break;
    case BF_OP_NEG_I32:
        load32(c, EAX, a);
        x86_registers(x, X86_UNARY, 3, EAX);
        break;
    case BF_OP_CLZ_I32:
        emit_scan(c, X86_BSR, a, 2 * BITS_MASK + 1);
        x86_group(x, GROUP_XOR, EAX, BITS_MASK);
        break;
    case BF_OP_CTZ_I32:
        emit_scan(c, X86_BSF, a, BITS_MASK + 1);
        break;
    case BF_OP_POPCOUNT_I32:
        load32(c, EAX, a);
        emit_popcount(c);
        break;
    case BF_OP_BSWAP_I32:
        load32(c, EAX, a);
        x86_byte(x, 0x0f);
        x86_byte(x, BSWAP_EAX);
        break;
    case BF_OP_HIGH_I64:
        with_slot(c, X86_LOAD, EAX, a, 4);
        break;
    default: /* MOVE, and what only gives bits another type */
        load32(c, EAX, a);
    }
}

void emit_integer(struct compiler *c, uint8_t op, const jit_word *words)
{
    struct x86 *x = &c->x;
    uint32_t first = words[0];
    uint8_t d = jit_slot(first, 0), a = jit_slot(first, 1), b = jit_slot(first, 2);
    const struct template *template = find_template(op);
    uint32_t number = jit_ops[op].tail == BF_TAIL_WORD ? words[1] : (uint32_t)(int8_t)b;
    unsigned result = EAX;
    if (template->kind != WIDEN && template->kind != OTHER && !(template->kind == ALU_NUMBER && d == a))
        load32(c, EAX, a);
    switch (template->kind) {
    case ALU:
        with_slot(c, 8u * template->number + X86_GROUP_LOAD, EAX, b, 0);
        break;
    case ALU_NUMBER:
        if (d == a) {
            x86_group_memory(x, template->number, EBP, (uint32_t)c->slot[d], number);
            return;
        }
        x86_group(x, template->number, EAX, number);
        break;
    case SHIFT:
        load32(c, ECX, b);
        x86_registers(x, SHIFT_BY_CL, template->number, EAX);
        break;
    case SHIFT_NUMBER:
        x86_registers(x, SHIFT_BY_NUMBER, template->number, EAX);
        x86_byte(x, b & BITS_MASK);
        break;
    case HIGH_PRODUCT:
        with_slot(c, X86_UNARY, template->number, b, 0);
        result = EDX;
        break;
    case QUOTIENT:
    case REMAINDER:
        if (template->number & 1)
            x86_byte(x, CDQ);
        else
            x86_registers(x, X86_XOR, EDX, EDX);
        with_slot(c, X86_UNARY, template->number, b, 0);
        result = template->kind == REMAINDER ? EDX : EAX;
        break;
    case WIDEN:
        with_slot(c, X86_0F | template->number, EAX, a, 0);
        break;
    default:
        emit_other(c, op, words, a, b);
    }
    store32(c, result, d);
}
