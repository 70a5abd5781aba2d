/*
 * A regular expression matcher: pattern -> nondeterministic automaton (regex_nfa.h, which also names the syntax) ->
 * deterministic automaton (subset construction, each transition when it is first needed), run over a text.
 *
 * n is the number of passes. Pass i compiles pattern i (modulo their number) and scans the text from a generated
 * offset: at each position it takes the longest match and goes on behind it. Empty matches do not count.
 * The answer is a checksum of position and length of every match and of the number of matches of every pass.
 */
#include "module.h"
#include "regex_nfa.h"

enum { MAX_DFA_STATES = 48 };

static const char text[] =
    "At 7:45 the loader reads sector 0, finds 0x55aa at byte 510, and trusts it.\n"
    "Stage 2 starts at 0x7e00 and asks the firmware for memory: 639.5 KiB here, 127.25 MiB up there.\n"
    "Mail from anna@boot.example.org, 12:30: the fan is noisy, but the second disk passed 100 tests.\n"
    "Reading backwards is slower. Counting, sorting and mixing gained 3.75 percent; queueing lost 0.5.\n"
    "Reply to kernel@lab.example by 23:59, please quote line 0xc0de, and do not touch the old disk again.\n"
    "Later the compiler inlined the hot loop, the tester cheered, and the kernel booted in 88 ms.\n";

static const char *const patterns[] = {
    "[A-Z][a-z]+",                      /* words with a capital */
    "(0|[1-9][0-9]*)(\\.[0-9]+)?",      /* decimal numbers */
    "0x[0-9a-f]+",                      /* hexadecimal numbers */
    "[a-z]+(ing|ed|er)",                /* words with an ending */
    "[^ \n]+@[a-z]+(\\.[a-z]+)+",       /* mail addresses */
    "[0-9]?[0-9]:[0-9][0-9]",           /* times */
    "(a|e|i|o|u)(a|e|i|o|u)+",          /* groups of vowels */
    "the .*(disk|kernel)",              /* the longest such part of a line */
};

enum { PATTERN_COUNT = sizeof patterns / sizeof patterns[0] };

/* A set of nondeterministic states: bit s stands for state s. */
typedef uint64_t state_set;

enum { DEAD, START }; /* the first two states, always there */

static state_set dfa_set[MAX_DFA_STATES];
static uint8_t dfa_next[MAX_DFA_STATES][CHARACTERS]; /* NONE: not computed yet */
static uint8_t dfa_accepts[MAX_DFA_STATES];
static uint8_t dfa_count;

/* Adds a state and every other that it leads to without input. */
static void add_reachable(state_set *set, uint8_t state)
{
    /* Each state is expanded once: it takes one entry off and puts at most two on. */
    uint8_t waiting[MAX_NFA_STATES + 1];
    unsigned count = 0;

    waiting[count++] = state;
    while (count > 0) {
        uint8_t s = waiting[--count];
        state_set bit = (state_set)1 << s;

        if (*set & bit)
            continue;
        *set |= bit;
        if (nfa[s].kind != SPLIT)
            continue;
        waiting[count++] = nfa[s].next;
        if (nfa[s].other != NONE)
            waiting[count++] = nfa[s].other;
    }
}

static uint8_t add_dfa_state(state_set set)
{
    for (int c = 0; c < CHARACTERS; c++)
        dfa_next[dfa_count][c] = NONE;
    dfa_set[dfa_count] = set;
    dfa_accepts[dfa_count] = set >> (nfa_count - 1) & 1; /* the last state of the other automaton */
    return dfa_count++;
}

/* Builds the automaton; returns 0 when the pattern is malformed or too large. */
static int compile(const char *pattern)
{
    uint8_t start = build_nfa(pattern);
    state_set start_set = 0;

    if (start == NONE)
        return 0;
    add_reachable(&start_set, start);
    dfa_count = 0;
    add_dfa_state(0);
    add_dfa_state(start_set);
    return 1;
}

/* The set reached from a set by one character. */
static state_set move(state_set from, unsigned c)
{
    state_set to = 0;

    for (int s = 0; from != 0; s++, from >>= 1)
        if ((from & 1) && nfa[s].kind == ONE_OF && (nfa[s].members[c / 32] >> c % 32 & 1))
            add_reachable(&to, nfa[s].next);
    return to;
}

static uint8_t advance(uint8_t from, unsigned c)
{
    if (dfa_next[from][c] != NONE)
        return dfa_next[from][c];

    state_set set = move(dfa_set[from], c);
    uint8_t to = 0;

    while (to < dfa_count && dfa_set[to] != set)
        to++;
    if (to == MAX_DFA_STATES) {
        /* Full: forget all but the first two states, and with them every transition into the others. `from` may
         * be one of them, so this transition is not kept either. */
        state_set start = dfa_set[START];

        dfa_count = 0;
        add_dfa_state(0);
        add_dfa_state(start);
        return add_dfa_state(set);
    }
    if (to == dfa_count)
        add_dfa_state(set);
    return dfa_next[from][c] = to;
}

/* The length of the longest match that starts at the first character; 0 when there is none. */
static uint32_t match(const char *string)
{
    uint32_t longest = 0;
    uint8_t state = START;

    for (uint32_t length = 0; state != DEAD; length++) {
        if (dfa_accepts[state])
            longest = length;
        if (string[length] == '\0')
            break;
        state = advance(state, (unsigned char)string[length] % CHARACTERS);
    }
    return longest;
}

static uint32_t scan(uint32_t offset, uint32_t checksum)
{
    uint32_t count = 0;

    while (text[offset] != '\0') {
        uint32_t length = match(text + offset);

        if (length == 0) {
            offset++;
            continue;
        }
        count++;
        checksum = mix(mix(checksum, offset), length);
        offset += length;
    }
    return mix(checksum, count);
}

uint32_t regex_dfa_main(uint32_t n)
{
    uint32_t random = n;
    uint32_t checksum = 0;

    for (uint32_t pass = 0; pass < n; pass++) {
        uint32_t offset = next_random(&random) % 64;

        if (!compile(patterns[pass % PATTERN_COUNT]))
            return 0; /* not the known answer; every pattern above is well formed */
        checksum = scan(offset, checksum);
    }
    return checksum;
}
