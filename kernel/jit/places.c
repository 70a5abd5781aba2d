#include "jit/places.h"

#include "lib/string.h"

/* Registers that some block reads before it writes them. */
static void find_read_first(const struct jit_program *program, const struct jit_body *body, struct jit_set *found)
{
    const jit_word *words = body->words, *end = words + body->word_count;
    struct jit_set written = {{0}};
    for (; words < end; words += jit_length(program, words[0])) {
        struct jit_reads reads;
        jit_reads(program, words, &reads);
        for (unsigned i = 0; i < reads.count; i++) {
            if (!set_has(&written, reads.registers[i]))
                set_add(found, reads.registers[i]);
        }
        uint8_t d = jit_written(program, words);
        if (d != NO_REGISTER)
            set_add(&written, d);
        if (jit_ends_block((uint8_t)words[0]))
            written = (struct jit_set){{0}};
    }
}

bool jit_find_places(const struct jit_program *program, const struct jit_body *body, unsigned level,
                     struct jit_work *work, struct jit_places *places)
{
    (void)level, (void)work;
    memset(places->home, NO_HOME, sizeof places->home);
    find_read_first(program, body, &places->at_entry);
    return true;
}
