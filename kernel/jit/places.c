/* What registers gain by a home, and the homes of level 1. */
#include "jit/places.h"

#include "lib/string.h"

#define LOOP_FACTOR_SHIFT 3 /* a loop is taken to run eight times */
#define DEEPEST 6

/* Registers that some block reads before it writes them. */
static void find_read_first(const struct jit_program *program, const struct jit_body *body, struct jit_set *found)
{
    const jit_word *words = body->words, *end = words + body->word_count;
    struct jit_set written = {{0}};
    for (; words < end; words += jit_length(program, words[0])) {
        struct jit_reads reads;
        jit_reads(program, words, &reads);
        for (unsigned i = 0; i < reads.count; i++) {
            if (!set_has(&written, reads.registers[i]))
                set_add(found, reads.registers[i]);
        }
        uint8_t d = jit_written(program, words);
        if (d != NO_REGISTER)
            set_add(&written, d);
        if (jit_ends_block((uint8_t)words[0]))
            written = (struct jit_set){{0}};
    }
}

unsigned jit_clobbers(uint8_t op)
{
    switch (op) {
    case BF_OP_CALL:
    case BF_OP_CALL_INDIRECT:
        return CLOBBERS_ALL;
    case BF_OP_CALL_HELPER:
    case BF_OP_COPY:
    case BF_OP_FILL:
        return CLOBBERS_C;
    case BF_OP_SAR_I64:
        return CLOBBERS_ECX | CLOBBERS_XMM2;
    case BF_OP_MUL_I64:
    case BF_OP_SET_I64:
    case BF_OP_BRANCH_I64:
        return CLOBBERS_ECX | CLOBBERS_EDX | CLOBBERS_HALVES;
    case BF_OP_MUL_U32_WIDE:
    case BF_OP_MUL_S32_WIDE:
        return CLOBBERS_EDX;
    case BF_OP_CHECK:
        return CLOBBERS_ECX | CLOBBERS_EDX;
    case BF_OP_SHL_I32:
    case BF_OP_SHR_I32:
    case BF_OP_SAR_I32:
    case BF_OP_ROTL_I32:
    case BF_OP_ROTR_I32:
    case BF_OP_POPCOUNT_I32:
    case BF_OP_SHL_I64:
    case BF_OP_SHR_I64:
    case BF_OP_PACK_I64:
    case BF_OP_U32_FROM_F64:
    case BF_OP_STORE_I8:
    case BF_OP_STORE_I16:
    case BF_OP_STORE_I8_AT:
    case BF_OP_STORE_I16_AT:
        return CLOBBERS_ECX;
    default:
        return op >= BF_OP_MULH_U32 && op <= BF_OP_REM_S32 ? CLOBBERS_EDX : 0;
    }
}

int32_t jit_weight(const struct jit_body *body, uint32_t block)
{
    unsigned depth = body->depths[block];
    return 1 << LOOP_FACTOR_SHIFT * (depth < DEEPEST ? depth : DEEPEST);
}

static bool is_changed_in_place(uint8_t op, uint8_t d, const jit_word *words)
{
    bool swaps = op == BF_OP_ADD_I32 || (op >= BF_OP_AND_I32 && op <= BF_OP_XOR_I32);
    bool can = (op >= BF_OP_ADD_I32 && op <= BF_OP_ROTR_I32 && op != BF_OP_MUL_I32) ||
               (op >= BF_OP_ADD_I32_IMM8 && op <= BF_OP_XOR_I32_IMM32 && op != BF_OP_MUL_I32_IMM8);
    return can && (d == jit_slot(words[0], 1) || (swaps && d == jit_slot(words[0], 2)));
}

/* Memory operands are as good as registers to most instructions, but not in addresses, and not as results. */
static int32_t gain_of_read(const struct jit_body *body, uint8_t op, uint8_t number)
{
    bool wide = number >= body->registers.first[BF_VALUE_TYPE_I64];
    if (jit_clobbers(op) & CLOBBERS_HALVES)
        return wide ? -INSTRUCTION : HALF_INSTRUCTION;
    if (op >= BF_OP_ADDRESS && op <= BF_OP_STORE_F64_AT)
        return INSTRUCTION;
    return wide ? HALF_INSTRUCTION + TIME : op >= BF_OP_CALL || op == BF_OP_BRANCH_I32_IMM8 ? TIME : HALF_INSTRUCTION;
}

static int32_t gain_of_write(const struct jit_body *body, uint8_t op, uint8_t d, const jit_word *words)
{
    bool wide = d >= body->registers.first[BF_VALUE_TYPE_I64];
    if (wide && jit_clobbers(op) & CLOBBERS_HALVES)
        return -INSTRUCTION;
    bool is_constant = op >= BF_OP_CONST_I32_16 && op <= BF_OP_CONST_F64;
    if (is_constant || op >= BF_OP_CALL)
        return wide ? -INSTRUCTION : TIME;
    return !wide && is_changed_in_place(op, d, words) ? TIME : INSTRUCTION;
}

