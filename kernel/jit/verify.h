/* The parts of jit_verify. Each check returns what is wrong, or 0. */
#pragma once
#include "jit/program.h"

struct verifier {
    struct jit_program *program;
    uint32_t size;       /* bytes of the image */
    const uint8_t *next; /* section, while they are laid out */
    uint32_t left;       /* bytes from there on */
    const void *at;      /* what the flaw is about */
};

static inline const char *jit_flaw_at(struct verifier *verifier, const void *at, const char *text)
{
    verifier->at = at;
    return text;
}

/* What one field of a record may hold. */
struct limit {
    uint8_t offset, size;
    uint32_t low, high;
};

#define JIT_LIMIT(record, field, low, high) \
    {offsetof(struct bf_program_##record, field), sizeof(((struct bf_program_##record *)0)->field), low, high}

#define JIT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Of `count` records of `size` bytes each. */
const char *jit_check_limits(struct verifier *verifier, const void *records, uint32_t size, uint32_t count,
                             const struct limit *limits, uint32_t limit_count);

#define JIT_CHECK_LIMITS(verifier, records, count, limits) \
    jit_check_limits(verifier, records, sizeof *(records), count, limits, JIT_COUNT(limits))

/* What fills up a section, or part of one, of `bytes` bytes to a word. */
const char *jit_check_padding(struct verifier *verifier, const void *section, uint32_t bytes, const void *at);

/* The sections of records, in their order; each relies on the ones before. Entries also rely on the functions. */
const char *jit_check_signatures(struct verifier *verifier);
const char *jit_check_imports(struct verifier *verifier);
const char *jit_check_tables(struct verifier *verifier);
const char *jit_check_functions(struct verifier *verifier);
const char *jit_check_entries(struct verifier *verifier);

/* The code of one function; all sections of the program have passed. Keeps block and word of *place at what it looks
 * at. */
const char *jit_check_code(const struct jit_program *program, uint32_t function, struct jit_problem *place);
