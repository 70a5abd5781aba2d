/*
 * Homes of levels 2 and 3: registers in the order of their gains, each to a machine register that no other lives in
 * while it is needed. Which are needed together is known exactly, from one backward pass over each block.
 */
#include "jit/liveness.h"
#include "jit/places.h"

#define EAX_OR_XMM0 0

struct coloring {
    const struct jit_program *program;
    const struct jit_body *body;
    struct jit_places *places;
    unsigned count; /* registers */
    struct jit_liveness liveness;
    struct jit_gains *gains;
    struct jit_set *conflicts; /* of each register: what is needed while it is written */
    uint16_t *passing;         /* of each register: how often it goes from one operation to the next */
    uint16_t *writes;          /* of each register: how often it is written */
    uint8_t *forbidden;        /* of each register: machine registers that change while it is needed */
};

static bool is_move(uint8_t op)
{
    return op >= BF_OP_MOVE_I32 && op <= BF_OP_MOVE_F64;
}

static void add_conflicts(struct coloring *k, uint8_t d, const struct jit_set *live)
{
    for (unsigned word = 0; word < SET_WORDS; word++)
        k->conflicts[d].words[word] |= live->words[word];
}

/* After d = a both have the same value: this is no conflict. */
static void add_conflicts_of_move(struct coloring *k, uint8_t d, uint8_t a, const struct jit_set *live)
{
    struct jit_set others = *live;
    set_remove(&others, a);
    add_conflicts(k, d, &others);
    k->gains->partner[d] = a;
    k->gains->partner[a] = d;
}

static bool swaps(uint8_t op)
{
    return op == BF_OP_ADD_I32 || (op >= BF_OP_AND_I32 && op <= BF_OP_MUL_I32) || op == BF_OP_ADD_I64 ||
           (op >= BF_OP_AND_I64 && op <= BF_OP_XOR_I64) || op == BF_OP_ADD_F32 || op == BF_OP_MUL_F32 ||
           op == BF_OP_ADD_F64 || op == BF_OP_MUL_F64;
}

/* The result is best made where the first operand was, or the second, if they may be exchanged, and it is not needed
 * any more. */
static void suggest(struct coloring *k, uint8_t d, const jit_word *words, const struct jit_set *live)
{
    uint8_t wide = k->body->registers.first[BF_VALUE_TYPE_I64];
    struct jit_reads reads;
    jit_reads(k->program, words, &reads);
    unsigned place = reads.count > 1 && swaps((uint8_t)words[0]) && set_has(live, reads.registers[0]);
    if (place >= reads.count || (reads.registers[place] < wide) != (d < wide))
        return;
    uint8_t a = reads.registers[place];
    if (k->gains->partner[d] == d)
        k->gains->partner[d] = a;
    if (k->gains->partner[a] == a)
        k->gains->partner[a] = d;
}

/* What the operation changes must not be a home of what is needed behind it or read by it. */
static void forbid(struct coloring *k, unsigned clobbers, const struct jit_set *live)
{
    uint8_t wide = k->body->registers.first[BF_VALUE_TYPE_I64];
    unsigned general = jit_clobbered_general(clobbers), vector = jit_clobbered_vector(clobbers);
    for (unsigned number = 0; number < k->count; number++) {
        if (set_has(live, (uint8_t)number))
            k->forbidden[number] |= (uint8_t)(number < wide ? general : vector);
    }
}

/* A call: what is needed behind it is saved around it, if it gets a home. */
static void add_save(struct coloring *k, uint32_t at, unsigned clobbers, int32_t weight, const struct jit_set *live)
{
    uint8_t wide = k->body->registers.first[BF_VALUE_TYPE_I64];
    k->places->saves[k->places->save_count++] = (struct jit_saves){at, *live};
    for (unsigned number = 0; number < k->count; number++) {
        if (set_has(live, (uint8_t)number) && (clobbers & CLOBBERS_ALL || number >= wide))
            jit_gain(&k->gains->gain[number],
                     -weight * (set_has(&k->places->unchanged, (uint8_t)number) ? INSTRUCTION : 2 * INSTRUCTION));
    }
}

