/*
 * Templates of loads, stores and checks. An access is good when its address is at most the last one that leaves room for
 * its size; addresses before the arena's first byte fault by themselves.
 */
#include "jit/internal.h"

#define ADDRESS_SHIFT_MASK 3

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

/* The address that an operation names. What of it lives in slots comes to eax. */
static struct jit_address find_address(struct compiler *c, uint32_t size, bool indexed, const jit_word *words)
{
    uint8_t base = jit_slot(words[0], 1), index = jit_slot(words[0], 2);
    if (!indexed) {
        unsigned reg = is_in_slot(c, base) ? EAX : home(c, base);
        load32(c, reg, base);
        return (struct jit_address){reg, NO_INDEX, 0, (uint32_t)((int8_t)index * (int32_t)size)};
    }
    uint32_t tail = words[1];
    bool has_base = tail & BF_ADDRESS_BASE, has_index = tail & BF_ADDRESS_INDEX;
    struct jit_address found = {NO_BASE, NO_INDEX, tail >> BF_ADDRESS_SCALE_SHIFT & ADDRESS_SHIFT_MASK,
                            (uint32_t)((int32_t)tail >> BF_ADDRESS_DISPLACEMENT_SHIFT)};
    if (has_base && has_index && is_in_slot(c, base) && is_in_slot(c, index)) {
        load32(c, EAX, index);
        if (found.shift) {
            x86_registers(&c->x, X86_SHIFT_NUMBER, SHIFT_SHL, EAX);
            x86_byte(&c->x, found.shift);
        }
        with(c, X86_ADD, EAX, base);
        found.base = EAX;
        return found;
    }
    if (has_base)
        load32(c, found.base = is_in_slot(c, base) ? EAX : home(c, base), base);
    if (has_index)
        load32(c, found.index = is_in_slot(c, index) ? EAX : home(c, index), index);
    return found;
}

/* Register = address. */
static void load_address(struct compiler *c, unsigned reg, const struct jit_address *address)
{
    struct x86 *x = &c->x;
    bool is_register = address->index == NO_INDEX && address->displacement == 0;
    if (address->base == NO_BASE && address->index == NO_INDEX)
        x86_constant(x, reg, address->displacement);
    else if (is_register && address->base != reg)
        x86_registers(x, X86_LOAD, reg, address->base);
    else if (!is_register)
        x86_indexed(x, X86_LEA, reg, address->base, address->index, address->shift, address->displacement);
}

/* MEMORY trap when the address is above the last one for so many bytes; fewer than the arena has. */
static void emit_bound(struct compiler *c, struct jit_address *address, uint32_t size)
{
    uint32_t last = c->program->header->arena_size - size;
    if (address->base == NO_BASE && address->index == NO_INDEX && address->displacement <= last)
        return;
    if (address->index != NO_INDEX || address->displacement || address->base == NO_BASE) {
        load_address(c, EAX, address);
        *address = (struct jit_address){EAX, NO_INDEX, 0, 0};
    }
    x86_group(&c->x, GROUP_CMP, address->base, last);
    trap_unless(c, CONDITION_BE);
}

static bool is_proven(const struct compiler *c)
{
    return c->body->facts && c->body->facts[c->word] & JIT_PROVEN;
}

void with_arena(struct compiler *c, uint32_t opcode, unsigned reg, const struct jit_address *address)
{
    x86_indexed(&c->x, opcode, reg, address->base, address->index, address->shift,
                address->displacement + c->environment->arena);
}

static void emit_load(struct compiler *c, const struct access *access, const struct jit_address *address, uint8_t d)
{
    if (is_in_slot(c, d) && access->opcode == X86_LOAD) {
        with_arena(c, X86_LOAD, EAX, address); /* an f32, too */
        with(c, X86_STORE, EAX, d);
        return;
    }
    bool is_f32 = is_vector(c, d) && access->opcode == X86_LOAD;
    unsigned reg = target(c, d);
    with_arena(c, is_f32 ? X86_MOVSS : access->opcode, reg, address);
    if (access->vector)
        store_vector(c, reg, d);
    else if (!is_f32)
        store32(c, reg, d);
}

