/* The verifier: bfimg/pattern/verify.py, check by check in the order of the file. */
#include "jit/verify.h"

#include "lib/string.h"

static const struct limit header_limits[] = {
    JIT_LIMIT(header, magic, BF_PROGRAM_MAGIC, BF_PROGRAM_MAGIC),
    JIT_LIMIT(header, version, BF_PROGRAM_VERSION, BF_PROGRAM_VERSION),
    JIT_LIMIT(header, header_size, BF_SIZEOF_PROGRAM_HEADER, BF_SIZEOF_PROGRAM_HEADER),
    JIT_LIMIT(header, arena_size, BF_MIN_ARENA, BF_MAX_ARENA),
    JIT_LIMIT(header, call_depth, 1, BF_MAX_CALL_DEPTH),
    JIT_LIMIT(header, signature_count, 0, BF_MAX_DECLARED),
    JIT_LIMIT(header, import_count, 0, BF_MAX_DECLARED),
    JIT_LIMIT(header, table_count, 0, BF_MAX_DECLARED),
    JIT_LIMIT(header, function_count, 1, BF_MAX_FUNCTIONS),
    JIT_LIMIT(header, reserved, 0, 0),
};

const char *jit_check_limits(struct verifier *verifier, const void *records, uint32_t size, uint32_t count,
                             const struct limit *limits, uint32_t limit_count)
{
    const uint8_t *record = records;
    for (; count; count--, record += size) {
        for (uint32_t i = 0; i < limit_count; i++) {
            uint32_t value = 0;
            memcpy(&value, record + limits[i].offset, limits[i].size);
            if (value < limits[i].low || value > limits[i].high)
                return jit_flaw_at(verifier, record + limits[i].offset, "a field is out of range");
        }
    }
    return 0;
}

const char *jit_check_padding(struct verifier *verifier, const void *section, uint32_t bytes, const void *at)
{
    for (uint32_t i = bytes; i < jit_padded(bytes); i++)
        if (((const uint8_t *)section)[i])
            return jit_flaw_at(verifier, at, "bytes that fill up are not zero");
    return 0;
}

static const char *check_header(struct verifier *verifier)
{
    const struct bf_program_header *header = verifier->program->header;
    if (verifier->size < sizeof *header)
        return jit_flaw_at(verifier, header, "shorter than its header");
    const char *flaw = JIT_CHECK_LIMITS(verifier, header, 1, header_limits);
    if (flaw)
        return flaw;
    if (header->header_crc != bf_crc32(BF_CRC32_START, header, offsetof(struct bf_program_header, header_crc)))
        return jit_flaw_at(verifier, &header->header_crc, "header CRC is wrong");
    if (header->size != verifier->size)
        return jit_flaw_at(verifier, &header->size, "size is not that of the program");
    if (header->body_crc != bf_crc32(BF_CRC32_START, header + 1, verifier->size - sizeof *header))
        return jit_flaw_at(verifier, &header->body_crc, "body CRC is wrong");
    if (header->arena_size % BF_FRAME_ALIGNMENT)
        return jit_flaw_at(verifier, &header->arena_size, "arena size is not aligned");
    if (header->stack_bytes % BF_FRAME_ALIGNMENT || header->stack_bytes > header->arena_size - BF_ARENA_START)
        return jit_flaw_at(verifier, &header->stack_bytes, "stack is not aligned or larger than the arena");
    if (header->data_end < BF_ARENA_START || header->data_end > header->arena_size - header->stack_bytes)
        return jit_flaw_at(verifier, &header->data_end, "data ends in the stack or before it begins");
    if (header->data_size > header->data_end - BF_ARENA_START)
        return jit_flaw_at(verifier, &header->data_size, "initial data is larger than the data");
    if (header->entry >= header->function_count)
        return jit_flaw_at(verifier, &header->entry, "the entry is no function");
    return 0;
}

/* The next section, of so many bytes and what fills up a word; 0 from the first one on that is not all there. */
static const void *take(struct verifier *verifier, uint32_t bytes)
{
    const uint8_t *start = verifier->next;
    if (bytes > verifier->left || jit_padded(bytes) > verifier->left)
        verifier->next = 0;
    if (!verifier->next)
        return 0;
    verifier->next += jit_padded(bytes);
    verifier->left -= jit_padded(bytes);
    return start;
}

