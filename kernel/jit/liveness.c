/* Backward dataflow over blocks until nothing changes. */
#include "jit/liveness.h"

void jit_step_back(const struct jit_program *program, const jit_word *words, struct jit_set *live)
{
    struct jit_reads reads;
    uint8_t d = jit_written(program, words);
    if (d != NO_REGISTER)
        set_remove(live, d);
    jit_reads(program, words, &reads);
    for (unsigned i = 0; i < reads.count; i++)
        set_add(live, reads.registers[i]);
}

uint32_t jit_operations(const struct jit_program *program, const struct jit_body *body,
                        struct jit_liveness *liveness, uint32_t block)
{
    uint32_t count = 0;
    for (uint32_t at = liveness->starts[block]; at < liveness->starts[block + 1]; count++) {
        liveness->operations[count] = at;
        at += jit_length(program, body->words[at]);
    }
    return count;
}

/* What a block reads before it writes it, and what it writes. */
struct effect {
    struct jit_set reads, writes;
};

static void find_effect(const struct jit_program *program, const struct jit_body *body,
                        const struct jit_liveness *liveness, uint32_t block, struct effect *effect)
{
    for (uint32_t at = liveness->starts[block]; at < liveness->starts[block + 1];) {
        struct jit_reads reads;
        jit_reads(program, body->words + at, &reads);
        for (unsigned i = 0; i < reads.count; i++) {
            if (!set_has(&effect->writes, reads.registers[i]))
                set_add(&effect->reads, reads.registers[i]);
        }
        uint8_t d = jit_written(program, body->words + at);
        if (d != NO_REGISTER)
            set_add(&effect->writes, d);
        at += jit_length(program, body->words[at]);
    }
}

static const jit_word *last_of(const struct jit_program *program, const struct jit_body *body,
                               const struct jit_liveness *liveness, uint32_t block)
{
    const jit_word *words = body->words + liveness->starts[block];
    while (!jit_ends_block((uint8_t)words[0]))
        words += jit_length(program, words[0]);
    return words;
}

/* Whether more is needed in front of the block than was known. */
static bool update(const struct jit_program *program, const struct jit_body *body, struct jit_liveness *liveness,
                   uint32_t block, const struct effect *effect)
{
    const jit_word *last = last_of(program, body, liveness, block);
    struct jit_set *out = &liveness->out[block], *in = &liveness->in[block];
    bool changed = false;
    for (uint32_t i = jit_target_count(last); i--;) {
        const struct jit_set *next = &liveness->in[jit_target(last, i)];
        for (unsigned word = 0; word < SET_WORDS; word++)
            out->words[word] |= next->words[word];
    }
    for (unsigned word = 0; word < SET_WORDS; word++) {
        uint32_t needed = effect->reads.words[word] | (out->words[word] & ~effect->writes.words[word]);
        changed |= needed != in->words[word];
        in->words[word] = needed;
    }
    return changed;
}

bool jit_find_liveness(const struct jit_program *program, const struct jit_body *body, struct jit_work *work,
                       struct jit_liveness *liveness)
{
    uint32_t count = body->block_count;
    liveness->starts = jit_block_starts(program, work, body);
    liveness->in = jit_take(work, count * sizeof *liveness->in);
    liveness->out = jit_take(work, count * sizeof *liveness->out);
    liveness->operations = jit_take(work, body->word_count * sizeof *liveness->operations);
    struct effect *effects = jit_take(work, count * sizeof *effects);
    if (!effects || !liveness->operations || !liveness->out || !liveness->in || !liveness->starts)
        return false;
    for (uint32_t block = 0; block < count; block++)
        find_effect(program, body, liveness, block, &effects[block]);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t block = count; block--;)
            changed |= update(program, body, liveness, block, &effects[block]);
    }
    return true;
}