void jit_add_gains(const struct jit_program *program, const struct jit_body *body, const jit_word *words,
                   int32_t weight, struct jit_gains *gains)
{
    struct jit_reads reads;
    uint8_t op = (uint8_t)words[0], d = jit_written(program, words);
    jit_reads(program, words, &reads);
    for (unsigned i = 0; i < reads.count; i++)
        jit_gain(&gains->gain[reads.registers[i]], weight * gain_of_read(body, op, reads.registers[i]));
    if (d != NO_REGISTER)
        jit_gain(&gains->gain[d], weight * gain_of_write(body, op, d, words));
}

void jit_find_unchanged(const struct jit_program *program, const struct jit_body *body, struct jit_set *unchanged)
{
    const jit_word *words = body->words, *end = words + body->word_count;
    const struct bf_program_signature *signature =
        &program->signatures[program->functions[body->function].signature];
    struct jit_registers next = body->registers;
    for (unsigned i = 0; i < signature->parameter_count; i++)
        set_add(unchanged, next.first[jit_parameter_type(signature, i)]++);
    for (; words < end; words += jit_length(program, words[0])) {
        uint8_t d = jit_written(program, words);
        if (d != NO_REGISTER)
            set_remove(unchanged, d);
    }
}

/* The machine registers that no operation of the body changes. */
static unsigned free_homes(unsigned clobbers, bool vector)
{
    return vector ? HOMES_VECTOR & ~jit_clobbered_vector(clobbers) : HOMES_GENERAL & ~jit_clobbered_general(clobbers);
}

/* Gives the registers of a kind, of those from `first` to `end`, to the machine registers. */
static void choose(struct jit_places *places, const struct jit_gains *gains, uint8_t first, uint8_t end, unsigned homes)
{
    for (unsigned reg = 0; reg < 8; reg++) {
        if (!(homes >> reg & 1))
            continue;
        unsigned best = end;
        for (unsigned number = first; number < end; number++) {
            if (places->home[number] == NO_HOME && gains->gain[number] > 0 &&
                (best == end || gains->gain[number] > gains->gain[best]))
                best = number;
        }
        if (best < end)
            places->home[best] = (uint8_t)reg;
    }
}

static bool save_everywhere(const struct jit_program *program, const struct jit_body *body, struct jit_work *work,
                            struct jit_places *places, uint32_t calls)
{
    struct jit_set homes = {{0}};
    for (unsigned number = 0; number < jit_register_count(body); number++) {
        if (places->home[number] != NO_HOME)
            set_add(&homes, (uint8_t)number);
    }
    places->saves = jit_take(work, calls * sizeof *places->saves);
    if (!places->saves)
        return false;
    for (uint32_t at = 0; at < body->word_count; at += jit_length(program, body->words[at])) {
        if (!(jit_clobbers((uint8_t)body->words[at]) & (CLOBBERS_C | CLOBBERS_ALL)))
            continue;
        struct jit_saves *save = &places->saves[places->save_count++];
        *save = (struct jit_saves){at, homes};
        uint8_t d = jit_written(program, body->words + at);
        if (d != NO_REGISTER)
            set_remove(&save->registers, d);
    }
    return true;
}

bool jit_choose_homes(const struct jit_program *program, const struct jit_body *body, struct jit_work *work,
                      struct jit_places *places)
{
    struct jit_gains *gains = jit_take(work, sizeof *gains);
    if (!gains)
        return false;
    unsigned clobbers = 0;
    uint32_t block = 0, calls = 0;
    int32_t all = 0, of_c = 0;
    for (const jit_word *words = body->words; block < body->block_count; words += jit_length(program, words[0])) {
        unsigned found = jit_clobbers((uint8_t)words[0]);
        int32_t weight = jit_weight(body, block);
        jit_add_gains(program, body, words, weight, gains);
        clobbers |= found;
        calls += !!(found & (CLOBBERS_ALL | CLOBBERS_C));
        jit_gain(&all, found & CLOBBERS_ALL ? -weight * 2 * INSTRUCTION : 0);
        jit_gain(&of_c, found & CLOBBERS_C ? -weight * 2 * INSTRUCTION : 0);
        block += jit_ends_block((uint8_t)words[0]);
    }
    uint8_t first = body->registers.first[BF_VALUE_TYPE_I32], wide = body->registers.first[BF_VALUE_TYPE_I64],
            end = body->registers.first[BF_VALUE_TYPE_F64 + 1];
    for (unsigned number = first; number < end; number++) {
        jit_gain(&gains->gain[number], all);
        jit_gain(&gains->gain[number], number >= wide ? of_c : 0);
    }
    choose(places, gains, first, wide, free_homes(clobbers, false));
    choose(places, gains, wide, end, free_homes(clobbers, true));
    return save_everywhere(program, body, work, places, calls);
}

bool jit_find_places(const struct jit_program *program, const struct jit_body *body, unsigned level,
                     struct jit_work *work, struct jit_places *places)
{
    memset(places->home, NO_HOME, sizeof places->home);
    if (level > 1)
        return jit_color_homes(program, body, work, places);
    find_read_first(program, body, &places->at_entry);
    jit_find_unchanged(program, body, &places->unchanged);
    return level == 0 || jit_choose_homes(program, body, work, places);
}
