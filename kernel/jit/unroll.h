/* Between the files of the unroller. */
#pragma once
#include "jit/edit.h"

#define MOST_BLOCKS 4      /* of a loop */
#define MOST_OPERATIONS 64
#define COPIES 4
#define JIT_LONGEST 8      /* words of an operation of a loop, and more */

/* A loop without branches but the one that leaves it when a register that is counted up gets to a bound. */
struct loop {
    uint32_t blocks[MOST_BLOCKS], block_count;
    uint32_t operations[MOST_OPERATIONS], count; /* words of the operations, jumps left out */
    uint32_t leaves_at;                          /* in front of which of them the branch is */
    uint32_t branch;                             /* its word */
    uint32_t exit, next;                         /* where it goes to */
    uint8_t counter, bound;                      /* registers; bound is NO_REGISTER for a number */
    uint32_t number;
    int32_t step; /* of the counter, a power of two */
    uint32_t entry, entry_end; /* its new blocks; 0 when there are none */
};

/* A body, and where its blocks begin. */
struct blocks {
    const struct jit_program *program;
    const struct jit_body *body;
    const uint32_t *starts;
};

/* Whether a loop begins with the block `head`; sets all of *loop but its new blocks. */
bool loop_find(const struct blocks *b, uint32_t head, struct loop *loop);

bool loop_has(const struct loop *loop, uint32_t block);

/* What each round adds to a register if that is all that happens to it, or 0; then by the operation at *place. */
int32_t loop_step(const struct blocks *b, const struct loop *loop, uint8_t number, uint32_t *place);

/* Rounds that are put one behind the other. */
struct rounds {
    struct jit_edit *edit;
    const struct loop *loop;
    uint8_t *map;         /* by register: the one that holds its value now */
    uint32_t *delta;      /* by register: what is still to be added to it */
    int32_t *step;        /* by register: what a round adds to it, if that is all that changes it; else 0 */
    uint8_t *sum;         /* by register: the one that holds it with delta added, or NO_REGISTER */
    uint8_t *fresh;       /* by type: the next register that nothing uses yet */
    const uint8_t *fresh_end;
    uint32_t depth;
    bool failed;          /* no fresh register was left */
};

/* Puts all rounds of the loop's operations from `from` to `end`; the last one gives everything its own register back. */
void rounds_put(struct rounds *r, uint32_t round, uint32_t from, uint32_t end);

/* Where the loop is left in the last round: puts what gives all registers their own values. */
void rounds_settle(struct rounds *r);
