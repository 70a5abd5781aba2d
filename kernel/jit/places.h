/* Where the registers of a body live while its code runs: in machine registers or in slots of the frame. */
#pragma once
#include "jit/body.h"
#include "jit/operands.h"

#define NO_HOME 0xff
#define SCRATCH_XMM 2 /* besides xmm0 and xmm1, of an arithmetic shift alone */

/* A call, and the registers whose homes it may change although they are needed behind it. */
struct jit_saves {
    uint32_t word; /* of the call */
    struct jit_set registers;
};

struct jit_places {
    uint8_t home[BF_MAX_REGISTERS + 1]; /* by register: a general or xmm register's number, or NO_HOME */
    struct jit_set at_entry;  /* that may be read before they are written */
    struct jit_set unchanged; /* parameters that nothing writes: their slots are always valid */
    uint8_t *is_used_once;    /* by word of a load: only the next operation reads what it loads; 0 for none */
    struct jit_saves *saves;  /* of all calls */
    uint32_t save_count;
    const struct jit_set *live; /* of each block: whose values are needed where it begins; 0 when it may be all */
};

/* Finds places for a level; false when memory is short. */
bool jit_find_places(const struct jit_program *program, const struct jit_body *body, unsigned level,
                     struct jit_work *work, struct jit_places *places);

/* Machine registers that may be homes, as bits, of i32 registers and of the others. */
#define HOMES_GENERAL 0xeeu
#define HOMES_VECTOR 0xfcu
#define HOME_ECX 1
#define HOME_EDX 2

/* What an operation changes besides its result. */
enum jit_clobbers {
    CLOBBERS_ECX = 1,
    CLOBBERS_EDX = 2,
    CLOBBERS_XMM2 = 4,
    CLOBBERS_C = 8, /* what C functions may change: all xmm registers, ecx and edx */
    CLOBBERS_ALL = 16,
    CLOBBERS_HALVES = 32, /* nothing, but i64 operands are moved to their slots */
};
unsigned jit_clobbers(uint8_t op);

/* Machine registers that single operations change, as bits. */
static inline unsigned jit_clobbered_general(unsigned clobbers)
{
    return (clobbers & CLOBBERS_ECX ? 1u << HOME_ECX : 0) | (clobbers & CLOBBERS_EDX ? 1u << HOME_EDX : 0);
}

static inline unsigned jit_clobbered_vector(unsigned clobbers)
{
    return clobbers & CLOBBERS_XMM2 ? 1u << SCRATCH_XMM : 0;
}

/* Registers whose slots are valid all the time: parameters that nothing writes. */
void jit_find_unchanged(const struct jit_program *program, const struct jit_body *body, struct jit_set *unchanged);

/* Units of gains: an executed instruction, and a memory operand that is none. */
#define INSTRUCTION 4
#define HALF_INSTRUCTION 2
#define TIME 1

/* Gains of giving each register a home, in the average run. */
struct jit_gains {
    int32_t gain[BF_MAX_REGISTERS + 1];
    uint8_t partner[BF_MAX_REGISTERS + 1]; /* the register that it is best to share a home with, or itself */
};

/* A gain or loss more; a sum that is too large stays the largest. */
static inline void jit_gain(int32_t *gain, int32_t more)
{
    if (__builtin_add_overflow(*gain, more, gain))
        *gain = more < 0 ? -INT32_MAX : INT32_MAX;
}

int32_t jit_weight(const struct jit_body *body, uint32_t block);

/* Adds what the uses of an operation's registers gain; the rest, what saving around calls loses, is for the caller. */
void jit_add_gains(const struct jit_program *program, const struct jit_body *body, const jit_word *words,
                   int32_t weight, struct jit_gains *gains);

/* Level 1: the registers of most gain, one each; saved around every call. Level 2: several share a home if one is never
 * needed while the other lives. */
bool jit_choose_homes(const struct jit_program *program, const struct jit_body *body, struct jit_work *work,
                      struct jit_places *places);
bool jit_color_homes(const struct jit_program *program, const struct jit_body *body, struct jit_work *work,
                     struct jit_places *places);
