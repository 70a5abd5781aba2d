/* What is done to a function's code before machine code is made of it, by level. */
#pragma once
#include "jit/body.h"

#define JIT_LEVELS 4

/* Runs the passes of a level over a body. False when memory is short; then *body is of no use. */
bool jit_transform(const struct jit_program *program, unsigned level, struct jit_work *work, struct jit_body *body);
