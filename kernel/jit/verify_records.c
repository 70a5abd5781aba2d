/* The verifier's pass over signatures, imports, tables, their entries, and functions. */
#include "jit/verify.h"

#include "lib/string.h"

static const struct limit signature_limits[] = {
    JIT_LIMIT(signature, result, BF_VALUE_TYPE_NONE, BF_VALUE_TYPE_F64),
    JIT_LIMIT(signature, parameter_count, 0, BF_MAX_PARAMETERS),
    JIT_LIMIT(signature, reserved, 0, 0),
};
static const struct limit table_limits[] = {
    JIT_LIMIT(table, count, 1, UINT16_MAX),
    JIT_LIMIT(table, reserved, 0, 0),
};
static const struct limit function_limits[] = {
    JIT_LIMIT(function, block_count, 1, UINT16_MAX),
    JIT_LIMIT(function, code_words, 1, UINT16_MAX),
};

#define HELPER(name, number, result, count, parameters) [number] = {result, count, 0, parameters},
static const struct bf_program_signature helper_signatures[] = {BF_PATTERN_HELPERS(HELPER)};

const char *jit_check_signatures(struct verifier *verifier)
{
    const struct bf_program_signature *signature = verifier->program->signatures;
    uint32_t count = verifier->program->header->signature_count;
    const char *flaw = JIT_CHECK_LIMITS(verifier, signature, count, signature_limits);
    for (; count && !flaw; count--, signature++)
        if (signature->parameter_count < BF_MAX_PARAMETERS &&
            signature->parameters >> (2 * signature->parameter_count))
            return jit_flaw_at(verifier, &signature->parameters, "bits behind the last parameter are not zero");
    return flaw;
}

const char *jit_check_imports(struct verifier *verifier)
{
    const struct jit_program *program = verifier->program;
    const struct bf_program_import *import = program->imports;
    for (uint32_t i = 0; i < program->header->import_count; i++, import++) {
        if (import->helper == 0 || import->helper >= JIT_COUNT(helper_signatures))
            return jit_flaw_at(verifier, &import->helper, "no such helper");
        if (import->signature >= program->header->signature_count ||
            memcmp(&program->signatures[import->signature], &helper_signatures[import->helper],
                   sizeof *helper_signatures) != 0)
            return jit_flaw_at(verifier, &import->signature, "not the signature of the helper");
    }
    return 0;
}

const char *jit_check_tables(struct verifier *verifier)
{
    const struct bf_program_header *header = verifier->program->header;
    const struct bf_program_table *table = verifier->program->tables;
    uint32_t entries = 0;
    const char *flaw = JIT_CHECK_LIMITS(verifier, table, header->table_count, table_limits);
    if (flaw)
        return flaw;
    for (uint32_t i = 0; i < header->table_count; i++, table++) {
        if (table->signature >= header->signature_count)
            return jit_flaw_at(verifier, &table->signature, "no such signature");
        if (table->first != entries)
            return jit_flaw_at(verifier, &table->first, "the table does not begin where the one before it ends");
        entries += table->count;
    }
    if (entries != header->entry_count)
        return jit_flaw_at(verifier, &header->entry_count, "the tables have not as many entries");
    const uint8_t *section = (const uint8_t *)verifier->program->entries;
    uint32_t bytes = entries * sizeof(jit_entry);
    return jit_check_padding(verifier, section, bytes, section + bytes);
}

/* Whether there are registers for the parameters, and not too many in all. */
static const char *check_registers(struct verifier *verifier, const struct bf_program_function *function)
{
    const struct bf_program_signature *signature = &verifier->program->signatures[function->signature];
    const uint8_t *counts = &function->i32_count;
    uint8_t left[BF_VALUE_TYPE_F64 + 1]; /* by type: registers without a parameter */
    memcpy(&left[BF_VALUE_TYPE_I32], counts, BF_VALUE_TYPE_F64);
    if (counts[0] + counts[1] + counts[2] + counts[3] > BF_MAX_REGISTERS)
        return jit_flaw_at(verifier, counts, "too many registers");
    for (unsigned i = 0; i < signature->parameter_count; i++)
        if (left[jit_parameter_type(signature, i)]-- == 0)
            return jit_flaw_at(verifier, counts, "too few registers for the parameters");
    return 0;
}

const char *jit_check_functions(struct verifier *verifier)
{
    const struct bf_program_header *header = verifier->program->header;
    const struct bf_program_function *function = verifier->program->functions;
    uint32_t position = 0;
    const char *flaw = JIT_CHECK_LIMITS(verifier, function, header->function_count, function_limits);
    for (uint32_t i = 0; i < header->function_count && !flaw; i++, function++) {
        if (function->signature >= header->signature_count)
            return jit_flaw_at(verifier, &function->signature, "no such signature");
        if ((flaw = check_registers(verifier, function)))
            return flaw;
        if (function->frame_bytes % BF_FRAME_ALIGNMENT ||
            (uint64_t)function->frame_bytes * header->call_depth > header->stack_bytes)
            return jit_flaw_at(verifier, &function->frame_bytes, "frames are not aligned or larger than the stack");
        if (function->code != position)
            return jit_flaw_at(verifier, &function->code, "the code does not begin where the one before it ends");
        uint32_t bytes = jit_padded(function->block_count) + function->code_words * sizeof(jit_word);
        if (bytes > header->code_size - position)
            return jit_flaw_at(verifier, &function->code, "the function ends behind the code");
        position += bytes;
    }
    return flaw || position == header->code_size
               ? flaw
               : jit_flaw_at(verifier, &header->code_size, "the functions have not as much code");
}

const char *jit_check_entries(struct verifier *verifier)
{
    const struct jit_program *program = verifier->program;
    const struct bf_program_table *table = program->tables;
    const jit_entry *entry = program->entries;
    for (uint32_t i = 0; i < program->header->table_count; i++, table++) {
        for (uint32_t left = table->count; left; left--, entry++) {
            if (*entry >= program->header->function_count)
                return jit_flaw_at(verifier, entry, "the table has a function that does not exist");
            if (program->functions[*entry].signature != table->signature)
                return jit_flaw_at(verifier, entry, "the table has a function of another signature");
        }
    }
    return 0;
}
