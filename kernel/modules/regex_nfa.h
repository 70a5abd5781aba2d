/*
 * The first half of regex_dfa.c, which alone includes it: from a pattern to a nondeterministic automaton
 * (Thompson's construction, by recursive descent).
 *
 * Syntax, as in POSIX and Python: literals, `.` (all but a newline), `[a-z_]`, `[^a-z]`, `*`, `+`, `?`, `|`, `( )`,
 * and `\` before a character that stands for itself. Characters are 7-bit ASCII.
 */
#ifndef REGEX_NFA_H
#define REGEX_NFA_H

#include "module.h"

enum { CHARACTERS = 128, MAX_NFA_STATES = 64 };

enum { SPLIT, ONE_OF, ACCEPT }; /* kinds of state */
enum { NONE = 0xFF };           /* no successor, no such state */

struct nfa_state {
    uint8_t kind;
    uint8_t next;                      /* SPLIT: without input; ONE_OF: after a character of the set */
    uint8_t other;                     /* SPLIT: second successor, or NONE */
    uint32_t members[CHARACTERS / 32]; /* ONE_OF: bit c % 32 of word c / 32 stands for character c */
};

static struct nfa_state nfa[MAX_NFA_STATES];
static uint8_t nfa_count;

/* A part of the automaton: entered at `start`, left through `next` of `end`, which is still to be set. */
struct fragment {
    uint8_t start, end;
};

struct parser {
    const char *rest; /* of the pattern */
    int failed;       /* malformed, or more than MAX_NFA_STATES states */
};

/* When there is no room the last state is used again: a wrong automaton, but `failed` says so. */
static uint8_t add_nfa_state(struct parser *parser, uint8_t kind, uint8_t next, uint8_t other)
{
    if (nfa_count == MAX_NFA_STATES) {
        parser->failed = 1;
        nfa_count--;
    }
    nfa[nfa_count].kind = kind;
    nfa[nfa_count].next = next;
    nfa[nfa_count].other = other;
    for (int i = 0; i < CHARACTERS / 32; i++)
        nfa[nfa_count].members[i] = 0;
    return nfa_count++;
}

static void add_members(uint8_t state, unsigned first, unsigned last)
{
    for (unsigned c = first; c <= last && c < CHARACTERS; c++)
        nfa[state].members[c / 32] |= 1u << c % 32;
}

static void complement_members(uint8_t state)
{
    for (int i = 0; i < CHARACTERS / 32; i++)
        nfa[state].members[i] = ~nfa[state].members[i];
}

/* Reads one character that stands for itself. */
static unsigned parse_character(struct parser *parser)
{
    if (*parser->rest == '\\')
        parser->rest++;
    if (*parser->rest == '\0') {
        parser->failed = 1;
        return 0;
    }
    return (unsigned char)*parser->rest++;
}

/* Reads a class behind its opening bracket, up to and including the closing one. */
static void parse_class(struct parser *parser, uint8_t state)
{
    int negated = *parser->rest == '^';

    parser->rest += negated;
    do {
        unsigned first = parse_character(parser);
        unsigned last = first;

        if (parser->rest[0] == '-' && parser->rest[1] != ']') {
            parser->rest++;
            last = parse_character(parser);
        }
        add_members(state, first, last);
    } while (*parser->rest != ']' && !parser->failed);
    parser->rest += !parser->failed;
    if (negated)
        complement_members(state);
}

static struct fragment parse_alternatives(struct parser *parser);

static struct fragment parse_atom(struct parser *parser)
{
    if (*parser->rest == '(') {
        parser->rest++;
        struct fragment group = parse_alternatives(parser);

        if (*parser->rest == ')')
            parser->rest++;
        else
            parser->failed = 1;
        return group;
    }

    uint8_t state = add_nfa_state(parser, ONE_OF, NONE, NONE);

    switch (*parser->rest) {
    case '[':
        parser->rest++;
        parse_class(parser, state);
        break;
    case '.':
        parser->rest++;
        add_members(state, '\n', '\n');
        complement_members(state);
        break;
    case '*':
    case '+':
    case '?':
        parser->failed = 1; /* nothing to repeat */
        break;
    default: {
        unsigned c = parse_character(parser);

        add_members(state, c, c);
    }
    }
    return (struct fragment){state, state};
}

static struct fragment parse_repetition(struct parser *parser)
{
    struct fragment part = parse_atom(parser);

    for (; !parser->failed; parser->rest++) {
        uint8_t split, join;

        switch (*parser->rest) {
        case '*':
            split = add_nfa_state(parser, SPLIT, NONE, part.start);
            nfa[part.end].next = split;
            part = (struct fragment){split, split};
            break;
        case '+':
            split = add_nfa_state(parser, SPLIT, NONE, part.start);
            nfa[part.end].next = split;
            part.end = split;
            break;
        case '?':
            join = add_nfa_state(parser, SPLIT, NONE, NONE);
            nfa[part.end].next = join;
            part.start = add_nfa_state(parser, SPLIT, join, part.start);
            part.end = join;
            break;
        default:
            return part;
        }
    }
    return part;
}

static struct fragment parse_sequence(struct parser *parser)
{
    uint8_t empty = add_nfa_state(parser, SPLIT, NONE, NONE);
    struct fragment sequence = {empty, empty};

    while (*parser->rest != '\0' && *parser->rest != '|' && *parser->rest != ')' && !parser->failed) {
        struct fragment part = parse_repetition(parser);

        nfa[sequence.end].next = part.start;
        sequence.end = part.end;
    }
    return sequence;
}

static struct fragment parse_alternatives(struct parser *parser)
{
    struct fragment all = parse_sequence(parser);

    while (*parser->rest == '|' && !parser->failed) {
        parser->rest++;
        struct fragment one = parse_sequence(parser);
        uint8_t join = add_nfa_state(parser, SPLIT, NONE, NONE);

        nfa[all.end].next = join;
        nfa[one.end].next = join;
        all.start = add_nfa_state(parser, SPLIT, all.start, one.start);
        all.end = join;
    }
    return all;
}

/* Builds the automaton from a whole pattern; its last state accepts. Returns the state to start in, or NONE when
 * the pattern is malformed or too large. */
static uint8_t build_nfa(const char *pattern)
{
    struct parser parser = {pattern, 0};

    nfa_count = 0;
    struct fragment whole = parse_alternatives(&parser);
    uint8_t accept = add_nfa_state(&parser, ACCEPT, NONE, NONE);

    nfa[whole.end].next = accept;
    return *parser.rest != '\0' || parser.failed ? NONE : whole.start;
}

#endif
