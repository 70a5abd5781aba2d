/* Between the files of the compiler. */
#pragma once
#include "jit/compile.h"
#include "jit/helpers.h"
#include "jit/x86.h"

struct compiler {
    struct x86 x;
    const struct jit_program *program;
    const struct jit_environment *environment;
    const struct jit_body *body;
    const struct bf_program_function *function; /* of the body */
    const struct bf_program_signature *signature;
    uint32_t *blocks; /* of those emitted: offset of the code; else of the last jump to it, chained through the jumps */
    uint32_t block;   /* that is being emitted */
    uint32_t *switches; /* next word, 0 for nowhere */
    uint32_t switches_at;
    uint32_t frame_size;             /* bytes below ebp */
    int16_t slot[BF_MAX_REGISTERS + 1]; /* of each register, from ebp */
};

/* The function's frame, then one operation after the other. */
void compiler_begin(struct compiler *c, const struct jit_program *program, const struct jit_environment *environment,
                    const struct jit_body *body, uint32_t *blocks, const struct jit_unit *unit);
void compiler_emit(struct compiler *c, const jit_word *words);

/* Registers that an operation reads, each as often as it does. */
struct jit_reads {
    uint8_t count;
    uint8_t registers[BF_MAX_PARAMETERS + 4];
};
void jit_reads(const struct compiler *c, const jit_word *words, struct jit_reads *reads);
/* The register that it writes, or NO_REGISTER. */
#define NO_REGISTER 0xff
uint8_t jit_written(const struct compiler *c, const jit_word *words);

/* 4 or 8: bytes of a value, and of its place in frames and argument lists. */
static inline uint32_t jit_type_size(uint8_t type)
{
    return type == BF_VALUE_TYPE_I64 || type == BF_VALUE_TYPE_F64 ? 8 : 4;
}
static inline uint32_t jit_register_size(const struct compiler *c, uint8_t number)
{
    return jit_type_size(jit_register_type(&c->body->registers, number));
}

/* Gives each register its slot, emits what comes before the first block, and what comes before a return. */
void frame_begin(struct compiler *c);
void frame_end(struct compiler *c);

/* opcode reg, slot of a register, `offset` bytes into it. Packed, so that all arguments travel in registers: there are a
 * hundred calls. */
void with_packed_slot(struct compiler *c, uint32_t opcode_and_reg, uint32_t number_and_offset);

static inline void with_slot(struct compiler *c, uint32_t opcode, unsigned reg, uint8_t number, uint32_t offset)
{
    with_packed_slot(c, opcode << 3 | reg, offset << 8 | number);
}
void load32(struct compiler *c, unsigned reg, uint8_t number);
void store32(struct compiler *c, unsigned reg, uint8_t number);
void load64(struct compiler *c, unsigned xmm, uint8_t number);
void store64(struct compiler *c, unsigned xmm, uint8_t number);
void store_constant(struct compiler *c, uint8_t number, uint32_t offset, uint32_t value);

/* opcode reg, [address of this field of the state] */
#define with_state(c, opcode, reg, field)                                                                              \
    x86_memory(&(c)->x, opcode, reg, NO_BASE, (c)->environment->state + (uint32_t)offsetof(struct jit_state, field))

/* A trap unless the condition holds. */
void trap_unless(struct compiler *c, unsigned condition);
void trap(struct compiler *c);

/* Templates, by the kind of operation. `words` begins with the operation. */
void emit_integer(struct compiler *c, uint8_t op, const jit_word *words);
void emit_wide(struct compiler *c, uint8_t op, const jit_word *words);
void emit_float(struct compiler *c, uint8_t op, const jit_word *words);
void emit_condition(struct compiler *c, uint8_t op, const jit_word *words);
void emit_memory(struct compiler *c, uint8_t op, const jit_word *words);
void emit_control(struct compiler *c, uint8_t op, const jit_word *words);
void emit_call(struct compiler *c, uint8_t op, const jit_word *words);

/* The block that is about to be emitted begins here. */
void control_begin_block(struct compiler *c);

/* Makes the flags tell of a comparison; the condition that then holds. */
unsigned compare_integers(struct compiler *c, unsigned condition, uint8_t a, uint8_t b);
unsigned compare_number(struct compiler *c, unsigned condition, uint8_t a, uint32_t number);
unsigned compare_wide(struct compiler *c, unsigned condition, uint8_t a, uint8_t b);
unsigned compare_floats(struct compiler *c, unsigned condition, uint8_t a, uint8_t b);

/* Constants that code loads. */
struct jit_constants {
    uint64_t sign;   /* bit 63 alone */
    uint64_t two_31; /* the bits of 2^31 as f64 */
};
extern const struct jit_constants jit_constants;
