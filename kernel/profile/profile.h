/*
 * Function profiles of instrumented modules. Compilers call bf_probe_enter and bf_probe_leave, by way of the services
 * table, in each function; the records stand in BF_MEM_PROFILE, which the module may damage: nothing in it is trusted.
 * Cycles are those of the module alone: without interrupts and without the probes.
 */
#pragma once
#include <stdint.h>

#include "profile/statistics.h"

#define PROFILE_MAX_FUNCTIONS 256 /* a power of two */
#define PROFILE_MAX_DEPTH 1024 /* calls on the stack that are timed; those above them are only counted */
#define PROFILE_MAX_NODES 4096
#define PROFILE_MAX_NAME 127 /* characters that are kept of a function's name */

struct function_profile {
    const char *name;
    uint32_t calls;              /* each one, also those that were never left */
    uint64_t self_cycles;        /* without the functions it calls */
    struct statistics inclusive; /* one value for each call that ended and is not below a call of the same function */
};

/* A place in the tree of calls: `function`, called from the function of node `parent`. */
struct call_node {
    uint16_t parent;   /* index; its own for a root */
    uint16_t function; /* index into functions */
    uint32_t calls;
    uint64_t self_cycles;
};

/* All calls of functions together are those of nodes and `dropped`. */
struct module_profile {
    uint32_t function_count;
    struct function_profile *functions;
    uint32_t node_count;
    struct call_node *nodes; /* a parent stands before its children */
    uint32_t dropped;        /* calls without a node of their own: their cycles are with their caller's node */
};

/* Measures what a pair of probes costs. Once, after the timer is set up. */
void profile_init(void);

/* Cycles of a pair outside its own measuring: what the function measured would see of it, and what its caller would. */
uint64_t profile_probe_inner(void);
uint64_t profile_probe_outer(void);

struct bf_native_function;

/*
 * Before the first call of a module. `functions`, in the order of their offsets, and their NUL-terminated names stand
 * in the file's code at `code`, both checked; they stay there until profile_finish. Without room on the heap, or with
 * more than PROFILE_MAX_FUNCTIONS, nothing is recorded, and profile_finish returns 0.
 */
void profile_start(const uint8_t *code, const struct bf_native_function *functions, uint32_t count);

/* Before each call: nothing of an interrupted call before it counts as being on the stack. */
void profile_begin_call(void);

/* Of `cycles` that the call since profile_begin_call took, those that were not spent on probes. */
uint64_t profile_without_probes(uint64_t cycles);

/* Copies what was recorded to the kernel heap; 0 when there is no room. profile_release gives it back. */
struct module_profile *profile_finish(void);
void profile_release(struct module_profile *profile);
