/* Between the files of the compiler. */
#pragma once
#include "jit/compile.h"
#include "jit/helpers.h"
#include "jit/places.h"
#include "jit/x86.h"

/* An address as instructions have it. */
struct jit_address {
    unsigned base, index; /* machine registers, NO_BASE and NO_INDEX */
    unsigned shift;
    uint32_t displacement;
};

/* A load that was left to the next operation, which takes its operand from memory. */
struct jit_pending {
    bool is_on;
    uint8_t number; /* the register that would have been loaded */
    uint8_t home;   /* its home, to be given back */
    uint8_t size;   /* bytes */
    uint32_t word;  /* the load */
    struct jit_address address; /* in the arena */
};

#define NO_FLAGS 0

struct compiler {
    struct x86 x;
    const struct jit_program *program;
    const struct jit_environment *environment;
    const struct jit_body *body;
    const struct bf_program_function *function; /* of the body */
    const struct bf_program_signature *signature;
    unsigned level;
    struct jit_places *places;
    uint32_t *blocks; /* of those emitted: offset of the code; else of the last jump to it, chained through the jumps */
    uint32_t *counts; /* by block: for the heads of loops not 0; see count.c */
    uint32_t call_count; /* where the jump is that is taken when the counter of calls reaches zero */
    uint32_t entry_at; /* of the unit */
    uint32_t block;   /* that is being emitted */
    uint32_t word;    /* the operation that is being emitted */
    uint32_t *switches; /* next word, 0 for nowhere */
    uint32_t switches_at;
    uint32_t frame_size; /* bytes between esp and the return address */
    uint32_t pushed;     /* bytes that were pushed since */
    struct jit_pending pending;
    uint32_t flags_at; /* size of the code behind the operation before, if flags compare its result with 0; NO_FLAGS */
    uint8_t flags_of;  /* the register of that result */
    int16_t slot[BF_MAX_REGISTERS + 1]; /* of each register, from esp when nothing is pushed */
};

/* The function's frame, then one operation after the other. */
bool compiler_begin(struct compiler *c, const struct jit_program *program, const struct jit_environment *environment,
                    const struct jit_body *body, unsigned level, struct jit_work *work, const struct jit_unit *unit);
void compiler_emit(struct compiler *c, const jit_word *words);

/* 4 or 8: bytes of a value, and of its place in frames and argument lists. */
static inline uint32_t jit_register_size(const struct compiler *c, uint8_t number)
{
    return jit_type_size(jit_register_type(&c->body->registers, number));
}

/* The machine register where a register lives, or NO_HOME: in its slot. */
static inline unsigned home(const struct compiler *c, uint8_t number)
{
    return c->places->home[number];
}

static inline bool is_in_slot(const struct compiler *c, uint8_t number)
{
    return home(c, number) == NO_HOME;
}

/* Of registers i64, f32 and f64, the only ones whose homes are xmm registers. */
static inline bool is_vector(const struct compiler *c, uint8_t number)
{
    return number >= c->body->registers.first[BF_VALUE_TYPE_I64];
}

/* Gives each register its slot, emits what comes before the first block, and what comes before a return. */
void frame_begin(struct compiler *c);
void frame_end(struct compiler *c);

/* opcode reg, where a register lives; its upper half when offset is 4, in a slot only. Packed, so that all arguments travel
 * in registers: there are a hundred calls. */
void with_packed(struct compiler *c, uint32_t opcode_and_reg, uint32_t number_and_offset);

static inline void with_half(struct compiler *c, uint32_t opcode, unsigned reg, uint8_t number, uint32_t offset)
{
    with_packed(c, opcode << 3 | reg, offset << 8 | number);
}

static inline void with(struct compiler *c, uint32_t opcode, unsigned reg, uint8_t number)
{
    with_half(c, opcode, reg, number, 0);
}

/* The same with a half of its slot, wherever it lives. */
void with_own_slot(struct compiler *c, uint32_t opcode, unsigned reg, uint8_t number, uint32_t offset);

/* Between a register and its slot, wherever it lives. */
void spill(struct compiler *c, uint8_t number);
void fill(struct compiler *c, uint8_t number);

/* The group instruction with a number as second operand, where a register lives. */
void group_with(struct compiler *c, enum x86_group group, uint8_t number, uint32_t value);

/* General register `reg` = the (lower) 32 bits of a register of any type, and back. */
void load32(struct compiler *c, unsigned reg, uint8_t number);
void store32(struct compiler *c, unsigned reg, uint8_t number);
/* xmm register = a register of a vector type, and back. */
void load_vector(struct compiler *c, unsigned xmm, uint8_t number);
void store_vector(struct compiler *c, unsigned xmm, uint8_t number);

/* Where a result is best made: its home, else EAX or xmm0. store32 and store_vector take it from there. */
static inline unsigned target(const struct compiler *c, uint8_t d)
{
    return is_in_slot(c, d) ? EAX : home(c, d);
}

/* Two operands. */
static inline void exchange(uint8_t *a, uint8_t *b)
{
    uint8_t first = *a;
    *a = *b;
    *b = first;
}

/* Where the address of a function's code stands. */
static inline uint32_t function_entry(const struct jit_environment *environment, uint32_t function)
{
    return environment->functions + function * (uint32_t)sizeof(uint32_t);
}

/* opcode reg, [address of this field of the state] */
#define with_state(c, opcode, reg, field)                                                                              \
    x86_memory(&(c)->x, opcode, reg, NO_BASE, (c)->environment->state + (uint32_t)offsetof(struct jit_state, field))

/* A trap unless the condition holds. */
void trap_unless(struct compiler *c, unsigned condition);
void trap(struct compiler *c);

/* Jumps over what comes next, when the condition holds; where that ends. */
uint32_t skip_if(struct compiler *c, unsigned condition);
void skip_to_here(struct compiler *c, uint32_t skip);

/* Templates, by the kind of operation. `words` begins with the operation. */
void emit_constant(struct compiler *c, uint8_t op, const jit_word *words);
void emit_integer(struct compiler *c, uint8_t op, const jit_word *words);
void emit_wide(struct compiler *c, uint8_t op, const jit_word *words);
void emit_float(struct compiler *c, uint8_t op, const jit_word *words);
void emit_condition(struct compiler *c, uint8_t op, const jit_word *words);
void emit_memory(struct compiler *c, uint8_t op, const jit_word *words);
void emit_control(struct compiler *c, uint8_t op, const jit_word *words);
void emit_call(struct compiler *c, uint8_t op, const jit_word *words);

/* opcode reg, [address in the arena] */
void with_arena(struct compiler *c, uint32_t opcode, unsigned reg, const struct jit_address *address);

/* The block that is about to be emitted begins here. */
void control_begin_block(struct compiler *c);

/* Makes the flags tell of a comparison; the condition that then holds. */
unsigned compare_integers(struct compiler *c, unsigned condition, uint8_t a, uint8_t b);
unsigned compare_number(struct compiler *c, unsigned condition, uint8_t a, uint32_t number);
unsigned compare_wide(struct compiler *c, unsigned condition, uint8_t a, uint8_t b);
unsigned compare_floats(struct compiler *c, unsigned condition, uint8_t a, uint8_t b);

/* Constants that code loads. Those of 16 bytes are operands of SSE. */
struct jit_constants {
    uint64_t sign[2];        /* bit 63 of the first */
    uint64_t magnitude[2];   /* all others */
    uint64_t sign_f32[2];    /* bit 31 */
    uint64_t magnitude_f32[2];
    uint64_t two_31;         /* the bits of 2^31 as f64 */
};
extern const struct jit_constants jit_constants;
