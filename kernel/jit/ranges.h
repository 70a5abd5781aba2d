/* The largest value, without sign, that a register of a function ever holds. */
#pragma once
#include "jit/flow.h"

/* By number, for i32 registers. 0 when memory is short. */
uint32_t *jit_ranges(const struct jit_program *program, struct jit_work *work, const struct jit_body *body);

/* The largest value that `a` can have where the condition holds between it and a value of at most `b`. */
uint32_t jit_range_if(unsigned condition, uint32_t a, uint32_t b);
