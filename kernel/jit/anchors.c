/*
 * Finds accesses that need no check. An address is the sum of multiples of registers - its form - and a displacement.
 * Once an access has succeeded, all addresses of the same form are in the arena or just beside it whose displacement is
 * less than a page away; and what is just beside it faults, because pages there are not mapped. Such facts are intervals
 * of displacements; they flow from block to block, and what is known on all ways to a block is the intersection.
 *
 * Arithmetic is modulo 2^32. An interval may be stretched over a gap between two displacements that are good: the arena is
 * far smaller than 2^31, so that what lies between two good addresses is good, too.
 */
#include "jit/passes.h"

#include "jit/compile.h"
#include "jit/forms.h"
#include "jit/ranges.h"
#include "lib/string.h"

#define PAGE ((int32_t)BF_PAGE_SIZE)
#define KEYS 64    /* forms that are followed from block to block */
#define FACTS 112  /* and in all in a block */
#define ROUNDS 8   /* after them, an interval that shrinks is given up */
#define REACHED 1
#define CHANGED 2
#define FAR (1 << 29) /* displacements stay below, so that differences do not overflow */

/* Displacements; none when low > high. */
struct interval {
    int32_t low, high;
};

static const struct interval nothing = {1, 0};

/* Bytes at terms + displacement are in the arena, or in the page beside it, for these displacements. */
struct fact {
    struct term terms[TERMS];
    struct interval good;
};

struct anchors {
    const struct jit_program *program;
    const struct jit_body *body;
    const uint32_t *starts;
    uint32_t *ranges;
    const jit_word *end; /* of the block that is looked at: its last operation */
    uint32_t limit; /* the first address behind the arena, and the page behind it when that is not mapped */
    uint32_t slack; /* of them, bytes behind the arena */
    struct fact keys[KEYS]; /* terms over registers at a block's start; good: displacements that are of interest */
    uint32_t key_count, collected;
    struct interval *known; /* by block and key, at the block's start */
    uint8_t *states;        /* by block: REACHED, CHANGED */
    uint32_t round;
    struct form forms[BF_MAX_REGISTERS + 1]; /* by register, in the block that is looked at */
    struct fact facts[FACTS];                /* there; the first ones are those of the keys */
    uint32_t fact_count;
    uint8_t *proven; /* by word */
};

/* The form of what an operation writes, or of the address that it accesses. False when it has none. */
static bool form_of(const struct anchors *s, const jit_word *words, struct form *form)
{
    struct jit_sum sum;
    if (!jit_find_sum(words, &sum))
        return false;
    *form = (struct form){.number = sum.number};
    return form_add(form, &s->forms[jit_slot(words[0], 1)], sum.a) &&
           form_add(form, &s->forms[jit_slot(words[0], 2)], sum.b);
}

static bool is_near(uint32_t number)
{
    return number + FAR < 2u * FAR;
}

