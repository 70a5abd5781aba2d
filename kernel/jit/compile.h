/*
 * From a verified program to machine code, one function at a time.
 *
 * Code runs as module code. The arena lies at a fixed address, the page in front of its first valid byte is not mapped,
 * so that addresses from 0 to BF_ARENA_START - 1 fault by themselves; every other address is compared with the arena's
 * end, unless a pass has found that this is not needed. Where the arena ends with a page, the page behind it is not mapped
 * either. What may not go on runs into an exception - divide error, breakpoint, page fault - and jit_locate tells from
 * the address of the code which operation that is. No table is needed for it: compiling again gives the same code.
 *
 * Calls: arguments on the stack, the first lowest, removed by the caller; all other registers may change. Results come in
 * eax, edx:eax or xmm0. Those of helpers come as C has them, floats in st(0); and they keep what C functions keep.
 */
#pragma once
#include "jit/passes.h"

/* What running code changes. Module memory, out of the program's reach. */
struct jit_state {
    uint32_t calls_left; /* nested calls that may still be made */
    uint32_t stack;      /* address in the arena of the running function's frame */
    uint32_t heap;       /* address in the arena of the next allocation */
    uint32_t helper_esp; /* stack pointer when a helper was last called: the word below is its return address */
    uint32_t arena;      /* where address 0 of the arena is */
    uint32_t arena_size;
    uint32_t heap_end;
    uint32_t result[2];
    uint32_t arguments[2 * BF_MAX_PARAMETERS]; /* of the entry, as they are passed */
};

/* Of one function: both count down. Module memory, too. */
struct jit_counter {
    uint32_t calls;
    uint32_t back_edges; /* jumps back to the head of a loop */
};

/* Where code finds what is not in it. Addresses of this machine. */
struct jit_environment {
    uint32_t arena;     /* of address 0 in the arena */
    uint32_t state;     /* a struct jit_state */
    uint32_t functions; /* address of each function's code */
    uint32_t entries;   /* the program's, aligned */
    bool counts_calls;  /* nested calls may be more than there may be: functions count them */
    bool is_guarded;    /* the BF_PAGE_SIZE bytes behind the arena fault, too */
    uint32_t counters;  /* a struct jit_counter for each function */
    bool promotes;      /* code below the last level tells when a counter reaches zero: see count.h */
};

/* The code of one function: where it is to stand, and the addresses of its SWITCH operations. */
struct jit_unit {
    uint8_t *code; /* buffer */
    uint32_t capacity;
    uint32_t size;       /* bytes emitted, more than the capacity when they did not fit */
    uint32_t *switches;  /* where to write the block offsets that become addresses, 0 for nowhere */
    uint32_t switches_at; /* where the code will find them */
    uint32_t entry_at;    /* offset of the code for the body's entry_block, set by jit_compile */
};

/* Whether no chain of calls is longer than the program says, whatever it does. `depths` are zeros, one a function. */
bool jit_has_bounded_depth(const struct jit_program *program, uint16_t *depths);

/* Memory that compiling a function takes at most, in bytes. */
uint32_t jit_work_bytes(const struct jit_program *program, uint32_t function, unsigned level);

/* Words of addresses for the SWITCH operations of a body. */
uint32_t jit_switch_words(const struct jit_program *program, const struct jit_body *body);

/* Compiles a body, which jit_transform has made for the same level, of 0 to JIT_LEVELS - 1. Switch words are offsets from
 * the start of the code. False when memory is short. */
bool jit_compile(const struct jit_program *program, const struct jit_environment *environment,
                 const struct jit_body *body, unsigned level, struct jit_work *work, struct jit_unit *unit);

/* Code that calls the entry with the arguments in the state and leaves the result there, and in eax. */
void jit_compile_entry(const struct jit_program *program, const struct jit_environment *environment,
                       struct jit_unit *unit);

/* An operation. */
struct jit_place {
    uint32_t function, block, operation; /* from 0 */
    uint32_t word;                       /* of the function's code */
    uint32_t trap;                       /* BF_TRAP_*: what an exception there means */
};

/* The operation that the byte at this offset of the code of place->function, with this entry_block, belongs to. What comes
 * before the first belongs to it. False when memory is short. */
bool jit_locate(const struct jit_program *program, const struct jit_environment *environment, unsigned level,
                uint32_t entry_block, uint32_t offset, struct jit_work *work, const struct jit_unit *unit,
                struct jit_place *place);