/* Sets the pointers of the program. */
static const char *lay_out(struct verifier *verifier)
{
    struct jit_program *program = verifier->program;
    const struct bf_program_header *header = program->header;
    verifier->next = (const uint8_t *)(header + 1);
    verifier->left = verifier->size - sizeof *header;
    program->signatures = take(verifier, header->signature_count * sizeof *program->signatures);
    program->imports = take(verifier, header->import_count * sizeof *program->imports);
    program->tables = take(verifier, header->table_count * sizeof *program->tables);
    program->entries = take(verifier, header->entry_count * sizeof *program->entries);
    program->functions = take(verifier, header->function_count * sizeof *program->functions);
    program->code = take(verifier, header->code_size);
    program->data = take(verifier, header->data_size);
    program->names = take(verifier, header->names_size);
    bool fits = verifier->next && verifier->left == 0;
    return fits ? 0 : jit_flaw_at(verifier, &header->size, "sections do not add up to the size");
}

static const char *check_data(struct verifier *verifier)
{
    const struct jit_program *program = verifier->program;
    uint32_t size = program->header->data_size;
    return jit_check_padding(verifier, program->data, size, program->data + size);
}

/* Names end up in reports: printable ASCII without what JSON must escape. */
static const char *check_names(struct verifier *verifier)
{
    const struct jit_program *program = verifier->program;
    const char *names = program->names;
    uint32_t size = program->header->names_size;
    const char *flaw = jit_check_padding(verifier, names, size, names + size);
    if (flaw)
        return flaw;
    if (size && names[size - 1])
        return jit_flaw_at(verifier, names + size - 1, "the names do not end in NUL");
    for (uint32_t i = 0; i < size; i++)
        if (names[i] && (names[i] < ' ' || names[i] > '~' || names[i] == '"' || names[i] == '\\'))
            return jit_flaw_at(verifier, names + i, "a name is not printable");
    for (uint32_t i = 0; i < program->header->function_count; i++) {
        const struct bf_program_function *function = &program->functions[i];
        if (function->name != BF_NO_NAME && function->name >= size)
            return jit_flaw_at(verifier, &function->name, "the name is behind the names");
    }
    return 0;
}

/* In the order of the file, but entries after what they name. */
static const char *(*const passes[])(struct verifier *) = {
    check_header,        lay_out,           jit_check_signatures, jit_check_imports, jit_check_tables,
    jit_check_functions, jit_check_entries, check_data,           check_names,
};

static const char *check_container(struct verifier *verifier)
{
    const char *flaw = 0;
    for (uint32_t i = 0; i < JIT_COUNT(passes) && !flaw; i++)
        flaw = passes[i](verifier);
    return flaw;
}

static const char *check_code(struct verifier *verifier, struct jit_problem *place)
{
    const struct jit_program *program = verifier->program;
    for (uint32_t i = 0; i < program->header->function_count; i++) {
        const uint8_t *depths = jit_loop_depths(program, &program->functions[i]);
        place->function = i;
        place->block = place->word = JIT_NOWHERE;
        const char *flaw = jit_check_padding(verifier, depths, program->functions[i].block_count, depths);
        if (flaw)
            return flaw;
        if ((flaw = jit_check_code(program, i, place)))
            return jit_flaw_at(verifier, jit_words(program, &program->functions[i]) + place->word, flaw);
    }
    return 0;
}

bool jit_verify(const void *image, uint32_t size, struct jit_program *program, struct jit_problem *problem)
{
    struct verifier verifier = {.program = program, .size = size};
    *program = (struct jit_program){.header = image};
    *problem = (struct jit_problem){.function = JIT_NOWHERE, .block = JIT_NOWHERE, .word = JIT_NOWHERE};
    problem->text = check_container(&verifier);
    if (!problem->text)
        problem->text = check_code(&verifier, problem);
    if (!problem->text)
        return true;
    problem->offset = (uint32_t)((const uint8_t *)verifier.at - (const uint8_t *)image);
    return false;
}
