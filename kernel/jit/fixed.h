/* The fixed patterns: programs that a pattern section only names. */
#pragma once
#include <stdint.h>

/* The program of a type from BF_PATTERN_TYPE_FIBONACCI to _LOOP_ADD, and its size in bytes. */
const uint8_t *jit_fixed_program(uint32_t type, uint32_t *size);
