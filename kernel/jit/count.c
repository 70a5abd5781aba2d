#include "jit/count.h"

#include "interrupts/vectors.h"
#include "jit/flow.h"

#define INT 0xcd
#define INDIRECT_JMP 4
#define COUNT_SIZE 13 /* bytes of emit_count with a stub */
#define HEAD 1        /* of a loop, in c->counts: not emitted yet */

static bool is_promoted_later(const struct compiler *c)
{
    return c->environment->promotes && c->level < JIT_LEVELS - 1;
}

void count_begin(struct compiler *c)
{
    if (!is_promoted_later(c))
        return;
    const jit_word *words = c->body->words, *end = words + c->body->word_count;
    for (uint32_t block = 0; words < end; words += jit_length(c->program, words[0])) {
        if (!jit_ends_block((uint8_t)words[0]))
            continue;
        for (uint32_t i = jit_target_count(words); i--;) {
            if (jit_target(words, i) <= block)
                c->counts[jit_target(words, i)] = HEAD;
        }
        block++;
    }
}

static uint32_t counter_of(const struct compiler *c)
{
    return c->environment->counters + c->body->function * (uint32_t)sizeof(struct jit_counter);
}

static void decrement(struct compiler *c, uint32_t counter)
{
    x86_group_memory(&c->x, GROUP_SUB, NO_BASE, counter, 1);
}

/* Jumps to a stub when the counter reaches zero. Where the distance of that jump is. */
static uint32_t emit_count(struct compiler *c, uint32_t counter)
{
    decrement(c, counter);
    x86_byte(&c->x, 0x0f);
    x86_byte(&c->x, X86_JCC + CONDITION_E);
    x86_word(&c->x, 0);
    return c->x.size - 4;
}

void count_call(struct compiler *c)
{
    uint32_t counter = counter_of(c) + (uint32_t)offsetof(struct jit_counter, calls);
    if (is_promoted_later(c))
        c->call_count = emit_count(c, counter);
    else
        decrement(c, counter);
}

uint32_t count_jumps_back(struct compiler *c)
{
    if (!c->counts[c->block])
        return 0;
    x86_byte(&c->x, X86_JMP_SHORT);
    x86_byte(&c->x, COUNT_SIZE);
    uint32_t start = c->x.size;
    c->counts[c->block] = emit_count(c, counter_of(c) + (uint32_t)offsetof(struct jit_counter, back_edges));
    return start;
}

/* What jumped to the stub that comes next now does. */
static void begin_stub(struct compiler *c, uint32_t jump)
{
    x86_patch(&c->x, jump, c->x.size - jump - 4);
}

static void raise(struct compiler *c, uint32_t block)
{
    x86_constant(&c->x, EAX, c->body->function);
    x86_constant(&c->x, ECX, block);
    x86_constant(&c->x, EDX, c->frame_size);
    x86_byte(&c->x, INT);
    x86_byte(&c->x, VECTOR_PROMOTE);
}

static void emit_call_stub(struct compiler *c)
{
    begin_stub(c, c->call_count);
    raise(c, JIT_NO_BLOCK);
    x86_memory(&c->x, X86_INDIRECT, INDIRECT_JMP, NO_BASE, function_entry(c->environment, c->body->function));
}

/* Between machine registers and slots: all values that are needed where a block begins. */
static void move_live(struct compiler *c, uint32_t block, void (*move)(struct compiler *c, uint8_t number))
{
    const struct jit_set *live = c->places->live;
    for (unsigned number = 0; number < jit_register_count(c->body); number++) {
        if (!is_in_slot(c, (uint8_t)number) && (!live || set_has(&live[block], (uint8_t)number)))
            move(c, (uint8_t)number);
    }
}

/* Goes on where a block begins, behind the count of jumps back. */
static void emit_entry(struct compiler *c, uint32_t block)
{
    uint32_t start = c->blocks[block] + (c->counts[block] ? COUNT_SIZE : 0);
    move_live(c, block, fill);
    x86_byte(&c->x, X86_JMP);
    x86_word(&c->x, start - c->x.size - 4);
}

static void emit_loop_stub(struct compiler *c, uint32_t block)
{
    begin_stub(c, c->counts[block]);
    move_live(c, block, spill);
    raise(c, jit_block_of(c->body, block));
    emit_entry(c, block);
}

uint32_t count_end(struct compiler *c, uint32_t until)
{
    uint32_t found = 0;
    if (is_promoted_later(c))
        emit_call_stub(c);
    for (uint32_t block = 0; block < c->body->block_count && c->x.size <= until; block++) {
        if (!c->counts[block])
            continue;
        emit_loop_stub(c, block);
        found = jit_block_of(c->body, block);
    }
    if (c->body->entry_block == JIT_NO_BLOCK || c->x.size > until)
        return found;
    c->entry_at = c->x.size; /* the stack pointer is made that of this code's frame */
    x86_indexed(&c->x, X86_LEA, ESP, ESP, EDX, 0, -c->frame_size);
    emit_entry(c, jit_entry_for(c->body, c->body->entry_block));
    return c->body->entry_block;
}
