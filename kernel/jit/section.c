#include "jit/section.h"

#include "jit/fixed.h"
#include "lib/string.h"

/* Returns what is wrong with the descriptor or the extent of the program behind it, or 0. */
static const char *find_flaw(const struct bf_pattern_descriptor *descriptor, const uint8_t *program, uint32_t size)
{
    if (descriptor->magic != BF_PATTERN_MAGIC || descriptor->version != BF_PATTERN_VERSION)
        return "no pattern section, or one of another version";
    if (descriptor->crc != bf_crc32(BF_CRC32_START, descriptor, offsetof(struct bf_pattern_descriptor, crc)))
        return "pattern descriptor CRC is wrong";
    if (descriptor->type < BF_PATTERN_TYPE_FIBONACCI || descriptor->type > BF_PATTERN_TYPE_CUSTOM ||
        descriptor->level > BF_MAX_OPTIMISATION_LEVEL || descriptor->reserved)
        return "a pattern descriptor field is out of range";
    if (descriptor->program_size != size)
        return "program size is not what follows the pattern descriptor";
    if (size && descriptor->type != BF_PATTERN_TYPE_CUSTOM)
        return "a fixed pattern has a program";
    if (descriptor->program_crc != (size ? bf_crc32(BF_CRC32_START, program, size) : 0))
        return "program CRC is wrong";
    return 0;
}

bool jit_read_section(const uint8_t *section, uint32_t size, struct jit_section *found, struct jit_problem *problem)
{
    const uint8_t *program = section + sizeof found->descriptor;
    *problem = (struct jit_problem){0, JIT_NOWHERE, JIT_NOWHERE, JIT_NOWHERE, JIT_NOWHERE};
    if (size < sizeof found->descriptor) {
        problem->text = "pattern section is shorter than its descriptor";
        return false;
    }
    size -= sizeof found->descriptor;
    memcpy(&found->descriptor, section, sizeof found->descriptor);
    problem->text = find_flaw(&found->descriptor, program, size);
    if (problem->text)
        return false;
    if (found->descriptor.type != BF_PATTERN_TYPE_CUSTOM)
        program = jit_fixed_program(found->descriptor.type, &size);
    return jit_verify(program, size, &found->program, problem);
}
