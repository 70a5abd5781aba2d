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
    struct jit_saves *saves;  /* of all calls */
    uint32_t save_count;
};

/* Finds places for a level; false when memory is short. */
bool jit_find_places(const struct jit_program *program, const struct jit_body *body, unsigned level,
                     struct jit_work *work, struct jit_places *places);