static void scan_operation(struct coloring *k, uint32_t at, int32_t weight, struct jit_set *live)
{
    const jit_word *words = k->body->words + at;
    uint8_t op = (uint8_t)words[0], d = jit_written(k->program, words);
    unsigned clobbers = jit_clobbers(op);
    jit_add_gains(k->program, k->body, words, weight, k->gains);
    if (d != NO_REGISTER) {
        k->writes[d]++;
        set_remove(live, d);
        if (is_move(op)) {
            add_conflicts_of_move(k, d, jit_slot(words[0], 1), live);
        } else {
            add_conflicts(k, d, live);
            suggest(k, d, words, live);
        }
    }
    if (clobbers & (CLOBBERS_ALL | CLOBBERS_C))
        add_save(k, at, clobbers, weight, live);
    jit_step_back(k->program, words, live);
    if (d != NO_REGISTER) /* its making may begin before the last change of these */
        k->forbidden[d] |= (uint8_t)(d < k->body->registers.first[BF_VALUE_TYPE_I64]
                                         ? jit_clobbered_general(clobbers & CLOBBERS_ECX)
                                         : jit_clobbered_vector(clobbers));
    if (clobbers & (CLOBBERS_ECX | CLOBBERS_EDX | CLOBBERS_XMM2))
        forbid(k, clobbers, live);
}

/* Whether a load's result goes to the next operation alone; `live` is needed behind that. */
static bool is_used_once(const struct coloring *k, const jit_word *load, const jit_word *next,
                         const struct jit_set *live)
{
    struct jit_reads reads;
    uint8_t d = jit_written(k->program, load);
    unsigned uses = 0;
    jit_reads(k->program, next, &reads);
    for (unsigned i = 0; i < reads.count; i++)
        uses += reads.registers[i] == d;
    return uses == 1 && (!set_has(live, d) || jit_written(k->program, next) == d);
}

/* Whether an operation takes this operand before it changes EAX or xmm0. */
static bool takes_scratch(const struct coloring *k, const jit_word *words, uint8_t number)
{
    uint8_t op = (uint8_t)words[0], a = jit_slot(words[0], 1), b = jit_slot(words[0], 2);
    bool is_first = a == number;
    if (number >= k->body->registers.first[BF_VALUE_TYPE_I64]) {
        bool is_sum = op == BF_OP_ADD_F32 || op == BF_OP_MUL_F32 || op == BF_OP_ADD_F64 || op == BF_OP_MUL_F64;
        return (is_sum && b == number) || op == BF_OP_STORE_F64 || op == BF_OP_STORE_F64_AT ||
               (is_first && op >= BF_OP_ADD_F32 && op <= BF_OP_ABS_F64) ||
               (is_first && op >= BF_OP_I32_FROM_F32 && op <= BF_OP_I32_FROM_F64);
    }
    if (op == BF_OP_ADD_I32 || (op >= BF_OP_AND_I32 && op <= BF_OP_MUL_I32))
        return true;
    if (op == BF_OP_SUB_I32 || (op >= BF_OP_ADD_I32_IMM8 && op <= BF_OP_NEG_I32) ||
        (op >= BF_OP_BSWAP_I32 && op <= BF_OP_EXTEND_S16))
        return is_first;
    return op == BF_OP_MOVE_I32 || op == BF_OP_F32_FROM_I32 || op == BF_OP_F64_FROM_I32 || op == BF_OP_BRANCH_I32 ||
           op == BF_OP_BRANCH_I32_IMM8 || op == BF_OP_BRANCH_I32_IMM32 || op == BF_OP_SET_I32 ||
           op == BF_OP_SET_I32_IMM8;
}

static bool is_load(uint8_t op)
{
    return op >= BF_OP_LOAD_U8 && op <= BF_OP_LOAD_F64_AT;
}

static void scan(struct coloring *k)
{
    const uint32_t *operations = k->liveness.operations;
    for (uint32_t block = 0; block < k->body->block_count; block++) {
        struct jit_set live = k->liveness.out[block];
        for (uint32_t i = jit_operations(k->program, k->body, &k->liveness, block); i--;) {
            const jit_word *words = k->body->words + operations[i];
            const jit_word *before = k->body->words + operations[i ? i - 1 : 0];
            if (i && is_load((uint8_t)before[0]) && is_used_once(k, before, words, &live))
                k->places->is_used_once[operations[i - 1]] = true;
            uint8_t made = i ? jit_written(k->program, before) : NO_REGISTER;
            if (made != NO_REGISTER && is_used_once(k, before, words, &live) && !set_has(&live, made) &&
                takes_scratch(k, words, made))
                k->passing[made]++;
            scan_operation(k, operations[i], jit_weight(k->body, block), &live);
        }
    }
}

