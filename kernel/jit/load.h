/*
 * Pattern programs in memory: their code in the pools, their arena and state in the module arena. One program has the
 * arena at a time.
 */
#pragma once
#include "jit/compile.h"

struct jit_function {
    uint8_t *code;      /* in the code pool */
    uint32_t size;      /* bytes */
    uint32_t *switches; /* in the data pool, 0 without SWITCH */
};

struct jit_loaded {
    struct jit_program program;
    struct jit_environment environment;
    struct jit_function *functions; /* in the metadata pool */
    struct jit_function entry;      /* code that calls the entry: uint32_t (void) */
    uint32_t *addresses;            /* in the data pool: where the code of each function is */
    jit_entry *entries;             /* in the data pool, 0 without tables */
    uint32_t code_bytes;            /* of all functions */
};

/* Compiles a program, which jit_verify let pass and which stays where it is, and sets up its arena. Returns 0, or why
 * not; then nothing is taken. */
const char *jit_load(struct jit_loaded *loaded, const struct jit_program *program);

/* Gives back what jit_load took. */
void jit_unload(struct jit_loaded *loaded);

/* Sets up a call of the entry, whose arguments are 32-bit words, as many as the signature takes; missing ones are 0. */
void jit_prepare(const struct jit_loaded *loaded, const uint32_t *arguments, uint32_t count);

/* What the entry returned. */
uint64_t jit_result(const struct jit_loaded *loaded);

/* The operation that a byte of code belongs to; of a helper's code, the one that called it. False when the address is not
 * the program's, or memory is short. */
bool jit_find(const struct jit_loaded *loaded, uint32_t address, struct jit_place *place);
