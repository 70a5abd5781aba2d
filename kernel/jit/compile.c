/* From a body to machine code: frame, templates block by block, addresses of SWITCH. */
#include "jit/count.h"
#include "memory/heap.h"

#define BREAKPOINT 0xcc
#define WORK_ALIGNMENT 8
#define WORK_PART 2 /* of the heap, for the passes of higher levels */
#define WORK_MOST 0x1000000

void trap(struct compiler *c)
{
    x86_byte(&c->x, BREAKPOINT);
}

uint32_t skip_if(struct compiler *c, unsigned condition)
{
    x86_byte(&c->x, X86_JCC_SHORT + condition);
    x86_byte(&c->x, 0);
    return c->x.size;
}

void skip_to_here(struct compiler *c, uint32_t skip)
{
    if (x86_fits(&c->x))
        c->x.start[skip - 1] = (uint8_t)(c->x.size - skip);
}

void trap_unless(struct compiler *c, unsigned condition)
{
    uint32_t skip = skip_if(c, condition);
    trap(c);
    skip_to_here(c, skip);
}

/* The template of an operation: the numbers of operations of one kind follow one another. */
static void emit(struct compiler *c, uint8_t op, const jit_word *words)
{
    if (op >= BF_OP_CONST_I32_16 && op <= BF_OP_CONST_F64)
        emit_constant(c, op, words);
    else if (op >= BF_OP_MOVE_I64 && op <= BF_OP_MOVE_F64)
        emit_float(c, op, words);
    else if (op <= BF_OP_EXTEND_S16 || op == BF_OP_LOW_I64 || op == BF_OP_F32_FROM_BITS || op == BF_OP_F32_BITS)
        emit_integer(c, op, words);
    else if (op <= BF_OP_EXTEND_S32)
        emit_wide(c, op, words);
    else if (op < BF_OP_SET_I32)
        emit_float(c, op, words);
    else if (op < BF_OP_ADDRESS)
        emit_condition(c, op, words);
    else if (op >= BF_OP_CALL || op == BF_OP_COPY || op == BF_OP_FILL)
        emit_call(c, op, words);
    else if (op >= BF_OP_JUMP)
        emit_control(c, op, words);
    else
        emit_memory(c, op, words);
}

/* Whether the template takes i64 registers only from their slots, half by half. */
static bool is_by_halves(uint8_t op)
{
    return op == BF_OP_MUL_I64 || op == BF_OP_SET_I64 || op == BF_OP_BRANCH_I64;
}

/* Those registers live in their slots while this template runs. */
static void emit_by_halves(struct compiler *c, uint8_t op, const jit_word *words)
{
    struct jit_reads reads;
    uint8_t homes[BF_MAX_PARAMETERS + 4], *home = c->places->home, d = jit_written(c->program, words);
    uint8_t result = d != NO_REGISTER && is_vector(c, d) ? home[d] : NO_HOME;
    jit_reads(c->program, words, &reads);
    for (unsigned i = 0; i < reads.count; i++) {
        homes[i] = home[reads.registers[i]];
        if (homes[i] != NO_HOME && is_vector(c, reads.registers[i])) {
            spill(c, reads.registers[i]);
            home[reads.registers[i]] = NO_HOME;
        }
    }
    if (result != NO_HOME)
        home[d] = NO_HOME;
    emit(c, op, words);
    for (unsigned i = reads.count; i--;)
        home[reads.registers[i]] = homes[i];
    if (result != NO_HOME) {
        home[d] = result;
        fill(c, d);
    }
}

void compiler_emit(struct compiler *c, const jit_word *words)
{
    uint8_t op = (uint8_t)words[0];
    struct jit_pending pending = c->pending; /* what faults in an operation that takes its operand is the load */
    uint32_t flags_at = c->flags_at;
    c->word = pending.is_on ? pending.word : (uint32_t)(words - c->body->words);
    if (is_by_halves(op))
        emit_by_halves(c, op, words);
    else
        emit(c, op, words);
    if (pending.is_on)
        c->places->home[pending.number] = pending.home;
    if (c->flags_at == flags_at) /* of the operation before */
        c->flags_at = NO_FLAGS;
}

bool compiler_begin(struct compiler *c, const struct jit_program *program,
                    const struct jit_environment *environment, const struct jit_body *body, unsigned level,
                    struct jit_work *work, const struct jit_unit *unit)
{
    const struct bf_program_function *function = &program->functions[body->function];
    *c = (struct compiler){
        .x = {.start = unit->code, .capacity = unit->capacity},
        .program = program,
        .environment = environment,
        .body = body,
        .function = function,
        .signature = &program->signatures[function->signature],
        .level = level,
        .places = jit_take(work, sizeof *c->places),
        .blocks = jit_take(work, body->block_count * sizeof *c->blocks),
        .counts = jit_take(work, body->block_count * sizeof *c->counts),
        .switches = unit->switches,
        .switches_at = unit->switches_at,
    };
    if (!c->places || !c->blocks || !c->counts || !jit_find_places(program, body, level, work, c->places))
        return false;
    count_begin(c);
    frame_begin(c);
    return true;
}

bool jit_compile(const struct jit_program *program, const struct jit_environment *environment,
                 const struct jit_body *body, unsigned level, struct jit_work *work, struct jit_unit *unit)
{
    struct compiler c;
    if (!compiler_begin(&c, program, environment, body, level, work, unit))
        return false;
    const jit_word *words = body->words;
    for (; c.block < body->block_count; c.block++) {
        control_begin_block(&c);
        uint8_t op;
        do {
            op = (uint8_t)words[0];
            compiler_emit(&c, words);
            words += jit_length(program, words[0]);
        } while (!jit_ends_block(op));
    }
    count_end(&c, UINT32_MAX);
    unit->size = c.x.size;
    unit->entry_at = c.entry_at;
    for (uint32_t *word = unit->switches; word != c.switches; word++)
        *word = c.blocks[*word];
    if (jit_observe)
        jit_observe(program, body, level, "emit", unit);
    return true;
}

uint32_t jit_work_bytes(const struct jit_program *program, uint32_t function, unsigned level)
{
    if (level > 0) {
        uint32_t bytes = heap_statistics(&kernel_heap).size / WORK_PART;
        return bytes < WORK_MOST ? bytes : WORK_MOST;
    }
    return 2 * program->functions[function].block_count * (uint32_t)sizeof(uint32_t) +
           (uint32_t)sizeof(struct jit_places) + 3 * WORK_ALIGNMENT;
}

uint32_t jit_switch_words(const struct jit_program *program, const struct jit_body *body)
{
    const jit_word *words = body->words, *end = words + body->word_count;
    uint32_t count = 0;
    for (; words < end; words += jit_length(program, words[0])) {
        if ((uint8_t)words[0] == BF_OP_SWITCH)
            count += jit_wide(words[0]);
    }
    return count;
}
