/* What became of the functions of a program that ran. */
#pragma once
#include <stdint.h>

struct jit_loaded;

struct jit_function_summary {
    const char *name; /* "" for none */
    uint32_t number;
    uint32_t level;      /* of its code in the end */
    uint64_t calls;      /* each one */
    uint32_t code_bytes; /* of its code in the end */
    uint64_t compile_cycles; /* of that code */
    uint64_t cycles_before;  /* of a call of the entry with this function at level 0; 0 when it was not measured */
    uint64_t cycles_after;   /* of one with all code as it is in the end; 0 with the former */
};

/* Of calls of the entry that returned; 0 without one. */
struct jit_call_cycles {
    uint64_t first, last, total;
};

struct jit_summary {
    struct jit_call_cycles cycles;
    uint32_t count;
    struct jit_function_summary functions[]; /* those that were called, in the order of their numbers; then the names */
};

/* On the kernel's heap, to be freed by kernel_free; 0 when there is no room. No call may be running. */
struct jit_summary *jit_summarise(struct jit_loaded *loaded, const struct jit_call_cycles *cycles);
