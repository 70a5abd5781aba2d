/*
 * Finds accesses that need no check. An address is the sum of multiples of registers - its form - and a displacement. Once
 * an access has succeeded, all addresses of the same form are in the arena or just beside it whose displacement is less
 * than a page away; and what is just beside it faults, because pages there are not mapped. Such facts are intervals of
 * displacements; they flow from block to block, and what is known on all ways to a block is the intersection.
 *
 * Arithmetic is modulo 2^32. An interval may be stretched over a gap between two displacements that are good: the arena is
 * far smaller than 2^31, so that what lies between two good addresses is good, too.
 */
#include "jit/passes.h"

#include "jit/compile.h"
#include "jit/ranges.h"
#include "lib/string.h"

#define PAGE ((int32_t)BF_PAGE_SIZE)
#define TERMS 2
#define KEYS 64    /* forms that are followed from block to block */
#define FACTS 112  /* and in all in a block */
#define ROUNDS 8   /* after them, an interval that shrinks is given up */
#define FAR (1 << 29) /* displacements stay below, so that differences do not overflow */

/* The value that a register has at the block's start, or that the n-th operation writes to it, n from 1 on. */
#define SYMBOL(n, number) ((n) << 8 | (number))
#define SYMBOL_REGISTER(symbol) ((uint8_t)(symbol))
#define IS_FROM_START(symbol) ((symbol) < SYMBOL(1u, 0))

struct term {
    uint32_t symbol, factor; /* both 0 for none */
};

/* Terms are sorted, the largest symbol first. */
struct form {
    struct term terms[TERMS];
    uint32_t number;
};

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
    uint32_t end;   /* the first address behind the arena, and the page behind it when that is not mapped */
    uint32_t slack; /* of them, bytes behind the arena */
    struct fact *keys;       /* their terms, over registers at a block's start; good: displacements that are of interest */
    uint32_t key_count, collected;
    struct interval *known; /* by block and key, at the block's start */
    bool *reached, *changed; /* by block */
    uint32_t round;
    struct form *forms; /* by register, in the block that is looked at */
    struct fact *facts; /* there; the first ones are those of the keys */
    uint32_t fact_count;
    uint8_t *proven; /* by word; 0 while it is not known */
};

static bool is_same(const struct term *a, const struct term *b)
{
    for (unsigned i = 0; i < TERMS; i++)
        if (a[i].symbol != b[i].symbol || a[i].factor != b[i].factor)
            return false;
    return true;
}

/* False when there are too many terms. */
static bool add_term(struct form *form, struct term term)
{
    struct term *terms = form->terms;
    for (unsigned i = 0; i < TERMS; i++) {
        if (terms[i].factor == 0 || terms[i].symbol != term.symbol)
            continue;
        terms[i].factor += term.factor;
        if (terms[i].factor)
            return true;
        memmove(terms + i, terms + i + 1, (TERMS - 1 - i) * sizeof *terms);
        terms[TERMS - 1] = (struct term){0};
        return true;
    }
    if (term.factor == 0)
        return true;
    if (terms[TERMS - 1].factor)
        return false;
    unsigned i = TERMS - 1;
    for (; i && (terms[i - 1].factor == 0 || terms[i - 1].symbol < term.symbol); i--)
        terms[i] = terms[i - 1];
    terms[i] = term;
    return true;
}

/* Adds a multiple of another form. */
static bool add_form(struct form *form, const struct form *other, uint32_t factor)
{
    form->number += other->number * factor;
    for (unsigned i = 0; i < TERMS; i++) {
        struct term term = {other->terms[i].symbol, other->terms[i].factor * factor};
        if (!add_term(form, term))
            return false;
    }
    return true;
}