static void emit_store(struct compiler *c, const struct access *access, const struct jit_address *address,
                       uint8_t value)
{
    unsigned reg = home(c, value);
    if (access->vector) {
        reg = is_in_slot(c, value) ? 0 : reg;
        load_vector(c, reg, value);
        with_arena(c, access->opcode, reg, address);
    } else if (!is_in_slot(c, value) && is_vector(c, value)) {
        with_arena(c, X86_MOVSS + X86_MOVE_OUT, reg, address);
    } else if (is_in_slot(c, value) && access->size == 4) {
        with(c, X86_MOVD, 0, value);
        with_arena(c, X86_MOVD_OUT, 0, address);
    } else {
        if (is_in_slot(c, value) || (access->size == 1 && reg >= ESP))
            reg = ECX;
        load32(c, reg, value);
        with_arena(c, access->opcode, reg, address);
    }
}

/* Whether the operation may take its operand `number` from memory: what it reads of it comes in one instruction. */
static bool takes_memory(const jit_word *next, uint8_t number, uint32_t size)
{
    uint8_t op = (uint8_t)next[0];
    if (size == 1)
        return op == BF_OP_BRANCH_I32_IMM8 && jit_slot(next[0], 0) < BF_CONDITION_SLT &&
               (int8_t)jit_slot(next[0], 2) >= 0;
    if (op >= BF_OP_ADD_I32 && op <= BF_OP_MUL_I32)
        return true;
    if ((op >= BF_OP_ADD_F32 && op <= BF_OP_MAX_F32) || (op >= BF_OP_ADD_F64 && op <= BF_OP_MAX_F64))
        return jit_slot(next[0], 2) == number;
    return op == BF_OP_BRANCH_I32 || op == BF_OP_BRANCH_I32_IMM8 || op == BF_OP_BRANCH_I32_IMM32;
}

/* Leaves the load to the next operation, if that is the only one to read it, and the address stays what it is. */
static bool postpone(struct compiler *c, const struct access *access, const struct jit_address *address,
                     const jit_word *words)
{
    const jit_word *next = words + jit_length(c->program, words[0]);
    uint8_t d = jit_slot(words[0], 0), result = jit_written(c->program, next);
    unsigned changes = result == NO_REGISTER || is_vector(c, result) ? NO_HOME : home(c, result);
    bool stays = result != d && address->base != EAX && address->index != EAX && address->base != changes &&
                 address->index != changes;
    bool is_f64 = jit_register_type(&c->body->registers, d) == BF_VALUE_TYPE_F64;
    bool is_plain = access->opcode == X86_LOAD || access->opcode == X86_MOVZX_BYTE || is_f64;
    if (!c->places->is_used_once || !c->places->is_used_once[c->word] || !stays || !is_plain ||
        !takes_memory(next, d, access->size))
        return false;
    c->pending = (struct jit_pending){true, d, (uint8_t)home(c, d), access->size, c->word, *address};
    c->places->home[d] = NO_HOME;
    return true;
}

static void emit_access(struct compiler *c, const struct access *access, bool is_load, bool indexed,
                        const jit_word *words)
{
    struct jit_address address = find_address(c, access->size, indexed, words);
    if (!is_proven(c))
        emit_bound(c, &address, access->size);
    else if (is_load && postpone(c, access, &address, words))
        return;
    (is_load ? emit_load : emit_store)(c, access, &address, jit_slot(words[0], 0));
}

static void emit_address(struct compiler *c, uint8_t d, const jit_word *words)
{
    struct jit_address address = find_address(c, 0, true, words);
    unsigned reg = target(c, d);
    load_address(c, reg, &address);
    store32(c, reg, d);
}

/* a - BF_ARENA_START is at most what is left of the arena, which must not be below 0. */
static void emit_check(struct compiler *c, uint8_t a, uint8_t length)
{
    struct x86 *x = &c->x;
    load32(c, ECX, length);
    x86_registers(x, X86_TEST, ECX, ECX);
    uint32_t skip = skip_if(c, CONDITION_E);
    x86_constant(x, EDX, c->program->header->arena_size - BF_ARENA_START);
    x86_registers(x, X86_SUB, EDX, ECX);
    trap_unless(c, CONDITION_AE);
    load32(c, EAX, a);
    x86_group(x, GROUP_SUB, EAX, BF_ARENA_START);
    x86_registers(x, X86_CMP, EAX, EDX);
    trap_unless(c, CONDITION_BE);
    skip_to_here(c, skip);
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
        emit_address(c, jit_slot(words[0], 0), words);
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
