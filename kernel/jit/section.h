/* The pattern section of a bitcode module: a fixed pattern with its parameters, or a program. */
#pragma once
#include "jit/program.h"

struct jit_section {
    struct bf_pattern_descriptor descriptor;
    struct jit_program program; /* verified: of the section, or the one the kernel has for a fixed pattern */
};

/* Reads and verifies a section of `size` bytes. When it is wrong, returns false and sets *problem, whose offset counts
 * from the start of the program and is JIT_NOWHERE for what is in front of it. `found` points into `section`. */
bool jit_read_section(const uint8_t *section, uint32_t size, struct jit_section *found, struct jit_problem *problem);
