/*
 * Function profiles of instrumented modules. Compilers call bf_probe_enter and bf_probe_leave, by way of the services
 * table, in each function; the records stand in BF_MEM_PROFILE, which the module may damage: nothing in it is trusted.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "profile/statistics.h"

struct function_profile {
    const char *name;
    uint32_t calls;
    uint64_t self_cycles;        /* without the functions it calls and without the probes */
    struct statistics inclusive; /* one value for each call that is not below a call of the same function */
};

/* A place in the tree of calls: `function`, called from the function of node `parent`. */
struct call_node {
    uint16_t parent;   /* index; its own for a root */
    uint16_t function; /* index into functions */
    uint32_t calls;
    uint64_t self_cycles;
};

struct module_profile {
    uint32_t function_count;
    struct function_profile *functions;
    uint32_t node_count;
    struct call_node *nodes; /* a parent stands before its children */
    uint32_t dropped;        /* calls that found no room in the tree and count for their caller's node */
};

/* Measures what a pair of probes costs. Once, after the timer is set up. */
void profile_init(void);

/* Cycles of a pair: what the function measured sees of it, and what its caller sees. */
uint64_t profile_probe_inner(void);
uint64_t profile_probe_outer(void);

struct bf_native_function;

/* Before the first call of a module: `functions` and the text their names point into stand at `code`, checked. */
void profile_start(const uint8_t *code, const struct bf_native_function *functions, uint32_t count);

/* Before each call: nothing of an interrupted call before it counts as being on the stack. */
void profile_begin_call(void);

/* Copies what was recorded to the kernel heap; 0 when there is no room. profile_release gives it back. */
struct module_profile *profile_finish(void);
void profile_release(struct module_profile *profile);