/* The form of what an operation writes, or of the address that it accesses. False when it has none. */
static bool form_of(const struct anchors *s, const jit_word *words, struct form *form)
{
    uint32_t first = words[0], a = 0, b = 0; /* factors of the registers */
    uint8_t op = (uint8_t)first;
    int32_t number = (int8_t)jit_slot(first, 2);
    *form = (struct form){0};
    if (jit_ops[op].tail == BF_TAIL_ADDRESS) {
        a = (words[1] & BF_ADDRESS_BASE) != 0;
        b = words[1] & BF_ADDRESS_INDEX ? 1u << (words[1] >> BF_ADDRESS_SCALE_SHIFT & 3) : 0;
        form->number = (uint32_t)((int32_t)words[1] >> BF_ADDRESS_DISPLACEMENT_SHIFT);
    } else if (jit_access_size(op)) {
        a = 1;
        form->number = (uint32_t)number * jit_access_size(op);
    } else {
        switch (op) {
        case BF_OP_MOVE_I32:
        case BF_OP_CHECK_IMM32:
            a = 1;
            break;
        case BF_OP_CONST_I32_16:
            form->number = (uint32_t)(int16_t)jit_wide(first);
            break;
        case BF_OP_CONST_I32:
            form->number = words[1];
            break;
        case BF_OP_ADD_I32:
            a = b = 1;
            break;
        case BF_OP_SUB_I32:
            a = 1;
            b = UINT32_MAX;
            break;
        case BF_OP_ADD_I32_IMM8:
            a = 1;
            form->number = (uint32_t)number;
            break;
        case BF_OP_ADD_I32_IMM32:
            a = 1;
            form->number = words[1];
            break;
        case BF_OP_SHL_I32_IMM8:
            a = 1u << (number & 31);
            break;
        case BF_OP_MUL_I32_IMM8:
            a = (uint32_t)number;
            break;
        case BF_OP_MUL_I32_IMM32:
            a = words[1];
            break;
        default:
            return false;
        }
    }
    unsigned place = op == BF_OP_CHECK_IMM32 ? 0 : 1;
    return (!a || add_form(form, &s->forms[jit_slot(first, place)], a)) &&
           (!b || add_form(form, &s->forms[jit_slot(first, 2)], b));
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
    for (unsigned i = 0; i < TERMS && largest < s->end; i++)
        if (terms[i].factor)
            largest += (uint64_t)terms[i].factor * s->ranges[SYMBOL_REGISTER(terms[i].symbol)];
    if (largest >= s->end)
        return nothing;
    return (struct interval){(int32_t)BF_ARENA_START - PAGE, (int32_t)(s->end - 1 - (uint32_t)largest)};
}

static struct fact *find(struct fact *facts, uint32_t count, const struct term *terms)
{
    for (; count; count--, facts++)
        if (is_same(facts->terms, terms))
            return facts;
    return 0;
}

/* Whether an access of so many bytes is good; it has succeeded afterwards. */
static bool access(struct anchors *s, const struct form *form, uint32_t size)
{
    if (!is_near(form->number) || size > s->end)
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
    for (uint32_t at = s->starts[block]; at < s->starts[block + 1];) {
        const jit_word *words = s->body->words + at;
        uint8_t op = (uint8_t)words[0];
        struct form form;
        bool has_form = form_of(s, words, &form);
        count++;
        if (has_form && jit_access_size(op)) {
            bool is_good = access(s, &form, jit_access_size(op));
            if (s->proven && is_good)
                s->proven[at] = JIT_PROVEN;
        } else if (has_form && op == BF_OP_CHECK_IMM32 && words[1]) {
            access(s, &form, words[1]);
        }
        uint8_t d = jit_written(s->program, words);
        if (d < registers) {
            s->forms[d] = (struct form){{{SYMBOL(count, d), 1}}, 0};
            if (has_form && !jit_access_size(op))
                s->forms[d] = form;
        }
        at += jit_length(s->program, words[0]);
    }
}

