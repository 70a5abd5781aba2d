#include "jit/fixed.h"

#include "bf_formats.h"
#include "bf_patterns.h"

#define PROGRAM(type, ...) static const uint8_t program_##type[] = {__VA_ARGS__};
BF_FIXED_PATTERNS(PROGRAM)

static const struct {
    const uint8_t *program;
    uint32_t size;
} patterns[] = {
#define ROW(type, ...) [BF_PATTERN_TYPE_##type] = {program_##type, sizeof program_##type},
    BF_FIXED_PATTERNS(ROW)
};

const uint8_t *jit_fixed_program(uint32_t type, uint32_t *size)
{
    *size = patterns[type].size;
    return patterns[type].program;
}
