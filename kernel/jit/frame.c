/*
 * Frames: arguments above ebp as they were pushed, where parameters stay, all other registers below. Those that may be
 * read before they are written come first, and are pushed as zeros.
 */
#include "jit/internal.h"
#include "lib/string.h"

#define ARGUMENTS_OFFSET 8 /* above ebp: saved ebp, return address */
#define PUSH_EBP 0x55
#define PUSH_BYTE 0x6a
#define LEAVE 0xc9
#define BITS 32

struct set {
    uint32_t words[(BF_MAX_REGISTERS + BITS) / BITS];
};

static void add(struct set *set, uint8_t number)
{
    set->words[number / BITS] |= 1u << number % BITS;
}

static bool has(const struct set *set, uint8_t number)
{
    return set->words[number / BITS] >> number % BITS & 1;
}

/* Registers that some block reads before it writes them. */
static void find_read_first(const struct compiler *c, struct set *found)
{
    const jit_word *words = c->body->words, *end = words + c->body->word_count;
    struct set written = {{0}};
    for (; words < end; words += jit_length(c->program, words[0])) {
        struct jit_reads reads;
        jit_reads(c, words, &reads);
        for (unsigned i = 0; i < reads.count; i++) {
            if (!has(&written, reads.registers[i]))
                add(found, reads.registers[i]);
        }
        add(&written, jit_written(c, words));
        if (jit_ends_block((uint8_t)words[0]))
            written = (struct set){{0}};
    }
}

/* Parameters are the first registers of their types. */
static void place_parameters(struct compiler *c)
{
    struct jit_registers next = c->body->registers;
    int offset = ARGUMENTS_OFFSET;
    for (unsigned i = 0; i < c->signature->parameter_count; i++) {
        uint8_t type = jit_parameter_type(c->signature, i);
        c->slot[next.first[type]++] = (int16_t)offset;
        offset += (int)jit_type_size(type);
    }
}

/* Gives slots to registers without one that are in the set. */
static void place_registers(struct compiler *c, const struct set *set)
{
    uint8_t count = c->body->registers.first[BF_VALUE_TYPE_F64 + 1];
    for (uint8_t number = 0; number < count; number++) {
        if (c->slot[number] || !has(set, number))
            continue;
        c->frame_size += jit_register_size(c, number);
        c->slot[number] = (int16_t)-c->frame_size;
    }
}

void frame_begin(struct compiler *c)
{
    struct x86 *x = &c->x;
    struct set set = {{0}};
    memset(c->slot, 0, sizeof c->slot);
    find_read_first(c, &set);
    place_parameters(c);
    place_registers(c, &set);
    uint32_t zeros = c->frame_size;
    memset(&set, 0xff, sizeof set);
    place_registers(c, &set);
    with_state(c, X86_GROUP_SHORT, GROUP_SUB, calls_left);
    x86_byte(x, 1);
    trap_unless(c, CONDITION_AE);
    if (c->function->frame_bytes) {
        x86_constant(x, EAX, c->function->frame_bytes);
        with_state(c, X86_SUB_FROM, EAX, stack);
    }
    x86_byte(x, PUSH_EBP);
    x86_registers(x, X86_LOAD, EBP, ESP);
    for (uint32_t i = 0; i < zeros; i += 4) {
        x86_byte(x, PUSH_BYTE);
        x86_byte(x, 0);
    }
    if (c->frame_size > zeros)
        x86_group(x, GROUP_SUB, ESP, c->frame_size - zeros);
}

void frame_end(struct compiler *c)
{
    with_state(c, X86_GROUP_SHORT, GROUP_ADD, calls_left);
    x86_byte(&c->x, 1);
    if (c->function->frame_bytes) {
        x86_constant(&c->x, ECX, c->function->frame_bytes);
        with_state(c, X86_ADD_TO, ECX, stack);
    }
    x86_byte(&c->x, LEAVE);
    x86_byte(&c->x, X86_RET);
}
