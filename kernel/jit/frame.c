/*
 * Frames, from esp: the slots of all registers but parameters, which stay where they were pushed, above the return address.
 * A register's slot has the same distance from the return address at every level, so that one level can go on where another
 * stopped.
 */
#include "jit/count.h"

#define RETURN_ADDRESS 4

/* Parameters are the first registers of their types. */
static void place_parameters(struct compiler *c)
{
    struct jit_registers next = c->body->registers;
    int offset = RETURN_ADDRESS;
    for (unsigned i = 0; i < c->signature->parameter_count; i++) {
        uint8_t type = jit_parameter_type(c->signature, i);
        c->slot[next.first[type]++] = (int16_t)offset;
        offset += (int)jit_type_size(type);
    }
}

static void place(struct compiler *c, uint8_t number)
{
    if (c->slot[number])
        return;
    c->frame_size += jit_register_size(c, number);
    c->slot[number] = (int16_t)-c->frame_size;
}

static bool is_saved(const struct compiler *c, uint8_t number)
{
    const struct jit_places *places = c->places;
    uint32_t i = 0;
    while (i < places->save_count && !set_has(&places->saves[i].registers, number))
        i++;
    return i < places->save_count;
}

/* The program's registers first, in their order there. Of those that passes have added only what needs a slot, so that
 * better code takes little more of the stack. */
static void place_others(struct compiler *c)
{
    const struct jit_body *body = c->body;
    unsigned kept = jit_registers(c->function).first[BF_VALUE_TYPE_F64 + 1];
    for (unsigned number = 0; number < kept; number++)
        place(c, body->numbers ? body->numbers[number] : (uint8_t)number);
    for (uint32_t at = 0; at < body->word_count && body->numbers; at += jit_length(c->program, body->words[at])) {
        uint8_t d = jit_written(c->program, body->words + at);
        if (d != NO_REGISTER && (is_in_slot(c, d) || is_vector(c, d) || is_saved(c, d)))
            place(c, d);
    }
}

/* Parameters come from their slots; everything else is zero. */
static void emit_initial(struct compiler *c, uint8_t number)
{
    bool is_parameter = (uint32_t)c->slot[number] >= c->frame_size;
    uint32_t size = jit_register_size(c, number);
    unsigned reg = home(c, number);
    if (is_parameter && reg != NO_HOME)
        fill(c, number);
    else if (!is_parameter && reg != NO_HOME)
        x86_registers(&c->x, is_vector(c, number) ? X86_XORPS : X86_XOR, reg, reg);
    for (uint32_t offset = 0; !is_parameter && reg == NO_HOME && offset < size; offset += 4) {
        with_half(c, X86_STORE_IMMEDIATE, 0, number, offset);
        x86_word(&c->x, 0);
    }
}

void frame_begin(struct compiler *c)
{
    struct x86 *x = &c->x;
    place_parameters(c);
    place_others(c);
    for (unsigned number = 0; number < jit_register_count(c->body); number++)
        c->slot[number] = (int16_t)(c->slot[number] + (int32_t)c->frame_size);
    count_call(c);
    if (c->environment->counts_calls) {
        with_state(c, X86_GROUP_SHORT, GROUP_SUB, calls_left);
        x86_byte(x, 1);
        trap_unless(c, CONDITION_AE);
    }
    if (c->function->frame_bytes)
        x86_group_memory(x, GROUP_SUB, NO_BASE, c->environment->state + offsetof(struct jit_state, stack),
                         c->function->frame_bytes);
    if (c->frame_size)
        x86_group(x, GROUP_SUB, ESP, c->frame_size);
    for (uint8_t number = 0; number < jit_register_count(c->body); number++) {
        if (set_has(&c->places->at_entry, number))
            emit_initial(c, number);
    }
}

void frame_end(struct compiler *c)
{
    struct x86 *x = &c->x;
    if (c->environment->counts_calls) {
        with_state(c, X86_GROUP_SHORT, GROUP_ADD, calls_left);
        x86_byte(x, 1);
    }
    if (c->function->frame_bytes)
        x86_group_memory(x, GROUP_ADD, NO_BASE, c->environment->state + offsetof(struct jit_state, stack),
                         c->function->frame_bytes);
    if (c->frame_size)
        x86_group(x, GROUP_ADD, ESP, c->frame_size);
    x86_byte(x, X86_RET);
}