/* Machine registers that a register cannot live in. */
static unsigned taken(const struct coloring *k, uint8_t number)
{
    bool wide = number >= k->body->registers.first[BF_VALUE_TYPE_I64];
    unsigned found = k->forbidden[number] | ~(wide ? HOMES_VECTOR : HOMES_GENERAL);
    for (unsigned other = 0; other < k->count; other++) {
        unsigned home = k->places->home[other];
        if (home != NO_HOME && (other >= k->body->registers.first[BF_VALUE_TYPE_I64]) == wide &&
            (set_has(&k->conflicts[number], (uint8_t)other) || set_has(&k->conflicts[other], number)))
            found |= 1u << home;
    }
    return found;
}

/* The lowest machine register that is not taken, or 8. */
static unsigned lowest_free(unsigned taken_homes)
{
    unsigned home = 0;
    while (home < 8 && taken_homes >> home & 1)
        home++;
    return home;
}

static void color(struct coloring *k, uint8_t number)
{
    uint8_t *home = k->places->home, partner = k->gains->partner[number];
    unsigned taken_homes = taken(k, number), best = home[partner];
    if (best == NO_HOME)
        best = lowest_free(taken_homes | taken(k, partner)); /* where the partner can follow */
    if (best >= 8 || taken_homes >> best & 1)
        best = lowest_free(taken_homes);
    if (best == 8)
        return;
    home[number] = (uint8_t)best;
    /* Partners join before others take the place. */
    while (home[partner] == NO_HOME && k->gains->gain[partner] > 0 && !(taken(k, partner) >> best & 1)) {
        home[partner] = (uint8_t)best;
        partner = k->gains->partner[partner];
    }
}

static void color_all(struct coloring *k)
{
    int32_t *gain = k->gains->gain;
    for (;;) {
        unsigned best = 0;
        for (unsigned number = 1; number < k->count; number++) {
            if (gain[number] > gain[best])
                best = number;
        }
        if (gain[best] <= 0)
            return;
        if (k->places->home[best] == NO_HOME)
            color(k, (uint8_t)best);
        bool passes = k->passing[best] == k->writes[best] && !set_has(&k->places->at_entry, (uint8_t)best);
        if (k->places->home[best] == NO_HOME && k->writes[best] && passes)
            k->places->home[best] = EAX_OR_XMM0;
        gain[best] = 0;
    }
}

/* Registers that live at the entry live together there. */
static void add_entry(struct coloring *k)
{
    const struct jit_set *live = &k->liveness.in[0];
    k->places->at_entry = *live;
    for (unsigned number = 0; number < k->count; number++) {
        if (!set_has(live, (uint8_t)number))
            continue;
        add_conflicts(k, (uint8_t)number, live);
        jit_gain(&k->gains->gain[number], -INSTRUCTION); /* that loads it */
    }
}

static uint32_t count_calls(const struct jit_program *program, const struct jit_body *body)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < body->word_count; at += jit_length(program, body->words[at]))
        count += !!(jit_clobbers((uint8_t)body->words[at]) & (CLOBBERS_ALL | CLOBBERS_C));
    return count;
}

/* Only what has a home is saved. */
static void trim_saves(struct jit_places *places, unsigned count)
{
    for (uint32_t i = 0; i < places->save_count; i++) {
        for (unsigned number = 0; number < count; number++) {
            if (places->home[number] == NO_HOME)
                set_remove(&places->saves[i].registers, (uint8_t)number);
        }
    }
}

bool jit_color_homes(const struct jit_program *program, const struct jit_body *body, struct jit_work *work,
                     struct jit_places *places)
{
    struct coloring k = {.program = program, .body = body, .places = places, .count = jit_register_count(body)};
    k.gains = jit_take(work, sizeof *k.gains);
    k.conflicts = jit_take(work, k.count * sizeof *k.conflicts);
    k.forbidden = jit_take(work, k.count);
    k.passing = jit_take(work, k.count * sizeof *k.passing);
    k.writes = jit_take(work, k.count * sizeof *k.writes);
    places->saves = jit_take(work, count_calls(program, body) * sizeof *places->saves);
    places->is_used_once = jit_take(work, body->word_count);
    if (!places->is_used_once || !k.gains || !k.conflicts || !k.forbidden || !k.passing || !k.writes || !places->saves ||
        !jit_find_liveness(program, body, work, &k.liveness))
        return false;
    for (unsigned number = 0; number < k.count; number++)
        k.gains->partner[number] = (uint8_t)number;
    jit_find_unchanged(program, body, &places->unchanged);
    add_entry(&k);
    scan(&k);
    color_all(&k);
    trim_saves(places, k.count);
    places->live = k.liveness.in;
    return true;
}