/* What is known of a key where the block ends. */
static struct interval known_behind(struct anchors *s, uint32_t key)
{
    struct form form = {0};
    for (unsigned i = 0; i < TERMS; i++) {
        struct term term = s->keys[key].terms[i];
        if (term.factor && !add_form(&form, &s->forms[term.symbol], term.factor))
            return nothing;
    }
    const struct fact *fact = &s->facts[key];
    if (!is_same(fact->terms, form.terms))
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

/* What is known of a key where a branch goes to one of its targets: a register that is at most another is in its range. */
static struct interval known_there(struct anchors *s, const jit_word *branch, unsigned place, uint32_t key)
{
    uint8_t op = (uint8_t)branch[0], a = jit_slot(branch[0], 1), b = jit_slot(branch[0], 2);
    uint32_t range = s->ranges[a];
    if (op < BF_OP_BRANCH_I32 || op > BF_OP_BRANCH_I32_IMM32)
        return nothing;
    uint32_t bound = op == BF_OP_BRANCH_I32 ? s->ranges[b] : op == BF_OP_BRANCH_I32_IMM8 ? (uint32_t)(int8_t)b : branch[1];
    s->ranges[a] = jit_range_if(jit_slot(branch[0], 0) ^ place, range, bound);
    struct interval good = s->ranges[a] < range ? good_by_range(s, s->keys[key].terms) : nothing;
    s->ranges[a] = range;
    return intersection(good, s->keys[key].good);
}

/* To a block where a key has this interval at the end of one that goes on there. */
static void flow_to(struct anchors *s, uint32_t block, uint32_t key, struct interval good)
{
    struct interval *known = &s->known[block * s->key_count + key];
    if (s->reached[block])
        good = intersection(*known, good);
    if (good.low == known->low && good.high == known->high)
        return;
    *known = s->round < ROUNDS ? good : nothing;
    s->changed[block] = true;
}

static void flow_from(struct anchors *s, uint32_t block)
{
    uint32_t last = s->starts[block];
    while (!jit_ends_block((uint8_t)s->body->words[last]))
        last += jit_length(s->program, s->body->words[last]);
    const jit_word *end = s->body->words + last;
    uint32_t targets = jit_target_count(end);
    for (uint32_t key = 0; key < s->key_count && targets; key++) {
        struct interval good = known_behind(s, key);
        for (uint32_t i = 0; i < targets; i++)
            flow_to(s, jit_target(end, i), key, hull(good, known_there(s, end, i, key)));
    }
    for (uint32_t i = 0; i < targets; i++) {
        uint32_t block = jit_target(end, i);
        s->changed[block] |= !s->reached[block];
        s->reached[block] = true;
    }
}

/* Keys are what accesses use of registers as they are at the start of a block. */
static void collect_keys(struct anchors *s)
{
    for (uint32_t block = 0; block < s->body->block_count; block++) {
        walk(s, block);
        for (struct fact *fact = s->facts; fact < s->facts + s->fact_count; fact++) {
            struct fact *key = find(s->keys, s->collected, fact->terms);
            if (!IS_FROM_START(fact->terms[0].symbol) || !fact->terms[0].factor || (!key && s->collected == KEYS))
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
    s->reached[block] = s->changed[block] = true;
    for (uint32_t key = 0; key < s->key_count; key++)
        s->known[block * s->key_count + key] = nothing;
}

static void flow(struct anchors *s)
{
    enter(s, 0);
    if (s->body->entry_block != JIT_NO_BLOCK)
        enter(s, jit_entry_for(s->body, s->body->entry_block));
    for (bool again = true; again; s->round++) {
        again = false;
        for (uint32_t i = 0; i < s->body->block_count; i++) {
            if (!s->changed[i])
                continue;
            s->changed[i] = false;
            again = true;
            walk(s, i);
            flow_from(s, i);
        }
    }
}

bool jit_anchors(const struct jit_program *program, const struct jit_environment *environment, struct jit_work *work,
                 struct jit_body *body)
{
    struct anchors s = {
        .program = program,
        .body = body,
        .starts = jit_block_starts(program, work, body),
        .ranges = jit_ranges(program, work, body),
        .slack = environment->is_guarded ? PAGE : 0,
        .keys = jit_take(work, KEYS * sizeof *s.keys),
        .forms = jit_take(work, (BF_MAX_REGISTERS + 1) * sizeof *s.forms),
        .facts = jit_take(work, FACTS * sizeof *s.facts),
        .reached = jit_take(work, body->block_count * sizeof *s.reached),
        .changed = jit_take(work, body->block_count * sizeof *s.changed),
    };
    s.end = program->header->arena_size + s.slack;
    if (!s.starts || !s.ranges || !s.keys || !s.forms || !s.facts || !s.reached || !s.changed)
        return false;
    collect_keys(&s);
    while (!jit_is_affordable(work, body->block_count * s.key_count * sizeof *s.known))
        s.key_count--;
    s.known = jit_take(work, body->block_count * s.key_count * sizeof *s.known);
    uint8_t *proven = jit_take(work, body->word_count);
    if (!s.known || !proven)
        return false;
    flow(&s);
    s.proven = proven;
    for (uint32_t i = 0; i < body->block_count; i++)
        if (s.reached[i])
            walk(&s, i);
    body->facts = proven;
    return true;
}
