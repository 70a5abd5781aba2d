/*
 * Better code for functions that are often called, or loop for long. Compiling takes place while the program stands still
 * in VECTOR_PROMOTE: the new code is published by one store to the table of addresses; frames of the old one go on in it,
 * so that it is kept until the entry has returned.
 */
#pragma once
#include "jit/load.h"

/* What became of a counter that reached zero. */
struct jit_swap {
    uint32_t function;
    uint32_t block;       /* the head of the loop whose counter it was, JIT_NO_BLOCK of calls */
    unsigned level;       /* of the code made, or that was to be made */
    uint64_t calls;       /* of the function so far, the one that is about to begin included */
    uint64_t back_edges;
    uint32_t code_bytes;
    uint64_t compile_cycles;
    const char *problem;  /* why the function stays at its level until retired code is freed; 0 when it does not */
};

/* Handles a counter that reached zero, of calls or, at the head of the loop `block`, of jumps back; JIT_NO_BLOCK for
 * calls. Returns the address where the function goes on, 0 for where it is, and sets *swap; its level is that of the old
 * code when there was nothing to do. */
uint32_t jit_promote(struct jit_loaded *loaded, uint32_t function, uint32_t block, struct jit_swap *swap);

/* Sets the counters of a function that has just got its code, or its calls are to be known. */
void jit_count_on(struct jit_loaded *loaded, uint32_t function);

/* Frees retired code; there may then be room for what there was none for. No call may be running. */
void jit_free_retired(struct jit_loaded *loaded);
