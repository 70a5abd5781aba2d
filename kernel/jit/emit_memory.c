/*
 * Templates of loads, stores and checks. An access is good when its address is at most the last one that leaves room for
 * its size; addresses before the arena's first byte fault by themselves.
 */
#include "jit/internal.h"

#define ADDRESS_SHIFT_MASK 3
#define JZ_SHORT 0x74

/* How memory is read or written, by operation from BF_OP_LOAD_U8 and BF_OP_STORE_I8 on. */
struct access {
    uint32_t opcode;
    uint8_t size;
    bool vector; /* through xmm0 */
};

static const struct access accesses[] = {
    {X86_MOVZX_BYTE, 1, false}, {X86_MOVSX_BYTE, 1, false}, {X86_MOVZX_WORD, 2, false}, {X86_MOVSX_WORD, 2, false},
    {X86_LOAD, 4, false},       {X86_MOVSD, 8, true},       {X86_LOAD, 4, false},       {X86_MOVSD, 8, true},
    {X86_STORE_BYTE, 1, false}, {X86_STORE_WORD, 2, false}, {X86_STORE, 4, false},
    {X86_MOVSD + X86_MOVE_OUT, 8, true}, {X86_STORE, 4, false}, {X86_MOVSD + X86_MOVE_OUT, 8, true},
};
#define LOADS (BF_OP_LOAD_U8_AT - BF_OP_LOAD_U8)
#define STORES (BF_OP_STORE_I8_AT - BF_OP_STORE_I8)

/* The address that a tail tells goes to eax. */
static void emit_address(struct compiler *c, const jit_word *words)
{
    uint32_t tail = words[1];
    uint32_t displacement = (uint32_t)((int32_t)tail >> BF_ADDRESS_DISPLACEMENT_SHIFT);
    unsigned shift = tail >> BF_ADDRESS_SCALE_SHIFT & ADDRESS_SHIFT_MASK;
    unsigned base = NO_BASE, index = NO_INDEX;
    if (tail & BF_ADDRESS_BASE)
        load32(c, base = EAX, jit_slot(words[0], 1));
    if (tail & BF_ADDRESS_INDEX)
        load32(c, index = ECX, jit_slot(words[0], 2));
    if (base == NO_BASE && index == NO_INDEX)
        x86_constant(&c->x, EAX, displacement);
    else if (index != NO_INDEX || displacement)
        x86_indexed(&c->x, X86_LEA, EAX, base, index, shift, displacement);
}

/* MEMORY trap when eax is above the last address for so many bytes; fewer than the arena has. */
static void emit_bound(struct compiler *c, uint32_t size)
{
    x86_group(&c->x, GROUP_CMP, EAX, c->program->header->arena_size - size);
    trap_unless(c, CONDITION_BE);
}

static void emit_access(struct compiler *c, const struct access *access, bool is_load, bool indexed,
                        const jit_word *words)
{
    uint8_t value = jit_slot(words[0], 0);
    if (indexed) {
        emit_address(c, words);
    } else {
        uint32_t displacement = (uint32_t)((int8_t)jit_slot(words[0], 2) * access->size);
        load32(c, EAX, jit_slot(words[0], 1));
        if (displacement)
            x86_group(&c->x, GROUP_ADD, EAX, displacement);
    }
    emit_bound(c, access->size);
    if (is_load) {
        x86_memory(&c->x, access->opcode, access->vector ? 0 : EAX, EAX, c->environment->arena);
        if (access->vector)
            store64(c, 0, value);
        else
            store32(c, EAX, value);
        return;
    }
    if (access->vector)
        load64(c, 0, value);
    else
        load32(c, ECX, value);
    x86_memory(&c->x, access->opcode, access->vector ? 0 : ECX, EAX, c->environment->arena);
}

/* a - BF_ARENA_START is at most what is left of the arena, which must not be below 0. */
static void emit_check(struct compiler *c, uint8_t a, uint8_t length)
{
    struct x86 *x = &c->x;
    load32(c, ECX, length);
    x86_registers(x, X86_TEST, ECX, ECX);
    x86_byte(x, JZ_SHORT);
    uint32_t from = x->size;
    x86_byte(x, 0);
    x86_constant(x, EDX, c->program->header->arena_size - BF_ARENA_START);
    x86_registers(x, X86_SUB, EDX, ECX);
    trap_unless(c, CONDITION_AE);
    load32(c, EAX, a);
    x86_group(x, GROUP_SUB, EAX, BF_ARENA_START);
    x86_registers(x, X86_CMP, EAX, EDX);
    trap_unless(c, CONDITION_BE);
    if (x86_fits(x))
        x->start[from] = (uint8_t)(x->size - from - 1);
}

static void emit_check_number(struct compiler *c, uint8_t a, uint32_t length)
{
    uint32_t usable = c->program->header->arena_size - BF_ARENA_START;
    if (length > usable)
        trap(c);
    if (length == 0 || length > usable)
        return;
    load32(c, EAX, a);
    x86_group(&c->x, GROUP_SUB, EAX, BF_ARENA_START);
    x86_group(&c->x, GROUP_CMP, EAX, usable - length);
    trap_unless(c, CONDITION_BE);
}

void emit_memory(struct compiler *c, uint8_t op, const jit_word *words)
{
    if (op == BF_OP_ADDRESS) {
        emit_address(c, words);
        store32(c, EAX, jit_slot(words[0], 0));
    } else if (op == BF_OP_CHECK) {
        emit_check(c, jit_slot(words[0], 0), jit_slot(words[0], 1));
    } else if (op == BF_OP_CHECK_IMM32) {
        emit_check_number(c, jit_slot(words[0], 0), words[1]);
    } else if (op < BF_OP_STORE_I8) {
        unsigned place = op - BF_OP_LOAD_U8;
        emit_access(c, &accesses[place % LOADS], true, place >= LOADS, words);
    } else {
        unsigned place = op - BF_OP_STORE_I8;
        emit_access(c, &accesses[LOADS + place % STORES], false, place >= STORES, words);
    }
}