static struct interval intersection(struct interval a, struct interval b)
{
    struct interval both = {a.low > b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
    return both.low <= both.high ? both : nothing;
}

static struct interval hull(struct interval a, struct interval b)
{
    if (a.low > a.high)
        return b;
    if (b.low > b.high)
        return a;
    return (struct interval){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

/* Displacements for terms that are good because of the ranges of registers. */
static struct interval good_by_range(const struct anchors *s, const struct term *terms)
{
    uint64_t largest = 0;
    for (unsigned i = 0; i < TERMS && largest < s->limit; i++)
        if (terms[i].factor)
            largest += (uint64_t)terms[i].factor * s->ranges[SYMBOL_REGISTER(terms[i].symbol)];
    if (largest >= s->limit)
        return nothing;
    return (struct interval){(int32_t)BF_ARENA_START - PAGE, (int32_t)(s->limit - 1 - (uint32_t)largest)};
}

static struct fact *find(struct fact *facts, uint32_t count, const struct term *terms)
{
    for (; count; count--, facts++)
        if (form_is_same(facts->terms, terms))
            return facts;
    return 0;
}

/* Whether an access of so many bytes is good; it has succeeded afterwards. */
static bool access(struct anchors *s, const struct form *form, uint32_t size)
{
    if (!is_near(form->number))
        return false;
    int32_t low = (int32_t)form->number, high = low + (int32_t)size - 1;
    struct interval range = good_by_range(s, form->terms);
    bool is_good = range.low <= low && high <= range.high;
    struct fact *fact = find(s->facts, s->fact_count, form->terms);
    if (!fact && s->fact_count < FACTS) {
        fact = &s->facts[s->fact_count++];
        memcpy(fact->terms, form->terms, sizeof fact->terms);
        fact->good = nothing;
    }
    if (fact) {
        is_good |= fact->good.low <= low && high <= fact->good.high;
        fact->good = hull(fact->good, (struct interval){low - PAGE, high + (int32_t)s->slack});
    }
    return is_good;
}

/* Goes through a block. */
static void walk(struct anchors *s, uint32_t block)
{
    uint32_t registers = s->body->registers.first[BF_VALUE_TYPE_I32 + 1], count = 0;
    for (uint32_t i = 0; i < registers; i++)
        s->forms[i] = (struct form){{{i, 1}}, 0};
    for (uint32_t i = 0; i < s->key_count; i++) {
        s->facts[i] = s->keys[i];
        s->facts[i].good = s->known[block * s->key_count + i];
    }
    s->fact_count = s->key_count;
    for (uint32_t at = s->starts[block]; at < s->starts[block + 1]; at += jit_length(s->program, s->end[0])) {
        const jit_word *words = s->end = s->body->words + at;
        struct form form;
        bool has_form = form_of(s, words, &form);
        count++;
        uint32_t size = jit_access_size((uint8_t)words[0]);
        if (size)
            s->proven[at] = has_form && access(s, &form, size) ? JIT_PROVEN : 0;
        if (size || !has_form)
            form = (struct form){{{SYMBOL(count, jit_slot(words[0], 0)), 1}}, 0};
        uint8_t d = jit_written(s->program, words);
        if (d < registers)
            s->forms[d] = form;
    }
}

/* What is known of a key where the block ends. */
static struct interval known_behind(struct anchors *s, uint32_t key)
{
    struct form form = {0};
    for (unsigned i = 0; i < TERMS; i++) {
        struct term term = s->keys[key].terms[i];
        if (term.factor && !form_add(&form, &s->forms[term.symbol], term.factor))
            return nothing;
    }
    const struct fact *fact = &s->facts[key];
    if (!form_is_same(fact->terms, form.terms))
        fact = find(s->facts, s->fact_count, form.terms);
    struct interval good = good_by_range(s, form.terms);
    if (fact)
        good = hull(good, fact->good);
    if (good.low > good.high || !is_near(form.number))
        return nothing;
    good.low -= (int32_t)form.number;
    good.high -= (int32_t)form.number;
    return intersection(good, s->keys[key].good);
}

/* What is known of a key where a branch goes to one of its targets: a register that is at most another has its range. */
static struct interval known_there(struct anchors *s, const jit_word *branch, unsigned place, uint32_t key)
{
    uint8_t op = (uint8_t)branch[0], a = jit_slot(branch[0], 1), b = jit_slot(branch[0], 2);
    uint32_t range = s->ranges[a];
    if (op < BF_OP_BRANCH_I32 || op > BF_OP_BRANCH_I32_IMM32)
        return nothing;
    uint32_t number = op == BF_OP_BRANCH_I32_IMM8 ? (uint32_t)(int8_t)b : branch[1];
    uint32_t bound = op == BF_OP_BRANCH_I32 ? s->ranges[b] : number;
    s->ranges[a] = jit_range_if(jit_slot(branch[0], 0) ^ place, range, bound);
    struct interval good = s->ranges[a] < range ? good_by_range(s, s->keys[key].terms) : nothing;
    s->ranges[a] = range;
    return intersection(good, s->keys[key].good);
}

/* From the block that was looked at. */
static void flow_to(struct anchors *s, uint32_t block, unsigned place)
{
    bool is_reached = s->states[block] & REACHED, is_changed = !is_reached;
    for (uint32_t key = 0; key < s->key_count; key++) {
        struct interval *known = &s->known[block * s->key_count + key];
        struct interval good = hull(known_behind(s, key), known_there(s, s->end, place, key));
        if (is_reached)
            good = intersection(*known, good);
        if (good.low == known->low && good.high == known->high)
            continue;
        *known = s->round < ROUNDS ? good : nothing;
        is_changed = true;
    }
    if (is_changed)
        s->states[block] = REACHED | CHANGED;
}

/* Keys are what accesses use of registers as they are at the start of a block. */
static void collect_keys(struct anchors *s)
{
    for (uint32_t block = 0; block < s->body->block_count; block++) {
        walk(s, block);
        for (struct fact *fact = s->facts; fact < s->facts + s->fact_count; fact++) {
            struct fact *key = find(s->keys, s->collected, fact->terms);
            bool is_from_start = (fact->terms[0].symbol | fact->terms[1].symbol) < SYMBOL(1u, 0);
            bool is_number = (fact->terms[0].factor | fact->terms[1].factor) == 0;
            if (!is_from_start || is_number || (!key && s->collected == KEYS))
                continue;
            if (!key) {
                key = &s->keys[s->collected++];
                *key = *fact;
            }
            key->good = hull(key->good, fact->good);
        }
    }
    s->key_count = s->collected;
}

/* Control may come to this block from elsewhere. */
static void enter(struct anchors *s, uint32_t block)
{
    s->states[block] = REACHED | CHANGED;
    for (uint32_t key = 0; key < s->key_count; key++)
        s->known[block * s->key_count + key] = nothing;
}

/* Until nothing changes; what was found when a block was looked at last holds. */
static void flow(struct anchors *s)
{
    for (bool again = true; again; s->round++) {
        again = false;
        for (uint32_t block = 0; block < s->body->block_count; block++) {
            if (!(s->states[block] & CHANGED))
                continue;
            s->states[block] = REACHED;
            again = true;
            walk(s, block);
            for (uint32_t i = jit_target_count(s->end); i--;)
                flow_to(s, jit_target(s->end, i), i);
        }
    }
}

bool jit_anchors(const struct jit_program *program, const struct jit_environment *environment, struct jit_work *work,
                 struct jit_body *body)
{
    struct anchors *s = jit_take(work, sizeof *s);
    if (!s)
        return false;
    s->program = program;
    s->body = body;
    s->slack = environment->is_guarded ? PAGE : 0;
    s->limit = program->header->arena_size + s->slack;
    s->starts = jit_block_starts(program, work, body);
    s->ranges = jit_ranges(program, work, body);
    s->states = jit_take(work, body->block_count);
    s->proven = jit_take(work, body->word_count);
    if (!s->starts || !s->ranges || !s->states || !s->proven)
        return false;
    collect_keys(s);
    while (!jit_is_affordable(work, body->block_count * s->key_count * sizeof *s->known))
        s->key_count--;
    s->known = jit_take(work, body->block_count * s->key_count * sizeof *s->known);
    enter(s, 0);
    if (body->entry_block != JIT_NO_BLOCK)
        enter(s, jit_entry_for(body, body->entry_block));
    flow(s);
    body->facts = s->proven;
    return true;
}
