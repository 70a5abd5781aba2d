/*
 * Pattern programs in memory: their code in the pools, their arena and state in the module arena. One program has the
 * arena at a time.
 */
#pragma once
#include "jit/code.h"

/* How functions get from level to level. */
struct jit_policy {
    unsigned level;                    /* of all functions at first; of those that are not promoted, for ever */
    bool promotes;                     /* to level 3 in the end */
    uint32_t calls[JIT_LEVELS];        /* a function with that many calls has this level, by level; from 1 on */
    uint64_t back_edges[JIT_LEVELS];   /* or with that many jumps back */
};

struct jit_function {
    struct jit_code code;
    struct jit_counter set;  /* what its counters were set to last */
    uint64_t calls;          /* up to then; those in between are exact below 2^32 */
    uint64_t back_edges;     /* up to then; not counted at the last level */
    uint64_t compile_cycles; /* of the code it has now */
    bool is_stuck;           /* there is no room for better code */
};

/* Code that a frame on the stack may still be in, or that may have to be found. */
struct jit_retired {
    struct jit_retired *next;
    uint32_t function;
    struct jit_code code;
};

struct jit_loaded {
    struct jit_program program;
    struct jit_environment environment;
    struct jit_policy policy;
    struct jit_function *functions; /* in the metadata pool */
    struct jit_retired *retired;    /* in the metadata pool */
    struct jit_code entry;          /* code that calls the entry: uint32_t (void) */
    uint32_t *addresses;            /* in the data pool: where the code of each function is */
    jit_entry *entries;             /* in the data pool, 0 without tables */
};

/* Compiles a program, which jit_verify let pass and which stays where it is, and sets up its arena. Returns 0, or why
 * not; then nothing is taken. */
const char *jit_load(struct jit_loaded *loaded, const struct jit_program *program, const struct jit_policy *policy);

/* Makes the arena what it was when the program was loaded. No call may be running. */
void jit_set_up_arena(const struct jit_loaded *loaded);

/* Gives back what jit_load and jit_promote took. */
void jit_unload(struct jit_loaded *loaded);

/* Sets up a call of the entry, whose arguments are 32-bit words, as many as the signature takes; missing ones are 0. No
 * other call may be running. */
void jit_prepare(struct jit_loaded *loaded, const uint32_t *arguments, uint32_t count);

/* Bytes of code that all functions have now. */
uint32_t jit_code_bytes(const struct jit_loaded *loaded);

/* The operation that a byte of code belongs to; of a helper's code, the one that called it. False when the address is not
 * the program's, or memory is short. */
bool jit_find(const struct jit_loaded *loaded, uint32_t address, struct jit_place *place);
