/* What the probes record, in memory that the module may write too: whoever reads an index from it checks it. */
#pragma once
#include <stdint.h>

#include "bf_formats.h"
#include "profile/profile.h"

#define NO_NODE 0xffff /* instead of the index of a node */
#define NODE_SLOTS (2 * PROFILE_MAX_NODES)

struct function_record {
    uint32_t calls;
    uint32_t active; /* timed calls on the stack */
    uint64_t self_cycles;
    struct statistics inclusive;
};

/* A timed call on the stack. */
struct frame {
    uint16_t function;
    uint16_t node;    /* its cycles go there: NO_NODE for nowhere */
    uint32_t dropped; /* 1: the node is a caller's, as there was no room for another */
    uint64_t start;   /* by the module's clock */
    uint64_t callees; /* cycles of the functions it called */
};

struct records {
    uint64_t overhead; /* cycles spent on probes since the call of the module began */
    uint32_t depth;    /* calls on the stack, those that are only counted included */
    uint32_t node_count;
    struct function_record functions[PROFILE_MAX_FUNCTIONS];
    uint16_t slots[NODE_SLOTS];                /* hash table of nodes by parent and function: index + 1, 0 for none */
    struct call_node nodes[PROFILE_MAX_NODES]; /* the parent of a root is NO_NODE here */
    struct frame frames[PROFILE_MAX_DEPTH];
};

_Static_assert(sizeof(struct records) <= BF_MEM_PROFILE_SIZE, "the records do not fit");
_Static_assert(PROFILE_MAX_FUNCTIONS >= BF_NATIVE_FUNCTIONS_MAX, "a module may name more functions");
_Static_assert(PROFILE_MAX_NODES < NO_NODE, "a node needs 16 bits");

#define RECORDS ((struct records *)BF_MEM_PROFILE_START)

/* What the probes need to know, in memory that the module can only read. */
struct profile_setup {
    const uint32_t *starts; /* PROFILE_MAX_FUNCTIONS offsets in order, UINT32_MAX behind the last; 0: record nothing */
    uint32_t count;
    uint64_t inner, outer; /* cost of a pair of probes */
};

extern struct profile_setup profile_setup;
